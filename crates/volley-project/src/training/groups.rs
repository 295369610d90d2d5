//! Sets of groups of rows.

use std::ops::Range;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use volley_mlr::{Error, Gradient, Plan};

/// Groups as ranges in ascending order, none next to another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Groups(Vec<Range<usize>>);

impl Groups {
    /// Those that a gradient sums over.
    pub(crate) fn of<T>(gradient: Option<&Gradient<T>>) -> Self {
        Self(gradient.map_or_else(Vec::new, |gradient| gradient.groups().to_vec()))
    }

    pub(crate) fn ranges(&self) -> &[Range<usize>] {
        &self.0
    }

    pub(crate) fn count(&self) -> usize {
        self.0.iter().map(Range::len).sum()
    }

    /// Adds groups behind all others.
    pub(crate) fn push(&mut self, groups: Range<usize>) {
        match self.0.last_mut() {
            Some(last) if last.end == groups.start => last.end = groups.end,
            _ => self.0.push(groups),
        }
    }

    /// Whether a group is in both.
    pub(crate) fn overlap(&self, others: &[Range<usize>]) -> bool {
        others.iter().any(|other| self.0.iter().any(|own| own.start < other.end && other.start < own.end))
    }

    /// These and others that are none of these.
    pub(crate) fn with(&self, others: &[Range<usize>]) -> Self {
        let mut ranges = [&self.0, others].concat();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut all = Self::default();
        ranges.into_iter().for_each(|range| all.push(range));
        all
    }

    /// These without others.
    pub(crate) fn without(&self, others: &Self) -> Self {
        let mut left = Self::default();
        for range in &self.0 {
            let mut start = range.start;
            for other in others.0.iter().filter(|other| other.end > range.start && other.start < range.end) {
                if start < other.start {
                    left.push(start..other.start);
                }
                start = other.end;
            }
            if start < range.end {
                left.push(start..range.end);
            }
        }
        left
    }

    /// The plan of a training of these groups alone, for its memory and its time.
    pub(crate) fn plan(&self, plan: &Arc<Plan>) -> Result<Arc<Plan>, Error> {
        if self.count() == plan.layout().groups() {
            return Ok(Arc::clone(plan));
        }
        let of_group = 2 * plan.layout().rows();
        Ok(Arc::new(plan.with_samples(self.count().max(1) * of_group)?))
    }

    /// The rows of the owners in them.
    pub(crate) fn rows(&self, plan: &Plan) -> usize {
        self.0.iter().map(|range| plan.rows_in_first(range.end) - plan.rows_in_first(range.start)).sum()
    }

    /// The files of rows that have some of them, by their numbers from 0.
    pub(crate) fn files(&self, plan: &Plan) -> Vec<usize> {
        let mut files: Vec<_> = self.by_file(plan).into_iter().map(|(file, _)| file).collect();
        files.dedup();
        files
    }

    /// The files of rows that have some of them, each with those that it has.
    pub(crate) fn by_file(&self, plan: &Plan) -> Vec<(usize, Range<usize>)> {
        let mut pieces = Vec::new();
        for file in 0..plan.row_files() {
            let groups = plan.row_file_groups(file);
            let within = self.0.iter().map(|own| own.start.max(groups.start)..own.end.min(groups.end));
            pieces.extend(within.filter(|piece| !piece.is_empty()).map(|piece| (file, piece)));
        }
        pieces
    }
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "sets of groups that are one range")]
mod tests {
    use super::*;

    fn groups(ranges: &[Range<usize>]) -> Groups {
        Groups(ranges.to_vec())
    }

    #[test]
    fn groups_are_those_of_a_set() {
        let (a, b) = (groups(&[1..4, 6..9]), groups(&[0..2, 3..7]));
        assert_eq!(a.without(&b), groups(&[2..3, 7..9]));
        assert_eq!(a.without(&Groups::default()), a);
        assert_eq!(a.without(&a), Groups::default());
        assert_eq!(a.with(&[4..6]), groups(&[1..9]));
        assert!(a.overlap(b.ranges()) && a.overlap(&[8..20]) && !a.overlap(&[4..6, 9..12]));
    }
}
