//! The trained model: what the owner predicts with.

use ndarray::Array2;
use serde::{Deserialize, Serialize};

use crate::clear::score_kind::ScoreKind;
use crate::data::dataset::{Dataset, check_finite};
use crate::data::labels::ClassLabels;
use crate::error::Error;
use crate::preparation::preprocessing::Preprocessing;

/// Whether a decrypted model may be shown to those who work with the server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sharing {
    /// It may not: its noise says something of the secret key.
    #[default]
    Private,
    /// It may: noise was added that hides what decryption says of the key, for so many decryptions.
    Flooded {
        /// s: the advantage that the decryptions give is below 2^(−s/2).
        statistical_bits: u32,
        /// τ: how many decryptions under this key may be shared, this one among them.
        decryptions: u32,
        /// Standard deviation of the noise of a weight, at most.
        deviation: f64,
    },
}

/// Weights with the classes of their rows and the preprocessing of their columns. It takes raw features.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Model {
    weights: Array2<f64>,
    classes: ClassLabels,
    preprocessing: Preprocessing,
    sharing: Sharing,
    score_kind: ScoreKind,
}

/// A model as it is stored.
#[derive(Deserialize)]
struct Unchecked {
    weights: Array2<f64>,
    classes: ClassLabels,
    preprocessing: Preprocessing,
    #[serde(default)]
    sharing: Sharing,
    #[serde(default)]
    score_kind: ScoreKind,
}

impl Model {
    /// A private model of `weights`, classes × (feature columns + 1), the bias first, for rows prepared by
    /// `preprocessing`, with scores of [one class against the rest](ScoreKind::OneAgainstRest). A whitening in the
    /// preprocessing is taken into the weights: those of the model refer to the columns before the whitening.
    ///
    /// # Errors
    ///
    /// [`Error::WeightShape`] if they do not fit the classes and columns, [`Error::NotFinite`] if one is not a number.
    pub fn new(
        weights: Array2<f64>,
        classes: ClassLabels,
        preprocessing: Preprocessing,
    ) -> Result<Self, Error> {
        let (rows, columns) = (classes.len(), preprocessing.columns() + 1);
        let (found_rows, found_columns) = weights.dim();
        if (found_rows, found_columns) != (rows, columns) {
            return Err(Error::WeightShape { rows, columns, found_rows, found_columns });
        }
        let (weights, preprocessing) = preprocessing.fold(weights);
        check_finite(&weights)?;
        let (sharing, score_kind) = (Sharing::Private, ScoreKind::OneAgainstRest);
        Ok(Self { weights, classes, preprocessing, sharing, score_kind })
    }

    /// The same model with another mark, for those who store models. The mark has to be the one that decryption gave.
    #[must_use]
    pub fn marked(self, sharing: Sharing) -> Self {
        Self { sharing, ..self }
    }

    /// The same model with scores that say this.
    #[must_use]
    pub fn with_score_kind(self, score_kind: ScoreKind) -> Self {
        Self { score_kind, ..self }
    }

    /// What the scores say.
    #[must_use]
    pub fn score_kind(&self) -> ScoreKind {
        self.score_kind
    }

    /// Whether the model may be shown to others.
    #[must_use]
    pub fn sharing(&self) -> Sharing {
        self.sharing
    }

    /// The weights, classes × (feature columns + 1).
    #[must_use]
    pub fn weights(&self) -> &Array2<f64> {
        &self.weights
    }

    /// The classes, in the order of the weights' rows.
    #[must_use]
    pub fn classes(&self) -> &ClassLabels {
        &self.classes
    }

    /// What is done to raw features: never a whitening.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// x·wᵀ for raw features, samples × classes.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if the features are not as many as the model has.
    pub fn scores(&self, features: &Array2<f64>) -> Result<Array2<f64>, Error> {
        Ok(self.preprocessing.apply(features)?.dot(&self.weights.t()))
    }

