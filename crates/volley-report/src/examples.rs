//! What the trained model says of the test rows: the confusion matrix, and some images with their predictions.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;
use volley_data::Images;
use volley_data::volley_mlr::{Dataset, Model};

use crate::error::Error;

/// How many images are shown of those that were predicted right, and of those that were predicted wrong.
const SHOWN: usize = 12;

/// Test rows counted by label and prediction.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Confusion {
    /// Names, in the order of the counts.
    pub classes: Vec<String>,
    /// `counts[label][prediction]`. Rows whose label training never saw are not among them.
    pub counts: Vec<Vec<usize>>,
}

/// A test image.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Example {
    /// The row among the test rows, from 0.
    pub row: usize,
    /// Its label.
    pub label: String,
    /// What the model says.
    pub prediction: String,
    /// PNG in base64.
    pub image_png: String,
}

impl Example {
    pub(crate) fn is_right(&self) -> bool {
        self.label == self.prediction
    }
}

/// Counts the predictions of a model.
pub(crate) fn confusion(model: &Model, test: &Dataset) -> Result<Confusion, Error> {
    let classes = model.classes();
    let mut counts = vec![vec![0; classes.len()]; classes.len()];
    for (label, prediction) in test.labels().iter().zip(model.predict(test.features())?) {
        if let (Some(row), Some(column)) = (classes.index_of(label), classes.index_of(prediction)) {
            counts[row][column] += 1;
        }
    }
    Ok(Confusion { classes: classes.names().to_vec(), counts })
}

/// The first images that the model is right about, then the first that it is wrong about. `images` are those of the
/// test rows, in the same order.
pub(crate) fn examples(model: &Model, test: &Dataset, images: &Images) -> Result<Vec<Example>, Error> {
    if images.count() != test.samples() {
        return Err(Error::ImageCount { images: images.count(), rows: test.samples() });
    }
    let predictions = model.predict(test.features())?;
    let rows = || test.labels().iter().zip(&predictions).enumerate();
    let right = rows().filter(|(_, (label, prediction))| label == *prediction).take(SHOWN);
    let wrong = rows().filter(|(_, (label, prediction))| label != *prediction).take(SHOWN);
    let example = |(row, (label, prediction)): (usize, (&String, &&str))| {
        Some(Example {
            row,
            label: label.clone(),
            prediction: (*prediction).to_owned(),
            image_png: STANDARD.encode(png(images, row)?),
        })
    };
    Ok(right.chain(wrong).filter_map(example).collect())
}

/// One image as a PNG of 8 bits; None beyond the last.
fn png(images: &Images, row: usize) -> Option<Vec<u8>> {
    let [height, width] = images.size();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, width.try_into().ok()?, height.try_into().ok()?);
    encoder.set_color(if images.channels() == 1 { png::ColorType::Grayscale } else { png::ColorType::Rgb });
    encoder.write_header().ok()?.write_image_data(images.image(row)?).ok()?;
    Some(file)
}

#[cfg(test)]
mod tests {
    use ndarray::array;
    use volley_data::Idx;
    use volley_data::volley_mlr::{ClassLabels, Preprocessing, Profile};

    use super::*;

    /// A model that predicts "b" where the feature is above 1.
    fn model() -> Model {
        let classes = ClassLabels::try_from(vec!["a".to_owned(), "b".to_owned()]).unwrap();
        let preprocessing = Preprocessing::fit(&array![[1.0]], Profile::Paper);
        Model::new(array![[1.0, 0.0], [0.0, 1.0]], classes, preprocessing).unwrap()
    }

    fn images(count: u8) -> Images {
        Idx::new(vec![count.into(), 2, 3], (0..6 * count).collect()).unwrap().try_into().unwrap()
    }

    fn test_rows() -> Dataset {
        Dataset::new(array![[0.0], [2.0], [0.0], [2.0]], ["a", "b", "b", "c"]).unwrap()
    }

    #[test]
    fn predictions_are_counted_by_label() {
        let confusion = confusion(&model(), &test_rows()).unwrap();
        assert_eq!(confusion.counts, [[1, 0], [1, 1]]);
        assert_eq!(confusion.classes, ["a", "b"]);
    }

    #[test]
    fn examples_are_the_first_right_ones_and_the_first_wrong_ones() {
        let images = images(4);
        let examples = examples(&model(), &test_rows(), &images).unwrap();
        assert_eq!(examples.iter().map(|example| example.row).collect::<Vec<_>>(), [0, 1, 2, 3]);
        assert_eq!(examples.iter().map(Example::is_right).collect::<Vec<_>>(), [true, true, false, false]);
        assert_eq!((&*examples[3].label, &*examples[3].prediction), ("c", "b"));
        let mut reader =
            png::Decoder::new(std::io::Cursor::new(STANDARD.decode(&examples[1].image_png).unwrap()))
                .read_info()
                .unwrap();
        let mut pixels = vec![0; 6];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height, pixels), (3, 2, vec![6, 7, 8, 9, 10, 11]));
    }

    #[test]
    fn there_is_an_image_for_each_row() {
        let problem = examples(&model(), &test_rows(), &images(3)).unwrap_err();
        assert_eq!(problem, Error::ImageCount { images: 3, rows: 4 });
    }
}
