//! `volley pool next`: a party does what is due.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_program::{BadInput, Machine};

use super::keys;
use super::protocol::{self, Awaited};
use super::requests;
use super::session::Session;
use crate::output::Output;

/// Do all that is due in a pool, and say who is waited for
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley pool next north/
  volley pool next north/ --fingerprint 3f…a0    after it was compared with the other owners

Run it again whenever files have arrived: it does what can be done and no step twice, and where there is nothing to do
it changes nothing. Killed at any moment and run again it goes on.")]
pub(crate) struct Options {
    /// Folder of this party
    folder: PathBuf,
    /// The fingerprint that every owner sees, compared by another way than the exchange folder
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    #[command(flatten)]
    machine: Machine,
}

/// What was done, and what is waited for.
#[derive(Debug, Serialize)]
pub(super) struct Progress {
    done: Vec<String>,
    #[serde(flatten)]
    outlook: Outlook,
}

/// What is waited for.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    folder: PathBuf,
    party: String,
    awaited: Vec<Awaited>,
    /// To be compared by the owners, where this owner has not confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

impl Progress {
    pub(super) fn of(session: &Session, done: Vec<String>) -> Result<Self, BadInput> {
        Ok(Self { done, outlook: Outlook::of(session)? })
    }
}

impl Outlook {
    pub(super) fn of(session: &Session) -> Result<Self, BadInput> {
        let mut awaited = protocol::awaited(session);
        if awaited.is_empty() {
            awaited = requests::awaited(session)?;
        }
        let unconfirmed = awaited.iter().any(|awaited| awaited.step == protocol::CONFIRMATION);
        let fingerprint = unconfirmed.then(|| keys::fingerprint(session)).transpose()?;
        let folder = session.folder.root().to_owned();
        Ok(Self { folder, party: session.name().to_owned(), awaited, fingerprint })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let party = &self.outlook.party;
        match &self.done[..] {
            [] => writeln!(f, "{party}: nothing was due")?,
            done => writeln!(f, "{party} has done: {}", done.join("; "))?,
        }
        self.outlook.fmt(f)
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let folder = self.folder.display();
        if let Some(fingerprint) = &self.fingerprint {
            return write!(
                f,
                "fingerprint      {fingerprint}\n\nnext: compare it with every other owner, by telephone or on paper, \
                 and not by way of the exchange folder.\nIf all see the same: volley pool next {folder} --fingerprint \
                 {fingerprint}"
            );
        }
        for Awaited { step, from } in &self.awaited {
            writeln!(f, "waits for        {}: {step}", from.join(", "))?;
        }
        match &self.awaited[..] {
            [] => f.write_str("the pool has done its work"),
            _ => write!(f, "\nnext, when files have arrived: volley pool next {folder}"),
        }
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    options.machine.start_threads()?;
    let session = Session::open(&options.folder, options.machine, options.fingerprint.clone())?;
    let done = advance(&session)?;
    if options.fingerprint.is_some() && !session.folder.keeps(keys::CONFIRMED) {
        return Err(BadInput::new("there is no fingerprint yet: not all commitments have arrived").into());
    }
    output.result(&Progress::of(&session, done)?)
}

/// Does what is due, while no other program is at work in the folder.
pub(super) fn advance(session: &Session) -> Result<Vec<String>> {
    let _lock = session.folder.lock(session.name())?;
    keys::check_confirmed(session)?;
    let mut done = protocol::advance(session)?;
    if protocol::awaited(session).is_empty() {
        done.extend(requests::advance(session)?);
    }
    Ok(done)
}
