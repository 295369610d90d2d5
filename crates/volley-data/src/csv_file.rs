//! CSV in UTF-8: in each row values and perhaps a label, as many in each row.
//!
//! The first row is taken for a header if none of its values is a number, unless the caller says whether it is one.
//! Blank lines are skipped, and blanks around a field do not count. Rows are numbered by the line on which they start.

use std::collections::HashSet;
use std::io::BufRead;
use std::path::Path;

use ndarray::Array2;
use volley_mlr::Precision;

use crate::column::Column;
use crate::error::{ContentError, excerpt};
use crate::labels::LabelSource;
use crate::source::{LIBSVM, Memory, label_bytes};
use crate::table::{Header, HeaderDoubt, LabelDoubt, Remarks, Table, TableOptions};

mod header;
mod label_doubt;
mod layout;
mod records;

use layout::Layout;
use records::{Record, Records};

/// Reads the content of a file.
pub(crate) fn parse(
    path: &Path,
    content: Box<dyn BufRead + '_>,
    options: &TableOptions,
    memory: &mut Memory,
) -> Result<Table, ContentError> {
    let mut records = Records::new(content, memory.left(), options.delimiter, options.comments)?;
    let first = records.next().transpose()?.ok_or(ContentError::NoRows)?;
    if is_libsvm(&first) {
        return Err(ContentError::Foreign { found: LIBSVM });
    }
    let second = records.next().transpose()?;
    let layout = Layout::of(&first, second.as_ref(), options)?;
    let header = layout.has_header.then(|| first.iter().map(str::to_owned).collect());
    let mut rows = Rows { layout, header, labels: vec![], values: vec![], lines: vec![] };
    if rows.header.is_none() {
        rows.push(&first, memory)?;
    }
    second.iter().try_for_each(|record| rows.push(record, memory))?;
    for record in &mut records {
        rows.push(&record?, memory)?;
    }
    if rows.lines.is_empty() {
        return Err(ContentError::NoRows);
    }
    rows.into_table(path, options, records.comments())
}

/// Whether a row is a number and then, with blanks between them, pairs such as `3:0.5`.
fn is_libsvm(row: &Record) -> bool {
    let is_pair = |text: &str| {
        let pair = text.split_once(':');
        pair.is_some_and(|(column, value)| {
            (column == "qid" || column.parse::<u32>().is_ok()) && value.parse::<f64>().is_ok()
        })
    };
    let mut texts = row.iter().flat_map(str::split_whitespace);
    let has_label = texts.next().is_some_and(|label| label.parse::<f64>().is_ok());
    let mut pairs = texts.peekable();
    has_label && pairs.peek().is_some() && pairs.all(is_pair)
}

/// The rows read so far.
struct Rows {
    layout: Layout,
    header: Option<Vec<String>>,
    labels: Vec<String>,
    values: Vec<f64>,
    lines: Vec<u64>,
}

impl Rows {
    fn push(&mut self, record: &Record, memory: &mut Memory) -> Result<(), ContentError> {
        let (row, layout) = (record.line, &self.layout);
        if record.len() != layout.width {
            return Err(ContentError::RowLength { row, found: record.len(), expected: layout.width });
        }
        // In a single column a blank line is a row without its value.
        if let (1, false, Some(row)) = (layout.width, self.lines.is_empty(), record.blank_line) {
            return Err(ContentError::EmptyValue { row, column: self.column(0) });
        }
        // A value below shows that those above are missing.
        if let Some(&column) = layout.empty_end.iter().find(|&&column| !record.field(column).is_empty()) {
            let row = self.lines.first().copied().unwrap_or(row);
            return Err(ContentError::EmptyValue { row, column: self.column(column) });
        }
        // The line's number counts as a value.
        memory.take(1 + layout.features.len(), size_of::<f64>())?;
        if let Some(column) = layout.label {
            let label = record.field(column);
            if label.is_empty() {
                return Err(ContentError::EmptyLabel { row, column: self.column(column) });
            }
            memory.take(1, label_bytes(label.len()))?;
            self.labels.push(label.to_owned());
        }
        for &column in &layout.features {
            let value = value(record.field(column), row, || self.column(column))?;
            self.values.push(value);
        }
        self.lines.push(row);
        Ok(())
    }

