//! The page of a training: what is on it, and what it cannot be made of.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use assert_cmd::Command;
use predicates::str::contains;
use serde_json::Value;
use tempfile::TempDir;

use crate::setup::{
    fixture, folder, link, link_project, names, refuse, table, table_with_a_rare_class, volley,
};

/// The fixture's model, decrypted.
fn model() -> &'static Path {
    static MODEL: OnceLock<PathBuf> = OnceLock::new();
    MODEL.get_or_init(|| {
        let fixture = fixture();
        let model = fixture.project.with_file_name("report-model.json");
        let arguments =
            [fixture.project.as_os_str(), fixture.model.as_os_str(), "-o".as_ref(), model.as_ref()];
        volley(["decrypt"]).args(arguments).assert().success();
        model
    })
}

/// The files of a test.
struct Files {
    folder: TempDir,
    test: PathBuf,
    page: PathBuf,
}

impl Files {
    fn new() -> Self {
        let folder = folder();
        let (test, page) = (folder.path().join("test.csv"), folder.path().join("page"));
        fs::write(&test, table(30)).unwrap();
        Self { folder, test, page }
    }

    fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        fs::write(&path, content).unwrap();
        path
    }

    fn report(&self) -> Command {
        self.report_of(model(), &fixture().data, &self.test, &self.page)
    }

    fn report_of(&self, model: &Path, data: &Path, test: &Path, page: &Path) -> Command {
        let project = &fixture().project;
        let parts = [
            project.as_os_str(),
            model.as_ref(),
            data.as_ref(),
            test.as_ref(),
            OsStr::new("-o"),
            page.as_ref(),
        ];
        let mut command = volley(["report"]);
        command.args(parts);
        command
    }
}

#[test]
fn a_page_has_the_models_figures_and_says_what_was_not_measured() {
    let files = Files::new();
    let evaluated = volley(["evaluate", "--json"]).args([model(), &files.test]).assert().success();
    let evaluated: Value = serde_json::from_slice(&evaluated.get_output().stdout).unwrap();
    let accuracy = evaluated["accuracy"].as_f64().unwrap();

    let shown = files.report().assert().success().stderr("");
    let page = fs::read_to_string(files.page.join("index.html")).unwrap();
    let percent = format!("{:.2} %", 100.0 * accuracy);
    shown.stdout(contains(&percent)).stdout(contains("index.html: the page"));
    let expected = [
        format!("Trained on 24 encrypted rows of data.csv: {percent} right</h1>"),
        "of 30 test rows right".to_owned(),
        "Not measured: this page was made of a decrypted model.".to_owned(),
        "128 bits: ".to_owned(),
        "id=\"confusion\"".to_owned(),
        "<code>volley report</code>".to_owned(),
    ];
    for words in expected {
        assert!(page.contains(&words), "{words}");
    }
    let report: Value =
        serde_json::from_str(&fs::read_to_string(files.page.join("report.json")).unwrap()).unwrap();
    assert_eq!(report["confusion"]["counts"], evaluated["confusion"]);
    assert_eq!(report["curves"]["encrypted"]["test"].as_f64(), Some(accuracy));
    assert_eq!(report["curves"]["plain"]["test"].as_array().unwrap().len(), 4);
    assert!(report["max_relative_weight_error"].as_f64().unwrap() < 1e-3);
    assert!(report.get("server_seconds").is_none());
    let plots = ["accuracy-test.svg", "accuracy-training.svg", "confusion.svg"];
    let expected =
        [&plots[..], &["index.html", "loss-test.svg", "loss-training.svg", "report.json"]].concat();
    assert_eq!(names(&files.page), expected);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = |name| fs::metadata(files.page.join(name)).unwrap().permissions().mode() & 0o777;
        assert!(names(&files.page).iter().all(|name| mode(name) == 0o600));
    }
}

#[test]
fn a_result_in_json_is_the_report_with_its_page() {
    let files = Files::new();
    let shown = files.report().arg("--json").assert().success();
    let shown: Value = serde_json::from_slice(&shown.get_output().stdout).unwrap();
    assert_eq!(shown["page"], *files.page.join("index.html").to_str().unwrap());
    assert_eq!(
        (&shown["samples"], &shown["test_samples"], &shown["classes"]),
        (&24.into(), &30.into(), &3.into())
    );
}

#[test]
fn nothing_is_replaced_unless_told_to() {
    let files = Files::new();
    fs::create_dir(&files.page).unwrap();
    let other = files.page.join("other");
    fs::write(&other, "kept").unwrap();
    refuse(&mut files.report(), &["page: the folder is not empty", "--force"]);
    assert_eq!(names(&files.page), ["other"]);
    files.report().arg("--force").assert().success();
    let index = files.page.join("index.html");
    fs::write(&index, "an earlier page").unwrap();
    refuse(&mut files.report(), &["--force"]);
    assert_eq!(fs::read_to_string(&index).unwrap(), "an earlier page");
    files.report().arg("--force").assert().success();
    assert!(fs::read_to_string(&index).unwrap().starts_with("<!DOCTYPE html>"));
    assert_eq!(fs::read_to_string(&other).unwrap(), "kept");
}

