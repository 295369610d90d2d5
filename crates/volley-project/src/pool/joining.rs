//! How a pool begins: one owner invites the others, and each party makes its folder.

use std::path::{Path, PathBuf};

use volley_data::Schema;
use volley_program::BadInput;

use super::Result;
use super::agreement::{INVITATION, Invitation, JOIN, PoolSettings};
use super::folder::{PoolFolder, SERVER};
use super::given;
use super::keys::make_transport_key;
use super::party::{Owner, Party};
use super::session::{Session, Workplace};

/// What one owner proposes to the others.
#[derive(Clone, Debug)]
pub struct Proposal {
    /// Names of all owners, the proposer's too, in any order.
    pub members: Vec<String>,
    /// So many owners are enough to decrypt the model; all where there is none.
    pub threshold: Option<usize>,
    /// Names of all classes.
    pub classes: Vec<String>,
    /// How the pool trains.
    pub settings: PoolSettings,
    /// A file of statistics that prepare the rows, where they are given and not the pool's own.
    pub statistics: Option<PathBuf>,
}

impl Proposal {
    /// Refuses what no table makes good, before one is read.
    fn check(&self, name: &str) -> Result<(), BadInput> {
        let Self { members, threshold, classes, settings, statistics: _ } = self.clone();
        let columns = Schema::of_features(1);
        Invitation::new(members, threshold, &columns, classes, settings)?.member(name).map(drop)
    }
}

/// Who joins.
#[derive(Debug)]
pub enum Joining {
    /// An owner with a table.
    Owner(Box<Owner>),
    /// The server, which has no rows.
    Server,
}

/// Makes the folder of the owner who invites the others. They get its exchange folder.
///
/// # Errors
///
/// For a table that cannot be read, a proposal that cannot be kept, and a folder that a party has already.
pub fn invite(root: &Path, owner: Owner, proposal: Proposal, mut workplace: Workplace) -> Result<Session> {
    check_uninvited(root, &owner.name)?;
    proposal.check(&owner.name)?;
    let Proposal { members, threshold, classes, settings, statistics } = proposal;
    let table = owner.read_first(&*workplace.observer)?;
    let mut invitation = Invitation::new(members, threshold, table.schema(), classes, settings)?;
    drop(table);
    owner.read(&invitation, false, &*workplace.observer)?;
    if let Some(file) = &statistics {
        invitation.settings.statistics = Some(given::hash(file, &invitation)?);
    }

    let name = owner.name.clone();
    let folder = PoolFolder::create(root, &name)?;
    let lock = folder.lock(&name)?;
    make_transport_key(&folder, &mut workplace.rng)?;
    if let Some(file) = &statistics {
        given::send(&folder, &name, file)?;
    }
    if !folder.has(&name, INVITATION) {
        folder.send_text(&name, INVITATION, &invitation)?;
    } else if folder.read_text::<Invitation>(&name, INVITATION)? != invitation {
        let file = folder.sent(&name, INVITATION);
        return Err(BadInput::at(&file, "another invitation was made before, which others may have").into());
    }
    Party::Owner(Box::new(owner)).keep(&folder)?;
    drop(lock);
    Ok(Session::open(root, workplace, None)?)
}

/// Makes the folder of another party, in whose exchange folder the invitation is.
///
/// # Errors
///
/// For an owner who is no member, a table with other columns or classes, and a folder that a party has already.
pub fn join(root: &Path, joining: Joining, mut workplace: Workplace) -> Result<Session> {
    let unopened = PoolFolder::unopened(root);
    let (host, invitation) = Invitation::find(&unopened)?;
    let party = match joining {
        Joining::Server => {
            check_free(&unopened, &invitation, SERVER)?;
            Party::Server
        }
        Joining::Owner(owner) => {
            invitation.member(&owner.name)?;
            check_free(&unopened, &invitation, &owner.name)?;
            owner.read(&invitation, true, &*workplace.observer)?;
            Party::Owner(owner)
        }
    };
    let folder = PoolFolder::create(root, party.name())?;
    let lock = folder.lock(party.name())?;
    // Its hash is kept with the party, who has joined this one.
    folder.read_text::<Invitation>(&host, INVITATION)?;
    make_transport_key(&folder, &mut workplace.rng)?;
    party.keep(&folder)?;
    drop(lock);
    Ok(Session::open(root, workplace, None)?)
}

/// Refuses the name of a party that has sent something: two of one name would wait for each other for ever.
fn check_free(folder: &PoolFolder, invitation: &Invitation, name: &str) -> Result<(), BadInput> {
    folder.check_new()?;
    let Some(file) = folder.first_sent(name)? else { return Ok(()) };
    let mut free = Vec::new();
    for member in &invitation.members {
        if folder.first_sent(member)?.is_none() {
            free.push(member.as_str());
        }
    }
    let advice = match (name, &free[..]) {
        (SERVER, _) => "a pool has one server".to_owned(),
        (_, []) => "all members have joined".to_owned(),
        (_, free) => format!("who are you: {}?", free.join(", ")),
    };
    Err(BadInput::new(format_args!("{name} has joined already ({}); {advice}", file.display())))
}

/// Refuses to invite where another has invited already, or where this owner's pool has gone on.
fn check_uninvited(root: &Path, name: &str) -> Result<(), BadInput> {
    let folder = PoolFolder::unopened(root);
    folder.check_new()?;
    let mut parties = folder.parties()?;
    // What an interrupted `invite` left is its own invitation.
    parties.retain(|party| folder.has(party, if party == name { JOIN } else { INVITATION }));
    let Some(party) = parties.first() else { return Ok(()) };
    let problem = format!("a pool of {party} is in this folder; choose another, or join: `volley pool join`");
    Err(BadInput::at(root, problem))
}
