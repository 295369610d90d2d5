//! The operations of a split, from those of others.
//!
//! The forward product with its copies, the backward product with its copies, and the rotations of the encrypted
//! factors are counted apart. So what a split takes is a sum over its choices: its forward steps f, its backward steps
//! and row shifts b, and the rotations c of copies and r of factors. The copies belong to f and b, the factors to b.
//! With another split (f₀, b₀, c₀, r₀) of the same layout,
//!
//! ```text
//! C(f, b, c, r) = C(f, b₀, c, r₀) + C(f₀, b, c, r₀) − C(f₀, b₀, c, r₀) + C(f₀, b, c₀, r) − C(f₀, b, c₀, r₀)
//! ```
//!
//! A few of these tell the operations of hundreds of splits. Keys and memory are no such sums: they are simulated.

use volley_ckks::OperationCounts;

use crate::layout::Layout;
use crate::skewed::Split;

/// The splits whose operations tell those of one split.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parts {
    /// (f, b₀, c, r₀).
    forward: Split,
    /// Each with the one that it takes the place of: b₀ becomes b, and r₀ becomes r.
    exchanged: [(Split, Split); 2],
}

impl Parts {
    /// With the default split of a layout as (f₀, b₀, c₀, r₀).
    pub(super) fn of(layout: &Layout, split: Split) -> Self {
        let default = Split::on_copies(layout);
        let member = |forward: Split, backward: Split, copies: Split, factors: Split| {
            let (f, b) = (forward.forward_copies(), backward.backward_steps());
            Split::hoisted(layout.period(), f, b, backward.row_shifts())
                .with_rotations(copies.copies(), factors.factors())
        };
        Self {
            forward: member(split, default, split, default),
            exchanged: [
                (member(default, split, split, default), member(default, default, split, default)),
                (member(default, split, default, split), member(default, split, default, default)),
            ],
        }
    }

    /// The splits themselves.
    pub(super) fn splits(&self) -> [Split; 5] {
        let [(backward, by_default), (factors, hoisted)] = self.exchanged;
        [self.forward, backward, by_default, factors, hoisted]
    }

    /// The operations of the split, from those of its parts.
    ///
    /// # Errors
    ///
    /// Those of `counts_of`.
    pub(super) fn counts<E>(
        &self,
        counts_of: impl Fn(Split) -> Result<OperationCounts, E>,
    ) -> Result<OperationCounts, E> {
        self.exchanged.iter().try_fold(counts_of(self.forward)?, |counts, &(part, other)| {
            Ok(counts.with_in_place_of(&counts_of(part)?, &counts_of(other)?))
        })
    }
}

#[cfg(test)]
mod tests;
