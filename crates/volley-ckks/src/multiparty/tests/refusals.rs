//! Every wrong turn is refused by name.

use super::*;
use crate::params::ParametersError;

fn members(seed: u8) -> Members {
    Members::new(pool_of(pooled(6, 3), all_keys, seed))
}

fn session(seed: u8) -> Session {
    Session::new(pool_of(pooled(6, 3), all_keys, seed))
}

#[test]
fn pools_that_cannot_be() {
    let context = Context::new(pooled(6, 3));
    let spec = || all_keys(KeySpec::new(context.parameters()));
    let refused = |names: &[&str], spec: KeySpec| {
        Pool::new(&context, keyed(names.iter().copied()), spec, Seed([1; 32])).unwrap_err()
    };
    assert_eq!(refused(&["a", "b"], spec()), PoolError::OwnerCount { owners: 3, members: 2 });
    let single = Context::new(parameters(6, LEVELS));
    let spec_of_one = KeySpec::new(single.parameters());
    let error = Pool::new(&single, keyed(["a"]), spec_of_one, Seed([1; 32])).unwrap_err();
    assert_eq!(error, PoolError::OwnerCount { owners: 1, members: 1 });
    let long = "é".repeat(33);
    for name in ["", "tab\t", "line\n", &long] {
        assert_eq!(refused(&["a", "b", name], spec()), PoolError::MemberName { member: 2, max: 64 });
    }
    assert_eq!(refused(&["a", "b", "a"], spec()), PoolError::DuplicateMember { name: "a".to_owned() });
    assert_eq!(refused(&["a", "b", "c"], spec().raising(1)), PoolError::RaisingKeys);
    let range = Error::LevelRange { level: 9, max: LEVELS };
    assert_eq!(refused(&["a", "b", "c"], spec().relinearization(9)), PoolError::Ckks(range));
    let foreign = KeySpec::new(&parameters(6, LEVELS));
    assert_eq!(refused(&["a", "b", "c"], foreign), PoolError::Ckks(Error::ParameterMismatch));
    let pool = Pool::new(&context, keyed(["a", "b", "c"]), spec(), Seed([1; 32])).unwrap();
    assert_eq!(pool.member("d"), Err(PoolError::UnknownMember { member: "d".to_owned() }));
    let error = OwnerRoundOne::new(&pool, 3, &mut rng(1)).unwrap_err();
    assert_eq!(error, PoolError::UnknownMember { member: "member 3".to_owned() });
    // Keys of bootstrapping are refused by the parameters, too.
    let pooled = EvaluationKeySet::generate(
        &SecretKey::generate(&context, &mut rng(1)),
        &KeySpec::new(context.parameters()).raising(1),
        &mut rng(2),
    );
    let error = Error::Parameters(ParametersError::PooledBootstrapping { owners: 3 });
    assert_eq!(pooled.unwrap_err(), error);
}

#[test]
fn commitments_are_one_of_each_member_of_the_pool() {
    let (these, others) = (members(1), members(2));
    let commitment = |member: usize| these.owners[member].commitment();
    let refused = |commitments: Vec<Commitment>| Commitments::new(&these.pool, commitments).unwrap_err();
    let missing = PoolError::MissingShares { members: vec!["owner 0".to_owned(), "owner 2".to_owned()] };
    assert_eq!(missing.to_string(), "shares are missing: of owner 0, owner 2");
    assert_eq!(refused(vec![commitment(1)]), missing);
    let twice = PoolError::DuplicateShare { member: "owner 1".to_owned() };
    assert_eq!(refused(vec![commitment(1), commitment(1)]), twice);
    let foreign = PoolError::ForeignPool { expected: these.pool.id(), found: others.pool.id() };
    assert_eq!(refused(vec![others.owners[0].commitment()]), foreign);
    let unknown = Commitment { member: 3, ..commitment(0) };
    assert_eq!((unknown.member(), unknown.pool()), (3, these.pool.id()));
    assert_eq!(refused(vec![unknown]), PoolError::UnknownMember { member: "member 3".to_owned() });
}

