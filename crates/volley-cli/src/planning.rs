//! Planning for the user: what cannot be is refused at once, with the option that helps.

use std::ops::RangeInclusive;

use volley_mlr::volley_ckks::Error as CkksError;
use volley_mlr::volley_ckks::params::ParametersError;
use volley_mlr::volley_revolver::Error as MatrixError;
use volley_mlr::{Error, ForMachine, Plan};
use volley_program::machine::available_memory_bytes;
use volley_program::units::show_bytes;
use volley_program::{BadInput, ProfileName};
use volley_project::Settings;

use crate::console::phase;

/// The rings that trainings may have.
const LOG_N: RangeInclusive<u32> = 12..=16;

/// The plan of some settings. Where these have no limit of the memory, one that is too large for this machine is
/// refused: whoever has a larger one says so.
///
/// # Errors
///
/// [`BadInput`] with what would fit.
pub(crate) fn plan(settings: &Settings) -> Result<Plan, BadInput> {
    phase("planning", || {
        let plan = match (settings.memory, available_memory_bytes()) {
            (None, Some(available)) => return for_machine(settings, available),
            _ => settings.plan(),
        };
        plan.map_err(|error| with_advice(&error, settings))
    })
}

/// The plan, unless this machine has not the memory for it.
fn for_machine(settings: &Settings, available: u64) -> Result<Plan, BadInput> {
    let planned = settings.plan_for_machine(available).map_err(|error| with_advice(&error, settings))?;
    let (needed, within) = match planned {
        ForMachine::Fits(plan) => return Ok(plan),
        ForMachine::TooLarge { fastest, within } => (fastest.memory(1).total(), *within),
    };
    let smaller = match within {
        Ok(smaller) => format!("--memory {} plans for less", gigabytes(smaller.memory(1).total())),
        Err(error) => with_advice(&error, settings).to_string(),
    };
    Err(BadInput::new(format!(
        "the fastest plan takes {} of memory, and this machine has {}: {smaller}; if the server has as much: \
         --memory {}",
        show_bytes(needed),
        show_bytes(available),
        gigabytes(needed)
    )))
}

/// An error with the option that helps, where there is one.
fn with_advice(error: &Error, settings: &Settings) -> BadInput {
    let advice = match error {
        Error::Matrix(MatrixError::TooMuchMemory { required, .. }) => {
            format!("--memory {} would do", gigabytes(*required))
        }
        Error::Matrix(MatrixError::TooManyKeys { .. }) if settings.small_keys => {
            "without --small-keys they may be larger".to_owned()
        }
        Error::TooManyIterations { .. } if settings.shareable => {
            "fewer --iterations, or a plan without --shareable".to_owned()
        }
        Error::TooLongTraining { max, .. } => format!("--iterations {max} would do"),
        Error::Matrix(MatrixError::Ckks(CkksError::Parameters(ParametersError::LogN { log_n, .. }))) => {
            return BadInput::new(no_ring(*log_n, settings));
        }
        _ => match mend(error, settings) {
            Some(advice) => advice,
            None => return BadInput::new(error),
        },
    };
    BadInput::new(format!("{error}; {advice}"))
}

/// An option without which there is a plan, or so many iterations that there is one. It was tried.
fn mend(error: &Error, settings: &Settings) -> Option<String> {
    let without = |option: &str, changed: Settings| (format!("without {option} there is a plan"), changed);
    let fewer = match *error {
        Error::TooManyIterations { possible, .. } => Some((
            format!("--iterations {possible} would do"),
            Settings { iterations: possible, ..settings.clone() },
        )),
        _ => None,
    };
    let standardised = Settings { profile: ProfileName::Standardised, ..settings.clone() };
    let standardised = matches!(error, Error::WhitenedColumns { .. })
        .then(|| ("--profile standardised would do".to_owned(), standardised));
    let of_ring = settings.log_n.map(|_| without("--log-n", Settings { log_n: None, ..settings.clone() }));
    let rate = Settings { learning_rate: None, ..settings.clone() };
    let rate = settings.learning_rate.map(|_| without("--learning-rate", rate));
    let range = Settings { sigmoid_range: None, ..settings.clone() };
    let range = settings.sigmoid_range.map(|_| without("--sigmoid-range", range));
    let mut others = [of_ring, fewer, standardised, rate, range].into_iter().flatten();
    others.find(|(_, changed)| changed.plan().is_ok()).map(|(advice, _)| advice)
}

