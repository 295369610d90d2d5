#![expect(clippy::single_range_in_vec_init, reason = "sets of groups that are one range")]

use std::sync::Arc;

use super::*;
use crate::encrypted::EncryptedData;
use crate::plan::{Plan, Training};
use crate::testing::{Reencryption, Setup, clouds, relative_error, small_ring};
use crate::training::refresh::Schedule;
use crate::volley_ckks::{Ciphertext, Evaluator, Operation};
use crate::{
    Checkpoint, CopyLevels, EncryptedGroup, GroupSource, Hyperparameters, ResidentRows, RowPreparation,
    RowStorage, Rows, StoredRows,
};

type Encrypted = Trainer<Evaluator>;

/// A run of several groups, column blocks and class blocks.
fn setup(iterations: usize) -> Setup {
    let hyperparameters = Hyperparameters::standard(iterations).unwrap();
    let setup = Setup::in_class_blocks(&clouds(45, 70, 4), &hyperparameters, small_ring(8), 2);
    let layout = setup.plan.layout();
    assert!(layout.groups() > 8 && layout.column_blocks() > 1 && layout.class_blocks() > 1, "{layout:?}");
    setup
}

fn trainer(setup: &Setup) -> Encrypted {
    let data = setup.upload().expand(&setup.context).unwrap();
    Trainer::new(&setup.evaluator(), &setup.plan, data).unwrap()
}

/// The rows of some groups of an upload.
fn share(setup: &Setup, evaluator: &Arc<Evaluator>, ranges: &[Range<usize>]) -> ResidentRows<Ciphertext> {
    let EncryptedData { features, labels, preconditioner, .. } =
        setup.upload().expand(&setup.context).unwrap();
    let preparation = RowPreparation::new(evaluator, &setup.plan, preconditioner).unwrap();
    let blocks = setup.plan.layout().class_blocks();
    let groups = || ranges.iter().cloned().flatten();
    let features = groups().map(|group| features[group].clone()).collect();
    let labels = groups().flat_map(|group| labels[group * blocks..][..blocks].to_vec()).collect();
    ResidentRows::new(&preparation, ranges.to_vec(), features, labels).unwrap()
}

#[test]
fn gradients_of_shares_add_up_to_the_same_step_in_any_order() {
    let setup = setup(3);
    let groups = setup.plan.layout().groups();
    let (mut whole, mut parts) = (trainer(&setup), trainer(&setup));
    while let Some(report) = whole.step().unwrap() {
        let part = |groups| parts.gradient(groups).unwrap().unwrap();
        let (first, middle, last) = (part(0..3), part(3..groups - 1), part(groups - 1..groups));
        let sum = parts.add_gradients(last, &first).unwrap();
        assert_eq!((sum.iteration(), sum.groups()), (report.iteration, &[0..3, groups - 1..groups][..]));
        let sum = parts.add_gradients(middle, &sum).unwrap();
        assert_eq!(sum.groups(), std::slice::from_ref(&(0..groups)));
        assert_eq!(parts.step_by(&sum).unwrap(), report);
        assert_eq!(parts.model().unwrap().terms, whole.model().unwrap().terms);
    }
    assert!(parts.gradient(0..1).unwrap().is_none());
    // The sums are added, which is not counted. Each part makes the rotated copies of the weights; all else is done
    // once.
    let total = |trainer: &Encrypted, operation| trainer.arithmetic.counts().total(operation);
    for operation in Operation::ALL {
        let (of_parts, of_whole) = (total(&parts, operation), total(&whole, operation));
        if matches!(operation, Operation::HoistedRotation | Operation::Hoisting) {
            assert!(of_whole < of_parts && of_parts < 2 * of_whole, "{operation:?}: {of_parts}, {of_whole}");
        } else {
            assert_eq!(of_parts, of_whole, "{operation:?}");
        }
    }
}

