use proptest::prelude::*;
use volley_ckks::{Arithmetic, Operation, SimulatedCiphertext};

use super::*;
use crate::error::Error;
use crate::layout::Shape;
use crate::skewed::Skewed;

/// Gradients by some groups at a time, whose copies are made beforehand and kept, or made when they are needed.
struct Gradients {
    kept: bool,
    at_once: usize,
}

impl Circuit for Gradients {
    type Error = Error;

    fn levels(&self) -> usize {
        2
    }

    fn groups_at_once(&self, _: Layout) -> usize {
        self.at_once
    }

    fn simulate(&self, simulator: &Arc<Simulator>, layout: Layout, split: Split) -> Result<(), Error> {
        let skewed = Skewed::new(simulator, layout, split)?;
        let input = || Ok(simulator.input(&simulator.parameters().scale(), 2)?);
        let copies = || {
            let features = (0..layout.column_blocks()).map(|_| input()).collect::<Result<Vec<_>, Error>>()?;
            skewed.backward_copies(&features, 2)
        };
        let all = if self.kept { layout.groups() } else { 0 };
        let kept = (0..all).map(|_| copies()).collect::<Result<Vec<_>, Error>>()?;
        let mut sums = None;
        for groups in (0..layout.groups()).collect::<Vec<_>>().chunks(self.at_once) {
            let made = if self.kept { 0 } else { groups.len() };
            let made = (0..made).map(|_| copies()).collect::<Result<Vec<_>, Error>>()?;
            let copies = if self.kept { &kept[groups[0]..][..groups.len()] } else { &made };
            let errors = groups
                .iter()
                .map(|&group| {
                    let parts = layout.parts(group).iter();
                    let errors =
                        parts.map(|_| input()).collect::<Result<Vec<SimulatedCiphertext>, Error>>()?;
                    let sum = errors.into_iter().reduce(|a, b| simulator.add(&a, &b).unwrap());
                    skewed.revolve_errors(&sum.unwrap())
                })
                .collect::<Result<Vec<_>, Error>>()?;
            sums = Some(match sums {
                Some(sums) => skewed.accumulate_onto(sums, copies, &errors)?,
                None => skewed.accumulate(copies, &errors)?,
            });
        }
        skewed.gradient(&sums.unwrap()).map(drop)
    }
}

fn parameters() -> Parameters {
    super::super::build(10, 2, 1, volley_ckks::Security::Unchecked, None).unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn few_groups_tell_what_all_take(
        groups in 1_usize..120,
        last in 1_usize..=32,
        columns in 1_usize..60,
        classes in 2_usize..9,
        kept: bool,
        at_once in 1_usize..=8,
    ) {
        let parameters = parameters();
        let shape = |samples| Shape { samples, columns, classes };
        let of_group = 2 * Layout::new(shape(1), parameters.max_slots()).unwrap().rows();
        let samples = (groups - 1) * of_group + last.min(of_group);
        let layout = Layout::new(shape(samples), parameters.max_slots()).unwrap();
        prop_assert_eq!(layout.groups(), groups);
        let circuit = Gradients { kept, at_once };
        for split in Split::candidates(&layout) {
            let whole = simulated(&circuit, &parameters, layout, split).unwrap();
            let counted = Counted::of(&circuit, &parameters, layout, split).unwrap();
            let expected = Counted { least_bytes: counted.least_bytes, ..Counted::from(&*whole) };
            prop_assert_eq!(&counted, &expected, "{:?}", layout);
            prop_assert!(counted.least_bytes <= whole.peak_ciphertext_bytes());
            prop_assert!(whole.peak_ciphertext_bytes() <= whole.peak_memory_bytes());
            let peak = Peak::of(&circuit, &parameters, layout, split).unwrap();
            prop_assert_eq!(peak, Peak::from(&*whole), "{:?}, {} at a time", layout, at_once);
            let products = groups * layout.column_blocks() * layout.period();
            prop_assert_eq!(counted.counts.total(Operation::Product), products as u64);
        }
    }
}

#[test]
fn what_is_simulated_does_not_grow_with_the_groups() {
    let simulated = |samples| {
        let shape = Shape { samples, columns: 10, classes: 2 };
        let layout = Layout::new(shape, parameters().max_slots()).unwrap();
        (layout.groups(), simulated_groups(&layout))
    };
    assert_eq!(simulated(1), (1, 2));
    assert_eq!(simulated(25 * 64), (25, 5 + 25));
    assert_eq!(simulated(25 * 64 + 1), (26, 5 + 49));
    assert_eq!(simulated(1_000_000), (15_625, 5 + 49));
}

/// Rotations of both kinds make the same ciphertexts, and hold other digits while they do.
#[test]
fn what_is_alive_does_not_depend_on_how_rotations_are_made() {
    use crate::skewed::Rotations::{Hoisted, Successive};
    for (samples, columns, classes) in [(10, 5, 2), (400, 30, 3), (60, 90, 8)] {
        let layout = Layout::new(Shape { samples, columns, classes }, parameters().max_slots()).unwrap();
        for kept in [true, false] {
            let circuit = Gradients { kept, at_once: 2 };
            for split in Split::candidates(&layout) {
                let bytes = |copies, factors| {
                    let split = split.with_rotations(copies, factors);
                    Peak::of(&circuit, &parameters(), layout, split).unwrap().least_bytes
                };
                let hoisted = bytes(Hoisted, Hoisted);
                for (copies, factors) in
                    [(Hoisted, Successive), (Successive, Hoisted), (Successive, Successive)]
                {
                    assert_eq!(bytes(copies, factors), hoisted, "{layout:?}, {split:?}");
                }
            }
        }
    }
}
