//! Tables on the command line: what is guessed and told, what is refused, and a prediction for each row.

use std::fs;
use std::path::{Path, PathBuf};

use predicates::str::contains;
use tempfile::TempDir;

use crate::setup::{folder, volley};

/// A model of two features and two classes, `elm` where the first is larger.
const MODEL: &str = r#"{"format":"volley model","version":1,"classes":["elm","oak"],"coef":[[1,-1],[-1,1]],
"intercept":[0,0],"preprocessing":null}"#;

struct Files(TempDir);

impl Files {
    fn new() -> Self {
        let files = Self(folder());
        files.write("model.json", MODEL);
        files
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn run(&self, command: &str, table: &Path, more: &[&str]) -> assert_cmd::assert::Assert {
        volley([command]).args([&self.path("model.json"), table]).args(more).assert()
    }
}

#[test]
fn a_quote_that_is_not_closed_is_no_label() {
    let files = Files::new();
    let table = files.write("open.csv", "y,x,kind\n1,2,elm\n3,4,\"elm\n5,6,oak\n7,8,oak\n");
    for command in ["predict", "evaluate"] {
        let refused = files.run(command, &table, &["--label-column", "kind"]).code(2).stdout("");
        refused.stderr(contains("open.csv: row 3, column 3: the quote that begins here is never closed"));
    }
}

#[test]
fn a_prediction_is_a_line_for_each_row_or_none_is_written() {
    let files = Files::new();
    for rows in [1, 2, 50] {
        let table = files.write("rows.csv", "2,1\n1,2\n\"3\",1\n".repeat(rows));
        let expected = "elm\noak\nelm\n".repeat(rows);
        files.run("predict", &table, &[]).success().stdout(expected.clone()).stderr("");
        let scores = files.run("predict", &table, &["--scores"]).success();
        let text = String::from_utf8(scores.get_output().stdout.clone()).unwrap();
        assert_eq!(text.lines().count(), 1 + 3 * rows);
    }
    // Labels that are not looked at are refused as well, and so are a model's.
    let table = files.write("rows.csv", "elm,2,1\n\"el\nm\",2,1\n");
    for command in ["predict", "evaluate"] {
        let refused = files.run(command, &table, &[]).code(2).stdout("");
        refused.stderr(contains("row 2: the label \"el\\nm\" has a line break"));
    }
    files.write("model.json", MODEL.replace("elm", "el\\nm"));
    let table = files.write("rows.csv", "2,1\n");
    let refused = files.run("predict", &table, &[]).code(2).stdout("");
    refused.stderr(contains("model.json: class \"el\\nm\" is empty, or has a line break"));
}

/// ∞ is the highest of no scores, and ∞ − ∞ no score at all.
#[test]
fn scores_that_overflow_are_no_prediction() {
    let files = Files::new();
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
fn a_header_of_numbers_is_told_and_can_be_said() {
    let files = Files::new();
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
        .stderr("");
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
    let files = Files::new();
    let table = files.write("rows.csv", "1,2\nnan,2\n");
    files
        .run("predict", &table, &[])
        .code(2)
        .stderr(contains("row 2, column 1: \"nan\" is not a finite number"));
    // A single column, as another separator leaves it: no labels without values.
    let table = files.write("spaces.csv", "1 2\n4 3\n");
    files.run("predict", &table, &[]).code(2).stderr(contains("row 2, column 1: \"4 3\" is not a number"));
}