#[test]
fn trainers_of_shares_train_together() {
    let setup = setup(2);
    let (groups, evaluator) = (setup.plan.layout().groups(), setup.evaluator());
    let worker = |groups| {
        let rows = share(&setup, &evaluator, &[groups]);
        Trainer::with_rows(&evaluator, &setup.plan, None, Box::new(rows)).unwrap()
    };
    let mut workers = [worker(0..2), worker(2..groups)];
    assert_eq!(workers[1].rows.groups(), [2..groups]);
    let refusal = Error::GradientIncomplete { covered: 2, groups };
    assert_eq!(workers[0].step(), Err(refusal));
    let mut alone = trainer(&setup);
    while alone.step().unwrap().is_some() {
        let [a, b] = [(&workers[0], 0..2), (&workers[1], 2..groups)]
            .map(|(worker, groups)| worker.gradient(groups).unwrap().unwrap());
        let sum = workers[0].add_gradients(a, &b).unwrap();
        for worker in &mut workers {
            worker.step_by(&sum).unwrap();
        }
    }
    for worker in &workers {
        assert_eq!(worker.model().unwrap().terms, alone.model().unwrap().terms);
    }
    // One that joins after the first iteration.
    let mut late = worker(0..2);
    let mut first = trainer(&setup);
    first.step().unwrap();
    let checkpoint: Checkpoint<_> = first.checkpoint().unwrap();
    late = late.resumed(&setup.plan, checkpoint).unwrap();
    let [of_late, of_first] = [&late, &first].map(|trainer| trainer.gradient(0..2).unwrap().unwrap());
    assert_eq!(of_late.iteration(), 2);
    let tensors = |gradient: &Gradient<_>| -> Vec<_> {
        gradient.sums.iter().flat_map(BackwardSums::tensors).cloned().collect()
    };
    assert!(tensors(&of_late) == tensors(&of_first));
}

#[test]
fn gradients_that_do_not_belong_together_are_refused() {
    let setup = setup(2);
    let groups = setup.plan.layout().groups();
    let mut trainer = trainer(&setup);
    let of = |trainer: &Encrypted, groups| trainer.gradient(groups).unwrap().unwrap();
    for wrong in [0..groups + 1, 2..2, groups..groups + 1] {
        let refusal = Error::Groups { groups: wrong.clone(), available: vec![0..groups] };
        assert_eq!(trainer.gradient(wrong).map(drop), Err(refusal));
    }
    let first = of(&trainer, 0..groups);
    let two = of(&trainer, 1..3);
    let overlap = trainer.add_gradients(first.clone(), &two).map(drop);
    assert_eq!(overlap, Err(Error::GradientOverlap { group: 1 }));
    let refusal = Error::GradientIncomplete { covered: 2, groups };
    assert_eq!(trainer.step_by(&two), Err(refusal));
    trainer.step_by(&first).unwrap();
    // The same gradient again is not the next one's.
    let refusal = Error::GradientIteration { expected: 2..=2, found: 1 };
    assert_eq!(trainer.step_by(&first), Err(refusal.clone()));
    let refusal_of_sum = trainer.add_gradients(of(&trainer, 0..1), &two).map(drop);
    assert_eq!(refusal_of_sum, Err(refusal));
    let other = Hyperparameters::standard(2).unwrap();
    let other = Setup::in_class_blocks(&clouds(44, 70, 4), &other, small_ring(8), 2).plan.layout();
    let foreign = Gradient { layout: other, ..of(&trainer, 0..groups) };
    let mismatch = Err(Error::LayoutMismatch { expected: setup.plan.layout(), actual: other });
    assert_eq!(trainer.step_by(&foreign), mismatch);
}

#[test]
fn the_level_of_a_gradient_is_that_of_the_weights_before_they_are_refreshed() {
    for data_level in 6..14 {
        let run = Schedule {
            data_level,
            iteration_levels: 4,
            iterations: 9,
            refreshes: true,
            copy_levels: CopyLevels::Highest,
        };
        for iteration in 1..=9 {
            let (weights, level) = (run.after(iteration), run.gradient_level(iteration));
            assert!(weights.refreshed || weights.level == level);
            let before = if iteration == 1 { data_level - 2 } else { run.after(iteration - 1).level - 4 };
            assert_eq!(level, before);
        }
    }
}

