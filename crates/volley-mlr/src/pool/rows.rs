//! Encrypting the rows of one owner under the public key of the pool.

use std::ops::Range;

use rand_core::CryptoRng;

use super::plan::PoolPlan;
use crate::clear::owner_state::OwnerState;
use crate::clear::prepared_rows::PreparedRows;
use crate::data::dataset::Dataset;
use crate::encrypted::{EncryptedGroup, EncryptedGroups};
use crate::error::Error;
use crate::owner::packing::Packing;
use crate::owner::sharing::check_features;
use crate::training::rows::check_groups;
use crate::volley_ckks::{Ciphertext, Complex64, Encoder, Error as CkksError, PublicKey};
use crate::volley_revolver::Layout;

/// The rows of one owner, prepared as the pool agreed on, and the key that encrypts them.
///
/// Every plaintext is encoded at the parameters' scale, and what the server sees does not depend on the data. A
/// ciphertext has no seed: it takes twice the bytes of one that a secret key makes.
#[derive(Debug)]
pub struct PoolRows<'a> {
    plan: &'a PoolPlan,
    state: &'a OwnerState,
    /// The first of the owner's groups, and the layout of its rows by themselves.
    first: usize,
    layout: Layout,
    rows: PreparedRows,
    public_key: &'a PublicKey,
    encoder: Encoder,
}

impl<'a> PoolRows<'a> {
    /// The rows of an owner, by its place in the plan, and what the pool has [fitted](super::Fit::state).
    ///
    /// # Errors
    ///
    /// [`Error::PlanShape`] for another number of rows, columns or classes than the plan has for this owner,
    /// [`Error::UnknownLabel`] for a row of no class, [`Error::NoiseModel`] for features that the estimate of the
    /// model's noise does not cover, [`Error::Matrix`] for a public key of other parameters.
    ///
    /// # Panics
    ///
    /// If there is no such owner.
    pub fn new(
        plan: &'a PoolPlan,
        owner: usize,
        state: &'a OwnerState,
        data: &Dataset,
        public_key: &'a PublicKey,
    ) -> Result<Self, Error> {
        let layout = plan.layout_of(owner)?;
        let shape = layout.shape();
        let (expected, actual) = (
            [shape.samples, shape.columns, shape.classes],
            [data.samples(), data.features().ncols() + 1, state.classes().len()],
        );
        if expected != actual {
            return Err(Error::PlanShape { expected, actual });
        }
        check_key(plan, public_key)?;
        let rows = state.prepare(data)?;
        check_features(&rows.features, &state.preconditioner)?;
        let encoder = Encoder::new(public_key.context());
        let first = plan.groups(owner).start;
        Ok(Self { plan, state, first, layout, rows, public_key, encoder })
    }

    /// The groups that have these rows.
    #[must_use]
    pub fn range(&self) -> Range<usize> {
        self.first..self.first + self.layout.groups()
    }

    /// Encrypts some of the owner's groups. `rng` must never repeat.
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for groups of others, [`Error::Matrix`] where a value is too large to be encoded.
    pub fn groups(
        &self,
        groups: Range<usize>,
        rng: &mut impl CryptoRng,
    ) -> Result<EncryptedGroups<Ciphertext>, Error> {
        check_groups(&groups, self.range())?;
        let (first, packing) = (groups.start, self.packing());
        let mut encrypt = |group: usize| {
            let group = group - self.first;
            let features = self.encrypt(&packing.features(group)?, rng)?;
            Ok(EncryptedGroup { features, labels: self.encrypt(&packing.labels(group)?, rng)? })
        };
        Ok(EncryptedGroups { first, groups: groups.map(&mut encrypt).collect::<Result<_, Error>>()? })
    }

    fn packing(&self) -> Packing<'_> {
        let PreparedRows { features, one_hot } = &self.rows;
        let (layout, preconditioner) = (self.layout, &self.state.preconditioner);
        Packing { layout, features, one_hot, preconditioner, weights: None }
    }

    fn encrypt(
        &self,
        vectors: &[Vec<Complex64>],
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Ciphertext>, Error> {
        encrypt(self.plan, &self.encoder, self.public_key, vectors, rng)
    }
}

impl PoolPlan {
    /// Encrypts 1/B of what the pool has [fitted](super::Fit::state), by column block. All owners have the same, and
    /// one of them sends it. `rng` must never repeat.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for a public key of other parameters, for another number of columns, and where a value is too
    /// large to be encoded.
    pub fn encrypt_preconditioner(
        &self,
        state: &OwnerState,
        public_key: &PublicKey,
        rng: &mut impl CryptoRng,
    ) -> Result<Vec<Ciphertext>, Error> {
        check_key(self, public_key)?;
        let columns = self.plan().layout().pack_columns(&state.preconditioner.normalised_inverse())?;
        encrypt(self, &Encoder::new(public_key.context()), public_key, &columns, rng)
    }
}

/// Refuses a public key of other parameters.
fn check_key(plan: &PoolPlan, public_key: &PublicKey) -> Result<(), Error> {
    if public_key.context().parameters().id() == plan.plan().parameters().id() {
        return Ok(());
    }
    Err(CkksError::ParameterMismatch.into())
}

/// Encrypts slots as the plan has the data.
fn encrypt(
    plan: &PoolPlan,
    encoder: &Encoder,
    public_key: &PublicKey,
    vectors: &[Vec<Complex64>],
    rng: &mut impl CryptoRng,
) -> Result<Vec<Ciphertext>, Error> {
    let plan = plan.plan();
    let (scale, level) = (plan.parameters().scale(), plan.data_level());
    let mut encrypt = |slots: &Vec<Complex64>| {
        let plaintext = encoder.encode(slots, &scale, level)?;
        Ok(public_key.encrypt(&plaintext, rng)?)
    };
    vectors.iter().map(&mut encrypt).collect()
}
