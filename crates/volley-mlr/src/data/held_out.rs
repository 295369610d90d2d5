//! Rows that are held out of a training, to judge its model by.

use std::collections::BTreeMap;

use rand_core::Rng;

use crate::data::dataset::Dataset;

impl Dataset {
    /// The rows in two parts: those to train on, and those held out. Of each class a quarter of the rows is held out,
    /// rounded to the nearest number, half a row up. A class with a single row has none held out. Which rows they are
    /// depends on the labels and on `rng` alone; in both parts rows have the order of the data.
    ///
    /// `None` where no class has two rows.
    #[must_use]
    pub fn hold_out(&self, rng: &mut impl Rng) -> Option<(Self, Self)> {
        let mut classes: BTreeMap<&str, Vec<(u64, usize)>> = BTreeMap::new();
        for (row, label) in self.labels().iter().enumerate() {
            classes.entry(label).or_default().push((rng.next_u64(), row));
        }
        let mut is_held_out = vec![false; self.samples()];
        for rows in classes.values_mut() {
            rows.sort_unstable();
            let quarter = (rows.len() + 2) / 4;
            rows.iter().take(quarter).for_each(|&(_, row)| is_held_out[row] = true);
        }
        let (held_out, training): (Vec<_>, Vec<_>) = (0..self.samples()).partition(|&row| is_held_out[row]);
        self.select(&training).ok().zip(self.select(&held_out).ok())
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;
    use proptest::prelude::*;

    use super::*;
    use crate::testing::rng;

    /// A row for each label, its only feature the row's number.
    fn rows(labels: &[usize]) -> Dataset {
        let features = Array2::from_shape_fn((labels.len(), 1), |(row, _)| row as f64);
        Dataset::new(features, labels.iter().map(usize::to_string)).unwrap()
    }

    fn numbers(data: &Dataset) -> Vec<usize> {
        data.features().iter().map(|&number| number as usize).collect()
    }

    #[test]
    fn rows_that_cannot_be_held_out_are_not() {
        assert_eq!(rows(&[0, 1, 2]).hold_out(&mut rng(0)), None);
        let (training, held_out) = rows(&[0, 0, 1]).hold_out(&mut rng(0)).unwrap();
        assert_eq!((training.samples(), held_out.labels()), (2, &["0".to_owned()][..]));
    }

    proptest! {
        #[test]
        fn each_class_is_split_and_no_row_is_lost(
            labels in prop::collection::vec(0_usize..5, 6..200),
            seed in any::<u64>(),
        ) {
            let data = rows(&labels);
            let (training, held_out) = data.hold_out(&mut rng(seed)).unwrap();
            prop_assert_eq!(data.hold_out(&mut rng(seed)), Some((training.clone(), held_out.clone())));
            let (kept, tested) = (numbers(&training), numbers(&held_out));
            prop_assert!(kept.is_sorted() && tested.is_sorted());
            let mut all = [kept, tested.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..labels.len()).collect::<Vec<_>>());
            for class in 0..5 {
                let of_class = labels.iter().filter(|&&label| label == class).count();
                let found = tested.iter().filter(|&&row| labels[row] == class).count();
                prop_assert_eq!(found, if of_class > 1 { (of_class as f64 / 4.0).round() as usize } else { 0 });
            }
            for (row, label) in tested.iter().zip(held_out.labels()) {
                prop_assert_eq!(label, &labels[*row].to_string());
            }
        }
    }

    #[test]
    fn other_seeds_hold_out_other_rows() {
        let data = rows(&[0; 40]);
        let held_out = |seed| numbers(&data.hold_out(&mut rng(seed)).unwrap().1);
        assert_eq!(held_out(1).len(), 10);
        assert_ne!(held_out(1), held_out(2));
    }
}
