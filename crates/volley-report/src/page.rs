//! The page of a report: one file that needs no network and no scripts, with the plots and `report.json` beside it.

use maud::{DOCTYPE, Markup, PreEscaped, html};
use volley_program::units::{grouped, percent, show_bytes, show_seconds};

use crate::examples::Example;
use crate::plots::{Cost, Plot, Plots, THEME};
use crate::report::{Report, Run};
use crate::table::PAPER_ACCURACY;

mod literature;

const STYLE: &str = include_str!("page/style.css");

/// A file of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageFile {
    /// Its name in the folder of the page.
    pub name: String,
    /// Its text.
    pub content: String,
}

impl Report {
    /// The page: `index.html`, `report.json` and a file for each plot. `made_by` is the command that made it.
    ///
    /// # Errors
    ///
    /// Those of the serializer; there are none in a report.
    pub fn page(&self, made_by: &str) -> serde_json::Result<Vec<PageFile>> {
        let plots = Plots::new(self);
        let file = |name: &str, content| PageFile { name: name.to_owned(), content };
        let mut files = vec![
            file("index.html", page(self, &plots, made_by).into_string()),
            file("report.json", serde_json::to_string_pretty(self)?),
        ];
        files.extend(plots.all().map(|plot| file(&format!("{}.svg", plot.name), plot.file())));
        Ok(files)
    }
}

fn page(report: &Report, plots: &Plots, made_by: &str) -> Markup {
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
                    @if let Some(run) = &report.run { (literature::section(report, run)) }
                }
                footer {
                    p { "Made by " code { (made_by) } ". All numbers are in "
                        a href="report.json" { "report.json" } ", each plot is an SVG file beside this page." }
                }
            }
        }
    }
}

/// What was trained, and how good it is.
fn title(report: &Report) -> String {
    let accuracy = percent(report.accuracies().test);
    let samples = grouped(report.samples as u64);
    format!("Trained on {samples} encrypted rows of {}: {accuracy} right", report.data)
}

fn headlines(report: &Report) -> Markup {
    let tile = |value: String, label: String| html! { li { strong { (value) } span { (label) } } };
    let plain = report.curves.plain.test.last();
    let test_samples = grouped(report.test_samples as u64);
    html! {
        ul class="tiles" {
            (tile(percent(report.accuracies().test), format!("of {test_samples} test rows right")))
            @if let Some(plain) = plain { (tile(percent(plain.accuracy), "the same training in clear".into())) }
            (tile(format!("{:.1} bits", report.weight_precision_bits()), "of the weights agree".into()))
            @if let Some(run) = &report.run {
                (tile(show_seconds(run.server_seconds), format!("on the server, {} threads", run.threads)))
            }
            (tile(security_bits(report), format!("of security, log\u{a0}N\u{a0}{}", report.parameters.log_n)))
            (tile(show_bytes(report.upload.bytes), format!("uploaded, {} ciphertexts", report.upload.ciphertexts)))
        }
    }
}

fn learning(report: &Report, plots: &Plots) -> Markup {
    let note = "After each iteration; iteration 0 is before the first, when all weights are zero. The loss is the \
                mean over the rows of −ln of the probability that the sigmoids of all classes together give to the \
                row's label, the less the better. For c classes it is c·ln 2 at iteration 0. It is that of the scores \
                which are trained; the model compares them once more (it recodes them), and may be right far more \
                often than they tell.";
    let of_baselines = "NAG, SLE-NAG and SLE-NAG+QG are the three curves of arXiv 2304.03807, trained in clear on the \
                        same prepared rows with the exact sigmoid.";
    html! {
        section {
            h2 { "What it learned" }
            p { (note) @if report.curves.baselines.is_some() { " " (of_baselines) } }
            @if report.run.is_none() {
                p { "The encrypted training is known by the model that it ended with: a point in the plots of \
                    accuracy. Its loss is not known, since a decrypted model has other scores than those that were \
                    trained." }
            }
            div class="grid" { @for plot in &plots.learning { (figure(plot)) } }
            div class="scroll" {
                @match &report.run {
                    Some(run) => (iterations(run)),
                    None => (iterations_in_clear(report)),
                }
            }
        }
    }
}

