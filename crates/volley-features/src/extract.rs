//! Images through a backbone.

use std::ops::Range;
use std::sync::atomic::{AtomicUsize, Ordering};

use ndarray::Array2;
use rayon::prelude::*;

use crate::{Backbone, FeatureError, ImageSource};

/// The features of some images, in their order.
#[derive(Clone, Debug, PartialEq)]
pub struct Features {
    /// Images × features.
    pub values: Array2<f32>,
    /// The label of each image, where they have labels.
    pub labels: Option<Vec<String>>,
}

/// The features of the images in a range, on the threads of the current rayon pool.
///
/// `progress` is told after each image how many are done, from any thread. Memory: the features, and on each thread one image
/// with the tensors of the network. The first error ends the work.
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
    let done = AtomicUsize::new(0);
    let one = |index: usize| {
        let features = features_of(backbone, images, index)?;
        progress(done.fetch_add(1, Ordering::Relaxed) + 1);
        Ok(features)
    };
    // One image is much work: no thread takes several at once.
    let rows: Vec<Vec<f32>> =
        (start..end).into_par_iter().with_max_len(1).map(one).collect::<Result<_, FeatureError>>()?;
    let mut values = Array2::zeros((end - start, backbone.features()));
    for (mut row, features) in values.rows_mut().into_iter().zip(rows) {
        row.iter_mut().zip(features).for_each(|(value, feature)| *value = feature);
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
