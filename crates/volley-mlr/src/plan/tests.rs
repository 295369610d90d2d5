use super::planning::PREFERRED_BYTES;
use super::*;
use crate::testing::{Reencryption, small_ring};
use crate::volley_ckks::params::{ParametersError, max_log_qp};
use crate::volley_ckks::{self, KeySpec, Operation, OperationCounts, Security};
use crate::volley_revolver;
use crate::volley_revolver::plan::RingChoice;
use crate::{LearningRate, Profile};
use volley_sigmoid::SigmoidPolynomial;

mod limits;
mod planning_work;

/// The paper's run: 128 samples, 400 features and a bias, 10 classes.
const PAPER: Shape = Shape { samples: 128, columns: 401, classes: 10 };

fn in_ring(log_n: u32) -> Demands {
    Demands { ring: RingChoice::LogN(log_n), ..Demands::default() }
}

fn paper_plan(hyperparameters: &Hyperparameters, demands: Demands) -> Result<Plan, Error> {
    Plan::new(PAPER.samples, PAPER.columns - 1, PAPER.classes, hyperparameters, demands)
}

/// Iterations of the standard profile on data of any shape.
fn plan(shape: [usize; 3], iterations: usize, demands: Demands) -> Result<Plan, Error> {
    let [samples, features, classes] = shape;
    Plan::new(samples, features, classes, &Hyperparameters::standardised(iterations).unwrap(), demands)
}

#[test]
fn the_papers_run_fits_the_figures_of_the_issue() {
    // log N, ciphertexts, megabytes of the upload's and the keys' files at most.
    for (log_n, ciphertexts, megabytes, key_megabytes) in
        [(14, 9, 7.0, 150.0), (15, 5, 8.0, 300.0), (16, 3, 10.0, 600.0)]
    {
        for hyperparameters in [Hyperparameters::paper(2).unwrap(), Hyperparameters::standardised(2).unwrap()]
        {
            let plan = paper_plan(&hyperparameters, in_ring(log_n)).unwrap();
            let (parameters, upload) = (plan.parameters(), plan.upload());
            assert_eq!(parameters.log_n(), log_n);
            assert!(upload.ciphertexts <= ciphertexts, "{upload:?} at log N = {log_n}");
            assert!(upload.bytes as f64 <= megabytes * 1e6, "{upload:?} at log N = {log_n}");
            #[cfg(feature = "wire")]
            {
                let files = plan.upload_bytes();
                assert!(files as f64 <= megabytes * 1e6, "{files} bytes at log N = {log_n}");
                assert!((upload.bytes..upload.bytes + 1000).contains(&files));
            }
            let keys = plan.key_spec().byte_count();
            assert!(keys as f64 <= key_megabytes * 1e6, "{keys} bytes of keys at log N = {log_n}");
            assert_eq!(parameters.security(), Security::Classical128);
            let limit = max_log_qp(Security::Classical128, log_n).unwrap();
            assert!(parameters.log_qp() <= f64::from(limit));
            // Six levels and one that is left.
            assert_eq!(parameters.max_level(), 7);
            assert!(plan.memory(1).total() < 2_500_000_000, "{} bytes", plan.memory(1).total());
        }
    }
    let parameters = paper_plan(&Hyperparameters::paper(2).unwrap(), in_ring(14)).unwrap();
    assert_eq!(parameters.parameters(), &Parameters::n14().unwrap());
}

/// The paper's run by the default split of the widest layout.
fn default_split(log_n: u32) -> MatrixPlan {
    let hyperparameters = Hyperparameters::paper(2).unwrap();
    let best = paper_plan(&hyperparameters, in_ring(log_n)).unwrap();
    let layout = Layout::new(PAPER, best.parameters().max_slots()).unwrap();
    let training = Training {
        hyperparameters: &hyperparameters,
        method: None,
        storage: RowStorage::Memory,
        copy_levels: CopyLevels::Highest,
    };
    let split = Split::on_copies(&layout);
    MatrixPlan::of(&training, best.parameters(), layout, split, &CostModel::default()).unwrap()
}

