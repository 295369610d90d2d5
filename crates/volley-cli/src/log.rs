//! The log: records with time and level, for whoever operates the program.
//!
//! Every event is a record. The library crates write none: what they compute is a function of its arguments, and they
//! tell their callers how far they are. So whatever is in a log is in this crate's sources, and these log no values of
//! keys, and of data only what an error quotes. A log does not lie in a folder that goes to others. There is a log
//! where `RUST_LOG` or `--log-file` asks for one.

use std::env;
use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::fmt::writer::BoxMakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use volley_program::{BadInput, OrBadInput};
use volley_project::output::{check_decrypted, check_stays};

/// The variable that says what is logged, as programs in Rust have it.
const LEVELS: &str = "RUST_LOG";

/// How the time of a record begins.
const RECORD_START: &str = "0000-00-00T";

/// Begins the log: in a file, at whose end it goes on, and else on standard error if `RUST_LOG` says what is logged.
///
/// # Errors
///
/// [`BadInput`] for a file that cannot be written to or is no log, and for levels that are none.
pub(crate) fn begin(file: Option<&Path>) -> Result<(), BadInput> {
    let levels = env::var(LEVELS).ok().filter(|levels| !levels.is_empty());
    let targets = match &levels {
        Some(levels) => {
            levels.parse::<Targets>().map_err(|error| BadInput::new(format!("{LEVELS}: {error}")))?
        }
        None if file.is_some() => Targets::new().with_default(LevelFilter::INFO),
        None => return Ok(()),
    };
    file.map_or(Ok(()), check)?;
    let writer = match file {
        Some(path) => BoxMakeWriter::new(File::options().create(true).append(true).open(path).at(path)?),
        None => BoxMakeWriter::new(std::io::stderr),
    };
    let layer = fmt::layer().with_target(false).with_ansi(false).with_writer(writer);
    tracing_subscriber::registry().with(targets).with(layer).init();
    Ok(())
}

/// Refuses a place where no decryption may lie, as an error may quote a value of a table, and what is there and is no
/// log.
fn check(path: &Path) -> Result<(), BadInput> {
    if path.is_dir() {
        return Err(BadInput::at(path, "this is a folder, and a log is a file"));
    }
    check_stays(path)?;
    let Ok(place) = fs::canonicalize(path) else { return check_decrypted(path, &[], true) };
    // A pipe or a terminal is not read.
    if !place.is_file() {
        return Ok(());
    }
    check_decrypted(&place, &[], true)?;
    let mut start = Vec::new();
    File::open(path).at(path)?.take(RECORD_START.len() as u64).read_to_end(&mut start).at(path)?;
    let is_like = |(byte, like): (&u8, u8)| if like == b'0' { byte.is_ascii_digit() } else { *byte == like };
    if start.is_empty()
        || start.len() == RECORD_START.len() && start.iter().zip(RECORD_START.bytes()).all(is_like)
    {
        return Ok(());
    }
    Err(BadInput::at(path, "this is no log, and a log goes on at the end of one: name another file"))
}
