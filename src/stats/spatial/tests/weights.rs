//! Weights by hand, and what is refused.

use super::{close, line, names, places, weights};
use crate::random::Random;
use crate::solve;
use crate::spatial::determinant::{Determinant, eigenvalues};
use crate::spatial::error::SpatialError;
use crate::spatial::weights::{Proximity, Standardisation, Weights, great_circle};

#[test]
fn beijing_to_shanghai() {
    // METHODS 2.6.
    close(great_circle((39.9042, 116.4074), (31.2304, 121.4737)), 1067.311646, 1e-9);
    assert_eq!(great_circle((10.0, 20.0), (10.0, 20.0)), 0.0);
}

#[test]
fn rows_sum_to_one_and_know_their_neighbours() {
    // A degree of latitude apart, so that distances are 1, 2 and 3 of them.
    let places = [(0.0, 0.0), (1.0, 0.0), (3.0, 0.0)];
    let inverse = Proximity::InverseDistance { places: &places, power: 2, cutoff: None };
    let found = weights(3, &inverse, Standardisation::Row).expect("weights");
    let (near, far) = (1.0, 1.0 / 9.0);
    close(found.neighbours(0)[0].1, near / (near + far), 1e-12);
    close(found.neighbours(0)[1].1, far / (near + far), 1e-12);
    close(found.lag(&[0.0, 1.0, 10.0])[0], (near + 10.0 * far) / (near + far), 1e-12);
    let economic =
        weights(3, &Proximity::Economic { values: &[1.0, 2.0, 5.0] }, Standardisation::Row).expect("weights");
    close(economic.neighbours(2)[0].1, (1.0 / 4.0) / (1.0 / 4.0 + 1.0 / 3.0), 1e-15);
    // Units 0 and 2 are as far from 1 as each other: the earlier is taken.
    let places = [(0.0, 0.0), (0.0, 1.0), (0.0, 2.0)];
    let nearest = weights(3, &Proximity::Nearest { places: &places, count: 1 }, Standardisation::Row).expect("weights");
    assert_eq!(nearest.neighbours(1), [(0, 1.0)]);
    let band = weights(3, &Proximity::Band { places: &places, cutoff: 112.0 }, Standardisation::Row).expect("weights");
    assert_eq!(band.neighbours(1), [(0, 0.5), (2, 0.5)]);
    assert_eq!(band.neighbours(0), [(1, 1.0)]);
}

#[test]
fn a_spectral_radius_is_one() {
    let places = places(20);
    let inverse = Proximity::InverseDistance { places: &places, power: 1, cutoff: None };
    let found = weights(20, &inverse, Standardisation::Spectral).expect("weights");
    let values = eigenvalues(found.dense());
    close(values[19], 1.0, 1e-14);
    assert!(values[0] > -1.0);
    // Nearest neighbours are not symmetric, but each row has as many.
    let nearest = Proximity::Nearest { places: &places, count: 4 };
    assert_eq!(weights(20, &nearest, Standardisation::Spectral).expect("weights").neighbours(3)[0].1, 0.25);
}

#[test]
fn eigenvalues_of_a_line_and_of_a_full_matrix() {
    // The path graph with unit weights has 2 cos(kπ/(n + 1)).
    let size = 30;
    let path =
        (0..size).map(|row: usize| (0..size).map(|column| f64::from(u8::from(row.abs_diff(column) == 1))).collect());
    let found = eigenvalues(path.collect());
    for (index, value) in found.iter().enumerate() {
        let expected = 2.0 * ((size - index) as f64 * std::f64::consts::PI / (size as f64 + 1.0)).cos();
        close(*value, expected, 1e-14);
    }
    // Against Jacobi's rotations.
    let random = Random::new(3, 3);
    let full: solve::Matrix = (0..25_u64)
        .map(|row| (0..25).map(|column| random.uniform(row.min(column), row.max(column)) - 0.5).collect())
        .collect();
    let mut expected = crate::eigen::symmetric(&full).values;
    expected.reverse();
    eigenvalues(full).iter().zip(&expected).for_each(|(found, expected)| close(*found, *expected, 1e-14));
    // Repeated eigenvalues: -1 and n - 1.
    let complete = (0..6).map(|row| (0..6).map(|column| f64::from(u8::from(row != column))).collect()).collect();
    eigenvalues(complete)
        .iter()
        .zip([-1.0, -1.0, -1.0, -1.0, -1.0, 5.0])
        .for_each(|(found, expected)| close(*found, expected, 1e-14));
    assert_eq!(eigenvalues(vec![vec![0.0; 3]; 3]), [0.0; 3]);
    // A line is bipartite: the interval is from -1 to 1.
    let line = line(9);
    let (low, high) = Determinant::new(line.similar_symmetric(), || line.dense()).interval();
    close(low, -1.0, 1e-14);
    close(high, 1.0, 1e-14);
}

