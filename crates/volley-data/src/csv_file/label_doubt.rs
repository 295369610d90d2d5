//! Whether the first column looks as if it had the labels.

use std::collections::HashSet;

use crate::table::LabelDoubt;

/// Fewer rows say nothing.
const ROWS: usize = 4;
/// More different values are none of labels.
const CLASSES: usize = 20;

/// What speaks against labels being those of the table, by the values of the rows beside them.
pub(super) fn of<'a>(
    labels: &[String],
    mut rows: impl Iterator<Item = &'a [f64]> + Clone,
) -> Option<LabelDoubt> {
    if labels.len() < ROWS {
        return None;
    }
    let different = labels.iter().collect::<HashSet<_>>().len();
    let numbers = labels.iter().map(|label| label.parse().ok());
    let Some(numbers) = numbers.collect::<Option<Vec<f64>>>() else {
        return (different == labels.len()).then_some(LabelDoubt::AllDiffer);
    };
    if numbers.iter().any(|number| number.fract() != 0.0) {
        return Some(LabelDoubt::Fractions);
    }
    if different == labels.len() {
        return Some(LabelDoubt::AllDiffer);
    }
    let last = || rows.clone().filter_map(|row| row.last());
    let classes = last().map(|value| value.to_bits()).collect::<HashSet<_>>().len();
    let is_whole = rows.all(|row| row.last().is_none_or(|value| value.fract() == 0.0));
    let more = is_whole && (2..=CLASSES).contains(&classes) && classes < different;
    more.then_some(LabelDoubt::LastColumn { first: different, last: classes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_that_look_like_labels_and_like_none() {
        let doubt = |labels: &str, last: &[f64]| {
            let labels: Vec<String> = labels.split(' ').map(str::to_owned).collect();
            of(&labels, last.chunks_exact(1))
        };
        assert_eq!(doubt("a b c d", &[0.0, 1.0, 0.0, 1.0]), Some(LabelDoubt::AllDiffer));
        assert_eq!(doubt("7 8 9 10", &[0.5, 1.0, 0.0, 1.0]), Some(LabelDoubt::AllDiffer));
        assert_eq!(doubt("7 8 9 10", &[0.0, 1.0, 0.0, 1.0]), Some(LabelDoubt::AllDiffer));
        assert_eq!(doubt("5.1 5 5 5.1", &[0.0, 1.0, 0.0, 1.0]), Some(LabelDoubt::Fractions));
        let last = Some(LabelDoubt::LastColumn { first: 3, last: 2 });
        assert_eq!(doubt("6 1 8 1", &[1.0, 0.0, 1.0, 1.0]), last);
        assert_eq!(doubt("6 1 8", &[1.0, 0.0, 1.0]), None);
        assert_eq!(doubt("6 1 8 1", &[1.0; 4]), None);
        assert_eq!(doubt("0 1 0 1", &[1.0, 2.0, 3.0, 4.0]), None);
        assert_eq!(doubt("a b a b", &[1.0, 0.0, 0.0, 0.0]), None);
    }
}
