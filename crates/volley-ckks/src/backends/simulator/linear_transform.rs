//! Linear transforms without ciphertexts.

use num_complex::Complex64;

use super::{Scratch, SimulatedCiphertext, Simulator};
use crate::arithmetic::Arithmetic;
use crate::arithmetic::counts::Operation;
use crate::arithmetic::linear_transform::{LinearArithmetic, LinearTransform};
use crate::base::error::Error;
use crate::base::galois::rotation_element;
use crate::base::scale::Scale;
use crate::scheme::operand::Operand;

/// A linear transform that is only its plan and the scale of its diagonals.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SimulatedTransform {
    plan: LinearTransform,
    scale: Scale,
}

impl LinearArithmetic for Simulator {
    type Transform = SimulatedTransform;

    fn encode_transform(
        &self,
        plan: &LinearTransform,
        scale: &Scale,
        _: impl Fn(usize) -> Vec<Complex64> + Sync,
    ) -> Result<SimulatedTransform, Error> {
        let Operand { scale, .. } = plan.diagonals(&self.parameters, scale)?;
        Ok(SimulatedTransform { plan: plan.clone(), scale })
    }

    fn transform(
        &self,
        a: &SimulatedCiphertext,
        SimulatedTransform { plan, scale }: &SimulatedTransform,
    ) -> Result<SimulatedCiphertext, Error> {
        let operand = plan.product(&self.parameters, &a.operand, scale)?;
        let level = operand.level;
        self.need(|keys| {
            for steps in plan.rotations() {
                keys.need_galois(rotation_element(&self.parameters, steps), level);
            }
        });
        for (operation, count) in plan.operations() {
            self.counters.add(operation, level, count);
        }
        let _scratch = Scratch::new(&self.memory, plan.scratch_bytes());
        Ok(self.ciphertext(operand))
    }

    fn transform_rescale(
        &self,
        a: &SimulatedCiphertext,
        transform: &SimulatedTransform,
    ) -> Result<SimulatedCiphertext, Error> {
        let SimulatedTransform { plan, scale } = transform;
        let operand = plan.product(&self.parameters, &a.operand, scale)?.rescaled(&self.parameters)?;
        self.transform(a, transform)?;
        Ok(self.ciphertext(operand))
    }

    fn trace(&self, a: &SimulatedCiphertext, slots: usize) -> Result<SimulatedCiphertext, Error> {
        let operand = a.operand.traced(slots)?;
        let mut steps = a.operand.trace_steps(slots);
        steps.try_fold(a.clone(), |sum, steps| self.sum_of_rotations(&sum, &steps))?;
        Ok(self.ciphertext(operand))
    }
}

impl Simulator {
    /// Σ rot(a, s) over `steps`, as the evaluator sums them.
    pub(super) fn sum_of_hoisted(
        &self,
        a: &SimulatedCiphertext,
        steps: &[i64],
    ) -> Result<SimulatedCiphertext, Error> {
        if steps.is_empty() {
            return Err(Error::EmptySum);
        }
        let level = a.operand.level;
        let elements: Vec<_> = steps
            .iter()
            .map(|&steps| a.operand.rotation_element(&self.parameters, steps))
            .filter(|&element| element != 1)
            .collect();
        if !elements.is_empty() {
            self.need(|keys| elements.iter().for_each(|&element| keys.need_galois(element, level)));
            self.counters.add(Operation::Hoisting, level, 1);
            self.counters.add(Operation::ExtendedRotation, level, elements.len());
            self.counters.add(Operation::ModDown, level, 2);
        }
        let operations = [Operation::Hoisting, Operation::ExtendedRotation];
        let _scratch = self.key_switch_scratch(&operations, &a.operand);
        Ok(self.ciphertext(a.operand.clone()))
    }
}
