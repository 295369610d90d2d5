//! Which shifts are made on copies of the features and which on sums.

/// Where the backward product makes its row shifts hD.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RowShifts {
    /// They are made on copies of the features: K copies of each ciphertext, G sums.
    Copies,
    /// They are made on the sums, which all samples share: G copies of each ciphertext, K sums and as many
    /// relinearizations.
    Sums,
}

/// How the rotations of one ciphertext by many steps are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rotations {
    /// All rotations come from one gadget decomposition, by a key for each step.
    Hoisted,
    /// Each rotation comes from the one before, by one key for all of them, or two where there are shifts of two kinds.
    /// Each has a decomposition of its own, and the noise of those before it.
    Successive,
}

/// A member of the family of skewed products. Copies of the features cost memory and set-up, and pay off over many
/// iterations. Few copies are cheaper for samples that are seen once.
///
/// The forward product splits b = g·H_f + h. It makes the shifts h on H_f copies of each feature ciphertext and the
/// shifts g·H_f on sums: K/H_f relinearizations and K/H_f − 1 rotations for each group.
///
/// The backward product splits b = gH + h, with G = K/H. It takes G − 1 rotations of sums in all, H − 1 hoisted
/// rotations of each group's errors, and the row shifts of h according to [`RowShifts`]. All counts are for each column
/// block.
///
/// Where rotations are hoisted each of their steps has its key, and these are nearly all keys of a training run.
/// Rotations that are made [successively](Rotations::Successive) take a key or two, and more time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Split {
    period: usize,
    forward_steps: usize,
    backward_steps: usize,
    row_shifts: RowShifts,
    copies: Rotations,
    factors: Rotations,
}

impl Split {
    /// The split of K = `period` with these steps, which divide it, all of whose rotations are hoisted.
    pub(crate) fn hoisted(
        period: usize,
        forward_steps: usize,
        backward_steps: usize,
        row_shifts: RowShifts,
    ) -> Self {
        let (copies, factors) = (Rotations::Hoisted, Rotations::Hoisted);
        Self { period, forward_steps, backward_steps, row_shifts, copies, factors }
    }

    /// The same shifts, with the copies of the features made by `copies`, the rotations of weights and errors by
    /// `factors`.
    #[must_use]
    pub fn with_rotations(self, copies: Rotations, factors: Rotations) -> Self {
        Self { copies, factors, ..self }
    }

    /// K, the rotations of a product.
    #[must_use]
    pub fn period(&self) -> usize {
        self.period
    }

    /// H_f, the copies of each feature ciphertext for the forward product.
    #[must_use]
    pub fn forward_copies(&self) -> usize {
        self.forward_steps
    }

    /// Copies of each feature ciphertext for the backward product: K or G.
    #[must_use]
    pub fn backward_copies(&self) -> usize {
        match self.row_shifts {
            RowShifts::Copies => self.period,
            RowShifts::Sums => self.backward_giants(),
        }
    }

    /// H, the rotations of each group's errors.
    #[must_use]
    pub fn backward_steps(&self) -> usize {
        self.backward_steps
    }

    /// Sums that the backward product keeps for each column block: G or K.
    #[must_use]
    pub fn backward_sums(&self) -> usize {
        match self.row_shifts {
            RowShifts::Copies => self.backward_giants(),
            RowShifts::Sums => self.period,
        }
    }

    /// Where the row shifts are made.
    #[must_use]
    pub fn row_shifts(&self) -> RowShifts {
        self.row_shifts
    }

    /// How the copies of the features are made.
    #[must_use]
    pub fn copies(&self) -> Rotations {
        self.copies
    }

    /// How the rotations of the encrypted factors, weights and errors, are made.
    #[must_use]
    pub fn factors(&self) -> Rotations {
        self.factors
    }

    pub(crate) fn forward_giants(&self) -> usize {
        self.period / self.forward_steps
    }

    pub(crate) fn backward_giants(&self) -> usize {
        self.period / self.backward_steps
    }
}
