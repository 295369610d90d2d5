//! What scores say, and the probabilities that they stand for.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

/// What the scores of a model say of the classes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScoreKind {
    /// The sigmoid of a score estimates the probability of its class against all others.
    #[default]
    OneAgainstRest,
    /// The difference of two scores estimates the logarithm of how much likelier one class is: scores that were
    /// recoded (docs/training.md).
    LogPosterior,
}

impl ScoreKind {
    /// The logarithm of the probability of each class for scores, samples × classes. Probabilities of a row sum to 1,
    /// and the highest is that of the highest score.
    ///
    /// They are the softmax of [log posteriors](Self::LogPosterior). Otherwise they are the sigmoids, divided by their
    /// sum, as scikit-learn does for one class against the rest.
    #[must_use]
    pub fn log_probabilities(self, scores: &Array2<f64>) -> Array2<f64> {
        let mut logarithms = match self {
            Self::OneAgainstRest => scores.mapv(log_sigmoid),
            Self::LogPosterior => scores.clone(),
        };
        for mut row in logarithms.rows_mut() {
            let highest = row.fold(f64::NEG_INFINITY, |highest, &value| highest.max(value));
            let sum = row.mapv(|value| (value - highest).exp()).sum();
            row.mapv_inplace(|value| value - highest - sum.ln());
        }
        logarithms
    }

    /// The probability of each class, samples × classes: see [`log_probabilities`](Self::log_probabilities).
    #[must_use]
    pub fn probabilities(self, scores: &Array2<f64>) -> Array2<f64> {
        self.log_probabilities(scores).exp()
    }
}

/// log(1/(1 + e^−z)), for any size of z.
fn log_sigmoid(score: f64) -> f64 {
    score.min(0.0) - (-score.abs()).exp().ln_1p()
}

#[cfg(test)]
mod tests {
    use ndarray::{Axis, array};

    use super::*;

    #[test]
    fn probabilities_of_one_class_against_the_rest_are_sigmoids_over_their_sum() {
        let found = ScoreKind::OneAgainstRest.probabilities(&array![[2.0, -1.0, 0.5], [-40.0, -41.0, -45.0]]);
        let sigmoid = |z: f64| 1.0 / (1.0 + (-z).exp());
        for (row, scores) in found.rows().into_iter().zip([[2.0, -1.0, 0.5], [-40.0, -41.0, -45.0]]) {
            let sum: f64 = scores.into_iter().map(sigmoid).sum();
            for (found, score) in row.iter().zip(scores) {
                assert!((found - sigmoid(score) / sum).abs() < 1e-14);
            }
        }
    }

    #[test]
    fn differences_of_log_posteriors_are_logarithms_of_ratios() {
        let scores = array![[-49.7, 5.12, 9.998], [800.0, 0.0, -800.0]];
        let found = ScoreKind::LogPosterior.probabilities(&scores);
        assert!(((found[[0, 2]] / found[[0, 1]]).ln() - (9.998 - 5.12)).abs() < 1e-12);
        assert!((found.sum_axis(Axis(1)) - 1.0).iter().all(|error| error.abs() < 1e-14));
        assert_eq!(found.row(1), array![1.0, 0.0, 0.0]);
        assert_eq!(ScoreKind::LogPosterior.log_probabilities(&scores)[[1, 2]], -1600.0);
    }

    #[test]
    fn scores_of_any_size_have_probabilities() {
        for kind in [ScoreKind::OneAgainstRest, ScoreKind::LogPosterior] {
            let found = kind.probabilities(&array![[-1e300, -2e300], [1e300, 2e300], [0.0, 0.0]]);
            assert!(found.iter().all(|value| (0.0..=1.0).contains(value)), "{found}");
            assert!((&found.row(2) - 0.5).iter().all(|error| error.abs() < 1e-15), "{found}");
        }
    }
}
