//! A dataset made ready for training: what the owner computes in clear before anything is encrypted.

use ndarray::Array2;

use crate::{
    Baseline, BaselineRun, ClassLabels, Dataset, Error, Hyperparameters, Model, OwnerState, Preconditioner,
    Preprocessing, Profile, Reference,
};

/// Prepared features, one-hot labels, and all that was fitted to them.
#[derive(Clone, Debug)]
pub struct TrainingSet {
    features: Array2<f64>,
    one_hot: Array2<f64>,
    fitted: OwnerState,
}

impl TrainingSet {
    /// Fits classes, preprocessing and preconditioner to all rows of `data`.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewClasses`] if all labels are the same, [`Error::Overflow`] for features that are too large.
    pub fn new(data: &Dataset, profile: Profile) -> Result<Self, Error> {
        let classes = ClassLabels::of(data.labels())?;
        let one_hot = classes.one_hot(data.labels())?;
        let preprocessing = Preprocessing::fit(data.features(), profile);
        let features = preprocessing.apply(data.features())?;
        let preconditioner = Preconditioner::fit(&features)?;
        Ok(Self { features, one_hot, fitted: OwnerState { classes, preprocessing, preconditioner } })
    }

    /// Prepared features, samples × (columns + 1): the bias first.
    #[must_use]
    pub fn features(&self) -> &Array2<f64> {
        &self.features
    }

    /// Labels, samples × classes.
    #[must_use]
    pub fn one_hot(&self) -> &Array2<f64> {
        &self.one_hot
    }

    /// What was fitted: all that decryption needs.
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
        Reference::new(&self.features, &self.one_hot, self.preconditioner().inverse(), hyperparameters)
    }

    /// A curve of the paper, in clear.
    #[must_use]
    pub fn baseline(&self, baseline: Baseline) -> BaselineRun<'_> {
        BaselineRun::new(baseline, &self.features, &self.one_hot, self.preconditioner().inverse())
    }

    /// The model with these weights, classes × (columns + 1).
    ///
    /// # Errors
    ///
    /// [`Error::WeightShape`] and [`Error::NotFinite`] for weights that are none.
    pub fn model(&self, weights: Array2<f64>) -> Result<Model, Error> {
        self.fitted.model(weights)
    }
}
