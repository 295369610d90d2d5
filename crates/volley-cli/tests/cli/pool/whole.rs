//! What happens when all goes well, and when programs are killed.

use std::fs;

use predicates::str::contains;
use serde_json::Value;

use super::{OWNERS, PARTIES, Parties, before, fixture, json};
use crate::setup::volley;

fn accuracy(parties: &Parties, owner: &str) -> f64 {
    let model = parties.kept(owner, "model.json");
    let evaluation: Value = json(volley(["evaluate", "--json"]).args([model, parties.path("test.csv")]));
    evaluation["accuracy"].as_f64().unwrap()
}

#[test]
fn three_owners_and_a_server_train_one_model() {
    let end = before(None);
    let models: Vec<_> = OWNERS.iter().map(|owner| fs::read(end.kept(owner, "model.json")).unwrap()).collect();
    assert!(models.windows(2).all(|pair| pair[0] == pair[1]));
    assert!(accuracy(&end, "east") > 0.95);
    assert!(!end.kept("server", "model.json").exists());
}

#[test]
fn each_step_is_waited_for_in_its_turn() {
    let stages: Vec<_> = fixture().iter().map(|(stage, _)| stage.as_deref()).collect();
    let all = stages.iter().flatten().copied().collect::<Vec<_>>();
    assert!(all.is_sorted_by_key(|step| all.iter().position(|other| other == step)), "{all:?}");
    assert_eq!(stages.last(), Some(&None));
}

#[test]
fn where_nothing_is_due_nothing_changes() {
    for (_, stage) in fixture() {
        let parties = stage.copy();
        for party in PARTIES {
            parties.next(party).assert().success();
            let before = contents(&parties, party);
            parties.next(party).assert().success().stdout(contains("nothing was due"));
            assert!(contents(&parties, party) == before, "{party}");
        }
    }
}
