//! The protocol of a pool: what is done in which order, by whom, and what it leaves.

use std::fmt;

use super::Result;
use crate::job_folder::row_file_name;
use serde::Serialize;
use volley_mlr::pool::Round;

use super::agreed::JOB;
use super::agreement::JOIN;
use super::folder::SERVER;
use super::score_key::{self, SCORE_KEY};
use super::session::Session;
use super::statistics::{opening_file, sums_file};
use super::{key_costs, keys, membership, model, planning, rows, statistics, training};

use By::{Askers, Chooser, Fitters, Host, Openers, Owners, Quorum, Server};
use Leaves::{Kept, Rows, Sent, SentToEach, Upload};

/// The step that the owner has to take part in.
pub(super) const CONFIRMATION: &str = "confirmation";

/// Steps in one row do not wait for each other. A row begins when all files of the rows before it are there.
#[rustfmt::skip]
pub(super) const PROTOCOL: &[&[Step]] = &[
    &[Step::of("join",                  Owners,  Sent(JOIN),                            membership::join)],
    &[Step::of("plan",                  Host,    Sent(JOB),                             planning::plan)],
    &[Step::of("commitment",            Owners,  Sent(keys::COMMITMENT),                keys::commit),
      Step::of("key of scores",         Askers,  Sent(SCORE_KEY),                       score_key::send)],
    &[Step::of(CONFIRMATION,            Owners,  Kept(keys::CONFIRMED),                 keys::confirm)],
    &[Step::of("keys, round 1",         Owners,  Sent(keys::ROUND_ONE),                 keys::round_one)],
    &[Step::of("keys, round 2",         Owners,  Sent(keys::ROUND_TWO),                 keys::round_two),
      Step::of("shares of secrets",     Owners,  SentToEach,                            keys::share_secret),
      Step::of("means",                 Fitters,  Sent(sums_file(Round::Means)),         statistics::send_means)],
    &[Step::of("evaluation keys",       Server,  Kept(keys::EVALUATION_KEYS),           keys::evaluation_keys),
      Step::of("opening of means",      Fitters,  Sent(opening_file(Round::Means)),      statistics::open_means)],
    &[Step::of("deviations",            Fitters,  Sent(sums_file(Round::Deviations)),    statistics::send_deviations)],
    &[Step::of("opening of deviations", Fitters,  Sent(opening_file(Round::Deviations)), statistics::open_deviations)],
    &[Step::of("covariance",            Fitters,  Sent(sums_file(Round::Covariance)),    statistics::send_covariance)],
    &[Step::of("opening of covariance", Fitters,  Sent(opening_file(Round::Covariance)), statistics::open_covariance)],
    &[Step::of("rows",                  Owners,  Rows,                                  rows::send),
      Step::of("preconditioner",        Host,    Sent(rows::PRECONDITIONER),            rows::send_preconditioner)],
    &[Step::of("files of the training", Server,  Upload,                                training::gather)],
    &[Step::of(training::TRAINING,      Server,  Sent(training::MODEL),                 training::train)],
    &[Step::of("readiness",             Quorum,  Sent(model::READY),                    model::be_ready)],
    &[Step::of("choice of owners",      Chooser, Sent(model::OPENERS),                  model::choose)],
    &[Step::of("opening of the model",  Openers, Sent(model::OPENING),                  model::open)],
    &[Step::of("model",                 Owners,  Kept(model::KEPT),                     model::keep)],
];

/// A step of the protocol.
pub(super) struct Step {
    pub(super) name: &'static str,
    by: By,
    leaves: Leaves,
    run: fn(&Session) -> Result<()>,
}

/// Who does a step.
#[derive(Clone, Copy)]
enum By {
    Owners,
    /// The owners, where they may ask for scores.
    Askers,
    /// The owners, where they fit what prepares the rows.
    Fitters,
    /// The owner who invited the others.
    Host,
    Server,
    /// As many owners as decrypt, whichever they are, in a pool with a threshold.
    Quorum,
    /// The server, in a pool with a threshold.
    Chooser,
    /// The owners who decrypt.
    Openers,
}

