//! The page of a report: one file that needs no network and no scripts, with the plots and `report.json` beside it.

use std::io::Write as _;
use std::path::Path;

use anyhow::Result;
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::create;
use super::examples::Example;
use super::plots::{Plot, Plots, THEME};
use super::report::{PAPER_ACCURACY, Report};
use volley_program::units::{percent, show_bytes, show_seconds};

mod literature;

const STYLE: &str = include_str!("page/style.css");

/// Writes `index.html`, `report.json` and a file for each plot into a folder.
pub(super) fn write(report: &Report, folder: &Path) -> Result<()> {
    let plots = Plots::new(report);
    serde_json::to_writer_pretty(create(&folder.join("report.json"))?, report)?;
    for plot in plots.all() {
        create(&folder.join(plot.name).with_extension("svg"))?.write_all(plot.file().as_bytes())?;
    }
    create(&folder.join("index.html"))?.write_all(page(report, &plots).into_string().as_bytes())?;
    Ok(())
}

fn page(report: &Report, plots: &Plots) -> Markup {
    let title = title(report);
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Volley: " (title) }
                style { (PreEscaped(THEME)) (PreEscaped(STYLE)) }
            }
            body {
                header {
                    p class="eyebrow" { "Volley · trained on encrypted data" }
                    h1 { (title) }
                    (headlines(report))
                }
                main {
                    (learning(report, plots))
                    (predictions(report, plots))
                    (cost(report, plots))
                    (security(report))
                    (literature::section(report))
                }
                footer {
                    p { "Made by " code { "cargo xtask experiment --report" } ". All numbers are in "
                        a href="report.json" { "report.json" } ", each plot is an SVG file beside this page." }
                }
            }
        }
    }
}

/// What was trained, and how good it is.
fn title(report: &Report) -> String {
    let accuracy = report.iterations.last().map_or(0.0, |iteration| iteration.accuracy_encrypted);
    format!("Trained on {} encrypted rows of {}: {} right", report.samples, report.data, percent(accuracy))
}

fn headlines(report: &Report) -> Markup {
    let tile = |value: String, label: String| html! { li { strong { (value) } span { (label) } } };
    let last = report.iterations.last();
    html! {
        ul class="tiles" {
            @if let Some(last) = last {
                (tile(percent(last.accuracy_encrypted), format!("of {} test rows right", grouped(report.test_samples))))
                (tile(percent(last.accuracy_plain), "the same training in clear".into()))
                (tile(format!("{:.1} bits", last.weight_precision_bits), "of the weights agree".into()))
            }
            (tile(show_seconds(report.server_seconds), format!("on the server, {} threads", report.threads)))
            (tile(security_bits(report), format!("of security, log\u{a0}N\u{a0}{}", report.parameters.log_n)))
            (tile(show_bytes(report.upload.bytes), format!("uploaded, {} ciphertexts", report.upload.ciphertexts)))
        }
    }
}

