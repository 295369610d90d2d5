//! Against big integers. Degree 32 where a coefficient is a test value.

use num_bigint::{BigInt, BigUint, Sign};
use proptest::prelude::*;
use volley_testkit::crt;

use super::*;
use crate::Automorphism;
use crate::tests::{
    basis, from_integers, primes, random_integer, random_poly, rng, sum_of_products, to_integers,
};

const DEGREE: usize = 32;

/// ε·S for k source primes: how far from ±S/2 the centred representative is certain.
fn uncertainty(primes: &[u64]) -> BigUint {
    (crt::product(primes) * primes.len() * (primes.len() + 6)) >> 54
}

/// Integers in (−S/2, S/2]: around 0, around the ends, just within what is certain, and random ones of several sizes.
fn values(primes: &[u64], seed: u64) -> Vec<BigInt> {
    let product = crt::product(primes);
    let half = BigInt::from(&product / 2u32);
    let certain = &half - BigInt::from(uncertainty(primes)) - 1;
    let mut values: Vec<BigInt> = (-2..=2).map(BigInt::from).collect();
    values.extend((0..3).flat_map(|d| [&half - d, d - &half]));
    values.extend([-&certain, certain, &half / 2, -&half / 2, &half / 3 * 2]);
    let mut rng = rng(seed);
    let sizes = (0..).map(|i| (&product >> (i % 8 * 10)) + 1u32);
    values.extend(sizes.take(DEGREE - values.len()).map(|bound| random_integer(&bound, &mut rng)));
    values
}

/// Asserts that `limbs` are the residues of the centred representatives modulo the product S of the source primes;
/// near ±S/2 of either.
fn assert_centred(values: &[BigInt], source: &[u64], moduli: &[u64], limbs: &[&[u64]]) {
    let s = BigInt::from(crt::product(source));
    let half = &s / 2;
    let uncertainty = BigInt::from(uncertainty(source));
    for (j, x) in values.iter().enumerate() {
        let residues: Vec<u64> = limbs.iter().map(|limb| limb[j]).collect();
        let other = if x.sign() == Sign::Minus { x + &s } else { x - &s };
        let near_end = &half - BigInt::from(x.magnitude().clone()) <= uncertainty;
        assert!(
            residues == crt::residues(x, moduli) || near_end && residues == crt::residues(&other, moduli),
            "{x} modulo {s} became {residues:?}"
        );
    }
}

/// Bit lengths of source primes and of target primes.
const PAIRS: [(&[u32], &[u32]); 8] = [
    (&[50], &[50, 50, 20]),
    (&[20], &[50]),
    (&[40, 40], &[50, 40, 30]),
    (&[50, 36, 20], &[49, 50, 45, 46]),
    (&[50, 50, 50, 50], &[20]),
    (&[45; 5], &[50; 6]),
    (&[50; 9], &[40; 12]),
    (&[50; 15], &[40; 3]),
];

/// The bases of a pair, without a common prime.
fn bases((source, target): (&[u32], &[u32])) -> (RnsBasis, RnsBasis) {
    let both = basis(DEGREE, &[source, target].concat());
    let target = RnsBasis::new(DEGREE, &primes(&both)[source.len()..]).unwrap();
    (both.prefix(source.len()), target)
}

#[test]
fn exact_conversion_gives_the_centred_representative() {
    for pair in PAIRS {
        let (source, target) = bases(pair);
        for seed in 0..4 {
            let values = values(&primes(&source), seed);
            let converted = convert_basis(&source, &target, &from_integers(&source, &values), true);
            assert_centred(
                &values,
                &primes(&source),
                &primes(&target),
                &converted.limbs().collect::<Vec<_>>(),
            );
        }
    }
}