#[test]
fn shares_of_round_one_are_those_committed_to() {
    let (these, others) = (members(1), members(2));
    let owner = &these.owners[1];
    let foreign = PoolError::ForeignPool { expected: these.pool.id(), found: others.pool.id() };
    assert_eq!(owner.share(&others.commitments), Err(foreign.clone()));
    // A commitment of another share under the owner's name: the owner shows nothing.
    let liar = OwnerRoundOne::new(&these.pool, 1, &mut rng(9)).unwrap();
    let shown = [these.owners[0].commitment(), liar.commitment(), these.owners[2].commitment()];
    let shown = Commitments::new(&these.pool, shown).unwrap();
    let broken = PoolError::BrokenCommitment { member: "owner 1".to_owned() };
    assert_eq!(owner.share(&shown), Err(broken.clone()));

    let mut gathering = RoundOneGathering::new(&these.commitments);
    gathering.add(these.owners[0].share(&these.commitments).unwrap()).unwrap();
    let chosen_later = liar.share(&shown).unwrap();
    assert_eq!(gathering.add(chosen_later).unwrap_err(), broken);
    let foreign_share = others.owners[1].share(&others.commitments).unwrap();
    assert_eq!(gathering.add(foreign_share.clone()).unwrap_err(), foreign);
    let unknown = RoundOneShare { member: 3, pool: these.pool.id(), ..foreign_share };
    let error = gathering.add(unknown).unwrap_err();
    assert_eq!(error, PoolError::UnknownMember { member: "member 3".to_owned() });
    let again = these.owners[0].share(&these.commitments).unwrap();
    let twice = PoolError::DuplicateShare { member: "owner 0".to_owned() };
    assert_eq!(gathering.add(again).unwrap_err(), twice);
    let missing = vec!["owner 1".to_owned(), "owner 2".to_owned()];
    assert_eq!(gathering.missing(), missing);
    assert_eq!(gathering.finish().unwrap_err(), PoolError::MissingShares { members: missing });
}

#[test]
fn round_two_is_done_once_with_the_sums_committed_to() {
    let (these, others) = (members(1), members(2));
    let (sums, other_sums) = (these.sums(), others.sums());
    let foreign = PoolError::ForeignPool { expected: these.pool.id(), found: others.pool.id() };
    let pool = these.pool.clone();
    let owner = || OwnerRoundOne::new(&pool, 1, &mut rng(1)).unwrap();
    let refused = |commitments, sums| owner().into_round_two(commitments, sums).unwrap_err();
    assert_eq!(refused(&others.commitments, &sums), foreign);
    assert_eq!(refused(&these.commitments, &other_sums), foreign);
    let mut of_all: Vec<_> = these.owners.iter().map(OwnerRoundOne::commitment).collect();
    of_all[2].digests[1] = [0; 32];
    let swapped = RoundOneSums { commitments: Commitments::new(&pool, of_all).unwrap(), ..sums.clone() };
    let error = PoolError::ForeignSums { member: "owner 1".to_owned() };
    assert_eq!(refused(&these.commitments, &swapped), error);

    // The same shares, added up otherwise.
    let mut wrong = sums.clone();
    wrong.polys.swap(1, 2);
    let commitments = these.commitments.clone();
    let bound = these.into_round_two(&sums);
    let error = PoolError::SecondRoundTwo { member: "owner 1".to_owned() };
    assert_eq!(bound[1].share(&wrong), Err(error));
    assert_eq!(bound[1].share(&other_sums), Err(foreign.clone()));
    assert_eq!((bound[1].member(), bound[1].pool()), (1, sums.pool()));

    let to_wrong = owner().into_round_two(&commitments, &wrong).unwrap().share(&wrong).unwrap();
    assert_eq!((to_wrong.member(), to_wrong.pool()), (1, sums.pool().id()));
    let mut gathering = RoundTwoGathering::new(sums.clone());
    let error = PoolError::OtherSums { member: "owner 1".to_owned() };
    assert_eq!(gathering.add(to_wrong).unwrap_err(), error);
    let other = others.into_round_two(&other_sums)[0].share(&other_sums).unwrap();
    assert_eq!(gathering.add(other).unwrap_err(), foreign);
    let share = bound[0].share(&sums).unwrap();
    // Galois keys that were chosen when the others' were seen.
    let mut chosen_later = share.clone();
    let last = chosen_later.polys.len() - 1;
    chosen_later.polys.swap(last, last - 1);
    let error = PoolError::BrokenCommitment { member: "owner 0".to_owned() };
    assert_eq!(gathering.add(chosen_later).unwrap_err(), error);
    let unknown = RoundTwoShare { member: 3, ..share.clone() };
    let error = PoolError::UnknownMember { member: "member 3".to_owned() };
    assert_eq!(gathering.add(unknown).unwrap_err(), error);
    gathering.add(share.clone()).unwrap();
    let twice = PoolError::DuplicateShare { member: "owner 0".to_owned() };
    assert_eq!(gathering.add(share).unwrap_err(), twice);
    let members = vec!["owner 1".to_owned(), "owner 2".to_owned()];
    assert_eq!(gathering.missing(), members);
    assert_eq!(gathering.finish().unwrap_err(), PoolError::MissingShares { members });
}

