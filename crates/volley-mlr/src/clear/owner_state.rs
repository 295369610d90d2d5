//! What stays with the owner while the server trains.

use ndarray::Array2;

use crate::clear::model::Model;
use crate::clear::prepared_rows::PreparedRows;
use crate::clear::score_kind::ScoreKind;
use crate::data::dataset::Dataset;
use crate::data::labels::ClassLabels;
use crate::error::Error;
use crate::preparation::preconditioner::Preconditioner;
use crate::preparation::preprocessing::Preprocessing;
use crate::preparation::recoding::{Recoding, ScoreMap};
use crate::volley_revolver::Shape;

/// What was fitted to a training set, and turns decrypted weights into a model. The training set itself is not in it.
///
/// It is private, as its statistics are those of the data. Where rows are whitened it has the mean of each class, by
/// which the scores of a decrypted model are recoded (docs/training.md).
#[derive(Clone, Debug, PartialEq)]
pub struct OwnerState {
    pub(crate) classes: ClassLabels,
    pub(crate) preprocessing: Preprocessing,
    pub(crate) preconditioner: Preconditioner,
    /// The recoding, where rows are whitened.
    pub(crate) recoding: Option<Recoding>,
}

impl OwnerState {
    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &ClassLabels {
        &self.classes
    }

    /// Rows to train on, prepared by what was fitted.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] and [`Error::UnknownLabel`] for rows of other columns or classes.
    pub fn prepare(&self, data: &Dataset) -> Result<PreparedRows, Error> {
        let features = self.preprocessing.apply_to_training(data.features())?;
        Ok(PreparedRows { features, one_hot: self.classes.one_hot(data.labels())? })
    }

    /// The same for a training on so many other rows, as if these had the statistics that were fitted: 1/B is that of
    /// as many rows.
    ///
    /// # Errors
    ///
    /// [`Error::GivenStatistics`] for other classes, another order of them, another number of columns, or rows that are
    /// not whitened, [`Error::Statistics`] for a 1/B that no fit gives.
    pub fn for_rows(self, classes: &ClassLabels, columns: usize, rows: usize) -> Result<Self, Error> {
        let refused = |expected, found| Err(Error::GivenStatistics { expected, found });
        let in_words = |classes: &ClassLabels| format!("the classes {}", classes.names().join(", "));
        if self.classes != *classes {
            return refused(in_words(classes), in_words(&self.classes));
        }
        let found = self.preprocessing.columns();
        if found != columns {
            return refused(format!("{columns} columns"), format!("{found} columns"));
        }
        if self.recoding.is_none() {
            return refused("whitened columns".to_owned(), "columns that are not whitened".to_owned());
        }
        Ok(Self { preconditioner: self.preconditioner.for_rows(rows)?, ..self })
    }

    pub(crate) fn check_shape(&self, shape: Shape) -> Result<(), Error> {
        let expected = [shape.samples, shape.columns, shape.classes];
        let columns = self.preprocessing.columns() + 1;
        let actual = [shape.samples, columns, self.classes.len()];
        let recoded =
            self.recoding.as_ref().is_none_or(|recoding| recoding.dim() == (self.classes.len(), columns - 1));
        if expected != actual || self.preconditioner.inverse().len() != columns || !recoded {
            return Err(Error::PlanShape { expected, actual });
        }
        Ok(())
    }

    /// What is done to raw features.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.preprocessing
    }

    /// What the scores of a decrypted model say.
    #[must_use]
    pub fn score_kind(&self) -> ScoreKind {
        if self.recoding.is_some() { ScoreKind::LogPosterior } else { ScoreKind::OneAgainstRest }
    }

    /// What recodes the scores of trained weights.
    pub(crate) fn score_map(&self, weights: &Array2<f64>) -> Option<ScoreMap> {
        self.recoding.as_ref().map(|recoding| recoding.of(weights))
    }

    /// The scores, samples × classes, of the model that these trained weights give. They are made from the trained
    /// `scores` of the same rows, and recoded where rows are whitened.
    pub(crate) fn model_scores(&self, weights: &Array2<f64>, scores: Array2<f64>) -> Array2<f64> {
        match self.score_map(weights) {
            Some(map) => map.scores(&scores),
            None => scores,
        }
    }

    /// The model with these trained weights, recoded where rows are whitened.
    pub(crate) fn model(&self, weights: Array2<f64>) -> Result<Model, Error> {
        self.model_by(self.score_map(&weights).as_ref(), weights)
    }

    /// The model with these trained weights, recoded if there is a map of their scores.
    pub(crate) fn model_by(&self, map: Option<&ScoreMap>, weights: Array2<f64>) -> Result<Model, Error> {
        let weights = map.map(|map| map.weights(&weights)).unwrap_or(weights);
        let model = Model::new(weights, self.classes.clone(), self.preprocessing.clone())?;
        Ok(model.with_score_kind(self.score_kind()))
    }
}
