//! The plan of a training run: all that owner and server must agree on before there is a key.

use std::fmt;

use crate::volley_ckks::{Arithmetic, KeySpec, Operand, OperationCounts, Parameters, Simulator, Upload};
use crate::volley_revolver::plan::{Circuit, CostModel, Demands, Memory, Plan as MatrixPlan};
use crate::volley_revolver::skewed::Split;
use crate::volley_revolver::{Error as MatrixError, Layout, Shape};

use crate::sharing::{self, NoiseModel};
use crate::{EncryptedData, Error, Hyperparameters, Trainer};

/// Levels that the model has left, so that a server can compute with it: one product, for encrypted prediction.
const SPARE_LEVELS: usize = 1;
/// Levels of the first iteration, whose error needs no product: 1/B into the features, and the backward product.
const FIRST_ITERATION_LEVELS: usize = 2;

/// Shape, settings, parameters, layout and costs of a run. Pure: making one needs no data and no randomness.
#[derive(Clone, Debug)]
pub struct Plan {
    hyperparameters: Hyperparameters,
    matrices: MatrixPlan,
}

impl Plan {
    /// The cheapest plan for `samples` rows of `features` columns and `classes` classes that meets the demands.
    ///
    /// # Errors
    ///
    /// [`Error::TooManyIterations`] and [`Error::Matrix`] where nothing fits; they say what would: fewer iterations, a
    /// larger ring, more slots, more memory.
    pub fn new(
        samples: usize,
        features: usize,
        classes: usize,
        hyperparameters: &Hyperparameters,
        demands: Demands,
    ) -> Result<Self, Error> {
        let shape = Shape { samples, columns: features + 1, classes };
        let training = Training { hyperparameters };
        let matrices = MatrixPlan::cheapest(shape, &training, demands, &CostModel::default())
            .map_err(|error| training.in_iterations(error))?;
        Self { hyperparameters: hyperparameters.clone(), matrices }.checked()
    }

    /// The plan that was made once with these parameters, layout and split.
    pub(crate) fn restore(
        hyperparameters: &Hyperparameters,
        parameters: &Parameters,
        layout: Layout,
        split: Split,
    ) -> Result<Self, Error> {
        let training = Training { hyperparameters };
        let (required, available) = (training.levels(), parameters.max_level());
        if required > available {
            let log_n = parameters.log_n();
            let lack = MatrixError::TooManyLevels { log_n, required, available, sufficient_log_n: None };
            return Err(training.in_iterations(lack.into()));
        }
        let matrices = MatrixPlan::of(&training, parameters, layout, split, &CostModel::default())?;
        Self { hyperparameters: hyperparameters.clone(), matrices }.checked()
    }

    /// Refuses a shareable plan that leaves too little of the weights.
    fn checked(self) -> Result<Self, Error> {
        match self.shared_bits() {
            Some(bits) => sharing::check_bits(bits).map(|()| self),
            None => Ok(self),
        }
    }

    /// The estimate of the weights' noise.
    pub(crate) fn noise_model(&self) -> NoiseModel<'_> {
        NoiseModel::new(&self.hyperparameters, self.layout(), self.parameters().log_scale())
    }

    /// For a shareable plan, the bits of the largest weight that flooding leaves at least, for data that the estimate
    /// of the noise covers (see [`Sharing`](crate::Sharing)): log₂ of the weight over the deviation of its noise.
    #[must_use]
    pub fn shared_bits(&self) -> Option<f64> {
        let flooding = self.hyperparameters.flooding()?;
        Some(self.noise_model().nominal_bits(flooding))
    }

    /// The settings.
    #[must_use]
    pub fn hyperparameters(&self) -> &Hyperparameters {
        &self.hyperparameters
    }

    /// The CKKS parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        self.matrices.parameters()
    }

    /// Where the matrices' entries lie.
    #[must_use]
    pub fn layout(&self) -> Layout {
        self.matrices.layout()
    }

    /// The member of the family of products.
    #[must_use]
    pub fn split(&self) -> Split {
        self.matrices.split()
    }

    /// The evaluation keys that the server needs.
    #[must_use]
    pub fn key_spec(&self) -> &KeySpec {
        self.matrices.key_spec()
    }

    /// The operations that training does, by level.
    #[must_use]
    pub fn counts(&self) -> &OperationCounts {
        self.matrices.counts()
    }

    /// The ciphertexts that the owner uploads.
    #[must_use]
    pub fn upload(&self) -> Upload {
        self.matrices.upload()
    }

    /// The server's memory when it is the most, with so many threads.
    #[must_use]
    pub fn memory(&self, threads: usize) -> Memory {
        self.matrices.memory(threads)
    }

    /// Estimated seconds of training on one core.
    #[must_use]
    pub fn seconds(&self) -> f64 {
        self.matrices.seconds()
    }

    /// Level at which the data is encrypted: the highest.
    #[must_use]
    pub fn data_level(&self) -> usize {
        self.parameters().max_level()
    }

    /// Level, scale and slots of the ciphertexts that the owner uploads.
    pub(crate) fn data(&self) -> Operand {
        let slots = self.parameters().max_slots();
        Operand { level: self.data_level(), scale: self.parameters().scale(), slots }
    }

    /// Level, scale and slots of the weights after an iteration, from 1 to the last.
    pub(crate) fn weights(&self, iteration: usize) -> Operand {
        let training = Training { hyperparameters: &self.hyperparameters };
        let spent =
            FIRST_ITERATION_LEVELS + iteration.saturating_sub(1).saturating_mul(training.iteration_levels());
        Operand {
            level: self.data_level().saturating_sub(spent),
            scale: self.hyperparameters.weight_scale(self.parameters()),
            slots: self.parameters().max_slots(),
        }
    }
}

impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const MEGA: f64 = 1e6;
        let (parameters, layout) = (self.parameters(), self.layout());
        let shape = layout.shape();
        writeln!(
            f,
            "{} samples, {} columns, {} classes, {} iterations",
            shape.samples,
            shape.columns,
            shape.classes,
            self.hyperparameters.iterations()
        )?;
        writeln!(
            f,
            "log N {}, log QP {:.0}, {}",
            parameters.log_n(),
            parameters.log_qp(),
            parameters.security()
        )?;
        let upload = self.upload();
        writeln!(f, "upload {} ciphertexts, {:.1} MB", upload.ciphertexts, upload.bytes as f64 / MEGA)?;
        let keys = self.key_spec();
        writeln!(f, "{} evaluation keys, {:.0} MB", keys.key_count(), keys.byte_count() as f64 / MEGA)?;
        write!(
            f,
            "server memory {:.0} MB, about {:.1} s on one core",
            self.memory(1).total() as f64 / MEGA,
            self.seconds()
        )?;
        match (self.hyperparameters.flooding(), self.shared_bits()) {
            (Some(flooding), Some(bits)) => write!(
                f,
                "\nshareable: {} decryptions with {} bits of statistical security leave {bits:.0} bits",
                flooding.decryptions(),
                flooding.statistical_bits()
            ),
            _ => Ok(()),
        }
    }
}

/// A run as a circuit.
struct Training<'a> {
    hyperparameters: &'a Hyperparameters,
}

impl Training<'_> {
    /// Levels of every iteration but the first.
    fn iteration_levels(&self) -> usize {
        2 + self.hyperparameters.sigmoid().levels()
    }

    /// A lack of levels as what it is to the user: a lack of iterations.
    fn in_iterations(&self, error: Error) -> Error {
        let Error::Matrix(MatrixError::TooManyLevels { log_n, available, sufficient_log_n, .. }) = error
        else {
            return error;
        };
        let possible = match available.checked_sub(FIRST_ITERATION_LEVELS + SPARE_LEVELS) {
            Some(further) => 1 + further / self.iteration_levels(),
            None => 0,
        };
        let iterations = self.hyperparameters.iterations();
        Error::TooManyIterations { iterations, log_n, possible, sufficient_log_n }
    }
}

impl Circuit for Training<'_> {
    type Error = Error;

    /// Saturates where there are more iterations than any ring has levels for.
    fn levels(&self) -> usize {
        let further = (self.hyperparameters.iterations() - 1).saturating_mul(self.iteration_levels());
        further.saturating_add(FIRST_ITERATION_LEVELS + SPARE_LEVELS)
    }

    fn log_scale(&self, shape: Shape, log_n: u32) -> Option<u32> {
        let flooding = self.hyperparameters.flooding()?;
        sharing::log_scale(self.hyperparameters, flooding, shape, log_n)
    }

    fn simulate(&self, simulator: &Simulator, layout: Layout, split: Split) -> Result<(), Error> {
        let parameters = simulator.parameters();
        let (scale, level) = (parameters.scale(), parameters.max_level());
        let inputs = |count: usize| -> Result<Vec<_>, Error> {
            (0..count).map(|_| Ok(simulator.input(&scale, level)?)).collect()
        };
        let data = EncryptedData {
            layout,
            features: (0..layout.groups())
                .map(|_| inputs(layout.column_blocks()))
                .collect::<Result<_, _>>()?,
            labels: inputs(layout.groups())?,
            preconditioner: inputs(layout.column_blocks())?,
        };
        let mut trainer = Trainer::with_layout(simulator, self.hyperparameters, layout, split, data)?;
        while trainer.step()?.is_some() {}
        Ok(())
    }
}

#[cfg(test)]
mod tests;
