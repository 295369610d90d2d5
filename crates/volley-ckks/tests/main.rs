//! Volley's CKKS from outside: laws of the arithmetic on random circuits, and the precision of the presets.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

use std::sync::{Arc, LazyLock};

use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};
use volley_ckks::noise::Noise;
use volley_ckks::{
    Arithmetic, Ciphertext, Complex64, Context, Encoder, Error, EvaluationKeySet, Evaluator, KeySpec,
    Parameters, ParametersLiteral, Precision, SecretKey, Security,
};

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

/// An owner and the owner's server.
struct Session {
    context: Arc<Context>,
    secret_key: SecretKey,
    encoder: Encoder,
    evaluator: Evaluator,
}

impl Session {
    fn new(parameters: Parameters, spec: impl FnOnce(KeySpec) -> KeySpec) -> Self {
        let spec = spec(KeySpec::new(&parameters));
        let context = Context::new(parameters);
        let secret_key = SecretKey::generate(&context, &mut rng(1));
        let keys = EvaluationKeySet::generate(&secret_key, &spec, &mut rng(2)).unwrap();
        let evaluator = Evaluator::new(&context, keys).unwrap();
        Self { encoder: Encoder::new(&context), context, secret_key, evaluator }
    }

    fn encrypt(&self, values: &[Complex64], level: usize, seed: u64) -> Ciphertext {
        let scale = self.context.parameters().scale();
        let plaintext = self.encoder.encode(values, &scale, level).unwrap();
        self.secret_key.encrypt(&plaintext, &mut rng(seed)).unwrap().expand(&self.context).unwrap()
    }

    fn decrypt(&self, ciphertext: &Ciphertext) -> Vec<Complex64> {
        self.encoder.decode(&self.secret_key.decrypt(ciphertext).unwrap()).unwrap()
    }
}

mod laws {
    use super::*;

    const LEVELS: usize = 3;
    const SLOTS: usize = 32;
    const STEPS: [i64; 4] = [1, 3, -2, 16];

    /// N = 64: the laws do not depend on the degree, and a case takes a millisecond.
    static SESSION: LazyLock<Session> = LazyLock::new(|| {
        let literal = ParametersLiteral {
            log_n: 6,
            levels: vec![vec![50], vec![40], vec![40], vec![40]],
            p_bits: vec![50, 50],
            log_scale: 40,
            security: Security::Unchecked,
        };
        Session::new(literal.build().unwrap(), |spec| {
            spec.relinearization(LEVELS).rotations(0..SLOTS as i64, LEVELS).conjugation(LEVELS)
        })
    });

    /// An operation that leaves level and scale, on ciphertexts named by their position.
    #[derive(Clone, Copy, Debug)]
    enum Linear {
        Add(usize, usize),
        Sub(usize, usize),
        Neg(usize),
        Rotate(usize, i64),
        Conjugate(usize),
        MultiplyByI(usize),
    }

    /// Linear operations, then products of pairs: the next layer's ciphertexts, one level down.
    type Layer = (Vec<Linear>, Vec<(usize, usize)>);

    fn linear() -> impl Strategy<Value = Linear> {
        let index = 0..100usize;
        prop_oneof![
            (index.clone(), index.clone()).prop_map(|(a, b)| Linear::Add(a, b)),
            (index.clone(), index.clone()).prop_map(|(a, b)| Linear::Sub(a, b)),
            index.clone().prop_map(Linear::Neg),
            (index.clone(), prop::sample::select(&STEPS)).prop_map(|(a, steps)| Linear::Rotate(a, steps)),
            index.clone().prop_map(Linear::Conjugate),
            index.prop_map(Linear::MultiplyByI),
        ]
    }

    fn circuit() -> impl Strategy<Value = Vec<Layer>> {
        let products = prop::collection::vec((0..100usize, 0..100usize), 1..4);
        // Level 1 is left, so that values of any circuit fit.
        prop::collection::vec((prop::collection::vec(linear(), 0..4), products), 0..LEVELS)
    }

    /// A ciphertext, what is in it, and how far from it its slots may be.
    #[derive(Clone)]
    struct Tracked {
        ciphertext: Ciphertext,
        slots: Vec<Complex64>,
        error: f64,
    }

    /// Nine deviations of an error: no slot is ever beyond.
    fn bound(noise: Noise, ciphertext: &Ciphertext) -> f64 {
        9.0 * noise.slot_deviation(SESSION.context.parameters(), ciphertext.scale())
    }

    impl Tracked {
        fn encrypt(slots: Vec<Complex64>, seed: u64) -> Self {
            let ciphertext = SESSION.encrypt(&slots, LEVELS, seed);
            let error = bound(Noise::encryption(), &ciphertext);
            Self { ciphertext, slots, error }
        }

        fn magnitude(&self) -> f64 {
            self.slots.iter().fold(0.0, |max, slot| slot.norm().max(max))
        }