#[test]
fn the_default_split_costs_what_the_numpy_model_counts() {
    // `reference/skewed_volley.py`: rotations, hoisted, conjugations, products, relinearizations, uploads.
    let table = [(14, [46, 159, 6, 212, 32], 9), (15, [28, 87, 4, 106, 20], 5), (16, [20, 51, 3, 53, 14], 3)];
    for (log_n, counts, uploaded) in table {
        let default = default_split(log_n);
        let operations = [
            Operation::Rotation,
            Operation::HoistedRotation,
            Operation::Conjugation,
            Operation::Product,
            Operation::Relinearization,
        ];
        assert_eq!(operations.map(|operation| default.counts().total(operation)), counts, "log N = {log_n}");
        assert_eq!(default.upload().ciphertexts, uploaded);
    }
}

#[test]
fn the_plan_costs_no_more_than_the_numpy_models_run() {
    for log_n in 14..=16 {
        let reference = default_split(log_n);
        let plan = paper_plan(&Hyperparameters::paper(2).unwrap(), in_ring(log_n)).unwrap();
        assert!(
            plan.cost() <= reference.cost(),
            "log N = {log_n}: {} s, not {} s",
            plan.cost(),
            reference.cost()
        );
    }
}

#[test]
fn no_layout_that_is_left_out_would_be_cheaper() {
    let hyperparameters = Hyperparameters::standardised(2).unwrap();
    for (samples, features, classes) in [(128, 400, 10), (5000, 3, 2), (5000, 12, 2), (2000, 40, 3)] {
        let best = plan([samples, features, classes], 2, in_ring(14)).unwrap();
        let training = Training {
            hyperparameters: &hyperparameters,
            method: None,
            storage: RowStorage::Memory,
            copy_levels: CopyLevels::Highest,
        };
        for layout in Layout::candidates(best.layout().shape(), best.layout().slots()).unwrap() {
            for split in Split::candidates(&layout) {
                let model = CostModel::default();
                let member = MatrixPlan::of(&training, best.parameters(), layout, split, &model).unwrap();
                assert!(best.seconds() <= member.seconds(), "{layout:?}, {split:?}");
            }
        }
    }
}

#[test]
fn an_iteration_takes_four_levels_or_five() {
    for (degree, levels) in [(1, 3), (3, 4), (5, 5), (7, 5)] {
        let sigmoid = SigmoidPolynomial::least_squares(degree, 8.0).unwrap();
        for iterations in 1..=3 {
            let hyperparameters = Hyperparameters::new(
                iterations,
                Profile::Standardised,
                sigmoid.clone(),
                0.01,
                LearningRate::Constant(2.0),
            );
            let plan = paper_plan(&hyperparameters.unwrap(), Demands::default()).unwrap();
            assert_eq!(plan.data_level(), 2 + (iterations - 1) * levels + 1, "degree {degree}");
            assert_eq!(plan.data_level(), plan.parameters().max_level());
        }
    }
}

#[test]
fn too_many_iterations_name_what_would_do() {
    // The iterations that each ring has levels for, and the ring that has more. Models to be shared are not refreshed.
    let rings = [(12, 0, Some(14)), (13, 0, Some(14)), (14, 2, Some(15)), (15, 5, Some(16)), (16, 10, None)];
    for (log_n, possible, sufficient_log_n) in rings {
        let iterations = possible + 1;
        let hyperparameters = Hyperparameters::few(iterations).unwrap();
        if log_n == 16 {
            assert!(Plan::new(10, 4, 2, &hyperparameters, in_ring(log_n)).unwrap().bootstrapping().is_some());
            continue;
        }
        let refusal = Plan::new(10, 4, 2, &hyperparameters, in_ring(log_n)).unwrap_err();
        let expected = Error::TooManyIterations { iterations, log_n, possible, sufficient_log_n };
        assert_eq!(refusal, expected);
        let would_do = sufficient_log_n.map_or(String::new(), |log_n| format!("log N = {log_n} would do"));
        assert!(refusal.to_string().ends_with(&would_do), "{refusal}");
        if possible > 0 {
            assert!(plan([10, 4, 2], possible, in_ring(log_n)).is_ok());
        }
    }
    let anywhere = plan([10, 4, 2], MAX_ITERATIONS + 1, Demands::default()).unwrap_err();
    assert_eq!(anywhere.to_string(), "a training has at most 1,000 iterations, not 1,001");
}

