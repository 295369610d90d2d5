//! Why a report cannot be made.

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Rows that do not fit the model, or weights that are no model's.
    #[error(transparent)]
    Training(#[from] volley_data::volley_mlr::Error),
    /// Weights that are not those after each iteration of the plan.
    #[error("weights after {found} iterations, where the plan has {expected}")]
    IterationCount {
        /// Iterations with weights.
        found: usize,
        /// Iterations of the plan.
        expected: usize,
    },
    /// Images that are not one for each test row.
    #[error("{images} images for {rows} test rows")]
    ImageCount {
        /// Images that were given.
        images: usize,
        /// Test rows.
        rows: usize,
    },
    /// The model's classes or the statistics of its columns are not those of the rows.
    #[error(
        "the model was trained on other rows than these in this order, or by another version of volley; a model of \
         rows that `volley encrypt --append` added has no report"
    )]
    OtherRows,
    /// A model that may be shared, of which the statistics of the columns are rounded.
    #[error(
        "a model that may be shared has rounded statistics of its columns, and no report: `volley decrypt --private` \
         decrypts one that has"
    )]
    SharedModel,
}
