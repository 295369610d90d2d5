use super::*;

fn literal() -> ParametersLiteral {
    ParametersLiteral {
        log_n: 14,
        levels: vec![vec![50], vec![40], vec![40]],
        p_bits: vec![50],
        log_scale: 40,
        security: Security::Classical128,
    }
}

#[test]
fn presets_are_secure_and_as_deep_as_they_say() {
    for (preset, log_n, level) in
        [(Parameters::n14(), 14, 7), (Parameters::n15(), 15, 14), (Parameters::n16(), 16, 27)]
    {
        let preset = preset.unwrap();
        assert_eq!((preset.log_n(), preset.max_level()), (log_n, level));
        assert!(preset.log_qp() <= f64::from(max_log_qp(Security::Classical128, log_n).unwrap()));
        assert_eq!(preset.security().bits(), Some(128));
    }
}

#[test]
fn primes_are_distinct_and_ntt_friendly() {
    let preset = Parameters::n14().unwrap();
    let mut all: Vec<u64> = preset.q().iter().chain(preset.p()).copied().collect();
    assert!(all.iter().all(|q| q % (1 << 15) == 1));
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10);
}

#[test]
fn digits_cover_the_chain_and_stay_below_the_special_modulus() {
    for preset in [Parameters::n14(), Parameters::n15(), Parameters::n16()] {
        let preset = preset.unwrap();
        let flat: Vec<usize> = preset.digits().iter().cloned().flatten().collect();
        assert_eq!(flat, (0..=preset.max_level()).collect::<Vec<_>>());
        for digit in preset.digits() {
            assert!(log2_product(&preset.q()[digit.clone()]) <= log2_product(preset.p()));
        }
        assert_eq!(preset.digit_count(preset.max_level()), preset.digits().len());
        assert_eq!(preset.digit_count(0), 1);
    }
}

#[test]
fn digits_are_few_and_balanced() {
    let lengths = |preset: Parameters| preset.digits().iter().map(ExactSizeIterator::len).collect::<Vec<_>>();
    assert_eq!(lengths(Parameters::n14().unwrap()), [2, 2, 2, 2]);
    assert_eq!(lengths(Parameters::n15().unwrap()), [5, 5, 5]);
    assert_eq!(lengths(Parameters::n16().unwrap()), [9, 9, 10]);
}

#[test]
fn the_id_depends_on_every_part() {
    let base = literal().build().unwrap();
    assert_eq!(base.id(), literal().build().unwrap().id());
    let others = [
        ParametersLiteral { log_n: 15, ..literal() },
        ParametersLiteral { levels: vec![vec![50], vec![40]], ..literal() },
        ParametersLiteral { levels: vec![vec![50], vec![40, 40]], ..literal() },
        ParametersLiteral { p_bits: vec![49, 50], ..literal() },
        ParametersLiteral { log_scale: 39, ..literal() },
    ];
    assert!(others.iter().all(|other| other.build().unwrap().id() != base.id()));
    // The claim is not part of the object: an unchecked set with the same primes can read the same ciphertexts.
    let unchecked = ParametersLiteral { security: Security::Unchecked, ..literal() };
    assert_eq!(unchecked.build().unwrap().id(), base.id());
}

#[test]
fn every_rule_is_enforced() {
    use ParametersError as E;
    let error = |literal: ParametersLiteral| literal.build().unwrap_err();
    assert!(matches!(error(ParametersLiteral { log_n: 18, ..literal() }), E::LogN { log_n: 18, .. }));
    assert!(matches!(error(ParametersLiteral { log_n: 2, ..literal() }), E::LogN { .. }));
    assert_eq!(error(ParametersLiteral { levels: vec![], ..literal() }), E::NoPrimes);
    assert_eq!(error(ParametersLiteral { p_bits: vec![], ..literal() }), E::NoPrimes);
    let wide = ParametersLiteral { levels: vec![vec![51], vec![40]], ..literal() };
    assert!(matches!(error(wide), E::PrimeBits { bits: 51, max: 50, .. }));
    let narrow = ParametersLiteral { levels: vec![vec![50], vec![19]], ..literal() };
    assert!(matches!(error(narrow), E::PrimeBits { bits: 19, min: 20, .. }));
    let many = ParametersLiteral {
        levels: vec![vec![20]; 64],
        log_scale: 10,
        security: Security::Unchecked,
        ..literal()
    };
    assert!(matches!(error(many), E::TooFewPrimes { bits: 20, wanted: 64, .. }));
    let special = ParametersLiteral { p_bits: vec![45], ..literal() };
    assert_eq!(error(special), E::SpecialModulusTooSmall { bits: 50, special_bits: 45 });
    let scale = ParametersLiteral { log_scale: 50, ..literal() };
    assert_eq!(error(scale), E::ScaleTooLarge { log_scale: 50, q0_bits: 50 });
    let absurd = ParametersLiteral { log_scale: u32::MAX, ..literal() };
    assert!(matches!(error(absurd), E::ScaleTooLarge { log_scale: u32::MAX, .. }));
    let hollow = ParametersLiteral { levels: vec![vec![50], vec![], vec![40]], ..literal() };
    assert_eq!(error(hollow), E::EmptyLevel { level: 1 });
    let long = ParametersLiteral { levels: vec![vec![50]; 8], ..literal() };
    assert!(matches!(error(long), E::Insecure { max: Some(430), log_n: 14, .. }));
    let tiny =
        ParametersLiteral { log_n: 10, levels: vec![vec![30]], log_scale: 20, p_bits: vec![30], ..literal() };
    assert!(matches!(error(tiny), E::Insecure { max: None, log_n: 10, .. }));
}

