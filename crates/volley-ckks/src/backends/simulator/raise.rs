//! Raising the modulus without ciphertexts.

use super::{SimulatedCiphertext, Simulator};
use crate::arithmetic::bootstrap::BootstrapArithmetic;
use crate::arithmetic::counts::Operation;
use crate::base::error::Error;

impl BootstrapArithmetic for Simulator {
    fn raise(&self, a: &SimulatedCiphertext, level: usize) -> Result<SimulatedCiphertext, Error> {
        let operand = a.operand.raised(&self.parameters, level)?;
        self.need(|keys| keys.need_raising(level));
        self.counters.add(Operation::Raising, level, 1);
        let raised = self.ciphertext(operand.clone());
        let _scratch = self.key_switch_scratch(&[Operation::Raising], &raised.operand);
        Ok(self.ciphertext(operand))
    }
}