        fn linear(pool: &[Self], operation: Linear) -> Result<Self, Error> {
            let ev = &SESSION.evaluator;
            let get = |index: usize| &pool[index % pool.len()];
            let map =
                |a: &Self, f: &dyn Fn(usize) -> Complex64| (0..a.slots.len()).map(f).collect::<Vec<_>>();
            let switched =
                |a: &Self| bound(Noise::key_switch(ev.parameters(), a.ciphertext.level()), &a.ciphertext);
            let (ciphertext, slots, error) = match operation {
                Linear::Add(a, b) => {
                    let (a, b) = (get(a), get(b));
                    let slots = map(a, &|j| a.slots[j] + b.slots[j]);
                    (ev.add(&a.ciphertext, &b.ciphertext)?, slots, a.error + b.error)
                }
                Linear::Sub(a, b) => {
                    let (a, b) = (get(a), get(b));
                    let slots = map(a, &|j| a.slots[j] - b.slots[j]);
                    (ev.sub(&a.ciphertext, &b.ciphertext)?, slots, a.error + b.error)
                }
                Linear::Neg(a) => {
                    let a = get(a);
                    (ev.neg(&a.ciphertext)?, map(a, &|j| -a.slots[j]), a.error)
                }
                Linear::Rotate(a, steps) => {
                    let a = get(a);
                    let slots = map(a, &|j| a.slots[(j as i64 + steps).rem_euclid(SLOTS as i64) as usize]);
                    (ev.rotate(&a.ciphertext, steps)?, slots, a.error + switched(a))
                }
                Linear::Conjugate(a) => {
                    let a = get(a);
                    (ev.conjugate(&a.ciphertext)?, map(a, &|j| a.slots[j].conj()), a.error + switched(a))
                }
                Linear::MultiplyByI(a) => {
                    let a = get(a);
                    (ev.multiply_by_i(&a.ciphertext)?, map(a, &|j| a.slots[j] * Complex64::i()), a.error)
                }
            };
            Ok(Self { ciphertext, slots, error })
        }

        fn product(&self, other: &Self) -> Result<Self, Error> {
            let ciphertext = SESSION.evaluator.multiply(&self.ciphertext, &other.ciphertext)?;
            let slots = self.slots.iter().zip(&other.slots).map(|(a, b)| a * b).collect();
            let error = self.magnitude() * other.error + other.magnitude() * self.error;
            // The relinearization's error is divided by a prime: one rounding covers it.
            let rounding = Noise::rounding(SESSION.context.parameters()).times(2.0);
            let error = error + self.error * other.error + bound(rounding, &ciphertext);
            Ok(Self { ciphertext, slots, error })
        }

        fn check(&self) -> Result<(), TestCaseError> {
            let precision = Precision::measure(&self.slots, &SESSION.decrypt(&self.ciphertext));
            // Doubles on both sides add their own relative 2⁻⁴⁴.
            let allowed = self.error + self.magnitude() * 2f64.powi(-44);
            prop_assert!(precision.max_error <= allowed, "{} > {allowed}", precision.max_error);
            Ok(())
        }
    }

    fn slots() -> impl Strategy<Value = Vec<Complex64>> {
        let part = -1.0..1.0f64;
        prop::collection::vec((part.clone(), part).prop_map(|(re, im)| Complex64::new(re, im)), SLOTS)
    }

