//! Moran's I against its definition and against all orders of a few values.

use super::{close, line, names, places};
use crate::random::Random;
use crate::spatial::error::SpatialError;
use crate::spatial::moran::{Permutations, Quadrant, local_moran, moran};
use crate::spatial::weights::{Proximity, Standardisation, Weights};

#[test]
fn four_units_on_a_line() {
    // By hand: z = -2, -1, 1, 2; lags -1, -½, ½, 1; I = 4/4 · 5/10.
    let found = moran(&line(4), "x", &[1.0, 2.0, 4.0, 5.0], None).expect("a statistic");
    close(found.statistic, 0.5, 1e-15);
    close(found.expected, -1.0 / 3.0, 1e-15);
    // Half of 2.5 is the mean square.
    let local = local_moran(&line(4), "x", &[1.0, 2.0, 4.0, 5.0], None).expect("statistics");
    for (unit, expected) in local.iter().zip([2.0 / 2.5, 0.5 / 2.5, 0.5 / 2.5, 2.0 / 2.5]) {
        close(unit.statistic, expected, 1e-15);
    }
    assert_eq!((local[0].quadrant, local[3].quadrant), (Quadrant::LowLow, Quadrant::HighHigh));
}

/// Under randomisation the moments are those over all orders of the values, which seven values have 5,040 of.
#[test]
fn moments_are_those_over_all_orders() {
    let places = places(7);
    let weights = Weights::new(&names(7), &Proximity::Nearest { places: &places, count: 2 }, Standardisation::Row)
        .expect("weights");
    let values = [1.0, 4.0, -2.0, 0.5, 7.0, 3.0, 3.5];
    let expected = moran(&weights, "x", &values, None).expect("a statistic");
    let mut orders = vec![vec![]];
    for value in values {
        let longer = |order: Vec<f64>| {
            (0..=order.len()).map(move |place| {
                let mut order = order.clone();
                order.insert(place, value);
                order
            })
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    let all: Vec<f64> = orders.iter().map(|order| moran(&weights, "x", order, None).expect("one").statistic).collect();
    let mean = all.iter().sum::<f64>() / all.len() as f64;
    close(mean, expected.expected, 1e-13);
    let variance = all.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / all.len() as f64;
    close(variance, expected.randomised.expect("seven units").variance, 1e-13);
    let distance = (expected.statistic - expected.expected).abs();
    let exact = all.iter().filter(|value| (*value - expected.expected).abs() >= distance * (1.0 - 1e-12)).count()
        as f64
        / 5040.0;
    let permutations = Permutations { draws: 4999, random: Random::new(1, 1) };
    let drawn = moran(&weights, "x", &values, Some(&permutations)).expect("one").permuted_p_value.expect("draws");
    // Four standard deviations of a share of 4,999 draws.
    assert!((drawn - exact).abs() < 4.0 * (exact * (1.0 - exact) / 4999.0).sqrt() + 1.0 / 5000.0, "{drawn}, {exact}");
}

/// With the own value in its place the other six have 720 orders.
#[test]
fn local_draws_are_conditional() {
    let places = places(7);
    let weights = Weights::new(&names(7), &Proximity::Nearest { places: &places, count: 2 }, Standardisation::Row)
        .expect("weights");
    let values = [1.0, 4.0, -2.0, 0.5, 7.0, 3.0, 3.5];
    let permutations = Permutations { draws: 4999, random: Random::new(1, 1) };
    let found = local_moran(&weights, "x", &values, Some(&permutations)).expect("statistics");
    for (unit, local) in found.iter().enumerate() {
        // Two neighbours with a half each: all ordered pairs of other units are as likely.
        let others: Vec<f64> = (0..7).filter(|other| *other != unit).map(|other| found[other].value).collect();
        let expected = -local.value / 6.0;
        let distance = (local.lag - expected).abs() * (1.0 - 1e-12);
        let pairs =
            (0..6).flat_map(|first| (0..6).filter(move |second| *second != first).map(move |second| (first, second)));
        let far =
            pairs.filter(|(first, second)| ((others[*first] + others[*second]) / 2.0 - expected).abs() >= distance);
        let exact = far.count() as f64 / 30.0;
        let drawn = local.permuted_p_value.expect("draws");
        assert!(
            (drawn - exact).abs() < 4.0 * (exact * (1.0 - exact) / 4999.0).sqrt() + 1.0 / 5000.0,
            "{unit}: {drawn}, {exact}"
        );
    }
}

#[test]
fn bad_values_are_named() {
    let constant = moran(&line(4), "x", &[2.0; 4], None);
    assert_eq!(constant, Err(SpatialError::Constant { what: "x".to_string(), value: 2.0 }));
    let short = moran(&line(4), "x", &[2.0; 3], None);
    assert_eq!(short, Err(SpatialError::ColumnLength { column: "x".to_string(), found: 3, rows: 4 }));
    let missing = local_moran(&line(4), "x", &[1.0, f64::NAN, 0.0, 1.0], None);
    assert!(matches!(missing, Err(SpatialError::NotFinite { row: 1, .. })));
    assert!(moran(&line(3), "x", &[1.0, 2.0, 4.0], None).expect("three units").randomised.is_none());
}
