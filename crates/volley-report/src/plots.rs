//! The plots of a report, as SVG: inside the page, where they take its colours, and as files that have their own.
//!
//! All are drawn in units of which [`WIDTH`] fill the width, so that text is legible on a telephone.

use maud::{Markup, PreEscaped, html};

use crate::report::{Report, Run};
use learning::{Measure, Shown};

mod confusion;
mod ladder;
mod learning;
mod phases;

/// Colours and lines; light or dark as the reader prefers.
pub(super) const THEME: &str = include_str!("plots/theme.css");
/// Width of every plot, in the units that it is drawn in.
const WIDTH: f64 = 440.0;
/// More classes than this cannot be told apart in the confusion matrix.
const MAX_CLASSES: usize = 40;

/// A plot with what it is saved as.
#[derive(Debug)]
pub(super) struct Plot {
    /// Name of its file, without extension.
    pub(super) name: &'static str,
    title: String,
    height: f64,
    content: Markup,
}

/// What a report can show.
#[derive(Debug)]
pub(super) struct Plots {
    /// Accuracy and loss, on test and on training rows.
    pub(super) learning: [Plot; 4],
    /// None where the run was not measured.
    pub(super) cost: Option<Cost>,
    /// None for too many classes.
    pub(super) confusion: Option<Plot>,
}

/// What a measured run took.
#[derive(Debug)]
pub(super) struct Cost {
    pub(super) phases: Plot,
    pub(super) ladder: Plot,
}

impl Plots {
    pub(super) fn new(report: &Report) -> Self {
        let plot = |name, title, measure, rows| learning::plot(name, title, &report.curves, measure, rows);
        let cost = |run: &Run| Cost {
            phases: phases::plot(&run.phases),
            ladder: ladder::plot(report.parameters.data_level, &run.iterations),
        };
        Self {
            learning: [
                plot("accuracy-test", "Accuracy on test rows", Measure::Accuracy, Shown::Test),
                plot("accuracy-training", "Accuracy on training rows", Measure::Accuracy, Shown::Training),
                plot("loss-test", "Loss per test row", Measure::Loss, Shown::Test),
                plot("loss-training", "Loss per training row", Measure::Loss, Shown::Training),
            ],
            cost: report.run.as_ref().map(cost),
            confusion: (report.classes <= MAX_CLASSES).then(|| confusion::plot(&report.confusion)),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Plot> {
        let cost = self.cost.iter().flat_map(|Cost { phases, ladder }| [phases, ladder]);
        self.learning.iter().chain(cost).chain(&self.confusion)
    }
}

impl Plot {
    /// The plot inside a page that has [`THEME`].
    pub(super) fn inline(&self) -> Markup {
        html! {
            svg class="plot" viewBox=(self.view_box()) role="img" aria-label=(self.title) { (self.drawing()) }
        }
    }

    /// The plot as a file of its own.
    pub(super) fn file(&self) -> String {
        html! {
            svg xmlns="http://www.w3.org/2000/svg" class="plot" width=(WIDTH) height=(self.height)
                viewBox=(self.view_box()) role="img" aria-label=(self.title) {
                style { (PreEscaped(THEME)) }
                rect class="surface" width="100%" height="100%" {}
                (self.drawing())
            }
        }
        .into_string()
    }

    fn view_box(&self) -> String {
        format!("0 0 {WIDTH} {}", self.height)
    }

    fn drawing(&self) -> Markup {
        html! {
            text class="heading" x="8" y="22" { (self.title) }
            (self.content)
        }
    }
}

/// A coordinate, short: hundredths are enough.
fn at(coordinate: f64) -> f64 {
    (coordinate * 100.0).round() / 100.0
}

/// The least of 1, 2 and 5 times a power of ten that is not below `value`.
fn round_up(value: f64) -> f64 {
    let power = 10f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0]
        .map(|factor| factor * power)
        .into_iter()
        .find(|&step| step >= value)
        .unwrap_or(10.0 * power)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round() {
        assert_eq!([0.7, 1.0, 3.1, 12.0, 0.021, 80.0].map(round_up), [1.0, 1.0, 5.0, 20.0, 0.05, 100.0]);
    }
}
