//! The confusion matrix: a row for each label, shaded by the share of it that has each prediction.

use maud::html;

use super::{Plot, WIDTH, at};
use crate::examples::Confusion;

const LEFT: f64 = 64.0;
const TOP: f64 = 66.0;
/// Numbers are written where there is room for them.
const MAX_NUMBERED: usize = 12;

pub(super) fn plot(confusion: &Confusion) -> Plot {
    let Confusion { classes, counts } = confusion;
    let count = classes.len();
    let cell = (WIDTH - 8.0 - LEFT) / count as f64;
    let centre = |start: f64, index: usize| at(start + cell * (index as f64 + 0.5));
    let square = |row: usize, column: usize| {
        let (number, total) = (counts[row][column], counts[row].iter().sum::<usize>());
        let share = number as f64 / total.max(1) as f64;
        html! {
            rect class="cell" x=(at(LEFT + cell * column as f64)) y=(at(TOP + cell * row as f64))
                width=(at(cell - 1.5)) height=(at(cell - 1.5)) rx="2" fill-opacity=(at(0.04 + 0.96 * share)) {
                title { (classes[row]) " as " (classes[column]) ": " (number) }
            }
            @if count <= MAX_NUMBERED && number > 0 {
                text class=[(share > 0.75).then_some("on")] x=(centre(LEFT, column)) y=(at(centre(TOP, row) + 4.0))
                    text-anchor="middle" { (number) }
            }
        }
    };
    let content = html! {
        text class="small" x=(centre(LEFT, 0) - cell / 2.0) y="44" { "predicted" }
        text class="small" x="8" y=(at(TOP - 6.0)) { "label" }
        @for (index, class) in classes.iter().enumerate() {
            @if count <= MAX_NUMBERED {
                text class="small" x=(centre(LEFT, index)) y=(TOP - 6.0) text-anchor="middle" {
                    (short(class, (cell / 8.0) as usize))
                }
            }
            text class="small" x=(LEFT - 10.0) y=(at(centre(TOP, index) + 4.0)) text-anchor="end" { (short(class, 6)) }
            @for column in 0..count { (square(index, column)) }
        }
    };
    let height = TOP + WIDTH - LEFT;
    Plot { name: "confusion", title: "What was taken for what".into(), height, content }
}

/// A label, cut to at most `most` characters.
fn short(label: &str, most: usize) -> String {
    if label.chars().count() <= most {
        return label.to_owned();
    }
    label.chars().take(most.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_labels_are_shortened() {
        assert_eq!([short("7", 6), short("versicolor", 6), short("ünïcödé", 3)], ["7", "versi…", "ün…"]);
    }
}