#[test]
fn a_long_run_refreshes_its_weights() {
    let hyperparameters = Hyperparameters::standardised(30).unwrap();
    let demands = Demands { memory_bytes: Some(12_000_000_000), threads: 2, ..Demands::default() };
    let plan = paper_plan(&hyperparameters, demands).unwrap();
    let parameters = plan.parameters();
    assert_eq!((parameters.log_n(), parameters.security()), (16, Security::Classical128));
    assert_eq!(plan.bootstrapping(), Some(Preset::Precise));
    assert!(plan.refresh_bits().unwrap() >= 20.0);
    // Whole iterations between two refreshes, from the level that they return to.
    let between = (plan.data_level() - INPUT_LEVEL) / 5;
    assert_eq!(plan.data_level(), INPUT_LEVEL + 5 * between);
    assert!(plan.data_level() < parameters.max_level());
    assert!((30 / (between + 1)..=30).contains(&plan.refresh_count()), "{}", plan.refresh_count());
    assert_eq!(plan.weights(30).level, plan.schedule().after(30).level);
    assert!(plan.weights(30).level >= SPARE_LEVELS);
    assert!(plan.memory(2).total() < 12_000_000_000, "{:?}", plan.memory(2));
    assert!(plan.memory(2).encoded > 0);
    let shown = plan.to_string();
    assert!(shown.contains("refreshes by bootstrapping, preset Precise, at least 20 bits"), "{shown}");
}

#[test]
fn few_features_of_two_classes_have_long_runs_as_others_have() {
    for features in 1..=4 {
        for iterations in [12, 30] {
            let plan = plan([100, features, 2], iterations, Demands::default()).unwrap();
            assert!(plan.bootstrapping().is_some() && plan.refresh_count() > 0, "{features} features");
            assert_eq!(plan.parameters().security(), Security::Classical128);
            assert!(plan.weights(iterations).level >= SPARE_LEVELS);
        }
    }
}

#[test]
fn a_run_is_refreshed_where_that_takes_less_than_a_chain_for_all_of_it() {
    let plan =
        |iterations| paper_plan(&Hyperparameters::standardised(iterations).unwrap(), Demands::default());
    let [few, many] = [plan(8).unwrap(), plan(10).unwrap()];
    assert_eq!((few.refresh_count(), few.parameters().log_n()), (0, 16));
    // A chain has 39 levels, one special prime and so 40 digits: 15 GB of keys.
    assert!(many.refresh_count() > 0 && many.memory(2).total() < PREFERRED_BYTES);
    assert!(many.seconds() < 2.0 * few.seconds(), "{} and {} s", few.seconds(), many.seconds());
    // With keys of that size at most as well.
    let demands = Demands { key_bytes: Some(many.key_spec().byte_count()), ..Demands::default() };
    let within = paper_plan(&Hyperparameters::standardised(10).unwrap(), demands).unwrap();
    assert!(within.refresh_count() > 0);
}

#[test]
fn absurd_numbers_of_iterations_are_refused_at_once() {
    for iterations in [1_000_000, usize::MAX / 4, usize::MAX] {
        for demands in [Demands::default(), in_ring(14), small_ring(9)] {
            let refusal = plan([10, 4, 2], iterations, demands).unwrap_err();
            match refusal {
                Error::TooLongTraining { max: 1000, .. } => assert_ne!(demands, in_ring(14)),
                refusal => assert!(matches!(refusal, Error::TooManyIterations { .. }), "{refusal}"),
            }
        }
    }
}

#[test]
fn absurd_shapes_are_refused_at_once_whatever_the_settings() {
    let max = usize::MAX;
    let large =
        [[max, 4, 2], [100_000_000_000, 4, 2], [24, max, 3], [24, 1_000_000_000_000, 3], [max, max, 8]];
    for shape in large {
        for (iterations, demands) in [(2, Demands::default()), (2, small_ring(9)), (30, Demands::default())] {
            let refusal = plan(shape, iterations, demands).unwrap_err();
            let expected = matches!(
                refusal,
                Error::Matrix(MatrixError::TooManyCopies { .. } | MatrixError::TooManyCiphertexts { .. })
            );
            assert!(expected, "{shape:?}: {refusal}");
        }
        let [samples, features, classes] = shape;
        let flooding = volley_ckks::Flooding::new(30, 1).unwrap();
        let shareable = Hyperparameters::standardised(2).unwrap().shareable(flooding);
        assert!(Plan::new(samples, features, classes, &shareable, Demands::default()).is_err());
    }
    for classes in [1_000_000_000, max] {
        let refusal = plan([24, 4, classes], 2, Demands::default()).unwrap_err();
        assert!(matches!(refusal, Error::Matrix(MatrixError::TooManyCopies { .. })), "{refusal}");
    }
}

