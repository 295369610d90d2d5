//! The program from outside: exit codes, messages, files.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]

mod append;
mod columns;
#[cfg(target_os = "linux")]
mod disk;
mod end_to_end;
mod events;
mod features;
#[cfg(unix)]
mod guide;
#[cfg(unix)]
mod hostile;
mod kill;
#[cfg(feature = "mpi")]
mod mpi;
mod outputs;
mod pool;
mod pool_secrets;
mod refusals;
mod report;
mod row_files;
mod scores;
mod secret_forms;
mod secrets;
mod setup;
mod stop;
mod tables;
#[cfg(target_os = "linux")]
mod terminal;
mod training_in_clear;
#[cfg(unix)]
mod watch;
