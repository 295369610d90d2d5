//! Every backend against `u128` and big-integer arithmetic.

use num_bigint::{BigInt, BigUint};
use rand_chacha::ChaCha20Rng;
use rand_core::Rng;
use volley_testkit::crt::divide_round;

use super::*;
use crate::packed::PackedPoly;
use crate::poly::RnsPoly;
use crate::prime::ntt_primes;
use crate::tests::{lowest_prime, random_limb, rng};

/// The backends that this processor runs.
fn kernels() -> Vec<Kernel> {
    Kernel::available()
}

/// Below, at and above the width of vectors and of their unrolled groups.
const LENGTHS: [usize; 8] = [0, 1, 7, 8, 9, 33, 64, 100];

/// Numbers of terms. The last is more than a 64-bit sum of 52-bit halves of products holds.
const TERMS: [usize; 5] = [0, 1, 2, 5, 5_000];

/// How inputs are chosen.
#[derive(Clone, Copy, Debug)]
enum Fill {
    Random,
    Largest,
    /// 0, 1, (q ± 1)/2 and q − 1.
    Edges,
}

/// A source of operands for one backend, modulus and length.
struct Case {
    kernel: Kernel,
    q: Modulus,
    length: usize,
    fill: Fill,
    rng: ChaCha20Rng,
}

impl Case {
    /// A number below `bound`.
    fn below(&mut self, bound: u64) -> u64 {
        let word = self.rng.next_u64();
        match self.fill {
            Fill::Random => word % bound,
            Fill::Largest => bound - 1,
            Fill::Edges => [0, 1, bound / 2, bound.div_ceil(2), bound - 1][(word % 5) as usize],
        }
    }

    fn limb_below(&mut self, bound: u64) -> Vec<u64> {
        (0..self.length).map(|_| self.below(bound)).collect()
    }

    /// Residues.
    fn limb(&mut self) -> Vec<u64> {
        self.limb_below(self.q.value())
    }

    /// A few limbs: long lists of terms repeat them.
    fn limbs(&mut self) -> Vec<Vec<u64>> {
        (0..7).map(|_| self.limb()).collect()
    }

    /// Checks a result against its exact value at each index.
    fn check(&self, what: &str, result: &[u64], exact: impl Fn(usize) -> u128) {
        let q = u128::from(self.q.value());
        let expected: Vec<u64> = (0..self.length).map(|j| (exact(j) % q) as u64).collect();
        assert_eq!(result, expected, "{what}: {:?}, q={q}, {:?}", self.kernel, self.fill);
    }
}

fn each_case(check: impl Fn(&mut Case)) {
    let lengths = [7, 20, 30, 40, 46, 47, 49, 50];
    let primes = lengths.map(|bits| [ntt_primes(16, bits).next().unwrap(), lowest_prime(16, bits)]);
    for kernel in kernels() {
        for q in primes.into_iter().flatten().map(|q| Modulus::new(q).unwrap()) {
            for length in LENGTHS {
                for fill in [Fill::Random, Fill::Largest, Fill::Edges] {
                    check(&mut Case { kernel, q, length, fill, rng: rng(q.value()) });
                }
            }
        }
    }
}

/// Long sums are checked at few lengths.
fn term_counts(case: &Case) -> impl Iterator<Item = usize> + use<> {
    let short = ![1, 9].contains(&case.length);
    TERMS.into_iter().filter(move |&count| count < 100 || !short)
}

fn product(a: u64, b: u64) -> u128 {
    u128::from(a) * u128::from(b)
}

#[test]
fn sums_and_differences() {
    each_case(|case| {
        let (a, b, constant) = (case.limb(), case.limb(), case.below(case.q.value()));
        let (kernel, q, p) = (case.kernel, case.q, u128::from(case.q.value()));
        let mut result = a.clone();
        kernel.add_assign(q, &mut result, &b);
        case.check("add_assign", &result, |j| u128::from(a[j]) + u128::from(b[j]));
        let mut result = a.clone();
        kernel.sub_assign(q, &mut result, &b);
        case.check("sub_assign", &result, |j| u128::from(a[j]) + p - u128::from(b[j]));
        let mut result = a.clone();
        kernel.neg_assign(q, &mut result);
        case.check("neg_assign", &result, |j| p - u128::from(a[j]));
        let mut result = a.clone();
        kernel.add_constant(q, &mut result, constant);
        case.check("add_constant", &result, |j| u128::from(a[j]) + u128::from(constant));
    });
}

