//! Ranks that train together, as threads: whatever their number, the model is that of one program, bit for bit.

#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle};

use ndarray::Array2;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use tempfile::TempDir;
use volley_mlr::volley_ckks::{Context, EvaluationKeySet, Evaluator, SecretKey, Security};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_mlr::wire::write_preconditioner;
use volley_mlr::{Dataset, EncryptedDataset, Hyperparameters, Job, Owner, Plan, Trainer, TrainingSet};
use volley_program::Machine;
use volley_project::{
    Count, Failure, IterationsDone, JobFolder, Observer, PassTraffic, Team, TeamFailure, train, train_in_team,
};

const ITERATIONS: usize = 3;

/// Where ranks wait for each other: as MPI does, it ends all where one ends alone.
#[derive(Default)]
struct Meeting {
    state: Mutex<MeetingState>,
    changed: Condvar,
}

#[derive(Default)]
struct MeetingState {
    here: usize,
    meetings: usize,
    is_over: bool,
}

impl Meeting {
    fn wait(&self, size: usize) {
        let mut state = self.state.lock().unwrap();
        let meeting = state.meetings;
        state.here += 1;
        if state.here == size {
            (state.here, state.meetings) = (0, meeting + 1);
            self.changed.notify_all();
        }
        let state =
            self.changed.wait_while(state, |state| state.meetings == meeting && !state.is_over).unwrap();
        let is_over = state.is_over;
        drop(state);
        assert!(!is_over, "another rank ended alone");
    }

    fn end(&self) {
        self.state.lock().unwrap().is_over = true;
        self.changed.notify_all();
    }
}

/// What ranks have in common.
struct Hub {
    meeting: Meeting,
    said: Mutex<Vec<Vec<u8>>>,
    words: Mutex<Vec<Vec<u64>>>,
    /// Bytes of gradients that ranks added, and of parts that they received of others.
    moved: [AtomicUsize; 2],
}

/// A rank that is a thread.
struct Threads {
    rank: usize,
    size: usize,
    hub: Arc<Hub>,
}

impl Threads {
    fn team(size: usize) -> Vec<Self> {
        let hub = Arc::new(Hub {
            meeting: Meeting::default(),
            said: Mutex::new(vec![Vec::new(); size]),
            words: Mutex::default(),
            moved: Default::default(),
        });
        (0..size).map(|rank| Self { rank, size, hub: Arc::clone(&hub) }).collect()
    }
}

impl Threads {
    fn move_bytes(&self, kind: usize, bytes: usize) {
        if self.rank > 0 {
            self.hub.moved[kind].fetch_add(bytes, Ordering::Relaxed);
        }
    }
}

impl Team for Threads {
    fn rank(&self) -> usize {
        self.rank
    }

    fn size(&self) -> usize {
        self.size
    }

    fn host(&self) -> String {
        format!("node{}", self.rank)
    }

    fn gather(&self, said: &[u8]) -> Vec<Vec<u8>> {
        self.hub.said.lock().unwrap_or_else(PoisonError::into_inner)[self.rank] = said.to_vec();
        self.hub.meeting.wait(self.size);
        let all = self.hub.said.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if said.len() > 4096 {
            // A part, which goes to all others.
            self.hub.moved[1].fetch_add((self.size - 1) * said.len(), Ordering::Relaxed);
        }
        self.hub.meeting.wait(self.size);
        all
    }

    fn broadcast(&self, said: Vec<u8>) -> Vec<u8> {
        self.gather(&said).swap_remove(0)
    }

    fn scatter_sums(&self, words: &mut [&mut [u64]], parts: &[Range<usize>]) {
        // As many as there are additions.
        self.move_bytes(0, 8 * words.iter().map(|words| words.len()).sum::<usize>());
        self.hub.meeting.wait(self.size);
        {
            let mut sums = self.hub.words.lock().unwrap();
            sums.resize(words.len(), Vec::new());
            for (sums, words) in sums.iter_mut().zip(&*words) {
                sums.resize(words.len(), 0);
                sums.iter_mut().zip(&**words).for_each(|(sum, word)| *sum += word);
            }
        }
        self.hub.meeting.wait(self.size);
        for (index, words) in words.iter_mut().enumerate() {
            // What is left of the others' parts is of no use.
            let is_own = parts[self.rank].contains(&index);
            if is_own {
                words.copy_from_slice(&self.hub.words.lock().unwrap()[index]);
            } else {
                words.fill(!0);
            }
        }
        self.hub.meeting.wait(self.size);
        self.hub.words.lock().unwrap().clear();
    }
}

