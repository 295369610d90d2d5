use super::*;
use crate::testing::{Setup, random_slots, rng};
use crate::{Complex64, Operation, ParametersLiteral, Precision, Security, Simulator};

/// The most integers that the tests take: those of an ephemeral secret of 32 coefficients.
const RANGE: u32 = 16;

fn literal(log_message_ratio: u32, degree: usize, double_angles: u32, arcsine_degree: usize) -> EvalModLiteral {
    // Outputs in [−1, 1].
    let output_factor = f64::from(log_message_ratio).exp2();
    EvalModLiteral { range: RANGE, log_message_ratio, degree, double_angles, arcsine_degree, output_factor }
}

/// `levels` of one prime of `bits` bits, or of two of half as many, over a first of a few bits more.
fn chain(log_n: u32, levels: usize, bits: u32) -> Parameters {
    let level = if bits > 50 { vec![bits / 2; 2] } else { vec![bits] };
    let literal = ParametersLiteral {
        log_n,
        q_bits: vec![level; levels + 1].concat(),
        p_bits: vec![50, 50],
        log_scale: bits.min(60) - u32::from(bits <= 50),
        security: Security::Unchecked,
    };
    literal.build().unwrap()
}

/// I and ε for each slot: integers as an ephemeral secret makes them (a sum of 33 uniform values: deviation 1.66), the
/// largest among them, and ε uniform on [−1/R, 1/R] with both ends.
fn inputs(slots: usize, message_ratio: f64, seed: u64) -> Vec<(f64, f64)> {
    let mut uniform = random_slots(34 * slots, &mut rng(seed)).into_iter().map(|z| 0.5 * z.re);
    (0..slots)
        .map(|slot| {
            let sum: f64 = uniform.by_ref().take(33).sum();
            let epsilon = 2.0 * uniform.next().unwrap() / message_ratio;
            let extreme = f64::from(RANGE) * if slot.is_multiple_of(2) { 1.0 } else { -1.0 };
            match slot {
                0 | 1 => (extreme, epsilon),
                2 | 3 => (0.0, extreme.signum() / message_ratio),
                _ => (sum.round(), epsilon),
            }
        })
        .collect()
}

/// Errors of decrypted outputs, and how they compare with the approximation and with noise.
struct Run {
    precision: Precision,
    root_mean_square: f64,
}

/// Encrypts, reduces and decrypts; the simulator does the same before.
fn run(eval_mod: &EvalMod, parameters: Parameters) -> Run {
    let level = parameters.max_level();
    let setup = Setup::new(parameters, |spec| spec.relinearization(level));
    let parameters = setup.context.parameters();
    let scale = eval_mod.input_scale(parameters, level);
    let simulator = Simulator::new(parameters);
    let simulated = simulator.input(&scale, level).unwrap();
    let simulated = eval_mod.evaluate(&simulator, &simulated).unwrap();

    let literal = eval_mod.literal();
    let inputs = inputs(parameters.max_slots(), literal.message_ratio(), 5);
    let slots: Vec<_> =
        inputs.iter().map(|(i, epsilon)| Complex64::from((i + epsilon) / eval_mod.input_divisor())).collect();
    let result = eval_mod.evaluate(&setup.evaluator, &setup.encrypt_at(&slots, &scale, level, 6)).unwrap();

    assert_eq!(result.operand(), simulator.operand(&simulated));
    assert_eq!(setup.evaluator.counts(), simulator.counts());
    assert_eq!(result.level(), level - eval_mod.levels());
    assert_eq!(result.scale(), &eval_mod.output_scale(parameters, level).unwrap());
    let expected: Vec<f64> = inputs.iter().map(|(_, epsilon)| literal.output_factor * epsilon).collect();
    let actual: Vec<f64> = setup.decrypt(&result).iter().map(|v| v.re).collect();
    let squares: f64 = expected.iter().zip(&actual).map(|(e, a)| (e - a).powi(2)).sum();
    Run {
        precision: Precision::measure(&expected, &actual),
        root_mean_square: (squares / expected.len() as f64).sqrt(),
    }
}

#[test]
fn measured() {
    for (log_n, bits) in [(11, 49), (11, 60), (12, 49), (12, 60)] {
        for (ratio, degree, r, arcsine) in [(8, 62, 2, 3), (8, 30, 3, 3), (8, 62, 2, 5), (10, 62, 2, 3), (12, 62, 2, 3), (8,62,2,1), (8,30,3,1)] {
            let eval_mod = EvalMod::new(&literal(ratio, degree, r, arcsine)).unwrap();
            let parameters = chain(log_n, eval_mod.levels(), bits);
            let run = run(&eval_mod, parameters);
            eprintln!("N 2^{log_n} bits {bits} R 2^{ratio} degree {degree} r {r} arcsine {arcsine}: levels {} approximation {:.1} worst {:.1} rms {:.1}",
                eval_mod.levels(), -eval_mod.max_error().log2(), run.precision.worst_bits(), -run.root_mean_square.log2());
        }
    }
}
