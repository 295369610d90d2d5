//! The header of an NPY file.

use std::io::Read;

use crate::error::{ContentError, excerpt};
use crate::source::NPY_MAGIC;

/// The longest header that is read, in bytes: NumPy's own limit.
const MAX_HEADER: usize = 10_000;
/// The data of a file that is written begins at a multiple of this.
const ALIGNMENT: usize = 64;

/// What is known of an array before its elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Header {
    pub(crate) element: Element,
    pub(crate) fortran_order: bool,
    pub(crate) shape: Vec<usize>,
}

impl Header {
    /// The header; the elements come next.
    pub(crate) fn read(stream: &mut dyn Read) -> Result<Self, ContentError> {
        let mut next = |length: usize| {
            let mut bytes = Vec::new();
            stream.take(length as u64).read_to_end(&mut bytes).map(|_| bytes)
        };
        if next(NPY_MAGIC.len())? != NPY_MAGIC {
            return Err(ContentError::Format { expected: "an NPY file" });
        }
        let truncated = ContentError::TruncatedHeader { format: "NPY" };
        let &[major, minor] = &next(2)?[..] else { return Err(truncated) };
        let length = match (major, minor) {
            (1, 0) => next(2)?.try_into().map(|length| u16::from_le_bytes(length).into()),
            (2 | 3, 0) => next(4)?.try_into().map(|length| u32::from_le_bytes(length) as usize),
            _ => return Err(ContentError::NpyVersion { major, minor }),
        };
        let length = length.map_err(|_| truncated.clone())?;
        if length > MAX_HEADER {
            return Err(ContentError::NpyHeader);
        }
        let text = next(length)?;
        if text.len() < length {
            return Err(truncated);
        }
        Self::parse(str::from_utf8(&text).map_err(|_| ContentError::NpyHeader)?)
    }

    fn parse(text: &str) -> Result<Self, ContentError> {
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        let mut rest = Text(text).expect("{")?;
        while !rest.begins("}") {
            let (key, after) = rest.quoted()?;
            let value = after.expect(":")?;
            rest = match key {
                "descr" if descr.is_none() => value.quoted().map(|(found, after)| {
                    descr = Some(found);
                    after
                })?,
                "fortran_order" if fortran_order.is_none() => value.truth().map(|(found, after)| {
                    fortran_order = Some(found);
                    after
                })?,
                "shape" if shape.is_none() => value.tuple().map(|(found, after)| {
                    shape = Some(found);
                    after
                })?,
                _ => return Err(ContentError::NpyHeader),
            };
            if !rest.begins("}") {
                rest = rest.expect(",")?;
            }
        }
        let end = rest.expect("}")?;
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) if end.0.trim().is_empty() => {
                Ok(Self { element: Element::parse(descr)?, fortran_order, shape })
            }
            _ => Err(ContentError::NpyHeader),
        }
    }
}

/// What is left of the dictionary.
#[derive(Clone, Copy)]
struct Text<'a>(&'a str);

impl<'a> Text<'a> {
    fn begins(self, token: &str) -> bool {
        self.0.trim_start().starts_with(token)
    }

    fn expect(self, token: &str) -> Result<Self, ContentError> {
        self.0.trim_start().strip_prefix(token).map(Self).ok_or(ContentError::NpyHeader)
    }

    /// A text in quotes; none that matters here has an escape in it.
    fn quoted(self) -> Result<(&'a str, Self), ContentError> {
        let text = self.0.trim_start();
        let quoted = |quote: char| text.strip_prefix(quote)?.split_once(quote);
        let (found, rest) = quoted('\'').or_else(|| quoted('"')).ok_or(ContentError::NpyHeader)?;
        Ok((found, Self(rest)))
    }

    fn truth(self) -> Result<(bool, Self), ContentError> {
        self.expect("True")
            .map(|rest| (true, rest))
            .or_else(|_| self.expect("False").map(|rest| (false, rest)))
    }

    fn tuple(self) -> Result<(Vec<usize>, Self), ContentError> {
        let (numbers, rest) = self.expect("(")?.0.split_once(')').ok_or(ContentError::NpyHeader)?;
        let numbers = numbers.trim().strip_suffix(',').unwrap_or(numbers).trim();
        if numbers.is_empty() {
            return Ok((Vec::new(), Self(rest)));
        }
        // Python 2 wrote long integers with an L.
        let number = |number: &str| number.trim().trim_end_matches('L').parse();
        let shape = numbers.split(',').map(number).collect::<Result<_, _>>();
        Ok((shape.map_err(|_| ContentError::NpyHeader)?, Self(rest)))
    }
}

