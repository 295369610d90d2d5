//! Polynomials given and taken: what is made of them is the same, and what is none is refused by name.

use volley_ckks::keys::{GaloisPurpose, KeyId, KeySpec, KeySwitchingKey, rotation_element};
use volley_ckks::raw::{KeyUse, RawError, RawKey, SecondHalves};
use volley_ckks::volley_ring::sampling::Seed;
use volley_ckks::volley_ring::{Eval, ResidueSums, RnsPoly};
use volley_ckks::{
    Arithmetic, Ciphertext, Complex64, Context, Error, EvaluationKeySet, Evaluator, LevelTables, Operand,
    Parameters, ParametersLiteral, Plaintext, PublicKey, Scale, SecretKey, Security, SeededCiphertext,
    TensorCiphertext,
};

use crate::{LEVELS, Owner, parameters, rng};

fn values() -> Vec<Complex64> {
    (0..32).map(|slot| Complex64::from_polar(0.5, f64::from(slot))).collect()
}

fn plaintext(owner: &Owner) -> Plaintext {
    owner.encoder.encode(&values(), &Scale::power_of_two(40), 2).unwrap()
}

fn raw_keys(keys: &EvaluationKeySet) -> Vec<(KeyUse, RawKey)> {
    keys.switching_keys().map(|(key_use, key)| (key_use, key.to_raw())).collect()
}

#[test]
fn ciphertexts_and_plaintexts_of_their_own_polynomials_are_the_same() {
    let owner = Owner::new();
    let (context, evaluator) = (&owner.context, Evaluator::new(&owner.context, owner.keys()).unwrap());
    let plaintext = plaintext(&owner);
    let operand = || plaintext.operand().clone();
    assert_eq!(Plaintext::from_poly(context, operand(), plaintext.poly().clone()).as_ref(), Ok(&plaintext));
    let seeded = owner.secret_key.encrypt(&plaintext, &mut rng(4)).unwrap();
    let (id, seed, c0) = (seeded.key_id(), seeded.seed(), seeded.c0().clone());
    assert_eq!(SeededCiphertext::from_c0(context, id, operand(), seed, c0).as_ref(), Ok(&seeded));
    let a = seeded.expand(context).unwrap();
    assert_eq!(Ciphertext::from_parts(context, id, operand(), a.parts().clone()).as_ref(), Ok(&a));
    assert_eq!(a.clone().into_parts(), *a.parts());
    let product = evaluator.sum_of_products(&[(&a, &a)]).unwrap();
    let (id, operand) = (product.key_id(), product.operand().clone());
    let again = TensorCiphertext::from_parts(context, id, operand, product.parts().clone());
    assert_eq!(again.as_ref(), Ok(&product));
    assert_eq!(product.clone().into_parts(), *product.parts());
}

#[test]
fn residues_that_were_added_as_words_are_the_sum() {
    let owner = Owner::new();
    let (context, evaluator) = (&owner.context, Evaluator::new(&owner.context, owner.keys()).unwrap());
    let a = owner.secret_key.encrypt(&plaintext(&owner), &mut rng(4)).unwrap().expand(context).unwrap();
    let product = evaluator.sum_of_products(&[(&a, &a)]).unwrap();
    let sums_of = |change: &dyn Fn(u64) -> u64| {
        product.parts().clone().map(|part| {
            let mut sums = ResidueSums::from(part);
            sums.words_mut().iter_mut().for_each(|word| *word = change(*word));
            sums
        })
    };
    let read = |sums| {
        let (id, operand) = (product.key_id(), product.operand().clone());
        TensorCiphertext::from_residue_sums(context, id, operand, sums)
    };
    let twice = evaluator.add_tensor(product.clone(), &product).unwrap();
    assert_eq!(read(sums_of(&|word| 3 * word)).unwrap(), evaluator.add_tensor(twice, &product).unwrap());
    // As many as there is room for.
    let reduced = read(sums_of(&|word| word << 14)).unwrap();
    let (degree, limbs) = (context.parameters().degree(), product.parts()[0].limb_count());
    let moduli = &context.parameters().q()[..limbs];
    for (found, word) in reduced.parts().iter().zip(product.parts()) {
        for ((found, word), &q) in found.limbs().zip(word.limbs()).zip(moduli) {
            let expected = word.iter().map(|&word| ((u128::from(word) << 14) % u128::from(q)) as u64);
            assert!(found.iter().copied().eq(expected));
        }
    }
    let zero = [(); 3].map(|()| ResidueSums::zero(degree, limbs));
    assert!(
        read(zero).unwrap().parts().iter().all(|part| part.residues().iter().all(|&residue| residue == 0))
    );
    for other in [0, limbs - 1, limbs + 1] {
        let mut sums = sums_of(&|word| word);
        sums[1] = ResidueSums::zero(degree, other);
        assert_eq!(read(sums), Err(RawError::Sums { expected: degree * limbs, found: degree * other }));
    }
}

