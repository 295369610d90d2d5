//! `cargo xtask compare`: our operations and those of other CKKS libraries, timed in one run and set beside each other.
//!
//! The other libraries are OpenFHE and SEAL, through the scripts in `benches/peers`. Each has one thread, and times are
//! processor times: on an idle machine they are what a clock shows, on a shared one they are distorted less.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::{Deserialize, Serialize};
use volley_program::{BadInput, OrBadInput};

use crate::experiment::create;

mod bootstrapping;
mod operation;
mod ours;
mod peers;
mod table;

use operation::Operation;
use peers::{Outcome, Peer, Python};

/// What is compared, and with whom.
#[derive(Args, Debug)]
pub(crate) struct Options {
    /// log2 of the ring degrees, of 14, 15 and 16
    #[arg(long, value_name = "LIST", value_delimiter = ',', default_values_t = [14, 15, 16])]
    rings: Vec<u32>,
    /// Compare bootstrapping at N = 2^16 instead, with such numbers of slots: log2 of each
    #[arg(long, value_name = "LIST", value_delimiter = ',', num_args = 0.., default_missing_value = "13")]
    #[arg(conflicts_with = "rings", value_parser = clap::value_parser!(u32).range(1..16))]
    bootstrapping: Vec<u32>,
    /// A Python with the packages of benches/peers/requirements.txt [default: python3]
    #[arg(long, value_name = "PYTHON")]
    python: Option<PathBuf>,
    /// Write all times to this file
    #[arg(long, value_name = "OUT")]
    json: Option<PathBuf>,
}

/// What one operation of one library takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Measurement {
    library: String,
    version: String,
    op: Operation,
    /// log₂ of the ring degree.
    log_n: u32,
    /// Ciphertext primes.
    limbs: usize,
    /// Digits of key switching.
    digits: usize,
    log_qp: f64,
    threads: usize,
    median_ms: f64,
}

/// Times all libraries ring by ring and prints a table for each ring.
pub(crate) fn run(options: &Options) -> Result<()> {
    if let Some(ring) = options.rings.iter().find(|&&ring| ours::preset(ring).is_none()) {
        return Err(
            BadInput::new(format!("there is no preset with N = 2^{ring}: 14, 15 and 16 can be had")).into()
        );
    }
    let python = match &options.python {
        Some(program) => Some(Python::new(program).or_bad_input()?),
        None => Python::new("python3".as_ref()).inspect_err(|problem| eprintln!("{problem}")).ok(),
    };
    // Opened first: a long run must not end with nowhere to write its times.
    let json = options.json.as_deref().map(create).transpose()?;
    if !options.bootstrapping.is_empty() {
        return bootstrapping::run(&options.bootstrapping, python.as_ref(), json);
    }
    let mut all = Vec::new();
    for &ring in &options.rings {
        let ours = ours::measure(ring)?;
        let mut peers = Vec::new();
        for peer in Peer::of(ring) {
            let outcome =
                python.as_ref().map_or(Ok(Outcome::no_python()), |python| python.measure(peer, ring))?;
            peers.push((peer, outcome));
        }
        writeln!(io::stdout(), "{}", table::comparison(&ours, &peers))?;
        all.extend(ours);
        all.extend(peers.into_iter().flat_map(|(_, outcome)| outcome.into_measurements()));
    }
    write(json, &all)
}

/// Writes what was measured to the file that was asked for, if one was.
fn write(json: Option<File>, measurements: &[impl Serialize]) -> Result<()> {
    if let Some(mut file) = json {
        serde_json::to_writer_pretty(&file, measurements)?;
        writeln!(file)?;
    }
    Ok(())
}
