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
    assert_eq!(number(12, 3), Err(Error::Groups { groups: 0..3, available: 0..2 }.into()));
    // Sums of the first iteration are at another level than those of the second.
    let gradient = Gradient { iteration: 2, ..run.gradient(0, 0..2) };
    let refused = written(|out| gradient.write(&run.job, out)).unwrap_err();
    let WireError::Content(Error::GradientOperand { expected, found }) = refused else { panic!("{refused}") };
    assert_eq!(found.level, expected.level + 4);
    assert!(matches!(number(0, 1), Err(WireError::Content(Error::GradientOperand { .. }))));
}
