//! The accuracy of both profiles in clear: `accuracy TRAINING_TABLE TEST_TABLE`.
//!
//! A line for each profile and number of iterations: the profile, the iterations, the share of the test rows that are
//! predicted right, and the largest score of training, or `-` for both where it leaves the polynomial's range.
//! `scripts/compare_profiles.py` makes a table of it.

#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, reason = "the example's result")]

use std::error::Error;
use std::path::PathBuf;

use volley_data::{TableOptions, read_table};
use volley_mlr::{Hyperparameters, Step, TrainingSet};

const ITERATIONS: [usize; 4] = [2, 4, 10, 30];

fn main() -> Result<(), Box<dyn Error>> {
    let paths: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [training, test] = &paths[..] else { return Err("usage: accuracy TRAINING_TABLE TEST_TABLE".into()) };
    let read = |path| read_table(path, &TableOptions::default())?.into_dataset();
    let (training, test) = (read(training)?, read(test)?);
    for (name, settings) in [
        ("standardised", Hyperparameters::standardised as fn(usize) -> _),
        ("standard", Hyperparameters::standard),
    ] {
        for iterations in ITERATIONS {
            let settings = settings(iterations)?;
            let set = TrainingSet::new(&training, settings.profile())?;
            let steps: Vec<Step> = set.reference(&settings).collect();
            if steps.iter().any(|step| step.check_range().is_err()) {
                println!("{name} {iterations} - -");
                continue;
            }
            let score = steps.iter().map(|step| step.largest_score).fold(0.0, f64::max);
            let last = steps.into_iter().last().ok_or("no iterations")?;
            let accuracy = set.model(last.weights)?.accuracy(&test)?;
            println!("{name} {iterations} {accuracy} {score}");
        }
    }
    Ok(())
}
