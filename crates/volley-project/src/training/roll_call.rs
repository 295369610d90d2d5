//! What the ranks of a team tell each other before they train: who they are, and what they have.

use std::env;
use std::fs::File;
use std::ops::Range;

use serde::{Deserialize, Serialize};
use volley_mlr::Plan;
use volley_mlr::wire::MAX_SUMMANDS;
use volley_program::BadInput;

use super::groups::Groups;
use super::share::shares;
use super::team::Team;
use crate::failure::Failure;
use crate::job_folder::row_file_name;

/// What a rank says.
#[derive(Debug, Serialize, Deserialize)]
struct Said {
    host: String,
    program: String,
    ready: Result<Ready, Unready>,
}

/// A rank that can train.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Ready {
    /// The names of the job and of its plan.
    pub(super) job: String,
    /// The files of rows that it has, by their numbers from 0.
    pub(super) files: Vec<Range<usize>>,
    /// The gradients that an interrupted pass left there.
    pub(super) gradients: Vec<Begun>,
    /// The iterations of the model, where it is there: rank 0 knows.
    pub(super) finished: Option<usize>,
}

/// A gradient of some of the rows in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Begun {
    /// The rank that left it.
    pub(super) by: usize,
    pub(super) iteration: usize,
    pub(super) groups: Vec<Range<usize>>,
}

/// Why a rank cannot train.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Unready {
    problem: String,
    incomplete: bool,
}

/// The answers of all ranks, which suit each other.
#[derive(Debug, Default)]
pub(super) struct RollCall {
    hosts: Vec<String>,
    ranks: Vec<Ready>,
}

impl RollCall {
    /// Tells the others what this rank has, or why it cannot train.
    ///
    /// # Errors
    ///
    /// The same for all ranks: for one that cannot train, and for ranks that run different programs or have different
    /// jobs. It names the rank.
    pub(super) fn of<T>(team: &dyn Team, own: Result<(T, Ready), Failure>) -> Result<(Self, T), Failure> {
        let ready = match &own {
            // There is nobody to tell.
            Err(_) if team.size() == 1 => Ok(Ready::default()),
            Err(failure) => Err(Unready {
                problem: failure.to_string(),
                incomplete: matches!(failure, Failure::Incomplete(_)),
            }),
            Ok((_, ready)) => Ok(ready.clone()),
        };
        let said = Said { host: team.host(), program: program(), ready };
        let answers = team.gather(&serde_json::to_vec(&said).map_err(|error| BadInput::new(&error))?);
        let call = Self::checked(answers.iter().map(|answer| serde_json::from_slice(answer).ok()).collect())?;
        Ok((call, own?.0))
    }

    fn checked(answers: Vec<Option<Said>>) -> Result<Self, Failure> {
        if answers.len() > MAX_SUMMANDS {
            let ranks = answers.len();
            return Err(BadInput::new(format!("there are {ranks} ranks, and {MAX_SUMMANDS} at most")).into());
        }
        let mut call = Self::default();
        let mut first_program = String::new();
        for (rank, said) in answers.into_iter().enumerate() {
            let Some(Said { host, program, ready }) = said else {
                return Err(BadInput::new(format!("rank {rank} runs another volley than rank 0")).into());
            };
            let name = named(rank, &host);
            let first = named(0, call.hosts.first().unwrap_or(&host));
            if rank == 0 {
                first_program = program;
            } else if program != first_program {
                let problem =
                    format!("{name} runs another volley ({program}) than {first} ({first_program})");
                return Err(BadInput::new(problem).into());
            }
            let ready = ready.map_err(|Unready { problem, incomplete }| {
                let problem = BadInput::new(format!("{name}: {problem}"));
                if incomplete { Failure::Incomplete(problem) } else { Failure::Input(problem) }
            })?;
            if call.ranks.first().is_some_and(|first| first.job != ready.job) {
                return Err(BadInput::new(format!("{name} has another job than {first}")).into());
            }
            call.hosts.push(host);
            call.ranks.push(ready);
        }
        Ok(call)
    }

    /// The iterations of the model, where it is there.
    pub(super) fn finished(&self) -> Option<usize> {
        self.ranks.first()?.finished
    }

    /// The ranks on a machine.
    pub(super) fn ranks_on(&self, host: &str) -> impl Iterator<Item = usize> {
        self.hosts.iter().enumerate().filter(move |(_, other)| *other == host).map(|(rank, _)| rank)
    }

    /// The groups of each rank.
    ///
    /// # Errors
    ///
    /// [`Failure::Incomplete`] for a file that no rank has.
    pub(super) fn shares(&self, plan: &Plan) -> Result<Vec<Groups>, Failure> {
        let files: Vec<_> = (0..plan.row_files()).map(|file| plan.row_file_groups(file)).collect();
        let ranks = self.ranks.len();
        let holds = |rank: usize, file| self.ranks[rank].files.iter().any(|files| files.contains(&file));
        shares(&files, ranks, holds).map_err(|file| {
            Failure::Incomplete(BadInput::new(format!(
                "{}: none of the {ranks} ranks has it, and the upload is not complete without it",
                row_file_name(file)
            )))
        })
    }

