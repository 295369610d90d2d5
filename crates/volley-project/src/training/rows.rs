//! Rows of an upload, for the trainer.

use std::sync::Arc;

use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator, SeededCiphertext};
use volley_mlr::wire::{RowFiles, RowRecord, read_preconditioner};
use volley_mlr::{EncryptedGroups, Job, ResidentRows, RowPreparation, RowStorage, Rows, StoredRows};
use volley_program::{BadInput, OrBadInput};

use super::Rank;
use super::groups::Groups;
use crate::failure::Failure;
use crate::files::{buffered, open_received};
use crate::job_folder::JobFolder;
use crate::observer::files_of_rows;

/// The rows of some groups of a job, in memory or in their files. Those that go to memory are read file by file.
///
/// # Errors
///
/// [`Failure::Input`] for files that are damaged or of another job, and [`Failure::Interrupted`].
pub(super) fn open_rows(
    rank: &Rank<'_>,
    evaluator: &Arc<Evaluator>,
    groups: &Groups,
    storage: RowStorage,
) -> Result<Box<dyn Rows<Ciphertext>>, Failure> {
    let open =
        if rank.job.is_pooled() { open_in_form::<Ciphertext> } else { open_in_form::<SeededCiphertext> };
    open(rank, evaluator, groups, storage)
}

fn open_in_form<C: RowRecord>(
    rank: &Rank<'_>,
    evaluator: &Arc<Evaluator>,
    groups: &Groups,
    storage: RowStorage,
) -> Result<Box<dyn Rows<Ciphertext>>, Failure> {
    let Rank { folder, job, context, observer, .. } = rank;
    let plan = job.plan();
    let file = folder.preconditioner_file();
    let blocks: Vec<C> =
        read_preconditioner(job, context, folder.open(&file)?, plan.preconditioner_bytes()).at(&file)?;
    let blocks = blocks.iter().map(|block| block.expanded(context)).collect::<Result<_, _>>().at(&file)?;
    let preparation = RowPreparation::new(evaluator, plan, blocks)?;
    let (ranges, files) = (groups.ranges().to_vec(), groups.files(plan));
    let count = observer.counts("set-up", files.len(), files_of_rows(files.len()));
    match storage {
        RowStorage::Disk => {
            let (folder, job, of_reader) = ((*folder).clone(), (*job).clone(), Arc::clone(context));
            let of_file = move |file| read_file::<C>(&folder, &job, &of_reader, file);
            let files = RowFiles::new(plan, context, files, of_file);
            Ok(Box::new(StoredRows::new(preparation, ranges, files)?))
        }
        RowStorage::Memory => {
            let (mut features, mut labels) = (Vec::new(), Vec::new());
            for (read, (file, piece)) in groups.by_file(plan).into_iter().enumerate() {
                count.set(read);
                observer.check()?;
                let of_file = read_file::<C>(folder, job, context, file)?;
                let first = of_file.range().start;
                for group in of_file.groups.into_iter().skip(piece.start - first).take(piece.len()) {
                    let group = group.expand(context)?;
                    features.push(group.features);
                    labels.extend(group.labels);
                }
            }
            Ok(Box::new(ResidentRows::new(&preparation, ranges, features, labels)?))
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
