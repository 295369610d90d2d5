//! `volley pool score`: an owner asks for scores of rows, which nobody else sees.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use volley_program::{BadInput, Machine};

use super::model;
use super::next::{self, Progress};
use super::protocol;
use super::request::{Asked, Request};
use super::session::Session;
use super::{keys, switching};
use crate::output::Output;
use crate::tables::TableSource;

/// Ask for the classes of rows: they are scored encrypted, and nobody else reads the scores
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley pool score east/ new.csv     the owner east asks
  volley pool next DIR                by everyone: the server scores, the owners switch the scores to east's key
  … east/private/predictions-00001.csv

Takes a pool that was planned for it (`volley pool init --predict ROWS`) and has opened its model. Each request has a
number of its own. The ciphertexts of scores that the owners decrypt were planned, and each takes some of them.")]
pub(crate) struct Options {
    /// Folder of this owner
    folder: PathBuf,
    /// Rows of the pool's features; their labels are not looked at
    table: PathBuf,
    /// The owners who decrypt, as many as the threshold says [default: those who opened the model]
    #[arg(long, value_delimiter = ',', value_name = "NAMES")]
    by: Vec<String>,
    #[command(flatten)]
    source: TableSource,
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let session = Session::open(&options.folder, Machine::default(), None)?;
    ask(options, &session)?;
    let done = next::advance(&session)?;
    output.result(&Progress::of(&session, done)?)
}

fn ask(options: &Options, session: &Session) -> Result<(), BadInput> {
    let (owner, invitation) = (session.owner()?, &session.invitation);
    let _lock = session.folder.lock(session.name())?;
    keys::check_confirmed(session)?;
    if invitation.settings.predict == 0 {
        let problem =
            "this pool was planned without scores: `volley pool init --predict ROWS` plans for them";
        return Err(BadInput::at(&options.folder, problem));
    }
    if !protocol::awaited(session).is_empty() {
        let problem = "the pool has not opened its model: `volley pool next` says who is waited for";
        return Err(BadInput::at(&options.folder, problem));
    }
    let features = owner.read_unlabelled(&options.table, &options.source, &invitation.columns)?;
    let owners = if options.by.is_empty() {
        model::openers(session)?.into_iter().map(|member| invitation.members[member].clone()).collect()
    } else {
        options.by.clone()
    };
    let asked = Asked { rows: features.nrows(), owners };
    asked.owners(session)?;
    switching::ask(session, &Request::new(session, session.name()), &asked, &features)
}
