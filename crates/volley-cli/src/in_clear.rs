//! What a training on ciphertexts will give, as the same training in clear shows it before anything is encrypted.

use std::fmt;
use std::path::Path;

use anyhow::Result;
use ndarray::Array2;
use rand::SeedableRng;
use rand_chacha::ChaCha20Rng;
use serde::Serialize;
use volley_data::Schema;
use volley_mlr::volley_revolver::Layout;
use volley_mlr::{
    ClassLabels, Dataset, Error, Hyperparameters, Profile, Recalls, Step, TrainingSet, very_unequal_columns,
};
use volley_program::units::counted;
use volley_program::{BadInput, ProfileName};
use volley_project::{Settings, shown_features};

use crate::class_weight::{ClassWeight, prepare};
use crate::console::{phase, warn};
use crate::evaluation::ClassFigures;
use crate::logistic_regression::converged;

/// The rows held out are the same for the same table.
const SEED: u64 = 0;
/// Classes whose recall is shown. --json has all.
const SHOWN_CLASSES: usize = 8;
/// Points of accuracy that rows held out may be below those trained on, without advice.
const OVERFITTED: f64 = 0.1;
/// A class with fewer rows than this share of an even number is rare, and advice is given where its recall is low.
const RARE: f64 = 0.5;
const LOW_RECALL: f64 = 0.5;
/// More classes than this are taken for amounts where all are numbers, or where there are fewer rows of each than that
/// on the mean.
const MANY_CLASSES: usize = 20;
const FEW_ROWS: usize = 5;
/// Numbers that are predicted so well are classes all the same.
const GOOD: f64 = 0.5;
/// Points of accuracy that a converged model may have more, without advice.
const MUCH_WORSE: f64 = 0.1;
/// Mean recall above chance, without which a model is of no use.
const ABOVE_CHANCE: f64 = 0.05;

/// What one training in clear gave, and what to change.
#[derive(Debug, Serialize)]
pub(crate) struct InClear {
    iterations: usize,
    profile: Profile,
    training_rows: Figures,
    /// By a model of the other rows; none where no row can be held out, and where rows are added to an upload.
    held_out_rows: Option<Figures>,
    /// The largest of all iterations; none if it is not finite.
    largest_score: f64,
    largest_score_iteration: usize,
    polynomial_range: f64,
    diverges: bool,
    /// The rows held out, or else those trained on, by a logistic regression in clear.
    #[serde(skip_serializing_if = "Option::is_none")]
    converged: Option<Figures>,
    advice: Vec<String>,
    /// Why the training is refused, if it is, and what mends it.
    refusal: Option<String>,
}

/// How often a model is right.
#[derive(Debug, Serialize)]
pub(crate) struct Figures {
    rows: usize,
    accuracy: f64,
    /// The share of the rows that are of the class with the most: how often a model is right that always names it.
    most_frequent_class: f64,
    classes: Vec<ClassFigures>,
}

/// The rows of a training in clear.
#[derive(Debug)]
pub(crate) struct Rehearsal<'a> {
    settings: &'a Settings,
    hyperparameters: Hyperparameters,
    set: &'a TrainingSet,
    class_weight: Option<ClassWeight>,
}

impl<'a> Rehearsal<'a> {
    /// Of rows that were prepared for a plan with these settings.
    ///
    /// # Errors
    ///
    /// Those of settings that are none.
    pub(crate) fn new(
        settings: &'a Settings,
        set: &'a TrainingSet,
        class_weight: Option<ClassWeight>,
    ) -> Result<Self, Error> {
        Ok(Self { hyperparameters: settings.hyperparameters()?, settings, set, class_weight })
    }

