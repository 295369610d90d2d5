//! The programs that train one model together.

use std::ops::Range;

use crate::failure::Failure;

/// The programs that train one model together, as one of them sees them: a *rank*. Each has a share of the rows. All
/// make the same steps, and rank 0 writes the models and the checkpoint.
///
/// All ranks call the same methods in the same order, and each call waits for the others. A program that ends without
/// the others has to end them as well.
pub trait Team {
    /// Which one this is, from 0.
    fn rank(&self) -> usize;

    /// How many there are, at least one and at most [`MAX_SUMMANDS`](volley_mlr::wire::MAX_SUMMANDS).
    fn size(&self) -> usize;

    /// The name of this machine.
    fn host(&self) -> String;

    /// What each rank says, by rank.
    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>>;

    /// What rank 0 says. The others say nothing.
    fn broadcast(&self, said: Vec<u8>) -> Vec<u8>;

    /// Adds up the words of all ranks, modulo 2^64: those of this rank's part are the sums afterwards, and all others
    /// may be anything. All ranks have equally many slices, of the same lengths. `parts` are the slices of each rank,
    /// one part after the other.
    fn scatter_sums(&self, words: &mut [&mut [u64]], parts: &[Range<usize>]);
}

/// A program that trains alone.
#[derive(Clone, Copy, Debug)]
pub struct Alone;

impl Team for Alone {
    fn rank(&self) -> usize {
        0
    }

    fn size(&self) -> usize {
        1
    }

    fn host(&self) -> String {
        "this machine".to_owned()
    }

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        vec![said.to_owned()]
    }

    fn broadcast(&self, said: Vec<u8>) -> Vec<u8> {
        said
    }

    fn scatter_sums(&self, _: &mut [&mut [u64]], _: &[Range<usize>]) {}
}

/// Why a rank has no result.
#[derive(Debug)]
pub enum TeamFailure {
    /// All ranks know, and end with the same.
    Agreed(Failure),
    /// This rank alone knows: the others wait for it, and have to be ended.
    Own(Failure),
}

impl TeamFailure {
    /// The failure, whoever knows.
    #[must_use]
    pub fn into_failure(self) -> Failure {
        match self {
            Self::Agreed(failure) | Self::Own(failure) => failure,
        }
    }
}

impl<E: Into<Failure>> From<E> for TeamFailure {
    fn from(error: E) -> Self {
        Self::Own(error.into())
    }
}
