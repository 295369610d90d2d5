use tfhe_ntt::prime64::Plan as Oracle;
use volley_testkit::schoolbook::{evaluate_at_powers, negacyclic_product, power};

use super::*;
use crate::prime::ntt_primes;
use crate::tests::{lowest_prime, random_limb, rng};

/// Bit lengths of the moduli, and degrees at which all of them have primes.
const BITS: [u32; 12] = [20, 25, 30, 36, 40, 43, 44, 45, 46, 47, 49, 50];
const DEGREES: [usize; 9] = [16, 32, 64, 128, 256, 512, 1024, 2048, 4096];

/// Bit lengths of the moduli at large degrees: those on both sides of where reductions change.
const LARGE_BITS: [u32; 5] = [40, 43, 46, 47, 50];

/// The highest and the lowest prime of each length.
fn moduli(degree: usize, bits: &[u32]) -> impl Iterator<Item = u64> {
    let ends = move |&bits| [ntt_primes(degree, bits).next().unwrap(), lowest_prime(degree, bits)];
    bits.iter().flat_map(ends)
}

fn table(degree: usize, q: u64) -> NttTable {
    NttTable::new(degree, Modulus::new(q).unwrap(), Kernel::detect().unwrap()).unwrap()
}

/// The tables of every backend.
fn tables(degree: usize, q: u64) -> impl Iterator<Item = NttTable> {
    let table = move |kernel| NttTable::new(degree, Modulus::new(q).unwrap(), kernel).unwrap();
    Kernel::available().into_iter().map(table)
}

/// The tables of every backend for every length of moduli.
fn all_tables(degree: usize) -> impl Iterator<Item = NttTable> {
    moduli(degree, &BITS).flat_map(move |q| tables(degree, q))
}

/// A random polynomial, then the extreme ones: 0, all coefficients q − 1, q − 1 at 1 or X^(N−1) alone, and a random
/// choice of 0, 1, (q ± 1)/2 and q − 1.
fn inputs(degree: usize, q: u64) -> Vec<Vec<u64>> {
    let single = |position: usize| (0..degree).map(|i| if i == position { q - 1 } else { 0 }).collect();
    let random = random_limb(q, degree, &mut rng(q));
    let edges = random.iter().map(|x| [0, 1, q / 2, q / 2 + 1, q - 1][(x % 5) as usize]).collect();
    vec![random, vec![0; degree], vec![q - 1; degree], single(0), single(degree - 1), edges]
}

fn forward(table: &NttTable, input: &[u64]) -> Vec<u64> {
    let mut limb = input.to_vec();
    table.forward(&mut limb);
    limb
}

/// In place and from one buffer to another.
fn inverse_scaled(table: &NttTable, input: &[u64], factor: u64) -> Vec<u64> {
    let factor = table.modulus().shoup(factor);
    let (mut limb, mut out) = (input.to_vec(), vec![u64::MAX; input.len()]);
    table.inverse_scaled(&mut limb, factor);
    table.inverse_scaled_from(input, &mut out, factor);
    assert!(limb == out, "N={}, q={}", table.degree(), table.modulus().value());
    limb
}

fn inverse(table: &NttTable, input: &[u64]) -> Vec<u64> {
    inverse_scaled(table, input, table.degree_inverse().value)
}

/// ψ: what X evaluates to first.
fn root(table: &NttTable) -> u64 {
    let x: Vec<u64> = (0..table.degree()).map(|i| u64::from(i == 1)).collect();
    forward(table, &x)[0]
}

/// 2·br(j) + 1.
fn exponent(degree: usize, j: usize) -> u64 {
    let reversed = (0..degree.ilog2()).fold(0, |reversed, k| reversed << 1 | j as u64 >> k & 1);
    2 * reversed + 1
}

#[test]
fn the_forward_transform_evaluates_at_the_odd_powers_in_bit_reversed_order() {
    for degree in [16, 64, 256] {
        let exponents: Vec<u64> = (0..degree).map(|j| exponent(degree, j)).collect();
        for table in all_tables(degree) {
            let (q, psi) = (table.modulus().value(), root(&table));
            assert_eq!(power(psi, degree as u64, q), q - 1, "not a primitive root");
            for input in inputs(degree, q) {
                assert_eq!(forward(&table, &input), evaluate_at_powers(&input, psi, &exponents, q));
            }
        }
    }
}

