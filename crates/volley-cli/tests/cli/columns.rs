//! The columns of tables: by name, wherever they stand, from `volley init` to the last prediction.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use assert_cmd::assert::Assert;
use predicates::str::contains;
use serde_json::Value;

use crate::setup::{Files, SHAPE, fixture, link, names, refuse, table, volley};

/// A model of `x` and `y` that is `elm` where x is larger. It was trained on a table that had the label last.
const MODEL: &str = r#"{"format":"volley model","version":2,"classes":["elm","oak"],"coef":[[1,-1],[-1,1]],
"intercept":[0,0],"preprocessing":null,"columns":{"uses":["dropped","feature","feature","label"],
"names":["id","x","y","kind"]}}"#;

/// A command on the model and a table with this content.
fn run(files: &Files, command: &str, content: &str, more: &[&str]) -> Assert {
    files.run(command, &files.write("t.csv", content), more)
}

/// The fixture's rows with names, a number of the row first and the label last.
fn named_table(rows: usize) -> String {
    let mut text = String::from("id,p,q,r,s,kind\n");
    for (row, line) in table(rows).lines().enumerate() {
        let (label, values) = line.split_once(',').unwrap();
        writeln!(text, "r{row},{values},{label}").unwrap();
    }
    text
}

/// The columns of a table in another order, under other names where they are given.
fn reordered(content: &str, order: &[usize], header: Option<&str>) -> String {
    let line = |line: &str| {
        let fields: Vec<&str> = line.split(',').collect();
        order.iter().map(|&column| fields[column]).collect::<Vec<_>>().join(",")
    };
    let mut lines: Vec<String> = content.lines().map(line).collect();
    if let Some(header) = header {
        header.clone_into(&mut lines[0]);
    }
    lines.join("\n") + "\n"
}

fn json(assert: Assert) -> Value {
    serde_json::from_slice(&assert.success().get_output().stdout).unwrap()
}

/// A project of a table with names, which was told of its columns once, and the model in clear.
fn trained(files: &Files, content: &str) -> (PathBuf, PathBuf, PathBuf) {
    let data = files.write("data.csv", content);
    let (project, model) = (files.path("project"), files.path("model.json"));
    volley(["init", "--iterations", "3", "--label-column", "kind", "--drop", "id"])
        .args([&data, &project])
        .assert()
        .success();
    // Keys of the same plan.
    for file in ["upload/evaluation-keys.vly", "private/secret-key.vly"] {
        fs::hard_link(fixture().project.join(file), project.join(file)).unwrap();
    }
    volley(["encrypt"]).args([&project, &data]).assert().success().stderr("");
    let server = files.path("server");
    link(&project.join("upload"), &server);
    volley(["train"]).arg(&server).assert().success();
    decrypt(files).assert().success();
    (project, model, data)
}

fn decrypt(files: &Files) -> assert_cmd::Command {
    let mut command = volley(["decrypt", "--force", "-o"]);
    command.args(["model.json", "project", "server/model.vly"].map(|name| files.path(name)));
    command
}

#[test]
fn a_table_without_its_header_is_refused_unless_it_is_said_to_have_none() {
    let files = Files::with(MODEL);
    // The label first, and after it what the model has in another order.
    let permuted = "elm,5,1,2\noak,1,5,2\n";
    for (command, more) in [("evaluate", &["--label-column", "1"][..]), ("predict", &[]), ("evaluate", &[])] {
        let refused = run(&files, command, permuted, more).code(2);
        refused.stderr(contains("the model knows its features by name: \"x\", \"y\"; --header no takes"));
    }
    run(&files, "predict", "1,5,1\n", &["--header", "no", "--drop", "1"]).success().stdout("elm\n");
}

#[test]
fn labels_that_are_not_looked_at_may_be_empty() {
    let files = Files::with(MODEL);
    for more in [&[][..], &["--label-column", "kind"]] {
        run(&files, "predict", "kind,y,x\n,1,5\n", more).success().stdout("elm\n");
    }
    run(&files, "evaluate", "kind,y,x\n,1,5\n", &[]).code(2).stderr(contains("the label is empty"));
}