    /// Trains in clear: all rows, and where there are the rows themselves most of them, to test on the others.
    ///
    /// # Errors
    ///
    /// Those of rows that cannot be trained on.
    pub(crate) fn run(&self, rows: Option<(&Dataset, Layout)>) -> Result<InClear, Error> {
        phase("training in clear", || {
            let run = Run::of(self.set, &self.hyperparameters)?;
            let trained = self.set.recalls(&run.weights);
            let parts = rows.and_then(|(data, layout)| Some((parts(data)?, layout)));
            let held_out = parts.map(|((training, test), layout)| self.held_out(&training, &test, layout));
            let held_out = held_out.transpose()?.flatten();
            let advice = self.advice(&run, &trained, held_out.as_ref());
            let classes = self.set.classes();
            Ok(InClear {
                iterations: self.hyperparameters.iterations(),
                profile: self.hyperparameters.profile(),
                training_rows: Figures::new(classes, &trained),
                held_out_rows: held_out.map(|found| Figures::new(classes, &found)),
                largest_score: run.farthest.largest_score,
                largest_score_iteration: run.farthest.iteration,
                polynomial_range: run.farthest.trusted_range,
                diverges: run.divergence.is_err(),
                converged: None,
                refusal: self.refusal(&run),
                advice,
            })
        })
    }

    /// How a model of some rows does on others. None where the former cannot be trained on without the latter.
    fn held_out(&self, training: &Dataset, test: &Dataset, layout: Layout) -> Result<Option<Recalls>, Error> {
        let layout = layout.with_samples(training.samples())?;
        let set = match prepare(training, self.hyperparameters.profile(), layout, self.class_weight) {
            Err(Error::ConstantColumns { .. }) => return Ok(None),
            set => set?,
        };
        match set.model(Run::of(&set, &self.hyperparameters)?.weights) {
            // A training that diverges has no model.
            Err(Error::NotFinite { .. }) => Ok(None),
            model => model?.recalls(test).map(Some),
        }
    }

    /// Why a training is refused, with the option that mends it.
    fn refusal(&self, run: &Run) -> Option<String> {
        let problem = run.divergence.as_ref().err().or(run.range.as_ref().err())?;
        Some(format!("{problem}: {}", self.mend()))
    }

    /// An option under which no score leaves the range. It was tried.
    fn mend(&self) -> String {
        for (option, settings) in self.others() {
            let Ok(hyperparameters) = settings.hyperparameters() else { continue };
            let Ok(Run { farthest, .. }) = Run::of(self.set, &hyperparameters) else { continue };
            if farthest.check_range().is_ok() {
                let (score, range) = (farthest.largest_score, farthest.trusted_range);
                return format!(
                    "{option} (`volley try`, `volley init`) keeps scores within {score:.1} of {range:.1}"
                );
            }
        }
        "a smaller --learning-rate, a --weight-decay or fewer --iterations keep scores small (`volley try`, `volley \
         init`)"
            .to_owned()
    }

    /// Other settings that keep scores in the range of many tables, those first that change the model least.
    fn others(&self) -> impl Iterator<Item = (String, Settings)> {
        let (settings, used) = (self.settings, &self.hyperparameters);
        let half_width = used.sigmoid().half_width();
        let wider = [12.0, 16.0].into_iter().filter(move |&range| range > half_width);
        let wider = wider.map(|range| {
            let changed = Settings { sigmoid_degree: None, sigmoid_range: Some(range), ..settings.clone() };
            let instead = if settings.sigmoid_degree.is_some() { " without --sigmoid-degree" } else { "" };
            (format!("--sigmoid-range {range}{instead}"), changed)
        });
        let decays = [0.03, 0.1].into_iter().filter(|&decay| decay > used.weight_decay());
        let decays = decays.map(|decay| {
            let changed = Settings { weight_decay: Some(decay), ..settings.clone() };
            (format!("--weight-decay {decay}"), changed)
        });
        let slower = [1.0, 0.5].into_iter().filter(|&rate| rate < used.learning_rate().factor(1, 1));
        let slower = slower.map(|rate| {
            let changed = Settings { learning_rate: Some(rate), ..settings.clone() };
            (format!("--learning-rate {rate}"), changed)
        });
        let fewer = Hyperparameters::AUTO_ITERATIONS;
        let fewer = (used.iterations() > fewer)
            .then(|| (format!("--iterations {fewer}"), Settings { iterations: fewer, ..settings.clone() }));
        wider.chain(decays).chain(slower).chain(fewer)
    }