    /// The label of the highest score for each row of raw features. The first wins among equal scores.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if the features are not as many as the model has.
    pub fn predict(&self, features: &Array2<f64>) -> Result<Vec<&str>, Error> {
        Ok(self.classes.highest(&self.scores(features)?))
    }

    /// The share of samples whose label is predicted, in \[0, 1\]. A label that training never saw counts as wrong.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if the features are not as many as the model has.
    pub fn accuracy(&self, data: &Dataset) -> Result<f64, Error> {
        Ok(self.classes.accuracy(&self.scores(data.features())?, data.labels()))
    }
}

impl TryFrom<Unchecked> for Model {
    type Error = Error;

    fn try_from(stored: Unchecked) -> Result<Self, Error> {
        let model = Self::new(stored.weights, stored.classes, stored.preprocessing)?;
        Ok(model.marked(stored.sharing).with_score_kind(stored.score_kind))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::Profile;

    fn model() -> Model {
        let classes = ClassLabels::try_from(vec!["no".to_owned(), "yes".to_owned()]).unwrap();
        let preprocessing = Preprocessing::fit(&array![[1.0]], Profile::Paper);
        Model::new(array![[1.0, 0.0], [0.0, 1.0]], classes, preprocessing).unwrap()
    }

    #[test]
    fn the_highest_score_wins_and_the_first_of_equals() {
        let features = array![[0.5], [1.0], [2.0]];
        assert_eq!(model().scores(&features), Ok(array![[1.0, 0.5], [1.0, 1.0], [1.0, 2.0]]));
        assert_eq!(model().predict(&features), Ok(vec!["no", "no", "yes"]));
    }

    #[test]
    fn a_class_that_training_never_saw_counts_as_wrong() {
        let data = Dataset::new(array![[0.5], [2.0], [2.0], [2.0]], ["no", "yes", "maybe", "no"]).unwrap();
        assert_eq!(model().accuracy(&data), Ok(0.5));
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let Model { classes, preprocessing, .. } = model();
        let shape = Error::WeightShape { rows: 2, columns: 2, found_rows: 1, found_columns: 2 };
        assert_eq!(Model::new(array![[1.0, 2.0]], classes.clone(), preprocessing.clone()), Err(shape));
        let weights = array![[1.0, 2.0], [f64::NAN, 0.0]];
        assert_eq!(Model::new(weights, classes, preprocessing), Err(Error::NotFinite { row: 1, column: 0 }));
        let error = Error::ColumnCount { expected: 1, found: 2 };
        assert_eq!(model().scores(&array![[1.0, 2.0]]), Err(error));
    }

    #[test]
    fn a_stored_model_is_the_same_and_is_checked() {
        let stored = serde_json::to_string(&model()).unwrap();
        assert_eq!(serde_json::from_str::<Model>(&stored).unwrap(), model());
        assert_eq!(model().sharing(), Sharing::Private);
        let flooded = Sharing::Flooded { statistical_bits: 30, decryptions: 2, deviation: 0.5 };
        let shared = serde_json::to_string(&model().marked(flooded)).unwrap();
        assert_eq!(serde_json::from_str::<Model>(&shared).unwrap().sharing(), flooded);
        // What says nothing is private.
        let unmarked = stored.replace(",\"sharing\":\"private\",\"score_kind\":\"one_against_rest\"", "");
        assert_ne!(unmarked, stored);
        assert_eq!(serde_json::from_str::<Model>(&unmarked).unwrap(), model());
        let recoded = model().with_score_kind(ScoreKind::LogPosterior);
        let stored_again = serde_json::to_string(&recoded).unwrap();
        assert_eq!(serde_json::from_str::<Model>(&stored_again).unwrap(), recoded);
        let one_class_more = stored.replace("\"no\",", "\"no\",\"maybe\",");
        assert!(serde_json::from_str::<Model>(&one_class_more).is_err());
    }
}
