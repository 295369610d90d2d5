//! Files of pools: each is read and written again, and refused in every other place.

use rand_core::Rng;
use volley_ring::sampling::Seed;
use volley_testkit::mutation::mutate;

use super::*;
use crate::multiparty::{
    Commitment, Commitments, DecryptionShare, KeyHolder, Opening, Openings, OwnerRoundOne, OwnerRoundTwo,
    Pool, PoolError, RoundOneGathering, RoundOneShare, RoundOneSums, RoundTwoGathering, RoundTwoShare,
    SealedOpening, SealedShare, Smudging, Switching, TransportKey,
};

/// Kinds of files.
const POOL_KINDS: usize = 15;

type PoolReread = fn(&World, &[u8], u64) -> Result<Vec<u8>, WireError>;

/// A pool of three owners of whom two decrypt, with something of each kind, the same each time.
struct World {
    pool: Pool,
    opening: Opening,
    switching: Switching,
    openings: Openings,
    receiver: PublicKey,
    files: Vec<Vec<u8>>,
}

/// The member whose files are read.
const MEMBER: usize = 1;

/// Reads a file and writes what was read.
static POOL_REREAD: [(Kind, PoolReread); POOL_KINDS] = [
    (Kind::POOL, |world, file, limit| {
        written(|out| Pool::read(world.pool.context(), file, limit)?.write(out))
    }),
    (Kind::POOL_COMMITMENT, |world, file, limit| {
        written(|out| Commitment::read(&world.pool, MEMBER, file, limit)?.write(&world.pool, out))
    }),
    (Kind::ROUND_ONE_SHARE, |world, file, limit| {
        written(|out| RoundOneShare::read(&world.pool, MEMBER, file, limit)?.write(&world.pool, out))
    }),
    (Kind::ROUND_ONE_SUMS, |world, file, limit| {
        written(|out| RoundOneSums::read(&world.pool, file, limit)?.write(out))
    }),
    (Kind::ROUND_TWO_SHARE, |world, file, limit| {
        written(|out| RoundTwoShare::read(&world.pool, MEMBER, file, limit)?.write(&world.pool, out))
    }),
    (Kind::SEALED_SHARE, |world, file, limit| {
        written(|out| SealedShare::read(&world.pool, MEMBER, 2, file, limit)?.write(&world.pool, out))
    }),
    (Kind::OPENING_SHARE, |world, file, limit| {
        written(|out| DecryptionShare::read(&world.opening, MEMBER, file, limit)?.write(&world.opening, out))
    }),
    (Kind::SWITCHING_SHARE, |world, file, limit| {
        written(|out| {
            DecryptionShare::read(&world.switching, MEMBER, file, limit)?.write(&world.switching, out)
        })
    }),
    (Kind::OWNER_ROUND_ONE, |world, file, limit| {
        written(|out| OwnerRoundOne::read(&world.pool, MEMBER, file, limit)?.write(out))
    }),
    (Kind::OWNER_ROUND_TWO, |world, file, limit| {
        written(|out| OwnerRoundTwo::read(&world.pool, MEMBER, file, limit)?.write(out))
    }),
    (Kind::KEY_HOLDER, |world, file, limit| {
        written(|out| KeyHolder::read(&world.pool, MEMBER, file, limit)?.write(out))
    }),
    (Kind::POOLED_EVALUATION_KEYS, |world, file, limit| {
        let context = world.pool.context();
        written(|out| EvaluationKeySet::read(context, file, limit)?.write(context.parameters(), out))
    }),
    (POOLED_PARAMETERS, |_, file, limit| written(|out| Parameters::read(file, limit)?.write(out))),
    (Kind::TRANSPORT_KEY, |_, file, limit| written(|out| TransportKey::read(file, limit)?.write(out))),
    (Kind::SEALED_OPENING, |world, file, limit| {
        let opening = SealedOpening::read(&world.openings, MEMBER, file, limit)?;
        written(|out| opening.write(&world.openings, out))
    }),
];
/// Their file says "parameters".
const POOLED_PARAMETERS: Kind = Kind::new("pooled parameters");

