use std::fs;
use std::path::PathBuf;
use std::process::Command;

use ndarray::array;
use proptest::prelude::*;
use volley_mlr::Profile;

use super::*;

fn model(classes: &[&str], profile: Profile) -> Model {
    let features = array![[0.0, -1.5, 7.0], [4.0, 2.0, 7.0], [1.0, 0.1, 7.0]];
    let classes = ClassLabels::try_from(classes.iter().map(ToString::to_string).collect::<Vec<_>>()).unwrap();
    let weights = Array2::from_shape_fn((classes.len(), 4), |(i, j)| (i as f64 - 0.7) / (j as f64 + 0.3));
    Model::new(weights, classes, Preprocessing::fit(&features, profile)).unwrap()
}

fn written(format: ModelFormat, model: &Model) -> Vec<u8> {
    let mut out = Vec::new();
    let model = TableModel::new(model.clone(), Schema::of_features(model.preprocessing().columns())).unwrap();
    write_model(&mut out, format, &model).unwrap();
    out
}

fn written_with(format: ModelFormat, model: &TableModel) -> Vec<u8> {
    let mut out = Vec::new();
    write_model(&mut out, format, model).unwrap();
    out
}

/// A file that is gone at the end of the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str, content: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("volley-model-{}-{name}", std::process::id()));
        fs::write(&path, content).unwrap();
        Self(path)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

fn read_with(name: &str, content: &[u8]) -> Result<TableModel, ContentError> {
    let file = Scratch::new(name, content);
    read_model(&file.0).map_err(|error| *error.cause)
}

fn read(name: &str, content: &[u8]) -> Result<Model, ContentError> {
    read_with(name, content).map(|model| model.model().clone())
}

/// Three features among five columns.
fn schema() -> Schema {
    let uses = vec![Use::Dropped, Use::Feature, Use::Label, Use::Feature, Use::Feature];
    Schema::new(uses, Some(["", "é \"a\"", "kind", "b\nc", ""].map(str::to_owned).to_vec())).unwrap()
}

#[test]
fn models_are_read_back_bit_for_bit() {
    for profile in [Profile::Paper, Profile::Standard] {
        for classes in [&["3", "-5"][..], &["03", "5"], &["hé", "x,\"y\"", "日本"]] {
            let model = model(classes, profile);
            for format in [ModelFormat::Json, ModelFormat::Npz] {
                let read = read("round", &written(format, &model)).unwrap();
                let bits = |model: &Model| model.weights().mapv(f64::to_bits);
                assert_eq!((&read, bits(&read)), (&model, bits(&model)));
            }
        }
    }
}

#[test]
fn what_scores_say_is_kept() {
    for kind in [ScoreKind::OneAgainstRest, ScoreKind::LogPosterior] {
        let model = model(&["a", "b"], Profile::Standard).with_score_kind(kind);
        for format in [ModelFormat::Json, ModelFormat::Npz] {
            assert_eq!(read("kind", &written(format, &model)).unwrap().score_kind(), kind);
        }
    }
}

#[test]
fn a_model_that_may_be_shared_stays_marked_and_one_without_a_mark_is_private() {
    let flooded = Sharing::Flooded { statistical_bits: 40, decryptions: 3, deviation: 1.25e-7 };
    let private = model(&["a", "b"], Profile::Standard);
    for format in [ModelFormat::Json, ModelFormat::Npz] {
        let shared = written(format, &private.clone().marked(flooded));
        assert_eq!(read("shared", &shared).unwrap().sharing(), flooded);
        assert_eq!(read("private", &written(format, &private)).unwrap().sharing(), Sharing::Private);
    }
    let marks = |model: &Model| {
        let content = written(ModelFormat::Npz, model);
        let npz = crate::npz::Npz::open(Path::new("npz"), Box::new(std::io::Cursor::new(&content))).unwrap();
        ["private_", "flooding_"].map(|name| npz.has(name))
    };
    assert_eq!(marks(&private), [true, false]);
    assert_eq!(marks(&private.clone().marked(flooded)), [false, true]);
    let unmarked = String::from_utf8(written(ModelFormat::Json, &private)).unwrap();
    let unmarked = unmarked.replace(",\"sharing\":\"private\"", "");
    assert!(!unmarked.contains("sharing"));
    assert_eq!(read("unmarked", unmarked.as_bytes()).unwrap().sharing(), Sharing::Private);
    let mut npz = crate::npz::NpzWriter::new();
    npz.add_numbers("coef_", &[2, 1], &[1.0, 2.0]).unwrap();
    npz.add_numbers("intercept_", &[2], &[1.0, 2.0]).unwrap();
    npz.add_numbers("classes_", &[2], &[1.0, 2.0]).unwrap();
    npz.add_numbers("flooding_", &[2], &[40.0, 3.0]).unwrap();
    let mut content = Vec::new();
    npz.finish(&mut content).unwrap();
    assert!(read("short", &content).is_err());
}

