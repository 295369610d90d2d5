//! Random circuits: operations on all results so far.

use proptest::prelude::*;
use proptest::sample::Index;
use volley_ckks::bootstrapping::BootstrapArithmetic;
use volley_ckks::{Complex64, Error, LinearTransform, Scale};

use crate::LEVELS;

/// An operation on ciphertexts that are named by their position.
#[derive(Clone, Debug)]
pub(crate) enum Operation {
    Add(Index, Index),
    Sub(Index, Index),
    Neg(Index),
    AddConstant(Index, f64),
    AddPlain {
        a: Index,
        plain: Plain,
    },
    MultiplyPlain {
        a: Index,
        plain: Plain,
    },
    MultiplyConstant {
        a: Index,
        c: f64,
        log_scale: i32,
    },
    LinearCombination {
        terms: Vec<(Index, f64)>,
        log_scale: i32,
        level: usize,
    },
    MultiplyByI(Index),
    SumOfProducts {
        terms: Vec<(Index, Index)>,
        rescale: bool,
    },
    /// a·b + c·d + e, the last of which joins before the relinearization.
    AddTensors([Index; 5]),
    Rescale(Index),
    DropLevel(Index, usize),
    Rotate(Index, i64),
    RotateHoisted(Index, [i64; 2]),
    SumOfRotations(Index, Vec<i64>),
    Conjugate(Index),
    Transform {
        a: Index,
        matrix: Matrix,
        rescale: bool,
    },
    Trace(Index, usize),
    Raise(Index, usize),
}

/// A vector to encode; without a scale of its own, it takes the one of the ciphertext that it is added to.
#[derive(Clone, Debug)]
pub(crate) struct Plain {
    value: f64,
    log_slots: u32,
    log_scale: i32,
    level: usize,
}

/// A matrix by its diagonals.
#[derive(Clone, Debug)]
pub(crate) struct Matrix {
    pub(crate) diagonals: Vec<i64>,
    log_slots: u32,
    log_scale: i32,
    level: usize,
}

impl Plain {
    pub(crate) fn values(&self) -> Vec<Complex64> {
        let slots = 1 << self.log_slots;
        (0..slots).map(|slot| Complex64::from_polar(self.value, slot as f64)).collect()
    }

    /// The largest absolute value.
    pub(crate) fn magnitude(&self) -> f64 {
        self.value.abs()
    }

    pub(crate) fn scale(&self) -> Scale {
        Scale::power_of_two(self.log_scale)
    }
}

impl Matrix {
    /// The largest absolute value in any diagonal.
    pub(crate) const MAGNITUDE: f64 = 0.5;

    fn diagonal(&self, k: usize) -> Vec<Complex64> {
        let value = |slot: u32| Complex64::from_polar(Self::MAGNITUDE, f64::from(slot) + 10.0 * k as f64);
        (0..1 << self.log_slots).map(value).collect()
    }

    pub(crate) fn scale(&self) -> Scale {
        Scale::power_of_two(self.log_scale)
    }
}

use Operation as Op;

pub(crate) fn operation() -> impl Strategy<Value = Operation> {
    let index = any::<Index>;
    let (constant, log_scale, level) = (-1.0..1.0, -20..120, 0..=LEVELS);
    let steps = prop_oneof![-80..80i64, any::<i64>()];
    let term = (index(), constant.clone());
    let plain = (constant.clone(), 0..=5u32, log_scale.clone(), level.clone())
        .prop_map(|(value, log_slots, log_scale, level)| Plain { value, log_slots, log_scale, level });
    let matrix = (prop::collection::vec(-40..40i64, 0..5), 0..=5u32, 20..60, level.clone()).prop_map(
        |(diagonals, log_slots, log_scale, level)| Matrix { diagonals, log_slots, log_scale, level },
    );
    let linear = prop_oneof![
        (index(), index()).prop_map(|(a, b)| Op::Add(a, b)),
        (index(), index()).prop_map(|(a, b)| Op::Sub(a, b)),
        index().prop_map(Op::Neg),
        index().prop_map(Op::MultiplyByI),
        (index(), prop_oneof![constant.clone(), -1e9..1e9]).prop_map(|(a, c)| Op::AddConstant(a, c)),
        (index(), plain.clone()).prop_map(|(a, plain)| Op::AddPlain { a, plain }),
        (index(), level.clone()).prop_map(|(a, level)| Op::DropLevel(a, level)),
        (index(), steps.clone()).prop_map(|(a, steps)| Op::Rotate(a, steps)),
        (index(), [steps.clone(), steps.clone()]).prop_map(|(a, steps)| Op::RotateHoisted(a, steps)),
        (index(), prop::collection::vec(steps, 0..4)).prop_map(|(a, steps)| Op::SumOfRotations(a, steps)),
        index().prop_map(Op::Conjugate),
        (index(), 0..40usize).prop_map(|(a, slots)| Op::Trace(a, slots)),
        (index(), 0..6u32).prop_map(|(a, log_slots)| Op::Trace(a, 1 << log_slots)),
        (index(), 0..=LEVELS + 1).prop_map(|(a, level)| Op::Raise(a, level)),
    ];
    let scaling = prop_oneof![
        (index(), plain).prop_map(|(a, plain)| Op::MultiplyPlain { a, plain }),
        (index(), constant, log_scale.clone()).prop_map(|(a, c, log_scale)| Op::MultiplyConstant {
            a,
            c,
            log_scale
        }),
        (prop::collection::vec(term, 0..3), log_scale, level)
            .prop_map(|(terms, log_scale, level)| Op::LinearCombination { terms, log_scale, level }),
        (prop::collection::vec((index(), index()), 0..3), any::<bool>())
            .prop_map(|(terms, rescale)| Op::SumOfProducts { terms, rescale }),
        (index(), any::<bool>())
            .prop_map(|(a, rescale)| Op::SumOfProducts { terms: vec![(a, a), (a, a)], rescale }),
        [index(), index(), index(), index(), index()].prop_map(Op::AddTensors),
        index().prop_map(Op::Rescale),
        (index(), matrix, any::<bool>()).prop_map(|(a, matrix, rescale)| Op::Transform {
            a,
            matrix,
            rescale
        }),
    ];
    prop_oneof![linear, scaling]
}

