use ndarray::Array2;
use volley_data::Use;
use volley_mlr::volley_revolver::Shape;

use super::*;

/// Rows of classes with so many each, one column apart.
fn rows(counts: &[usize], apart: f64) -> Dataset {
    let labels: Vec<usize> =
        counts.iter().enumerate().flat_map(|(class, &count)| vec![class; count]).collect();
    let features = Array2::from_shape_fn((labels.len(), 3), |(row, column)| {
        let noise = ((row * 37 + column * 11) * 29 % 101) as f64 / 50.0 - 1.0;
        noise + if column == 0 { apart * labels[row] as f64 } else { 0.0 }
    });
    Dataset::new(features, labels.iter().map(|label| format!("c{label}"))).unwrap()
}

fn settings(iterations: usize) -> Settings {
    Settings { iterations, ..Settings::of(8, 3, 2) }
}

fn run(data: &Dataset, settings: &Settings) -> InClear {
    let shape = Shape { samples: data.samples(), columns: data.features().ncols() + 1, classes: 2 };
    let shape = Shape { classes: ClassLabels::of(data.labels()).unwrap().len(), ..shape };
    let layout = Layout::new(shape, 1 << 12).unwrap();
    let set = TrainingSet::new(data, settings.hyperparameters().unwrap().profile()).unwrap();
    Rehearsal::new(settings, &set, None).unwrap().run(Some((data, layout))).unwrap()
}

#[test]
fn classes_that_are_missed_and_rows_that_are_fitted_too_well_get_advice() {
    let good = run(&rows(&[40, 40], 4.0), &settings(2));
    assert_eq!((good.advice.len(), good.refusal.as_ref()), (0, None));
    let rare = run(&rows(&[200, 6], 0.9), &settings(2));
    assert!(rare.advice.iter().any(|advice| advice.contains("\"c1\"") && advice.contains("--class-weight")));
    let shareable = run(&rows(&[200, 6], 0.9), &Settings { shareable: true, ..settings(2) });
    assert!(!shareable.advice.iter().any(|advice| advice.contains("--class-weight")));
    // Ten rows of each class, twelve columns of noise.
    let noise = Array2::from_shape_fn((20, 12), |(i, j)| ((i * 131 + j * 71 + i * j * 17) % 97) as f64);
    let noise = Dataset::new(noise, (0..20).map(|row| ["a", "b"][row % 2])).unwrap();
    let fitted = run(&noise, &settings(4));
    assert!(fitted.advice.iter().any(|advice| advice.contains("--drop")), "{fitted:?}");
    // Equal classes that are missed are not to be weighted.
    let noise = Array2::from_shape_fn((60, 2), |(i, j)| ((i * 131 + j * 71 + i * j * 17) % 97) as f64);
    let noise = Dataset::new(noise, (0..60).map(|row| (row % 6).to_string())).unwrap();
    let equal = run(&noise, &settings(2));
    assert!(!equal.advice.iter().any(|advice| advice.contains("--class-weight")), "{equal:?}");
}

#[test]
fn classes_of_which_no_row_is_held_out_are_counted() {
    let shown = |counts: &[usize]| run(&rows(counts, 4.0), &settings(2)).to_string();
    assert!(shown(&[40, 40, 1]).contains(" % (rows held out, none of 1 other)"));
    assert!(shown(&[40, 40]).contains(" % (rows held out)"));
}

#[test]
fn very_unequal_amounts_get_advice() {
    let data = rows(&[40, 40], 4.0);
    let names = ["income", "b", "c", "kind"].map(str::to_owned).into();
    let uses = vec![Use::Feature, Use::Feature, Use::Feature, Use::Label];
    let schema = Schema::new(uses, Some(names)).unwrap();
    let advice = |data: &Dataset| {
        let found = run(data, &settings(2)).with_advice_on_logarithms(data, &schema);
        found.advice.into_iter().filter(|advice| advice.contains("numpy.log")).collect::<Vec<_>>()
    };
    assert_eq!(advice(&data), Vec::<String>::new());
    let mut features = data.features().clone();
    features.column_mut(0).mapv_inplace(|value| (6.0 * value).exp());
    let unequal = Dataset::new(features, data.labels().iter().cloned()).unwrap();
    assert!(
        matches!(&advice(&unequal)[..], [only] if only.contains("\"income\"") && !only.contains("\"b\""))
    );
}

#[test]
fn a_score_that_is_far_out_is_short() {
    let shown = [2.44, 999_999.0, 1.5e234, f64::INFINITY].map(shown_score);
    assert_eq!(shown, ["2.4", "999999.0", "1.5e234", "inf"]);
}

