use super::*;
use crate::circuits::bootstrapping::{Bootstrapping, Preset};
use crate::testing::{Setup, parameters, random_slots, rng};
use crate::{LinearArithmetic, LinearTransform, Security};

/// Real numbers as slots.
fn reals(values: &[f64]) -> Vec<Complex64> {
    values.iter().map(|&value| value.into()).collect()
}

#[test]
fn what_an_encoder_refuses_is_refused() {
    let setup = Setup::new(parameters(5, 2), |spec| spec);
    let clear = ClearSlots::new(setup.context.parameters());
    let scale = |log2| Scale::power_of_two(log2);
    let nan = [1.0, f64::NAN];
    let cases: [(&[f64], _, _); 8] = [
        (&[1.0; 16], scale(40), 2),
        (&[1.0; 16], scale(40), 3),
        (&[1.0; 12], scale(40), 2),
        (&[1.0; 32], scale(40), 2),
        (&nan, scale(40), 2),
        (&nan, scale(51), 0),
        (&[1.0; 4], scale(49), 0),
        (&[0.5, 0.0, 0.0, 0.0], scale(49), 0),
    ];
    for (index, (values, scale, level)) in cases.into_iter().enumerate() {
        let values = reals(values);
        let expected = setup.encoder.encode(&values, &scale, level).map(|p| p.operand().clone());
        let encoded = clear.encode(|| values.clone(), &scale, level).map(|p| p.operand().clone());
        assert_eq!(encoded, expected, "{index}");
        assert_eq!(clear.input(&values, &scale, level).map(|a| a.operand().clone()), expected, "{index}");
        assert_eq!(expected.is_ok(), [0, 7].contains(&index), "{index}");
    }
}

#[test]
fn few_slots_repeat_beside_many() {
    let parameters = parameters(5, 2);
    let (clear, scale) = (ClearSlots::new(&parameters), parameters.scale());
    let few = clear.input(&[1.0, 2.0], &scale, 2).unwrap();
    let many = clear.input(&[10.0, 20.0, 30.0, 40.0], &scale, 1).unwrap();
    let sum = clear.add(&few, &many).unwrap();
    assert_eq!((sum.values(), sum.operand().level), (&reals(&[11.0, 22.0, 31.0, 42.0])[..], 1));
    let difference = clear.sub(&many, &few).unwrap();
    assert_eq!(difference.values(), reals(&[9.0, 18.0, 29.0, 38.0]));
    let product = clear.sum_of_products(&[(&few, &many), (&few, &few)]).unwrap();
    assert_eq!(product.values(), reals(&[11.0, 44.0, 31.0, 84.0]));
    let terms = clear.linear_combination(&[(&few, 2.0), (&many, -1.0)], &scale.times(&scale), 1).unwrap();
    assert_eq!(terms.values(), reals(&[-8.0, -16.0, -28.0, -36.0]));
    assert_eq!(clear.rotate(&few, 3).unwrap().values(), reals(&[2.0, 1.0]));
    assert_eq!(clear.sum_of_rotations(&many, &[1, -1]).unwrap().values(), reals(&[60.0, 40.0, 60.0, 40.0]));
    assert_eq!(clear.trace(&many, 2).unwrap().values(), reals(&[40.0, 60.0]));
    // The matrix of 4 × 4 with 1, 2, 3, 4 above its diagonal, the last of them in the corner.
    let plan = LinearTransform::new(&parameters, 1, 4, [1]).unwrap();
    let matrix = clear.encode_transform(&plan, &scale, |_| reals(&[1.0, 2.0, 3.0, 4.0])).unwrap();
    let of_few = clear.transform(&few, &matrix).unwrap();
    assert_eq!((of_few.values(), of_few.operand().slots), (&reals(&[2.0, 2.0, 6.0, 4.0])[..], 4));
    let of_many = clear.transform_rescale(&many, &matrix).unwrap();
    assert_eq!((of_many.values(), of_many.operand().level), (&reals(&[20.0, 60.0, 120.0, 40.0])[..], 0));
}

#[test]
fn a_bootstrapping_in_clear_has_the_error_of_its_polynomial_alone() {
    let preset = Preset::Precise;
    let parameters = preset.parameters(9, 2, 9, Security::Unchecked).build().unwrap();
    for slots in [16, 256] {
        let plan = Bootstrapping::new(&parameters, &preset.bootstrapping(slots)).unwrap();
        let clear = ClearSlots::new(&parameters);
        let bootstrapper = plan.prepare(&clear).unwrap();
        let values: Vec<_> =
            random_slots(slots, &mut rng(3)).into_iter().map(|value| value / 2f64.sqrt()).collect();
        let input = clear.input(&values, &parameters.scale(), 0).unwrap();
        let result = bootstrapper.bootstrap(&clear, &input).unwrap();
        let expected = Operand { level: plan.output_level(), scale: plan.output_scale(), slots };
        assert_eq!(result.operand(), &expected);
        for (slot, (result, value)) in result.values().iter().zip(&values).enumerate() {
            assert!((result - value).norm() < 1e-7, "slot {slot}: {result} instead of {value}");
        }
        assert_eq!(clear.simulator().key_spec(), plan.key_spec().unwrap());
    }
}
