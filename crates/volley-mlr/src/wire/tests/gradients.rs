#![expect(clippy::single_range_in_vec_init, reason = "sets of groups that are one range")]

use super::*;
use crate::plan::planning;
use crate::training::rows::{ResidentRows, RowStorage};
use crate::volley_ckks::Evaluator;
use crate::volley_revolver::skewed::{Skewed, Split};
use crate::volley_revolver::{Layout, Shape};

#[test]
fn gradients_that_the_plan_has_not_are_refused() {
    let run = Run::new();
    let read = |file: &[u8]| Gradient::read(&run.job, run.context(), file, NO_LIMIT).map(drop);
    let file = written(|out| run.gradient(1, 0..2).write(&run.job, out)).unwrap();
    assert_eq!(read(&file), Ok(()));
    let number = |at: usize, number: u32| read(&with_body(&file, at, &number.to_le_bytes()));
    for found in [0, ITERATIONS + 1] {
        let error = Error::GradientIteration { expected: 1..=ITERATIONS, found };
        assert_eq!(number(0, found as u32), Err(error.into()));
    }
    // Ranges: none, too many, empty, beyond the layout.
    let malformed = Err(FileError::Malformed.into());
    for (at, value) in [(4, 0), (4, 2), (4, u32::MAX), (8, 2), (12, 0)] {
        assert_eq!(number(at, value), malformed);
    }
    assert_eq!(number(12, 3), Err(Error::Groups { groups: 0..3, available: vec![0..2] }.into()));
    // Sums of the first iteration are at another level than those of the second.
    let gradient = Gradient { iteration: 2, ..run.gradient(0, 0..2) };
    let refused = written(|out| gradient.write(&run.job, out)).unwrap_err();
    let WireError::Content(Error::GradientOperand { expected, found }) = refused else { panic!("{refused}") };
    assert_eq!(found.level, expected.level + 4);
    assert!(matches!(number(0, 1), Err(WireError::Content(Error::GradientOperand { .. }))));
}

#[test]
fn a_gradient_file_says_its_groups() {
    let run = Run::new();
    let file = written(|out| run.gradient(1, 1..2).write(&run.job, out)).unwrap();
    let read = |file: &[u8], limit| read_gradient_groups(&run.job, file, limit);
    assert_eq!(read(&file, NO_LIMIT), Ok((2, std::iter::once(1..2).collect())));
    let (bytes, limit) = (file.len() as u64, file.len() as u64 - 1);
    assert_eq!(read(&file, limit), Err(FileError::LimitExceeded { bytes, limit }.into()));
    let mut damaged = file;
    *damaged.last_mut().unwrap() ^= 1;
    assert!(read(&damaged, NO_LIMIT).is_err());
}

/// The words of a gradient, as a machine has them that gets the sums of some ciphertexts of the weights only.
fn words_of(plan: &Plan, weights: &Range<usize>, gradients: &[&Gradient<TensorCiphertext>]) -> GradientWords {
    let mut sums = GradientWords::zero(plan, gradients[0].iteration());
    for gradient in gradients {
        let mut words = GradientWords::from((*gradient).clone());
        for (sums, words) in sums.polynomials().into_iter().zip(words.polynomials()) {
            sums.iter_mut().zip(words).for_each(|(sum, word)| *sum += *word);
        }
    }
    let polynomials = sums.polynomials();
    let of_each = polynomials.len() / plan.layout().weight_ciphertexts();
    for (index, words) in polynomials.into_iter().enumerate() {
        if !weights.contains(&(index / of_each)) {
            words.fill(u64::MAX);
        }
    }
    sums
}

fn word_count(words: &mut GradientWords) -> usize {
    words.polynomials().iter().map(|words| words.len()).sum()
}

