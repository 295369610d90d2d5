use ndarray::array;
use proptest::prelude::*;

use super::*;
use crate::{Comments, Delimiter, HeaderDoubt, Schema, Use};

fn read_as(content: &[u8], header: Header, labels: &LabelSource) -> Result<Table, ContentError> {
    let options = TableOptions { header, ..TableOptions::with_labels(labels.clone()) };
    parse(Path::new("x.csv"), Box::new(content), &options, &mut Memory::new(1 << 20))
}

fn read(content: &[u8], labels: &LabelSource) -> Result<Table, ContentError> {
    read_as(content, Header::Auto, labels)
}

fn usual(content: &[u8]) -> Table {
    read(content, &LabelSource::Usual).unwrap()
}

fn problem(content: &[u8]) -> String {
    read(content, &LabelSource::Usual).unwrap_err().to_string()
}

#[test]
fn labels_and_values() {
    let plain = b"cat,1,-0.5,2e-3\n12,0,4,5\n";
    for content in [
        &plain[..],
        b"label,a,b,c\ncat,1,-0.5,2e-3\n12,0,4,5\n",
        b"\xef\xbb\xbfcat, 1 ,-0.5,2e-3\r\n\r\n 12,0,4,5",
        b"\"cat\",\"1\",-0.5,2e-3\n12,0,4,5\n",
    ] {
        let table = usual(content);
        assert_eq!(table.labels.unwrap(), ["cat", "12"]);
        assert_eq!(table.features, array![[1.0, -0.5, 2e-3], [0.0, 4.0, 5.0]]);
    }
}

#[test]
fn names_and_labels_are_equal_whichever_way_their_letters_are_written() {
    let content = "hauteur,été,espèce\n1,2,chêne\n3,4,che\u{302}ne\n5,6,tilleul\n";
    let decomposed = "hauteur,e\u{301}te\u{301},espe\u{300}ce\n1,2, che\u{302}ne \n3,4,chêne\n5,6,tilleul\n";
    let options = TableOptions::with_labels(LabelSource::Named("espe\u{300}ce".into()));
    let options = TableOptions { drop: vec!["e\u{301}te\u{301}".into()], ..options };
    for content in [content, decomposed] {
        let table =
            parse(Path::new("x.csv"), Box::new(content.as_bytes()), &options, &mut Memory::new(1 << 20));
        let table = table.unwrap();
        assert_eq!(table.labels.unwrap(), ["chêne", "chêne", "tilleul"]);
        assert_eq!(table.columns.unwrap(), ["hauteur"]);
        assert_eq!(table.features, array![[1.0], [3.0], [5.0]]);
    }
}

#[test]
fn texts_in_utf_16_are_named_by_their_marks_or_their_zeros() {
    let encoded =
        |to_bytes: fn(u16) -> [u8; 2]| "a,1\nb,2\n".encode_utf16().flat_map(to_bytes).collect::<Vec<_>>();
    let (little, big) = (encoded(u16::to_le_bytes), encoded(u16::to_be_bytes));
    for (content, name) in [
        ([b"\xff\xfe", &little[..]].concat(), "UTF-16"),
        ([b"\xfe\xff", &big[..]].concat(), "UTF-16"),
        (little, "UTF-16LE"),
        (big, "UTF-16BE"),
    ] {
        assert_eq!(problem(&content), format!("the text is in {name}, and UTF-8 is read"));
    }
}

