//! `volley evaluate`: how good a model is.

use std::fmt;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_data::read_model;
use volley_program::OrBadInput;
use volley_program::units::counted;

use crate::output::Output;
use crate::predictions::scores_of;
use crate::tables::TableSource;

/// Compare a decrypted model's predictions with the labels of rows
#[derive(Args, Debug)]
#[command(after_help = "\
Example:
  volley evaluate model.json test.csv")]
pub(crate) struct Options {
    /// Model that `volley decrypt` wrote
    model: PathBuf,
    /// Labelled rows
    data: PathBuf,
    #[command(flatten)]
    table: TableSource,
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
    let model = read_model(&options.model).or_bad_input()?;
    let table = options.table.read_labelled(&options.data)?;
    let classes = model.classes();
    table.check_classes(classes).or_bad_input()?;
    let data = table.into_dataset().or_bad_input()?;
    let predicted = classes.highest(&scores_of(&model, data.features(), &options.data)?);
    let mut confusion = vec![vec![0; classes.len()]; classes.len()];
    for (label, predicted) in data.labels().iter().zip(predicted) {
        if let Some((label, predicted)) = classes.index_of(label).zip(classes.index_of(predicted)) {
            confusion[label][predicted] += 1;
        }
    }
    let right: usize = (0..classes.len()).map(|class| confusion[class][class]).sum();
    output.result(&Evaluation {
        rows: data.samples(),
        accuracy: right as f64 / data.samples() as f64,
        classes: classes.names().to_vec(),
        confusion,
    })
}