/// A ring degree that does not exist, and those that have a plan: they were tried.
fn no_ring(log_n: u32, settings: &Settings) -> String {
    let has_plan = |&log_n: &u32| Settings { log_n: Some(log_n), ..settings.clone() }.plan().is_ok();
    let rings: Vec<_> = LOG_N.filter(has_plan).map(|log_n| log_n.to_string()).collect();
    let would_do = match rings.split_last() {
        None => "none would do".to_owned(),
        Some((only, [])) => format!("{only} would do"),
        Some((last, others)) => format!("{} or {last} would do", others.join(", ")),
    };
    format!(
        "no training has a ring of log N = {log_n}; --log-n {would_do}, and without it the cheapest is taken"
    )
}

/// A size as options are given it, rounded up.
fn gigabytes(bytes: u64) -> String {
    let gigabytes = (bytes as f64 / 1e7).ceil() / 100.0;
    format!("{gigabytes}G")
}

#[cfg(test)]
mod tests {
    use volley_program::units::parse_bytes;
    use volley_project::SecurityBits;

    use super::*;

    #[test]
    fn what_is_named_fits() {
        for bytes in [407_011_328, 1_204_059_780, 10_000_000, 1] {
            let named = parse_bytes(&gigabytes(bytes)).unwrap();
            assert!((bytes..=bytes + 10_000_000).contains(&named), "{named}");
        }
        let small = Settings { memory: Some(100_000_000), ..Settings::of(24, 4, 3) };
        let refused = with_advice(&small.plan().unwrap_err(), &small).to_string();
        let (_, option) = refused.rsplit_once("; --memory ").unwrap();
        let memory = parse_bytes(option.strip_suffix(" would do").unwrap()).ok();
        assert!(Settings { memory, ..small }.plan().is_ok(), "{refused}");
    }

    #[test]
    fn a_plan_that_the_machine_has_no_memory_for_is_refused_with_what_fits() {
        let settings = Settings::of(2000, 50, 3);
        let needed = settings.plan().unwrap().memory(1).total();
        assert!(for_machine(&settings, needed).is_ok());
        let refused = for_machine(&settings, needed - 1).unwrap_err().to_string();
        assert!(refused.contains(" plans for less; if the server has as much: --memory "), "{refused}");
        let none = for_machine(&settings, 50_000_000).unwrap_err().to_string();
        assert!(
            none.contains("the leanest plan takes ") && none.contains(" would do; if the server"),
            "{none}"
        );
    }

    #[test]
    fn what_helps_is_named() {
        let settings = Settings::of(24, 4, 3);
        let long = Settings { iterations: 1001, ..settings.clone() };
        let refused = with_advice(&long.plan().unwrap_err(), &long).to_string();
        assert_eq!(refused, "a training has at most 1,000 iterations, not 1,001; --iterations 1000 would do");
        for (settings, words) in [
            (
                Settings { iterations: 30, log_n: Some(14), ..settings.clone() },
                "; without --log-n there is a plan",
            ),
            (
                Settings { log_n: Some(18), ..settings.clone() },
                "; --log-n 14, 15 or 16 would do, and without it",
            ),
            (Settings { learning_rate: Some(1e300), ..settings.clone() }, "; without --learning-rate there"),
            (Settings { features: 5000, ..settings.clone() }, "; --profile standardised would do"),
            (
                Settings { iterations: 60, security: SecurityBits::B256, ..settings.clone() },
                "; --iterations 4 would do",
            ),
            (Settings { iterations: 40, shareable: true, ..settings.clone() }, "without --shareable"),
        ] {
            let refused = with_advice(&settings.plan().unwrap_err(), &settings).to_string();
            assert!(refused.contains(words), "{refused}");
        }
        // Nothing helps a shape that no ring has room for.
        let wide = Settings { features: usize::MAX, profile: ProfileName::Paper, ..settings.clone() };
        let refused = wide.plan().unwrap_err();
        assert_eq!(with_advice(&refused, &wide).to_string(), refused.to_string());
        let small = Settings { small_keys: true, ..settings };
        let keys = Error::Matrix(MatrixError::TooManyKeys { required: 61_000_000, limit: 60_000_000 });
        let refused = with_advice(&keys, &small).to_string();
        assert!(refused.ends_with("limit is 60.0 MB; without --small-keys they may be larger"), "{refused}");
    }
}