/// Whoever waits: sees how many rows were done before, and may ask for the end, or take a job away in an iteration.
#[derive(Clone, Debug, Default)]
struct Watcher {
    before: Arc<AtomicUsize>,
    is_to_end: bool,
    takes: Option<PathBuf>,
}

impl Observer for Watcher {
    fn counts(&self, work: &'static str, _: usize, _: String) -> Box<dyn Count> {
        if work == "training" { Box::new(self.clone()) } else { Box::new(()) }
    }

    fn is_to_end(&self) -> bool {
        self.is_to_end
    }
}

impl Count for Watcher {
    fn begin_after(&self, before: usize) {
        self.before.fetch_max(before, Ordering::Relaxed);
    }

    fn set(&self, _: usize) {
        self.takes.iter().for_each(|job| fs::remove_file(job).unwrap_or_default());
    }
}

/// A small job, uploaded.
struct Fixture {
    _root: TempDir,
    upload: PathBuf,
    job: Job,
    context: Arc<Context>,
    evaluator: Arc<Evaluator>,
    dataset: EncryptedDataset,
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn clouds(samples: usize) -> Dataset {
    let value = |row: usize, column: usize| (row % 3) as f64 * (column + 1) as f64 + (row * 7 % 11) as f64;
    let features = Array2::from_shape_fn((samples, 5), |(row, column)| value(row, column));
    Dataset::new(features, (0..samples).map(|row| format!("class {}", row % 3))).unwrap()
}

impl Fixture {
    /// A job of more groups than there are ranks.
    fn new() -> Self {
        let fixture = Self::of(&Hyperparameters::standardised(ITERATIONS).unwrap(), 9, 900);
        let layout = fixture.job.plan().layout();
        assert!(layout.groups() > 8, "{layout:?}");
        fixture
    }

    fn of(hyperparameters: &Hyperparameters, log_n: u32, samples: usize) -> Self {
        let data = clouds(samples);
        let ring = RingChoice::LogN(log_n);
        let demands = Demands { ring, security: Security::Unchecked, ..Demands::default() };
        let features = data.features().ncols();
        let plan = Arc::new(Plan::new(samples, features, 3, hyperparameters, demands).unwrap());
        let set = Arc::new(TrainingSet::new(&data, hyperparameters.profile()).unwrap());
        let context = Context::new(plan.parameters().clone());
        let secret_key = Arc::new(SecretKey::generate(&context, &mut rng(1)));
        let keys = EvaluationKeySet::generate(&secret_key, plan.key_spec(), &mut rng(2)).unwrap();
        let job = Job::new(Arc::clone(&plan), secret_key.id(), &mut rng(3)).unwrap();

        let root = tempfile::tempdir().unwrap();
        let upload = root.path().join("upload");
        fs::create_dir(&upload).unwrap();
        let folder = JobFolder::new(&upload);
        let file = |path: &Path| fs::File::create(path).unwrap();
        job.write(file(&folder.job_file())).unwrap();
        keys.write(plan.parameters(), file(&folder.keys_file())).unwrap();
        let dataset = Owner::new(&plan, &set, &secret_key).unwrap().encrypt(&mut rng(4)).unwrap();
        write_preconditioner(&dataset.preconditioner, &job, file(&folder.preconditioner_file())).unwrap();
        for number in 0..plan.row_files() {
            let rows = dataset.groups(plan.row_file_groups(number));
            rows.write(&job, file(&folder.row_file(number))).unwrap();
        }
        let evaluator = Arc::new(Evaluator::new(&context, keys).unwrap());
        Self { _root: root, upload, job, context, evaluator, dataset }
    }

    /// The gradient of some groups at the weights of the beginning, as a rank leaves it.
    fn write_gradient(&self, folder: &JobFolder, rank: usize, groups: Range<usize>) {
        let data = self.dataset.expand(&self.context).unwrap();
        let trainer = Trainer::new(&self.evaluator, self.job.plan(), data).unwrap();
        let gradient = trainer.gradient(groups).unwrap().unwrap();
        gradient.write(&self.job, fs::File::create(folder.gradient_file(rank)).unwrap()).unwrap();
    }

    /// A folder with the upload's files.
    fn copy(&self) -> TempDir {
        let folder = tempfile::tempdir().unwrap();
        for entry in fs::read_dir(&self.upload).unwrap() {
            let entry = entry.unwrap();
            fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
        }
        folder
    }

