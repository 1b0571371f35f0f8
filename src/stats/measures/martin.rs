//! Resilience as the deviation of a place's growth from the nation's (METHODS 1.1): Martin (2012), J. Econ. Geography
//! 12(1), the sensitivity form; Martin, Sunley, Gardiner & Tyler (2016), Regional Studies 50(4), the expected-change form.

use super::Reason;

/// How a series is compared.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Options {
    /// Periods from the base to the value.
    pub lag: usize,
    /// National growth nearer to 0 than this is no base: ratios to it explode.
    pub min_growth: f64,
    /// Compare with the nation without the place itself; it matters where the place is a large part of the nation.
    pub leave_one_out: bool,
}

/// The forms of the index in one period.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Martin {
    /// g = (N - N₋ₖ) / N₋ₖ, growth of the nation.
    pub national_growth: Result<f64, Reason>,
    /// R = ((P - P₋ₖ) - g P₋ₖ) / |g P₋ₖ|: 0 where the place moves as the nation.
    pub resilience: Result<f64, Reason>,
    /// S = growth of the place over g; R = sign(g) (S - 1).
    pub sensitivity: Result<f64, Reason>,
    /// Growth of the place less g: bounded, since nothing is divided by g.
    pub gap: Result<f64, Reason>,
}

/// One result per period. `place` and `nation` hold the same periods in order; the nation is the sum of all places.
pub fn martin(place: &[Option<f64>], nation: &[Option<f64>], options: &Options) -> Vec<Martin> {
    let change = |period: usize| -> Result<(f64, f64), Reason> {
        let base = period.checked_sub(options.lag).ok_or(Reason::BeforeSeriesStart)?;
        let value = |series: &[Option<f64>], period: usize| series[period].ok_or(Reason::MissingInput);
        let places = (value(place, base)?, value(place, period)?);
        let mut nations = (value(nation, base)?, value(nation, period)?);
        if options.leave_one_out {
            nations = (nations.0 - places.0, nations.1 - places.1);
        }
        if places.0 == 0.0 || nations.0 == 0.0 {
            return Err(Reason::ZeroDenominator);
        }
        Ok(((places.1 - places.0) / places.0, (nations.1 - nations.0) / nations.0))
    };
    (0..place.len().min(nation.len()))
        .map(|period| {
            let change = change(period);
            let base = change.and_then(|(growth, national)| {
                if national.abs() < options.min_growth || national == 0.0 {
                    Err(Reason::BaseNearZero)
                } else {
                    Ok((growth, national))
                }
            });
            Martin {
                national_growth: change.map(|(_, national)| national),
                resilience: base.map(|(growth, national)| (growth - national) / national.abs()),
                sensitivity: base.map(|(growth, national)| growth / national),
                gap: change.map(|(growth, national)| growth - national),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 5] = [100.0, 120.0, 150.0, 120.0, 150.0];
    const B: [f64; 5] = [50.0, 55.0, 60.0, 66.0, 60.0];
    const C: [f64; 5] = [200.0, 210.0, 220.0, 180.0, 260.0];
    const OPTIONS: Options = Options { lag: 1, min_growth: 0.02, leave_one_out: false };

    fn of(place: &[f64; 5], options: &Options) -> Vec<Martin> {
        let nation: Vec<Option<f64>> = (0..5).map(|period| Some(A[period] + B[period] + C[period])).collect();
        martin(&place.map(Some), &nation, options)
    }

    /// The table has six decimals, or eight.
    fn check(found: impl Iterator<Item = Result<f64, Reason>>, expected: [f64; 4], tolerance: f64) {
        let found: Vec<f64> = found.skip(1).map(|value| value.expect("a value")).collect();
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() <= tolerance, "{found} is not {expected}");
        }
    }

    #[test]
    fn indices_are_those_of_methods_1_1() {
        let growth = of(&A, &OPTIONS).into_iter().map(|period| period.national_growth);
        check(growth, [0.1, 0.11688312, -0.14883721, 0.28415301], 5e-9);
        for (place, expected) in [
            (A, [1.0, 1.138889, -0.34375, -0.120192]),
            (B, [0.0, -0.222222, 1.671875, -1.31993]),
            (C, [-0.5, -0.592593, -0.221591, 0.564103]),
        ] {
            check(of(&place, &OPTIONS).into_iter().map(|period| period.resilience), expected, 1e-6);
        }
        let gap = of(&A, &OPTIONS).into_iter().map(|period| period.gap);
        check(gap, [0.1, 0.133117, -0.051163, -0.034153], 1e-6);
        let left_out = of(&A, &Options { leave_one_out: true, ..OPTIONS });
        check(left_out.into_iter().map(|period| period.resilience), [2.333333, 3.416667, -0.647059, -0.168919], 1e-6);
    }

    #[test]
    fn the_forms_agree_and_the_gaps_balance() {
        for place in [A, B, C] {
            for period in &of(&place, &OPTIONS)[1..] {
                let (growth, resilience) = (period.national_growth.expect("g"), period.resilience.expect("R"));
                let from_sensitivity = growth.signum() * (period.sensitivity.expect("S") - 1.0);
                assert!((resilience - from_sensitivity).abs() < 1e-14, "{period:?}");
            }
        }
        for period in 1..5 {
            let places =
                [A, B, C].iter().map(|place| place[period - 1] * of(place, &OPTIONS)[period].gap.expect("a gap"));
            assert!(places.sum::<f64>().abs() < 1e-13);
        }
    }

    #[test]
    fn what_is_missing_has_its_reason() {
        let place = [Some(0.0), Some(10.0), None, Some(12.0), Some(13.0)];
        let nation = [Some(100.0), Some(110.0), Some(120.0), Some(130.0), Some(130.5)];
        let found = martin(&place, &nation, &OPTIONS);
        let reasons: Vec<Option<&str>> = found.iter().map(|period| period.resilience.err().map(Reason::code)).collect();
        let missing = Some("MISSING_INPUT");
        assert_eq!(
            reasons,
            [Some("BEFORE_SERIES_START"), Some("ZERO_DENOM"), missing, missing, Some("BASE_NEAR_ZERO")]
        );
        assert!(found[4].gap.is_ok(), "a gap needs no base");
        let lagged = martin(&place, &nation, &Options { lag: 2, ..OPTIONS });
        assert_eq!(lagged[1].gap, Err(Reason::BeforeSeriesStart));
        assert_eq!(lagged[3].gap, Ok(0.2 - 20.0 / 110.0));
    }
}
