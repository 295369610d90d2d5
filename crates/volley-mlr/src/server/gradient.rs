//! Gradients of a plan.

use crate::encrypted::check_layout;
use crate::error::Error;
use crate::plan::Plan;
use crate::training::rows::check_groups;
use crate::training::trainer::Gradient;
use crate::volley_ckks::Operand;
use crate::volley_revolver::skewed::BackwardSums;

impl<T> Gradient<T> {
    /// Refuses a gradient of another plan: by its layout, its iteration and groups, and level, scale and slots of its
    /// sums.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`], [`Error::GradientOperand`], and the errors of an iteration and of groups that the
    /// plan does not have.
    pub fn check<'t>(&'t self, plan: &Plan, operand: impl Fn(&'t T) -> &'t Operand) -> Result<(), Error> {
        check_layout(plan.layout(), self.layout)?;
        self.check_iteration(1..=plan.hyperparameters().iterations())?;
        let available = 0..plan.layout().groups();
        self.groups.iter().try_for_each(|groups| check_groups(groups, available.clone()))?;
        let expected = plan.gradient_sums(self.iteration);
        let mut tensors = self.sums.iter().flat_map(BackwardSums::tensors);
        match tensors.find(|tensor| *operand(tensor) != expected) {
            Some(found) => Err(Error::GradientOperand { expected, found: operand(found).clone() }),
            None => Ok(()),
        }
    }
}
