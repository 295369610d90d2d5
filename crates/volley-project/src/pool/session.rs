//! One party at work: its folder, and what the pool has agreed on so far.

use std::cell::{OnceCell, RefCell, RefMut};
use std::fmt::{self, Display};
use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use rand_core::CryptoRng;
use volley_mlr::pool::PoolPlan;
use volley_program::{BadInput, Machine, OrBadInput};

use super::agreed::{Agreed, JOB};
use super::agreement::{Invitation, PoolSettings};
use super::fingerprint::Fingerprint;
use super::folder::{Incoming, PoolFolder, SERVER, TRAINING_FOLDER, TRAINING_JOB};
use super::party::{Owner, Party};
use crate::job_folder::JobFolder;
use crate::observer::Observer;

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
    pub(super) confirms: Option<Fingerprint>,
    /// Whether others train.
    leaves_training: bool,
    /// Whether rows are sent of which some columns look unlike those of all owners.
    pub(super) sends_unlike_rows: bool,
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

impl Session {
    /// Opens the folder of a party. An owner confirms a fingerprint that it has compared with the others.
    ///
    /// # Errors
    ///
    /// For a folder of no party, one without the invitation, and what is no whole fingerprint.
    pub fn open(root: &Path, workplace: Workplace, confirms: Option<String>) -> Result<Self, BadInput> {
        let folder = PoolFolder::open(root)?;
        let confirms = confirms.map(Fingerprint::try_from).transpose()?;
        let party = Party::of(&folder)?;
        let (host, invitation) = Invitation::find(&folder)?;
        let Workplace { machine, observer, rng } = workplace;
        let (rng, agreed) = (rng.into(), OnceCell::new());
        let (leaves_training, sends_unlike_rows) = (false, false);
        Ok(Self {
            folder,
            party,
            host,
            invitation,
            confirms,
            leaves_training,
            sends_unlike_rows,
            machine,
            observer,
            rng,
            agreed,
        })
    }

    /// The same, but the server does not train: others do, in its [folder](Self::training_folder). A later session sends
    /// the model that they leave there.
    ///
    /// # Errors
    ///
    /// For an owner, who never trains.
    pub fn leaving_training(self) -> Result<Self, BadInput> {
        match self.party {
            Party::Server => Ok(Self { leaves_training: true, ..self }),
            Party::Owner(_) => Err(BadInput::new("this is an owner's folder, and only the server trains")),
        }
    }

    /// The same, but rows are sent though some columns look unlike those of all owners, as in another unit.
    #[must_use]
    pub fn sending_unlike_rows(self) -> Self {
        Self { sends_unlike_rows: true, ..self }
    }

    /// The folder of a training that this session [leaves](Self::leaving_training) and that is due.
    ///
    /// # Errors
    ///
    /// Where the model that it leaves cannot be looked for.
    pub fn left_training(&self) -> Result<Option<JobFolder>, BadInput> {
        let (folder, model) = (self.training_folder(), self.training_folder().model_file());
        let is_due =
            self.leaves_training && self.folder.keeps(TRAINING_JOB) && !model.try_exists().at(&model)?;
        Ok(is_due.then_some(folder))
    }

    /// Whether this session [leaves](Self::leaving_training) the training to others.
    #[must_use]
    pub fn leaves_training(&self) -> bool {
        self.leaves_training
    }

    /// Where the server trains: the files of an upload, once the owners have sent them.
    #[must_use]
    pub fn training_folder(&self) -> JobFolder {
        JobFolder::new(&self.folder.kept(TRAINING_FOLDER))
    }

    /// Where the folder is.
    #[must_use]
    pub fn root(&self) -> &Path {
        self.folder.root()
    }

    /// The columns that the owners agreed on: features alone.
    #[must_use]
    pub fn columns(&self) -> &volley_data::Schema {
        &self.invitation.columns
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

    /// The folder of what this party sends, which goes to all others as it is.
    #[must_use]
    pub fn sends(&self) -> PathBuf {
        self.folder.exchange().join(self.name())
    }

    /// What lies beside the folders of the parties, or folders within them, and nobody reads: mostly a folder under
    /// another name than its party's, or one that was copied into its earlier copy.
    ///
    /// # Errors
    ///
    /// Where the folder cannot be listed.
    pub fn strays(&self) -> Result<Vec<PathBuf>, BadInput> {
        let mut strays = Vec::new();
        for name in self.folder.parties()? {
            let path = self.folder.exchange().join(&name);
            if name == SERVER || self.invitation.members.contains(&name) {
                strays.extend(self.folder.folders_of(&name)?);
            } else {
                strays.push(path);
            }
        }
        Ok(strays)
    }

    pub(super) fn owner(&self) -> Result<&Owner, BadInput> {
        match &self.party {
            Party::Owner(owner) => Ok(owner),
            Party::Server => {
                Err(BadInput::new("this is the server's folder: an owner does this, in a folder of its own"))
            }
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
