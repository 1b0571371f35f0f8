//! The regression that is left when the fixed effects and the weights are in the columns, by the theorem of Frisch, Waugh
//! and Lovell. Knows no variance: what the estimators of linear models share.

use crate::demean::{self, Absorber};
use crate::design::{Design, Regressor};
use crate::error::StatsError;
use crate::prepare::{self, Prepared, Units};
use crate::solve::{self, Solved};
use crate::threads;
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
    /// Among the columns of its source, where that keeps them.
    pub(crate) place: Option<usize>,
}

/// Columns that are freed of the effects and weighted, and those that were dropped for it.
#[derive(Default)]
pub(crate) struct Regression {
    pub(crate) terms: Vec<String>,
    pub(crate) columns: Vec<Vec<f64>>,
    pub(crate) units: Vec<Units>,
    /// Among the columns of their source, where that keeps them.
    pub(crate) places: Vec<Option<usize>>,
    pub(crate) dropped_terms: Vec<(String, String)>,
    pub(crate) iterations: u32,
}

/// What absorbs the effects of a design.
pub(crate) fn absorber(design: &Design) -> Absorber<'_> {
    Absorber::new(&design.effects, &design.slopes, design.weights.as_deref(), demean::LIMIT)
}

/// A column without the effects, and with the roots of the weights in it.
#[derive(Clone)]
pub(crate) struct Freed {
    pub(crate) prepared: Prepared,
    /// Adds nothing to the constant of the model; the effects are still in it.
    pub(crate) is_constant: bool,
    /// Σ w (y - ȳ)² with the effects, in the units of the values; 0 where nobody asks for it.
    total: f64,
    /// The weighted length with and without the effects.
    lengths: [f64; 2],
    iterations: u32,
    /// Among the columns of the source, where it keeps them.
    pub(crate) place: Option<usize>,
}

/// Where columns without effects come from.
pub(crate) trait Source {
    fn absorber(&self) -> &Absorber<'_>;
    /// Columns by term, the outcome first.
    fn freed(&self, design: &Design, columns: &[(&str, &[f64])]) -> Result<Vec<Freed>, StatsError>;
    /// The constant.
    fn ones(&self, design: &Design) -> Freed;
}

/// Computes them for one model.
impl Source for Absorber<'_> {
    fn absorber(&self) -> &Absorber<'_> {
        self
    }

    fn freed(&self, design: &Design, columns: &[(&str, &[f64])]) -> Result<Vec<Freed>, StatsError> {
        self.freed_of(design, columns, 1)
    }

    fn ones(&self, design: &Design) -> Freed {
        let mut ones = Prepared::ones(design);
        ones.weight(prepare::roots(design).as_deref());
        Freed::as_it_is(ones)
    }
}

impl Absorber<'_> {
    /// Columns that any model may use, as outcome or regressor.
    pub(crate) fn freed_apart(&self, design: &Design, columns: &[(&str, &[f64])]) -> Result<Vec<Freed>, StatsError> {
        self.freed_of(design, columns, columns.len())
    }

    /// The first `n_outcomes` with their sums of squares. All are absorbed together.
    fn freed_of(
        &self,
        design: &Design,
        columns: &[(&str, &[f64])],
        n_outcomes: usize,
    ) -> Result<Vec<Freed>, StatsError> {
        let has_effects = design.has_effects();
        let n_values = columns.len() * design.n_obs();
        let positions: Vec<usize> = (0..columns.len()).collect();
        let mut all: Vec<Freed> = threads::each(positions, n_values, |position| {
            let mut freed = Freed::as_it_is(Prepared::new(design, columns[position].1));
            freed.is_constant = prepare::centred(design) && freed.prepared.is_constant();
            if position < n_outcomes {
                freed.total = freed.prepared.total_sum_of_squares(design);
            }
            if has_effects && !freed.is_constant {
                freed.lengths[0] = self.length(&freed.prepared.values);
            }
            freed
        });
        let mut together: Vec<(&str, &mut [f64])> = columns
            .iter()
            .zip(&mut all)
            .filter(|(_, freed)| !freed.is_constant)
            .map(|((term, _), freed)| (*term, freed.prepared.values.as_mut_slice()))
            .collect();
        let iterations = self.absorb_each(&mut together)?;
        let roots = prepare::roots(design);
        let absorbed: Vec<(&mut Freed, u32)> =
            all.iter_mut().filter(|freed| !freed.is_constant).zip(iterations).collect();
        threads::each(absorbed, n_values, |(freed, iterations)| {
            freed.iterations = iterations;
            if has_effects {
                freed.lengths[1] = self.length(&freed.prepared.values);
            }
            freed.prepared.weight(roots.as_deref());
        });
        Ok(all)
    }
}

