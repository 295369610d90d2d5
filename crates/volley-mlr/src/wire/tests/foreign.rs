//! Files of other jobs.

use super::*;

#[test]
fn files_of_other_jobs_are_refused_by_name() {
    let run = Run::new();
    let files = run.files();
    let again = Job::new(run.job.plan().clone(), run.job.key_id(), &mut rng(7)).unwrap();
    let longer = Setup::new(&clouds(6, 4, 2), &Hyperparameters::standardised(2).unwrap(), small_ring(5)).plan;
    let longer = renamed(run.job.id(), run.job.key_id(), &longer);
    let stranger = SecretKey::generate(run.context(), &mut rng(7)).id();
    let stranger = renamed(run.job.id(), stranger, run.job.plan());
    let jobs = [
        (again.clone(), WireError::ForeignJob { expected: again.id(), found: run.job.id() }),
        (longer.clone(), WireError::ForeignPlan { expected: longer.plan_hash(), found: run.job.plan_hash() }),
        (
            stranger.clone(),
            WireError::File(FileError::ForeignKey {
                expected: stranger.key_id(),
                found: Some(run.job.key_id()),
            }),
        ),
    ];
    for (job, expected) in jobs {
        let other = Run { job, setup: Run::new().setup };
        for ((kind, reread), file) in REREAD.iter().zip(&files).skip(1) {
            assert_eq!(reread(&other, file, NO_LIMIT), Err(expected.clone()), "{kind}");
        }
    }
    // Nor are they written: what was encrypted under one key does not go into files of another.
    let (checkpoint, model) = run.train().swap_remove(1);
    let (rows, scores) = run.predict();
    let error = FileError::ForeignKey { expected: stranger.key_id(), found: Some(run.job.key_id()) };
    for refused in [
        written(|out| run.setup.upload().groups(0..2).write(&stranger, out)),
        written(|out| checkpoint.write(&stranger, out)),
        written(|out| model.write(&stranger, out)),
        written(|out| rows.write(&stranger, out)),
        written(|out| scores.write(&stranger, rows.hash(&run.job).unwrap(), out)),
        rows.hash(&stranger).map(|hash| hash.as_bytes().to_vec()),
    ] {
        assert_eq!(refused, Err(WireError::File(error.clone())));
    }
    let keys =
        EvaluationKeySet::generate(&run.setup.secret_key, run.job.plan().key_spec(), &mut rng(2)).unwrap();
    let mut file = Vec::new();
    keys.write(run.job.plan().parameters(), &mut file).unwrap();
    assert_eq!(file.len() as u64, run.job.plan().key_spec().byte_count());
    let needed = run.job.plan().key_spec();
    let read = run.job.read_keys(run.context(), needed, &file[..], NO_LIMIT).unwrap();
    assert_eq!(read.key_id(), run.job.key_id());
    // Reads those keys that a prediction needs from the keys for training.
    let prediction = PredictionPlan::new(run.job.plan(), 3).unwrap();
    let read = run.job.read_keys(run.context(), prediction.key_spec(), &file[..], NO_LIMIT).unwrap();
    assert_eq!(read.spec(prediction.parameters()).as_ref(), Ok(prediction.key_spec()));
    assert!(2 * prediction.key_spec().memory_bytes() < needed.memory_bytes());
    let refused = stranger.read_keys(run.context(), needed, &file[..], NO_LIMIT).unwrap_err();
    assert_eq!(refused, WireError::File(error));
    // Another kind of file.
    let error = FileError::Kind { expected: TRAINING_ROWS, found: MODEL };
    let refused = SeededGroups::read(&run.job, run.context(), 0, &files[3][..], NO_LIMIT).unwrap_err();
    assert_eq!(refused, WireError::File(error));
    // A context of other parameters than the job's.
    let context = Context::new(longer.plan().parameters().clone());
    let refused = SeededGroups::read(&run.job, &context, 0, &files[1][..], NO_LIMIT).unwrap_err();
    assert!(matches!(refused, WireError::File(FileError::ForeignParameters { .. })));
}

#[test]
fn the_name_in_a_file_that_is_damaged_says_nothing() {
    let run = Run::new();
    let name = run.job.id();
    for ((kind, reread), mut file) in REREAD.iter().zip(run.files()).skip(1) {
        let place = file.windows(16).position(|part| part == name.as_bytes()).unwrap();
        file[place] ^= 1;
        assert_eq!(reread(&run, &file, NO_LIMIT), Err(WireError::File(FileError::Damaged)), "{kind}");
    }
}
