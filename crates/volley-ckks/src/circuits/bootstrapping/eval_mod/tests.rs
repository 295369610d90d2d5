use proptest::prelude::*;

use super::*;
use crate::rlwe::noise::Noise;
use crate::testing::{Setup, random_slots, rng};
use crate::{Complex64, ParametersLiteral, Precision, Scale, Security, Simulator};

/// K of the tests: that of an ephemeral secret of 32 nonzero coefficients.
const RANGE: u32 = 16;

/// Outputs in [−1, 1].
fn literal(
    log_message_ratio: u32,
    degree: usize,
    double_angles: u32,
    arcsine_degree: usize,
) -> EvalModLiteral {
    let output_factor = f64::from(log_message_ratio).exp2();
    EvalModLiteral { range: RANGE, log_message_ratio, degree, double_angles, arcsine_degree, output_factor }
}

/// Levels of `bits` bits, the lowest first: of one prime each, or above 50 bits of two of half as many.
fn chain(log_n: u32, bits: &[u32]) -> Parameters {
    let level = |&bits: &u32| if bits > 50 { vec![bits.div_ceil(2), bits / 2] } else { vec![bits] };
    let literal = ParametersLiteral {
        log_n,
        levels: bits.iter().map(level).collect(),
        p_bits: vec![50, 50],
        log_scale: bits[0] - 1,
        security: Security::Unchecked,
    };
    literal.build().unwrap()
}

/// I and ε for each slot: integers as an ephemeral secret makes them (the rounded sum of 33 uniform values, of
/// deviation 1.66), in two slots the largest, and ε uniform on [−1/R, 1/R], in two slots the largest.
fn inputs(slots: usize, message_ratio: f64, seed: u64) -> Vec<(f64, f64)> {
    let mut uniform = random_slots(34 * slots, &mut rng(seed)).into_iter().map(|z| z.re);
    (0..slots)
        .map(|slot| {
            let sum: f64 = uniform.by_ref().take(33).sum();
            let epsilon = uniform.next().unwrap() / message_ratio;
            let sign = if slot % 2 == 0 { 1.0 } else { -1.0 };
            match slot {
                0 | 1 => (sign * f64::from(RANGE), epsilon),
                2 | 3 => (0.0, sign / message_ratio),
                _ => ((0.5 * sum).round(), epsilon),
            }
        })
        .collect()
}

/// What comes of an encrypted evaluation.
struct Run {
    /// Precision of the worst slot, against f·ε.
    bits: f64,
    /// Root mean square of the error of real parts, without that of the approximation.
    noise: f64,
    /// What the module's formula says of it.
    predicted: f64,
}

/// As [`run_at`], at the input scale of the levels.
fn run(eval_mod: &EvalMod, bits: &[u32]) -> Run {
    run_at(eval_mod, bits, &eval_mod.input_scale(&chain(11, bits), bits.len() - 1))
}

/// Encrypts at the highest of levels of `bits` bits, reduces, decrypts. The simulator does the same beforehand, and
/// levels and scales are those promised.
fn run_at(eval_mod: &EvalMod, bits: &[u32], scale: &Scale) -> Run {
    let level = bits.len() - 1;
    let setup = Setup::new(chain(11, bits), |spec| spec.relinearization(level));
    let parameters = setup.context.parameters();
    let simulator = Simulator::new(parameters);
    let simulated = simulator.input(scale, level).unwrap();
    let simulated = eval_mod.evaluate(&simulator, &simulated).unwrap();

    let literal = eval_mod.literal();
    let inputs = inputs(parameters.max_slots(), literal.message_ratio(), 5);
    let slots: Vec<_> =
        inputs.iter().map(|(i, epsilon)| Complex64::from((i + epsilon) / eval_mod.input_divisor())).collect();
    let result = eval_mod.evaluate(&setup.evaluator, &setup.encrypt_at(&slots, scale, level, 6)).unwrap();

    assert_eq!(result.operand(), simulator.operand(&simulated));
    assert_eq!(setup.evaluator.counts(), simulator.counts());
    assert_eq!(result.level(), level - eval_mod.levels());
    assert_eq!(result.scale(), &eval_mod.output_scale(parameters, level).unwrap());

    let actual: Vec<f64> = setup.decrypt(&result).iter().map(|v| v.re).collect();
    let outputs: Vec<f64> = inputs.iter().map(|(_, epsilon)| literal.output_factor * epsilon).collect();
    let mean_square = |values: &mut dyn Iterator<Item = f64>| {
        (values.map(|value| value * value).sum::<f64>() / inputs.len() as f64).sqrt()
    };
    let (width, factor) = (eval_mod.input_divisor(), literal.output_factor * eval_mod.input_divisor());
    let deviation = |noise: Noise| noise.slot_deviation(parameters, scale) / 2.0_f64.sqrt();
    let fresh = factor * deviation(Noise::encryption());
    let rounding = factor * width * (16.0_f64 / 15.0).sqrt() * deviation(Noise::rounding(parameters));
    Run {
        bits: Precision::measure(&outputs, &actual).worst_bits(),
        noise: mean_square(&mut inputs.iter().zip(&actual).map(|((i, e), a)| a - eval_mod.value(i + e))),
        predicted: mean_square(&mut inputs.iter().map(|(i, _)| fresh.hypot(rounding / (4.0 * (i - 0.25))))),
    }
}

