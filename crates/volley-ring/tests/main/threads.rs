//! Results do not depend on the number of threads.

use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use rayon::ThreadPoolBuilder;
use volley_ring::prime::ntt_primes;
use volley_ring::sampling::{Domain, Seed, expand_uniform, sample_gaussian, sample_ternary};
use volley_ring::{Automorphism, Gadget, RnsBasis, RoundedDivision, convert_basis};

const DEGREE: usize = 1 << 10;

/// The residues of what every parallel operation of the ring gives on fixed inputs.
fn everything() -> Vec<Vec<u64>> {
    let primes: Vec<u64> = ntt_primes(DEGREE, 40).take(7).collect();
    let all = RnsBasis::new(DEGREE, &primes).expect("NTT primes");
    let live = all.prefix(5);
    let mut rng = ChaCha20Rng::seed_from_u64(0);
    let key = [0, 1].map(|digit| {
        expand_uniform(&all, &Seed([1; 32]), Domain::KeySwitchingKey, digit, |limb| limb as u32)
    });
    let secret = live.from_signed(&sample_ternary(DEGREE, &mut rng));
    let error = live.forward(live.from_signed(&sample_gaussian(DEGREE, &mut rng)));
    let rotated = live.automorphism(&error, &Automorphism::new(DEGREE, 5).expect("an odd element"));
    let mut product = live.forward(secret.clone());
    live.mul_assign(&mut product, &key[0]);
    live.add_assign(&mut product, &error);
    let coefficients = live.inverse(product.clone());
    let gadget = Gadget::new(&all, [0..3, 3..5]);
    let digits = gadget.decompose(&product);
    let pairs = [0, 1].map(|_| key.each_ref().map(|half| all.pack(half)));
    let [u, v] = gadget.sum_of_pairs(&product, &pairs, |limb| limb);
    let [d0, d1, d2] = all.sum_of_tensors(&[[&u, &v, &key[0], &key[1]]]);
    let mut added = [d0.clone(), d1.clone(), d2.clone()];
    all.add_tensors(vec![(&mut added, &[[&u, &v, &key[0], &key[1]]])]);
    let divided = RoundedDivision::new(&all, 5).apply(&d1);
    let centred: Vec<u64> = live.to_centred(&coefficients).into_iter().map(f64::to_bits).collect();
    let converted = [true, false].map(|exact| convert_basis(&live, &all, &coefficients, exact));
    let evaluations = [product, error, rotated, u, v, d0, d1, d2, divided].into_iter().chain(digits);
    let coefficients = [secret, coefficients].into_iter().chain(converted);
    evaluations
        .chain(added)
        .map(|poly| poly.residues().to_vec())
        .chain(coefficients.map(|poly| poly.residues().to_vec()))
        .chain([centred])
        .collect()
}

#[test]
fn one_two_and_five_threads_agree() {
    let with_threads =
        |threads| ThreadPoolBuilder::new().num_threads(threads).build().unwrap().install(everything);
    let one = with_threads(1);
    assert!(one == with_threads(2) && one == with_threads(5));
}