#[test]
fn a_gradient_is_extended_to_that_of_all_groups() {
    let setup = setup(2);
    let groups = setup.plan.layout().groups();
    let mut trainer = trainer(&setup);
    for iteration in 1..=2 {
        let part = |groups| trainer.gradient(groups).unwrap().unwrap();
        let extended = trainer.extend_gradient(part(0..3), 4..groups).unwrap();
        assert_eq!(extended.groups(), [0..3, 4..groups]);
        let extended = trainer.extend_gradient(extended, 3..4).unwrap();
        let whole = part(0..groups);
        assert_eq!((extended.iteration(), extended.groups()), (iteration, whole.groups()));
        assert_eq!(trainer.summed(&extended).unwrap(), trainer.summed(&whole).unwrap());
        let overlap = trainer.extend_gradient(part(0..3), 2..4).map(drop);
        assert_eq!(overlap, Err(Error::GradientOverlap { group: 2 }));
        trainer.step_by(&extended).unwrap();
        let late = trainer.extend_gradient(whole, 3..4).map(drop);
        let expected = iteration + 1..=iteration + 1;
        assert_eq!(late, Err(Error::GradientIteration { expected, found: iteration }));
    }
}

#[test]
fn rotated_weights_are_made_once_for_all_parts_of_one_class_block() {
    let hyperparameters = Hyperparameters::standard(3).unwrap();
    let setup = Setup::new(&clouds(300, 20, 3), &hyperparameters, small_ring(8));
    let groups = setup.plan.layout().groups();
    assert!(setup.plan.layout().class_blocks() == 1 && groups > 3);
    let (mut whole, mut parts) = (trainer(&setup), trainer(&setup));
    while whole.step().unwrap().is_some() {
        let mut sum = parts.gradient(0..1).unwrap().unwrap();
        for group in 1..groups {
            sum = parts.extend_gradient(sum, group..group + 1).unwrap();
        }
        parts.step_by(&sum).unwrap();
        assert_eq!(parts.model().unwrap().terms, whole.model().unwrap().terms);
    }
    assert_eq!(parts.arithmetic.counts(), whole.arithmetic.counts());
}

#[test]
fn a_trainer_that_sums_gradients_goes_on_from_the_checkpoints_of_another() {
    let hyperparameters = Hyperparameters::standard(4).unwrap();
    let setup = Setup::new(&clouds(300, 20, 3), &hyperparameters, small_ring(8));
    let groups = setup.plan.layout().groups();
    assert!(setup.plan.layout().class_blocks() == 1 && groups > 6);
    let evaluator = setup.evaluator();
    let worker = |ranges: &[Range<usize>]| {
        let rows = share(&setup, &evaluator, ranges);
        Trainer::with_rows(&evaluator, &setup.plan, None, Box::new(rows)).unwrap()
    };
    let (mut first, mut second) = (worker(&[2..5]), worker(&[0..2, 5..groups]));
    let mut alone = trainer(&setup);
    while alone.step().unwrap().is_some() {
        let of = |worker: &Encrypted, groups| worker.gradient(groups).unwrap().unwrap();
        let mut sum = of(&first, 2..5);
        for groups in [0..2, 5..groups] {
            sum = first.add_gradients(sum, &of(&second, groups)).unwrap();
        }
        let refusal = Error::Groups { groups: 1..6, available: vec![0..2, 5..groups] };
        assert_eq!(second.gradient(1..6).map(drop), Err(refusal));
        first.step_by(&sum).unwrap();
        assert_eq!(first.model().unwrap().terms, alone.model().unwrap().terms);
        second = second.resumed(&setup.plan, first.checkpoint().unwrap()).unwrap();
    }
}

/// A disk that fails.
#[derive(Debug)]
struct Unreadable(ResidentRows<Ciphertext>);

impl Rows<Ciphertext> for Unreadable {
    fn layout(&self) -> Layout {
        self.0.layout()
    }

    fn groups(&self) -> &[Range<usize>] {
        self.0.groups()
    }

    fn window(&self) -> usize {
        3
    }

    fn read(&self, groups: Range<usize>, iteration: usize) -> Result<Vec<Arc<RowGroup<Ciphertext>>>, Error> {
        if groups.contains(&5) {
            return Err(Error::RowSource { group: 5, reason: "the disk is gone".to_owned() });
        }
        self.0.read(groups, iteration)
    }
}

