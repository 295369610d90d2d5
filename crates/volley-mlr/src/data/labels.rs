//! Labels as they are written, and the class indices that training uses.

use std::collections::HashSet;

use ndarray::{Array2, ArrayRef1};
use serde::{Deserialize, Serialize};

use crate::error::Error;

/// The classes of a model: at least two different labels, each with its index.
///
/// Labels are texts and stay as they are written: "5" and "5.0" are two classes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
pub struct ClassLabels(Vec<String>);

impl ClassLabels {
    /// The different labels among `labels`: in numerical order when every one is a finite number (equal numbers in
    /// lexicographic order), else in lexicographic order. The order of the samples does not matter.
    ///
    /// # Errors
    ///
    /// [`Error::TooFewClasses`] if there are fewer than two, [`Error::ClassName`] for one that is no
    /// [name](Self::is_name).
    pub fn of(labels: &[String]) -> Result<Self, Error> {
        let mut classes = labels.to_vec();
        classes.sort_unstable();
        classes.dedup();
        // "nan" and "inf" parse as numbers, but they are names.
        let number = |label: &String| label.trim().parse().ok().filter(|value: &f64| value.is_finite());
        if let Some(numbers) = classes.iter().map(number).collect::<Option<Vec<f64>>>() {
            let mut numbered: Vec<(f64, String)> = numbers.into_iter().zip(classes).collect();
            numbered.sort_by(|(a, _), (b, _)| a.total_cmp(b));
            classes = numbered.into_iter().map(|(_, label)| label).collect();
        }
        Self::try_from(classes)
    }

    /// Whether a text can be the name of a class: it is not blank, and has no line break and no other control
    /// character, so that predictions can be written one a line.
    #[must_use]
    pub fn is_name(text: &str) -> bool {
        let breaks = |character: char| character.is_control() || "\u{2028}\u{2029}".contains(character);
        !text.trim().is_empty() && !text.contains(breaks)
    }

    /// Number of classes.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "there are always at least two classes")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// The labels, in the order of their indices.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.0
    }

    /// The index of a label.
    #[must_use]
    pub fn index_of(&self, label: &str) -> Option<usize> {
        self.0.iter().position(|class| class == label)
    }

    /// The label of the highest score in each row of scores (samples × classes). The first wins among equal scores.
    #[must_use]
    pub fn highest(&self, scores: &Array2<f64>) -> Vec<&str> {
        scores.rows().into_iter().map(|row| self.0[highest(&row)].as_str()).collect()
    }

    /// The share of rows whose label has the [highest](Self::highest) score, in \[0, 1\]. A label that is no class counts as wrong.
    #[must_use]
    pub fn accuracy(&self, scores: &Array2<f64>, labels: &[String]) -> f64 {
        let right =
            self.highest(scores).into_iter().zip(labels).filter(|(found, label)| found == label).count();
        right as f64 / labels.len() as f64
    }

    /// One row per label, 1 in the column of its class and 0 elsewhere.
    ///
    /// # Errors
    ///
    /// [`Error::UnknownLabel`] for a label that is none of the classes.
    pub fn one_hot(&self, labels: &[String]) -> Result<Array2<f64>, Error> {
        let mut one_hot = Array2::zeros((labels.len(), self.len()));
        for (row, label) in labels.iter().enumerate() {
            let class =
                self.index_of(label).ok_or_else(|| Error::UnknownLabel { row, label: label.clone() })?;
            one_hot[[row, class]] = 1.0;
        }
        Ok(one_hot)
    }
}

/// The index of the highest score. The first wins among equal ones.
pub(crate) fn highest(scores: &ArrayRef1<f64>) -> usize {
    (1..scores.len()).fold(0, |best, index| if scores[index] > scores[best] { index } else { best })
}

impl TryFrom<Vec<String>> for ClassLabels {
    type Error = Error;

    /// Classes in a given order, as a stored model has them: at least two, each once, each [a name](Self::is_name).
    fn try_from(classes: Vec<String>) -> Result<Self, Error> {
        if classes.len() < 2 {
            return Err(Error::TooFewClasses { classes: classes.len() });
        }
        // A set: whoever wrote them may have written millions.
        let mut seen = HashSet::new();
        if let Some(label) = classes.iter().find(|label| !seen.insert(label.as_str())) {
            return Err(Error::DuplicateClass { label: label.clone() });
        }
        if let Some(label) = classes.iter().find(|label| !Self::is_name(label)) {
            return Err(Error::ClassName { label: label.clone() });
        }
        Ok(Self(classes))
    }
}

impl From<ClassLabels> for Vec<String> {
    fn from(classes: ClassLabels) -> Self {
        classes.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn classes(labels: &[&str]) -> Vec<String> {
        let labels: Vec<String> = labels.iter().map(ToString::to_string).collect();
        ClassLabels::of(&labels).unwrap().into()
    }

    #[test]
    fn numbers_are_ordered_as_numbers_and_texts_as_texts() {
        assert_eq!(classes(&["10", "9", "-1", "9", "2.5"]), ["-1", "2.5", "9", "10"]);
        assert_eq!(classes(&["10", "9", "cat"]), ["10", "9", "cat"]);
        assert_eq!(classes(&["5.0", "5", "4", "5.0"]), ["4", "5", "5.0"]);
        assert_eq!(classes(&["nan", "2", "10"]), ["10", "2", "nan"]);
    }

    #[test]
    fn unusable_lists_are_refused() {
        let one = vec!["a".to_owned(), "a".to_owned()];
        assert_eq!(ClassLabels::of(&one), Err(Error::TooFewClasses { classes: 1 }));
        assert_eq!(ClassLabels::try_from(one), Err(Error::DuplicateClass { label: "a".to_owned() }));
        assert!(serde_json::from_str::<ClassLabels>(r#"["a"]"#).is_err());
        for label in ["", " ", "a\nb", "a\rb", "a\tb", "\0", "a\u{85}", "a\u{2028}b"] {
            let classes = vec!["a".to_owned(), label.to_owned()];
            assert_eq!(ClassLabels::try_from(classes), Err(Error::ClassName { label: label.to_owned() }));
        }
        let two = ClassLabels::try_from(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let unknown = Error::UnknownLabel { row: 1, label: "c".to_owned() };
        assert_eq!(two.one_hot(&["b".to_owned(), "c".to_owned()]), Err(unknown));
    }

    proptest! {
        #[test]
        fn labels_survive_the_way_to_indices_and_back(
            labels in prop::collection::vec("[a-c]{1,2}|-?[0-9]{1,2}(\\.[05])?", 2..40),
        ) {
            let Ok(classes) = ClassLabels::of(&labels) else {
                prop_assert!(labels.iter().all(|label| *label == labels[0]));
                return Ok(());
            };
            let one_hot = classes.one_hot(&labels).unwrap();
            for (label, row) in labels.iter().zip(one_hot.rows()) {
                prop_assert_eq!(row.sum(), 1.0);
                let class = classes.index_of(label).unwrap();
                prop_assert_eq!(row[class], 1.0);
                prop_assert_eq!(&classes.names()[class], label);
            }
            let mut reversed = labels;
            reversed.reverse();
            prop_assert_eq!(&ClassLabels::of(&reversed).unwrap(), &classes);
            let stored = serde_json::to_string(&classes).unwrap();
            prop_assert_eq!(serde_json::from_str::<ClassLabels>(&stored).unwrap(), classes);
        }
    }
}
