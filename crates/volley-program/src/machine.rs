//! What a program may take of its machine: threads and memory.

use std::fs;
use std::path::Path;

use clap::Args;
use sysinfo::{Process, ProcessRefreshKind, ProcessesToUpdate, System};
use volley_mlr::volley_ckks::costs::Memory;

use crate::failure::BadInput;
use crate::units::{counted, parse_bytes, show_bytes};

/// Most threads, more than any machine has; far more would take minutes to start.
const MAX_THREADS: i64 = 1024;

/// Threads, as commands are given them.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Threads {
    /// Threads [default: one for each core]
    #[arg(long, value_name = "T", value_parser = clap::value_parser!(u16).range(1..=MAX_THREADS))]
    threads: Option<u16>,
}

impl Threads {
    /// Starts the threads. It is called before anything runs in parallel, and reading a job does.
    ///
    /// # Errors
    ///
    /// [`BadInput`] if the system does not give so many.
    pub fn start(self) -> Result<(), BadInput> {
        let threads = self.threads.map_or(0, usize::from);
        let started = rayon::ThreadPoolBuilder::new().num_threads(threads).build_global();
        started.map_err(|error| BadInput::new(format!("threads cannot be started: {error}")))
    }
}

/// Threads and memory, as the server's commands are given them.
#[derive(Args, Clone, Copy, Debug, Default)]
pub struct Machine {
    #[command(flatten)]
    threads: Threads,
    /// Most memory to take, such as 4G [default: what is available]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    memory: Option<u64>,
}

impl Machine {
    /// All threads, and no more memory than this, where it is said.
    #[must_use]
    pub fn of_memory(memory: Option<u64>) -> Self {
        Self { memory, ..Self::default() }
    }

    /// The options that say the same to another program.
    #[must_use]
    pub fn arguments(self) -> Vec<String> {
        let threads = self.threads.threads.map(|threads| format!("--threads={threads}"));
        let memory = self.memory.map(|memory| format!("--memory={memory}"));
        threads.into_iter().chain(memory).collect()
    }

    /// As [`Threads::start`].
    ///
    /// # Errors
    ///
    /// As [`Threads::start`].
    pub fn start_threads(self) -> Result<(), BadInput> {
        self.threads.start()
    }

    /// What one of several programs may take at the same time: all that was said, or of the memory that is available
    /// its part, as what it needs is a part of what all need.
    #[must_use]
    pub fn shared(self, needed: u64, needed_by_all: u64) -> Self {
        let part = |bytes| (bytes as f64 * needed as f64 / needed_by_all.max(1) as f64) as u64;
        Self { memory: self.memory.or_else(|| available_memory_bytes().map(part)), ..self }
    }

    /// The memory that may be taken, where it was said or the system tells.
    #[must_use]
    pub fn memory_bytes(self) -> Option<u64> {
        self.memory.or_else(available_memory_bytes)
    }

    /// Whether there is the memory that a computation takes on so many threads, as far as is known.
    #[must_use]
    pub fn has_memory(self, needed: impl FnOnce(usize) -> Memory) -> bool {
        let needed = needed(rayon::current_num_threads()).total();
        self.memory_bytes().is_none_or(|limit| needed <= limit)
    }

    /// Refuses a computation that there is no memory for, before it begins; `needed` says what it takes on so many
    /// threads.
    ///
    /// # Errors
    ///
    /// [`BadInput`] that names the work, what it takes and what there is, and the threads for which that suffices.
    pub fn check_memory(self, work: &str, needed: impl Fn(usize) -> Memory) -> Result<(), BadInput> {
        let threads = rayon::current_num_threads();
        let needed = |threads| needed(threads).total();
        let Some(limit) = self.memory_bytes().filter(|&limit| needed(threads) > limit) else { return Ok(()) };
        let fewer = (1..threads).rev().find(|&fewer| needed(fewer) <= limit);
        let advice = match fewer {
            Some(fewer) => format!(": --threads {fewer} would do"),
            None if threads == 1 => String::new(),
            None => format!("; on one thread it takes {}", show_bytes(needed(1))),
        };
        let (needed, limit) = (show_bytes(needed(threads)), show_bytes(limit));
        let threads = counted(threads, "thread");
        Err(BadInput::new(format!("{work} takes {needed} of memory on {threads}, there are {limit}{advice}")))
    }
}

/// The memory that this program could take without swapping, where the system tells. It is what the system has
/// available, within the limits of control groups and the limit of the process's address space (`ulimit -v`).
#[must_use]
pub fn available_memory_bytes() -> Option<u64> {
    let mut system = System::new().ok()?;
    system.refresh_memory();
    let available = Some(system.available_memory()).filter(|&bytes| bytes > 0)?;
    let limits =
        this_process(&mut system).map(|process| [control_group_bytes(process), address_bytes(process)]);
    let limits = limits.into_iter().flatten().flatten();
    Some(limits.fold(available, u64::min))
}