    /// The gradients that serve an iteration, by the rank that has them: no group is in two of them.
    pub(super) fn gradients(&self, iteration: usize) -> (Groups, Vec<Vec<Begun>>) {
        let mut begun: Vec<_> = (self.ranks.iter().enumerate())
            .flat_map(|(rank, ready)| ready.gradients.iter().map(move |begun| (rank, begun)))
            .filter(|(_, begun)| begun.iteration == iteration)
            .collect();
        // One that others were added to is larger than these are.
        begun.sort_by_key(|(_, begun)| {
            (std::cmp::Reverse(begun.groups.iter().map(Range::len).sum::<usize>()), begun.by)
        });
        let mut covered = Groups::default();
        let mut of_ranks = vec![Vec::new(); self.ranks.len()];
        for (rank, begun) in begun {
            if !covered.overlap(&begun.groups) {
                covered = covered.with(&begun.groups);
                of_ranks[rank].push(begun.clone());
            }
        }
        (covered, of_ranks)
    }
}

/// A rank as its user sees it.
pub(super) fn named(rank: usize, host: &str) -> String {
    format!("rank {rank} on {host}")
}

/// The version of this program, and the hash of its file: other builds may differ in what they compute.
fn program() -> String {
    let version = env!("CARGO_PKG_VERSION");
    let hash = env::current_exe().and_then(File::open).and_then(|file| {
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader(file)?;
        Ok(hasher.finalize().to_hex())
    });
    hash.map_or(version.to_owned(), |hash| format!("{version}, build {}", &hash[..8]))
}

#[cfg(test)]
#[expect(clippy::single_range_in_vec_init, reason = "sets of groups that are one range")]
mod tests {
    use super::*;

    fn said(job: &str, program: &str) -> Said {
        let ready = Ready { job: job.to_owned(), ..Ready::default() };
        Said { host: format!("node-{program}"), program: program.to_owned(), ready: Ok(ready) }
    }

    fn refused(answers: Vec<Option<Said>>) -> String {
        RollCall::checked(answers).unwrap_err().to_string()
    }

    #[test]
    fn ranks_that_do_not_suit_each_other_are_named() {
        assert!(RollCall::checked(vec![Some(said("a", "1")), Some(said("a", "1"))]).is_ok());
        let other = refused(vec![Some(said("a", "1")), Some(said("a", "2"))]);
        assert_eq!(other, "rank 1 on node-2 runs another volley (2) than rank 0 on node-1 (1)");
        let other = refused(vec![Some(said("a", "1")), None]);
        assert_eq!(other, "rank 1 runs another volley than rank 0");
        let other = refused(vec![Some(said("a", "1")), Some(said("a", "1")), Some(said("b", "1"))]);
        assert_eq!(other, "rank 2 on node-1 has another job than rank 0 on node-1");
        let mut absent = said("a", "1");
        absent.ready = Err(Unready { problem: "x/job.vly: damaged".to_owned(), incomplete: true });
        let failure = RollCall::checked(vec![Some(said("a", "1")), Some(absent)]).unwrap_err();
        assert!(matches!(&failure, Failure::Incomplete(_)));
        assert_eq!(failure.to_string(), "rank 1 on node-1: x/job.vly: damaged");
        let many = (0..=MAX_SUMMANDS).map(|_| Some(said("a", "1"))).collect();
        assert_eq!(refused(many), "there are 16385 ranks, and 16384 at most");
    }

    #[test]
    fn gradients_that_overlap_a_larger_one_are_left_out() {
        let begun = |by, iteration, groups: &[Range<usize>]| Begun { by, iteration, groups: groups.to_vec() };
        let of = |gradients: &[Begun]| Ready { gradients: gradients.to_vec(), ..Ready::default() };
        let ranks = vec![
            of(&[begun(0, 2, &[0..3, 9..12]), begun(3, 2, &[9..12])]),
            of(&[begun(1, 2, &[3..5])]),
            of(&[begun(2, 1, &[6..9])]),
        ];
        let call = RollCall { ranks, ..RollCall::default() };
        let (covered, of_ranks) = call.gradients(2);
        assert_eq!(covered.ranges(), [0..5, 9..12]);
        assert_eq!(of_ranks, [vec![begun(0, 2, &[0..3, 9..12])], vec![begun(1, 2, &[3..5])], vec![]]);
        let (covered, of_ranks) = call.gradients(3);
        assert_eq!((covered.count(), of_ranks), (0, vec![vec![]; 3]));
    }

    #[test]
    fn the_program_has_a_build() {
        assert!(program().starts_with(concat!(env!("CARGO_PKG_VERSION"), ", build ")));
    }
}
