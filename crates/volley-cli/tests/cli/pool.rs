//! Several owners and a server, as processes that share nothing but mirrored folders.

mod given;
mod joining;
mod refusals;
mod scores;
mod sizes;
mod whole;

#[cfg(feature = "mpi")]
pub(crate) use whole::{check_left_training, left_training};

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use serde_json::Value;
use tempfile::TempDir;

use crate::setup::{TMP, folder, names, table, volley};

const OWNERS: [&str; 3] = ["north", "east", "south"];
const PARTIES: [&str; 4] = ["north", "east", "south", "server"];
/// Rows of all owners.
const ROWS: usize = 48;

/// The folders of all parties, below one that is gone after the test or kept for all tests.
pub(crate) struct Parties {
    owners: Vec<String>,
    root: PathBuf,
    _owned: Option<TempDir>,
}

impl Parties {
    /// Tables of three owners, and no folders.
    fn new() -> Self {
        let owned = folder();
        let parties = Self::three(owned.path().to_owned(), Some(owned));
        parties.write_tables();
        parties
    }

    fn three(root: PathBuf, owned: Option<TempDir>) -> Self {
        Self { owners: OWNERS.map(str::to_owned).into(), root, _owned: owned }
    }

    /// Tables of so many owners, of whom the first is north, and no folders.
    fn of(owners: usize) -> Self {
        let owned = folder();
        let others = (2..=owners).map(|owner| format!("owner-{owner}"));
        let owners = std::iter::once("north".to_owned()).chain(others).collect();
        let parties = Self { owners, root: owned.path().to_owned(), _owned: Some(owned) };
        parties.write_tables_in_turn();
        parties
    }

    /// The owners and the server.
    fn all(&self) -> Vec<&str> {
        self.owners.iter().map(String::as_str).chain(["server"]).collect()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    fn sent(&self, here: &str, party: &str, file: &str) -> PathBuf {
        self.path(here).join("exchange").join(party).join(file)
    }

    fn kept(&self, party: &str, file: &str) -> PathBuf {
        self.path(party).join("private").join(file)
    }

    /// North has rows of a and b, east of b and c in other columns and one more, south of c and a.
    fn write_tables(&self) {
        let text = table(ROWS);
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split(',').collect()).collect();
        for (owner, name) in OWNERS.iter().enumerate() {
            // Classes take turns, and two owners share the rows of each.
            let has = |row: &usize| (row % 3 + 2 * (row / 3 % 2)) % 3 == owner;
            let own = (0..ROWS).filter(has).map(|row| &rows[row]);
            let lines = own.map(|row| match *name {
                "east" => format!("{},{},7,{},{},{}", row[4], row[0], row[1], row[3], row[2]),
                _ => row.join(","),
            });
            let header = if *name == "east" { "z,kind,ward,w,y,x" } else { "kind,w,x,y,z" };
            let lines: Vec<_> = std::iter::once(header.to_owned()).chain(lines).collect();
            fs::write(self.path(&format!("{name}.csv")), lines.join("\n") + "\n").unwrap();
        }
        self.write_test_table();
    }

    /// The owners have the rows in turn.
    fn write_tables_in_turn(&self) {
        let text = table(ROWS);
        for (owner, name) in self.owners.iter().enumerate() {
            let own: Vec<_> = text.lines().skip(owner).step_by(self.owners.len()).collect();
            fs::write(self.path(&format!("{name}.csv")), format!("kind,w,x,y,z\n{}\n", own.join("\n")))
                .unwrap();
        }
        self.write_test_table();
    }

    fn write_test_table(&self) {
        fs::write(self.path("test.csv"), format!("kind,w,x,y,z\n{}", table(30))).unwrap();
    }

    fn init(&self, more: &[&str]) -> Command {
        let (folder, table) = (self.path("north"), self.path("north.csv"));
        let mut command = volley(["pool", "init"]);
        command.arg(folder).args(["--name", "north", "--members", &self.owners.join(", ")]).arg("--table");
        command.arg(table).args(["--classes", "a, b,c", "--iterations", "1"]).args(more);
        command
    }

    fn join(&self, party: &str) -> Command {
        let mut command = volley(["pool", "join"]);
        command.arg(self.path(party));
        if party == "server" {
            command.arg("--server");
        } else {
            command.arg(self.path(&format!("{party}.csv"))).args(["--name", party]);
            command.args(["--label-column", "kind"]);
        }
        command
    }

    fn next(&self, party: &str) -> Command {
        let mut command = volley(["pool", "next"]);
        command.arg(self.path(party));
        command
    }

