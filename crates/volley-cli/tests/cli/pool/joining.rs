//! Who may join, and what is said where nobody can.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use predicates::str::contains;

use super::Parties;
use super::refusals::replace_by;
use super::whole::contents;
use crate::setup::{fixture, refuse, volley};

fn join(folder: &Path, table: &Path, name: &str) -> Command {
    let mut command = volley(["pool", "join"]);
    command.args([folder, table]).args(["--name", name, "--label-column", "kind"]);
    command
}

/// A refusal that changes nothing in the folder.
fn refuse_and_leave(folder: &Path, command: &mut Command, words: &[&str]) {
    let before = contents(folder);
    refuse(command, words);
    assert!(contents(folder) == before && !folder.join("private").exists(), "{words:?}");
}

#[test]
fn a_name_that_is_taken_is_refused_before_anything_is_written() {
    let parties = Parties::new();
    parties.init(&[]).assert().success();
    parties.mirror();
    let (south, table) = (parties.path("south"), parties.path("south.csv"));
    // The invitation alone takes its owner's name.
    let of_north = parties.sent("south", "north", "join.json");
    fs::remove_file(&of_north).unwrap();
    let words = ["north has joined already", "invitation.json", "who are you: east, south?"];
    refuse_and_leave(&south, &mut join(&south, &table, "north"), &words);
    parties.mirror();
    parties.join("east").assert().success();
    parties.mirror();
    let words = ["east has joined already", "exchange/east/join.json", "who are you: south?"];
    refuse_and_leave(&south, &mut join(&south, &table, "east"), &words);
    // The true name is free as before.
    parties.join("south").assert().success();
    parties.mirror();
    fs::create_dir_all(parties.path("late")).unwrap();
    parties.mirror_among(&["north", "east", "south", "late"]);
    let late = parties.path("late");
    refuse_and_leave(
        &late,
        &mut join(&late, &table, "south"),
        &["south has joined", "all members have joined"],
    );
    refuse(&mut parties.join("south"), &["has this folder already"]);
    // A server that has sent something is there.
    let of_server = parties.sent("late", "server", "model.vly");
    fs::create_dir_all(of_server.parent().unwrap()).unwrap();
    fs::write(&of_server, "").unwrap();
    let mut second = volley(["pool", "join", "--server"]);
    refuse_and_leave(&late, second.arg(&late), &["server has joined already", "a pool has one server"]);
    // Nor is another pool made in a folder that has an invitation.
    let mut init = volley(["pool", "init"]);
    init.arg(&late).args(["--name", "west", "--members", "west,east", "--classes", "a,b,c"]);
    refuse_and_leave(&late, init.arg("--table").arg(&table), &["a pool of north is in this folder"]);
}

#[test]
fn it_is_said_what_is_sent_and_what_is_of_nobody() {
    let parties = Parties::new();
    let sent = parties.path("north").join("exchange/north");
    let next = format!("next: {} goes to all others, under the same name", sent.display());
    parties.init(&[]).assert().success().stdout(contains(next));
    // The server's folder has another name than the server.
    let stray = parties.path("north").join("exchange/trainer");
    fs::create_dir(&stray).unwrap();
    // A second copy lies in the first.
    let nested = parties.path("north").join("exchange/north/north");
    fs::create_dir(&nested).unwrap();
    for stray in [stray, nested] {
        let said = format!("of nobody        {}: each party has one folder, of its name", stray.display());
        parties.next("north").assert().success().stdout(contains(said));
    }
    fs::remove_dir(parties.path("north").join("exchange/north/north")).unwrap();
    // A server has nothing to send at first, and no fingerprint to confirm.
    parties.mirror();
    parties.join("server").assert().success().stdout(contains("next: when their files have arrived"));
    let words = ["this is the server's folder: an owner does this, in a folder of its own"];
    refuse(parties.next("server").args(["--fingerprint", &"0".repeat(64)]), &words);
    // The project of an owner is something else.
    refuse(volley(["pool", "next"]).arg(&fixture().project), &["this is no folder of a pool"]);
}

