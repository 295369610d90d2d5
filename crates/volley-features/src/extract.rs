//! Images through a backbone.

use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ndarray::{Array1, Array2};

use crate::backbone::Backbone;
use crate::error::FeatureError;
use crate::image_source::ImageSource;

/// The features of some images, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Images × features.
    pub values: Array2<f32>,
    /// The label of each image, where they have labels.
    pub labels: Option<Vec<String>>,
}

/// The features of the images in a range, on as many threads as the current rayon pool has.
///
/// `progress` is told after each image how many are done, from any thread. Memory: the features, and on each thread one
/// image with the tensors of the network. The first error ends the work.
///
/// # Errors
///
/// [`FeatureError::Range`]; [`FeatureError::Image`] and [`FeatureError::Io`] for an image; [`FeatureError::Run`],
/// [`FeatureError::NotFinite`].
pub fn extract(
    backbone: &Backbone,
    images: &ImageSource,
    range: Range<usize>,
    progress: impl Fn(usize) + Sync,
) -> Result<Features, FeatureError> {
    let Range { start, end } = range;
    if start >= end || end > images.count() {
        return Err(FeatureError::Range { start, end, available: images.count() });
    }
    let (next, done) = (AtomicUsize::new(start), AtomicUsize::new(0));
    let work = || {
        let mut rows = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= end {
                return Ok(rows);
            }
            match features_of(backbone, images, index) {
                Ok(features) => rows.push((index - start, features)),
                Err(error) => {
                    next.store(end, Ordering::Relaxed);
                    return Err(error);
                }
            }
            progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        }
    };
    let threads = rayon::current_num_threads().min(end - start);
    // Not on rayon's own threads: while one of them waits for the runtime's pool, it begins further images, without
    // end.
    let results: Vec<Result<_, FeatureError>> = thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        running.into_iter().map(|thread| thread.join().unwrap_or_else(|panic| resume_unwind(panic))).collect()
    });
    let mut values = Array2::zeros((end - start, backbone.features()));
    for (row, features) in results.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().flatten() {
        values.row_mut(row).assign(&Array1::from(features));
    }
    Ok(Features { values, labels: images.labels().map(|labels| labels[start..end].to_vec()) })
}

fn features_of(backbone: &Backbone, images: &ImageSource, index: usize) -> Result<Vec<f32>, FeatureError> {
    let tensor = images.picture(index)?.tensor(backbone.recipe());
    let features =
        backbone.run(&tensor).map_err(|message| FeatureError::Run { image: images.name(index), message })?;
    match features.iter().position(|value| !value.is_finite()) {
        Some(column) => {
            let (image, value) = (images.name(index), features[column]);
            Err(FeatureError::NotFinite { image, column: column + 1, value })
        }
        None => Ok(features),
    }
}
