//! Openings of many ciphertexts, sealed for the members.

use super::*;

/// Three owners, two ciphertexts at two levels, and the values in them.
struct Case {
    session: Session,
    ciphertexts: Vec<Ciphertext>,
    values: Vec<Vec<Complex64>>,
}

fn case(seed: u8) -> Case {
    let session = Session::new(pool_of(pooled(6, 3), all_keys, seed));
    let values: Vec<_> = [2, 3].map(|seed| random_slots(32, &mut rng(seed))).into();
    let encrypt = |(level, values): (usize, &Vec<Complex64>)| {
        let plaintext = session.encoder.encode(values, &wide_scale(), level).unwrap();
        session.public_key.encrypt(&plaintext, &mut rng(level as u64)).unwrap()
    };
    let ciphertexts = [2, LEVELS].into_iter().zip(&values).map(encrypt).collect();
    Case { session, ciphertexts, values }
}

impl Case {
    fn openings(&self) -> Openings {
        let pool = &self.session.pool;
        Openings::new(pool, &self.ciphertexts, pool.everyone(), &least()).unwrap()
    }

    fn sealed(&mut self, openings: &Openings) -> Vec<SealedOpening> {
        let seal = |holder: &mut KeyHolder| {
            holder.admit_all(openings).unwrap();
            holder.sealed_opening(openings).unwrap()
        };
        self.session.holders.iter_mut().map(seal).collect()
    }
}

/// What a member opens of all.
fn opened(sealed: &[SealedOpening], openings: &Openings, to: usize) -> Vec<OpenedShares> {
    sealed.iter().map(|sealed| sealed.open(openings, to, &transport_key(to)).unwrap()).collect()
}

#[test]
fn every_member_opens_the_results_and_they_are_those_of_single_shares() {
    let mut case = case(1);
    let openings = case.openings();
    let sealed = case.sealed(&openings);
    assert_eq!((openings.owners(), openings.requests().len()), (&[0, 1, 2][..], 2));
    for (member, sealed) in sealed.iter().enumerate() {
        assert_eq!((sealed.pool(), sealed.member()), (case.session.pool.id(), member));
    }
    let expected: Vec<_> = openings
        .requests()
        .iter()
        .map(|request| request.finish(case.session.shares(request)).unwrap())
        .collect();
    for member in 0..3 {
        let plaintexts = openings.finish(opened(&sealed, &openings, member)).unwrap();
        assert_eq!(plaintexts, expected);
        for (plaintext, values) in plaintexts.iter().zip(&case.values) {
            assert!(case.session.bits(values, plaintext) > 20.0);
        }
    }
}

#[test]
fn a_sealed_opening_is_the_same_each_time_and_shows_no_share() {
    let mut case = case(1);
    let openings = case.openings();
    let sealed = case.sealed(&openings);
    assert_eq!(case.sealed(&openings), sealed);
    // Every key and every message is another one.
    let mut parts: Vec<_> = sealed
        .iter()
        .flat_map(|sealed| {
            let keys = sealed.sealed.keys.iter();
            keys.flat_map(|key| [key.encapsulated.to_vec(), key.message.clone()])
                .chain([sealed.sealed.message.clone()])
                .collect::<Vec<_>>()
        })
        .collect();
    let count = parts.len();
    parts.sort_unstable();
    parts.dedup();
    assert_eq!((parts.len(), count), (21, 21));
    // No limb of a share is in what is sent.
    for request in openings.requests() {
        let context = Arc::clone(case.session.pool.context());
        let basis = context.q(request.ciphertext().level());
        for (share, sealed) in case.session.shares(request).iter().zip(&sealed) {
            let packed = basis.pack(&share.parts[0]);
            let start = &packed.bytes()[..16];
            assert!(sealed.sealed.message.windows(16).all(|window| window != start));
        }
    }
}