#[test]
fn ring_degrees_out_of_range_are_refused() {
    for log_n in [0, 3, 18, 40, 99, u32::MAX] {
        let expected = volley_ckks::Error::Parameters(ParametersError::LogN { log_n, min: 4, max: 17 });
        assert_eq!(plan([10, 4, 2], 2, in_ring(log_n)).unwrap_err(), expected.into());
    }
    let small = plan([10, 4, 2], 2, in_ring(11)).unwrap_err();
    assert!(small.to_string().ends_with("log N = 14 would do"), "{small}");
}

/// In one block they took 44 GB, an upload of 567 MB and fifty times as long.
#[test]
fn many_classes_fit_a_usual_server() {
    for (classes, gigabytes, upload_megabytes, seconds) in
        [(65, 2.0, 40.0, 8.0), (100, 2.0, 60.0, 10.0), (128, 2.0, 70.0, 12.0), (1000, 4.0, 400.0, 60.0)]
    {
        let plan = plan([2000, 20, classes], 2, Demands::default()).unwrap();
        assert!(plan.layout().class_blocks() > 1 && plan.layout().shape().classes == classes);
        let memory = plan.memory(2).total() as f64 / 1e9;
        assert!(memory < gigabytes, "{classes} classes take {memory} GB");
        let upload = plan.upload().bytes as f64 / 1e6;
        assert!(upload < upload_megabytes, "{classes} classes take an upload of {upload} MB");
        assert!(plan.seconds() < seconds, "{classes} classes take {} s", plan.seconds());
    }
}

/// Keys of half their size or less cost less than a tenth of the time.
#[test]
fn small_keys_take_more_time() {
    let hyperparameters = [Hyperparameters::paper(2).unwrap(), Hyperparameters::standardised(2).unwrap()];
    for hyperparameters in &hyperparameters {
        for (log_n, key_bytes) in [(14, 60_000_000), (15, 150_000_000)] {
            let fast = paper_plan(hyperparameters, in_ring(log_n)).unwrap();
            let small = paper_plan(hyperparameters, Demands { key_bytes: Some(key_bytes), ..in_ring(log_n) })
                .unwrap();
            assert!(small.key_spec().byte_count() <= key_bytes);
            assert!(small.seconds() > fast.seconds() && small.seconds() < 1.1 * fast.seconds());
        }
    }
    let limited = |bytes| plan([128, 400, 10], 2, Demands { key_bytes: Some(bytes), ..in_ring(14) });
    let Err(Error::Matrix(volley_revolver::Error::TooManyKeys { required, limit: 1000 })) = limited(1000)
    else {
        panic!("keys of a kilobyte")
    };
    // A third of what is asked for.
    assert!(required < 25_000_000, "{required}");
    assert_eq!(limited(required).unwrap().key_spec().byte_count(), required);
}

/// In the largest ring the fastest plan of the paper's run has 546 MB of keys, which take longer to make than the
/// training.
#[test]
fn keys_that_take_longer_than_the_training_are_small_unasked() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let plan = paper_plan(&hyperparameters, in_ring(16)).unwrap();
    assert!(plan.key_spec().byte_count() < 110_000_000, "{}", plan.key_spec().byte_count());
    let training = Training {
        hyperparameters: &hyperparameters,
        method: None,
        storage: RowStorage::Memory,
        copy_levels: CopyLevels::Highest,
    };
    let free = CostModel { made: 0.0, ..CostModel::default() };
    let fastest = MatrixPlan::cheapest(PAPER, &training, in_ring(16), &free).unwrap();
    assert!(fastest.key_spec().byte_count() > 500_000_000);
    assert!(plan.seconds() < 1.5 * fastest.seconds());
    // Where the training takes longer it is the fastest.
    let usual = paper_plan(&hyperparameters, in_ring(14)).unwrap();
    let fastest = MatrixPlan::cheapest(PAPER, &training, in_ring(14), &free).unwrap();
    assert_eq!((usual.layout(), usual.split()), (fastest.layout(), fastest.split()));
    assert_eq!(usual.key_spec(), fastest.key_spec());
}

