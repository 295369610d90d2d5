//! What the owner uploads: in memory, or in files where the plan reads rows in every iteration.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context as _, Result};
use rand::CryptoRng;
use tempfile::TempDir;
use volley_mlr::volley_ckks::{Context, Evaluator, SeededCiphertext};
use volley_mlr::wire::RowFiles;
use volley_mlr::{
    EncryptedDataset, EncryptedGroups, Job, Owner, Plan, RowPreparation, RowStorage, StoredRows, Trainer,
};

/// Size of the buffers of files.
const BUFFER_BYTES: usize = 1 << 18;

/// The encrypted rows with 1/B.
pub(super) enum Upload {
    Memory(EncryptedDataset),
    Disk {
        job: Job,
        preconditioner: Vec<SeededCiphertext>,
        /// The files of rows; they are removed with it.
        folder: TempDir,
    },
}

impl Upload {
    pub(super) fn encrypt(owner: &Owner, plan: &Arc<Plan>, rng: &mut impl CryptoRng) -> Result<Self> {
        if plan.storage() == RowStorage::Memory {
            return Ok(Self::Memory(owner.encrypt(rng)?));
        }
        let job = Job::new(Arc::clone(plan), owner.key_id(), rng)?;
        let (encryption, folder) = (owner.encryption()?, TempDir::new()?);
        let preconditioner = encryption.preconditioner(rng)?;
        for file in 0..plan.row_files() {
            let rows = encryption.groups(plan.row_file_groups(file), rng)?;
            let path = path(folder.path(), file);
            let mut out = BufWriter::with_capacity(BUFFER_BYTES, File::create(&path)?);
            rows.write(&job, &mut out).with_context(|| path.display().to_string())?;
            out.flush()?;
        }
        Ok(Self::Disk { job, preconditioner, folder })
    }

    /// The trainer of these rows.
    pub(super) fn trainer(
        &self,
        evaluator: &Arc<Evaluator>,
        plan: &Plan,
        context: &Arc<Context>,
    ) -> Result<Trainer<Evaluator>> {
        match self {
            Self::Memory(dataset) => Ok(Trainer::new(evaluator, plan, dataset.expand(context)?)?),
            Self::Disk { job, preconditioner, folder } => {
                let blocks = preconditioner.iter().map(|block| block.expand(context));
                let preparation = RowPreparation::new(evaluator, plan, blocks.collect::<Result<_, _>>()?)?;
                let (job, folder) = (job.clone(), folder.path().to_owned());
                let read = {
                    let context = Arc::clone(context);
                    move |file| read(&job, &context, &folder, file)
                };
                let files = RowFiles::new(plan, context, (0..plan.row_files()).collect(), read);
                let rows = StoredRows::new(preparation, std::iter::once(0..plan.layout().groups()), files)?;
                Ok(Trainer::from_rows(evaluator, plan, Box::new(rows))?)
            }
        }
    }
}

fn path(folder: &Path, file: usize) -> PathBuf {
    folder.join(format!("rows-{file}"))
}

fn read(
    job: &Job,
    context: &Context,
    folder: &Path,
    file: usize,
) -> Result<EncryptedGroups<SeededCiphertext>> {
    let input = BufReader::with_capacity(BUFFER_BYTES, File::open(path(folder, file))?);
    Ok(EncryptedGroups::read(job, context, file, input, job.plan().row_file_bytes(file))?)
}