#[test]
fn fast_conversion_adds_a_small_multiple_of_the_source_product() {
    for (source, target) in PAIRS.map(bases) {
        // The sum is determined only where the target's product exceeds it.
        let product = crt::product(&primes(&source));
        let target = RnsBasis::new(DEGREE, &[primes(&target), primes(&source)].concat()).unwrap();
        let wide = basis(DEGREE, &[35]);
        let target = target.prefix_with(target.limb_count(), &wide);
        let values = values(&primes(&source), 9);
        let converted = convert_basis(&source, &target, &from_integers(&source, &values), false);
        for (x, raised) in values.iter().zip(to_integers(&target, &converted)) {
            let s = BigInt::from(product.clone());
            let smallest = if x.sign() == Sign::Minus { x + &s } else { x.clone() };
            let difference = raised - smallest;
            assert_eq!(&difference % &s, BigInt::ZERO);
            let u = difference / &s;
            assert!(BigInt::ZERO <= u && u < source.limb_count().into(), "u={u}");
        }
    }
}

#[test]
fn conversion_to_the_same_primes_changes_nothing() {
    let basis = basis(DEGREE, &[50, 40, 30]);
    let poly = random_poly(&basis, &mut rng(0));
    assert_eq!(convert_basis(&basis, &basis, &poly, true), poly);
    assert_eq!(convert_basis(&basis, &basis, &poly, false), poly);
}

/// Six ciphertext primes, of which five are live, and two special ones.
fn raised_basis() -> (RnsBasis, RnsBasis) {
    let all = basis(DEGREE, &[50, 40, 40, 40, 40, 40, 50, 50]);
    let special = RnsBasis::new(DEGREE, &primes(&all)[6..]).unwrap();
    (all.prefix(5), all.prefix(5).prefix_with(5, &special))
}

#[test]
fn mod_up_raises_the_centred_digit_and_copies_its_own_limbs() {
    let (live, raised) = raised_basis();
    // At the beginning, in the middle, the partial last one, one prime alone, and all.
    for digit in [0..2, 2..4, 4..5, 0..1, 1..4, 0..5] {
        let gadget = Gadget::new(&raised, [digit.clone()]);
        let digit_primes = &primes(&live)[digit.clone()];
        for seed in 0..4 {
            // The digit's limbs hold chosen values; the other limbs, which must not matter, anything.
            let values = values(digit_primes, seed);
            let mut limbs: Vec<Vec<u64>> =
                random_poly::<Coeff>(&live, &mut rng(seed)).limbs().map(<[u64]>::to_vec).collect();
            limbs.splice(digit.clone(), crt::split_limbs(&values, digit_primes));
            let evaluations = live.forward(RnsPoly::from_residues(DEGREE, limbs.concat()).unwrap());
            let result = gadget.decompose(&evaluations).remove(0);
            for index in digit.clone() {
                assert_eq!(result.limb(index), evaluations.limb(index));
            }
            let result = raised.inverse(result);
            assert_centred(&values, digit_primes, &primes(&raised), &result.limbs().collect::<Vec<_>>());
        }
    }
}

#[test]
fn digits_recompose_to_the_polynomial() {
    // Σ digit·g ≡ x modulo Q, with the gadget g = (Q/D)·[(Q/D)⁻¹]_D of each digit.
    let (live, raised) = raised_basis();
    let coefficients: RnsPoly<Coeff> = random_poly(&live, &mut rng(5));
    let evaluations = live.forward(coefficients.clone());
    let q = crt::product(&primes(&live));
    let mut sum = vec![BigInt::ZERO; DEGREE];
    let digits = [0..2, 2..4, 4..5];
    let raised_digits = Gadget::new(&raised, digits.clone()).decompose(&evaluations);
    for (digit, raised_digit) in digits.into_iter().zip(raised_digits) {
        let digit_primes = &primes(&live)[digit.clone()];
        let product = crt::product(digit_primes);
        let largest = &product / 2u32 + uncertainty(digit_primes);
        let cofactor = &q / &product;
        let gadget = BigInt::from(&cofactor * cofactor.modinv(&product).unwrap());
        for (sum, x) in sum.iter_mut().zip(to_integers(&raised, &raised.inverse(raised_digit))) {
            assert!(*x.magnitude() <= largest);
            *sum += x * &gadget;
        }
    }
    assert_eq!(from_integers(&live, &sum), coefficients);
}

