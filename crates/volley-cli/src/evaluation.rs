//! How good predictions are: for all rows, and for each class.

use std::fmt;

use serde::Serialize;
use textwrap::core::display_width;
use volley_mlr::{ClassLabels, Recalls};
use volley_program::units::counted;

/// A matrix is shown on lines of at most so many characters.
const WIDTH: usize = 120;
/// Pairs of classes that are shown where the matrix is wider.
const PAIRS: usize = 20;

/// How often which class was predicted for which, and what follows from it.
#[derive(Debug, Serialize)]
pub(crate) struct Evaluation {
    pub(crate) rows: usize,
    pub(crate) accuracy: f64,
    /// The mean over the classes that have rows, of their recall.
    balanced_accuracy: f64,
    /// The mean over all classes that have an F1.
    mean_f1: f64,
    per_class: Vec<ClassFigures>,
    classes: Vec<String>,
    /// Counts by the true class, then by the predicted one.
    confusion: Vec<Vec<usize>>,
}

/// The figures of a class. A quotient of zero by zero is none.
#[derive(Debug, Serialize)]
pub(crate) struct ClassFigures {
    pub(crate) class: String,
    /// Rows of the class.
    rows: usize,
    /// Rows that it was predicted for.
    predicted: usize,
    /// The share of its rows that it was predicted for.
    pub(crate) recall: Option<f64>,
    /// The share of its rows among those that it was predicted for.
    precision: Option<f64>,
    /// The harmonic mean of both: 2·right/(rows + predicted).
    f1: Option<f64>,
}

impl Evaluation {
    /// Of true labels, each a class, and of the predictions of the same rows, of which there is at least one.
    pub(crate) fn new(classes: &ClassLabels, labels: &[String], predicted: &[&str]) -> Self {
        let found = Recalls::of_labels(classes, labels, predicted);
        let mut confusion = vec![vec![0; classes.len()]; classes.len()];
        for (label, predicted) in labels.iter().zip(predicted) {
            if let Some((label, predicted)) = classes.index_of(label).zip(classes.index_of(predicted)) {
                confusion[label][predicted] += 1;
            }
        }
        let per_class = ClassFigures::of(classes, &found);
        Self {
            rows: found.rows(),
            accuracy: found.accuracy(),
            balanced_accuracy: mean(per_class.iter().filter_map(|class| class.recall)),
            mean_f1: mean(per_class.iter().filter_map(|class| class.f1)),
            per_class,
            classes: classes.names().to_vec(),
            confusion,
        }
    }

    /// The widths of names, and of names and counts.
    fn widths(&self) -> (usize, usize) {
        let counts = self.confusion.iter().flatten().map(|count| count.to_string().len());
        let names = self.classes.iter().map(|name| display_width(name));
        let label = names.clone().chain(["class".len()]).max().unwrap_or_default();
        (label, names.chain(counts).max().unwrap_or_default())
    }

    fn write_matrix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (label, width) = self.widths();
        write!(f, "{:>label$}  predicted\n{:label$}", "true", "")?;
        self.classes.iter().try_for_each(|name| write!(f, "  {}", at_right(name, width)))?;
        for (name, row) in self.classes.iter().zip(&self.confusion) {
            write!(f, "\n{}", at_right(name, label))?;
            row.iter().try_for_each(|count| write!(f, "  {count:>width$}"))?;
        }
        Ok(())
    }

    /// The pairs of classes that were mistaken most often, the most frequent first.
    fn mistakes(&self) -> Vec<(usize, &str, &str)> {
        let mut mistakes = Vec::new();
        for (label, row) in self.confusion.iter().enumerate() {
            for (predicted, &count) in row.iter().enumerate().filter(|&(predicted, _)| predicted != label) {
                if count > 0 {
                    mistakes.push((count, &self.classes[label][..], &self.classes[predicted][..]));
                }
            }
        }
        mistakes.sort_by_key(|&(count, ..)| std::cmp::Reverse(count));
        mistakes
    }

    fn write_mistakes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mistakes = self.mistakes();
        if mistakes.is_empty() {
            return f.write_str("no row was taken for another class");
        }
        let shown = mistakes.len().min(PAIRS);
        write!(
            f,
            "{shown} of {} that were mistaken (--json has all counts)",
            counted(mistakes.len(), "pair")
        )?;
        for (count, label, predicted) in &mistakes[..shown] {
            write!(f, "\n{count:>7}  {label} taken for {predicted}")?;
        }
        Ok(())
    }
}

