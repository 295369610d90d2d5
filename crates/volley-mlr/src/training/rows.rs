//! Sources of a trainer's rows.
//!
//! Training goes through the rows group by group, as the [`Layout`] has them, and needs of each group the copies of its
//! features that the products take, and its labels: a [`RowGroup`], which a [`RowPreparation`] makes. [`ResidentRows`]
//! keeps all of them in memory. [`StoredRows`] reads the ciphertexts in every iteration and makes the copies anew, for
//! a window of groups at a time, so that memory does not grow with the rows. Either may have a worker's share of the
//! groups only.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::iter;
use std::ops::Range;
use std::sync::Arc;

use maybe_rayon::prelude::*;

use crate::encrypted::{EncryptedData, EncryptedGroup, check_layout};
use crate::error::Error;
use crate::training::refresh::{CopyLevels, Schedule};
use crate::volley_ckks::Arithmetic;
use crate::volley_revolver::skewed::{BackwardCopies, ForwardCopies, Skewed};
use crate::volley_revolver::{Error as MatrixError, Layout};

/// Groups whose errors are kept at the same time: enough for many threads, few enough for large data.
pub(crate) const GROUPS_AT_ONCE: usize = 8;
/// Ciphertexts of features whose copies are in memory where not all are, but one group at least.
const FEATURES_AT_ONCE: usize = 16;

/// Where the rows are while a run trains. What is computed is the same, bit for bit, where the
/// [levels of copies](CopyLevels) are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RowStorage {
    /// All of them are in memory with their copies, which are made once.
    #[default]
    Memory,
    /// They are read in every iteration, and their copies made anew, a few groups at a time.
    Disk,
}

impl RowStorage {
    /// The levels of copies in a run that is planned with its rows here.
    pub(crate) fn copy_levels(self) -> CopyLevels {
        match self {
            Self::Memory => CopyLevels::Highest,
            Self::Disk => CopyLevels::OfIteration,
        }
    }
}

/// A source of rows.
pub trait Rows<C>: Debug + Send + Sync {
    /// The layout: where the entries lie.
    fn layout(&self) -> Layout;

    /// The groups that it has, as ranges in ascending order, none next to another: all of the layout's, or a share.
    fn groups(&self) -> &[Range<usize>];

    /// How many groups are asked for at once, and are in memory at the same time: at least one.
    fn window(&self) -> usize;

    /// Some groups of one of its ranges, ready for the products of an iteration, from 1. Every iteration asks for each
    /// group once, in ascending order.
    ///
    /// # Errors
    ///
    /// [`Error::RowSource`] where they cannot be had, [`Error::Matrix`] for what the arithmetic refuses.
    fn read(&self, groups: Range<usize>, iteration: usize) -> Result<Vec<Arc<RowGroup<C>>>, Error>;
}

/// Where the encrypted rows of [`StoredRows`] are read from.
pub trait GroupSource<C>: Debug + Send + Sync {
    /// Some groups, one after the other.
    ///
    /// # Errors
    ///
    /// [`Error::RowSource`] where they cannot be had.
    fn read(&self, groups: Range<usize>) -> Result<Vec<EncryptedGroup<C>>, Error>;
}

/// The rows of a group, ready for products.
#[derive(Clone, Debug)]
pub struct RowGroup<C> {
    /// None where scores are zero, as they are in the first iteration.
    pub(crate) forward: Option<ForwardCopies<C>>,
    /// The copies of features times 1/B.
    pub(crate) backward: BackwardCopies<C>,
    /// The labels by class block.
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

    /// The group of these ciphertexts, ready for the products of any iteration.
    ///
    /// # Errors
    ///
    /// [`Error::CopiesOfIteration`] for a plan whose iterations take copies of their own, [`Error::Matrix`] for another
    /// number of ciphertexts, and for what the arithmetic refuses: keys that do not suffice.
    pub fn prepare(&self, group: EncryptedGroup<A::Ciphertext>) -> Result<RowGroup<A::Ciphertext>, Error> {
        match self.schedule.copy_levels {
            CopyLevels::Highest => self.prepare_for(self.schedule.iterations, group),
            CopyLevels::OfIteration => Err(Error::CopiesOfIteration),
        }
    }

