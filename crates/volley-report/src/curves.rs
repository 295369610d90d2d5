//! Accuracy and loss after each iteration: of the encrypted run, the same run in clear, and the paper's three curves.

use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;
use volley_data::volley_mlr::volley_sigmoid::loss::log_likelihood_of_scores;
use volley_data::volley_mlr::{self, Baseline, ClassLabels, Dataset, TrainingSet};

use crate::error::Error;

/// How good a model is on some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quality {
    /// Share of the rows that are predicted right: by the model that the owner gets, or by that of a baseline.
    pub accuracy: f64,
    /// −ℓ/n, the squared likelihood error's loss of the trained scores, for each row: 0 is perfect, and zero weights
    /// have the loss classes · ln 2.
    pub loss: f64,
}

/// One run. Index 0 is before the first iteration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curve {
    /// The quality on the rows that were trained on.
    pub training: Vec<Quality>,
    /// The quality on the test rows.
    pub test: Vec<Quality>,
}

/// Shares of the rows that a model predicts right.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Accuracies {
    /// Share of the rows that were trained on.
    pub training: f64,
    /// Share of the test rows.
    pub test: f64,
}

/// What is known of the encrypted training.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum Encrypted {
    /// All of it: the weights were decrypted after each iteration.
    Each(Curve),
    /// The model that it ended with. Its loss is not known: a model's scores need not be those that were trained.
    Last(Accuracies),
}

/// The encrypted run and what it is compared with; all have as many iterations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Curves {
    /// The run on ciphertexts.
    pub encrypted: Encrypted,
    /// The same algorithm with the same polynomial, in clear.
    pub plain: Curve,
    /// The paper's curves, beside a run that was watched: whoever has a model alone asks how good it is, and not how
    /// other methods do.
    #[serde(flatten)]
    pub baselines: Option<Baselines>,
}

/// The paper's curves, in clear, on the same prepared features.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Baselines {
    /// NAG.
    pub nag: Curve,
    /// NAG on the squared likelihood error.
    pub sle_nag: Curve,
    /// NAG on the squared likelihood error with the quadratic gradient.
    pub sle_nag_qg: Curve,
}

/// The rows that models are judged by.
#[derive(Clone, Copy, Debug)]
pub struct Rows<'a> {
    /// The rows that were trained on.
    pub training: &'a Dataset,
    /// Other rows, of the same columns.
    pub test: &'a Dataset,
    /// Rows to choose a model by, apart from the test rows, where there are any.
    pub validation: Option<&'a Dataset>,
}

impl Encrypted {
    /// How good the model that the owner gets is.
    pub(crate) fn last(&self) -> Accuracies {
        let accuracy = |curve: &[Quality]| curve.last().map_or(0.0, |quality| quality.accuracy);
        match self {
            Self::Each(curve) => {
                Accuracies { training: accuracy(&curve.training), test: accuracy(&curve.test) }
            }
            Self::Last(accuracies) => *accuracies,
        }
    }
}

impl Curve {
    /// Judges the models that the owner gets for the weights after each iteration.
    pub(crate) fn of_model(
        set: &TrainingSet,
        rows: Rows<'_>,
        weights: &[&Array2<f64>],
    ) -> Result<Self, Error> {
        Self::new(set, rows, weights, |weights, trained| set.model_scores(weights, trained))
    }

    /// Judges a baseline after each iteration.
    fn of_baseline(
        set: &TrainingSet,
        rows: Rows<'_>,
        baseline: Baseline,
        iterations: usize,
    ) -> Result<Self, Error> {
        let weights: Vec<_> = set.baseline(baseline).take(iterations).collect();
        Self::new(set, rows, &weights.iter().collect::<Vec<_>>(), |_, trained| trained)
    }

