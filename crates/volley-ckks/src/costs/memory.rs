//! How much memory a server takes.

use volley_ring::MAX_IDLE_BYTES;

use crate::base::params::Parameters;
use crate::rlwe::keys::KeySpec;

/// The program, the stacks of its threads, and what an allocator holds beside what was asked for.
const PROGRAM_BYTES: u64 = 1 << 25;

/// The most bytes that a server takes at any time, part by part. They cover a process that trains, and one in which the
/// owner makes keys and encrypts as well.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// Evaluation keys, packed, with their uniform halves and permutations expanded.
    pub keys: u64,
    /// The upload with its uniform halves as seeds, which it is expanded from.
    pub upload: u64,
    /// Ciphertexts alive at the same time on one thread: expanded upload, copies, intermediate results, one key switch.
    pub ciphertexts: u64,
    /// Plaintexts that are encoded once and kept, such as the matrices of a bootstrapping.
    pub encoded: u64,
    /// The scratch memory of the key switches of all threads but one.
    pub scratch: u64,
    /// Unused buffers, which are kept for later polynomials. They come from dropped ciphertexts, so they are no more
    /// than the bytes of `ciphertexts`, and no more than the ring keeps.
    pub idle: u64,
    /// The program itself, with twiddle factors and roots of unity.
    pub program: u64,
}

impl Memory {
    /// What a circuit takes on one thread that needs these keys, has so many bytes of ciphertexts alive at most, and
    /// keeps so many bytes of an upload and of encoded plaintexts.
    #[must_use]
    pub fn new(parameters: &Parameters, keys: &KeySpec, ciphertexts: u64, upload: u64, encoded: u64) -> Self {
        Self {
            keys: keys.memory_bytes(),
            upload,
            ciphertexts,
            encoded,
            scratch: 0,
            idle: ciphertexts.min(MAX_IDLE_BYTES as u64),
            program: PROGRAM_BYTES + table_bytes(parameters),
        }
    }

    /// All parts together.
    #[must_use]
    pub fn total(&self) -> u64 {
        let Self { keys, upload, ciphertexts, encoded, scratch, idle, program } = *self;
        [keys, upload, ciphertexts, encoded, idle, program].into_iter().sum::<u64>().saturating_add(scratch)
    }
}

/// Bytes of tables: for each prime the powers of ψ and ψ⁻¹, each with its quotient; for the encoder N complex roots.
fn table_bytes(parameters: &Parameters) -> u64 {
    let primes = parameters.q().len() + parameters.p().len();
    (parameters.degree() * (32 * primes + 16)) as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arithmetic::Arithmetic;
    use crate::backends::simulator::Simulator;
    use crate::testing::parameters;

    #[test]
    fn memory_is_that_of_a_simulation_and_no_more_is_idle_than_the_ring_keeps() {
        let parameters = parameters(10, 3);
        let simulator = Simulator::new(&parameters);
        let input = simulator.input(&parameters.scale(), 3).unwrap();
        simulator.rotate(&input, 1).unwrap();
        let (keys, peak) = (simulator.key_spec(), simulator.peak_memory_bytes());
        let memory = Memory::new(&parameters, &keys, peak, simulator.upload().memory_bytes, 1000);
        assert_eq!(memory.keys, simulator.key_spec().memory_bytes());
        assert_eq!((memory.upload, memory.encoded), (simulator.upload().memory_bytes, 1000));
        assert_eq!((memory.ciphertexts, memory.scratch), (simulator.peak_memory_bytes(), 0));
        assert_eq!(memory.idle, memory.ciphertexts);
        let parts =
            [memory.keys, memory.upload, memory.ciphertexts, memory.encoded, memory.idle, memory.program];
        assert_eq!(memory.total(), parts.iter().sum());
    }
}
