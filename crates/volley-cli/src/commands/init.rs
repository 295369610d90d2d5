//! `volley init`: plan a run, show what it takes, and make its folder.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::{PlanHash, PredictionPlan, TrainingSet};
use volley_program::units::counted;
use volley_program::{BadInput, CoreTimes, OrBadInput};
use volley_project::{PlanSummary, Project, Settings};

use super::planned::{PlannedTable, Training};
use crate::console::note;
use crate::escaped::argument;
use crate::in_clear::{InClear, Rehearsal};
use crate::output::Output;
use crate::planning::plan;
use crate::table_labels::TableLabels;

/// Plan a run from the shape of the data, and make the owner's folder
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley init train.csv digits      the shape of a table
  volley init --samples 128 --features 400 --classes 10 digits

Of a table only the shape is planned for. The project keeps which columns it
has, and what is said of them, for the commands that follow: --label-column,
--drop, --header, --delimiter. No key is made: what is printed is what the run
will take, and what the same training in clear gives. Where a score of it
leaves the range of the sigmoid's polynomial there is no project, and an
option that mends it is named; --force goes on all the same.")]
#[command(override_usage = "volley init [OPTIONS] [DATA] <PROJECT>")]
pub(crate) struct Options {
    #[command(flatten)]
    training: Training,
    #[command(flatten)]
    shape: ShapeOptions,
    /// Plan even where the training in clear leaves the polynomial's range
    #[arg(long)]
    force: bool,
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

/// What is planned for: the settings with the shape of the data, the folder, and the rows with their columns if there
/// are any.
struct Request<'a> {
    settings: Settings,
    project: &'a Path,
    data: Option<(&'a Path, PlannedTable)>,
}

impl Options {
    fn complete(&self) -> Result<Request<'_>, BadInput> {
        let given = [self.shape.samples, self.shape.features, self.shape.classes];
        let least =
            [("samples", 1, "one sample"), ("features", 1, "one feature"), ("classes", 2, "two classes")];
        for ((option, least, words), given) in least.into_iter().zip(given) {
            if let Some(few) = given.filter(|&few| few < least) {
                return Err(BadInput::new(format!("--{option} {few}: a training has at least {words}")));
            }
        }
        match (&self.paths[..], given) {
            ([_], [Some(samples), _, Some(classes)]) if samples < classes => Err(BadInput::new(format!(
                "{} are too few for {classes} classes, each of which has a row at least",
                counted(samples, "row")
            ))),
            ([project], [Some(samples), Some(features), Some(classes)]) => {
                let settings = self.training.of_shape(samples, features, classes);
                Ok(Request { settings, project, data: None })
            }
            ([path], [None, None, None]) if path.is_file() => Err(BadInput::at(
                path,
                format_args!("the folder to make is missing: volley init {} FOLDER", argument(path)),
            )),
            ([_], _) => Err(BadInput::new(
                "--samples, --features and --classes say what shape the data has, or a table of it before the folder",
            )),
            ([path, project], [None, None, None]) => {
                let table = self.training.of_table(path)?;
                Ok(Request { settings: table.settings.clone(), project, data: Some((path, table)) })
            }
            _ => Err(BadInput::new("the shape is that of the table: no --samples, --features or --classes")),
        }
    }
}

/// What was planned, and where.
#[derive(Debug, Serialize)]
struct Planned {
    project: PathBuf,
    plan: PlanSummary,
    /// Those of a table.
    labels: Option<TableLabels>,
    /// What a table gives.
    in_clear: Option<InClear>,
}

impl fmt::Display for Planned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let project = argument(&self.project);
        write!(f, "{}", self.plan)?;
        self.labels.iter().try_for_each(|labels| write!(f, "\n\n{labels}"))?;
        self.in_clear.iter().try_for_each(|in_clear| write!(f, "\n{in_clear}"))?;
        write!(f, "\n\nnext: volley keygen {project}")
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let Request { settings, project, data } = options.complete()?;
    let plan = plan(&settings)?;
    let in_clear = match &data {
        Some((path, PlannedTable { data, .. })) => {
            let set = TrainingSet::new(data, plan.hyperparameters().profile()).at(path)?;
            let rehearsal = Rehearsal::new(&settings, &set, None).at(path)?;
            let in_clear = rehearsal.run(Some((data, plan.layout()))).at(path)?;
            in_clear.check(path, options.force)?;
            Some(in_clear)
        }
        None => None,
    };
    let columns = data.as_ref().map(|(_, table)| &table.schema);
    Project::create(project, &settings, options.training.table.kept()?, columns, &plan)?;
    if !plan.key_spec().covers(PredictionPlan::new(&plan, 1)?.key_spec()) {
        note("encrypted prediction takes keys that the server gets for two iterations or more");
    }
    let plan = PlanSummary::new(&plan, PlanHash::of(&plan)?, &CoreTimes::of_this_machine()?)
        .with_iterations_reason(options.training.iterations.reason());
    let labels = data.map(|(_, table)| table.labels);
    output.result(&Planned { project: project.to_owned(), plan, labels, in_clear })
}
