//! Which groups of rows each rank works on.

use std::ops::Range;

use super::groups::Groups;

/// The groups of each rank, where `holds` says whether a rank has a file of rows, or the first file that no rank has.
///
/// The groups are cut into equal parts, one for each rank by its number. What lies in a file that its rank has not goes
/// to the rank with the fewest groups among those that have it.
pub(super) fn shares(
    files: &[Range<usize>],
    ranks: usize,
    holds: impl Fn(usize, usize) -> bool,
) -> Result<Vec<Groups>, usize> {
    let all = files.last().map_or(0, |last| last.end);
    let first_of = |rank: usize| (rank * all).div_ceil(ranks);
    let mut shares = vec![Groups::default(); ranks];
    for (file, groups) in files.iter().enumerate() {
        let mut start = groups.start;
        while start < groups.end {
            let rank = start * ranks / all;
            let end = groups.end.min(first_of(rank + 1));
            let fewest =
                || (0..ranks).filter(|&rank| holds(rank, file)).min_by_key(|&rank| shares[rank].count());
            let rank = if holds(rank, file) { rank } else { fewest().ok_or(file)? };
            shares[rank].push(start..end);
            start = end;
        }
    }
    Ok(shares)
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "sets of groups that are one range")]
mod tests {
    use super::*;

    fn groups(ranges: &[Range<usize>]) -> Groups {
        Groups::default().with(ranges)
    }

    /// Files of three groups, fewer in the last.
    fn files(all: usize) -> Vec<Range<usize>> {
        (0..all).step_by(3).map(|start| start..all.min(start + 3)).collect()
    }

    #[test]
    fn ranks_that_have_all_files_have_equal_shares() {
        for all in 1..40 {
            for ranks in 1..12 {
                let shares = shares(&files(all), ranks, |_, _| true).unwrap();
                let counts: Vec<_> = shares.iter().map(Groups::count).collect();
                assert_eq!(counts.iter().sum::<usize>(), all);
                assert!(counts.iter().all(|&count| count == all / ranks || count == all.div_ceil(ranks)));
                let ranges: Vec<_> = shares.iter().flat_map(|share| share.ranges()).collect();
                assert_eq!((ranges[0].start, ranges.last().unwrap().end), (0, all));
                assert!(ranges.windows(2).all(|pair| pair[0].end == pair[1].start), "{shares:?}");
            }
        }
    }

    #[test]
    fn each_rank_has_files_that_it_holds() {
        // Rank 1 has the files of even numbers, rank 0 the others, and both have the last one.
        let holds = |rank: usize, file: usize| file == 4 || file.is_multiple_of(2) == (rank == 1);
        let shares = shares(&files(15), 2, holds).unwrap();
        assert_eq!(shares, [groups(&[3..6, 9..12]), groups(&[0..3, 6..9, 12..15])]);
        assert_eq!(super::shares(&files(15), 2, |_, file| file != 3), Err(3));
    }

    #[test]
    fn a_file_goes_to_the_rank_with_the_fewest_groups_where_its_own_rank_lacks_it() {
        let shares = shares(&files(9), 3, |rank, file| rank != 0 || file != 0).unwrap();
        assert_eq!(shares, [groups(&[]), groups(&[0..6]), groups(&[6..9])]);
    }
}
