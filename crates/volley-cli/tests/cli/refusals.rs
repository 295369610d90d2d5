//! What cannot be done: one line that says why, exit code 2, and everything as it was.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use assert_cmd::Command;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::contains;
use tempfile::TempDir;

use crate::setup::{Fixture, SHAPE, fixture, folder, link, link_project, names, refuse, replace, volley};
#[cfg(unix)]
use crate::setup::{limited, on_a_full_disk};

/// An upload that the test may change.
fn server() -> (TempDir, PathBuf) {
    let folder = folder();
    let server = folder.path().join("server");
    link(&fixture().upload, &server);
    (folder, server)
}

fn train(server: &Path) -> Command {
    volley(["train".as_ref(), server.as_os_str()])
}

pub(crate) fn decrypt(project: &Path, model: &Path, output: &Path) -> Command {
    volley([OsStr::new("decrypt"), project.as_ref(), model.as_ref(), "-o".as_ref(), output.as_ref()])
}

#[test]
fn kernels_that_do_not_exist_are_refused() {
    for arguments in [&["inspect", "job.vly"][..], &["man"]] {
        let mut command = volley(arguments);
        refuse(command.env("VOLLEY_BACKEND", "avx1024"), &["VOLLEY_BACKEND=avx1024", "scalar"]);
    }
}

#[test]
fn whoever_takes_the_wrong_thing_is_told_what_is_wanted() {
    let Fixture { model, data, .. } = fixture();
    for command in ["predict", "evaluate"] {
        refuse(volley([command]).args([model, data]), &["no model", "`volley decrypt` makes a model"]);
    }
    refuse(volley(["init"]).arg(data), &["data.csv: the folder to make is missing: volley init "]);
    refuse(&mut volley(["train", "--watch", "nowhere"]), &["error: nowhere: there is no such file"]);
    let folder = folder();
    refuse(&mut train(folder.path()), &["there is no job.vly", "`volley encrypt` makes it"]);
    fs::write(folder.path().join("project.json"), "{}").unwrap();
    refuse(&mut train(folder.path()), &["it is a project of an owner. A server gets"]);
    refuse(&mut train(&folder.path().join("none")), &["none: there is no such file or folder"]);
    refuse(volley(["inspect"]).arg(folder.path()), &["a folder: name one file in it"]);
    // The shape alone says so: no plan is looked for.
    let wide = ["init", "--samples", "1000", "--features", "40000", "--classes", "3"];
    refuse(volley(wide).arg(folder.path().join("wide")), &["40000 columns are too many to whiten"]);
}

