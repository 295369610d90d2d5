use std::sync::LazyLock;

use num_bigint::BigInt;
use proptest::prelude::*;
use volley_testkit::crt;
use volley_testkit::schoolbook::negacyclic_product;

use super::*;
use crate::prime::ntt_primes;
use crate::tests::{basis, from_integers, lowest_prime, primes, random_integer, random_poly, rng};

const DEGREE: usize = 16;

/// Three primes, one of them just above a power of two.
fn ring() -> &'static RnsBasis {
    static RING: LazyLock<RnsBasis> = LazyLock::new(|| {
        let [high, short] = [50, 20].map(|bits| ntt_primes(DEGREE, bits).next().unwrap());
        RnsBasis::new(DEGREE, &[high, lowest_prime(DEGREE, 40), short]).unwrap()
    });
    &RING
}

/// Polynomials with random coefficients, of which some are extreme.
fn polynomials() -> impl Strategy<Value = RnsPoly<Coeff>> {
    let residue = prop_oneof![4 => any::<u64>(), 1 => Just(0), 1 => Just(u64::MAX)];
    prop::collection::vec(residue, 3 * DEGREE).prop_map(|words| {
        let reduce = |(i, word): (usize, u64)| {
            let q = primes(ring())[i / DEGREE];
            if word == u64::MAX { q - 1 } else { word % q }
        };
        RnsPoly::from_residues(DEGREE, words.into_iter().enumerate().map(reduce).collect()).unwrap()
    })
}

fn sum<R: Representation>(a: &RnsPoly<R>, b: &RnsPoly<R>) -> RnsPoly<R> {
    let mut sum = a.clone();
    ring().add_assign(&mut sum, b);
    sum
}

fn difference<R: Representation>(a: &RnsPoly<R>, b: &RnsPoly<R>) -> RnsPoly<R> {
    let mut difference = a.clone();
    ring().sub_assign(&mut difference, b);
    difference
}

fn negative<R: Representation>(a: &RnsPoly<R>) -> RnsPoly<R> {
    let mut negative = a.clone();
    ring().neg_assign(&mut negative);
    negative
}

fn product(a: &RnsPoly<Eval>, b: &RnsPoly<Eval>) -> RnsPoly<Eval> {
    let mut product = a.clone();
    ring().mul_assign(&mut product, b);
    product
}

/// A polynomial from its limbs, each computed by `limb` from the limb's index and prime.
fn from_limbs<R: Representation>(limb: impl Fn(usize, u64) -> Vec<u64>) -> RnsPoly<R> {
    let residues = primes(ring()).into_iter().enumerate().flat_map(|(i, q)| limb(i, q)).collect();
    RnsPoly::from_residues(DEGREE, residues).unwrap()
}

/// The product in coefficient form, by its definition.
fn schoolbook(a: &RnsPoly<Coeff>, b: &RnsPoly<Coeff>) -> RnsPoly<Coeff> {
    from_limbs(|i, q| negacyclic_product(a.limb(i), b.limb(i), q))
}

