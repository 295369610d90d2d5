//! The noise that hides, against big integers, and the distance that it leaves.

use num_bigint::BigInt;
use volley_ring::RnsBasis;
use volley_ring::prime::ntt_primes;
use volley_testkit::crt::combine_limbs;

use super::super::smudging::sample_uniform;
use super::*;
use crate::noise::Noise;

fn basis(log_n: u32, primes: usize) -> RnsBasis {
    let primes: Vec<u64> = ntt_primes(1 << log_n, 50).take(primes).collect();
    RnsBasis::new(1 << log_n, &primes).unwrap()
}

/// Exact coefficients.
fn sampled(basis: &RnsBasis, log_bound: u32, seed: u64) -> Vec<BigInt> {
    let poly = basis.inverse((*sample_uniform(basis, log_bound, &mut rng(seed))).clone());
    let moduli: Vec<u64> = basis.moduli().map(volley_ring::Modulus::value).collect();
    combine_limbs(&poly.limbs().collect::<Vec<_>>(), &moduli)
}

#[test]
fn noise_is_uniform_on_its_range_whatever_its_width() {
    // 2^9 coefficients of up to 400 bits. Around 48 the number of words changes.
    let basis = basis(9, 9);
    for log_bound in [0, 1, 5, 46, 47, 48, 49, 95, 96, 97, 200, 400] {
        let samples = sampled(&basis, log_bound, 1);
        let bound = BigInt::from(1) << log_bound;
        assert!(samples.iter().all(|x| *x >= -&bound && *x < bound), "2^{log_bound}");
        // Mean, variance 1/3 and tails of the quotient by the bound, within five deviations. An integer x stands for
        // the interval from x to x + 1.
        let scale = (f64::from(log_bound)).exp2();
        let unit = |x: &BigInt| (x.to_string().parse::<f64>().unwrap() + 0.5) / scale;
        let units: Vec<f64> = samples.iter().map(unit).collect();
        let mean = |f: fn(f64) -> f64| units.iter().map(|&x| f(x)).sum::<f64>() / units.len() as f64;
        assert!(mean(|x| x).abs() < 5.0 * 0.58 / 22.6, "2^{log_bound}");
        let variance = (1.0 - (-2.0 * f64::from(log_bound)).exp2() / 4.0) / 3.0;
        assert!((mean(|x| x * x) - variance).abs() < 5.0 * 0.3 / 22.6, "2^{log_bound}");
        assert!(log_bound < 5 || mean(|x| f64::from(x.abs() > 0.9)) > 0.03, "2^{log_bound}");
        // Every bit is as often 0 as 1, the lowest too.
        for bit in 0..=log_bound {
            let ones = samples.iter().filter(|&x| (x + &bound).bit(bit.into())).count() as f64;
            assert!((ones / 512.0 - 0.5).abs() < 0.14, "bit {bit} of 2^{log_bound}: {ones}");
        }
    }
}

#[test]
fn a_shift_is_seen_with_the_probability_that_is_claimed() {
    // 2^18 values of [−2^6, 2^6), and the same shifted by 5: the best test is whether a value is below −2^6 + 5.
    let basis = basis(12, 1);
    let mut below = [0; 2];
    for seed in 0..64 {
        for x in sampled(&basis, 6, seed) {
            for (below, shift) in below.iter_mut().zip([0, 5]) {
                *below += i32::from(x.clone() + shift < BigInt::from(-64 + 5));
            }
        }
    }
    let advantage = f64::from(below[0] - below[1]) / f64::from(1 << 18);
    assert_eq!(below[1], 0);
    // |e|/2B = 5/128, within five deviations.
    assert!((advantage - 5.0 / 128.0).abs() < 5.0 * 0.194 / 512.0, "{advantage}");
}

#[test]
fn the_bound_gives_the_distance() {
    let parameters = pooled(10, 3);
    for (bits, decryptions, norm) in [(40, 1, 100.0), (64, 10, 1e5), (128, 1000, 3.5e9)] {
        let smudging = Smudging::new(bits, decryptions, norm).unwrap();
        let bound = f64::from(smudging.log_bound(&parameters)).exp2();
        // τ·√N·t/2B is at most 2^−λ and at least half of it.
        let distance = f64::from(decryptions) * 32.0 * norm / (2.0 * bound);
        let claimed = (-f64::from(bits)).exp2();
        assert!(distance <= claimed && distance > 0.49 * claimed, "{bits} bits");
        assert_eq!((smudging.statistical_bits(), smudging.decryptions()), (bits, decryptions));
        assert_eq!(smudging.error_norm(), norm);
    }
    // An error that is below one integer needs no noise beyond λ.
    assert_eq!(Smudging::new(40, 1, 1e-30).unwrap().log_bound(&parameters), 0);
}

