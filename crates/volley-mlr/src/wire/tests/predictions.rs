use super::*;

#[test]
fn predictions_are_read_by_those_who_planned_them() {
    let run = Run::new();
    let files = run.files();
    let (rows, scores) = (&files[4], &files[5]);
    let (plan, read) =
        EncryptedRows::<SeededCiphertext>::read(&run.job, run.context(), &rows[..], NO_LIMIT).unwrap();
    assert_eq!((plan.layout(), read.layout), (read.layout, plan.layout()));
    assert_eq!(plan.layout().shape().samples, ROW_COUNT);
    let (of_scores, hash, _) = EncryptedScores::read(&run.job, run.context(), &scores[..], NO_LIMIT).unwrap();
    assert_eq!(hash.as_bytes(), blake3::hash(rows).as_bytes());
    assert_eq!(read.hash(&run.job).unwrap(), hash);
    let of_rows = PredictionPlan::of_rows(&run.job, &rows[..], NO_LIMIT).unwrap();
    for found in [of_scores, of_rows] {
        assert_eq!((found.layout(), found.key_spec()), (plan.layout(), plan.key_spec()));
    }
    let planned = PredictionPlan::of_rows(&run.job, &rows[..rows.len() - 1], NO_LIMIT).map(drop);
    assert_eq!(planned, Err(WireError::File(FileError::Truncated)));
    // More rows than the file has bytes or any machine has memory for, and none.
    let with_rows = |count: u64| {
        let file = with_body(rows, 0, &count.to_le_bytes());
        EncryptedRows::<SeededCiphertext>::read(&run.job, run.context(), &file[..], NO_LIMIT)
            .map(drop)
            .unwrap_err()
    };
    assert_eq!(with_rows(10_000), WireError::File(FileError::Malformed));
    for absurd in [u64::MAX, 0] {
        assert!(matches!(with_rows(absurd), WireError::Content(Error::Matrix(_))));
    }
    // A ciphertext of another level.
    let file = with_body(rows, 8, &0u16.to_le_bytes());
    let refused =
        EncryptedRows::<SeededCiphertext>::read(&run.job, run.context(), &file[..], NO_LIMIT).map(drop);
    assert!(refused.is_err());
}

#[test]
fn scores_name_the_rows_that_they_are_of() {
    let run = Run::new();
    let (rows, scores) = run.predict();
    let of =
        |file: &[u8]| EncryptedScores::read(&run.job, run.context(), file, NO_LIMIT).map(|(_, hash, _)| hash);
    let hash = rows.hash(&run.job).unwrap();
    let file = written(|out| scores.write(&run.job, hash, out)).unwrap();
    assert_eq!((of(&file), super::rows(&Header::read(&file[..]).unwrap())), (Ok(hash), Some(hash)));
    // The same rows again are others in their file.
    let plan = PredictionPlan::new(run.job.plan(), ROW_COUNT).unwrap();
    let (state, key) = (run.setup.training_set.owner_state(), &run.setup.secret_key);
    let again = state.encrypt_rows(&plan, key, clouds(ROW_COUNT, 4, 2).features(), &mut rng(11)).unwrap();
    assert_ne!(again.hash(&run.job).unwrap(), hash);
    // Files of earlier versions have no hash.
    let header = Header {
        extension: [&run.job.id().as_bytes()[..], run.job.plan_hash().as_bytes()].concat(),
        ..Header::read(&file[..]).unwrap()
    };
    assert_eq!((names(&header), super::rows(&header)), (Some((run.job.id(), run.job.plan_hash())), None));
    let long = Header { extension: vec![0; 48 + 31], ..Header::read(&file[..]).unwrap() };
    assert_eq!((names(&long), super::rows(&long)), (None, None));
    let rows_header = Header { kind: ROWS, extension: vec![0; 80], ..long };
    assert_eq!((names(&rows_header), super::rows(&rows_header)), (None, None));
}

#[test]
fn the_state_of_another_job_can_be_read_to_be_given() {
    let run = Run::new();
    let state = run.setup.training_set.owner_state();
    let file = written(|out| state.write(&run.job, out)).unwrap();
    assert_eq!(OwnerState::read_fitted(&file[..], NO_LIMIT).as_ref(), Ok(state));
    let rows = written(|out| run.predict().0.write(&run.job, out)).unwrap();
    assert!(OwnerState::read_fitted(&rows[..], NO_LIMIT).is_err());
    assert!(OwnerState::read_fitted(&file[..file.len() - 1], NO_LIMIT).is_err());
    let mut damaged = file;
    let middle = damaged.len() / 2;
    damaged[middle] ^= 1;
    assert!(OwnerState::read_fitted(&damaged[..], NO_LIMIT).is_err());
}
