//! NPY, NumPy's format of one array (NEP 1): a magic, a version, the length of the header, the header (a Python
//! dictionary of `descr`, `fortran_order` and `shape`), the elements.
//!
//! The header is read by its own grammar: the three keys once each, in any order, with a text, a truth value and a
//! tuple of numbers. Everything else that Python could write there (records, nested types) is refused, as are pickled
//! objects.

use std::io::{self, Read, Write};

use ndarray::{Array2, ShapeBuilder};
use volley_mlr::Precision;

use crate::error::ContentError;
use crate::source::{Memory, element_count, label_bytes};

mod header;

use header::{Header, Kind};

/// Bytes that are read at once.
const CHUNK: usize = 1 << 16;
/// Digits and sign of the longest integer.
const INTEGER_LENGTH: usize = 20;

/// An array whose header was read, and whose elements come next.
pub(crate) struct NpyArray<'a> {
    header: Header,
    stream: &'a mut dyn Read,
}

/// Reads the header of a file.
pub(crate) fn open(stream: &mut dyn Read) -> Result<NpyArray<'_>, ContentError> {
    Ok(NpyArray { header: Header::read(stream)?, stream })
}

impl NpyArray<'_> {
    /// A matrix of numbers.
    pub(crate) fn features(self, memory: &mut Memory) -> Result<Array2<f64>, ContentError> {
        let [rows, columns] = self.header.shape[..] else {
            return Err(self.dimensions("a matrix of rows and columns"));
        };
        // With no rows nothing bounds the number of columns.
        if rows == 0 || columns == 0 {
            return Err(ContentError::NoRows);
        }
        let (item_bytes, fortran_order) = (self.header.element.bytes, self.header.fortran_order);
        let values = self.numbers(memory)?;
        let found = item_bytes * values.len();
        Array2::from_shape_vec((rows, columns).set_f(fortran_order), values).map_err(|_| ContentError::Size {
            shape: vec![rows, columns],
            item_bytes,
            found,
        })
    }

    /// Images of bytes: their number, rows, columns and channels, and their bytes.
    pub(crate) fn images(self, memory: &mut Memory) -> Result<([usize; 4], Vec<u8>), ContentError> {
        let shape = match self.header.shape[..] {
            [count, rows, columns] => [count, rows, columns, 1],
            [count, rows, columns, channels @ (1 | 3)] => [count, rows, columns, channels],
            _ => return Err(self.dimensions("one of images, rows and columns, and 1 or 3 channels")),
        };
        let element = &self.header.element;
        if (element.kind, element.bytes) != (Kind::Unsigned, 1) || self.header.fortran_order {
            return Err(element.unusable("the bytes of images in C order"));
        }
        memory.take(element_count(&self.header.shape), 1)?;
        Ok((shape, self.elements(|item, _| Ok(item[0]))?))
    }

    /// What the numbers were rounded to: integers are exact.
    pub(crate) fn precision(&self) -> Precision {
        match (self.header.element.kind, self.header.element.bytes) {
            (Kind::Float, 4) => Precision::Single,
            _ => Precision::Double,
        }
    }

    /// A vector of numbers.
    pub(crate) fn vector(self, memory: &mut Memory) -> Result<Vec<f64>, ContentError> {
        self.one_dimension()?;
        self.numbers(memory)
    }

    /// A single number.
    pub(crate) fn number(self, memory: &mut Memory) -> Result<f64, ContentError> {
        if !self.header.shape.is_empty() {
            return Err(self.dimensions("a single number"));
        }
        // The product of no sizes is 1.
        Ok(self.numbers(memory)?[0])
    }

    /// A vector of truth values.
    pub(crate) fn truths(self, memory: &mut Memory) -> Result<Vec<bool>, ContentError> {
        self.one_dimension()?;
        if self.header.element.kind != Kind::Boolean {
            return Err(self.header.element.unusable("truth values"));
        }
        memory.take(element_count(&self.header.shape), 1)?;
        self.elements(|item, _| Ok(item[0] != 0))
    }

    /// A vector of labels: integers, truth values or texts.
    pub(crate) fn labels(self, memory: &mut Memory) -> Result<Vec<String>, ContentError> {
        self.one_dimension()?;
        let element = self.header.element.clone();
        if element.bytes == 0 {
            // No bytes, so nothing that bounds how many they are.
            return Err(element.unusable("labels: they are all empty"));
        }
        let length = if element.is_number() { INTEGER_LENGTH } else { element.bytes };
        memory.take(element_count(&self.header.shape), label_bytes(length))?;
        self.elements(|item, index| element.label(item, index as u64 + 1))
    }

    fn numbers(self, memory: &mut Memory) -> Result<Vec<f64>, ContentError> {
        let element = self.header.element.clone();
        if !element.is_number() {
            return Err(element.unusable("features"));
        }
        memory.take(element_count(&self.header.shape), size_of::<f64>())?;
        self.elements(|item, _| Ok(element.number(item)))
    }

    /// What is made of each element and its index. Memory grows with what is read.
    fn elements<T>(
        self,
        make: impl Fn(&[u8], usize) -> Result<T, ContentError>,
    ) -> Result<Vec<T>, ContentError> {
        let Self { header, stream } = self;
        let item_bytes = header.element.bytes;
        let expected = element_count(&header.shape).checked_mul(item_bytes);
        let chunk_bytes = (CHUNK / item_bytes).max(1).saturating_mul(item_bytes) as u64;
        let (mut elements, mut chunk, mut found) = (Vec::new(), Vec::new(), 0);
        // To the end of the stream: what is compressed is checked there.
        while {
            chunk.clear();
            stream.take(chunk_bytes).read_to_end(&mut chunk)? > 0
        } {
            found += chunk.len();
            if expected.is_some_and(|expected| found > expected) {
                break;
            }
            for item in chunk.chunks_exact(item_bytes) {
                elements.push(make(item, elements.len())?);
            }
        }
        if expected == Some(found) {
            return Ok(elements);
        }
        Err(ContentError::Size { shape: header.shape, item_bytes, found })
    }

    fn one_dimension(&self) -> Result<(), ContentError> {
        if self.header.shape.len() == 1 { Ok(()) } else { Err(self.dimensions("a single column")) }
    }

    fn dimensions(&self, needed: &'static str) -> ContentError {
        ContentError::Dimensions { shape: self.header.shape.clone(), needed }
    }
}

/// Writes an array in C order, from parts of any number of elements. `descr` is NumPy's name of the elements' type.
pub(crate) fn write_parts(
    mut out: impl Write,
    descr: &str,
    shape: &[usize],
    parts: impl IntoIterator<Item = io::Result<Vec<u8>>>,
) -> io::Result<()> {
    out.write_all(&header::bytes(descr, shape))?;
    parts.into_iter().try_for_each(|part| out.write_all(&part?))
}

/// [`write_parts`] of what is in memory.
#[cfg(test)]
pub(crate) fn write(
    out: impl Write,
    descr: &str,
    shape: &[usize],
    elements: impl IntoIterator<Item = Vec<u8>>,
) -> io::Result<()> {
    write_parts(out, descr, shape, elements.into_iter().map(Ok))
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
