//! What Volley's programs share: `volley`, and `cargo xtask` of the repository.
//!
//! * [`BadInput`] is an error that a user can mend. The [`exit_code`] tells it apart from those that only we can mend.
//! * [`ProfileName`] names the profiles of the training, on command lines and in projects.
//! * [`Iterations`] is the number of iterations that is asked for, or `auto`.
//! * [`Threads`] and [`Machine`] are the options for threads and memory; [`machine`] says what memory there is.
//! * [`units`] writes and reads sizes, times and shares.
//! * [`CoreTimes`] are the times of this machine's cores, measured once.
//!
//! The crate prints nothing, and opens no file of the user but the cache of these times.
#![forbid(unsafe_code)]

mod core_times;
pub mod failure;
pub mod machine;
mod settings;
pub mod units;

pub use core_times::{CoreTimes, measure_core};
pub use failure::{BadInput, OrBadInput, exit_code};
pub use machine::{Machine, Threads};
pub use settings::{Iterations, ProfileName, SMALL_KEY_BYTES};
pub use volley_mlr;
