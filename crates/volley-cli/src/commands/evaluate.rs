//! `volley evaluate`: how good a model is.

use std::fmt;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;
use serde::Serialize;
use volley_data::read_model;
use volley_mlr::{Dataset, Model};
use volley_program::units::counted;
use volley_program::{BadInput, OrBadInput};

use crate::output::Output;
use crate::predictions::scores_of;
use crate::tables::TableSource;

/// Compare predictions of decrypted models with the labels of rows
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley evaluate model.json test.csv
  volley evaluate model-1.json model-2.json validation.csv    one line for each model")]
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

/// How often which class was predicted for which.
#[derive(Debug, Serialize)]
struct Evaluation {
    rows: usize,
    accuracy: f64,
    classes: Vec<String>,
    /// Counts by the true class, then by the predicted one.
    confusion: Vec<Vec<usize>>,
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "accuracy {:.2} % of {}\n", 100.0 * self.accuracy, counted(self.rows, "row"))?;
        let counts = self.confusion.iter().flatten().map(|count| count.to_string().len());
        let names = self.classes.iter().map(|name| name.chars().count());
        let width = names.clone().chain(counts).max().unwrap_or_default();
        let label = names.chain(["true".len()]).max().unwrap_or_default();
        write!(f, "{:>label$}  predicted\n{:label$}", "true", "")?;
        self.classes.iter().try_for_each(|name| write!(f, "  {name:>width$}"))?;
        for (name, row) in self.classes.iter().zip(&self.confusion) {
            write!(f, "\n{name:>label$}")?;
            row.iter().try_for_each(|count| write!(f, "  {count:>width$}"))?;
        }
        Ok(())
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let (data_file, models) = options.paths.split_last().context("a table after the models")?;
    let table = options.table.read_labelled(data_file)?;
    let read = |file: &PathBuf| {
        let model = read_model(file).or_bad_input()?;
        table.check_classes(model.classes()).or_bad_input()?;
        Ok(model)
    };
    let read = models.iter().map(read).collect::<Result<Vec<_>, BadInput>>()?;
    let data = table.into_dataset().or_bad_input()?;
    let evaluate = |model: &Model| Evaluation::new(model, &data, data_file);
    match &read[..] {
        [model] => output.result(&evaluate(model)?),
        _ => {
            let compare = |(file, model): (&PathBuf, &Model)| {
                Ok(Compared { model: file.clone(), accuracy: evaluate(model)?.accuracy })
            };
            let models = models.iter().zip(&read).map(compare).collect::<Result<_, BadInput>>()?;
            output.result(&Comparison { rows: data.samples(), models })
        }
    }
}

impl Evaluation {
    fn new(model: &Model, data: &Dataset, file: &Path) -> Result<Self, BadInput> {
        let classes = model.classes();
        let predicted = classes.highest(&scores_of(model, data.features(), file)?);
        let mut confusion = vec![vec![0; classes.len()]; classes.len()];
        for (label, predicted) in data.labels().iter().zip(predicted) {
            if let Some((label, predicted)) = classes.index_of(label).zip(classes.index_of(predicted)) {
                confusion[label][predicted] += 1;
            }
        }
        let right: usize = (0..classes.len()).map(|class| confusion[class][class]).sum();
        Ok(Self {
            rows: data.samples(),
            accuracy: right as f64 / data.samples() as f64,
            classes: classes.names().to_vec(),
            confusion,
        })
    }
}
