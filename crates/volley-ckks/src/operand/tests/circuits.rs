//! Random circuits of random scales and levels: evaluator and simulator refuse the same, and what they accept is right.

use super::*;

/// Deviations of errors of N = 32 and of key switches stay below this, in units of coefficients, in every slot.
const UNIT_ERROR: f64 = 4096.0;

/// Rounding errors of doubles, in transforms and in scales.
const DOUBLE: f64 = 1e-13;

/// An operation on ciphertexts that are named by their position.
#[derive(Clone, Debug)]
enum Operation {
    Add(Index, Index),
    AddConstant(Index, f64),
    MultiplyPlain { a: Index, value: f64, log_scale: i32, level: usize },
    MultiplyConstant { a: Index, c: f64, log_scale: i32 },
    LinearCombination { terms: Vec<(Index, f64)>, log_scale: i32, level: usize },
    SumOfProducts { terms: Vec<(Index, Index)>, rescale: bool },
    Rescale(Index),
    DropLevel(Index, usize),
    Rotate(Index, i64),
    RotateHoisted(Index, [i64; 2]),
    SumOfRotations(Index, Vec<i64>),
    Conjugate(Index),
}

use Operation as Op;

fn operation() -> impl Strategy<Value = Operation> {
    let index = any::<Index>;
    let (constant, log_scale, level) = (-1.0..1.0, -20..120, 0..=LEVELS);
    let steps = prop_oneof![-40..40i64, any::<i64>()];
    let term = (index(), constant.clone());
    prop_oneof![
        (index(), index()).prop_map(|(a, b)| Op::Add(a, b)),
        (index(), prop_oneof![constant.clone(), -1e9..1e9]).prop_map(|(a, c)| Op::AddConstant(a, c)),
        (index(), constant.clone(), log_scale.clone(), level.clone())
            .prop_map(|(a, value, log_scale, level)| Op::MultiplyPlain { a, value, log_scale, level }),
        (index(), constant, log_scale.clone()).prop_map(|(a, c, log_scale)| Op::MultiplyConstant {
            a,
            c,
            log_scale
        }),
        (prop::collection::vec(term, 0..3), log_scale, level.clone())
            .prop_map(|(terms, log_scale, level)| Op::LinearCombination { terms, log_scale, level }),
        (prop::collection::vec((index(), index()), 0..3), any::<bool>())
            .prop_map(|(terms, rescale)| Op::SumOfProducts { terms, rescale }),
        (index(), any::<bool>())
            .prop_map(|(a, rescale)| Op::SumOfProducts { terms: vec![(a, a), (a, a)], rescale }),
        index().prop_map(Op::Rescale),
        (index(), level).prop_map(|(a, level)| Op::DropLevel(a, level)),
        (index(), steps.clone()).prop_map(|(a, steps)| Op::Rotate(a, steps)),
        (index(), [steps.clone(), steps.clone()]).prop_map(|(a, steps)| Op::RotateHoisted(a, steps)),
        (index(), prop::collection::vec(steps, 0..4)).prop_map(|(a, steps)| Op::SumOfRotations(a, steps)),
        index().prop_map(Op::Conjugate),
    ]
}

/// Inputs by level, log₂ of scale and of slots.
fn inputs() -> impl Strategy<Value = Vec<(usize, i32, u32)>> {
    prop::collection::vec((0..=LEVELS, prop_oneof![20..60i32, 20..110i32], 0..=4u32), 1..4)
}

