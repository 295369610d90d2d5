//! Rows that a trainer reads from their files in every iteration.

use std::fmt::{self, Debug, Display};
use std::ops::Range;
use std::panic::resume_unwind;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use maybe_rayon::prelude::*;

use super::training_rows::Partition;
use crate::encrypted::{EncryptedGroup, EncryptedGroups, RowCiphertext};
use crate::error::Error;
use crate::plan::Plan;
use crate::training::rows::GroupSource;
use crate::volley_ckks::{Ciphertext, Context};

/// A file, or which one could not be read and why.
type Reading<C> = Result<EncryptedGroups<C>, String>;
type ReadFile<C> = dyn Fn(usize) -> Reading<C> + Send + Sync;

/// Files of rows of a plan as a source of groups. One file is in memory, and the next one is read meanwhile.
pub struct RowFiles<C> {
    partition: Partition,
    /// The files that there are, in ascending order.
    files: Vec<usize>,
    context: Arc<Context>,
    read: Arc<ReadFile<C>>,
    held: Mutex<Held<C>>,
}

/// What is in memory, by the number of the file.
struct Held<C> {
    current: Option<(usize, Arc<EncryptedGroups<C>>)>,
    next: Option<(usize, JoinHandle<Reading<C>>)>,
}

impl<C: RowCiphertext> RowFiles<C> {
    /// Some files of the plan by their numbers, from 0, in ascending order. `read` gives one of them, which it reads by
    /// [`EncryptedGroups::read`]; its error says which file it is.
    pub fn new<E: Display>(
        plan: &Plan,
        context: &Arc<Context>,
        files: Vec<usize>,
        read: impl Fn(usize) -> Result<EncryptedGroups<C>, E> + Send + Sync + 'static,
    ) -> Self {
        Self::of(plan.partition(), context, files, read)
    }

    fn of<E: Display>(
        partition: Partition,
        context: &Arc<Context>,
        files: Vec<usize>,
        read: impl Fn(usize) -> Result<EncryptedGroups<C>, E> + Send + Sync + 'static,
    ) -> Self {
        Self {
            partition,
            files,
            context: Arc::clone(context),
            read: Arc::new(move |file| read(file).map_err(|error| error.to_string())),
            held: Mutex::new(Held { current: None, next: None }),
        }
    }

    /// A file, and the next one in the background. After the last one comes the first: of the next iteration.
    fn file(&self, file: usize) -> Result<Arc<EncryptedGroups<C>>, Error> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, current)) = held.current.as_ref().filter(|(number, _)| *number == file) {
            return Ok(Arc::clone(current));
        }
        // So that no more than two are in memory.
        held.current = None;
        let read = match held.next.take() {
            Some((number, thread)) if number == file => {
                thread.join().unwrap_or_else(|panic| resume_unwind(panic))
            }
            _ => (self.read)(file),
        };
        let expected = self.partition.groups_of(file);
        let group = expected.start;
        let read = Arc::new(read.map_err(|reason| Error::RowSource { group, reason })?);
        if read.range() != expected {
            let reason = format!("groups {:?} were read where the file has {expected:?}", read.range());
            return Err(Error::RowSource { group, reason });
        }
        held.current = Some((file, Arc::clone(&read)));
        let following = self.files.iter().find(|&&next| next > file).or(self.files.first());
        if let Some(&next) = following.filter(|&&next| next != file) {
            let read = Arc::clone(&self.read);
            // Without a thread it is read when it is needed.
            let thread = thread::Builder::new().name("row files".to_owned()).spawn(move || read(next));
            held.next = thread.ok().map(|thread| (next, thread));
        }
        Ok(read)
    }

    /// The groups of a file that are among these.
    fn groups_of(
        &self,
        file: usize,
        groups: &Range<usize>,
    ) -> Result<Vec<EncryptedGroup<Ciphertext>>, Error> {
        let EncryptedGroups { first, groups: all } = &*self.file(file)?;
        let start = groups.start.saturating_sub(*first);
        let end = all.len().min(groups.end - first);
        all[start..end].par_iter().map(|group| group.expand(&self.context)).collect()
    }
}

impl<C: RowCiphertext> GroupSource<Ciphertext> for RowFiles<C> {
    fn read(&self, groups: Range<usize>) -> Result<Vec<EncryptedGroup<Ciphertext>>, Error> {
        let Range { start, end } = groups;
        let files = self.partition.file_of(start)..=self.partition.file_of(end.saturating_sub(1));
        let groups = files.map(|file| self.groups_of(file, &groups)).collect::<Result<Vec<_>, _>>()?;
        Ok(groups.into_iter().flatten().collect())
    }
}

