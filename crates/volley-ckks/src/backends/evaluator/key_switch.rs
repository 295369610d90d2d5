//! Key switching: gadget decomposition, inner product with a key, division by P.
//!
//! A polynomial x at level l is cut into digits (one ModUp each), the digits are multiplied with the key modulo
//! Q_l·P, and the sum is divided by P (see [`crate::keys::KeySwitchingKey`]). Hoisting (Halevi and Shoup, eprint
//! 2018/244) keeps the digits of one ciphertext for many rotations: since the automorphism is applied last, to the
//! result, they serve every rotation as they are.
//!
//! With d digits, k special primes and l + 1 limbs: l + 1 inverse and d·(l + 1 + k) − (l + 1) forward transforms for
//! the decomposition, 2d products of l + 1 + k limbs, and 2k inverse and 2(l + 1) forward transforms for the division.

use volley_ring::{DigitSum, Digits, Eval, RnsPoly, RoundedDivision};

use super::Evaluator;
use crate::rlwe::keys::{GaloisKey, KeySwitchingKey};
use crate::scheme::ciphertext::{Ciphertext, TensorCiphertext};

impl Evaluator {
    /// The gadget digits of a polynomial, modulo Q_level·P: for several key switches of one polynomial.
    pub(super) fn decompose(&self, poly: &RnsPoly<Eval>, level: usize) -> Vec<RnsPoly<Eval>> {
        self.context.gadget(level).decompose(poly)
    }

    /// Σ digitⱼ·keyⱼ + P·(x, y). Divided by D = P it adds the summands x and y to the switched polynomial. Divided by P
    /// and the primes of the level it rescales the sum as well.
    pub(super) fn switched<'a>(
        &'a self,
        digits: Digits<'a>,
        (key, level): (&'a KeySwitchingKey, usize),
        summands: [Option<&'a RnsPoly<Eval>>; 2],
    ) -> DigitSum<'a, impl Fn(usize) -> usize + Sync> {
        let limb_of = self.context.key_limb(level, key.level());
        DigitSum {
            digits,
            pairs: key.digits(),
            limb_of,
            summands,
            factor: self.context.special_product(level),
        }
    }

    /// σ(c₀ + switched c₁), for the key of σ.
    pub(super) fn switch_galois(&self, a: &Ciphertext, galois: &GaloisKey) -> Ciphertext {
        let digits = Digits::new(self.context.gadget(a.level()), &a.parts[1]);
        let sum = self.switched(digits, (&galois.key, a.level()), [Some(&a.parts[0]), None]);
        let parts = self.context.mod_down(a.level()).apply_to_sum(&sum, Some(&galois.automorphism));
        self.ciphertext(a.operand.clone(), parts)
    }

    /// σ(c₀ + switched c₁) for each key of a σ, and the digits of c₁.
    pub(super) fn switch_hoisted<'a>(
        &'a self,
        a: &'a Ciphertext,
        digits: &'a [RnsPoly<Eval>],
        keys: impl Iterator<Item = &'a GaloisKey>,
    ) -> impl Iterator<Item = Ciphertext> {
        let sum = |galois: &'a GaloisKey| {
            self.switched(Digits::raised(digits), (&galois.key, a.level()), [Some(&a.parts[0]), None])
        };
        let sums: Vec<_> = keys.map(|galois| (sum(galois), Some(&galois.automorphism))).collect();
        let parts = self.context.mod_down(a.level()).apply_to_sums(&sums);
        parts.into_iter().map(|parts| self.ciphertext(a.operand.clone(), parts))
    }

    /// (d₀, d₁) plus the switched d₂, divided.
    pub(super) fn switch_tensor(
        &self,
        a: &TensorCiphertext,
        key: &KeySwitchingKey,
        division: &RoundedDivision,
    ) -> [RnsPoly<Eval>; 2] {
        let [d0, d1, d2] = &a.parts;
        let digits = Digits::new(self.context.gadget(a.level()), d2);
        division.apply_to_sum(&self.switched(digits, (key, a.level()), [Some(d0), Some(d1)]), None)
    }
}