/// The pool, with a threshold or without, and the personal keys of its members.
fn pool(seed: u8, threshold: Option<usize>) -> (Pool, Vec<SecretKey>) {
    let context = Context::new(parameters(4, 2).pooled(3).unwrap());
    let spec = KeySpec::new(context.parameters()).relinearization(2).rotations([1], 1).conjugation(0);
    let personal: Vec<_> =
        (0..3).map(|member| SecretKey::generate(&context, &mut rng(20 + member))).collect();
    let keys = personal.iter().map(|personal| TransportKey::of(personal).public_key());
    let (members, seed) = (["north", "east", "south"].into_iter().zip(keys), Seed([seed; 32]));
    let pool = match threshold {
        None => Pool::new(&context, members, spec, seed),
        Some(threshold) => Pool::with_threshold(&context, members, threshold, spec, seed),
    };
    (pool.unwrap(), personal)
}

impl World {
    fn new() -> Self {
        let (pool, personal) = pool(1, Some(2));
        Self::of(pool, &personal)
    }

    fn of(pool: Pool, personal: &[SecretKey]) -> Self {
        let owners =
            pool.everyone().map(|member| OwnerRoundOne::new(&pool, member, &mut rng(30 + member as u64)));
        let owners: Vec<_> = owners.map(Result::unwrap).collect();
        let commitments = owners.iter().map(OwnerRoundOne::commitment);
        let commitments = Commitments::new(&pool, commitments).unwrap();
        let mut gathering = RoundOneGathering::new(&commitments);
        owners.iter().for_each(|owner| gathering.add(owner.share(&commitments).unwrap()).unwrap());
        let sums = gathering.finish().unwrap();
        let mut files = vec![
            written(|out| pool.write(out)),
            written(|out| owners[MEMBER].commitment().write(&pool, out)),
            written(|out| owners[MEMBER].share(&commitments)?.write(&pool, out)),
            written(|out| sums.write(out)),
        ];
        let state = written(|out| owners[MEMBER].write(out));
        let bound = owners.into_iter().map(|owner| owner.into_round_two(&commitments, &sums).unwrap());
        let mut bound: Vec<_> = bound.collect();
        files.push(written(|out| bound[MEMBER].share(&sums)?.write(&pool, out)));
        files.push(written(|out| bound[MEMBER].sealed_share(2)?.write(&pool, out)));
        let mut keys = RoundTwoGathering::new(sums.clone());
        bound.iter().for_each(|owner| keys.add(owner.share(&sums).unwrap()).unwrap());
        let keys = keys.finish().unwrap();
        let sealed: Vec<_> = bound.iter().map(|owner| owner.sealed_share(MEMBER).unwrap()).collect();
        let states = [state, written(|out| bound[MEMBER].write(out))];
        let transport = TransportKey::of(&personal[MEMBER]);
        let holder = bound.swap_remove(MEMBER).into_key_holder_by_shares(&transport, sealed);
        let mut holder = holder.unwrap();

        let scale = Scale::power_of_two(60);
        let plaintext = Encoder::new(pool.context()).encode(&[0.5], &scale, 1).unwrap();
        let encrypt = |seed| sums.public_key().encrypt(&plaintext, &mut rng(seed)).unwrap();
        let smudging = Smudging::new(40, 1, 1.0).unwrap();
        let receiver = PublicKey::generate(&personal[0], &mut rng(9));
        let opening = Opening::new(&pool, &encrypt(2), [0, MEMBER], &smudging).unwrap();
        let switching = Switching::new(&pool, &encrypt(3), [0, MEMBER], &smudging, &receiver).unwrap();
        holder.admit(&opening).unwrap();
        holder.admit(&switching).unwrap();
        files.push(written(|out| holder.share(&opening)?.write(&opening, out)));
        files.push(written(|out| holder.share(&switching)?.write(&switching, out)));
        files.extend(states);
        files.push(written(|out| holder.write(out)));
        files.push(written(|out| keys.write(pool.context().parameters(), out)));
        files.push(written(|out| pool.context().parameters().write(out)));
        files.push(written(|out| transport.write(out)));
        let ciphertexts = [opening.ciphertext().clone(), encrypt(4)];
        let openings = Openings::new(&pool, &ciphertexts, [0, MEMBER], &smudging).unwrap();
        holder.admit_all(&openings).unwrap();
        files.push(written(|out| holder.sealed_opening(&openings)?.write(&openings, out)));
        let files: Vec<_> = files.into_iter().map(Result::unwrap).collect();
        Self { pool, opening, switching, openings, receiver, files }
    }

