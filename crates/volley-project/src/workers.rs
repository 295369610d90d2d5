//! What a training takes on several machines, before there are any.
//!
//! A rank does what a training of its groups of rows alone does, so it takes the time that the plan of that has.
//! Between two passes it waits for the network. A message of n bytes goes in pieces of p bytes along the chain of P
//! ranks, from the last to the first or back, and each rank sends a piece on while the next one arrives:
//!
//! t = n/β + (P − 2)·(p/β + ρ/2)
//!
//! for a bandwidth of β bytes a second and a round trip of ρ seconds. docs/scale.md compares this with measured times.

use std::sync::Arc;

use serde::Serialize;
use volley_mlr::volley_ckks::costs::CostModel;
use volley_mlr::{Error, Plan};

use crate::training::groups::Groups;

/// Bytes of a piece.
const PIECE_BYTES: f64 = 60_000.0;

/// The network between the ranks.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Network {
    /// Of each machine's line, in each direction.
    pub bytes_per_second: f64,
    /// From one machine to another and back.
    pub round_trip_seconds: f64,
}

impl Network {
    /// The time of a message along the chain of so many ranks.
    fn seconds(&self, bytes: u64, ranks: usize) -> f64 {
        if ranks < 2 || bytes == 0 {
            return 0.0;
        }
        let piece = PIECE_BYTES / self.bytes_per_second + self.round_trip_seconds / 2.0;
        bytes as f64 / self.bytes_per_second + (ranks - 2) as f64 * piece
    }
}

/// What a pass over the rows moves, in all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct PassTraffic {
    /// The gradients that ranks send to be added up.
    pub gradient_bytes: u64,
    /// The checkpoints that ranks receive; none after the last pass.
    pub checkpoint_bytes: u64,
}

impl PassTraffic {
    /// That of an iteration, from 1 to the last, on so many ranks.
    #[must_use]
    pub fn of(plan: &Plan, iteration: usize, ranks: usize) -> Self {
        let others = ranks.saturating_sub(1) as u64;
        let is_last = iteration == plan.hyperparameters().iterations();
        let checkpoint = if is_last { 0 } else { plan.checkpoint_bytes(iteration) };
        Self {
            gradient_bytes: others * 8 * plan.gradient_words(iteration) as u64,
            checkpoint_bytes: others * checkpoint,
        }
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
    /// Of these, the exchange of gradients and checkpoints.
    pub exchange_seconds: f64,
    /// Memory of a rank.
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
        let iterations = 1..=plan.hyperparameters().iterations();
        let traffic: Vec<_> = iterations.map(|iteration| PassTraffic::of(plan, iteration, ranks)).collect();
        let others = ranks.saturating_sub(1).max(1) as u64;
        let exchange = |pass: &PassTraffic| {
            [pass.gradient_bytes, pass.checkpoint_bytes].map(|bytes| network.seconds(bytes / others, ranks))
        };
        let exchange_seconds: f64 = traffic.iter().flat_map(exchange).sum();
        Ok(Self {
            ranks,
            rows: share.rows(plan),
            seconds: of_share.seconds_on(core) / threads as f64 + exchange_seconds,
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
    fn a_message_takes_its_bytes_and_a_piece_for_each_further_rank() {
        assert_eq!(NETWORK.seconds(125_000_000, 1), 0.0);
        assert_eq!(NETWORK.seconds(0, 8), 0.0);
        assert_eq!(NETWORK.seconds(125_000_000, 2), 1.0);
        let of_ten = 1.0 + 8.0 * (60e3 / 125e6 + 0.5e-3);
        assert!((NETWORK.seconds(125_000_000, 10) - of_ten).abs() < 1e-12);
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
        let [first, last] = [0, plan.hyperparameters().iterations() - 1].map(|pass| plans[2].traffic[pass]);
        assert_eq!(first.gradient_bytes, 3 * plans[1].traffic[0].gradient_bytes);
        assert!(first.checkpoint_bytes > 0 && last.checkpoint_bytes == 0);
        // More ranks than groups.
        assert!(of(10_000).rows > 0);
    }
}
