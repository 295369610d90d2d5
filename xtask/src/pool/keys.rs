//! The keys of a pool, and what each party takes for them beside what was foreseen.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use rand_chacha::ChaCha20Rng;
use volley_mlr::volley_ckks::costs::{KeyRounds, KeyStep};
use volley_mlr::volley_ckks::multiparty::{
    Commitments, KeyHolder, OwnerRoundOne, OwnerRoundTwo, Pool, RoundOneGathering, RoundOneShare,
    RoundOneSums, RoundTwoGathering, RoundTwoShare,
};
use volley_mlr::volley_ckks::{Evaluator, PublicKey};
use volley_program::CoreTimes;
use volley_program::units::{show_bytes, show_seconds};

use super::Rows;
use crate::key_rounds::timed;

/// What the parties have after both rounds.
pub(super) struct Keys {
    pub(super) public_key: PublicKey,
    pub(super) holders: Vec<KeyHolder>,
    pub(super) evaluator: Arc<Evaluator>,
}

impl Keys {
    /// Both rounds, in which one share at a time is in memory.
    pub(super) fn make(pool: &Pool, report: &mut Rows, rng: &mut ChaCha20Rng) -> Result<Self> {
        let first = |member| OwnerRoundOne::new(pool, member, rng);
        let owners: Vec<_> = pool.everyone().map(first).collect::<Result<_, _>>()?;
        let (commitments, committing) =
            timed(|| Ok(owners.iter().map(OwnerRoundOne::commitment).collect::<Vec<_>>()))?;
        let commitments = Commitments::new(pool, commitments)?;
        let FirstRound { sums, sharing, adding } = FirstRound::of(&owners, &commitments)?;
        let second = |owner: OwnerRoundOne| owner.into_round_two(&commitments, &sums);
        let (owners, binding) =
            timed(|| Ok(owners.into_iter().map(second).collect::<Result<Vec<_>, _>>()?))?;
        let SecondRound { evaluator, sharing: second, adding: server } =
            SecondRound::of(pool, &owners, &sums)?;

        let members = owners.len() as u32;
        let [first_bytes, second_bytes] =
            [RoundOneShare::file_bytes(pool), RoundTwoShare::file_bytes(pool)].map(show_bytes);
        report.add("round 1, each owner sends", first_bytes);
        report.add("round 2, each owner sends", second_bytes);
        let (rounds, core) = (KeyRounds::of(pool), CoreTimes::of_this_machine()?);
        let mut add = |name: &str, step: KeyStep, taken: Duration| {
            let [foreseen, taken] =
                [step.computing_seconds(&core.times), taken.as_secs_f64()].map(show_seconds);
            report.add(name, format!("{taken}, foreseen {foreseen}"));
        };
        // On one core, and without files. Each owner adds up the first round itself, and the server as well.
        add("commitment, each owner", rounds.commitment, committing / members);
        add("keys, round 1, each owner", rounds.round_one, sharing / members);
        add("keys, round 2, each owner", rounds.round_two, adding + (binding + second) / members);
        add("evaluation keys, server", rounds.evaluation_keys, adding + server);

        let holders = owners.into_iter().map(OwnerRoundTwo::into_key_holder).collect::<Result<_, _>>()?;
        Ok(Self { public_key: sums.public_key(), holders, evaluator: Arc::new(evaluator) })
    }
}

/// The first round: its sums, and the processor times of all shares and of adding them up.
struct FirstRound {
    sums: RoundOneSums,
    sharing: Duration,
    adding: Duration,
}

impl FirstRound {
    fn of(owners: &[OwnerRoundOne], commitments: &Commitments) -> Result<Self> {
        let mut gathering = RoundOneGathering::new(commitments);
        let (mut sharing, mut adding) = (Duration::ZERO, Duration::ZERO);
        for owner in owners {
            let (share, time) = timed(|| Ok(owner.share(commitments)?))?;
            sharing += time;
            let ((), time) = timed(|| Ok(gathering.add(share)?))?;
            adding += time;
        }
        Ok(Self { sums: gathering.finish()?, sharing, adding })
    }
}

/// The second round: what the server computes with, and the processor times of all shares and of the server.
struct SecondRound {
    evaluator: Evaluator,
    sharing: Duration,
    adding: Duration,
}

impl SecondRound {
    fn of(pool: &Pool, owners: &[OwnerRoundTwo], sums: &RoundOneSums) -> Result<Self> {
        let (mut gathering, mut adding) = timed(|| Ok(RoundTwoGathering::new(sums.clone())))?;
        let mut sharing = Duration::ZERO;
        for owner in owners {
            let (share, time) = timed(|| Ok(owner.share(sums)?))?;
            sharing += time;
            let ((), time) = timed(|| Ok(gathering.add(share)?))?;
            adding += time;
        }
        let (keys, time) = timed(|| Ok(gathering.finish()?))?;
        Ok(Self { evaluator: Evaluator::new(pool.context(), keys)?, sharing, adding: adding + time })
    }
}
