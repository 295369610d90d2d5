use std::path::Path;

use ndarray::array;
use proptest::prelude::*;

use super::*;
use crate::column::Column;
use crate::source::Memory;
use crate::table::{Header, HeaderDoubt, LabelDoubt, Table};

fn options(labels: LabelSource) -> TableOptions {
    TableOptions::with_labels(labels)
}

fn column(place: usize, name: &str) -> Column {
    Column { place, name: Some(name.to_owned()) }
}

fn named(name: &str) -> LabelSource {
    LabelSource::Named(name.into())
}

fn read(content: &str, options: &TableOptions) -> Result<Table, ContentError> {
    crate::csv_file::parse(
        Path::new("x.csv"),
        Box::new(content.as_bytes()),
        options,
        &mut Memory::new(1 << 20),
    )
}

/// The labels, the features, and the names of these.
fn parts(table: Table) -> (Vec<String>, Vec<Vec<f64>>, Vec<String>) {
    let features = table.features.rows().into_iter().map(|row| row.to_vec()).collect();
    (table.labels.unwrap_or_default(), features, table.columns.unwrap_or_default())
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(ToString::to_string).collect()
}

/// What a model of this table's columns reads.
fn trained(content: &str, labels: LabelSource, drop: &[&str]) -> TableOptions {
    let table = read(content, &TableOptions { drop: texts(drop), ..options(labels) }).unwrap();
    TableOptions { schema: Some(table.schema), ..TableOptions::default() }
}

const TRAINED: &str = "kind,width,height\nelm,1,2\noak,3,4\n";

#[test]
fn columns_with_names_are_put_in_the_order_of_the_model() {
    let usual = trained(TRAINED, LabelSource::Usual, &[]);
    let expected = (texts(&["oak"]), vec![vec![3.0, 4.0]], texts(&["width", "height"]));
    for content in
        ["kind,width,height\noak,3,4\n", "height,kind,width\n4,oak,3\n", "width,height,kind\n3,4,oak\n"]
    {
        assert_eq!(parts(read(content, &usual).unwrap()), expected, "{content}");
        let ignored = TableOptions { labels: LabelSource::Ignored(None), ..usual.clone() };
        let table = read(content, &ignored).unwrap();
        assert_eq!((&table.labels, &table.features), (&None, &array![[3.0, 4.0]]), "{content}");
    }
    let any = TableOptions { labels: LabelSource::Ignored(None), ..usual.clone() };
    let unlabelled = read("height,width\n4,3\n", &any).unwrap();
    assert_eq!((unlabelled.labels.as_ref(), &unlabelled.features), (None, &array![[3.0, 4.0]]));
    // Names of another label are no obstacle where only one column is left, or where the label is named.
    assert_eq!(parts(read("height,tree,width\n4,oak,3\n", &usual).unwrap()), expected);
    // It is told.
    let other = |content: &str| read(content, &usual).unwrap().remarks.other_label;
    assert_eq!(other("height,tree,width\n4,oak,3\n"), Some("tree".to_owned()));
    assert_eq!(other("height,kind,width\n4,oak,3\n"), None);
    let by_name = TableOptions { labels: named("tree"), ..usual };
    assert_eq!(parts(read("height,age,tree,width\n4,9,oak,3\n", &by_name).unwrap()), expected);
}

#[test]
fn columns_that_a_model_lacks_or_does_not_know() {
    let usual = trained(TRAINED, LabelSource::Usual, &[]);
    let missing = |name: &str, found: &[&str]| {
        Err(ContentError::MissingFeature { name: name.into(), found: texts(found) })
    };
    let renamed = read("kind,width,size\noak,3,4\n", &usual);
    assert_eq!(renamed, missing("height", &["kind", "width", "size"]));
    assert_eq!(read("kind,width\noak,3\n", &usual), missing("height", &["kind", "width"]));
    let dropped = TableOptions { drop: texts(&["width"]), ..usual.clone() };
    assert_eq!(read("kind,width,height\noak,3,4\n", &dropped), missing("width", &["kind", "height"]));
    let twice = Err(ContentError::RepeatedColumn { name: "width".into(), found: 2, expected: 1 });
    assert_eq!(read("kind,width,height,width\noak,3,4,5\n", &usual), twice);
    assert_eq!(read("width,height\n3,4\n", &usual), Err(ContentError::NoLabels));
    let unknown = Err(ContentError::LabelColumnUnknown { found: texts(&["tree", "age"]) });
    assert_eq!(read("tree,width,height,age\noak,3,4,9\n", &usual), unknown);
    // Others are left out, and told.
    let more = read("age,kind,width,height,\"x,y\"\n9,oak,3,4,5\n", &usual).unwrap();
    assert_eq!((&more.features, &more.remarks.left_out), (&array![[3.0, 4.0]], &texts(&["age", "x,y"])));
    let any = TableOptions { labels: LabelSource::Ignored(None), ..usual };
    let more = read("width,tree,height\n3,oak,4\n", &any).unwrap();
    assert_eq!((&more.features, &more.remarks.left_out), (&array![[3.0, 4.0]], &texts(&["tree"])));
}