#[test]
fn two_parties_of_one_name_are_told() {
    let parties = Parties::new();
    parties.init(&[]).assert().success();
    parties.mirror();
    parties.join("east").assert().success();
    // Before anything of east has arrived, south joins by its name.
    let (south, table) = (parties.path("south"), parties.path("south.csv"));
    join(&south, &table, "east").assert().success();
    replace_by(&parties.sent("south", "east", "join.json"), &parties.sent("east", "east", "join.json"));
    refuse(&mut parties.next("south"), &["exchange/east/join.json", "another party joined as east"]);
    parties.next("east").assert().success();
}

#[test]
fn a_proposal_is_refused_before_the_table_is_read() {
    let parties = Parties::new();
    let (folder, table) = (parties.path("west"), parties.path("none.csv"));
    fs::write(&table, "kind,a\nelm,no number\n").unwrap();
    let refused = |members: &str, classes: &str, words: &str| {
        let mut init = volley(["pool", "init", "--name", "west"]);
        init.arg(&folder).arg("--table").arg(&table).args(["--members", members, "--classes", classes]);
        refuse(&mut init, &[words]);
        assert!(!folder.exists());
    };
    refused("north,east", "elm,oak", "west is no member of the pool of north, east");
    refused("west", "elm,oak", "a pool has 2 to 16 members");
    refused("west,east", "elm", "--classes names 1, and a pool trains on two at least");
    refused("west,east", "elm,oak", "none.csv: ");
}

#[test]
fn another_invitation_stops_no_pool() {
    let parties = Parties::new();
    parties.init(&[]).assert().success();
    parties.mirror();
    parties.join("east").assert().success();
    parties.join("server").assert().success();
    parties.mirror();
    for party in ["north", "east", "server", "south"] {
        let other = parties.sent(party, "east", "invitation.json");
        fs::copy(parties.sent(party, "north", "invitation.json"), &other).unwrap();
    }
    for party in ["north", "east", "server"] {
        parties.next(party).assert().success();
    }
    // Who is in no pool yet has to choose.
    let words = ["east and north both invite to a pool", "remove what the other sent"];
    refuse(&mut parties.join("south"), &words);
    fs::remove_file(parties.sent("south", "east", "invitation.json")).unwrap();
    parties.join("south").assert().success();
}

#[test]
fn without_an_invitation_it_is_said_what_is_copied() {
    let parties = Parties::new();
    let words = ["exchange", "no invitation has arrived", "exchange/NAME is copied here"];
    refuse(&mut parties.join("east"), &words);
    assert!(!parties.path("east").exists());
    fs::create_dir_all(parties.path("east").join("exchange")).unwrap();
    refuse(&mut parties.join("east"), &words);
    refuse(&mut parties.join("server"), &words);
}

#[test]
fn the_advice_on_a_table_is_one_that_is_accepted() {
    let parties = Parties::new();
    parties.init(&[]).assert().success();
    parties.mirror();
    let (south, table) = (parties.path("south"), parties.path("south.csv"));
    let refused = |rows: &str, words: &[&str]| {
        fs::write(&table, rows).unwrap();
        let refused = join(&south, &table, "south").assert().code(2);
        let said = String::from_utf8(refused.get_output().stderr.clone()).unwrap();
        assert!(words.iter().all(|word| said.contains(word)), "{said}");
        assert!(!said.contains("--drop") && !said.contains("model"), "{said}");
    };
    refused("kind,w,x,y,z\na,1,,3,4\n", &["row 2, column 3", "leave out their rows"]);
    refused("kind,w,x,y,z\na,1,inf,3,4\n", &["leave out its row"]);
    refused("kind,w,x,y\na,1,2,3\n", &["south.csv", "the pool's column \"z\" is not in the table"]);
    refused("kind,w,x,y,z\nd,1,2,3,4\n", &["row 2", "\"d\" is none of the classes, which are"]);
}

#[test]
fn a_server_that_joins_is_told_so() {
    let parties = Parties::new();
    parties.init(&[]).assert().success();
    parties.mirror();
    let joined = parties.join("server").assert().success();
    joined.stdout(contains("server has done: join"));
}
