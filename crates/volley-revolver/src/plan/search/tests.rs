use std::sync::Arc;

use volley_ckks::costs::CostModel;
use volley_ckks::{Arithmetic, SimulatedCiphertext, Simulator};

use super::*;
use crate::error::Error;
use crate::plan::Plan;
use crate::skewed::Skewed;

/// Scores of encrypted features: their copies are kept, so that memory grows with the rows.
struct Scores;

impl Circuit for Scores {
    type Error = Error;

    fn levels(&self) -> usize {
        3
    }

    fn depends_on_special_primes(&self) -> bool {
        false
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        let skewed = Skewed::new(simulator, layout, split)?;
        let input = || Ok(simulator.input(&simulator.parameters().scale(), 3)?);
        let inputs = || {
            let blocks = (0..layout.column_blocks()).map(|_| input());
            blocks.collect::<Result<Vec<SimulatedCiphertext>, Error>>()
        };
        let copies = (0..layout.groups())
            .map(|_| skewed.forward_copies(&inputs()?, 3))
            .collect::<Result<Vec<_>, Error>>()?;
        for _ in 0..layout.class_blocks() {
            skewed.forward_all(&copies, &inputs()?)?;
        }
        Ok(())
    }
}

fn in_one_class_block(shape: Shape, slots: usize) -> Vec<Layout> {
    let layouts = of_use(Layout::family(shape, slots).unwrap());
    assert!(layouts.iter().all(|layout| layout.class_blocks() == 1));
    layouts
}

/// Simulates all members with all of their groups, one after the other, and compares them as the search says.
struct Slow {
    demands: Demands,
    model: CostModel,
}

impl Slow {
    fn all(&self, sets: &[&Parameters], members: &[Member]) -> Vec<Plan> {
        let pairs = members.iter().flat_map(|&member| sets.iter().map(move |set| (set, member)));
        let plan = |(set, (layout, split)): (&&Parameters, Member)| {
            Plan::of(&Scores, set, layout, split, &self.model).unwrap()
        };
        pairs.map(plan).collect()
    }

    fn excess(&self, plan: &Plan) -> (u64, u64) {
        let excess = |bytes: u64, limit: Option<u64>| bytes.saturating_sub(limit.unwrap_or(u64::MAX));
        let memory = plan.memory(self.demands.threads).total();
        (
            excess(plan.key_spec().byte_count(), self.demands.key_bytes),
            excess(memory, self.demands.memory_bytes),
        )
    }

    /// The first of the least.
    fn least(&self, plans: Vec<Plan>, measure: impl Fn(&Plan) -> f64) -> Option<Plan> {
        plans.into_iter().reduce(|a, b| if measure(&b) < measure(&a) { b } else { a })
    }

    /// The plan in one ring, or the bytes that the leanest one has too many: of keys, or of memory.
    fn in_ring(&self, shape: Shape, log_n: u32) -> Result<Plan, Option<u64>> {
        let Demands { security, .. } = self.demands;
        let sets: Vec<_> =
            (1..=MAX_SPECIAL_PRIMES).filter_map(|special| build(log_n, 3, special, security, None)).collect();
        let sets: Vec<&Parameters> = sets.iter().collect();
        let Some(few) = sets.first() else { return Err(None) };
        let layouts = in_one_class_block(shape, few.max_slots());
        let widest = *layouts.last().unwrap();
        let first = self.all(&sets, &[(widest, Split::on_copies(&widest))]);
        let first = self.least(first, Plan::seconds).unwrap();
        let members = with_splits(&layouts, Split::candidates);
        let others = self.all(&[first.parameters()], &members);
        let fastest = self.least([vec![first.clone()], others].concat(), Plan::seconds).unwrap();
        let meets = |plan: &Plan| self.excess(plan) == (0, 0);
        if meets(&fastest) {
            if fastest.owner_seconds <= fastest.seconds() {
                return Ok(fastest);
            }
            let others = self.all(&sets, &with_splits(&[fastest.layout()], all_splits));
            let all = once(fastest).chain(others.into_iter().filter(meets)).collect();
            return Ok(self.least(all, Plan::cost).unwrap());
        }
        let extreme = self.all(&sets, &with_splits(&layouts, extreme_splits));
        let order = |a: &Plan, b: &Plan| {
            self.excess(a).cmp(&self.excess(b)).then(a.seconds().total_cmp(&b.seconds()))
        };
        let first = fastest.clone();
        let closest = extreme.into_iter().fold(first, |a, b| if order(&b, &a).is_lt() { b } else { a });
        let splits = self.all(&[closest.parameters()], &with_splits(&[closest.layout()], all_splits));
        let excess = once(&fastest).chain(&splits).map(|plan| self.excess(plan));
        let required = match excess.min().unwrap() {
            (0, memory) => memory + self.demands.memory_bytes.unwrap_or_default(),
            (keys, _) => keys + self.demands.key_bytes.unwrap_or_default(),
        };
        self.least(splits.into_iter().filter(meets).collect(), Plan::seconds).ok_or(Some(required))
    }

