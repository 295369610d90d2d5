use proptest::prelude::*;

use super::*;
use crate::sigmoid;

fn close(a: f64, b: f64, tolerance: f64) {
    assert!((a - b).abs() <= tolerance, "{a} and {b} differ by more than {tolerance}");
}

/// max |p − σ| on \[−end, end\] by brute force.
fn worst_error(p: &SigmoidPolynomial, end: f64) -> f64 {
    (-100_000..=100_000).map(|i| end * f64::from(i) / 1e5).fold(0.0, |worst, x| {
        let error: f64 = p.value(x) - sigmoid(x);
        worst.max(error.abs())
    })
}

/// Whether p falls nowhere on its trusted range, by brute force.
fn is_monotone(p: &SigmoidPolynomial) -> bool {
    (0..=4096).all(|i| p.derivative(p.trusted_range() * f64::from(i) / 4096.0) >= 0.0)
}

#[test]
fn the_paper_polynomial_has_the_properties_worked_out_by_hand() {
    let p = SigmoidPolynomial::paper();
    close(p.value(1.0), 0.5 + 0.106_795_345_032_162_94 - 0.000_385_032_598_050_75, 1e-15);
    close(p.max_error(), 0.170, 5e-4);
    close(p.trusted_range(), 8.47, 0.02);
    assert!(is_monotone(&p));
    assert_eq!((p.degree(), p.levels(), p.half_width()), (3, 2, 8.0));
}

#[test]
fn fits_agree_with_the_literature() {
    let cubic = SigmoidPolynomial::least_squares(3, 8.0).unwrap();
    close(cubic.coefficients()[0], 0.15012, 1e-5);
    close(cubic.coefficients()[1], -0.001_593, 1e-6);
    // 0.19131, −0.0045963 are printed (arXiv 2201.10838). The third printed coefficient, 4.12332e-5, is not the least
    // squares one to its first two: those determine 4.2230e-5.
    let quintic = SigmoidPolynomial::least_squares(5, 8.0).unwrap();
    close(quintic.coefficients()[0], 0.19131, 1e-5);
    close(quintic.coefficients()[1], -0.004_596_3, 5e-7);
    close(quintic.coefficients()[2], 4.2230e-5, 1e-9);
}

#[test]
fn the_printed_quintic_is_a_worse_fit() {
    let squared_error = |p: &SigmoidPolynomial| -> f64 {
        (-8000..=8000).map(|i| f64::from(i) / 1e3).map(|x| (p.value(x) - sigmoid(x)).powi(2)).sum()
    };
    let printed = SigmoidPolynomial::new(vec![0.19131, -0.004_596_3, 0.000_041_233_2], 8.0).unwrap();
    let fitted = SigmoidPolynomial::least_squares(5, 8.0).unwrap();
    assert!(squared_error(&fitted) < 0.99 * squared_error(&printed));
}

#[test]
fn degrees_and_levels() {
    for (degree, levels) in [(1, 1), (3, 2), (5, 3), (7, 3)] {
        let p = SigmoidPolynomial::least_squares(degree, 10.0).unwrap();
        assert_eq!((p.degree(), p.levels()), (degree, levels));
    }
}

#[test]
fn a_range_takes_the_lowest_degree_that_suits_it() {
    for (range, degree, half_width) in [
        (0.5, 3, 8.0),
        (8.0, 3, 8.0),
        (8.1, 5, 12.0),
        (12.5, 7, 16.0),
        (16.0, 7, 16.0),
        (20.0, MAX_DEGREE, 20.0),
    ] {
        let p = SigmoidPolynomial::for_range(range).unwrap();
        assert_eq!((p.degree(), p.half_width()), (degree, half_width), "for {range}");
        assert!(p.trusted_range() >= range);
    }
    for half_width in [0.0, -1.0, 129.0] {
        assert_eq!(SigmoidPolynomial::for_range(half_width), Err(Error::Interval { half_width }));
    }
}

#[test]
fn a_cubic_fit_turns_inside_its_interval() {
    let p = SigmoidPolynomial::least_squares(3, 8.0).unwrap();
    assert!(!is_monotone(&p));
    assert!(p.derivative(5.5) > 0.0 && p.derivative(5.7) < 0.0);
    assert!(is_monotone(&SigmoidPolynomial::least_squares(1, 8.0).unwrap()));
}

