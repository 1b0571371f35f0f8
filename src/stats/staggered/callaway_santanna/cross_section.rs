//! The effect on one cohort in one period, from the rows of two periods as samples of different units: what is left of
//! Callaway & Sant'Anna (2021) where units have missing rows. Sant'Anna & Zhao (2020), as in R's `DRDID` (`reg_did_rc`,
//! `std_ipw_did_rc`, `drdid_rc`, which is the locally efficient one).
//!
//! Four samples: cohort and comparison, in the period and in the base. With ȳ the weighted means of outcomes less
//! x'β, β being that of the comparison in the row's period:
//!
//! | adjustment | effect |
//! |---|---|
//! | regression | outcomes of the cohort, later less earlier, less x'(β later - β earlier) over all its rows |
//! | weighting | cohort less comparison, later less earlier, the comparison weighted by p/(1-p) |
//! | both | the same of outcomes less x'β, and x'(β of the cohort - β of the comparison) over all rows of the cohort less those of one period |
//!
//! The influence of a unit is the sum over its rows. In `drdid_rc` (pedrohcgs/DRDID, commit 20929a8) the influence of the
//! earlier period's β enters the first difference with the wrong sign; where weighting balances the covariates, that
//! changes nothing.

use super::cell::{self, Covariates, Found};
use super::propensity::{self, Propensity};
use super::{Adjustment, Options, Task};
use crate::staggered::panel::Panel;
use crate::staggered::regression::Factor;
use crate::twofold::{self, Twofold};

/// The rows of a cell.
struct Rows {
    rows: Vec<usize>,
    outcome: Vec<f64>,
    treated: Vec<bool>,
    later: Vec<bool>,
    weights: Vec<f64>,
    columns: Vec<Vec<f64>>,
}

/// One of the four samples.
struct Sample {
    /// w of its rows, 0 elsewhere.
    weights: Vec<f64>,
    mass: f64,
}

/// Least squares in one sample.
struct Line {
    factor: Factor,
    /// One per row of the cell, of any sample.
    fitted: Vec<f64>,
}

pub(super) fn answers(
    panel: &Panel,
    covariates: &Covariates,
    options: &Options,
    tasks: Vec<Task>,
) -> Vec<(Task, Found)> {
    let of = |task: Task| {
        let found = answer(panel, covariates, options, &task);
        (task, found)
    };
    tasks.into_iter().map(of).collect()
}