#[test]
fn files_of_the_wrong_kind_are_named_with_what_is_wanted() {
    let folder = folder();
    let path = |name: &str| folder.path().join(name);
    let written = |name: &str, content: &[u8]| {
        fs::write(path(name), content).unwrap();
        path(name)
    };
    let table = "label,näme,b\nx,1,2\ny,3,4\nx,5,6\ny,7,8\n";
    let utf16 = |to_bytes: fn(u16) -> [u8; 2]| table.encode_utf16().flat_map(to_bytes).collect::<Vec<u8>>();
    let little = utf16(u16::to_le_bytes);
    let latin: Vec<u8> = table.chars().map(|c| u8::try_from(c as u32).unwrap()).collect();
    for (name, content, words) in [
        ("marked.csv", [b"\xff\xfe", &little[..]].concat(), ["in UTF-16, and", "encoding=\"utf-16\""]),
        ("big.csv", utf16(u16::to_be_bytes), ["in UTF-16BE, and", "encoding=\"utf-16be\""]),
        ("little.csv", little, ["in UTF-16LE, and", "encoding=\"utf-16le\""]),
        ("latin.csv", latin, ["row 1, column 2: the text is not UTF-8", "Latin-1 or Windows-1252"]),
        (
            "grouped.csv",
            b"y,v\na,\"1,234\"\nb,\"2,345\"\n".to_vec(),
            ["between thousands", "thousands=\",\""],
        ),
        (
            "last.csv",
            b"5.1,1,red\n4.2,2,blue\n".to_vec(),
            ["column 3", "if the labels are here: --label-column 3"],
        ),
    ] {
        refuse(volley(["try"]).arg(written(name, &content)), &words);
    }
    let Fixture { model, .. } = fixture();
    let rows = written("rows.csv", table.as_bytes());
    for (name, content, found) in [
        ("model.csv", table.as_bytes(), "a table in text, such as CSV"),
        ("empty.json", b"", "an empty file"),
        ("photo.jpg", b"\xff\xd8\xff\xe0", "a file of another format"),
        ("notes.txt", b"hello", "a text"),
    ] {
        for command in ["predict", "evaluate"] {
            let words = [found, "and no model", "the .json or .npz file that `volley decrypt` writes"];
            refuse(volley([command]).args([&written(name, content), &rows]), &words);
        }
    }
    refuse(volley(["try"]).arg(path("none.csv")), &["none.csv: there is no such file or folder"]);
    // The table before the project.
    let project = &fixture().project;
    for command in ["encrypt", "encrypt-rows"] {
        let mut swapped = volley([command, "--force"]);
        swapped.args([&rows, project]);
        if command == "encrypt-rows" {
            swapped.arg("-o").arg(path("rows.vly"));
        }
        refuse(&mut swapped, &["a file where a folder should be: are the arguments in their order?"]);
    }
    let onnx = path("none.onnx");
    let mut features = volley(["features", "-o"]);
    refuse(features.args([&path("f.npz"), &onnx, &rows]), &["none.onnx: there is no such file"]);
    let nowhere = path("none/labels.txt");
    let mut predict = volley(["predict"]);
    refuse(
        predict.args([model, &rows]).arg("-o").arg(nowhere),
        &["none: there is no such folder to write to"],
    );
}

#[test]
fn scores_are_explained_where_they_are_asked_for() {
    for command in ["predict", "decrypt-scores"] {
        volley([command, "--help"])
            .assert()
            .success()
            .stdout(contains("the label and the probability of each"));
    }
}

#[test]
fn numbers_that_are_read_by_people_are_grouped() {
    let folder = folder();
    let shape = ["init", "--samples", "100000000000", "--features", "4", "--classes", "3"];
    let mut init = volley(shape);
    refuse(init.arg(folder.path().join("large")), &["ciphertexts of features or scores; at most 4,194,304"]);
    for (shape, words) in [
        (["24", "4", "1"], "--classes 1: a training has at least two classes"),
        (["24", "0", "3"], "--features 0: a training has at least one feature"),
    ] {
        let mut init = volley(["init", "--samples", shape[0], "--features", shape[1], "--classes", shape[2]]);
        refuse(init.arg(folder.path().join("few")), &[words]);
    }
    let mut init = volley(["init", "--samples", "24", "--features", "4", "--classes", "3", "--memory", "2"]);
    init.arg(folder.path().join("few")).assert().code(2).stderr(contains("2G for GB"));
    let mut init = volley(["init", "--samples", "24", "--features", "4", "--classes", "3", "--log-n", "18"]);
    refuse(init.arg(folder.path().join("ring")), &["--log-n 14, 15 or 16 would do"]);
}

#[test]
fn the_server_cannot_decrypt() {
    let (folder, server) = server();
    fs::copy(&fixture().model, server.join("model.vly")).unwrap();
    let output = folder.path().join("model.json");
    refuse(&mut decrypt(&server, &server.join("model.vly"), &output), &["no secret key"]);
    // Nor where someone made it look like a project.
    fs::copy(fixture().project.join("project.json"), server.join("project.json")).unwrap();
    link(&fixture().upload, &server.join("upload"));
    refuse(&mut decrypt(&server, &server.join("model.vly"), &output), &["there is no secret key"]);
    assert!(!output.exists());
}

