use std::sync::Arc;

use cpu_time::ThreadTime;
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;

use super::*;
use crate::testing::{Setup, clouds, rng, small_ring};
use crate::volley_ckks::Security;
use crate::volley_revolver::Error as MatrixError;
use crate::volley_revolver::plan::{Demands, RingChoice};

type Change = fn(&mut StoredPlan);

#[test]
fn a_shareable_plan_is_restored() {
    let flooding = Flooding::new(40, 3).unwrap();
    let hyperparameters = Hyperparameters::standard(2).unwrap().shareable(flooding);
    let plan = Setup::new(&clouds(40, 6, 3), &hyperparameters, small_ring(9)).plan;
    assert_eq!(plan.parameters().level_primes(1).len(), 2);
    let restored = StoredPlan::of(&plan).unwrap().plan(plan.parameters().id()).unwrap();
    assert_eq!(restored.hyperparameters(), plan.hyperparameters());
    assert_eq!(restored.shared_bits(), plan.shared_bits());
}

#[test]
fn a_plan_with_small_keys_is_restored() {
    let plan = Setup::new(&clouds(40, 6, 3), &Hyperparameters::standard(2).unwrap(), small_ring(9)).plan;
    let id = plan.parameters().id();
    let storages = [RowStorage::Memory, RowStorage::Disk].into_iter().cycle();
    for (lean, storage) in Split::lean_candidates(&plan.layout()).into_iter().zip(storages) {
        let mut stored = StoredPlan::of(&plan).unwrap();
        (stored.forward_steps, stored.backward_steps) =
            (lean.forward_copies() as u64, lean.backward_steps() as u64);
        stored.flags = flags(lean, storage.copy_levels());
        let restored = stored.plan(id).unwrap();
        assert_eq!((restored.split(), restored.storage()), (lean, storage));
        assert_eq!(restored.copy_levels(), storage.copy_levels());
        assert_eq!(StoredPlan::of(&restored).unwrap(), stored);
    }
}

/// A plan of two iterations, whose encoding the tests change.
fn two_iterations() -> Arc<Plan> {
    Setup::new(&clouds(40, 6, 3), &Hyperparameters::standard(2).unwrap(), small_ring(9)).plan
}

#[test]
fn a_plan_is_restored() {
    let plan = two_iterations();
    let restored = StoredPlan::of(&plan).unwrap().plan(plan.parameters().id()).unwrap();
    assert_eq!(restored.hyperparameters(), plan.hyperparameters());
    assert_eq!((restored.layout(), restored.split()), (plan.layout(), plan.split()));
    assert_eq!((restored.counts(), restored.key_spec()), (plan.counts(), plan.key_spec()));
    assert_eq!((restored.upload(), restored.memory(1).total()), (plan.upload(), plan.memory(1).total()));
    assert_eq!(StoredPlan::of(&restored).unwrap(), StoredPlan::of(&plan).unwrap());
}

/// Why a plan with a change is none.
fn refusal(plan: &Plan, change: Change) -> WireError {
    let mut stored = StoredPlan::of(plan).unwrap();
    change(&mut stored);
    assert_ne!(stored.encode().unwrap().hash(), EncodedPlan::of(plan).unwrap().hash());
    stored.plan(plan.parameters().id()).unwrap_err()
}

fn content(error: Error) -> WireError {
    WireError::Content(error)
}

#[test]
fn settings_out_of_range_are_refused() {
    let plan = two_iterations();
    let with = |change| refusal(&plan, change);
    assert_eq!(with(|stored| stored.iterations = 0), content(Error::NoIterations));
    assert_eq!(with(|stored| stored.weight_decay = 1.0), content(Error::WeightDecay { value: 1.0 }));
    assert_eq!(
        with(|stored| stored.learning_rate = Some(-1.0)),
        content(Error::LearningRate { value: -1.0 })
    );
    let changes: [Change; _] = [|stored| stored.sigmoid.clear(), |stored| stored.half_width = 1e9];
    for change in changes {
        assert!(matches!(with(change), WireError::Content(Error::Sigmoid(_))));
    }
    let changes: [Change; _] = [|stored| stored.iterations = 3, |stored| stored.iterations = u64::MAX];
    for change in changes {
        assert!(matches!(with(change), WireError::Content(Error::TooManyIterations { .. })));
    }
    let insecure: Change = |stored| stored.flooding = Some((29, 1));
    let expected = crate::volley_ckks::Error::StatisticalBits { bits: 29, min: 30, max: 128 };
    assert_eq!(with(insecure), content(expected.into()));
    // The scale of this plan is too short to be shared under.
    let shared: Change = |stored| stored.flooding = Some((30, 1));
    assert!(matches!(with(shared), WireError::Content(Error::SharedBits { .. })));
    let limit: Change = |stored| stored.momentum_limit = 2.0;
    assert_eq!(with(limit), content(Error::MomentumLimit { limit: 2.0 }));
    let range: Change = |stored| stored.weight_range = 0.0;
    assert_eq!(with(range), content(Error::WeightRange { range: 0.0 }));
}