#[test]
fn the_errors_of_round_two_depend_on_the_sums() {
    // Were they the same for two sums, the difference of the shares would be s_i·(h₀ − h₀′) + …, without any error.
    let these = members(1);
    let (sums, mut wrong) = (these.sums(), these.sums());
    let digits = wrong.relinearization().len();
    let last = wrong.polys.len() - 1;
    wrong.polys[last] = wrong.polys[last - 2 * digits + 1].clone();
    let share = |sums: &RoundOneSums| {
        let owner = OwnerRoundOne::new(&these.pool, 0, &mut rng(0)).unwrap();
        owner.into_round_two(&these.commitments, sums).unwrap().share(sums).unwrap()
    };
    // Only h₁ of the last digit differs, and yet every digit does. Galois keys are committed to before.
    let (a, b) = (share(&sums).polys, share(&wrong).polys);
    assert!(a[..digits].iter().zip(&b[..digits]).all(|(a, b)| a != b));
    assert!(a[digits..] == b[digits..]);
}

fn ciphertext(session: &Session, level: usize, seed: u64) -> Ciphertext {
    let plaintext = session.encoder.encode(&[0.5], &wide_scale(), level).unwrap();
    session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap()
}

#[test]
fn requests_that_cannot_be() {
    let session = session(1);
    let ours = ciphertext(&session, LEVELS, 2);
    let request = |ciphertext: &Ciphertext, owners: &[usize], smudging: &Smudging| {
        Opening::new(&session.pool, ciphertext, owners.iter().copied(), smudging).map(|_| ())
    };
    assert_eq!(request(&ours, &[2, 0, 1], &least()), Ok(()));
    let few = |found| Err(PoolError::TooFewOwners { found, threshold: 3, members: 3 });
    assert_eq!(request(&ours, &[0, 1], &least()), few(2));
    assert_eq!(request(&ours, &[0, 1, 1, 0], &least()), few(2));
    let unknown = PoolError::UnknownMember { member: "member 3".to_owned() };
    assert_eq!(request(&ours, &[0, 1, 3], &least()), Err(unknown));
    let receiver = SecretKey::generate(session.pool.context(), &mut rng(7));
    let plaintext = session.encoder.encode(&[0.5], &wide_scale(), 2).unwrap();
    let theirs = receiver.encrypt(&plaintext, &mut rng(1)).unwrap().expand(session.pool.context()).unwrap();
    assert_eq!(request(&theirs, &[0, 1, 2], &least()), Err(PoolError::Ckks(Error::KeyMismatch)));
    let mismatch = Err(PoolError::Ckks(Error::ParameterMismatch));
    let foreign = Session::new(pool_of(pooled(7, 3), all_keys, 1));
    assert_eq!(request(&ciphertext(&foreign, 2, 1), &[0, 1, 2], &least()), mismatch);
    let key = PublicKey::generate(&SecretKey::generate(foreign.pool.context(), &mut rng(1)), &mut rng(2));
    let switching = Switching::new(&session.pool, &ours, 0..3, &least(), &key);
    assert_eq!(switching.map(|_| ()), mismatch);
    // 40 bits of noise above an error of norm 2^90, modulo 2^210.
    let wide = Smudging::new(128, 1, 90f64.exp2()).unwrap();
    let error = request(&ours, &[0, 1, 2], &wide).unwrap_err();
    assert!(matches!(error, PoolError::NoRoom { bits: 128, log_bound: 218, owners: 3, .. }), "{error}");

    let refused = |bits, decryptions, norm| Smudging::new(bits, decryptions, norm).unwrap_err();
    for bits in [0, 39, 129] {
        let error = PoolError::StatisticalBits { bits, min: 40, max: 128 };
        assert_eq!(refused(bits, 1, 1.0), error);
    }
    assert_eq!(refused(40, 0, 1.0), PoolError::NoDecryptions);
    for norm in [0.0, -1.0, f64::INFINITY] {
        assert_eq!(refused(40, 1, norm), PoolError::ErrorNorm { norm });
    }
    assert!(matches!(refused(40, 1, f64::NAN), PoolError::ErrorNorm { .. }));
}