impl Operation {
    /// The operation in any arithmetic.
    pub(crate) fn apply<A: BootstrapArithmetic>(
        &self,
        ev: &A,
        pool: &[A::Ciphertext],
    ) -> Result<A::Ciphertext, Error> {
        let get = |index: &Index| index.get(pool);
        let power = Scale::power_of_two;
        match self {
            Self::Add(a, b) => ev.add(get(a), get(b)),
            Self::Sub(a, b) => ev.sub(get(a), get(b)),
            Self::Neg(a) => ev.neg(get(a)),
            Self::AddConstant(a, c) => ev.add_constant(get(a), *c),
            Self::AddPlain { a, plain } => {
                let scale = ev.operand(get(a)).scale.clone();
                ev.add_plain(get(a), &ev.encode(|| plain.values(), &scale, plain.level)?)
            }
            Self::MultiplyPlain { a, plain } => {
                ev.multiply_plain(get(a), &ev.encode(|| plain.values(), &plain.scale(), plain.level)?)
            }
            Self::MultiplyConstant { a, c, log_scale } => {
                ev.multiply_constant(get(a), *c, &power(*log_scale))
            }
            Self::LinearCombination { terms, log_scale, level } => {
                let terms: Vec<_> = terms.iter().map(|(a, c)| (get(a), *c)).collect();
                ev.linear_combination(&terms, &power(*log_scale), *level)
            }
            Self::MultiplyByI(a) => ev.multiply_by_i(get(a)),
            Self::SumOfProducts { terms, rescale } => {
                let terms: Vec<_> = terms.iter().map(|(a, b)| (get(a), get(b))).collect();
                let sum = ev.sum_of_products(&terms)?;
                if *rescale { ev.relinearize_rescale(&sum) } else { ev.relinearize(&sum) }
            }
            Self::AddTensors([a, b, c, d, e]) => {
                let sum = ev.sum_of_products(&[(get(a), get(b))])?;
                let sum = ev.add_tensor(sum, &ev.sum_of_products(&[(get(c), get(d))])?)?;
                let scale = &ev.tensor_operand(&sum).scale.divided_by(&ev.operand(get(e)).scale);
                ev.relinearize(&ev.add_to_tensor(sum, &ev.multiply_constant(get(e), 1.0, scale)?)?)
            }
            Self::Rescale(a) => ev.rescale(get(a)),
            Self::DropLevel(a, level) => ev.drop_level(get(a), *level),
            Self::Rotate(a, steps) => ev.rotate(get(a), *steps),
            Self::RotateHoisted(a, steps) => Ok(ev.rotate_hoisted(get(a), steps)?.remove(1)),
            Self::SumOfRotations(a, steps) => ev.sum_of_rotations(get(a), steps),
            Self::Conjugate(a) => ev.conjugate(get(a)),
            Self::Transform { a, matrix, rescale } => {
                let diagonals = matrix.diagonals.iter().copied();
                let plan =
                    LinearTransform::new(ev.parameters(), matrix.level, 1 << matrix.log_slots, diagonals)?;
                let transform = ev.encode_transform(&plan, &matrix.scale(), |k| matrix.diagonal(k))?;
                if *rescale {
                    ev.transform_rescale(get(a), &transform)
                } else {
                    ev.transform(get(a), &transform)
                }
            }
            Self::Trace(a, slots) => ev.trace(get(a), *slots),
            Self::Raise(a, level) => ev.raise(get(a), *level),
        }
    }
}