#[test]
fn what_of_a_table_may_be_a_mistake_is_told() {
    let files = Files::with(MODEL);
    let rows: String = (0..24).map(|row| format!("{},k{},{}\n", row + 7, row % 2, row * 5 % 7)).collect();
    let told = |content: &str, more: &[&str]| {
        let data = files.write("told.csv", content);
        volley(["try", "--iterations", "1"]).args(more).arg(data).assert()
    };
    let numbered = told(&format!("id,kind,x\n{rows}total,k2,1\n"), &["--label-column", "kind"]);
    numbered.code(2).stderr(contains(
        "row 26, column 1 (\"id\"): \"total\" is not a number; the rows above have numbers",
    ));
    let numbered = told(&format!("id,kind,x\n{rows}99,k2,1\n"), &["--label-column", "kind"]).success();
    numbered
        .stderr(contains("column 1 (\"id\") seems to number the rows; --drop 1 leaves it out"))
        .stderr(contains("classes of a single row: \"k2\""));
    let cases: String = (0..24).map(|row| format!("{},{row}\n", ["Yes", "no", "yes"][row % 3])).collect();
    told(&cases, &[]).stderr(contains("the classes \"Yes\" and \"yes\" differ in case or spaces only"));
    let missing: String = (0..24).map(|row| format!("{},{row}\n", ["NA", "k", "l"][row % 3])).collect();
    told(&missing, &[]).stderr(contains("\"NA\" counts as a class: leave out the rows"));
    let header: String = (0..24).map(|row| format!("k{},{},{}\n", row % 2, row * 5 % 7, row % 3)).collect();
    let header = format!("label,0,1\n{header}");
    told(&header, &[])
        .code(2)
        .stderr(contains("though its values count up like numbers of columns; --header yes"));
    told(&header, &["--header", "yes"]).success();
}

#[test]
fn what_is_said_of_columns_once_holds_to_the_end() {
    let files = Files::with(MODEL);
    let content = named_table(24);
    let (project, model, data) = trained(&files, &content);
    // Any order, with and without what is not needed.
    let shuffled = reordered(&content, &[5, 3, 1, 0, 4, 2], None);
    for table in [&content, &shuffled, &reordered(&content, &[4, 5, 3, 2, 1], None)] {
        let table = files.write("any.csv", table);
        let evaluated = volley(["evaluate", "--json"]).args([&model, &table]).assert().stderr("");
        assert_eq!(json(evaluated)["accuracy"], 1.0);
    }
    let rows = files.write("rows.csv", reordered(&content, &[4, 2, 1, 3], None));
    let predicted = json(volley(["predict", "--json"]).args([&model, &rows]).assert().stderr(""));
    let expected: Vec<_> = (0..24).map(|row| ["a", "b", "c"][row % 3]).collect();
    assert_eq!(predicted["labels"], serde_json::json!(expected));
    let encrypt_rows = |rows: &Path| {
        let mut command = volley(["encrypt-rows", "-o"]);
        command.args([&files.path("rows.vly"), &project]).arg(rows);
        command
    };
    encrypt_rows(&rows).assert().success();
    let renamed = files.write("renamed.csv", reordered(&content, &[4, 2, 1, 3], Some("s,q,p,R")));
    let words = ["renamed.csv", "the model's feature \"r\" is not in the table", "\"R\""];
    refuse(encrypt_rows(&renamed).arg("--force"), &words);
    refuse(volley(["predict"]).args([&model, &renamed]), &words);

    // The page trains in clear on the same columns: a shuffled copy of the data gives the same weights.
    let shuffled = files.write("shuffled.csv", shuffled);
    let page = files.path("page");
    let report = volley(["report", "--json", "-o"])
        .args([&page, &project, &model, &shuffled, &data])
        .assert()
        .stderr("");
    assert!(json(report)["max_relative_weight_error"].as_f64().unwrap() < 1e-3);
}

