use ndarray::Axis;

use super::*;
use crate::plan::planning;
use crate::testing::{Reencryption, Setup, clouds, relative_error, rng, small_ring};
use crate::training::rows::RowStorage;
use crate::volley_ckks::{Ciphertext, Context, SecretKey};
use crate::volley_revolver::Shape;
use crate::volley_revolver::plan::Demands;
use crate::volley_sigmoid::SigmoidPolynomial;
use crate::{Dataset, Hyperparameters, LearningRate, Owner, Plan, Profile, TrainingSet};

/// Trains encrypted and in clear, checks every iteration, and returns the largest relative weight error.
fn train(data: &Dataset, hyperparameters: &Hyperparameters, demands: Demands) -> f64 {
    train_by(&Setup::new(data, hyperparameters, demands))
}

fn train_by(setup: &Setup) -> f64 {
    let (plan, owner, upload) = (&setup.plan, setup.owner(), setup.upload());
    assert_eq!(
        (upload.ciphertext_count(), upload.byte_count(plan.parameters())),
        (plan.upload().ciphertexts, plan.upload().bytes)
    );

    let evaluator = setup.evaluator();
    let mut trainer = Trainer::new(&evaluator, plan, upload.expand(&setup.context).unwrap()).unwrap();
    assert!(trainer.model().is_none());
    let mut worst = 0.0;
    for reference in setup.training_set.reference(plan.hyperparameters()) {
        let step = trainer.step().unwrap().unwrap();
        assert_eq!(step.iteration, reference.iteration);
        let model = owner.decrypt_private(&trainer.model().unwrap()).unwrap();
        let reference = setup.training_set.model(reference.weights).unwrap();
        let error = relative_error(model.weights(), reference.weights());
        worst = f64::max(worst, error);
    }
    assert_eq!(trainer.step().unwrap(), None);
    assert_eq!(&evaluator.counts(), plan.counts(), "the plan is what runs");
    worst
}

fn degree(degree: usize, half_width: f64, iterations: usize) -> Hyperparameters {
    with_decay(degree, half_width, iterations, 0.01)
}

fn with_decay(degree: usize, half_width: f64, iterations: usize, decay: f64) -> Hyperparameters {
    let sigmoid = SigmoidPolynomial::least_squares(degree, half_width).unwrap();
    Hyperparameters::new(iterations, Profile::Standardised, sigmoid, decay, LearningRate::Constant(2.0))
        .unwrap()
}

#[test]
fn every_profile_and_degree_equals_the_plain_reference() {
    let data = clouds(40, 6, 3);
    let cases = [
        (Hyperparameters::paper(3).unwrap(), 1e-6),
        (Hyperparameters::standard(3).unwrap(), 1e-5),
        (Hyperparameters::standard(1).unwrap(), 1e-5),
        (Hyperparameters::standardised(3).unwrap(), 1e-5),
        (degree(5, 12.0, 3), 1e-5),
        (degree(7, 16.0, 3), 1e-5),
        (degree(1, 4.0, 2), 1e-6),
        // A decay that shows, over iterations that are neither first nor last.
        (with_decay(1, 4.0, 5, 0.3), 1e-5),
    ];
    for (hyperparameters, bound) in cases {
        let error = train(&data, &hyperparameters, small_ring(10));
        assert!(error < bound, "{error:e} for {hyperparameters:?}");
    }
}

/// A plan that refreshes by decrypting and encrypting again, at `level`.
fn reencrypting(data: &Dataset, hyperparameters: &Hyperparameters, log_n: u32, level: usize) -> Setup {
    let levelled = Setup::new(data, &Hyperparameters::few(2).unwrap(), small_ring(log_n));
    let literal = crate::volley_ckks::ParametersLiteral {
        levels: std::iter::once(vec![50]).chain(std::iter::repeat_n(vec![43], level)).collect(),
        log_scale: 43,
        ..levelled.plan.parameters().literal()
    };
    let (layout, split) = (levelled.plan.layout(), levelled.plan.split());
    let (parameters, refresh) = (literal.build().unwrap(), Arc::new(Reencryption { level, key: None }));
    let plan = Plan::refreshed_by(hyperparameters, &parameters, layout, split, refresh).unwrap();
    Setup::of(data, hyperparameters, plan)
}

#[test]
fn refreshed_weights_train_as_in_clear() {
    let data = clouds(40, 6, 3);
    for (hyperparameters, level) in [
        (with_decay(3, 8.0, 12, 0.1), 9),
        (Hyperparameters::many(12).unwrap(), 11),
        // Every iteration is refreshed, the first too.
        (Hyperparameters::many(12).unwrap(), 6),
    ] {
        // These few columns tell the classes apart: weights grow beyond the usual.
        let hyperparameters = hyperparameters.with_weight_range(1000.0).unwrap();
        let setup = reencrypting(&data, &hyperparameters, 10, level);
        assert!(setup.plan.refresh_count() >= 5);
        check_refreshed(&setup, level);
    }
}

