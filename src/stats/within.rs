//! The regression that is left when the fixed effects and the weights are in the columns, by the theorem of Frisch, Waugh
//! and Lovell. Knows no variance: what the estimators of linear models share.

use crate::demean::{self, Absorber};
use crate::design::{Design, Regressor};
use crate::error::StatsError;
use crate::prepare::{self, Prepared, Units};
use crate::solve::{self, Solved};
use crate::twofold;

/// The name of the constant, as in R.
pub(crate) const INTERCEPT: &str = "(Intercept)";

/// The outcome, freed of the effects and weighted.
pub(crate) struct Outcome {
    pub(crate) values: Vec<f64>,
    pub(crate) units: Units,
    /// Σ w (y - ȳ)² before and after the effects, in the units of `values`.
    pub(crate) total: f64,
    pub(crate) total_within: f64,
}

/// Columns that are freed of the effects and weighted, and those that were dropped for it.
#[derive(Default)]
pub(crate) struct Regression {
    pub(crate) terms: Vec<String>,
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) units: Vec<Units>,
    pub(crate) dropped_terms: Vec<(String, String)>,
    pub(crate) iterations: u32,
}

/// What absorbs the effects of a design.
pub(crate) fn absorber(design: &Design) -> Absorber<'_> {
    Absorber::new(&design.effects, &design.slopes, design.weights.as_deref(), demean::LIMIT)
}

/// The outcome, and the regressors of each list with its own intercept if the first has one. All columns are absorbed
/// together.
pub(crate) fn regressions<const LISTS: usize>(
    design: &Design,
    absorber: &Absorber,
    lists: [&[Regressor]; LISTS],
) -> Result<(Outcome, [Regression; LISTS]), StatsError> {
    let roots = prepare::roots(design);
    let outcome = Prepared::new(design, &design.outcome);
    if prepare::centred(design) && outcome.is_constant() {
        let value = outcome.units.centre;
        return Err(StatsError::ConstantOutcome { column: design.outcome_name.clone(), value });
    }
    let total = outcome.total_sum_of_squares(design);
    let mut columns = vec![Column { name: &design.outcome_name, list: LISTS, prepared: outcome, length: 0.0 }];
    let mut regressions: [Regression; LISTS] = std::array::from_fn(|_| Regression::default());
    for (list, regressors) in lists.into_iter().enumerate() {
        for regressor in regressors {
            let prepared = Prepared::new(design, &regressor.values);
            if prepare::centred(design) && prepared.is_constant() {
                regressions[list].dropped_terms.push((regressor.term.clone(), "constant".to_string()));
            } else {
                let length = absorber.length(&prepared.values);
                columns.push(Column { name: &regressor.term, list, prepared, length });
            }
        }
    }
    let mut together: Vec<(&str, &mut [f64])> =
        columns.iter_mut().map(|column| (column.name, column.prepared.values.as_mut_slice())).collect();
    let iterations = absorber.absorb_all(&mut together)?;
    let mut columns = columns.into_iter();
    let mut outcome = columns.next().expect("the outcome is the first").prepared;
    outcome.weight(roots.as_deref());
    let total_within = twofold::dot(&outcome.values, &outcome.values).value();
    let has_effects = !design.absorbed_names().is_empty();
    if has_effects && total_within <= solve::COLLINEAR * solve::COLLINEAR * total {
        let effects = design.absorbed_names();
        return Err(StatsError::AbsorbedOutcome { column: design.outcome_name.clone(), effects });
    }
    if design.intercept {
        let mut ones = Prepared::ones(design);
        ones.weight(roots.as_deref());
        regressions[0].push(INTERCEPT, ones);
    }
    for mut column in columns {
        let regression = &mut regressions[column.list];
        if has_effects && absorber.length(&column.prepared.values) <= solve::COLLINEAR * column.length {
            let list = lists[column.list].iter();
            let regressor = list.clone().find(|regressor| regressor.term == column.name).expect("it is in its list");
            let reason = absorbed_by(design, absorber, &Prepared::new(design, &regressor.values).values);
            regression.dropped_terms.push((column.name.to_string(), reason));
        } else {
            column.prepared.weight(roots.as_deref());
            regression.push(column.name, column.prepared);
        }
    }
    regressions.iter_mut().for_each(|regression| regression.iterations = iterations);
    regressions[0].dropped_terms.splice(0..0, design.dropped_terms.iter().cloned());
    Ok((Outcome { values: outcome.values, units: outcome.units, total, total_within }, regressions))
}

struct Column<'a> {
    name: &'a str,
    /// The list it comes from; past the last for the outcome.
    list: usize,
    prepared: Prepared,
    /// Before the effects are taken out.
    length: f64,
}

/// Which of the effects a column belongs to.
fn absorbed_by(design: &Design, absorber: &Absorber, column: &[f64]) -> String {
    let mut alone =
        (0..design.effects.len()).filter(|effect| absorber.determined_by(*effect, column, solve::COLLINEAR));
    match alone.next() {
        Some(effect) => format!("does not vary within `{}`", design.effects[effect].name),
        None => format!("collinear with the fixed effects {}", listed(&design.absorbed_names())),
    }
}

impl Regression {
    fn push(&mut self, term: &str, column: Prepared) {
        self.terms.push(term.to_string());
        self.columns.push(column.values);
        self.units.push(column.units);
    }

    /// Drops the columns that the solver dropped, with the reason.
    pub(crate) fn keep(&mut self, solved: &Solved) {
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

/// `` `a`, `b` and `c` ``.
pub(crate) fn listed(names: &[String]) -> String {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    match quoted.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}
