//! `volley pool`: several owners, who may not show their rows to each other, and a server train one model. What they do
//! is in [`volley_project::pool`].

mod init;
mod join;
mod next;
mod score;
mod status;

use anyhow::Result;
use clap::{Args, Subcommand};
use rand::SeedableRng;
use rand::rngs::SysRng;
use rand_chacha::ChaCha20Rng;
use volley_program::Machine;
use volley_project::pool::Workplace;

use crate::console::Console;
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

What a party sends is in DIR/exchange, in a folder of its name. DIR/private
never leaves.")]
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

/// What a party of this program works with.
fn workplace(machine: Machine) -> Result<Workplace> {
    let rng = ChaCha20Rng::try_from_rng(&mut SysRng)?;
    Ok(Workplace { machine, observer: Box::new(Console::default()), rng: Box::new(rng) })
}