#[test]
fn what_is_made_under_another_name_or_set_stays_foreign() {
    let owner = Owner::new();
    let (context, stranger) = (&owner.context, KeyId::from_bytes([7; 16]));
    let a = owner.encrypt(&values(), &Scale::power_of_two(40), 1);
    let named =
        |context, id| Ciphertext::from_parts(context, id, a.operand().clone(), a.parts().clone()).unwrap();
    assert_eq!(owner.secret_key.decrypt(&named(context, stranger)), Err(Error::KeyMismatch));
    let keys = EvaluationKeySet::from_switching_keys(context, stranger, raw_keys(&owner.keys())).unwrap();
    let evaluator = Evaluator::new(context, keys).unwrap();
    assert_eq!(evaluator.rotate(&a, 1), Err(Error::KeyMismatch));
    assert!(evaluator.rotate(&named(context, stranger), 1).is_ok());
    // The same primes up to level 1, and another special prime.
    let mut literal = context.parameters().literal();
    literal.p_bits.pop();
    let foreign = named(&Context::new(literal.build().unwrap()), a.key_id());
    assert_eq!(owner.secret_key.decrypt(&foreign), Err(Error::ParameterMismatch));
}

#[test]
fn keys_of_their_own_polynomials_are_the_same() {
    let owner = Owner::new();
    let (context, keys, id) = (&owner.context, owner.keys(), owner.secret_key.id());
    let again = EvaluationKeySet::from_switching_keys(context, id, raw_keys(&keys)).unwrap();
    #[cfg(feature = "wire")]
    {
        let bytes = |keys: &EvaluationKeySet| {
            let mut file = Vec::new();
            keys.write(context.parameters(), &mut file).unwrap();
            file
        };
        assert_eq!(bytes(&again), bytes(&keys));
    }
    assert_eq!(again.switching_keys().count(), 1 + 31 + 1 + 2);

    let public_key = PublicKey::generate(&owner.secret_key, &mut rng(5));
    let [b, a] = public_key.halves();
    let again = PublicKey::from_b(context, id, public_key.seed(), &b).unwrap();
    assert_eq!(again.halves(), [b, a]);
    let encrypt = |key: &PublicKey| key.encrypt(&plaintext(&owner), &mut rng(6)).unwrap();
    assert_eq!(encrypt(&again), encrypt(&public_key));

    let again = SecretKey::from_ternary(context, id, &owner.secret_key.ternary()).unwrap();
    assert_eq!(again.decrypt(&encrypt(&public_key)), owner.secret_key.decrypt(&encrypt(&public_key)));
}

