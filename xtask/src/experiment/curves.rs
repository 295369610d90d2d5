//! Accuracy and loss after each iteration: of the encrypted run, of the same in clear, and of the paper's three curves.

use anyhow::Result;
use ndarray::Array2;
use rayon::prelude::*;
use serde::Serialize;
use volley_mlr::volley_sigmoid::loss::log_likelihood_of_scores;
use volley_mlr::{Baseline, ClassLabels, Dataset, Model, TrainingSet};

/// How good a model is on some rows.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub(crate) struct Quality {
    /// Share of the rows that are predicted right: by the model that the owner gets, or by that of a baseline.
    pub(crate) accuracy: f64,
    /// −ℓ/n, the squared likelihood error's loss of the trained scores for each row: 0 is perfect, classes · ln 2 is what zero weights have.
    pub(crate) loss: f64,
}

/// One run. Index 0 is before the first iteration.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Curve {
    pub(crate) training: Vec<Quality>,
    pub(crate) test: Vec<Quality>,
}

/// The encrypted run and what it is compared with; all have as many iterations.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Curves {
    pub(crate) encrypted: Curve,
    /// The same algorithm with the same polynomial, in clear.
    pub(crate) plain: Curve,
    /// The paper's, in clear, on the same prepared features.
    pub(crate) nag: Curve,
    pub(crate) sle_nag: Curve,
    pub(crate) sle_nag_qg: Curve,
}

/// The rows that models are judged by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rows<'a> {
    pub(crate) training: &'a Dataset,
    pub(crate) test: &'a Dataset,
}

impl Curves {
    /// Judges the trained weights after each iteration, and runs the baselines.
    pub(crate) fn new(
        training_set: &TrainingSet,
        rows: Rows<'_>,
        encrypted: &[Array2<f64>],
        plain: &[Array2<f64>],
    ) -> Result<Self> {
        let untrained = Array2::zeros((training_set.classes().len(), training_set.features().ncols()));
        let curve = |weights: &[Array2<f64>], recode: bool| -> Result<Curve> {
            let weights: Vec<&Array2<f64>> = std::iter::once(&untrained).chain(weights).collect();
            let judge = |data: &Dataset, weights: &Array2<f64>| -> Result<Quality> {
                let trained = training_set.model_as_trained(weights.clone())?;
                let loss = loss(&trained, data)?;
                let model = if recode { training_set.model(weights.clone())? } else { trained };
                Ok(Quality { accuracy: model.accuracy(data)?, loss })
            };
            let on =
                |data| weights.par_iter().map(|weights| judge(data, weights)).collect::<Result<Vec<_>>>();
            Ok(Curve { training: on(rows.training)?, test: on(rows.test)? })
        };
        let baseline = |baseline| {
            let weights: Vec<_> = training_set.baseline(baseline).take(encrypted.len()).collect();
            curve(&weights, false)
        };
        Ok(Self {
            encrypted: curve(encrypted, true)?,
            plain: curve(plain, true)?,
            nag: baseline(Baseline::Softmax)?,
            sle_nag: baseline(Baseline::Sle)?,
            sle_nag_qg: baseline(Baseline::SleQuadratic)?,
        })
    }
}

/// −ℓ/n of a model whose scores are those that were trained.
fn loss(trained: &Model, data: &Dataset) -> Result<f64> {
    let scores = trained.scores(data.features())?;
    let one_hot = known_one_hot(trained.classes(), data.labels());
    Ok(-log_likelihood_of_scores(&scores, &one_hot)? / data.samples() as f64)
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
        let rows = Rows { training: &training, test: &test };
        let curves = Curves::new(&set, rows, &weights, &weights[..2]).unwrap();

        let Curves { encrypted, plain, nag, sle_nag, sle_nag_qg } = &curves;
        for curve in [encrypted, nag, sle_nag, sle_nag_qg] {
            assert_eq!((curve.training.len(), curve.test.len()), (4, 4));
            // Every probability is a half: ln 2 for each class. Of equal scores the first class wins.
            assert_eq!(curve.training[0], Quality { accuracy: 0.5, loss: 2.0 * 2f64.ln() });
        }
        assert_eq!(encrypted.test[..3], plain.test);
        assert!(encrypted.training[3].loss < encrypted.training[0].loss);
        let last = encrypted.test[3];
        assert_eq!(last.accuracy, 0.75, "the class c was never seen");
        let model = set.model(weights[2].clone()).unwrap();
        assert_eq!(last.accuracy, model.accuracy(&test).unwrap());
    }
}
