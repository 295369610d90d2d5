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
fn what_is_wrong_is_said() {
    let message = |text: &str| Recipe::parse(text).unwrap_err();
    assert!(message("size = [4").contains("TOML parse error"));
    assert!(message(&SIMPLE.replace("layer", "leyer")).contains("unknown field `leyer`"));
    assert!(message(&SIMPLE.replace("bilinear", "best")).contains("unknown variant `best`"));
    assert!(message("size = [4, 6]\n").contains("missing field"));
    assert_eq!(message(&SIMPLE.replace("[4,", "[0,")), "size is 0 × 6, sides from 1 to 4096 are possible");
    let with = |line: &str| message(&format!("{SIMPLE}{line}\n"));
    assert_eq!(with("mean = [0.0]"), "mean has 1 values for 3 channels");
    assert_eq!(with("mean = [0.0, nan, 0.0]"), "a mean is NaN");
    assert_eq!(with("deviation = [1.0, 0.0, 1.0]"), "a deviation is 0, it must be positive");
}