    /// Judges weights before the first iteration and after each. `predicting` turns the scores that were trained into
    /// those that predict.
    fn new(
        set: &TrainingSet,
        rows: Rows<'_>,
        weights: &[&Array2<f64>],
        predicting: impl Fn(&Array2<f64>, Array2<f64>) -> Array2<f64> + Sync,
    ) -> Result<Self, Error> {
        let untrained = Array2::zeros((set.classes().len(), set.features().ncols()));
        let weights: Vec<&Array2<f64>> = std::iter::once(&untrained).chain(weights.iter().copied()).collect();
        let judge = |data: &Dataset, weights: &Array2<f64>| -> Result<Quality, Error> {
            let trained = set.model_as_trained(weights.clone())?.scores(data.features())?;
            let loss = loss(set.classes(), &trained, data)?;
            Ok(Quality {
                accuracy: set.classes().accuracy(&predicting(weights, trained), data.labels()),
                loss,
            })
        };
        let on = |data| weights.par_iter().map(|weights| judge(data, weights)).collect::<Result<Vec<_>, _>>();
        Ok(Self { training: on(rows.training)?, test: on(rows.test)? })
    }
}

impl Baselines {
    /// Runs them for so many iterations.
    pub(crate) fn new(set: &TrainingSet, rows: Rows<'_>, iterations: usize) -> Result<Self, Error> {
        let baseline = |baseline| Curve::of_baseline(set, rows, baseline, iterations);
        Ok(Self {
            nag: baseline(Baseline::Softmax)?,
            sle_nag: baseline(Baseline::Sle)?,
            sle_nag_qg: baseline(Baseline::SleQuadratic)?,
        })
    }
}

/// −ℓ/n of scores that were trained.
fn loss(classes: &ClassLabels, trained: &Array2<f64>, data: &Dataset) -> Result<f64, Error> {
    let one_hot = known_one_hot(classes, data.labels());
    let likelihood = log_likelihood_of_scores(trained, &one_hot).map_err(volley_mlr::Error::from)?;
    Ok(-likelihood / data.samples() as f64)
}

/// One-hot rows; a label that training never saw is in no class.
fn known_one_hot(classes: &ClassLabels, labels: &[String]) -> Array2<f64> {
    let mut one_hot = Array2::zeros((labels.len(), classes.len()));
    for (row, label) in labels.iter().enumerate() {
        if let Some(class) = classes.index_of(label) {
            one_hot[[row, class]] = 1.0;
        }
    }
    one_hot
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use volley_mlr::{Hyperparameters, Profile};

    use super::*;

    #[test]
    fn every_run_begins_at_zero_weights_and_is_judged_after_each_iteration() {
        let training =
            Dataset::new(array![[0.0, 3.0], [1.0, 2.5], [4.0, 0.5], [5.0, 0.0]], ["a", "a", "b", "b"]);
        let training = training.unwrap();
        let test = Dataset::new(array![[0.5, 2.5], [5.0, 0.5], [2.0, 2.0], [9.0, 0.0]], ["a", "b", "c", "b"]);
        let test = test.unwrap();
        let hyperparameters = Hyperparameters::standard(3).unwrap();
        let set = TrainingSet::new(&training, Profile::Standard).unwrap();
        let weights: Vec<_> = set.reference(&hyperparameters).map(|step| step.weights).collect();
        let rows = Rows { training: &training, test: &test, validation: None };
        let curve = |weights: &[Array2<f64>]| {
            Curve::of_model(&set, rows, &weights.iter().collect::<Vec<_>>()).unwrap()
        };
        let (short, encrypted) = (curve(&weights[..2]), curve(&weights));
        let Baselines { nag, sle_nag, sle_nag_qg } = Baselines::new(&set, rows, 3).unwrap();
        for curve in [&encrypted, &nag, &sle_nag, &sle_nag_qg] {
            assert_eq!((curve.training.len(), curve.test.len()), (4, 4));
            // Every probability is a half: ln 2 for each class. The first class wins among equal scores.
            assert_eq!(curve.training[0], Quality { accuracy: 0.5, loss: 2.0 * 2f64.ln() });
        }
        assert_eq!(encrypted.test[..3], short.test);
        assert!(encrypted.training[3].loss < encrypted.training[0].loss);
        let last = encrypted.test[3];
        assert_eq!(last.accuracy, 0.75, "the class c was never seen");
        let model = set.model(weights[2].clone()).unwrap();
        assert_eq!(last.accuracy, model.accuracy(&test).unwrap());
        assert_eq!(Encrypted::Each(encrypted).last().test, 0.75);
    }
}
