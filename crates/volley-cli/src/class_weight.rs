//! Weights of rows by their classes, as commands are given them.

use clap::ValueEnum;
use volley_mlr::volley_revolver::Layout;
use volley_mlr::{Dataset, Error, Profile, TrainingSet};

/// Weights of rows by their classes. The plan does not depend on them, and the server does not see them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ClassWeight {
    /// n/(c·n_k) for rows of a class of n_k rows among n of c classes
    Balanced,
}

/// Rows as they are trained on in the layout of a plan.
pub(crate) fn prepare(
    data: &Dataset,
    profile: Profile,
    layout: Layout,
    class_weight: Option<ClassWeight>,
) -> Result<TrainingSet, Error> {
    let training_set = match class_weight {
        None => TrainingSet::new(data, profile),
        Some(ClassWeight::Balanced) => TrainingSet::balanced(data, profile, layout),
    }?;
    training_set.check(layout)?;
    Ok(training_set)
}
