use super::*;
use crate::prime::ntt_primes;
use crate::sampling::{Domain, Seed, expand_uniform};
use crate::tests::sum_of_products;

const DEGREE: usize = 1 << 12;
const KEPT: usize = 3;

/// A basis of five primes, the last two of which the parts do not have, and a wider one for the pairs.
struct Sample {
    basis: RnsBasis,
    parts: [RnsPoly<Eval>; 2],
    digits: Vec<RnsPoly<Eval>>,
    /// By image and digit, on the basis with one more prime in the middle.
    wide: Vec<Vec<[PackedPoly; 2]>>,
    /// The same on the basis, and as polynomials.
    narrow: Vec<Vec<[PackedPoly; 2]>>,
    pairs: Vec<Vec<[RnsPoly<Eval>; 2]>>,
    automorphisms: Vec<Automorphism>,
    factors: Vec<RnsPoly<Eval>>,
    packed_factors: Vec<PackedPoly>,
}

fn sample() -> Sample {
    let primes: Vec<u64> = ntt_primes(DEGREE, 40).take(6).collect();
    let wide = RnsBasis::new(DEGREE, &primes).unwrap();
    let basis = wide.prefix(KEPT).prefix_with(KEPT, &RnsBasis::new(DEGREE, &primes[KEPT + 1..]).unwrap());
    let uniform = |basis: &RnsBasis, seed, digit| {
        expand_uniform(basis, &Seed([seed; 32]), Domain::Ciphertext, digit, |limb| limb as u32)
    };
    let wide_pairs: Vec<Vec<[_; 2]>> = (0..2)
        .map(|image| {
            (0..2).map(|digit| [0, 1].map(|half| uniform(&wide, 9 + half, 2 * image + digit))).collect()
        })
        .collect();
    let narrow = |poly: &RnsPoly<Eval>| {
        let limbs = (0..=5).filter(|&limb| limb != KEPT).flat_map(|limb| poly.limb(limb).to_vec());
        RnsPoly::from_residues(DEGREE, limbs.collect()).unwrap()
    };
    let pairs: Vec<Vec<[_; 2]>> = wide_pairs
        .iter()
        .map(|pairs| pairs.iter().map(|pair| pair.each_ref().map(narrow)).collect())
        .collect();
    let pack = |basis: &RnsBasis, pairs: &[Vec<[RnsPoly<Eval>; 2]>]| {
        let pair = |pair: &[_; 2]| pair.each_ref().map(|half| basis.pack(half));
        pairs.iter().map(|pairs| pairs.iter().map(pair).collect()).collect()
    };
    let factors: Vec<_> = (0..6).map(|digit| uniform(&basis, 4, digit)).collect();
    Sample {
        parts: [1, 2].map(|seed| uniform(&basis.prefix(KEPT), seed, 0)),
        digits: (0..2).map(|digit| uniform(&basis, 3, digit)).collect(),
        packed_factors: factors.iter().map(|factor| basis.pack(factor)).collect(),
        factors,
        automorphisms: [5, 25].map(|element| Automorphism::new(DEGREE, element).unwrap()).into(),
        wide: pack(&wide, &wide_pairs),
        narrow: pack(&basis, &pairs),
        pairs,
        basis,
    }
}

impl Sample {
    /// The pair itself and both switched images, one operation after the other.
    fn reference_images(&self) -> Vec<[RnsPoly<Eval>; 2]> {
        let basis = &self.basis;
        let extended = self.parts.each_ref().map(|part| {
            let mut residues = part.residues().to_vec();
            residues.resize(basis.limb_count() * DEGREE, 0);
            RnsPoly::from_residues(DEGREE, residues).unwrap()
        });
        let mut images = vec![extended.clone()];
        for (pairs, automorphism) in self.pairs.iter().zip(&self.automorphisms) {
            let half = |half: usize| {
                let terms: Vec<_> = self.digits.iter().zip(pairs).map(|(d, pair)| (d, &pair[half])).collect();
                let mut sum = sum_of_products(basis, &terms);
                if half == 0 {
                    basis.add_assign(&mut sum, &extended[0]);
                }
                basis.automorphism(&sum, automorphism)
            };
            images.push([half(0), half(1)]);
        }
        images
    }

    fn images<'a>(&'a self, pairs: &'a [Vec<[PackedPoly; 2]>]) -> Vec<Image<'a>> {
        let switched = pairs
            .iter()
            .zip(&self.automorphisms)
            .map(|(pairs, automorphism)| Image::Switched { pairs, automorphism });
        std::iter::once(Image::Itself).chain(switched).collect()
    }

    fn source(&self) -> HoistedPair<'_> {
        HoistedPair { parts: self.parts.each_ref(), digits: &self.digits }
    }
}

#[test]
fn sums_of_images_are_those_of_the_single_operations() {
    let sample = sample();
    let references = sample.reference_images();
    let lists: [&[usize]; 5] = [&[0, 1, 2], &[2], &[0], &[], &[1, 1, 0, 2, 1, 0]];
    let sums: Vec<Vec<_>> =
        lists.iter().map(|list| list.iter().copied().zip(&sample.packed_factors).collect()).collect();
    for pairs in [&sample.narrow, &sample.wide] {
        let results = sample.basis.sums_of_images(sample.source(), &sample.images(pairs), &sums);
        for (list, result) in lists.iter().zip(&results) {
            for half in 0..2 {
                let images = list.iter().map(|&image| &references[image][half]);
                let terms: Vec<_> = sample.factors.iter().zip(images).collect();
                assert!(result[half] == sum_of_products(&sample.basis, &terms));
            }
        }
    }
}

#[test]
fn a_sum_without_factors_is_that_of_the_images() {
    let sample = sample();
    let images = sample.images(&sample.wide);
    let references = sample.reference_images();
    for range in [0..3, 1..3, 0..1, 1..1] {
        let sum = sample.basis.sum_of_images(sample.source(), &images[range.clone()]);
        for half in 0..2 {
            let mut expected = sample.basis.zero();
            for image in &references[range.clone()] {
                sample.basis.add_assign(&mut expected, &image[half]);
            }
            assert!(sum[half] == expected);
        }
    }
}

#[test]
fn sums_do_not_depend_on_the_number_of_threads() {
    let sample = sample();
    let [first, second, third, ..] = &*sample.packed_factors else { panic!("six factors") };
    let sums = [vec![(0, first), (2, second)], vec![(1, third)]];
    let run = |threads: usize| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| sample.basis.sums_of_images(sample.source(), &sample.images(&sample.narrow), &sums))
    };
    assert!(run(1) == run(3));
}
