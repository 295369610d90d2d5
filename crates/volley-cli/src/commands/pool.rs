//! `volley pool`: several owners, who may not show their rows to each other, and a server train one model.
//!
//! [`protocol`] has all steps in their order; the other modules are what is done in them.
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
//!     job/                 the server's: the files that it trains on, and what it goes on from
//! DIR/exchange/            mirrored to all parties by any means
//!     NORTH/ EAST/ …       what each owner sends; nobody else writes there
//!     server/              what the server sends
//! ```
//!
//! A file is complete when it is there, and never changes. So it does not matter in which order files arrive, nor
//! whether they arrive twice.

mod agreed;
mod agreement;
mod folder;
mod given;
mod init;
mod join;
mod key_costs;
mod keys;
mod membership;
mod model;
mod next;
mod opening;
mod party;
mod planning;
mod protocol;
mod request;
mod requests;
mod rows;
mod score;
mod session;
mod statistics;
mod status;
mod switching;
mod training;

use anyhow::Result;
use clap::{Args, Subcommand};

use crate::output::Output;

/// Train one model with other owners, none of whom shows its rows: several owners and a server
#[derive(Args, Debug)]
#[command(after_help = "\
Example, for the owners north, east and south, and a server:
  volley pool init north/ --name north --table north.csv --members north,east,south --classes oak,elm
  … north's exchange folder is mirrored to the others, now and after each command
  volley pool join east/ east.csv --name east
  volley pool join server/ --server
  volley pool next DIR        again and again, by everyone: it does what is due
  volley pool status DIR      what was sent, and who is waited for
  volley pool score DIR TABLE    ask for scores of rows, in a pool that was planned for it

What a party sends is in DIR/exchange, in a folder of its name. DIR/private never leaves.")]
pub(crate) struct Options {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    Init(init::Options),
    Join(join::Options),
    Next(next::Options),
    Score(score::Options),
    Status(status::Options),
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    match &options.command {
        Command::Init(options) => init::run(options, output),
        Command::Join(options) => join::run(options, output),
        Command::Next(options) => next::run(options, output),
        Command::Score(options) => score::run(options, output),
        Command::Status(options) => status::run(options, output),
    }
}
