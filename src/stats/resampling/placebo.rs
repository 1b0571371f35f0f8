//! Placebos of a staggered treatment: the same regression with the treatment at other units, at other dates, or before it
//! began (randomization inference: Fisher 1935; Young 2019 for regressions; Chetty, Looney & Kroft 2009 for the figure).
//!
//! The outcome and the controls are freed of the fixed effects once. By the theorem of Frisch, Waugh and Lovell the
//! coefficient of a drawn treatment d is d'ỹ / (d'Md - d'Z (Z'Z)⁻¹ Z'd), ỹ and Z being the outcome freed of controls and
//! effects and the controls freed of effects. As d is 1 from a date on, d'ỹ and Z'd are sums of one number per unit, taken
//! from tables by unit and date. Md is d freed of the effects: with effects of unit and period it is d less its means in a
//! balanced panel without weights, and exact in any other (`unbalanced`); with other effects every draw is absorbed.
//!
//! p = (1 + number of |b*| ≥ |b|) / (draws + 1) (Phipson & Smyth 2010), and the same with clustered t statistics, whose
//! test stays right where the variance differs between units (Chung & Romano 2013).

use crate::demean::Absorber;
use crate::design::{CheckedVcov, Data, Design, DropReason, Group};
use crate::error::StatsError;
use crate::estimator::Fit;
use crate::estimators;
use crate::prepare;
use crate::random::Random;
use crate::resampling::adoption::Adoption;
use crate::resampling::error::ResamplingError;
use crate::resampling::partial::Partial;
use crate::resampling::unbalanced::{self, TwoWay};
use crate::solve::{self, Matrix};
use crate::twofold;
use crate::vcov;
use crate::within;

/// What is drawn, and of which columns.
#[derive(Clone, Debug)]
pub struct Options {
    /// The treatment: 1 from a first period of the unit on, 0 before.
    pub term: String,
    pub unit: String,
    pub time: String,
    pub draws: u32,
    pub random: Random,
    pub scheme: Scheme,
}

/// How treatments are drawn.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scheme {
    /// The dates of all units, in another order: as many units begin in each period.
    Units,
    /// As many units as are treated, each with a date of its own from the periods `from` to `to`, where all are as likely;
    /// without them, from the second period to the last.
    UnitsAndPeriods { from: Option<f64>, to: Option<f64> },
}

/// The estimate among those of drawn treatments.
#[derive(Clone, Debug, PartialEq)]
pub struct Placebo {
    pub term: String,
    pub estimate: f64,
    /// Where the variance is clustered by one column.
    pub statistic: Option<f64>,
    /// In the order of the draws; `None` where the drawn treatment is collinear with the rest.
    pub draws: Vec<Option<Drawn>>,
    pub n_undefined: usize,
    /// Draws with |b*| ≥ |b|.
    pub n_beyond: usize,
    pub p_value: f64,
    /// By |t*| ≥ |t|.
    pub p_value_of_statistic: Option<f64>,
    pub warnings: Vec<String>,
}

/// The coefficient of a drawn treatment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Drawn {
    pub estimate: f64,
    /// Where the variance is clustered by one column and is not 0.
    pub std_error: Option<f64>,
}

impl Drawn {
    pub fn statistic(&self) -> Option<f64> {
        self.std_error.map(|std_error| self.estimate / std_error)
    }
}

impl Placebo {
    /// The coefficients that are defined, in the order of the draws.
    pub fn estimates(&self) -> Vec<f64> {
        self.draws.iter().flatten().map(|drawn| drawn.estimate).collect()
    }
}

/// Draws that differ from the estimate by this share equal it, and count.
const EQUAL: f64 = 1e-9;

/// Fewer values than this are not worth a second thread.
const WORTH_A_THREAD: usize = 1_000_000;

