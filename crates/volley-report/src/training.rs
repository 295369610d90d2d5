//! What a report is made from: the training in clear, and what is known of the encrypted one.

use ndarray::Array2;
use volley_data::Images;
use volley_data::volley_mlr::{Dataset, Model, Plan, Sharing, Step, TrainingSet};
use volley_program::ProfileName;

use crate::curves::{Accuracies, Baselines, Curve, Curves, Encrypted, Rows};
use crate::error::Error;
use crate::examples::{confusion, examples};
use crate::report::{Iteration, Keys, Operations, Parameters, Phase, Report, Run, Upload};

/// Weights that differ from the same training in clear by more than this part of the largest are those of another
/// training. Models that may be shared, and those of refreshed weights, differ by up to a thousandth, others by far
/// less.
#[must_use]
pub fn different_weights(plan: &Plan, model: &Model) -> f64 {
    if model.sharing() == Sharing::Private && plan.refresh_count() == 0 { 1e-4 } else { 0.01 }
}

/// What an owner has in clear.
#[derive(Clone, Copy, Debug)]
pub struct Training<'a> {
    /// What the rows are, for a reader.
    pub data: &'a str,
    /// The plan of the training.
    pub plan: &'a Plan,
    /// The rows trained on, as they were prepared for encryption.
    pub training_set: &'a TrainingSet,
    /// The same training in clear: a step for each iteration of the plan.
    pub reference: &'a [Step],
    /// The rows that models are judged by.
    pub rows: Rows<'a>,
    /// An image of each test row, in their order.
    pub images: Option<&'a Images>,
}

/// A run on ciphertexts that was watched.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Threads that the run could use.
    pub threads: usize,
    /// The phases, in the order in which they ran.
    pub phases: Vec<Phase>,
    /// What the server took: set-up of the copies and all iterations.
    pub server_seconds: f64,
    /// One for each iteration of the plan.
    pub iterations: Vec<MeasuredIteration>,
    /// None where the system does not tell.
    pub peak_memory_bytes: Option<u64>,
    /// What the server did.
    pub operations: Operations,
}

/// An iteration that was watched.
#[derive(Clone, Debug)]
pub struct MeasuredIteration {
    /// What it took.
    pub seconds: f64,
    /// Level of the weights after it.
    pub level: usize,
    /// Whether it ended with a refresh, which the level comes from.
    pub refreshed: bool,
    /// The decrypted weights of prepared features, classes × (columns + 1).
    pub weights: Array2<f64>,
}

impl Report {
    /// The report of a run.
    ///
    /// # Errors
    ///
    /// [`Error::IterationCount`] if there are not weights for each iteration of the plan, encrypted and in clear;
    /// [`Error::ImageCount`] if there are images, but not one for each test row; [`Error::Training`] for test rows of
    /// other columns.
    pub fn of_run(training: &Training<'_>, measured: Measured) -> Result<Self, Error> {
        let Measured { threads, phases, server_seconds, iterations, peak_memory_bytes, operations } =
            measured;
        training.check_iterations(iterations.len())?;
        let weights: Vec<_> = iterations.iter().map(|iteration| &iteration.weights).collect();
        let (encrypted, plain) = (training.curve(&weights)?, training.plain_curve()?);
        let after = |(index, measured): (usize, &MeasuredIteration)| -> Result<Iteration, Error> {
            let in_clear = training.model(&training.reference[index].weights)?;
            let model = training.model(&measured.weights)?;
            let validated = training.rows.validation.map(|rows| model.accuracy(rows));
            Ok(Iteration {
                iteration: index + 1,
                seconds: measured.seconds,
                level: measured.level,
                refreshed: measured.refreshed,
                log_q: training.plan.parameters().log_q(measured.level),
                weight_precision_bits: -relative_error(&model, &in_clear).log2(),
                accuracy_encrypted: encrypted.test[index + 1].accuracy,
                accuracy_plain: plain.test[index + 1].accuracy,
                validation_accuracy: validated.transpose()?,
            })
        };
        let followed = iterations.iter().enumerate().map(after).collect::<Result<_, _>>()?;
        let run =
            Run { threads, phases, server_seconds, iterations: followed, peak_memory_bytes, operations };
        let last =
            weights.last().ok_or(Error::IterationCount { found: 0, expected: training.iterations() })?;
        training.report(&training.model(last)?, Encrypted::Each(encrypted), plain, Some(run))
    }

