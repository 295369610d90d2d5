//! Records of CSV by the grammar of RFC 4180, with the line on which each starts.
//!
//! A field that begins with a quote ends with one, and has two for each quote inside of it. Any other field has no
//! quote. A laxer reader, such as that of the crate `csv`, makes one field of all rows after a quote that is not
//! closed. Blanks may stand around fields and their quotes. Fields are separated by the one of comma, semicolon and tab
//! that the first record has outside of its quotes, or by what the caller says. Lines end with LF, CR LF or CR. A line
//! that begins with `#` where a record could begin is a comment, unless the caller says that there are none. A first
//! line such as `sep=;`, which spreadsheets write, says what separates, unless the caller does, and is no record.

use std::io::{BufRead, Cursor, Read};

use crate::composed::composed;
use crate::delimiter::{Comments, Delimiter, Separation};
use crate::error::ContentError;

const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();
const SEPARATORS: &[u8] = b",;\t";

/// One record.
#[derive(Debug, Default)]
pub(super) struct Record {
    /// The line on which it starts, from 1.
    pub(super) line: u64,
    /// The first of the blank lines before it.
    pub(super) blank_line: Option<u64>,
    /// The fields, each followed by an ASCII character, so that each of them is UTF-8 where the whole is.
    text: String,
    ends: Vec<usize>,
}

impl Record {
    /// The number of fields: at least one.
    pub(super) fn len(&self) -> usize {
        self.ends.len()
    }

    /// The record with every field in one form.
    fn composed(self) -> Self {
        if self.text.is_ascii() {
            return self;
        }
        let (mut text, mut ends) = (String::new(), Vec::with_capacity(self.len()));
        for field in self.iter() {
            text += &composed(field);
            ends.push(text.len());
            text.push(',');
        }
        Self { text, ends, ..self }
    }

    /// The fields without the blanks around them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        (0..self.len()).map(|index| self.field(index))
    }

    /// A field without the blanks around it. Line breaks are no blanks: what is in quotes may begin or end with one.
    pub(super) fn field(&self, index: usize) -> &str {
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before] + 1);
        let is_blank =
            |character: char| character.is_whitespace() && (character == '\t' || !character.is_control());
        self.text[start..self.ends[index]].trim_matches(is_blank)
    }
}

/// Reads records, blank lines aside.
pub(super) struct Records<'a> {
    stream: Box<dyn BufRead + 'a>,
    parser: Parser,
    /// Most bytes of a record.
    limit: u64,
}

impl<'a> Records<'a> {
    pub(super) fn new(
        mut stream: Box<dyn BufRead + 'a>,
        limit: u64,
        delimiter: Delimiter,
        comments: Comments,
    ) -> Result<Self, ContentError> {
        let mut start = Vec::new();
        stream.by_ref().take(BYTE_ORDER_MARK.len() as u64).read_to_end(&mut start)?;
        if start == BYTE_ORDER_MARK {
            start.clear();
        }
        if let Some(found) = encoding(&start) {
            return Err(ContentError::Encoding { found });
        }
        let parser = Parser::new(delimiter.0, comments);
        Ok(Self { stream: Box::new(Cursor::new(start).chain(stream)), parser, limit })
    }

    /// The number of comments so far.
    pub(super) fn comments(&self) -> u64 {
        self.parser.comments_found
    }

    /// The next record, or None at the end.
    fn read(&mut self) -> Result<Option<Record>, ContentError> {
        loop {
            let buffer = self.stream.fill_buf()?;
            if buffer.is_empty() {
                return self.parser.end();
            }
            let (mut used, mut record) = (0, None);
            while record.is_none() && used < buffer.len() {
                record = self.parser.push(buffer[used])?;
                used += 1;
                if self.parser.memory() > self.limit {
                    return Err(ContentError::TooLarge { limit: self.limit });
                }
            }
            self.stream.consume(used);
            if record.is_some() {
                return Ok(record);
            }
        }
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, ContentError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}

/// The encoding that the first bytes of a text show, where it is not UTF-8. In UTF-16 every second byte of most texts
/// is zero, and no text has a zero.
fn encoding(start: &[u8]) -> Option<&'static str> {
    match start {
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Some("UTF-16"),
        [0, 1..=0xff, ..] => Some("UTF-16BE"),
        [1..=0xff, 0, ..] => Some("UTF-16LE"),
        _ => None,
    }
}

