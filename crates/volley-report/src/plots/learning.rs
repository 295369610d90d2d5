//! A quality after each iteration: the encrypted run over the same run in clear, perhaps with the paper's curves.

use maud::{Markup, html};
use volley_program::units::percent;

use super::{Plot, WIDTH, at, round_up};
use crate::curves::{Accuracies, Curve, Curves, Encrypted, Quality};

const HEIGHT: f64 = 330.0;
const LEFT: f64 = 56.0;
const RIGHT: f64 = WIDTH - 28.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 236.0;
/// Lines in the frame, roughly.
const TICKS: f64 = 5.0;
/// A loss this many times that of zero weights leaves the frame.
const WORST: f64 = 1.5;

/// What is shown of a quality.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    Accuracy,
    Loss,
}

/// The rows whose quality is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shown {
    Training,
    Test,
}

/// An iteration, and the value after it.
type Point = (usize, f64);

impl Measure {
    fn value(self, quality: &Quality) -> f64 {
        match self {
            Self::Accuracy => quality.accuracy,
            Self::Loss => quality.loss,
        }
    }

    fn format(self, value: f64) -> String {
        match self {
            Self::Accuracy => percent(value),
            Self::Loss => format!("{value:.3}"),
        }
    }

    /// The largest value there can be, if there is one.
    fn most(self) -> Option<f64> {
        (self == Self::Accuracy).then_some(1.0)
    }
}

impl Shown {
    fn of(self, curve: &Curve) -> &[Quality] {
        match self {
            Self::Training => &curve.training,
            Self::Test => &curve.test,
        }
    }

    fn last(self, accuracies: &Accuracies) -> f64 {
        match self {
            Self::Training => accuracies.training,
            Self::Test => accuracies.test,
        }
    }
}

/// What is known of the encrypted run, whose last iteration is this one.
fn encrypted_points(encrypted: &Encrypted, last: usize, measure: Measure, rows: Shown) -> Vec<Point> {
    match (encrypted, measure) {
        (Encrypted::Each(curve), _) => points(rows.of(curve), measure),
        (Encrypted::Last(accuracies), Measure::Accuracy) => vec![(last, rows.last(accuracies))],
        (Encrypted::Last(_), Measure::Loss) => Vec::new(),
    }
}

fn points(qualities: &[Quality], measure: Measure) -> Vec<Point> {
    qualities.iter().map(|quality| measure.value(quality)).enumerate().collect()
}

/// Places values in the frame.
struct Frame {
    iterations: usize,
    step: f64,
    top: f64,
}

pub(super) fn plot(name: &'static str, title: &str, curves: &Curves, measure: Measure, rows: Shown) -> Plot {
    let of = |curve| points(rows.of(curve), measure);
    let plain = of(&curves.plain);
    let iterations = plain.len().saturating_sub(1);
    let encrypted = encrypted_points(&curves.encrypted, iterations, measure, rows);
    let others = curves.baselines.iter().flat_map(|baselines| {
        [
            ("nag", "NAG", of(&baselines.nag)),
            ("sle-nag", "SLE-NAG", of(&baselines.sle_nag)),
            ("sle-nag-qg", "SLE-NAG+QG", of(&baselines.sle_nag_qg)),
        ]
    });
    let others: Vec<_> = others.collect();
    let highest = |points: &[Point]| points.iter().map(|&(_, value)| value).fold(0.0, f64::max);
    let ours = highest(&encrypted).max(highest(&plain));
    let all = others.iter().map(|(_, _, points)| highest(points)).fold(ours, f64::max);
    let frame = Frame::new(iterations, measure.most().unwrap_or(all.min(WORST * ours)).min(1.05 * all));
    let end = |points: &[Point]| points.last().map(|&(_, value)| value);
    let last = end(&encrypted).or(end(&plain)).unwrap_or_default();
    // Beyond the end of the curve, where its neighbours are not.
    let label_shift = if plain.first().is_some_and(|&(_, first)| last < first) { 22.0 } else { -12.0 };
    let content = html! {
        (frame.axes(measure))
        // A nested image cuts off what leaves it.
        svg x=(LEFT - 6.0) y=(TOP - 6.0) width=(RIGHT - LEFT + 12.0) height=(BOTTOM - TOP + 12.0)
            viewBox=(format!("{} {} {} {}", LEFT - 6.0, TOP - 6.0, RIGHT - LEFT + 12.0, BOTTOM - TOP + 12.0)) {
            path class="line plain" d=(frame.path(&plain)) {}
            @for (class, _, points) in &others {
                path class={ "line " (class) } d=(frame.path(points)) {}
            }
            @if encrypted.len() > 1 { path class="line encrypted" d=(frame.path(&encrypted)) {} }
            @for (class, label, points) in &others {
                (frame.marks(points, label, class, "mark", measure))
            }
            (frame.marks(&plain, "in clear", "plain", "mark", measure))
            (frame.marks(&encrypted, "encrypted", "encrypted", "dot", measure))
        }
        text x=(RIGHT + 8.0) y=(at(frame.y(last) + label_shift)) text-anchor="end" font-weight="600" {
            (measure.format(last))
        }
        (legend(!encrypted.is_empty(), !others.is_empty()))
    };
    Plot { name, title: title.to_owned(), height: HEIGHT, content }
}

