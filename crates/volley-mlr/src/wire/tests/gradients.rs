#![expect(clippy::single_range_in_vec_init, reason = "sets of groups that are one range")]

use super::*;

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

#[test]
fn the_words_of_gradients_add_up_to_the_words_of_their_sum() {
    let run = Run::new();
    for iterations in 0..ITERATIONS {
        let iteration = iterations + 1;
        let [whole, first, second] = [0..2, 0..1, 1..2].map(|groups| run.gradient(iterations, groups));
        let words = first.words();
        assert_eq!(words.len(), run.job.plan().gradient_words(iteration));
        // As many of them as there is room for: the second one, and the first one times 2^14 − 1.
        let times = MAX_SUMMANDS as u64 - 1;
        let many = words.iter().zip(second.words()).map(|(first, second)| first * times + second);
        let many: Vec<_> = many.collect();
        let sum = |groups: &[&Gradient<_>], words: &[u64]| {
            let groups = groups.iter().map(|gradient| gradient.groups());
            Gradient::from_word_sums(&run.job, run.context(), iteration, groups, words)
        };
        let moduli = &run.context().parameters().q()[..=run.job.plan().gradient_sums(iteration).level];
        let reduced = sum(&[&first, &second], &many).unwrap().words();
        for (index, (reduced, (first, second))) in
            reduced.iter().zip(words.iter().zip(second.words())).enumerate()
        {
            let q = u128::from(moduli[index / run.context().parameters().degree() % moduli.len()]);
            let expected = (u128::from(*first) * u128::from(times) + u128::from(second)) % q;
            assert_eq!(u128::from(*reduced), expected);
        }
        let two: Vec<_> = words.iter().zip(second.words()).map(|(first, second)| first + second).collect();
        let added = sum(&[&second, &first], &two).unwrap();
        assert_eq!((added.iteration(), added.groups()), (whole.iteration(), whole.groups()));
        assert_eq!(added.words(), whole.words());
    }
}

#[test]
fn words_that_are_no_gradient_of_the_plan_are_refused() {
    let run = Run::new();
    let gradient = run.gradient(1, 0..2);
    let words = gradient.words();
    let read = |iteration, groups: &[Range<usize>], words: &[u64]| {
        Gradient::from_word_sums(&run.job, run.context(), iteration, [groups], words).map(drop)
    };
    assert_eq!(read(2, gradient.groups(), &words), Ok(()));
    let (expected, found) = (words.len(), words.len() - 1);
    let refused = Err(Error::GradientWords { expected, found }.into());
    assert_eq!(read(2, gradient.groups(), &words[1..]), refused);
    for found in [0, ITERATIONS + 1] {
        let error = Error::GradientIteration { expected: 1..=ITERATIONS, found };
        assert_eq!(read(found, gradient.groups(), &words), Err(error.into()));
    }
    let beyond = [0..1, 2..3];
    let refused = Error::Groups { groups: 2..3, available: vec![0..2] };
    assert_eq!(read(2, &beyond, &words), Err(refused.into()));
    let twice = [0..1, 0..1];
    assert_eq!(read(2, &twice, &words), Err(Error::GradientOverlap { group: 0 }.into()));
}
