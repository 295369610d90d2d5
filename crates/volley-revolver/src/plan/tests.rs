use proptest::prelude::*;
use volley_ckks::costs::CoreKind;
use volley_ckks::params::ParametersError;
use volley_ckks::{Arithmetic, SimulatedCiphertext};

use super::*;
use crate::skewed::Skewed;

const SHAPE: Shape = Shape { samples: 200, columns: 30, classes: 3 };
const MODEL: CostModel = CostModel {
    transform: 0.1,
    product: 1.0,
    pass: 2.0,
    encoding: 0.1,
    first_use: 0.0,
    made: 0.0,
    sent: 0.0,
};

/// Scores of encrypted features under encrypted weights, as often as there are levels.
struct Scores {
    levels: usize,
}

impl Circuit for Scores {
    type Error = Error;

    fn levels(&self) -> usize {
        self.levels
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        let skewed = Skewed::new(simulator, layout, split)?;
        let input = |level| Ok(simulator.input(&simulator.parameters().scale(), level)?);
        for level in 1..=self.levels {
            let blocks = (0..layout.column_blocks())
                .map(|_| input(level))
                .collect::<Result<Vec<SimulatedCiphertext>, Error>>()?;
            let copies = (0..layout.groups())
                .map(|_| skewed.forward_copies(&blocks, level))
                .collect::<Result<Vec<_>, _>>()?;
            skewed.forward_all(&copies, &blocks)?;
        }
        Ok(())
    }
}

/// Two ciphertexts that are alive at the same time if two threads make them.
struct Overlap;

impl Circuit for Overlap {
    type Error = Error;

    fn levels(&self) -> usize {
        1
    }

    fn simulate(&self, simulator: &Arc<Simulator>, _: Layout, _: Split) -> Result<(), Error> {
        let hold = || {
            let held = simulator.input(&simulator.parameters().scale(), 1);
            std::thread::sleep(std::time::Duration::from_millis(1));
            held.map(drop)
        };
        let (first, second) = rayon::join(hold, hold);
        Ok(first.and(second)?)
    }
}

/// Sums of no terms, whatever it is run on.
struct Refused;

impl Circuit for Refused {
    type Error = Error;

    fn levels(&self) -> usize {
        1
    }

    fn simulate(&self, simulator: &Arc<Simulator>, _: Layout, _: Split) -> Result<(), Error> {
        simulator.sum_of_products(&[])?;
        Ok(())
    }
}

fn in_ring(log_n: u32) -> Demands {
    Demands { ring: RingChoice::LogN(log_n), ..Demands::default() }
}

fn plan(shape: Shape, levels: usize, demands: Demands) -> Result<Plan, Error> {
    Plan::cheapest(shape, &Scores { levels }, demands, &MODEL)
}

#[test]
fn a_machine_takes_its_operations_and_the_first_use_of_memory() {
    let demands = Demands { security: Security::Unchecked, ..in_ring(11) };
    let plan = plan(SHAPE, 1, demands).unwrap();
    let seconds = |first_use| plan.seconds_on(&CostModel { first_use, ..MODEL });
    assert_eq!(seconds(0.0), plan.seconds());
    let memory = plan.memory(1).total() as f64 * 1e-9;
    assert!((seconds(2.0) - plan.seconds() - 2.0 * memory).abs() < 1e-9);
    let [fast, slow] =
        [CoreKind::Avx512Ifma, CoreKind::Avx2].map(|kind| plan.seconds_on(&CostModel::of(kind)));
    assert!(fast < slow);
}

