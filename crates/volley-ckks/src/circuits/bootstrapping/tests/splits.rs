//! Every number of slots with every split of the stages into matrices.

use super::*;
use crate::circuits::bootstrapping::dft::{CoeffsToSlots, SlotsToCoeffs};
use crate::{Operand, ParametersLiteral};

/// Most levels that are tried for either transform.
const MOST: usize = 5;

/// Levels of CoeffsToSlots and SlotsToCoeffs.
type Split = [usize; 2];

/// The parameters of a preset with other numbers of levels for the two transforms.
fn chain(preset: Preset, log_n: u32, [first, last]: Split) -> Parameters {
    let usual = preset.bootstrapping(2);
    let literal = preset.parameters(log_n, LEVELS, 7, Security::Unchecked);
    let (callers, rest) = literal.levels.split_at(1 + LEVELS);
    let (slots_to_coeffs, rest) = rest.split_at(usual.slots_to_coeffs);
    let (eval_mod, coeffs_to_slots) = rest.split_at(rest.len() - usual.coeffs_to_slots);
    let levels = [
        callers,
        &vec![slots_to_coeffs[0].clone(); last],
        eval_mod,
        &vec![coeffs_to_slots[0].clone(); first],
    ]
    .concat();
    ParametersLiteral { levels, ..literal }.build().unwrap()
}

fn literal(preset: Preset, slots: usize, [coeffs_to_slots, slots_to_coeffs]: Split) -> BootstrappingLiteral {
    BootstrappingLiteral { coeffs_to_slots, slots_to_coeffs, ..preset.bootstrapping(slots) }
}

fn all_slots(log_n: u32) -> impl Iterator<Item = usize> {
    (1..log_n).map(|log_slots| 1 << log_slots)
}

#[test]
fn every_split_of_all_numbers_of_slots_has_the_levels_that_the_caller_was_left() {
    for (preset, log_n) in [(Preset::Fast, 8), (Preset::Precise, 8), (Preset::Precise, 10)] {
        for split in (1..=MOST).flat_map(|first| (1..=MOST).map(move |last| [first, last])) {
            let parameters = chain(preset, log_n, split);
            for slots in all_slots(log_n) {
                let plan = Bootstrapping::new(&parameters, &literal(preset, slots, split)).unwrap();
                let simulator = Simulator::new(&parameters);
                let input = simulator.existing(&parameters.scale(), 0).unwrap();
                let output = plan.prepare(&simulator).unwrap().bootstrap(&simulator, &input).unwrap();
                let expected = Operand { level: LEVELS, scale: parameters.scale(), slots };
                assert_eq!(simulator.operand(&output), &expected, "{preset:?}, {slots} slots, {split:?}");
                assert_eq!(plan.output_level(), LEVELS);
                // No level above the first matrix is used, and keys reach no higher.
                let matrices = split[0].min(slots.ilog2() as usize);
                let top = parameters.max_level() - split[0] + matrices;
                let raised = plan.key_spec().unwrap().raising_level();
                assert_eq!(raised, Some(top), "{preset:?}, {slots} slots, {split:?}");
            }
        }
    }
}

#[test]
fn few_slots_are_as_precise_as_many_whatever_the_split() {
    const LOG_N: u32 = 9;
    for (preset, bound) in [(Preset::Precise, 22.5), (Preset::Fast, 14.2)] {
        for split in [[1, 1], [2, 4], [3, 5], [4, 3], [5, 2]] {
            let parameters = chain(preset, LOG_N, split);
            for slots in all_slots(LOG_N) {
                let bench = Bench::new(parameters.clone(), &literal(preset, slots, split));
                for (name, values) in vectors(slots) {
                    let bits = bench.bits(&values, 9);
                    println!("{preset:?}, {slots} slots, {split:?}, {name}: {bits:.1} bits");
                    assert!(bits > bound, "{preset:?}, {slots} slots, {split:?}, {name}: {bits:.1} bits");
                }
            }
        }
    }
}

#[test]
fn stages_are_shared_out_evenly_among_no_more_matrices_than_there_are_stages() {
    for log_slots in 0..=16 {
        for matrices in [1, 2, 3, 4, 5, 16, 17, usize::MAX] {
            let first = CoeffsToSlots::even_stages(1 << log_slots, matrices);
            let mut last = SlotsToCoeffs::even_stages(1 << log_slots, matrices);
            last.reverse();
            assert_eq!(first, last);
            assert_eq!(first.len(), matrices.min(log_slots));
            assert_eq!(first.iter().sum::<u32>(), log_slots as u32);
            assert!(
                first.is_sorted_by(|a, b| a >= b)
                    && first.first() <= first.last().map(|&least| least + 1).as_ref()
            );
        }
    }
}

#[test]
fn levels_that_no_parameters_have_are_refused() {
    let parameters = small(Preset::Fast);
    let max = parameters.max_level();
    for split in [[usize::MAX, 1], [1, usize::MAX], [usize::MAX, usize::MAX], [1 << 32, 3], [5, 5]] {
        let error = Bootstrapping::new(&parameters, &literal(Preset::Fast, 16, split)).unwrap_err();
        let required = split[0].saturating_add(split[1]).saturating_add(8);
        assert_eq!(error, Error::LevelExhausted { level: max, required });
    }
    for split in [[0, 3], [4, 0]] {
        let error = Bootstrapping::new(&parameters, &literal(Preset::Fast, 16, split)).unwrap_err();
        assert_eq!(error, Error::DftStages { stages: vec![], log_slots: 4 });
    }
    let ratio = BootstrappingLiteral { log_message_ratio: u32::MAX, ..Preset::Fast.bootstrapping(16) };
    let expected = Error::MessageRatio { log_message_ratio: u32::MAX, log_q0: 50, log_scale: 40 };
    assert_eq!(Bootstrapping::new(&parameters, &ratio).unwrap_err(), expected);
}