    /// All kinds with how they are read, and their files.
    fn kinds(&self) -> impl Iterator<Item = (&'static Kind, PoolReread, &[u8])> {
        POOL_REREAD.iter().zip(&self.files).map(|((kind, reread), file)| (kind, *reread, &file[..]))
    }
}

#[test]
fn files_of_pools_are_read_and_written_again() {
    let world = World::new();
    assert_eq!(world.files.len(), POOL_KINDS);
    for (kind, reread, file) in world.kinds() {
        assert!(reread(&world, file, file.len() as u64).unwrap() == file, "{kind}");
        let header = Header::read(file).unwrap();
        assert_eq!(header.file_bytes(), Ok(file.len() as u64), "{kind}");
        assert!(header.kind == *kind || *kind == POOLED_PARAMETERS);
        let limit = file.len() as u64 - 1;
        let exceeded = Err(WireError::LimitExceeded { bytes: limit + 1, limit });
        assert_eq!(reread(&world, &file[..body_start(file)], limit), exceeded, "{kind}");
    }
}

#[test]
fn files_of_pools_are_as_long_as_is_said_beforehand() {
    let world = World::new();
    let pool = &world.pool;
    let lengths: Vec<u64> = world.files.iter().map(|file| file.len() as u64).collect();
    assert_eq!(RoundOneShare::file_bytes(pool), lengths[2]);
    assert_eq!(RoundOneSums::file_bytes(pool), lengths[3]);
    assert_eq!(RoundTwoShare::file_bytes(pool), lengths[4]);
    assert_eq!(SealedShare::file_bytes(pool), lengths[5]);
    assert_eq!(DecryptionShare::file_bytes(&world.opening), lengths[6]);
    assert_eq!(DecryptionShare::file_bytes(&world.switching), lengths[7]);
    assert_eq!(pool.spec().pooled_byte_count(), lengths[11]);
    assert_eq!(SealedOpening::file_bytes(&world.openings), lengths[14]);
    let none = KeySpec::new(pool.context().parameters()).rotations([1], 1);
    assert_eq!(none.pooled_byte_count(), none.byte_count());
}

#[test]
fn every_defect_of_a_file_of_a_pool_is_found() {
    let world = World::new();
    for (kind, reread, file) in world.kinds() {
        for length in (0..file.len()).step_by(3) {
            let truncated = reread(&world, &file[..length], NO_LIMIT);
            assert_eq!(truncated, Err(WireError::Truncated), "{kind} of {length} bytes");
        }
        let start = body_start(file);
        for at in 0..file.len() {
            let mut flipped = file.to_vec();
            flipped[at] ^= 1 << (at % 8);
            let error = reread(&world, &flipped, NO_LIMIT).unwrap_err();
            assert!(at < start || error == WireError::Damaged, "{kind}, byte {at}: {error}");
        }
        let longer = [file, &[0]].concat();
        assert_eq!(reread(&world, &longer, NO_LIMIT), Err(WireError::TrailingBytes), "{kind}");
        let mut longer = file[..file.len() - 32].to_vec();
        longer.extend([0; 33]);
        let longer = with_header(&longer, |header| header.body_bytes += 1);
        assert_eq!(reread(&world, &longer, NO_LIMIT), Err(WireError::TrailingBytes), "{kind}");
        let mut shorter = file.to_vec();
        shorter.remove(file.len() - 33);
        let shorter = with_header(&shorter, |header| header.body_bytes -= 1);
        let error = reread(&world, &shorter, NO_LIMIT).unwrap_err();
        assert!(matches!(error, WireError::BodyLength { .. }), "{kind}: {error}");
        for body_bytes in [1 << 50, u64::MAX] {
            let huge = with_header(file, |header| header.body_bytes = body_bytes);
            assert_eq!(reread(&world, &huge, NO_LIMIT), Err(WireError::Truncated), "{kind}");
        }
    }
}

