//! `volley features`: a network's features of the owner's images.

use std::fmt;
use std::fs;
use std::io::{self, Seek, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_data::{
    ContentError, FeatureFormat, FeatureRows, LabelSource, read_images, write_features,
    write_features_in_bytes,
};
use volley_features::{Backbone, FeatureError, ImageSource, PartialFeatures, Provenance, Recipe};
use volley_program::{BadInput, OrBadInput, Threads};
use volley_project::Count;
use volley_project::atomic::{Staged, check_free};

use crate::console::{Progress, info, phase, warn};
use crate::output::Output;

/// Compute the features of images with an ONNX model
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley features regnet.onnx photos -o train.npz            a folder for each class in photos
  volley features regnet.onnx train-images-idx3-ubyte -o train.csv
  volley features regnet.onnx images.npy --labels labels.npy -o train.npz

Beside the features stands what they were made of, in train.npz.toml. Then:
volley encrypt digits train.npz

Until all are computed, the features are in train.npz.part. After an
interruption the same command goes on from there.")]
pub(crate) struct Options {
    /// ONNX model
    model: PathBuf,
    /// Folder with a folder of PNG or JPEG images for each class; IDX or NPY file of images
    images: PathBuf,
    /// How an image becomes the model's input [default: the model's name with .toml]
    #[arg(long, value_name = "FILE")]
    recipe: Option<PathBuf>,
    /// NPY or IDX file with the labels [default: for IDX images, the file of labels beside it]
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Only these images, counted from 0, the end excluded
    #[arg(long, value_name = "START..END", value_parser = parse_range)]
    range: Option<Range<usize>>,
    /// Where the features go: .csv, .npz, or .npy without labels
    #[arg(short, long, value_name = "FILE")]
    output: PathBuf,
    /// Round each feature to 256 steps: a quarter of the bytes (.npz only)
    #[arg(long)]
    bytes: bool,
    #[command(flatten)]
    threads: Threads,
    /// Replace what is there
    #[arg(long)]
    force: bool,
}

/// What was computed.
#[derive(Debug, Serialize)]
struct Extracted {
    output: PathBuf,
    provenance: PathBuf,
    images: usize,
    features: usize,
    labelled: bool,
}

impl fmt::Display for Extracted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let labelled = if self.labelled { "labelled" } else { "without labels" };
        let (images, features) = (self.images, self.features);
        writeln!(f, "{}: {images} images × {features} features, {labelled}", self.output.display())?;
        write!(f, "{}: what they were made of", self.provenance.display())
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let target = &options.output;
    let format = FeatureFormat::of(target).or_bad_input()?;
    if options.bytes && format != FeatureFormat::Npz {
        return Err(BadInput::at(target, "only .npz files have features in bytes").into());
    }
    if options.labels.is_some() && options.images.is_dir() {
        let problem = "its images are labelled by the names of their folders: leave --labels out";
        return Err(BadInput::at(&options.images, problem).into());
    }
    let [provenance_file, partial] = ["toml", "part"].map(|extension| beside(target, extension));
    check_free(target, options.force)?;
    check_free(&provenance_file, options.force)?;
    // A file that was begun is no result: it is gone on with, or refused.
    check_free(&partial, true)?;
    options.threads.start()?;
    // Its recipe would be missed first.
    fs::metadata(&options.model).at(&options.model)?;
    let recipe_file = options.recipe.clone().unwrap_or_else(|| options.model.with_extension("toml"));
    if !recipe_file.try_exists().at(&recipe_file)? {
        let problem =
            "there is no such recipe, which says how an image becomes the model's input: --recipe names one";
        return Err(BadInput::at(&recipe_file, problem).into());
    }
    let recipe = Recipe::read(&recipe_file).or_bad_input()?;
    let labels = options.labels.clone().map_or(LabelSource::Usual, LabelSource::File);
    let read = |file: &Path| anyhow::Ok(read_images(file, &labels)?.into_parts());
    let images = phase("reading", || ImageSource::open_or_read(&options.images, read)).or_bad_input()?;
    let backbone = phase("optimising the model", || Backbone::load(&options.model, recipe)).or_bad_input()?;
    let range = options.range.clone().unwrap_or(0..images.count());

    let mut features = PartialFeatures::open(&partial, &backbone, &images, range.clone(), options.force)
        .map_err(|error| with_advice(&error))?;
    compute(&mut features, &backbone, &images)?;

    let text = Provenance::new(&backbone, &images, &range).to_toml()?;
    let provenance = Staged::new(&provenance_file, |out| out.write_all(text.as_bytes()))?;
    let labels = images.labels().map(|labels| &labels[range.clone()]);
    let rows = Computed(features);
    Staged::new(target, |out| write(out, format, &rows, labels, options.bytes))?.commit(options.force)?;
    provenance.commit(options.force)?;
    rows.0.remove().or_bad_input()?;
    if format == FeatureFormat::Npy && labels.is_some() {
        warn(".npy has no place for labels; .npz and .csv have");
    }
    output.result(&Extracted {
        output: target.clone(),
        provenance: provenance_file,
        images: range.len(),
        features: backbone.features(),
        labelled: labels.is_some() && format != FeatureFormat::Npy,
    })
}

/// Features that lie in a file while the result is written.
struct Computed(PartialFeatures);

impl FeatureRows for Computed {
    fn dim(&self) -> (usize, usize) {
        (self.0.done(), self.0.features())
    }

    fn rows(&self) -> io::Result<impl Iterator<Item = io::Result<Vec<f32>>>> {
        self.0.rows()
    }
}

/// Computes what is left.
fn compute(features: &mut PartialFeatures, backbone: &Backbone, images: &ImageSource) -> Result<()> {
    let (before, all) = (features.done(), features.images());
    if before > 0 {
        info(format!("going on after {before} of {all} images"));
    }
    let bar = Progress::new("features", all, "images");
    bar.begin_after(before);
    features.extract(backbone, images, |done| bar.set(done)).or_bad_input()?;
    Ok(())
}

/// What the user can do about a file that was begun before.
fn with_advice(error: &FeatureError) -> BadInput {
    match error {
        FeatureError::OtherRun { .. } => BadInput::new(format!("{error}; --force begins anew")),
        error => BadInput::new(error.to_string()),
    }
}

fn write(
    out: impl Write + Seek,
    format: FeatureFormat,
    features: &Computed,
    labels: Option<&[String]>,
    bytes: bool,
) -> Result<(), ContentError> {
    if bytes {
        write_features_in_bytes(out, features, labels)
    } else {
        write_features(out, format, features, labels)
    }
}

/// `train.npz.toml` beside `train.npz`.
fn beside(features: &Path, extension: &str) -> PathBuf {
    let mut name = features.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn parse_range(text: &str) -> Result<Range<usize>, String> {
    let numbers = text.split_once("..").and_then(|(start, end)| Some(start.parse().ok()?..end.parse().ok()?));
    numbers.ok_or_else(|| "two numbers such as 0..128 are expected".to_owned())
}
