//! What a server may take of its machine: threads and memory.

use std::fs;

use clap::Args;
use volley_mlr::volley_ckks::costs::Memory;

use crate::failure::{BadInput, OrBadInput};
use crate::sizes::{counted, parse_bytes, show_bytes};

/// Beyond any machine; far more threads take minutes to start.
const MAX_THREADS: i64 = 1024;

/// Threads and memory, as the server's commands are given them.
#[derive(Args, Debug)]
pub(crate) struct Machine {
    /// Threads [default: one for each core]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    threads: Option<u16>,
    /// Most memory to take, such as 4G [default: what is available]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
}

impl Machine {
    /// Starts the threads: before anything runs in parallel, and reading a job does.
    pub(crate) fn start_threads(&self) -> Result<(), BadInput> {
        let Some(threads) = self.threads else { return Ok(()) };
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global().or_bad_input()
    }

    /// Refuses a computation that there is no memory for, before it begins; `needed` says what it takes on so many
    /// threads.
    pub(crate) fn check_memory(
        &self,
        work: &str,
        needed: impl FnOnce(usize) -> Memory,
    ) -> Result<(), BadInput> {
        let threads = rayon::current_num_threads();
        let needed = needed(threads).total();
        match self.memory.or_else(available_bytes) {
            Some(limit) if needed > limit => {
                let (needed, limit) = (show_bytes(needed), show_bytes(limit));
                let threads = counted(threads, "thread");
                Err(BadInput::new(format!("{work} takes {needed} of memory on {threads}, there are {limit}")))
            }
            _ => Ok(()),
        }
    }
}

/// The memory that a new program could take without swapping, where the system is Linux.
fn available_bytes() -> Option<u64> {
    let text = fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}
