//! Least squares with any number of fixed effects, the two-way one of difference-in-differences among them.
//!
//! yᵢ = xᵢ'β + α₁[g₁(i)] + … + αₖ[gₖ(i)] + εᵢ, weighted or not. By the theorem of Frisch, Waugh and Lovell β is the
//! least-squares solution of the outcome on the regressors, each freed of the effects. Without effects and with an
//! intercept the columns are centred, which is the same with one effect of one level, and the intercept is put back.
//!
//! Weights: a row counts as much as its weight, so that the transformed columns are multiplied by its root; numbers of
//! rows stay numbers of rows. Collinear regressors: a later column goes, with the reason. R² and its kin are those of
//! `fixest`: SSR against the outcome's weighted variance, within R² against the outcome freed of the effects, adjusted
//! by all parameters. Variances: `vcov`.

use crate::demean::{self, Absorber};
use crate::describe;
use crate::design::Design;
use crate::eigen;
use crate::error::StatsError;
use crate::estimator::{Estimator, Fit};
use crate::inference;
use crate::prepare::{self, Prepared, Units};
use crate::solve::{self, Matrix, Solved};
use crate::twofold;
use crate::vcov;

pub(super) struct Twfe;

/// The name of the constant, as in R.
const INTERCEPT: &str = "(Intercept)";

/// The regression that is left when the fixed effects and the weights are in the columns.
#[derive(Default)]
struct Regression {
    terms: Vec<String>,
    columns: Vec<Vec<f64>>,
    units: Vec<Units>,
    dropped_terms: Vec<(String, String)>,
    iterations: u32,
}

impl Estimator for Twfe {
    fn name(&self) -> &'static str {
        "twfe"
    }

    fn version(&self) -> u32 {
        1
    }

    fn fit(&self, design: &Design) -> Result<Fit, StatsError> {
        let absorber = Absorber::new(&design.effects, design.weights.as_deref(), demean::LIMIT);
        let roots = prepare::roots(design);
        let has_effects = !design.effects.is_empty();

        let mut outcome = Prepared::new(design, &design.outcome);
        if prepare::centred(design) && outcome.is_constant() {
            let value = outcome.units.centre;
            return Err(StatsError::ConstantOutcome { column: design.outcome_name.clone(), value });
        }
        let total = outcome.total_sum_of_squares(design);
        let iterations = absorber.absorb(&design.outcome_name, &mut outcome.values)?;
        outcome.weight(roots.as_deref());
        let total_within = twofold::dot(&outcome.values, &outcome.values).value();
        if has_effects && total_within <= solve::COLLINEAR * solve::COLLINEAR * total {
            return Err(StatsError::AbsorbedOutcome { column: design.outcome_name.clone(), effects: effects(design) });
        }

        let mut regression = regression(design, &absorber, roots.as_deref())?;
        let solved = solve::least_squares(&regression.columns, &outcome.values);
        regression.keep(&solved);
        let (terms, units) = (regression.terms, regression.units);
        if terms.len() == usize::from(design.intercept) && !regression.dropped_terms.is_empty() {
            return Err(StatsError::NoRegressors { dropped: regression.dropped_terms });
        }
        let absorbed = vcov::absorbed(&design.effects);
        let parameters = terms.len() + absorbed;
        if design.n_obs() <= parameters {
            return Err(StatsError::NoFreedom { observations: design.n_obs(), parameters });
        }

        let mut residuals = outcome.values;
        for (column, coefficient) in regression.columns.iter().zip(&solved.solution) {
            residuals.iter_mut().zip(column).for_each(|(residual, value)| *residual -= coefficient * value);
        }
        let unexplained = twofold::dot(&residuals, &residuals).value();
        let variance = vcov::variance(design, &solved.inverse, regression.columns, &residuals);
        let matrix = prepare::variance_in_units(variance.matrix, &units, outcome.units, design.intercept);
        let (matrix, repaired) = vcov::repaired(matrix);
        let estimates = prepare::coefficients_in_units(&solved.solution, &units, outcome.units, design.intercept);

        if let Some(roots) = &roots {
            residuals.iter_mut().zip(roots).for_each(|(residual, root)| *residual /= root);
        }
        residuals.iter_mut().for_each(|residual| *residual *= outcome.units.scale);
        let r2 = 1.0 - unexplained / total;
        let r2_within = has_effects.then_some(1.0 - unexplained / total_within);
        let (n_obs, absorbed, parameters) = (design.n_obs() as f64, absorbed as f64, parameters as f64);
        Ok(Fit {
            coefficients: inference::coefficients(terms, &estimates, &matrix, variance.df_t, design.level),
            dropped_terms: regression.dropped_terms,
            vcov: matrix,
            vcov_label: variance.label + repaired,
            residuals,
            n_obs: design.n_obs(),
            n_clusters: variance.n_clusters,
            n_singletons: design.n_singletons,
            df_residual: n_obs - parameters,
            df_t: variance.df_t,
            r2,
            adj_r2: 1.0 - (1.0 - r2) * (n_obs - 1.0) / (n_obs - parameters),
            r2_within,
            adj_r2_within: r2_within.map(|r2| 1.0 - (1.0 - r2) * (n_obs - absorbed) / (n_obs - parameters)),
            rmse: (unexplained / n_obs).sqrt() * outcome.units.scale,
            outcome_mean: twofold::mean(&design.outcome),
            outcome_sd: describe::standard_deviation(&design.outcome),
            iterations: iterations.max(regression.iterations),
            condition: condition(&solved, usize::from(design.intercept)),
        })
    }
}

