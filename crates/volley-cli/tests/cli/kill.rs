//! A server that is killed at any moment goes on and ends with the same model.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use predicates::str::contains;
use rand::rngs::SysRng;
use rand::{SeedableRng, TryRng};
use rand_chacha::ChaCha20Rng;

use crate::setup::{fixture, folder, link, names, volley};

const KILLS: usize = 5;

fn start(server: &Path) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_volley"));
    command.arg("train").arg(server).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap()
}

/// SIGKILL.
fn kill(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Trains until there is a checkpoint, or the model where that came first.
pub(crate) fn kill_after_a_checkpoint(server: &Path) {
    let child = start(server);
    while !server.join("checkpoint.vly").exists() && !server.join("model.vly").exists() {
        sleep(Duration::from_millis(1));
    }
    kill(child);
}

fn check_model(server: &Path) {
    assert!(fs::read(server.join("model.vly")).unwrap() == fs::read(&fixture().model).unwrap());
    assert_eq!(
        names(server),
        [
            ".volley.lock",
            "evaluation-keys.vly",
            "job.vly",
            "model-after-1.vly",
            "model-after-2.vly",
            "model.vly",
            "preconditioner.vly",
            "rows-00001.vly"
        ]
    );
}

#[test]
fn killed_at_random_moments() {
    let fixture = fixture();
    let reference = folder();
    let server = reference.path().join("server");
    link(&fixture.upload, &server);
    let begin = Instant::now();
    volley(["train"]).arg(&server).assert().success();
    let whole = begin.elapsed();
    check_model(&server);

    let mut rng = ChaCha20Rng::try_from_rng(&mut SysRng).unwrap();
    for attempt in 0..KILLS {
        let folder = folder();
        let server = folder.path().join("server");
        link(&fixture.upload, &server);
        let Ok(random) = rng.try_next_u32();
        let moment = whole.mul_f64(f64::from(random) / f64::from(u32::MAX));
        eprintln!("attempt {attempt}: killed after {moment:?} of {whole:?}");
        let child = start(&server);
        sleep(moment);
        kill(child);
        volley(["train"]).arg(&server).assert().success();
        check_model(&server);
    }
}

#[test]
fn killed_after_a_checkpoint_it_goes_on_there() {
    let folder = folder();
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    kill_after_a_checkpoint(&server);
    // What a program that is killed while it writes leaves behind.
    fs::write(server.join(".volley-killed.part"), "half").unwrap();
    if server.join("checkpoint.vly").exists() {
        let inspected = volley(["inspect"]).arg(server.join("checkpoint.vly")).assert().success();
        inspected.stdout(contains("kind             checkpoint"));
        volley(["train"]).arg(&server).assert().success().stderr(contains("goes on after iteration"));
    } else {
        volley(["train"]).arg(&server).assert().success();
    }
    check_model(&server);
    // Started once more, there is nothing to do.
    volley(["train"]).arg(&server).assert().success().stdout(contains("done before"));
    check_model(&server);
}