#[test]
fn mutants_of_files_of_pools_are_refused_or_intact() {
    let world = World::new();
    let mut rng = rng(11);
    let (mut intact, mut refused) = (0, 0);
    for round in 0..20_000 {
        let ((kind, reread), file) = (&POOL_REREAD[round % POOL_KINDS], &world.files[round % POOL_KINDS]);
        let mut mutant = mutate(file, || rng.next_u64());
        if rng.next_u64().is_multiple_of(2) {
            rehash(&mut mutant);
        }
        match reread(&world, &mutant, 2 * file.len() as u64) {
            Ok(again) => {
                assert!(again == mutant, "{kind}, round {round}");
                intact += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(refused > 10_000 && intact > 200, "{refused} refused, {intact} intact");
}

#[test]
fn files_of_another_pool_member_or_step_are_refused_by_name() {
    let world = World::new();
    let (other_pool, personal) = pool(2, Some(2));
    let other = World::of(other_pool, &personal);
    let (expected, found) = (world.pool.id(), other.pool.id());
    let foreign = WireError::Pool(PoolError::ForeignPool { expected, found });
    for ((kind, reread, file), theirs) in world.kinds().zip(&other.files) {
        let of_no_pool = [Kind::POOL, Kind::POOLED_EVALUATION_KEYS, POOLED_PARAMETERS, Kind::TRANSPORT_KEY];
        if of_no_pool.contains(kind) {
            continue;
        }
        assert_eq!(reread(&world, theirs, NO_LIMIT), Err(foreign.clone()), "{kind}");
        if *kind != Kind::ROUND_ONE_SUMS {
            let others = with_header(file, |header| header.extension[32] = 2);
            let (expected, found) = ("east".to_owned(), "south".to_owned());
            let error = WireError::Pool(PoolError::ForeignMember { expected, found });
            assert_eq!(error.to_string(), "this is of south, what is needed is of east");
            assert_eq!(reread(&world, &others, NO_LIMIT), Err(error), "{kind}");
        }
        // Every other step.
        for (other_kind, _, other) in world.kinds() {
            let found = Header::read(other).unwrap().kind;
            if other_kind != kind {
                let error = WireError::Kind { expected: kind.clone(), found };
                assert_eq!(reread(&world, other, NO_LIMIT), Err(error));
            }
        }
        // Names that contradict each other.
        let renamed = with_header(file, |header| header.key_id = Some(other.pool.key_id()));
        let error = WireError::ForeignKey { expected: world.pool.key_id(), found: Some(other.pool.key_id()) };
        assert_eq!(reread(&world, &renamed, NO_LIMIT), Err(error), "{kind}");
        let longer = with_header(file, |header| header.extension.push(0));
        assert_eq!(reread(&world, &longer, NO_LIMIT), Err(WireError::Header), "{kind}");
    }
}

#[test]
fn shares_of_another_request_or_receiver_are_refused_by_name() {
    let world = World::new();
    let request = |file: &[u8]| with_header(file, |header| header.extension[33] ^= 1);
    let error = WireError::Pool(PoolError::ForeignRequest { member: "east".to_owned() });
    let opened = request(&world.files[6]);
    assert_eq!(DecryptionShare::read(&world.opening, MEMBER, &opened[..], NO_LIMIT).unwrap_err(), error);
    let switched = request(&world.files[7]);
    assert_eq!(DecryptionShare::read(&world.switching, MEMBER, &switched[..], NO_LIMIT).unwrap_err(), error);
    let share = DecryptionShare::read(&world.opening, MEMBER, &world.files[6][..], NO_LIMIT).unwrap();
    let smudging = Smudging::new(41, 1, 1.0).unwrap();
    let other = Opening::new(&world.pool, world.opening.ciphertext(), [0, MEMBER], &smudging).unwrap();
    assert_eq!(share.write(&other, io::sink()).unwrap_err(), error);

    let opened = request(&world.files[14]);
    assert_eq!(SealedOpening::read(&world.openings, MEMBER, &opened[..], NO_LIMIT).unwrap_err(), error);
    let opening = SealedOpening::read(&world.openings, MEMBER, &world.files[14][..], NO_LIMIT).unwrap();
    let other = Openings::new(&world.pool, [world.opening.ciphertext()], [0, MEMBER], &smudging).unwrap();
    assert_eq!(opening.write(&other, io::sink()).unwrap_err(), error);

    let sealed = |to| SealedShare::read(&world.pool, MEMBER, to, &world.files[5][..], NO_LIMIT);
    assert!(sealed(2).is_ok());
    let (expected, found) = ("north".to_owned(), "south".to_owned());
    let error = WireError::Pool(PoolError::ForeignMember { expected, found });
    assert_eq!(sealed(0).unwrap_err(), error);
}

#[test]
fn there_are_no_files_of_a_member_that_does_not_exist() {
    let world = World::new();
    let file = with_header(&world.files[1], |header| header.extension[32] = 3);
    let error = Commitment::read(&world.pool, 3, &file[..], NO_LIMIT).unwrap_err();
    assert_eq!(error, WireError::Pool(PoolError::UnknownMember { member: "member 3".to_owned() }));
}

#[test]
fn nothing_is_written_for_another_pool() {
    let world = World::new();
    let other = pool(2, Some(2)).0;
    let read = |index: usize| &world.files[index][..];
    let (expected, found) = (other.id(), world.pool.id());
    let foreign = Err(WireError::Pool(PoolError::ForeignPool { expected, found }));
    let pool = &world.pool;
    let commitment = Commitment::read(pool, MEMBER, read(1), NO_LIMIT).unwrap();
    assert_eq!(commitment.write(&other, io::sink()), foreign);
    let share = RoundOneShare::read(pool, MEMBER, read(2), NO_LIMIT).unwrap();
    assert_eq!(share.write(&other, io::sink()), foreign);
    let share = RoundTwoShare::read(pool, MEMBER, read(4), NO_LIMIT).unwrap();
    assert_eq!(share.write(&other, io::sink()), foreign);
    let share = SealedShare::read(pool, MEMBER, 2, read(5), NO_LIMIT).unwrap();
    assert_eq!(share.write(&other, io::sink()), foreign);
}

#[test]
fn pools_that_are_refused() {
    let world = World::new();
    let context = world.pool.context();
    let read = |file: &[u8]| Pool::read(context, file, NO_LIMIT).unwrap_err();
    // The structure: its length (4), the number of members, and the first name.
    let renamed = with_body(&world.files[0], 6, b"South");
    assert!(matches!(read(&renamed), WireError::Pool(PoolError::ForeignPool { .. })));
    let control = with_body(&world.files[0], 6, b"n\x1b[3m");
    assert_eq!(read(&control), WireError::Pool(PoolError::MemberName { member: 0, max: 64 }));
    let renamed = with_header(&world.files[0], |header| header.extension[0] ^= 1);
    assert!(matches!(read(&renamed), WireError::Pool(PoolError::ForeignPool { .. })));
    let longer = with_header(&world.files[0], |header| header.extension.push(0));
    assert_eq!(read(&longer), WireError::Header);
    let other = with_header(&world.files[0], |header| header.key_id = Some(pool(2, None).0.key_id()));
    assert_eq!(read(&other), WireError::Header);
    // Behind the names: the threshold, the seed (32), the levels, the elements.
    let threshold = 4 + 1 + 6 + 5 + 6;
    let changed = with_body(&world.files[0], threshold, &[1, 3]);
    let error = PoolError::Threshold { threshold: 3, members: 3 };
    assert_eq!(read(&changed), WireError::Pool(error));
    let elements = threshold + 2 + 32 + 2;
    assert_eq!(world.files[0][body_start(&world.files[0]) + elements..][..5], [2, 5, 1, 31, 0]);
    for element in [1, 4, 32] {
        let changed = with_body(&world.files[0], elements + 1, &[element]);
        assert_eq!(read(&changed), WireError::GaloisElement { element: element.into() });
    }
    let changed = with_body(&world.files[0], elements + 3, &[5]);
    assert_eq!(read(&changed), WireError::GaloisElement { element: 5 });
    let changed = with_body(&world.files[0], elements + 2, &[9]);
    let range = crate::Error::LevelRange { level: 9, max: 2 };
    assert_eq!(read(&changed), WireError::Pool(PoolError::Ckks(range)));
    let changed = with_body(&world.files[0], elements + 5, &[0xFF; 4]);
    assert_eq!(read(&changed), WireError::Malformed);
    // The pool of other parameters.
    let single = Context::new(parameters(4, 2));
    let error = Pool::read(&single, &world.files[0][..], NO_LIMIT).unwrap_err();
    assert!(matches!(error, WireError::ForeignParameters { .. }));
    let again = Pool::read(context, &world.files[0][..], NO_LIMIT).unwrap();
    assert_eq!((again.members(), again.threshold()), (world.pool.members(), 2));
    assert_eq!((again.spec(), again.seed()), (world.pool.spec(), world.pool.seed()));
}

#[test]
fn numbers_in_files_of_pools_are_checked() {
    let world = World::new();
    // A residue of the public key's share, and one of a share of a secret.
    let modulus = world.pool.context().parameters().q()[0];
    let error = WireError::ResidueRange { residue: (1 << 50) - 1, modulus };
    let changed = with_body(&world.files[2], 0, &[0xFF; 7]);
    assert_eq!(RoundOneShare::read(&world.pool, MEMBER, &changed[..], NO_LIMIT).unwrap_err(), error);
    let holder = |file: &[u8]| KeyHolder::read(&world.pool, MEMBER, file, NO_LIMIT).unwrap_err();
    assert_eq!(holder(&with_body(&world.files[10], 32, &[0xFF; 8])), WireError::Malformed);
    // Requests in descending order, and more than there are.
    let count = 32 + 8 * 16 * 3;
    let body = &world.files[10][body_start(&world.files[10])..];
    assert_eq!(body[count..count + 4], [2, 0, 0, 0]);
    let (first, second) = (body[count + 4..][..64].to_vec(), body[count + 68..][..64].to_vec());
    let swapped = with_body(&world.files[10], count + 4, &[second, first.clone()].concat());
    assert_eq!(holder(&swapped), WireError::Malformed);
    let twice = with_body(&world.files[10], count + 4, &[first.clone(), first].concat());
    assert_eq!(holder(&twice), WireError::Malformed);
    let more = with_body(&world.files[10], count, &[3]);
    assert_eq!(holder(&more), WireError::BodyLength { needed: 32, left: 0 });
    // Keys of several owners have a relinearization key.
    let keys = with_body(&world.files[11], 0, &[0]);
    let error = EvaluationKeySet::read(world.pool.context(), &keys[..], NO_LIMIT).unwrap_err();
    assert_eq!(error, WireError::Malformed);
}

#[test]
fn an_owner_that_was_written_goes_on() {
    // Without a threshold. Every message after a reading is the one before.
    let (pool, _) = pool(1, None);
    let owner = |member| OwnerRoundOne::new(&pool, member, &mut rng(30 + member as u64)).unwrap();
    let owners: Vec<_> = pool.everyone().map(owner).collect();
    let commitments = Commitments::new(&pool, owners.iter().map(OwnerRoundOne::commitment)).unwrap();
    let mut gathering = RoundOneGathering::new(&commitments);
    owners.iter().for_each(|owner| gathering.add(owner.share(&commitments).unwrap()).unwrap());
    let sums = gathering.finish().unwrap();
    let file = written(|out| owner(MEMBER).write(out)).unwrap();
    let again = OwnerRoundOne::read(&pool, MEMBER, &file[..], NO_LIMIT).unwrap();
    assert_eq!(again.share(&commitments), owners[MEMBER].share(&commitments));
    let bound = again.into_round_two(&commitments, &sums).unwrap();
    let file = written(|out| bound.write(out)).unwrap();
    let again = OwnerRoundTwo::read(&pool, MEMBER, &file[..], NO_LIMIT).unwrap();
    assert_eq!(again.share(&sums), bound.share(&sums));

    let mut holder = bound.into_key_holder().unwrap();
    let plaintext = Encoder::new(pool.context()).encode(&[0.5], &Scale::power_of_two(60), 1).unwrap();
    let ciphertext = sums.public_key().encrypt(&plaintext, &mut rng(2)).unwrap();
    let request = |bits| {
        Opening::new(&pool, &ciphertext, pool.everyone(), &Smudging::new(bits, 1, 1.0).unwrap()).unwrap()
    };
    holder.admit(&request(40)).unwrap();
    let file = written(|out| holder.write(out)).unwrap();
    let mut again = KeyHolder::read(&pool, MEMBER, &file[..], NO_LIMIT).unwrap();
    assert_eq!(again.share(&request(40)), holder.share(&request(40)));
    let error = PoolError::DecryptedBefore { member: "east".to_owned() };
    assert_eq!(again.admit(&request(41)), Err(error));
}

#[test]
fn keys_of_a_pool_are_cut_down_as_others_are() {
    let world = World::new();
    let (context, file) = (world.pool.context(), &world.files[11][..]);
    let needed = KeySpec::new(context.parameters()).relinearization(1).rotations([1], 0);
    let opened = FileReader::open(file, NO_LIMIT).unwrap();
    let part = EvaluationKeySet::read_needed(context, opened, &needed).unwrap();
    assert_eq!(part.spec(context.parameters()).as_ref(), Ok(&needed));
    let whole = EvaluationKeySet::read(context, file, NO_LIMIT).unwrap();
    let limb_of = context.key_limb(1, 2);
    let (part, whole) = (part.relinearization_at(1).unwrap(), whole.relinearization_at(1).unwrap());
    assert_eq!((part.digits().len(), part.seed()), (context.parameters().digit_count(1), None));
    for (part, whole) in part.pairs().zip(whole.pairs()) {
        for (part, whole) in part.iter().zip(&whole) {
            assert!(part.limbs().enumerate().all(|(limb, residues)| residues == whole.limb(limb_of(limb))));
        }
    }
    // Without the relinearization key it is skipped.
    let opened = FileReader::open(file, NO_LIMIT).unwrap();
    let rotations = KeySpec::new(context.parameters()).rotations([1], 1);
    let rotations = EvaluationKeySet::read_needed(context, opened, &rotations).unwrap();
    assert_eq!(rotations.key_count(), 1);
}

#[test]
fn parameters_say_how_many_owners_there_are() {
    let world = World::new();
    let read = |extension: &[u8]| {
        let file = with_header(&world.files[12], |header| header.extension = extension.to_vec());
        Parameters::read(&file[..], NO_LIMIT)
    };
    assert_eq!(read(&[3]).as_ref(), Ok(world.pool.context().parameters()));
    for none in [&[0][..], &[1], &[17], &[3, 3]] {
        assert_eq!(read(none), Err(WireError::Header));
    }
    // Another number has another id.
    let expected = world.pool.context().parameters().id();
    for other in [&[][..], &[2], &[4]] {
        assert!(
            matches!(read(other), Err(WireError::ForeignParameters { expected: id, .. }) if id == expected)
        );
    }
}

mod golden {
    use std::fs;
    use std::path::PathBuf;

    use super::*;

    fn path(kind: &Kind) -> PathBuf {
        let name = format!("{}.vly", kind.to_string().replace(' ', "-"));
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("testdata/wire").join(name)
    }

    #[test]
    fn golden_files_of_pools_are_read_and_written_as_they_are() {
        let golden: Vec<_> = POOL_REREAD.iter().map(|(kind, _)| fs::read(path(kind)).unwrap()).collect();
        let world = World::new();
        for ((kind, reread, file), golden) in world.kinds().zip(&golden) {
            assert!(reread(&world, golden, NO_LIMIT).unwrap() == *golden, "{kind}");
            // The same generators make the same files.
            assert!(file == golden, "{kind}");
        }
        let read = Parameters::read(&golden[12][..], NO_LIMIT).unwrap();
        let pool = Pool::read(&Context::new(read), &golden[0][..], NO_LIMIT).unwrap();
        assert_eq!(pool.id(), world.pool.id());
    }

    /// What requests of the golden shares are made of, in files that have no reader of their own here.
    fn parts_of_requests(world: &World) -> [(Kind, Vec<u8>); 4] {
        let ciphertext = |ciphertext: &Ciphertext| {
            written(|out| ciphertext.write(world.pool.context().parameters(), out)).unwrap()
        };
        let second = &world.openings.requests()[1];
        [
            (Kind::new("opened ciphertext"), ciphertext(world.opening.ciphertext())),
            (Kind::new("second opened ciphertext"), ciphertext(second.ciphertext())),
            (Kind::new("switched ciphertext"), ciphertext(world.switching.ciphertext())),
            (Kind::new("receiver public key"), written(|out| world.receiver.write(out)).unwrap()),
        ]
    }

    #[test]
    fn golden_shares_are_of_golden_requests() {
        for (kind, file) in parts_of_requests(&World::new()) {
            assert!(fs::read(path(&kind)).unwrap() == file, "{kind}");
        }
    }

    #[test]
    #[ignore = "writes the golden files: only for a new version of the format"]
    fn write_golden_files_of_pools() {
        let world = World::new();
        for (kind, _, file) in world.kinds() {
            fs::write(path(kind), file).unwrap();
        }
        for (kind, file) in parts_of_requests(&world) {
            fs::write(path(&kind), file).unwrap();
        }
    }
}
