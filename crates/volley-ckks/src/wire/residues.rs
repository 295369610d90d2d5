//! Polynomials, packed: a residue modulo q takes ⌈log₂ q⌉ bits.
//!
//! A limb of N residues is a string of N·⌈log₂ q⌉ bits, residue j from bit j·⌈log₂ q⌉ on, lowest bit first; bit k of
//! the string is bit k mod 8 of byte ⌊k/8⌋. N is a multiple of 16, so limbs end at whole bytes. Limbs follow one
//! another in the order of the basis ([`PackedPoly`]).

use std::io::{Read, Write};

use volley_ring::{Eval, PackedPoly, ResidueError, RnsBasis, RnsPoly};

use super::error::WireError;
use super::stream::{BodyReader, BodyWriter};

pub(super) fn write_poly(
    body: &mut BodyWriter<impl Write>,
    poly: &RnsPoly<Eval>,
    primes: impl Iterator<Item = u64>,
) -> Result<(), WireError> {
    body.bytes(PackedPoly::pack(poly, primes).bytes())
}

pub(super) fn read_poly(
    body: &mut BodyReader<impl Read>,
    basis: &RnsBasis,
) -> Result<RnsPoly<Eval>, WireError> {
    Ok(read_packed(body, basis)?.unpack())
}

pub(super) fn read_packed(
    body: &mut BodyReader<impl Read>,
    basis: &RnsBasis,
) -> Result<PackedPoly, WireError> {
    body.claim(basis.packed_bytes() as u64)?;
    let mut bytes = vec![0; basis.packed_bytes()];
    body.fill(&mut bytes)?;
    packed(basis, bytes)
}

/// The polynomial with these bytes, as many as the basis has.
pub(super) fn packed(basis: &RnsBasis, bytes: Vec<u8>) -> Result<PackedPoly, WireError> {
    basis.packed(bytes).map_err(|error| match error {
        ResidueError::Range { residue, modulus } => WireError::ResidueRange { residue, modulus },
        ResidueError::Count { .. } => WireError::Malformed,
    })
}
