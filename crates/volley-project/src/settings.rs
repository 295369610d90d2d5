//! What the owner asked for: from the command line of `volley init`, and kept in the project.

use clap::builder::PossibleValue;
use clap::{Args, ValueEnum};
use serde::{Deserialize, Serialize};
use volley_mlr::volley_ckks::{Flooding, Security};
use volley_mlr::volley_revolver::plan::{Demands, RingChoice};
use volley_mlr::volley_sigmoid::SigmoidPolynomial;
use volley_mlr::{Error, ForMachine, Hyperparameters, LearningRate, Plan};
use volley_program::units::parse_bytes;
use volley_program::{ProfileName, SMALL_KEY_BYTES};

/// Range of the sigmoid's polynomial where only its degree is given.
const SIGMOID_RANGE: f64 = 8.0;

/// Shape of the data, settings of the training, and demands on its parameters. `volley init` finds the shape and the
/// iterations.
#[derive(Args, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Rows of the data
    #[arg(skip)]
    pub samples: usize,
    /// Feature columns of the data
    #[arg(skip)]
    pub features: usize,
    /// Different labels of the data
    #[arg(skip)]
    pub classes: usize,
    /// Iterations of the training
    #[arg(skip)]
    pub iterations: usize,
    /// How features are prepared and steps are taken
    #[arg(long, value_enum, default_value = "standard")]
    pub profile: ProfileName,
    /// Degree of the sigmoid's polynomial, odd, by least squares [default: what suits the range, or the profile's]
    #[arg(long, value_name = "DEGREE")]
    pub sigmoid_degree: Option<usize>,
    /// Scores are in [-R, R]. The polynomial is fitted on the first of [-8, 8], [-12, 12] and [-16, 16] that holds
    /// these; on [-R, R] itself beyond them, or where the degree is given [default: the profile's]
    #[arg(long, value_name = "R", allow_negative_numbers = true)]
    pub sigmoid_range: Option<f64>,
    /// Factor of each step [default: the profile's]
    #[arg(long, value_name = "RATE", allow_negative_numbers = true)]
    pub learning_rate: Option<f64>,
    /// Weights are scaled by 1 - DECAY before each step [default: the profile's]
    #[arg(long, value_name = "DECAY", allow_negative_numbers = true)]
    pub weight_decay: Option<f64>,
    /// The momentum grows to LIMIT, at most 1 [default: the profile's]
    #[arg(long, value_name = "LIMIT", allow_negative_numbers = true)]
    pub momentum_limit: Option<f64>,
    /// No normalised weight leaves [-B, B], where long runs refresh them [default: 90]
    #[arg(long, value_name = "B", allow_negative_numbers = true)]
    pub weight_range: Option<f64>,
    /// Bits of security against classical attacks (eprint 2024/463)
    #[arg(long, value_enum, default_value = "128")]
    pub security: SecurityBits,
    /// log2 of the ring degree [default: the cheapest that fits]
    #[arg(long, value_name = "LOG_N")]
    pub log_n: Option<u32>,
    /// Most memory of the server that keys and ciphertexts may take, such as 4G [default: what this machine has]
    #[arg(long, value_name = "SIZE", value_parser = parse_bytes)]
    pub memory: Option<u64>,
    /// Evaluation keys of at most 60 MB, for more of the server's time
    #[arg(long)]
    pub small_keys: bool,
    /// Plan for a model that may be shared: decryption adds noise that hides what it says of the secret key
    #[arg(long)]
    pub shareable: bool,
    /// Bits of statistical security of shared decryptions, at least 30
    #[arg(long, value_name = "BITS", default_value_t = 30, requires = "shareable")]
    pub statistical_bits: u32,
    /// Decryptions under the project's key that may be shared
    #[arg(long, value_name = "COUNT", default_value_t = 1, requires = "shareable")]
    pub shared_decryptions: u32,
}

/// The claims of the security table, by their bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u32", into = "u32")]
pub enum SecurityBits {
    /// 128 bits.
    B128,
    /// 192 bits.
    B192,
    /// 256 bits.
    B256,
}

impl SecurityBits {
    fn claim(self) -> Security {
        match self {
            Self::B128 => Security::Classical128,
            Self::B192 => Security::Classical192,
            Self::B256 => Security::Classical256,
        }
    }
}

impl ValueEnum for SecurityBits {
    fn value_variants<'a>() -> &'a [Self] {
        &[Self::B128, Self::B192, Self::B256]
    }

    fn to_possible_value(&self) -> Option<PossibleValue> {
        Some(PossibleValue::new(match self {
            Self::B128 => "128",
            Self::B192 => "192",
            Self::B256 => "256",
        }))
    }
}

impl From<SecurityBits> for u32 {
    fn from(bits: SecurityBits) -> Self {
        bits.claim().bits().unwrap_or_default()
    }
}

impl TryFrom<u32> for SecurityBits {
    type Error = String;

    fn try_from(bits: u32) -> Result<Self, String> {
        let variants = Self::value_variants().iter().copied();
        variants.into_iter().find(|&known| u32::from(known) == bits).ok_or(format!("no claim of {bits} bits"))
    }
}