    /// How messages name a column, counted from 0.
    fn column(&self, index: usize) -> Column {
        let name = self.header.as_ref().map(|names| excerpt(&names[index]));
        Column { place: index + 1, name: name.filter(|name| !name.is_empty()) }
    }

    fn into_table(self, path: &Path, options: &TableOptions, comments: u64) -> Result<Table, ContentError> {
        let remarks = Remarks {
            header: (options.header == Header::Auto).then(|| self.header_doubt(options)).flatten(),
            other_label: self.layout.other_label.clone(),
            label: self.label_doubt(options),
            has_index: self.layout.has_index,
            has_empty_end: !self.layout.empty_end.is_empty(),
            comments,
            left_out: self.layout.left_out.clone(),
            is_nameless: self.layout.is_nameless,
            numbering: if options.schema.is_none() { self.numbering() } else { vec![] },
        };
        let Self { layout, header, labels, values, lines } = self;
        let (rows, found) = (lines.len(), values.len());
        let columns = found / rows;
        let features = Array2::from_shape_vec((rows, columns), values).map_err(|_| ContentError::Size {
            shape: vec![rows, columns],
            item_bytes: 8,
            found,
        })?;
        let name =
            |names: &Vec<String>| layout.features.iter().map(|&column| names[column].clone()).collect();
        Ok(Table {
            path: path.to_owned(),
            features,
            precision: Precision::Double,
            labels: layout.label.map(|_| labels),
            columns: header.as_ref().map(name),
            schema: layout.schema,
            lines: Some(lines),
            remarks,
        })
    }

    /// Why the guess of what the first row is may be wrong.
    fn header_doubt(&self, options: &TableOptions) -> Option<HeaderDoubt> {
        let Some(header) = &self.header else {
            return header::doubt_data(&self.values[..self.layout.features.len()], &self.labels);
        };
        let names: Vec<&str> = self.layout.features.iter().map(|&column| header[column].as_str()).collect();
        header::doubt_names(&names, options.schema.is_some())
    }

    /// The features that seem to number the rows: each row has another whole number, and these count up by ones, or the
    /// name says so.
    fn numbering(&self) -> Vec<Column> {
        const ROWS: usize = 20;
        if self.lines.len() < ROWS {
            return vec![];
        }
        let features = &self.layout.features;
        let numbers_rows = |(place, column): &(usize, Column)| {
            let values = || self.values.iter().skip(*place).step_by(features.len());
            let counts_up = || values().zip(values().skip(1)).all(|(one, next)| *next == one + 1.0);
            let differ =
                || values().map(|value| value.to_bits()).collect::<HashSet<_>>().len() == self.lines.len();
            values().all(|value| value.fract() == 0.0)
                && (counts_up() || column.name.as_deref().is_some_and(says_number) && differ())
        };
        features
            .iter()
            .map(|&index| self.column(index))
            .enumerate()
            .filter(numbers_rows)
            .map(|(_, column)| column)
            .collect()
    }

    /// Why the first column may not have the labels, where nobody said that it has.
    fn label_doubt(&self, options: &TableOptions) -> Option<LabelDoubt> {
        if options.labels != LabelSource::Usual || options.schema.is_some() {
            return None;
        }
        label_doubt::of(&self.labels, self.values.chunks_exact(self.layout.features.len()))
    }
}

/// Whether a column of this name numbers its rows, or whatever they are of.
fn says_number(name: &str) -> bool {
    let lower = name.to_lowercase();
    matches!(&lower[..], "id" | "index" | "number" | "no" | "nr") || lower.ends_with("_id")
}

fn value(field: &str, row: u64, column: impl FnOnce() -> Column) -> Result<f64, ContentError> {
    match field.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(value),
        Ok(_) => Err(ContentError::NotFinite { row, column: column(), text: excerpt(field) }),
        Err(_) if field.is_empty() => Err(ContentError::EmptyValue { row, column: column() }),
        Err(_) => Err(ContentError::NotANumber { row, column: column(), text: excerpt(field) }),
    }
}

#[cfg(test)]
mod tests;
