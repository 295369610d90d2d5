//! What memcheck is told.

use std::convert::Infallible;
use std::error::Error;

use crabgrind::memcheck::{MemState, mark_mem, vbits};
use crabgrind::{RunMode, run_mode};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng, TryCryptoRng, TryRng};

/// Refuses to run without valgrind, which alone understands the rest.
pub(crate) fn require_valgrind() -> Result<(), &'static str> {
    if run_mode() == RunMode::Valgrind { Ok(()) } else { Err("this is for scripts/constant_time.sh") }
}

/// Declares values secret.
pub(crate) fn secret<T>(values: &mut [T]) {
    mark(values, MemState::Undefined);
}

/// Declares values public, which must have been secret, at least in part.
pub(crate) fn publish<T>(what: &str, values: &mut [T]) -> Result<(), Box<dyn Error>> {
    let (address, length) = (values.as_mut_ptr().cast(), size_of_val(values));
    let mut undefined = vec![0_u8; length];
    vbits(address, undefined.as_mut_ptr(), length)?;
    if undefined.iter().all(|&bits| bits == 0) {
        return Err(format!("{what}: nothing was secret in it").into());
    }
    mark(values, MemState::Defined);
    Ok(())
}

fn mark<T>(values: &mut [T], state: MemState) {
    // The request answers −1 where it was heard, which this version of the crate takes for a failure.
    let _ = mark_mem(values.as_mut_ptr().cast(), size_of_val(values), state);
}

/// A generator of which the library draws keys in pairs: one for what is public, one for what is secret.
pub(crate) struct Generator {
    numbers: ChaCha20Rng,
    draws: usize,
}

impl Generator {
    pub(crate) fn new() -> Self {
        Self { numbers: ChaCha20Rng::seed_from_u64(1), draws: 0 }
    }
}

impl TryRng for Generator {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        unreachable!("the library draws keys only")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        unreachable!("the library draws keys only")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.numbers.fill_bytes(bytes);
        self.draws += 1;
        if self.draws.is_multiple_of(2) {
            secret(bytes);
        }
        Ok(())
    }
}

impl TryCryptoRng for Generator {}
