//! How often predictions are right, for all rows and for those of each class.

use ndarray::{Array2, ArrayRef2};

use crate::clear::model::Model;
use crate::clear::training_set::TrainingSet;
use crate::data::dataset::Dataset;
use crate::data::labels::{ClassLabels, highest};
use crate::error::Error;

/// How often predictions of rows with labels are right. Classes are in the order of
/// [`ClassLabels`].
#[derive(Clone, Debug, PartialEq)]
pub struct Recalls {
    /// Rows of each class.
    rows: Vec<usize>,
    /// Those among them for which it was predicted.
    right: Vec<usize>,
    /// Rows for which each class was predicted.
    predicted: Vec<usize>,
}

impl Recalls {
    /// Of the predictions that scores, samples × classes, stand for, and of the class of each row, if it is one.
    fn of(scores: &ArrayRef2<f64>, classes: impl IntoIterator<Item = Option<usize>>) -> Self {
        let predicted = scores.rows().into_iter().map(|row| highest(&row));
        Self::counted(scores.ncols(), classes.into_iter().zip(predicted))
    }

    /// Of rows with these labels and predictions. A label that is no class counts as wrong; rows whose prediction is
    /// none are left out.
    #[must_use]
    pub fn of_labels(classes: &ClassLabels, labels: &[String], predicted: &[&str]) -> Self {
        let rows = labels.iter().zip(predicted);
        let rows = rows
            .filter_map(|(label, predicted)| Some((classes.index_of(label), classes.index_of(predicted)?)));
        Self::counted(classes.len(), rows)
    }

    /// Of the class of each row, if it is one, and of the class that is predicted for it, below `count` both.
    fn counted(count: usize, rows: impl IntoIterator<Item = (Option<usize>, usize)>) -> Self {
        let mut found = Self { rows: vec![0; count], right: vec![0; count], predicted: vec![0; count] };
        for (class, predicted) in rows {
            found.predicted[predicted] += 1;
            if let Some(class) = class {
                found.rows[class] += 1;
                found.right[class] += usize::from(class == predicted);
            }
        }
        found
    }

    /// All rows. Those whose label is no class count as wrong.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.predicted.iter().sum()
    }

    /// The share of rows whose class is predicted, in \[0, 1\].
    #[must_use]
    pub fn accuracy(&self) -> f64 {
        self.right.iter().sum::<usize>() as f64 / self.rows() as f64
    }

    /// Rows of each class.
    #[must_use]
    pub fn class_rows(&self) -> &[usize] {
        &self.rows
    }

    /// Rows for which each class is predicted.
    #[must_use]
    pub fn predicted(&self) -> &[usize] {
        &self.predicted
    }

    /// Rows of each class for which it is predicted.
    #[must_use]
    pub fn right(&self) -> &[usize] {
        &self.right
    }

    /// The share of the rows of each class for which it is predicted; none for a class without rows.
    pub fn recalls(&self) -> impl Iterator<Item = Option<f64>> {
        let of = |(&right, &rows): (&usize, &usize)| (rows > 0).then(|| right as f64 / rows as f64);
        self.right.iter().zip(&self.rows).map(of)
    }
}

impl Model {
    /// How often rows with labels are predicted rightly.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] if the features are not as many as the model has.
    pub fn recalls(&self, data: &Dataset) -> Result<Recalls, Error> {
        let classes = data.labels().iter().map(|label| self.classes().index_of(label));
        Ok(Recalls::of(&self.scores(data.features())?, classes))
    }
}

impl TrainingSet {
    /// How often a model with these trained weights, classes × (columns + 1), is right about the training rows, as they
    /// are trained on.
    #[must_use]
    pub fn recalls(&self, weights: &Array2<f64>) -> Recalls {
        let scores = self.model_scores(weights, self.features().dot(&weights.t()));
        Recalls::of(&scores, self.one_hot().rows().into_iter().map(|row| Some(highest(&row))))
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::Hyperparameters;
    use crate::testing::clouds;

    /// Counted by hand: the second of equal scores never wins, and a row without a class is wrong.
    #[test]
    fn rows_are_counted_by_class() {
        let scores =
            array![[1.0, 1.0, 0.0], [0.0, 2.0, 1.0], [3.0, 2.0, 1.0], [0.0, 0.0, 1.0], [0.0, 1.0, 0.0]];
        let found = Recalls::of(&scores, [Some(0), Some(0), Some(1), None, Some(1)]);
        assert_eq!((found.rows(), found.class_rows()), (5, &[2, 2, 0][..]));
        assert_eq!((found.accuracy(), found.predicted()), (0.4, &[2, 2, 1][..]));
        assert_eq!(found.recalls().collect::<Vec<_>>(), [Some(0.5), Some(0.5), None]);
        assert_eq!(found.right(), [1, 1, 0]);
        let classes = ClassLabels::try_from(["a", "b", "c"].map(str::to_owned).to_vec()).unwrap();
        let labels = ["a", "a", "b", "other", "b", "a"].map(str::to_owned);
        let predicted = ["a", "b", "a", "c", "b", "none"];
        assert_eq!(Recalls::of_labels(&classes, &labels, &predicted), found);
    }

    #[test]
    fn recalls_of_a_model_are_its_accuracy_and_those_of_its_training_rows() {
        let data = clouds(60, 6, 3);
        let settings = Hyperparameters::standardised(3).unwrap();
        let set = TrainingSet::new(&data, settings.profile()).unwrap();
        let weights = set.reference(&settings).last().unwrap().weights;
        let model = set.model(weights.clone()).unwrap();
        let of_model = model.recalls(&data).unwrap();
        assert_eq!(of_model.accuracy(), model.accuracy(&data).unwrap());
        // These rows are not cut off in training only, as whitened ones are.
        assert_eq!(set.recalls(&weights), of_model);
        assert_eq!(of_model.class_rows(), [20, 20, 20]);
        let narrow = clouds(6, 5, 3);
        assert_eq!(model.recalls(&narrow), Err(Error::ColumnCount { expected: 6, found: 5 }));
    }
}