#[test]
fn of_columns_with_one_name_the_first_goes_to_the_first() {
    let usual = trained("kind,x,y,x\nelm,1,2,3\n", LabelSource::Usual, &[]);
    let table = read("x,kind,x,y\n1,elm,3,2\n", &usual).unwrap();
    assert_eq!((table.features, table.remarks.header), (array![[1.0, 2.0, 3.0]], None));
    let once = Err(ContentError::RepeatedColumn { name: "x".into(), found: 1, expected: 2 });
    assert_eq!(read("kind,x,y\nelm,1,2\n", &usual), once);
}

/// The same of a table that has no header, which is said.
fn nameless(options: TableOptions) -> TableOptions {
    TableOptions { header: Header::No, ..options }
}

#[test]
fn a_table_without_names_for_a_model_with_names_is_refused_unless_it_is_said_to_have_none() {
    let refused = Err(ContentError::NoNames { names: texts(&["width", "height"]) });
    for labels in [LabelSource::Usual, named("1"), LabelSource::Ignored(None)] {
        let model = TableOptions { labels, ..trained(TRAINED, LabelSource::Usual, &[]) };
        assert_eq!(read("oak,3,4\n", &model), refused);
        assert_eq!(read("oak,3,4\n", &nameless(model)).unwrap().features, array![[3.0, 4.0]]);
    }
    // Names for a model without names are told.
    let model = TableOptions { schema: Some(Schema::of_features(2)), ..options(LabelSource::Usual) };
    let remarks = |content: &str| read(content, &model).unwrap().remarks;
    assert!(remarks("kind,b,a\noak,3,4\n").is_nameless && !remarks("oak,3,4\n").is_nameless);
    assert!(!read(TRAINED, &options(LabelSource::Usual)).unwrap().remarks.is_nameless);
}

#[test]
fn labels_that_nobody_looks_at_may_be_missing() {
    let usual = trained(TRAINED, LabelSource::Usual, &[]);
    let content = "height,kind,width\n4,,3\n";
    for labels in [LabelSource::Ignored(None), LabelSource::Ignored(Some("kind".into()))] {
        let table = read(content, &TableOptions { labels, ..usual.clone() }).unwrap();
        assert_eq!((table.labels, table.features), (None, array![[3.0, 4.0]]));
    }
    assert_eq!(read(content, &usual), Err(ContentError::EmptyLabel { row: 2, column: column(2, "kind") }));
    let first = nameless(TableOptions { labels: LabelSource::Ignored(Some("1".into())), ..usual });
    assert_eq!(read(",3,4\n", &first).unwrap().features, array![[3.0, 4.0]]);
}

#[test]
fn a_column_that_numbers_the_rows_is_told() {
    let numbering = |name: &str, value: &dyn Fn(usize) -> usize, rows: usize| {
        let rows: String =
            (0..rows).map(|row| format!("{},elm{},{}\n", value(row), row % 2, row % 3)).collect();
        read(&format!("{name},kind,x\n{rows}"), &options(named("kind"))).unwrap().remarks.numbering
    };
    let mixed = |row: usize| row * 7 % 30;
    assert_eq!(numbering("row", &|row| row + 5, 30), [column(1, "row")]);
    for name in ["ID", "patient_id", "nr"] {
        assert_eq!(numbering(name, &mixed, 30), [column(1, name)]);
        assert_eq!(numbering(name, &|row| row % 29, 30), []);
        assert_eq!(numbering(name, &mixed, 19), []);
    }
    assert_eq!(numbering("age", &mixed, 30), []);
    // Wherever it is, and without names.
    let rows: String = (0..30).map(|row| format!("elm,1,{row}\n")).collect();
    assert_eq!(read(&rows, &options(LabelSource::Usual)).unwrap().remarks.numbering, [3.into()]);
}

