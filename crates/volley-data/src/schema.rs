//! The columns of a table that a model was trained on, by which those of other tables are found.

use serde::{Deserialize, Serialize};

use crate::error::ContentError;

/// What a column of a table is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Use {
    /// It has the labels.
    Label,
    /// It is a feature.
    Feature,
    /// It is left out.
    Dropped,
}

impl Use {
    /// The name in files.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Label => "label",
            Self::Feature => "feature",
            Self::Dropped => "dropped",
        }
    }

    pub(crate) fn of(name: &str) -> Result<Self, ContentError> {
        let known =
            [Self::Label, Self::Feature, Self::Dropped].into_iter().find(|known| known.name() == name);
        known.ok_or_else(|| ContentError::ColumnUse { text: name.to_owned() })
    }
}

/// The columns of a table in their order: what each is for, and its name where they have names. At most one has the
/// labels.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Schema {
    uses: Vec<Use>,
    names: Option<Vec<String>>,
}

/// A schema as it is stored.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Unchecked {
    uses: Vec<Use>,
    names: Option<Vec<String>>,
}

impl Schema {
    /// Columns of these uses and, where there are any, names. Zero characters at the end of a name do not count: NumPy
    /// does not keep them.
    ///
    /// # Errors
    ///
    /// [`ContentError::ModelShape`] for another number of names, [`ContentError::LabelColumns`] for several columns of
    /// labels.
    pub fn new(uses: Vec<Use>, names: Option<Vec<String>>) -> Result<Self, ContentError> {
        let count = names.as_ref().map_or(uses.len(), Vec::len);
        if count != uses.len() {
            return Err(ContentError::ModelShape {
                part: "the names of columns",
                found: count,
                expected: uses.len(),
            });
        }
        let count = uses.iter().filter(|&&each| each == Use::Label).count();
        if count > 1 {
            return Err(ContentError::LabelColumns { count });
        }
        let trimmed = |name: String| name.trim_end_matches('\0').to_owned();
        Ok(Self { uses, names: names.map(|names| names.into_iter().map(trimmed).collect()) })
    }

    /// So many features without names, and no other column.
    #[must_use]
    pub fn of_features(count: usize) -> Self {
        Self { uses: vec![Use::Feature; count], names: None }
    }

    /// What each column is for.
    #[must_use]
    pub fn uses(&self) -> &[Use] {
        &self.uses
    }

    /// The name of each column, where they have names.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The number of columns that are used as this.
    #[must_use]
    pub fn count(&self, of: Use) -> usize {
        self.places(of).count()
    }

    /// The columns that are used as this, from 0.
    pub(crate) fn places(&self, of: Use) -> impl Iterator<Item = usize> {
        self.uses.iter().enumerate().filter(move |(_, found)| **found == of).map(|(place, _)| place)
    }

    /// What the column of a name is for, where columns have names and one has this.
    pub(crate) fn use_of(&self, name: &str) -> Option<Use> {
        let place = self.names.as_ref()?.iter().position(|known| known == name)?;
        Some(self.uses[place])
    }

    /// The names of the features, where columns have names.
    #[must_use]
    pub fn feature_names(&self) -> Option<Vec<&str>> {
        let names = self.names.as_ref()?;
        Some(self.places(Use::Feature).map(|place| names[place].as_str()).collect())
    }

    /// How many features come before the labels; none where no column has them.
    pub(crate) fn features_before_labels(&self) -> usize {
        let label = self.places(Use::Label).next().unwrap_or_default();
        self.places(Use::Feature).take_while(|&place| place < label).count()
    }
}

impl TryFrom<Unchecked> for Schema {
    type Error = ContentError;

    fn try_from(stored: Unchecked) -> Result<Self, ContentError> {
        Self::new(stored.uses, stored.names)
    }
}
