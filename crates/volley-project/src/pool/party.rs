//! Who a party is, and where its table is.

use std::path::{Path, PathBuf};

use crate::files::open_named;
use crate::job_folder::PARTY;
use ndarray::Array2;
use serde::{Deserialize, Serialize};
use volley_data::{Schema, Table};
use volley_mlr::{Dataset, OwnerState};
use volley_program::{BadInput, OrBadInput};

use super::agreement::Invitation;
use super::folder::{PoolFolder, SERVER};
use super::text::Text;
use crate::observer::Observer;
use crate::tables::{TableSource, is_stdin};
use crate::unlike::UnlikeColumns;

/// `party.json`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "lowercase")]
pub(super) enum Party {
    Owner(Box<Owner>),
    Server,
}

/// An owner, with the table that it joined with.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Owner {
    pub(super) name: String,
    table: PathBuf,
    labels: Option<PathBuf>,
    source: TableSource,
    /// The hash of the table and of the file of labels.
    hash: String,
}

impl Text for Party {}

impl Party {
    pub(super) fn keep(&self, folder: &PoolFolder) -> Result<(), BadInput> {
        folder.keep_text(PARTY, self)
    }

    pub(super) fn of(folder: &PoolFolder) -> Result<Self, BadInput> {
        let found = folder.recall(PARTY)?;
        found.ok_or_else(|| BadInput::at(folder.root(), "making this folder was interrupted: make it anew"))
    }

    /// The name by which it sends.
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Owner(owner) => &owner.name,
            Self::Server => SERVER,
        }
    }
}

impl Owner {
    /// The owner of a table, which is read again in later steps.
    ///
    /// # Errors
    ///
    /// For a table that cannot be read several times.
    pub fn new(name: &str, table: &Path, source: &TableSource) -> Result<Self, BadInput> {
        if is_stdin(table) {
            return Err(BadInput::new("the table of a pool is read several times: name a file"));
        }
        let absolute = |path: &Path| std::path::absolute(path).at(path);
        let (name, labels) = (name.to_owned(), source.labels_file().map(absolute).transpose()?);
        let mut owner =
            Self { name, table: absolute(table)?, labels, source: source.clone(), hash: String::new() };
        owner.hash = owner.hash_now()?;
        Ok(owner)
    }

    /// The rows, in the columns of the pool. A table that changed since its owner joined is refused.
    pub(super) fn rows(&self, invitation: &Invitation, observer: &dyn Observer) -> Result<Dataset, BadInput> {
        if self.hash_now()? != self.hash {
            return Err(BadInput::at(
                &self.table,
                "this table has changed since its owner joined the pool: put back what it was, or make a new pool",
            ));
        }
        self.read(invitation, false, observer)
    }

    /// Reads the table in the columns and classes of an invitation. A `new` table is told of.
    pub(super) fn read(
        &self,
        invitation: &Invitation,
        new: bool,
        observer: &dyn Observer,
    ) -> Result<Dataset, BadInput> {
        let source = self.source.with_labels(self.labels.clone());
        let (columns, classes) = (&invitation.columns, invitation.class_labels()?);
        let table = source.read_pooled(&self.table, columns, &classes, new, observer)?;
        table.into_dataset().or_bad_input()
    }

    /// Reads the table whose columns are proposed to the others.
    pub(super) fn read_first(&self, observer: &dyn Observer) -> Result<Table, BadInput> {
        self.source.with_labels(self.labels.clone()).read_training(&self.table, observer)
    }

    /// Rows to be scored, in the columns of the pool. Labels are not looked at.
    pub(super) fn read_unlabelled(
        &self,
        table: &Path,
        source: &TableSource,
        columns: &Schema,
        observer: &dyn Observer,
    ) -> Result<Array2<f64>, BadInput> {
        source.or_format(self.source.clone()).read_features(table, columns, observer)
    }

    /// Refuses rows of which some columns are unlike those of all owners; where these are to be sent, it says so.
    pub(super) fn check_alike(
        &self,
        rows: &Dataset,
        state: &OwnerState,
        columns: &Schema,
        sends_unlike_rows: bool,
        observer: &dyn Observer,
    ) -> Result<(), BadInput> {
        let mut unlike = UnlikeColumns::of(state.preprocessing(), columns, rows.features()).at(&self.table)?;
        // An owner may well have one value where others have several.
        if let Some(constant) = unlike.constant.take() {
            observer.note(format!("{}: {constant}", self.table.display()));
        }
        if sends_unlike_rows {
            unlike.note(&self.table, observer);
            return Ok(());
        }
        let problems: Vec<_> = unlike.problems().collect();
        if problems.is_empty() {
            return Ok(());
        }
        let problems = problems.join(" And ");
        let help = "the pool trains on the rows of all owners: where these are wrong, or those of another owner, a \
                    table that is mended takes a new pool; nothing was sent, and --force sends these as they are";
        Err(BadInput::at(&self.table, format!("{problems} ({help})")))
    }

    fn hash_now(&self) -> Result<String, BadInput> {
        let mut hash = blake3::Hasher::new();
        for file in std::iter::once(&self.table).chain(&self.labels) {
            hash.update_reader(open_named(file)?).at(file)?;
        }
        Ok(hash.finalize().to_hex().to_string())
    }
}
