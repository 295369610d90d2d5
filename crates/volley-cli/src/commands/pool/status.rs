//! `volley pool status`: how far a pool is, and what it takes.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_mlr::pool::PoolPlan;
use volley_program::units::{show_bytes, show_seconds};
use volley_program::{CoreTimes, Machine};
use volley_project::ParametersSummary;
use volley_project::pool::{Session, StepCost};

use super::next::Outlook;
use super::workplace;
use crate::output::Output;

/// Show how far a pool is, who is waited for, and what it takes; changes nothing
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley pool status north/")]
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

/// What a pool takes, in figures.
#[derive(Debug, Serialize)]
struct Needs {
    rows: Vec<usize>,
    parameters: ParametersSummary,
    statistical_bits: u32,
    decryptions: u32,
    keys: Vec<StepCost>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scores: Option<Scores>,
    server_memory_bytes: u64,
    server_seconds_on_one_core: f64,
}

/// Scores that owners may ask for.
#[derive(Debug, Serialize)]
struct Scores {
    rows: usize,
    /// Ciphertexts that are decrypted for them, among all.
    decryptions: usize,
    /// −log₂ of the deviation that the owners' noise has in a score.
    bits: f64,
}

impl Scores {
    fn of(plan: &PoolPlan) -> Result<Option<Self>> {
        let (rows, decryptions) = (plan.predicted_rows(), plan.score_ciphertexts());
        let bits = plan.score_bits()?;
        Ok((rows > 0).then_some(Self { rows, decryptions, bits }))
    }
}

impl Needs {
    fn of(plan: &PoolPlan, session: &Session) -> Result<Self> {
        let core = CoreTimes::of_this_machine()?;
        let settings = plan.plan().hyperparameters().pool();
        Ok(Self {
            rows: plan.rows().to_vec(),
            parameters: plan.plan().parameters().into(),
            statistical_bits: settings.map_or(0, |pool| pool.statistical_bits),
            decryptions: settings.map_or(0, |pool| pool.decryptions),
            keys: session.key_costs(&core.times)?,
            scores: Scores::of(plan)?,
            server_memory_bytes: plan.plan().memory(1).total(),
            server_seconds_on_one_core: plan.plan().seconds_on(&core.times),
        })
    }
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<_> = self.rows.iter().map(ToString::to_string).collect();
        writeln!(f, "rows             {}, in the order of the members", rows.join(" + "))?;
        writeln!(f, "{}", self.parameters)?;
        let (bits, decryptions) = (self.statistical_bits, self.decryptions);
        writeln!(f, "decryptions      {decryptions} within a statistical distance of 2^-{bits}")?;
        self.keys.iter().try_for_each(|step| writeln!(f, "{step}"))?;
        if let Some(Scores { rows, decryptions, bits }) = &self.scores {
            let part = format!("{decryptions} of the decryptions, right to 2^-{bits:.0}");
            writeln!(f, "scores           of {rows} rows in one request: {part}")?;
        }
        let memory = show_bytes(self.server_memory_bytes);
        writeln!(
            f,
            "server           {memory} with one thread, {}",
            show_seconds(self.server_seconds_on_one_core)
        )
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (members, all) = (self.members.join(", "), self.members.len());
        let deciders = self.threshold.map_or("all".to_owned(), |few| format!("any {few}"));
        writeln!(f, "members          {members}; {deciders} of the {all} decrypt the model")?;
        if let Some(hash) = &self.statistics {
            writeln!(f, "statistics       given, with the hash {hash}")?;
        }
        self.plan.iter().try_for_each(|plan| plan.fmt(f))?;
        self.outlook.fmt(f)
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let session = Session::open(&options.folder, workplace(Machine::default())?, None)?;
    let plan = session.plan()?.map(|plan| Needs::of(plan, &session)).transpose()?;
    let (members, threshold) = (session.members().to_vec(), session.threshold());
    let statistics = session.settings().statistics.clone();
    output.result(&Status { members, threshold, statistics, plan, outlook: Outlook::of(&session)? })
}