    /// What may make a better model.
    fn advice(&self, run: &Run, trained: &Recalls, held_out: Option<&Recalls>) -> Vec<String> {
        if run.divergence.is_err() {
            return Vec::new();
        }
        let lost = |held_out: &Recalls| trained.accuracy() - held_out.accuracy() > OVERFITTED;
        let overfitted = held_out.is_some_and(lost).then(|| {
            "rows held out are predicted far worse than those trained on: more rows or fewer columns (--drop) help"
                .to_owned()
        });
        if let Some(advice) = self.of_amounts(trained) {
            return vec![advice];
        }
        let of_classes = self.of_classes_never_predicted(trained).or_else(|| self.of_rare_classes(trained));
        let is_useless = |found: &Recalls| of_classes.is_none() && above_chance(found) < ABOVE_CHANCE;
        // The other profiles take more iterations to tell.
        let is_telling = self.hyperparameters.profile() == Profile::Standard;
        let useless = (is_telling && held_out.is_some_and(is_useless)).then(|| {
            "rows held out are predicted hardly better than by chance: the columns may say nothing of the labels"
                .to_owned()
        });
        [of_classes, useless, overfitted].into_iter().flatten().collect()
    }

    /// Where labels are so many that they are amounts, and no classes.
    fn of_amounts(&self, trained: &Recalls) -> Option<String> {
        let (rows, classes) = (trained.rows(), trained.class_rows().len());
        let is_number = |name: &String| name.parse::<f64>().is_ok();
        let are_amounts = rows < FEW_ROWS * classes || self.set.classes().names().iter().all(is_number);
        (classes > MANY_CLASSES && are_amounts && trained.accuracy() < GOOD).then(|| {
            format!(
                "{} on {} are hardly classes: labels that are amounts are grouped first, such as into low, middle and \
                 high",
                counted(classes, "different label"),
                counted(rows, "row")
            )
        })
    }

    fn of_classes_never_predicted(&self, trained: &Recalls) -> Option<String> {
        let is_missing = |class: usize| trained.predicted()[class] == 0;
        let missing = self.names(is_missing)?;
        let is_smaller = |class: usize| is_missing(class) && share_of_even(trained, class) < RARE;
        let advice = match self.can_weigh() && (0..trained.class_rows().len()).any(is_smaller) {
            true => "--class-weight balanced (`volley try`, `volley encrypt`) makes all classes count alike",
            false => "more --iterations may find them",
        };
        Some(format!("the model predicts none of the training rows as {missing}: {advice}"))
    }

    fn of_rare_classes(&self, trained: &Recalls) -> Option<String> {
        let recalls: Vec<_> = trained.recalls().collect();
        let is_neglected = |class: usize| {
            let is_rare = share_of_even(trained, class) < RARE;
            let is_missed = recalls[class].is_some_and(|recall| recall < LOW_RECALL);
            is_rare && is_missed && trained.predicted()[class] > 0
        };
        let missed = self.can_weigh().then(|| self.names(is_neglected))??;
        Some(format!(
            "most training rows of {missed} are predicted as others: --class-weight balanced (`volley try`, `volley \
             encrypt`) makes all classes count alike"
        ))
    }

    /// Whether class weights may be advised: a shareable plan does not take them.
    fn can_weigh(&self) -> bool {
        self.class_weight.is_none() && self.hyperparameters.flooding().is_none()
    }