/// Estimates the model with drawn treatments in the place of the treatment.
pub fn placebo(design: &Design, data: &Data, options: &Options) -> Result<Placebo, StatsError> {
    if options.draws == 0 {
        let reason = "at least one draw";
        return Err(ResamplingError::Option { option: "draws", value: "0".to_string(), reason }.into());
    }
    let adoption = Adoption::new(design, data, &options.term, &options.unit, &options.time)?;
    let feasible = feasible(&adoption, options.scheme)?;
    let absorber = within::absorber(design);
    let partial = Partial::new(design, &absorber, &options.term)?;
    let regression = Regression::new(design, &adoption, &absorber, &options.term)?;
    let observed =
        regression.estimate(&adoption.first)?.ok_or(ResamplingError::Undefined { undefined: 1, draws: 1 })?;
    debug_assert!((observed.estimate - partial.slope * partial.unit).abs() <= 1e-6 * observed.estimate.abs().max(1e-9));

    let mut draws: Vec<Result<Option<Drawn>, StatsError>> = vec![Ok(None); options.draws as usize];
    let threads = match draws.len() * design.n_obs() {
        few if few < WORTH_A_THREAD => 1,
        _ => std::thread::available_parallelism().map_or(1, usize::from),
    };
    let size = draws.len().div_ceil(threads);
    let run = |chunk: usize, draws: &mut [Result<Option<Drawn>, StatsError>]| {
        for (position, drawn) in draws.iter_mut().enumerate() {
            let dates = dates(&adoption, &feasible, options, (chunk * size + position) as u64);
            *drawn = regression.estimate(&dates);
        }
    };
    std::thread::scope(|scope| {
        for (chunk, draws) in draws.chunks_mut(size).enumerate() {
            let run = &run;
            match threads {
                1 => run(chunk, draws),
                _ => drop(scope.spawn(move || run(chunk, draws))),
            }
        }
    });
    let draws: Vec<Option<Drawn>> = draws.into_iter().collect::<Result<_, _>>()?;
    Ok(summary(options, observed, draws))
}

fn summary(options: &Options, observed: Drawn, draws: Vec<Option<Drawn>>) -> Placebo {
    let defined = draws.iter().flatten().count();
    let beyond = |observed: f64, of: &dyn Fn(&Drawn) -> Option<f64>| {
        let is_beyond = |value: &f64| value.abs() >= observed.abs() * (1.0 - EQUAL);
        draws.iter().flatten().filter_map(of).filter(is_beyond).count()
    };
    let p_value = |beyond: usize| (1 + beyond) as f64 / (1 + defined) as f64;
    let n_beyond = beyond(observed.estimate, &|drawn| Some(drawn.estimate));
    let n_undefined = draws.len() - defined;
    let mut warnings = Vec::new();
    if n_undefined > 0 {
        let all = draws.len();
        warnings.push(format!("drawn treatments that are collinear, which do not count: {n_undefined} of {all}"));
    }
    Placebo {
        term: options.term.clone(),
        estimate: observed.estimate,
        statistic: observed.statistic(),
        n_undefined,
        n_beyond,
        p_value: p_value(n_beyond),
        p_value_of_statistic: observed.statistic().map(|statistic| p_value(beyond(statistic, &Drawn::statistic))),
        draws,
        warnings,
    }
}

/// The positions of the periods that dates are drawn from.
fn feasible(adoption: &Adoption, scheme: Scheme) -> Result<Vec<usize>, ResamplingError> {
    let Scheme::UnitsAndPeriods { from, to } = scheme else { return Ok(Vec::new()) };
    let is_in = |position: &usize| {
        let period = adoption.periods[*position];
        from.map_or(*position > 0, |from| period >= from) && to.is_none_or(|to| period <= to)
    };
    let feasible: Vec<usize> = (0..adoption.periods.len()).filter(is_in).collect();
    if feasible.is_empty() {
        let value = format!("{from:?} to {to:?}");
        return Err(ResamplingError::Option { option: "periods", value, reason: "no period of the data is in it" });
    }
    Ok(feasible)
}

/// One date per unit.
fn dates(adoption: &Adoption, feasible: &[usize], options: &Options, draw: u64) -> Vec<usize> {
    let units = adoption.first.len();
    let order = options.random.permutation(draw, units);
    match options.scheme {
        Scheme::Units => order.into_iter().map(|other| adoption.first[other]).collect(),
        Scheme::UnitsAndPeriods { .. } => {
            let never = adoption.periods.len();
            let treated = adoption.first.iter().filter(|first| **first < never).count();
            let mut dates = vec![never; units];
            for (place, unit) in order.into_iter().take(treated).enumerate() {
                // The permutation has used the positions below the number of units.
                let position = (units + place) as u64;
                dates[unit] = feasible[options.random.below(draw, position, feasible.len())];
            }
            dates
        }
    }
}

