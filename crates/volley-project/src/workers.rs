//! What a training takes on several machines, before there are any.
//!
//! A rank does what a training of its groups of rows alone does, so it takes the time that the plan of that has. But of
//! the relinearizations and rotations that make a gradient of its sums, and of the refreshes of weights, it has a part
//! only. Between two passes it waits for the network. The P ranks are a ring, in which each sends to the next one. In
//! P − 1 turns the n bytes of gradients are added, and in as many the w bytes of the new weights get to all:
//!
//! t = (1 − 1/P)·(n + w)/β + (P − 1)·ρ
//!
//! for a bandwidth of β bytes a second and a round trip of ρ seconds. docs/scale.md compares this with measured times.

use std::sync::Arc;

use serde::Serialize;
use volley_mlr::volley_ckks::costs::CostModel;
use volley_mlr::{Error, Plan};

use crate::training::groups::Groups;

/// The network between the ranks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Network {
    /// Of each machine's line, in each direction.
    pub bytes_per_second: f64,
    /// From one machine to another and back.
    pub round_trip_seconds: f64,
}

impl Network {
    /// The time in which the ranks move so many bytes in all, each as many.
    fn seconds(&self, moved: u64, ranks: usize) -> f64 {
        let turns = ranks.saturating_sub(1) as f64;
        moved as f64 / ranks.max(1) as f64 / self.bytes_per_second + turns * self.round_trip_seconds
    }
}

/// What a pass over the rows moves, in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PassTraffic {
    /// The gradients that are added.
    pub gradient_bytes: u64,
    /// The new weights, of which each rank sends its part to all others.
    pub part_bytes: u64,
}

impl PassTraffic {
    /// That of an iteration, from 1 to the last, on so many ranks.
    #[must_use]
    pub fn of(plan: &Plan, iteration: usize, ranks: usize) -> Self {
        let others = 8 * ranks.saturating_sub(1) as u64;
        Self {
            gradient_bytes: others * plan.gradient_words(iteration) as u64,
            part_bytes: others * plan.step_words(iteration) as u64,
        }
    }

    /// All of it.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.gradient_bytes + self.part_bytes
    }
}

/// What a training takes on so many ranks, one on each machine.
#[derive(Clone, Debug, Serialize)]
pub struct WorkerPlan {
    /// The ranks.
    pub ranks: usize,
    /// Rows of the largest share.
    pub rows: usize,
    /// From the start to the model, estimated.
    pub seconds: f64,
    /// Of these, the exchange of gradients and weights.
    pub exchange_seconds: f64,
    /// Memory of a rank that makes a part of the steps.
    pub memory_bytes: u64,
    /// What a rank reads at the start: keys, and rows of its share.
    pub read_bytes: u64,
    /// What each pass moves, by iteration.
    pub traffic: Vec<PassTraffic>,
}

impl WorkerPlan {
    /// The plan of so many ranks of so many threads, on cores with these times.
    ///
    /// # Errors
    ///
    /// What the planner refuses for the rows of a share.
    pub fn new(
        plan: &Arc<Plan>,
        ranks: usize,
        threads: usize,
        core: &CostModel,
        network: Network,
    ) -> Result<Self, Error> {
        let all = plan.layout().groups();
        let mut share = Groups::default();
        share.push(0..all.div_ceil(ranks.max(1)));
        let of_share = share.plan(plan)?;
        let iterations = || 1..=plan.hyperparameters().iterations();
        let traffic: Vec<_> = iterations().map(|iteration| PassTraffic::of(plan, iteration, ranks)).collect();
        let exchange_seconds: f64 = traffic.iter().map(|pass| network.seconds(pass.bytes(), ranks)).sum();
        // A rank adds the words of others to its own, in about the time of the memory's first use.
        let of_words = |iteration| core.first_use_seconds(8 * plan.gradient_words(iteration) as u64);
        let adding: f64 = if ranks > 1 { iterations().map(of_words).sum() } else { 0.0 };
        // The ciphertexts of the weights whose part of each step the others make.
        let weights = plan.layout().weight_ciphertexts();
        let of_others = 1.0 - weights.div_ceil(ranks.max(1)) as f64 / weights as f64;
        let gradients: f64 = iterations().map(|iteration| plan.gradient_seconds_on(iteration, core)).sum();
        let shared = gradients + of_share.seconds_on(core) - of_share.without_refresh()?.seconds_on(core);
        let computing = of_share.seconds_on(core) - of_others * shared;
        Ok(Self {
            ranks,
            rows: share.rows(plan),
            seconds: computing / threads as f64 + adding + exchange_seconds,
            exchange_seconds,
            memory_bytes: of_share.memory(threads).total(),
            read_bytes: of_share.upload().bytes + plan.key_spec().byte_count(),
            traffic,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    const NETWORK: Network = Network { bytes_per_second: 125e6, round_trip_seconds: 1e-3 };

    #[test]
    fn an_exchange_takes_its_bytes_and_a_round_trip_for_each_further_rank() {
        let seconds = |bytes, ranks| NETWORK.seconds((ranks as u64 - 1) * bytes, ranks);
        assert_eq!(seconds(125_000_000, 1), 0.0);
        assert!((seconds(125_000_000, 2) - 0.501).abs() < 1e-12);
        assert!((seconds(125_000_000, 10) - 0.909).abs() < 1e-12);
    }

    #[test]
    fn more_ranks_take_less_time_and_memory_and_move_more() {
        let plan = Arc::new(Settings::of(60_000, 40, 10).plan().unwrap());
        let core = CostModel::default();
        let of = |ranks| WorkerPlan::new(&plan, ranks, 2, &core, NETWORK).unwrap();
        let plans = [1, 2, 4].map(of);
        assert_eq!((plans[0].rows, plans[0].exchange_seconds), (60_000, 0.0));
        assert!((plans[0].seconds - plan.seconds_on(&core) / 2.0).abs() < 1e-9);
        assert_eq!(plans[0].memory_bytes, plan.memory(2).total());
        for pair in plans.windows(2) {
            assert!(pair[0].rows > pair[1].rows && pair[0].seconds > pair[1].seconds);
            assert!(pair[0].memory_bytes > pair[1].memory_bytes && pair[0].read_bytes > pair[1].read_bytes);
            assert!(pair[0].traffic[0].gradient_bytes < pair[1].traffic[0].gradient_bytes);
        }
        for pass in 0..plan.hyperparameters().iterations() {
            let [two, four] = [&plans[1], &plans[2]].map(|plan| plan.traffic[pass]);
            assert_eq!(four.gradient_bytes, 3 * two.gradient_bytes);
            assert_eq!(four.part_bytes, 3 * two.part_bytes);
            assert!(0 < two.part_bytes && two.part_bytes < two.gradient_bytes);
        }
        // More ranks than groups.
        assert!(of(10_000).rows > 0);
    }
}
