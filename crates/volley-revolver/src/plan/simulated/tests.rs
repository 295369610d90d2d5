use proptest::prelude::*;
use volley_ckks::{Arithmetic, Operation, SimulatedCiphertext};

use super::*;
use crate::error::Error;
use crate::layout::Shape;
use crate::skewed::Skewed;

/// Groups that the circuit of the tests works on at a time.
const AT_A_TIME: usize = 8;

/// Gradients by some groups at a time, whose copies are made beforehand and kept, or made when they are needed.
struct Gradients {
    kept: bool,
}

impl Circuit for Gradients {
    type Error = Error;

    fn levels(&self) -> usize {
        2
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
        for groups in (0..layout.groups()).collect::<Vec<_>>().chunks(AT_A_TIME) {
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
    ) {
        let parameters = parameters();
        let shape = |samples| Shape { samples, columns, classes };
        let of_group = 2 * Layout::new(shape(1), parameters.max_slots()).unwrap().rows();
        let samples = (groups - 1) * of_group + last.min(of_group);
        let layout = Layout::new(shape(samples), parameters.max_slots()).unwrap();
        prop_assert_eq!(layout.groups(), groups);
        let circuit = Gradients { kept };
        for split in Split::candidates(&layout) {
            let whole = Simulated::whole(&circuit, &parameters, layout, split).unwrap();
            let foreseen = Simulated::of(&circuit, &parameters, layout, split).unwrap();
            prop_assert_eq!(&foreseen, &whole, "{:?}", layout);
            let products = groups * layout.column_blocks() * layout.period();
            prop_assert_eq!(foreseen.counts.total(Operation::Product), products as u64);
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
    assert_eq!(simulated(1), (1, 1));
    assert_eq!(simulated(25 * 64), (25, 25));
    assert_eq!(simulated(25 * 64 + 1), (26, 49));
    assert_eq!(simulated(1_000_000), (15_625, 49));
}
