//! `cargo xtask experiment` as its user meets it: one clear line for whatever cannot be worked with, and a report.
#![expect(clippy::unwrap_used, reason = "helpers of tests, which clippy does not see as such here")]

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// A folder of one test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The path of a file of this name.
    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    fn write(&self, name: &str, rows: &[String]) -> String {
        let path = self.path(name);
        fs::write(&path, rows.join("\n")).unwrap();
        path
    }
}

fn experiment(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_xtask")).arg("experiment").args(arguments).output().unwrap()
}

/// Forty rows of four values, three classes that are far apart.
fn good_rows() -> Vec<String> {
    (0..40)
        .map(|row| {
            let class = row % 3;
            let values = (0..4).map(|column| {
                let noise = f64::from((row * 7 + column * 5) % 11) / 20.0;
                format!("{:.3}", noise + if column == class { 2.0 } else { 0.0 })
            });
            std::iter::once(format!("{}", 10 * class)).chain(values).collect::<Vec<_>>().join(",")
        })
        .collect()
}

fn with_row(row: &str) -> Vec<String> {
    let mut rows = good_rows();
    rows.insert(5, row.to_owned());
    rows
}

/// Runs what must be refused; returns the line that says why.
fn refusal(arguments: &[&str]) -> String {
    let output = experiment(arguments);
    let problem = String::from_utf8(output.stderr).unwrap();
    assert!(matches!(output.status.code(), Some(1 | 2)), "{arguments:?}: {}: {problem}", output.status);
    assert!(output.stdout.is_empty(), "{arguments:?}");
    assert!(problem.starts_with("error: ") && !problem.contains("panicked"), "{arguments:?}: {problem}");
    let (line, rest) = problem.split_once('\n').unwrap();
    // The parser of the command line adds where to find help, after a blank line.
    assert!(rest.is_empty() || rest.ends_with("For more information, try '--help'.\n"), "{problem}");
    line.to_owned()
}

#[test]
fn files_that_cannot_be_used() {
    let folder = Folder::new("files");
    let one_class: Vec<String> =
        good_rows().iter().map(|row| format!("7,{}", row.split_once(',').unwrap().1)).collect();
    let files = [
        (folder.path("missing.csv"), "missing.csv: there is no such file"),
        (folder.path(""), "there is a folder where a file should be"),
        (folder.write("empty.csv", &[]), "empty.csv: the file has no rows"),
        (folder.write("short.csv", &with_row("1,2,3")), "row 6 has 3 columns, the first row has 5"),
        (folder.write("long.csv", &with_row("1,2,3,4,5,6")), "row 6 has 6 columns, the first row has 5"),
        (
            folder.write("nan.csv", &with_row("1,2,NaN,3,4")),
            "row 6, column 3: \"NaN\" is not a finite number",
        ),
        (folder.write("infinite.csv", &with_row("1,2,3,4,1e999")), "row 6, column 5: \"1e999\""),
        (folder.write("text.csv", &with_row("1,2,three,3,4")), "row 6, column 3: \"three\" is not a number"),
        (folder.write("value.csv", &with_row("1,2,,3,4")), "row 6, column 3: the value is empty"),
        (folder.write("label.csv", &with_row(" ,2,3,3,4")), "row 6, column 1: the label is empty"),
        (folder.write("one.csv", &one_class), "at least two classes, the labels have 1"),
    ];
    for (path, problem) in files {
        let line = refusal(&["--features", &path, "--samples", "20"]);
        assert!(line.contains(problem), "{line}");
    }
    let path = folder.path("binary.csv");
    fs::write(&path, b"1,2,\xff\xfe,4\n").unwrap();
    let line = refusal(&["--features", &path, "--samples", "1"]);
    assert!(line.contains("row 1, column 3: the text is not UTF-8"), "{line}");
}

