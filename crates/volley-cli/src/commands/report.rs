//! `volley report`: a page of what a training gave.

use std::fmt;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde::Serialize;
use volley_data::{Images, LabelSource, Schema, TableModel, read_images};
use volley_mlr::{Dataset, Plan, Step};
use volley_program::{BadInput, OrBadInput};
use volley_project::atomic::Staged;
use volley_project::output::check_stays;
use volley_project::{Project, TableSource, UnlikeColumns, is_stdin};
use volley_report::{Error, PageFile, Report, Rows, Training, different_weights};

use crate::class_weight::{ClassWeight, prepare};
use crate::console::{Console, note, phase, warn};
use crate::output::Output;
use crate::predictions;

/// Make a page with plots: the decrypted model beside the same training in clear
#[derive(Args, Debug)]
#[command(after_help = "\
Examples:
  volley report digits model.json data.csv test.csv -o page
  volley report digits model.json train.npz test.npz --images t10k-images-idx3-ubyte.gz -o page

Then page/index.html opens in any browser, without a network. It has the
model's accuracy and confusion matrix on the test rows, accuracy and loss of
the same training in clear after each iteration, parameters and security.
What only the server knows, such as times, is not on it. The page is as
private as the model.")]
pub(crate) struct Options {
    /// Folder that `volley init` made
    project: PathBuf,
    /// Model that `volley decrypt` wrote
    model: PathBuf,
    /// The training data, as it was encrypted last
    data: PathBuf,
    /// Labelled rows to judge the model by
    test: PathBuf,
    #[command(flatten)]
    table: TableSource,
    /// NPY or IDX file with the labels of the test rows, where --labels has those of the training data
    #[arg(long, value_name = "FILE", requires = "labels")]
    test_labels: Option<PathBuf>,
    /// IDX or NPY file with an image of each test row: some of them are shown with their predictions
    #[arg(long, value_name = "FILE")]
    images: Option<PathBuf>,
    /// Folder of the page
    #[arg(short, long, value_name = "FOLDER")]
    output: PathBuf,
    /// Write into a folder that has files already, and replace those of an earlier page
    #[arg(long)]
    force: bool,
}

/// The page that was made.
#[derive(Debug, Serialize)]
struct Made {
    page: PathBuf,
    #[serde(flatten)]
    report: Report,
}

impl fmt::Display for Made {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}\n{}: the page", self.report, self.page.display())
    }
}

pub(super) fn run(options: &Options, output: Output) -> Result<()> {
    let project = Project::open(&options.project)?;
    let page = options.output.join("index.html");
    // Neither the folder nor the files in it may go to others.
    check_stays(&options.output)?;
    check_stays(&page)?;
    check_folder(&options.output, options.force)?;
    if is_stdin(&options.data) && is_stdin(&options.test) {
        return Err(BadInput::new("standard input is read once: one of the two tables is a file").into());
    }
    let job = project.job()?;
    let model = predictions::model(&options.model)?;
    let table = options.table.or_format(project.table()?);
    let class_weight = project.is_balanced(&job)?.then_some(ClassWeight::Balanced);
    let report = options.report(&table, (job.plan(), &project.schema(&job)?), class_weight, &model)?;
    if report.max_relative_weight_error > different_weights(job.plan(), model.model()) {
        warn(format!(
            "{}: its weights differ by {:.2} % of the largest from those of the same training in clear: are the \
             labels of {} those that were encrypted, or did the training diverge?",
            options.model.display(),
            100.0 * report.max_relative_weight_error,
            options.data.display()
        ));
    }
    write(&options.output, &report.page("volley report")?, options.force)?;
    output.result(&Made { page, report })
}

impl Options {
    /// A report of the model, by the plan, columns and weights of its training.
    fn report(
        &self,
        table: &TableSource,
        (plan, schema): (&Plan, &Schema),
        class_weight: Option<ClassWeight>,
        model: &TableModel,
    ) -> Result<Report, BadInput> {
        let test_table = table.for_test(self.test_labels.as_deref())?;
        let data =
            table.read_labelled(&self.data, schema, &Console::default())?.into_dataset().or_bad_input()?;
        let test = self.test_rows(&test_table, model)?;
        let images = self.images.as_deref().map(images).transpose()?;
        let profile = plan.hyperparameters().profile();
        let training_set = prepare(&data, profile, plan.layout(), class_weight).map_err(|error| match error {
            volley_mlr::Error::PlanShape { .. } => BadInput::at(
                &self.data,
                format!("{error}: a report takes the rows of the last encryption, and none that --append added"),
            ),
            error => BadInput::at(&self.data, error),
        })?;
        let reference: Vec<Step> =
            phase("training in clear", || training_set.reference(plan.hyperparameters()).collect());
        let name = self.data.file_name().unwrap_or(self.data.as_os_str()).to_string_lossy();
        let training = Training {
            data: &name,
            plan,
            training_set: &training_set,
            reference: &reference,
            rows: Rows { training: &data, test: &test, validation: None },
            images: images.as_ref(),
        };
        let report = phase("judging the models", || Report::of_model(&training, model.model()));
        let report = report.map_err(|error| BadInput::at(self.to_blame(&error), error))?;
        let (done, all) = (training.iteration_of(model.model()).or_bad_input()?, reference.len());
        if done < all {
            note(format!("{}: the model after iteration {done} of {all}", self.model.display()));
        }
        Ok(report)
    }

    /// Rows to judge by: each label must be one of the model's classes.
    fn test_rows(&self, source: &TableSource, model: &TableModel) -> Result<Dataset, BadInput> {
        let table = source.read_labelled(&self.test, model.schema(), &Console::default())?;
        source.check_classes(&table, model.model().classes())?;
        let preprocessing = model.model().preprocessing();
        let unlike = UnlikeColumns::of(preprocessing, model.schema(), table.features()).at(&self.test)?;
        unlike.note(&self.test, &Console::default());
        table.into_dataset().or_bad_input()
    }

    /// The file that keeps a report from being made.
    fn to_blame(&self, error: &Error) -> &Path {
        match (error, &self.images) {
            (Error::OtherRows | Error::SharedModel, _) => &self.model,
            (Error::ImageCount { .. }, Some(images)) => images,
            _ => &self.test,
        }
    }
}

fn images(file: &Path) -> Result<Images, BadInput> {
    phase("reading", || read_images(file, &LabelSource::Absent)).or_bad_input()
}

/// Refuses a folder with files in it unless that is allowed, and one that cannot be made.
fn check_folder(folder: &Path, force: bool) -> Result<(), BadInput> {
    match fs::read_dir(folder) {
        Ok(mut entries) => match entries.next() {
            Some(_) if !force => Err(BadInput::at(
                folder,
                "the folder is not empty; --force writes into it and replaces the files of an earlier page",
            )),
            _ => Ok(()),
        },
        Err(error) if error.kind() == io::ErrorKind::NotFound => match folder.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => fs::metadata(parent).at(parent).map(drop),
            _ => Ok(()),
        },
        Err(error) => Err(BadInput::at(folder, error)),
    }
}

/// Writes all files, or none of them; only their owner may read them.
fn write(folder: &Path, files: &[PageFile], force: bool) -> Result<(), BadInput> {
    if !folder.try_exists().at(folder)? {
        fs::create_dir(folder).at(folder)?;
    }
    let stage = |file: &PageFile| {
        Staged::private(&folder.join(&file.name), |mut out| out.write_all(file.content.as_bytes()))
    };
    let staged = files.iter().map(stage).collect::<Result<Vec<_>, _>>()?;
    staged.into_iter().try_for_each(|file| file.commit(force))
}