#[test]
fn uploads_that_are_not_complete_or_not_of_one_job() {
    let fixture = fixture();
    for name in ["evaluation-keys.vly", "preconditioner.vly", "rows-00001.vly"] {
        let (_folder, server) = server();
        fs::remove_file(server.join(name)).unwrap();
        refuse(&mut train(&server), &[name, "not there yet, and the upload is not complete without it"]);
        let content = fs::read(fixture.upload.join(name)).unwrap();
        for length in [content.len() - 1, content.len() / 2] {
            fs::write(server.join(name), &content[..length]).unwrap();
            refuse(&mut train(&server), &[name, "truncated"]);
        }
        fs::write(server.join(name), &content[..20]).unwrap();
        refuse(&mut train(&server), &[name, "the file is truncated"]);
        let mut damaged = content.clone();
        damaged[content.len() / 2] ^= 4;
        fs::write(server.join(name), damaged).unwrap();
        refuse(&mut train(&server), &[name, "damaged"]);
        fs::copy(fixture.upload.join("job.vly"), server.join(name)).unwrap();
        refuse(&mut train(&server), &[name, "this is a file of kind \"training job\""]);
        fs::write(server.join(name), "a,b,c\n").unwrap();
        refuse(&mut train(&server), &[name]);
        assert!(!server.join("model.vly").exists() && !server.join("checkpoint.vly").exists());
    }
    let (_folder, server) = server();
    fs::remove_file(server.join("job.vly")).unwrap();
    refuse(&mut train(&server), &["there is no job.vly in this folder"]);
    refuse(&mut train(&fixture.project), &["it is a project of an owner", "upload"]);
    refuse(&mut train(Path::new("nowhere")), &["nowhere"]);
}

#[test]
fn files_of_other_parameters_keys_and_jobs() {
    let (fixture, folder) = (fixture(), folder());
    let path = |name: &str| folder.path().join(name);
    // Another ring, key and job.
    let small = ["--samples", "24", "--features", "4", "--classes", "3", "--iterations", "1"];
    volley(["init"]).args(small).arg(path("small")).assert().success().stderr(contains("two iterations"));
    volley(["keygen"]).arg(path("small")).assert().success();
    volley(["encrypt"]).args([&path("small"), &fixture.data]).assert().success();
    // The same ring and another key.
    volley(["init"]).args(SHAPE).arg(path("other")).assert().success();
    volley(["keygen"]).arg(path("other")).assert().success();
    volley(["encrypt"]).args([&path("other"), &fixture.data]).assert().success();

    for (project, words) in [("small", "other parameters"), ("other", "another key")] {
        for name in ["evaluation-keys.vly", "preconditioner.vly", "rows-00001.vly"] {
            let (_folder, server) = server();
            fs::remove_file(server.join(name)).unwrap();
            fs::hard_link(path(project).join("upload").join(name), server.join(name)).unwrap();
            refuse(&mut train(&server), &[name, words]);
        }
    }
    let output = path("model.json");
    refuse(&mut decrypt(&path("other"), &fixture.model, &output), &["another job"]);
    refuse(&mut decrypt(&path("small"), &fixture.model, &output), &["another job"]);
    // The secret key of another project.
    link_project(&path("project"));
    let words = "secret key is now";
    for (project, words) in [("small", "other parameters"), ("other", words)] {
        let secret = path("project").join("private/secret-key.vly");
        fs::remove_file(&secret).unwrap();
        fs::copy(path(project).join("private/secret-key.vly"), &secret).unwrap();
        refuse(&mut decrypt(&path("project"), &fixture.model, &output), &["secret-key.vly", words]);
        let mut rows = volley(["encrypt-rows", "-o"]);
        refuse(rows.args([&output, &path("project"), &fixture.data]), &["secret-key.vly", words]);
        let mut scores = volley(["decrypt-scores"]);
        refuse(scores.args([&path("project"), &fixture.data]), &["secret-key.vly", words]);
        assert!(!output.exists());
    }
    let mut encrypt = volley(["encrypt"]);
    encrypt.args([&path("project"), &fixture.data]).arg("--force");
    refuse(&mut encrypt, &["evaluation-keys.vly", "another secret key"]);
    let mut reuse = volley(["keygen", "--force", "--reuse-key"]);
    refuse(reuse.args([path("other"), path("small")]), &["other parameters"]);
    // The model of another job is in the way of this one's.
    let (_server_folder, server) = server();
    train(&path("small/upload")).assert().success();
    fs::copy(path("small/upload/model.vly"), server.join("model.vly")).unwrap();
    refuse(&mut train(&server), &["model.vly", "another job", "move it away"]);
    fs::rename(server.join("model.vly"), server.join("checkpoint.vly")).unwrap();
    refuse(&mut train(&server), &["checkpoint.vly", "move it away"]);
    // After one iteration there are no keys for encrypted prediction.
    let mut rows = volley(["encrypt-rows", "-o"]);
    refuse(rows.args([&path("rows.vly"), &path("small"), &fixture.data]), &["it takes two iterations"]);
}

