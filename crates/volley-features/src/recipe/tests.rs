use super::*;

const SIMPLE: &str = "size = [4, 6]\nresize = \"bilinear\"\nchannels = \"rgb\"\nlayer = \"pool\"\n";

#[test]
fn a_recipe() {
    let text = format!("{SIMPLE}mean = [0.5, 0.25, 0.125]\ndeviation = [0.5, 1.0, 2.0]\n");
    let recipe = Recipe::parse(&text).unwrap();
    assert_eq!((recipe.size(), recipe.resize()), ([4, 6], Resize::Bilinear));
    assert_eq!((recipe.channels(), recipe.channels().count()), (Channels::Rgb, 3));
    let layer = |recipe: &Recipe| (recipe.layers()[0].name().to_owned(), recipe.layers()[0].pool());
    assert_eq!((recipe.layers().len(), layer(&recipe)), (1, ("pool".to_owned(), None)));
    assert_eq!(
        [0, 1, 2].map(|channel| recipe.normalisation(channel)),
        [(0.5, 0.5), (0.25, 1.0), (0.125, 2.0)]
    );
    assert_eq!(Recipe::parse(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
    assert_eq!(Recipe::parse(SIMPLE).unwrap().normalisation(2), (0.0, 1.0));
}

#[test]
fn the_recipes_that_are_shipped() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let read = |name: &str| Recipe::read(&folder.join(name)).unwrap();
    let regnet = read("regnet-x-400mf.toml");
    // The paper's: values from 0 to 1, without normalisation.
    assert_eq!((regnet.size(), regnet.resize()), ([224, 224], Resize::Bilinear));
    assert_eq!((regnet.channels(), regnet.normalisation(2)), (Channels::Rgb, (0.0, 1.0)));
    let (mean, deviation) = read("efficientnet-lite0.toml").normalisation(1);
    assert!((mean - 127.0 / 255.0).abs() < 1e-6 && (deviation - 128.0 / 255.0).abs() < 1e-6);
}

#[test]
fn several_layers() {
    let text =
        SIMPLE.replace("layer = \"pool\"", "layers = [{ name = \"a\", pool = \"mean\" }, { name = \"b\" }]");
    let recipe = Recipe::parse(&text).unwrap();
    let layers: Vec<_> = recipe.layers().iter().map(|layer| (layer.name(), layer.pool())).collect();
    assert_eq!(layers, [("a", Some(Pool::Mean)), ("b", None)]);
    assert_eq!(Recipe::parse(&toml::to_string(&recipe).unwrap()).unwrap(), recipe);
    let both = Recipe::parse(&format!("{SIMPLE}layers = [{{ name = \"a\" }}]")).unwrap_err();
    assert_message(&both, "it has both `layer` and `layers`");
    // The text of a single layer, as a record of features has it, stays what it was.
    assert!(toml::to_string(&Recipe::parse(SIMPLE).unwrap()).unwrap().contains("layer = \"pool\""));
}

#[test]
fn pools_of_values() {
    assert_eq!((Pool::Maximum.of(&[-3.0, -1.0, -2.0]), Pool::Mean.of(&[-3.0, -1.0, 1.0])), (-1.0, -1.0));
    // In f32 alone the sum would lose the ones.
    assert_eq!(Pool::Mean.of(&[1e8, 1.0, 1.0, -1e8]), 0.5);
    for pool in [Pool::Maximum, Pool::Mean] {
        assert!(pool.of(&[1.0, f32::NAN, 2.0]).is_nan());
        assert!(pool.of(&[1.0, 2.0, f32::NAN]).is_nan());
    }
}

fn assert_message(message: &str, part: &str) {
    assert!(message.contains(part), "{message}");
}

#[test]
fn what_is_wrong_is_said() {
    let message = |text: &str| Recipe::parse(text).unwrap_err();
    assert!(message("size = [4").contains("TOML parse error"));
    assert!(message(&SIMPLE.replace("layer", "leyer")).contains("unknown field `leyer`"));
    assert!(message(&SIMPLE.replace("bilinear", "best")).contains("unknown variant `best`"));
    assert!(message("size = [4, 6]\n").contains("missing field"));
    assert_message(
        &message(&SIMPLE.replace("[4,", "[0,")),
        "size is 0 × 6, sides from 1 to 4096 are possible",
    );
    let neither = SIMPLE.replace("layer = \"pool\"\n", "");
    assert!(message(&neither).contains("it has neither `layer` nor `layers`"), "{}", message(&neither));
    let layers = |layers: &str| message(&format!("{neither}layers = {layers}"));
    assert!(layers("[]").contains("neither"));
    assert!(layers("[{ name = \"a\", pool = \"median\" }]").contains("unknown variant `median`"));
    assert!(layers("[{ pool = \"mean\" }]").contains("missing field `name`"));
    let with = |line: &str| message(&format!("{SIMPLE}{line}\n"));
    assert_message(&with("mean = [0.0]"), "mean has 1 values for 3 channels");
    assert_message(&with("mean = [0.0, nan, 0.0]"), "a mean is NaN");
    assert_message(&with("deviation = [1.0, 0.0, 1.0]"), "a deviation is 0, it must be positive");
}
