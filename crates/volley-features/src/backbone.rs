//! An ONNX model, ready to run on one image after the other.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{DataType, Dimension, Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value, ValueType};
use rten_tensor::NdTensorView;

use crate::{FeatureError, Recipe};

thread_local! {
    /// The runtime works on a pool of its own; with one thread for each of ours, an image is the work of one thread.
    static SINGLE_THREAD: Arc<ThreadPool> = Arc::new(ThreadPool::with_num_threads(1));
}

/// A frozen network and the recipe that says how to use it.
pub struct Backbone {
    path: PathBuf,
    hash: blake3::Hash,
    recipe: Recipe,
    model: Model,
    input: NodeId,
    layer: NodeId,
    features: usize,
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
    /// Reads a model of one input and tries it by the recipe on a tensor of zeros, so that model and recipe are known to fit
    /// before the first image.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`]; [`FeatureError::Model`] for what is no ONNX model or does not run; [`FeatureError::Input`],
    /// [`FeatureError::Layer`] and [`FeatureError::Output`] where model and recipe do not fit each other.
    pub fn load(path: &Path, recipe: Recipe) -> Result<Self, FeatureError> {
        let content = fs::read(path)
            .map_err(|error| FeatureError::Io { path: path.to_owned(), message: error.to_string() })?;
        let hash = blake3::hash(&content);
        let model = parse(path, content, recipe.layer())?;
        let input = input(&model, path, &recipe)?;
        let layer = model.find_node(recipe.layer()).ok_or_else(|| FeatureError::Layer {
            path: path.to_owned(),
            layer: recipe.layer().to_owned(),
            outputs: outputs(&model),
        })?;
        let mut backbone = Self { path: path.to_owned(), hash, recipe, model, input, layer, features: 0 };
        let zeros = vec![0.0; input_shape(&backbone.recipe).iter().product()];
        let trial = backbone
            .value(&zeros)
            .map_err(|message| FeatureError::Model { path: path.to_owned(), message })?;
        backbone.features =
            floats(&trial).map(|values| values.len()).ok_or_else(|| FeatureError::Output {
                path: path.to_owned(),
                layer: backbone.recipe.layer().to_owned(),
                found: type_name(trial.dtype()),
            })?;
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

    /// The number of features of an image: the values of the layer.
    #[must_use]
    pub fn features(&self) -> usize {
        self.features
    }

    /// The features of the tensor of one image, in the layer's order; the error is the runtime's.
    pub(crate) fn run(&self, tensor: &[f32]) -> Result<Vec<f32>, String> {
        let value = self.value(tensor)?;
        let values = floats(&value).filter(|values| values.len() == self.features);
        values.ok_or_else(|| format!("the layer has other values than the {} of a trial", self.features))
    }

    /// The layer's value for the tensor of one image.
    fn value(&self, tensor: &[f32]) -> Result<Value, String> {
        let shape = input_shape(&self.recipe);
        let input = NdTensorView::from_data(shape, tensor);
        let options = RunOptions::default().with_thread_pool(Some(SINGLE_THREAD.with(Arc::clone)));
        let outputs = self.model.run_n(vec![(self.input, input.into())], [self.layer], Some(options));
        outputs.map(|[value]| value).map_err(|error| one_line(&error))
    }
}

/// The model; whole where a layer within it is asked for, which the optimised one may not have any more.
fn parse(path: &Path, content: Vec<u8>, layer: &str) -> Result<Model, FeatureError> {
    let unusable = |error| FeatureError::Model { path: path.to_owned(), message: one_line(&error) };
    let mut options = ModelOptions::with_all_ops();
    options.prepack_weights(true);
    let model = options.load(content.clone()).map_err(unusable)?;
    if outputs(&model).iter().any(|output| output == layer) {
        return Ok(model);
    }
    options.enable_optimization(false).load(content).map_err(unusable)
}

fn one_line(error: &impl fmt::Display) -> String {
    error.to_string().replace('\n', " ")
}

/// The names of the outputs.
fn outputs(model: &Model) -> Vec<String> {
    let name = |id: &NodeId| model.node_info(*id)?.name().map(str::to_owned);
    model.output_ids().iter().filter_map(name).collect()
}

/// One image: 1 × channels × height × width.
fn input_shape(recipe: &Recipe) -> [usize; 4] {
    let [height, width] = recipe.size();
    [1, recipe.channels().count(), height, width]
}

/// The model's input, if it can be the tensor of one image.
fn input(model: &Model, path: &Path, recipe: &Recipe) -> Result<NodeId, FeatureError> {
    let needed = input_shape(recipe);
    let mismatch =
        |found| FeatureError::Input { path: path.to_owned(), found, needed: format!("f32 {needed:?}") };
    let &[input] = model.input_ids() else {
        return Err(mismatch(format!("{} inputs", model.input_ids().len())));
    };
    let info = model.node_info(input);
    let kind = info.as_ref().and_then(|info| info.dtype());
    let shape = info.and_then(|info| info.shape());
    let fits = shape.as_ref().is_none_or(|shape| {
        let fits = |(size, needed): (&Dimension, usize)| match size {
            Dimension::Fixed(size) => *size == needed,
            Dimension::Symbolic(_) => true,
        };
        shape.len() == needed.len() && shape.iter().zip(needed).all(fits)
    });
    if fits && kind.is_none_or(|kind| kind == ValueType::Tensor(DataType::Float)) {
        return Ok(input);
    }
    let size = |size: &Dimension| match size {
        Dimension::Fixed(size) => size.to_string(),
        Dimension::Symbolic(name) => name.clone(),
    };
    let sizes: Vec<String> = shape.unwrap_or_default().iter().map(size).collect();
    Err(mismatch(format!("{} [{}]", kind.map_or("?".to_owned(), type_name), sizes.join(", "))))
}

/// A layer's values in order, if they are floats.
fn floats(value: &Value) -> Option<Vec<f32>> {
    let tensor: rten_tensor::TensorView<'_, f32> = value.try_into().ok()?;
    Some(tensor.iter().copied().collect())
}

/// As others name it.
fn type_name(kind: ValueType) -> String {
    match kind {
        ValueType::Tensor(DataType::Float) => "f32".to_owned(),
        // The runtime holds the integers of ONNX as i32.
        ValueType::Tensor(DataType::Int32) => "int".to_owned(),
        ValueType::Tensor(DataType::Int8) => "i8".to_owned(),
        ValueType::Tensor(DataType::UInt8) => "u8".to_owned(),
        other => format!("{other:?}").to_lowercase(),
    }
}
