use super::*;

fn refreshing(data_level: usize, iteration_levels: usize, iterations: usize) -> Schedule {
    Schedule { data_level, iteration_levels, iterations, refreshes: true, copy_levels: CopyLevels::Highest }
}

fn schedule(data_level: usize, iteration_levels: usize, iterations: usize) -> Vec<(usize, bool)> {
    let schedule = refreshing(data_level, iteration_levels, iterations);
    (1..=iterations).map(|t| schedule.after(t)).map(|weights| (weights.level, weights.refreshed)).collect()
}

#[test]
fn weights_are_refreshed_as_late_as_can_be() {
    // Two iterations of four levels from level 9, and nothing after the last.
    let expected = [(7, false), (9, true), (5, false), (9, true), (5, false), (1, false)];
    assert_eq!(schedule(9, 4, 6), expected);
    assert_eq!(schedule(11, 5, 4), [(9, false), (11, true), (6, false), (1, false)]);
    // Where the first leaves too little for the second.
    assert_eq!(schedule(6, 5, 3), [(6, true), (6, true), (1, false)]);
    let run = refreshing(9, 4, 6);
    assert_eq!(run.refreshes(), 2);
    // Without them levels are spent.
    let spent = Schedule { iterations: 3, data_level: 11, refreshes: false, ..run };
    assert_eq!([1, 2, 3].map(|t| spent.after(t).level), [9, 5, 1]);
    assert_eq!(spent.refreshes(), 0);
}

#[test]
fn a_run_goes_through_its_cycle_as_often_as_it_refreshes_alike() {
    let levels = (5..30).flat_map(|data_level| (3..data_level).map(move |levels| (data_level, levels)));
    for ((data_level, iteration_levels), iterations) in
        levels.flat_map(|levels| [1, 2, 5, 12, 40].map(|t| (levels, t)))
    {
        let schedule = refreshing(data_level, iteration_levels, iterations);
        let short = schedule.once_through();
        let Some(Cycle { start, length, times }) = schedule.cycle() else {
            assert_eq!(short.iterations, iterations);
            continue;
        };
        assert!(
            start > 1
                && start + times * length < iterations
                && iterations <= start + (times + 1) * length + 1
        );
        for iteration in start..=start + length {
            let mut passes = (0..times).map(|pass| schedule.after(iteration + pass * length));
            assert!(passes.all(|weights| weights == schedule.after(iteration)), "{schedule:?}");
        }
        // What comes after it.
        let rest = start + length + 1..=short.iterations;
        assert!(
            rest.clone().all(|t| short.after(t) == schedule.after(t + (times - 1) * length)),
            "{schedule:?}"
        );
    }
    let spent = Schedule {
        data_level: 20,
        iteration_levels: 3,
        iterations: 6,
        refreshes: false,
        copy_levels: CopyLevels::Highest,
    };
    assert_eq!(spent.cycle(), None);
}

#[test]
fn the_gain_is_the_response_of_the_recurrence() {
    for hyperparameters in [Hyperparameters::few(8).unwrap(), Hyperparameters::many(25).unwrap()] {
        let momentum: Vec<f64> = hyperparameters.momentum().collect();
        let kept = 1.0 - hyperparameters.weight_decay();
        // The last weights for M and V after iteration `at`, without gradients.
        let response = |at: usize, (mut point, mut previous): (f64, f64)| {
            for eta in &momentum[at - 1..momentum.len() - 1] {
                (point, previous) = (kept * ((1.0 - eta) * point + eta * previous), point);
            }
            let eta = momentum[momentum.len() - 1];
            (1.0 - eta) * point + eta * previous
        };
        let squares: f64 = (1..momentum.len())
            .flat_map(|at| [response(at, (1.0, 0.0)), response(at, (0.0, 1.0))])
            .map(|response| response * response)
            .sum();
        let gain = noise_gain(&hyperparameters);
        assert!((gain / squares.sqrt() - 1.0).abs() < 1e-12, "{gain} and {}", squares.sqrt());
    }
}

#[test]
fn ranges_are_powers_of_two_that_leave_room() {
    let of = |range| log_range(&Hyperparameters::many(20).unwrap().with_weight_range(range).unwrap());
    // At least 2h = 32.
    assert_eq!([1.0, 22.0, 23.0, 45.0, 46.0].map(of), [5, 5, 6, 6, 7]);
}

#[test]
fn the_faster_preset_is_for_runs_that_can_bear_its_noise() {
    let shape = |samples| Shape { samples, columns: 401, classes: 10 };
    let many = Hyperparameters::many(30).unwrap();
    assert_eq!(presets(&many, shape(128)), [Preset::Precise]);
    // Sums over many samples of few features bear more.
    let easy = many.with_weight_range(1.0).unwrap();
    let few_columns = Shape { columns: 4, ..shape(100_000) };
    assert_eq!(presets(&easy, few_columns), [Preset::Fast, Preset::Precise]);
}

#[test]
fn copies_are_at_the_levels_that_their_iteration_takes() {
    let highest = Schedule {
        data_level: 12,
        iteration_levels: 4,
        iterations: 3,
        refreshes: false,
        copy_levels: CopyLevels::Highest,
    };
    let own = Schedule { copy_levels: CopyLevels::OfIteration, ..highest };
    // Errors of an iteration are a level above its gradient, scores are made at the level of the weights.
    assert_eq!([1, 2, 3].map(|iteration| own.backward_level(iteration)), [11, 7, 3]);
    assert_eq!([2, 3].map(|iteration| own.forward_level(iteration)), [10, 6]);
    assert_eq!([1, 2, 3].map(|iteration| highest.backward_level(iteration)), [11; 3]);
    assert_eq!([2, 3].map(|iteration| highest.forward_level(iteration)), [10; 2]);
    let refreshed = Schedule { refreshes: true, iterations: 9, ..own };
    for iteration in 2..=9 {
        let weights = refreshed.after(iteration - 1).level;
        assert_eq!(refreshed.forward_level(iteration), weights);
        assert_eq!(refreshed.backward_level(iteration), weights - 3);
    }
}