    /// An owner asks for the scores of rows.
    fn score(&self, party: &str, table: &str) -> Command {
        let mut command = volley(["pool", "score"]);
        command.args([self.path(party), self.path(table)]);
        command
    }

    fn status(&self, party: &str) -> Value {
        let mut command = volley(["pool", "status", "--json"]);
        json(command.arg(self.path(party)))
    }

    /// Brings what each party sent to all others, as a shared folder would.
    fn mirror(&self) {
        self.mirror_among(&self.all());
    }

    fn mirror_among(&self, parties: &[&str]) {
        for from in parties {
            for to in parties.iter().filter(|to| *to != from) {
                let sent = self.path(from).join("exchange").join(from);
                if sent.is_dir() {
                    link_new(&sent, &self.path(to).join("exchange").join(from));
                }
            }
        }
    }

    /// The invitation, and what all say when they join.
    fn all_join(&self, more: &[&str]) {
        self.init(more).assert().success();
        self.mirror();
        for party in &self.all()[1..] {
            self.join(party).assert().success();
        }
        self.mirror();
    }

    /// Every party does what is due, and all get what was sent. Owners confirm the fingerprint where they are asked.
    fn round(&self) {
        self.round_of(&self.all());
    }

    /// The same, where only these parties are there.
    fn round_of(&self, parties: &[&str]) {
        for party in parties {
            let progress = json(self.next(party).arg("--json"));
            if let Some(fingerprint) = progress["fingerprint"].as_str() {
                self.next(party).args(["--fingerprint", fingerprint]).assert().success();
            }
        }
        self.mirror_among(parties);
    }

    /// Rounds of these parties, until a step is waited for or the pool has done its work.
    fn run_to(&self, step: Option<&str>, parties: &[&str]) {
        for _ in 0..30 {
            if self.stage().as_deref() == step {
                return;
            }
            self.round_of(parties);
        }
        panic!("the pool does not get to {step:?}, but to {:?}", self.stage());
    }

    /// The first step that is waited for, by what north has.
    fn stage(&self) -> Option<String> {
        self.status("north")["awaited"][0]["step"].as_str().map(str::to_owned)
    }

    /// The same folders, which the test may change.
    fn copy(&self) -> Self {
        let owned = folder();
        link_tree(&self.root, owned.path());
        Self::three(owned.path().to_owned(), Some(owned))
    }
}

fn json(command: &mut Command) -> Value {
    serde_json::from_slice(&command.assert().success().get_output().stdout).unwrap()
}

/// The files of a folder that another does not have.
fn link_new(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from).iter().filter(|name| !name.starts_with('.')) {
        if !to.join(name).exists() {
            fs::hard_link(from.join(name), to.join(name)).unwrap();
        }
    }
}

/// All files below a folder. No program writes into a file that exists.
fn link_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from).iter().filter(|name| !name.starts_with('.')) {
        let (from, to) = (from.join(name), to.join(name));
        if from.is_dir() {
            link_tree(&from, &to);
        } else {
            fs::hard_link(from, to).unwrap();
        }
    }
}

/// A pool of three in which all decrypt and ask for scores of 40 rows, as it was before each step and at the end.
fn fixture() -> &'static [(Option<String>, Parties)] {
    static FIXTURE: OnceLock<Vec<(Option<String>, Parties)>> = OnceLock::new();
    FIXTURE.get_or_init(|| stages("pool", &["--predict", "40"]))
}

/// Runs a pool to its end, and keeps all its stages.
fn stages(name: &str, more: &[&str]) -> Vec<(Option<String>, Parties)> {
    let root = Path::new(TMP).join(name);
    let _ = fs::remove_dir_all(&root);
    // Its tables are read in every stage.
    let running = Parties::three(root.join("running"), None);
    fs::create_dir_all(&running.root).unwrap();
    running.write_tables();
    running.all_join(more);
    let mut stages = Vec::new();
    loop {
        let (stage, kept) = (running.stage(), root.join(stages.len().to_string()));
        link_tree(&running.root, &kept);
        stages.push((stage.clone(), Parties::three(kept, None)));
        if stage.is_none() {
            return stages;
        }
        assert!(stages.len() < 30, "the pool does not end: {stage:?}");
        running.round();
    }
}

/// The folders before a step, or at the end.
fn before(step: Option<&str>) -> Parties {
    let found = fixture().iter().find(|(stage, _)| stage.as_deref() == step);
    found.unwrap_or_else(|| panic!("no stage {step:?}")).1.copy()
}
