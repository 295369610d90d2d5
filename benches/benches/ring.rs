//! The ring: the transforms of one limb, and the operations that key switching and products are made of.
//!
//! Rayon uses all processors: set `RAYON_NUM_THREADS=1` for the time of one.

use criterion::{BatchSize, Criterion};
use volley_ring::prime::ntt_primes;
use volley_ring::sampling::{Domain, Seed, expand_uniform};
use volley_ring::{Automorphism, DigitSum, Digits, Eval, Gadget, RnsBasis, RnsPoly, RoundedDivision};

/// A ring with its modulus chain at the top level.
struct Setting {
    degree: usize,
    /// Ciphertext primes of 40 bits.
    live: usize,
    /// Special primes of 50 bits, and how many ciphertext primes make a digit.
    special: usize,
}

const SETTINGS: [Setting; 2] =
    [Setting { degree: 1 << 14, live: 8, special: 2 }, Setting { degree: 1 << 15, live: 15, special: 5 }];

impl Setting {
    /// The ciphertext primes, then the special ones.
    fn basis(&self) -> RnsBasis {
        let live = ntt_primes(self.degree, 40).take(self.live);
        let primes: Vec<u64> = live.chain(ntt_primes(self.degree, 50).take(self.special)).collect();
        RnsBasis::new(self.degree, &primes).expect("distinct NTT primes")
    }

    fn id(&self, operation: &str) -> String {
        format!("{operation}/N={}", self.degree)
    }
}

fn uniform(basis: &RnsBasis, digit: u16) -> RnsPoly<Eval> {
    expand_uniform(basis, &Seed([0; 32]), Domain::Ciphertext, digit, |limb| limb as u32)
}

/// One limb each way. One input at a time: a batch of them would not stay in the cache.
fn transforms(criterion: &mut Criterion, degree: usize) {
    let primes: Vec<u64> = ntt_primes(degree, 40).take(1).collect();
    let basis = RnsBasis::new(degree, &primes).expect("an NTT prime");
    let evaluations = uniform(&basis, 0);
    let coefficients = basis.inverse(evaluations.clone());
    criterion.bench_function(&format!("ntt/forward/N={degree}"), |bencher| {
        bencher.iter_batched(|| coefficients.clone(), |poly| basis.forward(poly), BatchSize::PerIteration);
    });
    criterion.bench_function(&format!("ntt/inverse/N={degree}"), |bencher| {
        bencher.iter_batched(|| evaluations.clone(), |poly| basis.inverse(poly), BatchSize::PerIteration);
    });
}

/// One digit to all primes; rescaling by one prime, ModDown by the special ones, and both at once.
fn conversions(criterion: &mut Criterion, setting: &Setting) {
    let basis = setting.basis();
    let live = basis.prefix(setting.live);
    let evaluations = uniform(&live, 0);
    let mod_up = Gadget::new(&basis, std::iter::once(0..setting.special));
    criterion.bench_function(&setting.id("mod_up"), |bencher| {
        bencher.iter(|| mod_up.decompose(&evaluations));
    });
    let raised = uniform(&basis, 1);
    let divisions = [
        ("rounded_division/rescale", &live, setting.live - 1, &evaluations),
        ("rounded_division/mod_down", &basis, setting.live, &raised),
        ("rounded_division/mod_down_and_rescale", &basis, setting.live - 1, &raised),
    ];
    for (name, basis, kept, poly) in divisions {
        let division = RoundedDivision::new(basis, kept);
        criterion.bench_function(&setting.id(name), |bencher| bencher.iter(|| division.apply(poly)));
    }
}

/// The inner product of a key switch, a sum of four ciphertext products, and an automorphism of one polynomial.
fn pointwise(criterion: &mut Criterion, setting: &Setting) {
    let basis = setting.basis();
    let digits = setting.live.div_ceil(setting.special);
    let polys: Vec<_> = (0..16).map(|digit| uniform(&basis, digit)).collect();
    let pairs: Vec<_> = polys[digits..]
        .chunks_exact(2)
        .take(digits)
        .map(|p| [basis.pack(&p[0]), basis.pack(&p[1])])
        .collect();
    criterion.bench_function(&setting.id("sum_of_pairs"), |bencher| {
        let sum = || DigitSum {
            digits: Digits::raised(&polys[..digits]),
            pairs: &pairs,
            limb_of: |limb| limb,
            summands: [None; 2],
            factor: &[],
        };
        bencher.iter(|| sum().limbs(&basis, 0..basis.limb_count()));
    });
    let live = basis.prefix(setting.live);
    let tensors: Vec<_> = polys.chunks_exact(4).map(|p| [&p[0], &p[1], &p[2], &p[3]]).collect();
    criterion.bench_function(&setting.id("sum_of_tensors"), |bencher| {
        bencher.iter(|| live.sum_of_tensors(&tensors));
    });
    let rotation = Automorphism::new(setting.degree, 5).expect("an odd element");
    criterion.bench_function(&setting.id("automorphism"), |bencher| {
        bencher.iter(|| live.automorphism(&polys[0], &rotation));
    });
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    for log_n in 13..=16 {
        transforms(&mut criterion, 1 << log_n);
    }
    for setting in &SETTINGS {
        conversions(&mut criterion, setting);
        pointwise(&mut criterion, setting);
    }
    criterion.final_summary();
}
