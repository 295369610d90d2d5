//! What mends a table that is refused: an option, or a change of the file.

use volley_data::{ContentError, DataError, TextKind};
use volley_mlr::Error;
use volley_program::BadInput;

/// What helps where several columns are taken for one.
const DELIMITER: &str = "--delimiter says what separates columns, such as \"|\" or space";

/// What helps where a name is none of one column.
const BY_PLACE: &str = "columns can be given by place too: from 1, or from the end -1";

/// Whether columns may be left out.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Columns {
    Free,
    /// They are those of a model or a pool.
    Fixed,
}

/// An error of a table with advice, where there is any. Whether the user said where the labels are makes a difference.
pub(super) fn with_advice(error: &DataError, has_label_choice: bool, columns: Columns) -> BadInput {
    match advice(&error.cause, has_label_choice, columns) {
        Some(advice) => BadInput::new(format_args!("{error}; {advice}")),
        None => BadInput::new(error),
    }
}

fn advice(cause: &ContentError, has_label_choice: bool, columns: Columns) -> Option<String> {
    let text = |text: &str| Some(text.to_owned());
    match cause {
        ContentError::NotANumber { row, column, text } => {
            Some(of_text(text, *row, column.place, has_label_choice, columns))
        }
        ContentError::NotFinite { text, column, .. } if TextKind::of(text) == TextKind::Missing => {
            Some(missing(column.place, columns))
        }
        ContentError::NotFinite { .. } if columns == Columns::Fixed => text("leave out its row"),
        ContentError::NotFinite { column, .. } => {
            Some(format!("leave out its row or its column (--drop {})", column.place))
        }
        ContentError::EmptyValue { column, .. } => Some(missing(column.place, columns)),
        ContentError::EmptyLabel { .. } => {
            text("leave out rows without a label, or name the column of the labels: --label-column")
        }
        ContentError::NoValues { .. } => Some(format!("{DELIMITER}; a title above the header is left out first")),
        ContentError::NoNames { .. } => text(
            "--header no takes its columns by place, in this order; --header yes takes the first row for their names",
        ),
        ContentError::MissingArray { found, .. } => Some(match &found[..] {
            [] => return None,
            [features] => format!(
                "--features-array {features} reads its only array, and --labels names a file of labels"
            ),
            [features, labels, ..] => format!(
                "options name them, such as --features-array {features} for the features and --label-column {labels} \
                 for the labels"
            ),
        }),
        ContentError::LabelSource { .. } => text("--labels names a file of them"),
        ContentError::NoHeader { .. } => text(
            "--header yes takes the first row for one, and a place such as -1 (the last column) needs none",
        ),
        ContentError::MissingColumn { found, .. } => text(of_missing_column(found)),
        ContentError::AmbiguousColumn { .. } => text(BY_PLACE),
        ContentError::MissingFeature { .. } => text(
            "columns of a model go by name, in any order; without a header (--header no) they go by place",
        ),
        ContentError::LabelColumnUnknown { .. } => {
            text("--label-column names it, --drop leaves out a column")
        }
        ContentError::NoLabels => text("--label-column or --labels says where they are"),
        ContentError::UnknownClass { label, classes, .. } if same_number(label, classes).is_some() => {
            same_number(label, classes).map(|class| {
                format!("training had {class:?} for this number: write labels alike, as pandas does with astype(int)")
            })
        }
        ContentError::UnknownClass { .. } if !has_label_choice => {
            text("--label-column names the column of the labels, -1 the last")
        }
        ContentError::Separators { .. } => text("--delimiter says what separates columns"),
        ContentError::CommentOrRow { .. } => {
            text("--comments yes leaves out lines that begin with it, --comments no reads them")
        }
        ContentError::Model(Error::ColumnCount { .. }) => {
            text("--drop leaves out a column, --label-column names that of the labels")
        }
        ContentError::Encoding { found } => Some(converted(&found.to_lowercase())),
        ContentError::NotUtf8 { .. } => {
            Some(format!("it may be Latin-1 or Windows-1252: {}", converted("cp1252")))
        }
        ContentError::Foreign { found } => Some(of_format(found)),
        _ => None,
    }
}

/// What helps where no column has a name, and these are there.
fn of_missing_column(found: &[String]) -> &'static str {
    let has_numbers = || found.iter().any(|name| name.parse::<f64>().is_ok());
    match found {
        [_] => DELIMITER,
        _ if has_numbers() => {
            "names in this header are numbers, so places are counted from the end: -1 is the last column"
        }
        _ => BY_PLACE,
    }
}

/// The class that is the same number as a label, written in another way.
fn same_number<'a>(label: &str, classes: &'a [String]) -> Option<&'a String> {
    let number: f64 = label.parse().ok()?;
    classes.iter().find(|class| class.parse() == Ok(number))
}