proptest! {
    #[test]
    fn products_are_negacyclic(a in polynomials(), b in polynomials()) {
        let ring = ring();
        let expected = schoolbook(&a, &b);
        prop_assert_eq!(ring.inverse(product(&ring.forward(a), &ring.forward(b))), expected);
    }

    #[test]
    fn the_ring_axioms_hold(a in polynomials(), b in polynomials(), c in polynomials()) {
        let ring = ring();
        prop_assert_eq!(sum(&a, &b), sum(&b, &a));
        prop_assert_eq!(sum(&sum(&a, &b), &c), sum(&a, &sum(&b, &c)));
        prop_assert_eq!(sum(&a, &ring.zero()), a.clone());
        prop_assert_eq!(sum(&a, &negative(&a)), ring.zero());
        prop_assert_eq!(difference(&a, &b), sum(&a, &negative(&b)));
        let [a, b, c] = [a, b, c].map(|poly| ring.forward(poly));
        let mut one = ring.zero();
        ring.add_integer_assign(&mut one, &[1; 3]);
        prop_assert_eq!(product(&a, &one), a.clone());
        prop_assert_eq!(product(&a, &b), product(&b, &a));
        prop_assert_eq!(product(&product(&a, &b), &c), product(&a, &product(&b, &c)));
        prop_assert_eq!(product(&a, &sum(&b, &c)), sum(&product(&a, &b), &product(&a, &c)));
    }

    #[test]
    fn the_transform_is_additive(a in polynomials(), b in polynomials()) {
        let ring = ring();
        prop_assert_eq!(ring.forward(sum(&a, &b)), sum(&ring.forward(a), &ring.forward(b)));
    }

    #[test]
    fn integers_act_as_constant_polynomials(a in polynomials(), residues: [u64; 3]) {
        let ring = ring();
        let constant = from_limbs(|i, q| {
            (0..DEGREE).map(|k| if k == 0 { residues[i] % q } else { 0 }).collect()
        });
        let mut multiple = a.clone();
        ring.mul_integer_assign(&mut multiple, &residues);
        prop_assert_eq!(&multiple, &schoolbook(&a, &constant));
        let mut evaluations = ring.forward(a.clone());
        ring.mul_integer_assign(&mut evaluations, &residues);
        prop_assert_eq!(ring.inverse(evaluations), multiple);
        let mut evaluations = ring.forward(a.clone());
        ring.add_integer_assign(&mut evaluations, &residues);
        prop_assert_eq!(ring.inverse(evaluations), sum(&a, &constant));
    }

    #[test]
    fn the_fourth_root_is_a_monomial(a in polynomials()) {
        let ring = ring();
        let monomial = from_limbs(|_, _| (0..DEGREE).map(|k| u64::from(k == DEGREE / 2)).collect());
        let mut evaluations = ring.forward(a.clone());
        ring.mul_fourth_root_assign(&mut evaluations);
        prop_assert_eq!(&ring.inverse(evaluations.clone()), &schoolbook(&a, &monomial));
        ring.mul_fourth_root_assign(&mut evaluations);
        prop_assert_eq!(ring.inverse(evaluations), negative(&a));
    }

    #[test]
    fn sums_of_tensors_equal_sums_of_products(seed: u64, count in 0usize..6) {
        let (ring, mut rng) = (ring(), rng(seed));
        let polys: Vec<[RnsPoly<Eval>; 4]> =
            (0..count).map(|_| [(); 4].map(|()| random_poly(ring, &mut rng))).collect();
        let total = |x: usize, y: usize| {
            polys.iter().fold(ring.zero(), |total, term| sum(&total, &product(&term[x], &term[y])))
        };
        let tensors: Vec<_> = polys.iter().map(|term| term.each_ref()).collect();
        let expected = [total(0, 2), sum(&total(0, 3), &total(1, 2)), total(1, 3)];
        prop_assert_eq!(ring.sum_of_tensors(&tensors), expected);
    }

    #[test]
    fn signed_coefficients_become_their_residues(values: [i64; DEGREE]) {
        let expected = from_limbs(|_, q| {
            values.iter().map(|&x| i128::from(x).rem_euclid(i128::from(q)) as u64).collect()
        });
        prop_assert_eq!(ring().forward_signed(&values), ring().forward(expected.clone()));
        prop_assert_eq!(ring().from_signed(&values), expected);
    }
}

