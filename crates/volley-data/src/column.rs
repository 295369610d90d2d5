//! How messages name a column.

use std::fmt;

/// A column of a table as messages name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its place in the file, from 1.
    pub place: usize,
    /// Its name, where it has one.
    pub name: Option<String>,
}

impl From<usize> for Column {
    fn from(place: usize) -> Self {
        Self { place, name: None }
    }
}

impl fmt::Display for Column {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.name {
            Some(name) => write!(f, "column {} ({name:?})", self.place),
            None => write!(f, "column {}", self.place),
        }
    }
}
