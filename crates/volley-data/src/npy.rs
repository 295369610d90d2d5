//! NPY, NumPy's format of one array (NEP 1): a magic, a version, the length of the header, the header (a Python dictionary of
//! `descr`, `fortran_order` and `shape`), the elements.
//!
//! The header is read by its own grammar: the three keys once each, in any order, with a text, a truth value and a tuple of
//! numbers. Everything else that Python could write there (records, nested types) is refused, as are pickled objects.

use std::io::{self, Write};

use ndarray::{Array2, ShapeBuilder};
use volley_mlr::Precision;

use crate::ContentError;

mod header;

use header::{Header, Kind};

/// An array whose bytes fill its shape.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct NpyArray<'a> {
    header: Header,
    bytes: &'a [u8],
}

/// Reads the content of a file; the elements stay where they are.
pub(crate) fn parse(content: &[u8]) -> Result<NpyArray<'_>, ContentError> {
    let (header, bytes) = Header::split(content)?;
    let item_bytes = header.element.bytes;
    let expected = header.shape.iter().try_fold(item_bytes, |product, &size| product.checked_mul(size));
    if expected != Some(bytes.len()) {
        return Err(ContentError::Size { shape: header.shape, item_bytes, found: bytes.len() });
    }
    Ok(NpyArray { header, bytes })
}

impl NpyArray<'_> {
    /// A matrix of numbers.
    pub(crate) fn features(&self) -> Result<Array2<f64>, ContentError> {
        let [rows, columns] = self.header.shape[..] else {
            return Err(self.dimensions("a matrix of rows and columns"));
        };
        // With no rows nothing bounds the number of columns.
        if self.bytes.is_empty() {
            return Err(ContentError::NoRows);
        }
        let values = self.numbers()?;
        let found = self.bytes.len();
        Array2::from_shape_vec((rows, columns).set_f(self.header.fortran_order), values).map_err(|_| {
            ContentError::Size { shape: vec![rows, columns], item_bytes: self.header.element.bytes, found }
        })
    }

    /// Images of bytes: their number, rows, columns and channels, and their bytes.
    pub(crate) fn images(&self) -> Result<([usize; 4], Vec<u8>), ContentError> {
        let shape = match self.header.shape[..] {
            [count, rows, columns] => [count, rows, columns, 1],
            [count, rows, columns, channels @ (1 | 3)] => [count, rows, columns, channels],
            _ => return Err(self.dimensions("one of images, rows and columns, and 1 or 3 channels")),
        };
        let element = &self.header.element;
        if (element.kind, element.bytes) != (Kind::Unsigned, 1) || self.header.fortran_order {
            return Err(element.unusable("the bytes of images in C order"));
        }
        Ok((shape, self.bytes.to_vec()))
    }

    /// What the numbers were rounded to: integers are exact.
    pub(crate) fn precision(&self) -> Precision {
        match (self.header.element.kind, self.header.element.bytes) {
            (Kind::Float, 4) => Precision::Single,
            _ => Precision::Double,
        }
    }

    /// A vector of numbers.
    pub(crate) fn vector(&self) -> Result<Vec<f64>, ContentError> {
        self.one_dimension()?;
        self.numbers()
    }

    /// A single number.
    pub(crate) fn number(&self) -> Result<f64, ContentError> {
        match (self.header.shape.is_empty(), &self.numbers()?[..]) {
            (true, &[number]) => Ok(number),
            _ => Err(self.dimensions("a single number")),
        }
    }

    /// A vector of truth values.
    pub(crate) fn truths(&self) -> Result<Vec<bool>, ContentError> {
        self.one_dimension()?;
        match self.header.element.kind {
            Kind::Boolean => Ok(self.bytes.iter().map(|&byte| byte != 0).collect()),
            _ => Err(self.header.element.unusable("truth values")),
        }
    }

    /// A vector of labels: integers, truth values or texts.
    pub(crate) fn labels(&self) -> Result<Vec<String>, ContentError> {
        self.one_dimension()?;
        let element = &self.header.element;
        if element.bytes == 0 {
            // No bytes, so nothing that bounds how many they are.
            return Err(element.unusable("labels: they are all empty"));
        }
        let items = self.bytes.chunks_exact(element.bytes).enumerate();
        items.map(|(index, item)| element.label(item, index as u64 + 1)).collect()
    }

    fn numbers(&self) -> Result<Vec<f64>, ContentError> {
        let element = &self.header.element;
        if !element.is_number() {
            return Err(element.unusable("features"));
        }
        Ok(self.bytes.chunks_exact(element.bytes).map(|item| element.number(item)).collect())
    }

    fn one_dimension(&self) -> Result<(), ContentError> {
        if self.header.shape.len() == 1 { Ok(()) } else { Err(self.dimensions("a single column")) }
    }

    fn dimensions(&self, needed: &'static str) -> ContentError {
        ContentError::Dimensions { shape: self.header.shape.clone(), needed }
    }
}

/// Writes an array in C order. `descr` is NumPy's name of the elements' type.
pub(crate) fn write(
    mut out: impl Write,
    descr: &str,
    shape: &[usize],
    elements: impl IntoIterator<Item = Vec<u8>>,
) -> io::Result<()> {
    out.write_all(&header::bytes(descr, shape))?;
    elements.into_iter().try_for_each(|element| out.write_all(&element))
}

/// How texts are written: NumPy's type of the longest, and each text in UTF-32, filled up with zeros.
pub(crate) fn texts(texts: &[String]) -> (String, Vec<Vec<u8>>) {
    let length = texts.iter().map(|text| text.chars().count()).max().unwrap_or(0).max(1);
    let encode = |text: &String| {
        let mut bytes: Vec<u8> =
            text.chars().flat_map(|character| u32::from(character).to_le_bytes()).collect();
        bytes.resize(4 * length, 0);
        bytes
    };
    (format!("<U{length}"), texts.iter().map(encode).collect())
}

#[cfg(test)]
mod tests;
