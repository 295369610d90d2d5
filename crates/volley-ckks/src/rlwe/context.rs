//! Everything that is computed once for a parameter set.

use std::sync::{Arc, OnceLock};

use maybe_rayon::prelude::*;
use volley_ring::sampling::{Domain, Seed, expand_uniform};
use volley_ring::{Automorphism, Eval, Gadget, RnsBasis, RnsPoly, RoundedDivision};

use crate::base::error::Error;
use crate::base::params::Parameters;

/// Limb number of the first special prime in the expansion of seeds.
const SPECIAL_LIMB: u32 = 1 << 16;

/// Bases, transforms and conversion constants of one parameter set. Immutable and shared: every key, encoder and
/// evaluator holds an `Arc` of it.
#[derive(Debug)]
pub struct Context {
    parameters: Parameters,
    levels: Vec<LevelTables>,
    ephemeral: OnceLock<Arc<Self>>,
}

/// What belongs to one level l: Q_l, the product of the primes up to it, alone and with P.
#[derive(Debug)]
pub struct LevelTables {
    q: RnsBasis,
    qp: RnsBasis,
    gadget: Gadget,
    mod_down: RoundedDivision,
    /// Division by the primes of level l, and by them and P at once; none at level 0.
    rescaling: Option<(RoundedDivision, RoundedDivision)>,
    /// P mod qᵢ.
    special_product: Vec<u64>,
}

impl Context {
    /// Computes the tables: tens of milliseconds at N = 2^14, about a second at 2^17.
    ///
    /// # Panics
    ///
    /// Where the environment variable `VOLLEY_BACKEND` names kernels that this processor does not run. A program asks
    /// [`CoreKind::detect`](crate::costs::CoreKind::detect) for that when it begins. Parameters cause no panic, as they
    /// have distinct NTT primes.
    #[must_use]
    pub fn new(parameters: Parameters) -> Arc<Self> {
        let degree = parameters.degree();
        let basis = |primes| RnsBasis::new(degree, primes).expect("parameters have distinct NTT primes");
        let (q, p) = (basis(parameters.q()), basis(parameters.p()));
        let levels = (0..=parameters.max_level())
            .into_par_iter()
            .map(|level| LevelTables::new(&parameters, &q, &p, level))
            .collect();
        Arc::new(Self { parameters, levels, ephemeral: OnceLock::new() })
    }

    /// The parameter set.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The tables of one level, for a backend that computes on polynomials.
    ///
    /// # Errors
    ///
    /// [`Error::LevelRange`] where the level does not exist.
    pub fn level(&self, level: usize) -> Result<&LevelTables, Error> {
        self.check_level(level)?;
        Ok(&self.levels[level])
    }

    /// Tables for the ephemeral secret of bootstrapping, made when they are first asked for.
    pub(crate) fn ephemeral(&self) -> &Arc<Self> {
        if let Some(tables) = self.ephemeral.get() {
            return tables;
        }
        // Made outside the initialisation: a thread that waits for tables may take up work that asks for them too.
        let tables = Self::new(self.parameters.ephemeral());
        self.ephemeral.get_or_init(|| tables)
    }

    pub(crate) fn check_level(&self, level: usize) -> Result<(), Error> {
        let max = self.parameters.max_level();
        if level > max { Err(Error::LevelRange { level, max }) } else { Ok(()) }
    }

    /// The primes up to `level`.
    pub(crate) fn q(&self, level: usize) -> &RnsBasis {
        &self.levels[level].q
    }

    /// The primes up to `level` and the special primes.
    pub(crate) fn qp(&self, level: usize) -> &RnsBasis {
        &self.levels[level].qp
    }

    /// The decomposition of polynomials at `level`.
    pub(crate) fn gadget(&self, level: usize) -> &Gadget {
        &self.levels[level].gadget
    }

    /// Division by P.
    pub(crate) fn mod_down(&self, level: usize) -> &RoundedDivision {
        &self.levels[level].mod_down
    }

    /// Division by the primes of `level`.
    pub(crate) fn rescale(&self, level: usize) -> Result<&RoundedDivision, Error> {
        self.rescaling(level).map(|(rescale, _)| rescale)
    }

    /// Division by P and the primes of `level`.
    pub(crate) fn mod_down_rescale(&self, level: usize) -> Result<&RoundedDivision, Error> {
        self.rescaling(level).map(|(_, merged)| merged)
    }

