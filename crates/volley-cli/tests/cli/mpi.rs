//! Ranks of MPI: the same model with any number of them, also where they are killed.
//!
//! They take a launcher, `mpirun`, and a build with the feature `mpi`.

use std::fs;
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::sleep;
use std::time::Duration;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use crate::pool::{check_left_training, left_training};
use crate::row_files::{LITTLE, long, server as long_server};
use crate::setup::{TMP, fixture, folder, link, names, volley};

/// `volley train --mpi` as so many ranks of one thread, more than there are cores.
fn ranks(count: usize, arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new("mpirun");
    command.args(["--allow-run-as-root", "--oversubscribe", "-n", &count.to_string()]);
    command.arg(env!("CARGO_BIN_EXE_volley")).args(["train", "--mpi", "--threads", "1"]);
    command.args(arguments).arg(folder).env("XDG_CACHE_HOME", Path::new(TMP).join("cache"));
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn succeed(mut command: Command) -> String {
    let Output { status, stdout, stderr } = command.output().unwrap();
    assert!(status.success(), "{}", text(&stderr));
    text(&stdout)
}

#[test]
fn any_number_of_ranks_trains_the_model_of_one_program() {
    let alone = fs::read(&fixture().model).unwrap();
    for count in [1, 2, 3, 8] {
        let folder = folder();
        let server = folder.path().join("server");
        link(&fixture().upload, &server);
        let said = succeed(ranks(count, &[], &server));
        let expected = format!("on {count} rank{}", if count == 1 { "" } else { "s" });
        assert!(said.contains("model.vly: 3 iterations") && said.trim_end().ends_with(&expected), "{said}");
        assert!(fs::read(server.join("model.vly")).unwrap() == alone, "{count} ranks");
        // What ranks go on from is gone.
        assert!(!names(&server).iter().any(|name| name.starts_with("gradient") || name == "checkpoint.vly"));
        let again = succeed(ranks(count, &[], &server));
        assert!(again.contains("3 iterations, done before"), "{again}");
    }
}

/// The rows of several owners.
#[test]
fn any_number_of_ranks_trains_the_model_of_a_pool() {
    for count in [2, 3] {
        let (parties, training) = left_training();
        succeed(ranks(count, &[], &training));
        check_left_training(&parties);
    }
}

/// The model of one program of the job with three files of rows.
fn long_model() -> Vec<u8> {
    let (_folder, server) = long_server();
    volley(["train"]).arg(&server).assert().success();
    fs::read(server.join("model.vly")).unwrap()
}

/// Kills one of the ranks: those of this folder, among all programs.
fn kill_a_rank(server: &Path, which: usize) {
    let pattern = format!("volley train --mpi.*{}", server.display());
    let found = Command::new("pgrep").args(["-f", &pattern]).output().unwrap().stdout;
    // mpirun has the same words on its command line.
    let ranks: Vec<_> =
        text(&found).lines().filter(|process| !is_launcher(process)).map(str::to_owned).collect();
    if let Some(rank) = ranks.get(which % ranks.len().max(1)) {
        Command::new("kill").args(["-KILL", rank]).status().unwrap();
    }
}

fn is_launcher(process: &str) -> bool {
    fs::read_to_string(format!("/proc/{process}/comm")).is_ok_and(|name| !name.starts_with("volley"))
}

fn ended(mut child: Child) -> (bool, String) {
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    (child.wait().unwrap().success(), said)
}

#[test]
fn ranks_that_are_killed_go_on_with_the_same_and_another_number() {
    let model = long_model();
    let (_folder, server) = long_server();
    let mut interrupted = 0;
    for (turn, count) in [2, 3, 3, 1, 4].into_iter().enumerate() {
        let mut command = ranks(count, &["--memory", LITTLE], &server);
        let child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
        // The first one while all are sure to be at work.
        sleep(Duration::from_millis(1000 + 1500 * turn as u64));
        kill_a_rank(&server, turn);
        let (succeeded, said) = ended(child);
        if succeeded {
            break;
        }
        assert!(said.contains("process rank ") && said.contains("signal 9 (Killed)"), "{said}");
        interrupted += 1;
    }
    assert!(interrupted > 0);
    succeed(ranks(2, &["--memory", LITTLE], &server));
    assert!(fs::read(server.join("model.vly")).unwrap() == model);
    assert!(!names(&server).iter().any(|name| name.starts_with("gradient")));
}

/// Three machines, each with a file of rows of its own.
#[test]
fn ranks_have_parts_of_the_rows() {
    let root = folder();
    let of_rank = |rank: usize| root.path().join(format!("machine{rank}"));
    for rank in 0..3 {
        link(&long().upload, &of_rank(rank));
        for file in (0..3).filter(|&file| file != rank) {
            fs::remove_file(of_rank(rank).join(format!("rows-0000{}.vly", file + 1))).unwrap();
        }
    }
    // Each rank has the folder of its number.
    let script = format!(
        "exec {} train --mpi --threads 1 {}/machine$OMPI_COMM_WORLD_RANK",
        env!("CARGO_BIN_EXE_volley"),
        root.path().display()
    );
    let run = || {
        let mut command = Command::new("mpirun");
        command.args(["--allow-run-as-root", "--oversubscribe", "--quiet", "-n", "3", "sh", "-c", &script]);
        command.env("XDG_CACHE_HOME", Path::new(TMP).join("cache"));
        command
    };
    let missing = of_rank(1).join("rows-00002.vly");
    let kept = root.path().join("kept");
    fs::rename(&missing, &kept).unwrap();
    let mut refused = assert_cmd::Command::from_std(run());
    let words = "error: rows-00002.vly: none of the 3 ranks has it";
    refused.assert().code(2).stderr(contains(words).count(1));
    fs::rename(&kept, &missing).unwrap();
    // A rank without its job is named.
    fs::rename(of_rank(2).join("job.vly"), &kept).unwrap();
    let mut refused = assert_cmd::Command::from_std(run());
    refused.assert().code(2).stderr(contains("error: rank 2 on ").and(contains("there is no job.vly")));
    fs::rename(&kept, of_rank(2).join("job.vly")).unwrap();
    succeed(run());
    assert!(fs::read(of_rank(0).join("model.vly")).unwrap() == long_model());
    assert!((1..3).all(|rank| !of_rank(rank).join("model.vly").exists()));
}

/// What one rank alone finds out ends all of them, and says whose it is.
#[test]
fn a_rank_that_fails_ends_all() {
    let (_folder, server) = long_server();
    let second = server.join("rows-00003.vly");
    let mut damaged = fs::read(&second).unwrap();
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    crate::setup::replace(&second, &damaged);
    let mut refused = assert_cmd::Command::from_std(ranks(3, &["--memory", LITTLE], &server));
    refused.assert().code(2).stderr(contains("error: rank 2 on ").and(contains("rows-00003.vly")));
    assert!(!server.join("model.vly").exists());
}