fn answer(panel: &Panel, covariates: &Covariates, options: &Options, task: &Task) -> Found {
    let mut cell = rows(panel, covariates, task);
    for (treated, later, what) in [
        (true, true, "no row of the cohort in the period"),
        (true, false, "no row of the cohort in the base period"),
        (false, true, "no row to compare with in the period"),
        (false, false, "no row to compare with in the base period"),
    ] {
        if !(0..cell.rows.len()).any(|row| cell.treated[row] == treated && cell.later[row] == later) {
            return Err(what.to_string());
        }
    }
    let samples = [(true, true), (true, false), (false, true), (false, false)];
    let [cohort_later, cohort_earlier, other_later, other_earlier] =
        samples.map(|(treated, later)| sample(&cell, treated, later));
    for others in [&other_later, &other_earlier] {
        let terms = &covariates.terms;
        let before = cell.columns.len();
        cell::spanned_out(&mut cell.columns, &cell.weights, &others.weights, terms, options.adjustment)?;
        debug_assert!(before >= cell.columns.len());
    }
    let with_covariates = cell.columns.len() > 1;
    let uses_lines = options.adjustment != Adjustment::Weighting || !with_covariates;
    let lines = uses_lines.then(|| [&other_later, &other_earlier].map(|sample| line(&cell, sample)));
    let predicted: Vec<f64> = match &lines {
        Some([later, earlier]) => (0..cell.rows.len())
            .map(|row| if cell.later[row] { later.fitted[row] } else { earlier.fitted[row] })
            .collect(),
        None => vec![0.0; cell.rows.len()],
    };
    let cohort: Vec<f64> =
        cohort_later.weights.iter().zip(&cohort_earlier.weights).map(|(one, other)| one + other).collect();
    let cohort = Sample { mass: twofold::sum(cohort.iter().copied()).value(), weights: cohort };

    let mut total = Total { estimate: 0.0, influence: vec![0.0; cell.rows.len()] };
    let n_columns = cell.columns.len();
    // How the effect changes with the β of the comparison, later and earlier.
    let mut slopes = [vec![Twofold::default(); n_columns], vec![Twofold::default(); n_columns]];
    if options.adjustment == Adjustment::Regression || !with_covariates {
        total.add(1.0, &cell.outcome, &cohort_later);
        total.add(-1.0, &cell.outcome, &cohort_earlier);
        let [later, earlier] = lines.as_ref().expect("a regression has lines");
        let change: Vec<f64> =
            later.fitted.iter().zip(&earlier.fitted).map(|(later, earlier)| later - earlier).collect();
        total.add(-1.0, &change, &cohort);
        let means = means(&cell, &cohort);
        slopes = [scaled(&means, -1.0), means];
    } else {
        let all = propensity::logit(&cell.columns, &cell.treated, &cell.weights, &other_later.weights)?;
        let [odds_later, odds_earlier] = [&other_later, &other_earlier].map(|sample| weighted(sample, &all));
        if odds_earlier.mass <= 0.0 {
            return Err("no unit of the comparison overlaps in the base period".to_string());
        }
        let rest: Vec<f64> =
            cell.outcome.iter().zip(&predicted).map(|(outcome, predicted)| outcome - predicted).collect();
        total.add(1.0, &rest, &cohort_later);
        total.add(-1.0, &rest, &cohort_earlier);
        let mean_later = total.add(-1.0, &rest, &odds_later);
        let mean_earlier = total.add(1.0, &rest, &odds_earlier);
        let spread: Vec<f64> = (0..cell.rows.len())
            .map(|row| {
                odds_later.weights[row] * (rest[row] - mean_later) / odds_later.mass
                    - odds_earlier.weights[row] * (rest[row] - mean_earlier) / odds_earlier.mass
            })
            .collect();
        let loads = all.hessian.solve(&propensity::weighted_sums(&cell.columns, &spread));
        let of_score = propensity::fitted(&cell.columns, &loads);
        for (row, influence) in total.influence.iter_mut().enumerate() {
            let surprise = f64::from(u8::from(cell.treated[row])) - all.scores[row];
            *influence -= cell.weights[row] * surprise * of_score[row];
        }
        if let Some([later, earlier]) = &lines {
            let own = [&cohort_later, &cohort_earlier].map(|sample| line(&cell, sample));
            let gap = |own: &Line, other: &Line| -> Vec<f64> {
                own.fitted.iter().zip(&other.fitted).map(|(own, other)| own - other).collect()
            };
            let (gap_later, gap_earlier) = (gap(&own[0], later), gap(&own[1], earlier));
            total.add(1.0, &gap_later, &cohort);
            total.add(-1.0, &gap_later, &cohort_later);
            total.add(-1.0, &gap_earlier, &cohort);
            total.add(1.0, &gap_earlier, &cohort_earlier);
            let all_means = means(&cell, &cohort);
            let own_slopes = [
                difference(&all_means, &means(&cell, &cohort_later)),
                difference(&means(&cell, &cohort_earlier), &all_means),
            ];
            for ((line, sample), slopes) in own.iter().zip([&cohort_later, &cohort_earlier]).zip(&own_slopes) {
                total.add_line(&cell, line, sample, slopes);
            }
            slopes = [
                difference(&means(&cell, &odds_later), &all_means),
                difference(&all_means, &means(&cell, &odds_earlier)),
            ];
        }
    }
    if let Some(lines) = &lines {
        for ((line, sample), slopes) in lines.iter().zip([&other_later, &other_earlier]).zip(&slopes) {
            total.add_line(&cell, line, sample, slopes);
        }
    }
    let mut by_cluster = vec![0.0; panel.n_clusters];
    for (row, influence) in cell.rows.iter().zip(&total.influence) {
        by_cluster[panel.units[panel.unit[*row] as usize].cluster as usize] += influence;
    }
    Ok((total.estimate, by_cluster, counts(panel, &cell)))
}

