//! CSV in UTF-8: in each row a label and values, as many in each row.
//!
//! The first row is taken for a header if none of its values is a number, unless the caller says whether it is one.
//! Blank lines are skipped, and blanks around a field do not count. Rows are numbered by the line on which they start.

use std::io::BufRead;
use std::path::Path;

use ndarray::Array2;
use volley_mlr::Precision;

use crate::error::{ContentError, excerpt};
use crate::labels::LabelSource;
use crate::source::{Memory, label_bytes};
use crate::table::{Header, Table, TableOptions};

mod header;
mod records;

use header::is_header;
use records::{Record, Records};

/// Reads the content of a file.
pub(crate) fn parse(
    path: &Path,
    content: Box<dyn BufRead + '_>,
    options: &TableOptions,
    memory: &mut Memory,
) -> Result<Table, ContentError> {
    let mut rows: Option<Rows> = None;
    for record in Records::new(content, memory.left())? {
        let record = record?;
        match &mut rows {
            Some(rows) => rows.push(&record, memory)?,
            None => rows = Some(Rows::begin(&record, options, memory)?),
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
    /// Whether what the first row is was guessed.
    is_guess: bool,
    labels: Vec<String>,
    values: Vec<f64>,
    lines: Vec<u64>,
}

impl Rows {
    /// Begins with the first row, which may be a header.
    fn begin(record: &Record, options: &TableOptions, memory: &mut Memory) -> Result<Self, ContentError> {
        let label_column = label_column(record, options)?;
        let width = record.len();
        if width == usize::from(label_column.is_some()) {
            return Err(ContentError::NoValues { row: record.line });
        }
        let mut rows = Self {
            label_column,
            width,
            columns: None,
            is_guess: options.header == Header::Auto,
            labels: vec![],
            values: vec![],
            lines: vec![],
        };
        if is_header(fields(record, label_column), options.header) {
            rows.columns = Some(fields(record, label_column).map(|(_, field)| field.to_owned()).collect());
        } else if let LabelSource::Named(name) = &options.labels {
            return Err(ContentError::NoHeader { name: name.clone() });
        } else {
            rows.push(record, memory)?;
        }
        Ok(rows)
    }

    fn push(&mut self, record: &Record, memory: &mut Memory) -> Result<(), ContentError> {
        let row = record.line;
        if record.len() != self.width {
            return Err(ContentError::RowLength { row, found: record.len(), expected: self.width });
        }
        // In a single column a blank line is a row without its value.
        if let (1, false, Some(row)) = (self.width, self.lines.is_empty(), record.blank_line) {
            return Err(ContentError::EmptyValue { row, column: 1 });
        }
        // The line's number counts as a value.
        memory.take(1 + self.width - usize::from(self.label_column.is_some()), size_of::<f64>())?;
        if let Some(column) = self.label_column {
            let label = record.field(column);
            if label.is_empty() {
                return Err(ContentError::EmptyLabel { row, column: column + 1 });
            }
            memory.take(1, label_bytes(label.len()))?;
            self.labels.push(label.to_owned());
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
        let header_doubt = match &self.columns {
            _ if !self.is_guess => None,
            Some(names) => header::doubt_names(names),
            None => header::doubt_data(&self.values[..columns], &self.labels),
        };
        let features = Array2::from_shape_vec((rows, columns), self.values)
            .map_err(|_| ContentError::Size { shape: vec![rows, columns], item_bytes: 8, found })?;
        Ok(Table {
            path: path.to_owned(),
            features,
            precision: Precision::Double,
            labels: self.label_column.map(|_| self.labels),
            columns: self.columns,
            lines: Some(self.lines),
            header_doubt,
        })
    }
}

/// The column of the labels, by the first row.
fn label_column(first: &Record, options: &TableOptions) -> Result<Option<usize>, ContentError> {
    match &options.labels {
        LabelSource::Usual => Ok(Some(0)),
        LabelSource::Absent | LabelSource::File(_) => Ok(None),
        LabelSource::Column(index) if *index < first.len() => Ok(Some(*index)),
        LabelSource::Column(index) => {
            Err(ContentError::ColumnRange { column: index.saturating_add(1), columns: first.len() })
        }
        LabelSource::Named(name) => named_column(first, name, options.header).map(Some),
    }
}

fn named_column(first: &Record, name: &str, header: Header) -> Result<usize, ContentError> {
    let mut found = first.iter().enumerate().filter(|(_, field)| *field == name).map(|(index, _)| index);
    match (found.next(), found.count()) {
        (Some(column), 0) => Ok(column),
        (Some(_), more) => Err(ContentError::AmbiguousColumn { name: name.to_owned(), count: 1 + more }),
        (None, _) if is_header(fields(first, None), header) => {
            let found = first.iter().map(str::to_owned).collect();
            Err(ContentError::MissingColumn { name: name.to_owned(), found })
        }
        (None, _) => Err(ContentError::NoHeader { name: name.to_owned() }),
    }
}

/// The fields beside the label, with their columns.
fn fields(record: &Record, label_column: Option<usize>) -> impl Iterator<Item = (usize, &str)> {
    record.iter().enumerate().filter(move |(index, _)| Some(*index) != label_column)
}

fn value(field: &str, row: u64, column: usize) -> Result<f64, ContentError> {
    match field.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(ContentError::NotFinite { row, column, text: excerpt(field) }),
        Err(_) if field.is_empty() => Err(ContentError::EmptyValue { row, column }),
        Err(_) => Err(ContentError::NotANumber { row, column, text: excerpt(field) }),
    }
}

#[cfg(test)]
mod tests;
