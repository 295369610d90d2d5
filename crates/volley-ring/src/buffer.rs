//! Buffers of residues that are used again.
//!
//! A polynomial at N = 2^15 has megabytes, and the operating system hands out and takes back fresh pages of that size at
//! a cost near that of a transform. Dropped buffers are therefore kept for the next polynomial of their size, up to a total
//! of [`MAX_IDLE_BYTES`] in the process; those unused for longest go first.
//!
//! What a buffer held stays in it: secret polynomials are wiped before they are dropped
//! ([`Zeroizing`](zeroize::Zeroizing)).

use std::collections::VecDeque;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{LazyLock, Mutex, PoisonError};

use zeroize::Zeroize;

/// Most bytes that unused buffers hold.
const MAX_IDLE_BYTES: usize = 1 << 28;

static POOL: LazyLock<Mutex<Pool>> = LazyLock::new(Mutex::default);

/// Unused buffers, the longest unused first.
#[derive(Default)]
struct Pool {
    idle: VecDeque<Vec<u64>>,
    idle_bytes: usize,
}

impl Pool {
    fn take(&mut self, length: usize) -> Option<Vec<u64>> {
        let position = self.idle.iter().rposition(|words| words.capacity() == length)?;
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

fn byte_count(words: &Vec<u64>) -> usize {
    size_of::<u64>() * words.capacity()
}

/// A vector of words that returns to the pool when dropped.
#[derive(PartialEq, Eq)]
pub(crate) struct Buffer(Vec<u64>);

impl Buffer {
    /// `length` words of any content, for a caller that overwrites all of them.
    pub(crate) fn stale(length: usize) -> Self {
        let unused = POOL.lock().unwrap_or_else(PoisonError::into_inner).take(length);
        let Some(mut words) = unused else { return Self(vec![0; length]) };
        words.resize(length, 0);
        Self(words)
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
        self.0.truncate(length);
    }
}

impl From<Vec<u64>> for Buffer {
    fn from(words: Vec<u64>) -> Self {
        Self(words)
    }
}

impl Deref for Buffer {
    type Target = [u64];

    fn deref(&self) -> &[u64] {
        &self.0
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [u64] {
        &mut self.0
    }
}

impl Clone for Buffer {
    fn clone(&self) -> Self {
        Self::copy_of(self)
    }
}

impl Zeroize for Buffer {
    /// Wipes all words. A secret is never truncated before.
    fn zeroize(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

/// Length only: words may be secret.
impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buffer({})", self.0.len())
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        let words = std::mem::take(&mut self.0);
        if words.capacity() > 0 {
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
            drop(Buffer::from(vec![7; length]));
            assert_eq!(Buffer::stale(length).len(), length);
            assert!(Buffer::zero(length).iter().all(|&word| word == 0));
            let mut short = Buffer::stale(length);
            short.truncate(length / 2);
            drop(short);
            assert_eq!(Buffer::stale(length).len(), length);
        }
    }

    #[test]
    fn a_wiped_buffer_comes_back_as_zeros() {
        let mut secret = Buffer::from(vec![7; 54_321]);
        secret.zeroize();
        drop(secret);
        assert!(Buffer::stale(54_321).iter().all(|&word| word == 0));
    }
}
