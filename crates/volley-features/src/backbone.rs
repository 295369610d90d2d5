//! An ONNX model, ready to run on one image after the other.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensorView;

use crate::error::FeatureError;
use crate::file;
use crate::onnx::{self, Refusal};
use crate::recipe::{Layer, Recipe};

/// Largest file of a model, in bytes. ONNX cannot hold more in one file either.
const MAX_FILE_BYTES: u64 = 1 << 31;

thread_local! {
    /// The runtime works on a thread pool of its own. With one thread for each of ours, one thread computes an image.
    static SINGLE_THREAD: Arc<ThreadPool> = Arc::new(ThreadPool::with_num_threads(1));
}

/// A frozen network and the recipe that says how to use it.
pub struct Backbone {
    path: PathBuf,
    hash: blake3::Hash,
    recipe: Recipe,
    model: Model,
    input: NodeId,
    /// The values that the recipe's layers are taken from.
    outputs: Vec<Output>,
    features: usize,
}

/// A value that the runtime computes, of which no two are the same.
struct Output {
    node: NodeId,
    name: String,
    shape: Vec<usize>,
}

impl fmt::Debug for Backbone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, hash, recipe, features, .. } = self;
        f.debug_struct("Backbone")
            .field("path", path)
            .field("hash", hash)
            .field("recipe", recipe)
            .field("features", features)
            .finish_non_exhaustive()
    }
}

impl Backbone {
    /// Reads a model of one input, and checks and rewrites the part that the recipe's layers need. It runs this part on
    /// a tensor of zeros, so that model and recipe are known to fit before the first image.
    ///
    /// Memory: the file, twice for a moment; values of at most 2 GiB while it runs.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`], [`FeatureError::File`]; [`FeatureError::Model`] for what is no ONNX model or does not run;
    /// [`FeatureError::Node`] for a node that would not be computed as ONNX says; [`FeatureError::ModelSize`];
    /// [`FeatureError::Input`], [`FeatureError::Layer`], [`FeatureError::Output`] and [`FeatureError::Pool`] where
    /// model and recipe do not fit each other.
    pub fn load(path: &Path, recipe: Recipe) -> Result<Self, FeatureError> {
        let content = file::read(path, MAX_FILE_BYTES)?;
        let hash = blake3::hash(&content);
        let mut names: Vec<&str> = Vec::new();
        for layer in recipe.layers() {
            if !names.contains(&layer.name()) {
                names.push(layer.name());
            }
        }
        let network = onnx::lower(&content, &input_shape(&recipe), &names)
            .map_err(|refusal| refused(path, &recipe, refusal))?;
        drop(content);
        let unusable = |message| FeatureError::Model { path: path.to_owned(), message };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(network.content).map_err(|error| unusable(one_line(&error)))?;
        let &[input] = model.input_ids() else {
            return Err(unusable("the runtime has not one input of it".to_owned()));
        };
        if model.output_ids().len() != names.len() {
            return Err(unusable("the runtime has other outputs of it".to_owned()));
        }
        let nodes = model.output_ids().iter().copied();
        let outputs: Vec<Output> = names
            .iter()
            .zip(network.shapes)
            .zip(nodes)
            .map(|((name, shape), node)| Output { node, name: (*name).to_owned(), shape })
            .collect();
        let count = |layer| feature_count(path, layer, &outputs);
        let features = recipe.layers().iter().map(count).sum::<Result<usize, _>>()?;
        let backbone = Self { path: path.to_owned(), hash, recipe, model, input, outputs, features };
        let zeros = vec![0.0; input_shape(&backbone.recipe).iter().product()];
        backbone.run(&zeros).map_err(unusable)?;
        Ok(backbone)
    }

    /// The model's file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// BLAKE3 of the model's file.
    #[must_use]
    pub fn hash(&self) -> blake3::Hash {
        self.hash
    }

    /// The recipe.
    #[must_use]
    pub fn recipe(&self) -> &Recipe {
        &self.recipe
    }