/// (Σ dⱼ·aⱼ, Σ dⱼ·bⱼ), one polynomial after the other, for pairs that have a limb more than the digits after their
/// first `kept` ones.
fn reference_sums(
    basis: &RnsBasis,
    kept: usize,
    digits: &[RnsPoly<Eval>],
    pairs: &[[RnsPoly<Eval>; 2]],
) -> [RnsPoly<Eval>; 2] {
    [0, 1].map(|half| {
        let cut = pairs.iter().map(|pair| {
            let limbs = (0..pair[half].limb_count()).filter(|&limb| limb != kept);
            let residues = limbs.flat_map(|limb| pair[half].limb(limb).to_vec()).collect();
            RnsPoly::from_residues(basis.degree(), residues).unwrap()
        });
        let cut: Vec<_> = cut.collect();
        sum_of_products(basis, &digits.iter().zip(&cut).collect::<Vec<_>>())
    })
}

/// The pairs of a key on a basis, as polynomials and packed.
fn random_pairs(basis: &RnsBasis, count: u64, seed: u64) -> (Vec<[RnsPoly<Eval>; 2]>, Vec<[PackedPoly; 2]>) {
    let pairs: Vec<_> =
        (0..count).map(|j| [(); 2].map(|()| random_poly(basis, &mut rng(seed + j)))).collect();
    let packed = pairs.iter().map(|pair| pair.each_ref().map(|half| basis.pack(half))).collect();
    (pairs, packed)
}

#[test]
fn a_fused_inner_product_equals_that_of_the_digits() {
    let (live, raised) = raised_basis();
    let wide = basis(DEGREE, &[50, 40, 40, 40, 40, 40, 50, 50]);
    let poly: RnsPoly<Eval> = random_poly(&live, &mut rng(6));
    let gadget = Gadget::new(&raised, [0..2, 2..4, 4..5]);
    let (pairs, packed) = random_pairs(&wide, 3, 7);
    let limb_of = |limb: usize| if limb < 5 { limb } else { limb + 1 };
    let expected = reference_sums(&raised, 5, &gadget.decompose(&poly), &pairs);
    assert_eq!(gadget.sum_of_pairs(&poly, &packed, limb_of), expected);
}

#[test]
fn a_divided_sum_over_digits_equals_its_parts_one_after_the_other() {
    // More residues than a block.
    const DEGREE: usize = 2048;
    let all = basis(DEGREE, &[50, 40, 40, 40, 40, 40, 50, 50]);
    let special = RnsBasis::new(DEGREE, &primes(&all)[6..]).unwrap();
    let (live, raised) = (all.prefix(5), all.prefix(5).prefix_with(5, &special));
    let [poly, x, y]: [RnsPoly<Eval>; 3] = [6, 7, 8].map(|seed| random_poly(&live, &mut rng(seed)));
    let gadget = Gadget::new(&raised, [0..2, 2..4, 4..5]);
    let (_, pairs) = random_pairs(&all, 3, 9);
    let limb_of = |limb: usize| if limb < 5 { limb } else { limb + 1 };
    let factor: Vec<u64> = live.moduli().map(|q| q.product(special.moduli())).collect();
    let raised_digits = gadget.decompose(&poly);
    let automorphism = Automorphism::new(DEGREE, 25).unwrap();
    for (kept, summands) in [(5, [Some(&x), None]), (4, [Some(&x), Some(&y)]), (6, [None, None])] {
        let (division, kept_basis) = (RoundedDivision::new(&raised, kept), raised.prefix(kept));
        let mut sums = gadget.sum_of_pairs(&poly, &pairs, limb_of);
        for (sum, summand) in sums.iter_mut().zip(summands) {
            if let Some(summand) = summand {
                let mut scaled = summand.clone();
                live.mul_integer_assign(&mut scaled, &factor);
                live.add_assign(sum, &scaled);
            }
        }
        let expected = sums.map(|sum| division.apply(&sum));
        let images = expected.each_ref().map(|half| kept_basis.automorphism(half, &automorphism));
        for raised_before in [true, false] {
            let digits = || {
                if raised_before { Digits::raised(&raised_digits) } else { Digits::new(&gadget, &poly) }
            };
            let sum = || DigitSum { digits: digits(), pairs: &pairs, limb_of, summands, factor: &factor };
            assert_eq!(division.apply_to_sum(&sum(), None), expected);
            assert_eq!(division.apply_to_sum(&sum(), Some(&automorphism)), images);
            let several = division.apply_to_sums(&[(sum(), None), (sum(), Some(&automorphism))]);
            assert_eq!(several, [expected.clone(), images.clone()]);
        }
    }
}