/// Measured, owner and server in one process on two threads, with 10,000 rows to test on: the peak of the resident set
/// in megabytes.
#[test]
fn memory_is_foreseen() {
    for (log_n, samples, measured) in
        [(14, 128, 623.0), (14, 1000, 1070.0), (15, 128, 909.0), (16, 128, 924.5)]
    {
        let hyperparameters = Hyperparameters::paper(2).unwrap();
        let plan = Plan::new(samples, 400, 10, &hyperparameters, in_ring(log_n)).unwrap();
        let memory = plan.memory(2);
        let planned = memory.total() as f64 / 1e6;
        assert!((1.0..1.2).contains(&(planned / measured)), "{planned} MB, not {measured}: {memory:?}");
    }
}

#[test]
fn a_run_without_the_levels_is_refused_where_it_lacks_them() {
    let hyperparameters = Hyperparameters::standardised(2).unwrap();
    let training = Training {
        hyperparameters: &hyperparameters,
        method: None,
        storage: RowStorage::Memory,
        copy_levels: CopyLevels::Highest,
    };
    // The weights after the first iteration have one level left, the scores none.
    let parameters = plan([10, 4, 2], 1, small_ring(9)).unwrap().parameters().clone();
    let layout = Layout::new(Shape { samples: 10, columns: 5, classes: 2 }, parameters.max_slots()).unwrap();
    let simulator = Arc::new(Simulator::new(&parameters));
    let refusal = training.simulate(&simulator, layout, Split::on_copies(&layout)).unwrap_err();
    let expected = volley_sigmoid::Error::InsufficientLevels { required: 2, available: 0 };
    assert_eq!(refusal, Error::Sigmoid(expected));
}

/// The plan that is counted by simulating every iteration.
fn by_every_iteration(plan: &Plan) -> (OperationCounts, KeySpec, u64) {
    let training = plan.training();
    let simulator = Arc::new(Simulator::new(plan.parameters()));
    let members = (plan.layout(), plan.split());
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    one_thread.install(|| {
        let prepare = |method: Method| method.simulated(plan.parameters(), plan.layout()).unwrap();
        let refresh = plan.method().map(prepare);
        let mut trainer =
            training.circuit().simulated(&simulator, members, plan.schedule(), refresh).unwrap();
        while trainer.step().unwrap().is_some() {}
    });
    (simulator.counts(), simulator.key_spec(), simulator.peak_memory_bytes())
}

#[test]
fn one_cycle_of_a_run_tells_what_all_of_it_takes() {
    let parameters = plan([40, 9, 3], 3, small_ring(9)).unwrap().parameters().clone();
    for (level, iterations) in [(6, 1), (6, 9), (7, 25), (10, 6), (10, 7), (10, 8), (10, 30), (10, 31)] {
        let hyperparameters = Hyperparameters::few(iterations).unwrap();
        let shape = Shape { samples: 900, columns: 10, classes: 3 };
        let layout = Layout::new(shape, parameters.max_slots()).unwrap();
        let (split, refresh) = (Split::on_copies(&layout), Arc::new(Reencryption { level, key: None }));
        let plan = Plan::refreshed_by(&hyperparameters, &parameters, layout, split, refresh).unwrap();
        assert_eq!(plan.schedule().cycle().is_some(), iterations > 6, "{:?}", plan.schedule());
        for storage in [RowStorage::Memory, RowStorage::Disk] {
            let plan = plan.with_storage(storage).unwrap();
            let (counts, key_spec, peak) = by_every_iteration(&plan);
            assert_eq!((plan.counts(), plan.key_spec()), (&counts, &key_spec), "{iterations} from {level}");
            assert_eq!(plan.memory(1).ciphertexts, peak, "{storage:?}: {iterations} from {level}");
        }
    }
}

#[test]
fn the_work_of_planning_is_bounded_from_above() {
    for (shape, iterations) in [
        ([128, 400, 10], 2),
        ([8192, 304, 10], 40),
        ([200_000, 3, 2], 3),
        ([4, 100_000, 2], 30),
        ([300, 60, 100], 12),
    ] {
        let plan = plan(shape, iterations, in_ring(16)).unwrap();
        let counted: u64 = plan.counts().iter().map(|(.., count)| count).sum();
        let bound = work::operations(&plan.layout(), &plan.schedule());
        assert!(counted <= bound as u64, "{shape:?}: {counted} are more than {bound}");
        assert!(bound as u64 <= 30 * counted, "{shape:?}: {counted} are far fewer than {bound}");
    }
}

