//! Buffers of residues that are used again.
//!
//! A polynomial at N = 2^15 has megabytes. Getting fresh pages of that size from the operating system, and giving them
//! back, costs nearly as much as a transform. Dropped buffers are therefore kept for the next polynomial of about their
//! size, up to a total of [`MAX_IDLE_BYTES`] in the process. The buffer that was unused for longest is freed first.
//!
//! What a buffer held stays in it: secret polynomials are wiped before they are dropped
//! ([`Zeroizing`](zeroize::Zeroizing)).

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::sync::{LazyLock, Mutex, PoisonError};

use zeroize::Zeroize;

/// Most bytes that unused buffers hold in a process, beside those in use.
pub const MAX_IDLE_BYTES: usize = 1 << 28;

/// A buffer may serve for fewer words than it has: for each so many words in use at most one is left over. Polynomials
/// lose a limb or two with every level.
const MAX_EXCESS: usize = 4;

/// Words of a cache line.
const LINE_WORDS: usize = 8;

static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

/// Unused buffers, the longest unused first.
#[derive(Default)]
struct Pool {
    idle: VecDeque<Vec<u64>>,
    idle_bytes: usize,
}

impl Pool {
    /// The shortest buffer that is long enough and not too long; among equals the one used last.
    fn take(&mut self, length: usize) -> Option<Vec<u64>> {
        let lengths = length..=length + length / MAX_EXCESS;
        let unused = self.idle.iter().map(Vec::len).enumerate().rev();
        let (position, _) =
            unused.filter(|(_, idle)| lengths.contains(idle)).min_by_key(|&(_, idle)| idle)?;
        let words = self.idle.remove(position)?;
        self.idle_bytes -= byte_count(&words);
        Some(words)
    }

    fn give(&mut self, words: Vec<u64>) {
        self.idle_bytes += byte_count(&words);
        self.idle.push_back(words);
        while self.idle_bytes > MAX_IDLE_BYTES
            && let Some(oldest) = self.idle.pop_front()
        {
            self.idle_bytes -= byte_count(&oldest);
        }
    }
}

fn byte_count(words: &[u64]) -> usize {
    size_of_val(words)
}

/// Words that return to the pool when dropped, if they came from it.
///
/// Words of the pool begin with a cache line. A vector of the largest registers is one line, and a vector that crosses
/// lines takes two accesses.
pub(crate) struct Buffer {
    words: Vec<u64>,
    range: Range<usize>,
    /// Whether the words came from the pool. Other vectors have lengths that nobody asks the pool for, and would fill
    /// it.
    pooled: bool,
}

impl Buffer {
    /// `length` words of any content, for a caller that overwrites all of them.
    pub(crate) fn stale(length: usize) -> Self {
        let capacity = length + LINE_WORDS - 1;
        let unused = POOL.lock().unwrap_or_else(PoisonError::into_inner).take(capacity);
        let words = unused.unwrap_or_else(|| vec![0; capacity]);
        // Words are aligned to themselves, so that a line begins with one of the first eight.
        let start = words.as_ptr().align_offset(LINE_WORDS * size_of::<u64>()).min(LINE_WORDS - 1);
        Self { words, range: start..start + length, pooled: true }
    }

    /// `length` zeros.
    pub(crate) fn zero(length: usize) -> Self {
        let mut buffer = Self::stale(length);
        buffer.fill(0);
        buffer
    }

    /// A copy of some words.
    pub(crate) fn copy_of(words: &[u64]) -> Self {
        let mut buffer = Self::stale(words.len());
        buffer.copy_from_slice(words);
        buffer
    }

    /// Forgets all words but the first `length`.
    pub(crate) fn truncate(&mut self, length: usize) {
        self.range.end = self.range.end.min(self.range.start + length);
    }
}

impl From<Vec<u64>> for Buffer {
    fn from(words: Vec<u64>) -> Self {
        let range = 0..words.len();
        Self { words, range, pooled: false }
    }
}

impl Deref for Buffer {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.words[self.range.clone()]
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.words[self.range.clone()]
    }
}

impl PartialEq for Buffer {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl Eq for Buffer {}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl Zeroize for Buffer {
    /// Wipes all words.
    fn zeroize(&mut self) {
        self.words.as_mut_slice().zeroize();
    }
}

/// Length only: words may be secret.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.len())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let words = std::mem::take(&mut self.words);
        if self.pooled {
            POOL.lock().unwrap_or_else(PoisonError::into_inner).give(words);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_have_the_length_asked_for_whatever_was_returned() {
        for length in [0, 1, 1000, 12_345] {
            Buffer::stale(length).fill(7);
            drop(Buffer::from(vec![7; length]));
            assert!(Buffer::stale(length).as_ptr().addr().is_multiple_of(64));
            assert_eq!(Buffer::stale(length).len(), length);
            assert!(Buffer::zero(length).iter().all(|&word| word == 0));
            let mut short = Buffer::stale(length);
            short.truncate(length / 2);
            drop(short);
            assert_eq!(Buffer::stale(length).len(), length);
        }
    }

    #[test]
    fn the_shortest_buffer_that_does_is_taken() {
        let mut pool = Pool::default();
        for length in [1000, 900, 1100, 700] {
            pool.give(vec![length; length as usize]);
        }
        let mut taken = |length| pool.take(length).map(|words| words.len());
        assert_eq!([850, 850, 850, 850].map(&mut taken), [Some(900), Some(1000), None, None]);
        assert_eq!([1101, 1000, 560, 500].map(&mut taken), [None, Some(1100), Some(700), None]);
        assert_eq!((pool.idle.len(), pool.idle_bytes), (0, 0));
    }

    #[test]
    fn vectors_from_elsewhere_do_not_fill_the_pool() {
        let idle = |length| {
            let pool = POOL.lock().unwrap();
            pool.idle.iter().any(|words| words.len() == length)
        };
        drop(Buffer::from(vec![7; 65_432]));
        drop(Buffer::stale(65_433));
        assert!(!idle(65_432) && idle(65_433 + LINE_WORDS - 1));
    }

    #[test]
    fn a_wiped_buffer_comes_back_as_zeros() {
        let mut secret = Buffer::stale(54_321);
        secret.fill(7);
        secret.zeroize();
        drop(secret);
        assert!(Buffer::stale(54_321).iter().all(|&word| word == 0));
    }
}