#[test]
fn keys_are_found_as_an_evaluator_finds_them() {
    let owner = Owner::new();
    let parameters = owner.context.parameters();
    let spec = KeySpec::new(parameters).rotations([5], 2).relinearization(1).raising(1);
    let keys = EvaluationKeySet::generate(&owner.secret_key, &spec, &mut rng(2)).unwrap();
    let operand = |level| Operand { level, scale: parameters.scale(), slots: 4 };
    let rotation = |steps, level| {
        let (element, purpose) =
            (operand(level).rotation_element(parameters, steps), GaloisPurpose::Rotation(steps));
        keys.galois_at(element, purpose, &operand(level)).map(|(element, key)| (element, key.level()))
    };
    // A rotation of four slots by five is one by one.
    assert_eq!(rotation(1, 2), Ok((rotation_element(parameters, 5), 2)));
    assert_eq!(rotation(1, 3), Err(Error::KeyLevel { key_level: 2, level: 3 }));
    let (element, purpose) = (rotation_element(parameters, 2), GaloisPurpose::Rotation(2));
    assert_eq!(rotation(2, 1), Err(Error::MissingGaloisKey { element, purpose }));
    assert_eq!(keys.relinearization_at(1).unwrap().level(), 1);
    assert_eq!(keys.relinearization_at(2).unwrap_err(), Error::KeyLevel { key_level: 1, level: 2 });
    assert_eq!(keys.raising_at(1).unwrap().map(|key| key.level()), [0, 1]);
    assert_eq!(keys.raising_at(2).unwrap_err(), Error::KeyLevel { key_level: 1, level: 2 });
    let none = EvaluationKeySet::from_switching_keys(&owner.context, keys.key_id(), []).unwrap();
    assert_eq!(none.relinearization_at(0).unwrap_err(), Error::MissingRelinearizationKey);
    assert_eq!(none.raising_at(0).unwrap_err(), Error::MissingRaisingKeys);
}

/// Σ digitⱼ·keyⱼ, divided by P: a key switch of public items.
fn switch(
    tables: &LevelTables,
    poly: &RnsPoly<Eval>,
    pairs: impl Iterator<Item = [RnsPoly<Eval>; 2]>,
) -> [RnsPoly<Eval>; 2] {
    let mut sum = [tables.qp().zero(), tables.qp().zero()];
    for (digit, mut pair) in tables.gadget().decompose(poly).iter().zip(pairs) {
        for (sum, half) in sum.iter_mut().zip(&mut pair) {
            tables.qp().mul_assign(half, digit);
            tables.qp().add_assign(sum, half);
        }
    }
    sum.map(|half| tables.mod_down().apply(&half))
}

#[test]
fn products_are_relinearized_rescaled_and_decrypted_outside() {
    let owner = Owner::new();
    let (context, keys) = (&owner.context, owner.keys());
    let a = owner.encrypt(&values(), &Scale::power_of_two(40), LEVELS);
    let tables = context.level(LEVELS).unwrap();
    let [mut d0, mut d1, mut d2] = [a.parts()[0].clone(), a.parts()[0].clone(), a.parts()[1].clone()];
    tables.q().mul_assign(&mut d0, &a.parts()[0]);
    tables.q().mul_assign(&mut d1, &a.parts()[1]);
    let doubled = d1.clone();
    tables.q().add_assign(&mut d1, &doubled);
    tables.q().mul_assign(&mut d2, &a.parts()[1]);

    let mut parts = switch(tables, &d2, keys.relinearization_at(LEVELS).unwrap().pairs());
    tables.q().add_assign(&mut parts[0], &d0);
    tables.q().add_assign(&mut parts[1], &d1);
    let parts = parts.map(|part| tables.rescaling().unwrap().apply(&part));
    let operand = a.operand().product(context.parameters(), a.operand()).unwrap();
    let operand = operand.rescaled(context.parameters()).unwrap();
    let square = Ciphertext::from_parts(context, a.key_id(), operand, parts).unwrap();

    let ev = Evaluator::new(context, keys).unwrap();
    let product = ev.relinearize(&ev.sum_of_products(&[(&a, &a)]).unwrap()).unwrap();
    assert_eq!(square, ev.rescale(&product).unwrap());

    // c₀ + c₁·s, with s as an owner's protocol has it.
    let basis = context.level(square.level()).unwrap().q();
    let [mut message, mut product] = square.parts().clone();
    basis.mul_assign(&mut product, &basis.forward_signed(&owner.secret_key.ternary()));
    basis.add_assign(&mut message, &product);
    let plaintext = Plaintext::from_poly(context, square.operand().clone(), message).unwrap();
    assert_eq!(owner.secret_key.decrypt(&square), Ok(plaintext));
}

