//! A dataset made ready for training: what the owner computes in clear before anything is encrypted.

use ndarray::{Array2, Axis};

use crate::clear::baselines::{Baseline, BaselineRun};
use crate::clear::model::Model;
use crate::clear::owner_state::OwnerState;
use crate::clear::prepared_rows::PreparedRows;
use crate::clear::reference::Reference;
use crate::data::class_weight::{Arrangement, RowWeights};
use crate::data::dataset::Dataset;
use crate::data::labels::ClassLabels;
use crate::encrypted::check_layout;
use crate::error::Error;
use crate::method::hyperparameters::Hyperparameters;
use crate::preparation::preconditioner::Preconditioner;
use crate::preparation::preprocessing::Preprocessing;
use crate::preparation::profile::Profile;
use crate::preparation::recoding::Recoding;
use crate::volley_revolver::Layout;

/// Prepared features, one-hot labels, and all that was fitted to them.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    features: Array2<f64>,
    one_hot: Array2<f64>,
    /// The weights of rows, where they do not count alike.
    weights: Option<RowWeights>,
    fitted: OwnerState,
    nearly_constant: Vec<usize>,
}

impl TrainingSet {
    /// Fits classes, preprocessing and preconditioner to all rows of `data`.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewClasses`] if all labels are the same, [`Error::Overflow`] for features that are too large,
    /// [`Error::ConstantColumns`] if there is no column to learn from, [`Error::WhitenedColumns`] for more than the
    /// profile takes.
    pub fn new(data: &Dataset, profile: Profile) -> Result<Self, Error> {
        profile.check_features(data.features().ncols())?;
        let classes = ClassLabels::of(data.labels())?;
        let one_hot = classes.one_hot(data.labels())?;
        let (preprocessing, shrinkage) = Preprocessing::with_shrinkage(data, profile);
        let features = preprocessing.apply_to_training(data.features())?;
        let preconditioner = Preconditioner::fit(&features)?;
        let used = preconditioner.inverse().iter().skip(1).map(|&inverse| inverse > 0.0);
        if !used.clone().any(|used| used) {
            return Err(Error::ConstantColumns { columns: preprocessing.columns() });
        }
        let columns = data.features().columns().into_iter().zip(used).enumerate();
        let nearly_constant = columns
            .filter(|(_, (column, used))| !used && column.iter().any(|value| *value != column[0]))
            .map(|(index, _)| index)
            .collect();
        let recoding = shrinkage.map(|shrinkage| Recoding::fit(&features, &one_hot, shrinkage));
        let fitted = OwnerState { classes, preprocessing, preconditioner, recoding };
        Ok(Self { features, one_hot, weights: None, fitted, nearly_constant })
    }

    /// The feature columns, from 0, that vary so little that they count as constant. They vary by no more than the
    /// rounding of their values, or by less than a product of two f64 can tell from zero. The model does not use them.
    #[must_use]
    pub fn nearly_constant(&self) -> &[usize] {
        &self.nearly_constant
    }

    /// As [`new`](Self::new), with classes that count alike however many rows each has, as by scikit-learn's
    /// `class_weight="balanced"`. The rows are arranged for the layout of a plan.
    ///
    /// The preprocessing is the same. Weights are multiplied into 1/B, so training takes the same time and the server
    /// learns nothing. Where the layout has b blocks of rows, weights are exact for classes of b·(b − 2) rows or more,
    /// as a rule. Up to b rows of a smaller class share the mean weight with some rows of another class.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Error::PlanShape`] for the layout of another shape.
    pub fn balanced(data: &Dataset, profile: Profile, layout: Layout) -> Result<Self, Error> {
        let mut set = Self::new(data, profile)?;
        set.check_shape(layout)?;
        let Arrangement { order, weights } = Arrangement::balanced(set.classes(), data.labels(), layout);
        set.features = set.features.select(Axis(0), &order);
        set.one_hot = set.one_hot.select(Axis(0), &order);
        set.fitted.preconditioner = Preconditioner::fit_weighted(&set.features, &weights.values)?;
        set.weights = Some(weights);
        set.fitted.recoding = set.fitted.recoding.map(Recoding::balanced);
        Ok(set)
    }

    /// Rows that were prepared before, and after them those of `data`, prepared as they were. Classes, preprocessing
    /// and normalisation stay what was `fitted` to the first rows; 1/B and the recoding are fitted to all rows.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`] for other columns, [`Error::UnknownLabel`] for a class that the first rows do not have,
    /// [`Error::Overflow`] for features that are too large.
    pub fn extended(mut rows: PreparedRows, fitted: &OwnerState, data: &Dataset) -> Result<Self, Error> {
        rows.append(&fitted.prepare(data)?)?;
        let PreparedRows { features, one_hot } = rows;
        let preconditioner = fitted.preconditioner.refit(&features)?;
        let recoding = fitted.recoding.as_ref().map(|recoding| recoding.refit(&features, &one_hot));
        let fitted = OwnerState { preconditioner, recoding, ..fitted.clone() };
        Ok(Self { features, one_hot, weights: None, fitted, nearly_constant: Vec::new() })
    }