    /// The model of a program that trains alone.
    fn model_alone(&self) -> Vec<u8> {
        let folder = self.copy();
        let files = JobFolder::new(folder.path());
        let done = train(&files, &self.job, Machine::default(), &()).unwrap();
        assert_eq!(done, IterationsDone { before: 0, all: self.job.plan().hyperparameters().iterations() });
        fs::read(files.model_file()).unwrap()
    }
}

/// What ranks moved is what is planned, to the byte.
fn check_moved(hub: &Hub, plan: &Plan, size: usize) {
    let passes = (1..=plan.hyperparameters().iterations()).map(|pass| PassTraffic::of(plan, pass, size));
    let passes: Vec<_> = passes.collect();
    let gradients: u64 = passes.iter().map(|pass| pass.gradient_bytes).sum();
    let parts: u64 = passes.iter().map(|pass| pass.part_bytes).sum();
    assert_eq!([gradients, parts].map(|bytes| bytes > 0), [size > 1; 2]);
    let moved = hub.moved.each_ref().map(|bytes| bytes.load(Ordering::Relaxed) as u64);
    assert_eq!(moved, [gradients, parts]);
}

/// Trains in these folders, one for each rank, and returns what each rank ended with.
fn train_together(folders: &[&Path], watcher: &Watcher) -> Vec<Result<IterationsDone, TeamFailure>> {
    train_as(Threads::team(folders.len()), folders, watcher)
}

fn train_as(
    team: Vec<Threads>,
    folders: &[&Path],
    watcher: &Watcher,
) -> Vec<Result<IterationsDone, TeamFailure>> {
    thread::scope(|scope| {
        let ranks = team.into_iter().zip(folders).map(|(team, folder)| {
            let train = move || {
                let done = train_in_team(&JobFolder::new(folder), &team, Machine::default(), watcher);
                if matches!(done, Err(TeamFailure::Own(_))) {
                    team.hub.meeting.end();
                }
                done.map(|(_, done)| done)
            };
            scope.spawn(train)
        });
        // A rank that another one ended has panicked, and says less than that one.
        let ended: Vec<_> = ranks.collect::<Vec<_>>().into_iter().map(ScopedJoinHandle::join).collect();
        if let Some(own) = ended.iter().flatten().find(|ended| matches!(ended, Err(TeamFailure::Own(_)))) {
            panic!("{own:?}");
        }
        ended.into_iter().map(Result::unwrap).collect()
    })
}

/// What all ranks are refused by.
fn refused(folders: &[&Path]) -> String {
    let ended = train_together(folders, &Watcher::default());
    let problems = ended.into_iter().map(|ended| match ended {
        Err(TeamFailure::Agreed(failure)) => failure.to_string(),
        ended => panic!("{ended:?}"),
    });
    let problems: Vec<_> = problems.collect();
    assert!(problems.iter().all(|problem| *problem == problems[0]), "{problems:?}");
    problems[0].clone()
}

#[test]
fn any_number_of_ranks_trains_the_same_model() {
    let fixture = Fixture::new();
    let alone = fixture.model_alone();
    // With 40 there are ranks without rows.
    for size in [1, 2, 3, 40] {
        let folder = fixture.copy();
        let done = IterationsDone { before: 0, all: ITERATIONS };
        for ended in train_together(&vec![folder.path(); size], &Watcher::default()) {
            assert_eq!(ended.unwrap(), done);
        }
        let files = JobFolder::new(folder.path());
        assert!(fs::read(files.model_file()).unwrap() == alone, "{size}");
        assert_eq!(files.gradient_files().unwrap(), []);
        assert!(!files.checkpoint_file().exists());
        // Again: it is there.
        for ended in train_together(&vec![folder.path(); size], &Watcher::default()) {
            assert_eq!(ended.unwrap(), IterationsDone { before: ITERATIONS, all: ITERATIONS });
        }
    }
}

#[test]
fn any_number_of_ranks_trains_the_same_refreshed_model() {
    let hyperparameters = Hyperparameters::many(14).unwrap().with_weight_range(180.0).unwrap();
    let fixture = Fixture::of(&hyperparameters, 10, 120);
    let plan = fixture.job.plan();
    assert!(plan.bootstrapping().is_some() && plan.refresh_count() > 1, "{plan}");
    let alone = fixture.model_alone();
    // With 3 there are ranks that refresh nothing.
    assert!(plan.layout().weight_ciphertexts() < 3);
    for size in [2, 3] {
        let (folder, team) = (fixture.copy(), Threads::team(size));
        let hub = Arc::clone(&team[0].hub);
        let ended = train_as(team, &vec![folder.path(); size], &Watcher::default());
        assert!(ended.iter().all(Result::is_ok), "{ended:?}");
        assert!(fs::read(JobFolder::new(folder.path()).model_file()).unwrap() == alone, "{size}");
        check_moved(&hub, plan, size);
    }
}

#[test]
fn a_training_moves_what_is_planned() {
    let fixture = Fixture::new();
    for size in [1, 3] {
        let (folder, team) = (fixture.copy(), Threads::team(size));
        let hub = Arc::clone(&team[0].hub);
        let ended = train_as(team, &vec![folder.path(); size], &Watcher::default());
        assert!(ended.iter().all(Result::is_ok), "{ended:?}");
        check_moved(&hub, fixture.job.plan(), size);
    }
}

#[test]
fn ranks_have_folders_of_their_own() {
    let fixture = Fixture::new();
    let folders = [fixture.copy(), fixture.copy()];
    let [first, second] = [folders[0].path(), folders[1].path()];
    fs::remove_file(JobFolder::new(second).row_file(0)).unwrap();
    let ended = train_together(&[first, second], &Watcher::default());
    assert!(ended.iter().all(Result::is_ok), "{ended:?}");
    assert!(fs::read(JobFolder::new(first).model_file()).unwrap() == fixture.model_alone());
    assert!(!JobFolder::new(second).model_file().exists());
}

#[test]
fn what_a_rank_lacks_is_said_to_all() {
    let fixture = Fixture::new();
    let folders = [fixture.copy(), fixture.copy()];
    let [first, second] = [folders[0].path(), folders[1].path()];
    for folder in [first, second] {
        fs::remove_file(JobFolder::new(folder).row_file(0)).unwrap();
    }
    let problem = refused(&[first, second]);
    assert!(problem.starts_with("rows-00001.vly: none of the 2 ranks has it"), "{problem}");
    fs::remove_file(JobFolder::new(second).job_file()).unwrap();
    let problem = refused(&[first, second]);
    assert!(problem.starts_with(&format!("rank 1 on node1: {}", second.display())), "{problem}");
    let other = Job::new(Arc::clone(fixture.job.plan()), fixture.job.key_id(), &mut rng(9)).unwrap();
    other.write(fs::File::create(JobFolder::new(second).job_file()).unwrap()).unwrap();
    assert_eq!(refused(&[first, second]), "rank 1 on node1 has another job than rank 0 on node0");
}

#[test]
fn an_interrupted_pass_goes_on_with_any_number_of_ranks() {
    let fixture = Fixture::new();
    let (alone, groups) = (fixture.model_alone(), fixture.job.plan().layout().groups());
    let parts = [0..2, 2..5, groups - 1..groups];
    for size in [1, 2, 4] {
        let folder = fixture.copy();
        let files = JobFolder::new(folder.path());
        // What three ranks left in the first iteration, one of them twice.
        for (rank, part) in parts.iter().enumerate() {
            fixture.write_gradient(&files, rank, part.clone());
        }
        fixture.write_gradient(&files, 7, 3..5);
        let watcher = Watcher::default();
        for ended in train_together(&vec![folder.path(); size], &watcher) {
            assert_eq!(ended.unwrap(), IterationsDone { before: 0, all: ITERATIONS });
        }
        assert!(fs::read(files.model_file()).unwrap() == alone, "{size}");
        assert_eq!(files.gradient_files().unwrap(), []);
        let plan = fixture.job.plan();
        let rows = plan.rows_in_first(5) + plan.rows_in_first(groups) - plan.rows_in_first(groups - 1);
        // Of four ranks the last one has what the eighth one left, which the second one's has as well.
        assert_eq!(watcher.before.load(Ordering::Relaxed), rows);
    }
}

#[test]
fn a_job_that_is_taken_away_leaves_nothing() {
    let fixture = Fixture::new();
    let folder = fixture.copy();
    let files = JobFolder::new(folder.path());
    let watcher = Watcher { takes: Some(files.job_file()), ..Watcher::default() };
    let failure = train(&files, &fixture.job, Machine::default(), &watcher).unwrap_err().to_string();
    assert!(failure.ends_with("the job was taken away while it was trained"), "{failure}");
    assert!(!files.checkpoint_file().exists() && !files.model_after(1).exists());
}

#[test]
fn ranks_end_together() {
    let fixture = Fixture::new();
    let folder = fixture.copy();
    let watcher = Watcher { is_to_end: true, ..Watcher::default() };
    for ended in train_together(&[folder.path(); 2], &watcher) {
        assert!(matches!(ended, Err(TeamFailure::Agreed(Failure::Interrupted))), "{ended:?}");
    }
    fs::write(JobFolder::new(folder.path()).stop_file(), "").unwrap();
    let problem = refused(&[folder.path(); 2]);
    assert!(problem.contains("stopped before an iteration was done"), "{problem}");
}