/// The regression with the treatment left open.
struct Regression<'a> {
    adoption: &'a Adoption,
    absorber: &'a Absorber<'a>,
    roots: Option<Vec<f64>>,
    /// Freed of the controls and the effects, weighted.
    outcome: Vec<f64>,
    /// Freed of the effects, weighted.
    controls: Vec<Vec<f64>>,
    /// (Z'Z)⁻¹ of the controls.
    inverse: Matrix,
    /// By unit and date, the sum of the outcome, of each control and of the squares of the treatment that are treated then.
    tables: Vec<Vec<f64>>,
    /// The units of the outcome.
    scale: f64,
    way: Way,
    /// Where it is the way.
    two_way: Option<TwoWay<'a>>,
    cluster: Option<(&'a Group, f64)>,
}

/// How a treatment is freed of the effects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    NoEffects,
    /// Of unit and period in a balanced panel without weights: by its means.
    Means,
    /// Of unit and period in any other panel.
    Exact,
    Absorb,
}

impl<'a> Regression<'a> {
    fn new(
        design: &'a Design,
        adoption: &'a Adoption,
        absorber: &'a Absorber<'a>,
        term: &str,
    ) -> Result<Regression<'a>, StatsError> {
        let others: Vec<_> = design.regressors.iter().filter(|regressor| regressor.term != term).cloned().collect();
        let (outcome, [mut regression]) = within::regressions(design, absorber, [&others])?;
        let solved = solve::least_squares(&regression.columns, &outcome.values);
        regression.keep(&solved);
        let mut freed = outcome.values;
        for (column, coefficient) in regression.columns.iter().zip(&solved.solution) {
            freed.iter_mut().zip(column).for_each(|(value, control)| *value -= coefficient * control);
        }
        let roots = prepare::roots(design);
        let is_one_of = |effect: &Group, other: &Group| same_groups(&effect.codes, &other.codes);
        let way = match &design.effects[..] {
            _ if !design.slopes.is_empty() => Way::Absorb,
            [] => Way::NoEffects,
            [first, second]
                if is_one_of(first, &adoption.units) && is_one_of(second, &adoption.times)
                    || is_one_of(first, &adoption.times) && is_one_of(second, &adoption.units) =>
            {
                match adoption.times.levels {
                    _ if roots.is_none() && adoption.balanced() => Way::Means,
                    few if few <= unbalanced::PERIODS => Way::Exact,
                    _ => Way::Absorb,
                }
            }
            _ => Way::Absorb,
        };
        let two_way =
            (way == Way::Exact).then(|| TwoWay::new(&adoption.units, &adoption.times, design.weights.as_deref()));
        let cluster = match &design.vcov {
            CheckedVcov::OneWay(cluster) => {
                let columns = regression.columns.len() + 1;
                let groups = std::slice::from_ref(cluster);
                Some((cluster, vcov::cluster_factor(design, columns, groups, cluster.levels)))
            }
            _ => None,
        };
        let weights = design.weights.clone().unwrap_or_else(|| vec![1.0; freed.len()]);
        let weighted = |column: &Vec<f64>| -> Vec<f64> {
            let roots = roots.iter().flatten().copied().chain(std::iter::repeat(1.0));
            column.iter().zip(roots).map(|(value, root)| value * root).collect()
        };
        let mut tables = vec![table(adoption, &weighted(&freed))];
        tables.extend(regression.columns.iter().map(|column| table(adoption, &weighted(column))));
        tables.push(table(adoption, &weights));
        Ok(Regression {
            adoption,
            absorber,
            roots,
            outcome: freed,
            controls: regression.columns,
            inverse: solved.inverse,
            tables,
            scale: outcome.units.scale,
            way,
            two_way,
            cluster,
        })
    }

    /// The coefficient of the treatment with these dates; `None` where it is collinear.
    fn estimate(&self, dates: &[usize]) -> Result<Option<Drawn>, StatsError> {
        let stride = self.adoption.periods.len() + 1;
        let at_dates = |table: &Vec<f64>| {
            let of_units = dates.iter().enumerate().map(|(unit, date)| table[unit * stride + date]);
            twofold::total(&of_units.collect::<Vec<f64>>()).value()
        };
        let sums: Vec<f64> = self.tables.iter().map(at_dates).collect();
        let [product, with_controls @ .., total] = sums.as_slice() else { unreachable!("there are two at least") };
        let shares: Vec<f64> = self.inverse.iter().map(|row| twofold::dot(row, with_controls).value()).collect();
        let freed = match self.way {
            Way::NoEffects => None,
            Way::Means if self.cluster.is_none() => None,
            Way::Means => Some(self.less_means(dates)),
            Way::Exact | Way::Absorb => Some(self.absorbed(dates)?),
        };
        let square = match (self.way, &freed) {
            (Way::NoEffects, _) => *total,
            (Way::Means, _) => self.square_less_means(dates),
            (Way::Exact | Way::Absorb, freed) => freed.as_ref().map_or(0.0, |freed| twofold::dot(freed, freed).value()),
        };
        let left = square - twofold::dot(with_controls, &shares).value();
        if left <= solve::COLLINEAR * total {
            return Ok(None);
        }
        let slope = product / left;
        let estimate = slope * self.scale;
        let Some((cluster, factor)) = self.cluster else { return Ok(Some(Drawn { estimate, std_error: None })) };
        let mut treatment = freed.unwrap_or_else(|| self.weighted(self.adoption.treatment(dates)));
        for (control, share) in self.controls.iter().zip(&shares) {
            treatment.iter_mut().zip(control).for_each(|(value, control)| *value -= share * control);
        }
        let mut scores = vec![0.0; cluster.levels];
        for ((code, treatment), outcome) in cluster.codes.iter().zip(&treatment).zip(&self.outcome) {
            scores[*code as usize] += treatment * (outcome - slope * treatment);
        }
        let variance = factor * twofold::dot(&scores, &scores).value();
        Ok(Some(Drawn { estimate, std_error: (variance > 0.0).then(|| variance.sqrt() / left * self.scale) }))
    }

    fn weighted(&self, mut column: Vec<f64>) -> Vec<f64> {
        if let Some(roots) = &self.roots {
            column.iter_mut().zip(roots).for_each(|(value, root)| *value *= root);
        }
        column
    }

    fn absorbed(&self, dates: &[usize]) -> Result<Vec<f64>, StatsError> {
        let mut treatment = self.adoption.treatment(dates);
        if let Some(two_way) = &self.two_way {
            if two_way.free(&mut treatment) {
                return Ok(self.weighted(treatment));
            }
            treatment = self.adoption.treatment(dates);
        }
        self.absorber.absorb("the drawn treatment", &mut treatment)?;
        Ok(self.weighted(treatment))
    }

    /// Of each unit and of each period, the treated rows.
    fn treated(&self, dates: &[usize]) -> [Vec<f64>; 2] {
        let periods = self.adoption.periods.len();
        let of_units = dates.iter().map(|date| (periods - date) as f64).collect();
        let mut of_periods = vec![0.0; periods];
        dates.iter().filter(|date| **date < periods).for_each(|date| of_periods[*date] += 1.0);
        (1..periods).for_each(|period| of_periods[period] += of_periods[period - 1]);
        [of_units, of_periods]
    }

    fn less_means(&self, dates: &[usize]) -> Vec<f64> {
        let [of_units, of_periods] = self.treated(dates);
        let (units, periods) = (of_units.len() as f64, of_periods.len() as f64);
        let mean = of_units.iter().sum::<f64>() / (units * periods);
        let of_units: Vec<f64> = of_units.iter().map(|treated| treated / periods - mean).collect();
        let of_periods: Vec<f64> = of_periods.iter().map(|treated| treated / units).collect();
        let rows = self.adoption.units.codes.iter().zip(&self.adoption.times.codes);
        rows.map(|(unit, time)| {
            let (unit, time) = (*unit as usize, *time as usize);
            f64::from(u8::from(time >= dates[unit])) - of_units[unit] - of_periods[time]
        })
        .collect()
    }

    /// Σ d² - Σ (treated of a unit)²/T - Σ (treated of a period)²/N + (all treated)²/NT; all but the quotients are whole.
    fn square_less_means(&self, dates: &[usize]) -> f64 {
        let [of_units, of_periods] = self.treated(dates);
        let (units, periods) = (of_units.len() as f64, of_periods.len() as f64);
        let total: f64 = of_units.iter().sum();
        let squares = |counts: &[f64]| counts.iter().map(|count| count * count).sum::<f64>();
        let whole =
            total * units * periods - squares(&of_units) * units - squares(&of_periods) * periods + total * total;
        whole / (units * periods)
    }
}

