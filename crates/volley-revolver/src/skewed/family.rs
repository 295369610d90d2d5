//! The members of the family of products that a layout has.

use crate::error::Error;
use crate::layout::Layout;
use crate::split::{Rotations, RowShifts, Split};

impl Split {
    /// A split with H_f = `forward_steps` and H = `backward_steps`, all of whose rotations are hoisted.
    ///
    /// # Errors
    ///
    /// [`Error::SplitSteps`] where one of them does not divide K.
    pub fn new(
        layout: &Layout,
        forward_steps: usize,
        backward_steps: usize,
        row_shifts: RowShifts,
    ) -> Result<Self, Error> {
        let period = layout.period();
        match [forward_steps, backward_steps]
            .into_iter()
            .find(|&steps| steps == 0 || !period.is_multiple_of(steps))
        {
            Some(steps) => Err(Error::SplitSteps { steps, period }),
            None => Ok(Self::hoisted(period, forward_steps, backward_steps, row_shifts)),
        }
    }

    /// The split with all shifts on copies and H next above √K: the cheapest where copies are used many times.
    #[must_use]
    pub fn on_copies(layout: &Layout) -> Self {
        let period = layout.period();
        let backward_steps = 1 << period.ilog2().div_ceil(2);
        Self::hoisted(period, period, backward_steps, RowShifts::Copies)
    }

    /// Every member of the family that hoists all rotations, each once (with H = 1 there are no row shifts to place).
    /// These take the least time wherever more than a few rotations share a decomposition.
    #[must_use]
    pub fn candidates(layout: &Layout) -> Vec<Self> {
        let period = layout.period();
        let steps = || (0..=period.ilog2()).map(|log2| 1_usize << log2);
        let backward = || {
            steps().flat_map(|steps| {
                let row_shifts: &[_] =
                    if steps == 1 { &[RowShifts::Copies] } else { &[RowShifts::Copies, RowShifts::Sums] };
                row_shifts.iter().map(move |&row_shifts| (steps, row_shifts))
            })
        };
        steps()
            .flat_map(|forward_steps| {
                backward().map(move |(backward_steps, row_shifts)| {
                    Self::hoisted(period, forward_steps, backward_steps, row_shifts)
                })
            })
            .collect()
    }

    /// Every member of the family with fewer keys than the [candidate](Self::candidates) of the same shifts.
    #[must_use]
    pub fn lean_candidates(layout: &Layout) -> Vec<Self> {
        use Rotations::{Hoisted, Successive};
        let rotations = [(Hoisted, Successive), (Successive, Hoisted), (Successive, Successive)];
        Self::candidates(layout)
            .into_iter()
            .flat_map(|split| rotations.map(|(copies, factors)| split.with_rotations(copies, factors)))
            .collect()
    }
}
