//! Bootstrapping at N = 2^16: our presets and OpenFHE in one run.
//!
//! All bootstrap the real vector sin(i)/2, and precision is that of its slots. Ciphertexts come at the lowest level and
//! leave with at least as much modulus as OpenFHE's (6 levels of 59 bits, 9 of ours of 40).

use std::fs::File;
use std::io::{self, Write};

use anyhow::Result;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};
use rayon::ThreadPoolBuilder;
use serde::{Deserialize, Serialize};
use volley_mlr::volley_ckks::bootstrapping::{Bootstrapping, Preset};
use volley_mlr::volley_ckks::{Complex64, Precision, Security};
use volley_ring::Kernel;

use super::peers::{Outcome, Python};
use crate::bootstrap::Bench;
use crate::clock::median;

const LOG_N: u32 = 16;
const THREADS: usize = 1;
/// Levels that are left, and the special primes.
const LEVELS: usize = 9;
const SPECIAL: usize = 9;
/// How many times as fast as OpenFHE the preset `precise` wants to be.
const WANTED_RATIO: f64 = 5.0;

/// What one bootstrapping of one library takes, and what it leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Measurement {
    library: String,
    version: String,
    /// Distribution of the secret that log QP belongs to.
    secret: String,
    log_slots: u32,
    log_qp: f64,
    levels_left: usize,
    /// Bits of each level that is left.
    level_bits: u32,
    /// −log₂ of the largest error in a slot.
    worst_bits: f64,
    /// −log₂ of the mean error.
    mean_bits: f64,
    threads: usize,
    median_ms: f64,
}

/// Times all libraries for each number of slots, and prints a table for each number.
pub(super) fn run(log_slots: &[u32], python: Option<&Python>, json: Option<File>) -> Result<()> {
    let mut all = Vec::new();
    for &log_slots in log_slots {
        let mut measurements = [Preset::Precise, Preset::Fast]
            .map(|preset| measure(preset, log_slots))
            .into_iter()
            .collect::<Result<Vec<_>>>()?;
        let peer =
            python.map_or(Ok(Outcome::no_python()), |python| python.measure_bootstrapping(log_slots))?;
        let mut out = io::stdout();
        writeln!(out, "N = 2^{LOG_N}, 2^{log_slots} slots, {THREADS} thread")?;
        if let Outcome::Absent(reason) = &peer {
            writeln!(out, "OpenFHE: absent, {reason}")?;
        }
        measurements.extend(peer.into_measurements());
        writeln!(out, "{}", table(&measurements))?;
        all.extend(measurements);
    }
    super::write(json, &all)
}

/// Our bootstrapping, on one thread.
fn measure(preset: Preset, log_slots: u32) -> Result<Measurement> {
    let literal = preset.parameters(LOG_N, LEVELS, SPECIAL, Security::Classical128);
    let pool = ThreadPoolBuilder::new().num_threads(THREADS).build()?;
    pool.install(|| {
        let plan = Bootstrapping::new(&literal.clone().build()?, &preset.bootstrapping(1 << log_slots))?;
        let bench = Bench::new(&plan)?;
        let values: Vec<_> = (0..1 << log_slots).map(|i| Complex64::from(f64::from(i).sin() / 2.0)).collect();
        let input = bench.encrypt(&values)?;
        let precision = Precision::measure(&values, &bench.decrypt(&bench.bootstrap(&input)?)?);
        let median = median(|| bench.bootstrap(&input))?;
        Ok(Measurement {
            library: format!("Volley, {}", name(preset)),
            version: format!("{} {}", env!("CARGO_PKG_VERSION"), Kernel::detect()?.name()),
            secret: "dense ternary".into(),
            log_slots,
            log_qp: plan.parameters().log_qp(),
            levels_left: plan.output_level(),
            level_bits: literal.log_scale,
            worst_bits: precision.worst_bits(),
            mean_bits: precision.mean_bits(),
            threads: THREADS,
            median_ms: 1e3 * median.as_secs_f64(),
        })
    })
}

fn name(preset: Preset) -> &'static str {
    match preset {
        Preset::Fast => "fast",
        Preset::Precise => "precise",
    }
}

/// A table with one row for each measurement; ratios are to the first.
fn table(measurements: &[Measurement]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED);
    table.set_header(["library", "secret", "log QP", "levels left", "bits, worst (mean)", "median", "ratio"]);
    for m in measurements {
        table.add_row([
            format!("{} {}", m.library, m.version),
            m.secret.clone(),
            format!("{:.0}", m.log_qp),
            format!("{} of {} bits", m.levels_left, m.level_bits),
            format!("{:.1} ({:.1})", m.worst_bits, m.mean_bits),
            format!("{:.2} s", m.median_ms * 1e-3),
            format!("{:.2}×", m.median_ms / measurements[0].median_ms),
        ]);
    }
    table.add_row(["wanted of OpenFHE", "", "", "", "", "", &format!("{WANTED_RATIO}×")]);
    table.column_iter_mut().skip(2).for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_to_the_first_row() {
        let measurement = |library: &str, median_ms| Measurement {
            library: library.into(),
            version: "1.0".into(),
            secret: "sparse ternary".into(),
            log_slots: 13,
            log_qp: 1717.8,
            levels_left: 6,
            level_bits: 59,
            worst_bits: 17.53,
            mean_bits: 20.0,
            threads: 1,
            median_ms,
        };
        let text = table(&[measurement("Volley", 4000.0), measurement("OpenFHE", 18000.0)]).to_string();
        let row = |name: &str| -> Vec<&str> {
            let line = text.lines().find(|line| line.contains(name)).unwrap();
            line.trim_matches('│').split('┆').map(str::trim).collect()
        };
        assert_eq!(
            row("OpenFHE 1.0"),
            ["OpenFHE 1.0", "sparse ternary", "1718", "6 of 59 bits", "17.5 (20.0)", "18.00 s", "4.50×"]
        );
        assert_eq!(row("Volley")[5..], ["4.00 s", "1.00×"]);
        assert_eq!(row("wanted")[6], "5×");
    }
}