#[test]
fn what_a_source_cannot_give_stops_the_step_and_leaves_the_weights() {
    let (setup, evaluator) = (setup(2), setup(2).evaluator());
    let groups = setup.plan.layout().groups();
    let rows = share(&setup, &evaluator, &[0..groups]);
    let outside = rows.read(groups..groups + 1, 2).map(drop);
    assert_eq!(outside, Err(Error::Groups { groups: groups..groups + 1, available: vec![0..groups] }));
    let mut trainer = Trainer::with_rows(&evaluator, &setup.plan, None, Box::new(Unreadable(rows))).unwrap();
    let refusal = Error::RowSource { group: 5, reason: "the disk is gone".to_owned() };
    assert_eq!(trainer.step(), Err(refusal));
    assert!(trainer.checkpoint().is_none());
    assert!(trainer.gradient(0..5).unwrap().is_some());
}

/// An upload in memory that is read as if it were on a disk.
#[derive(Debug)]
struct Read(EncryptedData<Ciphertext>);

impl GroupSource<Ciphertext> for Read {
    fn read(&self, groups: Range<usize>) -> Result<Vec<EncryptedGroup<Ciphertext>>, Error> {
        Ok(self.0.groups(groups).groups)
    }
}

#[test]
fn rows_that_are_read_in_every_pass_train_the_same_model() {
    let setup = setup(3);
    let mut resident = trainer(&setup);
    let evaluator = setup.evaluator();
    let data = setup.upload().expand(&setup.context).unwrap();
    let preparation = RowPreparation::new(&evaluator, &setup.plan, data.preconditioner.clone()).unwrap();
    let rows =
        StoredRows::new(preparation, std::iter::once(0..setup.plan.layout().groups()), Read(data)).unwrap();
    let mut stored = Trainer::with_rows(&evaluator, &setup.plan, None, Box::new(rows)).unwrap();
    while let Some(report) = resident.step().unwrap() {
        assert_eq!(stored.step().unwrap(), Some(report));
        assert_eq!(stored.model().unwrap().terms, resident.model().unwrap().terms);
    }
    let on_disk = setup.plan.with_storage(RowStorage::Disk).unwrap();
    assert_eq!(&stored.arithmetic.counts(), on_disk.counts(), "the plan is what runs");
    assert_eq!(on_disk.key_spec(), setup.plan.key_spec());
    assert_eq!(on_disk.upload(), setup.plan.upload());
    // Copies are made in each pass, forward ones not in the first; products are the same.
    let total = |trainer: &Encrypted, operation| trainer.arithmetic.counts().total(operation);
    let both = |operation| (total(&stored, operation), total(&resident, operation));
    let (read, kept) = both(Operation::HoistedRotation);
    assert!(kept < read && read < 3 * kept, "{read} are not between once and thrice {kept}");
    let (read, kept) = both(Operation::Product);
    assert_eq!(
        read - kept,
        2 * setup.plan.layout().feature_ciphertexts() as u64,
        "1/B in two further passes"
    );
    let (read, kept) = both(Operation::Relinearization);
    assert_eq!(read - kept, 2 * setup.plan.layout().feature_ciphertexts() as u64);
}

/// The same data, by a plan whose iterations have copies of their own.
fn of_iterations(setup: &Setup) -> Setup {
    let (storage, parameters) = (RowStorage::Disk, setup.plan.parameters());
    let training = Training { storage, copy_levels: CopyLevels::OfIteration, ..setup.plan.training() };
    let plan = Plan::restore(&training, parameters, setup.plan.layout(), setup.plan.split()).unwrap();
    Setup::of(&clouds(45, 70, 4), setup.plan.hyperparameters(), plan)
}

