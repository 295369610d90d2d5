use ndarray::array;
use volley_data::volley_mlr::volley_revolver::plan::Demands;
use volley_data::volley_mlr::{self, ClassLabels, Hyperparameters, Preprocessing, Profile};

use super::*;

/// Two classes, told apart by the first column.
fn rows(count: usize) -> Dataset {
    let value = |(row, column): (usize, usize)| match column {
        0 => (row % 2) as f64 * 4.0 + (row % 3) as f64 * 0.3,
        _ => (row * 5 % 7) as f64,
    };
    let labels = (0..count).map(|row| ["a", "b"][row % 2]);
    Dataset::new(Array2::from_shape_fn((count, 2), value), labels).unwrap()
}

/// All that an owner has of a training of two iterations.
struct Owner {
    plan: Plan,
    training_set: TrainingSet,
    reference: Vec<Step>,
    rows: Dataset,
    test: Dataset,
}

impl Owner {
    fn new() -> Self {
        let (rows, test) = (rows(16), rows(6));
        let hyperparameters = Hyperparameters::standardised(2).unwrap();
        let plan = Plan::new(16, 2, 2, &hyperparameters, Demands::default()).unwrap();
        let training_set = TrainingSet::new(&rows, Profile::Standardised).unwrap();
        let reference = training_set.reference(&hyperparameters).collect();
        Self { plan, training_set, reference, rows, test }
    }

    fn training(&self) -> Training<'_> {
        Training {
            data: "rows",
            plan: &self.plan,
            training_set: &self.training_set,
            reference: &self.reference,
            rows: Rows { training: &self.rows, test: &self.test, validation: None },
            images: None,
        }
    }

    /// A run whose weights are a little off.
    fn measured(&self) -> Measured {
        let after = |step: &Step| MeasuredIteration {
            seconds: 0.5,
            level: 4 - step.iteration,
            refreshed: false,
            weights: &step.weights * 1.001,
        };
        Measured {
            threads: 2,
            phases: Vec::new(),
            server_seconds: 1.25,
            iterations: self.reference.iter().map(after).collect(),
            peak_memory_bytes: None,
            operations: Operations { rotations: 1, hoisted_rotations: 2, products: 3, relinearizations: 4 },
        }
    }
}

#[test]
fn a_run_and_its_model_alone_give_the_same_figures() {
    let owner = Owner::new();
    let training = owner.training();
    let of_run = Report::of_run(&training, owner.measured()).unwrap();
    let last = owner.measured().iterations.pop().unwrap().weights;
    let model = owner.training_set.model(last).unwrap();
    let of_model = Report::of_model(&training, &model).unwrap();

    let run = of_run.run.as_ref().unwrap();
    assert_eq!(run.iterations.iter().map(|after| after.iteration).collect::<Vec<_>>(), [1, 2]);
    assert_eq!(run.iterations[1].level, 2);
    assert!((run.iterations[1].weight_precision_bits - 1000f64.log2()).abs() < 1e-6);
    assert_eq!(run.iterations[1].weight_precision_bits, of_run.weight_precision_bits());
    assert_eq!(run.iterations[1].accuracy_encrypted, of_run.accuracies().test);
    assert_eq!(run.iterations[1].accuracy_plain, of_run.curves.plain.test[2].accuracy);

    assert!(of_model.run.is_none());
    assert_eq!(of_model.accuracies(), of_run.accuracies());
    assert_eq!(of_model.accuracies().test, model.accuracy(&owner.test).unwrap());
    assert_eq!(of_model.max_relative_weight_error, of_run.max_relative_weight_error);
    assert_eq!(of_model.prediction_agreement, of_run.prediction_agreement);
    assert_eq!((&of_model.confusion, &of_model.curves.plain), (&of_run.confusion, &of_run.curves.plain));
    assert_eq!((of_model.samples, of_model.test_samples, of_model.features, of_model.classes), (16, 6, 2, 2));
    assert_eq!((&*of_model.profile, of_model.parameters.security_bits), ("standardised", Some(128)));
    assert_eq!(of_model.upload.ciphertexts, owner.plan.upload().ciphertexts);
}

