//! Scores that owners ask for, once the pool has its model.
//!
//! Each request goes its own way, in three steps: the server scores the rows, the owners who are asked switch the
//! scores to the key of the one who asks, and that owner reads them. What is wrong with one request does not hold up
//! others.

use anyhow::Result;
use serde::{Deserialize, Serialize};
use volley_program::{BadInput, OrBadInput};

use super::folder::SERVER;
use super::protocol::Awaited;
use super::session::Session;
use super::switching;

/// `score-00001.json`: what an owner asks for. It is sent after the rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Rows that are to be scored.
    pub(super) rows: usize,
    /// The owners who switch the scores.
    pub(super) owners: Vec<String>,
}

/// A request of an owner.
#[derive(Debug)]
pub(super) struct Request {
    /// Who asks.
    pub(super) asker: String,
    /// From 1.
    number: usize,
}

/// What is to be done next for a request.
enum Step {
    Score,
    Switch,
    Read,
}

impl Request {
    /// The next request of an owner: what a killed program left of one does not count.
    pub(super) fn new(session: &Session, asker: &str) -> Self {
        let mut request = Self { asker: asker.to_owned(), number: 1 };
        let taken = |request: &Self| {
            [request.rows_file(), request.file()].iter().any(|file| session.folder.has(asker, file))
        };
        while taken(&request) {
            request.number += 1;
        }
        request
    }

    /// All requests.
    fn all(session: &Session) -> Result<Vec<Self>, BadInput> {
        let mut requests = Vec::new();
        for asker in &session.invitation.members {
            for number in session.folder.numbers(asker, "score-", ".json")? {
                let request = Self { asker: asker.clone(), number };
                // A number that is written otherwise is no request.
                if session.folder.has(asker, &request.file()) {
                    requests.push(request);
                }
            }
        }
        Ok(requests)
    }

    /// What was asked for.
    pub(super) fn file(&self) -> String {
        format!("score-{:05}.json", self.number)
    }

    /// The encrypted rows.
    pub(super) fn rows_file(&self) -> String {
        format!("score-{:05}-rows.vly", self.number)
    }

    /// The scores that the server sends.
    pub(super) fn scores_file(&self) -> String {
        format!("scores-{}-{:05}.vly", self.asker, self.number)
    }

    /// The shares that an owner sends.
    pub(super) fn switching_file(&self) -> String {
        format!("switching-{}-{:05}.vly", self.asker, self.number)
    }

    /// What the owner who asked keeps.
    pub(super) fn predictions_file(&self) -> String {
        format!("predictions-{:05}.csv", self.number)
    }

    /// What was asked for, and the places of the owners who switch.
    pub(super) fn read(&self, session: &Session) -> Result<(Asked, Vec<usize>), BadInput> {
        let file = session.folder.sent(&self.asker, &self.file());
        let asked: Asked = session.folder.read_text(&self.asker, &self.file())?;
        let owners = asked.owners(session).at(&file)?;
        Ok((asked, owners))
    }

    /// What is to be done next, and by whom; none where all is done that this party sees.
    fn next(&self, session: &Session) -> Result<Option<(Step, Vec<String>)>, BadInput> {
        let folder = &session.folder;
        let (asked, _) = self.read(session)?;
        if !folder.has(SERVER, &self.scores_file()) {
            return Ok(Some((Step::Score, vec![SERVER.to_owned()])));
        }
        let mut missing = asked.owners;
        missing.retain(|owner| !folder.has(owner, &self.switching_file()));
        if !missing.is_empty() {
            return Ok(Some((Step::Switch, missing)));
        }
        let unread = self.asker == session.name() && !folder.keeps(&self.predictions_file());
        Ok(unread.then(|| (Step::Read, vec![self.asker.clone()])))
    }

    /// Does what is due.
    fn advance(&self, session: &Session, done: &mut Vec<String>) -> Result<()> {
        while let Some((step, parties)) = self.next(session)? {
            if !parties.iter().any(|party| party == session.name()) {
                break;
            }
            match step {
                Step::Score => switching::score(session, self)?,
                Step::Switch => switching::switch(session, self)?,
                Step::Read => switching::read(session, self)?,
            }
            done.push(step.name(self));
        }
        Ok(())
    }
}

impl Asked {
    /// The places of the owners who switch: all, or as many as the threshold says. Refuses other owners, and more rows
    /// than the pool was planned for.
    pub(super) fn owners(&self, session: &Session) -> Result<Vec<usize>, BadInput> {
        let invitation = &session.invitation;
        let most = invitation.settings.predict;
        if !(1..=most).contains(&self.rows) {
            let problem = format!("scores of {} rows, and the pool was planned for 1 to {most}", self.rows);
            return Err(BadInput::new(problem));
        }
        let places = self.owners.iter().map(|name| invitation.member(name));
        let mut places = places.collect::<Result<Vec<_>, _>>()?;
        places.sort_unstable();
        places.dedup();
        let needed = invitation.threshold.unwrap_or(invitation.members.len());
        if [places.len(), self.owners.len()] == [needed; 2] {
            return Ok(places);
        }
        let found = self.owners.join(", ");
        Err(BadInput::new(format_args!("{needed} owners decrypt scores, and these are named: {found}")))
    }
}

impl Step {
    fn name(&self, request: &Request) -> String {
        let Request { asker, number } = request;
        match self {
            Self::Score => format!("scores {number} of {asker}"),
            Self::Switch => format!("switching of scores {number} of {asker}"),
            Self::Read => format!("predictions {number}"),
        }
    }
}

/// Does what is due for all requests, and returns the steps that were done. The first failure is returned when the
/// other requests had their turn.
pub(super) fn advance(session: &Session) -> Result<Vec<String>> {
    let mut done = Vec::new();
    let mut failure = None;
    for request in Request::all(session)? {
        let failed = request.advance(session, &mut done).err();
        failure = failure.or(failed);
    }
    failure.map_or(Ok(done), Err)
}

/// Who is waited for in each request.
pub(super) fn awaited(session: &Session) -> Result<Vec<Awaited>, BadInput> {
    let mut awaited = Vec::new();
    for request in Request::all(session)? {
        if let Some((step, from)) = request.next(session)? {
            awaited.push(Awaited { step: step.name(&request), from });
        }
    }
    Ok(awaited)
}
