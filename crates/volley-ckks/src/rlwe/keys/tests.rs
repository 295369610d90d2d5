use std::sync::Mutex;

use volley_ring::sampling::Domain;
use volley_ring::{Eval, PackedPoly, RnsPoly};
use volley_testkit::crt;

use super::*;
use crate::testing::{assert_is_error, parameters, rng};
use crate::{Context, Encoder, Error, Parameters};

mod randomness;

const LEVELS: usize = 4;

fn owner(log_n: u32) -> SecretKey {
    SecretKey::generate(&Context::new(parameters(log_n, LEVELS)), &mut rng(1))
}

/// s modulo Q_level·P.
fn secret(key: &SecretKey, level: usize) -> RnsPoly<Eval> {
    let (context, degree) = (key.context(), key.context().parameters().degree());
    let limb_of = context.key_limb(level, context.parameters().max_level());
    let limbs = context.qp(level).limb_count();
    let residues = (0..limbs).flat_map(|limb| key.poly().limb(limb_of(limb)).to_vec()).collect();
    RnsPoly::from_residues(degree, residues).unwrap()
}

fn all_keys() -> impl Fn(KeySpec) -> KeySpec {
    |spec| spec.relinearization(LEVELS).rotations([1, -3], 2).conjugation(0)
}

fn key_set(owner: &SecretKey, seed: u64) -> EvaluationKeySet {
    let spec = all_keys()(KeySpec::new(owner.context().parameters()));
    EvaluationKeySet::generate(owner, &spec, &mut rng(seed)).unwrap()
}

/// All keys of a set made by [`all_keys`], with what each is for: `None` is relinearization.
fn each_key<'a>(
    parameters: &Parameters,
    keys: &'a EvaluationKeySet,
) -> Vec<(Option<GaloisPurpose>, &'a KeySwitchingKey)> {
    let purposes = [GaloisPurpose::Rotation(1), GaloisPurpose::Rotation(-3), GaloisPurpose::Conjugation];
    let galois = purposes.map(|purpose| {
        let key = &keys.galois(element(parameters, purpose), purpose, parameters.max_slots(), 0).unwrap().key;
        (Some(purpose), key)
    });
    galois.into_iter().chain([(None, keys.relinearization(0).unwrap())]).collect()
}

/// Both halves of every digit of every key.
fn halves(parameters: &Parameters, keys: &EvaluationKeySet) -> Vec<[PackedPoly; 2]> {
    each_key(parameters, keys).into_iter().flat_map(|(_, key)| key.digits().to_vec()).collect()
}

fn element(parameters: &Parameters, purpose: GaloisPurpose) -> u64 {
    match purpose {
        GaloisPurpose::Rotation(steps) => rotation_element(parameters, steps),
        GaloisPurpose::Conjugation => conjugation_element(parameters),
    }
}

#[test]
fn progress_counts_every_key_once_and_changes_none() {
    let owner = owner(4);
    let parameters = owner.context().parameters();
    let spec = all_keys()(KeySpec::new(parameters));
    let told = Mutex::new(Vec::new());
    let progress = |done| told.lock().unwrap().push(done);
    let keys = EvaluationKeySet::generate_with(&owner, &spec, &mut rng(3), progress).unwrap();
    let mut told = told.into_inner().unwrap();
    told.sort_unstable();
    assert_eq!(told, (0..=spec.key_count()).collect::<Vec<_>>());
    assert!(halves(parameters, &keys) == halves(parameters, &key_set(&owner, 3)));
}

#[test]
fn the_secret_is_ternary_and_the_same_modulo_every_prime() {
    let key = owner(12);
    let basis = key.context().qp(LEVELS);
    let poly = basis.inverse(key.poly().clone());
    let first = key.context().q(0).moduli().next().unwrap();
    let mut counts = [0; 3];
    for j in 0..basis.degree() {
        let small = (-1..=1).find(|&small| first.from_signed(small) == poly.limb(0)[j]).expect("ternary");
        assert!(basis.moduli().zip(poly.limbs()).all(|(q, limb)| limb[j] == q.from_signed(small)));
        counts[(small + 1) as usize] += 1;
    }
    // N/3 of each, within five standard deviations √(2N/9).
    assert!(counts.iter().all(|&count: &i32| (count - 4096 / 3).abs() < 150), "{counts:?}");
}

