//! How much the estimate would move without a row, or without all rows of a unit or cluster (Belsley, Kuh & Welsch 1980).
//!
//! Exact, without estimating again: without a row, b moves by -(X'X)⁻¹ xᵢ uᵢ / (1 - hᵢ), with the leverage hᵢ in the model
//! with all its fixed effects; without a block of rows by the same formula with matrices (`vcov::leverage`).

use crate::design::{Data, Design};
use crate::error::StatsError;
use crate::estimator::Fit;
use crate::estimators;
use crate::resampling::error::ResamplingError;
use crate::resampling::partial::Partial;
use crate::solve;
use crate::vcov::leverage;
use crate::within;

/// The changes of one coefficient, largest first.
#[derive(Clone, Debug, PartialEq)]
pub struct Influence {
    pub term: String,
    pub estimate: f64,
    pub std_error: f64,
    pub changes: Vec<Change>,
    /// What the coefficient cannot be estimated without.
    pub decisive: Vec<String>,
}

/// What is left out, and what that does.
#[derive(Clone, Debug, PartialEq)]
pub struct Change {
    /// The label of the unit, or the number of the row in the data, from 1.
    pub without: String,
    pub n_rows: usize,
    /// The estimate without it less the estimate: minus the DFBETA.
    pub change: f64,
    pub estimate: f64,
    /// The change in standard errors of the full model.
    pub standardized: f64,
}

/// Leaves out one row at a time.
pub fn of_rows(design: &Design, term: &str) -> Result<Influence, StatsError> {
    let fit = estimators::find("twfe").expect("least squares is there").fit(design)?;
    let partial = Partial::new(design, &within::absorber(design), term)?;
    let bread = solve::least_squares(&partial.columns, &partial.outcome).inverse;
    let residuals = partial.residuals();
    let leverages = leverage::leverages(design, &bread, &partial.columns)?;
    let length = partial.square.sqrt();
    let change = |row: usize| {
        // (X'X)⁻¹ xᵢ of the coefficient is the regressor freed of all else over its square.
        let share = partial.regressor[row] / partial.square;
        let rest = 1.0 - leverages[row];
        if rest >= leverage::FULL {
            return Some(-share * (residuals[row] / rest) * partial.unit);
        }
        // The model meets the row exactly, whatever the others say. Without it (X'X)⁻¹ xᵢ is the direction that is no longer
        // told, and where the coefficient has no part in it the estimate stays.
        (partial.regressor[row].abs() <= 1e-7 * length).then_some(0.0)
    };
    let rows = design.rows().into_iter().enumerate();
    let changes = rows.map(|(row, of_data)| ((of_data + 1).to_string(), 1, change(row))).collect();
    Ok(ordered(&fit, term, changes))
}

/// Leaves out the rows of one value of a column at a time, such as a unit or a region.
pub fn of_groups(design: &Design, data: &Data, column: &str, term: &str) -> Result<Influence, StatsError> {
    let fit = estimators::find("twfe").expect("least squares is there").fit(design)?;
    let (group, labels) = design.grouped(data, column)?;
    if group.levels < 2 {
        return Err(ResamplingError::OneGroup { column: column.to_string() }.into());
    }
    let partial = Partial::new(design, &within::absorber(design), term)?;
    let changes = leverage::leave_one_out(design, &partial.columns, &partial.residuals(), &group)?;
    let mut n_rows = vec![0; group.levels];
    group.codes.iter().for_each(|code| n_rows[*code as usize] += 1);
    let changes = labels
        .iter()
        .enumerate()
        .map(|(level, label)| (label.to_string(), n_rows[level], Some(changes[partial.position][level] * partial.unit)))
        .collect();
    Ok(ordered(&fit, term, changes))
}