/// Trains with refreshes at `level`, and compares every iteration with the training in clear.
fn check_refreshed(setup: &Setup, level: usize) {
    let (plan, evaluator) = (&setup.plan, setup.evaluator());
    let refresh: Arc<dyn Refresh<_>> = Arc::new(Reencryption { level, key: Some(setup.secret_key.clone()) });
    let data = setup.upload().expand(&setup.context).unwrap();
    let mut trainer = Trainer::with_refresh(&evaluator, plan, Some(refresh), data).unwrap();
    for reference in setup.training_set.reference(plan.hyperparameters()) {
        let step = trainer.step().unwrap().unwrap();
        let weights = plan.schedule().after(step.iteration);
        assert_eq!((step.level, step.refreshed), (weights.level, weights.refreshed));
        let checkpoint = trainer.checkpoint().unwrap();
        assert_eq!(checkpoint.check(plan, Ciphertext::operand), Ok(()));
        let model = setup.owner().decrypt_private(&trainer.model().unwrap()).unwrap();
        let error = relative_error(model.weights(), &reference.weights);
        assert!(error < 1e-4, "iteration {}: {:e}", step.iteration, error);
    }
    assert_eq!(trainer.step().unwrap(), None);
    assert_eq!(&evaluator.counts(), plan.counts(), "the plan is what runs");
}

#[test]
fn class_blocks_train_as_in_clear() {
    let hyperparameters = Hyperparameters::standard(3).unwrap();
    // One group and many, one column block and several; the last class block with one class, two and three.
    for (samples, columns, classes, period) in
        [(33, 6, 5, 2), (33, 6, 5, 4), (40, 6, 7, 2), (40, 6, 7, 4), (300, 4, 6, 4), (20, 60, 6, 2)]
    {
        let data = clouds(samples, columns, classes);
        let setup = Setup::in_class_blocks(&data, &hyperparameters, small_ring(9), period);
        let layout = setup.plan.layout();
        assert_eq!((layout.period(), layout.class_blocks()), (period, classes.div_ceil(period)));
        let error = train_by(&setup);
        assert!(error < 1e-5, "{error:e} for {samples} x {columns}, {classes} classes by {period}");
    }
}

#[test]
fn refreshed_class_blocks_train_as_in_clear() {
    let hyperparameters = Hyperparameters::many(8).unwrap().with_weight_range(1000.0).unwrap();
    let (data, level) = (clouds(40, 6, 5), 11);
    let single = reencrypting(&data, &hyperparameters, 9, level);
    for period in [2, 4] {
        let (shape, slots) = (single.plan.layout().shape(), single.plan.layout().slots());
        let layout = Layout::with_period(shape, slots, period).unwrap().pop().unwrap();
        let (parameters, split) = (single.plan.parameters(), Split::on_copies(&layout));
        let plan = Plan::restore(&single.plan.training(), parameters, layout, split).unwrap();
        let setup = Setup::of(&data, &hyperparameters, plan);
        assert!(setup.plan.refresh_count() >= 2);
        check_refreshed(&setup, level);
    }
}

/// More classes than are in one block by any plan.
#[test]
fn many_classes_train_as_in_clear() {
    let data = clouds(120, 4, 20);
    let setup = Setup::new(&data, &Hyperparameters::standard(2).unwrap(), small_ring(9));
    assert!(setup.plan.layout().class_blocks() > 1, "{:?}", setup.plan.layout());
    let error = train_by(&setup);
    assert!(error < 1e-5, "{error:e}");
}

/// Their weights take 8 slots or a few more, which have fewer stages than a bootstrapping has levels for.
#[test]
fn few_features_of_two_classes_are_bootstrapped_as_well() {
    let hyperparameters = Hyperparameters::many(12).unwrap().with_weight_range(180.0).unwrap();
    for features in 1..=3 {
        let clouds = clouds(40, 5, 2);
        let columns: Vec<usize> = (0..features).collect();
        let data = Dataset::new(clouds.features().select(Axis(1), &columns), clouds.labels()).unwrap();
        let shape = Shape { samples: 40, columns: features + 1, classes: 2 };
        let plan = planning::refreshing(shape, &hyperparameters, small_ring(10), RowStorage::Memory)
            .unwrap()
            .unwrap();
        assert!(plan.refresh_count() >= 1);
        let setup = Setup::of(&data, &hyperparameters, plan);
        let evaluator = setup.evaluator();
        let upload = setup.upload().expand(&setup.context).unwrap();
        let mut trainer = Trainer::new(&evaluator, &setup.plan, upload).unwrap();
        for reference in setup.training_set.reference(&hyperparameters) {
            trainer.step().unwrap().unwrap();
            let model = setup.owner().decrypt_private(&trainer.model().unwrap()).unwrap();
            let error = relative_error(model.weights(), &reference.weights);
            assert!(error < 1e-3, "{features}, iteration {}: {error:e}", reference.iteration);
        }
        assert_eq!(&evaluator.counts(), setup.plan.counts(), "the plan is what runs");
    }
}

