//! What a program may take of its machine: threads and memory.

use std::fs;

use clap::Args;
use volley_mlr::volley_revolver::plan::Memory;

use crate::failure::{BadInput, OrBadInput};
use crate::units::{counted, parse_bytes, show_bytes};

/// Beyond any machine; far more threads take minutes to start.
const MAX_THREADS: i64 = 1024;

/// Threads, as commands are given them.
#[derive(Args, Clone, Copy, Debug)]
pub struct Threads {
    /// Threads [default: one for each core]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    threads: Option<u16>,
}

impl Threads {
    /// Starts the threads: before anything runs in parallel, and reading a job does.
    ///
    /// # Errors
    ///
    /// [`BadInput`] if the system does not give so many.
    pub fn start(self) -> Result<(), BadInput> {
        let Some(threads) = self.threads else { return Ok(()) };
        rayon::ThreadPoolBuilder::new().num_threads(threads.into()).build_global().or_bad_input()
    }
}

/// Threads and memory, as the server's commands are given them.
#[derive(Args, Clone, Copy, Debug)]
pub struct Machine {
    #[command(flatten)]
    threads: Threads,
    /// Most memory to take, such as 4G [default: what is available]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
}

impl Machine {
    /// [`Threads::start`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn start_threads(self) -> Result<(), BadInput> {
        self.threads.start()
    }

    /// Refuses a computation that there is no memory for, before it begins; `needed` says what it takes on so many
    /// threads.
    ///
    /// # Errors
    ///
    /// [`BadInput`] that names the work, what it takes and what there is.
    pub fn check_memory(self, work: &str, needed: impl FnOnce(usize) -> Memory) -> Result<(), BadInput> {
        let threads = rayon::current_num_threads();
        let needed = needed(threads).total();
        match self.memory.or_else(available_memory_bytes) {
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
#[must_use]
pub fn available_memory_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/meminfo").ok()?, "MemAvailable:")
}

/// The most memory that this process has had in use so far, where the system is Linux.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    kibibytes(&fs::read_to_string("/proc/self/status").ok()?, "VmHWM:")
}

/// The value of a line "name 123 kB" of a file below `/proc`, in bytes.
fn kibibytes(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    let kibibytes: u64 = line.trim().strip_suffix(" kB")?.trim().parse().ok()?;
    Some(1024 * kibibytes)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser, Debug)]
    struct Line {
        #[command(flatten)]
        machine: Machine,
    }

    fn parse(arguments: &[&str]) -> Result<Machine, String> {
        let line = std::iter::once("program").chain(arguments.iter().copied());
        Line::try_parse_from(line).map(|line| line.machine).map_err(|error| error.to_string())
    }

    #[test]
    fn threads_and_memory_are_checked_when_they_are_read() {
        let nothing = parse(&[]).unwrap();
        assert!(nothing.threads.threads.is_none() && nothing.memory.is_none());
        let machine = parse(&["--threads", "2", "--memory", "4G"]).unwrap();
        assert_eq!((machine.threads.threads, machine.memory), (Some(2), Some(4_000_000_000)));
        for (option, value) in
            [("--threads", "0"), ("--threads", "100000"), ("--threads", "two"), ("--memory", "much")]
        {
            let problem = parse(&[&format!("{option}={value}")]).unwrap_err();
            assert!(problem.contains(option), "{problem}");
        }
    }

    #[test]
    fn peak_memory_is_read_from_the_status() {
        assert_eq!(kibibytes("VmPeak:\t 9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n", "VmHWM:"), Some(2 << 20));
        assert_eq!(kibibytes("VmHWM:\t lots\n", "VmHWM:"), None);
        assert_eq!(kibibytes("", "VmHWM:"), None);
        assert_eq!(peak_memory_bytes().is_some(), cfg!(target_os = "linux"));
    }
}