#[test]
fn nothing_in_the_family_is_cheaper() {
    let circuit = Scores { levels: 2 };
    // From few columns, where narrow rows save groups, to many, where they waste ciphertexts.
    for (samples, columns, classes) in
        [(200, 30, 3), (5000, 5, 2), (5000, 20, 2), (100, 401, 10), (2000, 90, 8)]
    {
        let shape = Shape { samples, columns, classes };
        let cheapest = Plan::cheapest(shape, &circuit, in_ring(13), &MODEL).unwrap();
        let (parameters, slots) = (cheapest.parameters(), cheapest.layout().slots());
        assert_eq!((parameters.log_n(), slots), (13, 1 << 12));
        assert_eq!((parameters.max_level(), parameters.security()), (2, Security::Classical128));
        let layouts = Layout::candidates(shape, slots).unwrap();
        let members = layouts
            .into_iter()
            .flat_map(|layout| Split::candidates(&layout).into_iter().map(move |split| (layout, split)));
        for (layout, split) in members {
            let member = Plan::of(&circuit, parameters, layout, split, &MODEL).unwrap();
            assert!(cheapest.seconds() <= member.seconds(), "{layout:?}, {split:?}");
            if (layout, split) == (cheapest.layout(), cheapest.split()) {
                assert_eq!(cheapest.counts(), member.counts());
                assert_eq!(cheapest.key_spec(), member.key_spec());
                assert_eq!(cheapest.upload(), member.upload());
                assert_eq!(cheapest.memory(1).total(), member.memory(1).total());
            }
        }
    }
}

#[test]
fn the_cheapest_ring_is_the_cheapest_of_all() {
    let anywhere = plan(SHAPE, 4, Demands::default()).unwrap();
    // 50 + 4·40 + 50 bits are over the 214 of 2^13.
    let rings: Vec<_> = (LOG_N.0..=LOG_N.1).filter_map(|log_n| plan(SHAPE, 4, in_ring(log_n)).ok()).collect();
    assert_eq!(rings.iter().map(|plan| plan.parameters().log_n()).collect::<Vec<_>>(), [14, 15, 16]);
    assert!(rings.iter().all(|plan| anywhere.seconds() <= plan.seconds()));
    assert!(rings.iter().any(|plan| plan.seconds() == anywhere.seconds()));
}

#[test]
fn primes_are_as_wide_as_the_ring_allows() {
    let bits = |log_n, levels| plan(SHAPE, levels, in_ring(log_n)).unwrap().parameters().log_scale();
    assert_eq!([bits(14, 7), bits(14, 4), bits(15, 7)], [40, 43, 43]);
    // 868 − 100 bits hold 19 levels of 40, not of 43.
    assert_eq!(bits(15, 19), 40);
}

#[test]
fn too_many_levels_name_the_ring_that_would_do() {
    // The table less q₀ and one special prime, in primes of 40 bits.
    let rings = [(12, 0, Some(13)), (13, 2, Some(14)), (14, 8, Some(15)), (15, 19, Some(16)), (16, 41, None)];
    for (log_n, available, sufficient_log_n) in rings {
        let required = available + 1;
        let refusal = plan(SHAPE, required, in_ring(log_n)).unwrap_err();
        assert_eq!(refusal, Error::TooManyLevels { log_n, required, available, sufficient_log_n });
        let would_do = sufficient_log_n.map_or("no ring in use".into(), |log_n| format!("log N = {log_n}"));
        assert!(refusal.to_string().contains(&would_do), "{refusal}");
        if available > 0 && log_n < 16 {
            assert_eq!(plan(SHAPE, available, in_ring(log_n)).unwrap().parameters().max_level(), available);
        }
    }
    let small = Error::TooManyLevels { log_n: 9, required: 3, available: 0, sufficient_log_n: Some(14) };
    assert_eq!(plan(SHAPE, 3, in_ring(9)).unwrap_err(), small);
    let anywhere = Error::TooManyLevels { log_n: 16, required: 42, available: 41, sufficient_log_n: None };
    assert_eq!(plan(SHAPE, 42, Demands::default()).unwrap_err(), anywhere);
}

