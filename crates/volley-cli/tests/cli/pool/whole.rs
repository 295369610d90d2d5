//! What happens when all goes well, when programs are killed, and when an owner is gone.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use predicates::str::contains;
use serde_json::Value;

use super::scores::check_predictions;
use super::{OWNERS, PARTIES, Parties, ROWS, before, fixture, json};
use crate::pool_secrets;
use crate::setup::{names, volley};

fn accuracy(parties: &Parties, owner: &str) -> f64 {
    let model = parties.kept(owner, "model.json");
    let evaluation: Value = json(volley(["evaluate", "--json"]).arg(model).arg(parties.path("test.csv")));
    evaluation["accuracy"].as_f64().unwrap()
}

/// All files below a folder.
pub(super) fn contents(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut files = BTreeMap::new();
    for name in names(folder) {
        let path = folder.join(&name);
        if path.is_dir() {
            files.extend(contents(&path).into_iter().map(|(file, bytes)| (format!("{name}/{file}"), bytes)));
        } else {
            files.insert(name, fs::read(&path).unwrap());
        }
    }
    files
}

/// The owners whose model is there have the same, and it is good.
pub(super) fn check_models(parties: &Parties, owners: &[&str]) {
    let models: Vec<_> =
        owners.iter().map(|owner| fs::read(parties.kept(owner, "model.json")).unwrap()).collect();
    assert!(models.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(accuracy(parties, owners[0]) > 0.9, "{}", accuracy(parties, owners[0]));
}

#[test]
fn three_owners_and_a_server_train_one_model() {
    let end = before(None);
    check_models(&end, &OWNERS);
    assert!(!end.kept("server", "model.json").exists());
    let stages: Vec<_> = fixture().iter().filter_map(|(stage, _)| stage.as_deref()).collect();
    for step in ["plan", "keys, round 2", "opening of means", "rows", "training", "opening of the model"] {
        assert!(stages.contains(&step), "{step} of {stages:?}");
    }
}

/// A pool whose training is left to others, and the folder that has it.
pub(crate) fn left_training() -> (Parties, PathBuf) {
    let parties = before(Some("training"));
    let left = json(parties.next("server").args(["--leave-training", "--json"]));
    let folder = parties.kept("server", "job");
    assert_eq!(left["done"], serde_json::json!(["files of the training"]));
    assert_eq!(left["left_training"].as_str(), folder.to_str());
    (parties, folder)
}

/// The server sends the model that others left there: that of a server that trains itself.
pub(crate) fn check_left_training(parties: &Parties) {
    let sent = json(parties.next("server").args(["--leave-training", "--json"]));
    assert_eq!(sent["done"], serde_json::json!(["training"]));
    let model = |parties: &Parties| fs::read(parties.sent("server", "server", "model.vly")).unwrap();
    assert!(model(parties) == model(&before(Some("opening of the model"))));
}

#[test]
fn a_training_may_be_left_to_others() {
    let (parties, training) = left_training();
    let shown = format!("next: mpirun volley train --mpi {0}, or volley train {0};", training.display());
    parties.next("server").arg("--leave-training").assert().success().stdout(contains(shown));
    volley(["train"]).arg(&training).assert().success().stdout(contains("model.vly: 1 iteration,"));
    let rows_in = |number: usize| {
        let found = json(volley(["inspect", "--json"]).arg(training.join(format!("rows-0000{number}.vly"))));
        found["rows"].as_u64().unwrap()
    };
    assert_eq!((1..=3).map(rows_in).sum::<u64>(), ROWS as u64);
    // A file that is gone is put there again, and a training that has ended is not left any more.
    let rows = training.join("rows-00002.vly");
    fs::remove_file(&rows).unwrap();
    fs::rename(training.join("model.vly"), training.join("kept")).unwrap();
    let again = json(parties.next("server").args(["--leave-training", "--json"]));
    assert_eq!(again["done"], serde_json::json!(["files of the training"]));
    assert!(rows.exists());
    let mut status = volley(["pool", "status"]);
    status.arg(parties.path("server")).assert().success().stdout(contains("\nnext: volley pool next "));
    fs::rename(training.join("kept"), training.join("model.vly")).unwrap();
    check_left_training(&parties);
    let refused = parties.next("north").arg("--leave-training").assert().failure().code(2);
    refused.stderr(contains("this is an owner's folder, and only the server trains"));
    let elsewhere = volley(["train"]).arg(parties.path("server")).assert().failure().code(2);
    elsewhere.stderr(contains("a training that the server left is in private/job"));
}

#[test]
fn nothing_private_is_in_what_is_exchanged() {
    let end = before(None);
    let folders = PARTIES.map(|party| end.path(party));
    let search = || pool_secrets::search(&folders.each_ref().map(PathBuf::as_path)).unwrap();
    assert_eq!(search(), Vec::<String>::new());
    let exchanged: Vec<_> = contents(&end.path("north").join("exchange")).into_values().collect();
    for owner in OWNERS {
        let table = fs::read_to_string(end.path(&format!("{owner}.csv"))).unwrap();
        let row = table.lines().nth(1).unwrap();
        assert!(!exchanged.iter().any(|sent| sent.windows(row.len()).any(|part| part == row.as_bytes())));
    }
    // The search finds what is there: a state that another owner has, and totals at the server.
    fs::copy(end.kept("east", "owner-1.vly"), end.kept("south", "stolen")).unwrap();
    fs::copy(end.kept("east", "means.json"), end.sent("server", "server", "stolen")).unwrap();
    let found = search();
    for (place, what) in [("south/private/stolen", "seed"), ("server/exchange/server/stolen", "means.json")] {
        assert!(found.iter().any(|found| found.contains(place) && found.contains(what)), "{found:?}");
    }
}

#[test]
fn where_nothing_is_due_nothing_changes() {
    for stage in [Some("opening of means"), None] {
        let parties = before(stage);
        for party in PARTIES {
            parties.next(party).assert().success();
            let before = contents(&parties.path(party));
            parties.next(party).assert().success().stdout(contains("nothing was due"));
            assert!(contents(&parties.path(party)) == before, "{party} at {stage:?}");
        }
    }
}

/// A program that is killed in any step goes on when it is run again.
#[test]
fn killed_at_any_moment_every_party_goes_on() {
    let parties = before(Some("commitment"));
    for round in 0.. {
        assert!(round < 30, "the pool does not end: {:?}", parties.stage());
        for (place, party) in PARTIES.into_iter().enumerate() {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volley"));
            command.args(["pool", "next"]).arg(parties.path(party));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis((round * 37 + place as u64 * 53) % 300));
            let _ = child.kill();
            child.wait().unwrap();
        }
        parties.round();
        if parties.stage().is_none() {
            break;
        }
    }
    check_models(&parties, &OWNERS);
}

