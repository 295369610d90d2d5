//! What a party refuses, and whom it names.

use std::fs;
use std::path::Path;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use super::{Parties, before};
use crate::setup::refuse;

/// Puts other bytes in the place of a file, which has other names too.
pub(super) fn replace(file: &Path, bytes: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

/// Puts a file of another place there.
pub(super) fn replace_by(file: &Path, other: &Path) {
    replace(file, &fs::read(other).unwrap());
}

pub(super) fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    replace(file, &bytes);
}

#[test]
fn a_damaged_file_is_named() {
    let parties = before(Some("keys, round 2"));
    damage(&parties.sent("north", "east", "round-1.vly"));
    refuse(&mut parties.next("north"), &["east", "round-1.vly"]);
    let parties = before(Some("training"));
    let rows = parties.sent("server", "south", "rows-00003.vly");
    damage(&rows);
    let told = parties.next("server").assert().code(2).stdout("");
    let words = contains("private/job/rows-00003.vly").and(contains("south sent it as"));
    told.stderr(
        words.and(contains("which has to come again")).and(contains("has done: files of the training")),
    );
    // When it came again, the server goes on.
    replace_by(&rows, &parties.sent("south", "south", "rows-00003.vly"));
    parties.next("server").assert().success().stdout(contains("has done: files of the training; training"));
}

#[test]
fn what_is_of_another_member_or_round_is_refused() {
    let parties = before(Some("keys, round 2"));
    let of_east = parties.sent("north", "east", "round-1.vly");
    replace_by(&of_east, &parties.sent("north", "south", "round-1.vly"));
    refuse(&mut parties.next("north"), &["east", "south", "round-1.vly"]);
    let later = before(Some("covariance"));
    let means = later.sent("north", "east", "means.vly");
    let parties = before(Some("opening of deviations"));
    replace_by(&parties.sent("north", "east", "deviations.vly"), &means);
    refuse(&mut parties.next("north"), &["east", "deviations.vly", "means"]);
}

#[test]
fn what_is_of_another_pool_is_refused() {
    let other = Parties::new();
    other.all_join(&[]);
    other.round();
    let parties = before(Some("confirmation"));
    // Another pool has other keys, so the place tells where it comes from.
    for party in ["north", "east", "south"] {
        other.next(party).assert().success();
    }
    let foreign = other.sent("east", "east", "commitment.vly");
    replace_by(&parties.sent("north", "east", "commitment.vly"), &foreign);
    refuse(&mut parties.next("north"), &["east", "commitment.vly"]);
}

#[test]
fn a_step_is_not_done_twice_with_other_values() {
    let parties = before(Some("opening of means"));
    parties.next("north").assert().success();
    replace_by(&parties.sent("north", "east", "join.json"), &parties.sent("north", "south", "join.json"));
    refuse(&mut parties.next("north"), &["east sent another file here before"]);
}

#[test]
fn another_fingerprint_stops_an_owner() {
    let parties = before(Some("confirmation"));
    let words = ["another owner sees", "Nothing is confirmed"];
    refuse(parties.next("north").args(["--fingerprint", &"0".repeat(64)]), &words);
    parties.next("north").assert().success();
    assert!(!parties.kept("north", "confirmed.json").exists());
    assert!(!parties.sent("north", "north", "round-1.vly").exists());
    // Afterwards the call does nothing, and it is said that another would.
    let parties = before(Some("opening of means"));
    let sent = parties.sent("north", "north", "means-opening.vly");
    let words = ["another owner sees", "This call sent nothing, and a call without --fingerprint goes on"];
    refuse(parties.next("north").args(["--fingerprint", &"0".repeat(64)]), &words);
    assert!(!sent.exists());
    parties.next("north").assert().success();
    assert!(sent.exists());
}

#[test]
fn a_fingerprint_that_is_not_whole_raises_no_alarm() {
    let parties = before(Some("confirmation"));
    let whole = parties.status("north")["fingerprint"].as_str().unwrap().to_owned();
    let short = [&whole[..8], &whole[..63], "3f…a0", ""].map(|given| {
        let refused = parties.next("north").args(["--fingerprint", given]).assert().code(2);
        String::from_utf8(refused.get_output().stderr.clone()).unwrap()
    });
    for said in short {
        assert!(said.contains("is not a whole fingerprint") && !said.contains("another owner"), "{said}");
    }
    assert!(!parties.kept("north", "confirmed.json").exists());
    parties.next("north").args(["--fingerprint", &whole.to_uppercase()]).assert().success();
    // What was confirmed before the others' files became other ones is not gone on with.
    let kept = parties.kept("north", "confirmed.json");
    replace(&kept, format!("\"{}\"", "0".repeat(64)).as_bytes());
    refuse(&mut parties.next("north"), &["were others when 0000", "nothing more is sent"]);
}

#[test]
fn a_member_with_another_invitation_is_named() {
    let parties = Parties::new();
    parties.init(&[]).assert().success();
    parties.mirror();
    let invitation = parties.sent("east", "north", "invitation.json");
    let text = fs::read_to_string(&invitation).unwrap();
    replace(&invitation, text.replace("\"iterations\": 1", "\"iterations\": 2").as_bytes());
    parties.join("east").assert().success();
    parties.join("south").assert().success();
    parties.mirror();
    refuse(&mut parties.next("north"), &["east joined another invitation"]);
}

#[test]
fn a_table_that_changed_is_refused() {
    let parties = before(Some("opening of means"));
    let table = parties.path("east.csv");
    // The tables' folder is not that of the copy, so the owner's own is named.
    let party = fs::read_to_string(parties.kept("east", "party.json")).unwrap();
    let original = serde_json::from_str::<serde_json::Value>(&party).unwrap()["owner"]["table"].clone();
    let moved = party.replace(original.as_str().unwrap(), table.to_str().unwrap());
    replace(&parties.kept("east", "party.json"), moved.as_bytes());
    replace(&table, b"kind,w,x,y,z\na,1,2,3,4\n");
    for party in ["north", "south"] {
        parties.next(party).assert().success();
    }
    parties.mirror();
    // What is done before that is told, as the others wait for it.
    let told = parties.next("east").assert().code(2).stdout("");
    let done = contains("note: east has done: opening of means; what is new in ");
    told.stderr(
        done.and(contains("error: "))
            .and(contains("east.csv: this table has changed since its owner joined")),
    );
}

#[test]
fn wrong_members_are_refused() {
    let parties = Parties::new();
    refuse(&mut parties.init(&["--threshold", "3"]), &["3 of 3 owners is no threshold"]);
    parties.init(&[]).assert().success();
    refuse(&mut parties.init(&[]), &["has this folder already"]);
    parties.mirror();
    let mut stranger = crate::setup::volley(["pool", "join"]);
    stranger.arg(parties.path("east")).arg(parties.path("east.csv")).args(["--name", "west"]);
    refuse(&mut stranger, &["west is no member"]);
    refuse(&mut parties.next("south"), &["no folder of a pool"]);
}
