//! Trainers by a plan.

use std::fmt::Debug;
use std::sync::Arc;

use crate::encrypted::{EncryptedData, check_layout};
use crate::error::Error;
use crate::plan::Plan;
use crate::training::refresh::{Refresh, by_bootstrapping};
use crate::training::rows::Rows;
use crate::training::trainer::{Checkpoint, Trainer};
use crate::volley_ckks::Arithmetic;
use crate::volley_ckks::bootstrapping::BootstrapArithmetic;
use crate::volley_revolver::skewed::Skewed;

impl<A: BootstrapArithmetic + 'static> Trainer<A>
where
    A::Transform: Debug,
{
    /// Takes up the data of a plan and makes the copies that every iteration uses. Where the plan refreshes weights,
    /// they are bootstrapped.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] and [`Error::GroupCount`] for data of another plan, [`Error::RefreshMismatch`] for a
    /// plan that refreshes by something else, [`Error::Matrix`] for data of another parameter set or key, and for keys
    /// that do not suffice.
    pub fn new(arithmetic: &Arc<A>, plan: &Plan, data: EncryptedData<A::Ciphertext>) -> Result<Self, Error> {
        let refresh = Self::bootstrapping(arithmetic, plan)?;
        Self::with_refresh(arithmetic, plan, refresh, data)
    }

    /// The same with another source of rows.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn from_rows(
        arithmetic: &Arc<A>,
        plan: &Plan,
        rows: Box<dyn Rows<A::Ciphertext>>,
    ) -> Result<Self, Error> {
        let refresh = Self::bootstrapping(arithmetic, plan)?;
        Self::with_rows(arithmetic, plan, refresh, rows)
    }

    /// What refreshes the weights of a plan.
    fn bootstrapping(arithmetic: &Arc<A>, plan: &Plan) -> Result<Option<Arc<dyn Refresh<A>>>, Error> {
        let prepare = |preset| by_bootstrapping(preset, &**arithmetic, plan.layout());
        plan.bootstrapping().map(prepare).transpose()
    }

    /// Takes up a run where a checkpoint was made: with the same data, every further iteration is the same, bit for
    /// bit.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and [`Error::LayoutMismatch`] and [`Error::Checkpoint`] for a checkpoint of another plan.
    pub fn resume(
        arithmetic: &Arc<A>,
        plan: &Plan,
        data: EncryptedData<A::Ciphertext>,
        checkpoint: Checkpoint<A::Ciphertext>,
    ) -> Result<Self, Error> {
        checkpoint.check(plan, |ciphertext| arithmetic.operand(ciphertext))?;
        Self::new(arithmetic, plan, data)?.resumed(plan, checkpoint)
    }
}

impl<A: Arithmetic + 'static> Trainer<A> {
    /// As [`new`](Self::new), with the refresh of a plan that has one: by a bootstrapping that was prepared before, or by what
    /// the plan was [made for](Plan::refreshed_by). A plan that refreshes nothing takes none, and the arithmetic need not
    /// bootstrap.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); [`Error::RefreshMismatch`] for a refresh to another level than the plan's, none where it has one
    /// and one where it has none.
    pub fn with_refresh(
        arithmetic: &Arc<A>,
        plan: &Plan,
        refresh: Option<Arc<dyn Refresh<A>>>,
        data: EncryptedData<A::Ciphertext>,
    ) -> Result<Self, Error> {
        check_plan(&**arithmetic, plan, refresh.as_deref())?;
        let members = (plan.layout(), plan.split());
        Self::resident(&plan.circuit(), arithmetic, members, plan.schedule(), refresh, data)
    }

    /// As [`with_refresh`](Self::with_refresh), with another source of rows: all of them, or a share whose
    /// [gradients](Self::gradient) are added to those of the others.
    ///
    /// # Errors
    ///
    /// As [`with_refresh`](Self::with_refresh).
    pub fn with_rows(
        arithmetic: &Arc<A>,
        plan: &Plan,
        refresh: Option<Arc<dyn Refresh<A>>>,
        rows: Box<dyn Rows<A::Ciphertext>>,
    ) -> Result<Self, Error> {
        check_plan(&**arithmetic, plan, refresh.as_deref())?;
        Self::of_plan(arithmetic, plan, refresh, rows)
    }

    /// A trainer of a share of the rows that makes no [part of a step](crate::StepPart), and so refreshes no weights.
    /// It needs the keys of [`Plan::without_refresh`] only.
    ///
    /// # Errors
    ///
    /// As [`with_rows`](Self::with_rows).
    pub fn without_refresh(
        arithmetic: &Arc<A>,
        plan: &Plan,
        rows: Box<dyn Rows<A::Ciphertext>>,
    ) -> Result<Self, Error> {
        check_parameters(&**arithmetic, plan)?;
        Self::of_plan(arithmetic, plan, None, rows)
    }

    fn of_plan(
        arithmetic: &Arc<A>,
        plan: &Plan,
        refresh: Option<Arc<dyn Refresh<A>>>,
        rows: Box<dyn Rows<A::Ciphertext>>,
    ) -> Result<Self, Error> {
        check_layout(plan.layout(), rows.layout())?;
        let skewed = Skewed::new(arithmetic, plan.layout(), plan.split())?;
        Ok(Self::of(&plan.circuit(), skewed, arithmetic, plan.schedule(), refresh, rows))
    }

    /// The trainer after the iterations of a checkpoint.
    ///
    /// # Errors
    ///
    /// [`Error::LayoutMismatch`] and [`Error::Checkpoint`] for a checkpoint of another plan.
    pub fn resumed(self, plan: &Plan, checkpoint: Checkpoint<A::Ciphertext>) -> Result<Self, Error> {
        checkpoint.check(plan, |ciphertext| self.arithmetic().operand(ciphertext))?;
        Ok(self.continued(checkpoint))
    }
}

/// Refuses an arithmetic and a refresh that are not a plan's.
fn check_plan<A: Arithmetic>(
    arithmetic: &A,
    plan: &Plan,
    refresh: Option<&dyn Refresh<A>>,
) -> Result<(), Error> {
    check_parameters(arithmetic, plan)?;
    let (expected, found) = (plan.refreshed_level(), refresh.map(Refresh::output_level));
    if expected == found { Ok(()) } else { Err(Error::RefreshMismatch { expected, found }) }
}

fn check_parameters(arithmetic: &impl Arithmetic, plan: &Plan) -> Result<(), Error> {
    let is_of_plan = arithmetic.parameters().id() == plan.parameters().id();
    if is_of_plan { Ok(()) } else { Err(crate::volley_ckks::Error::ParameterMismatch.into()) }
}