#[test]
fn small_rings_need_the_opt_in() {
    let small = ParametersLiteral { log_n: 10, security: Security::Unchecked, ..literal() };
    let small = small.build().unwrap();
    assert_eq!(small.security().bits(), None);
    assert!(format!("{small:?}").contains("Unchecked"));
    assert_eq!(small.security().to_string(), "NO security claim");
}

#[test]
fn levels_have_primes_of_their_own() {
    let levels = vec![vec![30, 31], vec![40], vec![28, 29], vec![45]];
    let literal = ParametersLiteral { levels: levels.clone(), ..literal() };
    let parameters = literal.build().unwrap();
    assert_eq!(parameters.literal(), literal);
    assert_eq!((parameters.max_level(), parameters.q().len()), (3, 6));
    for (level, limbs) in [2, 3, 5, 6].into_iter().enumerate() {
        assert_eq!(parameters.limbs(level), limbs);
        assert_eq!(parameters.level_primes(level), &parameters.q()[limbs - levels[level].len()..limbs]);
        let bits: u32 = levels[level].iter().sum();
        assert!((parameters.rescaling_factor(level).log2() - f64::from(bits)).abs() < 1e-3);
        let up_to: u32 = levels[..=level].iter().flatten().sum();
        assert!((parameters.log_q(level) - f64::from(up_to)).abs() < 1e-2);
    }
}

#[test]
fn a_refused_literal_is_an_error_of_the_crate_with_the_same_message() {
    let refused = ParametersLiteral { levels: vec![], ..literal() }.build().unwrap_err();
    let error = crate::Error::from(refused.clone());
    assert_eq!((error.to_string(), error), (refused.to_string(), crate::Error::Parameters(refused)));
}

#[test]
fn a_set_is_built_again_from_its_literal() {
    let literal = literal();
    assert_eq!(literal.build().unwrap().literal(), literal);
    for preset in [Parameters::n14(), Parameters::n15(), Parameters::n16()] {
        let preset = preset.unwrap();
        assert_eq!(preset.literal().build(), Ok(preset));
    }
}

#[test]
fn thousands_of_primes_are_refused_at_once() {
    let many = ParametersLiteral { levels: vec![vec![40]; 5000], security: Security::Unchecked, ..literal() };
    let count = 5000 + many.p_bits.len();
    assert_eq!(many.build(), Err(ParametersError::TooManyPrimes { count, max: MAX_PRIMES }));
}

#[test]
fn equal_sets_have_equal_primes_and_claims() {
    let set = literal().build().unwrap();
    assert_eq!(set, literal().build().unwrap());
    let unchecked = ParametersLiteral { security: Security::Unchecked, ..literal() }.build().unwrap();
    assert_eq!(set.id(), unchecked.id());
    assert_ne!(set, unchecked);
    assert_ne!(unchecked, ParametersLiteral { log_scale: 39, ..unchecked.literal() }.build().unwrap());
}

#[test]
fn a_pool_has_an_id_of_its_own_and_the_variance_of_its_sum() {
    let single = literal().build().unwrap();
    assert_eq!((single.secret(), single.secret().owners()), (SecretDistribution::Ternary, 1));
    let mut ids = vec![single.id()];
    for owners in 2..=MAX_OWNERS {
        let pooled = single.pooled(owners).unwrap();
        assert_eq!(pooled.secret(), SecretDistribution::TernarySum { owners });
        assert!((pooled.secret().variance() - owners as f64 * single.secret().variance()).abs() < 1e-12);
        assert_eq!((pooled.literal(), pooled.security()), (single.literal(), single.security()));
        ids.push(pooled.id());
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), MAX_OWNERS);
    for owners in [0, 1, 17, 258] {
        let error = single.pooled(owners).unwrap_err();
        assert_eq!(error, ParametersError::PoolSize { owners, max: MAX_OWNERS });
    }
}

#[test]
fn nothing_is_bootstrapped_under_the_key_of_a_pool() {
    let pooled = ParametersLiteral { security: Security::Unchecked, ..literal() }.build().unwrap();
    assert_eq!(pooled.check_ephemeral(), Ok(()));
    let error = pooled.pooled(3).unwrap().check_ephemeral().unwrap_err();
    assert_eq!(error, ParametersError::PooledBootstrapping { owners: 3 });
}
