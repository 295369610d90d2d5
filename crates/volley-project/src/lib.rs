//! The files of Volley's parties, as its programs share them.
//!
//! * A [`Project`] is the owner's folder: what was asked for ([`Settings`]), what goes to the server, and what never
//!   leaves.
//! * A [`JobFolder`] is what the owner sends. The server trains in it, and adds its own files.
//! * Rows are [encrypted](encrypt) as an upload, which the server checks and [trains](train) on, alone or in a [`Team`].
//! * [`pool`] is the same of several owners, who train one model together.
//! * [`PlanSummary`] is a plan as it is shown before anything is made.
//! * [`atomic`] writes files as a whole or not at all and locks folders; [`files`] opens what another party may have
//!   put there: regular files only, and no links in a job's folder.
//!
//! What the parties do with these files is here as well, once for all programs: keys
//! ([`Project::generate_keys`]), training ([`train`]), decryption ([`Project::decrypt_model`]) and encrypted prediction
//! ([`score`]). Whoever waits for it is an [`Observer`].
//!
//! The crate prints nothing and asks nobody: a passphrase comes from its caller. Its errors are
//! [`BadInput`](volley_program::BadInput), one line that names the file, or a [`Failure`], which says more of how work
//! ended.
#![forbid(unsafe_code)]

pub mod atomic;
mod check;
mod decryption;
mod disk;
mod failure;
pub mod files;
mod job_folder;
mod key_generation;
mod observer;
pub mod output;
mod plan_summary;
pub mod pool;
mod project;
mod scoring;
mod settings;
mod shared_models;
mod tables;
mod training;
mod unlike;
mod upload;
mod workers;

pub use decryption::{DecryptedModel, Decryption};
pub use failure::Failure;
pub use job_folder::{
    JobFolder, PROJECT_FILE, checkpoint_limit, complete_length, gradient_limit, keys_kind_and_bytes,
    model_limit, open, read_job, row_file_name, training_bytes,
};
pub use key_generation::{MadeKeys, SealedKey};
pub use observer::{Count, Observer, files_of_rows};
pub use plan_summary::{ParametersSummary, PlanSummary};
pub use project::{OwnerFiles, Project};
pub use scoring::{RowScores, score, scores_of};
pub use settings::{SecurityBits, Settings};
pub use tables::{TableSource, is_stdin};
pub use training::team::{Alone, Team, TeamFailure};
pub use training::{IterationsDone, stop, train, train_in_team};
pub use unlike::{UnlikeColumns, shown_features};
pub use upload::{check_keys, encrypt};
pub use volley_program;
pub use workers::{Network, PassTraffic, WorkerPlan};