#[test]
fn an_empty_column_at_the_end_is_left_out() {
    let usual = options(LabelSource::Usual);
    let rows = "oak,3,4,\nelm,1,2,\n";
    let expected =
        |names: &[&str]| (texts(&["oak", "elm"]), vec![vec![3.0, 4.0], vec![1.0, 2.0]], texts(names));
    for (content, names) in
        [(format!("kind,width,height,\n{rows}"), &["width", "height"][..]), (rows.to_owned(), &[])]
    {
        let table = read(&content, &usual).unwrap();
        assert!(table.remarks.has_empty_end);
        let schema = TableOptions { schema: Some(table.schema().clone()), ..usual.clone() };
        assert_eq!(parts(table), expected(names));
        assert_eq!(parts(read(&content, &schema).unwrap()), expected(names));
        // Counted from the end it is the last.
        let dropped = TableOptions { drop: texts(&["-1"]), ..usual.clone() };
        let table = read(&content, &dropped).unwrap();
        assert!(!table.remarks.has_empty_end);
        assert_eq!(parts(table), expected(names));
    }
    // So are several, as spreadsheets write them, of which none may have a value.
    let several = read("kind,width,height,,\noak,3,4,,\nelm,1,2,,\n", &usual).unwrap();
    assert!(several.remarks.has_empty_end);
    assert_eq!(parts(several), expected(&["width", "height"]));
    let later = read("kind,width,,\noak,3,,\nelm,1,2,\n", &usual);
    assert_eq!(later, Err(ContentError::EmptyValue { row: 2, column: 3.into() }));
    // A single row says too little, and one that has a value there shows that the others lack it.
    assert_eq!(read("oak,3,\n", &usual), Err(ContentError::EmptyValue { row: 1, column: 3.into() }));
    let later = read("oak,3,\noak,4,\nelm,5,6\n", &usual);
    assert_eq!(later, Err(ContentError::EmptyValue { row: 1, column: 3.into() }));
    assert!(!read("oak,3\noak,4\n", &usual).unwrap().remarks.has_empty_end);
}

#[test]
fn columns_without_names_go_by_place() {
    let usual = nameless(trained(TRAINED, LabelSource::Usual, &[]));
    let any = TableOptions { labels: LabelSource::Ignored(None), ..usual.clone() };
    let labelled = (texts(&["oak"]), vec![vec![3.0, 4.0]], vec![]);
    assert_eq!(parts(read("oak,3,4\n", &usual).unwrap()), labelled);
    assert_eq!(parts(read("oak,3,4\n", &any).unwrap()).1, labelled.1);
    assert_eq!(parts(read("3,4\n", &any).unwrap()).1, [[3.0, 4.0]]);
    assert_eq!(read("3,4\n", &usual), Err(ContentError::NoLabels));
    let count = |found| Err(volley_mlr::Error::ColumnCount { expected: 2, found }.into());
    assert_eq!(read("oak,3,4,5\n", &usual), count(4));
    assert_eq!(read("1,3,4,5\n", &any), count(4));
    // The label stands where it stood in training.
    let last = trained("1,2,elm\n", named("-1"), &[]);
    assert_eq!(parts(read("3,4,oak\n", &last).unwrap()), labelled);
    // A model without names takes any.
    let named_table = read(
        "kind,b,a\noak,3,4\n",
        &TableOptions { schema: Some(Schema::of_features(2)), header: Header::Auto, ..any },
    );
    assert_eq!(named_table.unwrap().features, array![[3.0, 4.0]]);
    let unknown = TableOptions { schema: Some(Schema::of_features(2)), ..usual };
    assert_eq!(parts(read("oak,3,4\n", &unknown).unwrap()), labelled);
}

