//! What the steps that make a pool's keys take: foreseen for this machine, and taken by this party.

use std::collections::BTreeMap;
use std::fmt;

use super::Result;
use cpu_time::ProcessTime;
use serde::Serialize;
use volley_mlr::volley_ckks::costs::{CostModel, KeyRounds, KeyStep};
use volley_mlr::volley_ckks::multiparty::Pool;
use volley_program::units::{show_bytes, show_seconds};
use volley_program::{BadInput, OrBadInput};

use super::folder::PoolFolder;
use super::session::Session;

/// What a step takes, in a pool that has it.
type OfStep = fn(&KeyRounds) -> Option<KeyStep>;

/// The steps by their names in the protocol.
const STEPS: [(&str, OfStep); 5] = [
    ("commitment", |rounds| Some(rounds.commitment)),
    ("keys, round 1", |rounds| Some(rounds.round_one)),
    ("keys, round 2", |rounds| Some(rounds.round_two)),
    ("shares of secrets", |rounds| rounds.sharing),
    (SERVER_STEP, |rounds| Some(rounds.evaluation_keys)),
];
/// The others are owners'.
const SERVER_STEP: &str = "evaluation keys";
/// Processor seconds of the steps that this party has done.
const TAKEN: &str = "taken.json";

/// Processor seconds by step.
type Taken = BTreeMap<String, f64>;

/// What one step takes one party.
#[derive(Debug, Serialize)]
pub struct StepCost {
    step: &'static str,
    by: &'static str,
    read_bytes: u64,
    written_bytes: u64,
    /// Foreseen, on one core of this machine.
    seconds_on_one_core: f64,
    /// The processor time that this party has taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    taken_seconds: Option<f64>,
}

/// What each step takes, and has taken in this folder.
pub(super) fn of(pool: &Pool, folder: &PoolFolder, core: &CostModel) -> Result<Vec<StepCost>, BadInput> {
    let (rounds, taken) = (KeyRounds::of(pool), folder.recall::<Taken>(TAKEN)?.unwrap_or_default());
    let cost = |(step, of): (&'static str, OfStep)| {
        of(&rounds).map(|cost| StepCost {
            step,
            by: if step == SERVER_STEP { "the server" } else { "each owner" },
            read_bytes: cost.read,
            written_bytes: cost.written,
            seconds_on_one_core: cost.seconds(core),
            taken_seconds: taken.get(step).copied(),
        })
    };
    Ok(STEPS.into_iter().filter_map(cost).collect())
}

/// Does a step, and keeps its processor time where it is one that makes keys.
pub(super) fn noting(session: &Session, step: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if STEPS.iter().all(|(name, _)| *name != step) {
        return work();
    }
    // The plan is read before, as it is no part of the step.
    session.agreed()?;
    let start = ProcessTime::try_now().or_bad_input()?;
    work()?;
    let mut taken: Taken = session.folder.recall(TAKEN)?.unwrap_or_default();
    taken.insert(step.to_owned(), start.try_elapsed().or_bad_input()?.as_secs_f64());
    Ok(session.folder.keep_text(TAKEN, &taken)?)
}

impl fmt::Display for StepCost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<16} {}: ", self.step, self.by)?;
        for (does, bytes) in [("reads", self.read_bytes), ("writes", self.written_bytes)] {
            if bytes > 0 {
                write!(f, "{does} {}, ", show_bytes(bytes))?;
            }
        }
        write!(f, "{} on one core", show_seconds(self.seconds_on_one_core))?;
        match self.taken_seconds {
            Some(taken) => write!(f, "; this party took {}", show_seconds(taken)),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::protocol::PROTOCOL;
    use super::*;

    #[test]
    fn the_steps_are_those_of_the_protocol() {
        for (name, _) in STEPS {
            assert!(PROTOCOL.iter().flat_map(|row| row.iter()).any(|step| step.name == name), "{name}");
        }
    }
}