#[test]
fn weights_are_needed_after_each_iteration() {
    let owner = Owner::new();
    let mut measured = owner.measured();
    measured.iterations.pop();
    let error = Report::of_run(&owner.training(), measured).unwrap_err();
    assert_eq!(error, Error::IterationCount { found: 1, expected: 2 });
    let short = Training { reference: &[], ..owner.training() };
    let error = Report::of_run(&short, owner.measured()).unwrap_err();
    assert_eq!(error, Error::IterationCount { found: 0, expected: 2 });
}

#[test]
fn a_model_of_other_rows_is_refused() {
    let owner = Owner::new();
    let mut moved = owner.rows.features().clone();
    moved[[0, 1]] += 0.5;
    let moved = Dataset::new(moved, owner.rows.labels().to_vec()).unwrap();
    let relabelled = Dataset::new(owner.rows.features().clone(), (0..16).map(|row| ["a", "c"][row % 2]));
    for other in [moved, relabelled.unwrap()] {
        let set = TrainingSet::new(&other, Profile::Standardised).unwrap();
        let model = set.model(owner.reference[1].weights.clone()).unwrap();
        assert_eq!(Report::of_model(&owner.training(), &model).unwrap_err(), Error::OtherRows);
    }
}

#[test]
fn a_model_is_of_the_iteration_whose_model_in_clear_is_the_nearest() {
    let owner = Owner::new();
    let mut steps = owner.reference.clone();
    // Three iterations that differ by a thousandth.
    let last = steps[1].weights.clone();
    steps.push(Step { weights: &last * 1.001, ..steps[1].clone() });
    steps[0].weights = &last * 0.999;
    let training = Training { reference: &steps, ..owner.training() };
    for (factor, iteration) in [(0.999, 1), (1.0001, 2), (1.001, 3), (1.5, 3)] {
        let model = owner.training_set.model(&last * factor).unwrap();
        assert_eq!(training.iteration_of(&model), Ok(iteration), "{factor}");
    }
}

#[test]
fn a_model_that_may_be_shared_has_no_report() {
    let owner = Owner::new();
    let set = TrainingSet::new(&owner.rows, Profile::Paper).unwrap();
    let shared = Sharing::Flooded { statistical_bits: 30, decryptions: 1, deviation: 0.1 };
    let weights = Array2::zeros(owner.reference[1].weights.raw_dim());
    let model = set.model(weights).unwrap().marked(shared);
    assert_eq!(Report::of_model(&owner.training(), &model).unwrap_err(), Error::SharedModel);
}

#[test]
fn test_rows_have_the_columns_of_the_training() {
    let owner = Owner::new();
    let model = owner.training_set.model(owner.reference[1].weights.clone()).unwrap();
    let test = Dataset::new(array![[1.0]], ["a"]).unwrap();
    let training =
        Training { rows: Rows { training: &owner.rows, test: &test, validation: None }, ..owner.training() };
    let error = Report::of_model(&training, &model).unwrap_err();
    assert!(matches!(error, Error::Training(volley_mlr::Error::ColumnCount { .. })), "{error}");
}

fn model(weights: Array2<f64>) -> Model {
    let classes = ClassLabels::try_from(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let preprocessing = Preprocessing::fit(&array![[1.0]], Profile::Paper);
    Model::new(weights, classes, preprocessing).unwrap()
}

#[test]
fn models_are_compared_by_weights_and_by_predictions() {
    let plain = model(array![[1.0, 0.0], [0.0, -4.0]]);
    let encrypted = model(array![[1.0, 0.25], [0.125, -4.0]]);
    assert_eq!(relative_error(&encrypted, &plain), 0.0625);
    assert_eq!(relative_error(&plain, &plain), 0.0);
    // Scores 1 and −4x; with the other weights 1 + x/4 and 1/8 − 4x.
    let data = Dataset::new(array![[0.0], [1.0], [-0.24], [-1.0]], ["a", "a", "a", "b"]).unwrap();
    assert_eq!(agreement(&plain, &plain, &data).unwrap(), 1.0);
    assert_eq!(agreement(&encrypted, &plain, &data).unwrap(), 0.75);
}
