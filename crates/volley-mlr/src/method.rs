//! The method of training, whatever it runs on: settings, objective, momentum and update rule.
//!
//! Of this crate it imports `preparation` and the errors.

pub(crate) mod hyperparameters;
pub(crate) mod learning_rate;
pub(crate) mod nesterov;
pub(crate) mod objective;
pub(crate) mod update_rule;