#[test]
fn absurd_numbers_of_levels_are_refused_at_once() {
    for levels in [10_000, usize::MAX - 1, usize::MAX] {
        for security in [Security::Classical128, Security::Unchecked] {
            let demands = Demands { security, ..Demands::default() };
            let refusal = plan(SHAPE, levels, demands).unwrap_err();
            assert!(matches!(refusal, Error::TooManyLevels { log_n: 16, .. }), "{refusal}");
        }
    }
}

#[test]
fn ring_degrees_that_do_not_exist_are_refused() {
    for log_n in [0, 3, 18, 40, 64, 99, u32::MAX] {
        for security in [Security::Classical128, Security::Unchecked] {
            let refusal = plan(SHAPE, 1, Demands { security, ..in_ring(log_n) }).unwrap_err();
            let expected = ParametersError::LogN { log_n, min: 4, max: 17 };
            assert_eq!(refusal, Error::Ckks(volley_ckks::Error::Parameters(expected)));
        }
    }
}

#[test]
fn too_many_classes_name_the_slots_that_would_do() {
    let refused = |classes, log_n| {
        let demands = Demands { security: Security::Unchecked, ..in_ring(log_n) };
        plan(Shape { classes, ..SHAPE }, 1, demands).unwrap_err()
    };
    // Sixteen classes are one block of 2 · 16² slots.
    let refusal = refused(16, 9);
    assert_eq!(refusal, Error::TooFewSlots { slots: 1 << 8, required: 1 << 9 });
    assert_eq!(refusal.to_string(), "no layout fits 256 slots (log N = 9); 512 (log N = 10) would do");
    assert!(matches!(refused(usize::MAX, 14), Error::TooManyCopies { .. }));
    assert_eq!(refused(1, 14), Error::EmptyShape { samples: 200, columns: 30, classes: 1 });
}

#[test]
fn many_classes_are_cut_into_blocks_that_take_less() {
    let circuit = Scores { levels: 2 };
    for (samples, columns, classes) in [(1000, 20, 100), (200, 30, 20), (3000, 8, 40)] {
        let shape = Shape { samples, columns, classes };
        let chosen = Plan::cheapest(shape, &circuit, in_ring(14), &MODEL).unwrap();
        assert!(chosen.layout().class_blocks() > 1, "{:?}", chosen.layout());
        let members = Layout::family(shape, chosen.layout().slots()).unwrap().into_iter();
        let members = members.filter(|layout| layout.feature_ciphertexts() * layout.period() < 10_000);
        let fastest = members
            .flat_map(|layout| Split::candidates(&layout).into_iter().map(move |split| (layout, split)))
            .map(|(layout, split)| Plan::of(&circuit, chosen.parameters(), layout, split, &MODEL).unwrap())
            .reduce(|a, b| if b.seconds() < a.seconds() { b } else { a })
            .unwrap();
        // One choice after the other misses the fastest, but not by much.
        assert!(
            chosen.seconds() < 1.2 * fastest.seconds(),
            "{} s, not {}",
            chosen.seconds(),
            fastest.seconds()
        );
        if let Ok(layout) = Layout::new(shape, chosen.layout().slots()) {
            let split = Split::on_copies(&layout);
            let single = Plan::of(&circuit, chosen.parameters(), layout, split, &MODEL).unwrap();
            assert!(
                chosen.seconds() < single.seconds() && chosen.memory(1).total() < single.memory(1).total()
            );
        }
    }
}

#[test]
fn demands_on_plans_of_many_classes_are_met_or_say_what_would_do() {
    let shape = Shape { samples: 500, columns: 20, classes: 60 };
    let fastest = plan(shape, 2, in_ring(14)).unwrap();
    let limited = |memory_bytes| plan(shape, 2, Demands { memory_bytes: Some(memory_bytes), ..in_ring(14) });
    let Err(Error::TooMuchMemory { required, limit: 1000 }) = limited(1000) else { panic!("it fits 1 kB") };
    assert!(required < fastest.memory(1).total());
    assert!(limited(required).unwrap().memory(1).total() <= required);
    let limited = |key_bytes| plan(shape, 2, Demands { key_bytes: Some(key_bytes), ..in_ring(14) });
    let Err(Error::TooManyKeys { required, limit: 1000 }) = limited(1000) else { panic!("it fits 1 kB") };
    assert!(required < fastest.key_spec().byte_count());
    assert!(limited(required).unwrap().key_spec().byte_count() <= required);
}