#[test]
fn machines_that_are_too_small() {
    let (_folder, server) = server();
    refuse(train(&server).args(["--memory", "10M"]), &["training takes", "there are 10.0 MB"]);
    assert_eq!(
        names(&server),
        [".volley.lock", "evaluation-keys.vly", "job.vly", "preconditioner.vly", "rows-00001.vly"]
    );
    for threads in ["0", "1025", "many"] {
        train(&server).args(["--threads", threads]).assert().code(2).stderr(contains("--threads"));
    }
    train(&server).args(["--memory", "some"]).assert().code(2).stderr(contains("is no size"));
    train(&server).args(["--threads", "1", "--memory", "4G"]).assert().success();

    let (fixture, rows, scores) = (fixture(), server.join("rows.vly"), server.join("scores.vly"));
    volley(["encrypt-rows", "-o"]).args([&rows, &fixture.project, &fixture.data]).assert().success();
    let score =
        || volley(["score".as_ref(), server.as_os_str(), rows.as_ref(), "-o".as_ref(), scores.as_ref()]);
    refuse(score().args(["--memory", "10M"]), &["scoring these rows takes", "there are 10.0 MB"]);
    score().args(["--threads", "0"]).assert().code(2).stderr(contains("--threads"));
    assert!(!scores.exists());
    score().args(["--threads", "1", "--memory", "4G"]).assert().success();
}

/// A limit of the address space counts what is mapped as well as what is used, and is no reason to abort.
#[cfg(target_os = "linux")]
#[test]
fn address_spaces_that_are_too_small() {
    let (_folder, server) = server();
    let train = |kibibytes: usize, threads: &str| {
        let limits = format!("ulimit -v {kibibytes}");
        limited(&limits, &["train".as_ref(), server.as_ref(), "--threads".as_ref(), threads.as_ref()])
    };
    for threads in ["1", "4"] {
        for kibibytes in [60_000, 300_000, 400_000] {
            let words = ["training takes", "of memory on", threads, "thread", "there are"];
            refuse(&mut train(kibibytes, threads), &words);
        }
    }
    train(4_000_000, "2").assert().success();
}

/// A job whose parameters claim nothing: a server could have put it in the owner's folder.
#[test]
fn parameters_without_security() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    let job = include_bytes!("../../../volley-mlr/testdata/wire/training-job.vly");
    replace(&project.join("upload/job.vly"), job);
    let output = folder.path().join("output");
    let (model, data) = (&fixture().model, &fixture().data);
    refuse(&mut decrypt(&project, model, &output.with_extension("json")), &["claim no security"]);
    refuse(volley(["encrypt-rows", "-o"]).args([&output, &project, data]), &["claim no security"]);
    refuse(volley(["decrypt-scores"]).args([&project, data]), &["claim no security"]);
}

#[test]
fn one_trainer_at_a_time() {
    let (_folder, server) = server();
    let lock = File::create(server.join(".volley.lock")).unwrap();
    lock.lock().unwrap();
    let said = contains("it is awaited for 3 s").and(contains("error: "));
    train(&server).assert().code(2).stderr(said.and(contains("another volley is at work in this folder\n")));
}

/// Several programs that a launcher started without `--mpi`.
#[test]
fn programs_that_would_each_train_the_whole_job() {
    let (_folder, server) = server();
    for of_launcher in ["OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS"] {
        let before = names(&server);
        refuse(train(&server).env(of_launcher, "4"), &["4 programs were started", "volley train --mpi"]);
        assert_eq!(names(&server), before);
    }
    train(&server).env("OMPI_COMM_WORLD_SIZE", "1").assert().success();
}

