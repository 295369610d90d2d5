//! The folder of one party: what it keeps, what it sends, and what it has of the others.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::{Path, PathBuf};

use super::Result;
use super::text::{self, Text};
use crate::atomic::{FolderLock, Staged, sweep};
use crate::files::{buffered, check_without_links, open_named, open_received};
use crate::job_folder::PARTY;
use crate::output::check_stays;
use volley_program::{BadInput, OrBadInput};

/// The name by which the server sends.
pub(super) const SERVER: &str = "server";
/// The folder that the server keeps for the training: the files of an upload.
pub(super) const TRAINING_FOLDER: &str = "job";
/// What is trained: written when all other files of the upload are there.
pub(super) const TRAINING_JOB: &str = "job/job.vly";
const RECEIVED: &str = "received.json";

/// A file of another party, whose bytes are hashed as they are read.
pub(super) type Incoming = BufReader<Hashed>;

#[derive(Debug)]
pub(super) struct Hashed {
    file: File,
    hash: blake3::Hasher,
}

impl Read for Hashed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

/// The hash of a file, by its party and name.
pub(super) type Hashes = BTreeMap<String, String>;

impl Text for Hashes {
    /// Files of many rows and requests.
    const MAX_BYTES: u64 = 1 << 24;
}

/// The folder of a party.
#[derive(Debug)]
pub(super) struct PoolFolder {
    root: PathBuf,
    /// Files that were read, which must not change.
    received: RefCell<Hashes>,
}

impl PoolFolder {
    /// Makes the folder of a party. What others sent may be there already.
    pub(super) fn create(root: &Path, party: &str) -> Result<Self, BadInput> {
        let folder = Self { root: root.to_owned(), received: RefCell::default() };
        let (sends, private) = (folder.exchange().join(party), folder.private());
        folder.check_new()?;
        fs::create_dir_all(&sends).at(&sends)?;
        fs::create_dir_all(&private).at(&private)?;
        #[cfg(unix)]
        fs::set_permissions(&private, std::os::unix::fs::PermissionsExt::from_mode(0o700)).at(&private)?;
        folder.check_links()?;
        Ok(folder)
    }

    /// The folder that `volley pool init` or `volley pool join` made.
    pub(super) fn open(root: &Path) -> Result<Self, BadInput> {
        let mut folder = Self { root: root.to_owned(), received: RefCell::default() };
        if !folder.keeps(PARTY) {
            let problem = "this is no folder of a pool: `volley pool init` or `volley pool join` makes one";
            return Err(BadInput::at(root, problem));
        }
        folder.check_links()?;
        folder.received = RefCell::new(folder.recall(RECEIVED)?.unwrap_or_default());
        Ok(folder)
    }

    /// Where others' files are looked for before there is a folder.
    pub(super) fn unopened(root: &Path) -> Self {
        Self { root: root.to_owned(), received: RefCell::default() }
    }

    /// Refuses the folder of a party, and one that goes to others.
    pub(super) fn check_new(&self) -> Result<(), BadInput> {
        check_stays(&self.kept(PARTY))?;
        if self.keeps(PARTY) {
            return Err(BadInput::at(self.root(), "a party has this folder already; choose another"));
        }
        Ok(())
    }

