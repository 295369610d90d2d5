//! Every error, with the file that it names.

use image::GrayImage;
use volley_features::{FeatureError, ImageSource, extract};

use super::*;

fn load(model: &Path, text: &str) -> FeatureError {
    let folder = tempfile::tempdir().unwrap();
    Backbone::load(model, recipe(&folder, text)).unwrap_err()
}

fn tiny_with(from: &str, to: &str) -> FeatureError {
    assert!(RECIPE.contains(from));
    load(&testdata("tiny.onnx"), &RECIPE.replace(from, to))
}

#[test]
fn models() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("broken.onnx");
    assert!(matches!(load(&path, RECIPE), FeatureError::Io { path: found, .. } if found == path));
    let whole = fs::read(testdata("tiny.onnx")).unwrap();
    for content in [&b"no model"[..], &whole[..whole.len() / 2]] {
        fs::write(&path, content).unwrap();
        let error = load(&path, RECIPE);
        assert!(matches!(&error, FeatureError::Model { path: found, .. } if *found == path), "{error}");
    }
}

/// A model comes from elsewhere: whatever is in it, it runs or is refused.
#[test]
fn a_damaged_model_runs_or_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, whole) = (folder.path().join("damaged.onnx"), fs::read(testdata("tiny.onnx")).unwrap());
    let digits = test_digits();
    let mut state = 1_u64;
    let mut random = |below: usize| {
        // A linear congruence: all it has to be is different every time.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 33) as usize % below
    };
    for _ in 0..500 {
        let mut content = whole.clone();
        for _ in 0..=random(3) {
            let place = random(content.len());
            content[place] = match random(3) {
                0 => random(256) as u8,
                1 => content[place] ^ (1 << random(8)),
                _ => 0xff,
            };
        }
        if random(8) == 0 {
            content.truncate(random(whole.len()));
        }
        fs::write(&path, &content).unwrap();
        match Backbone::load(&path, recipe(&folder, RECIPE)) {
            Ok(backbone) => drop(extract(&backbone, &digits, 0..1, |_| {})),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }
}

/// The rest of the reasons is in `operators.rs`.
#[test]
fn models_that_would_be_computed_otherwise_or_take_too_much() {
    let operator = |name: &str| load(&testdata("operators").join(name), RECIPE);
    let error = operator("resize13_cubic_half_pixel.onnx");
    assert!(
        matches!(
            &error,
            FeatureError::Node { node, operator, .. } if node == "resize_features" && operator == "Resize"
        ),
        "{error}"
    );
    let error = operator("huge_expand.onnx");
    assert!(
        matches!(
            &error,
            FeatureError::ModelSize { node, bytes: 4_398_046_511_104, limit: 2_147_483_648, .. } if node == "expand_c"
        ),
        "{error}"
    );
}

/// Lengths beyond the file, graphs within graphs, and many parts of two bytes: nothing that takes memory or the stack.
#[test]
fn files_that_are_made_to_harm_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("harmful.onnx");
    let field = |tag: u8, content: &[u8]| {
        let mut length = content.len();
        let mut bytes = vec![tag << 3 | 2];
        while length > 127 {
            bytes.push(length as u8 | 128);
            length >>= 7;
        }
        bytes.push(length as u8);
        [bytes, content.to_vec()].concat()
    };
    // A graph that says it has 2⁶² bytes.
    let long = [&[7 << 3 | 2][..], &[0x80; 8], &[0x40]].concat();
    let nested = (0..2000).fold(Vec::new(), |graph, _| field(1, &field(5, &field(6, &graph))));
    let many = field(7, &[1 << 3 | 2, 0].repeat(1 << 21));
    for (content, reason) in [(long, "not an ONNX file"), (field(7, &nested), "IR version"), (many, "parts")]
    {
        fs::write(&path, content).unwrap();
        let error = load(&path, RECIPE);
        assert!(matches!(&error, FeatureError::Model { message, .. } if message.contains(reason)), "{error}");
    }
}

#[test]
fn what_is_no_regular_file() {
    let folder = tempfile::tempdir().unwrap();
    let error = load(folder.path(), RECIPE);
    assert!(matches!(&error, FeatureError::File { path, .. } if path == folder.path()), "{error}");
    assert!(matches!(Recipe::read(folder.path()), Err(FeatureError::File { .. })));
    let recipe = folder.path().join("long.toml");
    fs::write(&recipe, " ".repeat((1 << 20) + 1)).unwrap();
    assert!(matches!(Recipe::read(&recipe), Err(FeatureError::File { limit: 1_048_576, .. })));
}