#[test]
fn the_owners_seconds_decide_where_they_are_more_than_the_servers() {
    let with = |made, sent| {
        let model = CostModel { made, sent, ..MODEL };
        Plan::cheapest(SHAPE, &Scores { levels: 4 }, in_ring(16), &model).unwrap()
    };
    let bytes = |plan: &Plan| plan.key_spec().byte_count() + plan.upload().bytes;
    let fastest = with(0.0, 0.0);
    assert_eq!(fastest.cost(), fastest.seconds());
    let even = 1e9 * fastest.seconds() / bytes(&fastest) as f64;
    // However slow the line is.
    let less = with(0.99 * even, 1000.0);
    assert_eq!((less.seconds(), bytes(&less)), (fastest.seconds(), bytes(&fastest)));
    let more = with(1.01 * even, 1.0);
    assert!(more.seconds() > fastest.seconds() && bytes(&more) < bytes(&fastest));
    let cost = |plan: &Plan| plan.seconds() + (1.01 * even + 1.0) * 1e-9 * bytes(plan) as f64;
    assert!((more.cost() - cost(&more)).abs() < 1e-9 && cost(&more) < cost(&fastest));
    // No split of the same layout takes less under the same parameters, nor under fewer special primes.
    let few = build(16, 4, 1, Security::Classical128, None).unwrap();
    for parameters in [more.parameters(), &few] {
        for split in [Split::candidates(&more.layout()), Split::lean_candidates(&more.layout())].concat() {
            let other = Plan::of(&Scores { levels: 4 }, parameters, more.layout(), split, &MODEL).unwrap();
            assert!(cost(&more) <= cost(&other) + 1e-9, "{split:?}");
        }
    }
}

#[test]
fn keys_take_the_owner_time() {
    let plan = plan(SHAPE, 1, in_ring(14)).unwrap();
    let seconds = plan.key_seconds_on(&CostModel { made: 2.0, ..MODEL });
    assert!((seconds - 2e-9 * plan.key_spec().byte_count() as f64).abs() < 1e-12);
}

#[test]
fn memory_decides_and_what_is_refused_says_how_much_would_do() {
    let limited = |memory_bytes| plan(SHAPE, 2, Demands { memory_bytes: Some(memory_bytes), ..in_ring(14) });
    let fastest = plan(SHAPE, 2, in_ring(14)).unwrap();
    assert_eq!(limited(fastest.memory(1).total()).unwrap().seconds(), fastest.seconds());
    let Err(Error::TooMuchMemory { required, limit: 1000 }) = limited(1000) else { panic!("it fits 1 kB") };
    assert!(required < fastest.memory(1).total());
    let leanest = limited(required).unwrap();
    assert_eq!(leanest.memory(1).total(), required);
    assert!(leanest.seconds() > fastest.seconds());
    assert_eq!(limited(required - 1).unwrap_err(), Error::TooMuchMemory { required, limit: required - 1 });
}