impl<C> Debug for RowFiles<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowFiles").field("files", &self.files).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::testing::{Setup, clouds, small_ring};
    use crate::volley_ckks::SeededCiphertext;
    use crate::{Hyperparameters, RowPreparation, StoredRows, Trainer};

    type File = EncryptedGroups<SeededCiphertext>;

    /// A run of several groups, and its trainer on files of `per_file` groups that `read` gives.
    fn trainer(
        setup: &Setup,
        per_file: usize,
        read: impl Fn(usize, File) -> Result<File, String> + Send + Sync + 'static,
    ) -> Trainer<crate::volley_ckks::Evaluator> {
        let (evaluator, plan, upload) = (setup.evaluator(), &setup.plan, setup.upload());
        let partition = Partition { owners: plan.owners().to_vec(), per_file };
        let preconditioner = upload.expand(&setup.context).unwrap().preconditioner;
        let of_reader = partition.clone();
        let read = move |file| read(file, upload.groups(of_reader.groups_of(file)));
        let all = (0..partition.files()).collect();
        let files = RowFiles::of(partition, &setup.context, all, read);
        let preparation = RowPreparation::new(&evaluator, plan, preconditioner).unwrap();
        let rows = StoredRows::new(preparation, std::iter::once(0..plan.layout().groups()), files).unwrap();
        Trainer::with_rows(&evaluator, plan, None, Box::new(rows)).unwrap()
    }

    fn setup() -> Setup {
        let hyperparameters = Hyperparameters::standard(2).unwrap();
        let setup = Setup::new(&clouds(300, 20, 3), &hyperparameters, small_ring(8));
        assert!(setup.plan.layout().groups() > 16, "{:?}", setup.plan.layout());
        setup
    }

    #[test]
    fn files_of_any_size_give_the_model_of_rows_in_memory() {
        let setup = setup();
        let data = setup.upload().expand(&setup.context).unwrap();
        let mut resident = Trainer::new(&setup.evaluator(), &setup.plan, data).unwrap();
        while resident.step().unwrap().is_some() {}
        for per_file in [1, 3, 8, 13, 1000] {
            let reads = Arc::new(AtomicUsize::new(0));
            let counted = Arc::clone(&reads);
            let mut stored = trainer(&setup, per_file, move |_, file| {
                counted.fetch_add(1, Ordering::Relaxed);
                Ok(file)
            });
            while stored.step().unwrap().is_some() {}
            assert_eq!(stored.model().unwrap().terms, resident.model().unwrap().terms, "{per_file}");
            let files = setup.plan.layout().groups().div_ceil(per_file);
            let reads = reads.load(Ordering::Relaxed);
            // The first of a pass that does not come is read ahead as well.
            let passes = if files == 1 { 1..=1 } else { 2 * files..=2 * files + 1 };
            assert!(passes.contains(&reads), "{reads} reads of {files} files");
        }
    }

    #[test]
    fn of_some_files_the_next_one_is_read_ahead() {
        let setup = setup();
        let partition = Partition { owners: setup.plan.owners().to_vec(), per_file: 4 };
        let (upload, reads) = (setup.upload(), Arc::new(Mutex::new(Vec::new())));
        let (of_reader, read) = (partition.clone(), Arc::clone(&reads));
        let read = move |file| -> Reading<SeededCiphertext> {
            read.lock().unwrap().push(file);
            Ok(upload.groups(of_reader.groups_of(file)))
        };
        let files = RowFiles::of(partition, &setup.context, vec![0, 2, 3], read);
        for (file, groups) in [(0, 0..4), (2, 8..10), (2, 10..12), (3, 12..14)] {
            assert_eq!(files.read(groups).unwrap().len(), 2 + 2 * usize::from(file == 0));
        }
        let next = files.held.lock().unwrap().next.take();
        assert_eq!(next.map(|(file, thread)| (file, thread.join().is_ok())), Some((0, true)));
        assert_eq!(*reads.lock().unwrap(), [0, 2, 3, 0]);
    }

    #[test]
    fn a_file_that_cannot_be_read_stops_the_step_by_its_name() {
        let setup = setup();
        let gone = Arc::new(AtomicUsize::new(2));
        let file = Arc::clone(&gone);
        let mut trainer = trainer(&setup, 4, move |number, rows| {
            let gone = file.load(Ordering::Relaxed);
            if number == gone { Err("rows-00003.vly: damaged".to_owned()) } else { Ok(rows) }
        });
        let refusal = Error::RowSource { group: 8, reason: "rows-00003.vly: damaged".to_owned() };
        assert_eq!(trainer.step(), Err(refusal));
        assert!(trainer.checkpoint().is_none());
        gone.store(usize::MAX, Ordering::Relaxed);
        assert!(trainer.step().unwrap().is_some(), "it goes on when the file is back");
    }

    #[test]
    fn rows_of_another_file_are_refused() {
        let setup = setup();
        let mut trainer = trainer(&setup, 4, |number, mut rows| {
            rows.first += number / 3;
            Ok(rows)
        });
        let reason = "groups 13..17 were read where the file has 12..16".to_owned();
        assert_eq!(trainer.step(), Err(Error::RowSource { group: 12, reason }));
    }
}