#[test]
fn products() {
    each_case(|case| {
        let (a, b) = (case.limb(), case.limb());
        let (kernel, q) = (case.kernel, case.q);
        let mut result = a.clone();
        kernel.mul_assign(q, &mut result, &b);
        case.check("mul_assign", &result, |j| product(a[j], b[j]));
        let (mut result, c) = (a.clone(), case.limb());
        kernel.sub_product(q, &mut result, &b, &c);
        let negated = |j: usize| q.value() - b[j];
        case.check("sub_product", &result, |j| u128::from(a[j]) + product(negated(j), c[j]));
        for constant in [0, 1, q.value() - 1, case.below(q.value())] {
            let mut result = a.clone();
            kernel.mul_constant(q, &mut result, q.shoup(constant));
            case.check("mul_constant", &result, |j| product(a[j], constant));
            let mut result = a.clone();
            kernel.sub_from_and_scale(q, &mut result, &b, q.shoup(constant));
            let mut sum = a.clone();
            kernel.add_scaled(q, &mut sum, &b, q.shoup(constant));
            case.check("add_scaled", &sum, |j| u128::from(a[j]) + product(b[j], constant));
            let difference = |j: usize| (u128::from(b[j]) + u128::from(q.value()) - u128::from(a[j])) as u64;
            case.check("sub_from_and_scale", &result, |j| product(difference(j), constant));
        }
    });
}

#[test]
fn sums_of_tensors() {
    each_case(|case| {
        let [a0, a1, b0, b1] = [(); 4].map(|()| case.limbs());
        for count in term_counts(case) {
            let terms: Vec<[&[u64]; 4]> =
                (0..count).map(|k| [&a0, &a1, &b0, &b1].map(|limbs| &*limbs[k % 7])).collect();
            let first = [&a1, &b1, &a0].map(|limbs| limbs[6].clone());
            let [mut d0, mut d1, mut d2] = first.clone();
            case.kernel.add_tensors(case.q, [&mut d0, &mut d1, &mut d2], &terms);
            let sum = |k: usize, j: usize, term: &dyn Fn(&[&[u64]; 4]) -> u128| {
                u128::from(first[k][j]) + terms.iter().map(term).sum::<u128>()
            };
            case.check("d0", &d0, |j| sum(0, j, &|[a0, _, b0, _]| product(a0[j], b0[j])));
            let middle = |j: usize| {
                move |[a0, a1, b0, b1]: &[&[u64]; 4]| product(a0[j], b1[j]) + product(a1[j], b0[j])
            };
            case.check("d1", &d1, |j| sum(1, j, &middle(j)));
            case.check("d2", &d2, |j| sum(2, j, &|[_, a1, _, b1]| product(a1[j], b1[j])));
        }
    });
}

#[test]
fn sums_of_packed_pairs_and_multiples() {
    each_case(|case| {
        let [m, a, b] = [(); 3].map(|()| case.limbs());
        let [packed_m, packed_a, packed_b] = [&m, &a, &b].map(|limbs| {
            let packed = limbs.iter().map(|limb| pack_limb(limb, case.q));
            packed.collect::<Vec<_>>()
        });
        fn packed(limbs: &[PackedPoly], k: usize, length: usize) -> PackedLimb<'_> {
            limbs[k % 7].limb(0).slice(0..length)
        }
        for count in term_counts(case) {
            let sum = |limbs: &[Vec<u64>], j: usize| -> u128 {
                (0..count).map(|k| product(m[k % 7][j], limbs[k % 7][j])).sum()
            };
            let [mut u, mut v] = [(); 2].map(|()| vec![u64::MAX; case.length]);
            let pairs: Vec<_> = (0..count)
                .map(|k| (&*m[k % 7], [packed(&packed_a, k, case.length), packed(&packed_b, k, case.length)]))
                .collect();
            case.kernel.sum_of_packed_pairs(case.q, [&mut u, &mut v], &pairs);
            case.check("pairs, u", &u, |j| sum(&a, j));
            case.check("pairs, v", &v, |j| sum(&b, j));
            let multiples: Vec<_> =
                (0..count).map(|k| (packed(&packed_m, k, case.length), [&*a[k % 7], &*b[k % 7]])).collect();
            case.kernel.sum_of_packed_multiples(case.q, [&mut u, &mut v], &multiples);
            case.check("multiples, u", &u, |j| sum(&a, j));
            case.check("multiples, v", &v, |j| sum(&b, j));
        }
    });
}

#[test]
fn packed_limbs_of_every_width() {
    for bits in 7..=50 {
        let q = Modulus::new(lowest_prime(16, bits)).unwrap();
        let largest = vec![q.value() - 1; 16];
        let random = random_limb(q.value(), 16, &mut rng(u64::from(bits)));
        for limb in [largest, random] {
            let packed = pack_limb(&limb, q);
            for kernel in kernels() {
                let [mut u, mut v] = [(); 2].map(|()| vec![u64::MAX; 16]);
                let terms = [(&[1; 16][..], [packed.limb(0).slice(0..16); 2])];
                kernel.sum_of_packed_pairs(q, [&mut u, &mut v], &terms);
                assert!(u == limb && v == limb, "{bits} bits, {kernel:?}");
            }
        }
    }
}