/// The copies of a group may be as many as a layout has at most; what each iteration and each refresh does is not.
#[test]
fn plans_that_take_long_to_make_are_refused() {
    for (shape, iterations) in [([10_000, 600_000, 10], 10), ([128, 8_388_606, 3], 1000)] {
        let [samples, features, classes] = shape;
        let small = plan([samples.min(100), features.min(100), classes], iterations, in_ring(16)).unwrap();
        let shape = Shape { samples, columns: features + 1, classes };
        let layout = Layout::new(shape, small.parameters().max_slots()).unwrap();
        let split = Split::on_copies(&layout);
        let refusal = Plan::restore(&small.training(), small.parameters(), layout, split).unwrap_err();
        assert!(matches!(refusal, Error::PlanTooLarge { max: work::MAX_OPERATIONS, .. }), "{refusal}");
    }
}

#[test]
fn unusual_shapes_have_a_plan() {
    let shapes =
        [[1, 1, 2], [2, 1, 2], [1, 400, 10], [3, 5000, 2], [128, 5000, 10], [70, 1, 64], [1000, 3, 2]];
    for shape in shapes {
        for demands in [in_ring(14), small_ring(14)] {
            let plan = plan(shape, 2, demands).unwrap();
            let laid_out = plan.layout().shape();
            assert_eq!([laid_out.samples, laid_out.columns - 1, laid_out.classes], shape);
            assert!(plan.upload().ciphertexts >= 3 && plan.seconds() > 0.0);
        }
    }
    assert!(plan([1, 1, 128], 1, in_ring(16)).is_ok());
    for shape in [[0, 4, 2], [10, 0, 2], [10, 4, 0], [10, 4, 1]] {
        let refusal = plan(shape, 2, in_ring(14)).unwrap_err();
        assert!(matches!(refusal, Error::Matrix(volley_revolver::Error::EmptyShape { .. })), "{refusal}");
    }
}

#[test]
fn a_plan_is_always_the_same() {
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // Many groups and many column blocks.
        [[3000, 50, 5], [30, 500, 2]].map(|shape| {
            let plan = pool.install(|| plan(shape, 2, small_ring(10))).unwrap();
            (plan.memory(1).total(), format!("{plan:?}"))
        })
    };
    let first = with_threads(1);
    for threads in [1, 2, 3, 5, 5] {
        assert_eq!(with_threads(threads), first, "with {threads} threads");
    }
}

/// What was simulated for other parameters, layouts and splits on the way to a plan is no part of it.
#[test]
fn a_plan_takes_what_its_own_parameters_take() {
    for (shape, iterations) in [([128, 400, 10], 2), ([128, 400, 10], 3), ([1000, 50, 5], 40)] {
        let plan = plan(shape, iterations, Demands::default()).unwrap();
        let alone = plan.with_storage(plan.storage()).unwrap();
        assert_eq!((plan.counts(), plan.key_spec()), (alone.counts(), alone.key_spec()), "{shape:?}");
        assert_eq!((plan.memory(2), plan.upload()), (alone.memory(2), alone.upload()), "{shape:?}");
        assert!((plan.seconds() - alone.seconds()).abs() < 1e-9 * plan.seconds(), "{shape:?}");
    }
}

#[test]
fn what_is_shown_is_what_an_owner_asks() {
    let plan = paper_plan(&Hyperparameters::paper(2).unwrap(), in_ring(14)).unwrap();
    let shown = plan.to_string();
    let (upload, keys) = (plan.upload(), plan.key_spec());
    for part in [
        "128 samples, 401 columns, 10 classes, 2 iterations".to_owned(),
        "log N 14, log QP 430, 128-bit classical security (eprint 2024/463)".to_owned(),
        format!("upload {} ciphertexts, {:.1} MB", upload.ciphertexts, upload.bytes as f64 / 1e6),
        format!("{} evaluation keys, {:.0} MB", keys.key_count(), keys.byte_count() as f64 / 1e6),
        format!("server memory {:.0} MB", plan.memory(1).total() as f64 / 1e6),
        format!(
            "about {:.1} s on one core with AVX-512 IFMA",
            plan.seconds_on(&CostModel::of(CoreKind::Avx512Ifma))
        ),
    ] {
        assert!(shown.contains(&part), "{part:?} is not in\n{shown}");
    }
    let unchecked = plan_of_small_ring().to_string();
    assert!(unchecked.contains("NO security claim"), "{unchecked}");
}

fn plan_of_small_ring() -> Plan {
    plan([10, 4, 2], 2, small_ring(9)).unwrap()
}
