//! Key switching: gadget decomposition, inner product with a key, division by P.
//!
//! A polynomial x at level l is cut into digits (one ModUp each), the digits are multiplied with the key modulo
//! Q_l·P, and the sum is divided by P (see [`crate::keys::KeySwitchingKey`]). Hoisting (Halevi and Shoup, eprint
//! 2018/244) keeps the digits of one ciphertext for many rotations: since the automorphism is applied last, to the
//! result, they serve every rotation as they are.
//!
//! With d digits, k special primes and l + 1 limbs: l + 1 inverse and d·(l + 1 + k) − (l + 1) forward transforms for
//! the decomposition, 2d products of l + 1 + k limbs, and 2k inverse and 2(l + 1) forward transforms for the division.

use volley_ring::{Automorphism, DigitSum, Digits, Eval, RnsPoly, RoundedDivision};

use super::Evaluator;
use crate::keys::{GaloisKey, KeySwitchingKey};
use crate::{Ciphertext, TensorCiphertext};

impl Evaluator {
    /// The gadget digits of a polynomial, modulo Q_level·P: for several key switches of one polynomial.
    pub(super) fn decompose(&self, poly: &RnsPoly<Eval>, level: usize) -> Vec<RnsPoly<Eval>> {
        self.context.gadget(level).decompose(poly)
    }

    /// The digits of a polynomial that is switched once.
    pub(super) fn digits<'a>(&'a self, poly: &'a RnsPoly<Eval>, level: usize) -> Digits<'a> {
        Digits::new(self.context.gadget(level), poly)
    }

    /// σ(⌊(Σ digitⱼ·keyⱼ + P·(x, y))/D⌉): for D = P the summands x and y are added to the switched polynomial, and for
    /// D = P·q_level the sum is rescaled as well.
    fn switch_and_divide(
        &self,
        digits: Digits<'_>,
        (key, level): (&KeySwitchingKey, usize),
        summands: [Option<&RnsPoly<Eval>>; 2],
        division: &RoundedDivision,
        automorphism: Option<&Automorphism>,
    ) -> [RnsPoly<Eval>; 2] {
        let sum = DigitSum {
            digits,
            pairs: key.digits(),
            limb_of: self.context.key_limb(level, key.level()),
            summands,
            factor: self.context.special_product(level),
        };
        division.apply_to_sum(&sum, automorphism)
    }

    /// σ(c₀ + switched c₁), for the digits of c₁ and the key of σ.
    pub(super) fn switch_galois(&self, a: &Ciphertext, digits: Digits<'_>, galois: &GaloisKey) -> Ciphertext {
        let (level, summands) = (a.level(), [Some(&a.parts[0]), None]);
        let (key, division) = ((&galois.key, level), self.context.mod_down(level));
        let parts = self.switch_and_divide(digits, key, summands, division, Some(&galois.automorphism));
        self.ciphertext(a.operand.clone(), parts)
    }

    /// (d₀, d₁) plus the switched d₂, divided.
    pub(super) fn switch_tensor(
        &self,
        a: &TensorCiphertext,
        key: &KeySwitchingKey,
        division: &RoundedDivision,
    ) -> [RnsPoly<Eval>; 2] {
        let [d0, d1, d2] = &a.parts;
        let digits = self.digits(d2, a.level());
        self.switch_and_divide(digits, (key, a.level()), [Some(d0), Some(d1)], division, None)
    }
}