#[test]
fn debug_output_shows_no_secret() {
    let key = owner(4);
    let id = key.id().as_bytes().map(|byte| format!("{byte:02x}")).concat();
    assert_eq!(format!("{key:?}"), format!("SecretKey {{ id: KeyId({}…), .. }}", &id[..8]));
    let public = format!("{:?}{:?}", PublicKey::generate(&key, &mut rng(2)), key_set(&key, 3));
    assert!(key.poly().residues().iter().all(|residue| !public.contains(&residue.to_string())));
}

#[test]
fn a_switching_key_is_the_gadget_times_the_old_secret_under_the_new() {
    // b + a·s = P·g·s′ + e for each digit, where g is 1 modulo the digit's primes and 0 modulo all others: by big
    // integers, so that the signs and limbs of the definition are checked and not those of the code.
    let owner = owner(10);
    let (context, parameters) = (owner.context(), owner.context().parameters());
    let keys = key_set(&owner, 2);
    let mut errors = Vec::new();
    for (purpose, key) in each_key(parameters, &keys) {
        let level = key.level();
        let (basis, s) = (context.qp(level), secret(&owner, level));
        let moduli: Vec<u64> = basis.moduli().map(|q| q.value()).collect();
        let special = crt::product(parameters.p());
        assert_eq!(key.digits().len(), parameters.digit_count(level));
        let (from, to) = match purpose {
            None => {
                let mut square = s.clone();
                basis.mul_assign(&mut square, &s);
                (square, s.clone())
            }
            // The automorphism comes after the switch, so the new secret is the one that it maps to s.
            Some(purpose) => {
                let g = element(parameters, purpose);
                let inverse = (1..).step_by(2).find(|x| x * g % (2 * 1024) == 1).unwrap();
                (s.clone(), basis.automorphism(&s, &context.automorphism(inverse)))
            }
        };
        for (digit, [b, a]) in parameters.digits().iter().zip(key.digits()) {
            let gadget: Vec<u64> = (0..moduli.len())
                .map(|limb| digit.contains(&limb) && limb <= level)
                .zip(&moduli)
                .map(|(inside, &q)| if inside { crt::residues(&special.clone().into(), &[q])[0] } else { 0 })
                .collect();
            let mut expected = from.clone();
            basis.mul_integer_assign(&mut expected, &gadget);
            let mut error = a.unpack();
            basis.mul_assign(&mut error, &to);
            basis.add_assign(&mut error, &b.unpack());
            basis.sub_assign(&mut error, &expected);
            errors.push(basis.to_centred(&basis.inverse(error)));
            assert_is_error(errors.last().unwrap());
        }
    }
    let distinct = errors.iter().enumerate().all(|(i, error)| !errors[..i].contains(error));
    assert!(distinct && errors.len() == 8, "every digit of every key has an error of its own");
}

#[test]
fn uniform_halves_are_the_expansions_of_their_seeds() {
    let owner = owner(6);
    let (context, parameters) = (owner.context(), owner.context().parameters());
    let keys = key_set(&owner, 2);
    for (_, key) in each_key(parameters, &keys) {
        for (digit, [_, a]) in key.digits().iter().enumerate() {
            let basis = context.qp(key.level());
            let expected =
                context.expand_qp(key.level(), &key.seed().unwrap(), Domain::KeySwitchingKey, digit as u16);
            let a = a.unpack();
            assert_eq!(a, expected);
            // Limbs are numbered by their prime: a key of a lower level has the limbs of a higher one.
            let full = context.expand_qp(LEVELS, &key.seed().unwrap(), Domain::KeySwitchingKey, digit as u16);
            let limb_of = context.key_limb(key.level(), LEVELS);
            assert!((0..basis.limb_count()).all(|limb| a.limb(limb) == full.limb(limb_of(limb))));
        }
    }
}

#[test]
fn rotation_elements_are_powers_of_five_and_conjugation_is_minus_one() {
    let parameters = parameters(4, 1); // 8 slots, elements modulo 32
    let elements = (0..8).map(|steps| rotation_element(&parameters, steps));
    assert_eq!(elements.collect::<Vec<_>>(), [1, 5, 25, 29, 17, 21, 9, 13]);
    assert_eq!(conjugation_element(&parameters), 31);
    for steps in -20..20 {
        let back = rotation_element(&parameters, -steps);
        assert_eq!(rotation_element(&parameters, steps) * back % 32, 1);
        assert_eq!(rotation_element(&parameters, steps + 8), rotation_element(&parameters, steps));
    }
    assert_eq!(rotation_element(&parameters, i64::MIN), 1);
    assert_eq!(rotation_element(&parameters, i64::MAX), rotation_element(&parameters, -1));
}