#[test]
#[should_panic(expected = "fits")]
fn packed_limbs_of_another_prime_are_refused() {
    let q = Modulus::new(97).unwrap();
    let packed = pack_limb(&[0; 8], Modulus::new(lowest_prime(16, 20)).unwrap());
    let terms = [(&[0; 8][..], [packed.limb(0).slice(0..8); 2])];
    Kernel::detect().unwrap().sum_of_packed_pairs(q, [&mut [0; 8], &mut [0; 8]], &terms);
}

/// One limb, packed, and a residue more: polynomials are not empty.
fn pack_limb(limb: &[u64], q: Modulus) -> PackedPoly {
    let residues: Vec<u64> = limb.iter().copied().chain([0]).collect();
    let poly = RnsPoly::from_residues(residues.len(), residues).unwrap();
    PackedPoly::pack(&poly, std::iter::once(q.value()))
}

#[test]
fn weighted_sums_of_unreduced_limbs() {
    let other = Modulus::new(lowest_prime(16, 45)).unwrap();
    each_case(|case| {
        let limbs: Vec<_> = (0..7).map(|_| case.limb_below(1 << 50)).collect();
        for count in term_counts(case).chain([7, 12, 13]) {
            let sources: Vec<&[u64]> = (0..count).map(|k| &*limbs[k % 7]).collect();
            let [weights, others] =
                [case.q, other].map(|q| (0..count).map(|_| case.below(q.value())).collect::<Vec<_>>());
            let mut result = [(); 2].map(|()| vec![u64::MAX; case.length]);
            let mut out: Vec<_> = result.iter_mut().map(Vec::as_mut_slice).collect();
            case.kernel.weighted_sums(&mut out, &sources, &[(case.q, &weights), (other, &others)]);
            let sum = |weights: &[u64], j: usize| -> u128 {
                sources.iter().zip(weights).map(|(y, &w)| product(y[j], w)).sum()
            };
            case.check("weighted_sums", &result[0], |j| sum(&weights, j));
            let q = u128::from(other.value());
            assert!((0..case.length).all(|j| u128::from(result[1][j]) == sum(&others, j) % q));
        }
    });
}

/// Kernels in floating point split each product at 2ᵏ, k = 26 + ⌈b/2⌉ for a prime of b bits. Here all that is left
/// below has nearly the largest size, of one sign.
#[test]
fn weighted_sums_whose_low_halves_are_largest() {
    for bits in [46, 47, 50] {
        let q = Modulus::new(ntt_primes(16, bits).next().unwrap()).unwrap();
        let (weight, split) = (q.value() - 1, 1u128 << (26 + bits.div_ceil(2)));
        for above in [false, true] {
            let is_largest = |y: u64| {
                let left = product(y, weight) % split;
                let distance =
                    if above { left.wrapping_sub(split / 2) } else { (split / 2).wrapping_sub(left) };
                (1..split / 200).contains(&distance)
            };
            let mut rng = rng(u64::from(bits));
            let words = std::iter::repeat_with(|| rng.next_u64() >> 14);
            let mut numbers = words.filter(|&y| is_largest(y));
            let limbs: Vec<Vec<u64>> = (0..29).map(|_| numbers.by_ref().take(16).collect()).collect();
            for count in 1..=limbs.len() {
                let sources: Vec<&[u64]> = limbs[..count].iter().map(Vec::as_slice).collect();
                let expected: Vec<u64> = (0..16)
                    .map(|j| {
                        (sources.iter().map(|y| product(y[j], weight)).sum::<u128>() % u128::from(q.value()))
                            as u64
                    })
                    .collect();
                for kernel in kernels() {
                    let mut result = [u64::MAX; 16];
                    kernel.weighted_sums(&mut [&mut result], &sources, &[(q, &vec![weight; count])]);
                    assert_eq!(result, *expected, "{kernel:?}, {bits} bits, {count} terms");
                }
            }
        }
    }
}