fn this_process(system: &mut System) -> Option<&Process> {
    let process = sysinfo::get_current_pid().ok()?;
    let memory = ProcessRefreshKind::nothing().without_tasks().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[process]), false, memory);
    system.process(process)
}

/// What its control groups leave to a process. The page cache counts as free: it gives way.
fn control_group_bytes(process: &Process) -> Option<u64> {
    let limits = process.cgroup_limits()?;
    Some(limits.total_memory.saturating_sub(limits.rss))
}

/// What the limit of its address space leaves to this process, whose mappings count whether they are used or not.
#[cfg(unix)]
fn address_bytes(process: &Process) -> Option<u64> {
    let limit = rustix::process::getrlimit(rustix::process::Resource::As).current?;
    Some(limit.saturating_sub(process.virtual_memory()))
}

#[cfg(not(unix))]
fn address_bytes(_: &Process) -> Option<u64> {
    None
}

/// The bytes that this program could still write in the file system of a folder, where the system tells.
#[cfg(unix)]
#[must_use]
pub fn available_disk_bytes(folder: &Path) -> Option<u64> {
    let system = rustix::fs::statvfs(folder).ok()?;
    Some(system.f_bavail.saturating_mul(system.f_frsize))
}

/// Nothing: it is not known how other systems tell.
#[cfg(not(unix))]
#[must_use]
pub fn available_disk_bytes(_: &Path) -> Option<u64> {
    None
}

/// The most memory that this process has had in use so far, where the system is Linux.
#[must_use]
pub fn peak_memory_bytes() -> Option<u64> {
    peak_of(&fs::read_to_string("/proc/self/status").ok()?)
}

/// The peak in the text of a process's status, in bytes.
fn peak_of(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
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
        assert_eq!(machine.arguments(), ["--threads=2", "--memory=4000000000"]);
        assert_eq!(nothing.arguments(), Vec::<String>::new());
        for (option, value) in
            [("--threads", "0"), ("--threads", "100000"), ("--threads", "two"), ("--memory", "much")]
        {
            let problem = parse(&[&format!("{option}={value}")]).unwrap_err();
            assert!(problem.contains(option), "{problem}");
        }
    }

    #[test]
    fn programs_share_the_memory_as_they_need_it() {
        let said = Machine::of_memory(Some(1000));
        assert_eq!(said.shared(1, 4).memory, Some(1000));
        let [one, all] = [1, 4].map(|needed| Machine::default().shared(needed, 4).memory_bytes());
        if let (Some(one), Some(all)) = (one, all) {
            // Others take memory and give it back meanwhile.
            assert!((0.2..0.3).contains(&(one as f64 / all as f64)), "{one} of {all}");
        }
    }

    #[test]
    fn threads_that_the_memory_suffices_for_are_named() {
        let none = Memory { keys: 0, upload: 0, ciphertexts: 0, encoded: 0, scratch: 0, idle: 0, program: 0 };
        let needed = |threads| Memory { ciphertexts: 1000, scratch: 100 * (threads as u64 - 1), ..none };
        let check_on = |threads, bytes| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            let machine = Machine::of_memory(Some(bytes));
            pool.install(|| machine.check_memory("work", needed).map_err(|error| error.to_string()))
        };
        let check = |bytes| check_on(4, bytes);
        assert_eq!(check(1300), Ok(()));
        let refused = "work takes 1.3 kB of memory on 4 threads, there are 1.2 kB: --threads 3 would do";
        assert_eq!(check(1200), Err(refused.to_owned()));
        assert!(check(1000).unwrap_err().ends_with("--threads 1 would do"));
        assert!(check(999).unwrap_err().ends_with("there are 999 bytes; on one thread it takes 1.0 kB"));
        let refused = "work takes 1.0 kB of memory on 1 thread, there are 999 bytes";
        assert_eq!(check_on(1, 999), Err(refused.to_owned()));
    }

    #[test]
    fn available_memory_is_some_of_what_the_machine_has() {
        let mut system = System::new().unwrap();
        system.refresh_memory();
        let available = available_memory_bytes().unwrap();
        assert!(available > 0 && available <= system.total_memory());
    }

    #[cfg(unix)]
    #[test]
    fn available_disk_space_is_some_where_there_is_a_folder() {
        assert!(available_disk_bytes(Path::new("/")).is_some());
        assert_eq!(available_disk_bytes(Path::new("/proc/none")), None);
    }

    #[test]
    fn peak_memory_is_read_from_the_status() {
        assert_eq!(peak_of("VmPeak:\t 9 kB\nVmHWM:\t   2048 kB\nVmRSS:\t 1 kB\n"), Some(2 << 20));
        assert_eq!(peak_of("VmHWM:\t lots\n"), None);
        assert_eq!(peak_of(""), None);
        assert_eq!(peak_memory_bytes().is_some(), cfg!(target_os = "linux"));
    }
}
