use std::sync::Arc;

use volley_ckks::{Parameters, Security, SimulatedCiphertext, Simulator};

use super::*;
use crate::error::Error;
use crate::layout::Shape;
use crate::skewed::Skewed;

/// Scores of encrypted features, and a gradient by errors at another level.
fn both_products(parameters: &Parameters, layout: Layout, split: Split) -> Result<OperationCounts, Error> {
    let simulator = Arc::new(Simulator::new(parameters));
    let skewed = Skewed::new(&simulator, layout, split)?;
    let inputs = |count: usize| {
        let input = |_| Ok(simulator.input(&parameters.scale(), 3)?);
        (0..count).map(input).collect::<Result<Vec<SimulatedCiphertext>, Error>>()
    };
    let weights = skewed.revolve_weights(&inputs(layout.column_blocks())?)?;
    let (mut copies, mut errors) = (Vec::new(), Vec::new());
    for _ in 0..layout.groups() {
        let features = inputs(layout.column_blocks())?;
        skewed.forward(&skewed.forward_copies(&features, 3)?, &weights)?;
        copies.push(skewed.backward_copies(&features, 2)?);
        errors.push(skewed.revolve_errors(&inputs(1)?[0])?);
    }
    skewed.gradient(&skewed.accumulate(&copies, &errors)?)?;
    Ok(simulator.counts())
}

#[test]
fn the_parts_of_a_split_tell_its_operations() {
    let parameters = super::super::build(10, 3, 1, Security::Unchecked, None).unwrap();
    for (samples, columns, classes) in [(10, 5, 2), (200, 30, 3), (60, 90, 8), (7, 9, 14)] {
        let shape = Shape { samples, columns, classes };
        for layout in Layout::candidates(shape, parameters.max_slots()).unwrap() {
            let counts = |split| both_products(&parameters, layout, split);
            for split in [Split::candidates(&layout), Split::lean_candidates(&layout)].concat() {
                let parts = Parts::of(&layout, split);
                assert_eq!(parts.counts(counts).unwrap(), counts(split).unwrap(), "{layout:?}, {split:?}");
            }
        }
    }
}

#[test]
fn there_are_fewer_parts_than_splits() {
    let shape = Shape { samples: 100, columns: 5, classes: 32 };
    let layout = Layout::new(shape, 1 << 15).unwrap();
    let splits = [Split::candidates(&layout), Split::lean_candidates(&layout)].concat();
    let parts: std::collections::HashSet<_> =
        splits.iter().flat_map(|&split| Parts::of(&layout, split).splits()).collect();
    assert_eq!((splits.len(), parts.len()), (264, 43));
    // Each is the only part of its own.
    let default = Split::on_copies(&layout);
    assert_eq!(Parts::of(&layout, default).splits(), [default; 5]);
}

#[test]
fn what_the_arithmetic_refuses_of_a_part_is_refused() {
    let layout = Layout::new(Shape { samples: 10, columns: 5, classes: 2 }, 512).unwrap();
    let parts = Parts::of(&layout, Split::on_copies(&layout));
    assert_eq!(parts.counts(|_| Err::<OperationCounts, _>("refused")), Err("refused"));
}
