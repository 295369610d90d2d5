use super::*;
use crate::volley_revolver::plan::Demands;

#[test]
fn a_file_of_rows_has_its_place() {
    let run = Run::new();
    let groups = run.job.plan().layout().groups();
    let upload = run.setup.upload();
    let refused = |first, groups| WireError::ForeignGroups { expected: 0..2, found: first..first + groups };
    assert_eq!(groups, 2);
    let [_, rows, ..] = run.files();
    for (first, groups) in [(1_u32, 1_u32), (0, 0), (0, 1), (0, 3), (u32::MAX, 1)] {
        let numbers = [first.to_le_bytes(), groups.to_le_bytes()].concat();
        let file = with_body(&rows, 0, &numbers);
        let found = SeededGroups::read(&run.job, run.context(), 0, &file[..], NO_LIMIT).unwrap_err();
        assert_eq!(found, refused(first as usize, groups as usize));
    }
    // There is no second file.
    let found = SeededGroups::read(&run.job, run.context(), 1, &rows[..], NO_LIMIT).unwrap_err();
    assert_eq!(found, WireError::ForeignGroups { expected: 2..2, found: 0..2 });
    let moved = SeededGroups { first: 0, groups: Vec::new() };
    assert_eq!(written(|out| moved.write(&run.job, out)), Err(refused(0, 0)));
    let mut short = upload.groups(0..2);
    short.groups[0].labels.clear();
    assert!(matches!(written(|out| short.write(&run.job, out)), Err(WireError::Content(_))));
    let blocks = &upload.preconditioner[1..];
    assert!(matches!(written(|out| write_preconditioner(blocks, &run.job, out)), Err(WireError::Content(_))));
}

#[test]
fn the_groups_of_a_file_are_known_without_its_ciphertexts() {
    let run = Run::new();
    let [_, rows, ..] = run.files();
    assert_eq!(read_groups(&run.job, &rows[..], NO_LIMIT), Ok(0..2));
    let mut damaged = rows.clone();
    *damaged.last_mut().unwrap() ^= 1;
    assert!(read_groups(&run.job, &damaged[..], NO_LIMIT).is_err());
    let file = with_body(&rows, 0, &1_u32.to_le_bytes());
    let refused = WireError::ForeignGroups { expected: 0..2, found: 1..3 };
    assert_eq!(read_groups(&run.job, &file[..], NO_LIMIT), Err(refused));
}

#[test]
fn groups_are_in_files_of_bounded_size() {
    let hyperparameters = Hyperparameters::standard(2).unwrap();
    let plan = Plan::new(8192, 304, 10, &hyperparameters, Demands::default()).unwrap();
    let files = plan.row_files();
    assert!(files > 3, "{files} files");
    let groups: Vec<_> = (0..files).flat_map(|file| plan.row_file_groups(file)).collect();
    assert!(groups.into_iter().eq(0..plan.layout().groups()));
    assert!((0..files).all(|file| plan.row_file_bytes(file) < crate::ROW_FILE_BYTES + 1000));
    assert!(plan.row_file_bytes(0) > crate::ROW_FILE_BYTES * 9 / 10);
    assert!(plan.row_file_groups(files).is_empty());
    let bytes: u64 = (0..files).map(|file| plan.row_file_bytes(file)).sum();
    assert_eq!(plan.upload_bytes(), bytes + plan.preconditioner_bytes());
}
