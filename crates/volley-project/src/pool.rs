//! A pool: several owners, who may not show their rows to each other, and a server train one model.
//!
//! `protocol` has all steps in their order; the other modules are what is done in them. A [`Session`] is one party at
//! work: [`invite`] begins a pool, [`join`] takes part in it, and [`Session::advance`] does what is due.
//!
//! Each party has a folder of its own:
//!
//! ```text
//! DIR/private/             never leaves (mode 0700, files 0600)
//!     party.json           who this is, and where its table is
//!     received.json        the hash of every file of others that was read
//!     transport-key.vly    opens what the others seal for this owner
//!     owner-1.vly owner-2.vly key-holder.vly    the owner's share of the secret, after each round
//!     public-key.vly       the pool's
//!     taken.json           the processor time of the steps that make keys
//!     means.json deviations.json covariance.json    totals that the owners decrypted
//!     owner-state.vly      what the owners fitted to all rows
//!     model.json           the model
//!     score-key.vly        the key that scores are switched to for this owner
//!     predictions-00001.csv …    classes and scores of the rows that this owner asked about
//!     job/                 the server's: the files of an upload, on which it or others train, and what they go on from
//! DIR/exchange/            mirrored to all parties by any means
//!     NORTH/ EAST/ …       what each owner sends; nobody else writes there
//!     server/              what the server sends
//! ```
//!
//! A file is complete when it is there, and never changes. So it does not matter in which order files arrive, nor
//! whether they arrive twice.

mod agreed;
mod agreement;
mod fingerprint;
mod folder;
mod given;
mod joining;
mod key_costs;
mod keys;
mod membership;
mod model;
mod needs;
mod opening;
mod party;
mod planning;
mod protocol;
mod request;
mod requests;
mod rows;
mod score_key;
mod session;
mod statistics;
mod switching;
mod text;
mod text_kind;
mod training;
mod work;

pub use agreement::PoolSettings;
pub use joining::{Joining, Proposal, invite, join};
pub use key_costs::{Doer, StepCost};
pub use needs::{Needs, ScoreNeeds};
pub use party::Owner;
pub use protocol::Awaited;
pub use session::{Session, Workplace};
pub use text_kind::TextKind;
pub use work::Outlook;

use crate::failure::Failure;

type Result<T, E = Failure> = std::result::Result<T, E>;
