//! What can go wrong, with the numbers that explain it.

use thiserror::Error;

use crate::split::Split;

/// A matrix operation that could not be done, and what it needed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// An operation of the layer below was refused.
    #[error(transparent)]
    Ckks(#[from] volley_ckks::Error),
    /// A training shape without samples or columns, or with fewer than two classes.
    #[error("{samples} samples, {columns} columns and {classes} classes: at least 1, 1 and 2 are needed")]
    EmptyShape {
        /// Rows of the feature matrix.
        samples: usize,
        /// Columns of the feature matrix.
        columns: usize,
        /// Rows of the weight matrix.
        classes: usize,
    },
    /// A product of matrices one of which has no entry.
    #[error("a product of {rows} × {inner} and {inner} × {columns} has an empty factor")]
    EmptyProduct {
        /// Rows of the left factor.
        rows: usize,
        /// Columns of the left and rows of the right factor.
        inner: usize,
        /// Columns of the right factor.
        columns: usize,
    },
    /// A slot count that is not a power of two.
    #[error("{slots} is not a slot count: it must be a power of two")]
    SlotCount {
        /// The count asked for.
        slots: usize,
    },
    /// No layout of this shape has so few slots.
    #[error(
        "no layout fits {slots} slots (log N = {}); {}",
        log_n(*slots),
        sufficient_slots(*required)
    )]
    TooFewSlots {
        /// The slots there are.
        slots: usize,
        /// The smallest slot count that would fit.
        required: usize,
    },
    /// Rows or weights larger than can be planned.
    #[error(
        "a few groups of rows have {} copies of feature ciphertexts, or ciphertexts of scores or weights; at most {} \
         are supported: fewer columns or classes would do",
        grouped(*copies as u64),
        grouped(*max as u64)
    )]
    TooManyCopies {
        /// Copies of features or ciphertexts of scores of the groups that a plan simulates, or ciphertexts of weights
        /// if they are more, of the layout with the fewest.
        copies: usize,
        /// Largest supported.
        max: usize,
    },
    /// Matrices larger than can be stored.
    #[error(
        "the layout has {} ciphertexts of features or scores; at most {} are supported: fewer samples, columns or \
         classes would do",
        grouped(*ciphertexts as u64),
        grouped(*max as u64)
    )]
    TooManyCiphertexts {
        /// Ciphertexts of features, or of scores if they are more, of the layout with the fewest.
        ciphertexts: usize,
        /// Largest supported.
        max: usize,
    },
    /// A number of classes in a class block that no layout of this shape has.
    #[error("blocks of {period} classes do not fit; powers of two from 2 to {max} do")]
    Period {
        /// The classes of a block asked for.
        period: usize,
        /// The padded number of classes.
        max: usize,
    },
    /// A row width that no layout of this shape has.
    #[error("rows of {width} slots do not fit; powers of two from {narrowest} to {widest} do")]
    Width {
        /// The width asked for.
        width: usize,
        /// The smallest feasible width.
        narrowest: usize,
        /// The largest feasible width of use.
        widest: usize,
    },
    /// A matrix of another shape than the layout's.
    #[error(
        "the matrix is {} × {}, the layout needs {} × {}",
        actual[0], actual[1], expected[0], expected[1]
    )]
    ArrayShape {
        /// Rows and columns that the layout has.
        expected: [usize; 2],
        /// Rows and columns that were given.
        actual: [usize; 2],
    },
    /// A list of another length than the layout asks for: ciphertexts, slot vectors, slots or entries.
    #[error("{actual} were given where the layout has {expected}")]
    Length {
        /// The length that the layout asks for.
        expected: usize,
        /// The length that was given.
        actual: usize,
    },
    /// A ciphertext with another number of slots, on which rotations would mean something else.
    #[error("the ciphertext has {actual} slots, the layout {expected}")]
    CiphertextSlots {
        /// Slots of the layout.
        expected: usize,
        /// Slots of the ciphertext.
        actual: usize,
    },
    /// Steps of a split that do not divide the padded number of classes.
    #[error(
        "{steps} steps do not divide the {period} rotations of a product: a power of two up to {period} does"
    )]
    SplitSteps {
        /// The steps asked for.
        steps: usize,
        /// The padded number of classes.
        period: usize,
    },
    /// No parameter set that may be used has enough levels.
    #[error(
        "{required} levels are needed, log N = {log_n} has {available} at this security; {}",
        sufficient(*sufficient_log_n)
    )]
    TooManyLevels {
        /// log₂ of the (largest) ring degree that may be used.
        log_n: u32,
        /// Levels that the circuit needs.
        required: usize,
        /// Levels that the ring has.
        available: usize,
        /// The smallest larger ring that would do.
        sufficient_log_n: Option<u32>,
    },
    /// Every plan with keys as small as demanded takes more than the memory.
    #[error("the leanest plan takes {} of memory, the limit is {}", size(*required), size(*limit))]
    TooMuchMemory {
        /// Bytes of the leanest plan.
        required: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// The evaluation keys of every plan are larger than they may be.
    #[error("the leanest plan has {} of evaluation keys, the limit is {}", size(*required), size(*limit))]
    TooManyKeys {
        /// Bytes of the leanest plan.
        required: u64,
        /// Bytes allowed.
        limit: u64,
    },
    /// A split that was made for another number of classes.
    #[error("the split is for {actual} padded classes, the layout has {expected}")]
    SplitPeriod {
        /// Padded classes of the layout.
        expected: usize,
        /// Padded classes of the split.
        actual: usize,
    },
    /// Copies, rotations or sums that were made by another split.
    #[error("made by {actual:?}, needed by {expected:?}")]
    SplitMismatch {
        /// The split of the product.
        expected: Split,
        /// The split of its operand.
        actual: Split,
    },
}

