//! Tables on the command line: what is guessed and told, what is refused, and a prediction for each row.

use std::fs;

use predicates::prelude::PredicateBooleanExt as _;
use predicates::str::contains;

use crate::setup::{Files, volley};

/// A model of two features and two classes, `elm` where the first is larger.
const MODEL: &str = r#"{"format":"volley model","version":1,"classes":["elm","oak"],"coef":[[1,-1],[-1,1]],
"intercept":[0,0],"preprocessing":null}"#;

#[test]
fn a_quote_that_is_not_closed_is_no_label() {
    let files = Files::with(MODEL);
    let table = files.write("open.csv", "y,x,kind\n1,2,elm\n3,4,\"elm\n5,6,oak\n7,8,oak\n");
    for command in ["predict", "evaluate"] {
        let refused = files.run(command, &table, &["--label-column", "kind"]).code(2).stdout("");
        refused.stderr(contains("open.csv: row 3, column 3: the quote that begins here is never closed"));
    }
}

#[test]
fn a_prediction_is_a_line_for_each_row_or_none_is_written() {
    let files = Files::with(MODEL);
    for rows in [1, 2, 50] {
        let table = files.write("rows.csv", "2,1\n1,2\n\"3\",1\n".repeat(rows));
        let expected = "elm\noak\nelm\n".repeat(rows);
        files.run("predict", &table, &[]).success().stdout(expected.clone()).stderr("");
        let scores = files.run("predict", &table, &["--scores"]).success();
        let text = String::from_utf8(scores.get_output().stdout.clone()).unwrap();
        assert_eq!(text.lines().count(), 1 + 3 * rows);
    }
    // Labels are refused where they are looked at, and so are a model's.
    let table = files.write("rows.csv", "elm,2,1\n\"el\nm\",2,1\n");
    let refused = files.run("evaluate", &table, &[]).code(2).stdout("");
    refused.stderr(contains("row 2: the label \"el\\nm\" has a line break"));
    files.run("predict", &table, &[]).success().stdout("elm\nelm\n");
    files.write("model.json", MODEL.replace("elm", "el\\nm"));
    let table = files.write("rows.csv", "2,1\n");
    let refused = files.run("predict", &table, &[]).code(2).stdout("");
    refused.stderr(contains("model.json: class \"el\\nm\" is empty, or has a line break"));
}

/// ∞ is the highest of no scores, and ∞ − ∞ no score at all.
#[test]
fn scores_that_overflow_are_no_prediction() {
    let files = Files::with(MODEL);
    files.write("model.json", MODEL.replace("[[1,-1],[-1,1]]", "[[10,10],[-10,10]]"));
    for row in ["1e308,-1e308", "1e308,1e308"] {
        let table = files.write("rows.csv", format!("kind,x,y\nelm,2,1\nelm,{row}\n"));
        for (command, more) in [("predict", &[][..]), ("predict", &["--scores"]), ("evaluate", &[])] {
            let refused = files.run(command, &table, more).code(2).stdout("");
            refused.stderr(contains("row 2 of the data (without a header): its values are too large"));
        }
    }
    let table = files.write("rows.csv", "1e300,-1e300\n5e-324,1\n");
    files.run("predict", &table, &[]).success().stdout("elm\nelm\n").stderr("");
}

#[test]
fn columns_of_another_unit_are_named() {
    let standardised = MODEL.replace(
        "\"preprocessing\":null",
        "\"preprocessing\":{\"square_root\":[false,false],\"mean\":[1,1],\"inverse_deviation\":[1,1],\"clip\":4}",
    );
    let files = Files::with(&standardised);
    let table = files.write("metres.csv", "2,1\n1,2\n9,1\n");
    files.run("predict", &table, &[]).success().stderr("");
    let table = files.write("millimetres.csv", "elm,2000,1\noak,1000,2\n");
    let far =
        "millimetres.csv: most values of feature 1 are far from those trained on, and are cut off at four";
    for command in ["predict", "evaluate"] {
        files.run(command, &table, &[]).success().stderr(contains(far));
    }
    // So small a part of the deviation, in as many rows, is no chance.
    let rows = |count: usize| (0..count).map(|row| format!("1.{row:02},{}\n", row % 3)).collect::<String>();
    let table = files.write("inches.csv", rows(12));
    files.run("predict", &table, &[]).success().stderr("");
    let table = files.write("inches.csv", rows(24));
    files
        .run("predict", &table, &[])
        .success()
        .stderr(contains("the values of feature 1 vary far less than"));
}

