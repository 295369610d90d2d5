use clap::Parser;

use super::*;

#[derive(Parser, Debug)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn parse(arguments: &[&str]) -> Result<Options, String> {
    let line = std::iter::once("experiment").chain(arguments.iter().copied());
    Line::try_parse_from(line).map(|line| line.options).map_err(|error| error.to_string())
}

#[test]
fn the_default_is_the_main_job() {
    let options = parse(&[]).unwrap();
    assert_eq!(options.features, Source::Cnn);
    assert!(options.seed.is_none());
    assert!(options.json.is_none() && options.report.is_none());
    assert!(matches!(options.profile, ProfileName::Standard));
    assert_eq!((options.samples, options.log_n), (128, RingChoice::Cheapest));
    assert_eq!((options.iterations, options.iterations.count()), (Iterations::Auto, 2));
}

#[test]
fn options_are_checked_when_they_are_read() {
    assert_eq!(parse(&["--log-n", "14"]).unwrap().log_n, RingChoice::LogN(14));
    assert_eq!(parse(&["--log-n", "auto"]).unwrap().log_n, RingChoice::Cheapest);
    assert!(parse(&["--threads", "2"]).is_ok());
    for (option, value) in [
        ("--log-n", "abc"),
        ("--log-n", "-1"),
        ("--log-n", "14.5"),
        ("--log-n", ""),
        ("--threads", "0"),
        ("--threads", "100000"),
        ("--threads", "two"),
        ("--samples", "-1"),
        ("--iterations", "1.5"),
        ("--seed", "x"),
        ("--profile", "fast"),
    ] {
        let problem = parse(&[&format!("{option}={value}")]).unwrap_err();
        assert!(problem.contains(option), "{problem}");
    }
}

#[test]
fn bounds_on_scores_and_weights_change_the_profile() {
    let settings =
        parse(&["--sigmoid-range", "10", "--weight-range", "30"]).unwrap().hyperparameters().unwrap();
    assert_eq!((settings.sigmoid().degree(), settings.weight_range()), (5, 30.0));
    assert_eq!(parse(&[]).unwrap().hyperparameters(), Hyperparameters::standard(2));
    assert!(parse(&["--sigmoid-range", "0"]).unwrap().hyperparameters().is_err());
}

#[test]
fn training_and_test_rows_of_the_embedded_data_are_apart() {
    for (source, columns) in [(Source::Cnn, 304), (Source::Pixels, 400)] {
        let data = source.load(30, None, None).unwrap();
        assert_eq!(data.training.features().dim(), (30, columns));
        assert_eq!(data.test.features().dim(), (10_000, columns));
        let images = data.images.unwrap();
        assert_eq!((images.count(), images.size()), (10_000, [28, 28]));
        let seeded = source.load(30, Some(7), None).unwrap();
        assert!(seeded.training != data.training && seeded.test == data.test);
        assert_eq!(source.load(30, Some(7), None).unwrap().training, seeded.training);
    }
}
