use std::fmt;
use std::mem::replace;
use std::ops::Range;

use mpi::datatype::PartitionMut;
use mpi::environment::{Universe, processor_name};
use mpi::point_to_point::send_receive_into;
use mpi::topology::{Process, SimpleCommunicator};
use mpi::traits::{Communicator, CommunicatorCollectives, Destination, Root, Source};
use mpi::{Count, Rank, Threading};
use volley_project::Team;

/// Bytes of a piece of a long message: less than what MPIs send at once, without asking whether it is awaited. So a
/// rank sends a piece on while it receives the next one.
const PIECE_BYTES: usize = 60_000;
/// Words that are sent at once around the ring, where they are added while they are in the cache.
const WORDS_AT_ONCE: usize = 1 << 17;
/// Most bytes of each rank that are gathered at once.
const GATHERED_AT_ONCE: usize = 1 << 20;
/// Most bytes of all ranks that are: a message counts them in 31 bits.
const ALL_GATHERED_AT_ONCE: usize = 1 << 30;
/// What an empty message is a part of.
static NOTHING: [u8; 1] = [0];

/// All programs that the launcher of MPI started together, as one of them sees them. MPI is left when it is dropped.
pub struct World {
    communicator: SimpleCommunicator,
    // It is dropped last, as the communicator is of no use without it.
    _universe: Universe,
}

impl World {
    /// Joins the others: once in a program, by the thread that uses the world. A program that no launcher started is
    /// alone in it. `None` where this program has joined before.
    #[must_use]
    pub fn join() -> Option<Self> {
        let (universe, _) = mpi::initialize_with_threading(Threading::Funneled)?;
        Some(Self { communicator: universe.world(), _universe: universe })
    }

    /// Ends all programs of the world with an exit code, whatever they do.
    pub fn abort(&self, code: u8) -> ! {
        self.communicator.abort(code.into())
    }

    fn at(&self, rank: usize) -> Process<'_> {
        self.communicator.process_at_rank(rank as Rank)
    }
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("rank", &self.rank()).field("size", &self.size()).finish()
    }
}

impl Team for World {
    fn rank(&self) -> usize {
        self.communicator.rank() as usize
    }

    fn size(&self) -> usize {
        self.communicator.size() as usize
    }

    fn host(&self) -> String {
        processor_name().unwrap_or_else(|_| "a machine without a name".to_owned())
    }

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        let at_once = GATHERED_AT_ONCE.min(ALL_GATHERED_AT_ONCE / self.size());
        let mut lengths: Vec<u64> = vec![0; self.size()];
        self.communicator.all_gather_into(&(said.len() as u64), &mut lengths[..]);
        let mut answers: Vec<Vec<u8>> =
            lengths.iter().map(|&length| Vec::with_capacity(length as usize)).collect();
        let longest = lengths.iter().max().map_or(0, |&length| length as usize);
        for first in (0..longest).step_by(at_once) {
            let of_round = |length: usize| length.saturating_sub(first).min(at_once);
            let counts: Vec<_> = lengths.iter().map(|&length| of_round(length as usize) as Count).collect();
            let firsts: Vec<_> =
                counts.iter().scan(0, |next, count| Some(replace(next, *next + count))).collect();
            let mut all = vec![0; counts.iter().sum::<Count>() as usize];
            let mut parts = PartitionMut::new(&mut all[..], &counts[..], &firsts[..]);
            let own = &said[first.min(said.len())..][..of_round(said.len())];
            // An empty slice may have the address that MPI takes for "in place".
            let own = if own.is_empty() { &NOTHING[..0] } else { own };
            self.communicator.all_gather_varcount_into(own, &mut parts);
            for (answer, (&first, &count)) in answers.iter_mut().zip(firsts.iter().zip(&counts)) {
                answer.extend_from_slice(&all[first as usize..][..count as usize]);
            }
        }
        answers
    }

    /// Along a chain from rank to rank.
    fn broadcast(&self, mut said: Vec<u8>) -> Vec<u8> {
        let mut length = said.len() as u64;
        self.at(0).broadcast_into(&mut length);
        said.resize(length as usize, 0);
        let (rank, size) = (self.rank(), self.size());
        for piece in said.chunks_mut(PIECE_BYTES) {
            if rank > 0 {
                self.at(rank - 1).receive_into(piece);
            }
            if rank + 1 < size {
                self.at(rank + 1).send(piece);
            }
        }
        said
    }

    /// Along a ring. In each turn a rank sends the sums of one part to the next rank, which adds its words: so all
    /// lines are busy, and carry each word once.
    fn scatter_sums(&self, words: &mut [&mut [u64]], parts: &[Range<usize>]) {
        let (rank, size) = (self.rank(), self.size());
        let (next, previous) = (self.at((rank + 1) % size), self.at((rank + size - 1) % size));
        let mut chunks = chunks_of_parts(words, parts);
        // As many messages in every turn, some of them empty, so that each is awaited.
        let messages = chunks.iter().map(Vec::len).max().unwrap_or(0);
        let mut received = vec![0; WORDS_AT_ONCE];
        for turn in 1..size {
            // The part of rank r begins its way at rank r + 1.
            let sent = std::mem::take(&mut chunks[(rank + size - turn) % size]);
            let added = &mut chunks[(rank + 2 * size - turn - 1) % size];
            for message in 0..messages {
                let from = sent.get(message).map_or(&[][..], |chunk| chunk);
                let to = added.get_mut(message).map_or(&mut [][..], |chunk| chunk);
                let received = &mut received[..to.len()];
                send_receive_into(from, &next, received, &previous);
                to.iter_mut().zip(received).for_each(|(word, other)| *word = word.wrapping_add(*other));
            }
        }
    }
}

/// The words of each part, in pieces that are sent at once.
fn chunks_of_parts<'w>(words: &'w mut [&mut [u64]], parts: &[Range<usize>]) -> Vec<Vec<&'w mut [u64]>> {
    let mut slices = words.iter_mut();
    let of_part = |part: &Range<usize>| {
        slices.by_ref().take(part.len()).flat_map(|slice| slice.chunks_mut(WORDS_AT_ONCE)).collect()
    };
    parts.iter().map(of_part).collect()
}