#[test]
fn parameters_and_matrices_that_do_not_exist_are_refused() {
    let plan = two_iterations();
    let with = |change| refusal(&plan, change);
    let parameters: Change = |stored| stored.parameters.log_scale -= 1;
    assert!(matches!(with(parameters), WireError::File(FileError::ForeignParameters { .. })));
    let changes: [Change; _] = [
        |stored| stored.width = 24,
        |stored| stored.samples = 0,
        |stored| stored.samples = 1 << 30,
        |stored| stored.samples = u64::MAX,
        |stored| stored.columns = u64::MAX,
        |stored| stored.classes = 1,
        |stored| stored.classes = u64::MAX,
        |stored| stored.forward_steps = 3,
        |stored| stored.backward_steps = 0,
    ];
    for change in changes {
        assert!(matches!(with(change), WireError::Content(Error::Matrix(_))));
    }
    // Blocks of no classes.
    let halved: Change = |stored| stored.flags |= 0xf0;
    let expected = MatrixError::Period { period: 0, max: 4 };
    assert_eq!(with(halved), content(expected.into()));
    let unknown: Change = |stored| stored.refresh = 3;
    assert_eq!(with(unknown), FileError::Malformed.into());
    // A chain without the levels of a bootstrapping.
    let refreshing: Change = |stored| stored.refresh = PRECISE;
    assert!(matches!(with(refreshing), WireError::Content(Error::Matrix(_))));
    let ring: Change = |stored| stored.parameters.log_n = 40;
    assert!(matches!(with(ring), WireError::Content(Error::Matrix(MatrixError::Ckks(_)))));
}

/// What anyone could ask of a server: a plan with some of its numbers replaced.
fn mutant(rng: &mut ChaCha20Rng, of: &StoredPlan) -> StoredPlan {
    let mut below = |end: u64| rng.next_u64() % end;
    let mut stored = of.clone();
    for _ in 0..=below(4) {
        let exponent = below(64);
        let number = match below(4) {
            0 => below(12),
            1 => 1 << exponent,
            2 => (1 << exponent) - 1,
            _ => below(1 << exponent.max(1)),
        };
        let real = [0.0, -1.0, 1e-322, 1e300, f64::NAN, 0.3, 40.0, f64::INFINITY][below(8) as usize];
        match below(22) {
            0..=2 => stored.samples = number,
            3..=5 => stored.columns = number,
            6 | 7 => stored.classes = number,
            8..=10 => stored.iterations = number % 2048,
            11 => stored.half_width = real,
            12 => stored.sigmoid = vec![real; below(7) as usize],
            13 => stored.weight_decay = real,
            14 => stored.learning_rate = Some(real),
            15 => stored.parameters.log_n = below(20) as u32,
            16 => stored.parameters.levels = vec![vec![40 + below(12) as u32]; below(260) as usize],
            17 => stored.parameters.security = Security::Unchecked,
            18 => stored.width = 1 << below(17),
            19 => (stored.forward_steps, stored.backward_steps) = (1 << below(8), 1 << below(8)),
            20 => stored.flags = below(9) as u8,
            _ => stored.refresh = below(4) as u8,
        }
    }
    stored
}

/// What one thread needs, however busy the machine is.
fn seconds_of_one_thread(work: impl FnOnce() + Send) -> f64 {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        let start = ThreadTime::now();
        work();
        start.elapsed().as_secs_f64()
    })
}

#[test]
fn any_plan_is_read_or_refused_within_a_second() {
    let of = |[samples, features, classes]: [usize; 3], iterations| {
        let hyperparameters = Hyperparameters::standard(iterations).unwrap();
        StoredPlan::of(&Plan::new(samples, features, classes, &hyperparameters, Demands::default()).unwrap())
            .unwrap()
    };
    let plans = [of([24, 4, 3], 3), of([128, 400, 10], 30), of([8192, 304, 10], 40), of([300, 60, 100], 12)];
    let no_parameters = plans[0].parameters.build().unwrap().id();
    let mut rng = rng(14);
    let mut read = 0;
    for case in 0..300 {
        let stored = mutant(&mut rng, &plans[case % plans.len()]);
        let id = stored.parameters.build().map_or(no_parameters, |parameters| parameters.id());
        let mut outcome = None;
        let seconds = seconds_of_one_thread(|| outcome = Some(stored.plan(id)));
        let refusal = outcome.unwrap().err();
        read += usize::from(refusal.is_none());
        assert!(seconds < 1.0, "{seconds} s for {stored:?}: {refusal:?}");
    }
    assert!(read > 20, "only {read} of 300 are plans");
}

#[test]
fn large_plans_are_read() {
    for ([samples, features], iterations) in [([8192, 304], 40), ([52_500, 768], 10)] {
        let hyperparameters = Hyperparameters::standard(iterations).unwrap();
        let demands = Demands { ring: RingChoice::LogN(16), ..Demands::default() };
        let plan = Plan::new(samples, features, 10, &hyperparameters, demands).unwrap();
        let stored = StoredPlan::of(&plan).unwrap();
        let seconds = seconds_of_one_thread(|| {
            let restored = stored.plan(plan.parameters().id()).unwrap();
            assert_eq!((restored.counts(), restored.key_spec()), (plan.counts(), plan.key_spec()));
        });
        assert!(seconds < 1.0, "{seconds} s for {samples} x {features}");
    }
}
