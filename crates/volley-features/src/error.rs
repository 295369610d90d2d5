//! What is wrong with a model, a recipe or an image, in one line that names the file.

use std::path::PathBuf;

use thiserror::Error;

/// Why there are no features.
#[derive(Clone, Debug, PartialEq, Error)]
#[non_exhaustive]
pub enum FeatureError {
    /// The system failed: no such file, no permission.
    #[error("{}: {message}", path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        message: String,
    },
    /// A recipe that is not TOML, or has missing, unknown or impossible values.
    #[error("{}: {message}", path.display())]
    Recipe {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// A file that is no ONNX model, or one with operators that cannot be run.
    #[error("{}: the model cannot be used: {message}", path.display())]
    Model {
        /// The file.
        path: PathBuf,
        /// The runtime's words.
        message: String,
    },
    /// A model with a node that would not be computed as ONNX says: of an operator, an attribute or an opset that is
    /// not known, or without the values that it needs.
    #[error("{}: node {node:?} ({operator}): {reason}", path.display())]
    Node {
        /// The model's file.
        path: PathBuf,
        /// The node's name, or its first output's.
        node: String,
        /// The operator.
        operator: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A model whose values, up to and with those of a node, are too large.
    #[error(
        "{}: node {node:?} ({operator}): the values of the network take {bytes} bytes for an image, {limit} are \
         possible",
        path.display()
    )]
    ModelSize {
        /// The model's file.
        path: PathBuf,
        /// The node's name, or its first output's.
        node: String,
        /// The operator.
        operator: String,
        /// Bytes of all values so far.
        bytes: u64,
        /// What is possible.
        limit: u64,
    },
    /// A model that does not take what the recipe makes of an image.
    #[error("{}: the model takes {found}, the recipe makes {needed} of an image", path.display())]
    Input {
        /// The model's file.
        path: PathBuf,
        /// What the model declares.
        found: String,
        /// The tensor of one image.
        needed: String,
    },
    /// A model without the layer that the recipe names.
    #[error("{}: the model has no layer {layer:?}; its outputs are {}", path.display(), outputs.join(", "))]
    Layer {
        /// The model's file.
        path: PathBuf,
        /// The name in the recipe.
        layer: String,
        /// What would do.
        outputs: Vec<String>,
    },
    /// A layer whose values are no floating-point numbers.
    #[error("{}: layer {layer:?} has values of type {found}, features are f32", path.display())]
    Output {
        /// The model's file.
        path: PathBuf,
        /// The layer.
        layer: String,
        /// Its type.
        found: String,
    },
    /// A layer without channels and places, which cannot be pooled.
    #[error(
        "{}: layer {layer:?} has shape {shape:?}; a pool needs an image's channels and their places, \
         1 × channels × height × width",
        path.display()
    )]
    Pool {
        /// The model's file.
        path: PathBuf,
        /// The layer.
        layer: String,
        /// Its shape for one image.
        shape: Vec<usize>,
    },
    /// A file of features that another run has begun: of another model, recipe, range or other images.
    #[error(
        "{}: the file was begun with another model, recipe or range, or other images, or is no file of features",
        path.display()
    )]
    OtherRun {
        /// The file.
        path: PathBuf,
    },
    /// A file of features that another program is at work on.
    #[error("{}: another program is computing these features", path.display())]
    Busy {
        /// The file.
        path: PathBuf,
    },
    /// An image that cannot be decoded.
    #[error("{}: not a PNG or JPEG image that can be read: {message}", path.display())]
    Image {
        /// The file.
        path: PathBuf,
        /// The decoder's words.
        message: String,
    },
    /// An image with too many pixels, by its header.
    #[error("{}: the image has {width} × {height} pixels, {limit} are possible", path.display())]
    ImageSize {
        /// The file.
        path: PathBuf,
        /// Its width in pixels.
        width: u32,
        /// Its height in pixels.
        height: u32,
        /// The product that is possible.
        limit: u64,
    },
    /// A file that is too large, or no regular file.
    #[error("{}: not a regular file of at most {limit} bytes", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is possible.
        limit: u64,
    },
    /// A folder without any image.
    #[error("{}: the folder has no PNG or JPEG images", path.display())]
    NoImages {
        /// The folder.
        path: PathBuf,
    },
    /// A folder of classes with images beside them, which are in none.
    #[error("{}: the image is in no class, though there are folders of classes beside it", path.display())]
    NoClass {
        /// The first such image.
        path: PathBuf,
    },
    /// Images that are asked for, but not there.
    #[error("images {start} to {end} are asked for, there are {available}")]
    Range {
        /// The first, from 0.
        start: usize,
        /// One beyond the last.
        end: usize,
        /// How many there are.
        available: usize,
    },
    /// A feature that is infinite or NaN.
    #[error("{image}: feature {column} is {value}")]
    NotFinite {
        /// The image.
        image: String,
        /// The column, from 1.
        column: usize,
        /// The value.
        value: f32,
    },
    /// A model that failed while it ran.
    #[error("{image}: the model failed: {message}")]
    Run {
        /// The image.
        image: String,
        /// The runtime's words.
        message: String,
    },
    /// Bytes that are no images of their shape.
    #[error(
        "{}: {bytes} bytes are no images of shape {shape:?}: (images, rows, columns, 1 or 3 values)",
        path.display()
    )]
    Pixels {
        /// Where they come from.
        path: PathBuf,
        /// Images, rows, columns, values of a pixel.
        shape: [usize; 4],
        /// How many there are.
        bytes: usize,
    },
    /// Images with more or fewer labels.
    #[error("{}: {labels} labels for {images} images", path.display())]
    LabelCount {
        /// Where they come from.
        path: PathBuf,
        /// How many labels there are.
        labels: usize,
        /// How many images.
        images: usize,
    },
}