#[test]
fn the_column_of_the_labels_is_shown_and_one_that_has_none_is_named() {
    let files = Files::with(MODEL);
    let rows: String = (0..24).map(|row| format!("{},{},{}\n", row % 2, row * 5 % 7, row % 3)).collect();
    let table = files.write("passengers.csv", format!("sex,age,survived\n{rows}"));
    let shown = volley(["try", "--iterations", "1"]).arg(&table).assert().success();
    shown.stdout(contains("labels           column 1 \"sex\": 0 (12 rows), 1 (12)\n"));
    let shown = volley(["try", "--iterations", "1", "--label-column", "-1"]).arg(&table).assert().success();
    shown.stdout(contains("labels           column 3 \"survived\": 0 (8 rows), 1 (8), 2 (8)\n"));
    let rows: String = (0..24).map(|row| format!("0,{},{}\n", row * 5 % 7, row % 3)).collect();
    let table = files.write("pixels.csv", format!("p0,p1,digit\n{rows}"));
    let refused = volley(["try"]).arg(&table).assert().code(2);
    refused.stderr(contains(
        "column 1 \"p0\" has the label \"0\" in every row, and a training needs two classes",
    ));
}

#[test]
fn a_header_of_numbers_is_told_and_can_be_said() {
    let files = Files::with(MODEL);
    let table = files.write("pandas.csv", "0,1\n2,1\n1,2\n");
    let doubt = "pandas.csv: the first row is taken for data, though its values count up";
    files.run("predict", &table, &[]).success().stdout("oak\nelm\noak\n").stderr(contains(doubt));
    files.run("predict", &table, &["--header", "yes"]).success().stdout("elm\noak\n").stderr("");
    files.run("predict", &table, &["--header", "no"]).success().stdout("oak\nelm\noak\n").stderr("");
    let table = files.write("words.csv", "kind,x,y\nelm,2,1\n");
    files
        .run("evaluate", &table, &["--header", "auto"])
        .success()
        .stdout(contains("100.00 % of 1 row\n"))
        .stderr(contains("words.csv: the columns are taken by place, whatever their names"));
    files.run("evaluate", &table, &["--header", "no"]).code(2).stderr(contains("\"x\" is not a number"));
    files.run("evaluate", &table, &["--header", "maybe"]).code(2).stderr(contains("--header"));
    let table = files.write("labelled.csv", "kind,0,1\nelm,2,1\noak,1,2\n");
    files.run("predict", &table, &["--header", "yes"]).success().stdout("elm\noak\n");
    let by_name = ["--header", "yes", "--label-column", "kind"];
    files.run("evaluate", &table, &by_name).success().stdout(contains("100.00 % of 2 rows"));
    for command in ["encrypt", "encrypt-rows", "predict", "evaluate"] {
        volley([command, "--help"]).assert().success().stdout(contains("--header"));
    }
}

#[test]
fn the_problem_of_rows_without_labels_is_told_as_theirs() {
    let files = Files::with(MODEL);
    let table = files.write("rows.csv", "1,2\nnan,2\n");
    files
        .run("predict", &table, &[])
        .code(2)
        .stderr(contains("row 2, column 1: \"nan\" is not a finite number"));
    // A single column, as another separator leaves it: no labels without values.
    let table = files.write("spaces.csv", "1 2\n4 3\n");
    files
        .run("predict", &table, &[])
        .code(2)
        .stderr(contains("row 2, column 1 (\"1 2\"): \"4 3\" is not a number"));
}

/// A table to train on, which `volley init` reads without keys.
fn init(files: &Files, content: &str, more: &[&str]) -> assert_cmd::assert::Assert {
    let table = files.write("train.csv", content);
    let project = files.path("project");
    let _ = fs::remove_dir_all(&project);
    volley(["init", "--iterations", "2"]).args([&table, &project]).args(more).assert()
}

fn lines(line: impl Fn(usize) -> String) -> String {
    (0..12).map(line).collect()
}

