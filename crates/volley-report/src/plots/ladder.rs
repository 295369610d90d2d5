//! The levels that are left after each iteration, and how precise the weights are.

use maud::html;

use super::{Plot, WIDTH, at};
use crate::report::Iteration;

const ROW: f64 = 28.0;
const TOP: f64 = 64.0;
const LEFT: f64 = 102.0;
const RIGHT: f64 = WIDTH - 96.0;
const MAX_CELL: f64 = 34.0;

/// A ladder from the level of the data down.
pub(super) fn plot(data_level: usize, iterations: &[Iteration]) -> Plot {
    let cell = ((RIGHT - LEFT) / data_level.max(1) as f64).min(MAX_CELL);
    let gap = if cell > 12.0 { 4.0 } else { 1.0 };
    let step = |index: usize, label: &str, level: usize, precision: &str| {
        let y = TOP + ROW * index as f64;
        html! {
            text x=(LEFT - 12.0) y=(y + 16.0) text-anchor="end" { (label) }
            g {
                title { (label) ": level " (level) }
                @for rung in 0..data_level {
                    rect class=(if rung < level { "left" } else { "used" })
                        x=(at(LEFT + cell * rung as f64)) y=(y + 3.0)
                        width=(at(cell - gap)) height=(ROW - 10.0) rx="2" {}
                }
            }
            text x=(WIDTH - 8.0) y=(y + 16.0) text-anchor="end" { (precision) }
        }
    };
    let content = html! {
        text class="small" x=(LEFT) y="50" { "levels left" }
        text class="small" x=(WIDTH - 8.0) y="50" text-anchor="end" { "weight precision" }
        (step(0, "data", data_level, "fresh"))
        @for (index, iteration) in iterations.iter().enumerate() {
            @let label = format!("iteration {}", iteration.iteration);
            (step(index + 1, &label, iteration.level, &format!("{:.1} bits", iteration.weight_precision_bits)))
        }
    };
    let height = TOP + ROW * (iterations.len() + 1) as f64 + 8.0;
    Plot { name: "ladder", title: "Levels and precision".into(), height, content }
}