impl Operation {
    fn apply<A: Arithmetic>(&self, ev: &A, pool: &[A::Ciphertext]) -> Result<A::Ciphertext, Error> {
        let get = |index: &Index| index.get(pool);
        match self {
            Self::Add(a, b) => ev.add(get(a), get(b)),
            Self::AddConstant(a, c) => ev.add_constant(get(a), *c),
            Self::MultiplyPlain { a, value, log_scale, level } => {
                let plain = ev.encode(|| vec![Complex64::from(*value); 16], &power(*log_scale), *level)?;
                ev.multiply_plain(get(a), &plain)
            }
            Self::MultiplyConstant { a, c, log_scale } => {
                ev.multiply_constant(get(a), *c, &power(*log_scale))
            }
            Self::LinearCombination { terms, log_scale, level } => {
                let terms: Vec<_> = terms.iter().map(|(a, c)| (get(a), *c)).collect();
                ev.linear_combination(&terms, &power(*log_scale), *level)
            }
            Self::SumOfProducts { terms, rescale } => {
                let terms: Vec<_> = terms.iter().map(|(a, b)| (get(a), get(b))).collect();
                let sum = ev.sum_of_products(&terms)?;
                if *rescale { ev.relinearize_rescale(&sum) } else { ev.relinearize(&sum) }
            }
            Self::Rescale(a) => ev.rescale(get(a)),
            Self::DropLevel(a, level) => ev.drop_level(get(a), *level),
            Self::Rotate(a, steps) => ev.rotate(get(a), *steps),
            Self::RotateHoisted(a, steps) => Ok(ev.rotate_hoisted(get(a), steps)?.remove(1)),
            Self::SumOfRotations(a, steps) => ev.sum_of_rotations(get(a), steps),
            Self::Conjugate(a) => ev.conjugate(get(a)),
        }
    }

    /// The same on values, for a result of an operand.
    fn expected(&self, pool: &[Tracked], result: &Operand) -> Tracked {
        let get = |index: &Index| index.get(pool);
        let unit = UNIT_ERROR / result.scale.to_f64();
        match self {
            Self::Add(a, b) => get(a).plus(get(b)),
            Self::AddConstant(a, c) => get(a).map(1.0, unit, |_, z| z + c),
            Self::MultiplyPlain { a, value: c, log_scale, .. }
            | Self::MultiplyConstant { a, c, log_scale } => get(a).multiple(*c, &power(*log_scale)),
            Self::LinearCombination { terms, .. } => {
                let multiple = |(a, c): &(Index, f64)| {
                    let a = get(a);
                    a.multiple(*c, &result.scale.divided_by(&a.operand.scale))
                };
                terms.iter().map(multiple).reduce(|a, b| a.plus(&b)).unwrap()
            }
            Self::SumOfProducts { terms, .. } => {
                let product = |(a, b): &(Index, Index)| get(a).times(get(b));
                terms.iter().map(product).reduce(|a, b| a.plus(&b)).unwrap().map(1.0, unit, |_, z| z)
            }
            Self::Rescale(a) => get(a).map(1.0, unit, |_, z| z),
            Self::DropLevel(a, _) => get(a).clone(),
            Self::Rotate(a, steps) => get(a).rotated(*steps, unit),
            Self::RotateHoisted(a, [_, steps]) => get(a).rotated(*steps, unit),
            Self::SumOfRotations(a, steps) => {
                let rotated = steps.iter().map(|&steps| get(a).rotated(steps, unit));
                rotated.reduce(|a, b| a.plus(&b)).unwrap()
            }
            Self::Conjugate(a) => get(a).map(1.0, unit, |_, z| z.conj()),
        }
    }
}

/// What is in the 16 slots of a ciphertext, and how far from it they may be.
#[derive(Clone, Debug)]
struct Tracked {
    operand: Operand,
    slots: Vec<Complex64>,
    error: f64,
}

impl Tracked {
    fn magnitude(&self) -> f64 {
        self.slots.iter().fold(0.0, |max, slot| slot.norm().max(max))
    }

    fn map(&self, factor: f64, error: f64, f: impl Fn(usize, Complex64) -> Complex64) -> Self {
        let slots = self.slots.iter().enumerate().map(|(j, &z)| f(j, z)).collect();
        Self { operand: self.operand.clone(), slots, error: factor * self.error + error }
    }

    fn plus(&self, other: &Self) -> Self {
        self.map(1.0, other.error, |j, z| z + other.slots[j])
    }

    fn times(&self, other: &Self) -> Self {
        let error = self.magnitude() * other.error + self.error * (other.magnitude() + other.error);
        Self { error, ..self.map(0.0, 0.0, |j, z| z * other.slots[j]) }
    }

    /// By a constant that is rounded to a multiple of 1/scale.
    fn multiple(&self, c: f64, scale: &Scale) -> Self {
        let rounding = 0.5 / scale.to_f64();
        self.map(c.abs() + rounding, rounding * self.magnitude(), |_, z| z * c)
    }