    /// The classes of which something is true, if there are any.
    fn names(&self, is_named: impl Fn(usize) -> bool) -> Option<String> {
        let names = self.set.classes().names().iter().enumerate();
        let named: Vec<_> =
            names.filter(|(class, _)| is_named(*class)).map(|(_, name)| format!("{name:?}")).collect();
        let more = named.len().saturating_sub(SHOWN_CLASSES);
        let shown = named[..named.len() - more].join(", ");
        match (named.len(), more) {
            (0, _) => None,
            (_, 0) => Some(shown),
            _ => Some(format!("{shown} and {more} more")),
        }
    }
}

/// The rows of a class, over those that it would have if all had as many.
fn share_of_even(trained: &Recalls, class: usize) -> f64 {
    let (rows, classes) = (trained.class_rows()[class] as f64, trained.class_rows().len() as f64);
    rows * classes / trained.rows() as f64
}

/// The mean recall of all classes, less that of a model which guesses.
fn above_chance(found: &Recalls) -> f64 {
    let recalls: Vec<f64> = found.recalls().flatten().collect();
    (recalls.iter().sum::<f64>() - 1.0) / recalls.len() as f64
}

/// The share of the rows that are of the class with the most.
fn most_frequent(found: &Recalls) -> f64 {
    let most = found.class_rows().iter().max().copied().unwrap_or_default();
    most as f64 / found.rows() as f64
}

/// The rows to train on and those held out.
fn parts(data: &Dataset) -> Option<(Dataset, Dataset)> {
    data.hold_out(&mut ChaCha20Rng::seed_from_u64(SEED))
}

/// A training in clear.
struct Run {
    /// Of the last iteration.
    weights: Array2<f64>,
    /// The iteration with the largest score, the first of several.
    farthest: Step,
    range: Result<(), Error>,
    divergence: Result<(), Error>,
}

impl Run {
    fn of(set: &TrainingSet, hyperparameters: &Hyperparameters) -> Result<Self, Error> {
        let mut steps = set.reference(hyperparameters);
        let farther = |(farthest, _): (Step, Step), step: Step| {
            let farthest = if step.largest_score > farthest.largest_score { step.clone() } else { farthest };
            (farthest, step)
        };
        let first = steps.next().ok_or(Error::NoIterations)?;
        let (farthest, last) = steps.fold((first.clone(), first), farther);
        Ok(Self {
            range: farthest.check_range(),
            divergence: last.check_divergence(),
            weights: last.weights,
            farthest,
        })
    }
}

impl InClear {
    /// The same beside a logistic regression that converged: both are trained on the same rows with the same weights.
    ///
    /// # Errors
    ///
    /// Those of rows that it cannot be trained on.
    pub(crate) fn compared(self, data: &Dataset, class_weight: Option<ClassWeight>) -> Result<Self> {
        let (training, test) = match self.held_out_rows {
            Some(_) => parts(data).unwrap_or_else(|| (data.clone(), data.clone())),
            None => (data.clone(), data.clone()),
        };
        let model = phase("logistic regression", || converged(&training, class_weight))?;
        let found = Figures::new(model.classes(), &model.recalls(&test)?);
        let ours = self.held_out_rows.as_ref().unwrap_or(&self.training_rows);
        let advice = match self.profile {
            Profile::Standard => {
                "a column with values that are far out leaves little of the others: its logarithm, or ranks, may help"
            }
            Profile::Standardised | Profile::Paper => {
                "--profile standard, the default, needs fewer iterations"
            }
        };
        let is_worse = found.accuracy - ours.accuracy > MUCH_WORSE;
        let advice = is_worse.then(|| format!("logistic regression in clear does far better: {advice}"));
        let advice = self.advice.into_iter().chain(advice).collect();
        Ok(Self { converged: Some(found), advice, ..self })
    }

    /// The same with the advice to take logarithms, where there are columns for which these may be better.
    pub(crate) fn with_advice_on_logarithms(mut self, data: &Dataset, schema: &Schema) -> Self {
        if let Some(names) = shown_features(schema, &very_unequal_columns(data.features())) {
            self.advice.push(format!(
                "very unequal amounts, of which the logarithms may do better: {names} (numpy.log)"
            ));
        }
        self
    }

