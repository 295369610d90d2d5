//! Any t of N owners decrypt, and t − 1 know nothing.

use volley_ring::{Eval, RnsPoly};
use volley_testkit::statistics::standard_deviation;

use super::super::pool::Pool;
use super::super::sharing;
use super::*;

const CASES: [(usize, usize); 2] = [(2, 3), (3, 5)];

/// The keys of transport of the members, and the pool.
fn threshold_pool(log_n: u32, (threshold, members): (usize, usize), seed: u8) -> (Vec<TransportKey>, Pool) {
    let context = Context::new(pooled(log_n, members));
    let named = keyed(names(members));
    let spec = all_keys(KeySpec::new(context.parameters()));
    let pool = Pool::with_threshold(&context, named, threshold, spec, Seed([seed; 32])).unwrap();
    ((0..members).map(transport_key).collect(), pool)
}

/// Owners before round two, bound to their sums.
fn bound(pool: &Pool) -> (Vec<OwnerRoundTwo>, RoundOneSums, SecretKey) {
    let members = Members::new(pool.clone());
    let (sums, joint) = (members.sums(), members.joint_secret());
    (members.into_round_two(&sums), sums, joint)
}

fn sealed_for(owners: &[OwnerRoundTwo], to: usize) -> Vec<SealedShare> {
    owners.iter().map(|owner| owner.sealed_share(to).unwrap()).collect()
}

fn threshold_session(log_n: u32, case: (usize, usize), seed: u8) -> Session {
    let (transport, pool) = threshold_pool(log_n, case, seed);
    let (owners, sums, joint) = bound(&pool);
    let sealed: Vec<_> = pool.everyone().map(|to| sealed_for(&owners, to)).collect();
    let keys = evaluation_keys(&owners, &sums);
    let holders = owners.into_iter().zip(sealed).zip(&transport);
    let holders = holders.map(|((owner, sealed), key)| {
        owner.into_key_holder_by_shares(key, sealed.into_iter().rev()).unwrap()
    });
    Session {
        holders: holders.collect(),
        public_key: sums.public_key(),
        joint,
        evaluator: Evaluator::new(pool.context(), keys).unwrap(),
        encoder: Encoder::new(pool.context()),
        pool,
    }
}

/// All sets of members with at least so many of them.
fn sets(members: usize, least: usize) -> Vec<Vec<usize>> {
    let set = |mask: u32| (0..members).filter(|member| mask >> member & 1 == 1).collect::<Vec<_>>();
    (0..1 << members).map(set).filter(|set| set.len() >= least).collect()
}

/// Σ λ_j·S_j over a set.
fn recombined(session: &Session, set: &[usize]) -> RnsPoly<Eval> {
    let basis = sharing::basis(&session.pool);
    let mut sum = basis.zero();
    for &member in set {
        let share = session.holders[member].sum.as_ref().unwrap();
        basis.add_assign(&mut sum, &sharing::additive(&session.pool, share, set, member));
    }
    sum
}

#[test]
fn any_threshold_of_the_owners_decrypts_when_the_others_are_gone() {
    for case in CASES {
        let mut session = threshold_session(9, case, 1);
        assert_eq!(session.pool.threshold(), case.0);
        let x = random_slots(256, &mut rng(2));
        let parameters = session.pool.context().parameters().clone();
        for (number, set) in sets(case.1, case.0).into_iter().enumerate() {
            let plaintext = session.encoder.encode(&x, &wide_scale(), 2).unwrap();
            let encrypt = |seed| session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap();
            let [opened, switched] = [2 * number, 2 * number + 1].map(|seed| encrypt(seed as u64));
            let noise = least().noise(set.len()).slot_deviation(&parameters, &wide_scale());
            let request = Opening::new(&session.pool, &opened, set.clone(), &least()).unwrap();
            assert_eq!(request.owners(), set);
            let shares = session.shares(&request);
            assert_eq!(shares.len(), set.len());
            let bits = session.bits(&x, &request.finish(shares).unwrap());
            assert!((bits + noise.log2()).abs() < 4.0, "{set:?}: {bits} bits, {noise}");

            let receiver = SecretKey::generate(session.pool.context(), &mut rng(7));
            let key = PublicKey::generate(&receiver, &mut rng(8));
            let request = Switching::new(&session.pool, &switched, set, &least(), &key).unwrap();
            let shares = session.shares(&request);
            let bits = session.bits(&x, &receiver.decrypt(&request.finish(shares).unwrap()).unwrap());
            assert!((bits + noise.log2()).abs() < 4.0, "{bits} bits, {noise}");
        }
    }
}

#[test]
fn shares_of_a_threshold_give_the_secret_and_of_less_do_not() {
    for case in CASES {
        let session = threshold_session(6, case, 1);
        let basis = sharing::basis(&session.pool);
        let secret = session.joint.poly().prefix(basis.limb_count());
        for set in sets(case.1, 1) {
            assert_eq!(recombined(&session, &set) == secret, set.len() >= case.0, "{set:?}");
        }
    }
}

