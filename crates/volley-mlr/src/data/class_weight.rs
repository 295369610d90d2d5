//! Weights of rows that make all classes count alike, however many rows each has.
//!
//! With n samples, c classes and n_k rows of class k, a row of class k has the weight
//!
//! ```text
//! wᵢ = n/(c·n_k),      Σᵢ wᵢ = n,      Σ over the rows of each class = n/c
//! ```
//!
//! (scikit-learn's `class_weight="balanced"`). Training takes the gradient of the weighted loss,
//!
//! ```text
//! Δ = rₜ · (1/B) ∘ (w ∘ (y − p(z)))ᵀ x,        Bⱼ = ¼ Σₖ |xᵀ diag(w) x|ⱼₖ
//! ```
//!
//! with the bound B of the weighted Hessian. Forward products do not change: scores are x Vᵀ.
//!
//! # Encrypted
//!
//! The server multiplies x by 1/B once, for its backward products, and 1/B is a ciphertext of the owner's with a value
//! for each slot. So the owner puts wᵢ/Bⱼ where 1/Bⱼ would be. The circuit is the same, and its gradient is exactly the
//! weighted one. Nothing that the server sees tells whether there are weights.
//!
//! One such ciphertext serves all blocks of rows ([`Layout`]): rows at the same *place* of different blocks have one
//! weight. The order of rows does not change the sum over them, so they are arranged such that a place has rows of one
//! class, as far as that is possible. With b blocks, places have b rows or b − 1. The n_k rows of a class fill α places
//! of the first kind and β of the second where n_k = α·b + β·(b − 1). There are such numbers for every n_k ≥ b·(b − 2),
//! as far as places of both kinds last. Where there are none, some rows of a class share a place with rows of the next
//! larger class, and each of these rows has the mean of their weights. The training in clear uses the same weights.

use ndarray::Array1;

use crate::data::labels::ClassLabels;
use crate::volley_revolver::Layout;

/// An order of rows for a layout, and their weights.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Arrangement {
    /// Which row of the data comes first, second, …
    pub(crate) order: Vec<usize>,
    /// The weights in this order.
    pub(crate) weights: RowWeights,
}

/// Weights of rows, equal at the same place of all blocks of a layout.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct RowWeights {
    pub(crate) layout: Layout,
    /// The weight of each sample, positive.
    pub(crate) values: Array1<f64>,
}

/// Places that have a row in every block, and those that have none in the last.
#[derive(Clone, Copy, Debug)]
struct Places {
    full: usize,
    short: usize,
    blocks: usize,
}

impl Arrangement {
    /// The balanced weights of `labels`, all of which are among the classes, for a layout of as many samples.
    pub(crate) fn balanced(classes: &ClassLabels, labels: &[String], layout: Layout) -> Self {
        let class_of: Vec<usize> = labels.iter().filter_map(|label| classes.index_of(label)).collect();
        let samples = class_of.len();
        let mut counts = vec![0_usize; classes.len()];
        for &class in &class_of {
            counts[class] += 1;
        }
        let weight = |class: usize| samples as f64 / (classes.len() as f64 * counts[class] as f64);
        // The rarest class comes first.
        let mut rarest_first: Vec<usize> = (0..samples).collect();
        rarest_first.sort_by_key(|&row| (counts[class_of[row]], class_of[row]));
        let places = Places::of(samples, layout.rows());
        let mut ascending = counts.clone();
        ascending.sort_unstable();
        let mut order = vec![0; samples];
        let mut values = Array1::zeros(samples);
        let (mut next_full, mut next_short, mut rest) = (0, places.full, &rarest_first[..]);
        for size in places.sizes(&ascending) {
            let (rows, after) = rest.split_at(size);
            rest = after;
            let next = if size == places.blocks { &mut next_full } else { &mut next_short };
            let place = std::mem::replace(next, *next + 1);
            let mean = rows.iter().map(|&row| weight(class_of[row])).sum::<f64>() / size as f64;
            for (block, &row) in rows.iter().enumerate() {
                let index = block * layout.rows() + place;
                (order[index], values[index]) = (row, mean);
            }
        }
        Self { order, weights: RowWeights { layout, values } }
    }
}

impl Places {
    fn of(samples: usize, rows: usize) -> Self {
        let blocks = samples.div_ceil(rows);
        let full = samples - blocks.saturating_sub(1) * rows;
        Self { full, short: if blocks > 1 { rows - full } else { 0 }, blocks }
    }

    /// The rows of each place, one after the other, for classes of so many rows, which fill them in this order.
    fn sizes(mut self, counts: &[usize]) -> Vec<usize> {
        let mut sizes = Vec::new();
        // Rows of the next class that have a place already.
        let mut spilled = 0_usize;
        for &count in counts {
            let rows = count.saturating_sub(spilled);
            spilled = spilled.saturating_sub(count);
            let (full, short) = self.exactly(rows).unwrap_or_else(|| self.at_least(rows));
            self.full -= full;
            self.short -= short;
            spilled += (full * self.blocks + short * (self.blocks - 1)).saturating_sub(rows);
            sizes.extend(std::iter::repeat_n(self.blocks, full));
            sizes.extend(std::iter::repeat_n(self.blocks - 1, short));
        }
        sizes
    }

    /// Full and short places that `rows` fill.
    fn exactly(&self, rows: usize) -> Option<(usize, usize)> {
        let short_size = self.blocks - 1;
        if short_size == 0 {
            return Some((rows, 0));
        }
        (rows % short_size..=self.full.min(rows / self.blocks))
            .step_by(short_size)
            .map(|full| (full, (rows - full * self.blocks) / short_size))
            .find(|&(_, short)| short <= self.short)
    }

    /// The fewest places that hold `rows`, full ones first.
    fn at_least(&self, rows: usize) -> (usize, usize) {
        let full = self.full.min(rows.div_ceil(self.blocks));
        let rest = rows.saturating_sub(full * self.blocks);
        (full, rest.div_ceil((self.blocks - 1).max(1)).min(self.short))
    }
}

#[cfg(test)]
mod tests;