    fn rescaling(&self, level: usize) -> Result<&(RoundedDivision, RoundedDivision), Error> {
        self.levels[level].rescaling.as_ref().ok_or(Error::LevelExhausted { level, required: 1 })
    }

    /// P modulo each prime of `level`.
    pub(crate) fn special_product(&self, level: usize) -> &[u64] {
        &self.levels[level].special_product
    }

    /// The limb in `qp(key_level)` that has the same prime as limb i of [`qp`](Self::qp)`(level)`.
    pub(crate) fn key_limb(&self, level: usize, key_level: usize) -> impl Fn(usize) -> usize + use<> {
        let (limbs, key_limbs) = (self.parameters.limbs(level), self.parameters.limbs(key_level));
        move |limb| if limb < limbs { limb } else { limb + key_limbs - limbs }
    }

    /// The uniform half of a ciphertext, modulo Q_level.
    pub(crate) fn expand_q(&self, level: usize, seed: &Seed) -> RnsPoly<Eval> {
        expand_uniform(self.q(level), seed, Domain::Ciphertext, 0, |limb| limb as u32)
    }

    /// The uniform half of a key, modulo Q_level·P.
    pub(crate) fn expand_qp(&self, level: usize, seed: &Seed, domain: Domain, digit: u16) -> RnsPoly<Eval> {
        let limbs = self.parameters.limbs(level);
        expand_uniform(self.qp(level), seed, domain, digit, |limb| match limb.checked_sub(limbs) {
            None => limb as u32,
            Some(special) => SPECIAL_LIMB + special as u32,
        })
    }

    /// σ_g for a Galois element of this degree.
    pub(crate) fn automorphism(&self, element: u64) -> Automorphism {
        Automorphism::new(self.parameters.degree(), element).expect("Galois elements are odd and below 2N")
    }
}

impl LevelTables {
    fn new(parameters: &Parameters, q: &RnsBasis, p: &RnsBasis, level: usize) -> Self {
        let limbs = parameters.limbs(level);
        let rescaled = limbs - parameters.level_primes(level).len();
        let (basis, extended) = (q.prefix(limbs), q.prefix_with(limbs, p));
        let digits = parameters.digits()[..parameters.digit_count(level)].iter();
        Self {
            gadget: Gadget::new(&extended, digits.map(|digit| digit.start..digit.end.min(limbs))),
            mod_down: RoundedDivision::new(&extended, limbs),
            rescaling: (level > 0)
                .then(|| (RoundedDivision::new(&basis, rescaled), RoundedDivision::new(&extended, rescaled))),
            special_product: basis.moduli().map(|q| q.product(p.moduli())).collect(),
            q: basis,
            qp: extended,
        }
    }

    /// The primes up to the level: the basis of ciphertexts and plaintexts.
    #[must_use]
    pub fn q(&self) -> &RnsBasis {
        &self.q
    }

    /// The primes up to the level, then the special primes: the basis of keys and of encoded diagonals.
    #[must_use]
    pub fn qp(&self) -> &RnsBasis {
        &self.qp
    }

    /// The decomposition of a polynomial modulo Q_l into digits modulo Q_l·P.
    #[must_use]
    pub fn gadget(&self) -> &Gadget {
        &self.gadget
    }

    /// The division by P, from [`qp`](Self::qp) to [`q`](Self::q).
    #[must_use]
    pub fn mod_down(&self) -> &RoundedDivision {
        &self.mod_down
    }

    /// The division by the primes of the level, from [`q`](Self::q) to that of the level below; none at level 0.
    #[must_use]
    pub fn rescaling(&self) -> Option<&RoundedDivision> {
        self.rescaling.as_ref().map(|(rescaling, _)| rescaling)
    }

    /// The division by P and the primes of the level at once, from [`qp`](Self::qp) to [`q`](Self::q) of the level
    /// below; none at level 0.
    #[must_use]
    pub fn mod_down_rescaling(&self) -> Option<&RoundedDivision> {
        self.rescaling.as_ref().map(|(_, merged)| merged)
    }

    /// P modulo each prime of [`q`](Self::q).
    #[must_use]
    pub fn special_product(&self) -> &[u64] {
        &self.special_product
    }
}
