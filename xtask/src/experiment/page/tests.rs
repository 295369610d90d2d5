use super::*;
use crate::experiment::report::tests::report;

fn html(report: &Report) -> String {
    page(report, &Plots::new(report)).into_string()
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
