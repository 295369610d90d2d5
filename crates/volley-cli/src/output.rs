//! Results on standard output.

use std::fmt::Display;
use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use serde::Serialize;
use volley_program::BadInput;

use crate::escaped::escaped;
use crate::wrapped::wrapped_for_terminal;

/// How results are written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Output {
    /// As JSON, for programs.
    pub(crate) json: bool,
}

impl Output {
    /// Shows a result. A terminal gets lines that fit it, and no control characters of names and labels; whatever else
    /// reads standard output gets all as it is.
    pub(crate) fn result(self, result: &(impl Serialize + Display)) -> Result<()> {
        let text = self.text(result)?;
        let shown = match (io::stdout().is_terminal(), self.json) {
            (false, _) => text,
            (true, true) => escaped(&text),
            (true, false) => wrapped_for_terminal(&escaped(&text)),
        };
        print(shown.as_bytes())
    }

    /// Writes a result in one call, as `out` may have no buffer.
    pub(crate) fn write(self, mut out: impl Write, result: &(impl Serialize + Display)) -> Result<()> {
        out.write_all(self.text(result)?.as_bytes())?;
        Ok(out.flush()?)
    }

    fn text(self, result: &(impl Serialize + Display)) -> Result<String> {
        let text = if self.json { serde_json::to_string_pretty(result)? } else { result.to_string() };
        Ok(text + "\n")
    }
}

/// Writes to standard output in one call, as it may have no buffer.
pub(crate) fn print(text: &[u8]) -> Result<()> {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(BadInput::new(format_args!("nowhere to write: standard output: {error}")).into())
        }
        written => Ok(written?),
    }
}

/// Whether writing failed because the reader of the output has gone.
pub(crate) fn is_closed(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().map(io::Error::kind) == Some(io::ErrorKind::BrokenPipe)
}