#[test]
fn rounded_quotients() {
    for kernel in kernels() {
        for source in [vec![50], vec![20, 50], vec![40; 3], vec![50; 9]] {
            let primes: Vec<u64> =
                (0..source.len()).map(|i| ntt_primes(16, source[i]).nth(i).unwrap()).collect();
            let product: BigUint = primes.iter().map(|&s| BigUint::from(s)).product();
            for length in LENGTHS {
                for fill in [Fill::Random, Fill::Largest] {
                    let q = Modulus::new(primes[0]).unwrap();
                    let mut case = Case { kernel, q, length, fill, rng: rng(length as u64) };
                    let limbs: Vec<_> = primes.iter().map(|&s| case.limb_below(s)).collect();
                    let terms: Vec<_> =
                        limbs.iter().map(Vec::as_slice).zip(primes.iter().map(|&s| 1.0 / s as f64)).collect();
                    let mut result = vec![u64::MAX; length];
                    kernel.rounded_quotient(&mut result, &terms);
                    for (j, &v) in result.iter().enumerate() {
                        let sum: BigUint = limbs.iter().zip(&primes).map(|(y, &s)| &product / s * y[j]).sum();
                        assert_eq!(BigInt::from(v), divide_round(&sum.into(), &product));
                        // Backends must round every step alike: no fused multiply-add, no other order.
                        let steps = terms.iter().fold(0.5, |sum, (y, r)| sum + y[j] as f64 * r);
                        assert_eq!(v, steps as u64);
                    }
                }
            }
        }
    }
}

#[test]
fn rounded_quotients_near_a_half_are_the_same_everywhere() {
    let s = ntt_primes(16, 50).next().unwrap();
    let y: Vec<u64> = (s / 2 - 50..s / 2 + 51).collect();
    for kernel in kernels() {
        let mut result = vec![u64::MAX; y.len()];
        kernel.rounded_quotient(&mut result, &[(&y, 1.0 / s as f64)]);
        let steps = y.iter().map(|&y| (0.5 + y as f64 * (1.0 / s as f64)) as u64);
        assert!(result.into_iter().eq(steps));
    }
}

#[test]
fn permuted_residues() {
    let automorphisms = [(16, 5), (16, 31), (256, 25), (1024, 2047), (1024, 1025)];
    for kernel in kernels() {
        for (degree, element) in automorphisms {
            let automorphism = crate::Automorphism::new(degree, element).unwrap();
            let index = automorphism.evaluation_index();
            let a: Vec<u64> = (0..degree as u64).map(|j| j * j + 1).collect();
            let mut result = vec![u64::MAX; degree];
            kernel.permute_groups(&mut result, &a, index);
            assert!(
                result.iter().zip(index).all(|(&image, &j)| image == a[j as usize]),
                "{kernel:?} {element}"
            );
            // A block of it, from the block that it comes from.
            let block = degree / 2..degree;
            let (source, index) = (automorphism.source_block(block.clone()), &index[block]);
            let mut half = vec![u64::MAX; degree / 2];
            kernel.permute_groups(&mut half, &a[source], index);
            assert_eq!(half, result[degree / 2..], "{kernel:?} {element}");
        }
    }
}

#[test]
fn residues_of_signed_integers() {
    each_case(|case| {
        let q = case.q.value() as i64;
        let edges = [0, 1, -1, q, -q, q - 1, 1 - q, q + 1, -q - 1, i64::MAX, i64::MIN, i64::MIN + 1];
        let random = case.rng.next_u64() as i64;
        let values: Vec<i64> = edges.into_iter().chain([random]).cycle().take(case.length).collect();
        let mut result = vec![u64::MAX; case.length];
        case.kernel.lift_signed(case.q, &mut result, &values);
        case.check("lift_signed", &result, |j| i128::from(values[j]).rem_euclid(q.into()) as u128);
    });
}

#[test]
#[should_panic(expected = "left == right")]
fn limbs_of_different_lengths_are_refused() {
    let q = Modulus::new(97).unwrap();
    Kernel::detect().unwrap().add_assign(q, &mut [0; 8], &[0; 7]);
}

#[test]
fn the_detected_backend_has_a_name() {
    assert!(Kernel::available().contains(&Kernel::detect().unwrap()));
    assert_eq!(Kernel::available().last().unwrap().name(), "scalar");
}

#[test]
fn kernels_are_chosen_by_their_names_and_no_others() {
    let available = Kernel::available();
    assert_eq!(Kernel::choose(None), Ok(available[0]));
    for &kernel in &available {
        assert_eq!(Kernel::choose(Some(kernel.name())), Ok(kernel));
    }
    for name in ["", "avx1024", "AVX2", "scalar "] {
        let unknown = Kernel::choose(Some(name)).unwrap_err();
        assert_eq!((unknown.name.as_str(), unknown.available.len()), (name, available.len()));
        let shown = unknown.to_string();
        assert!(
            shown.starts_with(&format!("VOLLEY_BACKEND={name}: ")) && shown.ends_with("scalar"),
            "{shown}"
        );
    }
}
