//! `volley init`: plan a run, show what it takes, and make its folder.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::{PlanHash, PredictionPlan};
use volley_program::{CoreTimes, OrBadInput};

use crate::output::{Output, note, phase};
use crate::plan_summary::PlanSummary;
use crate::project::Project;
use crate::settings::Settings;

/// Plan a run from the shape of the data, and make the owner's folder
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley init --samples 128 --features 400 --classes 10 --iterations 2 digits

Nothing of the data is needed yet, and no key is made: what is printed is what the run will take.")]
pub(crate) struct Options {
    #[command(flatten)]
    settings: Settings,
    /// Folder to make
    project: PathBuf,
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
    let plan = phase("planning", || options.settings.plan()).or_bad_input()?;
    Project::create(&options.project, &options.settings, &plan)?;
    if !plan.key_spec().covers(PredictionPlan::new(&plan, 1)?.key_spec()) {
        note("note: encrypted prediction takes keys that the server gets for two iterations or more");
    }
    let plan = PlanSummary::new(&plan, PlanHash::of(&plan)?, &CoreTimes::of_this_machine()?);
    output.result(&Planned { project: options.project.clone(), plan })
}