#[test]
fn two_of_three_finish_when_the_third_is_gone() {
    let parties = Parties::new();
    parties.all_join(&["--threshold", "2", "--predict", "40"]);
    while parties.stage().as_deref() != Some("training") {
        parties.round();
    }
    fs::remove_dir_all(parties.path("south")).unwrap();
    for _ in 0..5 {
        for party in ["north", "east", "server"] {
            parties.next(party).assert().success();
        }
        parties.mirror_among(&["north", "east", "server"]);
    }
    check_models(&parties, &["north", "east"]);
    // The two that are there switch scores as well.
    let one = parties.score("east", "test.csv").args(["--by", "north"]).assert().code(2);
    one.stderr(contains("2 owners decrypt scores"));
    parties.score("east", "test.csv").args(["--by", "north,east"]).assert().success();
    for _ in 0..3 {
        parties.mirror_among(&["north", "east", "server"]);
        for party in ["server", "north", "east"] {
            parties.next(party).assert().success();
        }
    }
    check_predictions(&parties, "east");
}

#[test]
fn it_is_said_where_the_model_is() {
    let end = before(None);
    let model = end.kept("north", "model.json");
    let shown = [end.next("north").assert().success(), status(&end, "north")].map(|shown| stdout(&shown));
    for shown in shown {
        let (line, next) = (format!("model            {}", model.display()), "next: volley evaluate ");
        assert!(shown.contains(&line) && shown.contains(next), "{shown}");
    }
    let of_server = stdout(&status(&end, "server"));
    assert!(
        of_server.contains("the pool has done its work") && !of_server.contains("evaluate"),
        "{of_server}"
    );
}

fn status(parties: &Parties, party: &str) -> assert_cmd::assert::Assert {
    volley(["pool", "status"]).arg(parties.path(party)).assert().success()
}

fn stdout(shown: &assert_cmd::assert::Assert) -> String {
    String::from_utf8(shown.get_output().stdout.clone()).unwrap()
}

#[test]
fn it_is_said_who_suffices_and_whom_nobody_can_replace() {
    let parties = Parties::new();
    parties.all_join(&["--threshold", "2"]);
    parties.run_to(Some("readiness"), &PARTIES);
    let of_server = stdout(&status(&parties, "server"));
    assert!(of_server.contains("waits for        2 of north, east, south: readiness\n"), "{of_server}");
    assert!(!of_server.contains("Nobody can take the place"), "{of_server}");
    parties.next("south").assert().success();
    parties.mirror();
    let of_north = stdout(&status(&parties, "north"));
    assert!(of_north.contains("waits for        1 of north, east: readiness\n"), "{of_north}");
    parties.next("east").assert().success();
    parties.mirror();
    parties.next("server").assert().success();
    parties.mirror();
    // East was chosen, and is gone for good.
    parties.next("south").assert().success();
    parties.mirror();
    let of_south = stdout(&status(&parties, "south"));
    assert!(of_south.contains("waits for        east: opening of the model\n"), "{of_south}");
    assert!(
        of_south.contains("                 Nobody can take the place of an owner who was chosen."),
        "{of_south}"
    );
    assert!(of_south.contains("shares of secrets each owner: "), "{of_south}");
}
