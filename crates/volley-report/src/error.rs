//! What a report cannot be made of.

/// Why there is no report.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Rows that do not fit the model, or weights that are none.
    #[error(transparent)]
    Training(#[from] volley_data::volley_mlr::Error),
    /// Weights are needed after each iteration of the plan.
    #[error("weights after {found} iterations, where the plan has {expected}")]
    IterationCount {
        /// Iterations with weights.
        found: usize,
        /// Iterations of the plan.
        expected: usize,
    },
    /// Each test row has an image, or none has.
    #[error("{images} images for {rows} test rows")]
    ImageCount {
        /// Images that were given.
        images: usize,
        /// Test rows.
        rows: usize,
    },
    /// The model's classes or the statistics of its columns are not those of the rows.
    #[error("the model was trained on other rows, or by another version of volley")]
    OtherRows,
}
