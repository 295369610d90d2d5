//! Linear transforms, traces and raised moduli in clear.

use maybe_rayon::prelude::*;
use num_complex::Complex64;

use super::{ClearCiphertext, ClearSlots, repeated};
use crate::arithmetic::Arithmetic;
use crate::arithmetic::bootstrap::BootstrapArithmetic;
use crate::arithmetic::linear_transform::{LinearArithmetic, LinearTransform};
use crate::backends::simulator::SimulatedTransform;
use crate::base::error::Error;
use crate::base::scale::Scale;

/// A linear transform with the values of its diagonals.
#[derive(Clone, Debug, PartialEq)]
pub struct ClearTransform {
    simulated: SimulatedTransform,
    /// k and the values of d_k.
    diagonals: Vec<(usize, Vec<Complex64>)>,
}

impl ClearTransform {
    /// M·a: slot j is Σ_k (d_k)ⱼ·aⱼ₊ₖ, for a vector that repeats.
    fn product(&self, a: &[Complex64], slots: usize) -> Vec<Complex64> {
        let mut sum = vec![Complex64::ZERO; slots];
        for (k, diagonal) in &self.diagonals {
            let moved = repeated(a, slots + k).skip(*k);
            sum.iter_mut().zip(diagonal.iter().zip(moved)).for_each(|(sum, (d, x))| *sum += d * x);
        }
        sum
    }
}

impl LinearArithmetic for ClearSlots {
    type Transform = ClearTransform;

    fn encode_transform(
        &self,
        transform: &LinearTransform,
        scale: &Scale,
        diagonal: impl Fn(usize) -> Vec<Complex64> + Sync,
    ) -> Result<ClearTransform, Error> {
        let simulated = self.simulator.encode_transform(transform, scale, &diagonal)?;
        let encode = |k: usize| {
            let values = diagonal(k);
            transform.check_diagonal(k, &values)?;
            self.encoding.operand(&values, scale, transform.level())?;
            Ok((k, values))
        };
        let terms: Vec<_> = transform.giants().iter().flat_map(|giant| &giant.terms).collect();
        let diagonals =
            terms.into_par_iter().map(|term| encode(term.diagonal)).collect::<Result<_, Error>>()?;
        Ok(ClearTransform { simulated, diagonals })
    }

    fn transform(&self, a: &ClearCiphertext, transform: &ClearTransform) -> Result<ClearCiphertext, Error> {
        let simulated = self.simulator.transform(&a.simulated, &transform.simulated)?;
        Ok(ClearCiphertext { values: transform.product(&a.values, simulated.operand().slots), simulated })
    }

    fn transform_rescale(
        &self,
        a: &ClearCiphertext,
        transform: &ClearTransform,
    ) -> Result<ClearCiphertext, Error> {
        let simulated = self.simulator.transform_rescale(&a.simulated, &transform.simulated)?;
        Ok(ClearCiphertext { values: transform.product(&a.values, simulated.operand().slots), simulated })
    }

    fn trace(&self, a: &ClearCiphertext, slots: usize) -> Result<ClearCiphertext, Error> {
        let simulated = self.simulator.trace(&a.simulated, slots)?;
        let sum = |slot: usize| a.values.iter().skip(slot).step_by(slots).sum();
        Ok(ClearCiphertext { values: (0..slots).map(sum).collect(), simulated })
    }
}

impl BootstrapArithmetic for ClearSlots {
    fn raise(&self, a: &ClearCiphertext, level: usize) -> Result<ClearCiphertext, Error> {
        let simulated = self.simulator.raise(&a.simulated, level)?;
        let values = repeated(&a.values, self.parameters().max_slots()).collect();
        Ok(ClearCiphertext { values, simulated })
    }
}