fn iterations(run: &Run) -> Markup {
    let is_validated = run.iterations.iter().any(|iteration| iteration.validation_accuracy.is_some());
    html! {
        table class="numbers" {
            thead { tr {
                th { "iteration" } th { "time" } th { "level left" } th { "log Q left" } th { "weight precision" }
                @if is_validated { th { "validation accuracy" } }
                th { "test accuracy" } th { "in clear" } th { "paper" }
            } }
            tbody {
                @for (index, iteration) in run.iterations.iter().enumerate() {
                    tr {
                        td { (iteration.iteration) }
                        td { (show_seconds(iteration.seconds)) }
                        td { (iteration.level) }
                        td { (format!("{:.0} bits", iteration.log_q)) }
                        td { (format!("{:.1} bits", iteration.weight_precision_bits)) }
                        @if is_validated {
                            td { (iteration.validation_accuracy.map_or_else(String::new, percent)) }
                        }
                        td { strong { (percent(iteration.accuracy_encrypted)) } }
                        td { (percent(iteration.accuracy_plain)) }
                        td { (PAPER_ACCURACY.get(index).copied().unwrap_or("–")) }
                    }
                }
            }
        }
    }
}

/// The training in clear after each iteration, and the decrypted model beside its last.
fn iterations_in_clear(report: &Report) -> Markup {
    let plain = &report.curves.plain;
    let last = plain.test.len().saturating_sub(1);
    html! {
        table class="numbers" {
            thead { tr {
                th { "iteration" }
                th { "training rows in clear" } th { "test rows in clear" } th { "test rows, encrypted" }
            } }
            tbody {
                @for (iteration, (training, test)) in plain.training.iter().zip(&plain.test).enumerate().skip(1) {
                    tr {
                        td { (iteration) }
                        td { (percent(training.accuracy)) }
                        td { (percent(test.accuracy)) }
                        td {
                            @if iteration == last { strong { (percent(report.accuracies().test)) } }
                            @else { "not decrypted" }
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
    html! {
        section {
            h2 { "What it cost" }
            @match (&report.run, &plots.cost) {
                (Some(run), Some(Cost { phases, ladder })) => {
                    div class="grid" { (figure(phases)) (figure(ladder)) }
                    dl { (measured(run)) (evaluation_keys(report)) (operations(run)) }
                }
                _ => {
                    p { "Not measured: this page was made of a decrypted model. Only the server knows its time and \
                        memory, and the levels that each iteration left. There " code { "volley train" } " prints the \
                        time." }
                    dl { (evaluation_keys(report)) }
                }
            }
        }
    }
}

fn measured(run: &Run) -> Markup {
    let memory = run.peak_memory_bytes.map_or_else(|| "unknown".into(), show_bytes);
    html! {
        (entry("Server, in all", &show_seconds(run.server_seconds)))
        (entry("Threads", &run.threads.to_string()))
        (entry("Peak memory, both parties", &memory))
    }
}

fn evaluation_keys(report: &Report) -> Markup {
    entry("Evaluation keys", &format!("{}, {}", report.keys.count, show_bytes(report.keys.bytes)))
}

fn operations(run: &Run) -> Markup {
    let operations = &run.operations;
    html! {
        (entry("Rotations", &format!("{}, and {} hoisted", operations.rotations, operations.hoisted_rotations)))
        (entry("Products", &operations.products.to_string()))
        (entry("Relinearizations", &operations.relinearizations.to_string()))
    }
}

fn security(report: &Report) -> Markup {
    let parameters = &report.parameters;
    let statement = match parameters.security_bits {
        Some(bits) => format!(
            "{bits} bits: log₂ QP = {:.0} is within the table of eprint 2024/463 for log₂ N = {} and a dense \
             ternary secret.",
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
            p { "The server is honest but curious. It has ciphertexts and evaluation keys, and sees what is public by \
                design: the shapes, the settings, the number of iterations, sizes and times. It can return a wrong \
                model; nothing here detects that. What was decrypted carries noise that depends on the secret key \
                (eprint 2020/1533): this page, its model and its predictions must not go back to the server, unless a \
                shareable plan flooded the noise." }
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

#[cfg(test)]
mod tests;
