//! What all programs offer for a training: the profiles by their names, and small keys.

use std::fmt;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use volley_mlr::{Error, Hyperparameters, Profile};

/// Most bytes of the evaluation keys that are wanted small: 60 MB.
pub const SMALL_KEY_BYTES: u64 = 60_000_000;

/// How features are prepared and steps are taken.
///
/// On command lines and in print the names are those of the variants. In projects the second is stored as `standard`
/// and the third as `whitened`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProfileName {
    /// The paper's: raw features, its polynomial, its step size
    Paper,
    /// Standardised features, a least-squares polynomial, learning rate 2
    #[serde(rename = "standard")]
    Standardised,
    /// The same with whitened features
    #[serde(rename = "whitened")]
    Standard,
}

impl ProfileName {
    /// The settings that the profile has for so many iterations.
    ///
    /// # Errors
    ///
    /// Those of [`Hyperparameters::standard`] and its siblings.
    pub fn hyperparameters(self, iterations: usize) -> Result<Hyperparameters, Error> {
        match self {
            Self::Paper => Hyperparameters::paper(iterations),
            Self::Standardised => Hyperparameters::standardised(iterations),
            Self::Standard => Hyperparameters::standard(iterations),
        }
    }
}

impl From<Profile> for ProfileName {
    fn from(profile: Profile) -> Self {
        match profile {
            Profile::Paper => Self::Paper,
            Profile::Standardised => Self::Standardised,
            Profile::Standard => Self::Standard,
        }
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Paper => "paper",
            Self::Standardised => "standardised",
            Self::Standard => "standard",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_profiles() {
        for name in ProfileName::value_variants() {
            let settings = name.hyperparameters(2).unwrap();
            assert_eq!(ProfileName::from(settings.profile()), *name);
            assert_eq!(ProfileName::from_str(&name.to_string(), false), Ok(*name));
        }
    }

    #[test]
    fn projects_have_names_of_their_own() {
        let stored = ["\"paper\"", "\"standard\"", "\"whitened\""];
        for (name, stored) in ProfileName::value_variants().iter().zip(stored) {
            assert_eq!(serde_json::to_string(name).unwrap(), stored);
            assert_eq!(serde_json::from_str::<ProfileName>(stored).unwrap(), *name);
        }
    }
}
