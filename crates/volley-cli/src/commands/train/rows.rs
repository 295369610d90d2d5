//! The rows of an upload, for the trainer.

use std::sync::Arc;

use anyhow::Result;
use volley_mlr::volley_ckks::{Ciphertext, Context, Evaluator, SeededCiphertext};
use volley_mlr::wire::{RowFiles, RowRecord, read_preconditioner};
use volley_mlr::{EncryptedGroups, Job, ResidentRows, RowPreparation, RowStorage, Rows, StoredRows};
use volley_program::{BadInput, OrBadInput};
use volley_project::JobFolder;
use volley_project::files::{buffered, open_received};

use crate::console::{Progress, phase};
use crate::interrupt::Interrupt;

/// All rows, in memory or in their files; none if the program is to end before they are read.
pub(super) fn open(
    folder: &JobFolder,
    job: &Job,
    evaluator: &Arc<Evaluator>,
    storage: RowStorage,
    interrupt: &Interrupt,
) -> Result<Box<dyn Rows<Ciphertext>>> {
    if job.is_pooled() {
        open_in_form::<Ciphertext>(folder, job, evaluator, storage, interrupt)
    } else {
        open_in_form::<SeededCiphertext>(folder, job, evaluator, storage, interrupt)
    }
}

fn open_in_form<C: RowRecord>(
    folder: &JobFolder,
    job: &Job,
    evaluator: &Arc<Evaluator>,
    storage: RowStorage,
    interrupt: &Interrupt,
) -> Result<Box<dyn Rows<Ciphertext>>> {
    let (plan, context) = (job.plan(), evaluator.context());
    let file = folder.preconditioner_file();
    let blocks: Vec<C> =
        read_preconditioner(job, context, folder.open(&file)?, plan.preconditioner_bytes()).at(&file)?;
    let blocks = blocks.iter().map(|block| block.expanded(context)).collect::<Result<_, _>>().at(&file)?;
    let preparation = phase("set-up", || RowPreparation::new(evaluator, plan, blocks))?;
    let groups = 0..plan.layout().groups();
    match storage {
        RowStorage::Disk => {
            let (folder, job, of_reader) = (folder.clone(), job.clone(), Arc::clone(context));
            let read = move |file| read::<C>(&folder, &job, &of_reader, file);
            let files = RowFiles::new(plan, context, read);
            Ok(Box::new(StoredRows::new(preparation, groups, files)?))
        }
        RowStorage::Memory => {
            let bar = Progress::new("set-up", plan.row_files(), "files of rows");
            let (mut features, mut labels) = (Vec::new(), Vec::new());
            for file in 0..plan.row_files() {
                interrupt.check()?;
                for group in read::<C>(folder, job, context, file)?.groups {
                    let group = group.expand(context)?;
                    features.push(group.features);
                    labels.extend(group.labels);
                }
                bar.set(file + 1);
            }
            Ok(Box::new(ResidentRows::new(&preparation, groups, features, labels)?))
        }
    }
}

fn read<C: RowRecord>(
    folder: &JobFolder,
    job: &Job,
    context: &Context,
    file: usize,
) -> Result<EncryptedGroups<C>, BadInput> {
    let path = folder.row_file(file);
    let opened = buffered(open_received(&path)?);
    EncryptedGroups::read(job, context, file, opened, job.plan().row_file_bytes(file)).at(&path)
}