/// What is there when a step is done.
#[derive(Clone, Copy)]
enum Leaves {
    /// A file for everyone.
    Sent(&'static str),
    /// A file for each member, in a pool with a threshold.
    SentToEach,
    /// The files of an owner's rows.
    Rows,
    /// A private file, which nobody else waits for.
    Kept(&'static str),
    /// The files of an upload, which the server keeps.
    Upload,
}

/// Who is waited for, in which step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Awaited {
    /// The name of the step.
    pub step: String,
    /// Those who have not done it.
    pub from: Vec<String>,
    /// How many of them suffice, where not all are needed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suffice: Option<usize>,
    /// Whether they were chosen, and nobody else can do it.
    pub is_for_the_chosen: bool,
}

impl Awaited {
    /// All of them are waited for.
    pub(super) fn all(step: String, from: Vec<String>) -> Self {
        Self { step, from, suffice: None, is_for_the_chosen: false }
    }
}

impl fmt::Display for Awaited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(few) = self.suffice {
            write!(f, "{few} of ")?;
        }
        write!(f, "{}: {}", self.from.join(", "), self.step)
    }
}

impl Step {
    const fn of(name: &'static str, by: By, leaves: Leaves, run: fn(&Session) -> Result<()>) -> Self {
        Self { name, by, leaves, run }
    }

    fn parties<'s>(&self, session: &'s Session) -> Vec<&'s str> {
        let members = &session.invitation.members;
        let all = || members.iter().map(String::as_str).collect();
        match (self.by, session.invitation.threshold) {
            (Owners, _) | (Quorum, Some(_)) | (Openers, None) => all(),
            (Host, _) => vec![&session.host],
            (Server, _) | (Chooser, Some(_)) => vec![SERVER],
            (Fitters, _) if session.invitation.settings.statistics.is_none() => all(),
            (Askers, _) if session.invitation.settings.predict > 0 => all(),
            (Quorum | Chooser, None) | (Fitters | Askers, _) => Vec::new(),
            // Where the server's choice cannot be read, the step says why.
            (Openers, Some(_)) => match model::openers(session) {
                Ok(openers) => openers.into_iter().map(|member| members[member].as_str()).collect(),
                Err(_) => all(),
            },
        }
    }

    fn is_done(&self, session: &Session, party: &str) -> bool {
        let folder = &session.folder;
        match self.leaves {
            Sent(file) => folder.has(party, file),
            SentToEach => {
                let mut members = session.invitation.members.iter();
                session.invitation.threshold.is_none()
                    || members.all(|member| folder.has(party, &keys::share_for(member)))
            }
            Rows => session.agreed().is_ok_and(|agreed| {
                let plan = agreed.plan().plan();
                let has = |number| folder.has(party, &row_file_name(number));
                session.invitation.member(party).is_ok_and(|member| plan.row_files_of(member).all(has))
            }),
            Kept(file) => party != session.name() || folder.keeps(file),
            Upload => party != session.name() || training::is_gathered(session),
        }
    }

    /// Whether this party has to do it, once the steps before it are done.
    fn is_due(&self, session: &Session) -> bool {
        let me = session.name();
        self.parties(session).contains(&me) && !self.is_done(session, me)
    }

    fn awaited(&self, session: &Session) -> Awaited {
        let parties = self.parties(session).into_iter();
        let mut from: Vec<_> =
            parties.filter(|party| !self.is_done(session, party)).map(str::to_owned).collect();
        let (members, threshold) = (session.invitation.members.len(), session.invitation.threshold);
        let suffice = threshold.filter(|_| matches!(self.by, Quorum));
        let suffice = suffice.map(|needed| needed.saturating_sub(members - from.len()));
        if suffice == Some(0) {
            from.clear();
        }
        let is_for_the_chosen = matches!(self.by, Openers) && threshold.is_some();
        Awaited { step: self.name.to_owned(), from, suffice, is_for_the_chosen }
    }
}

/// Does what is due, row by row, and adds to the steps that were done.
pub(super) fn advance(session: &Session, done: &mut Vec<String>) -> Result<()> {
    for row in PROTOCOL {
        for step in row.iter().filter(|step| step.is_due(session)) {
            if step.name == training::TRAINING && session.left_training()?.is_some() {
                continue;
            }
            key_costs::noting(session, step.name, || (step.run)(session))?;
            if !step.is_due(session) {
                done.push(step.name.to_owned());
            }
        }
        if !awaited_in(row, session).is_empty() {
            break;
        }
    }
    Ok(())
}

/// Who is waited for in the first row that is not complete; nobody where the protocol has ended.
pub(super) fn awaited(session: &Session) -> Vec<Awaited> {
    let rows = PROTOCOL.iter().map(|row| awaited_in(row, session));
    rows.into_iter().find(|awaited| !awaited.is_empty()).unwrap_or_default()
}

fn awaited_in(row: &[Step], session: &Session) -> Vec<Awaited> {
    row.iter().map(|step| step.awaited(session)).filter(|awaited| !awaited.from.is_empty()).collect()
}