#[test]
fn a_decryption_by_less_than_the_threshold_is_uniform() {
    // c₀ + Σ λ_j·S_j·c₁ over t − 1 owners: coefficients uniform modulo q₀, of which a sixteenth is in each of 16 parts.
    for case in CASES {
        let session = threshold_session(11, case, 1);
        let plaintext = session.encoder.encode(&[0.5], &crate::Scale::power_of_two(40), 0).unwrap();
        let ciphertext = session.public_key.encrypt(&plaintext, &mut rng(3)).unwrap();
        let basis = session.pool.context().q(0);
        let modulus = session.pool.context().parameters().q()[0] as f64;
        for set in sets(case.1, 1).into_iter().filter(|set| set.len() + 1 >= case.0) {
            let mut phase = ciphertext.parts[1].clone();
            basis.mul_assign(&mut phase, &recombined(&session, &set));
            basis.add_assign(&mut phase, &ciphertext.parts[0]);
            let coefficients = basis.to_centred(&basis.inverse(phase));
            let mut counts = [0.0; 16];
            coefficients.iter().for_each(|x| counts[((x / modulus + 0.5) * 16.0) as usize % 16] += 1.0);
            let chi_square: f64 = counts.iter().map(|count: &f64| (count - 128.0).powi(2) / 128.0).sum();
            if set.len() < case.0 {
                // 15 degrees of freedom: above 50 with probability 1e−5.
                assert!(chi_square < 50.0, "{set:?}: {chi_square}");
                assert!((standard_deviation(&coefficients) / modulus - 12f64.sqrt().recip()).abs() < 0.02);
            } else {
                assert!(chi_square > 1000.0, "{set:?}: {chi_square}");
            }
        }
    }
}

#[test]
fn less_than_the_threshold_of_shares_fit_every_secret() {
    // t = 2: the line through (0, s′) and a member's share, for any s′, is what could have been drawn.
    let session = threshold_session(6, CASES[0], 1);
    let basis = sharing::basis(&session.pool);
    let residues = |value: u64| basis.moduli().map(|q| q.reduce(value)).collect::<Vec<_>>();
    let inverse = |value: u64| basis.moduli().map(|q| q.inverse(q.reduce(value))).collect::<Vec<_>>();
    for (member, holder) in session.holders.iter().enumerate() {
        let (share, y) = (holder.sum.as_ref().unwrap(), member as u64 + 1);
        let other = SecretKey::generate(session.pool.context(), &mut rng(50));
        let mut slope = (**share).clone();
        basis.sub_assign(&mut slope, other.poly());
        basis.mul_integer_assign(&mut slope, &inverse(y));
        let mut value = slope.clone();
        basis.mul_integer_assign(&mut value, &residues(y));
        basis.add_assign(&mut value, other.poly());
        assert!(value == **share);
    }
}

#[test]
fn a_sealed_share_is_the_same_each_time_and_opens_for_one() {
    let (keys, pool) = threshold_pool(6, CASES[0], 1);
    let (owners, ..) = bound(&pool);
    let share = owners[0].sealed_share(1).unwrap();
    assert_eq!(owners[0].sealed_share(1).unwrap(), share);
    assert_eq!((share.pool(), share.member(), share.to()), (pool.id(), 0, 1));
    let other = owners[0].sealed_share(2).unwrap();
    assert!(
        other.sealed.encapsulated != share.sealed.encapsulated
            && other.sealed.message != share.sealed.message
    );
    for (member, key) in keys.iter().enumerate() {
        let mut shares = sealed_for(&owners, 1);
        // What is sealed for owner 1, under the name of another.
        shares.iter_mut().for_each(|share| share.to = member);
        let opened = sharing::open(&owners[member].secret, key, shares);
        assert_eq!(opened.is_ok(), member == 1);
    }
    // Public keys of transport are read as they are written, and are all that is shown of the others.
    let key = keys[0].public_key();
    assert_eq!(TransportPublicKey::from_bytes(&key.to_bytes()), Some(key.clone()));
    assert_ne!(keys[1].public_key(), key);
    let secret_key = SecretKey::generate(pool.context(), &mut rng(1));
    assert_eq!(TransportKey::of(&secret_key).public_key(), TransportKey::of(&secret_key).public_key());
    assert_eq!(format!("{:?}", keys[0]), format!("TransportKey({key:?})"));
    assert_eq!(TransportPublicKey::from_bytes(&[0xFF; TRANSPORT_KEY_BYTES]), None);
}

#[test]
fn thresholds_that_cannot_be() {
    let context = Context::new(pooled(6, 3));
    let key = transport_key(0).public_key();
    for threshold in [0, 1, 3, 4] {
        let named = names(3).into_iter().map(|name| (name, key.clone()));
        let spec = KeySpec::new(context.parameters());
        let error = Pool::with_threshold(&context, named, threshold, spec, Seed([1; 32])).unwrap_err();
        assert_eq!(error, PoolError::Threshold { threshold, members: 3 });
    }
    // The id has the threshold, and the keys.
    let (_, pool) = threshold_pool(6, (2, 3), 1);
    let mut ids = vec![pool.id(), pool_of(pooled(6, 3), all_keys, 1).id()];
    let named = names(3).into_iter().map(|name| (name, key.clone()));
    let spec = all_keys(KeySpec::new(context.parameters()));
    ids.push(Pool::with_threshold(&context, named, 2, spec, Seed([1; 32])).unwrap().id());
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 3);
}

