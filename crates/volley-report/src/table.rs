//! A report as a table for terminals, a run that was watched beside the paper's figures.

use std::fmt;

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{CellAlignment, ContentArrangement, Table};
use volley_program::units::{grouped, percent, show_bytes, show_seconds};

use crate::report::{Operations, Report, Run};

/// The paper's test accuracies after its two iterations, in per cent.
pub(crate) const PAPER_ACCURACY: [&str; 2] = ["20.48 %", "21.49 %"];

/// Columns of most terminals.
const WIDTH: u16 = 80;

/// Where the accuracy on validation rows stands: before that on test rows.
const VALIDATION_COLUMN: usize = 3;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let progress = match &self.run {
            Some(run) => run.progress(),
            None => self.comparison(),
        };
        write!(f, "{}\n{progress}", self.overview())
    }
}

impl Report {
    /// What was trained, beside the paper's run where the run was watched.
    fn overview(&self) -> Table {
        let (header, columns) = match self.run {
            Some(_) => (["", "this run", "arXiv 2304.03807"], 3),
            None => (["", "this model", ""], 2),
        };
        let mut table = table(&header[..columns]);
        let mut row = |name: &str, here: String, paper: &str| {
            table.add_row(&[name, &here, paper][..columns]);
        };
        let Self { parameters, upload, keys, .. } = self;
        let [samples, features] = [self.samples, self.features].map(|count| grouped(count as u64));
        row("samples × features", format!("{samples} × {features}"), "128 × 400");
        row("classes", self.classes.to_string(), "10");
        row("ring", format!("log N {}", parameters.log_n), "log N 16");
        let moduli = format!("log Q {:.0}, log QP {:.0}", parameters.log_q, parameters.log_qp);
        row("moduli", moduli, "log Q 990");
        let security = parameters.security_bits.map(|bits| format!("{bits} bits (eprint 2024/463)"));
        row("security", security.unwrap_or_else(|| "none: unchecked parameters".into()), "128 bits claimed");
        row(
            "uploaded",
            format!("{} ciphertexts, {}", upload.ciphertexts, show_bytes(upload.bytes)),
            "6 ciphertexts",
        );
        row("evaluation keys", format!("{} keys, {}", keys.count, show_bytes(keys.bytes)), "");
        self.run.iter().for_each(|run| run.cost(&mut row));
        let difference = format!("{:.1e} (relative)", self.max_relative_weight_error);
        row("weight difference", difference, "");
        row("equal predictions", percent(self.prediction_agreement), "");
        table
    }

    /// The training in clear after each iteration, and what the encrypted one ended with.
    fn comparison(&self) -> Table {
        let mut table = table(&["iteration", "test accuracy", "in clear"]);
        let last = self.curves.plain.test.len() - 1;
        for (iteration, in_clear) in self.curves.plain.test.iter().enumerate().skip(1) {
            let encrypted = if iteration == last { percent(self.accuracies().test) } else { String::new() };
            table.add_row([iteration.to_string(), encrypted, percent(in_clear.accuracy)]);
        }
        align(table)
    }
}

impl Run {
    /// What the run took, row by row.
    fn cost(&self, row: &mut impl FnMut(&str, String, &str)) {
        let Self { threads, phases, server_seconds, peak_memory_bytes, operations, .. } = self;
        row("threads", threads.to_string(), "64 vCPUs");
        for phase in phases {
            row(&phase.name, show_seconds(phase.seconds), "");
        }
        row("server, in all", show_seconds(*server_seconds), "about 21 min");
        let Operations { rotations, hoisted_rotations, products, relinearizations } = operations;
        row("rotations", format!("{rotations}, and {hoisted_rotations} hoisted"), "");
        row("products", format!("{products}, and {relinearizations} relinearizations"), "");
        row("peak memory", peak_memory_bytes.map_or_else(|| "unknown".into(), show_bytes), "18.5 GB");
    }

    fn progress(&self) -> Table {
        let mut header = vec!["iteration", "time", "level left", "test\naccuracy", "in clear", "paper"];
        let is_validated = self.iterations.iter().any(|iteration| iteration.validation_accuracy.is_some());
        if is_validated {
            header.insert(VALIDATION_COLUMN, "validation\naccuracy");
        }
        let mut table = table(&header);
        for (index, iteration) in self.iterations.iter().enumerate() {
            let mut row = vec![
                iteration.iteration.to_string(),
                show_seconds(iteration.seconds),
                format!("{}{}", if iteration.refreshed { "refreshed: " } else { "" }, iteration.level),
                percent(iteration.accuracy_encrypted),
                percent(iteration.accuracy_plain),
                PAPER_ACCURACY.get(index).copied().unwrap_or_default().to_owned(),
            ];
            if is_validated {
                let validated = iteration.validation_accuracy.map_or_else(String::new, percent);
                row.insert(VALIDATION_COLUMN, validated);
            }
            table.add_row(row);
        }
        align(table)
    }
}

/// The table with its numbers below one another.
fn align(mut table: Table) -> Table {
    table.column_iter_mut().for_each(|column| column.set_cell_alignment(CellAlignment::Right));
    table
}

/// An empty table in the style of the report, whose cells have several lines where it would be too wide.
fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(UTF8_FULL_CONDENSED).set_header(header);
    table.set_content_arrangement(ContentArrangement::Dynamic).set_width(WIDTH);
    table
}
