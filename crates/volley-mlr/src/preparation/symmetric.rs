//! Functions of symmetric matrices.

use nalgebra::DMatrix;
use ndarray::{Array1, Array2};

/// V f(Λ) Vᵀ for the symmetric `matrix` V Λ Vᵀ, n × n: about 10·n³ operations.
pub(crate) fn apply(matrix: &Array2<f64>, f: impl Fn(f64) -> f64) -> Array2<f64> {
    let size = matrix.nrows();
    let eigen = DMatrix::from_fn(size, size, |i, j| matrix[[i, j]]).symmetric_eigen();
    let vectors = Array2::from_shape_fn((size, size), |(i, j)| eigen.eigenvectors[(i, j)]);
    let values = Array1::from_shape_fn(size, |j| f(eigen.eigenvalues[j]));
    (&vectors * &values).dot(&vectors.t())
}

/// f(XᵀX) for `x`, n × d, by the eigenvectors of XXᵀ: about 10·n³ + n·d² operations, for fewer rows than columns.
///
/// With XXᵀ = V Λ Vᵀ the matrix XᵀX has the eigenvalues Λ, with eigenvectors XᵀVΛ^(−1/2), and else 0. So it is
/// f(0) I + Xᵀ V h(Λ) Vᵀ X with h(λ) = (f(λ) − f(0))/λ.
pub(crate) fn apply_to_gram(x: &Array2<f64>, f: impl Fn(f64) -> f64) -> Array2<f64> {
    let products = x.dot(&x.t());
    // What is below has no digits.
    let least = products.diag().sum() * f64::EPSILON * x.nrows() as f64;
    let quotients = apply(&products, |value| if value > least { (f(value) - f(0.0)) / value } else { 0.0 });
    let mut result = x.t().dot(&quotients.dot(x));
    result.diag_mut().mapv_inplace(|value| value + f(0.0));
    result
}

#[cfg(test)]
mod tests {
    use rand_core::Rng;

    use super::*;
    use crate::testing::rng;

    #[test]
    fn both_ways_to_a_function_of_a_gram_matrix_agree() {
        let mut rng = rng(1);
        let mut uniform = || f64::from(rng.next_u32()) / f64::from(u32::MAX) - 0.5;
        for (rows, columns) in [(1, 5), (4, 9), (9, 9), (12, 5)] {
            let mut x = Array2::from_shape_fn((rows, columns), |_| uniform());
            if rows > 3 {
                // A dependent row: an eigenvalue that is zero but for rounding.
                let sum = &x.row(0) + &x.row(1);
                x.row_mut(2).assign(&sum);
            }
            let f = |value: f64| (value.max(0.0) + 0.01).sqrt().recip();
            let (short, long) = (apply_to_gram(&x, f), apply(&x.t().dot(&x), f));
            let difference = (&short - &long).mapv(f64::abs).into_iter().fold(0.0, f64::max);
            assert!(difference < 1e-10, "{rows} × {columns}: {difference}");
        }
    }
}