    fn rotated(&self, steps: i64, unit: f64) -> Self {
        let slot = |j: usize| (j as i128 + i128::from(steps)).rem_euclid(16) as usize;
        self.map(1.0, unit, |j, _| self.slots[slot(j)])
    }

    /// Whether values and errors stay a factor of two away from half the modulus.
    fn fits(&self, parameters: &Parameters) -> bool {
        let largest = (self.magnitude() + self.error).log2() + self.operand.scale.log2();
        largest < parameters.log_q(self.operand.level) - 2.0
    }
}

/// Slots of at most 1/8, in both arithmetics and in clear, where both take them.
fn input(
    setup: &Setup,
    simulator: &Simulator,
    (level, log_scale, log_slots): (usize, i32, u32),
) -> Option<(Ciphertext, <Simulator as Arithmetic>::Ciphertext, Tracked)> {
    let operand = Operand { level, scale: power(log_scale), slots: 1 << log_slots };
    let values: Vec<_> =
        random_slots(operand.slots, &mut rng(7)).into_iter().map(|z| z * 0.125 / 2f64.sqrt()).collect();
    let simulated = simulator.existing_operand(operand.clone());
    let plaintext = setup.encoder.encode(&values, &operand.scale, level);
    assert_eq!(plaintext.as_ref().err(), simulated.as_ref().err());
    let encrypted = setup.secret_key.encrypt(&plaintext.ok()?, &mut rng(8)).unwrap();
    let encrypted = encrypted.expand(&setup.context).unwrap();
    let slots = values.iter().copied().cycle().take(16).collect();
    let error = UNIT_ERROR / operand.scale.to_f64() + DOUBLE;
    Some((encrypted, simulated.ok()?, Tracked { operand, slots, error }))
}

/// Runs operations on all that there is, and gives how many results were compared and how many refused.
fn run(setup: &Setup, inputs: &[(usize, i32, u32)], operations: &[Operation]) -> [usize; 2] {
    let simulator = Simulator::new(setup.context.parameters());
    let inputs = inputs.iter().filter_map(|&shape| input(setup, &simulator, shape));
    let (mut pool, (mut simulated, mut tracked)): (Vec<_>, (Vec<_>, Vec<_>)) =
        inputs.map(|(a, b, c)| (a, (b, c))).unzip();
    let mut counts = [pool.len(), 0];
    if pool.is_empty() {
        return counts;
    }
    for operation in operations {
        let result = operation.apply(&setup.evaluator, &pool);
        let foreseen = operation.apply(&simulator, &simulated);
        let operands = result.as_ref().map(Ciphertext::operand);
        assert_eq!(operands, foreseen.as_ref().map(|a| simulator.operand(a)), "{operation:?}");
        let (Ok(result), Ok(foreseen)) = (result, foreseen) else {
            counts[1] += 1;
            continue;
        };
        let operand = result.operand().clone();
        let expected = Tracked { operand, ..operation.expected(&tracked, result.operand()) };
        if expected.fits(setup.context.parameters()) {
            for (slot, value) in setup.decrypt(&result).into_iter().enumerate() {
                let error = (value - expected.slots[slot]).norm();
                let bound = expected.error + DOUBLE * expected.magnitude();
                assert!(error <= bound, "{operation:?} slot {slot}: {error} > {bound}");
            }
            counts[0] += 1;
            pool.push(result);
            simulated.push(foreseen);
            tracked.push(expected);
        }
    }
    counts
}

#[test]
fn evaluator_and_simulator_refuse_the_same_and_what_they_accept_is_right() {
    let setup = setup();
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let circuits = (inputs(), prop::collection::vec(operation(), 1..12));
    let mut totals = [0, 0];
    for _ in 0..400 {
        let (inputs, operations) = circuits.new_tree(&mut runner).unwrap().current();
        let counts = run(&setup, &inputs, &operations);
        totals = [totals[0] + counts[0], totals[1] + counts[1]];
    }
    // Neither all nor none is refused.
    assert!(totals.iter().all(|&count| count > 400), "{totals:?}");
}

proptest! {
    #[test]
    fn any_circuit(inputs in inputs(), operations in prop::collection::vec(operation(), 1..12)) {
        static SETUP: std::sync::LazyLock<Setup> = std::sync::LazyLock::new(setup);
        run(&SETUP, &inputs, &operations);
    }
}
