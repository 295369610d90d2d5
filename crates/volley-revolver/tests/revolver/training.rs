//! What the products are for: two iterations of the paper's training, with the operation counts of the NumPy model.

use std::sync::Arc;

use ndarray::{Array1, Array2, Axis};
use volley_revolver::skewed::{BackwardCopies, RowShifts, Skewed, Split};
use volley_revolver::volley_ckks::{Arithmetic, ClearCiphertext, ClearSlots, Complex64, Parameters, Scale};
use volley_revolver::{Layout, Part, Shape};

use crate::clear::{Counts, encrypt_all, rotation_keys, values};
use crate::matrices::{assert_close, matrix};

/// The paper's sigmoid, c₀ + c₁z + c₃z³.
const SIGMOID: [f64; 3] = [0.5, 0.106_795_345_032_162_94, -0.000_385_032_598_050_75];

/// Step size and momentum of iterations 0 and 1.
struct Schedule {
    steps: [f64; 2],
    etas: [f64; 2],
}

impl Schedule {
    fn new(samples: usize) -> Self {
        let next = |a: f64| f64::midpoint(1.0, (1.0 + 4.0 * a * a).sqrt());
        let (a0, a1) = (0.01, next(0.01));
        Self {
            steps: [1.0, 2.0].map(|t| 1.0 + 1.0 / t / samples as f64),
            etas: [(1.0 - a0) / a1, (1.0 - a1) / next(a1)],
        }
    }
}

/// 128 samples as the paper has them: columns between 0 and 1, the first all ones, ten classes.
fn data() -> (Array2<f64>, Array2<f64>, Array1<f64>) {
    let mut x = matrix(128, 401, 1).mapv(|x| f64::midpoint(x, 1.0));
    x.column_mut(0).fill(1.0);
    let y = Array2::from_shape_fn((128, 10), |(i, k)| f64::from(u8::from((i * i + i / 7) % 10 == k)));
    let b = x.t().dot(&x).mapv(f64::abs).sum_axis(Axis(0)) * 0.25;
    (x, y, b.mapv(|b| 1.0 / b))
}

fn train_plain(x: &Array2<f64>, y: &Array2<f64>, factors: &Array1<f64>) -> Array2<f64> {
    let Schedule { steps, etas } = Schedule::new(x.nrows());
    let [c0, c1, c3] = SIGMOID;
    let mut w = Array2::zeros((y.ncols(), x.ncols()));
    let mut v = w.clone();
    for (step, eta) in steps.into_iter().zip(etas) {
        let p = x.dot(&v.t()).mapv(|z| c0 + c1 * z + c3 * z * z * z);
        let m = w + (y - &p).t().dot(x) * factors * step;
        w = &m * (1.0 - eta) + &v * eta;
        v = m;
    }
    w
}

/// The training circuit on ciphertexts.
struct Training<'a> {
    model: &'a ClearSlots,
    skewed: Skewed<ClearSlots>,
    labels: Vec<ClearCiphertext>,
    backward_copies: Vec<BackwardCopies<ClearCiphertext>>,
}

impl Training<'_> {
    fn layout(&self) -> Layout {
        self.skewed.layout()
    }

    fn prime(&self, level: usize) -> Scale {
        Scale::prime(self.model.parameters().q()[level])
    }

    /// a·c at another scale, one level down.
    fn scaled(&self, a: &ClearCiphertext, c: f64, target: &Scale) -> ClearCiphertext {
        let scale = target.times(&self.prime(a.operand().level)).divided_by(&a.operand().scale);
        self.model.rescale(&self.model.multiply_constant(a, c, &scale).unwrap()).unwrap()
    }

    fn plus(&self, a: &ClearCiphertext, slots: Vec<Complex64>) -> ClearCiphertext {
        let plaintext = self.model.encode(|| slots, &a.operand().scale, a.operand().level).unwrap();
        self.model.add_plain(a, &plaintext).unwrap()
    }

    /// step·(y − ½).
    fn first_error(&self, group: usize, step: f64) -> ClearCiphertext {
        let labels = self.scaled(&self.labels[group], step, &self.model.parameters().scale());
        self.layout().parts(group).iter().fold(labels, |error, &part| {
            let half = -part.error_unit() * SIGMOID[0] * step;
            self.plus(&error, self.layout().label_mask(group, part, half))
        })
    }

    /// −step·sigmoid(z), of a pair as real and negative imaginary part, in the first K columns.
    fn sigmoid(&self, group: usize, part: Part, z: &ClearCiphertext, step: f64) -> ClearCiphertext {
        let model = self.model;
        let (level, scale) = (z.operand().level, &z.operand().scale);
        let multiple = self.layout().score_multiple(group);
        let target = model.parameters().scale();
        let mask = |c: f64| self.layout().score_mask(group, part, -part.error_unit() * step * c);
        let term = |c: f64, scale: &Scale| {
            let coefficients = model.encode(|| mask(c), scale, level).unwrap();
            model.rescale(&model.multiply_plain(z, &coefficients).unwrap()).unwrap()
        };
        let linear_scale = target.times(&self.prime(level)).divided_by(scale);
        let cube_scale = linear_scale.times(&self.prime(level)).times(&self.prime(level - 1));
        let cube_scale = cube_scale.divided_by(scale).divided_by(scale);
        let linear = term(SIGMOID[1] / multiple, &linear_scale);
        let cube = term(SIGMOID[2] / multiple.powi(3), &cube_scale);
        let cube = model.multiply(&cube, &model.square(z).unwrap()).unwrap();
        self.plus(&model.add(&linear, &cube).unwrap(), mask(SIGMOID[0]))
    }

    /// step·(y − sigmoid(z)).
    fn error(&self, group: usize, scores: &ClearCiphertext, step: f64) -> ClearCiphertext {
        let parts = self.skewed.split_scores(group, scores).unwrap();
        let sigmoids = parts.iter().map(|(part, z)| self.sigmoid(group, *part, z, step));
        let sum = sigmoids.reduce(|a, b| self.model.add(&a, &b).unwrap()).unwrap();
        let repeated = self.skewed.repeat_along_row(&sum).unwrap();
        let labels = self.scaled(&self.labels[group], step, &repeated.operand().scale);
        self.model.add(&repeated, &labels).unwrap()
    }

    fn gradient(&self, error: impl Fn(usize) -> ClearCiphertext) -> Vec<ClearCiphertext> {
        let errors: Vec<_> = (0..self.layout().groups()).map(error).collect();
        self.skewed.backward(&self.backward_copies, &errors).unwrap()
    }
}