#[test]
fn what_does_not_belong_together_is_refused_by_name() {
    let files = Files::new();
    let (data, test, page) = (&fixture().data, &files.test, &files.page);
    let moved = files.write("moved.csv", table(24).replacen("a,3", "a,2", 1));
    let other = "report-model.json: the model was trained on other rows";
    refuse(&mut files.report_of(model(), &moved, test, page), &[other]);
    let few = files.write("few.csv", table(21));
    refuse(&mut files.report_of(model(), &few, test, page), &["few.csv: ", "21"]);
    let strange = files.write("strange.csv", table(6).replace("c,", "d,"));
    refuse(&mut files.report_of(model(), data, &strange, page), &["strange.csv: ", "\"d\""]);
    let narrow = files.write("narrow.csv", "a,1,2\nb,2,1\n");
    refuse(&mut files.report_of(model(), data, &narrow, page), &["narrow.csv: "]);
    refuse(&mut files.report_of(data, data, test, page), &["data.csv: "]);
    assert!(!page.exists());
    let nowhere = files.folder.path().join("none/page");
    refuse(&mut files.report_of(model(), data, test, &nowhere), &["none: "]);
    refuse(&mut files.report_of(model(), data, test, test), &["test.csv: "]);
    let mut of_stranger = volley(["report"]);
    of_stranger.args([files.folder.path(), model(), data, test]).arg("-o").arg(page);
    refuse(&mut of_stranger, &["this is no project"]);
}

#[test]
fn a_page_does_not_go_to_the_server() {
    let files = Files::new();
    let upload = &fixture().upload;
    for page in [upload.join("page"), upload.clone()] {
        refuse(
            files.report_of(model(), &fixture().data, &files.test, &page).arg("--force"),
            &["goes to others, and what is private must not"],
        );
    }
    assert!(!upload.join("page").exists() && !upload.join("index.html").exists());
}

#[test]
fn other_weights_than_those_in_clear_are_noted() {
    let files = Files::new();
    let mut other: Value = serde_json::from_str(&fs::read_to_string(model()).unwrap()).unwrap();
    other["coef"][0][0] = 50.into();
    let other = files.write("other.json", other.to_string());
    let noted = files.report_of(&other, &fixture().data, &files.test, &files.page).assert().success();
    noted.stderr(contains("warning: ")).stderr(contains("other.json: its weights differ by"));
}

#[test]
fn images_of_the_test_rows_are_shown_where_there_is_one_for_each() {
    let files = Files::new();
    let idx = |count: u8| {
        [&[0, 0, 8, 3, 0, 0, 0, count, 0, 0, 0, 2, 0, 0, 0, 2][..], &vec![7; 4 * usize::from(count)]].concat()
    };
    let short = files.write("short-idx3-ubyte", idx(29));
    refuse(files.report().arg("--images").arg(&short), &["short-idx3-ubyte: 29 images for 30 test rows"]);
    let images = files.write("images-idx3-ubyte", idx(30));
    files.report().arg("--images").arg(&images).assert().success();
    let page = fs::read_to_string(files.page.join("index.html")).unwrap();
    assert!(page.contains("data:image/png;base64,"));
}

#[test]
fn a_file_of_labels_has_a_second_one_for_the_test_rows() {
    let files = Files::new();
    let labels = files.write("labels.npy", "");
    let hint = "--test-labels names the others";
    refuse(files.report().arg("--labels").arg(&labels), &["--labels has those of the training data", hint]);
    files.report().arg("--test-labels").arg(&labels).assert().code(2).stderr(contains("--labels"));
}

/// The training in clear has the weights of rows that the encryption had.
#[test]
fn class_weights_are_those_of_the_encryption() {
    let files = Files::new();
    let path = |name: &str| files.folder.path().join(name);
    let (project, server, model) = (path("project"), path("server"), path("balanced.json"));
    link_project(&project);
    let data = files.write("rare.csv", table_with_a_rare_class(24));
    volley(["encrypt", "--force", "--class-weight", "balanced"]).args([&project, &data]).assert().success();
    link(&project.join("upload"), &server);
    volley(["train"]).arg(&server).assert().success();
    volley(["decrypt", "-o"]).args([&model, &project, &server.join("model.vly")]).assert().success();
    let mut report = volley(["report", "--json", "-o"]);
    let made = report.args([&files.page, &project, &model, &data, &data]).assert().success().stderr("");
    let made: Value = serde_json::from_slice(&made.get_output().stdout).unwrap();
    assert!(made["max_relative_weight_error"].as_f64().unwrap() < 1e-3, "{made}");
}