#[test]
fn as_many_bits_are_taken_as_there_is_room_for() {
    let parameters = pooled(10, 4);
    let operand =
        |level, log_scale| crate::Operand { level, scale: crate::Scale::power_of_two(log_scale), slots: 512 };
    let with_room = |log_scale, precision| {
        Smudging::with_room(&parameters, &operand(LEVELS, log_scale), 4, precision, 1, 32.0)
    };
    // b = λ − 1 + 5 + 5. The deviation of a slot is 2^b·√(4/3)·2^5/Δ: 2^(b + 5.2)/Δ.
    for (log_scale, bits) in [(79, 40), (80, 41), (90, 51), (103, 64), (120, 64)] {
        let smudging = with_room(log_scale, 24.7).unwrap();
        assert_eq!(smudging.statistical_bits(), bits, "scale 2^{log_scale}");
        let deviation =
            smudging.noise(&parameters, 4).slot_deviation(&parameters, &operand(1, log_scale).scale);
        assert!(deviation <= (-24.7f64).exp2());
    }
    let error = with_room(78, 24.7).unwrap_err();
    let PoolError::NoRoom { bits: 40, log_bound: 49, owners: 4, room_log2 } = error else {
        panic!("{error}")
    };
    assert!((room_log2 - 48.1).abs() < 0.1, "{room_log2}");
    // The modulus of level 0 has 50 bits, a quarter of it for the noise of 4 owners: 46.
    let error = Smudging::with_room(&parameters, &operand(0, 49), 4, -50.0, 1, 32.0).unwrap_err();
    assert!(
        matches!(error, PoolError::NoRoom { log_bound: 49, room_log2, .. } if (room_log2 - 46.0).abs() < 0.01)
    );
    assert!(error.to_string().contains("40 bits of statistical security take noise of 2^49"), "{error}");
}

#[test]
fn the_noise_that_is_left_is_the_one_that_was_added() {
    let owners = 3;
    let mut session = Session::new(pool_of(pooled(10, owners), |spec| spec, 1));
    let parameters = session.pool.context().parameters().clone();
    let plaintext = session.encoder.encode(&[0.5], &wide_scale(), LEVELS).unwrap();
    let basis = session.pool.context().q(LEVELS).clone();
    let error = |result: &crate::Plaintext| {
        let mut difference = result.poly.clone();
        basis.sub_assign(&mut difference, &plaintext.poly);
        basis.to_centred(&basis.inverse(difference))
    };
    let ratio = |errors: &[f64], expected: Noise| {
        let square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
        square.sqrt() / expected.coefficient_deviation()
    };
    let fresh = Noise::public_encryption(&parameters);
    let smudging = Smudging::new(40, 1, fresh.error_norm(&parameters)).unwrap();
    let encrypt = |seed| session.public_key.encrypt(&plaintext, &mut rng(seed)).unwrap();
    let (opened, switched) = (encrypt(3), encrypt(4));
    let request = Opening::new(&session.pool, &opened, 0..owners, &smudging).unwrap();
    let shares = session.shares(&request);
    let left = error(&request.finish(shares).unwrap());
    assert!((ratio(&left, smudging.noise(&parameters, owners)) - 1.0).abs() < 1.0 / 16.0);
    // Without smudging: what the decryption would have shown.
    assert!((ratio(&error(&session.joint.decrypt(&opened).unwrap()), fresh) - 1.0).abs() < 1.0 / 16.0);

    let receiver = SecretKey::generate(session.pool.context(), &mut rng(7));
    let key = PublicKey::generate(&receiver, &mut rng(8));
    let request = Switching::new(&session.pool, &switched, 0..owners, &smudging, &key).unwrap();
    let shares = session.shares(&request);
    let left = error(&receiver.decrypt(&request.finish(shares).unwrap()).unwrap());
    assert!((ratio(&left, smudging.noise(&parameters, owners)) - 1.0).abs() < 1.0 / 16.0);
}

#[test]
fn an_encryption_for_a_receiver_has_the_noise_of_its_owners() {
    // What the shares of a switching have beside the smudging: an encryption of zero of each owner.
    let context = Context::new(pooled(11, 3));
    let receiver = SecretKey::generate(&context, &mut rng(7));
    let key = PublicKey::generate(&receiver, &mut rng(8));
    let basis = context.q(1);
    let errors: Vec<f64> = (0..8)
        .flat_map(|seed| {
            let [z0, mut z1] = key.encrypt_zero(1, &mut rng(seed));
            basis.mul_assign(&mut z1, receiver.poly());
            basis.add_assign(&mut z1, &z0);
            basis.to_centred(&basis.inverse(z1))
        })
        .collect();
    let square = errors.iter().map(|error| error * error).sum::<f64>() / errors.len() as f64;
    let expected = Noise::personal_encryption(context.parameters()).coefficient_deviation();
    assert!((square.sqrt() / expected - 1.0).abs() < 1.0 / 16.0);
}