#[test]
fn columns_that_were_left_out_in_training_are_left_out() {
    let usual = trained("id,width,kind,height\n7,1,elm,2\n", named("kind"), &["id"]);
    let any = TableOptions { labels: LabelSource::Ignored(None), ..usual.clone() };
    let expected = (texts(&["oak"]), vec![vec![3.0, 4.0]]);
    for (content, header) in [
        ("height,id,kind,width\n4,8,oak,3\n", Header::Auto),
        ("kind,height,width\noak,4,3\n", Header::Auto),
        ("8,3,oak,4\n", Header::No),
    ] {
        let table = read(content, &TableOptions { header, ..usual.clone() }).unwrap();
        assert!(table.remarks.left_out.is_empty());
        let (labels, features, _) = parts(table);
        assert_eq!((labels, features), expected, "{content}");
    }
    let (usual, any) = (nameless(usual), nameless(any));
    assert_eq!(parts(read("3,oak,4\n", &usual).unwrap()).1, expected.1);
    assert_eq!(parts(read("3,4\n", &any).unwrap()).1, expected.1);
    // Three columns may be the features with labels, or with what was left out.
    assert_eq!(read("8,3,4\n", &any), Err(volley_mlr::Error::ColumnCount { expected: 2, found: 3 }.into()));
    let dropped = TableOptions { drop: texts(&["1"]), ..any };
    assert_eq!(parts(read("8,3,4\n", &dropped).unwrap()).1, expected.1);
    assert_eq!(parts(read("8,3,oak,4\n", &dropped).unwrap()).1, expected.1);
}

#[test]
fn labels_and_columns_to_leave_out_are_given_by_name_or_place() {
    let read = |content: &str, label: &str, drop: &[&str]| {
        read(content, &TableOptions { drop: texts(drop), ..options(named(label)) }).map(parts)
    };
    let expected = (texts(&["elm"]), vec![vec![1.0, 2.0]], texts(&["x", "y"]));
    for (label, drop) in [("kind", "id"), ("-1", "1"), ("4", "id"), ("kind", "-4")] {
        assert_eq!(read("id,x,y,kind\n7,1,2,elm\n", label, &[drop]), Ok(expected.clone()), "{label}");
    }
    // Without a header, too; what is left out may be a text.
    let (labels, features, names) = read("1,2,elm\n3,4,oak\n", "-1", &[]).unwrap();
    assert_eq!((labels.len(), features, names), (2, vec![vec![1.0, 2.0], vec![3.0, 4.0]], vec![]));
    assert_eq!(read("7b,1,2,elm\n", "-1", &["1"]).unwrap().1, [[1.0, 2.0]]);
    assert_eq!(read("a,1,2020-01-01,b\n", "1", &["3", "4"]).unwrap().1, [[1.0]]);
    let place = |place| Err(ContentError::ColumnPlace { place, columns: 3 });
    for wrong in [0, 4, -4, i64::MIN, i64::MAX] {
        assert_eq!(read("1,2,elm\n", &wrong.to_string(), &[]), place(wrong));
    }
    assert_eq!(read("1,2,elm\n", "-1", &["5"]), place(5));
    assert_eq!(read("1,2,elm\n", "-1", &["3"]), Err(ContentError::LabelDropped { column: 3 }));
    assert_eq!(read("1,2,elm\n", "-1", &["z"]), Err(ContentError::NoHeader { name: "z".into() }));
    let missing = ContentError::MissingColumn { name: "z".into(), found: texts(&["x", "y", "kind"]) };
    assert_eq!(read("x,y,kind\n1,2,elm\n", "kind", &["z"]), Err(missing));
    assert_eq!(read("x,kind\n1,elm\n", "kind", &["x"]), Err(ContentError::AllDropped));
    // Columns that are all chosen by their places say nothing of a header.
    assert_eq!(read("1,2,elm\n3,4,oak\n", "3", &["1", "2"]), Err(ContentError::AllDropped));
    assert_eq!(read("x,y,kind\n1,2,elm\n", "3", &["1", "2"]), Err(ContentError::AllDropped));
}

