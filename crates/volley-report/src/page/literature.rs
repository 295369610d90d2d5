//! The run beside published ones.

use maud::{Markup, html};
use volley_program::units::{counted, percent, show_bytes, show_seconds};

use super::security_bits;
use crate::report::{Report, Run};

/// What a publication says, in the order of [`ROWS`].
struct Publication {
    name: &'static str,
    source: &'static str,
    figures: [&'static str; ROWS.len()],
}

const ROWS: [&str; 8] = [
    "trained on",
    "features",
    "training",
    "machine",
    "ring",
    "security",
    "time on the server",
    "test accuracy",
];

/// The figures of \[Chi23\]: from its text, and for memory from the log of its repository.
const PAPER: Publication = Publication {
    name: "Chiang 2023",
    source: "arXiv 2304.03807",
    figures: [
        "128 MNIST digits",
        "400, REGNET_X_400MF",
        "2 iterations",
        "64 vCPUs, 18.5 GB",
        "log N 16, log Q 990",
        "128 bits claimed",
        "about 21 min",
        "21.49 % of 10,000",
    ],
};

/// The figures of \[HETAL23\]; those of a CPU are from \[HEPrune24\], which ran it again.
const HETAL: Publication = Publication {
    name: "HETAL 2024",
    source: "arXiv 2403.14111; CPU: HEPrune, NeurIPS 2024",
    figures: [
        "MNIST, batches of 1,024",
        "768, vision transformer",
        "7 epochs, softmax",
        "GPU; CPU in the re-run",
        "HEaaN's FGb, 32,768 slots, bootstrapping",
        "",
        "567 to 3,442 s for five data sets; re-run 277 h",
        "96.27 % (re-run)",
    ],
};

pub(super) fn section(report: &Report) -> Markup {
    let parameters = &report.parameters;
    let unknown = || "not measured".to_owned();
    let machine = |run: &Run| {
        let memory = run.peak_memory_bytes.map(|peak| format!(", {}", show_bytes(peak)));
        format!("{} threads{}", run.threads, memory.unwrap_or_default())
    };
    let run = report.run.as_ref();
    let iterations = report.curves.plain.test.len().saturating_sub(1);
    let here: [String; ROWS.len()] = [
        format!("{} rows of {}", report.samples, report.data),
        report.features.to_string(),
        format!("{}, profile {}", counted(iterations, "iteration"), report.profile),
        run.map_or_else(unknown, machine),
        format!("log N {}, log Q {:.0}", parameters.log_n, parameters.log_q),
        security_bits(report),
        run.map_or_else(unknown, |run| show_seconds(run.server_seconds)),
        format!("{} of {}", percent(report.accuracies().test), super::grouped(report.test_samples as u64)),
    ];
    html! {
        section {
            h2 { "Beside the literature" }
            p { "Neither data, features, machines nor the amount of training are the same. These are orders of \
                magnitude, not a ranking." }
            div class="scroll" {
                table {
                    thead { tr {
                        th {}
                        th { "this run" }
                        @for publication in [&PAPER, &HETAL] {
                            th { (publication.name) small { (publication.source) } }
                        }
                    } }
                    tbody {
                        @for (index, row) in ROWS.iter().enumerate() {
                            tr {
                                th { (row) }
                                td { (here[index]) }
                                td { (PAPER.figures[index]) }
                                td { (HETAL.figures[index]) }
                            }
                        }
                    }
                }
            }
        }
    }
}