#[test]
fn sealed_openings_that_are_refused() {
    let mut case = case(1);
    let openings = case.openings();
    let sealed = case.sealed(&openings).swap_remove(1);
    let open = |sealed: &SealedOpening, to: usize, key: usize| {
        sealed.open(&openings, to, &transport_key(key)).map(|_| ())
    };
    let sealing = |to: &str| Err(PoolError::Sealing { member: "owner 1".to_owned(), to: to.to_owned() });
    assert_eq!(open(&sealed, 2, 2), Ok(()));
    // The key of another, and the place of another.
    assert_eq!(open(&sealed, 2, 0), sealing("owner 2"));
    assert_eq!(open(&sealed, 0, 2), sealing("owner 0"));
    let unknown = Err(PoolError::UnknownMember { member: "member 3".to_owned() });
    assert_eq!(open(&sealed, 3, 2), unknown);
    let changed = |change: &dyn Fn(&mut SealedOpening)| {
        let mut changed = sealed.clone();
        change(&mut changed);
        open(&changed, 2, 2)
    };
    assert_eq!(changed(&|sealed| sealed.sealed.message[5] ^= 1), sealing("owner 2"));
    assert_eq!(changed(&|sealed| sealed.sealed.tag[5] ^= 1), sealing("owner 2"));
    assert_eq!(changed(&|sealed| sealed.sealed.keys[2].message[5] ^= 1), sealing("owner 2"));
    assert_eq!(changed(&|sealed| sealed.sealed.keys[2].encapsulated[5] ^= 1), sealing("owner 2"));
    assert_eq!(changed(&|sealed| sealed.sealed.keys.truncate(2)), sealing("owner 2"));
    assert_eq!(changed(&|sealed| sealed.sealed.keys.swap(1, 2)), sealing("owner 2"));
    assert_eq!(changed(&|sealed| sealed.sealed.keys[0].tag[5] ^= 1), Ok(()), "the key of another");
    // Under another name.
    let other = PoolError::Sealing { member: "owner 0".to_owned(), to: "owner 2".to_owned() };
    assert_eq!(changed(&|sealed| sealed.member = 0), Err(other));
    assert_eq!(changed(&|sealed| sealed.member = 3), unknown);
    let foreign = PoolError::ForeignRequest { member: "owner 1".to_owned() };
    assert_eq!(changed(&|sealed| sealed.openings[0] ^= 1), Err(foreign.clone()));
    let less = Openings::new(&case.session.pool, &case.ciphertexts[..1], 0..3, &least()).unwrap();
    assert_eq!(sealed.open(&less, 2, &transport_key(2)).map(|_| ()), Err(foreign));
}

#[test]
fn openings_of_another_pool_are_refused() {
    let (mut these, mut others) = (case(1), case(2));
    let (openings, other) = (these.openings(), others.openings());
    let (sealed, theirs) = (these.sealed(&openings), others.sealed(&other));
    let foreign = PoolError::ForeignPool { expected: openings.pool().id(), found: other.pool().id() };
    let refused = theirs[0].open(&openings, 1, &transport_key(1)).map(|_| ());
    assert_eq!(refused, Err(foreign.clone()));
    assert_eq!(openings.finish(opened(&theirs, &other, 1)).unwrap_err(), foreign);
    assert_eq!(these.session.holders[0].admit_all(&other), Err(foreign));
    let two = Openings::new(openings.pool(), &these.ciphertexts[..1], 0..3, &least()).unwrap();
    let foreign = PoolError::ForeignRequest { member: "owner 0".to_owned() };
    assert_eq!(two.finish(opened(&sealed, &openings, 1)).unwrap_err(), foreign);
    let missing = PoolError::MissingShares { members: vec!["owner 2".to_owned()] };
    assert_eq!(openings.finish(opened(&sealed[..2], &openings, 1)).unwrap_err(), missing);
    let twice = opened(&sealed, &openings, 1).into_iter().chain(opened(&sealed, &openings, 1));
    let duplicate = PoolError::DuplicateShare { member: "owner 0".to_owned() };
    assert_eq!(openings.finish(twice).unwrap_err(), duplicate);
    let none = Openings::new(openings.pool(), &[], 0..3, &least());
    assert_eq!(none.unwrap_err(), PoolError::NoDecryptions);
}

#[test]
fn all_of_them_are_admitted_or_none() {
    let mut case = case(1);
    let openings = case.openings();
    let holder = &mut case.session.holders[0];
    let not_admitted = PoolError::NotAdmitted { member: "owner 0".to_owned() };
    assert_eq!(holder.sealed_opening(&openings), Err(not_admitted.clone()));
    // The second one was decrypted before, with other noise.
    let other = Smudging::new(41, 1, 1.0).unwrap();
    let before = Opening::new(&case.session.pool, &case.ciphertexts[1], 0..3, &other).unwrap();
    holder.admit(&before).unwrap();
    let refusal = PoolError::DecryptedBefore { member: "owner 0".to_owned() };
    assert_eq!(holder.admit_all(&openings), Err(refusal));
    assert_eq!(holder.share(&openings.requests()[0]), Err(not_admitted));
    assert!(holder.share(&before).is_ok());
}
