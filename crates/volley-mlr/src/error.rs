//! What can go wrong, with the numbers that explain it. Rows and columns are counted from 0.

use std::ops::{Range, RangeInclusive};

use thiserror::Error;

use crate::volley_ckks::Operand;
use crate::volley_revolver::{Layout, grouped};

/// Data, settings or a model that cannot be used.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum Error {
    /// A sigmoid polynomial that cannot be made or evaluated.
    #[error(transparent)]
    Sigmoid(#[from] volley_sigmoid::Error),
    /// A matrix operation, or the planning of one, that was refused.
    #[error(transparent)]
    Matrix(#[from] crate::volley_revolver::Error),
    /// Encrypted data of another layout than the plan's.
    #[error(
        "the plan has {expected} groups of samples, each with labels of {class_blocks} class blocks; there are \
         {features} groups of features and labels of {labels} blocks"
    )]
    GroupCount {
        /// Groups of the layout.
        expected: usize,
        /// Class blocks of the layout.
        class_blocks: usize,
        /// Groups of features given.
        features: usize,
        /// Ciphertexts of labels given, one for each group and class block.
        labels: usize,
    },
    /// Encrypted data or a model of another plan with the same parameters: its slots mean something else.
    #[error("made by another plan: the layout is {actual:?}, not {expected:?}")]
    LayoutMismatch {
        /// The plan's layout.
        expected: Layout,
        /// The layout of the data or model.
        actual: Layout,
    },
    /// More iterations than the rings that may be used have levels for.
    #[error(
        "at this security log N = {log_n} has levels for {possible} iterations, not for {iterations}; {}",
        sufficient(*sufficient_log_n)
    )]
    TooManyIterations {
        /// The iterations asked for.
        iterations: usize,
        /// log₂ of the (largest) ring degree that may be used.
        log_n: u32,
        /// Iterations that it has levels for.
        possible: usize,
        /// The smallest larger ring that would do.
        sufficient_log_n: Option<u32>,
    },
    /// More iterations than any training is planned for.
    #[error("a training has at most {} iterations, not {}", grouped(*max as u64), grouped(*iterations as u64))]
    TooLongTraining {
        /// The iterations asked for.
        iterations: usize,
        /// The most.
        max: usize,
    },
    /// A training set of another shape than the plan's.
    #[error(
        "the plan is for {} rows, {} features and {} classes, the data has {}, {} and {}; another shape takes another \
         plan",
        expected[0], expected[1].saturating_sub(1), expected[2], actual[0], actual[1].saturating_sub(1), actual[2]
    )]
    PlanShape {
        /// Samples, columns (with the bias) and classes of the plan.
        expected: [usize; 3],
        /// Samples, columns and classes of the data.
        actual: [usize; 3],
    },
    /// No rows or no columns.
    #[error("the data has {rows} rows and {columns} columns; at least one of each is needed")]
    EmptyDataset {
        /// Number of rows.
        rows: usize,
        /// Number of columns.
        columns: usize,
    },
    /// More columns than are whitened in reasonable time.
    #[error("{columns} columns are too many to whiten, {max} at most; other profiles take more")]
    WhitenedColumns {
        /// Number of columns.
        columns: usize,
        /// The most.
        max: usize,
    },
    /// Training rows in which no column varies.
    #[error(
        "no column varies by more than rounding in the training rows ({columns} in all): there is nothing to learn from"
    )]
    ConstantColumns {
        /// Number of columns.
        columns: usize,
    },
    /// A step of the owners of a pool that was refused.
    #[error(transparent)]
    Pool(#[from] crate::volley_ckks::multiparty::PoolError),
    /// Settings for another number of owners than there are.
    #[error("the settings are for {expected} owners, and {actual} have rows")]
    PoolOwners {
        /// Owners of the settings.
        expected: usize,
        /// Owners given.
        actual: usize,
    },
    /// An owner's sum that is too large to be added to those of others.
    #[error(
        "the rows' sum in column {column} (counted from 0) is {sum:e}, and a pool adds sums below {limit:e}: divide \
         the column by a power of ten"
    )]
    PooledSum {
        /// Index of the column.
        column: usize,
        /// The sum.
        sum: f64,
        /// What it must be below.
        limit: f64,
    },
    /// Totals of a pool that belong to another round or shape.
    #[error("the pool's totals are {actual} numbers, not {expected}: they belong to another round or shape")]
    PooledTotals {
        /// How many there should be.
        expected: usize,
        /// How many there are.
        actual: usize,
    },
    /// An owner's sums in another round than theirs.
    #[error("these are {member}'s sums for the {found}, what is needed is those for the {expected}")]
    PooledRound {
        /// The owner.
        member: String,
        /// The round that was asked for.
        expected: &'static str,
        /// The round of the sums.
        found: &'static str,
    },
    /// A class of which no owner of a pool has a row.
    #[error("no owner of the pool has a row of class {label:?}")]
    PooledClass {
        /// The class.
        label: String,
    },
    /// Statistics that were fitted elsewhere, and do not fit a pool.
    #[error("the statistics are of {found}, and the pool has {expected}")]
    GivenStatistics {
        /// What the pool has.
        expected: String,
        /// What the statistics are of.
        found: String,
    },
    /// A negative value in a column that the pool counted as having none.
    #[error("column {column} (counted from 0) has a negative value, and had none when the pool counted them")]
    NegativeRoot {
        /// Index of the column.
        column: usize,
    },
    /// Not one label per row.
    #[error("there are {labels} labels for {rows} rows")]
    LabelCount {
        /// Number of labels.
        labels: usize,
        /// Number of rows.
        rows: usize,
    },
    /// A value that is not a finite number.
    #[error("the value in row {row}, column {column} (counted from 0) is not a finite number")]
    NotFinite {
        /// Index of the row.
        row: usize,
        /// Index of the column.
        column: usize,
    },
    /// A label that is empty or only white space.
    #[error("the label of row {row} (counted from 0) is empty")]
    EmptyLabel {
        /// Index of the row.
        row: usize,
    },
    /// A row that does not exist.
    #[error("row {row} (counted from 0) does not exist: there are {rows}")]
    RowRange {
        /// Index of the row.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
    /// Too few classes to tell apart.
    #[error("training needs at least two classes, the labels have {classes}")]
    TooFewClasses {
        /// Number of different labels.
        classes: usize,
    },
    /// The same class twice in a list of classes.
    #[error("class \"{label}\" is listed twice")]
    DuplicateClass {
        /// The label.
        label: String,
    },
    /// A class that is blank or would not stay on one line.
    #[error("class {label:?} is empty, or has a line break or another control character")]
    ClassName {
        /// The label.
        label: String,
    },
    /// Rows that do not count alike, to which no others can be added: their order and weights depend on all of them.
    #[error("the rows have class weights, which rows that are added would change: plan for all rows")]
    WeightedRows,
    /// What was decrypted as the labels of a row has not one class.
    #[error("what was decrypted as the labels of row {row} (counted from 0) is no label")]
    DecryptedLabel {
        /// Index of the row.
        row: usize,
    },
    /// A label that is none of the classes.
    #[error("the label \"{label}\" of row {row} (counted from 0) is none of the classes")]
    UnknownLabel {
        /// Index of the row.
        row: usize,
        /// The label.
        label: String,
    },
    /// A number of feature columns other than the one that was fitted.
    #[error("{expected} feature columns are expected, there are {found}")]
    ColumnCount {
        /// The number that was fitted.
        expected: usize,
        /// The number given.
        found: usize,
    },
    /// Stored statistics of a column that no data has.
    #[error("the stored statistics of column {column} (counted from 0) are not usable numbers")]
    Statistics {
        /// Index of the column.
        column: usize,
    },
    /// A stored exponent of the normalisation that no data has.
    #[error("the stored normalisation 2^{exponent} is out of range")]
    Normalisation {
        /// The exponent.
        exponent: i32,
    },
    /// A checkpoint that is not one of this run.
    #[error("a checkpoint of iteration {iteration} with such weights is not one of this run of {iterations}")]
    Checkpoint {
        /// The checkpoint's iteration.
        iteration: usize,
        /// The iterations of the run.
        iterations: usize,
    },
    /// Groups that a source of rows, or the layout, has not.
    #[error(
        "groups {} to {} are not among those from {}",
        groups.start,
        groups.end,
        available.iter().map(|range| format!("{} to {}", range.start, range.end)).collect::<Vec<_>>().join(", ")
    )]
    Groups {
        /// The groups asked for, from the first to the one after the last.
        groups: Range<usize>,
        /// The groups that there are, as ranges in ascending order.
        available: Vec<Range<usize>>,
    },
    /// A source of rows that could not give a group.
    #[error("group {group} of the rows cannot be had: {reason}")]
    RowSource {
        /// The group.
        group: usize,
        /// Why not.
        reason: String,
    },
    /// Copies of rows that are to serve all iterations, where each has copies of its own.
    #[error("each iteration of the plan has copies of the rows at its own levels: they are read, not kept")]
    CopiesOfIteration,
    /// The gradient of another iteration.
    #[error("a gradient of iteration {found} where iterations {} to {} are expected", expected.start(), expected.end())]
    GradientIteration {
        /// The iterations whose gradients are taken.
        expected: RangeInclusive<usize>,
        /// The gradient's.
        found: usize,
    },
    /// Two gradients with a group in common.
    #[error("group {group} of the rows is in both gradients")]
    GradientOverlap {
        /// The first such group.
        group: usize,
    },
    /// A step that would leave out groups of rows.
    #[error("the gradient is of {covered} groups of rows, a step is made of all {groups}")]
    GradientIncomplete {
        /// Groups that there are gradients of.
        covered: usize,
        /// Groups of the layout.
        groups: usize,
    },
    /// Weights that are in no part of a step, or in two.
    #[error("ciphertext {ciphertext} of the weights is not in one part of the step")]
    StepParts {
        /// The first of their ciphertexts.
        ciphertext: usize,
    },
    /// A part of a gradient or of a step as words, of another number of words than the plan's.
    #[error("a part of an iteration has {found} words where the plan has {expected}")]
    Words {
        /// The words of the plan's.
        expected: usize,
        /// The words given.
        found: usize,
    },
    /// A gradient whose sums have another level, scale or number of slots than the plan's.
    #[error(
        "a gradient has level {}, scale {} and {} slots where the plan has {}, {} and {}",
        found.level, found.scale, found.slots, expected.level, expected.scale, expected.slots
    )]
    GradientOperand {
        /// What the plan has.
        expected: Operand,
        /// What the gradient has.
        found: Operand,
    },
    /// A refresh that is not the plan's, one too many or one too few.
    #[error("the plan refreshes {}, the refresh that is given returns {}", to_level(*expected), to_level(*found))]
    RefreshMismatch {
        /// The level of the plan's refreshes; none where it has none.
        expected: Option<usize>,
        /// The level of the given one's; none where none is given.
        found: Option<usize>,
    },
    /// Values so large that the quadratic gradient of a column overflows.
    #[error("the values around column {column} (counted from 0) are too large: their products overflow")]
    Overflow {
        /// Index of the column.
        column: usize,
    },
    /// A training run of no iterations.
    #[error("training takes at least one iteration")]
    NoIterations,
    /// A weight decay outside of [0, 1).
    #[error("a weight decay of {value:?} is not in [0, 1)")]
    WeightDecay {
        /// The value given.
        value: f64,
    },
    /// A learning rate that is not a positive number.
    #[error("a learning rate of {value:?} is not a positive number")]
    LearningRate {
        /// The value given.
        value: f64,
    },
    /// A limit of the momentum outside of [0, 1].
    #[error("a momentum of at most {limit:?} is not in [0, 1]")]
    MomentumLimit {
        /// The limit given.
        limit: f64,
    },
    /// A bound on weights that is not positive, or too large.
    #[error("a bound of {range:?} on normalised weights is not above 0 and at most 2^20")]
    WeightRange {
        /// The bound given.
        range: f64,
    },
    /// Weights beyond the bound that refreshing leaves room for: they would come out wrong.
    #[error(
        "in iteration {iteration} a normalised weight reaches {weight:.1}, the plan refreshes weights of at most \
         {range}"
    )]
    WeightsOutOfRange {
        /// The iteration, from 1.
        iteration: usize,
        /// The largest weight; infinite after a divergence.
        weight: f64,
        /// The plan's bound.
        range: f64,
    },
    /// Scores left the range in which the polynomial stands for the sigmoid.
    #[error(
        "in iteration {iteration} a score of size {score:.2} leaves the polynomial's range of {trusted_range:.2}"
    )]
    ScoreRange {
        /// The iteration, from 1.
        iteration: usize,
        /// The largest score of the iteration; infinite after a divergence.
        score: f64,
        /// The polynomial's trusted range.
        trusted_range: f64,
    },
    /// Scores so far out of the polynomial's range that errors no longer lead back: the weights grow without bound.
    #[error(
        "training diverges: in iteration {iteration} a score has the size {}, and nothing leads it back to the \
         polynomial's range of {trusted_range:.2}", sized(*score)
    )]
    Divergence {
        /// The iteration, from 1.
        iteration: usize,
        /// The largest score of the iteration; infinite in the end.
        score: f64,
        /// The polynomial's trusted range.
        trusted_range: f64,
    },
    /// Flooding that would leave too few bits of the weights.
    #[error("flooding would leave {bits:.1} bits of the largest weight, {required} are wanted")]
    SharedBits {
        /// log₂ of the largest weight over the deviation of the noise.
        bits: f64,
        /// The fewest.
        required: f64,
    },
    /// More ciphertexts than the owners of a pool planned to decrypt.
    #[error("the owners planned to decrypt {planned} ciphertexts, and with these it would be {found}")]
    PooledDecryptions {
        /// τ.
        planned: u32,
        /// How many it would be.
        found: usize,
    },
    /// Data whose encrypted training the estimate of the noise does not cover: its model cannot be shared.
    #[error("the {what} reach {value:.2}, and the noise of a shareable model is bounded for {limit} at most")]
    NoiseModel {
        /// What is too large.
        what: &'static str,
        /// Its size.
        value: f64,
        /// The largest that is covered.
        limit: f64,
    },
    /// A training so large that its plan takes too long to make. Whoever is sent its job has to make the plan again.
    #[error(
        "a plan of {} operations is too large: at most {} are simulated",
        grouped(*operations as u64),
        grouped(*max as u64)
    )]
    PlanTooLarge {
        /// Bound on the operations that planning simulates.
        operations: usize,
        /// Most that are simulated.
        max: usize,
    },
    /// Encrypted prediction by a model in the middle of training, or its decryption by a pool.
    #[error(
        "the model is of iteration {iteration} of {iterations}: encrypted prediction, and decryption by a pool, take \
         the last"
    )]
    UnfinishedModel {
        /// The model's iteration.
        iteration: usize,
        /// The iterations of the run.
        iterations: usize,
    },
    /// Scores that wrapped around in their ciphertexts.
    #[error(
        "the scores of rows {} (counted from 0) cannot be read: in each of these ranges, which is a ciphertext, a row \
         has a score of {limit:.0} or more, and spoils the others; leave out rows with values far beyond the \
         training's",
        in_words(rows)
    )]
    ScoreOverflow {
        /// The rows of each ciphertext with such a score, counted from 0.
        rows: Vec<Range<usize>>,
        /// What scores must stay below.
        limit: f64,
    },
    /// Weights that no training ends with.
    #[error(
        "a normalised weight is {weight:.1e}, and those of a training stay below {limit:.0}: the ciphertexts are \
         damaged, or the training diverged"
    )]
    WeightOverflow {
        /// The largest.
        weight: f64,
        /// What weights must stay below.
        limit: f64,
    },
    /// Another number of rows than a prediction was planned for.
    #[error("the prediction is planned for {expected} rows, there are {found}")]
    RowCount {
        /// Rows of the plan.
        expected: usize,
        /// Rows given.
        found: usize,
    },
    /// Weights that are not classes × (features + 1).
    #[error("weights of {found_rows} x {found_columns} do not fit a model of {rows} x {columns}")]
    WeightShape {
        /// Rows expected: classes.
        rows: usize,
        /// Columns expected: features and the bias.
        columns: usize,
        /// Rows given.
        found_rows: usize,
        /// Columns given.
        found_columns: usize,
    },
}

/// The level of a refresh, in words.
fn to_level(level: Option<usize>) -> String {
    level.map_or_else(|| "nothing".to_owned(), |level| format!("to level {level}"))
}

/// First and last rows of ranges.
fn in_words(ranges: &[Range<usize>]) -> String {
    let ranges: Vec<_> = ranges.iter().map(|rows| format!("{} to {}", rows.start, rows.end - 1)).collect();
    ranges.join(", ")
}

/// A ring that would have levels enough, in words.
fn sufficient(log_n: Option<u32>) -> String {
    log_n.map_or_else(
        || "no larger ring in use has them".to_owned(),
        |log_n| format!("log N = {log_n} would do"),
    )
}

impl From<crate::volley_ckks::Error> for Error {
    fn from(error: crate::volley_ckks::Error) -> Self {
        Self::Matrix(error.into())
    }
}

/// A score, which may be of any size.
fn sized(score: f64) -> String {
    if score < 1e6 { format!("{score:.1}") } else { format!("{score:.1e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!([0, 999, 1000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
    }
}
