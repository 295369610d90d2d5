//! What is in each message: the errors that hide an owner's secrets, each drawn anew.

use volley_ring::sampling::Domain;
use volley_ring::{Eval, PackedPoly, RnsBasis, RnsPoly};

use super::super::pool::Uniform;
use super::super::sharing;
use super::*;
use crate::keys::rotation_element;
use crate::rlwe::keys::galois_target;
use crate::testing::assert_is_error;

/// a·b, by limbs of a basis.
fn product(basis: &RnsBasis, a: &RnsPoly<Eval>, b: &RnsPoly<Eval>) -> RnsPoly<Eval> {
    let mut product = a.prefix(basis.limb_count());
    basis.mul_assign(&mut product, b);
    product
}

fn coefficients(basis: &RnsBasis, poly: RnsPoly<Eval>) -> Vec<f64> {
    basis.to_centred(&basis.inverse(poly))
}

/// Owners of a ring of 2^10, whose keys are of the highest level: all polynomials are modulo QP.
fn members() -> Members {
    Members::new(pool_of(pooled(10, 2), |spec| spec.relinearization(LEVELS).rotations([1], LEVELS), 1))
}

/// Everything that an owner's shares of round one and of the Galois keys are made of, subtracted: the errors.
fn errors_of_committed(
    owner: &OwnerRoundOne,
    round_one: &[PackedPoly],
    galois: &[PackedPoly],
) -> Vec<Vec<f64>> {
    let (pool, s, u) = (owner.pool(), owner.secret.share(), owner.secret.ephemeral());
    let context = pool.context();
    let basis = context.qp(LEVELS);
    let target = galois_target(context, &s, rotation_element(context.parameters(), 1));
    let uniform = |kind, domain, digit| context.expand_qp(LEVELS, &pool.uniform_seed(kind), domain, digit);
    let rotation = Uniform::Galois(rotation_element(context.parameters(), 1));
    let digits = context.parameters().digits();
    let gadget = |digit: usize| {
        let (mut message, factor) = (basis.zero(), (&*s, context.special_product(LEVELS)));
        context.q(LEVELS).add_scaled_limbs_assign(&mut message, factor, digits[digit].clone());
        message
    };
    let mut polys = round_one.iter().map(PackedPoly::unpack);
    let mut public_key = polys.next().unwrap();
    basis
        .add_assign(&mut public_key, &product(basis, &uniform(Uniform::PublicKey, Domain::PublicKey, 0), &s));
    let mut errors = vec![coefficients(basis, public_key)];
    assert_eq!(galois.len(), digits.len());
    for (digit, b) in galois.iter().enumerate() {
        let a = uniform(rotation, Domain::KeySwitchingKey, digit as u16);
        let mut b = b.unpack();
        basis.add_assign(&mut b, &product(basis, &a, &target));
        basis.sub_assign(&mut b, &gadget(digit));
        errors.push(coefficients(basis, b));
    }
    for digit in 0..digits.len() {
        let a = uniform(Uniform::Relinearization, Domain::KeySwitchingKey, digit as u16);
        let [mut h0, mut h1] = [(); 2].map(|()| polys.next().unwrap());
        basis.add_assign(&mut h0, &product(basis, &a, &u));
        basis.sub_assign(&mut h0, &gadget(digit));
        basis.sub_assign(&mut h1, &product(basis, &a, &s));
        errors.extend([h0, h1].map(|poly| coefficients(basis, poly)));
    }
    assert!(polys.next().is_none());
    errors
}

fn assert_all_differ(errors: &[Vec<f64>]) {
    for (index, errors_of_one) in errors.iter().enumerate() {
        assert!(errors[..index].iter().all(|other| other != errors_of_one), "message {index}");
    }
}

#[test]
fn every_polynomial_that_is_committed_to_has_an_error_of_its_own() {
    let members = members();
    let mut all = Vec::new();
    for owner in &members.owners {
        let share = owner.share(&members.commitments).unwrap();
        let errors =
            errors_of_committed(owner, &share.polys, &galois::share(&owner.secret, &owner.secret.share()));
        errors.iter().for_each(|errors| assert_is_error(errors));
        all.extend(errors);
    }
    assert_all_differ(&all);
}

