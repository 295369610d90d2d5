//! The time of each phase, by who spends it.

use maud::{Markup, html};

use super::{Plot, WIDTH, at};
use crate::report::{Party, Phase};
use volley_program::units::show_seconds;

const ROW: f64 = 26.0;
const TOP: f64 = 66.0;
const LEFT: f64 = 122.0;
/// Room for the time beside the longest bar.
const RIGHT: f64 = WIDTH - 70.0;

pub(super) fn plot(phases: &[Phase]) -> Plot {
    let longest = phases.iter().map(|phase| phase.seconds).fold(f64::MIN_POSITIVE, f64::max);
    let bar = |index: usize, phase: &Phase| {
        let y = TOP + ROW * index as f64;
        let width = ((RIGHT - LEFT) * phase.seconds / longest).max(1.5);
        html! {
            text x=(LEFT - 10.0) y=(y + 15.0) text-anchor="end" { (phase.name) }
            rect class=(class(phase.party)) x=(LEFT) y=(y + 2.0) width=(at(width)) height=(ROW - 8.0) rx="3" {
                title { (phase.name) ": " (show_seconds(phase.seconds)) }
            }
            text x=(at(LEFT + width + 8.0)) y=(y + 15.0) { (show_seconds(phase.seconds)) }
        }
    };
    let content = html! {
        (legend())
        @for (index, phase) in phases.iter().enumerate() { (bar(index, phase)) }
    };
    let height = TOP + ROW * phases.len() as f64 + 8.0;
    Plot { name: "phases", title: "Time of each phase".into(), height, content }
}

fn class(party: Party) -> &'static str {
    match party {
        Party::Owner => "owner",
        Party::Server => "server",
        Party::Both => "both",
    }
}

fn legend() -> Markup {
    html! {
        @for (index, (party, label)) in
            [(Party::Owner, "owner"), (Party::Server, "server"), (Party::Both, "both")].iter().enumerate() {
            @let x = 8.0 + 84.0 * index as f64;
            rect class=(class(*party)) x=(x) y="38" width="12" height="12" rx="3" {}
            text x=(x + 18.0) y="49" { (label) }
        }
    }
}
