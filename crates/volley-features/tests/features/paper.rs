//! The paper's own features, where the pretrained weights and the author's file are at hand; neither is in the
//! repository.

use std::env;

use volley_data::LabelSource;
use volley_features::extract;

use super::*;

#[test]
fn the_papers_features_are_reproduced() {
    let published = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../../shared/data/regnet_x_400mf_mnist_train_first512.csv");
    let model = env::var_os("VOLLEY_REGNET_ONNX").map(PathBuf::from);
    let (Some(model), true) = (model, published.exists()) else {
        eprintln!(
            "skipped: VOLLEY_REGNET_ONNX (made by scripts/export_onnx.py) or {} is absent",
            published.display()
        );
        return;
    };
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let backbone =
        Backbone::load(&model, Recipe::read(&recipes.join("regnet-x-400mf.toml")).unwrap()).unwrap();
    let digits = mnist("train-first1024-images.idx3-ubyte.gz");
    let images = images(&digits, &LabelSource::Usual);
    let features = extract(&backbone, &images, 0..512, |_| {}).unwrap();
    let expected = read_table(&published, &TableOptions::default()).unwrap();
    let (difference, _) = compare(&features.values, expected.features());
    assert!(difference < 1e-2, "{difference:e}");
}
