//! CSV in UTF-8: in each row a label and values, as many in each row.
//!
//! A first row none of whose values is a number is a header. Blank lines are skipped; blanks around a field do not count. Rows
//! are numbered by the line on which they start.

use std::path::Path;

use csv::{Position, ReaderBuilder, StringRecord, Trim};
use ndarray::Array2;
use volley_mlr::Precision;

use crate::error::excerpt;
use crate::{ContentError, LabelSource, Table};

/// Reads the content of a file.
pub(crate) fn parse(path: &Path, content: &[u8], labels: &LabelSource) -> Result<Table, ContentError> {
    let mut reader =
        ReaderBuilder::new().has_headers(false).flexible(true).trim(Trim::All).from_reader(content);
    let mut rows: Option<Rows> = None;
    for record in reader.records() {
        let record = record.map_err(|error| describe(&error, content))?;
        let row = line(record.position(), content);
        match &mut rows {
            Some(rows) => rows.push(&record, row)?,
            None => rows = Some(Rows::begin(&record, row, labels)?),
        }
    }
    let rows = rows.filter(|rows| !rows.lines.is_empty()).ok_or(ContentError::NoRows)?;
    rows.into_table(path)
}

/// The rows read so far.
struct Rows {
    label_column: Option<usize>,
    /// Columns of the first row, the label's included.
    width: usize,
    columns: Option<Vec<String>>,
    labels: Vec<String>,
    values: Vec<f64>,
    lines: Vec<u64>,
}

impl Rows {
    /// By the first row, which may be a header.
    fn begin(record: &StringRecord, row: u64, labels: &LabelSource) -> Result<Self, ContentError> {
        let label_column = label_column(record, labels)?;
        let width = record.len();
        if width == usize::from(label_column.is_some()) {
            return Err(ContentError::NoValues { row });
        }
        let mut rows =
            Self { label_column, width, columns: None, labels: vec![], values: vec![], lines: vec![] };
        if is_header(record, label_column) {
            rows.columns = Some(fields(record, label_column).map(|(_, field)| field.to_owned()).collect());
        } else if let LabelSource::Named(name) = labels {
            return Err(ContentError::NoHeader { name: name.clone() });
        } else {
            rows.push(record, row)?;
        }
        Ok(rows)
    }

    fn push(&mut self, record: &StringRecord, row: u64) -> Result<(), ContentError> {
        if record.len() != self.width {
            return Err(ContentError::RowLength { row, found: record.len(), expected: self.width });
        }
        if let Some(column) = self.label_column {
            if record[column].is_empty() {
                return Err(ContentError::EmptyLabel { row, column: column + 1 });
            }
            self.labels.push(record[column].to_owned());
        }
        for (index, field) in fields(record, self.label_column) {
            self.values.push(value(field, row, index + 1)?);
        }
        self.lines.push(row);
        Ok(())
    }

    fn into_table(self, path: &Path) -> Result<Table, ContentError> {
        let rows = self.lines.len();
        let (columns, found) = (self.values.len() / rows, self.values.len());
        let features = Array2::from_shape_vec((rows, columns), self.values)
            .map_err(|_| ContentError::Size { shape: vec![rows, columns], item_bytes: 8, found })?;
        Ok(Table {
            path: path.to_owned(),
            features,
            precision: Precision::Double,
            labels: self.label_column.map(|_| self.labels),
            columns: self.columns,
            lines: Some(self.lines),
        })
    }
}

/// The column of the labels, by the first row.
fn label_column(first: &StringRecord, labels: &LabelSource) -> Result<Option<usize>, ContentError> {
    match labels {
        LabelSource::Usual => Ok(Some(0)),
        LabelSource::Absent | LabelSource::File(_) => Ok(None),
        LabelSource::Column(index) if *index < first.len() => Ok(Some(*index)),
        LabelSource::Column(index) => {
            Err(ContentError::ColumnRange { column: index.saturating_add(1), columns: first.len() })
        }
        LabelSource::Named(name) => named_column(first, name).map(Some),
    }
}

fn named_column(first: &StringRecord, name: &str) -> Result<usize, ContentError> {
    let mut found = first.iter().enumerate().filter(|(_, field)| *field == name).map(|(index, _)| index);
    match (found.next(), found.count()) {
        (Some(column), 0) => Ok(column),
        (Some(_), more) => Err(ContentError::AmbiguousColumn { name: name.to_owned(), count: 1 + more }),
        (None, _) if is_header(first, None) => {
            let found = first.iter().map(str::to_owned).collect();
            Err(ContentError::MissingColumn { name: name.to_owned(), found })
        }
        (None, _) => Err(ContentError::NoHeader { name: name.to_owned() }),
    }
}

/// The fields beside the label, with their columns.
fn fields(record: &StringRecord, label_column: Option<usize>) -> impl Iterator<Item = (usize, &str)> {
    record.iter().enumerate().filter(move |(index, _)| Some(*index) != label_column)
}

fn is_header(record: &StringRecord, label_column: Option<usize>) -> bool {
    fields(record, label_column).all(|(_, field)| !field.is_empty() && field.parse::<f64>().is_err())
}

fn value(field: &str, row: u64, column: usize) -> Result<f64, ContentError> {
    match field.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(ContentError::NotFinite { row, column, text: excerpt(field) }),
        Err(_) if field.is_empty() => Err(ContentError::EmptyValue { row, column }),
        Err(_) => Err(ContentError::NotANumber { row, column, text: excerpt(field) }),
    }
}

/// What the CSV reader met. With rows of any length allowed that is a field that is not UTF-8.
fn describe(error: &csv::Error, content: &[u8]) -> ContentError {
    match error.kind() {
        csv::ErrorKind::Utf8 { pos, err } => {
            ContentError::NotUtf8 { row: line(pos.as_ref(), content), column: err.field() + 1 }
        }
        _ => ContentError::Format { expected: "a CSV file" },
    }
}

/// The line on which a record starts. The reader's position is that of the blank lines before it.
fn line(position: Option<&Position>, content: &[u8]) -> u64 {
    let Some(position) = position else { return 0 };
    let rest = &content[position.byte() as usize..];
    let blank = rest.iter().take_while(|byte| b"\r\n".contains(byte)).filter(|&&byte| byte == b'\n');
    position.line() + blank.count() as u64
}

#[cfg(test)]
mod tests;