    fn close(left: &Ciphertext, right: &Ciphertext) -> Result<(), TestCaseError> {
        prop_assert_eq!(left.operand(), right.operand());
        let precision = Precision::measure(&SESSION.decrypt(left), &SESSION.decrypt(right));
        prop_assert!(precision.worst_bits() > 28.0, "{:.1} bits", precision.worst_bits());
        Ok(())
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        #[test]
        fn circuits_commute_with_decryption(a in slots(), b in slots(), layers in circuit()) {
            let mut pool = vec![Tracked::encrypt(a, 10), Tracked::encrypt(b, 11)];
            for (operations, products) in layers {
                for operation in operations {
                    let result = Tracked::linear(&pool, operation).unwrap();
                    pool.push(result);
                }
                let get = |index: usize| &pool[index % pool.len()];
                pool = products.iter().map(|&(a, b)| get(a).product(get(b)).unwrap()).collect();
            }
            for result in &pool {
                result.check()?;
            }
        }

        #[test]
        fn products_distribute_over_sums(a in slots(), b in slots(), c in slots()) {
            let ev = &SESSION.evaluator;
            let [a, b, c] = [(&a, 10), (&b, 11), (&c, 12)].map(|(x, seed)| SESSION.encrypt(x, LEVELS, seed));
            let left = ev.multiply(&ev.add(&a, &b).unwrap(), &c).unwrap();
            let right = ev.add(&ev.multiply(&a, &c).unwrap(), &ev.multiply(&b, &c).unwrap()).unwrap();
            close(&left, &right)?;
            let lazy = ev.relinearize_rescale(&ev.sum_of_products(&[(&a, &c), (&b, &c)]).unwrap()).unwrap();
            close(&lazy, &right)?;
        }

        #[test]
        fn rotations_compose(a in slots(), first in -40..40i64, second in -40..40i64) {
            let ev = &SESSION.evaluator;
            let a = SESSION.encrypt(&a, 1, 10);
            let composed = ev.rotate(&ev.rotate(&a, first).unwrap(), second).unwrap();
            close(&composed, &ev.rotate(&a, first + second).unwrap())?;
            let conjugate = ev.conjugate(&ev.rotate(&a, first).unwrap()).unwrap();
            close(&conjugate, &ev.rotate(&ev.conjugate(&a).unwrap(), first).unwrap())?;
            close(&a, &ev.conjugate(&ev.conjugate(&a).unwrap()).unwrap())?;
        }

        #[test]
        fn rotations_and_conjugation_are_ring_homomorphisms(a in slots(), b in slots(), steps in 0..32i64) {
            let ev = &SESSION.evaluator;
            let [a, b] = [(&a, 10), (&b, 11)].map(|(x, seed)| SESSION.encrypt(x, LEVELS, seed));
            let rotate = |x: &Ciphertext| ev.rotate(x, steps).unwrap();
            let conjugate = |x: &Ciphertext| ev.conjugate(x).unwrap();
            let product = ev.multiply(&a, &b).unwrap();
            close(&rotate(&product), &ev.multiply(&rotate(&a), &rotate(&b)).unwrap())?;
            close(&conjugate(&product), &ev.multiply(&conjugate(&a), &conjugate(&b)).unwrap())?;
            let by_i = ev.multiply_by_i(&conjugate(&ev.multiply_by_i(&a).unwrap())).unwrap();
            close(&by_i, &conjugate(&a))?;
        }

        #[test]
        fn constants_are_plaintexts_with_equal_slots(a in slots(), c in -8.0..8.0f64) {
            let ev = &SESSION.evaluator;
            let a = SESSION.encrypt(&a, LEVELS, 10);
            let scale = a.scale();
            let plain = SESSION.encoder.encode(&[c; SLOTS], scale, LEVELS).unwrap();
            close(&ev.add_constant(&a, c).unwrap(), &ev.add_plain(&a, &plain).unwrap())?;
            let product = ev.multiply_constant(&a, c, scale).unwrap();
            close(&product, &ev.multiply_plain(&a, &plain).unwrap())?;
            let sum = ev.add(&a, &a).unwrap();
            close(&ev.sub(&sum, &a).unwrap(), &a)?;
        }
    }
}

mod presets {
    use super::*;

    /// Numbers of absolute value 1: powers of them neither grow nor vanish.
    fn units(count: usize) -> Vec<Complex64> {
        let mut rng = rng(3);
        let mut angle = || rng.next_u64() as f64 / u64::MAX as f64 * std::f64::consts::TAU;
        (0..count).map(|_| Complex64::cis(angle())).collect()
    }

    /// Every slot is right to `bits` bits after the binary point. The tests ask for what was measured, less one bit.
    #[track_caller]
    fn assert_bits(session: &Session, expected: &[Complex64], ciphertext: &Ciphertext, bits: f64) {
        let measured = Precision::measure(expected, &session.decrypt(ciphertext)).worst_bits();
        assert!(measured >= bits, "{measured:.1} bits, {bits} wanted");
    }

    #[test]
    fn n14_squares_down_to_level_0_and_rotates_there() {
        let session = Session::new(Parameters::n14().unwrap(), |spec| {
            spec.relinearization(7).rotations([1], 0).conjugation(0)
        });
        let ev = &session.evaluator;
        let mut values = units(8192);
        let mut power = session.encrypt(&values, 7, 4);
        assert_bits(&session, &values, &power, 28.5);
        for bits in [24.4, 23.5, 22.5, 21.5, 20.4, 19.4, 18.4] {
            power = ev.square(&power).unwrap();
            values.iter_mut().for_each(|value| *value *= *value);
            assert_bits(&session, &values, &power, bits);
        }
        assert_eq!(power.level(), 0);
        let rotated = ev.rotate(&power, 1).unwrap();
        values.rotate_left(1);
        assert_bits(&session, &values, &rotated, 18.4);
        let conjugate = ev.conjugate(&rotated).unwrap();
        values.iter_mut().for_each(|value| *value = value.conj());
        assert_bits(&session, &values, &conjugate, 18.4);
    }

    #[test]
    fn larger_presets_work_at_their_top_level() {
        for (parameters, bits) in [(Parameters::n15(), 23.8), (Parameters::n16(), 22.5)] {
            let parameters = parameters.unwrap();
            let top = parameters.max_level();
            let session = Session::new(parameters, |spec| spec.relinearization(top));
            let mut values = units(session.context.parameters().max_slots());
            let square = session.evaluator.square(&session.encrypt(&values, top, 4)).unwrap();
            values.iter_mut().for_each(|value| *value *= *value);
            assert_bits(&session, &values, &square, bits);
        }
    }
}
