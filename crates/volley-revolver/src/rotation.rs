//! Sums of rotations, the common part of both products.

use volley_ckks::Arithmetic;

use crate::Error;

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

/// `a` rotated by each of `steps`, hoisted; a step of zero costs nothing.
pub(crate) fn rotations<A: Arithmetic>(
    arithmetic: &A,
    a: &A::Ciphertext,
    steps: &[i64],
) -> Result<Vec<A::Ciphertext>, Error> {
    let moving: Vec<i64> = steps.iter().copied().filter(|&step| step != 0).collect();
    let mut rotated =
        if moving.is_empty() { Vec::new() } else { arithmetic.rotate_hoisted(a, &moving)? }.into_iter();
    Ok(steps.iter().filter_map(|&step| if step == 0 { Some(a.clone()) } else { rotated.next() }).collect())
}