    /// The right to change the folder. What a killed program left half written is removed.
    pub(super) fn lock(&self, party: &str) -> Result<FolderLock, BadInput> {
        let lock = FolderLock::take(&self.private())?;
        let sends = self.exchange().join(party);
        sweep(&sends).at(&sends)?;
        Ok(lock)
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn exchange(&self) -> PathBuf {
        self.root.join("exchange")
    }

    fn private(&self) -> PathBuf {
        self.root.join("private")
    }

    /// A file that this party keeps.
    pub(super) fn kept(&self, file: &str) -> PathBuf {
        self.private().join(file)
    }

    /// A file that a party sends.
    pub(super) fn sent(&self, party: &str, file: &str) -> PathBuf {
        self.exchange().join(party).join(file)
    }

    /// Whether a file of a party is there.
    pub(super) fn has(&self, party: &str, file: &str) -> bool {
        self.sent(party, file).symlink_metadata().is_ok()
    }

    /// Whether this party has kept a file.
    pub(super) fn keeps(&self, file: &str) -> bool {
        self.kept(file).symlink_metadata().is_ok()
    }

    /// Names of the parties that have sent anything.
    pub(super) fn parties(&self) -> Result<Vec<String>, BadInput> {
        names_in(&self.exchange())
    }

    /// Folders among what a party has sent: it sends files alone.
    pub(super) fn folders_of(&self, party: &str) -> Result<Vec<PathBuf>, BadInput> {
        let folder = self.exchange().join(party);
        let paths = names_in(&folder)?.into_iter().map(|name| folder.join(name));
        Ok(paths.filter(|path| path.is_dir()).collect())
    }

    /// The first file that a party has sent, by its name.
    pub(super) fn first_sent(&self, party: &str) -> Result<Option<PathBuf>, BadInput> {
        let folder = self.exchange().join(party);
        Ok(names_in(&folder)?.first().map(|file| folder.join(file)))
    }

    /// No party may lead another out of the folder.
    fn check_links(&self) -> Result<(), BadInput> {
        check_without_links(&self.exchange())?;
        let folders = self.parties()?.into_iter().map(|party| self.exchange().join(party));
        folders.filter(|folder| folder.is_dir()).try_for_each(|folder| check_without_links(&folder))
    }

    /// Reads a file of a party. One that was read before and is another file now is refused: nobody does a step twice
    /// with different values.
    pub(super) fn read<T, E: Display>(
        &self,
        party: &str,
        file: &str,
        read: impl FnOnce(&mut Incoming) -> Result<T, E>,
    ) -> Result<T, BadInput> {
        let path = self.sent(party, file);
        let mut incoming = buffered(Hashed { file: open_received(&path)?, hash: blake3::Hasher::new() });
        let value = read(&mut incoming).at(&path)?;
        let found = incoming.get_ref().hash.finalize().to_hex().to_string();
        self.remember(party, file, &found)?;
        Ok(value)
    }

    /// Reads a text of a party.
    pub(super) fn read_text<T: Text>(&self, party: &str, file: &str) -> Result<T, BadInput> {
        self.read(party, file, |incoming| text::read(incoming))
    }

    /// The numbers in the names of a party's files that begin and end like this, in ascending order.
    pub(super) fn numbers(&self, party: &str, start: &str, end: &str) -> Result<Vec<usize>, BadInput> {
        let folder = self.exchange().join(party);
        let mut numbers = Vec::new();
        if !folder.is_dir() {
            return Ok(numbers);
        }
        for entry in fs::read_dir(&folder).at(&folder)? {
            let name = entry.at(&folder)?.file_name();
            let digits = name.to_str().and_then(|name| name.strip_prefix(start)?.strip_suffix(end));
            numbers.extend(digits.and_then(|digits| digits.parse::<usize>().ok()));
        }
        numbers.sort_unstable();
        numbers.dedup();
        Ok(numbers)
    }

    fn remember(&self, party: &str, file: &str, found: &str) -> Result<(), BadInput> {
        let mut received = self.received.borrow_mut();
        let expected = received.entry(format!("{party}/{file}")).or_insert_with(|| found.to_owned());
        if *expected == found {
            return Ok(());
        }
        let problem = format!("{party} sent another file here before, and each step is done once");
        Err(BadInput::at(&self.sent(party, file), problem))
    }

    /// The hash of a file that was read.
    pub(super) fn hash_of(&self, party: &str, file: &str) -> Option<String> {
        self.received.borrow().get(&format!("{party}/{file}")).cloned()
    }

    /// Brings to the disk which files were read: before anything that follows from them is kept or sent.
    fn keep_received(&self) -> Result<(), BadInput> {
        let text = text::written(&*self.received.borrow())?;
        Staged::private(&self.kept(RECEIVED), |mut out| out.write_all(text.as_bytes()))?.commit(true)
    }

    /// Sends a file, complete or not at all.
    pub(super) fn send<E: Display>(
        &self,
        party: &str,
        file: &str,
        write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), E>,
    ) -> Result<(), BadInput> {
        self.keep_received()?;
        Staged::new(&self.sent(party, file), write)?.commit(false)
    }

    /// Sends a text.
    pub(super) fn send_text(&self, party: &str, file: &str, value: &impl Text) -> Result<(), BadInput> {
        let text = text::written(value)?;
        self.send(party, file, |out| out.write_all(text.as_bytes()))
    }

    /// Keeps a private file, in the place of one that is there.
    pub(super) fn keep<E: Display>(
        &self,
        file: &str,
        write: impl FnOnce(&File) -> Result<(), E>,
    ) -> Result<(), BadInput> {
        self.keep_received()?;
        Staged::private(&self.kept(file), write)?.commit(true)
    }

    /// Makes a private folder, unless it is there.
    pub(super) fn make_kept(&self, folder: &str) -> Result<(), BadInput> {
        let folder = self.kept(folder);
        fs::create_dir_all(&folder).at(&folder)
    }

    /// Keeps a private text.
    pub(super) fn keep_text(&self, file: &str, value: &impl Text) -> Result<(), BadInput> {
        let text = text::written(value)?;
        self.keep(file, |mut out| out.write_all(text.as_bytes()))
    }

    /// A private text, where it is there.
    pub(super) fn recall<T: Text>(&self, file: &str) -> Result<Option<T>, BadInput> {
        let path = self.kept(file);
        if !path.try_exists().at(&path)? {
            return Ok(None);
        }
        text::read(open_named(&path)?).map(Some).at(&path)
    }

    /// Opens a private file. Unbuffered: no buffer is left to be wiped.
    pub(super) fn open_kept(&self, file: &str) -> Result<File, BadInput> {
        open_named(&self.kept(file))
    }
}

/// The names in a folder, in order, but for those that begin with a dot; none where there is no folder.
fn names_in(folder: &Path) -> Result<Vec<String>, BadInput> {
    let mut names = Vec::new();
    if !folder.try_exists().at(folder)? {
        return Ok(names);
    }
    for entry in fs::read_dir(folder).at(folder)? {
        names.extend(entry.at(folder)?.file_name().into_string());
    }
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    Ok(names)
}