#[test]
fn sums_that_share_polynomials_are_those_of_each_alone() {
    let mut rng = rng(5);
    for degree in [DEGREE, 2 * TENSOR_TILE] {
        let all = RnsBasis::new(degree, &ntt_primes(degree, 40).take(3).collect::<Vec<_>>()).unwrap();
        let ring = all.prefix(2);
        let polys: Vec<RnsPoly<Eval>> = (0..5).map(|_| random_poly(&all, &mut rng)).collect();
        let term = |indices: [usize; 4]| indices.map(|index| &polys[index]);
        // Of six sums each has another number of terms.
        let terms: Vec<Vec<_>> = (0..6)
            .map(|sum| (0..sum).map(|k| term([k % 5, sum % 5, (k + sum) % 5, 4 - k % 5])).collect())
            .collect();
        let add_product = |sum: &mut RnsPoly<Eval>, a: &RnsPoly<Eval>, b: &RnsPoly<Eval>| {
            let mut product = a.prefix(2);
            ring.mul_assign(&mut product, b);
            ring.add_assign(sum, &product);
        };
        let first: Vec<[RnsPoly<Eval>; 3]> =
            terms.iter().map(|_| [(); 3].map(|()| random_poly(&ring, &mut rng))).collect();
        let expected = |[mut d0, mut d1, mut d2]: [RnsPoly<Eval>; 3], terms: &[TensorTerm<'_>]| {
            for [a0, a1, b0, b1] in terms {
                add_product(&mut d0, a0, b0);
                add_product(&mut d1, a0, b1);
                add_product(&mut d1, a1, b0);
                add_product(&mut d2, a1, b1);
            }
            [d0, d1, d2]
        };
        let zero = || [ring.zero(), ring.zero(), ring.zero()];
        let from_zero: Vec<_> = terms.iter().map(|terms| expected(zero(), terms)).collect();
        assert_eq!(ring.sums_of_tensors(&terms), from_zero);
        assert_eq!(ring.sum_of_tensors(&terms[3]), from_zero[3]);
        let mut added = first.clone();
        ring.add_tensors(added.iter_mut().zip(terms.iter().map(|terms| &terms[..])).collect());
        let onto: Vec<_> =
            first.into_iter().zip(&terms).map(|(first, terms)| expected(first, terms)).collect();
        assert_eq!(added, onto);
    }
    assert_eq!(ring().sums_of_tensors(&[]), Vec::<[RnsPoly<Eval>; 3]>::new());
}

#[test]
fn words_that_were_added_are_reduced_to_the_sum() {
    let poly = |seed| ring().forward(random_poly(ring(), &mut rng(seed)));
    let (a, b) = (poly(1), poly(2));
    let mut sums = ResidueSums::from(a.clone());
    sums.words_mut().iter_mut().zip(b.residues()).for_each(|(sum, word)| *sum += word);
    assert_eq!(ring().reduce(sums), Some(sum(&a, &b)));
    assert_eq!(ring().reduce(ResidueSums::zero(DEGREE, 3)), Some(RnsPoly::zero(DEGREE, 3)));
    for limbs in [0, 2, 4] {
        assert_eq!(ring().reduce(ResidueSums::zero(DEGREE, limbs)), None);
    }
}

#[test]
fn operands_may_have_more_limbs_and_those_are_left_alone() {
    let ring = ring();
    let [a, b] = [(); 2].map(|()| random_poly::<Eval>(ring, &mut rng(1)));
    let (lower, cut) = (ring.prefix(2), |poly: &RnsPoly<Eval>| poly.prefix(2));
    type Operation = fn(&RnsBasis, &mut RnsPoly<Eval>, &RnsPoly<Eval>);
    let operations: [Operation; 3] = [RnsBasis::add_assign, RnsBasis::sub_assign, RnsBasis::mul_assign];
    for operation in operations {
        let (mut low, mut high) = (cut(&a), a.clone());
        operation(&lower, &mut low, &b);
        operation(ring, &mut high, &b);
        assert_eq!(low, cut(&high));
        let mut prefix = a.clone();
        operation(&lower, &mut prefix, &b);
        assert_eq!((prefix.prefix(2), prefix.limb(2)), (low, a.limb(2)));
    }
    let term = [[&a, &b, &b, &a]];
    assert_eq!(lower.sum_of_tensors(&term), ring.sum_of_tensors(&term).map(|part| cut(&part)));
}

#[test]
fn new_polynomials_are_those_that_operations_in_place_make() {
    // A limb of the second ring has four blocks.
    let wide = RnsBasis::new(4 * BLOCK, &ntt_primes(4 * BLOCK, 50).take(3).collect::<Vec<_>>()).unwrap();
    for ring in [ring(), &wide] {
        let [a, b] = [4, 5].map(|seed| random_poly::<Eval>(ring, &mut rng(seed)));
        let in_place = |operation: fn(&RnsBasis, &mut RnsPoly<Eval>, &RnsPoly<Eval>)| {
            let mut out = a.prefix(2);
            operation(&ring.prefix(2), &mut out, &b);
            out
        };
        let lower = ring.prefix(2);
        assert_eq!(lower.sum(&a, &b), in_place(RnsBasis::add_assign));
        assert_eq!(lower.difference(&a, &b), in_place(RnsBasis::sub_assign));
        assert_eq!(lower.product(&a, &b), in_place(RnsBasis::mul_assign));
    }
}

