//! Location quotients: a sector's share in a city over its share in all cities (METHODS 5).
//!
//! LQᵢ = (eᵢₖ / eᵢ) / (Eₖ / E), where Eₖ and E are the sums over the cities that have both numbers. Above 1 is specialised.

use super::Reason;
use crate::twofold;

/// One quotient per city, from employment of the sector and of all sectors.
pub fn quotients(sector: &[Option<f64>], total: &[Option<f64>]) -> Vec<Result<f64, Reason>> {
    let complete = || sector.iter().zip(total).filter_map(|(sector, total)| Some(((*sector)?, (*total)?)));
    let (all_sector, all_total) = (
        twofold::sum(complete().map(|(sector, _)| sector)).value(),
        twofold::sum(complete().map(|(_, total)| total)).value(),
    );
    sector
        .iter()
        .zip(total)
        .map(|(sector, total)| match (sector, total) {
            (None, _) | (_, None) => Err(Reason::MissingInput),
            (_, Some(total)) if *total == 0.0 || all_sector == 0.0 => Err(Reason::ZeroDenominator),
            (Some(sector), Some(total)) => Ok((sector / total) / (all_sector / all_total)),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotients_are_those_of_methods_5() {
        let found = quotients(&[60.0, 30.0, 10.0].map(Some), &[100.0, 150.0, 50.0].map(Some));
        for (found, expected) in found.iter().zip([1.8, 0.6, 0.6]) {
            assert!((found.expect("a quotient") - expected).abs() < 1e-15, "{found:?}");
        }
    }

    #[test]
    fn a_city_without_numbers_has_no_quotient_and_does_not_count() {
        let found = quotients(
            &[Some(60.0), None, Some(30.0), Some(0.0), Some(10.0), Some(1.0)],
            &[Some(100.0), Some(9.0), Some(150.0), Some(0.0), Some(50.0), None],
        );
        assert_eq!(found[1], Err(Reason::MissingInput));
        assert_eq!(found[3], Err(Reason::ZeroDenominator));
        assert_eq!(found[5], Err(Reason::MissingInput));
        assert_eq!(
            [found[0], found[2], found[4]],
            [Ok(60.0 / 100.0 / (100.0 / 300.0)), Ok(0.2 / (100.0 / 300.0)), Ok(0.2 / (100.0 / 300.0))]
        );
        assert_eq!(quotients(&[Some(0.0)], &[Some(5.0)]), [Err(Reason::ZeroDenominator)]);
    }
}