#[test]
fn both_log_determinants_agree_with_a_series() {
    let places = places(30);
    for proximity in [
        Proximity::InverseDistance { places: &places, power: 2, cutoff: None },
        Proximity::Nearest { places: &places, count: 3 },
    ] {
        let weights = weights(30, &proximity, Standardisation::Row).expect("weights");
        let dense = weights.dense();
        let general = Determinant::new(None, || dense.clone());
        let symmetric = weights.similar_symmetric();
        assert_eq!(symmetric.is_some(), matches!(proximity, Proximity::InverseDistance { .. }));
        for rho in [-0.7, 0.0, 0.4, 0.7] {
            // log|I - ρW| = -Σ ρᵏ tr(Wᵏ)/k; 0.7¹⁰⁰ is below the last digit.
            let (mut log, mut slope) = (0.0, 0.0);
            let mut power = dense.clone();
            for term in 1..=100 {
                let trace: f64 = (0..30).map(|unit| power[unit][unit]).sum();
                log -= f64::powi(rho, term) * trace / f64::from(term);
                slope -= f64::powi(rho, term - 1) * trace;
                let columns: Vec<Vec<f64>> = (0..30)
                    .map(|column| weights.lag(&power.iter().map(|row| row[column]).collect::<Vec<_>>()))
                    .collect();
                power = (0..30).map(|row| columns.iter().map(|column| column[row]).collect()).collect();
            }
            let (found, found_slope) = general.log(rho);
            close(found, log, 1e-13);
            close(found_slope, slope, 1e-12);
            if let Some(symmetric) = &symmetric {
                let (found, found_slope) = Determinant::new(Some(symmetric.clone()), || unreachable!()).log(rho);
                close(found, log, 1e-13);
                close(found_slope, slope, 1e-12);
            }
        }
    }
}

#[test]
fn what_gives_no_weights_is_named() {
    let row = Standardisation::Row;
    let islands = weights(4, &Proximity::Contiguity { pairs: &[(0, 1)] }, row);
    assert_eq!(islands.err(), Some(SpatialError::Island { unit: "u002".to_string(), count: 2 }));
    let far = weights(3, &Proximity::Band { places: &[(0.0, 0.0), (0.1, 0.0), (9.0, 0.0)], cutoff: 50.0 }, row);
    assert_eq!(far.err(), Some(SpatialError::Island { unit: "u002".to_string(), count: 1 }));
    let same = weights(3, &Proximity::Economic { values: &[1.0, 2.0, 1.0] }, row);
    assert!(
        matches!(same.err(), Some(SpatialError::NoDistance { first, second, count: 1, .. }) if first == "u000" && second == "u002")
    );
    let places = [(0.0, 0.0), (0.1, 0.0), (f64::NAN, 0.0)];
    let missing = weights(3, &Proximity::Nearest { places: &places, count: 1 }, row);
    assert!(matches!(missing.err(), Some(SpatialError::Value { what: "latitude", unit, .. }) if unit == "u002"));
    for count in [0, 3] {
        let none = weights(3, &Proximity::Nearest { places: &places, count }, row);
        assert!(matches!(none.err(), Some(SpatialError::Option { option: "nearest", .. })));
    }
    assert!(matches!(
        weights(2, &Proximity::Economic { values: &[1.0, 2.0] }, row).err(),
        Some(SpatialError::FewUnits { .. })
    ));
    assert!(matches!(
        weights(3, &Proximity::Economic { values: &[1.0] }, row).err(),
        Some(SpatialError::Length { .. })
    ));
    assert!(matches!(
        weights(3, &Proximity::Contiguity { pairs: &[(0, 3)] }, row).err(),
        Some(SpatialError::Pair { .. })
    ));
    let loops = weights(3, &Proximity::Given { entries: &[(1, 1, 1.0)] }, row);
    assert!(matches!(loops.err(), Some(SpatialError::Weight { .. })));
    let uneven =
        weights(3, &Proximity::Given { entries: &[(0, 1, 1.0), (1, 2, 3.0), (2, 0, 1.0)] }, Standardisation::Spectral);
    assert!(matches!(uneven.err(), Some(SpatialError::Option { option: "standardise", .. })));
    let mut twice = names(3);
    twice[2] = "u000".to_string();
    let twice = Weights::new(&twice, &Proximity::Economic { values: &[1.0, 2.0, 4.0] }, row);
    assert_eq!(twice.err(), Some(SpatialError::SameUnit { unit: "u000".to_string() }));
}