#[test]
fn columns_are_read_back() {
    let unnamed = Schema::new(schema().uses().to_vec(), None).unwrap();
    for schema in [schema(), unnamed, Schema::of_features(3)] {
        let model = TableModel::new(model(&["a", "b"], Profile::Standard), schema).unwrap();
        for format in [ModelFormat::Json, ModelFormat::Npz] {
            assert_eq!(read_with("columns", &written_with(format, &model)).unwrap(), model);
        }
    }
    let few = TableModel::new(model(&["a", "b"], Profile::Paper), Schema::of_features(2));
    let shape = ContentError::ModelShape { part: "columns (features)", found: 2, expected: 3 };
    assert_eq!(few, Err(shape));
}

#[test]
fn columns_that_are_none() {
    let model = TableModel::new(model(&["a", "b"], Profile::Paper), schema()).unwrap();
    let good = String::from_utf8(written_with(ModelFormat::Json, &model)).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        read_with("json", good.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    let json = |error: ContentError, words: &str| {
        let ContentError::Json { message } = error else { panic!("{error}") };
        assert!(message.contains(words), "{message}");
    };
    json(changed("\"dropped\"", "\"kept\""), "unknown variant `kept`");
    json(changed("\"dropped\"", "\"label\""), "2 columns have the labels");
    json(changed("\"dropped\",", ""), "the names of columns has 5 entries, expected are 4");
    let shape = ContentError::ModelShape { part: "columns (features)", found: 4, expected: 3 };
    assert_eq!(changed("\"dropped\"", "\"feature\""), shape);
    // In NPZ.
    let archive = |uses: &[&str], names: Option<&[&str]>| {
        let texts = |texts: &[&str]| texts.iter().map(ToString::to_string).collect::<Vec<_>>();
        let mut npz = crate::npz::NpzWriter::new();
        npz.add_numbers("coef_", &[2, 1], &[1.0, 2.0]).unwrap();
        npz.add_numbers("intercept_", &[2], &[1.0, 2.0]).unwrap();
        npz.add_labels("classes_", &texts(&["1", "2"])).unwrap();
        npz.add_texts("column_uses_", &texts(uses)).unwrap();
        names.iter().for_each(|names| npz.add_texts("column_names_", &texts(names)).unwrap());
        let mut content = Vec::new();
        npz.finish(&mut content).unwrap();
        read_with("columns.npz", &content)
    };
    assert!(archive(&["label", "feature"], Some(&["a", "b"])).is_ok());
    assert_eq!(archive(&["feature", "kept"], None), Err(ContentError::ColumnUse { text: "kept".into() }));
    assert_eq!(archive(&["label", "label"], None), Err(ContentError::LabelColumns { count: 2 }));
    let names = ContentError::ModelShape { part: "the names of columns", found: 1, expected: 2 };
    assert_eq!(archive(&["label", "feature"], Some(&["a"])), Err(names));
}

/// Files of every version of the format are read, and the newest is written again as the same bytes.
#[test]
fn golden_files() {
    let read = |name: &str| {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata").join(name);
        (read_model(&path).unwrap(), fs::read(path).unwrap())
    };
    let (first, _) = read("model-1.json");
    assert_eq!(first.schema(), &Schema::of_features(2));
    let names = ["row", "width", "kind", "height"].map(str::to_owned).to_vec();
    let uses = vec![Use::Dropped, Use::Feature, Use::Label, Use::Feature];
    let schema = Schema::new(uses, Some(names)).unwrap();
    for name in ["model-2.json", "model-2.npz"] {
        let (model, _) = read(name);
        assert_eq!((model.model(), model.schema()), (first.model(), &schema), "{name}");
    }
    let recoded = first.model().clone().with_score_kind(ScoreKind::LogPosterior);
    for (name, format) in [("model-3.json", ModelFormat::Json), ("model-3.npz", ModelFormat::Npz)] {
        let (model, bytes) = read(name);
        assert_eq!((model.model(), model.schema()), (&recoded, &schema), "{name}");
        assert_eq!(written_with(format, &model), bytes, "{name}");
    }
}

proptest! {
    #[test]
    fn any_weights_are_read_back(
        values in prop::array::uniform4(prop::num::f64::NORMAL | prop::num::f64::SUBNORMAL | prop::num::f64::ZERO),
    ) {
        let classes = ClassLabels::try_from(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let weights = Array2::from_shape_vec((2, 2), values.to_vec()).unwrap();
        let model = Model::new(weights, classes, Preprocessing::raw(1)).unwrap();
        for format in [ModelFormat::Json, ModelFormat::Npz] {
            let read = read("any", &written(format, &model)).unwrap();
            prop_assert_eq!(read.weights().mapv(f64::to_bits), model.weights().mapv(f64::to_bits));
        }
    }
}

#[test]
fn the_json_schema_is_fixed() {
    let classes = ClassLabels::try_from(vec!["a".to_owned(), "b".to_owned()]).unwrap();
    let statistics = Standardisation { square_root: true, mean: 0.5, inverse_deviation: 2.0 };
    let preprocessing = Preprocessing::standard(vec![statistics]).unwrap();
    let model = Model::new(array![[1.0, 0.1], [2.0, -3.0]], classes, preprocessing).unwrap();
    assert_eq!(
        String::from_utf8(written(ModelFormat::Json, &model)).unwrap(),
        "{\"format\":\"volley model\",\"version\":3,\"classes\":[\"a\",\"b\"],\"coef\":[[0.1],[-3.0]],\
         \"intercept\":[1.0,2.0],\"preprocessing\":{\"square_root\":[true],\"mean\":[0.5],\
         \"inverse_deviation\":[2.0],\"clip\":4.0},\"sharing\":\"private\",\"scores\":\"one_against_rest\",\
         \"columns\":null}\n"
    );
}

#[test]
fn json_that_is_no_model() {
    let good = String::from_utf8(written(ModelFormat::Json, &model(&["a", "b"], Profile::Standard))).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        read("json", good.replacen(from, to, 1).as_bytes()).unwrap_err()
    };
    assert_eq!(changed("volley model", "other"), ContentError::Format { expected: "a model" });
    assert_eq!(changed("\"version\":3", "\"version\":4"), ContentError::Version { found: 4, supported: 3 });
    assert_eq!(changed("\"version\":3", "\"version\":0"), ContentError::Version { found: 0, supported: 3 });
    assert!(matches!(changed("{", "["), ContentError::Json { .. }));
    assert!(matches!(changed("\"mean\"", "\"means\""), ContentError::Json { .. }));
    assert_eq!(changed("[\"a\",", "["), ContentError::ModelShape { part: "coef", found: 2, expected: 1 });
    let ragged = ContentError::ModelShape { part: "a row of coef", found: 3, expected: 4 };
    assert_eq!(changed("[[", "[[0.5,"), ragged);
    let intercept = ContentError::ModelShape { part: "intercept", found: 3, expected: 2 };
    assert_eq!(changed("\"intercept\":[", "\"intercept\":[1,"), intercept);
    let mean = ContentError::ModelShape { part: "mean", found: 4, expected: 3 };
    assert_eq!(changed("\"mean\":[", "\"mean\":[1,"), mean);
    assert_eq!(changed("\"clip\":4.0", "\"clip\":5.0"), ContentError::Clip { found: 5.0, supported: 4.0 });
    let twice = volley_mlr::Error::DuplicateClass { label: "a".into() };
    assert_eq!(changed("\"b\"", "\"a\""), ContentError::Model(twice));
    let negative = volley_mlr::Error::Statistics { column: 0 };
    assert_eq!(changed("\"inverse_deviation\":[", "\"inverse_deviation\":[-"), ContentError::Model(negative));
}

#[test]
fn archives_that_are_no_models() {
    let good = written(ModelFormat::Npz, &model(&["a", "b"], Profile::Standard));
    let renamed = |name: &str| {
        let mut content = good.clone();
        for start in 0..content.len() - name.len() {
            if content[start..].starts_with(name.as_bytes()) {
                content[start] = b'?';
            }
        }
        read("renamed.npz", &content).unwrap_err()
    };
    for name in ["coef_", "intercept_", "classes_", "mean_", "square_root_", "clip_"] {
        assert!(matches!(renamed(name), ContentError::MissingArray { name: missing, .. } if missing == name));
    }
    for end in (0..good.len()).step_by(37) {
        assert!(read("cut.npz", &good[..end]).is_err(), "{end}");
    }
}

#[test]
fn classes_that_do_not_stay_on_one_line() {
    let good = written(ModelFormat::Json, &model(&["a", "b"], Profile::Paper));
    let good = String::from_utf8(good).unwrap();
    for (escaped, label) in [("b\\nc", "b\nc"), ("b\\u0000", "b\0"), ("\\u2028", "\u{2028}"), (" ", " ")] {
        let content = good.replacen("\"b\"", &format!("\"{escaped}\""), 1);
        let error = volley_mlr::Error::ClassName { label: label.into() };
        assert_eq!(read("name", content.as_bytes()), Err(ContentError::Model(error)));
    }
    let mut npz = crate::npz::NpzWriter::new();
    npz.add_numbers("coef_", &[2, 1], &[1.0, 2.0]).unwrap();
    npz.add_numbers("intercept_", &[2], &[1.0, 2.0]).unwrap();
    npz.add_labels("classes_", &["a".into(), "b\rc".into()]).unwrap();
    let mut content = Vec::new();
    npz.finish(&mut content).unwrap();
    let error = volley_mlr::Error::ClassName { label: "b\rc".into() };
    assert_eq!(read("name.npz", &content), Err(ContentError::Model(error)));
}

#[test]
fn models_have_a_limit() {
    let mut npz = crate::npz::NpzWriter::new();
    npz.add("coef_", "|u1", &[1 << 14, 1 << 11], [vec![0; 8]]).unwrap();
    let mut content = Vec::new();
    npz.finish(&mut content).unwrap();
    let error = ContentError::Memory { needed: 1 << 28, limit: LIMIT };
    assert_eq!(read("large.npz", &content), Err(error));
}

#[test]
fn files_of_other_kinds_are_told_from_models_with_mistakes() {
    for (content, found) in [
        (&b""[..], "an empty file"),
        (b"label,a\nx,1\n", "a table in text, such as CSV"),
        (b"hello", "a text"),
        (b"\xff\xd8\xff", "a file of another format"),
    ] {
        assert_eq!(read("x", content), Err(ContentError::NotAModel { found }));
    }
    assert!(matches!(read("x", b" {\"format\": 1,}"), Err(ContentError::Json { .. })));
}

#[test]
fn a_missing_file_is_named() {
    let error = read_model(Path::new("no/such.json")).unwrap_err();
    assert!(error.to_string().starts_with("no/such.json: No such file"), "{error}");
}

#[test]
fn formats_by_name() {
    assert_eq!(ModelFormat::of(Path::new("m.json")), Ok(ModelFormat::Json));
    assert_eq!(ModelFormat::of(Path::new("m.NPZ")), Ok(ModelFormat::Npz));
    assert_eq!(ModelFormat::of(Path::new("m.csv")), Err(ContentError::ModelName.in_file(Path::new("m.csv"))));
}

/// The page's own program, run by Python with NumPy where there is one.
#[test]
fn numpy_predicts_as_the_page_says() {
    let python = std::env::var("VOLLEY_PYTHON").unwrap_or_else(|_| "python3".into());
    let has_numpy = Command::new(&python).args(["-c", "import numpy"]).output();
    if !has_numpy.is_ok_and(|output| output.status.success()) {
        println!("skipped: no python3 with NumPy");
        return;
    }
    let page = include_str!("../../../../docs/data.md");
    let program = page.split_once("```python\n").unwrap().1.split_once("```").unwrap().0;
    let features = array![[-1.0, 3.0, 6.0], [0.25, -0.5, 7.0], [1e4, -1e4, 8.0]];
    for (classes, profile) in [(&["1", "20"][..], Profile::Paper), (&["hé", "x", "y"], Profile::Standard)] {
        let model = model(classes, profile);
        let file = Scratch::new("numpy.npz", &written(ModelFormat::Npz, &model));
        let script = program.replace("\"model.npz\"", &format!("{:?}", file.0.to_str().unwrap()));
        let script = format!(
            "X = __import__('numpy').array({:?})\n{script}\nfor label, row in zip(labels, scores): print(label, *row)",
            features.rows().into_iter().map(|row| row.to_vec()).collect::<Vec<_>>()
        );
        let output =
            Command::new(&python).env("PYTHONIOENCODING", "utf-8").args(["-c", &script]).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).unwrap();
        let (labels, scores) = (model.predict(&features).unwrap(), model.scores(&features).unwrap());
        assert_eq!(text.lines().count(), 3);
        for ((line, label), scores) in text.lines().zip(labels).zip(scores.rows()) {
            let mut words = line.split(' ');
            assert_eq!(words.next(), Some(label));
            for (word, score) in words.zip(scores) {
                let found: f64 = word.parse().unwrap();
                assert!((found - score).abs() <= 1e-12 * score.abs().max(1.0), "{found} {score}");
            }
        }
    }
}