#[test]
fn owners_take_the_way_of_their_pool() {
    let all = pool_of(pooled(6, 3), all_keys, 1);
    let (keys, pool) = threshold_pool(6, (2, 3), 1);
    let (mut with_all, ..) = bound(&all);
    let (mut with_threshold, ..) = bound(&pool);
    assert_eq!(with_all[0].sealed_share(1), Err(PoolError::NoThreshold));
    let error = with_all.remove(0).into_key_holder_by_shares(&keys[0], []).unwrap_err();
    assert_eq!(error, PoolError::NoThreshold);
    let unknown = PoolError::UnknownMember { member: "member 3".to_owned() };
    assert_eq!(with_threshold[0].sealed_share(3), Err(unknown));
    let error = with_threshold.remove(0).into_key_holder().unwrap_err();
    assert_eq!(error, PoolError::SharesNeeded { member: "owner 0".to_owned() });
}

#[test]
fn shares_of_secrets_that_are_refused() {
    let (keys, pool) = threshold_pool(6, (2, 3), 1);
    let (_, other_pool) = threshold_pool(6, (2, 3), 2);
    let (owners, ..) = bound(&pool);
    let (others, ..) = bound(&other_pool);
    let shares = sealed_for(&owners, 1);
    let open = |shares: Vec<SealedShare>| sharing::open(&owners[1].secret, &keys[1], shares).map(|_| ());
    assert_eq!(open(shares.clone()), Ok(()));
    let changed = |change: &dyn Fn(&mut SealedShare)| {
        let mut shares = shares.clone();
        change(&mut shares[2]);
        open(shares)
    };
    let sealing = |member: &str| PoolError::Sealing { member: member.to_owned(), to: "owner 1".to_owned() };
    assert_eq!(changed(&|share| share.sealed.message[5] ^= 1), Err(sealing("owner 2")));
    assert_eq!(changed(&|share| share.sealed.encapsulated[5] ^= 1), Err(sealing("owner 2")));
    assert_eq!(changed(&|share| share.sealed.tag[5] ^= 1), Err(sealing("owner 2")));
    // Another owner's share under this one's name.
    let mut swapped = shares.clone();
    (swapped[0].member, swapped[2].member) = (2, 0);
    assert_eq!(open(swapped), Err(sealing("owner 2")));
    let error = sharing::open(&owners[1].secret, &keys[0], shares.clone()).unwrap_err();
    assert_eq!(error, sealing("owner 0"));
    let foreign = PoolError::ForeignMember { expected: "owner 1".to_owned(), found: "owner 2".to_owned() };
    assert_eq!(open(sealed_for(&owners, 2)), Err(foreign));
    let foreign = PoolError::ForeignPool { expected: pool.id(), found: other_pool.id() };
    assert_eq!(open(sealed_for(&others, 1)), Err(foreign));
    let twice = PoolError::DuplicateShare { member: "owner 0".to_owned() };
    assert_eq!(open(vec![shares[0].clone(), shares[0].clone()]), Err(twice));
    let missing = PoolError::MissingShares { members: vec!["owner 2".to_owned()] };
    assert_eq!(open(shares[..2].to_vec()), Err(missing));
}

#[test]
fn fewer_than_the_threshold_are_refused_and_so_are_those_not_asked() {
    let mut session = threshold_session(6, (2, 3), 1);
    let plaintext = session.encoder.encode(&[0.5], &wide_scale(), 2).unwrap();
    let ciphertext = session.public_key.encrypt(&plaintext, &mut rng(3)).unwrap();
    let request =
        |owners: &[usize]| Opening::new(&session.pool, &ciphertext, owners.iter().copied(), &least());
    let error = request(&[1]).unwrap_err();
    assert_eq!(error, PoolError::TooFewOwners { found: 1, threshold: 2, members: 3 });
    let (first, second) = (request(&[0, 1]).unwrap(), request(&[0, 2]).unwrap());
    let not_asked = PoolError::NotAsked { member: "owner 2".to_owned() };
    assert_eq!(session.holders[2].admit(&first), Err(not_asked.clone()));
    assert_eq!(session.holders[2].share(&first), Err(not_asked.clone()));
    let shares = session.shares(&first);
    // Another set of owners for the same ciphertext.
    let before = PoolError::DecryptedBefore { member: "owner 0".to_owned() };
    assert_eq!(session.holders[0].admit(&second), Err(before));
    session.holders[2].admit(&second).unwrap();
    let stranger = session.holders[2].share(&second).unwrap();
    assert_eq!(first.finish([shares[0].clone(), stranger]).unwrap_err(), not_asked);
}