#[cfg(feature = "wire")]
#[test]
fn bootstrapped_weights_train_as_in_clear() {
    let data = clouds(40, 6, 3);
    let hyperparameters = Hyperparameters::many(7).unwrap().with_weight_range(180.0).unwrap();
    let shape = Shape { samples: 40, columns: 7, classes: 3 };
    let plan =
        planning::refreshing(shape, &hyperparameters, small_ring(11), RowStorage::Memory).unwrap().unwrap();
    assert!(plan.bootstrapping().is_some() && plan.refresh_count() >= 1);
    let setup = Setup::of(&data, &hyperparameters, plan);
    let (plan, evaluator, another) = (&setup.plan, setup.evaluator(), setup.evaluator());
    let data = || setup.upload().expand(&setup.context).unwrap();
    let mut trainer = Trainer::new(&evaluator, plan, data()).unwrap();
    let job = crate::Job::new(plan.clone(), setup.secret_key.id(), &mut rng(6)).unwrap();
    let mut resumed = None;
    for reference in setup.training_set.reference(&hyperparameters) {
        let step = trainer.step().unwrap().unwrap();
        let model = setup.owner().decrypt_private(&trainer.model().unwrap()).unwrap();
        let error = relative_error(model.weights(), &reference.weights);
        assert!(error < 1e-3, "iteration {}: {:e}", step.iteration, error);
        if step.refreshed && resumed.is_none() {
            let mut file = Vec::new();
            trainer.checkpoint().unwrap().write(&job, &mut file).unwrap();
            let checkpoint = Checkpoint::read(&job, &setup.context, &*file, u64::MAX).unwrap();
            resumed = Some(Trainer::resume(&another, plan, data(), checkpoint).unwrap());
        }
    }
    assert_eq!(&evaluator.counts(), plan.counts(), "the plan is what runs");
    // A run that goes on from refreshed weights ends with the same ones.
    let mut resumed = resumed.unwrap();
    while resumed.step().unwrap().is_some() {}
    assert_eq!(resumed.model().unwrap().terms, trainer.model().unwrap().terms);
    // The plan of the job is the same, made again.
    let mut file = Vec::new();
    job.write(&mut file).unwrap();
    let again = crate::Job::read(&*file, u64::MAX).unwrap();
    assert_eq!(again.plan().to_string(), plan.to_string());
    assert_eq!(again.plan().key_spec(), plan.key_spec());
}

#[test]
fn weights_beyond_the_range_are_refused_before_anything_is_encrypted() {
    let hyperparameters = Hyperparameters::many(12).unwrap().with_weight_range(0.25).unwrap();
    let setup = reencrypting(&clouds(40, 6, 3), &hyperparameters, 9, 11);
    let refusal = setup.owner().encrypt(&mut rng(3)).unwrap_err();
    let Error::WeightsOutOfRange { iteration, weight, range } = refusal else { panic!("{refusal}") };
    assert!(iteration >= 1 && weight > range && range == 0.25);
}

#[test]
fn small_keys_train_the_same_model() {
    let data = clouds(40, 6, 5);
    let hyperparameters = Hyperparameters::standard(3).unwrap();
    let fast = Setup::new(&data, &hyperparameters, small_ring(10)).plan;
    let keys = |plan: &Plan| plan.key_spec().byte_count();
    let demands = |key_bytes| Demands { key_bytes: Some(key_bytes), ..small_ring(10) };
    for key_bytes in [keys(&fast) / 2, keys(&fast) / 3] {
        let small = Setup::new(&data, &hyperparameters, demands(key_bytes)).plan;
        assert!(keys(&small) <= key_bytes && small.split() != fast.split());
        let error = train(&data, &hyperparameters, demands(key_bytes));
        assert!(error < 1e-5, "{error:e} by {:?}", small.split());
    }
}

#[test]
fn any_shape_trains_as_in_clear() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    // The last has more groups than are worked on at once.
    for (samples, columns, classes) in
        [(2, 4, 2), (7, 5, 3), (33, 9, 5), (150, 4, 2), (20, 90, 4), (800, 4, 2)]
    {
        let error = train(&clouds(samples, columns, classes), &hyperparameters, small_ring(9));
        assert!(error < 1e-4, "{error:e} for {samples} x {columns}, {classes} classes");
    }
}

