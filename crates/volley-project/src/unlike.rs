//! Columns of rows that look unlike those that were trained on: in another unit, or of another column.

use std::path::Path;

use ndarray::Array2;
use volley_data::Schema;
use volley_mlr::{ColumnSpread, Error, Preprocessing};

use crate::observer::Observer;
use crate::tables::first_names;

/// Share of the values of a column that are cut off, above which the column is named.
const CUT_OFF: f64 = 0.5;
/// A column that varies is named where its deviation is below this part of that of the rows trained on.
const NARROW: f64 = 0.15;
/// Share of the values that are not the median, in a column that varies: of ones among zeros there may be fewer by
/// chance.
const VARYING: f64 = 0.5;
/// Fewer rows may vary as little by chance.
const ROWS: usize = 20;

/// The first of some features of a table, by their names where there are any; none where there are no features.
#[must_use]
pub fn shown_features(schema: &Schema, places: &[usize]) -> Option<String> {
    let names = schema.feature_names();
    let name = |&place: &usize| match &names {
        Some(names) => format!("{:?}", names[place]),
        None => format!("feature {}", place + 1),
    };
    (!places.is_empty()).then(|| first_names(&places.iter().map(name).collect::<Vec<_>>()))
}

/// What of a table's columns is unlike those trained on, as it is told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct UnlikeColumns {
    /// Columns that have hardly a value which is near those trained on.
    pub far: Option<String>,
    /// Columns whose values vary by a small part only.
    pub narrow: Option<String>,
    /// Columns with negative values, which count as 0.
    pub negative: Option<String>,
    /// Columns with one value.
    pub constant: Option<String>,
}

impl UnlikeColumns {
    /// Of raw features.
    ///
    /// # Errors
    ///
    /// [`Error::ColumnCount`].
    pub fn of(preprocessing: &Preprocessing, schema: &Schema, features: &Array2<f64>) -> Result<Self, Error> {
        let Some(spreads) = preprocessing.spreads(features)? else { return Ok(Self::default()) };
        let named = |is_unlike: &dyn Fn(&ColumnSpread) -> bool| {
            let found = spreads.iter().enumerate().filter(|(_, spread)| is_unlike(spread));
            shown_features(schema, &found.map(|(place, _)| place).collect::<Vec<_>>())
        };
        let is_far = |spread: &ColumnSpread| spread.cut_off > CUT_OFF;
        let is_narrow = |spread: &ColumnSpread| {
            features.nrows() >= ROWS
                && spread.varying > VARYING
                && !is_far(spread)
                && 0.0 < spread.deviation
                && spread.deviation < NARROW
        };
        let far = named(&is_far).map(|names| {
            format!(
                "most values of {names} are far from those trained on, and are cut off at four deviations: is it the \
                 same unit and the same column?"
            )
        });
        let narrow = named(&is_narrow).map(|names| {
            format!(
                "the values of {names} vary far less than those trained on: are the rows of one kind, or the values in \
                 another unit?"
            )
        });
        let negative = named(&|spread| spread.negative > 0.0).map(|names| {
            format!("negative values of {names} count as 0, as there were none to train on: is it the same column?")
        });
        let constant = named(&|spread| features.nrows() >= ROWS && spread.is_constant).map(|names| {
            format!(
                "all values of {names} are the same, and those trained on vary: was the column filled in?"
            )
        });
        Ok(Self { far, narrow, negative, constant })
    }

    /// All that is unlike.
    pub fn problems(self) -> impl Iterator<Item = String> {
        [self.far, self.narrow, self.negative, self.constant].into_iter().flatten()
    }

    /// Says what is unlike in the rows of a file.
    pub fn note(self, data: &Path, observer: &dyn Observer) {
        self.problems().for_each(|problem| observer.note(format!("{}: {problem}", data.display())));
    }
}

#[cfg(test)]
mod tests {
    use volley_mlr::Profile;

    use super::*;

    /// The column counts from 0 to 99 times a unit.
    fn counted(unit: f64, rows: usize) -> Array2<f64> {
        Array2::from_shape_fn((rows, 1), |(row, _)| unit * (row % 100) as f64)
    }

    #[test]
    fn another_unit_is_told_and_the_same_is_not() {
        let fitted = Preprocessing::fit(&counted(1.0, 100), Profile::Standardised);
        let unlike = |rows: &Array2<f64>| UnlikeColumns::of(&fitted, &Schema::of_features(1), rows).unwrap();
        for (unit, rows) in [(1.0, 100), (1.1, 50), (0.01, ROWS - 1)] {
            assert_eq!(unlike(&counted(unit, rows)), UnlikeColumns::default(), "{unit} {rows}");
        }
        let rare = Array2::from_shape_fn((100, 1), |(row, _)| if row == 50 { 1.0 } else { 0.0 });
        assert_eq!(unlike(&rare), UnlikeColumns::default());
        let far = unlike(&counted(1000.0, 100));
        assert!(far.far.unwrap().starts_with("most values of feature 1 are far") && far.narrow.is_none());
        let narrow = unlike(&counted(0.01, ROWS));
        assert!(narrow.narrow.unwrap().contains("of feature 1 vary far less") && narrow.far.is_none());
        let negative = unlike(&-counted(1.0, 100)).negative.unwrap();
        assert!(negative.starts_with("negative values of feature 1 count as 0"), "{negative}");
        let same = |value, rows| unlike(&Array2::from_elem((rows, 1), value)).constant;
        assert!(same(0.0, ROWS).unwrap().starts_with("all values of feature 1 are the same"));
        // By chance, and a value like any other.
        assert_eq!([same(0.0, ROWS - 1), same(30.0, 100)], [None, None]);
        // Of a column of zeros and ones all rows may well have one.
        let flags = Array2::from_shape_fn((100, 1), |(row, _)| f64::from(u8::from(row % 7 == 0)));
        for profile in [Profile::Standardised, Profile::Standard] {
            let of_flags = Preprocessing::fit(&flags, profile);
            let found =
                UnlikeColumns::of(&of_flags, &Schema::of_features(1), &Array2::zeros((100, 1))).unwrap();
            assert_eq!(found, UnlikeColumns::default());
        }
        let raw = Preprocessing::raw(1);
        let of_raw = UnlikeColumns::of(&raw, &Schema::of_features(1), &counted(1000.0, 9));
        assert_eq!(of_raw, Ok(UnlikeColumns::default()));
    }
}