impl Frame {
    fn new(iterations: usize, highest: f64) -> Self {
        let step = round_up(highest.max(1e-9) / TICKS);
        Self { iterations, step, top: step * (highest / step).ceil().max(1.0) }
    }

    fn x(&self, iteration: usize) -> f64 {
        LEFT + (RIGHT - LEFT) * iteration as f64 / self.iterations.max(1) as f64
    }

    /// The vertical place of a value. Values far outside are cut off, which keeps the numbers short.
    fn y(&self, value: f64) -> f64 {
        BOTTOM - (BOTTOM - TOP) * (value / self.top).min(2.0)
    }

    fn path(&self, points: &[Point]) -> String {
        let corner = |&(iteration, value): &Point| format!("{} {}", at(self.x(iteration)), at(self.y(value)));
        format!("M{}", points.iter().map(corner).collect::<Vec<_>>().join(" L"))
    }

    fn axes(&self, measure: Measure) -> Markup {
        let ticks = (self.top / self.step).round() as usize;
        let every = round_up(self.iterations as f64 / 10.0).max(1.0) as usize;
        // Accuracies are written in per cent, losses by their own digits.
        let label = |value: f64| match measure.most() {
            Some(_) => format!("{:.0} %", 100.0 * value),
            None => format!("{}", at(value)),
        };
        html! {
            @for value in (0..=ticks).map(|tick| self.step * tick as f64) {
                line class="grid" x1=(LEFT) x2=(RIGHT) y1=(at(self.y(value))) y2=(at(self.y(value))) {}
                text class="small" x=(LEFT - 12.0) y=(at(self.y(value) + 4.0)) text-anchor="end" { (label(value)) }
            }
            @for iteration in (0..=self.iterations).step_by(every) {
                text class="small" x=(at(self.x(iteration))) y=(BOTTOM + 22.0) text-anchor="middle" { (iteration) }
            }
            text class="small" x=((LEFT + RIGHT) / 2.0) y=(BOTTOM + 40.0) text-anchor="middle" { "iteration" }
        }
    }

    /// A point for each iteration that says its value where the pointer rests.
    fn marks(&self, points: &[Point], label: &str, class: &str, mark: &str, measure: Measure) -> Markup {
        html! {
            g data-series=(class) {
                @for &(iteration, value) in points {
                    circle class=(mark) cx=(at(self.x(iteration))) cy=(at(self.y(value))) r="4" {
                        title { (label) ", iteration " (iteration) ": " (measure.format(value)) }
                    }
                }
            }
        }
    }
}

fn legend(has_encrypted: bool, has_baselines: bool) -> Markup {
    let entry = |column: f64, row: f64, class: &str, label: &str| {
        let (x, y) = (LEFT - 44.0 + 138.0 * column, HEIGHT - 34.0 + 22.0 * row);
        html! {
            line class={ "line " (class) } x1=(x) x2=(x + 30.0) y1=(y - 4.0) y2=(y - 4.0) {}
            @if class == "encrypted" { circle class="dot" cx=(x + 15.0) cy=(y - 4.0) r="4" {} }
            text x=(x + 38.0) y=(y) { (label) }
        }
    };
    html! {
        @if has_encrypted { (entry(0.0, 0.0, "encrypted", "encrypted")) }
        (entry(1.0, 0.0, "plain", "the same in clear"))
        @if has_baselines {
            (entry(0.0, 1.0, "nag", "NAG"))
            (entry(1.0, 1.0, "sle-nag", "SLE-NAG"))
            (entry(2.0, 1.0, "sle-nag-qg", "SLE-NAG+QG"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_end_at_round_values() {
        let frame = Frame::new(2, 0.7);
        assert!((frame.top - 0.8).abs() < 1e-12 && (frame.step - 0.2).abs() < 1e-12);
        assert_eq!((frame.x(0), frame.x(2)), (LEFT, RIGHT));
        assert_eq!((frame.y(0.0), at(frame.y(0.8)), frame.y(1e300)), (BOTTOM, TOP, frame.y(1.6)));
        assert_eq!(
            frame.path(&[(0, 0.0), (1, 0.8)]),
            format!("M{LEFT} {BOTTOM} L{} {TOP}", (LEFT + RIGHT) / 2.0)
        );
    }

    #[test]
    fn a_frame_without_height_has_one() {
        let frame = Frame::new(0, 0.0);
        assert!(frame.top > 0.0 && frame.y(0.0) == BOTTOM && frame.x(0) == LEFT);
    }
}
