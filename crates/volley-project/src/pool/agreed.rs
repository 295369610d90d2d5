//! What all parties know once there is a plan.

use std::sync::Arc;

use volley_mlr::pool::PoolPlan;
use volley_mlr::volley_ckks::Context;
use volley_mlr::volley_ckks::multiparty::Pool;
use volley_mlr::{Job, PoolJob};
use volley_program::{BadInput, OrBadInput};

use super::agreement::{INVITATION, Invitation, JOIN, Join};
use super::folder::PoolFolder;
use super::given;

pub(super) const JOB: &str = "job.vly";

/// The job, and the pool that it makes.
pub(super) struct Agreed {
    /// The plan, and what it was made for.
    pub(super) pool_job: PoolJob,
    /// The same as the job of a training under the pool's key.
    pub(super) job: Job,
    pub(super) pool: Pool,
}

impl Agreed {
    /// The job that the host sent, and the pool that it makes.
    pub(super) fn read(folder: &PoolFolder, host: &str, invitation: &Invitation) -> Result<Self, BadInput> {
        let joins = invitation.joins(folder, host)?;
        let job = folder.read(host, JOB, |input| PoolJob::read(input, PoolJob::MAX_FILE_BYTES))?;
        let of_joins = agreement(folder, host, invitation)?;
        check(invitation, &joins, of_joins, &job).at(&folder.sent(host, JOB))?;
        given::check(folder, host, invitation)?;
        let context = Context::new(job.plan().plan().parameters().clone());
        let keys = joins.iter().map(Join::transport_key).collect::<Result<Vec<_>, _>>()?;
        let members = invitation.members.iter().cloned().zip(keys);
        let pool = job.pool(&context, members, invitation.threshold).or_bad_input()?;
        Ok(Self { job: job.job(&pool).or_bad_input()?, pool_job: job, pool })
    }

    pub(super) fn plan(&self) -> &PoolPlan {
        self.pool_job.plan()
    }

    pub(super) fn context(&self) -> &Arc<Context> {
        self.pool.context()
    }
}

/// Refuses a job that is not of this invitation and of what the members said.
fn check(
    invitation: &Invitation,
    joins: &[Join],
    agreement: [u8; 32],
    job: &PoolJob,
) -> Result<(), BadInput> {
    let plan = job.plan();
    let rows: Vec<usize> = joins.iter().map(|join| join.rows).collect();
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
    if decryptions < decryptions_of(invitation, plan)
        || *settings != invitation.hyperparameters(decryptions)?
    {
        return Err(BadInput::new("planned with other settings than those of the invitation"));
    }
    if plan.predicted_rows() != invitation.settings.predict {
        return Err(BadInput::new("planned for scores of another number of rows than the invitation has"));
    }
    if plan.plan().parameters().security().bits().is_none() {
        return Err(BadInput::new("its parameters claim no security"));
    }
    if job.agreement() != agreement {
        return Err(BadInput::new("this job is of another invitation, or other members joined it"));
    }
    Ok(())
}

/// Ciphertexts that the owners decrypt by a plan.
pub(super) fn decryptions_of(invitation: &Invitation, plan: &PoolPlan) -> u32 {
    match invitation.settings.statistics {
        None => plan.decryptions(),
        Some(_) => plan.decryptions_after_statistics(),
    }
}

/// A hash of the invitation and of what every member said when it joined, which were [read](Invitation::joins) before.
pub(super) fn agreement(
    folder: &PoolFolder,
    host: &str,
    invitation: &Invitation,
) -> Result<[u8; 32], BadInput> {
    let mut hash =
        blake3::Hasher::new_derive_key("Volley 2026: agreement of the members of a pool, version 1");
    let joins = invitation.members.iter().map(|member| (member.as_str(), JOIN));
    for (party, file) in std::iter::once((host, INVITATION)).chain(joins) {
        let of_file = folder.hash_of(party, file);
        let of_file = of_file.ok_or_else(|| BadInput::at(&folder.sent(party, file), "not read"))?;
        hash.update(of_file.as_bytes());
    }
    Ok(*hash.finalize().as_bytes())
}
