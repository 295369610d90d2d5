//! Reading some keys of a file, each up to the level at which it is needed.

use proptest::prelude::*;

use super::*;
use crate::rlwe::keys::KeySwitchingKey;

const LEVELS: usize = 5;
const STEPS: [i64; 3] = [1, 2, -3];

/// A context, and the keys of a list of all kinds with their file. The ephemeral secret of raising keys takes a ring as
/// large as this.
struct Written {
    context: Arc<Context>,
    keys: EvaluationKeySet,
    file: Vec<u8>,
}

impl Written {
    fn new() -> Self {
        let parameters = parameters(11, LEVELS);
        let all = KeySpec::new(&parameters).relinearization(LEVELS).rotations(STEPS, 4).conjugation(1);
        let all = all.raising(3);
        let context = Context::new(parameters);
        let owner = SecretKey::generate(&context, &mut rng(1));
        let keys = EvaluationKeySet::generate(&owner, &all, &mut rng(2)).unwrap();
        let file = written(|out| keys.write(context.parameters(), out)).unwrap();
        Self { context, keys, file }
    }

    fn none(&self) -> KeySpec {
        KeySpec::new(self.context.parameters())
    }

    fn read(&self, file: &[u8], needed: &KeySpec) -> Result<EvaluationKeySet, WireError> {
        EvaluationKeySet::read_needed(&self.context, FileReader::open(file, NO_LIMIT)?, needed)
    }

    /// Each limb of `part` is the one of the same prime in `whole`, in both halves of every digit.
    fn assert_part(&self, part: &KeySwitchingKey, whole: &KeySwitchingKey) {
        let limb_of = self.context.key_limb(part.level(), whole.level());
        assert_eq!(part.digits().len(), self.context.parameters().digit_count(part.level()));
        for (part, whole) in part.digits().iter().zip(whole.digits()) {
            for (part, whole) in part.iter().zip(whole).map(|(part, whole)| (part.unpack(), whole.unpack())) {
                assert!(
                    part.limbs().enumerate().all(|(limb, residues)| residues == whole.limb(limb_of(limb)))
                );
            }
        }
    }
}

/// Keys that [`Written`] has, at levels up to its own.
fn parts() -> impl Strategy<Value = (Option<usize>, [Option<usize>; 3], Option<usize>, Option<usize>)> {
    let level = |max| proptest::option::of(0..=max);
    (level(LEVELS), [level(4), level(4), level(4)], level(1), level(3))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]
    #[test]
    fn what_is_needed_is_read_and_nothing_else((relinearization, rotations, conjugation, raising) in parts()) {
        let written = Written::new();
        let spec = relinearization.into_iter().fold(written.none(), KeySpec::relinearization);
        let levels = STEPS.into_iter().zip(rotations).filter_map(|(step, level)| Some((step, level?)));
        let spec = levels.fold(spec, |spec, (step, level)| spec.rotations([step], level));
        let spec = conjugation.into_iter().fold(spec, KeySpec::conjugation);
        let needed = raising.into_iter().fold(spec, KeySpec::raising);
        let read = written.read(&written.file, &needed).unwrap();
        prop_assert_eq!(&read.spec(written.context.parameters()).unwrap(), &needed);
        if let (Some(part), Some(whole)) = (read.relinearization_key(), written.keys.relinearization_key()) {
            written.assert_part(part, whole);
        }
        for (element, part) in read.galois_keys() {
            let (_, whole) = written.keys.galois_keys().find(|&(other, _)| other == element).unwrap();
            written.assert_part(part, whole);
        }
        if let (Some(part), Some(whole)) = (read.raising_keys(), written.keys.raising_keys()) {
            written.assert_part(&part.from_ephemeral, &whole.from_ephemeral);
            prop_assert!(part.to_ephemeral.digits() == whole.to_ephemeral.digits());
        }
        // What was cut down is written and read as any other keys.
        let file = super::written(|out| read.write(written.context.parameters(), out)).unwrap();
        prop_assert_eq!(file.len() as u64, needed.byte_count());
        prop_assert!(EvaluationKeySet::read(&written.context, &file[..], NO_LIMIT).is_ok());
    }
}