impl Freed {
    /// A column that needs no absorbing.
    pub(crate) fn as_it_is(prepared: Prepared) -> Freed {
        Freed { prepared, is_constant: false, total: 0.0, lengths: [0.0; 2], iterations: 0, place: None }
    }
}

/// The outcome, and the regressors of each list with its own intercept if the first has one.
pub(crate) fn regressions<const LISTS: usize>(
    design: &Design,
    source: &impl Source,
    lists: [&[Regressor]; LISTS],
) -> Result<(Outcome, [Regression; LISTS]), StatsError> {
    let mut columns: Vec<(&str, &[f64])> = vec![(&design.outcome_name, &design.outcome)];
    columns.extend(lists.iter().copied().flatten().map(|one| (one.term.as_str(), one.values.as_slice())));
    let mut freed = source.freed(design, &columns)?.into_iter();
    let outcome = freed.next().expect("the outcome is the first");
    if outcome.is_constant {
        let value = outcome.prepared.units.centre;
        return Err(StatsError::ConstantOutcome { column: design.outcome_name.clone(), value });
    }
    let total = outcome.total;
    let total_within = twofold::dot(&outcome.prepared.values, &outcome.prepared.values).value();
    let has_effects = design.has_effects();
    if has_effects && total_within <= solve::COLLINEAR * solve::COLLINEAR * total {
        let effects = design.absorbed_names();
        return Err(StatsError::AbsorbedOutcome { column: design.outcome_name.clone(), effects });
    }
    let mut iterations = outcome.iterations;
    let mut regressions: [Regression; LISTS] = std::array::from_fn(|_| Regression::default());
    if design.intercept {
        regressions[0].push(INTERCEPT, source.ones(design));
    }
    for (regression, regressors) in regressions.iter_mut().zip(lists) {
        // Constants are named before what the effects determine.
        let mut absorbed = Vec::new();
        for (regressor, freed) in regressors.iter().zip(&mut freed) {
            iterations = iterations.max(freed.iterations);
            if freed.is_constant {
                regression.dropped_terms.push((regressor.term.clone(), "constant".to_string()));
            } else if has_effects && freed.lengths[1] <= solve::COLLINEAR * freed.lengths[0] {
                let values = Prepared::new(design, &regressor.values).values;
                absorbed.push((regressor.term.clone(), absorbed_by(design, source.absorber(), &values)));
            } else {
                regression.push(&regressor.term, freed);
            }
        }
        regression.dropped_terms.extend(absorbed);
    }
    regressions.iter_mut().for_each(|regression| regression.iterations = iterations);
    regressions[0].dropped_terms.splice(0..0, design.dropped_terms.iter().cloned());
    let Prepared { values, units } = outcome.prepared;
    Ok((Outcome { values, units, total, total_within, place: outcome.place }, regressions))
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
    fn push(&mut self, term: &str, column: Freed) {
        self.terms.push(term.to_string());
        self.columns.push(column.prepared.values);
        self.units.push(column.prepared.units);
        self.places.push(column.place);
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
            self.places.remove(position);
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
