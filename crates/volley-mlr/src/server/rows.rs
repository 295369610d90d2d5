//! Rows of a plan.

use std::sync::Arc;

use crate::error::Error;
use crate::plan::Plan;
use crate::training::rows::RowPreparation;
use crate::volley_ckks::Arithmetic;
use crate::volley_revolver::skewed::Skewed;

impl<A: Arithmetic> RowPreparation<A> {
    /// For the rows of a plan, with 1/B by column block.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for the arithmetic of another parameter set.
    pub fn new(arithmetic: &Arc<A>, plan: &Plan, preconditioner: Vec<A::Ciphertext>) -> Result<Self, Error> {
        if arithmetic.parameters().id() != plan.parameters().id() {
            return Err(crate::volley_ckks::Error::ParameterMismatch.into());
        }
        let skewed = Skewed::new(arithmetic, plan.layout(), plan.split())?;
        Ok(Self::of(skewed, plan.schedule(), preconditioner))
    }
}