#[test]
fn a_secret_product_with_errors_is_divided_as_their_sum_is() {
    // More residues than a block.
    const DEGREE: usize = 2048;
    let wide = basis(DEGREE, &[50, 40, 40, 50, 50]);
    let special = RnsBasis::new(DEGREE, &primes(&wide)[3..]).unwrap();
    let raised = wide.prefix(2).prefix_with(2, &special);
    let (pair, packed) = random_pairs(&wide, 1, 8);
    let [u, e, f] =
        [3, 39, 41].map(|range| (0..DEGREE as i64).map(|i| i % range - range / 2).collect::<Vec<_>>());
    let limb_of = |limb: usize| if limb < 2 { limb } else { limb + 1 };
    let evaluations = raised.forward(raised.from_signed(&u));
    let sums = reference_sums(&raised, 2, &[evaluations], &pair);
    let division = RoundedDivision::new(&raised, 2);
    let mut errors = [&e, &f].into_iter();
    let expected = sums.map(|mut sum| {
        raised.add_assign(&mut sum, &raised.forward(raised.from_signed(errors.next().unwrap())));
        division.apply(&sum)
    });
    let digits = Digits::small(&raised, &u);
    let sum = DigitSum { digits, pairs: &packed, limb_of, summands: [None; 2], factor: &[] };
    assert_eq!(division.apply_to_secret_sum(&sum, [&e, &f]), expected);
}

/// Asserts |result − x/D| ≤ 1/2 + ε, as integers modulo Q: |result·D − x| ≤ D/2 + ε·D.
fn assert_rounded(basis: &RnsBasis, kept: usize, values: &[BigInt]) {
    let moduli = primes(basis);
    let divisor = crt::product(&moduli[kept..]);
    let division = RoundedDivision::new(basis, kept);
    let result = division.apply(&basis.forward(from_integers(basis, values)));
    assert_eq!(result.limb_count(), kept);
    let quotients = basis.prefix(kept);
    let results = to_integers(&quotients, &quotients.inverse(result));
    let errors: Vec<BigInt> =
        results.iter().zip(values).map(|(r, x)| r * BigInt::from(divisor.clone()) - x).collect();
    let largest = &divisor / 2u32 + uncertainty(&moduli[kept..]);
    for (x, error) in values.iter().zip(to_integers(basis, &from_integers(basis, &errors))) {
        assert!(*error.magnitude() <= largest, "{x} divided by {divisor}: off by {error}");
    }
}

/// Bit lengths of the primes, and how many are kept.
const DIVISIONS: [(&[u32], usize); 8] = [
    (&[50, 40], 1),
    (&[50, 40, 40, 40], 3),
    (&[20, 50], 1),
    (&[50, 20, 20], 2),
    (&[50, 40, 40, 50, 50], 3),
    (&[50, 40, 40, 40, 50, 50], 3),
    (&[40, 40, 50, 50, 50], 2),
    (&[50, 40, 50, 50, 50, 50, 50], 2),
];

