//! Models of one operator each, in the opsets and with the attributes that networks of images have: each gives what
//! onnxruntime gives, or is refused for its reason. `testdata/operators.py` makes them.

use std::collections::BTreeMap;

use volley_data::LabelSource;
use volley_features::{FeatureError, extract};

use super::*;

/// The models that are refused, and a part of the reason.
const REFUSED: &[(&str, &str)] = &[
    ("add6_axis", "its opset is 6, not 7 to 25"),
    ("argmax_gather", "(Gather): its indices are no integers, or none that the runtime computes"),
    ("averagepool_dilations", "(AveragePool): attribute dilations is [2, 2], only 1"),
    ("batchnormalization_training", "(BatchNormalization): attribute training_mode is 1"),
    ("cast_through_int", "(Cast): from int to ONNX' type 1"),
    ("cast_to_double", "(Cast): from f32 to ONNX' type 11"),
    ("clip6_default", "its opset is 6"),
    ("conv_3d", "(Conv): an input of shape [1, 3, 8, 2, 4], only one or two spatial"),
    ("conv_and_both_pads", "(Conv): attributes pads and auto_pad = \"SAME_UPPER\" are both there"),
    ("convtranspose_output_shape", "(ConvTranspose): attribute output_shape"),
    ("convtranspose_same", "(ConvTranspose): attribute auto_pad"),
    ("dropout13_training", "\"dropout_features\" (Dropout): it is in training mode"),
    ("empty_conv", "\"conv_features\" (Conv): input 1 has no elements"),
    ("external_data", "\"conv_features\" (Conv): input \"w\": its values are in another file"),
    ("gelu19", "(Gelu): it came with opset 20, the file is of 19"),
    ("groupnormalization", "(GroupNormalization): the operator is not known"),
    ("huge_constantofshape", "(ConstantOfShape): the values of the network take 274877906944 bytes"),
    ("huge_conv", "(Conv): the values of the network take 4398180729856 bytes"),
    (
        "huge_expand",
        "\"expand_c\" (Expand): the values of the network take 4398046511104 bytes for an image, 2147483648 are \
         possible",
    ),
    ("huge_pad", "(Pad): the values of the network take 105553116267264 bytes"),
    ("huge_range", "(Range): integers of shape [4611686018427387904], at most 65536"),
    ("huge_resize", "(Resize): the values of the network take 51539607552 bytes"),
    ("huge_tile", "(Tile): the values of the network take 844424930131968 bytes"),
    ("int_beyond_32_bits", "(Gather): an index is beyond 3 elements"),
    ("ir99", "its IR version is 99, not 3 to 13"),
    ("lpnormalization", "(LpNormalization): the operator is not known"),
    ("lppool", "(LpPool): the operator is not known"),
    ("lrn", "(LRN): the operator is not known"),
    ("matmul_vector", "(MatMul): of [1, 3, 8, 8] and [8], only matrices"),
    ("maxpool_dilations", "(MaxPool): attribute dilations is [2, 2], only 1"),
    ("maxpool_indices", "(Cast): from an output that is not computed"),
    ("missing_initializer", "\"conv_features\" (Conv): nothing gives input \"w\" its values"),
    ("opset6", "its opset is 6"),
    ("opset99", "its opset is 99, not 7 to 25"),
    ("other_domain", "(Gelu): operators of domain \"com.microsoft\" are not known"),
    ("pad19_wrap", "(Pad): attribute mode is \"wrap\""),
    ("pad_edge_channels", "(Pad): mode \"edge\" with pads"),
    ("reducesum13_attribute", "(ReduceSum): attribute axes is not known"),
    ("reducesum13_noop", "(ReduceSum): attribute noop_with_empty_axes"),
    ("resize10_nearest_down", "(Resize): a reduction to the nearest element in opset 10"),
    ("resize13_crop", "(Resize): attribute coordinate_transformation_mode is \"tf_crop_and_resize\""),
    ("resize13_cubic_asymmetric", "(Resize): attribute mode is \"cubic\""),
    ("resize13_cubic_half_pixel", "(Resize): attribute mode is \"cubic\""),
    ("resize13_linear_channels", "(Resize): linear resizing of other axes"),
    ("resize13_nearest_same", "(Resize): a scale that leaves the size as it is"),
    ("resize18_antialias", "(Resize): attribute antialias is 1"),
    ("resize18_policy", "(Resize): attribute keep_aspect_ratio_policy is \"not_larger\""),
    ("selu", "(Selu): the operator is not known"),
    ("short_initializer", "(Conv): input \"w\": 12 values for a constant of 24"),
    ("unknown_attribute", "(Relu): attribute slope is not known"),
];

fn load(name: &str) -> Result<Backbone, FeatureError> {
    let folder = tempfile::tempdir().unwrap();
    Backbone::load(&testdata("operators").join(format!("{name}.onnx")), recipe(&folder, RECIPE))
}

fn names() -> Vec<String> {
    let files = fs::read_dir(testdata("operators")).unwrap().map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = files
        .filter(|path| path.extension().is_some_and(|extension| extension == "onnx"))
        .map(|path| path.file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// The largest difference to onnxruntime's values, relative to the largest of them or to 1.
fn difference(name: &str, backbone: &Backbone) -> Result<f64, String> {
    let picture = images(&testdata("operators/picture.npy"), &LabelSource::Absent);
    let found = extract(backbone, &picture, 0..1, |_| {}).map_err(|error| error.to_string())?.values;
    let expected = golden(&format!("operators/{name}.npy"));
    if found.dim() != expected.dim() {
        return Err(format!("{:?} values, not {:?}", found.dim(), expected.dim()));
    }
    let (difference, size) = compare(&found, &expected);
    Ok(difference / size.max(1.0))
}

#[test]
fn every_operator_is_computed_as_onnxruntime_does_or_refused() {
    let mut refused: BTreeMap<_, _> = REFUSED.iter().copied().collect();
    let (mut wrong, mut computed) = (Vec::new(), 0);
    for name in names() {
        match (load(&name), refused.remove(name.as_str())) {
            (Ok(backbone), None) => match difference(&name, &backbone) {
                Ok(difference) if difference < 1e-5 => computed += 1,
                Ok(difference) => wrong.push(format!("{name}: {difference:e}")),
                Err(message) => wrong.push(format!("{name}: {message}")),
            },
            (Err(error), Some(reason)) if error.to_string().contains(reason) => {}
            (Ok(_), Some(reason)) => wrong.push(format!("{name}: runs, though {reason}")),
            (Err(error), _) => wrong.push(format!("{name}: {error}")),
        }
    }
    assert!(wrong.is_empty() && refused.is_empty(), "{}\n{refused:?}", wrong.join("\n"));
    assert_eq!(computed, 243);
}
