//! What sharing a model asks of its data, and of its statistics.
//!
//! The [estimate of its noise](crate::plan::noise) holds for some data only, which [`check`] looks at.
//!
//! A shared model predicts from raw features, so that the statistics of its preprocessing go with it. They get no more
//! digits than its weights have ([`with_rounded_statistics`]).

use ndarray::Array2;

use crate::clear::model::Model;
use crate::clear::training_set::TrainingSet;
use crate::data::class_weight::RowWeights;
use crate::data::dataset::largest;
use crate::error::Error;
use crate::plan::Plan;
use crate::plan::noise::{MAX_FEATURE, MAX_ROW_WEIGHT, MAX_WEIGHT_NORM, MIN_SHARED_BITS, check_bits};
use crate::preparation::preconditioner::Preconditioner;
use crate::preparation::preprocessing::{Preprocessing, Standardisation};

/// Refuses data that the estimate does not cover, or with weights too small to be shared.
pub(super) fn check(plan: &Plan, training_set: &TrainingSet) -> Result<(), Error> {
    let factor = training_set.preconditioner().factor();
    if let Some(RowWeights { values, .. }) = training_set.weights() {
        within(
            "class weights",
            values.fold(0.0, |largest, &weight| f64::max(largest, weight)),
            MAX_ROW_WEIGHT,
        )?;
    }
    check_features(training_set.features(), training_set.preconditioner())?;
    let mut weights = 0.0;
    for step in training_set.reference(plan.hyperparameters()) {
        step.check_range()?;
        let norm = |row: ndarray::ArrayView1<'_, f64>| row.dot(&row).sqrt() * factor;
        let norm = step.weights.rows().into_iter().map(norm).fold(0.0, f64::max);
        within("normalised weights of a class", norm, MAX_WEIGHT_NORM)?;
        weights = largest(&step.weights) * factor;
    }
    plan.noise_model().bits(weights).map_or(Ok(()), check_bits)
}

/// Refuses prepared features that the estimate does not cover.
pub(crate) fn check_features(features: &Array2<f64>, preconditioner: &Preconditioner) -> Result<(), Error> {
    within("normalised features", largest(features) / preconditioner.factor(), MAX_FEATURE)
}

fn within(what: &'static str, value: f64, limit: f64) -> Result<(), Error> {
    if value <= limit { Ok(()) } else { Err(Error::NoiseModel { what, value, limit }) }
}

/// The model with the statistics that weights with noise of this `deviation` need, for b = ⌈log₂(max |w|/deviation)⌉
/// bits: a column's mean to a multiple of 2⁻ᵇ of its deviation, the inverse deviation to b + 3 bits, both of a power of
/// two. A prepared feature changes by less than 2⁻ᵇ, so its part of a score by less than `deviation`. Columns without a
/// weight need none, and have none.
///
/// # Errors
///
/// [`Error::Statistics`] for statistics that no fit gives.
pub(super) fn with_rounded_statistics(model: &Model, deviation: f64) -> Result<Model, Error> {
    /// Fewest and most bits: what a shareable plan leaves, and what floating point can round.
    const BITS: std::ops::RangeInclusive<f64> = MIN_SHARED_BITS..=40.0;
    let Some(columns) = model.preprocessing().standardisations() else { return Ok(model.clone()) };
    // After the bias.
    let weights: Vec<f64> = model.weights().columns().into_iter().skip(1).map(largest).collect();
    let heaviest = weights.iter().fold(0.0, |heaviest, &weight| f64::max(heaviest, weight));
    let bits = (heaviest / deviation).log2().ceil().clamp(*BITS.start(), *BITS.end());
    let round = |(column, &weight): (&Standardisation, &f64)| {
        let inverse_deviation = if weight == 0.0 { 0.0 } else { column.inverse_deviation };
        if inverse_deviation == 0.0 {
            return Standardisation { square_root: false, mean: 0.0, inverse_deviation };
        }
        let log2 = inverse_deviation.log2().floor();
        Standardisation {
            square_root: column.square_root,
            mean: nearest_multiple(column.mean, (-bits - log2 - 1.0).exp2()),
            inverse_deviation: nearest_multiple(inverse_deviation, (log2 - bits - 2.0).exp2()),
        }
    };
    let rounded = Preprocessing::standard(columns.iter().zip(&weights).map(round).collect())?;
    let rounded = Model::new(model.weights().clone(), model.classes().clone(), rounded)?;
    Ok(rounded.with_score_kind(model.score_kind()))
}

fn nearest_multiple(value: f64, unit: f64) -> f64 {
    (value / unit).round() * unit
}

#[cfg(test)]
mod tests;