/// What an element is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Boolean,
    Signed,
    Unsigned,
    Float,
    /// Bytes, filled up with zeros.
    Bytes,
    /// UTF-32, filled up with zeros.
    Unicode,
}

/// The type of the elements.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Element {
    descr: String,
    pub(crate) kind: Kind,
    pub(crate) bytes: usize,
    big_endian: bool,
}

impl Element {
    /// The type that NumPy's name says, such as `<f8`: byte order, kind, size.
    fn parse(descr: &str) -> Result<Self, ContentError> {
        let unknown = || ContentError::ElementType { found: excerpt(descr), needed: "read" };
        let (order, rest) = descr.split_at_checked(1).ok_or_else(unknown)?;
        let (kind, size) = rest.split_at_checked(1).ok_or_else(unknown)?;
        if kind == "O" {
            return Err(ContentError::Pickled);
        }
        let size: usize = size.parse().map_err(|_| unknown())?;
        let (kind, bytes) = match (kind, size) {
            ("b", 1) => (Kind::Boolean, 1),
            ("i", 1 | 2 | 4 | 8) => (Kind::Signed, size),
            ("u", 1 | 2 | 4 | 8) => (Kind::Unsigned, size),
            ("f", 4 | 8) => (Kind::Float, size),
            ("S", _) => (Kind::Bytes, size),
            ("U", _) => (Kind::Unicode, size.checked_mul(4).ok_or_else(unknown)?),
            _ => return Err(unknown()),
        };
        let big_endian = match order {
            "<" => false,
            ">" => true,
            "|" if bytes == 1 || kind == Kind::Bytes => false,
            _ => return Err(unknown()),
        };
        Ok(Self { descr: descr.to_owned(), kind, bytes, big_endian })
    }

    pub(crate) fn is_number(&self) -> bool {
        !matches!(self.kind, Kind::Bytes | Kind::Unicode)
    }

    /// The number that an element is, rounded where an f64 cannot hold it.
    pub(crate) fn number(&self, item: &[u8]) -> f64 {
        match (self.kind, self.bytes) {
            (Kind::Float, 4) => f32::from_bits(self.bits(item) as u32).into(),
            (Kind::Float, _) => f64::from_bits(self.bits(item)),
            (Kind::Signed, _) => self.signed(item) as f64,
            _ => self.bits(item) as f64,
        }
    }

    /// The label that an element is.
    pub(crate) fn label(&self, item: &[u8], row: u64) -> Result<String, ContentError> {
        let not_text = ContentError::LabelText { row };
        match self.kind {
            Kind::Float => Err(self.unusable("labels; whole numbers can be converted with astype(int)")),
            Kind::Signed => Ok(self.signed(item).to_string()),
            Kind::Unsigned | Kind::Boolean => Ok(self.bits(item).to_string()),
            Kind::Bytes => {
                let end = item.iter().rposition(|&byte| byte != 0).map_or(0, |last| last + 1);
                str::from_utf8(&item[..end]).map(str::to_owned).map_err(|_| not_text)
            }
            Kind::Unicode => {
                let characters = item.chunks_exact(4).map(|code| char::from_u32(self.bits(code) as u32));
                let text: String = characters.collect::<Option<_>>().ok_or(not_text)?;
                Ok(text.trim_end_matches('\0').to_owned())
            }
        }
    }

    pub(crate) fn unusable(&self, needed: &'static str) -> ContentError {
        ContentError::ElementType { found: self.descr.clone(), needed }
    }

    /// The bits of up to eight bytes.
    fn bits(&self, item: &[u8]) -> u64 {
        let push = |bits: u64, &byte: &u8| bits << 8 | u64::from(byte);
        if self.big_endian { item.iter().fold(0, push) } else { item.iter().rev().fold(0, push) }
    }

    fn signed(&self, item: &[u8]) -> i64 {
        let unused = 64 - 8 * self.bytes as u32;
        (self.bits(item) << unused) as i64 >> unused
    }
}

/// The header of an array in C order, as NumPy writes it.
pub(crate) fn bytes(descr: &str, shape: &[usize]) -> Vec<u8> {
    let mut sizes = shape.iter().map(usize::to_string).collect::<Vec<_>>().join(", ");
    if shape.len() == 1 {
        sizes.push(',');
    }
    let mut text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({sizes}), }}");
    let before = NPY_MAGIC.len() + 4;
    let padded = (before + text.len() + 1).next_multiple_of(ALIGNMENT) - before;
    text.extend(std::iter::repeat_n(' ', padded - 1 - text.len()));
    text.push('\n');
    // The shapes of models are far from the 65,535 bytes that version 1.0 can hold.
    [NPY_MAGIC, &[1, 0], &(text.len() as u16).to_le_bytes(), text.as_bytes()].concat()
}