#[test]
fn tables_are_those_of_their_level() {
    let context = Context::new(parameters());
    let parameters = context.parameters();
    for level in 0..=LEVELS {
        let tables = context.level(level).unwrap();
        let primes: Vec<_> = tables.qp().moduli().map(|modulus| modulus.value()).collect();
        let (q, p) = (&parameters.q()[..parameters.limbs(level)], parameters.p());
        assert_eq!(primes, [q, p].concat());
        assert_eq!(tables.q().limb_count(), q.len());
        let product =
            |q: &u64| p.iter().fold(1, |product, &p| u128::from(p) * product % u128::from(*q)) as u64;
        assert_eq!(tables.special_product(), q.iter().map(product).collect::<Vec<_>>());
        assert_eq!(tables.rescaling().is_some(), level > 0);
        // A polynomial that is zero stays so, over the primes that are left.
        let below = level.checked_sub(1).map(|below| parameters.limbs(below));
        let merged =
            tables.mod_down_rescaling().map(|division| division.apply(&tables.qp().zero()).limb_count());
        assert_eq!(merged, below);
    }
    assert_eq!(context.level(LEVELS + 1).unwrap_err(), Error::LevelRange { level: LEVELS + 1, max: LEVELS });
}

#[test]
fn polynomials_of_another_shape_are_refused() {
    let context = Context::new(parameters());
    let id = KeyId::from_bytes([7; 16]);
    let operand = |level, log_scale, slots| Operand { level, scale: Scale::power_of_two(log_scale), slots };
    let zero = |limbs| [RnsPoly::zero(64, limbs), RnsPoly::zero(64, limbs)];
    let refused = |operand, parts| Ciphertext::from_parts(&context, id, operand, parts).unwrap_err();
    assert!(Ciphertext::from_parts(&context, id, operand(1, 30, 32), zero(3)).is_ok());
    for (error, operand) in [
        (Error::LevelRange { level: 4, max: LEVELS }, operand(4, 30, 32)),
        (Error::SlotCount { values: 24, max: 32 }, operand(1, 30, 24)),
        (Error::SlotCount { values: 0, max: 32 }, operand(1, 30, 0)),
        (Error::ScaleRange { log2: 1001.0 }, operand(1, 1001, 32)),
    ] {
        assert_eq!(refused(operand, zero(3)), RawError::Ckks(error));
    }
    assert_eq!(refused(operand(2, 30, 32), zero(3)), RawError::Limbs { expected: 5, found: 3 });
    let wide = [RnsPoly::zero(64, 3), RnsPoly::zero(128, 3)];
    assert_eq!(refused(operand(1, 30, 32), wide), RawError::Degree { expected: 64, found: 128 });
    let modulus = context.parameters().q()[2];
    for residue in [modulus, u64::MAX] {
        let mut residues = vec![0; 3 * 64];
        residues[2 * 64 + 5] = residue;
        let parts = [RnsPoly::zero(64, 3), RnsPoly::from_residues(64, residues).unwrap()];
        assert_eq!(refused(operand(1, 30, 32), parts), RawError::Residue { limb: 2, residue, modulus });
    }
}

#[test]
fn keys_of_another_shape_are_refused() {
    let owner = Owner::new();
    let (context, id) = (&owner.context, owner.secret_key.id());
    let raw = raw_keys(&owner.keys());
    let take = |key_use| raw.iter().find(|(other, _)| *other == key_use).unwrap().1.clone();
    let refused =
        |key_use, key| EvaluationKeySet::from_switching_keys(context, id, [(key_use, key)]).unwrap_err();
    let relinearization = take(KeyUse::Relinearization);
    let (expected, seed) = (relinearization.halves.len(), Seed([0; 32]));
    let few = RawKey { halves: relinearization.halves[1..].to_vec(), ..relinearization.clone() };
    assert_eq!(refused(KeyUse::Relinearization, few), RawError::Digits { expected, found: expected - 1 });
    let second = SecondHalves::Seed(seed);
    let high = RawKey { level: 9, second: second.clone(), halves: vec![] };
    let range = Error::LevelRange { level: 9, max: LEVELS };
    assert_eq!(refused(KeyUse::Relinearization, high), RawError::Ckks(range));
    let low = RawKey { level: 0, halves: relinearization.halves[..1].to_vec(), second };
    assert_eq!(refused(KeyUse::Galois(5), low), RawError::Limbs { expected: 4, found: 8 });
    for element in [0, 1, 6, 128, 129] {
        let error = RawError::GaloisElement { element, order: 128 };
        assert_eq!(refused(KeyUse::Galois(element), relinearization.clone()), error);
    }
    let pair = [KeyUse::ToEphemeral, KeyUse::FromEphemeral];
    for [given, missing] in [pair, [pair[1], pair[0]]] {
        assert_eq!(refused(given, take(given)), RawError::RaisingPair { given, missing });
    }
    let b = RnsPoly::zero(64, 3);
    let error = PublicKey::from_b(context, id, seed, &b).unwrap_err();
    assert_eq!(error, RawError::Limbs { expected: 8, found: 3 });
    for (coefficients, error) in [
        (vec![0; 32], RawError::Degree { expected: 64, found: 32 }),
        ([vec![0; 63], vec![2]].concat(), RawError::Ternary),
        ([vec![-2], vec![0; 63]].concat(), RawError::Ternary),
        (vec![i64::MAX; 64], RawError::Ternary),
    ] {
        assert_eq!(SecretKey::from_ternary(context, id, &coefficients).unwrap_err(), error);
    }
}

