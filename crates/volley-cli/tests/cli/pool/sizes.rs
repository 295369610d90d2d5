//! Pools of other numbers of owners than three who all decrypt, to the end.

use std::fs;

use super::Parties;
use super::whole::check_models;
use crate::setup::volley;

/// A pool in which some owners are gone for good when the training begins: the others finish, and have one model.
fn others_finish_without(owners: usize, threshold: usize, gone: &[usize]) {
    let parties = Parties::of(owners);
    parties.all_join(&["--threshold", &threshold.to_string()]);
    parties.run_to(Some("training"), &parties.all());
    let mut left = parties.all();
    for name in gone.iter().map(|&owner| parties.owners[owner].as_str()) {
        fs::remove_dir_all(parties.path(name)).unwrap();
        left.retain(|party| *party != name);
    }
    parties.run_to(None, &left);
    left.pop();
    assert_eq!(left.len(), threshold);
    check_models(&parties, &left);
}

#[test]
fn three_of_five_finish_when_two_are_gone() {
    others_finish_without(5, 3, &[1, 4]);
}

/// All owners decrypt, and each gets the model.
#[test]
fn sixteen_owners_train_one_model() {
    let parties = Parties::of(16);
    parties.all_join(&[]);
    parties.run_to(None, &parties.all());
    let owners: Vec<_> = parties.owners.iter().map(String::as_str).collect();
    check_models(&parties, &owners);
    // There is no threshold, and nobody may ask for scores.
    let status = parties.status("north");
    let steps: Vec<_> = status["plan"]["keys"].as_array().unwrap().iter().map(|step| &step["step"]).collect();
    assert_eq!(steps, ["commitment", "keys, round 1", "keys, round 2", "evaluation keys"]);
}

#[test]
fn the_bytes_of_the_key_rounds_are_those_foreseen_and_their_times_are_kept() {
    let parties = Parties::of(4);
    parties.all_join(&["--threshold", "3", "--predict", "40"]);
    parties.run_to(Some("training"), &parties.all());
    let size = |party: &str, file: &str| {
        let path = parties.sent("north", party, file);
        fs::metadata(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display())).len()
    };
    let of_all = |file: &str| parties.owners.iter().map(|owner| size(owner, file)).sum::<u64>();
    let shares: u64 =
        parties.owners.iter().map(|owner| size("north", &format!("share-for-{owner}.vly"))).sum();
    let keys = fs::metadata(parties.kept("server", "job/evaluation-keys.vly")).unwrap().len();
    let expected = [
        ("commitment", "each owner", 0, 0),
        ("key of scores", "each owner", 0, size("north", "score-key.vly")),
        ("keys, round 1", "each owner", 0, size("north", "round-1.vly")),
        ("keys, round 2", "each owner", of_all("round-1.vly"), size("north", "round-2.vly")),
        ("shares of secrets", "each owner", 0, shares),
        ("evaluation keys", "the server", of_all("round-1.vly") + of_all("round-2.vly"), keys),
    ];
    for party in ["north", "server"] {
        let status = parties.status(party);
        let steps = status["plan"]["keys"].as_array().unwrap();
        for (step, (name, by, read, written)) in steps.iter().zip(expected) {
            assert_eq!((&step["step"], &step["by"]), (&name.into(), &by.into()));
            assert_eq!(
                (&step["read_bytes"], &step["written_bytes"]),
                (&read.into(), &written.into()),
                "{name}"
            );
            assert!(step["seconds_on_one_core"].as_f64().unwrap() > 0.0);
            let own = (party == "server") == (by == "the server");
            assert_eq!(step["taken_seconds"].as_f64().is_some_and(|taken| taken > 0.0), own, "{name}");
        }
        assert_eq!(steps.len(), expected.len());
    }
    let status = volley(["pool", "status"]).arg(parties.path("north")).assert().success();
    let text = String::from_utf8(status.get_output().stdout.clone()).unwrap();
    assert!(
        text.lines().any(|line| line.starts_with("keys, round 2     each owner: reads ")
            && line.contains(" on one core; this party took ")),
        "{text}"
    );
}
