//! What a party is asked to do, and what it has.

use std::path::{Path, PathBuf};

use ndarray::Array2;
use volley_data::TableModel;
use volley_program::BadInput;

use super::fingerprint::Fingerprint;
use super::protocol::{self, Awaited};
use super::request::{Asked, Request};
use super::session::Session;
use super::{Result, keys, membership, model, requests, switching};
use crate::tables::TableSource;

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Nobody where the pool has done its work.
    pub awaited: Vec<Awaited>,
    /// To be compared by the owners, where this owner has not confirmed it.
    pub fingerprint: Option<String>,
}

impl Session {
    /// Does all that is due, while no other program is at work in the folder, and returns the steps that were done.
    ///
    /// # Errors
    ///
    /// Those of the steps, and where a fingerprint is confirmed by the server, is another one, or is not there yet.
    pub fn advance(&self) -> Result<Vec<String>> {
        let mut done = Vec::new();
        let ended = self.advance_to(&mut done);
        if ended.is_err() && !done.is_empty() {
            let (name, done, sends) = (self.name(), done.join("; "), self.sends());
            let sends = sends.display();
            self.observer.note(format!(
                "{name} has done: {done}; what is new in {sends} goes to all others, under the same name"
            ));
        }
        ended.map(|()| done)
    }

    /// Does what is due, and adds to the steps that were done.
    fn advance_to(&self, done: &mut Vec<String>) -> Result<()> {
        let _lock = self.folder.lock(self.name())?;
        membership::check_own(self)?;
        if self.confirms.is_some() {
            self.owner()?;
        }
        keys::check_confirmed(self)?;
        protocol::advance(self, done)?;
        if protocol::awaited(self).is_empty() {
            requests::advance(self, done)?;
        }
        if self.confirms.is_some() && !self.folder.keeps(keys::CONFIRMED) {
            let problem = "there is no fingerprint yet: not all commitments have arrived";
            return Err(BadInput::new(problem).into());
        }
        Ok(())
    }

    /// Who is waited for.
    ///
    /// # Errors
    ///
    /// For files of others that are not what they should be.
    pub fn outlook(&self) -> Result<Outlook, BadInput> {
        let mut awaited = protocol::awaited(self);
        if awaited.is_empty() {
            awaited = requests::awaited(self)?;
        }
        let unconfirmed = awaited.iter().any(|awaited| awaited.step == protocol::CONFIRMATION);
        let fingerprint = unconfirmed.then(|| keys::fingerprint(self)).transpose()?.map(String::from);
        Ok(Outlook { awaited, fingerprint })
    }

    /// The fingerprint that this owner has confirmed.
    ///
    /// # Errors
    ///
    /// For a file of it that was changed.
    pub fn confirmed(&self) -> Result<Option<String>, BadInput> {
        Ok(self.folder.recall::<Fingerprint>(keys::CONFIRMED)?.map(String::from))
    }

    /// Reads rows to be scored from a table with the columns of the pool. Labels are not looked at.
    ///
    /// # Errors
    ///
    /// For a table without these columns, and the server.
    pub fn read_rows(&self, table: &Path, source: &TableSource) -> Result<Array2<f64>, BadInput> {
        self.owner()?.read_unlabelled(table, source, &self.invitation.columns, &*self.observer)
    }

    /// Asks for scores of rows, which nobody else will see. They are switched by these owners, as many as the
    /// threshold says; by default those who opened the model.
    ///
    /// # Errors
    ///
    /// In a pool that was not planned for so many scores, or has not opened its model, and for other owners.
    pub fn ask(&self, features: &Array2<f64>, by: &[String]) -> Result<(), BadInput> {
        let (_, invitation) = (self.owner()?, &self.invitation);
        let _lock = self.folder.lock(self.name())?;
        keys::check_confirmed(self)?;
        if invitation.settings.predict == 0 {
            let problem =
                "this pool was planned without scores: `volley pool init --predict ROWS` plans for them";
            return Err(BadInput::at(self.root(), problem));
        }
        if !protocol::awaited(self).is_empty() {
            let problem = "the pool has not opened its model: `volley pool next` says who is waited for";
            return Err(BadInput::at(self.root(), problem));
        }
        let owners = if by.is_empty() {
            model::openers(self)?.into_iter().map(|member| invitation.members[member].clone()).collect()
        } else {
            by.to_vec()
        };
        let asked = Asked { rows: features.nrows(), owners };
        asked.owners(self)?;
        switching::ask(self, &Request::new(self, self.name()), &asked, features)
    }

    /// The model, once this owner has it.
    ///
    /// # Errors
    ///
    /// For a file that is no model.
    pub fn model(&self) -> Result<Option<TableModel>, BadInput> {
        model::kept(&self.folder)
    }

    /// The file of the model, once this owner has it.
    #[must_use]
    pub fn model_file(&self) -> Option<PathBuf> {
        self.folder.keeps(model::KEPT).then(|| self.folder.kept(model::KEPT))
    }

    /// The files of classes and scores that this owner has got so far, in the order of its requests.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn predictions(&self) -> Result<Vec<PathBuf>, BadInput> {
        requests::kept(self)
    }
}
