//! What can go wrong, with the numbers that explain it.

use thiserror::Error;
use volley_ring::UnknownBackend;

mod eval_mod;

pub use eval_mod::EvalModError;

use crate::base::galois::GaloisPurpose;
use crate::base::packing::Packing;
use crate::base::params::ParametersError;

/// An operation that could not be done, and what it needed.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter literal that no parameter set may be built from.
    #[error(transparent)]
    Parameters(#[from] ParametersError),
    /// An environment variable that names kernels which the processor does not run.
    #[error(transparent)]
    UnknownBackend(#[from] UnknownBackend),
    /// Sums need equal scales; the numbers are their base-2 logarithms.
    #[error(
        "scales differ: 2^{left:.9} and 2^{right:.9}; a weighted sum makes those of ciphertexts equal, and a \
         plaintext is encoded at the scale of the other operand"
    )]
    ScaleMismatch {
        /// log₂ of the left operand's scale.
        left: f64,
        /// log₂ of the right operand's scale.
        right: f64,
    },
    /// A scale outside of what can be encoded: 2⁻¹⁰⁰⁰ to 2¹⁰⁰⁰.
    #[error("a scale of 2^{log2:.3} cannot be encoded")]
    ScaleRange {
        /// log₂ of the scale.
        log2: f64,
    },
    /// A scale whose exponents grew beyond 32 bits ([`Scale`](crate::Scale)): each squaring doubles them.
    #[error(
        "an exponent of the scale is beyond {max}: a product with 1, encoded at the quotient of a plain scale and this \
         one, makes the scale plain, as long as it is done in time"
    )]
    ScaleExponents {
        /// The largest exponent.
        max: i32,
    },
    /// A scale that is not below the modulus, which then holds no value of 1/2. It comes from a product that was not
    /// rescaled in time, or from dropping too many levels.
    #[error(
        "a scale of 2^{scale_log2:.3} does not fit level {level}, where the modulus is 2^{modulus_log2:.3}: begin \
         at a higher level, and rescale before the next product"
    )]
    ScaleOverflow {
        /// log₂ of the scale.
        scale_log2: f64,
        /// log₂ of the modulus at the level.
        modulus_log2: f64,
        /// The level.
        level: usize,
    },
    /// An operand does not have the level an operation needs.
    #[error("the ciphertext is at level {level}, the operation needs level {required}")]
    LevelExhausted {
        /// The operand's level.
        level: usize,
        /// The lowest level that would do.
        required: usize,
    },
    /// A level above the top of the chain.
    #[error("level {level} does not exist: the highest is {max}")]
    LevelRange {
        /// The level asked for.
        level: usize,
        /// The highest level of the parameters.
        max: usize,
    },
    /// A sum of no terms.
    #[error("a sum needs at least one term")]
    EmptySum,
    /// The number of values is not a slot count of these parameters.
    #[error("{}", slot_count(*values, *max))]
    SlotCount {
        /// Number of values given.
        values: usize,
        /// N/2.
        max: usize,
    },
    /// More integers than a polynomial has coefficients.
    #[error("{count} integers do not fit into {max} coefficients")]
    CoefficientCount {
        /// Number of integers given.
        count: usize,
        /// N.
        max: usize,
    },
    /// A value that is not finite.
    #[error("the value in slot {slot} is not a finite number")]
    NotFinite {
        /// Index of the slot.
        slot: usize,
    },
    /// A ciphertext with more slots than the linear transform.
    #[error("the ciphertext has {ciphertext} slots, the linear transform {transform}")]
    TransformSlots {
        /// Slots of the transform.
        transform: usize,
        /// Slots of the ciphertext.
        ciphertext: usize,
    },
    /// Stages of a DFT that are not split into matrices of at least one each.
    #[error(
        "matrices of {stages:?} stages are not a DFT on 2^{log_slots} slots: at least one each, {log_slots} in all"
    )]
    DftStages {
        /// Stages of each matrix.
        stages: Vec<u32>,
        /// log₂ of the number of slots: the stages of the DFT.
        log_slots: u32,
    },
    /// Coefficients that are not packed as SlotsToCoeffs was planned for.
    #[error("coefficients are packed {found:?}, the transform takes them {expected:?}")]
    CoefficientPacking {
        /// What the transform was planned for.
        expected: Packing,
        /// What it was given.
        found: Packing,
    },
    /// A diagonal of a linear transform that does not have a value for each slot.
    #[error("diagonal {diagonal} has {values} values for {slots} slots")]
    DiagonalLength {
        /// Index of the diagonal.
        diagonal: usize,
        /// Number of values given.
        values: usize,
        /// Slots of the transform.
        slots: usize,
    },
    /// A plaintext coefficient that does not fit the modulus.
    #[error(
        "a coefficient of 2^{coefficient_log2:.1} is too large: below half of the modulus, 2^{modulus_log2:.1}, and \
         below 2^126 it fits"
    )]
    EncodingOverflow {
        /// log₂ of the largest coefficient; 1024 where it is beyond the range of a double.
        coefficient_log2: f64,
        /// log₂ of the modulus at the plaintext's level.
        modulus_log2: f64,
    },
    /// A constant that its scale does not hold: rounding would change it by more than 2⁻¹⁰, or by more than that part
    /// of it.
    #[error(
        "a scale of 2^{scale_log2:.1} rounds the constant {constant} to {rounded}: a sum of multiples has the scale of \
         its terms times what a rescaling divides by"
    )]
    ConstantScale {
        /// The constant.
        constant: f64,
        /// What it would be.
        rounded: f64,
        /// log₂ of the scale.
        scale_log2: f64,
    },
    /// Flooding with fewer bits of statistical security than hide anything, or more than a key has.
    #[error("{bits} bits of statistical security are not in {min}..={max}")]
    StatisticalBits {
        /// The bits asked for.
        bits: u32,
        /// The fewest.
        min: u32,
        /// The most.
        max: u32,
    },
    /// Flooding for no decryption.
    #[error("flooding covers at least one decryption")]
    NoDecryptions,
    /// Noise that does not fit the modulus.
    #[error("noise of deviation {deviation:.3e} does not fit a modulus of 2^{modulus_log2:.1}")]
    FloodingRange {
        /// The deviation asked for.
        deviation: f64,
        /// log₂ of the modulus at the ciphertext's level.
        modulus_log2: f64,
    },
    /// A polynomial of no coefficients, or of more than are planned for.
    #[error("{coefficients} coefficients are not those of a polynomial: there are 1 to {max}")]
    PolynomialDegree {
        /// Number of coefficients given.
        coefficients: usize,
        /// Most coefficients.
        max: usize,
    },
    /// A coefficient of a polynomial that is not finite.
    #[error("coefficient {index} is not a finite number")]
    Coefficient {
        /// Its index, which is the degree it belongs to.
        index: usize,
    },
    /// An interval that is empty or unbounded.
    #[error("[{start}, {end}] is not an interval to approximate a function on")]
    Interval {
        /// Its start.
        start: f64,
        /// Its end.
        end: f64,
    },
    /// A message ratio that leaves less than the parameters' scale below q₀.
    #[error(
        "a message ratio of 2^{log_message_ratio} under q₀ = 2^{log_q0} leaves less than the scale of 2^{log_scale}"
    )]
    MessageRatio {
        /// log₂ of the message ratio asked for.
        log_message_ratio: u32,
        /// log₂ of the product of the primes of level 0.
        log_q0: u32,
        /// log₂ of the parameters' scale.
        log_scale: u32,
    },
    /// Parameters of a modular reduction for which there is none.
    #[error(transparent)]
    EvalMod(#[from] EvalModError),
    /// Two objects of different parameter sets.
    #[error("the operand belongs to another parameter set")]
    ParameterMismatch,
    /// Two objects of different owners.
    #[error("the operand belongs to another key")]
    KeyMismatch,
    /// The keys of the ephemeral secret were not given.
    #[error("the keys that raise the modulus are missing")]
    MissingRaisingKeys,
    /// No relinearization key was given.
    #[error("the relinearization key is missing")]
    MissingRelinearizationKey,
    /// No Galois key for this element was given.
    #[error("the Galois key of element {element} is missing ({purpose})")]
    MissingGaloisKey {
        /// The Galois element g of X ↦ X^g.
        element: u64,
        /// What it was needed for: a rotation by so many slots, or conjugation.
        purpose: GaloisPurpose,
    },
    /// A key that was made for lower levels only.
    #[error("the key reaches up to level {key_level}, the ciphertext is at level {level}")]
    KeyLevel {
        /// Highest level of the key.
        key_level: usize,
        /// Level of the operand.
        level: usize,
    },
    /// A failure of a backend outside of this crate: its device, its memory, its connection.
    #[error("the backend failed: {reason}")]
    Backend {
        /// What failed, in the words of the backend.
        reason: String,
    },
}

fn slot_count(values: usize, max: usize) -> String {
    if values > max {
        return format!("{values} values are too many: a ciphertext has at most {max} slots");
    }
    format!("{values} values do not fill slots, whose number is a power of two: encode_padded adds zeros")
}