#[test]
fn labels_stand_where_they_are_asked_for() {
    let content = b"a,kind,b\n1,x,2\n3,y,4\n";
    for labels in [LabelSource::Column(1), LabelSource::Named("kind".into())] {
        let table = read(content, &labels).unwrap();
        assert_eq!(table.labels(), Some(&["x".to_owned(), "y".to_owned()][..]));
        assert_eq!(table.columns(), Some(&["a".to_owned(), "b".to_owned()][..]));
        assert_eq!(table.features, array![[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(table.lines, Some(vec![2, 3]));
    }
    let table = read(b"1,2\n3,4\n", &LabelSource::Absent).unwrap();
    assert_eq!((table.labels, table.columns, table.features), (None, None, array![[1.0, 2.0], [3.0, 4.0]]));
}

#[test]
fn columns_that_are_not_there() {
    let named = |content: &[u8], name: &str| read(content, &LabelSource::Named(name.into())).unwrap_err();
    let found = vec!["a".into(), "b".into()];
    assert_eq!(named(b"a,b\n1,2\n", "c"), ContentError::MissingColumn { name: "c".into(), found });
    assert_eq!(named(b"a,b,a\n1,2,3\n", "a"), ContentError::AmbiguousColumn { name: "a".into(), count: 2 });
    let no_header = ContentError::NoHeader { name: "a".into() };
    assert_eq!(named(b"1,2\n", "a"), no_header);
    assert_eq!(named(b"a,2\n", "a"), no_header);
    let range = ContentError::ColumnRange { column: 3, columns: 2 };
    assert_eq!(read(b"1,2\n", &LabelSource::Column(2)), Err(range));
}

#[test]
fn a_header_is_one_without_any_number() {
    assert_eq!(usual(b"label,x1\n3,1\n").features.nrows(), 1);
    assert_eq!(problem(b"3,x1,1\n3,1,1\n"), "row 1, column 2: \"x1\" is not a number");
    assert_eq!(problem(b"3,NaN\n3,1\n"), "row 1, column 2: \"NaN\" is not a finite number");
}

#[test]
fn rows_of_other_lengths_are_refused() {
    assert_eq!(problem(b"a,1,2\n\nb,3\n"), "row 3 has 2 columns, the first row has 3");
    assert_eq!(problem(b"a,1,2\r\nb,3\r\n"), "row 2 has 2 columns, the first row has 3");
    assert_eq!(problem(b"\r\na,1,2\r\n\r\nb,3\r\n"), "row 4 has 2 columns, the first row has 3");
    let length = ContentError::RowLength { row: 2, found: 3, expected: 2 };
    assert_eq!(read(b"a,1\nb,3,4\n", &LabelSource::Usual), Err(length));
    assert_eq!(read(b"a\nb\n", &LabelSource::Usual), Err(ContentError::NoValues { row: 1 }));
}

#[test]
fn values_that_are_no_finite_numbers_are_refused() {
    let error = |content: &[u8]| read(content, &LabelSource::Usual).unwrap_err();
    let text = String::from;
    assert_eq!(
        error(b"a,1,2\nb,x,4\n"),
        ContentError::NotANumber { row: 2, column: 2.into(), text: text("x") }
    );
    assert_eq!(error(b"a,1,2\nb,3,\n"), ContentError::EmptyValue { row: 2, column: 3.into() });
    assert_eq!(
        error(b"a,1,2\nb,nan,4\n"),
        ContentError::NotFinite { row: 2, column: 2.into(), text: text("nan") }
    );
    assert_eq!(
        error(b"a,1,2\nb,3,-inf\n"),
        ContentError::NotFinite { row: 2, column: 3.into(), text: text("-inf") }
    );
    assert_eq!(
        error(b"a,1,1e400\n"),
        ContentError::NotFinite { row: 1, column: 3.into(), text: text("1e400") }
    );
    let long = format!("a,1,{}\n", "x".repeat(1000));
    assert!(problem(long.as_bytes()).len() < 100);
}

#[test]
fn labels_must_not_be_empty() {
    assert_eq!(
        read(b"a,1\n ,2\n", &LabelSource::Usual),
        Err(ContentError::EmptyLabel { row: 2, column: 1.into() })
    );
}

#[test]
fn a_file_needs_rows() {
    for content in [&b""[..], b"\n\n", b"label,x\n"] {
        assert_eq!(read(content, &LabelSource::Usual), Err(ContentError::NoRows));
    }
}

#[test]
fn text_must_be_utf8() {
    assert_eq!(read(b"a,1\nb,\xff\n", &LabelSource::Usual), Err(ContentError::NotUtf8 { row: 2, column: 2 }));
}

#[test]
fn quotes_that_are_not_closed_are_refused_with_the_line_where_they_begin() {
    let case = b"1,2,elm\n3,4,\"elm\n5,6,oak\n7,8,oak\n";
    let last = LabelSource::Column(2);
    assert_eq!(read(case, &last), Err(ContentError::OpenQuote { row: 2, column: 3 }));
    // In a header, in the first row, at the end of the file, behind lines that are in quotes.
    for (content, row, column) in [
        (&b"\"label,x\na,1\n"[..], 1, 1),
        (b"label,x\na,\"1", 2, 2),
        (b"a,1\n\"", 2, 1),
        (b"\"a\nb\r\nc\rd\",1\n\"e", 5, 1),
        (b"a,1\n\"say \"\"b\"\",2\n", 2, 1),
    ] {
        assert_eq!(read(content, &LabelSource::Usual), Err(ContentError::OpenQuote { row, column }));
    }
    // The next quote closes it: text follows, or the label has a line break.
    let closed = b"1,2,\"elm\n3,4,\"oak\"\n";
    assert_eq!(read(closed, &last), Err(ContentError::TextAfterQuote { row: 1, column: 3, end: 2 }));
    assert_eq!(read(b"1,2,\"elm\n3,4,\"\n", &last).unwrap().labels.unwrap(), ["elm\n3,4,"]);
}

#[test]
fn quotes_stand_around_fields_only() {
    let usual_error = |content: &[u8]| read(content, &LabelSource::Usual).unwrap_err();
    for content in [&b"\"a\"b,1\n"[..], b"\"a\" b,1\n", b"\"a\" \"b\",1\n", b"\"a\"\0,1\n"] {
        assert_eq!(usual_error(content), ContentError::TextAfterQuote { row: 1, column: 1, end: 1 });
    }
    for content in [&b"a,1\nb\"c,1\n"[..], b"a,1\nb \"c\",1\n", b"a,1\r\"b\nc\",1\nd\",1"] {
        let row = if content.contains(&b'\r') { 4 } else { 2 };
        assert_eq!(usual_error(content), ContentError::QuoteInText { row, column: 1 });
    }
    let table = usual(b" \"a,\"\"b\"\"\" , \"1\" ,2\n\"\"\"\",3,4\n");
    assert_eq!(table.labels.unwrap(), ["a,\"b\"", "\""]);
    assert_eq!(table.features, array![[1.0, 2.0], [3.0, 4.0]]);
    assert_eq!(usual_error(b"a,1\n\"\",2\n"), ContentError::EmptyLabel { row: 2, column: 1.into() });
}

#[test]
fn lines_end_in_three_ways_and_are_counted() {
    for content in ["x,1\ny,2\n", "x,1\r\ny,2\r\n", "x,1\ry,2\r", "\r\n\r\nx,1\r\r\n \ny,2", "x,1\n\ry,2"] {
        let table = usual(content.as_bytes());
        assert_eq!(
            (table.labels.unwrap(), table.features),
            (vec!["x".into(), "y".into()], array![[1.0], [2.0]])
        );
    }
    assert_eq!(problem(b"a,1\rb,2\rc\r"), "row 3 has 1 columns, the first row has 2");
    assert_eq!(usual(b"a,1\r\n\r\n\r\nb,2\r\rc,3\n").lines.unwrap(), [1, 4, 6]);
}

#[test]
fn a_blank_line_in_a_single_column_is_a_missing_value() {
    let read = |content: &[u8]| read(content, &LabelSource::Absent);
    assert_eq!(read(b"1\n\n \n2\n"), Err(ContentError::EmptyValue { row: 2, column: 1.into() }));
    assert_eq!(read(b"\n1\n2\n\n\n").unwrap().features, array![[1.0], [2.0]]);
}

#[test]
fn the_first_row_shows_what_separates() {
    for separator in [',', ';', '\t'] {
        let separated = |text: &str| text.replace(',', &separator.to_string());
        let content = separated("l,v w,x\n\"a;\tb,c\",1,2\nb, 3 ,4\n");
        let table = read_as(content.as_bytes(), Header::Auto, &LabelSource::Usual).unwrap();
        assert_eq!(table.labels.unwrap(), [separated("a;\tb,c"), "b".into()]);
        assert_eq!((table.columns.unwrap().len(), table.features), (2, array![[1.0, 2.0], [3.0, 4.0]]));
    }
    // A decimal comma, seen at once or with the first value.
    let mixed = ContentError::Separators { first: ';', second: ',' };
    assert_eq!(read(b"a;1,5;2\n", &LabelSource::Usual), Err(mixed));
    assert_eq!(problem(b"l;x;y\na;1,5;2\n"), "row 2, column 2 (\"x\"): \"1,5\" is not a number");
    assert_eq!(
        problem(b"\"a;b\",1\n\"a;b\";1\n"),
        "row 2, column 1: the quote that begins here is closed in row 2 with text after it"
    );
    assert_eq!(usual(b"a,1\nb;c,1\n").labels.unwrap(), ["a", "b;c"]);
}

#[test]
fn a_header_is_what_it_is_said_to_be() {
    let pandas = b"0,1,2,3\n5,1.5,2,3\n";
    assert_eq!(usual(pandas).features, array![[1.0, 2.0, 3.0], [1.5, 2.0, 3.0]]);
    let table = read_as(pandas, Header::Yes, &LabelSource::Usual).unwrap();
    assert_eq!(
        (table.features, table.columns.unwrap()),
        (array![[1.5, 2.0, 3.0]], ["1", "2", "3"].map(str::to_owned).to_vec())
    );
    let named = read_as(pandas, Header::Yes, &LabelSource::Named("3".into())).unwrap();
    assert_eq!(named.labels.unwrap(), ["3"]);
    let missing = read_as(pandas, Header::Yes, &LabelSource::Named("4".into()));
    assert!(matches!(missing, Err(ContentError::MissingColumn { .. })), "{missing:?}");
    let words = b"label,x\na,1\n";
    let error = read_as(words, Header::No, &LabelSource::Usual);
    assert_eq!(error, Err(ContentError::NotANumber { row: 1, column: 2.into(), text: "x".into() }));
    let no_header = Err(ContentError::NoHeader { name: "x".into() });
    assert_eq!(read_as(words, Header::No, &LabelSource::Named("x".into())), no_header);
    assert_eq!(read_as(b"1,2\n", Header::Yes, &LabelSource::Usual), Err(ContentError::NoRows));
}

#[test]
fn a_guess_that_may_be_wrong_is_told() {
    let doubt = |content: &[u8], labels: &LabelSource| read(content, labels).unwrap().header_doubt();
    let usual = |content: &[u8]| doubt(content, &LabelSource::Usual);
    for content in [
        &b"0,1,2,3\n0,7,8,9\n"[..],
        b"0,1,2\n0,7,9\n1,7,8\n",
        b"label,0,1\nx,5,6\nx,5,7\n",
        b"y,2001,2002,2003\nx,1,2,3\n",
    ] {
        assert_eq!(usual(content), Some(HeaderDoubt::Sequence), "{}", String::from_utf8_lossy(content));
    }
    assert_eq!(doubt(b"0,1,2\n5,6,8\n", &LabelSource::Absent), Some(HeaderDoubt::Sequence));
    assert_eq!(doubt(b"0,1,2\n5,6,0\n", &LabelSource::Column(2)), Some(HeaderDoubt::Sequence));
    assert_eq!(usual(b"target,13\n5,1\n"), Some(HeaderDoubt::Label));
    for content in [&b"a,NA\nb,1\n"[..], b"l,x,y,x\nb,1,2,3\n", b"a,?,-\nb,1,2\n"] {
        assert_eq!(usual(content), Some(HeaderDoubt::Names));
    }
    for content in [
        &b"l,x,y\na,1,2\n"[..],
        b"a,1\nb,2\n",
        b"a,1,2\na,2,4\n",
        b"a,1,2\nb,3,4\n",
        b"a,0.5,1.5,2.5\n",
        b"5,3\n6,1\n",
    ] {
        assert_eq!(usual(content), None, "{}", String::from_utf8_lossy(content));
    }
    for header in [Header::Yes, Header::No] {
        let table = read_as(b"0,1,2,3\n5,1,1,1\n", header, &LabelSource::Usual).unwrap();
        assert_eq!(table.header_doubt(), None);
    }
}

#[test]
fn text_that_is_none() {
    // UTF-16, as spreadsheets write "Unicode text".
    let error = read(b"\xff\xfea\0,\x001\0\n\0", &LabelSource::Usual);
    assert_eq!(error, Err(ContentError::Encoding { found: "UTF-16" }));
    // Characters cut in two by a separator; bytes that are nothing.
    for (content, row, column) in [
        (&b"\xffa,1\n"[..], 1, 1),
        (b"a,1\n\xc3,\xa9\n", 2, 1),
        (b"a,1\n\xe2\x82,1\n", 2, 1),
        (b"a,1\nb,\"\n\xff\"\n", 2, 2),
    ] {
        assert_eq!(read(content, &LabelSource::Usual), Err(ContentError::NotUtf8 { row, column }));
    }
    let error = read(b"a,1\nb,\x002\n", &LabelSource::Usual);
    assert_eq!(error, Err(ContentError::NotANumber { row: 2, column: 2.into(), text: "\x002".into() }));
}

#[test]
fn memory_is_bounded_by_values_labels_and_records() {
    let within = |content: &[u8], limit: u64| {
        let options = TableOptions::default();
        parse(Path::new("x.csv"), Box::new(content), &options, &mut Memory::new(limit))
            .map(|table| table.features.len())
    };
    let content = "ab,1,2\n".repeat(10);
    // Two values, the line, and the label's own two bytes beside the String.
    let row = 3 * 8 + 2 + size_of::<String>() as u64;
    assert_eq!(within(content.as_bytes(), 10 * row), Ok(20));
    let error = within(content.as_bytes(), 10 * row - 1);
    assert_eq!(error, Err(ContentError::Memory { needed: 10 * row, limit: 10 * row - 1 }));
    for record in [[b'x'; 1000], [b'"'; 1000], [b','; 1000]] {
        assert_eq!(within(&record, 200), Err(ContentError::TooLarge { limit: 200 }));
    }
}

fn records(content: &str) -> Records<'_> {
    Records::new(Box::new(content.as_bytes()), 1000, Delimiter::default(), Comments::default()).unwrap()
}

/// What makes a difference.
const BYTES: &[u8] = b"a1,;\t.\"\n\r -#\xff\xc3\xa9\xef\xbb\xbf";

proptest! {
    #[test]
    fn what_is_written_is_read(
        rows in prop::collection::vec(("[a-z,\"\n]{1,5}", -1e9..1e9f64, any::<i32>()), 1..20),
    ) {
        prop_assume!(rows.iter().all(|(label, ..)| !label.trim().is_empty()));
        let mut writer = csv::Writer::from_writer(Vec::new());
        for (label, a, b) in &rows {
            writer.write_record([label.clone(), a.to_string(), b.to_string()]).unwrap();
        }
        let table = usual(&writer.into_inner().unwrap());
        let labels: Vec<&str> = rows.iter().map(|(label, ..)| label.as_str()).collect();
        prop_assert_eq!(table.labels.unwrap(), labels);
        let values: Vec<f64> = rows.iter().flat_map(|&(_, a, b)| [a, b.into()]).collect();
        prop_assert_eq!(table.features.into_raw_vec_and_offset().0, values);
    }

    /// The reader of the crate `csv` takes any quotes; of what is refused here it may make anything, of the rest it
    /// makes the same.
    #[test]
    fn what_is_read_is_what_another_reader_reads(
        content in "[ab1\",\n\r é]{0,30}",
    ) {
        let ours: Result<Vec<Vec<String>>, _> = records(&content)
            .map(|record| record.map(|record| record.iter().map(str::to_owned).collect()))
            .collect();
        // Blanks around quotes, and lines of blanks only, are ours alone.
        let is_alike = !content.contains(" \"") && !content.contains("\" ")
            && !content.split(['\r', '\n']).any(|line| !line.is_empty() && line.trim().is_empty());
        if let (Ok(ours), true) = (ours, is_alike) {
            let mut reader = csv::ReaderBuilder::new();
            let mut reader = reader.has_headers(false).flexible(true).from_reader(content.as_bytes());
            let blanks = |field: &str| field.trim_matches(' ').to_owned();
            let theirs: Vec<Vec<String>> =
                reader.records().map(|record| record.unwrap().iter().map(blanks).collect()).collect();
            prop_assert_eq!(ours, theirs);
        }
    }

    #[test]
    fn no_content_is_a_panic(content in prop::collection::vec(prop::sample::select(BYTES), 0..60)) {
        let _ = read(&content, &LabelSource::Usual);
        let _ = read(&content, &LabelSource::Named("a".into()));
        let schema = Schema::new(vec![Use::Label, Use::Feature], Some(vec!["a".into(), "1".into()])).unwrap();
        for delimiter in ["auto", "space", ";"] {
            let delimiter = delimiter.parse().unwrap();
            let schema = Some(schema.clone());
            let options = TableOptions { delimiter, schema, drop: vec!["-2".into()], ..TableOptions::default() };
            let _ = parse(Path::new("x.csv"), Box::new(&content[..]), &options, &mut Memory::new(1 << 20));
        }
    }
}

fn separated(content: &str, delimiter: &str) -> Result<Table, ContentError> {
    let delimiter = delimiter.parse().unwrap();
    let options = TableOptions { delimiter, ..TableOptions::default() };
    parse(Path::new("x.csv"), Box::new(content.as_bytes()), &options, &mut Memory::new(1 << 20))
}

#[test]
fn what_separates_can_be_said() {
    let expected = (vec!["a".to_owned(), "b c".to_owned()], array![[1.0, 2.0], [3.0, 4.0]]);
    for (content, delimiter) in [
        ("a|1|2\nb c| 3 |4\n", "|"),
        ("a:1:2\n\"b c\":3:4\n", ":"),
        ("  a   1\t2\n\"b c\" 3 4  \n", "space"),
        ("a 1 2 \r\n\t\"b c\"\t3\t4", "space"),
        ("a\t1\t2\nb c\t3\t4\n", "tab"),
        ("a,1,2\nb c,3,4\n", "auto"),
    ] {
        let table = separated(content, delimiter).unwrap();
        assert_eq!((table.labels.unwrap(), table.features), expected, "{content}");
    }
    // What the first row leaves open.
    let open = "a;b,1;2\nc;d,3;4\n";
    assert_eq!(separated(open, "auto"), Err(ContentError::Separators { first: ';', second: ',' }));
    assert_eq!(separated(open, ";").unwrap_err().to_string(), "row 1, column 2: \"b,1\" is not a number");
    assert!(separated("\"a;b\",1\n", ";").unwrap_err().to_string().ends_with("with text after it"));
    assert_eq!(
        separated("a 1 2\n\nb 3\n", "space").unwrap_err().to_string(),
        "row 3 has 2 columns, the first row has 3"
    );
}

fn with_comments(content: &str, comments: Comments) -> Result<Table, ContentError> {
    let options = TableOptions { comments, ..TableOptions::default() };
    parse(Path::new("x.csv"), Box::new(content.as_bytes()), &options, &mut Memory::new(1 << 20))
}

#[test]
fn lines_that_begin_with_a_number_sign_are_comments() {
    for (content, lines, found) in [
        ("# made by \"x; y, z\na,1\n  #\n# more, or less\nb,2\n", vec![2, 5], 3),
        ("#\r\n#,\r\na,1\r\n\r\n#; 5 of 6\r\nb,2\r\n#", vec![3, 6], 4),
        ("# label, x\rlabel,x\ra,1\rb,2", vec![3, 4], 1),
        ("a,1\n\"#\",2\n", vec![1, 2], 0),
        // In quotes it is a part of the label.
        ("a,1\n\"b\n# c\",2\n", vec![1, 2], 0),
    ] {
        let table = with_comments(content, Comments::Auto).unwrap();
        assert_eq!((table.lines.unwrap(), table.remarks.comments), (lines, found), "{content}");
        assert_eq!(table.features, array![[1.0], [2.0]]);
    }
}

#[test]
fn a_comment_that_could_be_a_row_is_refused_unless_it_is_said_what_it_is() {
    let refused = |row| Err(ContentError::CommentOrRow { row });
    assert_eq!(with_comments("#1,5\n#2,6\n", Comments::Auto), refused(1));
    assert_eq!(with_comments("a,5\n\n#b,6\n", Comments::Auto), refused(3));
    assert_eq!(with_comments("a,5\n#b, 6", Comments::Auto), refused(2));
    let rows = with_comments("#1,5\n#2,6\n", Comments::No).unwrap();
    assert_eq!((rows.labels.unwrap(), rows.remarks.comments), (vec!["#1".to_owned(), "#2".into()], 0));
    let comments = with_comments("a,5\n#b,6\n", Comments::Yes).unwrap();
    assert_eq!((comments.labels.unwrap(), comments.remarks.comments), (vec!["a".to_owned()], 1));
    // With another separator the same line is none.
    assert_eq!(separated("a|5\n#b,6\n", "|").unwrap().remarks.comments, 1);
    assert_eq!(separated("a 5\n# 6 7\n", "space"), refused(2));
    let memory = |limit| {
        let content = format!("#{}\na,1\n", "x".repeat(1000));
        let options = TableOptions::default();
        parse(Path::new("x.csv"), Box::new(content.as_bytes()), &options, &mut Memory::new(limit)).map(|_| ())
    };
    assert_eq!((memory(200), memory(2000)), (Err(ContentError::TooLarge { limit: 200 }), Ok(())));
}

#[test]
fn a_first_line_of_a_spreadsheet_says_what_separates() {
    let expected = usual(b"kind;a;b\nx;1;2\ny;3;4\n");
    for first in ["sep=;", "SEP=;", "\u{feff}sep=; ", "\"sep=;\""] {
        let table = usual(format!("{first}\r\nkind;a;b\r\nx;1;2\r\ny;3;4\r\n").as_bytes());
        assert_eq!(
            (table.features, table.labels),
            (expected.features.clone(), expected.labels.clone()),
            "{first}"
        );
        assert_eq!(table.lines, Some(vec![3, 4]));
    }
    for separator in [",", "\t", "|"] {
        let text = format!("sep={separator}\nkind;a;b\nx;1;2\ny;3;4\n").replace(';', separator);
        assert_eq!(usual(text.as_bytes()).features, expected.features, "{separator}");
    }
    // What the caller says holds, and a column may have any name.
    let delimiter: Delimiter = ";".parse().unwrap();
    let options = TableOptions { delimiter, ..TableOptions::default() };
    let said = |content: &'static [u8]| {
        parse(Path::new("x"), Box::new(content), &options, &mut Memory::new(1 << 20))
    };
    assert_eq!(said(b"sep=,\nx;1;2\ny;3;4\n").unwrap().features, expected.features);
    assert_eq!(usual(b"sep=,a,b\nx,1,2\ny,3,4\n").features, expected.features);
    assert_eq!(usual(b"\nsep=,a\nx,1\n").columns, Some(vec!["a".to_owned()]));
}

#[test]
fn rows_of_libsvm_are_recognised() {
    for row in ["+1 3:1 11:0.5", "-1 1:2", "2 qid:3 1:0 7:1e-3", "1\t1:2"] {
        let error = read(format!("{row}\n").as_bytes(), &LabelSource::Usual).unwrap_err();
        assert_eq!(error, ContentError::Foreign { found: LIBSVM }, "{row}");
    }
    for row in ["a,1:2", "1,2:3,x", "1:2,3:4", "1,12:30:00"] {
        let error = read(format!("{row}\n").as_bytes(), &LabelSource::Usual).unwrap_err();
        assert_ne!(error, ContentError::Foreign { found: LIBSVM }, "{row}");
    }
}