#[test]
fn parts_of_words_that_were_added_make_the_step_of_the_gradient() {
    let run = Run::of(Setup::new(
        &clouds(40, 40, 2),
        &Hyperparameters::standardised(ITERATIONS).unwrap(),
        small_ring(6),
    ));
    let (job, plan) = (&run.job, run.job.plan());
    let (weights, groups) = (plan.layout().weight_ciphertexts(), plan.layout().groups());
    assert!(weights > 1 && groups > 1, "{:?}", plan.layout());
    let mut trainer = run.trainer_after(0);
    for iteration in 1..=ITERATIONS {
        let of = |groups| trainer.gradient(groups).unwrap().unwrap();
        let (first, second) = (of(0..1), of(1..groups));
        let middle = weights / 2;
        let part = |weights: Range<usize>| {
            let mut words = words_of(plan, &weights, &[&first, &second]);
            assert_eq!(word_count(&mut words), plan.gradient_words(iteration));
            trainer.part_of_word_sums(job, [second.groups(), first.groups()], weights, words).unwrap()
        };
        // As each of two machines sends its part to the other.
        let parts = [0..middle, middle..weights].map(|weights| {
            let part = part(weights.clone());
            assert_eq!(part.weights(), weights);
            let read = StepPart::from_words(job, run.context(), iteration, weights, &part.words());
            assert_eq!(read.as_ref(), Ok(&part));
            part
        });
        assert_eq!(parts.iter().map(|part| part.words().len()).sum::<usize>(), plan.step_words(iteration));
        let mut by_gradient = run.trainer_after(iteration - 1);
        by_gradient.step().unwrap();
        let [first, second] = parts.clone();
        let refused = Err(Error::StepParts { ciphertext: 0 });
        assert_eq!(trainer.step_by_parts(vec![second.clone(), first.clone()]), refused);
        let refused = Err(Error::StepParts { ciphertext: middle });
        assert_eq!(trainer.step_by_parts(vec![first.clone()]), refused);
        assert_eq!(
            trainer.step_by_parts(vec![first.clone(), first.clone()]),
            Err(Error::StepParts { ciphertext: 0 })
        );
        trainer.step_by_parts(vec![first.clone(), second]).unwrap();
        assert_eq!(trainer.model().unwrap().terms, by_gradient.model().unwrap().terms);
        let late = Error::GradientIteration { expected: iteration + 1..=iteration + 1, found: iteration };
        assert_eq!(trainer.step_by_parts(vec![first]), Err(late));
    }
}

/// A run that bootstraps weights of several ciphertexts.
fn refreshed_run() -> Run {
    let data = clouds(40, 6, 5);
    let hyperparameters = Hyperparameters::many(7).unwrap().with_weight_range(180.0).unwrap();
    let shape = Shape { samples: 40, columns: 7, classes: 5 };
    let single =
        planning::refreshing(shape, &hyperparameters, small_ring(10), RowStorage::Memory).unwrap().unwrap();
    let layout = Layout::with_period(shape, single.layout().slots(), 2).unwrap().pop().unwrap();
    let split = Split::on_copies(&layout);
    let plan = Plan::restore(&single.training(), single.parameters(), layout, split).unwrap();
    assert!(plan.bootstrapping().is_some() && plan.refresh_count() > 0 && layout.weight_ciphertexts() > 1);
    Run::of(Setup::of(&data, &hyperparameters, plan))
}