    /// The number of features of an image: the values of the recipe's layers.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// The features of the tensor of one image, in the order of the recipe's layers; the error is the runtime's.
    pub(crate) fn run(&self, tensor: &[f32]) -> Result<Vec<f32>, String> {
        let values = self.values(tensor)?;
        let mut features = Vec::with_capacity(self.features);
        for layer in self.recipe.layers() {
            let of_layer = |(output, _): &&(&Output, Vec<f32>)| output.name == layer.name();
            let Some((output, values)) = values.iter().find(of_layer) else { continue };
            match layer.pool() {
                None => features.extend(values),
                Some(pool) => {
                    features.extend(values.chunks_exact(places(output)).map(|places| pool.of(places)));
                }
            }
        }
        Ok(features)
    }

    /// Each output's values for the tensor of one image.
    fn values(&self, tensor: &[f32]) -> Result<Vec<(&Output, Vec<f32>)>, String> {
        let shape = input_shape(&self.recipe);
        let input = NdTensorView::from_data(shape, tensor);
        let options = RunOptions::default().with_thread_pool(Some(SINGLE_THREAD.with(Arc::clone)));
        let nodes: Vec<NodeId> = self.outputs.iter().map(|output| output.node).collect();
        let values = self.model.run(vec![(self.input, input.into())], &nodes, Some(options));
        let values = values.map_err(|error| one_line(&error))?;
        let named = self.outputs.iter().zip(&values).map(|(output, value)| {
            let expected: usize = output.shape.iter().product();
            let floats = floats(value).filter(|floats| floats.len() == expected);
            floats.map(|floats| (output, floats)).ok_or_else(|| {
                format!("layer {:?} has other values than the {expected} of its shape", output.name)
            })
        });
        named.collect()
    }
}

/// The features that a layer gives, which is one of these outputs.
fn feature_count(path: &Path, layer: &Layer, outputs: &[Output]) -> Result<usize, FeatureError> {
    let output = outputs.iter().find(|output| output.name == layer.name());
    let shape = output.map_or(&[][..], |output| &output.shape);
    match (layer.pool(), shape) {
        (None, shape) => Ok(shape.iter().product()),
        (Some(_), &[1, channels, _, ..]) => Ok(channels),
        (Some(_), shape) => {
            let (path, layer) = (path.to_owned(), layer.name().to_owned());
            Err(FeatureError::Pool { path, layer, shape: shape.to_vec() })
        }
    }
}

/// The places of each channel of an output 1 × channels × places.
fn places(output: &Output) -> usize {
    output.shape.iter().skip(2).product()
}

/// The error of a refusal, with the file that it is about.
fn refused(path: &Path, recipe: &Recipe, refusal: Refusal) -> FeatureError {
    let path = path.to_owned();
    match refusal {
        Refusal::Model(message) => FeatureError::Model { path, message: one_line(&message) },
        Refusal::Input(found) => {
            FeatureError::Input { path, found, needed: format!("f32 {:?}", input_shape(recipe)) }
        }
        Refusal::Layer { layer, outputs } => FeatureError::Layer { path, layer, outputs },
        Refusal::Output { layer, found } => FeatureError::Output { path, layer, found },
        Refusal::Node { node, operator, reason } => FeatureError::Node { path, node, operator, reason },
        Refusal::Size { node, operator, bytes } => {
            FeatureError::ModelSize { path, node, operator, bytes, limit: onnx::MAX_VALUE_BYTES }
        }
    }
}

fn one_line(error: &impl fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}

/// One image: 1 × channels × height × width.
fn input_shape(recipe: &Recipe) -> [usize; 4] {
    let [height, width] = recipe.size();
    [1, recipe.channels().count(), height, width]
}

/// A layer's values in order, if they are floats.
fn floats(value: &Value) -> Option<Vec<f32>> {
    let tensor: rten_tensor::TensorView<'_, f32> = value.try_into().ok()?;
    Some(tensor.iter().copied().collect())
}
