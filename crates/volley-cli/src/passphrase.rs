//! Passphrases: typed without echo, or from a file.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use volley_program::{BadInput, OrBadInput};
use zeroize::Zeroizing;

/// Longer ones are taken for a wrong file.
const MAX_BYTES: u64 = 4096;

/// Where the passphrase of a sealed secret key comes from.
#[derive(Args, Debug)]
pub(crate) struct PassphraseSource {
    /// Read the secret key's passphrase from the first line of this file [default: ask for it, if the key is sealed]
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

impl PassphraseSource {
    /// Whether a file was named.
    pub(crate) fn is_given(&self) -> bool {
        self.passphrase_file.is_some()
    }

    /// The passphrase of a key that is sealed.
    pub(crate) fn open(&self) -> Result<Zeroizing<String>, BadInput> {
        self.read_named()?.map_or_else(|| prompt("Passphrase of the secret key: "), Ok)
    }

    /// The passphrase of a key that shall be sealed: typed twice.
    pub(crate) fn choose(&self) -> Result<Zeroizing<String>, BadInput> {
        if let Some(passphrase) = self.read_named()? {
            return Ok(passphrase);
        }
        let passphrase = prompt("New passphrase of the secret key: ")?;
        if *prompt("Once more: ")? != *passphrase {
            return Err(BadInput::new("the passphrases differ"));
        }
        Ok(passphrase)
    }

    fn read_named(&self) -> Result<Option<Zeroizing<String>>, BadInput> {
        let Some(path) = &self.passphrase_file else { return Ok(None) };
        if fs::metadata(path).at(path)?.len() > MAX_BYTES {
            return Err(BadInput::at(path, "too long for a file with a passphrase"));
        }
        let content = Zeroizing::new(fs::read_to_string(path).at(path)?);
        let passphrase = content.lines().next().unwrap_or_default();
        if passphrase.is_empty() {
            return Err(BadInput::at(path, "the passphrase is empty"));
        }
        Ok(Some(Zeroizing::new(passphrase.to_owned())))
    }
}

fn prompt(question: &str) -> Result<Zeroizing<String>, BadInput> {
    if !io::stdin().is_terminal() {
        return Err(BadInput::new(
            "a passphrase is needed and there is no terminal to ask for it: --passphrase-file FILE reads it from a \
             file",
        ));
    }
    let passphrase = Zeroizing::new(rpassword::prompt_password(question).or_bad_input()?);
    if passphrase.is_empty() { Err(BadInput::new("the passphrase is empty")) } else { Ok(passphrase) }
}
