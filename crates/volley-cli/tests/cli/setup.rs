//! One small job that all tests begin with: keys of a ring that is secure are large, and are made once.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use assert_cmd::assert::Assert;
use tempfile::TempDir;

/// Below the target folder, where every run replaces the last one's.
pub(crate) const TMP: &str = env!("CARGO_TARGET_TMPDIR");
pub(crate) const SHAPE: [&str; 8] =
    ["--samples", "24", "--features", "4", "--classes", "3", "--iterations", "3"];

/// `volley` with arguments.
pub(crate) fn volley<S: AsRef<std::ffi::OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_volley"));
    // The user's cache is left alone.
    command.args(arguments).env("XDG_CACHE_HOME", Path::new(TMP).join("cache"));
    command
}

/// A folder that is gone after the test.
pub(crate) fn folder() -> TempDir {
    tempfile::tempdir_in(TMP).unwrap()
}

/// A folder with a model in clear, `model.json`, and with the tables that a test writes into it.
pub(crate) struct Files(TempDir);

impl Files {
    pub(crate) fn with(model: &str) -> Self {
        let files = Self(folder());
        files.write("model.json", model);
        files
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    /// A command on the model and a table.
    pub(crate) fn run(&self, command: &str, table: &Path, more: &[&str]) -> Assert {
        volley([command]).args([&self.path("model.json"), table]).args(more).assert()
    }
}

/// What the owner has before the server begins, and the model that it gets.
pub(crate) struct Fixture {
    pub(crate) project: PathBuf,
    pub(crate) upload: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) model: PathBuf,
}

/// 24 rows of three classes that are easily told apart.
pub(crate) fn table(rows: usize) -> String {
    let mut text = String::new();
    for row in 0..rows {
        write!(text, "{}", ["a", "b", "c"][row % 3]).unwrap();
        for column in 0..4 {
            let noise = (row * 7 + column * 5) % 11;
            let value = if column == row % 3 { 3.0 } else { 1.0 } + noise as f64 / 11.0;
            write!(text, ",{value:.3}").unwrap();
        }
        text.push('\n');
    }
    text
}

/// The same table with a single row of c, whose values are the means of those of b: nothing tells it from them.
pub(crate) fn table_with_a_rare_class(rows: usize) -> String {
    let text = table(rows).replace("c,", "b,");
    let values =
        |line: &str| -> Vec<f64> { line.split(',').skip(1).map(|value| value.parse().unwrap()).collect() };
    let of_b: Vec<_> = text.lines().skip(1).filter(|line| line.starts_with('b')).map(values).collect();
    let mean = |column: usize| of_b.iter().map(|row| row[column]).sum::<f64>() / of_b.len() as f64;
    let means: String = (0..4).map(|column| format!(",{:.6}", mean(column))).collect();
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    *lines.iter_mut().find(|line| line.starts_with('b')).unwrap() = format!("c{means}");
    lines.join("\n") + "\n"
}

pub(crate) fn fixture() -> &'static Fixture {
    static FIXTURE: OnceLock<Fixture> = OnceLock::new();
    FIXTURE.get_or_init(|| {
        let root = Path::new(TMP).join("fixture");
        let _ = fs::remove_dir_all(&root);
        fs::create_dir_all(&root).unwrap();
        let (project, data) = (root.join("project"), root.join("data.csv"));
        fs::write(&data, table(24)).unwrap();
        volley(["init"]).args(SHAPE).arg(&project).assert().success();
        volley(["keygen"]).arg(&project).assert().success();
        volley(["encrypt"]).args([&project, &data]).assert().success();
        let server = root.join("server");
        let upload = project.join("upload");
        link(&upload, &server);
        volley(["train"]).arg(&server).assert().success();
        Fixture { project, upload, data, model: server.join("model.vly") }
    })
}

/// The files of a folder in a new one, without copying what is large. (No program writes into a file that exists.)
pub(crate) fn link(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for name in names(from).iter().filter(|name| !name.starts_with('.')) {
        fs::hard_link(from.join(name), to.join(name)).unwrap();
    }
}

/// A project with the fixture's keys and data.
pub(crate) fn link_project(to: &Path) {
    link_a_project(&fixture().project, to);
}

/// A project with the keys and data of another.
pub(crate) fn link_a_project(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    fs::copy(from.join("project.json"), to.join("project.json")).unwrap();
    for part in ["upload", "private"] {
        link(&from.join(part), &to.join(part));
    }
}

/// The names in a folder.
pub(crate) fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Exit code 2, one line with these words, and no result.
pub(crate) fn refuse(command: &mut Command, words: &[&str]) {
    let assert = command.assert().code(2).stdout("");
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    assert!(stderr.starts_with("error: ") && stderr.lines().count() == 1, "{stderr}");
    assert!(words.iter().all(|word| stderr.contains(word)), "{stderr} should have {words:?}");
}

/// Puts a changed copy in a file's place.
pub(crate) fn replace(file: &Path, content: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, content).unwrap();
}

/// `volley` where no file may be longer than so many blocks of 512 bytes: the disk is full.
#[cfg(unix)]
pub(crate) fn on_a_full_disk(blocks: usize, arguments: &[&std::ffi::OsStr]) -> Command {
    limited(&format!("trap '' XFSZ; ulimit -f {blocks}"), arguments)
}

/// `volley` within limits that a shell sets.
#[cfg(unix)]
pub(crate) fn limited(limits: &str, arguments: &[&std::ffi::OsStr]) -> Command {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("{limits}; exec \"$0\" \"$@\""));
    command.arg(env!("CARGO_BIN_EXE_volley")).args(arguments);
    command
}