#[test]
fn settings_that_cannot_be_used() {
    let folder = Folder::new("settings");
    let path = folder.write("good.csv", &good_rows());
    let cases: [(&[&str], &str); 22] = [
        (&["--samples", "41"], "41 samples asked for, but the data has 40 rows"),
        (&["--samples", "40"], "all 40 rows are trained on, none is left to test"),
        (&["--samples", "0"], "at least one sample is needed"),
        (&["--samples", "1"], "at least two classes, the labels have 1"),
        (&["--samples=-1"], "--samples"),
        (&["--iterations", "0"], "at least one iteration"),
        (&["--iterations", "3", "--log-n", "14"], "log N = 15 would do"),
        (&["--iterations", "11", "--log-n", "14"], "levels for 2 iterations, not for 11"),
        (&["--iterations", "1000000"], "at most 1,000 iterations, not 1,000,000"),
        (&["--iterations", "18446744073709551615"], "at most 1,000 iterations"),
        (&["--log-n", "abc"], "either `auto` or a number such as 14"),
        (&["--log-n", "3"], "log N = 3 is outside"),
        (&["--log-n", "12"], "log N = 14 would do"),
        (&["--log-n", "40"], "log N = 40 is outside"),
        (&["--log-n", "4294967295"], "log N = 4294967295 is outside"),
        (&["--log-n", "4294967296"], "either `auto` or a number such as 14"),
        (&["--threads", "0"], "--threads"),
        (&["--threads", "100000"], "--threads"),
        (&["--profile", "fast"], "--profile"),
        (
            &["--json", "no/such/folder/out.json"],
            "cannot write no/such/folder/out.json: there is no such file or folder",
        ),
        (&["--json", "."], "cannot write .: there is a folder where a file should be"),
        (&["--report", "Cargo.toml"], "cannot make Cargo.toml: File exists"),
    ];
    for (arguments, problem) in cases {
        let data = ["--features", &path];
        // A later option would be the same one twice.
        let samples = ["--samples", "20"];
        let samples = if arguments[0].starts_with("--samples") { &[][..] } else { &samples[..] };
        let line = refusal(&[&data[..], samples, arguments].concat());
        assert!(line.contains(problem), "{line}");
    }
    let line = refusal(&["--samples", "8193"]);
    assert!(line.contains("8193 samples asked for, but the data has 8192 rows"), "{line}");
}

/// Every element of an SVG file is closed, and nothing in it comes from elsewhere.
fn check_plot(path: &str) {
    let plot = fs::read_to_string(path).unwrap();
    assert!(
        plot.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\"") && plot.ends_with("</svg>"),
        "{path}"
    );
    assert!(!plot.contains("NaN") && !plot.contains("inf") && !plot.contains("href"), "{path}");
    let closed = plot.matches("</").count();
    let opened = plot.matches('<').count() - closed;
    assert_eq!(opened, closed, "{path}");
}