    /// Refuses scores beyond the polynomial's range, unless they are allowed.
    ///
    /// # Errors
    ///
    /// [`BadInput`] that names the option which mends it.
    pub(crate) fn check(&self, data: &Path, force: bool) -> Result<(), BadInput> {
        match &self.refusal {
            Some(refusal) if force => warn(format!("{}: {refusal}", data.display())),
            Some(refusal) => {
                return Err(BadInput::at(data, format!("{refusal}; --force goes on all the same")));
            }
            None => {}
        }
        Ok(())
    }
}

impl fmt::Display for InClear {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (iterations, profile) = (counted(self.iterations, "iteration"), ProfileName::from(self.profile));
        writeln!(f, "in clear         {iterations}, profile {profile}")?;
        let trained = &self.training_rows;
        let (accuracy, rows) = (100.0 * trained.accuracy, counted(trained.rows, "row"));
        writeln!(f, "accuracy         {accuracy:.1} % of the {rows} trained on")?;
        if let Some(Figures { rows, accuracy, .. }) = &self.held_out_rows {
            let (accuracy, rows) = (100.0 * accuracy, counted(*rows, "row"));
            writeln!(f, "                 {accuracy:.1} % of {rows} held out, by a model of the others")?;
        }
        if let Some(Figures { accuracy, .. }) = &self.converged {
            let rows = if self.held_out_rows.is_some() { "held out" } else { "trained on" };
            let accuracy = 100.0 * accuracy;
            writeln!(
                f,
                "                 {accuracy:.1} % of those {rows} by logistic regression in clear, converged"
            )?;
        }
        let tested = self.held_out_rows.as_ref().unwrap_or(trained);
        let baseline = 100.0 * tested.most_frequent_class;
        writeln!(f, "                 {baseline:.1} % by always naming the most frequent class")?;
        match &self.held_out_rows {
            Some(held_out) => held_out.write_recalls(f, "rows held out")?,
            None => trained.write_recalls(f, "rows trained on")?,
        }
        let (score, range) = (self.largest_score, self.polynomial_range);
        let score = shown_score(score);
        write!(f, "largest score    {score}; scores up to {range:.1} are allowed")?;
        if let Some(refusal) = &self.refusal {
            write!(f, "\nrefused          {refusal}")?;
        }
        self.advice.iter().try_for_each(|advice| write!(f, "\nadvice           {advice}"))
    }
}

/// A score, without the digits of one that is far out.
fn shown_score(score: f64) -> String {
    if score < 1e6 { format!("{score:.1}") } else { format!("{score:.1e}") }
}

impl Figures {
    fn new(classes: &ClassLabels, found: &Recalls) -> Self {
        Self {
            rows: found.rows(),
            accuracy: found.accuracy(),
            most_frequent_class: most_frequent(found),
            classes: ClassFigures::of(classes, found),
        }
    }

    /// The recall of each class, or the lowest ones.
    fn write_recalls(&self, f: &mut fmt::Formatter<'_>, of: &str) -> fmt::Result {
        let mut known: Vec<_> =
            self.classes.iter().filter_map(|class| Some((&class.class, class.recall?))).collect();
        let lowest = if known.len() > SHOWN_CLASSES { "the lowest: " } else { "" };
        if known.len() > SHOWN_CLASSES {
            known.sort_by(|a, b| a.1.total_cmp(&b.1));
            known.truncate(SHOWN_CLASSES);
        }
        let known = known.iter().map(|(class, recall)| format!("{class} {:.1} %", 100.0 * recall));
        let unknown = self.classes.iter().filter(|class| class.recall.is_none()).count();
        let none =
            if unknown > 0 { format!(", none of {}", counted(unknown, "other")) } else { String::new() };
        writeln!(f, "recall           {lowest}{} ({of}{none})", known.collect::<Vec<_>>().join(", "))
    }
}

#[cfg(test)]
mod tests;