impl Settings {
    /// The settings of the training.
    ///
    /// # Errors
    ///
    /// Those of [`Hyperparameters::new`] and of the polynomial.
    pub fn hyperparameters(&self) -> Result<Hyperparameters, Error> {
        let profile = self.profile.hyperparameters(self.iterations)?;
        let sigmoid = match (self.sigmoid_degree, self.sigmoid_range) {
            (None, None) => profile.sigmoid().clone(),
            (None, Some(range)) => SigmoidPolynomial::for_range(range)?,
            (Some(degree), range) => {
                SigmoidPolynomial::least_squares(degree, range.unwrap_or(SIGMOID_RANGE))?
            }
        };
        let learning_rate = self.learning_rate.map_or(profile.learning_rate(), LearningRate::Constant);
        let settings = Hyperparameters::new(
            self.iterations,
            profile.profile(),
            sigmoid,
            self.weight_decay.unwrap_or(profile.weight_decay()),
            learning_rate,
        )?
        .with_momentum_limit(self.momentum_limit.unwrap_or(profile.momentum_limit()))?
        .with_weight_range(self.weight_range.unwrap_or(profile.weight_range()))?;
        if !self.shareable {
            return Ok(settings);
        }
        Ok(settings.shareable(Flooding::new(self.statistical_bits, self.shared_decryptions)?))
    }

    /// The plan: always the same for the same settings, in one version of this program.
    ///
    /// # Errors
    ///
    /// Those of [`Plan::new`] and of the hyperparameters.
    pub fn plan(&self) -> Result<Plan, Error> {
        let (settings, demands) = (self.hyperparameters()?, self.demands());
        Plan::new(self.samples, self.features, self.classes, &settings, demands)
    }

    /// The plan, and where it takes more memory than a machine has, the one within that: each as
    /// [`plan`](Self::plan) gives it, without and with this limit.
    ///
    /// # Errors
    ///
    /// As [`plan`](Self::plan).
    pub fn plan_for_machine(&self, available: u64) -> Result<ForMachine, Error> {
        let (settings, demands) = (self.hyperparameters()?, Demands { memory_bytes: None, ..self.demands() });
        Plan::for_machine(self.samples, self.features, self.classes, &settings, demands, available)
    }

    fn demands(&self) -> Demands {
        Demands {
            ring: self.log_n.map_or(RingChoice::Cheapest, RingChoice::LogN),
            security: self.security.claim(),
            key_bytes: self.small_keys.then_some(SMALL_KEY_BYTES),
            memory_bytes: self.memory,
            ..Demands::default()
        }
    }
}

impl Settings {
    /// The defaults for a shape: two iterations.
    #[must_use]
    pub fn of(samples: usize, features: usize, classes: usize) -> Self {
        Self {
            samples,
            features,
            classes,
            iterations: 2,
            profile: ProfileName::Standard,
            sigmoid_degree: None,
            sigmoid_range: None,
            learning_rate: None,
            weight_decay: None,
            momentum_limit: None,
            weight_range: None,
            security: SecurityBits::B128,
            log_n: None,
            memory: None,
            small_keys: false,
            shareable: false,
            statistical_bits: 30,
            shared_decryptions: 1,
        }
    }
}

#[cfg(test)]
mod tests {
    use volley_mlr::Profile;

    use super::*;

    fn settings() -> Settings {
        Settings { iterations: 1, ..Settings::of(8, 3, 2) }
    }

    #[test]
    fn what_is_not_said_is_the_profiles() {
        assert_eq!(settings().hyperparameters(), Hyperparameters::standard(1));
        let long = Settings { iterations: 30, ..settings() };
        assert_eq!(long.hyperparameters(), Hyperparameters::standard(30));
        let plain = Settings { profile: ProfileName::Standardised, ..long.clone() };
        assert_eq!(plain.hyperparameters(), Hyperparameters::many(30));
        let bounded = Settings { momentum_limit: Some(0.5), weight_range: Some(9.0), ..long }
            .hyperparameters()
            .unwrap();
        assert_eq!((bounded.momentum_limit(), bounded.weight_range()), (0.5, 9.0));
        let paper = Settings { profile: ProfileName::Paper, ..settings() };
        assert_eq!(paper.hyperparameters(), Hyperparameters::paper(1));
        let wide = Settings { sigmoid_range: Some(16.0), weight_decay: Some(0.01), ..paper }
            .hyperparameters()
            .unwrap();
        assert_eq!((wide.sigmoid().degree(), wide.sigmoid().half_width()), (7, 16.0));
        let narrow = Settings { sigmoid_degree: Some(5), ..settings() }.hyperparameters().unwrap();
        assert_eq!((narrow.sigmoid().degree(), narrow.sigmoid().half_width()), (5, 8.0));
        assert_eq!((wide.weight_decay(), wide.profile()), (0.01, Profile::Paper));
        assert_eq!(wide.flooding(), None);
        let shareable = Settings { shareable: true, shared_decryptions: 3, ..settings() };
        assert_eq!(shareable.hyperparameters().unwrap().flooding(), Flooding::new(30, 3).ok());
        assert!(Settings { statistical_bits: 29, ..shareable }.hyperparameters().is_err());
    }

    #[test]
    fn settings_are_stored_and_strangers_refused() {
        let stored = serde_json::to_string(&settings()).unwrap();
        assert_eq!(serde_json::from_str::<Settings>(&stored).unwrap(), settings());
        assert!(stored.contains("\"profile\":\"whitened\""));
        // A project from before there was whitening.
        let older: Settings = serde_json::from_str(&stored.replace("whitened", "standard")).unwrap();
        assert_eq!(older.profile, ProfileName::Standardised);
        for (from, to) in [("128", "80"), ("\"samples\"", "\"sample\""), ("{", "{\"unknown\":1,")] {
            assert!(serde_json::from_str::<Settings>(&stored.replacen(from, to, 1)).is_err());
        }
    }
}
