//! The plan of a pool: one owner makes it, and everybody checks that it is what was agreed on.

use super::Result;
use volley_mlr::PoolJob;
use volley_mlr::pool::PoolPlan;
use volley_mlr::volley_ckks::Security;
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_program::{BadInput, OrBadInput};

use super::agreed::{JOB, agreement, decryptions_of};
use super::session::Session;

/// Makes the plan, and sends it.
pub(super) fn plan(session: &Session) -> Result<()> {
    let rows: Vec<usize> =
        session.invitation.joins(&session.folder, &session.host)?.iter().map(|join| join.rows).collect();
    let plan = session.during("planning", || plan_for(session, &rows))?;
    let agreement = agreement(&session.folder, &session.host, &session.invitation)?;
    let job = PoolJob::new(plan, agreement, &mut session.rng()).or_bad_input()?;
    Ok(session.send(JOB, |out| job.write(out))?)
}

/// The plan that covers its own decryptions.
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
        let plan = PoolPlan::new(rows, features, classes, &settings, demands)
            .and_then(|plan| plan.with_predictions(invitation.settings.predict))
            .or_bad_input()?;
        let needed = decryptions_of(invitation, &plan);
        if needed <= decryptions {
            return Ok(plan);
        }
        decryptions = needed;
    }
}