    fn cheapest(&self, shape: Shape, rings: &[u32]) -> Result<Plan, Option<u64>> {
        let found: Vec<_> = rings.iter().map(|&log_n| self.in_ring(shape, log_n)).collect();
        let refused = found.iter().filter_map(|plan| plan.as_ref().err().copied().flatten()).min();
        self.least(found.into_iter().flatten().collect(), Plan::seconds).ok_or(refused)
    }
}

fn key(plan: &Plan) -> (u32, usize, Layout, Split, u64, u64) {
    let parameters = plan.parameters();
    let bytes = (plan.memory(1).total(), plan.key_spec().byte_count());
    (parameters.log_n(), parameters.p().len(), plan.layout(), plan.split(), bytes.0, bytes.1)
}

/// What is left out and what is simulated late makes no difference.
#[test]
fn the_plan_is_that_of_a_comparison_of_all_members() {
    let model = CostModel::default();
    for (shape, owner) in [([40, 6, 3], 0.0), ([3000, 30, 3], 0.0), ([700, 90, 5], 0.0), ([40, 6, 3], 50.0)] {
        let [samples, columns, classes] = shape;
        let shape = Shape { samples, columns, classes };
        let model = CostModel { made: owner, sent: 0.0, ..model };
        let planner = Planner::new(&Scores, &model);
        let fastest = planner.cheapest(shape, Demands::default()).unwrap();
        let (memory, keys) = (fastest.memory(1).total(), fastest.key_spec().byte_count());
        let limits = [None, Some(1), Some(2), Some(3), Some(8), Some(1000)];
        for (of_memory, of_keys) in limits.into_iter().flat_map(|a| [(a, None), (None, a)]) {
            let demands = Demands {
                memory_bytes: of_memory.map(|part| memory / part),
                key_bytes: of_keys.map(|part| keys / part),
                ..Demands::default()
            };
            let slow = Slow { demands, model }.cheapest(shape, &[14, 15]);
            let context = format!("{shape:?}, {of_memory:?}, {of_keys:?}");
            match (planner.cheapest(shape, demands), slow) {
                (Ok(plan), Ok(slow)) if slow.parameters().log_n() == plan.parameters().log_n() => {
                    assert_eq!(key(&plan), key(&slow), "{context}");
                    let other = Plan::cheapest(shape, &Scores, demands, &model).unwrap();
                    assert_eq!(key(&other), key(&plan), "a planner that was asked before gives the same");
                    let seconds = plan.seconds();
                    let faster = |seconds| planner.faster_than(seconds, shape, demands);
                    assert!(faster(seconds).is_none(), "{context}");
                    assert_eq!(key(&faster(seconds.next_up()).unwrap()), key(&plan), "{context}");
                }
                (plan, slow) => {
                    let refused = |error| match error {
                        Error::TooMuchMemory { required, .. } | Error::TooManyKeys { required, .. } => {
                            required
                        }
                        other => panic!("{context}: {other}"),
                    };
                    let (plan, slow) = (plan.map_err(refused), slow.map_err(Option::unwrap));
                    assert_eq!(plan.map(|plan| key(&plan)), slow.map(|slow| key(&slow)), "{context}");
                }
            }
        }
    }
}
