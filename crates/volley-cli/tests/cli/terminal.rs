//! What a terminal gets: no control character of a name that someone else chose.

use std::process::Command;

use crate::setup::{Files, volley};

const NAME: &str = "evil\u{1b}[31m\u{9b}1m\u{7}";
const SPELT_OUT: &str = "evil\\u{1b}[31m\\u{9b}1m\\u{7}";
const MODEL: &str = r#"{"format": "volley model", "version": 2, "classes": ["a", "b"], "coef": [[1], [-1]],
    "intercept": [0, 0], "preprocessing": null}"#;

/// Two models, one of them with control characters in its name, and rows.
fn files() -> (Files, [std::path::PathBuf; 3]) {
    let files = Files::with(MODEL);
    let evil = files.write(&format!("{NAME}.json"), MODEL);
    let rows = files.write("rows.csv", "a,1\nb,-1\n");
    let paths = [files.path("model.json"), evil, rows];
    (files, paths)
}

/// `script` runs a command on a terminal of its own and copies what it shows.
#[test]
fn results_on_a_terminal_have_names_spelt_out() {
    let (_files, paths) = files();
    let mut command = Command::new("script");
    command.args(["-qec", r#""$VOLLEY" evaluate "$MODEL" "$EVIL" "$ROWS""#, "/dev/null"]);
    command.env("VOLLEY", env!("CARGO_BIN_EXE_volley"));
    command.envs(["MODEL", "EVIL", "ROWS"].iter().zip(&paths));
    let Ok(output) = command.output() else {
        println!("skipped: no program `script`");
        return;
    };
    let shown = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && shown.contains(SPELT_OUT), "{shown}");
    assert!(!shown.contains("evil\u{1b}") && !shown.contains(['\u{9b}', '\u{7}']), "{shown}");
}

#[test]
fn results_for_other_programs_have_names_as_they_are() {
    let (_files, paths) = files();
    let assert = volley(["evaluate"]).args(paths).assert().success();
    assert!(String::from_utf8_lossy(&assert.get_output().stdout).contains(NAME));
}

/// The arguments are quoted in what clap says of them.
#[test]
fn a_command_line_that_cannot_be_read_is_quoted_without_control_characters() {
    for arguments in [&["inspect", "a", NAME][..], &[NAME], &["init", "--log-n", NAME], &["try", "--drop"]] {
        let assert = volley(arguments).assert().code(2).stdout("");
        let shown = String::from_utf8_lossy(&assert.get_output().stderr);
        assert!(shown.starts_with("error: ") && shown.ends_with('\n'), "{shown}");
        assert!(!shown.contains(|c: char| c.is_control() && c != '\n'), "{shown:?}");
        // What begins a sequence of a terminal is left out where clap quotes, the rest is spelt out.
        assert_eq!(shown.contains("\\u{9b}1m"), arguments.contains(&NAME), "{shown}");
    }
}
