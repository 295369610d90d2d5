//! A pool whose rows are prepared by statistics of other rows.

use std::fs;
use std::path::PathBuf;

use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;

use super::refusals::{damage, replace_by};
use super::whole::check_models;
use super::{OWNERS, PARTIES, Parties, json};
use crate::setup::{SHAPE, fixture, refuse, table, volley};

/// What was fitted to a public table.
fn statistics() -> PathBuf {
    fixture().project.join("private/owner-state.vly")
}

/// Statistics of other rows.
fn other_statistics(parties: &Parties) -> PathBuf {
    let (project, data) = (parties.path("public"), parties.path("public.csv"));
    fs::write(&data, table(30).lines().skip(6).map(|line| format!("{line}\n")).collect::<String>()).unwrap();
    volley(["init"]).args(SHAPE).arg(&project).assert().success();
    volley(["keygen"]).arg(&project).assert().success();
    volley(["encrypt"]).args([&project, &data]).assert().success();
    project.join("private/owner-state.vly")
}

#[test]
fn rows_are_prepared_by_given_statistics() {
    let (parties, file) = (Parties::new(), statistics());
    parties.all_join(&["--statistics", file.to_str().unwrap()]);
    let mut stages = Vec::new();
    while let Some(stage) = parties.stage() {
        assert!(stages.len() < 30, "the pool does not end: {stage}");
        stages.push(stage);
        parties.round();
    }
    for step in ["confirmation", "keys, round 2", "rows", "training", "opening of the model"] {
        assert!(stages.iter().any(|stage| stage == step), "{step} of {stages:?}");
    }
    for party in PARTIES {
        let status = parties.status(party);
        assert_eq!(status["statistics"], blake3_of(&file), "{party}");
        assert_eq!(status["plan"]["decryptions"], 1);
        for round in ["means", "deviations", "covariance"] {
            assert!(!parties.kept(party, &format!("{round}.json")).exists());
            assert!(!parties.sent("north", party, &format!("{round}.vly")).exists());
        }
    }
    check_models(&parties, &OWNERS);
}

#[test]
fn rows_in_another_unit_are_sent_on_demand_only() {
    let (parties, file) = (Parties::new(), statistics());
    let table = parties.path("east.csv");
    let text = fs::read_to_string(&table).unwrap();
    let (header, rows) = text.split_once('\n').unwrap();
    let rows: String = rows.lines().map(|row| format!("{row}e3\n")).collect();
    fs::write(&table, format!("{header}\n{rows}")).unwrap();
    parties.all_join(&["--statistics", file.to_str().unwrap()]);
    parties.run_to(Some("rows"), &PARTIES);
    let words = "east.csv: most values of \"x\" are far";
    let help = contains("nothing was sent, and --force sends these as they are");
    parties.next("east").assert().code(2).stderr(contains(words).and(help));
    assert!(!parties.sent("east", "east", "rows-00002.vly").exists());
    let sent = parties.next("east").arg("--force").assert().success();
    sent.stdout(contains("has done: rows")).stderr(contains(words));
    assert!(parties.sent("east", "east", "rows-00002.vly").exists());
}

fn blake3_of(file: &std::path::Path) -> String {
    blake3::hash(&fs::read(file).unwrap()).to_hex().to_string()
}

#[test]
fn other_statistics_at_another_owner_are_refused() {
    let parties = Parties::new();
    let (file, other) = (statistics(), other_statistics(&parties));
    parties.all_join(&["--statistics", file.to_str().unwrap()]);
    parties.next("north").assert().success();
    parties.mirror();
    replace_by(&parties.sent("east", "north", "statistics.vly"), &other);
    let words = ["statistics.vly", "other statistics than those of the invitation of north"];
    refuse(&mut parties.next("east"), &words);
    assert!(!parties.sent("east", "east", "commitment.vly").exists());
    damage(&parties.sent("south", "north", "statistics.vly"));
    refuse(&mut parties.next("south"), &["statistics.vly"]);
    // The fingerprint is of the file: with the others' file it is the same at all.
    replace_by(&parties.sent("east", "north", "statistics.vly"), &file);
    let progress = json(parties.next("east").arg("--json"));
    assert!(progress["done"].as_array().unwrap().iter().any(|step| step == "commitment"));
}

#[test]
fn statistics_that_do_not_fit_are_refused() {
    let (parties, file) = (Parties::new(), statistics());
    let damaged = parties.path("damaged.vly");
    fs::copy(&file, &damaged).unwrap();
    damage(&damaged);
    let with = |file: &str| parties.init(&["--statistics", file]);
    refuse(&mut with(damaged.to_str().unwrap()), &["damaged.vly"]);
    refuse(&mut with(parties.path("north.csv").to_str().unwrap()), &["north.csv"]);
    refuse(&mut with(parties.path("none.vly").to_str().unwrap()), &["none.vly"]);
    // Columns and classes of the pool.
    let narrow = parties.path("narrow.csv");
    fs::write(&narrow, "kind,w,x\na,1,2\nb,2,1\n").unwrap();
    let mut init = volley(["pool", "init"]);
    init.arg(parties.path("north")).args(["--name", "north", "--members", "north,east"]);
    init.arg("--table").arg(&narrow).args(["--classes", "a,b,c"]).arg("--statistics").arg(&file);
    refuse(&mut init, &["owner-state.vly", "the statistics are of 4 columns, and the pool has 2 columns"]);
    let mut init = volley(["pool", "init"]);
    init.arg(parties.path("north")).args(["--name", "north", "--members", "north,east"]);
    init.arg("--table")
        .arg(parties.path("north.csv"))
        .args(["--classes", "c,b,a"])
        .arg("--statistics")
        .arg(&file);
    refuse(&mut init, &["owner-state.vly", "the classes a, b, c, and the pool has the classes c, b, a"]);
    assert!(!parties.path("north").exists());
}
