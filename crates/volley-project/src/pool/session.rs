//! One party at work: its folder, and what the pool has agreed on so far.

use std::cell::{OnceCell, RefCell, RefMut};
use std::fmt::{self, Display};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use ndarray::Array2;
use rand_core::CryptoRng;
use volley_data::TableModel;
use volley_mlr::pool::PoolPlan;
use volley_mlr::volley_ckks::costs::CostModel;
use volley_program::{BadInput, Machine};

use super::agreed::{Agreed, JOB};
use super::agreement::{Invitation, PoolSettings};
use super::folder::{Incoming, PoolFolder};
use super::key_costs::{self, StepCost};
use super::party::{Owner, Party};
use super::protocol::{self, Awaited};
use super::request::{Asked, Request};
use super::{Result, keys, model, requests, switching};
use crate::observer::Observer;
use crate::tables::TableSource;

/// What a party works with.
pub struct Workplace {
    /// What it may take of its machine.
    pub machine: Machine,
    /// Whoever waits for its work.
    pub observer: Box<dyn Observer>,
    /// What its secrets are drawn from.
    pub rng: Box<dyn CryptoRng>,
}

impl fmt::Debug for Workplace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workplace").field("machine", &self.machine).finish_non_exhaustive()
    }
}

/// A party at work.
pub struct Session {
    pub(super) folder: PoolFolder,
    pub(super) party: Party,
    /// The owner who invited the others.
    pub(super) host: String,
    pub(super) invitation: Invitation,
    /// The fingerprint that the owner confirms with this call.
    pub(super) confirms: Option<String>,
    pub(super) machine: Machine,
    pub(super) observer: Box<dyn Observer>,
    rng: RefCell<Box<dyn CryptoRng>>,
    agreed: OnceCell<Agreed>,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("folder", &self.folder).finish_non_exhaustive()
    }
}

/// What is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outlook {
    /// Nobody where the pool has done its work.
    pub awaited: Vec<Awaited>,
    /// To be compared by the owners, where this owner has not confirmed it.
    pub fingerprint: Option<String>,
}

impl Session {
    /// Opens the folder of a party. An owner confirms a fingerprint that it has compared with the others.
    ///
    /// # Errors
    ///
    /// For a folder of no party, and one without the invitation.
    pub fn open(root: &Path, workplace: Workplace, confirms: Option<String>) -> Result<Self, BadInput> {
        let folder = PoolFolder::open(root)?;
        let party = Party::of(&folder)?;
        let (host, invitation) = Invitation::find(&folder)?;
        let Workplace { machine, observer, rng } = workplace;
        let (rng, agreed) = (rng.into(), OnceCell::new());
        Ok(Self { folder, party, host, invitation, confirms, machine, observer, rng, agreed })
    }

    /// Does all that is due, while no other program is at work in the folder, and returns the steps that were done.
    ///
    /// # Errors
    ///
    /// Those of the steps, and where a fingerprint is confirmed that is another one or is not there yet.
    pub fn advance(&self) -> Result<Vec<String>> {
        let _lock = self.folder.lock(self.name())?;
        keys::check_confirmed(self)?;
        let mut done = protocol::advance(self)?;
        if protocol::awaited(self).is_empty() {
            done.extend(requests::advance(self)?);
        }
        if self.confirms.is_some() && !self.folder.keeps(keys::CONFIRMED) {
            let problem = "there is no fingerprint yet: not all commitments have arrived";
            return Err(BadInput::new(problem).into());
        }
        Ok(done)
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
        let fingerprint = unconfirmed.then(|| keys::fingerprint(self)).transpose()?;
        Ok(Outlook { awaited, fingerprint })
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

    /// Where the folder is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// The owners, in their order.
    #[must_use]
    pub fn members(&self) -> &[String] {
        &self.invitation.members
    }

    /// How many of them decrypt the model; all where there is none.
    #[must_use]
    pub fn threshold(&self) -> Option<usize> {
        self.invitation.threshold
    }

    /// How the pool trains.
    #[must_use]
    pub fn settings(&self) -> &PoolSettings {
        &self.invitation.settings
    }

    /// The plan, once there is one.
    ///
    /// # Errors
    ///
    /// For a plan that is not what was agreed on.
    pub fn plan(&self) -> Result<Option<&PoolPlan>, BadInput> {
        let planned = self.folder.has(&self.host, JOB);
        planned.then(|| Ok(self.agreed()?.plan())).transpose()
    }

    /// What each step that makes keys takes, and has taken in this folder, once there is a plan.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan).
    pub fn key_costs(&self, core: &CostModel) -> Result<Vec<StepCost>, BadInput> {
        key_costs::of(&self.agreed()?.pool, &self.folder, core)
    }

    /// The model, once this owner has it.
    ///
    /// # Errors
    ///
    /// For a file that is no model.
    pub fn model(&self) -> Result<Option<TableModel>, BadInput> {
        model::kept(&self.folder)
    }

    /// The files of classes and scores that this owner has got so far, in the order of its requests.
    ///
    /// # Errors
    ///
    /// What the file system refuses.
    pub fn predictions(&self) -> Result<Vec<PathBuf>, BadInput> {
        requests::kept(self)
    }

    pub(super) fn during<T>(&self, phase: &'static str, run: impl FnOnce() -> T) -> T {
        self.observer.during(phase, run)
    }

    /// What secrets are drawn from.
    pub(super) fn rng(&self) -> RefMut<'_, Box<dyn CryptoRng>> {
        self.rng.borrow_mut()
    }

    /// The name by which this party sends.
    #[must_use]
    pub fn name(&self) -> &str {
        self.party.name()
    }

    pub(super) fn owner(&self) -> Result<&Owner, BadInput> {
        match &self.party {
            Party::Owner(owner) => Ok(owner),
            Party::Server => Err(BadInput::new("this is the server's folder, and the step is an owner's")),
        }
    }

    /// The place of this owner among the members.
    pub(super) fn me(&self) -> Result<usize, BadInput> {
        self.invitation.member(&self.owner()?.name)
    }

    /// The job and the pool, of which every party checks that they are what was agreed on.
    pub(super) fn agreed(&self) -> Result<&Agreed, BadInput> {
        if let Some(agreed) = self.agreed.get() {
            return Ok(agreed);
        }
        let agreed = self.during("planning", || Agreed::read(&self.folder, &self.host, &self.invitation))?;
        Ok(self.agreed.get_or_init(|| agreed))
    }

    /// Reads a file of each member, in their order.
    pub(super) fn read_all<T, E: Display>(
        &self,
        file: &str,
        read: impl Fn(usize, &mut Incoming) -> Result<T, E>,
    ) -> Result<Vec<T>, BadInput> {
        let one =
            |(member, name): (usize, &String)| self.folder.read(name, file, |input| read(member, input));
        self.invitation.members.iter().enumerate().map(one).collect()
    }

    /// Sends a file of this party.
    pub(super) fn send<E: Display>(
        &self,
        file: &str,
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
    ) -> Result<(), BadInput> {
        self.folder.send(self.name(), file, write)
    }
}
