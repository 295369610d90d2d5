//! `volley plan`: what a job takes on several machines.

use std::fmt;
use std::path::PathBuf;
use std::thread;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_program::units::{counted, grouped, parse_bytes, show_bytes, show_duration};
use volley_program::{CoreTimes, OrBadInput};
use volley_project::{JobFolder, Network, PassTraffic, WorkerPlan};

use crate::console;
use crate::output::Output;

/// Twice as many ranks that take more than this part of the time are not worth it.
const WORTH_IT: f64 = 0.8;
/// Most machines whose sums can be added before they are reduced.
const MAX_MACHINES: u16 = 1 << 14;

/// What a job takes on several machines: time, memory and traffic
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley plan upload --workers 1,2,4,8
  volley plan upload --workers 4,64 --threads 16 --bandwidth 10G --round-trip 0.1

Of the upload it takes job.vly alone. Times are those of this machine's cores,
with one rank of volley train --mpi on each machine. Reading keys and rows from
a disk or a shared folder comes on top.")]
pub(crate) struct Options {
    /// Folder with what the owner sent
    folder: PathBuf,
    /// Numbers of machines, such as 1,2,4
    #[arg(long, value_name = "P,...", value_delimiter = ',', default_value = "1,2,4,8,16,32,64",
        value_parser = machines)]
    workers: Vec<u16>,
    /// Threads of each [default: one for each core of this machine]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
    /// Bits a second of a machine's line, each way, such as 1G
    #[arg(long, value_name = "BITS", default_value = "10G", value_parser = bits)]
    bandwidth: u64,
    /// Milliseconds from one machine to another and back
    #[arg(long, value_name = "MS", default_value = "0.1", value_parser = milliseconds,
        allow_negative_numbers = true)]
    round_trip: f64,
}

fn machines(text: &str) -> Result<u16, String> {
    match text.parse() {
        Ok(machines) if (1..=MAX_MACHINES).contains(&machines) => Ok(machines),
        _ => Err(format!(
            "numbers from 1 to {MAX_MACHINES} are needed, with commas between them, such as 1,2,4"
        )),
    }
}

fn bits(text: &str) -> Result<u64, String> {
    parse_bytes(text).map_err(|_| "bits a second with their unit are needed, such as 500M or 10G".to_owned())
}

fn milliseconds(text: &str) -> Result<f64, String> {
    match text.parse() {
        Ok(milliseconds) if (0.0..=1e4).contains(&milliseconds) => Ok(milliseconds),
        _ => Err("a number from 0 to 10000 is needed".to_owned()),
    }
}

/// The plans, by the number of ranks.
#[derive(Debug, Serialize)]
struct Plans {
    threads: usize,
    core: String,
    network: Network,
    /// The largest of powers of two that are worth it.
    worth: usize,
    workers: Vec<WorkerPlan>,
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let job = JobFolder::new(&options.folder).job()?;
    let core = CoreTimes::of_this_machine()?;
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    let threads = options.threads.map_or_else(cores, usize::from);
    let network = Network {
        bytes_per_second: options.bandwidth as f64 / 8.0,
        round_trip_seconds: options.round_trip / 1e3,
    };
    let of = |ranks: usize| WorkerPlan::new(job.plan(), ranks, threads, &core.times, network).or_bad_input();
    let plans = console::phase("planning", || {
        let workers = options.workers.iter().map(|&ranks| of(ranks.into())).collect::<Result<_, _>>()?;
        anyhow::Ok(Plans { threads, core: core.kind.to_string(), network, worth: worth(of)?, workers })
    })?;
    output.result(&plans)
}

/// The power of two that is not worth to be doubled.
fn worth<E>(plan: impl Fn(usize) -> Result<WorkerPlan, E>) -> Result<usize, E> {
    let (mut ranks, mut seconds) = (1, plan(1)?.seconds);
    loop {
        let twice = plan(2 * ranks)?.seconds;
        if twice > WORTH_IT * seconds {
            return Ok(ranks);
        }
        (ranks, seconds) = (2 * ranks, twice);
    }
}

impl fmt::Display for Plans {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { threads, core, network, worth, workers } = self;
        writeln!(
            f,
            "machines with {} of this machine's cores ({core}), lines of {} bits a second, round trips of {} ms",
            counted(*threads, "thread"),
            grouped((8.0 * network.bytes_per_second) as u64),
            1e3 * network.round_trip_seconds
        )?;
        writeln!(
            f,
            "{:>8} {:>12} {:>10} {:>10} {:>10} {:>10} {:>12}",
            "machines", "most rows", "time", "exchange", "memory", "reads", "sends a pass"
        )?;
        for plan in workers {
            let moved = plan.traffic.iter().map(PassTraffic::bytes).max();
            let sent = moved.unwrap_or_default() / plan.ranks as u64;
            writeln!(
                f,
                "{:>8} {:>12} {:>10} {:>10} {:>10} {:>10} {:>12}",
                grouped(plan.ranks as u64),
                grouped(plan.rows as u64),
                show_duration(plan.seconds),
                show_duration(plan.exchange_seconds),
                show_bytes(plan.memory_bytes),
                show_bytes(plan.read_bytes),
                show_bytes(sent)
            )?;
        }
        let (worth, twice) = (counted(*worth, "machine"), 2 * worth);
        write!(f, "worth it: up to {worth}; with {twice} it takes more than four fifths of the time")
    }
}