/// log₂ of the largest ring degree that plans take.
pub(crate) const LARGEST_LOG_N: u32 = 16;

/// log₂ of the ring degree with so many slots.
fn log_n(slots: usize) -> u32 {
    slots.checked_ilog2().map_or(0, |log2| log2 + 1)
}

/// What would have enough slots: a ring that is in use.
fn sufficient_slots(required: usize) -> String {
    match log_n(required) {
        log_n if log_n <= LARGEST_LOG_N => format!("{required} (log N = {log_n}) would do"),
        _ => "no ring in use has as many as are needed: fewer classes would do".to_owned(),
    }
}

/// Bytes in powers of 1000, rounded up: a limit of what is shown suffices.
fn size(bytes: u64) -> String {
    match bytes as f64 {
        few if few < 1e6 => format!("{} bytes", grouped(bytes)),
        bytes if bytes < 1e9 => format!("{:.1} MB", (bytes / 1e5).ceil() / 10.0),
        bytes if bytes < 1e12 => format!("{:.2} GB", (bytes / 1e7).ceil() / 100.0),
        bytes => {
            let hundredths = (bytes / 1e10).ceil() as u64;
            format!("{}.{:02} TB", grouped(hundredths / 100), hundredths % 100)
        }
    }
}

/// A number with commas between thousands, as messages show it: `7,812,500`.
#[must_use]
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let parts: Vec<&str> =
        digits.as_bytes().rchunks(3).rev().filter_map(|part| str::from_utf8(part).ok()).collect();
    parts.join(",")
}

/// What would have enough levels.
fn sufficient(log_n: Option<u32>) -> String {
    log_n.map_or_else(|| "no ring in use has as many".to_owned(), |log_n| format!("log N = {log_n} would do"))
}

/// Refuses a list of another length than the layout has.
pub(crate) fn check_length(expected: usize, actual: usize) -> Result<(), Error> {
    if expected == actual { Ok(()) } else { Err(Error::Length { expected, actual }) }
}

/// Refuses a matrix of another shape than the layout has.
pub(crate) fn check_shape(expected: [usize; 2], actual: &[usize]) -> Result<(), Error> {
    if expected == actual {
        Ok(())
    } else {
        Err(Error::ArrayShape { expected, actual: [actual[0], actual[1]] })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_readable_and_suffice() {
        let sizes = [1000, 407_011_328, 1_204_059_780, 225_000_000_001, 1_023_861_540_000_000].map(size);
        assert_eq!(sizes, ["1,000 bytes", "407.1 MB", "1.21 GB", "225.01 GB", "1,023.87 TB"]);
        assert_eq!([0, 999, 1_000, 7_812_500].map(grouped), ["0", "999", "1,000", "7,812,500"]);
    }

    #[test]
    fn no_ring_is_proposed_that_plans_do_not_take() {
        let refusal = |required| Error::TooFewSlots { slots: 1 << 8, required }.to_string();
        assert!(refusal(1 << 15).ends_with("32768 (log N = 16) would do"));
        let larger = refusal(1 << 17);
        assert!(!larger.contains("18") && larger.ends_with("fewer classes would do"), "{larger}");
    }
}