fn ordered(fit: &Fit, term: &str, found: Vec<(String, usize, Option<f64>)>) -> Influence {
    let coefficient = fit.coefficients.iter().find(|coefficient| coefficient.term == term);
    let coefficient = coefficient.expect("the same model has it");
    let mut changes = Vec::with_capacity(found.len());
    let mut decisive = Vec::new();
    for (without, n_rows, change) in found {
        match change {
            None => decisive.push(without),
            Some(change) => changes.push(Change {
                without,
                n_rows,
                change,
                estimate: coefficient.estimate + change,
                standardized: change / coefficient.std_error,
            }),
        }
    }
    // Stable: equal changes stay in the order of the labels.
    changes.sort_by(|left, right| right.change.abs().total_cmp(&left.change.abs()));
    Influence {
        term: term.to_string(),
        estimate: coefficient.estimate,
        std_error: coefficient.std_error,
        changes,
        decisive,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{DropReason, Options, Vcov};
    use crate::estimator::tests::regions;
    use crate::formula;
    use crate::reference::Frame;

    fn design(frame: &Frame, formula: &str, weights: Option<&str>) -> Design {
        let vcov = Vcov::Cluster(vec!["unit".to_string()]);
        let options = Options { vcov, weights: weights.map(str::to_string), ..Options::default() };
        Design::new(&formula::parse(formula).expect(formula), &frame.data(), &options).expect(formula)
    }

    fn without(design: &Design, term: &str, left_out: impl Fn(usize) -> bool) -> f64 {
        let rows: Vec<usize> = (0..design.n_obs()).filter(|row| !left_out(*row)).collect();
        let fit = estimators::find("twfe").expect("twfe").fit(&design.subset(&rows, &DropReason::Separated));
        let fit = fit.expect("a fit");
        fit.coefficients.iter().find(|coefficient| coefficient.term == term).expect("a term").estimate
    }

    #[test]
    fn changes_are_those_of_models_estimated_again() {
        let frame = regions();
        for (formula, weights) in [
            ("y ~ x + p | unit + time", None),
            ("y ~ x + p | unit + time", Some("w")),
            ("y ~ x + p + q", None),
            ("y ~ x | time", Some("w")),
        ] {
            let design = design(&frame, formula, weights);
            let found = of_rows(&design, "x").expect(formula);
            assert_eq!(found.changes.len(), design.n_obs());
            for change in found.changes.iter().step_by(40) {
                let row: usize = change.without.parse().expect("a row");
                let again = without(&design, "x", |other| other + 1 == row);
                assert!((change.estimate - again).abs() < 1e-11, "{formula}: {change:?} {again}");
            }
            let found = of_groups(&design, &frame.data(), "unit", "x").expect(formula);
            assert!(found.changes.is_sorted_by(|one, next| one.change.abs() >= next.change.abs()));
            assert_eq!(found.changes.iter().map(|change| change.n_rows).sum::<usize>(), design.n_obs());
            for change in found.changes.iter().step_by(9) {
                let unit: f64 = change.without.parse().expect("a number");
                let again = without(&design, "x", |row| frame.numbers("unit")[row] == Some(unit));
                assert!((change.estimate - again).abs() < 1e-11, "{formula}: {change:?} {again}");
            }
        }
    }

    #[test]
    fn a_row_that_alone_tells_the_coefficient_is_decisive() {
        let frame = regions();
        let only = (0..frame.rows()).map(|row| Some(f64::from(u8::from(row == 17)))).collect();
        let frame = frame.with("one", only);
        let design = design(&frame, "y ~ one + x", None);
        assert_eq!(of_rows(&design, "one").expect("changes").decisive, ["18"]);
        let others = of_rows(&design, "x").expect("changes");
        assert!(others.decisive.is_empty());
        let change = others.changes.iter().find(|change| change.without == "18").expect("the row");
        assert_eq!(change.change, 0.0);
        let error = of_groups(&design, &frame.data(), "unit", "one").expect_err("one unit decides");
        assert!(matches!(error, StatsError::ClusterDecides { .. }), "{error}");
    }
}