#[test]
fn plans_of_machines_that_cannot_be() {
    let plan = |option: &str, value: &str| {
        volley(["plan".as_ref(), fixture().upload.as_os_str(), option.as_ref(), value.as_ref()])
    };
    for workers in ["1-4", "0", "1,20000"] {
        let said = contains("'--workers <P,...>': numbers from 1 to 16384").and(contains("such as 1,2,4"));
        plan("--workers", workers).assert().code(2).stderr(said);
    }
    let said = contains("'--bandwidth <BITS>': bits a second with their unit");
    plan("--bandwidth", "10").assert().code(2).stderr(said);
    let shown = contains("most rows").and(contains("worth it: up to"));
    plan("--workers", "1,3").assert().success().stdout(shown);
}

#[test]
fn data_that_is_not_the_plans() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    let data = folder.path().join("data.csv");
    let encrypt = || volley(["encrypt".as_ref(), project.as_os_str(), data.as_os_str(), "--force".as_ref()]);
    for (content, words) in [
        (
            "a,1,2\nb,2,3\n",
            &["the plan is for 24 rows, 4 features and 3 classes, the data has 2, 2 and 2"][..],
        ),
        ("a,1,2\na,2,3\n", &["two classes"]),
        ("a,1,x\nb,2,3\n", &["data.csv"]),
        ("", &["data.csv"]),
    ] {
        fs::write(&data, content).unwrap();
        refuse(&mut encrypt(), words);
    }
    fs::remove_file(&data).unwrap();
    refuse(&mut encrypt(), &["data.csv", "there is no such file"]);
    let untouched = fs::read(project.join("upload/job.vly")).unwrap();
    assert_eq!(untouched, fs::read(fixture().upload.join("job.vly")).unwrap());
}

#[test]
fn columns_that_say_nothing() {
    let folder = folder();
    let project = folder.path().join("project");
    link_project(&project);
    let data = folder.path().join("data.csv");
    let encrypt = || volley([OsStr::new("encrypt"), "--force".as_ref(), project.as_ref(), data.as_ref()]);
    let rows = |row: fn(usize) -> String| -> String {
        (0..24).map(|i| format!("{},{}\n", ["a", "b", "c"][i % 3], row(i))).collect()
    };
    fs::write(&data, rows(|_| "4,2,7,1".into())).unwrap();
    refuse(&mut encrypt(), &["data.csv: no column varies by more than rounding", "4 in all"]);
    // The third column, of 1e9, differs by an ulp; the fourth, of 1e12, by much more.
    let far =
        |i: usize| format!("{},7,{},{}", i % 3, 1e9 + 1.2e-7 * (i % 2) as f64, 1e12 + 0.01 * (i % 2) as f64);
    fs::write(&data, rows(far)).unwrap();
    let assert = encrypt().assert().success();
    let stderr = String::from_utf8(assert.get_output().stderr.clone()).unwrap();
    let notes: Vec<&str> = stderr.lines().filter(|line| line.starts_with("note: ")).collect();
    let note = "note: feature 3 varies by no more than the rounding of its values, and counts as constant";
    let replaced =
        "note: the earlier job is replaced: wherever it is trained, its model cannot be decrypted any more";
    assert_eq!(notes, [note, replaced]);
}

