//! `volley pool status`: how far a pool is, and what it takes.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_program::{CoreTimes, Machine};
use volley_project::pool::{Needs, Session};

use super::next::Outlook;
use super::workplace;
use crate::output::Output;

/// Show how far a pool is, who is waited for, and what it takes; changes nothing
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley pool status north/

It goes by the names of files that have arrived. Whether they are whole is
checked by `volley pool next`.")]
pub(crate) struct Options {
    /// Folder of this party
    folder: PathBuf,
}

/// How far a pool is, and once there is a plan, what it takes.
#[derive(Debug, Serialize)]
struct Status {
    members: Vec<String>,
    threshold: Option<usize>,
    /// The hash of the statistics that prepare the rows, where these are given.
    #[serde(skip_serializing_if = "Option::is_none")]
    statistics: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<Needs>,
    #[serde(flatten)]
    outlook: Outlook,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (members, all) = (self.members.join(", "), self.members.len());
        let deciders = self.threshold.map_or("all".to_owned(), |few| format!("any {few}"));
        writeln!(f, "members          {members}; {deciders} of the {all} decrypt the model")?;
        if let Some(hash) = &self.statistics {
            writeln!(f, "statistics       given, with the hash {hash}")?;
        }
        self.plan.iter().try_for_each(|plan| writeln!(f, "{plan}"))?;
        self.outlook.fmt(f)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let session = Session::open(&options.folder, workplace(Machine::default())?, None)?;
    let plan = session.needs(&CoreTimes::of_this_machine()?.times)?;
    let (members, threshold) = (session.members().to_vec(), session.threshold());
    let statistics = session.settings().statistics.clone();
    output.result(&Status { members, threshold, statistics, plan, outlook: Outlook::of(&session)? })
}