/// Of a first line that is none of the table's, the separator that it declares, if it is not that which the fields of
/// the line itself have.
fn declared_separator(record: &Record, separator: Option<u8>) -> Option<Option<u8>> {
    let first = record.field(0);
    let is_declaration =
        record.line == 1 && first.get(..4).is_some_and(|start| start.eq_ignore_ascii_case("sep="));
    match (record.len(), &first.as_bytes()[4.min(first.len())..]) {
        (1, []) if is_declaration => Some(None),
        (1, &[byte]) if is_declaration => Some(Some(byte)),
        (2, []) if is_declaration && record.field(1).is_empty() => Some(separator),
        _ => None,
    }
}

/// What comes before the next byte of a field.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    /// Blanks at most.
    Start,
    /// Text that is not in quotes.
    Text,
    /// An opening quote, on this line, and text.
    Quoted { line: u64 },
    /// The same and a quote, which may be the first of two.
    Quote { line: u64 },
    /// The same and blanks.
    Closed { line: u64 },
    /// A `#` at the start of a line, and what follows it.
    Comment,
}

struct Parser {
    state: State,
    /// The line of the next byte.
    line: u64,
    /// Whether the last byte was a CR: with an LF it ends one line.
    after_return: bool,
    separation: Separation,
    /// Where it is not given, known as soon as there is one.
    separator: Option<u8>,
    comments: Comments,
    comments_found: u64,
    is_first: bool,
    start_line: u64,
    blank_line: Option<u64>,
    text: Vec<u8>,
    ends: Vec<usize>,
}

impl Parser {
    fn new(separation: Separation, comments: Comments) -> Self {
        Self {
            state: State::Start,
            line: 1,
            after_return: false,
            separation,
            separator: None,
            comments,
            comments_found: 0,
            is_first: true,
            start_line: 1,
            blank_line: None,
            text: vec![],
            ends: vec![],
        }
    }

    /// Bytes of the record that has begun.
    fn memory(&self) -> u64 {
        (self.text.len() + self.ends.len() * size_of::<usize>()) as u64
    }

    /// Takes a byte; gives the record that it ends.
    fn push(&mut self, byte: u8) -> Result<Option<Record>, ContentError> {
        let after_return = std::mem::replace(&mut self.after_return, byte == b'\r');
        let is_quoted = matches!(self.state, State::Quoted { .. });
        match byte {
            b'\n' if after_return && !is_quoted => Ok(None),
            b'\r' | b'\n' if is_quoted => {
                self.text.push(byte);
                self.line += u64::from(!after_return || byte == b'\r');
                Ok(None)
            }
            b'\r' | b'\n' => {
                let record = self.end_line();
                self.line += 1;
                self.start_line = self.line;
                record
            }
            _ if self.state == State::Comment => {
                self.text.push(byte);
                Ok(None)
            }
            b'#' if self.is_at_start() && self.comments != Comments::No => {
                self.text.clear();
                self.state = State::Comment;
                Ok(None)
            }
            b' ' | b'\t' if self.separation == Separation::Blanks && self.state == State::Start => Ok(None),
            _ if !is_quoted && self.separates(byte)? => {
                self.end_field();
                Ok(None)
            }
            _ => self.push_text(byte).map(|()| None),
        }
    }

    /// Whether a byte outside of quotes is the separator. Unless it is given the first record decides.
    fn separates(&mut self, byte: u8) -> Result<bool, ContentError> {
        match self.separation {
            Separation::Byte(given) => return Ok(byte == given),
            Separation::Blanks => return Ok(byte == b' ' || byte == b'\t'),
            Separation::Auto if !SEPARATORS.contains(&byte) => return Ok(false),
            Separation::Auto => {}
        }
        let separator = *self.separator.get_or_insert(byte);
        if self.is_first && byte != separator {
            return Err(ContentError::Separators { first: separator.into(), second: byte.into() });
        }
        Ok(byte == separator)
    }

