//! `volley try`: what a training will give, without keys or a folder.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::PlanHash;
use volley_program::{CoreTimes, OrBadInput};
use volley_project::PlanSummary;

use super::planned::{PlannedTable, Training};
use crate::class_weight::{ClassWeight, prepare};
use crate::in_clear::{InClear, Rehearsal};
use crate::output::Output;
use crate::planning::plan;
use crate::table_labels::TableLabels;

/// Show what a training on ciphertexts will give and take, without keys or a folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley try train.csv
  volley try train.csv --iterations 8 --class-weight balanced

The same training in clear gives the same model as on ciphertexts. It is
compared with a logistic regression that is trained until it converges, with
the penalty that scikit-learn has by default, on the same rows: three quarters
of each class. The others are tested on. The options are those of volley init,
which plans for what was tried; --class-weight is one of volley encrypt.")]
pub(crate) struct Options {
    #[command(flatten)]
    training: Training,
    /// Weights of rows in training: with "balanced" all classes count alike, however few rows one has [default: all
    /// rows count alike]
    #[arg(long, value_enum, value_name = "WEIGHT")]
    class_weight: Option<ClassWeight>,
    /// Labelled rows
    data: PathBuf,
}

/// What was tried.
#[derive(Debug, Serialize)]
struct Tried {
    plan: PlanSummary,
    labels: TableLabels,
    in_clear: InClear,
}

impl fmt::Display for Tried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n\n{}\n{}", self.plan, self.labels, self.in_clear)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let path = &options.data;
    let PlannedTable { settings, data, schema, labels } = options.training.of_table(path)?;
    let plan = plan(&settings)?;
    let (profile, layout) = (plan.hyperparameters().profile(), plan.layout());
    let set = prepare(&data, profile, layout, options.class_weight).at(path)?;
    let rehearsal = Rehearsal::new(&settings, &set, options.class_weight).at(path)?;
    let in_clear = rehearsal.run(Some((&data, layout))).at(path)?.compared(&data, options.class_weight)?;
    let in_clear = in_clear.with_advice_on_logarithms(&data, &schema);
    let plan = PlanSummary::new(&plan, PlanHash::of(&plan)?, &CoreTimes::of_this_machine()?)
        .with_iterations_reason(options.training.iterations.reason());
    output.result(&Tried { plan, labels, in_clear })
}