#[test]
#[should_panic(expected = "too few limbs")]
fn a_new_polynomial_of_too_few_limbs_panics() {
    let _ = ring().sum(&ring().zero::<Eval>(), &ring().prefix(2).zero());
}

#[test]
fn a_product_is_subtracted_of_the_limbs_named() {
    let (ring, lower) = (ring(), ring().prefix(2));
    let [a, b, c] = [(); 3].map(|()| random_poly::<Eval>(ring, &mut rng(3)));
    let mut difference = a.prefix(2);
    lower.sub_product_assign(&mut difference, &b, &c, |i| i + 1);
    for (i, q) in lower.moduli().enumerate() {
        let limbs = a.limb(i).iter().zip(b.limb(i)).zip(c.limb(i + 1));
        let expected = limbs.map(|((&a, &b), &c)| q.sub(a, q.mul(b, q.reduce(c))));
        assert_eq!(difference.limb(i), expected.collect::<Vec<_>>());
    }
}

#[test]
fn limbs_may_be_added_alone() {
    let ring = ring();
    let [a, b] = [(); 2].map(|()| random_poly::<Eval>(ring, &mut rng(2)));
    let factor: Vec<u64> = ring.moduli().map(|q| q.reduce(1 << 60)).collect();
    let mut scaled = b.clone();
    ring.mul_integer_assign(&mut scaled, &factor);
    for limbs in [0..0, 0..1, 1..3, 0..3] {
        let mut partial = a.clone();
        ring.add_scaled_limbs_assign(&mut partial, (&b, &factor), limbs.clone());
        for i in 0..3 {
            assert_eq!(
                partial.limb(i),
                if limbs.contains(&i) { sum(&a, &scaled) } else { a.clone() }.limb(i)
            );
        }
    }
}

#[test]
fn a_sum_of_multiples_is_that_of_single_ones() {
    let ring = ring();
    let polys = [(); 3].map(|()| random_poly::<Eval>(ring, &mut rng(4)));
    let factors: [Vec<u64>; 3] =
        [3, u64::MAX >> 1, 1 << 45].map(|c| ring.moduli().map(|q| q.reduce(c)).collect());
    let mut expected = ring.zero();
    for (poly, factor) in polys.iter().zip(&factors) {
        let mut multiple = poly.clone();
        ring.mul_integer_assign(&mut multiple, factor);
        ring.add_assign(&mut expected, &multiple);
    }
    let terms: Vec<_> = polys.iter().zip(&factors).map(|(poly, factor)| (poly, &factor[..])).collect();
    assert!(ring.sum_of_multiples(&terms) == expected);
    assert!(ring.prefix(2).sum_of_multiples(&terms) == expected.prefix(2), "limbs beyond are not looked at");
    assert!(ring.sum_of_multiples(&[]) == ring.zero());
}

#[test]
fn images_are_added_as_they_are_made() {
    let ring = ring();
    let [a, b, c] = [5, 6, 7].map(|seed| random_poly::<Eval>(ring, &mut rng(seed)));
    for element in [1, 5, 2 * DEGREE as u64 - 1] {
        let automorphism = Automorphism::new(DEGREE, element).unwrap();
        let mut total = a.clone();
        ring.add_automorphism_assign(&mut total, &[&b, &c], &automorphism);
        assert!(total == sum(&a, &ring.automorphism(&sum(&b, &c), &automorphism)));
    }
}