    /// Takes a byte that is in quotes or neither separates fields nor ends a line.
    fn push_text(&mut self, byte: u8) -> Result<(), ContentError> {
        let is_blank = byte == b' ' || byte == b'\t';
        self.state = match (self.state, byte) {
            (State::Start, b'"') => {
                self.text.truncate(self.field_start());
                State::Quoted { line: self.line }
            }
            (State::Text, b'"') => {
                return Err(ContentError::QuoteInText { row: self.line, column: self.column() });
            }
            (State::Quoted { line }, b'"') => State::Quote { line },
            (State::Quote { line } | State::Closed { line }, _) if is_blank => State::Closed { line },
            (State::Quote { line }, b'"') => {
                self.text.push(byte);
                State::Quoted { line }
            }
            (State::Quote { line: row } | State::Closed { line: row }, _) => {
                return Err(ContentError::TextAfterQuote { row, column: self.column(), end: self.line });
            }
            (state, _) => {
                self.text.push(byte);
                if state == State::Start && !is_blank { State::Text } else { state }
            }
        };
        Ok(())
    }

    fn field_start(&self) -> usize {
        self.ends.last().map_or(0, |end| end + 1)
    }

    /// The column of the field that has begun, from 1.
    fn column(&self) -> usize {
        self.ends.len() + 1
    }

    fn end_field(&mut self) {
        self.ends.push(self.text.len());
        self.text.push(b',');
        self.state = State::Start;
    }

    /// Whether no record has begun.
    fn is_at_start(&self) -> bool {
        self.state == State::Start && self.ends.is_empty()
    }

    /// The record that ends here; None for a blank line and a comment.
    fn end_line(&mut self) -> Result<Option<Record>, ContentError> {
        if self.is_at_start() {
            self.text.clear();
            self.blank_line.get_or_insert(self.line);
            return Ok(None);
        }
        if self.state == State::Comment {
            return self.end_comment().map(|()| None);
        }
        let (record, separator) = (self.end_record()?, self.separator);
        let Some(declared) = declared_separator(&record, separator) else { return Ok(Some(record)) };
        if let (Separation::Auto, Some(byte)) = (self.separation, declared) {
            self.separation = Separation::Byte(byte);
        }
        self.is_first = true;
        Ok(None)
    }

    /// Leaves out a comment, unless it could be a row: all of its fields but the first are numbers.
    fn end_comment(&mut self) -> Result<(), ContentError> {
        let text = std::mem::take(&mut self.text);
        self.state = State::Start;
        self.comments_found += 1;
        let separates = |byte: &u8| match (self.separation, self.separator) {
            (Separation::Byte(given), _) | (Separation::Auto, Some(given)) => *byte == given,
            (Separation::Blanks, _) => b" \t".contains(byte),
            (Separation::Auto, None) => SEPARATORS.contains(byte),
        };
        let is_number = |field: &[u8]| {
            let text = str::from_utf8(field).map(|text| text.trim().parse::<f64>());
            text.is_ok_and(|number| number.is_ok())
        };
        let mut fields = text.split(separates).skip(1).peekable();
        if self.comments == Comments::Auto && fields.peek().is_some() && fields.all(is_number) {
            return Err(ContentError::CommentOrRow { row: self.line });
        }
        Ok(())
    }

    /// The record that ends here. Blanks that separate may stand behind its last field.
    fn end_record(&mut self) -> Result<Record, ContentError> {
        if self.separation != Separation::Blanks || self.state != State::Start {
            self.end_field();
        }
        self.is_first = false;
        let (line, ends) = (self.start_line, std::mem::take(&mut self.ends));
        let text = String::from_utf8(std::mem::take(&mut self.text)).map_err(|error| {
            let valid = error.utf8_error().valid_up_to();
            ContentError::NotUtf8 { row: line, column: ends.partition_point(|&end| end < valid) + 1 }
        })?;
        Ok(Record { line, blank_line: self.blank_line.take(), text, ends }.composed())
    }

    /// The last record, where no line end follows it.
    fn end(&mut self) -> Result<Option<Record>, ContentError> {
        match self.state {
            State::Quoted { line: row } => Err(ContentError::OpenQuote { row, column: self.column() }),
            _ => self.end_line(),
        }
    }
}
