//! The rows of an upload, for the trainer.

use std::sync::Arc;

use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator, SeededCiphertext};
use volley_mlr::wire::{RowFiles, RowRecord, read_preconditioner};
use volley_mlr::{EncryptedGroups, Job, ResidentRows, RowPreparation, RowStorage, Rows, StoredRows};
use volley_program::{BadInput, OrBadInput};

use crate::files::{buffered, open_received};
use crate::job_folder::JobFolder;

/// All rows of a job, in memory or in their files. Those that go to memory are read file by file, and `read` is told
/// how many are read. An error of it ends that.
///
/// # Errors
///
/// Those of `read`, and [`BadInput`] for files that are damaged or of another job.
pub fn open_rows<E: From<BadInput> + From<volley_mlr::Error>>(
    folder: &JobFolder,
    job: &Job,
    evaluator: &Arc<Evaluator>,
    storage: RowStorage,
    read: impl FnMut(usize) -> Result<(), E>,
) -> Result<Box<dyn Rows<Ciphertext>>, E> {
    if job.is_pooled() {
        open_in_form::<Ciphertext, E>(folder, job, evaluator, storage, read)
    } else {
        open_in_form::<SeededCiphertext, E>(folder, job, evaluator, storage, read)
    }
}

fn open_in_form<C: RowRecord, E: From<BadInput> + From<volley_mlr::Error>>(
    folder: &JobFolder,
    job: &Job,
    evaluator: &Arc<Evaluator>,
    storage: RowStorage,
    mut read: impl FnMut(usize) -> Result<(), E>,
) -> Result<Box<dyn Rows<Ciphertext>>, E> {
    let (plan, context) = (job.plan(), evaluator.context());
    let file = folder.preconditioner_file();
    let blocks: Vec<C> =
        read_preconditioner(job, context, folder.open(&file)?, plan.preconditioner_bytes()).at(&file)?;
    let blocks = blocks.iter().map(|block| block.expanded(context)).collect::<Result<_, _>>().at(&file)?;
    let preparation = RowPreparation::new(evaluator, plan, blocks)?;
    let groups = 0..plan.layout().groups();
    match storage {
        RowStorage::Disk => {
            let (folder, job, of_reader) = (folder.clone(), job.clone(), Arc::clone(context));
            let of_file = move |file| read_file::<C>(&folder, &job, &of_reader, file);
            let files = RowFiles::new(plan, context, of_file);
            Ok(Box::new(StoredRows::new(preparation, groups, files)?))
        }
        RowStorage::Memory => {
            let (mut features, mut labels) = (Vec::new(), Vec::new());
            read(0)?;
            for file in 0..plan.row_files() {
                for group in read_file::<C>(folder, job, context, file)?.groups {
                    let group = group.expand(context)?;
                    features.push(group.features);
                    labels.extend(group.labels);
                }
                read(file + 1)?;
            }
            Ok(Box::new(ResidentRows::new(&preparation, groups, features, labels)?))
        }
    }
}

fn read_file<C: RowRecord>(
    folder: &JobFolder,
    job: &Job,
    context: &Context,
    file: usize,
) -> Result<EncryptedGroups<C>, BadInput> {
    let path = folder.row_file(file);
    let opened = buffered(open_received(&path)?);
    EncryptedGroups::read(job, context, file, opened, job.plan().row_file_bytes(file)).at(&path)
}
