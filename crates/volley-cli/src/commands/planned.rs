//! What `volley init` and `volley try` are asked: a training, and how the columns of its table are read.

use std::path::Path;

use clap::Args;
use volley_data::Schema;
use volley_mlr::{ClassLabels, Dataset, Error};
use volley_program::{BadInput, Iterations, OrBadInput};
use volley_project::{Settings, TableSource};

use crate::console::Console;
use crate::table_labels::{TableLabels, described};

/// A training to plan.
#[derive(Args, Debug)]
pub(super) struct Training {
    /// Iterations of the training, or `auto` for as many as are good for most tables
    #[arg(long, value_name = "T", default_value_t = Iterations::Auto)]
    pub(super) iterations: Iterations,
    #[command(flatten)]
    pub(super) settings: Settings,
    #[command(flatten)]
    pub(super) table: TableSource,
}

/// A table, and the settings with its shape.
pub(super) struct PlannedTable {
    pub(super) settings: Settings,
    pub(super) data: Dataset,
    pub(super) schema: Schema,
    pub(super) labels: TableLabels,
}

impl Training {
    /// The rows of a table, its columns, its labels, and the settings with their shape.
    ///
    /// # Errors
    ///
    /// [`BadInput`] for a table that cannot be trained on.
    pub(super) fn of_table(&self, path: &Path) -> Result<PlannedTable, BadInput> {
        let table = self.table.read_training(path, &Console::default())?;
        let schema = table.schema().clone();
        let data = table.into_dataset().or_bad_input()?;
        let (samples, features) = data.features().dim();
        let classes = ClassLabels::of(data.labels()).map_err(|error| match error {
            Error::TooFewClasses { .. } => {
                let (column, label) = (described(&schema), &data.labels()[0]);
                BadInput::at(
                    path,
                    format_args!(
                        "{column} has the label {label:?} in every row, and a training needs two classes: \
                         --label-column names the column of the labels, -1 the last"
                    ),
                )
            }
            _ => BadInput::at(path, error),
        })?;
        let settings = self.of_shape(samples, features, classes.len());
        let labels = TableLabels::of(&classes, &data, &schema);
        Ok(PlannedTable { settings, data, schema, labels })
    }

    /// The settings with a shape.
    pub(super) fn of_shape(&self, samples: usize, features: usize, classes: usize) -> Settings {
        Settings { samples, features, classes, iterations: self.iterations.count(), ..self.settings.clone() }
    }
}