    /// Checks that the set can be encrypted in a layout.
    ///
    /// # Errors
    ///
    /// [`Error::PlanShape`] for the layout of another shape, [`Error::LayoutMismatch`] where the rows were
    /// [arranged](Self::balanced) for another layout.
    pub fn check(&self, layout: Layout) -> Result<(), Error> {
        self.check_shape(layout)?;
        match &self.weights {
            Some(weights) => check_layout(layout, weights.layout),
            None => Ok(()),
        }
    }

    fn check_shape(&self, layout: Layout) -> Result<(), Error> {
        let shape = layout.shape();
        let (samples, columns) = self.features.dim();
        let (expected, actual) =
            ([shape.samples, shape.columns, shape.classes], [samples, columns, self.classes().len()]);
        if expected == actual { Ok(()) } else { Err(Error::PlanShape { expected, actual }) }
    }

    /// Whether rows do not all count alike.
    #[must_use]
    pub fn has_row_weights(&self) -> bool {
        self.weights.is_some()
    }

    /// The weights of rows that do not count alike.
    pub(crate) fn weights(&self) -> Option<&RowWeights> {
        self.weights.as_ref()
    }

    /// Prepared features, samples × (columns + 1): the bias first. Rows are in the order of the data, or as they were
    /// [arranged](Self::balanced).
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// Labels, samples × classes, in the same order.
    #[must_use]
    pub fn one_hot(&self) -> &Array2<f64> {
        &self.one_hot
    }

    /// What was fitted, which is all that decryption needs.
    #[must_use]
    pub fn owner_state(&self) -> &OwnerState {
        &self.fitted
    }

    /// The classes.
    #[must_use]
    pub fn classes(&self) -> &ClassLabels {
        &self.fitted.classes
    }

    /// What prediction applies to raw features.
    #[must_use]
    pub fn preprocessing(&self) -> &Preprocessing {
        &self.fitted.preprocessing
    }

    /// The quadratic gradient's 1/B.
    #[must_use]
    pub fn preconditioner(&self) -> &Preconditioner {
        &self.fitted.preconditioner
    }

    /// The same training as the encrypted one, in clear.
    #[must_use]
    pub fn reference<'a>(&'a self, hyperparameters: &'a Hyperparameters) -> Reference<'a> {
        let run =
            Reference::new(&self.features, &self.one_hot, self.preconditioner().inverse(), hyperparameters);
        match &self.weights {
            Some(weights) => run.with_row_weights(&weights.values),
            None => run,
        }
    }

    /// A curve of the paper, in clear; all rows count alike.
    #[must_use]
    pub fn baseline(&self, baseline: Baseline) -> BaselineRun<'_> {
        BaselineRun::new(baseline, &self.features, &self.one_hot, self.preconditioner().inverse())
    }

    /// The model that trained weights, classes × (columns + 1), give. It is recoded where rows are whitened
    /// (docs/training.md).
    ///
    /// # Errors
    ///
    /// [`Error::WeightShape`] and [`Error::NotFinite`] for weights that are no model's.
    pub fn model(&self, weights: Array2<f64>) -> Result<Model, Error> {
        self.fitted.model(weights)
    }

    /// The scores, samples × classes, of the [`model`](Self::model) of trained weights. They are made from the trained
    /// `scores` of the same rows.
    #[must_use]
    pub fn model_scores(&self, weights: &Array2<f64>, scores: Array2<f64>) -> Array2<f64> {
        self.fitted.model_scores(weights, scores)
    }

    /// The model whose scores are those that were trained, each for one class against the rest.
    ///
    /// # Errors
    ///
    /// As [`model`](Self::model).
    pub fn model_as_trained(&self, weights: Array2<f64>) -> Result<Model, Error> {
        self.fitted.model_by(None, weights)
    }
}

#[cfg(test)]
mod tests {
    use ndarray::array;

    use super::*;
    use crate::Precision;

    #[test]
    fn a_table_without_a_column_that_varies_is_refused() {
        // The last two columns vary by an ulp.
        let far = 1e9 + 1.2e-7;
        let data = array![[7.0, 0.0, 1e9, -far], [7.0, 0.0, far, -1e9], [7.0, 0.0, 1e9, -1e9]];
        let data = Dataset::new(data, ["a", "b", "a"]).unwrap();
        let error = TrainingSet::new(&data, Profile::Standard).unwrap_err();
        assert_eq!(error, Error::ConstantColumns { columns: 4 });
        let constant = Dataset::new(array![[7.0, 0.0], [7.0, 0.0]], ["a", "b"]).unwrap();
        let error = TrainingSet::new(&constant, Profile::Paper).unwrap_err();
        assert_eq!(error, Error::ConstantColumns { columns: 2 });
    }

    #[test]
    fn columns_that_vary_by_rounding_are_named_and_constant_ones_are_not() {
        let far = 1e9 + 1.2e-7;
        let data = array![[7.0, 1.7e9, far, 1.0], [7.0, 1.7e9 + 60.0, 1e9, 2.0], [7.0, 1.7e9, 1e9, 4.0]];
        let data = Dataset::new(data, ["a", "b", "a"]).unwrap();
        let named =
            |data: &Dataset| TrainingSet::new(data, Profile::Standard).unwrap().nearly_constant().to_vec();
        assert_eq!(named(&data), [2]);
        assert_eq!(named(&data.with_precision(Precision::Single)), [1, 2]);
    }
}
