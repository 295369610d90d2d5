//! torchvision's regnet_x_400mf, as a whole, with random weights: the network of the paper without its 20 MB of
//! weights. The graph is torchvision's own export, the weights are made here and in `testdata/golden.py` by the same
//! generator, and the oracle is PyTorch.

use volley_features::extract;

use super::*;

/// 24 bits of SplitMix64 (Steele, Lea and Flood, 2014) from this seed, as values of [−1, 1).
fn uniform(seed: u64, count: usize) -> impl Iterator<Item = f32> {
    (1..=count as u64).map(move |index| {
        let mut state = seed.wrapping_add(index.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        state = (state ^ (state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        state = (state ^ (state >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        state ^= state >> 31;
        (state >> 40) as f32 * 2f32.powi(-23) - 1.0
    })
}

/// A field of a protobuf message that holds bytes.
fn field(number: u8, content: &[u8]) -> Vec<u8> {
    [&[number << 3 | 2], &varint(content.len())[..], content].concat()
}

/// A field of a protobuf message that holds a number.
fn number(number: u8, value: usize) -> Vec<u8> {
    [&[number << 3], &varint(value)[..]].concat()
}

fn varint(mut value: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
    bytes
}

/// An ONNX TensorProto: dims = 1, data_type = 2 (1: float), name = 8, raw_data = 9.
fn weights(index: usize, name: &str, shape: &[usize]) -> Vec<u8> {
    let count = shape.iter().product();
    let scale =
        if shape.len() == 4 { (6.0 / shape[1..].iter().product::<usize>() as f64).sqrt() } else { 0.1 };
    let values = uniform(index as u64, count).flat_map(|value| (value * scale as f32).to_le_bytes());
    let dims = shape.iter().flat_map(|&size| number(1, size)).collect();
    [dims, number(2, 1), field(8, name.as_bytes()), field(9, &values.collect::<Vec<_>>())].concat()
}

/// An ONNX ModelProto: ir_version = 1, graph = 7 (with initializer = 5), opset_import = 8 (with version = 2).
fn model() -> Vec<u8> {
    let parameters = fs::read_to_string(testdata("regnet.parameters")).unwrap();
    let mut graph = fs::read(testdata("regnet.graph")).unwrap();
    for (index, line) in parameters.lines().enumerate() {
        let (name, shape) = line.split_once(' ').unwrap();
        let shape: Vec<usize> = shape.split(' ').map(|size| size.parse().unwrap()).collect();
        graph.extend(field(5, &weights(index, name, &shape)));
    }
    [number(1, 8), field(7, &graph), field(8, &number(2, 17))].concat()
}

#[test]
fn a_regnet_with_random_weights_gives_what_pytorch_gives() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("regnet.onnx");
    fs::write(&path, model()).unwrap();
    let recipes = Path::new(env!("CARGO_MANIFEST_DIR")).join("recipes");
    let recipe = Recipe::read(&recipes.join("regnet-x-400mf.toml")).unwrap();
    let backbone = Backbone::load(&path, recipe).unwrap();
    assert_eq!(backbone.features(), 400);
    let features = extract(&backbone, &test_digits(), 0..8, |_| {}).unwrap();
    let (difference, size) = compare(&features.values, &golden("regnet.npy"));
    assert!(difference < 1e-4 * size.max(1.0) && size > 0.1, "{difference:e} of {size}");
}