#[test]
fn a_specification_keeps_the_highest_level_of_each_key() {
    let parameters = parameters(4, 4);
    let none = KeySpec::new(&parameters);
    assert_eq!((none.key_count(), none.memory_bytes()), (0, 0));
    assert_eq!((none.relinearization_level(), none.parameters()), (None, &parameters));
    let spec = none
        .relinearization(3)
        .relinearization(1)
        .rotations([1, 9, -7], 2) // one element: steps count modulo 8
        .rotations([1], 1)
        .rotations([2], 0)
        .rotations([2], 4)
        .rotations([0, 8, -16], 4) // the identity
        .conjugation(0)
        .conjugation(1);
    assert_eq!(spec.relinearization_level(), Some(3));
    assert_eq!(spec.galois_elements().collect::<Vec<_>>(), [(5, 2), (25, 4), (31, 1)]);
    assert_eq!(spec.key_count(), 4);
}

#[test]
fn sizes_are_known_before_the_keys_are_made() {
    let owner = owner(6);
    let parameters = owner.context().parameters();
    let spec = all_keys()(KeySpec::new(parameters));
    let keys = key_set(&owner, 2);
    assert_eq!(keys.spec(parameters), Ok(spec.clone()));
    let held: usize = each_key(parameters, &keys)
        .iter()
        .flat_map(|(_, key)| key.digits().iter().flatten())
        .map(|half| half.bytes().len())
        .sum();
    let indices = 3 * 64 * size_of::<u32>();
    assert_eq!(spec.memory_bytes(), (held + indices) as u64);
    // By hand: digits of 90 bits (two primes); levels 4, 2, 2, 0 have 3, 2, 2, 1 digits of 7, 5, 5, 3 limbs.
    // Level l has limbs of 50 bits, l of 40, and two special ones of 50.
    let bits = 3 * (50 + 4 * 40 + 100) + 2 * 2 * (50 + 2 * 40 + 100) + (50 + 100);
    let empty = KeySpec::new(parameters).byte_count();
    assert_eq!(spec.byte_count(), 64 * bits / 8 + 4 * (32 + 2) + 3 * 4 + empty + 1);
}

#[test]
fn keys_are_not_made_for_other_parameters_or_levels() {
    let owner = owner(4);
    let parameters = owner.context().parameters();
    let generate = |spec: &KeySpec| EvaluationKeySet::generate(&owner, spec, &mut rng(1)).unwrap_err();
    let foreign = crate::testing::parameters(4, LEVELS + 1);
    assert_eq!(generate(&KeySpec::new(&foreign)), Error::ParameterMismatch);
    let error = Error::LevelRange { level: 5, max: 4 };
    assert_eq!(generate(&KeySpec::new(parameters).relinearization(5)), error);
    assert_eq!(generate(&KeySpec::new(parameters).rotations([1], 5)), error);
    assert_eq!(generate(&KeySpec::new(parameters).conjugation(5)), error);
}

#[test]
fn ids_name_the_owner_and_the_parameters() {
    let (first, context) = (owner(4), Context::new(parameters(4, LEVELS)));
    let second = SecretKey::generate(&context, &mut rng(2));
    assert_ne!(first.id(), second.id());
    assert_ne!(first.id().as_bytes(), &[0; 16]);
    let keys = key_set(&first, 3);
    assert_eq!((keys.key_id(), keys.params_id()), (first.id(), context.parameters().id()));
    let id = context.parameters().id();
    let hex = id.as_bytes().map(|byte| format!("{byte:02x}")).concat();
    assert_eq!(format!("{id:?}"), format!("ParamsId({}…)", &hex[..8]));
}

#[test]
fn keys_depend_on_the_generator_and_not_on_the_threads() {
    let owner = owner(8);
    let parameters = owner.context().parameters();
    let make = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| key_set(&owner, 2))
    };
    let one = halves(parameters, &make(1));
    assert!(one == halves(parameters, &make(2)) && one == halves(parameters, &make(5)));
    assert!(one != halves(parameters, &key_set(&owner, 3)));
}
