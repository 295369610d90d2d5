//! The run beside published ones.

use maud::{Markup, html};

use volley_program::units::{percent, show_bytes, show_seconds};

use super::{Report, security_bits};

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

/// \[Chi23\]: its text, and the log of its repository for memory.
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

/// \[HETAL23\]; the figures of a CPU are those of \[HEPrune24\], which ran it again.
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
    let memory = report.peak_memory_bytes.map(|peak| format!(", {}", show_bytes(peak))).unwrap_or_default();
    let parameters = &report.parameters;
    let last = report.iterations.last();
    let here: [String; ROWS.len()] = [
        format!("{} rows of {}", report.samples, report.data),
        report.features.to_string(),
        format!("{} iterations, profile {}", report.iterations.len(), report.profile),
        format!("{} threads{memory}", report.threads),
        format!("log N {}, log Q {:.0}", parameters.log_n, parameters.log_q),
        security_bits(report),
        show_seconds(report.server_seconds),
        last.map(|last| {
            format!("{} of {}", percent(last.accuracy_encrypted), super::grouped(report.test_samples))
        })
        .unwrap_or_default(),
    ];
    html! {
        section {
            h2 { "Beside the literature" }
            p { "Neither data, features, machines nor the amount of training are the same. These are orders of magnitude, \
                not a ranking." }
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
