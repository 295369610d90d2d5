//! The sigmoid itself.

/// σ(x) = 1/(1 + e⁻ˣ), as ½ + ½ tanh(x/2): accurate everywhere, overflows nowhere.
#[must_use]
pub fn sigmoid(x: f64) -> f64 {
    0.5 + centred_sigmoid(x)
}

/// σ(x) − ½, without the cancellation near zero.
pub(crate) fn centred_sigmoid(x: f64) -> f64 {
    0.5 * (0.5 * x).tanh()
}
