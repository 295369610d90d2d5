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

/// The figures of \[HETAL23\], which README.md has too; those of a CPU are from \[HEPrune24\], which ran it again.
const HETAL: Publication = Publication {
    name: "HETAL 2023",
    source: "arXiv 2403.14111; CPU: HEPrune, NeurIPS 2024",
    figures: [
        "52,500 MNIST digits",
        "768, of a vision transformer (ViT)",
        "364 steps with mini-batches of 1,024 rows, softmax",
        "NVIDIA A40 GPU; CPUs",
        "HEaaN's FGb, 32,768 slots, bootstrapping",
        "",
        "57 min (3,442 s); CPUs 277 hours",
        "96.73 % of 10,000; CPUs 96.27 %",
    ],
};

pub(super) fn section(report: &Report, run: &Run) -> Markup {
    let parameters = &report.parameters;
    let memory = run.peak_memory_bytes.map(|peak| format!(", {}", show_bytes(peak)));
    let iterations = report.curves.plain.test.len().saturating_sub(1);
    let here: [String; ROWS.len()] = [
        format!("{} rows of {}", report.samples, report.data),
        report.features.to_string(),
        format!("{}, profile {}", counted(iterations, "iteration"), report.profile),
        format!("{} threads{}", run.threads, memory.unwrap_or_default()),
        format!("log N {}, log Q {:.0}", parameters.log_n, parameters.log_q),
        security_bits(report),
        show_seconds(run.server_seconds),
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A figure has one value in all of the project.
    #[test]
    fn the_figures_of_others_are_those_of_the_readme() {
        let readme = include_str!("../../../../README.md");
        let (_, table) = readme.split_once("| | HETAL | HETAL on CPUs | Volley |").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let page = HETAL.figures.join(" ");
        for figure in [
            "52,500",
            "768",
            "of a vision transformer (ViT)",
            "364 steps with mini-batches of 1,024 rows",
            "NVIDIA A40 GPU",
            "57 min (3,442 s)",
            "277 hours",
            "96.73 %",
            "96.27 %",
        ] {
            assert!(table.contains(figure) && page.contains(figure), "{figure}");
        }
    }
}
