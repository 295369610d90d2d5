//! What an owner asks for: scores of rows, by a number of its own.

use serde::{Deserialize, Serialize};
use volley_program::{BadInput, OrBadInput};

use super::session::Session;
use super::text::Text;

/// `score-00001.json`: what an owner asks for. It is sent after the rows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Asked {
    /// Rows that are to be scored.
    pub(super) rows: usize,
    /// The owners who switch the scores.
    pub(super) owners: Vec<String>,
}

impl Text for Asked {}

/// A request of an owner.
#[derive(Debug)]
pub(super) struct Request {
    /// Who asks.
    pub(super) asker: String,
    /// From 1.
    pub(super) number: usize,
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
    pub(super) fn all(session: &Session) -> Result<Vec<Self>, BadInput> {
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