#[test]
fn keys_decide_and_what_is_refused_says_how_small_they_can_be() {
    let limited = |key_bytes| plan(SHAPE, 2, Demands { key_bytes: Some(key_bytes), ..in_ring(14) });
    let fastest = plan(SHAPE, 2, in_ring(14)).unwrap();
    let bytes = |plan: &Plan| plan.key_spec().byte_count();
    assert_eq!(limited(bytes(&fastest)).unwrap().seconds(), fastest.seconds());
    let Err(Error::TooManyKeys { required, limit: 1000 }) = limited(1000) else { panic!("it fits 1 kB") };
    let leanest = limited(required).unwrap();
    assert_eq!(bytes(&leanest), required);
    assert!(leanest.seconds() > fastest.seconds());
    assert_eq!(limited(required - 1).unwrap_err(), Error::TooManyKeys { required, limit: required - 1 });
    // Small keys in too little memory lack memory.
    let both = Demands { key_bytes: Some(required), memory_bytes: Some(1000), ..in_ring(14) };
    assert!(matches!(plan(SHAPE, 2, both), Err(Error::TooMuchMemory { limit: 1000, .. })));
    // Larger keys are allowed more time, never less.
    let mut seconds = leanest.seconds();
    for part in 1..=4 {
        let plan = limited(required + (bytes(&fastest) - required) / 4 * part).unwrap();
        assert!(plan.seconds() <= seconds);
        seconds = plan.seconds();
    }
}

#[test]
fn every_thread_takes_memory() {
    let best = plan(SHAPE, 2, in_ring(14)).unwrap();
    let [one, two, four] = [1, 2, 4].map(|threads| best.memory(threads));
    assert_eq!((one.scratch, best.memory(0)), (0, one));
    assert!(two.scratch > 0 && four.scratch == 3 * two.scratch);
    assert_eq!(four.total() - one.total(), four.scratch);
    assert_eq!(one.keys, best.key_spec().memory_bytes());
    assert_eq!(one.upload, best.upload().memory_bytes);
    let limited =
        |threads| plan(SHAPE, 2, Demands { memory_bytes: Some(one.total()), threads, ..in_ring(14) });
    assert_eq!(limited(1).unwrap().split(), best.split());
    assert!(matches!(limited(1000), Err(Error::TooMuchMemory { .. })));
}

#[test]
fn what_the_circuit_refuses_is_passed_on() {
    let refusal = Plan::cheapest(SHAPE, &Refused, Demands::default(), &MODEL).unwrap_err();
    assert_eq!(refusal, Error::Ckks(volley_ckks::Error::EmptySum));
}

#[test]
fn a_plan_is_always_the_same() {
    let parameters = build(12, 1, 1, Security::Unchecked, None).unwrap();
    let layout = Layout::new(SHAPE, parameters.max_slots()).unwrap();
    let split = Split::on_copies(&layout);
    let many = Shape { samples: 3000, ..SHAPE };
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let overlap = pool.install(|| Plan::of(&Overlap, &parameters, layout, split, &MODEL));
        let scores = pool.install(|| plan(many, 2, in_ring(14)));
        format!("{overlap:?} {scores:?}")
    };
    let first = with_threads(1);
    for threads in [1, 2, 4] {
        assert_eq!(with_threads(threads), first, "with {threads} threads");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn any_shape_has_a_plan_or_a_reason(
        samples in 1_usize..400,
        columns in 1_usize..5000,
        classes in 2_usize..300,
        log_n in 8_u32..12,
    ) {
        let shape = Shape { samples, columns, classes };
        let demands = Demands { security: Security::Unchecked, ..in_ring(log_n) };
        match plan(shape, 1, demands) {
            Ok(plan) => {
                prop_assert_eq!(plan.layout().shape(), shape);
                prop_assert!(plan.seconds() > 0.0 && plan.memory(1).total() > 0);
            }
            Err(Error::TooFewSlots { slots, required }) => {
                prop_assert_eq!(slots, 1 << (log_n - 1));
                prop_assert!(required > slots);
                let refused = Layout::new(shape, required).err();
                let fits = refused.is_none_or(|error| matches!(error, Error::TooManyCopies { .. }));
                prop_assert!(fits);
            }
            Err(Error::TooManyCopies { copies, max }) => prop_assert!(copies > max),
            Err(other) => prop_assert!(false, "{other}"),
        }
    }
}
