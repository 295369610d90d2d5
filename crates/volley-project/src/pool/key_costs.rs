//! What the steps that make a pool's keys take: foreseen for this machine, and taken by this party.

use std::collections::BTreeMap;
use std::fmt;

use super::Result;
use cpu_time::ProcessTime;
use serde::Serialize;
use volley_mlr::volley_ckks::PublicKey;
use volley_mlr::volley_ckks::costs::{CostModel, KeyRounds, KeyStep};
use volley_program::units::{show_bytes, show_seconds};
use volley_program::{BadInput, OrBadInput};

use super::session::Session;
use super::text::Text;

/// The steps by their names in the protocol.
const STEPS: [&str; 6] =
    ["commitment", "key of scores", "keys, round 1", "keys, round 2", "shares of secrets", SERVER_STEP];
/// The others are owners'.
const SERVER_STEP: &str = "evaluation keys";
/// Processor seconds of the steps that this party has done.
const TAKEN: &str = "taken.json";

/// Processor seconds by step.
type Taken = BTreeMap<String, f64>;

impl Text for Taken {}

/// Who does a step that makes keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Doer {
    /// Each owner.
    #[serde(rename = "each owner")]
    EachOwner,
    /// The server.
    #[serde(rename = "the server")]
    Server,
}

/// What one step that makes keys takes one party.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct StepCost {
    /// The name of the step.
    pub step: &'static str,
    /// Who does it.
    pub by: Doer,
    /// Bytes of the files of all members that are read.
    pub read_bytes: u64,
    /// Bytes of the files that are written.
    pub written_bytes: u64,
    /// Seconds that are foreseen, on one core.
    pub seconds_on_one_core: f64,
    /// Seconds of processor time that this party has taken, where it has done the step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub taken_seconds: Option<f64>,
}

/// Bytes that are read and written, and seconds.
struct Foreseen {
    read: u64,
    written: u64,
    seconds: f64,
}

/// What each step takes, and has taken in this folder.
pub(super) fn of(session: &Session, core: &CostModel) -> Result<Vec<StepCost>, BadInput> {
    let taken = session.folder.recall::<Taken>(TAKEN)?.unwrap_or_default();
    let cost = |(step, foreseen): (&'static str, Option<Foreseen>)| {
        let Foreseen { read, written, seconds } = foreseen?;
        Some(StepCost {
            step,
            by: if step == SERVER_STEP { Doer::Server } else { Doer::EachOwner },
            read_bytes: read,
            written_bytes: written,
            seconds_on_one_core: seconds,
            taken_seconds: taken.get(step).copied(),
        })
    };
    Ok(STEPS.into_iter().zip(foreseen(session, core)?).filter_map(cost).collect())
}

/// What each of the [`STEPS`] takes, where the pool has it.
fn foreseen(session: &Session, core: &CostModel) -> Result<[Option<Foreseen>; STEPS.len()], BadInput> {
    let agreed = session.agreed()?;
    let rounds = KeyRounds::of(&agreed.pool);
    let of = |step: KeyStep| Foreseen { read: step.read, written: step.written, seconds: step.seconds(core) };
    let score_key = (session.invitation.settings.predict > 0).then(|| {
        let written = PublicKey::file_bytes(agreed.context().parameters());
        // The secret half has as many residues, and is read again when it was kept.
        Foreseen { read: 0, written, seconds: core.owner_seconds(written) + core.read_seconds(written) }
    });
    Ok([
        Some(of(rounds.commitment)),
        score_key,
        Some(of(rounds.round_one)),
        Some(of(rounds.round_two)),
        rounds.sharing.map(of),
        Some(of(rounds.evaluation_keys)),
    ])
}

/// Does a step, and keeps its processor time where it is one that makes keys.
pub(super) fn noting(session: &Session, step: &str, work: impl FnOnce() -> Result<()>) -> Result<()> {
    if !STEPS.contains(&step) {
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
        let by = match self.by {
            Doer::EachOwner => "each owner",
            Doer::Server => "the server",
        };
        write!(f, "{:<17} {by}: ", self.step)?;
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
        for name in STEPS {
            assert!(PROTOCOL.iter().flat_map(|row| row.iter()).any(|step| step.name == name), "{name}");
        }
    }
}
