//! Where the labels of a table were found, and which there are: a wrong column shows at once.

use std::fmt;

use serde::Serialize;
use volley_data::{Schema, Use};
use volley_mlr::{ClassLabels, Dataset};
use volley_program::units::{counted, grouped};

/// Classes that are shown. --json has all.
const SHOWN_CLASSES: usize = 8;

/// The labels of a table.
#[derive(Debug, Serialize)]
pub(crate) struct TableLabels {
    column: Option<LabelColumn>,
    classes: Vec<ClassRows>,
}

/// The column that has them, where one has.
#[derive(Debug, Serialize)]
struct LabelColumn {
    /// From 1.
    place: usize,
    name: Option<String>,
}

#[derive(Debug, Serialize)]
struct ClassRows {
    class: String,
    rows: usize,
}

impl TableLabels {
    /// The labels of rows of these classes, in these columns.
    pub(crate) fn of(classes: &ClassLabels, data: &Dataset, schema: &Schema) -> Self {
        let mut rows = vec![0; classes.len()];
        for class in data.labels().iter().filter_map(|label| classes.index_of(label)) {
            rows[class] += 1;
        }
        let counted = classes.names().iter().zip(rows);
        let classes = counted.map(|(class, rows)| ClassRows { class: class.clone(), rows }).collect();
        Self { column: LabelColumn::of(schema), classes }
    }
}

impl LabelColumn {
    fn of(schema: &Schema) -> Option<Self> {
        let index = schema.uses().iter().position(|&each| each == Use::Label)?;
        Some(Self { place: index + 1, name: schema.names().map(|names| names[index].clone()) })
    }
}

/// Where the labels are, for an error.
pub(crate) fn described(schema: &Schema) -> String {
    LabelColumn::of(schema).map_or("the labels".to_owned(), |column| column.to_string())
}

impl fmt::Display for LabelColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "column {}", self.place)?;
        self.name.iter().try_for_each(|name| write!(f, " {name:?}"))
    }
}

impl fmt::Display for TableLabels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("labels           ")?;
        self.column.iter().try_for_each(|column| write!(f, "{column}: "))?;
        let shown = self.classes.len().min(SHOWN_CLASSES);
        for (index, ClassRows { class, rows }) in self.classes[..shown].iter().enumerate() {
            match index {
                0 => write!(f, "{class} ({})", counted(*rows, "row"))?,
                _ => write!(f, ", {class} ({})", grouped(*rows as u64))?,
            }
        }
        match self.classes.len() - shown {
            0 => Ok(()),
            more => write!(f, " and {} more", grouped(more as u64)),
        }
    }
}

#[cfg(test)]
mod tests {
    use ndarray::Array2;

    use super::*;

    fn shown(data: &Dataset, schema: &Schema) -> String {
        TableLabels::of(&ClassLabels::of(data.labels()).unwrap(), data, schema).to_string()
    }

    #[test]
    fn the_column_and_the_classes_are_shown() {
        let data = Dataset::new(Array2::zeros((4, 1)), ["b", "a", "b", "b"]).unwrap();
        let names = vec!["x".to_owned(), "kind".to_owned()];
        let schema = Schema::new(vec![Use::Feature, Use::Label], Some(names)).unwrap();
        assert_eq!(shown(&data, &schema), "labels           column 2 \"kind\": a (1 row), b (3)");
        assert_eq!(shown(&data, &Schema::of_features(1)), "labels           a (1 row), b (3)");
        let many: Vec<String> = (0..1010).map(|label| label.to_string()).collect();
        let data = Dataset::new(Array2::zeros((1010, 1)), many).unwrap();
        let shown = shown(&data, &Schema::of_features(1));
        assert!(shown.ends_with("7 (1) and 1,002 more"), "{shown}");
    }
}
