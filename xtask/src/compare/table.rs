//! The table of one ring.

use std::fmt::Write;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, Table};

use super::Measurement;
use super::operation::Operation;
use super::peers::{Outcome, Peer};

/// Shown where there is nothing to show.
const NOTHING: &str = "–";

/// Who was measured with which parameters, and the times with their ratios.
pub(super) fn comparison(ours: &[Measurement], peers: &[(Peer, Outcome)]) -> String {
    let mut text = String::new();
    if let Some(first) = ours.first() {
        let _ = writeln!(text, "N = 2^{}\n{}", first.log_n, parameters(first));
    }
    for (peer, outcome) in peers {
        let line = match outcome {
            Outcome::Measured(measurements) => measurements.first().map(parameters).unwrap_or_default(),
            Outcome::Absent(reason) => format!("{}: absent, {reason}", peer.name()),
        };
        let _ = writeln!(text, "{line}");
    }
    let _ = writeln!(text, "{}", times(ours, peers));
    text
}

fn parameters(m: &Measurement) -> String {
    let threads = if m.threads == 1 { "thread" } else { "threads" };
    format!(
        "{} {}: log QP {:.0}, {} limbs, {} digits, {} {threads}",
        m.library, m.version, m.log_qp, m.limbs, m.digits, m.threads
    )
}

fn times(ours: &[Measurement], peers: &[(Peer, Outcome)]) -> Table {
    let mut header = vec!["operation".to_owned(), "Volley ms".to_owned()];
    for (peer, outcome) in peers {
        header.extend([column(*peer, outcome), "ratio".to_owned()]);
    }
    header.push("wanted of OpenFHE".to_owned());
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    for op in Operation::ALL {
        let Some(own) = milliseconds(ours, op) else { continue };
        let mut row = vec![op.label().to_owned(), format!("{own:.2}")];
        for (_, outcome) in peers {
            let theirs = match outcome {
                Outcome::Measured(measurements) => milliseconds(measurements, op),
                Outcome::Absent(_) => None,
            };
            row.push(shown(theirs, ""));
            row.push(shown(theirs.map(|theirs| theirs / own), "×"));
        }
        row.push(op.wanted_ratio().map_or_else(|| NOTHING.to_owned(), |wanted| format!("{wanted}×")));
        table.add_row(row);
    }
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A peer's name, with its number of digits where it was measured.
fn column(peer: Peer, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Measured(measurements) if !measurements.is_empty() => {
            format!("{}, {} digits, ms", peer.name(), measurements[0].digits)
        }
        _ => format!("{} ms", peer.name()),
    }
}

fn milliseconds(measurements: &[Measurement], op: Operation) -> Option<f64> {
    measurements.iter().find(|measurement| measurement.op == op).map(|measurement| measurement.median_ms)
}

fn shown(number: Option<f64>, unit: &str) -> String {
    number.map_or_else(|| NOTHING.to_owned(), |number| format!("{number:.2}{unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn measurement(library: &str, op: Operation, median_ms: f64) -> Measurement {
        Measurement {
            library: library.into(),
            version: "1.0".into(),
            op,
            log_n: 15,
            limbs: 15,
            digits: 3,
            log_qp: 859.9,
            threads: 1,
            median_ms,
        }
    }

    #[test]
    fn times_ratios_and_who_is_absent() {
        let ours = [
            measurement("Volley", Operation::Rotate, 10.0),
            measurement("Volley", Operation::EncryptSecret, 2.0),
        ];
        let peers = [
            (
                Peer::OpenFhe { digits: None },
                Outcome::Measured(vec![measurement("OpenFHE", Operation::Rotate, 62.5)]),
            ),
            (Peer::Seal, Outcome::Absent("no module named tenseal".into())),
        ];
        let text = comparison(&ours, &peers);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[..4],
            [
                "N = 2^15",
                "Volley 1.0: log QP 860, 15 limbs, 3 digits, 1 thread",
                "OpenFHE 1.0: log QP 860, 15 limbs, 3 digits, 1 thread",
                "SEAL: absent, no module named tenseal",
            ]
        );
        let row = |label: &str| -> Vec<&str> {
            let line = lines.iter().find(|line| line.contains(label)).unwrap();
            line.trim_matches('│').split('┆').map(str::trim).collect()
        };
        assert!(text.contains("OpenFHE, 3 digits, ms") && text.contains("SEAL ms"));
        assert_eq!(row("rotation"), ["rotation", "10.00", "62.50", "6.25×", "–", "–", "6×"]);
        assert_eq!(row("secret key"), ["encrypt, secret key", "2.00", "–", "–", "–", "–", "–"]);
    }
}
