use volley_testkit::schoolbook::power;

use super::*;
use crate::prime::ntt_primes;
use crate::tests::lowest_prime;

fn product(a: u64, b: u64, q: u64) -> u64 {
    (u128::from(a) * u128::from(b) % u128::from(q)) as u64
}

/// The square root of `square` that the algorithm of Tonelli and Shanks finds with the non-residue z.
fn tonelli_shanks(square: u64, z: u64, q: u64) -> u64 {
    let mut level = (q - 1).trailing_zeros();
    let odd = (q - 1) >> level;
    let (mut step, mut rest, mut root) =
        (power(z, odd, q), power(square, odd, q), power(square, odd.div_ceil(2), q));
    while rest != 1 {
        let order = (1..level).find(|&i| power(rest, 1 << i, q) == 1).unwrap();
        let factor = power(step, 1 << (level - order - 1), q);
        level = order;
        step = product(factor, factor, q);
        rest = product(rest, step, q);
        root = product(root, factor, q);
    }
    root
}

#[test]
fn roots_are_those_of_tonelli_and_shanks_from_minus_one_on() {
    for degree in [16usize, 1 << 10, 1 << 14, 1 << 17] {
        for bits in (20..=50).filter(|&bits| bits > degree.ilog2() + 6) {
            for q in ntt_primes(degree, bits).take(8).chain([lowest_prime(degree, bits)]) {
                let modulus = Modulus::new(q).unwrap();
                let z = (2..).find(|&z| power(z, (q - 1) / 2, q) == q - 1).unwrap();
                let expected = (0..degree.ilog2()).fold(q - 1, |root, _| tonelli_shanks(root, z, q));
                let root = primitive_root(degree, modulus);
                assert_eq!(root, expected, "N={degree}, q={q}");
                assert_eq!(power(root, degree as u64, q), q - 1, "not primitive: N={degree}, q={q}");
            }
        }
    }
}

/// Files of earlier versions depend on these.
#[test]
fn known_roots() {
    let known = [
        (16, 1_048_193, 276_623),
        (1 << 14, 1_099_510_054_913, 387_004_024_317),
        (1 << 15, 1_125_899_904_679_937, 26_113_207_984),
        (1 << 16, 1_125_899_903_827_969, 169_252_693_929_443),
    ];
    for (degree, q, root) in known {
        assert_eq!(primitive_root(degree, Modulus::new(q).unwrap()), root, "N={degree}, q={q}");
    }
}