#[test]
fn a_table_is_encrypted_in_the_columns_that_were_planned_for() {
    let files = Files::with(MODEL);
    let content = named_table(24);
    let (project, ..) = trained(&files, &content);
    let encrypt = |table: String| {
        let mut command = volley(["encrypt", "--force"]);
        command.args([&project, &files.write("other.csv", table)]);
        command
    };
    let in_clear = |table: String| {
        json(encrypt(table).arg("--json").assert().stderr(contains("\"note\"").count(1)))["in_clear"].clone()
    };
    let planned = in_clear(content.clone());
    assert_eq!(in_clear(reordered(&content, &[5, 3, 1, 0, 4, 2], None)), planned);
    let columns = fs::read_to_string(project.join("private/columns.json")).unwrap();
    assert!(columns.contains(r#"["id","p","q","r","s","kind"]"#), "{columns}");
    let renamed = reordered(&content, &[0, 1, 2, 3, 4, 5], Some("id,p,q,R,s,kind"));
    refuse(&mut encrypt(renamed), &["the column \"r\" of the table that was planned for is not in this one"]);
    let nameless = content.split_once('\n').unwrap().1.to_owned();
    refuse(&mut encrypt(nameless), &["--header no takes its columns by place"]);
    let file = project.join("private/planned-columns.json");
    let text = fs::read_to_string(&file).unwrap();
    fs::write(&file, text.replacen("\"format\":1", "\"format\":2", 1)).unwrap();
    refuse(&mut encrypt(content), &["planned-columns.json: made by another version"]);
}

#[test]
fn a_model_has_the_columns_of_its_encryption() {
    let files = Files::with(MODEL);
    let (project, model, _) = trained(&files, &named_table(24));
    let stored: Value = serde_json::from_slice(&fs::read(&model).unwrap()).unwrap();
    assert_eq!(stored["columns"]["names"], serde_json::json!(["id", "p", "q", "r", "s", "kind"]));
    assert_eq!(
        (&stored["columns"]["uses"][0], &stored["columns"]["uses"][5]),
        (&"dropped".into(), &"label".into())
    );
    // They are the owner's alone.
    let columns = project.join("private/columns.json");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&columns).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(!names(&files.path("server")).iter().any(|name| name.contains("columns")));
    // Those of another encryption are not taken for them, and a project without them has a model without names.
    let text = fs::read_to_string(&columns).unwrap();
    for (from, to) in [("\"job_id\":\"", "\"job_id\":\"0"), ("\"dropped\"", "\"feature\"")] {
        fs::write(&columns, text.replacen(from, to, 1)).unwrap();
        refuse(&mut decrypt(&files), &["columns.json: changed, or of another encryption"]);
    }
    fs::remove_file(&columns).unwrap();
    decrypt(&files).assert().success().stderr(contains("the model takes columns by their place"));
    let stored: Value = serde_json::from_slice(&fs::read(&model).unwrap()).unwrap();
    assert_eq!(stored["columns"], Value::Null);
    // A project whose own file is damaged or gone decrypts still, and is replaced by none.
    let file = project.join("project.json");
    fs::write(&file, "{").unwrap();
    let mut keygen = volley(["keygen", "--force"]);
    refuse(keygen.arg(&project), &["changed or damaged", "volley decrypt still works"]);
    decrypt(&files).assert().success();
    fs::remove_file(&file).unwrap();
    refuse(&mut keygen, &["project.json: ", "no such file"]);
    decrypt(&files).assert().success();
    let words = ["secret-key.vly: this is of a project whose project.json is gone"];
    refuse(volley(["init"]).args(SHAPE).arg(&project), &words);
}

#[test]
fn columns_go_by_name_or_are_refused_by_name() {
    let files = Files::with(MODEL);
    let nameless = ["--header", "no"];
    for (content, more) in [
        ("x,y\n2,1\n1,2\n", &[][..]),
        ("y,x\n1,2\n2,1\n", &[]),
        ("kind,y,id,x\nelm,1,7a,2\noak,2,7b,1\n", &[]),
        ("2,1\n1,2\n", &nameless),
    ] {
        run(&files, "predict", content, more).success().stdout("elm\noak\n").stderr("");
    }
    for (content, more) in [("y,kind,x\n1,elm,2\n2,oak,1\n", &[][..]), ("2,1,elm\n1,2,oak\n", &nameless)] {
        run(&files, "evaluate", content, more).success().stdout(contains("100.00 % of 2 rows")).stderr("");
    }
    let guessed = run(&files, "evaluate", "x,tree,y\n2,elm,1\n1,oak,2\n", &[]).success();
    guessed
        .stderr(contains("the labels are taken from the column \"tree\", as the model's has another name"));
    let refused = run(&files, "evaluate", "kind,x,z\nelm,2,1\n", &[]).code(2).stdout("");
    refused.stderr(contains(
        "the model's feature \"y\" is not in the table; other columns are \"kind\", \"x\", \"z\"",
    ));
    let refused = run(&files, "evaluate", "tree,age,x,y\nelm,3,2,1\n", &[]).code(2).stdout("");
    refused.stderr(contains("which column has the labels: \"tree\", \"age\"; --label-column names it"));
    run(&files, "evaluate", "tree,age,x,y\nelm,3,2,1\n", &["--label-column", "tree"])
        .success()
        .stderr(contains("note: "));
    run(&files, "evaluate", "tree,age,x,y\nelm,3,2,1\n", &["--label-column", "tree", "--drop", "age"])
        .success()
        .stderr("");
    let unlabelled = run(&files, "evaluate", "x,y\n2,1\n", &[]).code(2).stdout("");
    unlabelled.stderr(contains("there are no labels; --label-column or --labels says where they are"));
    run(&files, "predict", "x,y,name,age\n2,1,a,3\n", &[])
        .success()
        .stderr(contains("left out, as this training has no such features: \"name\", \"age\""));
    let nameless = |content, more: &[&str]| run(&files, "predict", content, &[&nameless[..], more].concat());
    nameless("2,1,3\n", &[]).code(2).stderr(contains("--drop leaves out a column"));
    nameless("2,1,3\n", &["--drop", "-1"]).success().stdout("elm\n");
    nameless("3,2,1\n", &["--drop", "1"]).success().stdout("elm\n");
    let unknown = run(&files, "evaluate", "elm,2,1\n", &["--drop", "5"]).code(2);
    unknown.stderr(contains("there is no column 5 among 3: they count from 1, or back from -1"));
}

#[test]
fn models_of_different_columns_are_compared_on_one_table() {
    let files = Files::with(MODEL);
    let swapped = MODEL.replace("\"x\",\"y\"", "\"y\",\"x\"").replace("[[1,-1],[-1,1]]", "[[-1,1],[1,-1]]");
    let (model, other) = (files.path("model.json"), files.write("other.json", swapped));
    let table = files.write("t.csv", "kind,y,x\nelm,1,2\noak,2,1\n");
    let compared = json(volley(["evaluate", "--json"]).args([&model, &other, &model, &table]).assert());
    let accuracies: Vec<_> =
        compared["models"].as_array().unwrap().iter().map(|model| &model["accuracy"]).collect();
    assert_eq!((accuracies, &compared["rows"]), (vec![&1.0.into(), &1.0.into(), &1.0.into()], &2.into()));
    let without_x = files.write("without.csv", "kind,y\nelm,1\n");
    let words = ["for ", "model.json: ", "without.csv: the model's feature \"x\" is not in the table"];
    refuse(volley(["evaluate"]).args([&model, &other, &without_x]), &words);
    let mut stdin = volley(["evaluate"]);
    stdin.args([&model, &other]).arg("-").write_stdin("kind,y,x\nelm,1,2\n");
    refuse(&mut stdin, &["standard input is read once"]);
}

#[test]
fn standard_input_is_a_table() {
    let files = Files::with(MODEL);
    let run = |command: &str, content: &str| {
        volley([command, "--header", if content.starts_with('7') { "no" } else { "auto" }])
            .arg(files.path("model.json"))
            .arg("-")
            .write_stdin(content)
            .assert()
    };
    run("predict", "y,x\n1,2\n").success().stdout("elm\n").stderr("");
    run("predict", "7,2,1,elm\n").success().stdout("elm\n").stderr("");
    run("evaluate", "y,x,kind\n1,2,elm\n").success().stdout(contains("100.00 %"));
    run("predict", "y,x\n1,?\n").code(2).stderr(contains("standard input: row 2, column 2 (\"x\"): \"?\""));
    let project = files.path("project");
    volley(["init", "--iterations", "2", "-"]).arg(&project).write_stdin(table(24)).assert().success();
    let both = volley(["report", "-o"])
        .args([&files.path("page"), &fixture().project, &files.path("model.json")])
        .args(["-", "-"])
        .write_stdin(table(24))
        .assert();
    both.code(2).stderr(contains("standard input is read once"));
}

#[test]
fn evaluate_shows_each_class_and_the_confusion() {
    let files = Files::with(MODEL);
    let content = "kind,x,y\nelm,2,1\nelm,1,2\noak,1,2\noak,0,9\n";
    let shown = run(&files, "evaluate", content, &[]).success();
    for words in [
        "accuracy 75.00 % of 4 rows",
        "class       rows     recall  precision         F1",
        "  elm          2    50.00 %   100.00 %    66.67 %",
        "  oak          2   100.00 %    66.67 %    80.00 %",
        " mean               75.00 %    83.33 %    73.33 %",
        "  elm    1    1",
    ] {
        let text = String::from_utf8(shown.get_output().stdout.clone()).unwrap();
        assert!(text.contains(words), "{text}");
    }
    let figures = json(run(&files, "evaluate", content, &["--json"]));
    let elm = &figures["per_class"][0];
    assert_eq!((&elm["class"], &elm["rows"], &elm["predicted"]), (&"elm".into(), &2.into(), &1.into()));
    assert_eq!((&elm["recall"], &elm["precision"]), (&0.5.into(), &1.0.into()));
    assert_eq!(figures["balanced_accuracy"], 0.75);
    assert_eq!(figures["confusion"], serde_json::json!([[1, 1], [0, 2]]));
    let one = json(run(&files, "evaluate", "kind,x,y\nelm,2,1\n", &["--json"]));
    assert_eq!((&one["per_class"][1]["recall"], &one["per_class"][1]["f1"]), (&Value::Null, &Value::Null));
}