/// How a file of another format becomes one that is read.
fn of_format(found: &str) -> String {
    match found {
        "a ZIP archive" => "unpack it".to_owned(),
        "a file of keys or ciphertexts" => {
            "a table is expected here: are the arguments in their order?".to_owned()
        }
        "an ARFF file" => "the lines after @data are CSV without a header: in a file of their own they are read with \
                           --header no, and mostly --label-column -1"
            .to_owned(),
        "a LIBSVM file" => "write it as NPZ, in Python with scikit-learn: X, y = \
                            sklearn.datasets.load_svmlight_file(FILE); numpy.savez(\"table.npz\", X=X.toarray(), \
                            y=y.astype(int))"
            .to_owned(),
        _ => format!(
            "write it as CSV, in Python with pandas: pandas.{}(FILE).to_csv(\"table.csv\", index=False)",
            reader(found)
        ),
    }
}

/// The function of pandas that reads a format.
fn reader(format: &str) -> &'static str {
    match format {
        "a Parquet file" => "read_parquet",
        "an Arrow or Feather file" => "read_feather",
        "a spreadsheet" => "read_excel",
        "an HDF5 file" => "read_hdf",
        "JSON" => "read_json",
        _ => "read_pickle",
    }
}

/// How a table of another encoding is converted. Spreadsheets write such tables, and with whatever separators.
fn converted(encoding: &str) -> String {
    format!(
        "in Python with pandas: pandas.read_csv(FILE, encoding=\"{encoding}\", sep=None, engine=\"python\")\
         .to_csv(\"table.csv\", index=False), with decimal=\",\" after sep=None where numbers have decimal commas"
    )
}

fn missing(column: usize, columns: Columns) -> String {
    if columns == Columns::Fixed {
        return "fill in missing values, or leave out their rows".to_owned();
    }
    format!("fill in missing values, or leave out their rows or the column (--drop {column})")
}

/// A column of texts shows in the first rows, one of which may be a header. Further below it is one of numbers.
const ROWS_OF_TEXT: u64 = 3;