/// Single primes below 2^50, and levels of 60 bits, which are two primes each. The error is the approximation's and the
/// noise of the formula, within a quarter: 1024 slots leave it a tenth of chance, as few of them have I = 0 and most of
/// it.
#[test]
fn precision_on_ciphertexts_follows_the_formula() {
    for (bits, ratio, degree, double_angles, arcsine, at_least) in [
        (49, 8, 56, 2, 3, 22.0),
        (49, 8, 30, 3, 3, 21.0),
        (49, 12, 56, 2, 1, 18.0),
        (60, 8, 56, 2, 3, 28.0),
        (60, 8, 56, 2, 5, 32.0),
        (60, 12, 56, 2, 1, 22.0),
    ] {
        let eval_mod = EvalMod::new(&literal(ratio, degree, double_angles, arcsine)).unwrap();
        let run = run(&eval_mod, &vec![bits; eval_mod.levels() + 2]);
        assert!(run.bits > at_least, "{} bits of {bits} for 2^{ratio}, degree {degree}", run.bits);
        let ratio = run.noise / run.predicted;
        assert!((0.8..1.25).contains(&ratio), "{ratio} times the noise of {}", run.predicted);
    }
}

/// Levels of other lengths: the highest have what the noise comes from, the lowest may be shorter. In ten bits less
/// than ten levels of 60 the noise is less than half.
#[test]
fn levels_of_falling_lengths_follow_their_scales() {
    let eval_mod = EvalMod::new(&literal(8, 56, 2, 3)).unwrap();
    let even = run(&eval_mod, &[60; 12]);
    let falling = run(&eval_mod, &[60, 60, 54, 54, 58, 60, 58, 60, 60, 60, 64, 62]);
    assert!(falling.noise < 0.5 * even.noise, "{} and {}", falling.noise, even.noise);
}

/// What the presets' levels are for. A quotient of the series has the scale that a power leaves of the last level's
/// products, and its error counts as that of any rescaling: where the last level of the series is as short as the
/// scales have become, that is most of the noise.
#[test]
fn the_last_level_of_the_series_is_long_enough_for_its_quotients() {
    // The lowest three, the last of the series after the double angles; the others; the scale of the input.
    for (ratio, degree, chosen, short, others, log_scale) in [
        (13, 58, [50, 66, 60], [60, 60, 57], [62, 65, 67, 69, 69], 68),
        (8, 50, [50, 50, 50], [46, 50, 46], [50, 50, 50, 54, 54], 53),
    ] {
        let eval_mod = EvalMod::new(&literal(ratio, degree, 2, 1)).unwrap();
        let noise = |lowest: [u32; 3]| {
            let bits = [&[60, 60][..], &lowest, &others].concat();
            run_at(&eval_mod, &bits, &Scale::power_of_two(log_scale)).noise
        };
        let [chosen, short] = [noise(chosen), noise(short)];
        assert!(chosen < 0.6 * short, "2^{ratio}: {chosen} and {short}");
    }
}