    /// The group of these ciphertexts, ready for the products of an iteration.
    fn prepare_for(
        &self,
        iteration: usize,
        EncryptedGroup { features, labels }: EncryptedGroup<A::Ciphertext>,
    ) -> Result<RowGroup<A::Ciphertext>, Error> {
        let (expected, actual) = (self.skewed.layout().class_blocks(), labels.len());
        if actual != expected {
            return Err(MatrixError::Length { expected, actual }.into());
        }
        let forward = match iteration {
            0 | 1 => None,
            _ => Some(self.skewed.forward_copies(&features, self.schedule.forward_level(iteration))?),
        };
        let level = self.schedule.backward_level(iteration);
        let scaled = self.skewed.scale_columns(&features, &self.preconditioner_at(level + 1)?)?;
        // So that features and their copies are not all alive together.
        drop(features);
        let backward = self.skewed.backward_copies(&scaled, level)?;
        Ok(RowGroup { forward, backward, labels })
    }

    /// 1/B at a level, which is that of features times 1/B before they are rescaled.
    fn preconditioner_at(&self, level: usize) -> Result<Cow<'_, [A::Ciphertext]>, Error> {
        if level == self.schedule.data_level {
            return Ok(Cow::Borrowed(&self.preconditioner));
        }
        let dropped =
            self.preconditioner.iter().map(|block| self.skewed.arithmetic().drop_level(block, level));
        Ok(Cow::Owned(dropped.collect::<Result<_, _>>()?))
    }
}

/// Rows in memory, with the copies that every iteration uses.
pub struct ResidentRows<C> {
    layout: Layout,
    ranges: Vec<Range<usize>>,
    /// Those of the first range, then those of the next one.
    groups: Vec<Arc<RowGroup<C>>>,
}

impl<C> ResidentRows<C> {
    /// Some groups of a run, as ranges in ascending order, none next to another, with their features by group and
    /// column block and their labels by group and class block.
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for other ranges and groups that the layout has not, [`Error::GroupCount`] for another number
    /// of ciphertexts, and those of [`RowPreparation::prepare`].
    pub fn new<A: Arithmetic<Ciphertext = C>>(
        preparation: &RowPreparation<A>,
        ranges: impl IntoIterator<Item = Range<usize>>,
        features: Vec<Vec<C>>,
        labels: Vec<C>,
    ) -> Result<Self, Error> {
        let layout = preparation.skewed.layout();
        let ranges = checked_ranges(ranges, layout.groups())?;
        let (expected, class_blocks) = (ranges.iter().map(Range::len).sum(), layout.class_blocks());
        if [features.len(), labels.len()] != [expected, expected * class_blocks] {
            let (features, labels) = (features.len(), labels.len());
            return Err(Error::GroupCount { expected, class_blocks, features, labels });
        }
        let mut labels = labels.into_iter();
        let prepare = |features| {
            let labels = labels.by_ref().take(class_blocks).collect();
            Ok(Arc::new(preparation.prepare(EncryptedGroup { features, labels })?))
        };
        let groups = features.into_iter().map(prepare).collect::<Result<_, Error>>()?;
        Ok(Self { layout, ranges, groups })
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
        let all = iter::once(0..layout.groups());
        Self::new(&RowPreparation::of(skewed, schedule, preconditioner), all, features, labels)
    }
}

/// Shows all but the ciphertexts.
impl<C> Debug for ResidentRows<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResidentRows").field("layout", &self.layout).field("groups", &self.ranges).finish()
    }
}

impl<C: Send + Sync> Rows<C> for ResidentRows<C> {
    fn layout(&self) -> Layout {
        self.layout
    }

