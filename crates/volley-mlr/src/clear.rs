//! What the owner has in clear: the training set, the training of it in f64, and the model.
//!
//! Of this crate it imports `data`, `preparation`, `method`, the check of layouts in `encrypted` and the errors.

pub(crate) mod baselines;
pub(crate) mod model;
pub(crate) mod owner_state;
pub(crate) mod prepared_rows;
pub(crate) mod recalls;
pub(crate) mod reference;
pub(crate) mod score_kind;
pub(crate) mod training_set;