fn learning(report: &Report, plots: &Plots) -> Markup {
    let note = "After each iteration; iteration 0 is before the first, when all weights are zero. NAG, SLE-NAG and \
                SLE-NAG+QG are the three curves of arXiv 2304.03807, trained in clear on the same prepared rows with the \
                exact sigmoid. The loss is the squared likelihood error's, the less the better.";
    html! {
        section {
            h2 { "What it learned" }
            p { (note) }
            div class="grid" { @for plot in &plots.learning { (figure(plot)) } }
            div class="scroll" {
                table class="numbers" {
                    thead { tr {
                        th { "iteration" } th { "time" } th { "level left" } th { "log Q left" } th { "weight precision" }
                        th { "test accuracy" } th { "in clear" } th { "paper" }
                    } }
                    tbody {
                        @for (index, iteration) in report.iterations.iter().enumerate() {
                            tr {
                                td { (iteration.iteration) }
                                td { (show_seconds(iteration.seconds)) }
                                td { (iteration.level) }
                                td { (format!("{:.0} bits", iteration.log_q)) }
                                td { (format!("{:.1} bits", iteration.weight_precision_bits)) }
                                td { strong { (percent(iteration.accuracy_encrypted)) } }
                                td { (percent(iteration.accuracy_plain)) }
                                td { (PAPER_ACCURACY.get(index).copied().unwrap_or("–")) }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn predictions(report: &Report, plots: &Plots) -> Markup {
    let (right, wrong): (Vec<&Example>, Vec<&Example>) =
        report.examples.iter().partition(|example| example.is_right());
    html! {
        @if plots.confusion.is_some() || !report.examples.is_empty() {
            section {
                h2 { "What it says of the test rows" }
                div class="grid" {
                    @if let Some(confusion) = &plots.confusion { (figure(confusion)) }
                    @if !report.examples.is_empty() {
                        div {
                            (gallery("Right", &right))
                            (gallery("Wrong", &wrong))
                        }
                    }
                }
            }
        }
    }
}

fn gallery(name: &str, examples: &[&Example]) -> Markup {
    html! {
        @if !examples.is_empty() {
            h3 { (name) }
            ul class="gallery" {
                @for example in examples {
                    li {
                        img src={ "data:image/png;base64," (example.image_png) }
                            alt=(format!("test row {}, labelled {}", example.row, example.label));
                        @if example.is_right() {
                            span { (example.prediction) }
                        } @else {
                            span { (example.prediction) small { " not " (example.label) } }
                        }
                    }
                }
            }
        }
    }
}

fn cost(report: &Report, plots: &Plots) -> Markup {
    let operations = &report.operations;
    let memory = report.peak_memory_bytes.map_or_else(|| "unknown".into(), show_bytes);
    html! {
        section {
            h2 { "What it cost" }
            div class="grid" { (figure(&plots.phases)) (figure(&plots.ladder)) }
            dl {
                (entry("Server, in all", &show_seconds(report.server_seconds)))
                (entry("Threads", &report.threads.to_string()))
                (entry("Peak memory, both parties", &memory))
                (entry("Evaluation keys", &format!("{}, {}", report.keys.count, show_bytes(report.keys.bytes))))
                (entry("Rotations", &format!("{}, and {} hoisted", operations.rotations, operations.hoisted_rotations)))
                (entry("Products", &operations.products.to_string()))
                (entry("Relinearizations", &operations.relinearizations.to_string()))
            }
        }
    }
}

fn security(report: &Report) -> Markup {
    let parameters = &report.parameters;
    let statement = match parameters.security_bits {
        Some(bits) => format!(
            "{bits} bits: log₂ QP = {:.0} is within the table of eprint 2024/463 for log₂ N = {} and a dense ternary secret.",
            parameters.log_qp, parameters.log_n
        ),
        None => "None is claimed: these parameters were not checked, and are for tests only.".into(),
    };
    html! {
        section {
            h2 { "Parameters and security" }
            dl {
                (entry("Scheme", "CKKS in RNS, dense ternary secret, errors of σ = 3.19"))
                (entry("log₂ N", &parameters.log_n.to_string()))
                (entry("log₂ Q", &format!("{:.0}", parameters.log_q)))
                (entry("log₂ QP", &format!("{:.0}", parameters.log_qp)))
                (entry("Level of the data", &parameters.data_level.to_string()))
                (entry("Rows × features", &format!("{} × {}", report.samples, report.features)))
                (entry("Classes", &report.classes.to_string()))
                (entry("Profile", &report.profile))
            }
            p class="statement" { strong { "Security. " } (statement) }
            p { "The server is honest but curious. It has ciphertexts and evaluation keys, and sees what is public by design: \
                the shapes, the settings, the number of iterations, sizes and times. It can return a wrong model; nothing here \
                detects that. What was decrypted carries noise that depends on the secret key (eprint 2020/1533): this page, \
                its model and its predictions must not go back to the server, unless a shareable plan flooded the noise." }
        }
    }
}

fn figure(plot: &Plot) -> Markup {
    html! { figure id=(plot.name) { (plot.inline()) } }
}

fn entry(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn security_bits(report: &Report) -> String {
    report.parameters.security_bits.map_or_else(|| "none".into(), |bits| format!("{bits} bits"))
}

/// A number with a comma before each three digits.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests;
