//! Plans within a limit of memory, and what is refused.

use super::*;

#[test]
fn too_many_classes_and_too_little_memory_are_refused() {
    let classes = plan([400, 5, 10], 2, small_ring(9)).unwrap_err();
    assert_eq!(classes, volley_revolver::Error::TooFewSlots { slots: 1 << 8, required: 1 << 9 }.into());
    let classes = plan([400, 5, 10_000_000], 2, Demands::default()).unwrap_err();
    assert!(matches!(classes, Error::Matrix(MatrixError::TooManyCopies { .. })), "{classes}");

    let limited = |bytes| plan([128, 400, 10], 2, Demands { memory_bytes: Some(bytes), ..in_ring(14) });
    let Err(Error::Matrix(volley_revolver::Error::TooMuchMemory { required, limit: 1_000_000 })) =
        limited(1_000_000)
    else {
        panic!("it does not fit a megabyte")
    };
    assert_eq!(limited(required).unwrap().memory(1).total(), required);
    assert!(limited(required - 1).is_err());
}

#[test]
fn what_is_refused_says_the_least_that_any_ring_takes() {
    let required = |ring| {
        let demands = Demands { memory_bytes: Some(1_000_000), ring, ..Demands::default() };
        match plan([300, 20, 40], 2, demands).unwrap_err() {
            Error::Matrix(MatrixError::TooMuchMemory { required, .. }) => required,
            other => panic!("{other}"),
        }
    };
    let of_ring = |log_n| required(RingChoice::LogN(log_n));
    let all = required(RingChoice::Cheapest);
    assert_eq!(Some(all), (14..=16).map(of_ring).min());
    let demands = Demands { memory_bytes: Some(all), ..Demands::default() };
    assert!(plan([300, 20, 40], 2, demands).unwrap().memory(1).total() <= all);
}

#[test]
fn memory_does_not_grow_with_rows_on_a_disk() {
    let memory = |samples, storage| {
        let plan = plan([1000, 304, 10], 2, in_ring(14)).unwrap();
        let layout = plan.layout().with_samples(samples).unwrap();
        let plan = Plan::restore(&plan.training(), plan.parameters(), layout, plan.split()).unwrap();
        plan.with_storage(storage).unwrap().memory(2).total()
    };
    let on_disk = |samples| memory(samples, RowStorage::Disk);
    let in_memory = |samples| memory(samples, RowStorage::Memory);
    assert!(on_disk(8192) < 1_500_000_000 && in_memory(8192) > 2 * on_disk(8192));
    assert_eq!(on_disk(8192), on_disk(1_000_000));
    assert!(in_memory(100_000) > 5 * in_memory(8192));
}

#[test]
fn rows_that_do_not_fit_the_memory_are_read_in_every_iteration() {
    let limited = |bytes| plan([52_500, 768, 10], 2, Demands { memory_bytes: bytes, ..in_ring(14) });
    let free = limited(None).unwrap();
    assert_eq!(free.storage(), RowStorage::Memory);
    assert!(free.memory(1).total() > 20_000_000_000);
    let small = limited(Some(4_000_000_000)).unwrap();
    assert_eq!(small.storage(), RowStorage::Disk);
    assert!(small.memory(1).total() < 4_000_000_000);
    assert!(small.seconds() < 2.0 * free.seconds(), "{} s, {} s", small.seconds(), free.seconds());
    let Err(Error::Matrix(MatrixError::TooMuchMemory { required, .. })) = limited(Some(1000)) else {
        panic!("a kilobyte")
    };
    assert_eq!(limited(Some(required)).unwrap().storage(), RowStorage::Disk);
}
