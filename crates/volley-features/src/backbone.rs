//! An ONNX model, ready to run on one image after the other.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rten::{Model, ModelOptions, NodeId, RunOptions, ThreadPool, Value};
use rten_tensor::NdTensorView;

use crate::error::FeatureError;
use crate::file;
use crate::onnx::{self, Refusal};
use crate::recipe::Recipe;

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
    /// Reads a model of one input, and checks and rewrites the part that the recipe's layer needs. It runs this part on
    /// a tensor of zeros, so that model and recipe are known to fit before the first image.
    ///
    /// Memory: the file, twice for a moment; values of at most 2 GiB while it runs.
    ///
    /// # Errors
    ///
    /// [`FeatureError::Io`], [`FeatureError::File`]; [`FeatureError::Model`] for what is no ONNX model or does not run;
    /// [`FeatureError::Node`] for a node that would not be computed as ONNX says; [`FeatureError::ModelSize`];
    /// [`FeatureError::Input`], [`FeatureError::Layer`] and [`FeatureError::Output`] where model and recipe do not fit
    /// each other.
    pub fn load(path: &Path, recipe: Recipe) -> Result<Self, FeatureError> {
        let content = file::read(path, MAX_FILE_BYTES)?;
        let hash = blake3::hash(&content);
        let network = onnx::lower(&content, &input_shape(&recipe), recipe.layer())
            .map_err(|refusal| refused(path, &recipe, refusal))?;
        drop(content);
        let unusable = |message| FeatureError::Model { path: path.to_owned(), message };
        let mut options = ModelOptions::with_all_ops();
        options.prepack_weights(true);
        let model = options.load(network.content).map_err(|error| unusable(one_line(&error)))?;
        let (&[input], &[layer]) = (model.input_ids(), model.output_ids()) else {
            return Err(unusable("the runtime has not one input and one output of it".to_owned()));
        };
        let features = network.features;
        let backbone = Self { path: path.to_owned(), hash, recipe, model, input, layer, features };
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

/// The error of a refusal, with the file that it is about.
fn refused(path: &Path, recipe: &Recipe, refusal: Refusal) -> FeatureError {
    let (path, layer) = (path.to_owned(), recipe.layer().to_owned());
    match refusal {
        Refusal::Model(message) => FeatureError::Model { path, message: one_line(&message) },
        Refusal::Input(found) => {
            FeatureError::Input { path, found, needed: format!("f32 {:?}", input_shape(recipe)) }
        }
        Refusal::Layer(outputs) => FeatureError::Layer { path, layer, outputs },
        Refusal::Output(found) => FeatureError::Output { path, layer, found },
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