/// Two iterations from zero weights.
fn train(model: &Arc<ClearSlots>, layout: Layout, split: Split) -> (usize, Vec<ClearCiphertext>) {
    let (x, y, factors) = data();
    let Schedule { steps, etas } = Schedule::new(x.nrows());
    let skewed = Skewed::new(model, layout, split).unwrap();
    let features: Vec<_> =
        layout.pack_features(&x).unwrap().iter().map(|blocks| encrypt_all(model, blocks)).collect();
    let labels = encrypt_all(model, &layout.pack_labels(&y).unwrap());
    let factors = encrypt_all(model, &layout.pack_columns(&factors).unwrap());
    let uploaded = features.iter().map(Vec::len).sum::<usize>() + labels.len() + factors.len();

    let top = model.parameters().max_level();
    let forward_copies: Vec<_> =
        features.iter().map(|x| skewed.forward_copies(x, top - 2).unwrap()).collect();
    let scaled = features.iter().map(|x| skewed.scale_columns(x, &factors).unwrap());
    let backward_copies = scaled.map(|x| skewed.backward_copies(&x, top - 1).unwrap()).collect();
    let training = Training { model, skewed, labels, backward_copies };

    let first = training.gradient(|group| training.first_error(group, steps[0]));
    let scores = training.skewed.forward_all(&forward_copies, &first).unwrap();
    // The last 1 − η rides on the coefficients too.
    let step = steps[1] * (1.0 - etas[1]);
    let second = training.gradient(|group| training.error(group, &scores[group], step));
    let older = (1.0 - etas[1]) * (1.0 - etas[0]) + etas[1];
    let weights = first
        .iter()
        .zip(&second)
        .map(|(first, second)| {
            model.add(second, &training.scaled(first, older, &second.operand().scale)).unwrap()
        })
        .collect();
    (uploaded, weights)
}

fn check(layout: Layout, weights: &[ClearCiphertext]) {
    let (x, y, factors) = data();
    assert_close(&layout.unpack_weights(&values(weights)).unwrap(), &train_plain(&x, &y, &factors));
}

#[test]
fn two_iterations_cost_what_the_design_says() {
    let table = [
        (Parameters::n14().unwrap(), 9, 55, [46, 159, 6, 212, 32]),
        (Parameters::n15().unwrap(), 5, 56, [28, 87, 4, 106, 20]),
        (Parameters::n16().unwrap(), 3, 57, [20, 51, 3, 53, 14]),
    ];
    for (parameters, uploads, keys, counts) in table {
        let shape = Shape { samples: 128, columns: 401, classes: 10 };
        let layout = Layout::new(shape, parameters.max_slots()).unwrap();
        assert_eq!((layout.width(), layout.period()), (512, 16));
        let top = parameters.max_level();
        let model = Arc::new(ClearSlots::new(&parameters));
        let (uploaded, weights) = train(&model, layout, Split::on_copies(&layout));
        assert_eq!(uploaded, uploads);
        let [rotations, hoisted, conjugations, products, relinearizations] = counts;
        let expected = Counts { rotations, hoisted, conjugations, products, relinearizations };
        assert_eq!(Counts::of(&model), expected);
        assert_eq!(top - weights[0].operand().level, 6);
        check(layout, &weights);
        assert_eq!(rotation_keys(&model), keys);
    }
}

#[test]
fn splits_and_column_blocks_train_the_same_model() {
    let shape = Shape { samples: 128, columns: 401, classes: 10 };
    for width in [256, 512] {
        let layout = Layout::with_width(shape, 1 << 13, width).unwrap();
        for split in [
            Split::new(&layout, 4, 4, RowShifts::Sums).unwrap(),
            Split::new(&layout, 1, 16, RowShifts::Copies).unwrap(),
        ] {
            let model = Arc::new(ClearSlots::new(&Parameters::n14().unwrap()));
            let (_, weights) = train(&model, layout, split);
            assert_eq!(weights[0].operand().level, 1);
            check(layout, &weights);
        }
    }
}