/// A relinearization key may have halves aⱼ of any origin, as that of several owners has. It computes the same.
#[test]
fn a_relinearization_key_may_have_explicit_halves() {
    let owner = Owner::new();
    let (context, id) = (&owner.context, owner.secret_key.id());
    let keys = owner.keys();
    let second = |key: &KeySwitchingKey| SecondHalves::Explicit(key.pairs().map(|[_, a]| a).collect());
    let explicit = |(key_use, key): (KeyUse, &KeySwitchingKey)| {
        (key_use, RawKey { second: second(key), ..key.to_raw() })
    };
    let (key_use, raw) = keys.switching_keys().map(explicit).next().unwrap();
    assert_eq!(key_use, KeyUse::Relinearization);
    let same = EvaluationKeySet::from_switching_keys(context, id, [(key_use, raw.clone())]).unwrap();
    assert_eq!(raw_keys(&same), [(key_use, raw.clone())]);
    assert_eq!(same.relinearization_at(0).unwrap().seed(), None);

    let few = RawKey { second: SecondHalves::Explicit(vec![]), ..raw };
    let error = EvaluationKeySet::from_switching_keys(context, id, [(key_use, few)]).unwrap_err();
    assert!(matches!(error, RawError::Digits { found: 0, .. }), "{error}");
    for (key_use, key) in keys.switching_keys().map(explicit).skip(1) {
        let error = EvaluationKeySet::from_switching_keys(context, id, [(key_use, key)]).unwrap_err();
        assert_eq!(error, RawError::ExplicitHalves { key_use });
    }
}

/// A ring of fewer coefficients than the ephemeral secret has: nothing is raised under it, and there are no keys for
/// it.
#[test]
fn nothing_is_raised_without_a_secure_ephemeral_secret() {
    let literal = ParametersLiteral {
        log_n: 4,
        levels: vec![vec![30]],
        p_bits: vec![50],
        log_scale: 20,
        security: Security::Unchecked,
    };
    let context = Context::new(literal.build().unwrap());
    let parameters = context.parameters();
    let refusal = Error::Parameters(parameters.check_ephemeral().unwrap_err());
    let operand = Operand { level: 0, scale: parameters.scale(), slots: 4 };
    assert_eq!(operand.raised(parameters, 0), Err(refusal.clone()));
    let zero = |parameters: &Parameters| RawKey {
        level: 0,
        second: SecondHalves::Seed(Seed([0; 32])),
        halves: vec![
            RnsPoly::zero(16, parameters.limbs(0) + parameters.p().len());
            parameters.digit_count(0)
        ],
    };
    let keys =
        [(KeyUse::ToEphemeral, zero(&parameters.ephemeral())), (KeyUse::FromEphemeral, zero(parameters))];
    let id = KeyId::from_bytes([7; 16]);
    let error = EvaluationKeySet::from_switching_keys(&context, id, keys).unwrap_err();
    assert_eq!(error, RawError::Ckks(refusal));
}
