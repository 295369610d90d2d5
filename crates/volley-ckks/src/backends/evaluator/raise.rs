//! Raising the modulus of a ciphertext, under an ephemeral sparse secret.

use volley_ring::{DigitSum, Digits, Eval, RnsPoly, convert_basis};

use super::Evaluator;
use crate::arithmetic::bootstrap::BootstrapArithmetic;
use crate::arithmetic::counts::Operation;
use crate::base::error::Error;
use crate::rlwe::keys::RaisingKeys;
use crate::scheme::ciphertext::Ciphertext;

impl BootstrapArithmetic for Evaluator {
    fn raise(&self, a: &Ciphertext, level: usize) -> Result<Ciphertext, Error> {
        self.check(&[a])?;
        let operand = a.operand.raised(self.context.parameters(), level)?;
        let keys = self.keys.raising(level)?;
        self.counters.add(Operation::Raising, level, 1);
        let raised = self.encapsulated(a, keys).map(|part| self.raised(part, level));
        let digits = Digits::new(self.context.gadget(level), &raised[1]);
        let sum = self.switched(digits, (&keys.from_ephemeral, level), [Some(&raised[0]), None]);
        Ok(self.ciphertext(operand, self.context.mod_down(level).apply_to_sum(&sum, None)))
    }
}

impl Evaluator {
    /// The parts of `a` modulo q₀, under the ephemeral secret.
    fn encapsulated(&self, a: &Ciphertext, keys: &RaisingKeys) -> [RnsPoly<Eval>; 2] {
        let context = self.context.ephemeral();
        let [c0, c1] = a.parts.each_ref().map(|part| part.prefix(context.parameters().limbs(0)));
        let sum = DigitSum {
            digits: Digits::new(context.gadget(0), &c1),
            pairs: keys.to_ephemeral.digits(),
            limb_of: |limb| limb,
            summands: [Some(&c0), None],
            factor: context.special_product(0),
        };
        context.mod_down(0).apply_to_sum(&sum, None)
    }

    /// The centred representative modulo q₀, modulo Q_level.
    fn raised(&self, part: RnsPoly<Eval>, level: usize) -> RnsPoly<Eval> {
        let (bottom, top) = (self.context.q(0), self.context.q(level));
        top.forward(convert_basis(bottom, top, &bottom.inverse(part), true))
    }
}
