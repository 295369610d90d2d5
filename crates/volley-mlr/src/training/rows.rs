//! Where a trainer's rows come from.
//!
//! Training goes through the rows group by group, as the [`Layout`] has them, and needs of each group the copies of its features
//! that the products take, and its labels: a [`RowGroup`], which a [`RowPreparation`] makes. [`ResidentRows`] keeps all of
//! them in memory. Another source of [`Rows`] may read them from a disk in every iteration, or have a worker's share of them only.

use std::fmt::{self, Debug};
use std::ops::Range;
use std::sync::Arc;

use crate::encrypted::{EncryptedData, check_layout};
use crate::error::Error;
use crate::training::refresh::Schedule;
use crate::volley_ckks::Arithmetic;
use crate::volley_revolver::skewed::{BackwardCopies, ForwardCopies, Skewed};
use crate::volley_revolver::{Error as MatrixError, Layout};

/// A source of rows.
pub trait Rows<C>: Debug + Send + Sync {
    /// Where the entries lie.
    fn layout(&self) -> Layout;

    /// The groups that it has: all of the layout's, or a share of them.
    fn groups(&self) -> Range<usize>;

    /// One of its groups. In every iteration each group is asked for once for each class block, in ascending order but from
    /// several threads.
    ///
    /// # Errors
    ///
    /// [`Error::RowSource`] where it cannot be had, [`Error::Matrix`] for what the arithmetic refuses.
    fn group(&self, group: usize) -> Result<Arc<RowGroup<C>>, Error>;
}

/// The rows of a group, ready for products.
#[derive(Clone, Debug)]
pub struct RowGroup<C> {
    /// None in a run of one iteration, whose scores are zero.
    pub(crate) forward: Option<ForwardCopies<C>>,
    /// Of features times 1/B.
    pub(crate) backward: BackwardCopies<C>,
    /// By class block.
    pub(crate) labels: Vec<C>,
}

/// Makes groups of rows ready for the products of a run.
#[derive(Debug)]
pub struct RowPreparation<A: Arithmetic> {
    skewed: Skewed<A>,
    schedule: Schedule,
    preconditioner: Vec<A::Ciphertext>,
}

impl<A: Arithmetic> RowPreparation<A> {
    pub(crate) fn of(skewed: Skewed<A>, schedule: Schedule, preconditioner: Vec<A::Ciphertext>) -> Self {
        Self { skewed, schedule, preconditioner }
    }

    /// The group of these features, by column block, and labels, by class block.
    ///
    /// # Errors
    ///
    /// [`Error::Matrix`] for another number of ciphertexts, and for what the arithmetic refuses: keys that do not suffice.
    pub fn prepare(
        &self,
        features: Vec<A::Ciphertext>,
        labels: Vec<A::Ciphertext>,
    ) -> Result<RowGroup<A::Ciphertext>, Error> {
        let (expected, actual) = (self.skewed.layout().class_blocks(), labels.len());
        if actual != expected {
            return Err(MatrixError::Length { expected, actual }.into());
        }
        let level = self.schedule.data_level;
        // Refreshed weights are higher than those of the first iteration.
        let spent = if self.schedule.refreshes { 0 } else { Schedule::FIRST_LEVELS };
        let several = self.schedule.iterations > 1;
        let forward = || self.skewed.forward_copies(&features, level.saturating_sub(spent));
        let forward = several.then(forward).transpose()?;
        let scaled = self.skewed.scale_columns(&features, &self.preconditioner)?;
        // So that features and their copies are not all alive together.
        drop(features);
        let backward = self.skewed.backward_copies(&scaled, level.saturating_sub(1))?;
        Ok(RowGroup { forward, backward, labels })
    }
}

/// Rows in memory, with the copies that every iteration uses.
pub struct ResidentRows<C> {
    layout: Layout,
    first: usize,
    groups: Vec<Arc<RowGroup<C>>>,
}

impl<C> ResidentRows<C> {
    /// Some groups of a run, with their features by group and column block and their labels by group and class block.
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for groups that the layout has not, [`Error::GroupCount`] for another number of ciphertexts, and those of
    /// [`RowPreparation::prepare`].
    pub fn new<A: Arithmetic<Ciphertext = C>>(
        preparation: &RowPreparation<A>,
        groups: Range<usize>,
        features: Vec<Vec<C>>,
        labels: Vec<C>,
    ) -> Result<Self, Error> {
        let layout = preparation.skewed.layout();
        check_groups(&groups, 0..layout.groups())?;
        let class_blocks = layout.class_blocks();
        if [features.len(), labels.len()] != [groups.len(), groups.len() * class_blocks] {
            let (features, labels) = (features.len(), labels.len());
            return Err(Error::GroupCount { expected: groups.len(), class_blocks, features, labels });
        }
        let mut labels = labels.into_iter();
        let prepare = |features| {
            let labels = labels.by_ref().take(class_blocks).collect();
            Ok(Arc::new(preparation.prepare(features, labels)?))
        };
        let prepared = features.into_iter().map(prepare).collect::<Result<_, Error>>()?;
        Ok(Self { layout, first: groups.start, groups: prepared })
    }

    /// All rows of a run.
    pub(crate) fn of<A: Arithmetic<Ciphertext = C>>(
        skewed: Skewed<A>,
        schedule: Schedule,
        data: EncryptedData<C>,
    ) -> Result<Self, Error> {
        let EncryptedData { layout: actual, features, labels, preconditioner } = data;
        let layout = skewed.layout();
        check_layout(layout, actual)?;
        Self::new(&RowPreparation::of(skewed, schedule, preconditioner), 0..layout.groups(), features, labels)
    }
}

/// Without the ciphertexts.
impl<C> Debug for ResidentRows<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let groups = self.first..self.first + self.groups.len();
        f.debug_struct("ResidentRows").field("layout", &self.layout).field("groups", &groups).finish()
    }
}

impl<C: Send + Sync> Rows<C> for ResidentRows<C> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn groups(&self) -> Range<usize> {
        self.first..self.first + self.groups.len()
    }

    fn group(&self, group: usize) -> Result<Arc<RowGroup<C>>, Error> {
        let found = group.checked_sub(self.first).and_then(|index| self.groups.get(index));
        found.map(Arc::clone).ok_or(Error::Groups { groups: group..group + 1, available: self.groups() })
    }
}

/// Refuses groups that are not all among the `available` ones, and none at all.
pub(crate) fn check_groups(groups: &Range<usize>, available: Range<usize>) -> Result<(), Error> {
    if groups.start >= available.start && groups.start < groups.end && groups.end <= available.end {
        return Ok(());
    }
    Err(Error::Groups { groups: groups.clone(), available })
}
