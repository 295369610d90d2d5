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
