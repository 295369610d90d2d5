//! `volley pool next`: a party does what is due.

use std::path::PathBuf;
use std::{fmt, fs};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_program::{BadInput, Machine};
use volley_project::pool::{self, Awaited, Session};

use super::workplace;
use crate::escaped::argument;
use crate::output::Output;

/// Do all that is due in a pool, and say who is waited for
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley pool next north/
  volley pool next north/ --fingerprint \
      b5bb9d8014a0f9b1d61e21e796d78dccdf1352f23cd32812f4850b878ae4944c
                             after all its digits were compared with the other owners
  volley pool next server/ --leave-training
  mpirun -n 4 volley train --mpi server/private/job
  volley pool next server/   the server's training on several machines

Run it again whenever files have arrived: it does what can be done and no step
twice, and where there is nothing to do it changes nothing. Killed at any
moment and run again it goes on.")]
pub(crate) struct Options {
    /// Folder of this party
    folder: PathBuf,
    /// The fingerprint that every owner sees, compared by another way than the exchange folder
    #[arg(long, value_name = "HEX")]
    fingerprint: Option<String>,
    /// Do all but the server's training: volley train does it in private/job of this folder, with --mpi on several
    /// machines, and the next call sends the model
    #[arg(long)]
    leave_training: bool,
    /// Send the rows though columns look unlike those of all owners, as in another unit
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    machine: Machine,
}

/// What helps where an owner is waited for that nobody can take the place of.
const OF_THE_CHOSEN: &str = "                 Nobody can take the place of an owner who was chosen.
                 If one is gone for good, its folder as it was last goes on,
                 on any machine. Without it a new pool begins.
";

/// What was done, and what is waited for.
#[derive(Debug, Serialize)]
struct Progress {
    done: Vec<String>,
    #[serde(flatten)]
    outlook: Outlook,
}

/// What is waited for, and in which folder.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    folder: PathBuf,
    party: String,
    /// The folder that goes to all others.
    sends: PathBuf,
    /// Whether there is something in it.
    #[serde(skip)]
    has_sent: bool,
    /// What was put beside the folders of the parties, under a name that none has.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    strays: Vec<PathBuf>,
    awaited: Vec<Awaited>,
    /// The command that goes on.
    #[serde(skip)]
    again: String,
    /// The folder whose training is left to others, if it is due.
    #[serde(skip_serializing_if = "Option::is_none")]
    left_training: Option<PathBuf>,
    /// The model, once this owner has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    model: Option<PathBuf>,
    /// Classes and scores that this owner has got.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    predictions: Vec<PathBuf>,
    /// To be compared by the owners, where this owner has not confirmed it.
    #[serde(skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
}

impl Outlook {
    pub(super) fn of(session: &Session) -> Result<Self, BadInput> {
        let pool::Outlook { awaited, fingerprint } = session.outlook()?;
        let folder = session.root().to_owned();
        let option = if session.leaves_training() { " --leave-training" } else { "" };
        let again = format!("volley pool next {}{option}", argument(&folder));
        let left_training = session.left_training()?.map(|folder| folder.path().to_owned());
        let (model, predictions) = (session.model_file(), session.predictions()?);
        let (party, sends, strays) = (session.name().to_owned(), session.sends(), session.strays()?);
        let has_sent = fs::read_dir(&sends).is_ok_and(|mut files| files.next().is_some());
        Ok(Self {
            folder,
            party,
            sends,
            has_sent,
            strays,
            awaited,
            again,
            left_training,
            model,
            predictions,
            fingerprint,
        })
    }
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let party = &self.outlook.party;
        match &self.done[..] {
            [] => writeln!(f, "{party}: nothing was due")?,
            done => writeln!(f, "{party} has done: {}", done.join("; "))?,
        }
        self.outlook.write(f, !self.done.is_empty())
    }
}

impl fmt::Display for Outlook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write(f, true)
    }
}

impl Outlook {
    /// With what is sent, unless there is nothing new.
    fn write(&self, f: &mut fmt::Formatter<'_>, is_new: bool) -> fmt::Result {
        let again = &self.again;
        for stray in &self.strays {
            writeln!(f, "of nobody        {}: each party has one folder, of its name", stray.display())?;
        }
        if let Some(fingerprint) = &self.fingerprint {
            if is_new && self.has_sent {
                writeln!(f, "to all others    {}, under the same name", self.sends.display())?;
            }
            return write!(
                f,
                "fingerprint      {fingerprint}\n\nnext: compare it with every other owner, by telephone or on paper, \
                 and not by way of the exchange folder.\nIf all see the same: {again} --fingerprint {fingerprint}"
            );
        }
        for awaited in &self.awaited {
            writeln!(f, "waits for        {awaited}")?;
        }
        if self.awaited.iter().any(|awaited| awaited.is_for_the_chosen) {
            f.write_str(OF_THE_CHOSEN)?;
        }
        if let Some(model) = &self.model {
            writeln!(f, "model            {}", model.display())?;
        }
        for predictions in &self.predictions {
            writeln!(f, "predictions      {}", predictions.display())?;
        }
        if let Some(training) = &self.left_training {
            let training = argument(training);
            return write!(
                f,
                "\nnext: mpirun volley train --mpi {training}, or volley train {training};\nwhen it has ended: {again}"
            );
        }
        match (&self.awaited[..], &self.model) {
            ([], Some(model)) => {
                write!(f, "the pool has done its work\n\nnext: volley evaluate {} TABLE", argument(model))
            }
            ([], None) => f.write_str("the pool has done its work"),
            _ if self.awaited.iter().any(|awaited| awaited.from.contains(&self.party)) => {
                write!(f, "\nnext: {again}")
            }
            _ if !is_new || !self.has_sent => {
                write!(f, "\nnext: when their files have arrived: {again}")
            }
            _ => write!(
                f,
                "\nnext: {} goes to all others, under the same name;\nwhen their files have arrived: {again}",
                self.sends.display()
            ),
        }
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    options.machine.start_threads()?;
    let workplace = workplace(options.machine)?;
    let session = Session::open(&options.folder, workplace, options.fingerprint.clone())?;
    let session = if options.leave_training { session.leaving_training()? } else { session };
    let session = if options.force { session.sending_unlike_rows() } else { session };
    advance(&session, None, output)
}

/// Does what is due, and shows it after what was done before.
pub(super) fn advance(session: &Session, before: Option<&str>, output: Output) -> Result<()> {
    let mut done: Vec<_> = before.map(str::to_owned).into_iter().collect();
    done.extend(session.advance()?);
    output.result(&Progress { done, outlook: Outlook::of(session)? })
}
