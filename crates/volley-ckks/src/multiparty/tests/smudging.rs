//! The noise that hides, against big integers, and the distance that it leaves.

use num_bigint::BigInt;
use volley_ring::RnsBasis;
use volley_ring::prime::ntt_primes;
use volley_testkit::crt::combine_limbs;

use super::super::smudging::{sample_smudging, sample_uniform};
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

/// The distribution of a sum of three values uniform on [−B, B), from −3B on.
fn distribution(bound: usize) -> Vec<f64> {
    let uniform = 1.0 / (2 * bound) as f64;
    let add_one = |p: Vec<f64>| {
        let at = |x: usize| (0..2 * bound).filter_map(|shift| p.get(x.checked_sub(shift)?)).sum::<f64>();
        (0..p.len() + 2 * bound - 1).map(|x| uniform * at(x)).collect()
    };
    (0..3).fold(vec![1.0], |p, _| add_one(p))
}

#[test]
fn noise_is_the_sum_of_three_uniform_values() {
    let (basis, expected) = (basis(12, 1), distribution(8));
    let mut counts = vec![0.0; expected.len()];
    for seed in 0..64 {
        for x in basis.to_centred(&basis.inverse((*sample_smudging(&basis, 3, &mut rng(seed))).clone())) {
            counts[(x + 24.0) as usize] += 1.0;
        }
    }
    let all = f64::from(64 << 12);
    for (count, expected) in counts.iter().zip(expected) {
        assert!((count - all * expected).abs() < 5.0 * (all * expected).sqrt(), "{counts:?}");
    }
}

#[test]
fn shifts_are_as_far_from_each_other_as_is_claimed() {
    let distances = |p: &[f64], shift: usize| {
        let at = |x: usize| p.get(x).copied().unwrap_or(0.0);
        let pairs = || (0..p.len() + shift).map(|x| (at(x), x.checked_sub(shift).map_or(0.0, at)));
        let hellinger = pairs().map(|(p, q)| (p.sqrt() - q.sqrt()).powi(2)).sum::<f64>() / 2.0;
        let statistical = pairs().map(|(p, q)| (p - q).abs()).sum::<f64>() / 2.0;
        (hellinger.sqrt(), statistical)
    };
    for bound in [8, 16, 64, 256] {
        let p = distribution(bound);
        assert!((p.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        let (of_one, _) = distances(&p, 1);
        let constant = 2f64.sqrt() * of_one * bound as f64;
        assert!((0.534..0.545).contains(&constant), "{constant}");
        for shift in [1, 2, 5, bound / 2, bound] {
            let (hellinger, statistical) = distances(&p, shift);
            assert!(hellinger <= shift as f64 * of_one * (1.0 + 1e-12));
            assert!(statistical <= 2f64.sqrt() * hellinger);
            // A single coefficient: no more than the claim, and no less than a third of it.
            let claimed = 0.55 * shift as f64 / bound as f64;
            assert!(statistical <= claimed && statistical > claimed / 3.0, "{statistical} for {claimed}");
        }
    }
    // Of two decryptions, the second of which has a shift of another coefficient: all pairs of values.
    let p = distribution(8);
    let at = |x: usize| p.get(x).copied().unwrap_or(0.0);
    let shifted = |x: usize| x.checked_sub(1).map_or(0.0, at);
    let pairs = (0..=p.len()).flat_map(|x| (0..=p.len()).map(move |y| (x, y)));
    let statistical: f64 =
        pairs.map(|(x, y)| (at(x) * at(y) - shifted(x) * shifted(y)).abs()).sum::<f64>() / 2.0;
    assert!(statistical <= 0.55 * 2f64.sqrt() / 8.0, "{statistical}");
}

#[test]
fn the_bound_gives_the_distance() {
    for (bits, decryptions, norm) in [(40, 1, 100.0), (64, 10, 1e5), (128, 1000, 3.5e9)] {
        let smudging = Smudging::new(bits, decryptions, norm).unwrap();
        let bound = f64::from(smudging.log_bound()).exp2();
        // 0.55·√τ·t/B is at most 2^−λ and at least half of it.
        let distance = 0.55 * f64::from(decryptions).sqrt() * norm / bound;
        let claimed = (-f64::from(bits)).exp2();
        assert!(distance <= claimed && distance > 0.49 * claimed, "{bits} bits");
        assert_eq!((smudging.statistical_bits(), smudging.decryptions()), (bits, decryptions));
        assert_eq!(smudging.error_norm(), norm);
    }
    // An error that is below one integer needs no noise beyond λ.
    assert_eq!(Smudging::new(40, 1, 1e-30).unwrap().log_bound(), 0);
}

#[test]
fn as_many_bits_are_taken_as_there_is_room_for() {
    let parameters = pooled(10, 4);
    let operand =
        |level, log_scale| crate::Operand { level, scale: crate::Scale::power_of_two(log_scale), slots: 512 };
    let with_room = |log_scale, precision| {
        Smudging::with_room(&parameters, &operand(LEVELS, log_scale), 4, precision, 1, 32.0)
    };
    // b = λ + 5, as 0.55·32 is 2^4.1. The deviation of a slot is 2^b·√4·2^5/Δ: 2^(b + 6)/Δ.
    for (log_scale, bits) in [(76, 40), (77, 41), (87, 51), (100, 64), (120, 64)] {
        let smudging = with_room(log_scale, 24.7).unwrap();
        assert_eq!(smudging.statistical_bits(), bits, "scale 2^{log_scale}");
        let deviation = smudging.noise(4).slot_deviation(&parameters, &operand(1, log_scale).scale);
        assert!(deviation <= (-24.7f64).exp2());
    }
    let error = with_room(75, 24.7).unwrap_err();
    let PoolError::NoRoom { bits: 40, log_bound: 45, owners: 4, room_log2 } = error else {
        panic!("{error}")
    };
    assert!((room_log2 - 44.3).abs() < 0.1, "{room_log2}");
    // The modulus of level 0 has 50 bits, a quarter of it for three values of each of 4 owners: 44.4.
    let error = Smudging::with_room(&parameters, &operand(0, 49), 4, -50.0, 1, 32.0).unwrap_err();
    assert!(
        matches!(error, PoolError::NoRoom { log_bound: 45, room_log2, .. } if (room_log2 - 44.415).abs() < 0.01)
    );
    assert!(error.to_string().contains("40 bits of statistical security take noise of 2^45"), "{error}");
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
    assert!((ratio(&left, smudging.noise(owners)) - 1.0).abs() < 1.0 / 16.0);
    // Without smudging: what the decryption would have shown.
    assert!((ratio(&error(&session.joint.decrypt(&opened).unwrap()), fresh) - 1.0).abs() < 1.0 / 16.0);

    let receiver = SecretKey::generate(session.pool.context(), &mut rng(7));
    let key = PublicKey::generate(&receiver, &mut rng(8));
    let request = Switching::new(&session.pool, &switched, 0..owners, &smudging, &key).unwrap();
    let shares = session.shares(&request);
    let left = error(&receiver.decrypt(&request.finish(shares).unwrap()).unwrap());
    assert!((ratio(&left, smudging.noise(owners)) - 1.0).abs() < 1.0 / 16.0);
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
