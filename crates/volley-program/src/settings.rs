//! What all programs offer for a training: the profiles by their names, the number of iterations, and small keys.

use std::fmt;
use std::str::FromStr;

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

/// What is asked for with `--iterations`: a number, or `auto`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Iterations {
    /// [`Hyperparameters::AUTO_ITERATIONS`].
    #[default]
    Auto,
    /// So many. The settings of a training refuse none.
    Exactly(usize),
}

impl Iterations {
    /// The number of iterations.
    #[must_use]
    pub fn count(self) -> usize {
        match self {
            Self::Auto => Hyperparameters::AUTO_ITERATIONS,
            Self::Exactly(count) => count,
        }
    }

    /// Why there are so many, where that was not asked for.
    #[must_use]
    pub fn reason(self) -> Option<&'static str> {
        match self {
            Self::Auto => Some("auto: more of them gain little on most tables"),
            Self::Exactly(_) => None,
        }
    }
}

impl FromStr for Iterations {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "auto" => Ok(Self::Auto),
            number => number
                .parse()
                .map(Self::Exactly)
                .map_err(|_| "either `auto` or a number such as 2 is expected".to_owned()),
        }
    }
}

impl fmt::Display for Iterations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exactly(count) => write!(f, "{count}"),
        }
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

    #[test]
    fn iterations_are_a_number_or_chosen() {
        assert_eq!(Iterations::default(), Iterations::Auto);
        for (text, count) in [("auto", 2), ("0", 0), ("1", 1), ("40", 40)] {
            let iterations: Iterations = text.parse().unwrap();
            assert_eq!((iterations.count(), iterations.to_string().as_str()), (count, text));
            assert_eq!(iterations.reason().is_some(), text == "auto");
        }
        for text in ["-1", "1.5", "", "Auto", "two"] {
            assert!(text.parse::<Iterations>().is_err(), "{text}");
        }
    }
}