    /// The report of a model whose training nobody watched, beside the [iterations](Training::iteration_of) in clear that
    /// it is of.
    ///
    /// # Errors
    ///
    /// [`Error::OtherRows`] if the model's classes or the statistics of its columns are not those of the training set,
    /// [`Error::SharedModel`] where they were rounded to be shared,
    /// and those of [`of_run`](Self::of_run).
    pub fn of_model(training: &Training<'_>, model: &Model) -> Result<Self, Error> {
        training.check_iterations(training.iterations())?;
        let in_clear = training.model_in_clear()?;
        if (model.classes(), model.preprocessing()) != (in_clear.classes(), in_clear.preprocessing()) {
            let is_private = model.sharing() == Sharing::Private;
            return Err(if is_private { Error::OtherRows } else { Error::SharedModel });
        }
        let training =
            &Training { reference: &training.reference[..training.iteration_of(model)?], ..*training };
        let accuracy = |data| model.accuracy(data);
        let Rows { training: trained, test, .. } = training.rows;
        let last = Accuracies { training: accuracy(trained)?, test: accuracy(test)? };
        training.report(model, Encrypted::Last(last), training.plain_curve()?, None)
    }
}

impl Training<'_> {
    /// The iteration, from 1, that a model is of: the one whose model in clear is the nearest, or the last where none
    /// is within 1 %. A server may have been told to stop.
    ///
    /// # Errors
    ///
    /// [`Error::Training`] for weights in clear of another shape than the training set's.
    pub fn iteration_of(&self, model: &Model) -> Result<usize, Error> {
        const NEAR: f64 = 0.01;
        let mut nearest = (NEAR, self.reference.len());
        for (index, step) in self.reference.iter().enumerate().rev() {
            let error = relative_error(model, &self.model(&step.weights)?);
            if error < nearest.0 {
                nearest = (error, index + 1);
            }
        }
        Ok(nearest.1)
    }

    fn iterations(&self) -> usize {
        self.plan.hyperparameters().iterations()
    }

    /// Refuses weights of other iterations than the plan's, encrypted or in clear.
    fn check_iterations(&self, encrypted: usize) -> Result<(), Error> {
        let expected = self.iterations();
        match [encrypted, self.reference.len()].into_iter().find(|&found| found != expected) {
            Some(found) => Err(Error::IterationCount { found, expected }),
            None => Ok(()),
        }
    }

    fn model(&self, weights: &Array2<f64>) -> Result<Model, Error> {
        Ok(self.training_set.model(weights.clone())?)
    }

    /// What the training in clear ends with.
    fn model_in_clear(&self) -> Result<Model, Error> {
        let last = self.reference.last();
        self.model(&last.ok_or(Error::IterationCount { found: 0, expected: self.iterations() })?.weights)
    }

    fn curve(&self, weights: &[&Array2<f64>]) -> Result<Curve, Error> {
        Curve::of_model(self.training_set, self.rows, weights)
    }

    fn plain_curve(&self) -> Result<Curve, Error> {
        self.curve(&self.reference.iter().map(|step| &step.weights).collect::<Vec<_>>())
    }

    fn report(
        &self,
        model: &Model,
        encrypted: Encrypted,
        plain: Curve,
        run: Option<Run>,
    ) -> Result<Report, Error> {
        let (plan, test, in_clear) = (self.plan, self.rows.test, self.model_in_clear()?);
        let (parameters, shape, keys) = (plan.parameters(), plan.layout().shape(), plan.key_spec());
        let upload = plan.upload();
        let baselines = || Baselines::new(self.training_set, self.rows, self.iterations());
        let baselines = run.as_ref().map(|_| baselines()).transpose()?;
        Ok(Report {
            data: self.data.to_owned(),
            profile: ProfileName::from(plan.hyperparameters().profile()).to_string(),
            parameters: Parameters {
                log_n: parameters.log_n(),
                log_q: parameters.log_q(parameters.max_level()),
                log_qp: parameters.log_qp(),
                data_level: plan.data_level(),
                security_bits: parameters.security().bits(),
            },
            samples: shape.samples,
            test_samples: test.samples(),
            validation_samples: self.rows.validation.map(Dataset::samples),
            features: shape.columns - 1,
            classes: shape.classes,
            upload: Upload { ciphertexts: upload.ciphertexts, bytes: upload.bytes },
            keys: Keys { count: keys.key_count(), bytes: keys.byte_count() },
            run,
            max_relative_weight_error: relative_error(model, &in_clear),
            prediction_agreement: agreement(model, &in_clear, test)?,
            curves: Curves { encrypted, plain, baselines },
            confusion: confusion(model, test)?,
            examples: self.images.map_or(Ok(Vec::new()), |images| examples(model, test, images))?,
        })
    }
}

/// max |encrypted − plain| / max |plain| over the weights.
fn relative_error(encrypted: &Model, plain: &Model) -> f64 {
    let largest =
        |values: &mut dyn Iterator<Item = f64>| values.fold(0.0, |max: f64, value| max.max(value.abs()));
    let differences = encrypted.weights() - plain.weights();
    largest(&mut differences.iter().copied()) / largest(&mut plain.weights().iter().copied())
}

/// Share of the rows for which both models predict the same class.
fn agreement(a: &Model, b: &Model, data: &Dataset) -> Result<f64, Error> {
    let (a, b) = (a.predict(data.features())?, b.predict(data.features())?);
    Ok(a.iter().zip(&b).filter(|(a, b)| a == b).count() as f64 / data.samples() as f64)
}

#[cfg(test)]
mod tests;