#[test]
fn a_ciphertext_is_decrypted_once() {
    let mut session = session(1);
    let pool = session.pool.clone();
    let [ours, another] = [2, 3].map(|seed| ciphertext(&session, LEVELS, seed));
    let open = |ciphertext: &Ciphertext, bits| {
        Opening::new(&pool, ciphertext, 0..3, &Smudging::new(bits, 1, 1.0).unwrap()).unwrap()
    };
    let holder = &mut session.holders[1];
    let request = open(&ours, 40);
    let not_admitted = PoolError::NotAdmitted { member: "owner 1".to_owned() };
    assert_eq!(holder.share(&request), Err(not_admitted.clone()));
    holder.admit(&request).unwrap();
    let share = holder.share(&request).unwrap();
    // Once more the same.
    holder.admit(&request).unwrap();
    assert_eq!(holder.share(&open(&ours, 40)), Ok(share.clone()));
    assert_eq!((share.member(), share.pool()), (1, pool.id()));

    // With other noise, for a receiver, at a lower level, or with another c₀.
    let before = PoolError::DecryptedBefore { member: "owner 1".to_owned() };
    let lower = ours.drop_level(pool.context().parameters(), 2).unwrap();
    let mut shifted = ours.clone();
    pool.context().q(LEVELS).add_integer_assign(&mut shifted.parts[0], &[1; 5]);
    for other in [open(&ours, 41), open(&lower, 40), open(&shifted, 40)] {
        assert_eq!(holder.admit(&other), Err(before.clone()));
        assert_eq!(holder.share(&other), Err(not_admitted.clone()));
    }
    let receiver = PublicKey::generate(&SecretKey::generate(pool.context(), &mut rng(7)), &mut rng(8));
    let switching = Switching::new(&pool, &ours, 0..3, &least(), &receiver).unwrap();
    assert_eq!(holder.admit(&switching), Err(before));
    // The first stays admitted, and another ciphertext is another.
    assert_eq!(holder.share(&request), Ok(share));
    holder.admit(&open(&another, 40)).unwrap();
}

#[test]
fn shares_of_other_requests_are_refused() {
    let (mut these, mut others) = (session(1), session(2));
    let [a, b] = [2, 3].map(|seed| ciphertext(&these, LEVELS, seed));
    let open = |session: &Session, ciphertext: &Ciphertext| {
        Opening::new(&session.pool, ciphertext, 0..3, &least()).unwrap()
    };
    let (request, other) = (open(&these, &a), open(&these, &b));
    let (shares, other_shares) = (these.shares(&request), these.shares(&other));
    let finish = |shares: &[&DecryptionShare<1>]| request.finish(shares.iter().copied().cloned()).map(|_| ());
    let [first, second, third] = &shares[..] else { unreachable!() };
    assert_eq!(finish(&[first, second, third]), Ok(()));
    let error = PoolError::ForeignRequest { member: "owner 1".to_owned() };
    assert_eq!(finish(&[first, &other_shares[1], third]), Err(error));
    let error = PoolError::DuplicateShare { member: "owner 0".to_owned() };
    assert_eq!(finish(&[first, first, third]), Err(error));
    let error = PoolError::MissingShares { members: vec!["owner 2".to_owned()] };
    assert_eq!(finish(&[first, second]), Err(error));
    let foreign_request = open(&others, &ciphertext(&others, LEVELS, 2));
    let error = PoolError::ForeignPool { expected: these.pool.id(), found: others.pool.id() };
    assert_eq!(finish(&[&others.shares(&foreign_request)[0]]), Err(error));
    let error = PoolError::ForeignPool { expected: others.pool.id(), found: these.pool.id() };
    assert_eq!(others.holders[0].admit(&request), Err(error));
    let unknown = DecryptionShare { member: 3, ..first.clone() };
    let error = PoolError::UnknownMember { member: "member 3".to_owned() };
    assert_eq!(finish(&[&unknown]), Err(error));
}