#[test]
fn plans_that_no_ring_has_room_for_and_projects_that_changed() {
    let folder = folder();
    let project = folder.path().join("project");
    let shape = |iterations| {
        ["init", "--samples", "24", "--features", "4", "--classes", "3", "--iterations", iterations]
    };
    refuse(volley(shape("1001")).arg(&project), &["at most 1,000 iterations", "--iterations 1000 would do"]);
    refuse(volley(shape("0")).arg(&project), &["at least one iteration"]);
    refuse(volley(shape("2")).args(["--memory", "1M"]).arg(&project), &["MB of memory", "; --memory 0."]);
    for ([samples, features, classes, profile], words) in [
        (["18446744073709551615", "4", "3", "standard"], "ciphertexts of features"),
        (["100000000000", "4", "3", "standard"], "ciphertexts of features"),
        (["24", "18446744073709551615", "3", "paper"], "copies of feature ciphertexts"),
        (["24", "1000000000000", "3", "paper"], "copies of feature ciphertexts"),
        (["24", "1000000000000", "3", "standard"], "too many to whiten"),
        (["24", "4", "1000000000", "standard"], "24 rows are too few for 1000000000 classes"),
    ] {
        let mut init = volley(["init", "--iterations", "2", "--samples", samples, "--features", features]);
        refuse(init.args(["--classes", classes, "--profile", profile]).arg(&project), &[words]);
    }
    assert!(!project.exists());
    refuse(volley(["keygen"]).arg(&project), &["this is no project"]);
    volley(shape("2")).arg(&project).assert().success();
    let file = project.join("project.json");
    let stored = fs::read_to_string(&file).unwrap();
    replace(&file, stored.replace("\"iterations\": 2", "\"iterations\": 3").as_bytes());
    refuse(volley(["keygen"]).arg(&project), &["changed, or made by another version"]);
    replace(&file, b"{}");
    refuse(volley(["keygen"]).arg(&project), &["project.json"]);
}

#[test]
fn damaged_files_are_shown_as_such() {
    let (_folder, server) = server();
    let file = server.join("rows-00001.vly");
    let mut content = fs::read(&file).unwrap();
    content[5000] ^= 1;
    replace(&file, &content);
    volley(["inspect"]).arg(&file).assert().code(2).stdout(contains("DAMAGED")).stderr(contains("damaged"));
    replace(&file, &content[..5000]);
    volley(["inspect"]).arg(&file).assert().code(2).stdout(contains("DAMAGED")).stderr(contains("truncated"));
    replace(&file, b"text that is long enough for a header");
    refuse(volley(["inspect"]).arg(&file), &["this is not a Volley file", "evaluate"]);
}

#[test]
fn private_files_that_are_cut_short() {
    let (fixture, folder) = (fixture(), folder());
    let path = |name: &str| folder.path().join(name);
    link_project(&path("project"));
    let state = path("project/private/owner-state.vly");
    let content = fs::read(&state).unwrap();
    replace(&state, &content[..content.len() / 2]);
    let output = path("model.json");
    refuse(
        &mut decrypt(&path("project"), &fixture.model, &output),
        &["owner-state.vly", "the file is truncated"],
    );
    volley(["encrypt-rows", "-o"]).args([&path("rows"), &fixture.project, &fixture.data]).assert().success();
    let content = fs::read(path("rows")).unwrap();
    replace(&path("rows"), &content[..content.len() / 2]);
    let mut score = volley(["score", "-o"]);
    let server = fixture.model.parent().unwrap();
    refuse(score.args([&output, server, &path("rows")]), &["rows", "the file is truncated"]);
}

#[test]
fn a_passphrase_that_no_one_can_be_asked_for() {
    let folder = folder();
    let project = folder.path().join("project");
    volley(["init"]).args(SHAPE).arg(&project).assert().success();
    let mut keygen = volley(["keygen", "--passphrase"]);
    refuse(keygen.arg(&project), &["a passphrase is needed", "--passphrase-file FILE"]);
    assert_eq!(names(&project.join("private")), Vec::<String>::new());
}

/// Results, completions and the manual alike.
#[cfg(target_os = "linux")]
#[test]
fn standard_output_that_takes_nothing() {
    let job = fixture().upload.join("job.vly");
    let inspect = ["inspect".as_ref(), job.as_os_str()];
    for arguments in [&inspect[..], &["completions".as_ref(), "bash".as_ref()], &["man".as_ref()]] {
        let mut full = Command::new("sh");
        full.args(["-c", "exec \"$0\" \"$@\" >/dev/full", env!("CARGO_BIN_EXE_volley")]).args(arguments);
        refuse(&mut full, &["nowhere to write", "No space left"]);
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut closed = std::process::Command::new(env!("CARGO_BIN_EXE_volley"));
        assert!(closed.args(arguments).stdout(writer).status().unwrap().success());
    }
}