#[test]
fn numbers_in_a_header_are_names() {
    let header = |labels| TableOptions { header: Header::Yes, ..options(labels) };
    let content = "0,1,2\n5,6,7\n";
    assert_eq!(read(content, &header(named("2"))).unwrap().labels.unwrap(), ["7"]);
    assert_eq!(read(content, &header(named("-1"))).unwrap().labels.unwrap(), ["7"]);
    let missing = ContentError::MissingColumn { name: "3".into(), found: texts(&["0", "1", "2"]) };
    assert_eq!(read(content, &header(named("3"))), Err(missing));
    // A model that was trained on such a table knows its header, in any order, and says what it guessed.
    let schema = read(content, &header(LabelSource::Usual)).unwrap().schema;
    let by_model = TableOptions { schema: Some(schema), ..options(LabelSource::Usual) };
    let table = read("2,0,1\n7,5,6\n", &by_model).unwrap();
    assert_eq!((table.features, table.labels.unwrap()), (array![[6.0, 7.0]], vec!["5".to_owned()]));
    assert_eq!(table.remarks.header, Some(HeaderDoubt::Numbers));
    let no_names = Err(ContentError::NoNames { names: texts(&["1", "2"]) });
    assert_eq!(read("5,6,7\n8,9,9\n", &by_model), no_names);
    let data = read("5,6,7\n8,9,9\n", &nameless(by_model)).unwrap();
    assert_eq!((data.features.nrows(), data.remarks.header), (2, None));
}

#[test]
fn numbers_of_rows_without_a_name_are_left_out() {
    let usual = options(LabelSource::Usual);
    for content in
        [",kind,x,y\n0,elm,1,2\n", "\"\",kind,x,y\n57,elm,1,2\n", "Unnamed: 0,kind,x,y\n0,elm,1,2\n"]
    {
        let table = read(content, &usual).unwrap();
        assert!(table.remarks.has_index);
        assert_eq!(table.schema.uses(), [Use::Dropped, Use::Label, Use::Feature, Use::Feature]);
        assert_eq!(parts(table).0, ["elm"], "{content}");
    }
    let label = read(",x,y,kind\n0,1,2,elm\n", &options(named("kind"))).unwrap();
    assert!(label.remarks.has_index && label.features == array![[1.0, 2.0]]);
    // The names that pandas gives to columns without names.
    let numbers = read(",0,1,2\n0,elm,1,2\n1,oak,3,4\n", &usual).unwrap();
    assert_eq!(
        (&numbers.features, numbers.remarks.header),
        (&array![[1.0, 2.0], [3.0, 4.0]], Some(HeaderDoubt::Numbers))
    );
    // Texts may be labels, and names of rows where the labels are known.
    let text = read(",x,y\nelm,1,2\n", &usual).unwrap();
    assert!(!text.remarks.has_index && text.labels.unwrap() == ["elm"]);
    assert!(read(",x,y,kind\ncar,1,2,elm\n", &options(named("kind"))).unwrap().remarks.has_index);
    // A named column of numbers is a column, and an empty field in a row that is none is an empty label.
    assert!(!read("id,kind,x\n0,1,2\n", &usual).unwrap().remarks.has_index);
    assert_eq!(read(",1,5\n", &usual), Err(ContentError::EmptyLabel { row: 1, column: 1.into() }));
    // A model leaves out what was left out, and takes what was its label or feature.
    let model = trained(",kind,x,y\n0,elm,1,2\n", LabelSource::Usual, &[]);
    let again = read(",y,kind,x\n7,2,oak,1\n", &model).unwrap();
    assert!(again.features == array![[1.0, 2.0]] && !again.remarks.has_index);
    let model = trained("kind,x,y\nelm,1,2\n", LabelSource::Usual, &[]);
    let with_numbers = read(",y,kind,x\n7,2,oak,1\n", &model).unwrap();
    assert!(with_numbers.features == array![[1.0, 2.0]] && with_numbers.remarks.has_index);
    let nameless = trained(",x,y\nelm,1,2\n", LabelSource::Usual, &[]);
    assert_eq!(read("x,,y\n1,oak,2\n", &nameless).unwrap().labels.unwrap(), ["oak"]);
    let unnamed_model =
        TableOptions { schema: Some(Schema::of_features(2)), ..options(LabelSource::Ignored(None)) };
    assert!(read(",x,y\n0,1,2\n", &unnamed_model).unwrap().remarks.has_index);
}