/// A name after as many blanks as make it so wide on a terminal.
fn at_right(name: &str, width: usize) -> String {
    format!("{}{name}", " ".repeat(width.saturating_sub(display_width(name))))
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "accuracy {:.2} % of {}\n", 100.0 * self.accuracy, counted(self.rows, "row"))?;
        let (label, width) = self.widths();
        writeln!(f, "{:>label$}  {:>9}  {:>9}  {:>9}  {:>9}", "class", "rows", "recall", "precision", "F1")?;
        for ClassFigures { class, rows, recall, precision, f1, .. } in &self.per_class {
            let [recall, precision, f1] = [recall, precision, f1].map(|share| percent(*share));
            let class = at_right(class, label);
            writeln!(f, "{class}  {rows:>9}  {recall:>9}  {precision:>9}  {f1:>9}")?;
        }
        let precision = percent(Some(mean(self.per_class.iter().filter_map(|class| class.precision))));
        let [recall, f1] = [self.balanced_accuracy, self.mean_f1].map(|share| percent(Some(share)));
        writeln!(f, "{:>label$}  {:>9}  {recall:>9}  {precision:>9}  {f1:>9}\n", "mean", "")?;
        let is_narrow = label + self.classes.len() * (width + 2) <= WIDTH;
        if is_narrow { self.write_matrix(f) } else { self.write_mistakes(f) }
    }
}

impl ClassFigures {
    /// The figures of all classes.
    pub(crate) fn of(classes: &ClassLabels, found: &Recalls) -> Vec<Self> {
        let share = |part: usize, of: usize| (of > 0).then(|| part as f64 / of as f64);
        let counts = found.class_rows().iter().zip(found.predicted()).zip(found.right());
        let counts = counts.zip(found.recalls());
        let of = |(class, (((&rows, &predicted), &right), recall)): (&String, _)| Self {
            class: class.clone(),
            rows,
            predicted,
            recall,
            precision: share(right, predicted),
            f1: share(2 * right, rows + predicted),
        };
        classes.names().iter().zip(counts).map(of).collect()
    }
}

/// Of at least one number: a class with rows has a recall and an F1, and so some class has a precision.
fn mean(shares: impl Iterator<Item = f64>) -> f64 {
    let (sum, count) = shares.fold((0.0, 0), |(sum, count), share| (sum + share, count + 1));
    sum / f64::from(count)
}

fn percent(share: Option<f64>) -> String {
    share.map_or("–".to_owned(), |share| format!("{:.2} %", 100.0 * share))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn evaluation(classes: usize, pairs: &[(usize, usize)]) -> Evaluation {
        let names: Vec<String> = (0..classes).map(|class| format!("c{class}")).collect();
        let of = |class: usize| names[class].clone();
        let labels: Vec<String> = pairs.iter().map(|&(label, _)| of(label)).collect();
        let predicted: Vec<&str> = pairs.iter().map(|&(_, predicted)| &names[predicted][..]).collect();
        Evaluation::new(&ClassLabels::try_from(names.clone()).unwrap(), &labels, &predicted)
    }

    /// Counted by hand.
    #[test]
    fn figures_of_classes() {
        let pairs = [(0, 0), (0, 0), (0, 1), (1, 1), (1, 0), (1, 1), (1, 1), (2, 1)];
        let found = evaluation(4, &pairs);
        assert_eq!(found.accuracy, 5.0 / 8.0);
        let figures = |class: usize| {
            let ClassFigures { rows, predicted, recall, precision, f1, .. } = found.per_class[class];
            (rows, predicted, recall, precision, f1)
        };
        assert_eq!(figures(0), (3, 3, Some(2.0 / 3.0), Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!(figures(1), (4, 5, Some(0.75), Some(0.6), Some(6.0 / 9.0)));
        assert_eq!(figures(2), (1, 0, Some(0.0), None, Some(0.0)));
        assert_eq!(figures(3), (0, 0, None, None, None));
        assert!((found.balanced_accuracy - (2.0 / 3.0 + 0.75) / 3.0).abs() < 1e-15);
        assert!((found.mean_f1 - (2.0 / 3.0 + 2.0 / 3.0) / 3.0).abs() < 1e-15);
        assert_eq!(
            found.to_string(),
            "accuracy 62.50 % of 8 rows\n\n\
             class       rows     recall  precision         F1\n   \
             c0          3    66.67 %    66.67 %    66.67 %\n   \
             c1          4    75.00 %    60.00 %    66.67 %\n   \
             c2          1     0.00 %          –     0.00 %\n   \
             c3          0          –          –          –\n \
             mean               47.22 %    63.33 %    44.44 %\n\n \
             true  predicted\n       c0  c1  c2  c3\n   c0   2   1   0   0\n   c1   1   3   0   0\n   \
             c2   0   1   0   0\n   c3   0   0   0   0"
        );
    }

    #[test]
    fn of_many_classes_the_pairs_that_were_mistaken_are_shown() {
        let mut pairs: Vec<(usize, usize)> = (0..100).map(|class| (class, class)).collect();
        pairs.extend([(3, 7), (3, 7), (9, 8)]);
        let shown = evaluation(100, &pairs).to_string();
        assert!(shown.ends_with(
            "2 of 2 pairs that were mistaken (--json has all counts)\n      \
             2  c3 taken for c7\n      1  c9 taken for c8"
        ));
        assert!(shown.lines().all(|line| line.chars().count() <= WIDTH));
        pairs.extend((0..50).map(|class| (class, 99)));
        let shown = evaluation(100, &pairs).to_string();
        assert!(shown.contains("20 of 52 pairs") && shown.lines().count() == 126, "{shown}");
    }
}