    fn groups(&self) -> &[Range<usize>] {
        &self.ranges
    }

    fn window(&self) -> usize {
        self.groups.len()
    }

    /// With the copies of all iterations.
    fn read(&self, groups: Range<usize>, _: usize) -> Result<Vec<Arc<RowGroup<C>>>, Error> {
        let before = groups_before(&groups, &self.ranges)?;
        Ok(self.groups[before..before + groups.len()].to_vec())
    }
}

/// Rows that are read in every iteration.
pub struct StoredRows<A: Arithmetic, S> {
    preparation: RowPreparation<A>,
    ranges: Vec<Range<usize>>,
    source: S,
}

impl<A: Arithmetic, S: GroupSource<A::Ciphertext>> StoredRows<A, S> {
    /// Some groups of a run, as ranges in ascending order, none next to another, which the source has.
    ///
    /// # Errors
    ///
    /// [`Error::Groups`] for other ranges and groups that the layout has not.
    pub fn new(
        preparation: RowPreparation<A>,
        ranges: impl IntoIterator<Item = Range<usize>>,
        source: S,
    ) -> Result<Self, Error> {
        let ranges = checked_ranges(ranges, preparation.skewed.layout().groups())?;
        Ok(Self { preparation, ranges, source })
    }
}

/// Without the ciphertexts.
impl<A: Arithmetic, S: Debug> Debug for StoredRows<A, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredRows").field("groups", &self.ranges).field("source", &self.source).finish()
    }
}

impl<A, S> Rows<A::Ciphertext> for StoredRows<A, S>
where
    A: Arithmetic,
    S: GroupSource<A::Ciphertext>,
{
    fn layout(&self) -> Layout {
        self.preparation.skewed.layout()
    }

    fn groups(&self) -> &[Range<usize>] {
        &self.ranges
    }

    fn window(&self) -> usize {
        groups_in_window(self.layout())
    }

    fn read(
        &self,
        groups: Range<usize>,
        iteration: usize,
    ) -> Result<Vec<Arc<RowGroup<A::Ciphertext>>>, Error> {
        groups_before(&groups, &self.ranges)?;
        let prepare = |group| Ok(Arc::new(self.preparation.prepare_for(iteration, group)?));
        self.source.read(groups)?.into_par_iter().map(prepare).collect()
    }
}

/// Groups of a window of [`StoredRows`].
pub(crate) fn groups_in_window(layout: Layout) -> usize {
    (FEATURES_AT_ONCE / layout.column_blocks()).clamp(1, GROUPS_AT_ONCE)
}

/// Refuses groups that are not all among the `available` ones, and none at all.
pub(crate) fn check_groups(groups: &Range<usize>, available: Range<usize>) -> Result<(), Error> {
    groups_before(groups, std::slice::from_ref(&available)).map(drop)
}

/// How many of the available groups come before these, which are all in one of the available ranges.
///
/// # Errors
///
/// [`Error::Groups`] for groups that are not, and for none at all.
pub(crate) fn groups_before(groups: &Range<usize>, available: &[Range<usize>]) -> Result<usize, Error> {
    let mut before = 0;
    for range in available {
        if range.start <= groups.start && groups.start < groups.end && groups.end <= range.end {
            return Ok(before + groups.start - range.start);
        }
        before += range.len();
    }
    Err(Error::Groups { groups: groups.clone(), available: available.to_vec() })
}

/// Refuses ranges that are not among so many groups, not in ascending order, or next to each other.
fn checked_ranges(
    ranges: impl IntoIterator<Item = Range<usize>>,
    groups: usize,
) -> Result<Vec<Range<usize>>, Error> {
    let ranges: Vec<_> = ranges.into_iter().collect();
    let mut first = 0;
    for range in &ranges {
        check_groups(range, first..groups)?;
        first = range.end + 1;
    }
    Ok(ranges)
}
