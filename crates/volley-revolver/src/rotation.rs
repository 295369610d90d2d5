//! Sums of rotations, the common part of both products.

use maybe_rayon::prelude::*;
use volley_ckks::Arithmetic;

use crate::error::Error;
use crate::split::Rotations;

/// The steps m·`stride` for m = `first`, 2·`first`, 4·`first`, … below `end`.
pub(crate) fn doublings(first: usize, end: usize, stride: i64) -> impl Iterator<Item = i64> {
    std::iter::successors(Some(first), |m| m.checked_mul(2))
        .take_while(move |&m| m < end)
        .map(move |m| m as i64 * stride)
}

/// a ← a + rot(a, s) for each step s in turn.
pub(crate) fn fold<A: Arithmetic>(
    arithmetic: &A,
    a: A::Ciphertext,
    steps: impl IntoIterator<Item = i64>,
) -> Result<A::Ciphertext, Error> {
    steps.into_iter().try_fold(a, |a, step| Ok(arithmetic.add(&a, &arithmetic.rotate(&a, step)?)?))
}

/// Σ_g rot(part_g, g·`step`) by Horner's rule: one rotation less than parts, and one Galois key for all.
pub(crate) fn horner<A: Arithmetic>(
    arithmetic: &A,
    parts: &[A::Ciphertext],
    step: i64,
) -> Result<A::Ciphertext, Error> {
    let (last, others) = parts.split_last().ok_or(volley_ckks::Error::EmptySum)?;
    others
        .iter()
        .rev()
        .try_fold(last.clone(), |sum, part| Ok(arithmetic.add(part, &arithmetic.rotate(&sum, step)?)?))
}

/// Rotations of one ciphertext by g·`giant` + h·`baby` for g < `giants` and h < `babies`, in the order g·`babies` + h.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StepGrid {
    pub(crate) giants: usize,
    pub(crate) giant: i64,
    pub(crate) babies: usize,
    pub(crate) baby: i64,
}

impl StepGrid {
    /// h·`baby` for h < `babies`.
    pub(crate) fn line(babies: usize, baby: i64) -> Self {
        Self { giants: 1, giant: 0, babies, baby }
    }

    /// `a` rotated by each step; a step of zero costs nothing.
    pub(crate) fn rotations<A: Arithmetic>(
        self,
        arithmetic: &A,
        a: A::Ciphertext,
        by: Rotations,
    ) -> Result<Vec<A::Ciphertext>, Error> {
        match by {
            Rotations::Hoisted => self.hoisted(arithmetic, a),
            Rotations::Successive => self.successive(arithmetic, a),
        }
    }

    fn hoisted<A: Arithmetic>(self, arithmetic: &A, a: A::Ciphertext) -> Result<Vec<A::Ciphertext>, Error> {
        let giants = (0..self.giants as i64).map(|g| g * self.giant);
        let babies = || (0..self.babies as i64).map(|h| h * self.baby);
        let steps = giants.flat_map(|giant| babies().map(move |baby| giant + baby));
        // The first step is zero.
        let moving: Vec<i64> = steps.skip(1).collect();
        let rotated = if moving.is_empty() { Vec::new() } else { arithmetic.rotate_hoisted(&a, &moving)? };
        Ok(std::iter::once(a).chain(rotated).collect())
    }

    /// Rotations made from each other with two keys: the first of each g from the one before it by `giant`, the others
    /// from their neighbours by `baby`.
    fn successive<A: Arithmetic>(
        self,
        arithmetic: &A,
        a: A::Ciphertext,
    ) -> Result<Vec<A::Ciphertext>, Error> {
        let line = |a: A::Ciphertext, step: i64, count: usize| {
            let mut line = vec![a];
            while line.len() < count {
                let next = arithmetic.rotate(&line[line.len() - 1], step)?;
                line.push(next);
            }
            Ok::<_, Error>(line)
        };
        let giants = line(a, self.giant, self.giants)?;
        let lines = giants.into_par_iter().map(|giant| line(giant, self.baby, self.babies));
        Ok(lines.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }
}