#[test]
fn wide_coefficients_become_their_residues() {
    let edges = [0, 1, -1, i128::MAX, i128::MIN, i128::MIN + 1, 1 << 64, -(1 << 64), (1 << 100) - 1];
    let values: Vec<i128> = edges.into_iter().cycle().take(DEGREE).collect();
    let integers: Vec<BigInt> = values.iter().map(|&x| x.into()).collect();
    assert_eq!(ring().from_wide(&values), from_integers(ring(), &integers));
}

/// An integer in floating point.
fn from_f64(x: f64) -> BigInt {
    let shift = (x.abs().log2() as i32).saturating_sub(100).max(0);
    BigInt::from((x / 2f64.powi(shift)) as i128) << shift
}

#[test]
fn centred_representatives_are_exact_where_a_float_is_and_close_elsewhere() {
    for bits in [vec![50], vec![20, 50], vec![50, 40, 40], vec![50; 12]] {
        let basis = basis(DEGREE, &bits);
        let product = crt::product(&primes(&basis));
        let half = BigInt::from(&product / 2u32);
        let mut integers: Vec<BigInt> = [0, 1, -1, 524_000, -524_000].map(BigInt::from).to_vec();
        integers.extend([half.clone(), -&half, &half - 1, 1 - &half, &half / 2, -&half / 3]);
        let mut rng = rng(3);
        integers
            .extend((0..DEGREE - integers.len()).map(|i| random_integer(&(&product >> (9 * i)), &mut rng)));
        let poly = from_integers(&basis, &integers);
        for (x, exact) in basis.to_centred(&poly).into_iter().zip(integers) {
            if exact.bits() <= 53 {
                assert_eq!(BigInt::from(x as i64), exact);
            }
            // In units of 2⁻⁵³ of the value: each digit rounds twice, and once it cancels at most half of the sum.
            let error = from_f64(x) - &exact;
            assert!(error.magnitude() << 53 <= exact.magnitude() * (3 * bits.len()), "{exact} became {x}");
        }
    }
}

#[test]
fn bases_are_cut_and_joined_in_order() {
    let ring = ring();
    let other = basis(DEGREE, &[45, 44]);
    let ([q0, q1, _], [p0, p1]) =
        (primes(ring)[..].try_into().unwrap(), primes(&other)[..].try_into().unwrap());
    assert_eq!(primes(&ring.prefix(2)), [q0, q1]);
    assert_eq!(primes(&ring.prefix_with(1, &other)), [q0, p0, p1]);
    assert_eq!((ring.degree(), ring.limb_count(), ring.moduli().len()), (DEGREE, 3, 3));
    assert_eq!(ring.kernel(), Kernel::detect().unwrap());
}

#[test]
fn bases_without_arithmetic_are_refused() {
    let q = ntt_primes(1 << 10, 40).next().unwrap();
    let new = |degree, primes: &[u64]| RnsBasis::new(degree, primes).is_some();
    assert!(new(1 << 10, &[q]) && new(16, &[q, 97]));
    assert!(!new(16, &[q, 97, q]), "a prime twice");
    assert!(!new(16, &[q, 32 * 3 + 3]), "a composite");
    assert!(!new(16, &[q, (1 << 50) - 27]), "a prime without the roots of unity");
    assert!(!new(1 << 15, &[lowest_prime(1 << 10, 40)]), "a prime for smaller degrees");
    assert!(!new(16, &[(1 << 51) - 129]), "a prime above 50 bits");
    assert!(!new(16, &[q, 0]) && !new(16, &[1]) && !new(16, &[2]));
    for degree in [0, 1, 2, 8, 24, 1000] {
        assert!(!new(degree, &[q]), "N={degree}");
    }
}

#[test]
#[should_panic(expected = "too few limbs")]
fn a_first_operand_of_another_basis_panics() {
    ring().neg_assign(&mut ring().prefix(2).zero::<Eval>());
}

#[test]
#[should_panic(expected = "too few limbs")]
fn a_second_operand_with_too_few_limbs_panics() {
    ring().add_assign(&mut ring().zero::<Eval>(), &ring().prefix(2).zero());
}

#[test]
#[should_panic(expected = "left == right")]
fn coefficients_of_another_degree_panic() {
    let _ = ring().from_signed(&[0; DEGREE - 1]);
}