#[test]
fn each_part_of_a_step_is_refreshed_by_whoever_makes_it() {
    let run = refreshed_run();
    let (job, plan) = (&run.job, run.job.plan());
    let (all, layout) = (plan.layout().weight_ciphertexts(), plan.layout());
    let data = || run.setup.upload().expand(run.context()).unwrap();
    let rows = || {
        let evaluator = run.setup.evaluator();
        let skewed = Skewed::new(&evaluator, layout, plan.split()).unwrap();
        Box::new(ResidentRows::of(skewed, plan.schedule(), data()).unwrap())
    };
    // One has the keys of a pass only.
    let of_pass = plan.without_refresh().unwrap();
    let few = EvaluationKeySet::generate(&run.setup.secret_key, of_pass.key_spec(), &mut rng(2)).unwrap();
    assert!(2 * of_pass.key_spec().byte_count() < plan.key_spec().byte_count());
    assert!(of_pass.memory(1).total() < plan.memory(1).total());
    let few = Arc::new(Evaluator::new(run.context(), few).unwrap());
    let mut without = Trainer::without_refresh(&few, plan, rows()).unwrap();
    let mut whole = Trainer::new(&run.setup.evaluator(), plan, data()).unwrap();
    let mut refreshed = 0;
    for iteration in 1..=plan.hyperparameters().iterations() {
        let gradient = without.gradient(0..layout.groups()).unwrap().unwrap();
        let part = |trainer: &Trainer<_>, weights: Range<usize>| {
            let words = words_of(plan, &weights, &[&gradient]);
            let part = trainer.part_of_word_sums(job, [gradient.groups()], weights.clone(), words)?;
            StepPart::from_words(job, run.context(), iteration, weights, &part.words())
        };
        let parts = [part(&without, 0..0), part(&whole, 0..1), part(&whole, 1..all)].map(Result::unwrap);
        assert_eq!(parts.iter().map(|part| part.words().len()).sum::<usize>(), plan.step_words(iteration));
        let report = whole.step_by(&gradient).unwrap();
        if report.refreshed {
            let refused = Error::RefreshMismatch { expected: Some(plan.data_level()), found: None };
            assert_eq!(part(&without, 0..1), Err(refused.into()));
            // Some weights as they were before the refresh.
            let mut unlike = parts.to_vec();
            unlike[1].previous = None;
            let refused = Err(Error::StepParts { ciphertext: all - 1 });
            assert_eq!(without.step_by_parts(unlike), refused.map(|()| report));
            refreshed += 1;
        }
        assert_eq!(without.step_by_parts(parts.into()), Ok(report));
        assert_eq!(without.model().unwrap().terms, whole.model().unwrap().terms);
    }
    assert!(refreshed > 0);
}

#[test]
fn words_that_are_no_part_of_the_plans_gradient_are_refused() {
    let run = Run::new();
    let trainer = run.trainer_after(1);
    let gradient = trainer.gradient(0..2).unwrap().unwrap();
    let (plan, weights) = (run.job.plan(), run.job.plan().layout().weight_ciphertexts());
    let words = || GradientWords::from(gradient.clone());
    let read = |groups: &[Range<usize>], weights, words| {
        trainer.part_of_word_sums(&run.job, [groups], weights, words).map(drop)
    };
    assert_eq!(read(gradient.groups(), 0..weights, words()), Ok(()));
    assert_eq!(read(gradient.groups(), 0..0, words()), Ok(()));
    // Those of the first iteration have more limbs.
    let (expected, found) = (plan.gradient_words(2), plan.gradient_words(1));
    let refused = Err(Error::Words { expected, found }.into());
    assert_eq!(read(gradient.groups(), 0..weights, GradientWords::zero(plan, 1)), refused);
    let refused = Err(Error::StepParts { ciphertext: weights }.into());
    assert_eq!(read(gradient.groups(), 0..weights + 1, words()), refused);
    let refused = Err(Error::GradientIncomplete { covered: 1, groups: 2 }.into());
    assert_eq!(read(&[0..1], 0..weights, words()), refused);
    let twice = [0..2, 0..1];
    assert_eq!(read(&twice, 0..weights, words()), Err(Error::GradientOverlap { group: 0 }.into()));

    let part = trainer.part_of_word_sums(&run.job, [gradient.groups()], 0..weights, words()).unwrap();
    let read = |iteration, words: &[u64]| {
        StepPart::from_words(&run.job, run.context(), iteration, 0..weights, words).map(drop)
    };
    let mut words = part.words();
    assert_eq!(read(2, &words), Ok(()));
    for found in [0, ITERATIONS + 1] {
        let error = Error::GradientIteration { expected: 1..=ITERATIONS, found };
        assert_eq!(read(found, &words), Err(error.into()));
    }
    let (expected, found) = (words.len(), words.len() - 1);
    assert_eq!(read(2, &words[1..]), Err(Error::Words { expected, found }.into()));
    // No residue.
    words[0] = u64::MAX;
    assert!(read(2, &words).is_err());
}
