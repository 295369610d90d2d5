//! The rows of a pool: each owner sends its own, prepared by what all have fitted.

use super::Result;
use crate::job_folder::{complete_length, row_file_name};
use volley_mlr::OwnerState;
use volley_mlr::pool::PoolRows;
use volley_mlr::wire::write_preconditioner;
use volley_program::{BadInput, OrBadInput};

use super::given;
use super::keys::public_key;
use super::session::Session;
use super::statistics;

pub(super) const PRECONDITIONER: &str = "preconditioner.vly";
const OWNER_STATE: &str = "owner-state.vly";

/// Sends this owner's rows, file by file: those that are there stay as they are.
pub(super) fn send(session: &Session) -> Result<()> {
    let (agreed, me) = (session.agreed()?, session.me()?);
    let (job, plan) = (&agreed.job, agreed.plan().plan());
    let (state, key) = (owner_state(session)?, public_key(session)?);
    let owner = session.owner()?;
    let rows = owner.rows(&session.invitation, &*session.observer)?;
    let (columns, observer) = (&session.invitation.columns, &*session.observer);
    owner.check_alike(&rows, &state, columns, session.sends_unlike_rows, observer)?;
    let rows = PoolRows::new(agreed.plan(), me, &state, &rows, &key).or_bad_input()?;
    for number in plan.row_files_of(me) {
        let name = row_file_name(number);
        if !session.folder.has(session.name(), &name) {
            let groups = rows.groups(plan.row_file_groups(number), &mut session.rng())?;
            session.send(&name, |out| groups.write(job, out))?;
        }
    }
    Ok(())
}

/// Sends 1/B, which is the same for all owners.
pub(super) fn send_preconditioner(session: &Session) -> Result<()> {
    let (agreed, state, key) = (session.agreed()?, owner_state(session)?, public_key(session)?);
    let blocks = agreed.plan().encrypt_preconditioner(&state, &key, &mut session.rng())?;
    Ok(session.send(PRECONDITIONER, |out| write_preconditioner(&blocks, &agreed.job, out))?)
}

/// What all owners have fitted, or were given. It is kept.
pub(super) fn owner_state(session: &Session) -> Result<OwnerState, BadInput> {
    let (folder, job) = (&session.folder, &session.agreed()?.job);
    if !folder.keeps(OWNER_STATE) {
        let state = match session.invitation.settings.statistics {
            None => statistics::fit(session)?.state().clone(),
            Some(_) => {
                let rows = session.agreed()?.plan().rows().iter().sum();
                given::state(folder, &session.host, &session.invitation, rows)?
            }
        };
        folder.keep(OWNER_STATE, |out| state.write(job, out))?;
    }
    let file = folder.kept(OWNER_STATE);
    OwnerState::read(job, folder.open_kept(OWNER_STATE)?, complete_length(&file)?).at(&file)
}
