//! `volley encrypt-rows`: rows to be predicted by a model that stays encrypted.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use volley_program::OrBadInput;
use volley_program::units::{counted, show_bytes};
use volley_project::output::check_output;
use volley_project::{Project, TableSource};

use crate::console::Console;
use crate::output::Output;
use crate::passphrase::PassphraseSource;

/// Encrypted prediction, step 1, owner: encrypt rows
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley encrypt-rows digits rows.csv -o rows.vly          the owner
  volley score upload rows.vly -o scores.vly               the server, where it trained
  volley decrypt-scores digits scores.vly                  the owner

Takes a training of two iterations or more: for a single one the server has
not all keys that prediction takes. The project keeps the hash of the rows, by
which decrypt-scores knows their scores.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// Rows of the training's features; their labels are not looked at
    data: PathBuf,
    #[command(flatten)]
    table: TableSource,
    /// Where to write the encrypted rows
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    #[command(flatten)]
    source: PassphraseSource,
    /// Replace the output if it exists
    #[arg(long)]
    force: bool,
}

/// The rows that were encrypted.
#[derive(Debug, Serialize)]
struct Encrypted {
    file: PathBuf,
    rows: usize,
    ciphertexts: usize,
    bytes: u64,
}

impl fmt::Display for Encrypted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, bytes) = (self.file.display(), show_bytes(self.bytes));
        let (rows, ciphertexts) = (counted(self.rows, "row"), counted(self.ciphertexts, "ciphertext"));
        write!(f, "{file}: {rows} in {ciphertexts}, {bytes}")
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let (data, target) = (&options.data, &options.output);
    check_output(target, &[data], options.force)?;
    let console = Console::default();
    let table = options.table.or_format(project.table()?);
    let job = project.job()?;
    let features = table.read_features(data, &project.schema(&job)?, &console)?;
    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    let passphrase = || options.source.open();
    let (plan, unlike) = project
        .encrypt_rows(&features, target, options.force, passphrase, &mut rng, &console)
        .map_err(|failure| failure.blaming(data))?;
    unlike.note(data, &console);
    output.result(&Encrypted {
        file: target.clone(),
        rows: features.nrows(),
        ciphertexts: plan.upload().ciphertexts,
        bytes: target.metadata().at(target)?.len(),
    })
}