#[test]
fn labels_that_are_not_first_are_asked_for() {
    let files = Files::with(MODEL);
    // As UCI has it: no header, the label last.
    let iris = lines(|row| format!("{}.1,3.{row},{}\n", row % 5, ["setosa", "virginica"][row % 2]));
    let refused = init(&files, &iris, &[]).code(2);
    refused.stderr(contains("column 3: \"setosa\" is not a number").and(contains("--label-column 3")));
    for label in ["-1", "3"] {
        init(&files, &iris, &["--label-column", label]).success().stdout(contains("2 classes")).stderr("");
    }
    // Numbers only: nothing is refused, and what was guessed is told.
    let pima = lines(|row| format!("{},0.{row},{}\n", row % 5, row % 2));
    let noted = init(&files, &pima, &[]).success();
    noted.stderr(contains(
        "it has 5 different values, and the last column has 2; --label-column names another, -1",
    ));
    init(&files, &pima, &["--label-column", "-1"]).success().stderr("");
    init(&files, &pima, &["--label-column", "1"]).success().stderr("");
    // No labels at all: a model of them would be of no use.
    let numbered = lines(|row| format!("{row},0.{row},{}\n", row % 2));
    for (table, doubt) in [
        (&numbered, "another one in every row"),
        (&iris.replace("setosa", "0").replace("virginica", "1"), "a fraction"),
    ] {
        let refused = init(&files, table, &[]).code(2);
        refused.stderr(contains(doubt).and(contains("--label-column")).and(contains("1 the first")));
    }
    init(&files, &numbered, &["--label-column", "-1"]).success().stderr("");
    // pandas: numbers of rows without a name.
    let pandas = format!(",kind,x,y\n{}", lines(|row| format!("{row},{},{row},1.5\n", ["a", "b"][row % 2])));
    init(&files, &pandas, &[]).success().stderr(contains("the first column has no name and is left out"));
    let identified = format!("id,kind,x\n{}", lines(|row| format!("r{row},{},{row}\n", ["a", "b"][row % 2])));
    let dropped = init(&files, &identified, &["--label-column", "kind", "--drop", "id"]).success();
    dropped.stdout(contains("2 classes")).stderr("");
    let refused = init(&files, &identified, &["--label-column", "tree"]).code(2);
    refused.stderr(
        contains("no column is named \"tree\"").and(contains("by place too: from 1, or from the end -1")),
    );
}

#[test]
fn values_that_are_no_numbers_are_refused_with_advice() {
    let files = Files::with(MODEL);
    for (value, words) in [
        ("", "the value is empty; fill in missing values, or leave out their rows or the column (--drop 3)"),
        ("NA", "\"NA\" is not a number; fill in missing values"),
        ("NaN", "\"NaN\" is not a finite number; fill in missing values"),
        ("red", "if the labels are here: --label-column 3; else make a column of 0 and 1 of each category"),
        ("True", "if the labels are here: --label-column 3; else write truth values as 1 and 0"),
        (
            "2024-01-31",
            "make numbers of dates, such as days since the first, or leave out the column (--drop 3)",
        ),
        ("\"1,5\"", "numbers have a decimal point"),
    ] {
        let refused = init(&files, &format!("kind,x,y\na,1,2\nb,1,{value}\n"), &[]).code(2).stdout("");
        refused.stderr(contains("train.csv: row 3, column 3 (\"y\"): ").and(contains(words)));
    }
    init(&files, "kind,x,y\na,1,2\nb,2,red\n", &["--drop", "3"]).success();
}

#[test]
fn what_separates_and_comments_are_found_or_said() {
    let files = Files::with(MODEL);
    for (content, more) in [
        ("elm;2;1\n", &[][..]),
        ("elm\t2\t1\n", &[]),
        ("elm|2|1\n", &["--delimiter", "|"]),
        ("elm   2  1\n", &["--delimiter", "space"]),
        ("\"a;b\",2,1\n", &["--delimiter", ","]),
    ] {
        let table = files.write("t.csv", content);
        files.run("predict", &table, more).success().stdout("elm\n").stderr("");
    }
    let table = files.write("t.csv", "# from a spectrometer; \"raw\", 2024\nelm,2,1\n# the end\n");
    let note = "2 lines left out that begin with #; --comments no reads them as rows";
    files.run("predict", &table, &[]).success().stdout("elm\n").stderr(contains(note));
    let table = files.write("t.csv", "elm,2,1\n#oak,1,2\n");
    let refused = files.run("predict", &table, &[]).code(2).stdout("");
    refused.stderr(contains("row 2 begins with \"#\"").and(contains("--comments yes leaves out")));
    files.run("predict", &table, &["--comments", "yes"]).success().stdout("elm\n");
    files.run("predict", &table, &["--comments", "no"]).success().stdout("elm\noak\n").stderr("");
    let table = files.write("t.csv", "elm;2,1\n");
    let refused = files.run("predict", &table, &[]).code(2);
    refused.stderr(contains("both ';' and ','").and(contains("--delimiter says what separates columns")));
    let refused = files.run("predict", &table, &["--delimiter", "ab"]).code(2);
    refused.stderr(contains("\"ab\" separates no fields"));
    let table = files.write("t.parquet", "PAR1");
    let refused = files.run("predict", &table, &[]).code(2).stdout("");
    refused
        .stderr(contains("t.parquet: this is a Parquet file, which is not read; write it as CSV, in Python"));
}
