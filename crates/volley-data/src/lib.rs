//! The owner's files: tables in, models and predictions out.
//!
//! * [`read_table`] reads features and labels from CSV, NPY, NPZ and IDX files, each of them also gzip-compressed, into
//!   a [`Table`], which becomes a [`Dataset`](volley_mlr::Dataset).
//! * [`write_model`] and [`read_model`] keep a [`Model`](volley_mlr::Model) as JSON or as NPZ with the names that
//!   scikit-learn gives to its attributes. What is read is the model that was written, bit for bit. With it goes the
//!   [`Schema`] of the table that it was trained on, so that columns of other tables are found by their names.
//! * [`read_images`] reads the images of an IDX or NPY file, [`write_features`] writes what was made of them.
//! * [`write_predictions`] writes labels and scores as CSV.
//!
//! The formats are described in `docs/data.md`. Below it is [`volley_mlr`], re-exported; above it are programs. It
//! prints nothing and encrypts nothing. Its caller decides where and how (atomically, say) a file is made.
//!
//! Whatever is wrong with a file is one [`DataError`] that names the file, and the row and column where there are any.
//! No memory is set aside for what a header promises before the file is seen to hold it. Files are read as streams, and
//! a table takes at most [`TableOptions::limit`] bytes of memory.
//!
//! ```
//! use volley_data::{TableOptions, read_table};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let path = std::env::temp_dir().join(format!("volley-data-{}.csv", std::process::id()));
//! std::fs::write(&path, "species,length,width\nsetosa,5.1,3.5\nvirginica,5.9,3.0\n")?;
//! let table = read_table(&path, &TableOptions::default())?;
//! assert_eq!(table.columns().ok_or("no header")?, ["length", "width"]);
//! let data = table.into_dataset()?;
//! assert_eq!(data.labels(), ["setosa", "virginica"]);
//! # std::fs::remove_file(&path)?;
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]

mod column;
mod composed;
mod csv_file;
mod delimiter;
mod error;
mod feature_file;
mod idx;
mod images;
mod labels;
mod model;
mod npy;
mod npz;
mod predictions;
mod schema;
mod source;
mod table;
mod table_file;
mod text_kind;

pub use column::Column;
pub use composed::composed;
pub use delimiter::{Comments, Delimiter};
pub use error::{ContentError, DataError};
pub use feature_file::{FeatureFormat, FeatureRows, write_features, write_features_in_bytes};
pub use idx::Idx;
pub use images::{Images, read_images};
pub use labels::LabelSource;
pub use model::{ModelFormat, TableModel, read_model, write_model};
pub use predictions::{RowFigure, write_predictions};
pub use schema::{Schema, Use};
pub use table::{Header, HeaderDoubt, LabelDoubt, Remarks, Table, TableOptions};
pub use table_file::{parse_table, read_table, read_table_from};
pub use text_kind::TextKind;
pub use volley_mlr;
