//! The learning rate.

/// What the preconditioned gradient is multiplied by.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LearningRate {
    /// 1 + γₜ with γₜ = 1/(n t), the paper's.
    Decaying,
    /// The same in every iteration.
    Constant(f64),
}

impl LearningRate {
    /// The factor of iteration t = `iteration`, counted from 1, with n = `samples`.
    #[must_use]
    pub fn factor(&self, iteration: usize, samples: usize) -> f64 {
        match self {
            Self::Decaying => 1.0 + 1.0 / (samples as f64 * iteration as f64),
            Self::Constant(rate) => *rate,
        }
    }
}