#[test]
fn an_iteration_takes_the_levels_of_its_degree() {
    for (degree_of, levels) in [(3, 4), (5, 5), (7, 5)] {
        let setup = Setup::new(&clouds(30, 5, 3), &degree(degree_of, 8.0, 3), small_ring(9));
        assert_eq!(setup.plan.data_level(), 2 + 2 * levels + 1);
        let evaluator = setup.evaluator();
        let data = setup.upload().expand(&setup.context).unwrap();
        let mut trainer = Trainer::new(&evaluator, &setup.plan, data).unwrap();
        for left in [1 + 2 * levels, 1 + levels, 1] {
            assert_eq!(trainer.step().unwrap().unwrap().level, left, "degree {degree_of}");
        }
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let data = clouds(150, 12, 3);
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let with_threads = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| Setup::new(&data, &hyperparameters, small_ring(9)).train())
    };
    let (one, three): (EncryptedModel<Ciphertext>, _) = (with_threads(1), with_threads(3));
    assert_eq!(one.terms, three.terms);
}

#[test]
fn data_of_another_plan_is_refused() {
    let data = clouds(40, 6, 3);
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let setup = Setup::new(&data, &hyperparameters, small_ring(9));
    let (plan, context, upload) = (&setup.plan, &setup.context, setup.upload());
    let evaluator = setup.evaluator();

    let mut fewer = upload.expand(context).unwrap();
    fewer.labels.pop();
    let groups = plan.layout().groups();
    let expected =
        Error::GroupCount { expected: groups, class_blocks: 1, features: groups, labels: groups - 1 };
    assert_eq!(Trainer::new(&evaluator, plan, fewer).unwrap_err(), expected);

    // Fewer samples in as many groups: nothing shows it but the layout.
    let half = data.select(&(0..38).collect::<Vec<_>>()).unwrap();
    let half = Setup::new(&half, &hyperparameters, small_ring(9));
    assert_eq!(half.plan.parameters(), plan.parameters());
    let expected = Error::LayoutMismatch { expected: plan.layout(), actual: half.plan.layout() };
    let smaller = half.upload().expand(context).unwrap();
    assert_eq!(Trainer::new(&evaluator, plan, smaller).unwrap_err(), expected);

    let other = Hyperparameters::standard(3).unwrap();
    let other = Arc::new(Plan::new(40, 6, 3, &other, small_ring(9)).unwrap());
    let other_context = Context::new(other.parameters().clone());
    let data_of_plan = upload.expand(context).unwrap();
    let mismatch = Error::from(crate::volley_ckks::Error::ParameterMismatch);
    assert_eq!(Trainer::new(&evaluator, &other, data_of_plan).unwrap_err(), mismatch);
    assert!(matches!(upload.expand(&other_context), Err(Error::Matrix(_))));
    let stranger = Arc::new(SecretKey::generate(context, &mut rng(9)));
    let foreign = Owner::new(plan, &setup.training_set, &stranger).unwrap().encrypt(&mut rng(3)).unwrap();
    let foreign = foreign.expand(context).unwrap();
    assert!(matches!(Trainer::new(&evaluator, plan, foreign), Err(Error::Matrix(_))));

    let half = data.select(&(0..20).collect::<Vec<_>>()).unwrap();
    let half = Arc::new(TrainingSet::new(&half, Profile::Standard).unwrap());
    let mismatch = Error::PlanShape { expected: [40, 7, 3], actual: [20, 7, 3] };
    assert_eq!(Owner::new(plan, &half, &setup.secret_key).unwrap_err(), mismatch);
    assert_eq!(half.features().len_of(Axis(0)), 20);
    assert!(matches!(Owner::new(&other, &setup.training_set, &setup.secret_key), Err(Error::Matrix(_))));
}

#[test]
fn a_step_that_is_refused_leaves_the_weights_as_they_were() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let setup = Setup::new(&clouds(40, 6, 3), &hyperparameters, small_ring(9));
    let evaluator = setup.evaluator();
    let data = setup.upload().expand(&setup.context).unwrap();
    // At the top level, not at the weights' scale: no carry.
    let foreign = data.labels.clone();
    let mut trainer = Trainer::new(&evaluator, &setup.plan, data).unwrap();
    trainer.step().unwrap();
    let before = trainer.model().unwrap();

    let carry = trainer.state.as_mut().unwrap().carry.replace(foreign);
    assert!(matches!(trainer.step(), Err(Error::Matrix(_))));
    assert_eq!((trainer.iteration, trainer.model().unwrap().terms), (1, before.terms));

    trainer.state.as_mut().unwrap().carry = carry;
    assert_eq!(trainer.step().unwrap().unwrap().iteration, 2);
}