/// What to do with a text in the place of a number.
fn of_text(text: &str, row: u64, column: usize, has_label_choice: bool, columns: Columns) -> String {
    let others = match columns {
        Columns::Free => format!(", or leave out the column (--drop {column})"),
        Columns::Fixed => String::new(),
    };
    let advice = match TextKind::of(text) {
        TextKind::Missing => missing(column, columns),
        TextKind::Boolean => format!("write truth values as 1 and 0{others}"),
        TextKind::Date => format!("make numbers of dates, such as days since the first{others}"),
        TextKind::Thousands => {
            "leave out what stands between thousands: in Python with pandas, pandas.read_csv(FILE, \
             thousands=\",\").to_csv(\"table.csv\", index=False)"
                .to_owned()
        }
        TextKind::OneComma => {
            "numbers have a decimal point and nothing between thousands: in Python with pandas, where this comma \
             stands before decimals, pandas.read_csv(FILE, decimal=\",\"), and where it stands between thousands, \
             pandas.read_csv(FILE, thousands=\",\"); then .to_csv(\"table.csv\", index=False). sep=\";\" says what \
             separates columns"
                .to_owned()
        }
        TextKind::Comma => {
            "numbers have a decimal point: in Python with pandas, pandas.read_csv(FILE, sep=\";\", \
             decimal=\",\").to_csv(\"table.csv\", index=False); --delimiter says what separates columns"
                .to_owned()
        }
        TextKind::WithSign => "leave out signs of percents and currencies".to_owned(),
        TextKind::Other
            if columns == Columns::Free && column == 1 && text.contains([' ', '|', ':', '\t']) =>
        {
            format!("--delimiter says what separates columns, --drop {column} leaves out this one")
        }
        TextKind::Other if row > ROWS_OF_TEXT => {
            return format!("the rows above have numbers there: mend this one, leave it out{others}");
        }
        TextKind::Other => format!("make a column of 0 and 1 of each category{others}"),
    };
    let header = if row == 1 { "; if the first row is a header: --header yes" } else { "" };
    // Other kinds are what values are that someone forgot to prepare, and no labels.
    if !has_label_choice && matches!(TextKind::of(text), TextKind::Boolean | TextKind::Other) {
        return format!("if the labels are here: --label-column {column}; else {advice}{header}");
    }
    format!("{advice}{header}")
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use volley_data::Column;

    use super::*;

    #[test]
    fn each_kind_of_text_has_its_own_advice() {
        let said = |text: &str, row, column, has_label_choice| {
            let error = ContentError::NotANumber { row, column: Column::from(column), text: text.into() };
            with_advice(&error.in_file(Path::new("x.csv")), has_label_choice, Columns::Free).to_string()
        };
        for (text, words) in [
            ("NA", "fill in missing values"),
            ("True", "truth values as 1 and 0"),
            ("2024-01-31", "numbers of dates"),
            ("1,5", "a decimal point"),
            ("0,512", "decimal=\",\").to_csv"),
            ("1,234", "where this comma stands before decimals"),
            ("1,234.5", "leave out what stands between thousands"),
            ("6.4%", "leave out signs of percents"),
            ("$12", "and currencies"),
            ("red", "a column of 0 and 1 of each category, or leave out the column (--drop 3)"),
        ] {
            let said = said(text, 2, 3, true);
            assert!(
                said.starts_with(&format!("x.csv: row 2, column 3: {text:?} is not a number; ")),
                "{said}"
            );
            assert!(said.contains(words) && !said.contains("--label-column"), "{said}");
        }
        let of_labels = said("red", 2, 3, false);
        assert!(
            of_labels.contains("; if the labels are here: --label-column 3; else make a column"),
            "{of_labels}"
        );
        assert!(!said("1,234", 2, 3, false).contains("labels"));
        let odd = said("5\\01", 76, 3, false);
        assert!(odd.ends_with("mend this one, leave it out, or leave out the column (--drop 3)"), "{odd}");
        assert!(said("a b", 1, 1, true).contains("--delimiter says what separates columns"));
        assert!(said("red", 1, 1, true).ends_with("if the first row is a header: --header yes"));
    }

    #[test]
    fn a_column_of_a_model_is_not_to_be_left_out() {
        for text in ["", "NA", "nan", "inf", "True", "2024-01-31", "red", "a b"] {
            let text_of = || text.to_owned();
            for cause in [
                ContentError::EmptyValue { row: 2, column: 1.into() },
                ContentError::NotFinite { row: 2, column: 1.into(), text: text_of() },
                ContentError::NotANumber { row: 2, column: 1.into(), text: text_of() },
            ] {
                let said = advice(&cause, true, Columns::Fixed).unwrap();
                assert!(!said.contains("--drop") && !said.contains("the column"), "{cause}: {said}");
            }
        }
    }

    #[test]
    fn advice_names_the_option_that_helps() {
        let (name, found) = (String::from("a"), vec![]);
        let not_finite = |text: &str| ContentError::NotFinite { row: 1, column: 2.into(), text: text.into() };
        for (cause, words) in [
            (not_finite("nan"), "fill in missing values"),
            (not_finite("inf"), "--drop 2"),
            (ContentError::EmptyValue { row: 1, column: 2.into() }, "--drop 2"),
            (ContentError::EmptyLabel { row: 1, column: 2.into() }, "--label-column"),
            (ContentError::NoHeader { name: name.clone() }, "--header yes"),
            (ContentError::MissingColumn { name: name.clone(), found: found.clone() }, "-1"),
            (ContentError::MissingColumn { name: name.clone(), found: vec!["a|b".into()] }, "--delimiter"),
            (
                ContentError::MissingColumn { name: name.clone(), found: vec!["7".into(), "b".into()] },
                "the end: -1",
            ),
            (ContentError::AmbiguousColumn { name: name.clone(), count: 2 }, "-1"),
            (ContentError::MissingFeature { name: name.clone(), found: found.clone() }, "--header no"),
            (ContentError::LabelColumnUnknown { found: found.clone() }, "--label-column"),
            (ContentError::NoLabels, "--labels"),
            (ContentError::UnknownClass { row: 1, label: name, classes: found }, "--label-column"),
            (
                ContentError::UnknownClass { row: 1, label: "1.0".into(), classes: vec!["1".into()] },
                "training had \"1\" for this number",
            ),
            (ContentError::Separators { first: ';', second: ',' }, "--delimiter"),
            (ContentError::CommentOrRow { row: 1 }, "--comments yes"),
            (ContentError::Model(Error::ColumnCount { expected: 1, found: 2 }), "--drop"),
            (ContentError::Encoding { found: "UTF-16" }, "encoding=\"utf-16\""),
            (ContentError::NotUtf8 { row: 1, column: 2 }, "Latin-1 or Windows-1252"),
            (ContentError::Foreign { found: "a Parquet file" }, "pandas.read_parquet(FILE)"),
            (ContentError::Foreign { found: "an Arrow or Feather file" }, "read_feather"),
            (ContentError::Foreign { found: "a spreadsheet" }, "read_excel"),
            (ContentError::Foreign { found: "an HDF5 file" }, "read_hdf"),
            (ContentError::Foreign { found: "a pickle" }, "read_pickle"),
            (ContentError::Foreign { found: "JSON" }, "read_json"),
            (ContentError::Foreign { found: "a ZIP archive" }, "unpack it"),
            (ContentError::Foreign { found: "a file of keys or ciphertexts" }, "in their order?"),
            (ContentError::Foreign { found: "an ARFF file" }, "the lines after @data are CSV"),
            (ContentError::Foreign { found: "a LIBSVM file" }, "load_svmlight_file(FILE)"),
            (ContentError::NoValues { row: 1 }, "--delimiter"),
            (ContentError::NoNames { names: vec!["a".into()] }, "--header no"),
            (
                ContentError::MissingArray {
                    name: "X".into(),
                    found: vec!["images".into(), "targets".into()],
                },
                "--features-array images for the features and --label-column targets for the labels",
            ),
            (
                ContentError::MissingArray { name: "X".into(), found: vec!["data".into()] },
                "--features-array data reads its only array",
            ),
            (ContentError::LabelSource { asked: "a column", format: "NPY" }, "--labels names"),
        ] {
            let said = advice(&cause, false, Columns::Free).unwrap();
            assert!(said.contains(words), "{said}");
        }
        assert_eq!(advice(&ContentError::NoRows, false, Columns::Free), None);
    }
}
