use super::*;
use crate::curves::Encrypted;
use crate::report::tests::report;

fn html(report: &Report) -> String {
    page(report, &Plots::new(report), "a command").into_string()
}

#[test]
fn the_page_needs_nothing_from_outside() {
    let page = html(&report());
    for outside in ["<script", "http:", "https:", "url(", "@import", "<link", "src=\"/"] {
        assert!(!page.contains(outside), "{outside}");
    }
    assert!(page.starts_with("<!DOCTYPE html>"));
    assert!(page.contains("Trained on 128 encrypted rows of made &lt;up&gt;: 70.34 % right</h1>"));
}

#[test]
fn images_and_large_confusion_matrices_are_left_out_where_there_are_none() {
    let full = html(&report());
    assert!(full.contains("data:image/png;base64,AAAA") && full.contains("<small> not x</small>"));
    assert!(full.contains("id=\"confusion\""));
    let mut report = report();
    report.examples.clear();
    report.classes = 290;
    let page = html(&report);
    assert!(!page.contains("<img") && !page.contains("id=\"confusion\"") && !page.contains("test rows</h2>"));
}

#[test]
fn a_run_without_security_says_so() {
    let mut report = report();
    report.parameters.security_bits = None;
    assert!(html(&report).contains("None is claimed"));
}

#[test]
fn numbers_are_grouped() {
    assert_eq!([0, 999, 1000, 10_000, 1_234_567].map(grouped), ["0", "999", "1,000", "10,000", "1,234,567"]);
}

#[test]
fn a_page_names_what_made_it_and_its_files_stand_beside_it() {
    let files = report().page("volley report").unwrap();
    let names: Vec<_> = files.iter().map(|file| &*file.name).collect();
    let plots = [
        "accuracy-test.svg",
        "accuracy-training.svg",
        "loss-test.svg",
        "loss-training.svg",
        "phases.svg",
        "ladder.svg",
        "confusion.svg",
    ];
    assert_eq!(names, [&["index.html", "report.json"], &plots[..]].concat());
    assert!(files[0].content.contains("<code>volley report</code>"));
    assert!(files[2].content.starts_with("<svg xmlns="));
}

/// The same report, of the model alone.
fn of_model() -> Report {
    let mut report = report();
    report.run = None;
    report.curves.encrypted = Encrypted::Last(report.accuracies());
    report.curves.baselines = None;
    report
}

#[test]
fn what_was_not_measured_is_said_and_not_shown() {
    let page = html(&of_model());
    assert!(page.contains("Trained on 128 encrypted rows of made &lt;up&gt;: 70.34 % right</h1>"));
    for said in ["Not measured: ", "known by the model that it ended with"] {
        assert!(page.contains(said), "{said}");
    }
    for shown in ["id=\"confusion\"", "of 10,000 test rows right", "128 bits", "31, 215.0 MB", "70.35 %"] {
        assert!(page.contains(shown), "{shown}");
    }
    let full = html(&report());
    for absent in
        ["id=\"phases\"", "id=\"ladder\"", "on the server, ", "Peak memory", "Rotations", "log Q left"]
    {
        assert!(!page.contains(absent) && full.contains(absent), "{absent}");
    }
    // Nor are the methods and figures of others of interest to its owner.
    for foreign in ["NAG", "MNIST", "HETAL", "arXiv"] {
        assert!(!page.contains(foreign) && full.contains(foreign), "{foreign}");
    }
    assert!(!full.contains("ot measured") && full.contains("on the server, 2 threads"));
}

#[test]
fn the_model_alone_is_a_point_in_the_plots_of_accuracy() {
    let points = |report: &Report, name: &str| {
        let plots = Plots::new(report);
        let plot = plots.learning.iter().find(|plot| plot.name == name).unwrap().file();
        (plot.matches("<circle class=\"dot\"").count(), plot.matches("line encrypted").count())
    };
    // One more of each in the legend.
    assert_eq!(points(&report(), "accuracy-test"), (3, 2));
    assert_eq!(points(&of_model(), "accuracy-test"), (2, 1));
    assert_eq!(points(&of_model(), "loss-test"), (0, 0));
}