#[test]
fn every_polynomial_of_round_two_has_two_errors_of_its_own() {
    let members = members();
    let sums = members.sums();
    let basis = members.pool.context().qp(LEVELS).clone();
    let mut all = Vec::new();
    for owner in members.into_round_two(&sums) {
        let (s, u) = (owner.secret.share(), owner.secret.ephemeral());
        let mut difference = u.clone();
        basis.sub_assign(&mut difference, &s);
        let share = owner.share(&sums).unwrap();
        for (b, [h0, h1]) in share.polys.iter().zip(sums.relinearization()) {
            let mut error = b.unpack();
            basis.sub_assign(&mut error, &product(&basis, &h0.unpack(), &s));
            basis.sub_assign(&mut error, &product(&basis, &h1.unpack(), &difference));
            let errors = coefficients(&basis, error);
            // Two errors of σ = 3.19, within a tenth.
            assert!(errors.iter().all(|error| error.abs() <= 58.0));
            let deviation = volley_testkit::statistics::standard_deviation(&errors);
            assert!((deviation / (2f64.sqrt() * 3.19) - 1.0).abs() < 0.1, "{deviation}");
            all.push(errors);
        }
    }
    assert_all_differ(&all);
}

#[test]
fn every_share_of_a_decryption_has_noise_of_its_own() {
    let mut session = Session::new(pool_of(pooled(10, 2), |spec| spec, 1));
    let basis = session.pool.context().q(LEVELS).clone();
    let plaintext = session.encoder.encode(&[0.5], &wide_scale(), LEVELS).unwrap();
    let encrypt = |seed| session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap();
    let ciphertexts = [2, 3].map(encrypt);
    let bound = f64::from(least().log_bound()).exp2();
    let mut all = Vec::new();
    for ciphertext in &ciphertexts {
        let request = Opening::new(&session.pool, ciphertext, 0..2, &least()).unwrap();
        for share in session.shares(&request) {
            let [mut noise] = share.parts;
            let s = session.holders[share.member].secret.share();
            basis.sub_assign(&mut noise, &product(&basis, &ciphertext.parts[1], &s));
            let noise = coefficients(&basis, noise);
            assert!(noise.iter().all(|noise| noise.abs() <= 3.0 * bound));
            let deviation = volley_testkit::statistics::standard_deviation(&noise);
            assert!((deviation / bound - 1.0).abs() < 0.1, "{deviation}");
            all.push(noise);
        }
    }
    assert_all_differ(&all);
}

#[test]
fn the_polynomial_that_shares_a_secret_has_coefficients_of_its_own() {
    // f(2) − f(1) = r₁ + 3·r₂ and f(3) − f(2) = r₁ + 5·r₂, for t = 3.
    let pool = pool_of(pooled(10, 5), |spec| spec, 1);
    let secret = OwnerSecret::generate(&pool, 0, &mut rng(1)).unwrap();
    let basis = sharing::basis(&pool);
    let difference = |a: &RnsPoly<Eval>, b: &RnsPoly<Eval>| {
        let mut difference = a.clone();
        basis.sub_assign(&mut difference, b);
        difference
    };
    let values = [1, 2, 3].map(|y| sharing::evaluate(&secret, 3, y));
    let [first, second] = [difference(&values[1], &values[0]), difference(&values[2], &values[1])];
    let mut r2 = difference(&second, &first);
    let half: Vec<u64> = basis.moduli().map(|q| q.inverse(2)).collect();
    basis.mul_integer_assign(&mut r2, &half);
    let mut r1 = first;
    (0..3).for_each(|_| basis.sub_assign(&mut r1, &r2));
    assert!(r1 != r2);
    // s, r₁ and r₂ are what is left and taken: f(1) = s + r₁ + r₂.
    let mut s = (*values[0]).clone();
    basis.sub_assign(&mut s, &r1);
    basis.sub_assign(&mut s, &r2);
    assert!(s == secret.share().prefix(basis.limb_count()));
    // Uniform residues: the mean of each limb is that of its prime's, within five deviations of it.
    for poly in [&r1, &r2] {
        for (limb, q) in poly.limbs().zip(basis.moduli()) {
            let mean = limb.iter().map(|&residue| residue as f64).sum::<f64>() / limb.len() as f64;
            assert!((mean / q.value() as f64 - 0.5).abs() < 5.0 * 0.289 / 32.0);
        }
    }
}