#[test]
fn labels_that_nobody_placed_are_doubted_where_they_look_like_none() {
    let doubt = |content: &str, labels| read(content, &options(labels)).unwrap().remarks.label;
    let iris = "5.1,3.5,0\n4.9,3.0,0\n7.0,3.2,1\n6.4,3.2,1\n";
    assert_eq!(doubt(iris, LabelSource::Usual), Some(LabelDoubt::Fractions));
    assert_eq!(doubt(iris, named("-1")), None);
    assert_eq!(doubt(iris, LabelSource::Column(0)), None);
    let pregnancies = "6,0.6,1\n1,0.3,0\n8,0.6,1\n1,0.1,0\n";
    assert_eq!(doubt(pregnancies, LabelSource::Usual), Some(LabelDoubt::LastColumn { first: 3, last: 2 }));
    assert_eq!(doubt("elm,1\noak,2\nelm,1\noak,2\n", LabelSource::Usual), None);
    let model = TableOptions { schema: Some(Schema::of_features(2)), ..options(LabelSource::Usual) };
    assert_eq!(read(iris, &model).unwrap().remarks.label, None);
}

/// A table of these columns, in this order: names, and values that tell the columns apart.
fn table_of(columns: &[usize], label: usize, rows: usize) -> String {
    let line = |field: &dyn Fn(usize) -> String| {
        columns.iter().map(|&column| field(column)).collect::<Vec<_>>().join(",") + "\n"
    };
    let row = |row: usize| {
        line(&|column| {
            if column == label { format!("l{}", row % 2) } else { (10 * column + row).to_string() }
        })
    };
    line(&|column| format!("c{column}")) + &(0..rows).map(row).collect::<String>()
}

proptest! {
    /// Of a table whose columns were put in any order, a model reads what it read of its own; without a header it does
    /// in the same order.
    #[test]
    fn the_order_of_named_columns_makes_no_difference(
        order in Just((0..7usize).collect::<Vec<_>>()).prop_shuffle(),
        label in 0..7usize,
        dropped in prop::collection::hash_set(0..7usize, 0..4),
        rows in 1..5usize,
    ) {
        let own = table_of(&(0..7).collect::<Vec<_>>(), label, rows);
        let drop: Vec<String> =
            dropped.iter().filter(|&&place| place != label).map(|place| format!("c{place}")).collect();
        let trained = TableOptions { drop, ..options(named(&format!("c{label}"))) };
        let trained = read(&own, &trained).unwrap();
        for source in [LabelSource::Usual, LabelSource::Ignored(None)] {
            let by_model = TableOptions { schema: Some(trained.schema.clone()), ..options(source) };
            let headless = own.split_once('\n').unwrap().1;
            let tables = [
                (&table_of(&order, label, rows)[..], Header::Auto),
                (&own, Header::Auto),
                (headless, Header::No),
            ];
            for (content, header) in tables {
                let table = read(content, &TableOptions { header, ..by_model.clone() }).unwrap();
                prop_assert_eq!(&table.features, &trained.features);
                let labels = trained.labels.as_ref().filter(|_| by_model.labels == LabelSource::Usual);
                prop_assert_eq!(table.labels.as_ref(), labels);
                prop_assert!(table.remarks.left_out.is_empty());
            }
        }
    }

    /// Whatever a model was trained on, a table is read or refused.
    #[test]
    fn no_schema_is_a_panic(
        uses in prop::collection::vec(prop::sample::select(vec![Use::Feature, Use::Dropped, Use::Label]), 0..5),
        names in prop::option::of("[ab0]{0,1}(,[ab0]{0,1}){0,4}"),
        content in "[ab01,\\n]{0,20}",
        drop in prop::option::of("-?[0-3ab]"),
    ) {
        let names = names.map(|names| names.split(',').map(str::to_owned).collect());
        let Ok(schema) = Schema::new(uses, names) else { return Ok(()) };
        for source in [LabelSource::Usual, LabelSource::Ignored(None), LabelSource::Absent, named("a"), named("-1")] {
            let drop = drop.iter().cloned().collect();
            let _ = read(&content, &TableOptions { schema: Some(schema.clone()), drop, ..options(source) });
        }
    }
}
