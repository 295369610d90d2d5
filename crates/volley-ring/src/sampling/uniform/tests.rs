use volley_testkit::statistics::{chi_square, histogram, normal_score};

use super::*;
use crate::prime::ntt_primes;
use crate::tests::{basis, lowest_prime, primes, rng};

const DEGREE: usize = 1 << 16;
const SEED: Seed = Seed([7; 32]);

fn expand(basis: &RnsBasis, domain: Domain, digit: u16) -> RnsPoly<Eval> {
    expand_uniform(basis, &SEED, domain, digit, |i| i as u32)
}

#[test]
fn residues_are_uniform_whether_few_words_are_skipped_or_half() {
    let highest = |bits| ntt_primes(DEGREE, bits).next().unwrap();
    let moduli = [highest(50), highest(40), lowest_prime(DEGREE, 50), lowest_prime(DEGREE, 20)];
    let basis = RnsBasis::new(DEGREE, &moduli).unwrap();
    let poly = expand(&basis, Domain::Ciphertext, 0);
    for (limb, q) in poly.limbs().zip(moduli) {
        for bins in [2, 3, 256, 1000] {
            let score = normal_score(chi_square(&histogram(limb, q, bins)), bins - 1);
            assert!(score.abs() < 5.0, "q={q}, {bins} bins: {score}");
        }
        // The low bits too, which equal parts of [0, q) do not show.
        let mut counts = [0; 64];
        limb.iter().for_each(|x| counts[(x % 64) as usize] += 1);
        assert!(normal_score(chi_square(&counts), 63).abs() < 5.0, "q={q}");
    }
}

#[test]
fn polynomials_of_one_seed_differ_in_domain_digit_and_limb() {
    let basis = basis(64, &[50]);
    let mut all = Vec::new();
    for seed in [SEED, Seed([8; 32])] {
        for domain in [Domain::Ciphertext, Domain::PublicKey, Domain::KeySwitchingKey] {
            for digit in [0, 1, 256, u16::MAX] {
                for limb in [0, 1, 1 << 16, 1 << 31] {
                    let poly = expand_uniform(&basis, &seed, domain, digit, |_| limb);
                    all.push(poly.residues().to_vec());
                }
            }
        }
    }
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), count);
}

#[test]
fn a_limb_depends_on_its_number_and_prime_only() {
    let large = basis(64, &[50, 40, 40, 50]);
    let poly = expand(&large, Domain::KeySwitchingKey, 3);
    assert_eq!(expand(&large.prefix(2), Domain::KeySwitchingKey, 3), poly.prefix(2));
    let reversed: Vec<u64> = primes(&large).into_iter().rev().collect();
    let reversed = RnsBasis::new(64, &reversed).unwrap();
    let other = expand_uniform(&reversed, &SEED, Domain::KeySwitchingKey, 3, |i| 3 - i as u32);
    assert!((0..4).all(|i| other.limb(3 - i) == poly.limb(i)));
}

#[test]
fn seeds_are_fresh() {
    let mut rng = rng(0);
    let (first, second) = (Seed::generate(&mut rng), Seed::generate(&mut rng));
    assert_ne!(first, second);
    assert!([first, second].iter().all(|seed| seed.0.iter().any(|&byte| byte != 0)));
}