#[test]
fn large_transforms_evaluate_at_the_same_points() {
    for degree in [1 << 14, 1 << 15] {
        let q = ntt_primes(degree, 50).next().unwrap();
        let table = table(degree, q);
        let input = random_limb(q, degree, &mut rng(0));
        let output = forward(&table, &input);
        for j in [0, 1, 2, degree / 2 - 1, degree / 2, 12_345, degree - 1] {
            let expected = evaluate_at_powers(&input, root(&table), &[exponent(degree, j)], q);
            assert_eq!(output[j], expected[0]);
        }
    }
}

#[test]
fn transforms_equal_the_oracle_bit_for_bit() {
    let small = DEGREES.into_iter().flat_map(|degree| moduli(degree, &BITS).map(move |q| (degree, q)));
    let large = (13..=17).flat_map(|log| moduli(1 << log, &LARGE_BITS).map(move |q| (1 << log, q)));
    for (degree, q) in small.chain(large) {
        let tables: Vec<_> = tables(degree, q).collect();
        let oracle = Oracle::try_new(degree, q).unwrap();
        for input in inputs(degree, q) {
            let (mut evaluations, mut coefficients) = (input.clone(), input.clone());
            oracle.fwd(&mut evaluations);
            oracle.inv(&mut coefficients);
            for table in &tables {
                assert!(forward(table, &input) == evaluations, "forward, N={degree}, q={q}");
                assert!(inverse_scaled(table, &input, 1) == coefficients, "inverse, N={degree}, q={q}");
                let scaled = inverse_scaled(table, &input, q - 2);
                let mut expected =
                    coefficients.iter().map(|&x| table.modulus().mul(x, q - 2)).zip(scaled.iter());
                assert!(expected.all(|(x, &y)| x == y), "scaled inverse, N={degree}, q={q}");
            }
        }
    }
}

#[test]
fn the_inverse_undoes_the_forward_transform_and_all_outputs_are_reduced() {
    for degree in DEGREES {
        for table in all_tables(degree) {
            let q = table.modulus().value();
            for input in inputs(degree, q) {
                let evaluations = forward(&table, &input);
                assert!(evaluations.iter().all(|&x| x < q));
                assert!(inverse_scaled(&table, &input, 1).iter().all(|&x| x < q));
                assert_eq!(inverse(&table, &evaluations), input, "N={degree}, q={q}");
                assert_eq!(forward(&table, &inverse(&table, &input)), input, "N={degree}, q={q}");
            }
        }
    }
}

#[test]
fn products_become_pointwise() {
    for degree in [16, 32, 128] {
        for table in all_tables(degree) {
            let q = table.modulus().value();
            let b = random_limb(q, degree, &mut rng(1));
            for a in inputs(degree, q) {
                let pointwise: Vec<u64> = forward(&table, &a)
                    .into_iter()
                    .zip(forward(&table, &b))
                    .map(|(x, y)| table.modulus().mul(x, y))
                    .collect();
                assert_eq!(inverse(&table, &pointwise), negacyclic_product(&a, &b, q));
            }
        }
    }
}

#[test]
fn degrees_and_primes_without_a_transform_are_refused() {
    let kernel = Kernel::detect().unwrap();
    let q = Modulus::new(ntt_primes(1 << 10, 40).next().unwrap()).unwrap();
    for degree in [0, 1, 8, 24, 1000] {
        assert!(NttTable::new(degree, q, kernel).is_none(), "N={degree}");
    }
    assert!(NttTable::new(16, q, kernel).is_some());
    // 2^50 − 27 ≡ 5 (mod 32), and 97 has the 32nd roots of unity but not the 64th.
    assert!(NttTable::new(16, Modulus::new((1 << 50) - 27).unwrap(), kernel).is_none());
    let small = Modulus::new(97).unwrap();
    assert!(NttTable::new(16, small, kernel).is_some() && NttTable::new(32, small, kernel).is_none());
}

#[test]
fn the_debug_form_names_the_degree_and_the_prime() {
    assert_eq!(format!("{:?}", table(16, 97)), "NttTable { degree: 16, modulus: 97, .. }");
}