#[test]
fn division_rounds_to_nearest() {
    for (bits, kept) in DIVISIONS {
        let basis = basis(DEGREE, bits);
        for seed in 0..4 {
            assert_rounded(&basis, kept, &values(&primes(&basis), seed));
        }
    }
}

#[test]
fn division_rounds_to_nearest_around_its_boundaries() {
    for (bits, kept) in DIVISIONS {
        let basis = basis(DEGREE, bits);
        let divisor = BigInt::from(crt::product(&primes(&basis)[kept..]));
        let half: BigInt = &divisor / 2;
        let offsets = [BigInt::ZERO, half.clone(), &half + 1, -&half, -&half - 1, divisor.clone(), -&divisor];
        let multiples = [0, 1, -1, 40_000].map(|m| &divisor * m);
        let values: Vec<BigInt> = multiples.iter().flat_map(|m| offsets.iter().map(move |o| m + o)).collect();
        let padding = vec![BigInt::ZERO; DEGREE - values.len()];
        assert_rounded(&basis, kept, &[values, padding].concat());
    }
}

#[test]
fn multiples_of_the_divisor_are_divided_exactly() {
    let basis = basis(DEGREE, &[50, 40, 40, 50, 50]);
    let divisor = BigInt::from(crt::product(&primes(&basis)[3..]));
    let quotients = values(&primes(&basis)[..3], 3);
    let multiples: Vec<BigInt> = quotients.iter().map(|x| x * &divisor).collect();
    let result = RoundedDivision::new(&basis, 3).apply(&basis.forward(from_integers(&basis, &multiples)));
    assert_eq!(result, basis.prefix(3).forward(from_integers(&basis.prefix(3), &quotients)));
}

#[test]
fn dividing_step_by_step_is_within_one_of_dividing_at_once() {
    let basis = basis(DEGREE, &[50, 40, 40, 50]);
    let poly = random_poly(&basis, &mut rng(6));
    let at_once = RoundedDivision::new(&basis, 2).apply(&poly);
    let first = RoundedDivision::new(&basis, 3).apply(&poly);
    let mut difference = RoundedDivision::new(&basis.prefix(3), 2).apply(&first);
    let kept = basis.prefix(2);
    kept.sub_assign(&mut difference, &at_once);
    assert!(to_integers(&kept, &kept.inverse(difference)).iter().all(|x| x.magnitude() <= &1u32.into()));
}

proptest! {
    #[test]
    fn exact_conversion_there_and_back_is_the_identity(seed: u64) {
        let (source, target) = bases((&[50, 40, 30], &[49, 45, 41]));
        let bound = crt::product(&primes(&source));
        let values: Vec<BigInt> = (0..DEGREE).map(|i| random_integer(&bound, &mut rng(seed ^ i as u64))).collect();
        let poly = from_integers(&source, &values);
        let there = convert_basis(&source, &target, &poly, true);
        prop_assert_eq!(convert_basis(&target, &source, &there, true), poly);
    }
}

#[test]
#[should_panic(expected = "is_empty")]
fn an_empty_digit_panics() {
    let _ = Gadget::new(&basis(DEGREE, &[50, 40]), std::iter::once(1..1));
}

#[test]
#[should_panic(expected = "kept > 0")]
fn keeping_no_prime_panics() {
    let _ = RoundedDivision::new(&basis(DEGREE, &[50, 40]), 0);
}

#[test]
#[should_panic(expected = "limb_count")]
fn dividing_a_polynomial_of_another_basis_panics() {
    let basis = basis(DEGREE, &[50, 40, 40]);
    let _ = RoundedDivision::new(&basis, 2).apply(&basis.prefix(2).zero());
}
