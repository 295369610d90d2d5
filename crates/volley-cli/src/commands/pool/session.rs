//! One party at work: its folder, and what the pool has agreed on so far.

use std::cell::OnceCell;
use std::fmt::Display;
use std::fs::File;
use std::path::Path;

use anyhow::Result;
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_program::{BadInput, Machine, OrBadInput};

use super::agreed::Agreed;
use super::agreement::Invitation;
use super::folder::{Incoming, PoolFolder};
use super::party::{Owner, Party};
use crate::console::phase;

/// A party at work.
pub(super) struct Session {
    pub(super) folder: PoolFolder,
    pub(super) party: Party,
    /// The owner who invited the others.
    pub(super) host: String,
    pub(super) invitation: Invitation,
    /// The fingerprint that the owner confirms with this call.
    pub(super) confirms: Option<String>,
    pub(super) machine: Machine,
    agreed: OnceCell<Agreed>,
}

impl Session {
    pub(super) fn open(root: &Path, machine: Machine, confirms: Option<String>) -> Result<Self, BadInput> {
        let folder = PoolFolder::open(root)?;
        let party = Party::of(&folder)?;
        let (host, invitation) = Invitation::find(&folder)?;
        Ok(Self { folder, party, host, invitation, confirms, machine, agreed: OnceCell::new() })
    }

    /// The name by which this party sends.
    pub(super) fn name(&self) -> &str {
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
        let agreed = phase("planning", || Agreed::read(&self.folder, &self.host, &self.invitation))?;
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
        write: impl FnOnce(&mut std::io::BufWriter<&File>) -> Result<(), E>,
    ) -> Result<(), BadInput> {
        self.folder.send(self.name(), file, write)
    }
}

/// A fresh generator.
pub(super) fn generator() -> Result<ChaCha20Rng, BadInput> {
    ChaCha20Rng::try_from_rng(&mut SysRng).or_bad_input()
}