#[test]
fn models_that_do_not_fit_the_recipe() {
    let error = tiny_with("[8, 8]", "[8, 9]");
    assert!(matches!(error, FeatureError::Input { .. }));
    assert!(
        error.to_string().ends_with(
            "tiny.onnx: the model takes f32 [N, 3, 8, 8], the recipe makes f32 [1, 3, 8, 9] of an image"
        ),
        "{error}"
    );
    let error = tiny_with("\"features\"", "\"pol\"");
    assert!(
        matches!(&error, FeatureError::Layer { layer, outputs, .. } if layer == "pol" && outputs == &["features"])
    );
    let error = tiny_with("\"features\"", "\"class\"");
    assert!(
        matches!(&error, FeatureError::Output { layer, found, .. } if layer == "class" && found == "int"),
        "{error}"
    );
}

#[test]
fn a_layer_without_places_is_not_pooled() {
    let error = tiny_with("layer = \"features\"", "layers = [{ name = \"features\", pool = \"mean\" }]");
    assert!(
        matches!(&error, FeatureError::Pool { layer, shape, .. } if layer == "features" && shape == &[1, 6]),
        "{error}"
    );
}

#[test]
fn recipes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("recipe.toml");
    assert!(matches!(Recipe::read(&path), Err(FeatureError::Io { path: found, .. }) if found == path));
    fs::write(&path, "size = 8").unwrap();
    let error = Recipe::read(&path).unwrap_err();
    assert!(matches!(&error, FeatureError::Recipe { path: found, .. } if *found == path));
    assert_eq!(error.to_string().lines().count(), 1);
}

#[test]
fn values_that_are_no_features() {
    let run = |layer: &str| {
        let folder = tempfile::tempdir().unwrap();
        let text = RECIPE.replace("\"features\"", &format!("{layer:?}"));
        let backbone = Backbone::load(&testdata("tiny.onnx"), recipe(&folder, &text)).unwrap();
        extract(&backbone, &test_digits(), 3..4, |_| {}).unwrap_err()
    };
    let error = run("quotient");
    assert!(matches!(error, FeatureError::NotFinite { column: 1, .. }), "{error}");
    assert!(error.to_string().contains("t10k-images.idx3-ubyte.gz: image 4: feature 1 is"), "{error}");
    let error = run("beyond");
    assert!(matches!(&error, FeatureError::Run { image, .. } if image.ends_with("image 4")), "{error}");
}

#[test]
fn images() {
    let open = ImageSource::open;
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path();
    assert!(matches!(open(root), Err(FeatureError::NoImages { path }) if path == root));
    assert!(matches!(open(&root.join("none")), Err(FeatureError::Io { .. })));

    let class = root.join("class");
    fs::create_dir(&class).unwrap();
    GrayImage::new(3, 3).save(class.join("good.png")).unwrap();
    fs::write(class.join("bad.png"), "no image").unwrap();
    let error = extract(&tiny(), &open(root).unwrap(), 0..2, |_| {}).unwrap_err();
    assert!(matches!(&error, FeatureError::Image { path, .. } if *path == class.join("bad.png")), "{error}");

    // 20000 × 20000 pixels by its header.
    let mut content = fs::read(class.join("good.png")).unwrap();
    content[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    fs::write(class.join("bad.png"), content).unwrap();
    let error = extract(&tiny(), &open(root).unwrap(), 0..1, |_| {}).unwrap_err();
    assert!(
        matches!(error, FeatureError::ImageSize { width: 20_000, height: 20_000, limit: 67_108_864, .. }),
        "{error}"
    );

    let stray = root.join("stray.png");
    GrayImage::new(3, 3).save(&stray).unwrap();
    assert!(matches!(open(root), Err(FeatureError::NoClass { path }) if path == stray));
}

#[test]
fn images_in_memory() {
    let open = |shape, bytes, labels: Option<usize>| {
        let labels = labels.map(|count| vec!["a".to_owned(); count]);
        ImageSource::from_bytes(Path::new("x"), shape, vec![7; bytes], labels)
    };
    assert_eq!(open([2, 3, 5, 3], 90, Some(2)).unwrap().count(), 2);
    assert_eq!(open([2, 3, 5, 1], 30, None).unwrap().labels(), None);
    for (shape, bytes) in [
        ([2, 3, 5, 3], 89),
        ([2, 3, 5, 2], 60),
        ([0, 3, 5, 1], 0),
        ([2, 0, 5, 1], 0),
        ([usize::MAX, 2, 1, 1], 7),
    ] {
        let error = open(shape, bytes, None).unwrap_err();
        assert_eq!(error, FeatureError::Pixels { path: "x".into(), shape, bytes });
    }
    let error = open([2, 3, 5, 3], 90, Some(3)).unwrap_err();
    assert_eq!(error, FeatureError::LabelCount { path: "x".into(), labels: 3, images: 2 });
}

#[test]
fn ranges() {
    let (backbone, digits) = (tiny(), test_digits());
    for (start, end) in [(0, 10_001), (3, 3), (10_000, 10_001)] {
        assert_eq!(
            extract(&backbone, &digits, start..end, |_| {}),
            Err(FeatureError::Range { start, end, available: 10_000 })
        );
    }
    assert!(matches!(digits.picture(10_000), Err(FeatureError::Range { .. })));
}
