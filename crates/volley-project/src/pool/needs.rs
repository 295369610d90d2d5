//! What a pool takes, in figures: known once there is a plan.

use std::fmt;

use serde::Serialize;
use volley_mlr::pool::PoolPlan;
use volley_mlr::volley_ckks::costs::CostModel;
use volley_program::units::{show_bytes, show_seconds};

use super::Result;
use super::key_costs::{self, StepCost};
use super::session::Session;
use super::switching::decryptions_left;
use crate::plan_summary::ParametersSummary;

/// What a pool takes, in figures.
#[derive(Clone, Debug, Serialize)]
pub struct Needs {
    /// Rows of each owner, in the order of the members.
    pub rows: Vec<usize>,
    /// The parameters of the keys.
    pub parameters: ParametersSummary,
    /// What decryptions say of the owners' secrets is hidden within a distance of 2^-bits.
    pub statistical_bits: u32,
    /// Ciphertexts that the owners decrypt together.
    pub decryptions: u32,
    /// What each step that makes keys takes, in the order of the steps, and has taken this party.
    pub keys: Vec<StepCost>,
    /// Scores that owners may ask for, where the pool was planned for any.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scores: Option<ScoreNeeds>,
    /// Bytes of the server's memory with one thread.
    pub server_memory_bytes: u64,
    /// Seconds of the training on one core.
    pub server_seconds_on_one_core: f64,
}

/// Scores that owners may ask for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct ScoreNeeds {
    /// Rows that are scored, if they are asked for at once.
    pub rows: usize,
    /// Ciphertexts that are decrypted for them, among all.
    pub decryptions: usize,
    /// −log₂ of the deviation that the owners' noise has in a score.
    pub bits: f64,
    /// Ciphertexts that may still be decrypted, once this owner has the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub left: Option<usize>,
}

impl ScoreNeeds {
    fn of(plan: &PoolPlan, session: &Session) -> Result<Option<Self>> {
        let (rows, decryptions) = (plan.predicted_rows(), plan.score_ciphertexts());
        if rows == 0 {
            return Ok(None);
        }
        let left = session.model_file().is_some().then(|| decryptions_left(session)).transpose()?;
        Ok(Some(Self { rows, decryptions, bits: plan.score_bits()?, left }))
    }
}

impl Session {
    /// What the pool takes on cores of these times, and has taken this party, once there is a plan.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan).
    pub fn needs(&self, core: &CostModel) -> Result<Option<Needs>> {
        let Some(plan) = self.plan()? else { return Ok(None) };
        let pooled = plan.plan().hyperparameters().pool();
        Ok(Some(Needs {
            rows: plan.rows().to_vec(),
            parameters: plan.plan().parameters().into(),
            statistical_bits: pooled.map_or(0, |pool| pool.statistical_bits),
            decryptions: pooled.map_or(0, |pool| pool.decryptions),
            keys: key_costs::of(self, core)?,
            scores: ScoreNeeds::of(plan, self)?,
            server_memory_bytes: plan.plan().memory(1).total(),
            server_seconds_on_one_core: plan.plan().seconds_on(core),
        }))
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.rows.iter().map(ToString::to_string).collect();
        writeln!(f, "rows             {}, in the order of the members", rows.join(" + "))?;
        writeln!(f, "{}", self.parameters)?;
        let (bits, decryptions) = (self.statistical_bits, self.decryptions);
        writeln!(f, "decryptions      {decryptions} within a statistical distance of 2^-{bits}")?;
        self.keys.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        if let Some(ScoreNeeds { rows, decryptions, bits, left }) = &self.scores {
            let part = format!("{decryptions} of the decryptions, right to 2^-{bits:.0}");
            let left = left.map_or(String::new(), |left| format!("; {left} left"));
            writeln!(f, "scores           of {rows} rows in one request: {part}{left}")?;
        }
        let memory = show_bytes(self.server_memory_bytes);
        let time = show_seconds(self.server_seconds_on_one_core);
        write!(f, "server           {memory} with one thread, {time}")
    }
}
