//! Scores that one owner asks for: only that owner reads them, and each ciphertext of them is decrypted once.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use super::refusals::{damage, replace, replace_by};
use super::whole::contents;
use super::{OWNERS, PARTIES, Parties, before};
use crate::setup::{refuse, table, volley};

const SCORE_KEY: &str = "score-key.vly";
const ROWS: &str = "score-00001-rows.vly";
const SCORES: &str = "scores-north-00001.vly";
const SWITCHING: &str = "switching-north-00001.vly";
const PREDICTIONS: &str = "predictions-00001.csv";

/// The predictions that an owner got of the test rows are those of the model that all have.
pub(super) fn check_predictions(parties: &Parties, owner: &str) {
    let text = fs::read_to_string(parties.kept(owner, PREDICTIONS)).unwrap();
    let found: Vec<_> = text.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    let mut predict = volley(["predict"]);
    let predict = predict.arg(parties.kept(owner, "model.json")).arg(parties.path("test.csv"));
    let expected = String::from_utf8(predict.assert().success().get_output().stdout.clone()).unwrap();
    assert_eq!(found, expected.lines().collect::<Vec<_>>());
    assert_eq!(found.len(), 30);
}

/// North has asked.
fn asked() -> Parties {
    let parties = before(None);
    let asked = parties.score("north", "test.csv").assert().success();
    asked.stdout(contains("north has done: rows to score"));
    parties.mirror();
    parties
}

/// The server has scored as well.
fn scored() -> Parties {
    let parties = asked();
    parties.next("server").assert().success().stdout(contains("has done: scores 1 of north"));
    parties.mirror();
    parties
}

/// All owners have switched as well.
fn switched() -> Parties {
    let parties = scored();
    for owner in OWNERS {
        parties.next(owner).assert().success();
    }
    parties.mirror();
    parties
}

#[test]
fn one_owner_asks_and_nobody_else_reads_the_scores() {
    let parties = asked();
    assert_eq!(parties.stage().as_deref(), Some("scores 1 of north"));
    let parties = switched();
    assert!(!parties.kept("north", PREDICTIONS).exists());
    parties.next("north").assert().success().stdout(
        contains("north has done: predictions 1")
            .and(contains(parties.kept("north", PREDICTIONS).to_str().unwrap())),
    );
    check_predictions(&parties, "north");
    assert_eq!(parties.stage(), None);

    // A line of the predictions is in no file of another party, nor in what is exchanged.
    let text = fs::read_to_string(parties.kept("north", PREDICTIONS)).unwrap();
    let score = text.lines().nth(1).unwrap().split(',').nth(1).unwrap();
    let folders = ["east", "south", "server"].map(|party| parties.path(party));
    for folder in folders.into_iter().chain([parties.path("north").join("exchange")]) {
        for (name, bytes) in contents(&folder) {
            assert!(!name.contains("predictions"), "{name}");
            let found = bytes.windows(score.len()).any(|part| part == score.as_bytes());
            assert!(!found, "{name} has a score");
        }
    }
    for party in PARTIES {
        parties.next(party).assert().success().stdout(contains("nothing was due"));
    }
    // What was planned is used up.
    volley(["pool", "status"])
        .arg(parties.path("north"))
        .assert()
        .success()
        .stdout(contains("scores           of 40 rows in one request: 1 of the decryptions"))
        .stdout(contains("; 0 left"));
    // That of the others too.
    let mut of_east = parties.score("east", "test.csv");
    refuse(&mut of_east, &["and 0 are left"]);
    refuse(
        &mut parties.score("north", "test.csv"),
        &[
            "scores of 30 rows take 1 ciphertext, and 0 are left",
            "of the 1 that were planned for one request of 40 rows",
        ],
    );
}

/// Two owners ask at the same time for what was planned once.
#[test]
fn a_request_too_many_is_left_out_and_the_other_answered() {
    let parties = asked();
    parties.score("east", "test.csv").assert().success();
    parties.mirror();
    let left_out = "scores 1 of east are not made: with those that were asked for before";
    let scored = parties.next("server").assert().success().stderr(contains(left_out));
    scored.stdout(contains("has done: scores 1 of north\n"));
    parties.mirror();
    for owner in OWNERS {
        parties.next(owner).assert().success();
    }
    parties.mirror();
    parties.next("north").assert().success().stdout(contains("north has done: predictions 1"));
    check_predictions(&parties, "north");
    parties.next("east").assert().success().stderr(contains(left_out));
    parties.next("south").assert().success().stderr(contains(left_out).not());
    assert_eq!(parties.stage(), None);
}

#[test]
fn a_ciphertext_of_scores_is_decrypted_for_one_owner() {
    let parties = switched();
    // East asks for the scores of what north has encrypted, and a server sends it though it is more than was planned.
    for file in ["score-00001.json", ROWS] {
        fs::copy(parties.sent("north", "north", file), parties.sent("east", "east", file)).unwrap();
    }
    let of_east = parties.sent("server", "server", "scores-east-00001.vly");
    fs::copy(parties.sent("server", "server", SCORES), of_east).unwrap();
    parties.mirror();
    let words = ["scores-east-00001.vly", "south has admitted another request for this ciphertext"];
    refuse(&mut parties.next("south"), &words);
    assert!(!parties.sent("south", "south", "switching-east-00001.vly").exists());
    // It does not hold up the one who asked first.
    let told = parties.next("north").assert().code(2).stderr(contains("north has done: predictions 1"));
    told.stderr(contains("scores-east-00001.vly").and(contains("north has admitted another request")));
    check_predictions(&parties, "north");
}

