//! The plan of a pool: one owner makes it, and everybody checks that it is what was agreed on.

use anyhow::Result;
use volley_mlr::PoolJob;
use volley_mlr::pool::PoolPlan;
use volley_mlr::volley_ckks::{Context, Security};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_program::{BadInput, OrBadInput};

use super::agreement::{INVITATION, JOIN, Join};
use super::session::{Agreed, Session, generator};
use crate::output::phase;

pub(super) const JOB: &str = "job.vly";

/// Makes the plan, and sends it.
pub(super) fn plan(session: &Session) -> Result<()> {
    let rows: Vec<usize> = session.joins()?.iter().map(|join| join.rows).collect();
    let plan = phase("planning", || plan_for(session, &rows))?;
    let job = PoolJob::new(plan, agreement(session)?, &mut generator()?)?;
    Ok(session.send(JOB, |out| job.write(out))?)
}

/// The plan that covers the decryptions of its own statistics and model.
fn plan_for(session: &Session, rows: &[usize]) -> Result<PoolPlan, BadInput> {
    let invitation = &session.invitation;
    let demands = Demands {
        ring: RingChoice::Cheapest,
        security: Security::Classical128,
        key_bytes: None,
        memory_bytes: invitation.settings.memory,
        ..Demands::default()
    };
    let (features, classes) = (invitation.features(), invitation.classes.len());
    let mut decryptions = 1;
    loop {
        let settings = invitation.hyperparameters(decryptions)?;
        let plan = PoolPlan::new(rows, features, classes, &settings, demands).or_bad_input()?;
        if plan.decryptions() <= decryptions {
            return Ok(plan);
        }
        decryptions = plan.decryptions();
    }
}

/// The job that the host sent, and the pool that it makes.
pub(super) fn read(session: &Session) -> Result<Agreed, BadInput> {
    let (folder, invitation) = (&session.folder, &session.invitation);
    let joins = session.joins()?;
    let job = folder.read(&session.host, JOB, |input| PoolJob::read(input, PoolJob::MAX_FILE_BYTES))?;
    check(session, &job).at(&folder.sent(&session.host, JOB))?;
    let context = Context::new(job.plan().plan().parameters().clone());
    let keys = joins.iter().map(Join::transport_key).collect::<Result<Vec<_>, _>>()?;
    let members = invitation.members.iter().cloned().zip(keys);
    let pool = job.pool(&context, members, invitation.threshold).or_bad_input()?;
    Ok(Agreed { job: job.job(&pool).or_bad_input()?, pool_job: job, pool })
}

/// Refuses a job that is not of this invitation and of what the members said.
fn check(session: &Session, job: &PoolJob) -> Result<(), BadInput> {
    let (invitation, plan) = (&session.invitation, job.plan());
    let rows: Vec<usize> = session.joins()?.iter().map(|join| join.rows).collect();
    if plan.rows() != rows {
        let found = plan.rows();
        return Err(BadInput::new(format_args!(
            "planned for {found:?} rows where the members have {rows:?}"
        )));
    }
    let shape = plan.plan().layout().shape();
    if [shape.columns - 1, shape.classes] != [invitation.features(), invitation.classes.len()] {
        return Err(BadInput::new("planned for other columns or classes than those of the invitation"));
    }
    let settings = plan.plan().hyperparameters();
    let decryptions = settings.pool().map_or(0, |pool| pool.decryptions);
    if decryptions < plan.decryptions() || *settings != invitation.hyperparameters(decryptions)? {
        return Err(BadInput::new("planned with other settings than those of the invitation"));
    }
    if plan.plan().parameters().security().bits().is_none() {
        return Err(BadInput::new("its parameters claim no security"));
    }
    if job.agreement() != agreement(session)? {
        return Err(BadInput::new("this job is of another invitation, or other members joined it"));
    }
    Ok(())
}

/// A hash of the invitation and of what every member said when it joined.
fn agreement(session: &Session) -> Result<[u8; 32], BadInput> {
    session.joins()?;
    let mut hash =
        blake3::Hasher::new_derive_key("Volley 2026: agreement of the members of a pool, version 1");
    let joins = session.invitation.members.iter().map(|member| (member, JOIN));
    for (party, file) in std::iter::once((&session.host, INVITATION)).chain(joins) {
        let of_file = session.folder.hash_of(party, file);
        let of_file = of_file.ok_or_else(|| BadInput::at(&session.folder.sent(party, file), "not read"))?;
        hash.update(of_file.as_bytes());
    }
    Ok(*hash.finalize().as_bytes())
}
