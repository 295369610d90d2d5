use volley_mlr::{Hyperparameters, TrainingSet};

use super::*;

#[test]
fn the_embedded_images_are_mnist() {
    let (training, test) = load_mnist().unwrap();
    assert_eq!((training.samples(), training.features().dim()), (1024, (1024, 400)));
    assert_eq!((test.samples(), test.features().dim()), (10_000, (10_000, 400)));
    assert_eq!(training.labels()[..10].join(""), "5041921314");
    assert_eq!(test.labels()[..10].join(""), "7210414959");
    let mut digits = test.labels().to_vec();
    digits.sort();
    digits.dedup();
    assert_eq!(digits.join(""), "0123456789");
    assert!(test.features().iter().all(|&pixel| (0.0..=1.0).contains(&pixel)));
    // A handwritten digit covers about a quarter of the centre.
    let mean = test.features().mean().unwrap();
    assert!((0.2..0.3).contains(&mean), "{mean}");
}

#[test]
fn the_embedded_features_are_of_the_embedded_images() {
    let ((training, test), (pixels, test_pixels)) = (load_features().unwrap(), load_mnist().unwrap());
    assert_eq!((training.features().dim(), test.features().dim()), ((8192, 304), (10_000, 304)));
    assert_eq!(training.labels()[..1024], pixels.labels()[..]);
    assert_eq!(test.labels(), test_pixels.labels());
}

#[test]
fn the_default_experiment_reaches_five_of_six_in_clear() {
    let Data { training, test, .. } = Source::Cnn.load(128, None, None).unwrap();
    let settings = Hyperparameters::standard(2).unwrap();
    let set = TrainingSet::new(&training, settings.profile()).unwrap();
    let last = set.reference(&settings).last().unwrap();
    let accuracy = set.model(last.weights).unwrap().accuracy(&test).unwrap();
    assert!(accuracy > 5.0 / 6.0, "{accuracy}");
}

#[test]
fn sources_by_name() {
    let source = |text: &str| text.parse::<Source>().unwrap();
    assert_eq!(source("cnn"), Source::Cnn);
    assert_eq!(source("pixels"), Source::Pixels);
    assert_eq!(source("./pixels"), Source::File("./pixels".into()));
}

#[test]
fn columns_without_ink_in_the_first_128_images() {
    let (training, _) = load_mnist().unwrap();
    let first = training.select(&Vec::from_iter(0..128)).unwrap();
    assert_eq!(
        first.features().columns().into_iter().filter(|column| column.iter().all(|&x| x == 0.0)).count(),
        5
    );
}

#[test]
fn without_a_seed_the_first_rows_are_trained_on() {
    assert_eq!(select(5, 3, None).unwrap(), (vec![0, 1, 2], vec![3, 4]));
    assert_eq!(select(2, 2, None).unwrap(), (vec![0, 1], vec![]));
}

#[test]
fn a_seed_chooses_other_rows_and_the_same_each_time() {
    let (chosen, rest) = select(1000, 100, Some(7)).unwrap();
    assert_eq!(select(1000, 100, Some(7)).unwrap(), (chosen.clone(), rest.clone()));
    assert_ne!(select(1000, 100, Some(8)).unwrap().0, chosen);
    assert!(rest.is_sorted());
    let mut all = [chosen, rest].concat();
    all.sort_unstable();
    assert_eq!(all, (0..1000).collect::<Vec<_>>());
}

#[test]
fn only_rows_that_exist_can_be_chosen() {
    let message = |samples| select(5, samples, None).unwrap_err().to_string();
    assert_eq!(message(6), "6 samples asked for, but the data has 5 rows");
    assert_eq!(message(0), "at least one sample is needed");
}

#[test]
fn a_file_of_test_rows_leaves_the_rest_for_validation() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, content: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, content).unwrap();
        path
    };
    let rows = file("rows.csv", "label,x,y\na,1,2\nb,3,4\na,5,6\n");
    let test = file("test.csv", "label,x,y\nb,7,8\n");
    let narrow = file("narrow.csv", "label,x\nb,7\n");
    let load = |samples, test| Source::File(rows.clone()).load(samples, None, test);
    let data = load(2, Some(&*test)).unwrap();
    assert_eq!((data.training.labels().join(""), data.test.labels().join("")), ("ab".into(), "b".into()));
    assert_eq!(data.validation.unwrap().labels(), ["a"]);
    assert!(load(3, Some(&*test)).unwrap().validation.is_none());
    let data = load(2, None).unwrap();
    assert_eq!((data.test.labels().join(""), data.validation.is_none()), ("a".into(), true));
    let message = |result: Result<Data>| result.unwrap_err().to_string();
    assert!(message(load(3, None)).ends_with("rows.csv: all 3 rows are trained on, none is left to test"));
    assert!(
        message(load(2, Some(&*narrow))).ends_with("narrow.csv: 1 features, but the training rows have 2")
    );
    let embedded = message(Source::Cnn.load(2, None, Some(&*test)));
    assert!(embedded.ends_with("test.csv: the embedded data has test rows of its own"), "{embedded}");
}