#[cfg(unix)]
#[test]
fn a_full_disk() {
    let (fixture, folder) = (fixture(), folder());
    // Keys: neither of them is there, and the next attempt makes them.
    let project = folder.path().join("project");
    volley(["init"]).args(SHAPE).arg(&project).assert().success();
    refuse(
        &mut on_a_full_disk(1000, &["keygen".as_ref(), project.as_ref()]),
        &["evaluation-keys.vly", "too large"],
    );
    assert_eq!(names(&project.join("private")), Vec::<String>::new());
    assert_eq!(names(&project.join("upload")), [".volley.lock"]);
    // A new encryption: the old one is still complete.
    link_project(&folder.path().join("old"));
    let old = folder.path().join("old");
    let arguments = ["encrypt".as_ref(), old.as_ref(), fixture.data.as_ref(), "--force".as_ref()];
    refuse(&mut on_a_full_disk(1000, &arguments), &["preconditioner.vly", "too large"]);
    for name in
        ["upload/job.vly", "upload/rows-00001.vly", "upload/preconditioner.vly", "private/owner-state.vly"]
    {
        assert_eq!(fs::read(old.join(name)).unwrap(), fs::read(fixture.project.join(name)).unwrap());
    }
    // What an iteration leaves: the upload is as it was, and the next attempt ends with the model.
    let (_folder, server) = server();
    let assert = on_a_full_disk(100, &["train".as_ref(), server.as_ref()]).assert().code(2);
    assert.stderr(contains("model-after-1.vly: File too large"));
    assert_eq!(
        names(&server),
        [".volley.lock", "evaluation-keys.vly", "job.vly", "preconditioner.vly", "rows-00001.vly"]
    );
    train(&server).assert().success();
    assert!(fs::read(server.join("model.vly")).unwrap() == fs::read(&fixture.model).unwrap());
    // The model of an iteration, and no checkpoint for want of room: the next attempt writes both.
    fs::remove_file(server.join("model.vly")).unwrap();
    let room = fs::metadata(server.join("model-after-1.vly")).unwrap().len().div_ceil(512);
    for iteration in [1, 2] {
        fs::remove_file(server.join(format!("model-after-{iteration}.vly"))).unwrap();
    }
    let assert = on_a_full_disk(room as usize, &["train".as_ref(), server.as_ref()]).assert().code(2);
    assert.stderr(contains("checkpoint.vly: File too large"));
    assert!(server.join("model-after-1.vly").exists() && !server.join("checkpoint.vly").exists());
    train(&server).assert().success();
    assert!(fs::read(server.join("model.vly")).unwrap() == fs::read(&fixture.model).unwrap());
    // A model in clear: the one that was there stays.
    let output = folder.path().join("model.json");
    fs::write(&output, "mine").unwrap();
    let (project, model) = (fixture.project.as_ref(), fixture.model.as_ref());
    let arguments = ["decrypt".as_ref(), project, model, "-o".as_ref(), output.as_ref(), "--force".as_ref()];
    let assert = on_a_full_disk(0, &arguments).assert().code(2);
    assert.stderr(contains("model.json: File too large"));
    assert_eq!(fs::read_to_string(&output).unwrap(), "mine");
}

/// Does nothing for a user who may write everywhere.
#[cfg(unix)]
#[test]
fn a_read_only_folder() {
    use std::os::unix::fs::PermissionsExt;
    let (_folder, server) = server();
    fs::set_permissions(&server, fs::Permissions::from_mode(0o555)).unwrap();
    if File::create(server.join("probe")).is_err() {
        refuse(&mut train(&server), &["this user has not the permission to read or write there"]);
        assert_eq!(
            names(&server),
            ["evaluation-keys.vly", "job.vly", "preconditioner.vly", "rows-00001.vly"]
        );
        let output = server.join("model.json");
        refuse(
            &mut decrypt(&fixture().project, &fixture().model, &output),
            &["this user has not the permission to read or write there"],
        );
    }
    fs::set_permissions(&server, fs::Permissions::from_mode(0o755)).unwrap();
}
