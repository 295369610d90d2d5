//! Key switching: gadget decomposition, inner product with a key, division by P.
//!
//! A polynomial x at level l is cut into digits (one ModUp each), the digits are multiplied with the key modulo
//! Q_l·P, and the sum is divided by P (see [`crate::keys::KeySwitchingKey`]). Hoisting (Halevi and Shoup, eprint
//! 2018/244) keeps the digits of one ciphertext for many rotations: since the automorphism is applied last, to the
//! result, they serve every rotation as they are.
//!
//! With d digits, k special primes and l + 1 limbs: l + 1 inverse and d·(l + 1 + k) − (l + 1) forward transforms for
//! the decomposition, 2d products of l + 1 + k limbs, and 2k inverse and 2(l + 1) forward transforms for the division.

use volley_ring::{Eval, RnsPoly};

use super::Evaluator;
use crate::keys::{GaloisKey, KeySwitchingKey};
use crate::{Ciphertext, Context};

impl Evaluator {
    /// The gadget digits of a polynomial, modulo Q_level·P: for several key switches of one polynomial.
    pub(super) fn decompose(&self, poly: &RnsPoly<Eval>, level: usize) -> Vec<RnsPoly<Eval>> {
        self.context.gadget(level).decompose(poly)
    }

    /// Σ digitⱼ·keyⱼ modulo Q_level·P.
    fn inner_product(
        &self,
        digits: &[RnsPoly<Eval>],
        key: &KeySwitchingKey,
        level: usize,
    ) -> [RnsPoly<Eval>; 2] {
        let terms: Vec<_> =
            digits.iter().zip(key.digits()).map(|(digit, key)| (digit, key.each_ref())).collect();
        self.context.qp(level).sum_of_pairs(&terms, Context::key_limb(level, key.level()))
    }

    /// Σ digitⱼ·keyⱼ modulo Q_level·P for the digits of a polynomial that is switched once.
    pub(super) fn switch(
        &self,
        poly: &RnsPoly<Eval>,
        key: &KeySwitchingKey,
        level: usize,
    ) -> [RnsPoly<Eval>; 2] {
        let limb_of = Context::key_limb(level, key.level());
        self.context.gadget(level).sum_of_pairs(poly, key.digits(), limb_of)
    }

    /// σ(c₀ + switched c₁), for the digits of c₁ and the key of σ.
    pub(super) fn apply_hoisted(
        &self,
        a: &Ciphertext,
        digits: &[RnsPoly<Eval>],
        galois: &GaloisKey,
    ) -> Ciphertext {
        self.finish_galois(a, &self.inner_product(digits, &galois.key, a.level()), galois)
    }

    /// σ(c₀ + switched c₁), with c₁ switched modulo Q_level·P.
    pub(super) fn finish_galois(
        &self,
        a: &Ciphertext,
        switched: &[RnsPoly<Eval>; 2],
        galois: &GaloisKey,
    ) -> Ciphertext {
        let division = self.context.mod_down(a.level());
        let part = |index: usize, summand| {
            division.apply_automorphism(&switched[index], summand, &galois.automorphism)
        };
        self.ciphertext(a.operand.clone(), [part(0, Some(&a.parts[0])), part(1, None)])
    }
}