#[test]
fn a_model_is_shown_beside_the_most_frequent_class() {
    let noise = Array2::from_shape_fn((90, 2), |(i, j)| ((i * 131 + j * 71 + i * j * 17) % 97) as f64);
    let noise = Dataset::new(noise, (0..90).map(|row| ["a", "b", "c"][row % 3])).unwrap();
    let found = run(&noise, &settings(2));
    let held_out = found.held_out_rows.as_ref().unwrap();
    assert!((held_out.most_frequent_class - 1.0 / 3.0).abs() < 0.02, "{found}");
    assert!(found.to_string().contains("% by always naming the most frequent class"), "{found}");
    assert!(!run(&rows(&[40, 40], 4.0), &settings(2)).to_string().contains("by chance"));
    // No line parts the quarters of a square that lie across from each other from the other two.
    let square = Array2::from_shape_fn((400, 2), |(i, j)| [i % 20, i / 20][j] as f64);
    let across = |row: usize| ["a", "b"][usize::from((row % 20 < 10) != (row / 20 < 10))];
    let square = Dataset::new(square, (0..400).map(across)).unwrap();
    let found = run(&square, &settings(2)).to_string();
    assert!(found.contains("hardly better than by chance"), "{found}");
    let features = Array2::from_shape_fn((48, 2), |(i, j)| ((i * 131 + j * 71) % 97) as f64);
    let amounts = Dataset::new(features, (0..48).map(|row| (row % 24).to_string())).unwrap();
    let found = run(&amounts, &settings(2));
    assert!(matches!(&found.advice[..], [only] if only.contains("hardly classes")), "{found:?}");
    // Numbers with many rows each are amounts all the same where hardly any is predicted, and texts are classes.
    let features = Array2::from_shape_fn((240, 2), |(i, j)| ((i * 131 + j * 71) % 97) as f64);
    for (prefix, are_amounts) in [("", true), ("k", false)] {
        let labels = (0..240).map(|row| format!("{prefix}{}", row % 24));
        let found = run(&Dataset::new(features.clone(), labels).unwrap(), &settings(2));
        assert_eq!(found.advice.iter().any(|only| only.contains("hardly classes")), are_amounts, "{found:?}");
    }
}

#[test]
fn what_is_named_keeps_scores_in_range() {
    let data = rows(&[60, 60], 5.0);
    let narrow = Settings { sigmoid_degree: Some(3), sigmoid_range: Some(1.0), ..settings(4) };
    let found = run(&data, &narrow);
    let refusal = found.refusal.as_ref().unwrap();
    assert!(
        refusal.contains("--sigmoid-range 12 without --sigmoid-degree (`volley try`, `volley init`)"),
        "{refusal}"
    );
    let mended = Settings { sigmoid_degree: None, sigmoid_range: Some(12.0), ..settings(4) };
    assert_eq!(run(&data, &mended).refusal, None);
    let refused = found.check(Path::new("x.csv"), false).unwrap_err().to_string();
    assert!(refused.starts_with("x.csv: ") && refused.ends_with("; --force goes on all the same"));
    assert!(found.check(Path::new("x.csv"), true).is_ok());
}

#[test]
fn a_training_that_diverges_is_refused_as_such_and_has_no_advice() {
    let fast = Settings { learning_rate: Some(1e6), ..settings(8) };
    let found = run(&rows(&[30, 30], 1.0), &fast);
    assert!(found.diverges && found.advice.is_empty());
    let refusal = found.refusal.as_ref().unwrap();
    assert!(refusal.starts_with("training diverges") && refusal.contains("--learning-rate 1 ("), "{refusal}");
}

#[test]
fn of_many_classes_the_lowest_recalls_are_shown() {
    let data = rows(&[8; 12], 6.0);
    let found = run(&data, &settings(2)).compared(&data, None).unwrap();
    assert_eq!(found.training_rows.classes.len(), 12);
    let shown = found.to_string();
    let recalls = shown.lines().find(|line| line.starts_with("recall")).unwrap();
    assert!(recalls.contains("the lowest: ") && recalls.matches(" %").count() == 8, "{shown}");
    assert!(shown.contains("% of those held out by logistic regression in clear, converged"));
    // No row of one class can be held out, and no other model is made.
    let single = Dataset::new(Array2::eye(3), ["a", "b", "c"]).unwrap();
    let found = run(&single, &settings(1)).compared(&single, None).unwrap();
    assert!(found.held_out_rows.is_none());
    assert!(found.to_string().contains("% of those trained on by logistic regression"));
}