/// The table of the module.
#[test]
fn levels_and_errors_are_as_documented() {
    for (ratio, degree, double_angles, arcsine, levels, relinearizations, bits) in [
        (8, 30, 3, 1, 8, 11, 14.3),
        (8, 56, 2, 1, 8, 11, 14.3),
        (10, 56, 2, 1, 8, 11, 18.3),
        (12, 56, 2, 1, 8, 11, 22.3),
        (8, 30, 3, 3, 10, 13, 21.3),
        (8, 56, 2, 3, 10, 13, 28.1),
        (10, 56, 2, 3, 10, 13, 35.0),
        (8, 56, 2, 5, 11, 14, 38.0),
    ] {
        let eval_mod = EvalMod::new(&literal(ratio, degree, double_angles, arcsine)).unwrap();
        let measured = -eval_mod.max_error().log2();
        let wanted = if bits > 30.0 { bits..42.0 } else { bits - 0.1..bits + 0.1 };
        assert!(wanted.contains(&measured), "2^-{measured} for R = 2^{ratio}, degree {degree}");
        assert_eq!(eval_mod.levels(), levels);
        // Down to level 1: level 0 has no room for results and constants at the scale of such a chain.
        let (parameters, top) = (chain(10, &vec![45; levels + 2]), levels + 1);
        let simulator = Simulator::new(&parameters);
        let x = simulator.input(&eval_mod.input_scale(&parameters, top), top).unwrap();
        eval_mod.evaluate(&simulator, &x).unwrap();
        assert_eq!(simulator.counts().total(crate::Operation::Relinearization), relinearizations);
    }
}

#[test]
fn other_ranges_and_factors() {
    for (range, degree, double_angles, factor) in [(1, 26, 0, 0.5), (5, 28, 2, 3.0), (28, 62, 3, 1e-3)] {
        let literal =
            EvalModLiteral { range, degree, double_angles, output_factor: factor, ..literal(10, 0, 0, 3) };
        let eval_mod = EvalMod::new(&literal).unwrap();
        assert!(eval_mod.max_error() < 2e-10 * factor, "2^{} for K = {range}", eval_mod.max_error().log2());
        assert_eq!(eval_mod.literal(), &literal);
        assert!((eval_mod.value(1.0 + 1e-4) / (factor * 1e-4) - 1.0).abs() < 1e-4);
    }
}

#[test]
fn what_there_is_no_reduction_for_is_refused() {
    let good = literal(8, 30, 3, 3);
    let refused = |literal: EvalModLiteral| match EvalMod::new(&literal) {
        Err(Error::EvalMod(error)) => error,
        other => panic!("{other:?}"),
    };
    let range = MAX_RANGE + 1;
    assert_eq!(
        refused(EvalModLiteral { range, ..good.clone() }),
        EvalModError::Range { range, max: MAX_RANGE }
    );
    for log2 in [2, 41] {
        let error = refused(EvalModLiteral { log_message_ratio: log2, ..good.clone() });
        assert_eq!(error, EvalModError::MessageRatio { log2, min: 3, max: 40 });
    }
    let count = MAX_DOUBLE_ANGLES + 1;
    assert_eq!(
        refused(EvalModLiteral { double_angles: count, ..good.clone() }),
        EvalModError::DoubleAngles { count, max: MAX_DOUBLE_ANGLES }
    );
    for degree in [0, 2, 9] {
        let error = refused(EvalModLiteral { arcsine_degree: degree, ..good.clone() });
        assert_eq!(error, EvalModError::ArcsineDegree { degree });
    }
    for factor in [0.0, -1.0, f64::INFINITY] {
        let error = refused(EvalModLiteral { output_factor: factor, ..good.clone() });
        assert_eq!(error, EvalModError::OutputFactor { factor });
    }
    let error = EvalMod::new(&EvalModLiteral { degree: 5000, ..good }).unwrap_err();
    assert!(matches!(error, Error::PolynomialDegree { coefficients: 5001, .. }));
}

#[test]
fn too_few_levels_are_refused() {
    let eval_mod = EvalMod::new(&literal(8, 30, 3, 3)).unwrap();
    let parameters = chain(10, &[45; 11]);
    let simulator = Simulator::new(&parameters);
    let low = simulator.input(&parameters.scale(), 9).unwrap();
    let error = Error::LevelExhausted { level: 9, required: 10 };
    assert_eq!(eval_mod.evaluate(&simulator, &low).unwrap_err(), error);
    assert_eq!(eval_mod.output_scale(&parameters, 9).unwrap_err(), error);
    let error = eval_mod.output_scale(&parameters, 11).unwrap_err();
    assert_eq!(error, Error::LevelRange { level: 11, max: 10 });
}

proptest! {
    /// What max_error is of: any integer in range and any ε.
    #[test]
    fn the_exact_remainder_is_within_the_largest_error(integer in -16_i32..=16, epsilon in -1.0_f64..1.0) {
        for literal in [literal(8, 30, 3, 3), literal(10, 56, 2, 1)] {
            let eval_mod = EvalMod::new(&literal).unwrap();
            let u = f64::from(integer) + epsilon / literal.message_ratio();
            let exact = (u - u.round()) * literal.output_factor;
            prop_assert!((eval_mod.value(u) - exact).abs() <= 1.01 * eval_mod.max_error());
        }
    }
}