/// The page of a run on the embedded digits, read as a text: every plot, and the numbers of the JSON.
#[test]
fn a_report_has_all_plots_and_the_numbers_of_its_json() {
    let folder = Folder::new("report");
    let out = folder.path("out");
    let output = experiment(&["--report", &out]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let page = fs::read_to_string(folder.path("out/index.html")).unwrap();
    let report: Value =
        serde_json::from_str(&fs::read_to_string(folder.path("out/report.json")).unwrap()).unwrap();

    let plots =
        ["accuracy-test", "accuracy-training", "loss-test", "loss-training", "phases", "ladder", "confusion"];
    for plot in plots {
        assert!(page.contains(&format!("<figure id=\"{plot}\"><svg class=\"plot\"")), "{plot}");
        check_plot(&folder.path(&format!("out/{plot}.svg")));
    }

    let mut shown = vec!["data:image/png;base64,iVBOR".to_owned(), "MNIST".to_owned(), "2024/463".to_owned()];
    let percent = |fraction: f64| format!("{:.2} %", 100.0 * fraction);
    for (series, label) in [
        ("encrypted", "encrypted"),
        ("plain", "in clear"),
        ("nag", "NAG"),
        ("sle_nag", "SLE-NAG"),
        ("sle_nag_qg", "SLE-NAG+QG"),
    ] {
        for rows in ["training", "test"] {
            for iteration in 0..=2 {
                let quality = |name| number(&report, &format!("/curves/{series}/{rows}/{iteration}/{name}"));
                shown.push(format!("{label}, iteration {iteration}: {}<", percent(quality("accuracy"))));
                shown.push(format!("{label}, iteration {iteration}: {:.3}<", quality("loss")));
            }
        }
    }
    for iteration in list(&report, "iterations") {
        shown.push(format!("<strong>{}</strong>", percent(number(iteration, "/accuracy_encrypted"))));
        shown.push(format!("<td>{}</td>", percent(number(iteration, "/accuracy_plain"))));
        shown.push(format!("{:.1} bits", number(iteration, "/weight_precision_bits")));
        shown.push(format!("iteration {}: level {}<", iteration["iteration"], iteration["level"]));
    }
    for phase in list(&report, "phases") {
        shown.push(format!("<title>{}: ", phase["name"].as_str().unwrap()));
    }
    for (label, row) in report["confusion"]["counts"].as_array().unwrap().iter().enumerate() {
        for (prediction, count) in row.as_array().unwrap().iter().enumerate() {
            shown.push(format!("<title>{label} as {prediction}: {count}</title>"));
        }
    }
    for name in ["log_q", "log_qp", "data_level"] {
        shown.push(format!("<dd>{:.0}</dd>", number(&report, &format!("/parameters/{name}"))));
    }
    for text in shown {
        assert!(page.contains(&text), "{text:?} is not in the page");
    }
    assert_eq!(list(&report, "examples").len(), page.matches("<img").count());
    assert_eq!(
        number(&report, "/iterations/1/accuracy_encrypted"),
        number(&report, "/curves/encrypted/test/2/accuracy")
    );
}

/// The embedded digits, at the default settings but for the profile.
#[test]
fn the_main_job_agrees_with_the_training_in_clear() {
    let folder = Folder::new("mnist");
    for (features, profile, least_accuracy) in
        [("cnn", "standard", 0.7), ("pixels", "standard", 0.65), ("pixels", "paper", 0.4)]
    {
        let json = folder.path(&format!("{features}-{profile}.json"));
        let output = experiment(&["--features", features, "--profile", profile, "--json", &json]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
        assert_eq!(number(&report, "/parameters/security_bits"), 128.0);
        assert!(number(&report, "/max_relative_weight_error") < 1e-4, "{profile}: {report:#}");
        assert!(number(&report, "/prediction_agreement") >= 0.999, "{profile}: {report:#}");
        let [encrypted, plain] =
            ["encrypted", "plain"].map(|which| number(&report, &format!("/iterations/1/accuracy_{which}")));
        assert!(encrypted >= least_accuracy && (encrypted - plain).abs() <= 0.001, "{report:#}");
        assert!(number(&report, "/iterations/1/level") >= 1.0);
        if cfg!(target_os = "linux") {
            assert!(number(&report, "/peak_memory_bytes") < 2e9, "{profile}: {report:#}");
        }
    }
}

#[test]
fn a_reader_that_leaves_is_no_panic() {
    let folder = Folder::new("pipe");
    let path = folder.write("good.csv", &good_rows());
    let mut child = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["experiment", "--features", &path, "--samples", "20", "--iterations", "1"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{problem}");
    assert!(problem.starts_with("error: ") && problem.lines().count() == 1, "{problem}");
}

fn number(report: &Value, pointer: &str) -> f64 {
    let value = report.pointer(pointer).unwrap_or_else(|| panic!("{pointer} is missing"));
    value.as_f64().unwrap_or_else(|| panic!("{pointer} is {value}"))
}

fn list<'a>(report: &'a Value, name: &str) -> &'a [Value] {
    report[name].as_array().unwrap_or_else(|| panic!("{name} is no list"))
}

#[test]
fn a_small_run_reports_everything() {
    let folder = Folder::new("run");
    let features = folder.write("good.csv", &good_rows());
    let json = folder.path("report.json");
    let output = experiment(&[
        "--features",
        &features,
        "--samples",
        "24",
        "--log-n",
        "14",
        "--threads",
        "2",
        "--seed",
        "3",
        "--json",
        &json,
    ]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let table = String::from_utf8(output.stdout).unwrap();
    for shown in [
        "24 × 4 ",
        "log N 14",
        "128 bits",
        "test",
        "accuracy",
        "weight difference",
        "peak memory",
        "21.49 %",
        "2 iterations (auto: ",
    ] {
        assert!(table.contains(shown), "{shown} is not in\n{table}");
    }

    let report: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    check_sizes(&report);
    assert_eq!(report["data"], "good.csv");
    assert!(list(&report, "examples").is_empty());
    assert_eq!(report["peak_memory_bytes"].is_u64(), cfg!(target_os = "linux"));
    check_phases(&report);
    check_iterations(&report);
}

/// Parameters, shape, keys and counts of the small run.
fn check_sizes(report: &Value) {
    let exactly = [
        ("/parameters/log_n", 14.0),
        ("/parameters/security_bits", 128.0),
        ("/threads", 2.0),
        ("/samples", 24.0),
        ("/test_samples", 16.0),
        ("/parameters/data_level", 7.0),
        ("/features", 4.0),
        ("/classes", 3.0),
        ("/prediction_agreement", 1.0),
    ];
    for (pointer, expected) in exactly {
        assert_eq!(number(report, pointer), expected, "{pointer}");
    }
    let between = [
        ("/parameters/log_q", 100.0, 430.0),
        ("/parameters/log_qp", number(report, "/parameters/log_q") + 49.0, 430.0),
        ("/upload/ciphertexts", 3.0, 3.0),
        ("/upload/bytes", 2e6, 4e6),
        ("/keys/count", 5.0, 60.0),
        ("/keys/bytes", 1e6, 1e9),
        ("/max_relative_weight_error", 1e-15, 1e-4),
        ("/operations/rotations", 1.0, 1e3),
        ("/operations/hoisted_rotations", 0.0, 1e3),
        ("/operations/products", 1.0, 1e3),
        ("/operations/relinearizations", 1.0, 1e3),
    ];
    for (pointer, least, most) in between {
        let value = number(report, pointer);
        assert!((least..=most).contains(&value), "{pointer}: {value}");
    }
}

/// Every phase took time, and those of the server add up.
fn check_phases(report: &Value) {
    let phases = phases(report);
    let names = [
        "tables",
        "key generation",
        "encryption",
        "server set-up",
        "iteration 1",
        "iteration 2",
        "decryption",
    ];
    assert_eq!(phases.iter().map(|(name, _)| *name).collect::<Vec<_>>(), names);
    assert!(phases.iter().all(|&(_, seconds)| seconds > 0.0));
    let server: f64 = phases[3..6].iter().map(|(_, seconds)| seconds).sum();
    assert!((number(report, "/server_seconds") - server).abs() < 1e-9);
}

/// The names and seconds of the phases.
fn phases(report: &Value) -> Vec<(&str, f64)> {
    list(report, "phases")
        .iter()
        .map(|phase| (phase["name"].as_str().unwrap(), number(phase, "/seconds")))
        .collect()
}

/// Two iterations, which predict as training in clear does.
fn check_iterations(report: &Value) {
    let phases = phases(report);
    let iterations = list(report, "iterations");
    assert_eq!(iterations.len(), 2);
    for (index, (iteration, level)) in iterations.iter().zip([5.0, 1.0]).enumerate() {
        assert_eq!(number(iteration, "/iteration"), (index + 1) as f64);
        assert_eq!(number(iteration, "/level"), level);
        assert!((15.0..50.0).contains(&number(iteration, "/weight_precision_bits")));
        assert_eq!(number(iteration, "/seconds"), phases[4 + index].1);
        let accuracy = number(iteration, "/accuracy_encrypted");
        assert!((0.9..=1.0).contains(&accuracy), "{accuracy}");
        assert_eq!(accuracy, number(iteration, "/accuracy_plain"));
    }
}

#[test]
fn an_instruction_set_that_does_not_exist_is_refused() {
    let output = Command::new(env!("CARGO_BIN_EXE_xtask"))
        .args(["experiment", "--samples", "8"])
        .env("VOLLEY_BACKEND", "avx1024")
        .output()
        .unwrap();
    let problem = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{problem}");
    assert!(problem.starts_with("error: VOLLEY_BACKEND=avx1024") && problem.contains("scalar"), "{problem}");
}
