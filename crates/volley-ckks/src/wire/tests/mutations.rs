//! Random defects: an error, or an object that is written as the same bytes. Never a panic.

use rand_core::Rng;
use volley_testkit::mutation::mutate;

use super::*;

/// Half of the mutants get a hash that is right, so that the defects reach what is behind it.
fn mutants_are_refused_or_intact(count: usize) {
    let owner = Owner::new();
    let files = owner.files();
    let mut rng = rng(11);
    let (mut intact, mut refused) = (0, 0);
    for round in 0..count {
        let index = round % files.len();
        let (kind, reread) = &REREAD[index];
        let mut mutant = mutate(&files[index], || rng.next_u64());
        if rng.next_u64().is_multiple_of(2) {
            rehash(&mut mutant);
        }
        match reread(&owner.context, &mutant, 2 * files[index].len() as u64) {
            Ok(again) => {
                assert!(again == mutant, "{kind}, round {round}");
                intact += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > count / 2 && intact > count / 100, "{refused} refused, {intact} intact");
}

#[test]
fn a_hundred_thousand_mutants() {
    mutants_are_refused_or_intact(100_000);
}