#[test]
fn scores_are_switched_to_the_keys_that_were_confirmed() {
    // Whoever exchanges north's key on its way to south changes what south sees.
    let parties = before(Some("confirmation"));
    replace_by(&parties.sent("south", "north", SCORE_KEY), &parties.sent("south", "east", SCORE_KEY));
    let fingerprints = ["east", "south"].map(|owner| parties.status(owner)["fingerprint"].clone());
    assert_ne!(fingerprints[0], fingerprints[1]);
    let mut next = parties.next("south");
    next.arg("--fingerprint").arg(fingerprints[0].as_str().unwrap());
    refuse(&mut next, &["another owner sees other members, keys or commitments"]);
    // Afterwards it is refused.
    let parties = scored();
    replace_by(&parties.sent("east", "north", SCORE_KEY), &parties.sent("south", "south", SCORE_KEY));
    refuse(&mut parties.next("east"), &["north", SCORE_KEY, "north sent another file here before"]);
    assert!(!parties.sent("east", "east", SWITCHING).exists());
    // What is no key is named before anything is confirmed.
    let parties = before(Some("confirmation"));
    damage(&parties.sent("south", "north", SCORE_KEY));
    refuse(&mut parties.next("south"), &["north", SCORE_KEY]);
}

#[test]
fn damaged_and_foreign_files_are_named() {
    let parties = asked();
    damage(&parties.sent("server", "north", ROWS));
    refuse(&mut parties.next("server"), &["north", ROWS]);
    let parties = asked();
    replace_by(&parties.sent("server", "north", ROWS), &parties.sent("server", "north", "commitment.vly"));
    refuse(&mut parties.next("server"), &["north", ROWS, "this is a file of kind"]);
    let parties = scored();
    damage(&parties.sent("east", "server", SCORES));
    refuse(&mut parties.next("east"), &["server", SCORES]);
    // Rows that the server did not score.
    let (parties, other) = (scored(), asked());
    replace_by(&parties.sent("east", "north", ROWS), &other.sent("north", "north", ROWS));
    refuse(&mut parties.next("east"), &[SCORES, "scores of other rows than north asked about"]);
    let parties = switched();
    damage(&parties.sent("north", "east", SWITCHING));
    refuse(&mut parties.next("north"), &["east", SWITCHING]);
    let parties = switched();
    replace_by(&parties.sent("north", "east", SWITCHING), &parties.sent("north", "south", SWITCHING));
    refuse(&mut parties.next("north"), &["east", "south", SWITCHING]);
    let parties = switched();
    let share = parties.sent("north", "east", SWITCHING);
    let longer = [fs::read(&share).unwrap(), vec![0]].concat();
    replace(&share, &longer);
    refuse(&mut parties.next("north"), &["east", SWITCHING, "there is more in it"]);
    assert!(!parties.kept("north", PREDICTIONS).exists());
}

#[test]
fn requests_that_were_not_agreed_on_are_refused() {
    let parties = before(None);
    refuse(&mut parties.score("server", "test.csv"), &["this is the server's folder"]);
    refuse(parties.score("north", "test.csv").args(["--by", "north,east"]), &["3 owners decrypt scores"]);
    refuse(parties.score("north", "test.csv").args(["--by", "north,east,west"]), &["west is no member"]);
    fs::write(parties.path("many.csv"), format!("kind,w,x,y,z\n{}", table(41))).unwrap();
    refuse(&mut parties.score("north", "many.csv"), &["scores of 41 rows", "planned for 1 to 40"]);
    fs::write(parties.path("other.csv"), "kind,w\na,1\n").unwrap();
    refuse(&mut parties.score("north", "other.csv"), &["other.csv"]);
    // What another owner sends is not taken for better.
    let parties = asked();
    let request = parties.sent("server", "north", "score-00001.json");
    let text = fs::read_to_string(&request).unwrap();
    replace(&request, text.replace("30", "41").as_bytes());
    refuse(&mut parties.next("server"), &["score-00001.json", "planned for 1 to 40"]);
    let early = before(Some("training"));
    refuse(&mut early.score("north", "test.csv"), &["has not opened its model"]);
    let without = Parties::new();
    without.all_join(&[]);
    refuse(&mut without.score("north", "test.csv"), &["planned without scores", "--predict ROWS"]);
}

/// Killed in any step, all parties go on when they are run again.
#[test]
fn killed_at_any_moment_the_scores_arrive() {
    let parties = asked();
    for round in 0.. {
        assert!(round < 20, "the scores do not arrive: {:?}", parties.stage());
        for (place, party) in PARTIES.into_iter().enumerate() {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_volley"));
            command.args(["pool", "next"]).arg(parties.path(party));
            let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis((round * 41 + place as u64 * 59) % 400));
            let _ = child.kill();
            child.wait().unwrap();
        }
        parties.mirror();
        parties.round();
        if parties.stage().is_none() {
            break;
        }
    }
    check_predictions(&parties, "north");
}