/// The regressors freed of the fixed effects; those that the effects determine are dropped with the reason.
fn regression(design: &Design, absorber: &Absorber, roots: Option<&[f64]>) -> Result<Regression, StatsError> {
    let mut regression = Regression { dropped_terms: design.dropped_terms.clone(), ..Regression::default() };
    if design.intercept {
        let mut ones = Prepared::ones(design);
        ones.weight(roots);
        regression.push(INTERCEPT, ones);
    }
    for regressor in &design.regressors {
        let mut column = Prepared::new(design, &regressor.values);
        let reason = if prepare::centred(design) && column.is_constant() {
            Some("constant".to_string())
        } else if design.effects.is_empty() {
            None
        } else {
            let before = column.values.clone();
            regression.iterations = regression.iterations.max(absorber.absorb(&regressor.term, &mut column.values)?);
            let is_absorbed = absorber.length(&column.values) <= solve::COLLINEAR * absorber.length(&before);
            is_absorbed.then(|| absorbed_by(design, absorber, &before))
        };
        match reason {
            Some(reason) => regression.dropped_terms.push((regressor.term.clone(), reason)),
            None => {
                column.weight(roots);
                regression.push(&regressor.term, column);
            }
        }
    }
    Ok(regression)
}

/// Which of the effects a column belongs to.
fn absorbed_by(design: &Design, absorber: &Absorber, column: &[f64]) -> String {
    let mut alone =
        (0..design.effects.len()).filter(|effect| absorber.determined_by(*effect, column, solve::COLLINEAR));
    match alone.next() {
        Some(effect) => format!("does not vary within `{}`", design.effects[effect].name),
        None => format!("collinear with the fixed effects {}", listed(&effects(design))),
    }
}

impl Regression {
    fn push(&mut self, term: &str, column: Prepared) {
        self.terms.push(term.to_string());
        self.columns.push(column.values);
        self.units.push(column.units);
    }

    /// Drops the columns that the solver dropped, with the reason.
    fn keep(&mut self, solved: &Solved) {
        for (position, spanned_by) in &solved.dropped {
            let names: Vec<String> = spanned_by.iter().map(|other| self.terms[*other].clone()).collect();
            let reason =
                if names.is_empty() { "always 0".to_string() } else { format!("collinear with {}", listed(&names)) };
            self.dropped_terms.push((self.terms[*position].clone(), reason));
        }
        for position in solved.dropped.iter().map(|(position, _)| *position).rev() {
            self.terms.remove(position);
            self.columns.remove(position);
            self.units.remove(position);
        }
    }
}

fn effects(design: &Design) -> Vec<String> {
    design.effects.iter().map(|effect| effect.name.clone()).collect()
}

/// √(λmax(G) λmax(G⁻¹)) of the products of columns of length 1, from column `first` on. The second from the inverse, which
/// has all its digits, instead of the smallest eigenvalue of the first, which has none left at 10⁸.
fn condition(solved: &Solved, first: usize) -> f64 {
    let lengths: Vec<f64> = solved.gram.iter().enumerate().map(|(index, row)| row[index].sqrt()).collect();
    let largest = |matrix: &Matrix, scale: &dyn Fn(usize) -> f64| {
        let part: Matrix = (first..lengths.len())
            .map(|row| (first..lengths.len()).map(|column| matrix[row][column] * scale(row) * scale(column)).collect())
            .collect();
        eigen::symmetric(&part).values.first().copied().unwrap_or(1.0)
    };
    (largest(&solved.gram, &|index| 1.0 / lengths[index]) * largest(&solved.inverse, &|index| lengths[index])).sqrt()
}

/// `` `a`, `b` and `c` ``.
fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests;
