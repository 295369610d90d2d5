//! `volley evaluate`: how good a model is.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use volley_data::TableModel;
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};
use volley_project::{TableSource, is_stdin};

use crate::console::Console;
use crate::evaluation::Evaluation;
use crate::output::Output;
use crate::predictions::{model, scores_of};

/// Compare predictions of decrypted models with the labels of rows
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley evaluate model.json test.csv
  volley evaluate model-1.json model-2.json validation.csv    one line for each model

Of one model the accuracy is shown, recall, precision and F1 of each class,
and which class was taken for which; of several the accuracies. Columns go by
the names that they had in training, without a header by their places.")]
#[command(override_usage = "volley evaluate [OPTIONS] <MODEL>... <DATA>")]
pub(crate) struct Options {
    /// Models that `volley decrypt` wrote, and labelled rows
    #[arg(num_args = 2.., required = true, value_names = ["MODEL", "DATA"])]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    table: TableSource,
}

/// How often each of several models is right.
#[derive(Debug, Serialize)]
struct Comparison {
    rows: usize,
    models: Vec<Compared>,
}

#[derive(Debug, Serialize)]
struct Compared {
    model: PathBuf,
    accuracy: f64,
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "accuracy on {}", counted(self.rows, "row"))?;
        let line = |Compared { model, accuracy }: &Compared| (100.0 * accuracy, model.display().to_string());
        self.models.iter().map(line).try_for_each(|(percent, model)| write!(f, "\n{percent:7.2} %  {model}"))
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let (data_file, files) = options.paths.split_last().context("a table after the models")?;
    let models = files.iter().map(|file| Ok((file.as_path(), model(file)?)));
    let models = models.collect::<Result<Vec<_>, BadInput>>()?;
    let is_of_one_table = models.windows(2).all(|pair| is_of_same_columns(&pair[0], &pair[1]));
    if is_stdin(data_file) && !is_of_one_table {
        let problem = "standard input is read once, and these models were trained on different columns";
        return Err(BadInput::new(problem).into());
    }
    let evaluations = options.evaluate(&models, data_file)?;
    if let [evaluation] = &evaluations[..] {
        return output.result(evaluation);
    }
    let compared = files.iter().zip(&evaluations);
    let compared = compared.map(|(file, found)| Compared { model: file.clone(), accuracy: found.accuracy });
    let rows = evaluations.first().map_or(0, |evaluation| evaluation.rows);
    output.result(&Comparison { rows, models: compared.collect() })
}

/// A model and its file.
type NamedModel<'a> = (&'a Path, TableModel);

fn is_of_same_columns(one: &NamedModel<'_>, other: &NamedModel<'_>) -> bool {
    one.1.schema() == other.1.schema()
}

impl Options {
    /// How good each model is. The table is read once for all models of the same columns that follow each other.
    fn evaluate(&self, models: &[NamedModel<'_>], data_file: &Path) -> Result<Vec<Evaluation>, BadInput> {
        let mut evaluations = Vec::with_capacity(models.len());
        for group in models.chunk_by(is_of_same_columns) {
            let (file, first) = &group[0];
            let table = self.table.read_labelled(data_file, first.schema(), &Console::default());
            let table = table.map_err(|error| match models {
                [_] => error,
                _ => BadInput::new(format_args!("for {}: {error}", file.display())),
            })?;
            for (_, model) in group {
                self.table.check_classes(&table, model.model().classes())?;
            }
            let data = table.into_dataset().or_bad_input()?;
            for (_, model) in group {
                let classes = model.model().classes();
                let scores = scores_of(model, data.features(), data_file)?;
                evaluations.push(Evaluation::new(classes, data.labels(), &classes.highest(&scores)));
            }
        }
        Ok(evaluations)
    }
}
