//! Circuits in clear, and what is counted of them.

use volley_revolver::volley_ckks::keys::conjugation_element;
use volley_revolver::volley_ckks::{
    Arithmetic, ClearCiphertext, ClearSlots, Complex64, Operation, ParametersLiteral, Security,
};

/// The smallest ring for `slots` that has a transform, with so many levels.
pub(crate) fn with_slots(slots: usize, levels: usize) -> ClearSlots {
    let levels = [vec![vec![50]], vec![vec![40]; levels]].concat();
    let literal = ParametersLiteral {
        log_n: (2 * slots).ilog2().max(4),
        levels,
        p_bits: vec![50],
        log_scale: 40,
        security: Security::Unchecked,
    };
    ClearSlots::new(&literal.build().unwrap())
}

/// At the highest level and the default scale.
pub(crate) fn encrypt(clear: &ClearSlots, slots: &[Complex64]) -> ClearCiphertext {
    let parameters = clear.parameters();
    clear.input(slots, &parameters.scale(), parameters.max_level()).unwrap()
}

pub(crate) fn encrypt_all(clear: &ClearSlots, vectors: &[Vec<Complex64>]) -> Vec<ClearCiphertext> {
    vectors.iter().map(|slots| encrypt(clear, slots)).collect()
}

pub(crate) fn values(ciphertexts: &[ClearCiphertext]) -> Vec<Vec<Complex64>> {
    ciphertexts.iter().map(|a| a.values().to_vec()).collect()
}

/// How often each operation was done. A sum of products counts as one product a term, a hoisted rotation once a step.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) rotations: usize,
    pub(crate) hoisted: usize,
    pub(crate) conjugations: usize,
    pub(crate) products: usize,
    pub(crate) relinearizations: usize,
}

impl Counts {
    /// All operations so far.
    pub(crate) fn of(clear: &ClearSlots) -> Self {
        let counts = clear.simulator().counts();
        let total = |operation| counts.total(operation) as usize;
        Self {
            rotations: total(Operation::Rotation),
            hoisted: total(Operation::HoistedRotation),
            conjugations: total(Operation::Conjugation),
            products: total(Operation::Product),
            relinearizations: total(Operation::Relinearization),
        }
    }
}

/// Counts from one look to the next.
#[derive(Debug)]
pub(crate) struct Meter<'a> {
    clear: &'a ClearSlots,
    last: Counts,
}

impl<'a> Meter<'a> {
    pub(crate) fn new(clear: &'a ClearSlots) -> Self {
        Self { clear, last: Counts::of(clear) }
    }

    /// The operations since the last call.
    pub(crate) fn take(&mut self) -> Counts {
        let (last, now) = (self.last, Counts::of(self.clear));
        self.last = now;
        Counts {
            rotations: now.rotations - last.rotations,
            hoisted: now.hoisted - last.hoisted,
            conjugations: now.conjugations - last.conjugations,
            products: now.products - last.products,
            relinearizations: now.relinearizations - last.relinearizations,
        }
    }
}

/// The different rotations so far: as many Galois keys are needed.
pub(crate) fn rotation_keys(clear: &ClearSlots) -> usize {
    let conjugation = conjugation_element(clear.parameters());
    clear.simulator().key_spec().galois_elements().filter(|&(element, _)| element != conjugation).count()
}