/// The estimate that is being added up, with the influence of each row.
struct Total {
    estimate: f64,
    influence: Vec<f64>,
}

impl Total {
    /// Adds a weighted mean and returns it.
    fn add(&mut self, sign: f64, values: &[f64], sample: &Sample) -> f64 {
        let mean = propensity::mean(values, &sample.weights);
        self.estimate += sign * mean;
        for ((influence, value), weight) in self.influence.iter_mut().zip(values).zip(&sample.weights) {
            *influence += sign * weight * (value - mean) / sample.mass;
        }
        mean
    }

    /// Adds what a line's coefficients, which are estimated, bring.
    fn add_line(&mut self, cell: &Rows, line: &Line, sample: &Sample, slopes: &[Twofold]) {
        let loads = propensity::fitted(&cell.columns, &line.factor.solve(slopes));
        for (row, influence) in self.influence.iter_mut().enumerate() {
            *influence += loads[row] * sample.weights[row] * (cell.outcome[row] - line.fitted[row]);
        }
    }
}

fn rows(panel: &Panel, covariates: &Covariates, task: &Task) -> Rows {
    let mut rows = Vec::new();
    let (mut treated, mut later) = (Vec::new(), Vec::new());
    for unit in &panel.units {
        let Some(side) = super::side(unit, task) else { continue };
        for (period, is_later) in [(task.base, false), (task.period, true)] {
            if let Some(row) = panel.row(unit, period) {
                rows.push(row);
                treated.push(side);
                later.push(is_later);
            }
        }
    }
    Rows {
        outcome: rows.iter().map(|row| panel.outcome[*row]).collect(),
        weights: rows.iter().map(|row| panel.weight(*row)).collect(),
        columns: covariates.in_rows(&rows),
        rows,
        treated,
        later,
    }
}

fn sample(cell: &Rows, treated: bool, later: bool) -> Sample {
    let is_in = |row: usize| cell.treated[row] == treated && cell.later[row] == later;
    let weights: Vec<f64> = (0..cell.rows.len()).map(|row| if is_in(row) { cell.weights[row] } else { 0.0 }).collect();
    Sample { mass: twofold::sum(weights.iter().copied()).value(), weights }
}

fn weighted(sample: &Sample, propensity: &Propensity) -> Sample {
    let odds = |(weight, score): (&f64, &f64)| {
        if *score < propensity::TRIMMED_FROM { weight * score / (1.0 - score) } else { 0.0 }
    };
    let weights: Vec<f64> = sample.weights.iter().zip(&propensity.scores).map(odds).collect();
    Sample { mass: twofold::sum(weights.iter().copied()).value(), weights }
}

fn line(cell: &Rows, sample: &Sample) -> Line {
    let factor = propensity::normal_equations(&cell.columns, &sample.weights);
    let weighted: Vec<f64> =
        cell.outcome.iter().zip(&sample.weights).map(|(outcome, weight)| outcome * weight).collect();
    let coefficients = factor.solve(&propensity::weighted_sums(&cell.columns, &weighted));
    Line { factor, fitted: propensity::fitted(&cell.columns, &coefficients) }
}

/// Σ w x / Σ w.
fn means(cell: &Rows, sample: &Sample) -> Vec<Twofold> {
    let sums = propensity::weighted_sums(&cell.columns, &sample.weights);
    sums.into_iter().map(|sum| sum / Twofold::from(sample.mass)).collect()
}

fn difference(left: &[Twofold], right: &[Twofold]) -> Vec<Twofold> {
    left.iter().zip(right).map(|(left, right)| *left - *right).collect()
}

fn scaled(values: &[Twofold], factor: f64) -> Vec<Twofold> {
    values.iter().map(|value| *value * Twofold::from(factor)).collect()
}

/// Units of the cohort and of the comparison.
fn counts(panel: &Panel, cell: &Rows) -> [usize; 2] {
    let mut counts = [0, 0];
    let mut last = None;
    for (row, treated) in cell.rows.iter().zip(&cell.treated) {
        let unit = panel.unit[*row];
        if last.replace(unit) != Some(unit) {
            counts[usize::from(!treated)] += 1;
        }
    }
    counts
}
