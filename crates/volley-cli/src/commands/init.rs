//! `volley init`: plan a run, show what it takes, and make its folder.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::{ClassLabels, PlanHash, PredictionPlan};
use volley_program::{BadInput, CoreTimes, Iterations, OrBadInput};

use crate::output::{Output, note, phase};
use crate::plan_summary::PlanSummary;
use crate::project::Project;
use crate::settings::Settings;
use crate::tables::TableSource;

/// Plan a run from the shape of the data, and make the owner's folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley init train.csv digits      the shape of a table
  volley init --samples 128 --features 400 --classes 10 digits

Of a table only the shape is taken, and the project keeps what is said of its columns for the commands that follow:
--label-column, --drop, --header, --delimiter. No key is made: what is printed is what the run will take.")]
#[command(override_usage = "volley init [OPTIONS] [DATA] <PROJECT>")]
pub(crate) struct Options {
    /// Iterations of the training, or `auto` for as many as are good for most tables
    #[arg(long, value_name = "T", default_value_t = Iterations::Auto)]
    iterations: Iterations,
    #[command(flatten)]
    settings: Settings,
    #[command(flatten)]
    shape: ShapeOptions,
    #[command(flatten)]
    table: TableSource,
    /// Labelled rows whose shape is planned for, if they are at hand, and the folder to make
    #[arg(num_args = 1..=2, required = true, value_names = ["DATA", "PROJECT"])]
    paths: Vec<PathBuf>,
}

/// The shape of data that is not at hand.
#[derive(Args, Clone, Copy, Debug)]
struct ShapeOptions {
    /// Rows of the data
    #[arg(long, value_name = "N")]
    samples: Option<usize>,
    /// Feature columns of the data
    #[arg(long, value_name = "D")]
    features: Option<usize>,
    /// Different labels of the data
    #[arg(long, value_name = "C")]
    classes: Option<usize>,
}

impl Options {
    /// The settings with the shape of the data, and the folder.
    fn complete(&self) -> Result<(Settings, &Path)> {
        let given = [self.shape.samples, self.shape.features, self.shape.classes];
        let (shape, project) = match (&self.paths[..], given) {
            ([project], [Some(samples), Some(features), Some(classes)]) => {
                ([samples, features, classes], project)
            }
            ([_], _) => {
                return Err(BadInput::new(
                    "--samples, --features and --classes say what shape the data has, or a table of it before the \
                     folder",
                )
                .into());
            }
            ([path, project], [None, None, None]) => {
                let data = self.table.read_training(path)?.into_dataset().or_bad_input()?;
                let (samples, features) = data.features().dim();
                ([samples, features, ClassLabels::of(data.labels()).at(path)?.len()], project)
            }
            _ => {
                return Err(BadInput::new(
                    "the shape is that of the table: no --samples, --features or --classes",
                )
                .into());
            }
        };
        let [samples, features, classes] = shape;
        let iterations = self.iterations.count();
        Ok((Settings { samples, features, classes, iterations, ..self.settings.clone() }, project))
    }
}

/// What was planned, and where.
#[derive(Debug, Serialize)]
struct Planned {
    project: PathBuf,
    plan: PlanSummary,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = self.project.display();
        write!(f, "{}\n\nnext: volley keygen {project}", self.plan)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let (settings, project) = options.complete()?;
    let plan = phase("planning", || settings.plan()).or_bad_input()?;
    Project::create(project, &settings, &options.table, &plan)?;
    if !plan.key_spec().covers(PredictionPlan::new(&plan, 1)?.key_spec()) {
        note("note: encrypted prediction takes keys that the server gets for two iterations or more");
    }
    let plan = PlanSummary::new(&plan, PlanHash::of(&plan)?, &CoreTimes::of_this_machine()?)
        .with_iterations_reason(options.iterations.reason());
    output.result(&Planned { project: project.to_owned(), plan })
}