/// The sums of `column` over the rows of a unit from a period on: units by dates, the last of which is never.
fn table(adoption: &Adoption, column: &[f64]) -> Vec<f64> {
    let stride = adoption.periods.len() + 1;
    let mut sums = vec![0.0; adoption.units.levels * stride];
    for ((unit, time), value) in adoption.units.codes.iter().zip(&adoption.times.codes).zip(column) {
        sums[*unit as usize * stride + *time as usize] += value;
    }
    for sums in sums.chunks_exact_mut(stride) {
        (0..stride - 1).rev().for_each(|period| sums[period] += sums[period + 1]);
    }
    sums
}

/// Whether two codings make the same groups of rows.
fn same_groups(left: &[u32], right: &[u32]) -> bool {
    let goes_with = |left: &[u32], right: &[u32]| {
        let mut partners = vec![None; left.iter().max().map_or(0, |code| *code as usize + 1)];
        left.iter().zip(right).all(|(left, right)| *partners[*left as usize].get_or_insert(*right) == *right)
    };
    goes_with(left, right) && goes_with(right, left)
}

/// The model before any treatment, as if it had begun `shift` earlier: rows from the first treatment on are left out.
pub fn in_time(
    design: &Design,
    data: &Data,
    term: &str,
    [unit, time]: [&str; 2],
    shift: f64,
) -> Result<Fit, StatsError> {
    if !(shift > 0.0 && shift.is_finite()) {
        let reason = "a positive number of periods";
        return Err(ResamplingError::Option { option: "shift", value: shift.to_string(), reason }.into());
    }
    let adoption = Adoption::new(design, data, term, unit, time)?;
    let earliest = *adoption.first.iter().min().expect("there are units");
    let first = adoption.periods[earliest];
    let date = |unit: u32| adoption.periods.get(adoption.first[unit as usize]).map(|period| period - shift);
    let period = |row: &usize| adoption.periods[adoption.times.codes[*row] as usize];
    let rows: Vec<usize> = (0..design.n_obs()).filter(|row| period(row) < first).collect();
    let treatment: Vec<f64> = rows
        .iter()
        .map(|row| f64::from(u8::from(date(adoption.units.codes[*row]).is_some_and(|date| period(row) >= date))))
        .collect();
    if !treatment.contains(&1.0) {
        return Err(ResamplingError::NoPlacebo { first, shift }.into());
    }
    let mut before = design.subset(&rows, &DropReason::Treated);
    if let CheckedVcov::OneWay(cluster) | CheckedVcov::Cr2(cluster) | CheckedVcov::Cr3(cluster) = &before.vcov
        && cluster.levels < 2
    {
        return Err(StatsError::OneCluster { column: cluster.name.clone() });
    }
    let regressor = before.regressors.iter_mut().find(|regressor| regressor.term == term);
    regressor.expect("it was found before").values = treatment;
    let fit = estimators::find("twfe").expect("least squares is there").fit(&before)?;
    match fit.dropped_terms.iter().find(|(other, _)| other == term) {
        Some((_, reason)) => {
            Err(ResamplingError::DroppedTerm { term: term.to_string(), reason: reason.clone() }.into())
        }
        None => Ok(fit),
    }
}

#[cfg(test)]
mod tests;