#[test]
fn copies_at_the_levels_of_their_iteration_train_as_in_clear_and_take_less_time() {
    let highest = setup(3);
    let setup = of_iterations(&highest);
    let (evaluator, layout) = (setup.evaluator(), setup.plan.layout());
    let data = setup.upload().expand(&setup.context).unwrap();
    let preparation = RowPreparation::new(&evaluator, &setup.plan, data.preconditioner.clone()).unwrap();
    let rows = StoredRows::new(preparation, std::iter::once(0..layout.groups()), Read(data)).unwrap();
    let mut stored = Trainer::with_rows(&evaluator, &setup.plan, None, Box::new(rows)).unwrap();
    for reference in setup.training_set.reference(setup.plan.hyperparameters()) {
        stored.step().unwrap().unwrap();
        let model = setup.owner().decrypt_private(&stored.model().unwrap()).unwrap();
        let reference = setup.training_set.model(reference.weights).unwrap();
        let error = relative_error(model.weights(), reference.weights());
        assert!(error < 1e-5, "{error}");
    }
    assert_eq!(&stored.arithmetic.counts(), setup.plan.counts(), "the plan is what runs");
    assert_eq!(setup.plan.upload(), highest.plan.upload());
    let read = highest.plan.with_storage(RowStorage::Disk).unwrap();
    assert!(setup.plan.seconds() < read.seconds(), "{} and {} s", setup.plan.seconds(), read.seconds());
    let bytes = [&setup.plan, &read].map(|plan| plan.memory(1).ciphertexts);
    assert!(bytes[0] <= bytes[1], "{bytes:?}");
}

#[test]
fn copies_of_iterations_are_not_kept() {
    let setup = of_iterations(&setup(2));
    let data = setup.upload().expand(&setup.context).unwrap();
    let preparation =
        RowPreparation::new(&setup.evaluator(), &setup.plan, data.preconditioner.clone()).unwrap();
    let group = data.groups(0..1).groups.remove(0);
    assert_eq!(preparation.prepare(group).map(drop), Err(Error::CopiesOfIteration));
    let resident = Trainer::new(&setup.evaluator(), &setup.plan, data).map(drop);
    assert_eq!(resident, Err(Error::CopiesOfIteration));
}

#[test]
fn shares_that_are_none_are_refused() {
    let (setup, evaluator) = (setup(2), setup(2).evaluator());
    let expanded = setup.upload().expand(&setup.context).unwrap();
    let layout = setup.plan.layout();
    let preparation = RowPreparation::new(&evaluator, &setup.plan, expanded.preconditioner.clone()).unwrap();
    let new = |groups, labels: usize| {
        let labels = expanded.labels[..labels].to_vec();
        ResidentRows::new(&preparation, groups, expanded.features[..2].to_vec(), labels).map(drop)
    };
    assert_eq!(new(vec![1..3], 2 * layout.class_blocks()), Ok(()));
    assert_eq!(new(vec![1..2, 4..5], 2 * layout.class_blocks()), Ok(()));
    let all = layout.groups();
    for (wrong, groups, least) in [([1..2, 2..3], 2..3, 3), ([4..5, 1..2], 1..2, 6), ([1..2, 1..2], 1..2, 3)]
    {
        let refusal = Error::Groups { groups, available: vec![least..all] };
        assert_eq!(new(wrong.to_vec(), 2 * layout.class_blocks()), Err(refusal));
    }
    let refusal = Error::Groups { groups: 20..200, available: vec![0..layout.groups()] };
    assert_eq!(new(vec![20..200], 2), Err(refusal));
    let class_blocks = layout.class_blocks();
    let refusal = Error::GroupCount { expected: 2, class_blocks, features: 2, labels: 3 };
    assert_eq!(new(vec![0..2], 3), Err(refusal));
    let unlabelled = EncryptedGroup { features: expanded.features[0].clone(), labels: Vec::new() };
    assert!(preparation.prepare(unlabelled).is_err());
}

#[test]
fn a_refresh_that_is_not_the_plans_is_refused() {
    let setup = setup(2);
    let data = || setup.upload().expand(&setup.context).unwrap();
    let refresh = Arc::new(Reencryption { level: 7, key: Some(setup.secret_key.clone()) });
    let with = |refresh| Trainer::with_refresh(&setup.evaluator(), &setup.plan, refresh, data()).map(drop);
    assert_eq!(with(None), Ok(()));
    assert_eq!(with(Some(refresh)), Err(Error::RefreshMismatch { expected: None, found: Some(7) }));
}
