//! `volley pool init`: one owner invites the others.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_data::composed;
use volley_program::units::parse_bytes;
use volley_program::{Iterations, Machine};
use volley_project::TableSource;
use volley_project::pool::{Owner, PoolSettings, Proposal, invite};

use super::next::advance;
use super::workplace;
use crate::output::Output;

/// Invite other owners to train one model, and make this owner's folder
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley pool init north/ --name north --table north.csv --members north,east,south --classes oak,elm

The other owners and the server get north/exchange, and begin with `volley
pool join`. The invitation has the names of the columns and of the classes,
and nothing of the rows.")]
pub(crate) struct Options {
    /// Folder to make
    folder: PathBuf,
    /// This owner's name among the members
    #[arg(long)]
    name: String,
    /// This owner's labelled rows, which never leave
    #[arg(long, value_name = "FILE")]
    table: PathBuf,
    /// Names of all owners, this one's too, in any order
    #[arg(long, value_delimiter = ',', required = true, value_name = "NAMES")]
    members: Vec<String>,
    /// So many owners are enough to decrypt the model, when the others are gone [default: all are needed]
    #[arg(long, value_name = "T")]
    threshold: Option<usize>,
    /// Names of all classes; no owner need have rows of each
    #[arg(long, value_delimiter = ',', required = true, value_name = "CLASSES")]
    classes: Vec<String>,
    /// Iterations of the training, or `auto`
    #[arg(long, value_name = "T", default_value_t = Iterations::Auto)]
    iterations: Iterations,
    /// What decryptions say of the owners' secrets is hidden within a distance of 2^-BITS, at least 40
    #[arg(long, value_name = "BITS", default_value_t = 40)]
    statistical_bits: u32,
    /// Most memory of the server that keys and ciphertexts may take, such as 4G [default: any]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
    /// Plan so that owners can ask for scores of rows that nobody else sees (`volley pool score`): one request of so
    /// many rows uses it up, and so do a few smaller ones
    #[arg(long, value_name = "ROWS", default_value_t = 0)]
    predict: usize,
    /// Prepare rows by these statistics, which all parties get, and not by the pool's own: the owner state of a
    /// training on other rows of the same columns and classes, private/owner-state.vly of its project
    #[arg(long, value_name = "FILE")]
    statistics: Option<PathBuf>,
    #[command(flatten)]
    source: TableSource,
}

/// Names in the form that tables are read in, without the spaces that stand around a comma.
fn trimmed(names: &[String]) -> Vec<String> {
    names.iter().map(|name| composed(name.trim()).into_owned()).collect()
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let owner = Owner::new(&options.name, &options.table, &options.source)?;
    let settings = PoolSettings {
        iterations: options.iterations.count(),
        statistical_bits: options.statistical_bits,
        memory: options.memory,
        predict: options.predict,
        statistics: None,
    };
    let proposal = Proposal {
        members: trimmed(&options.members),
        threshold: options.threshold,
        classes: trimmed(&options.classes),
        settings,
        statistics: options.statistics.clone(),
    };
    advance(&invite(&options.folder, owner, proposal, workplace(Machine::default())?)?, None, output)
}