#[test]
fn what_is_not_supported_is_refused() {
    for degree in [0, 2, 4, 11] {
        assert_eq!(SigmoidPolynomial::least_squares(degree, 8.0), Err(Error::Degree { degree }));
    }
    assert_eq!(SigmoidPolynomial::new(vec![], 8.0), Err(Error::Degree { degree: 0 }));
    assert_eq!(SigmoidPolynomial::new(vec![0.1; 6], 8.0), Err(Error::Degree { degree: 11 }));
    for half_width in [0.0, -1.0, 129.0, f64::INFINITY, 9e-4, 1e-60, 1e-322, 5e-324] {
        let refused = Err(Error::Interval { half_width });
        assert_eq!(SigmoidPolynomial::least_squares(7, half_width), refused);
        assert_eq!(SigmoidPolynomial::new(vec![0.25], half_width), refused);
        assert_eq!(SigmoidPolynomial::for_range(half_width), refused);
    }
    assert!(matches!(SigmoidPolynomial::new(vec![0.1], f64::NAN), Err(Error::Interval { .. })));
    assert_eq!(SigmoidPolynomial::new(vec![0.1, f64::NAN], 8.0), Err(Error::Coefficient { power: 3 }));
}

#[test]
fn the_narrowest_interval_has_a_polynomial_of_every_degree() {
    for degree in (1..=MAX_DEGREE).step_by(2) {
        let p = SigmoidPolynomial::least_squares(degree, MIN_HALF_WIDTH).unwrap();
        close(p.derivative(0.0), 0.25, 1e-6);
        assert!(p.max_error() < 1e-9 && p.trusted_range() >= MIN_HALF_WIDTH, "{p:?}");
    }
}

#[test]
fn coefficients_as_large_as_there_are_are_measured() {
    for coefficients in [vec![f64::MAX; 5], vec![f64::MAX, f64::MIN, f64::MAX], vec![f64::MIN_POSITIVE]] {
        for half_width in [MIN_HALF_WIDTH, 1.0, MAX_HALF_WIDTH] {
            let p = SigmoidPolynomial::new(coefficients.clone(), half_width).unwrap();
            assert!((half_width..=16.0 * half_width).contains(&p.trusted_range()), "{p:?}");
        }
    }
}

#[test]
fn a_search_without_end_is_cut_off() {
    // With p = ½ the error tends to ½, which 128 already reaches in double precision.
    let flat = SigmoidPolynomial::new(vec![0.0], MAX_HALF_WIDTH).unwrap();
    assert_eq!(flat.trusted_range(), 16.0 * MAX_HALF_WIDTH);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_largest_error_is_the_largest_and_holds_on_the_trusted_range(k in 0_usize..4, half_width in 0.5..64.0) {
        let p = SigmoidPolynomial::least_squares(2 * k + 1, half_width).unwrap();
        prop_assert!((worst_error(&p, half_width) - p.max_error()).abs() < 1e-6);
        prop_assert!(p.trusted_range() >= half_width);
        // Values near ½ are rounded, twice by up to half an ulp each.
        prop_assert!(worst_error(&p, p.trusted_range()) <= p.max_error() * (1.0 + 1e-9) + f64::EPSILON);
        prop_assert!(worst_error(&p, p.trusted_range() * 1.01) > p.max_error());
    }

    #[test]
    fn a_higher_degree_fits_better(k in 0_usize..3, half_width in 1.0..32.0) {
        let mean_square = |degree| -> f64 {
            let p = SigmoidPolynomial::least_squares(degree, half_width).unwrap();
            let points = (0..2000).map(|i| half_width * (f64::from(i) + 0.5) / 2000.0);
            points.map(|x| (p.value(x) - sigmoid(x)).powi(2)).sum()
        };
        prop_assert!(mean_square(2 * k + 3) <= mean_square(2 * k + 1));
    }

    #[test]
    fn values_are_symmetric_and_the_derivative_is_theirs(k in 0_usize..4, x in -20.0..20.0) {
        let p = SigmoidPolynomial::least_squares(2 * k + 1, 10.0).unwrap();
        prop_assert!((p.value(x) + p.value(-x) - 1.0).abs() < 1e-9);
        let slope = (p.value(x + 1e-4) - p.value(x - 1e-4)) / 2e-4;
        prop_assert!((slope - p.derivative(x)).abs() < 1e-5);
    }
}
