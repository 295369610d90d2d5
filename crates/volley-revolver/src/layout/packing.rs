//! Packing of matrices into slots and back, and masks.

use ndarray::{Array2, ArrayRef1, ArrayRef2, Axis};
use volley_ckks::Complex64;

use super::{Layout, Part};
use crate::error::{Error, check_length, check_shape};

impl Layout {
    /// The features x (samples × columns): slots by group and column block.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_features(&self, x: &ArrayRef2<f64>) -> Result<Vec<Vec<Vec<Complex64>>>, Error> {
        (0..self.groups()).map(|group| self.pack_group_features(x, group)).collect()
    }

    /// The features of one group: slots by column block.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_group_features(
        &self,
        x: &ArrayRef2<f64>,
        group: usize,
    ) -> Result<Vec<Vec<Complex64>>, Error> {
        check_shape([self.shape.samples, self.shape.columns], x.shape())?;
        let pack = |column_block| {
            let columns = x.slice_axis(Axis(1), self.block_columns(column_block).into());
            let mut slots = vec![Complex64::ZERO; self.slots];
            for &part in self.parts(group) {
                let rows = columns.rows().into_iter().skip(self.part_samples(group, part).start);
                for (row, sample) in slots.chunks_exact_mut(self.width).zip(rows) {
                    for (slot, &value) in row[self.period..].iter_mut().zip(sample) {
                        *slot += part.unit() * value;
                    }
                }
            }
            slots
        };
        Ok((0..self.column_blocks()).map(pack).collect())
    }

    /// The labels y (samples × classes, one-hot or not): slots by group and class block, skewed and repeated along the
    /// row, the second row block of a pair times −i.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_labels(&self, y: &ArrayRef2<f64>) -> Result<Vec<Vec<Complex64>>, Error> {
        let groups = (0..self.groups()).map(|group| self.pack_group_labels(y, group));
        Ok(groups.collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect())
    }

    /// The labels of one group: slots by class block.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_group_labels(&self, y: &ArrayRef2<f64>, group: usize) -> Result<Vec<Vec<Complex64>>, Error> {
        check_shape([self.shape.samples, self.shape.classes], y.shape())?;
        let pack = |class_block| {
            let y = y.slice_axis(Axis(1), self.block_classes(class_block).into());
            let mut slots = vec![Complex64::ZERO; self.slots];
            for &part in self.parts(group) {
                self.class_block(class_block).for_each_class(
                    group,
                    part,
                    self.width,
                    |slot, sample, class| {
                        slots[slot] += part.error_unit() * y[[sample, class]];
                    },
                );
            }
            slots
        };
        Ok((0..self.class_blocks()).map(pack).collect())
    }

    /// The features (samples of the group × columns) in slots by column block: what
    /// [`pack_group_features`](Self::pack_group_features) packed.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of column blocks or slots.
    pub fn unpack_group_features(
        &self,
        slots: &[Vec<Complex64>],
        group: usize,
    ) -> Result<Array2<f64>, Error> {
        self.check_slots(self.column_blocks(), slots)?;
        let samples = self.group_samples(group);
        let mut x = Array2::zeros((samples.len(), self.shape.columns));
        for (block, slots) in slots.iter().enumerate() {
            for &part in self.parts(group) {
                for (sample, row) in self.part_samples(group, part).zip(slots.chunks_exact(self.width)) {
                    for (column, slot) in self.block_columns(block).zip(&row[self.period..]) {
                        x[[sample - samples.start, column]] = part.value(*slot);
                    }
                }
            }
        }
        Ok(x)
    }

    /// The labels (samples of the group × classes) in slots by class block: what
    /// [`pack_group_labels`](Self::pack_group_labels) packed.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of class blocks or slots.
    pub fn unpack_group_labels(&self, slots: &[Vec<Complex64>], group: usize) -> Result<Array2<f64>, Error> {
        self.check_slots(self.class_blocks(), slots)?;
        let samples = self.group_samples(group);
        let mut y = Array2::zeros((samples.len(), self.shape.classes));
        for (class_block, slots) in slots.iter().enumerate() {
            self.for_each_value(group, class_block, |part, slot, sample, class| {
                y[[sample - samples.start, class]] = part.error_value(slots[slot]);
            });
        }
        Ok(y)
    }

    /// One factor for each column, in every row: slots by column block. Multiplied into the features of the backward
    /// product they scale the columns of the gradient. The values are divided by
    /// [`gradient_multiple`](Self::gradient_multiple) here, so that the gradient is scaled by exactly these factors.
    ///
    /// # Errors
    ///
    /// [`Error::Length`].
    pub fn pack_columns(&self, factors: &ArrayRef1<f64>) -> Result<Vec<Vec<Complex64>>, Error> {
        check_length(self.shape.columns, factors.len())?;
        Ok(self.pack_by_column(|_, column| factors[column] / self.gradient_multiple()))
    }

    /// Weights (classes × columns): slots by class block and column block, skewed and K-periodic in the rows.
    ///
    /// # Errors
    ///
    /// [`Error::ArrayShape`].
    pub fn pack_weights(&self, v: &ArrayRef2<f64>) -> Result<Vec<Vec<Complex64>>, Error> {
        check_shape([self.shape.classes, self.shape.columns], v.shape())?;
        let pack = |class_block| {
            let v = v.slice_axis(Axis(0), self.block_classes(class_block).into());
            self.pack_by_column(|class, column| v.get([class, column]).copied().unwrap_or(0.0))
        };
        Ok((0..self.class_blocks()).flat_map(pack).collect())
    }

    /// The weights (classes × columns) in slots by class block and column block. The R/K copies of each are averaged,
    /// as their noise differs; imaginary parts are noise and dropped.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of blocks or slots.
    pub fn unpack_weights(&self, slots: &[Vec<Complex64>]) -> Result<Array2<f64>, Error> {
        self.check_slots(self.weight_ciphertexts(), slots)?;
        let mut v = Array2::zeros((self.shape.classes, self.shape.columns));
        let copies = (self.rows() / self.period) as f64;
        for (class_block, slots) in slots.chunks_exact(self.column_blocks()).enumerate() {
            let classes = self.block_classes(class_block);
            self.for_each_weight(|block, slot, class, column| {
                if class < classes.len() {
                    v[[classes.start + class, column]] += slots[block][slot].re / copies;
                }
            });
        }
        Ok(v)
    }

    /// The scores (samples × classes) in slots by group and class block, as the forward product leaves them.
    ///
    /// # Errors
    ///
    /// [`Error::Length`] for another number of groups, class blocks or slots.
    pub fn unpack_scores(&self, slots: &[Vec<Complex64>]) -> Result<Array2<f64>, Error> {
        self.check_slots(self.score_ciphertexts(), slots)?;
        let mut z = Array2::zeros((self.shape.samples, self.shape.classes));
        for (index, slots) in slots.iter().enumerate() {
            let (group, class_block) = (index / self.class_blocks(), index % self.class_blocks());
            self.for_each_value(group, class_block, |part, slot, sample, class| {
                z[[sample, class]] = part.value(slots[slot]);
            });
        }
        Ok(z)
    }

    /// A mask: `value` where a group's part has a score (the first K columns of the rows and classes that exist), else
    /// 0. A polynomial with such coefficients, evaluated on scores, clears all other slots as well. With `value` times
    /// [`Part::error_unit`] the parts' results add up to the error of the pair. The mask is all zero for a part that
    /// does not exist. Where there are several class blocks it is that of the first; each has its own
    /// [layout](Self::class_block).
    #[must_use]
    pub fn score_mask(&self, group: usize, part: Part, value: Complex64) -> Vec<Complex64> {
        self.mask(group, part, self.period, value)
    }

    /// As [`score_mask`](Self::score_mask), but along whole rows, as labels are. It serves what is added after the
    /// scores were repeated along the row.
    #[must_use]
    pub fn label_mask(&self, group: usize, part: Part, value: Complex64) -> Vec<Complex64> {
        self.mask(group, part, self.width, value)
    }

    fn mask(&self, group: usize, part: Part, columns: usize, value: Complex64) -> Vec<Complex64> {
        let mut slots = vec![Complex64::ZERO; self.slots];
        self.for_each_class(group, part, columns, |slot, _, _| slots[slot] = value);
        slots
    }

    /// Calls `f(part, slot, sample, class)` for every existing sample and class that the first K columns of a group's
    /// class block hold. The class is that of the layout.
    fn for_each_value(&self, group: usize, class_block: usize, mut f: impl FnMut(Part, usize, usize, usize)) {
        let first = self.block_classes(class_block).start;
        for &part in self.parts(group) {
            self.class_block(class_block).for_each_class(group, part, self.period, |slot, sample, class| {
                f(part, slot, sample, first + class);
            });
        }
    }

    /// Calls `f(slot, sample, class)` for every existing sample and class that the first `columns` columns of a
    /// group's part hold.
    fn for_each_class(
        &self,
        group: usize,
        part: Part,
        columns: usize,
        mut f: impl FnMut(usize, usize, usize),
    ) {
        for (i, sample) in self.part_samples(group, part).enumerate() {
            for j in 0..columns {
                let class = (i + j) % self.period;
                if class < self.shape.classes {
                    f(i * self.width + j, sample, class);
                }
            }
        }
    }

    /// Calls `f(column block, slot, class, column)` for every slot that holds a weight, those of the padded classes
    /// included.
    fn for_each_weight(&self, mut f: impl FnMut(usize, usize, usize, usize)) {
        for block in 0..self.column_blocks() {
            for i in 0..self.rows() {
                for (j, column) in (self.period..).zip(self.block_columns(block)) {
                    f(block, i * self.width + j, (i + j) % self.period, column);
                }
            }
        }
    }

    /// Slots by column block, filled from a value for each class and column.
    fn pack_by_column(&self, value: impl Fn(usize, usize) -> f64) -> Vec<Vec<Complex64>> {
        let mut slots = vec![vec![Complex64::ZERO; self.slots]; self.column_blocks()];
        self.for_each_weight(|block, slot, class, column| slots[block][slot] = value(class, column).into());
        slots
    }

    fn check_slots(&self, count: usize, slots: &[Vec<Complex64>]) -> Result<(), Error> {
        check_length(count, slots.len())?;
        slots.iter().try_for_each(|slots| check_length(self.slots, slots.len()))
    }
}