#[test]
fn keys_that_are_cut_down_compute_the_same() {
    let setup = crate::testing::Setup::new(parameters(10, LEVELS), |spec| {
        spec.relinearization(LEVELS).rotations([1], 4).conjugation(2)
    });
    let (context, parameters) = (&setup.context, setup.context.parameters());
    let file = written(|out| setup.evaluator.keys().write(parameters, out)).unwrap();
    let needed = KeySpec::new(parameters).relinearization(3).rotations([1], 2);
    let opened = FileReader::open(&file[..], NO_LIMIT).unwrap();
    let keys = EvaluationKeySet::read_needed(context, opened, &needed).unwrap();
    let evaluator = Evaluator::new(context, keys).unwrap();
    let a = setup.encrypt(&random_slots(512, &mut rng(2)), 3, 3);
    let run = |evaluator: &Evaluator| evaluator.rotate(&evaluator.square(&a).unwrap(), 1).unwrap();
    assert_eq!(run(&evaluator), run(&setup.evaluator));
}

#[test]
fn keys_that_are_missing_are_counted() {
    let written = Written::new();
    let missing = |needed: KeySpec| written.read(&written.file, &needed).unwrap_err();
    let error = |missing, needed| WireError::MissingKeys { missing, needed };
    // One that is not there, and of each kind one that does not reach the level.
    assert_eq!(missing(written.none().rotations([1, 2, 5], 4)), error(1, 3));
    assert_eq!(missing(written.none().rotations([1, 2], 5).conjugation(1)), error(2, 3));
    assert_eq!(missing(written.none().conjugation(2).raising(3)), error(1, 3));
    assert_eq!(missing(written.none().raising(4)), error(2, 2));
    let none = EvaluationKeySet::empty(&written.context, written.keys.key_id());
    let file = super::written(|out| none.write(written.context.parameters(), out)).unwrap();
    let error = written.read(&file, &written.none().relinearization(0)).unwrap_err();
    assert_eq!(error, WireError::MissingKeys { missing: 1, needed: 1 });
    assert_eq!(error.to_string(), "the file lacks 1 of the 1 keys that are needed");
    let foreign = parameters(11, 1);
    let found = foreign.id();
    let expected = written.context.parameters().id();
    assert_eq!(missing(KeySpec::new(&foreign)), WireError::ForeignParameters { expected, found });
}

#[test]
fn what_is_not_needed_is_hashed_all_the_same() {
    let owner = Owner::new();
    let [_, _, keys, ..] = owner.files();
    let needed = KeySpec::new(owner.context.parameters()).rotations([1], 0);
    let read = |file: &[u8]| {
        EvaluationKeySet::read_needed(&owner.context, FileReader::open(file, NO_LIMIT)?, &needed)
    };
    assert!(read(&keys).is_ok());
    for at in body_start(&keys)..keys.len() {
        let mut flipped = keys.clone();
        flipped[at] ^= 1;
        assert_eq!(read(&flipped).unwrap_err(), WireError::Damaged, "byte {at}");
        assert_eq!(read(&keys[..at]).unwrap_err(), WireError::Truncated, "{at} bytes");
    }
    // Flags, levels and elements are checked of all keys, residues of those that are kept.
    assert_eq!(read(&with_body(&keys, 0, &[2])).unwrap_err(), WireError::Malformed);
    let level = with_body(&keys, 1, &9u16.to_le_bytes());
    assert_eq!(read(&level).unwrap_err(), WireError::LevelRange { level: 9, max: 2 });
    let relinearization = with_body(&keys, 1 + 34, &[0xFF; 7]);
    assert!(read(&relinearization).is_ok());
    let (modulus, two_digits) = (owner.context.parameters().q()[0], 2 * (3 * 50 + 2 * 40) * 16 / 8);
    let rotation = with_body(&keys, 1 + 34 + two_digits + 4 + 4 + 34, &[0xFF; 7]);
    let error = WireError::ResidueRange { residue: (1 << 50) - 1, modulus };
    assert_eq!(read(&rotation).unwrap_err(), error);
}
