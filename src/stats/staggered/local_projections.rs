//! Difference-in-differences by local projections (Dube, Girardi, Jordà & Taylor 2025): for each horizon one regression of
//! long differences on the change of the treatment, among units that become treated and units that stay untreated.
//!
//! Horizon h ≥ 0 has yᵢ,ₜ₊ₕ - yᵢ,ₜ₋₁ = βₕΔDᵢₜ + xᵢ,ₜ₋₁'c + δₜ + eᵢₜ, over rows with ΔDᵢₜ = 1 and rows whose unit is untreated in
//! t + h, the clean comparison (or never treated). For h < -1 the comparison is untreated in t. Horizons are numbers of
//! periods, as the data have them. In place of yᵢ,ₜ₋₁ may stand the mean of yᵢ over all periods before t.
//!
//! Least squares weighs the effect of a period by its treated rows times the share of its comparison; to count each
//! treated row the same, rows weigh 1/(that share), and periods without both are left out (§4.2). With covariates that
//! would not do: then their coefficients are those of the comparison, and the effect is the mean over treated rows of
//! what these do not predict (regression adjustment, §4.3).
//!
//! Pooled, the outcome is the mean of all horizons after, or before, the treatment, where all of them have a row. Errors are
//! clustered; each horizon has the small-sample factor of `fixest`, already in its influence, and t has the degrees of
//! freedom of the horizon with the fewest clusters.

use crate::error::StatsError;
use crate::staggered::callaway_santanna::Comparison;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::regression::{self, Rows};
use crate::staggered::{self, Estimates, Place, Point};
use crate::twofold::{self, Twofold};
use std::collections::BTreeSet;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalProjectionsOptions {
    /// The longest horizon before the treatment: 3 estimates -3 and -2. Below 2 there is none.
    pub before: usize,
    /// The longest horizon after the first treated period.
    pub after: usize,
    pub weighting: HorizonWeighting,
    pub base: BaseOutcome,
    pub comparison: Comparison,
}

/// How the effects of different periods count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HorizonWeighting {
    /// As least squares has it.
    Variance,
    /// Each treated row the same.
    Equal,
}

/// What later and earlier outcomes are compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BaseOutcome {
    /// The outcome in the period before the treatment.
    LastPeriod,
    /// The mean outcome of all periods before the treatment that have a row.
    MeanBefore,
}

/// What comes out.
#[derive(Clone, Debug)]
pub struct LocalProjections {
    /// One per horizon, and the test that those before the treatment are 0.
    pub dynamic: Estimates,
    /// The pooled effect after the treatment, and that of the horizons before it, up to -2. `None` where no treated unit
    /// has all horizons after it, which is warned of.
    pub pooled: Option<Estimates>,
}

/// One regression.
struct Horizon {
    point: Point,
    /// With the root of the small-sample factor.
    influence: Vec<f64>,
    n_clusters: usize,
    /// Of the panel: whose outcomes are in the differences.
    used: BTreeSet<usize>,
    /// Covariates that could not be estimated.
    dropped: BTreeSet<usize>,
}

/// The rows of a regression, by period; a period that does not have both sides is left out.
struct Sample {
    changes: Vec<f64>,
    weights: Vec<f64>,
    is_treated: Vec<bool>,
    /// Row of the base period in the panel.
    base: Vec<usize>,
    clusters: Vec<u32>,
    /// Where each period begins; one more than there are periods.
    periods: Vec<usize>,
    used: BTreeSet<usize>,
}

pub fn local_projections(panel: Panel, options: &LocalProjectionsOptions) -> Result<LocalProjections, StatsError> {
    let panel = panel.without_always_treated()?;
    if options.comparison == Comparison::NeverTreated && panel.n_never_treated() == 0 {
        let (first, last) = panel.span();
        return Err(StaggeredError::NoNeverTreated { first, last }.into());
    }
    let (before, after) = (options.before as isize, options.after as isize);
    let leads = (-before..=-2).map(|horizon| (Place::EventTime(horizon as f64), horizon..=horizon));
    let lags = (0..=after).map(|horizon| (Place::EventTime(horizon as f64), horizon..=horizon));
    let windows: Vec<_> = leads.chain(lags).collect();
    let mut dynamic = estimates(&panel, options, &windows)?;
    let mut windows = vec![(Place::Overall, 0..=after)];
    if before >= 2 {
        windows.push((Place::EventTimeUpTo(-2.0), -before..=-2));
    }
    let pooled = match estimates(&panel, options, &windows) {
        Ok(pooled) => Some(pooled),
        Err(StatsError::Staggered(StaggeredError::NoComparison { reasons })) => {
            dynamic.warnings.push(format!("no pooled effect: {}", reasons.join("; ")));
            None
        }
        Err(error) => return Err(error),
    };
    Ok(LocalProjections { dynamic, pooled })
}

type Window = std::ops::RangeInclusive<isize>;

fn estimates(
    panel: &Panel,
    options: &LocalProjectionsOptions,
    windows: &[(Place, Window)],
) -> Result<Estimates, StatsError> {
    let mut horizons = Vec::new();
    let mut dropped_terms = panel.dropped_terms.clone();
    let mut reasons = Vec::new();
    for (place, window) in windows {
        match horizon(panel, options, *place, window)? {
            Ok(horizon) => horizons.push(horizon),
            Err(reason) => {
                reasons.push(format!("`{place}`: {reason}"));
                dropped_terms.push((place.to_string(), reason));
            }
        }
    }
    if !horizons.iter().any(|horizon| !staggered::is_lead(horizon.point.place)) {
        return Err(StaggeredError::NoComparison { reasons }.into());
    }
    for (index, covariate) in panel.covariates.iter().enumerate() {
        if horizons.iter().any(|horizon| horizon.dropped.contains(&index)) {
            let reason = "collinear with periods or earlier covariates, at some horizon".to_string();
            dropped_terms.push((covariate.term.clone(), reason));
        }
    }
    let n_clusters = horizons.iter().map(|horizon| horizon.n_clusters).min().expect("one is left");
    let df_t = Some((n_clusters - 1) as f64);
    let points: Vec<Point> = horizons.iter().map(|horizon| horizon.point.clone()).collect();
    let used: BTreeSet<usize> = horizons.iter().flat_map(|horizon| horizon.used.iter().copied()).collect();
    let units: BTreeSet<u32> = used.iter().map(|row| panel.unit[*row]).collect();
    let clusters: BTreeSet<u32> = units.iter().map(|unit| panel.units[*unit as usize].cluster).collect();
    let influence: Vec<Vec<f64>> = horizons.into_iter().map(|horizon| horizon.influence).collect();
    let (effects, vcov) = staggered::effects(&points, &influence, 1.0, df_t, panel.level);
    let without_variance = staggered::without_variance(&effects);
    let mut estimates = Estimates {
        effects,
        vcov,
        vcov_label: format!("cluster({}), by horizon", panel.cluster_name),
        df_t,
        influence,
        bootstrap: None,
        tests: Vec::new(),
        n_obs: used.len(),
        n_units: units.len(),
        n_clusters: clusters.len(),
        dropped_rows: panel.dropped_rows.clone(),
        dropped_terms,
        warnings: staggered::warnings(panel).into_iter().chain(without_variance).collect(),
    };
    staggered::test_leads(&mut estimates);
    Ok(estimates)
}

/// The regression of the mean outcome in a window of horizons; inside, why there is none.
fn horizon(
    panel: &Panel,
    options: &LocalProjectionsOptions,
    place: Place,
    window: &Window,
) -> Result<Result<Horizon, String>, StatsError> {
    let sample = sample(panel, options, window);
    if sample.periods.len() < 2 {
        return Ok(Err("no period has both newly treated units and a clean comparison".to_string()));
    }
    let with_adjustment = options.weighting == HorizonWeighting::Equal && !panel.covariates.is_empty();
    let (estimate, mut influence, kept, dropped) = match with_adjustment {
        true => match adjusted(panel, &sample) {
            Ok(found) => found,
            Err(reason) => return Ok(Err(reason)),
        },
        false => match least_squares(panel, &sample, options.weighting) {
            Some(found) => found,
            None => return Ok(Err("the covariates and periods tell who is treated".to_string())),
        },
    };
    let n_clusters = sample.clusters.iter().collect::<BTreeSet<_>>().len();
    if n_clusters < 2 {
        return Err(StatsError::OneCluster { column: panel.cluster_name.clone() });
    }
    let parameters = kept + sample.periods.len() - 1;
    if sample.changes.len() <= parameters {
        return Ok(Err(format!("{} rows cannot determine {parameters} parameters", sample.changes.len())));
    }
    let root = regression::small_sample(sample.changes.len(), parameters, n_clusters)?.sqrt();
    influence.iter_mut().for_each(|influence| *influence *= root);
    let n_treated = sample.is_treated.iter().filter(|is_treated| **is_treated).count();
    let point = Point { place, estimate, n_treated };
    Ok(Ok(Horizon { point, influence, n_clusters, used: sample.used, dropped }))
}

fn sample(panel: &Panel, options: &LocalProjectionsOptions, window: &Window) -> Sample {
    let mut sample = Sample {
        changes: Vec::new(),
        weights: Vec::new(),
        is_treated: Vec::new(),
        base: Vec::new(),
        clusters: Vec::new(),
        periods: vec![0],
        used: BTreeSet::new(),
    };
    for period in 1..panel.periods.len() {
        let start = sample.changes.len();
        let targets: Option<Vec<usize>> =
            window.clone().map(|horizon| period.checked_add_signed(horizon)).collect::<Option<Vec<usize>>>();
        let Some(targets) = targets.filter(|targets| targets.iter().all(|target| *target < panel.periods.len())) else {
            continue;
        };
        let clean_until = targets.iter().copied().fold(period, usize::max);
        let mut rows = Vec::new();
        for unit in &panel.units {
            let index = unit.cohort.map(|cohort| panel.cohorts[cohort as usize].index);
            let is_treated = index == Some(period);
            let is_clean = match options.comparison {
                Comparison::NeverTreated => index.is_none(),
                Comparison::NotYetTreated => index.is_none_or(|index| index > clean_until),
            };
            if !(is_treated || is_clean) {
                continue;
            }
            let found = |period: &usize| panel.row(unit, *period);
            let Some((row, base)) = found(&period).zip(found(&(period - 1))) else { continue };
            let Some(later) = targets.iter().map(found).collect::<Option<Vec<usize>>>() else { continue };
            let mean = |rows: &[usize]| twofold::mean(&rows.iter().map(|row| panel.outcome[*row]).collect::<Vec<_>>());
            let before: Vec<usize> = match options.base {
                BaseOutcome::LastPeriod => vec![base],
                BaseOutcome::MeanBefore => (unit.rows.start..=base).collect(),
            };
            sample.changes.push(mean(&later) - mean(&before));
            sample.weights.push(panel.weight(row));
            sample.is_treated.push(is_treated);
            sample.base.push(base);
            sample.clusters.push(unit.cluster);
            rows.extend(later.into_iter().chain(before).chain([row]));
        }
        let sides = &sample.is_treated[start..];
        // A period of one side tells nothing of the effect, but may of the covariates.
        let is_of_use = match options.weighting {
            HorizonWeighting::Variance => !sides.is_empty(),
            HorizonWeighting::Equal => sides.contains(&true) && sides.contains(&false),
        };
        if is_of_use {
            sample.periods.push(sample.changes.len());
            sample.used.extend(rows);
        } else {
            sample.truncate(start);
        }
    }
    if !(sample.is_treated.contains(&true) && sample.is_treated.contains(&false)) {
        sample.periods.truncate(1);
    }
    sample
}

type Found = (f64, Vec<f64>, usize, BTreeSet<usize>);

impl Sample {
    fn truncate(&mut self, rows: usize) {
        self.changes.truncate(rows);
        self.weights.truncate(rows);
        self.is_treated.truncate(rows);
        self.base.truncate(rows);
        self.clusters.truncate(rows);
    }

    fn periods(&self) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.periods.windows(2).map(|bounds| bounds[0]..bounds[1])
    }

    fn mass(&self, rows: impl Iterator<Item = usize>) -> f64 {
        twofold::sum(rows.map(|row| self.weights[row])).value()
    }
}

/// The coefficient of the treatment, its influence, the number of columns, and covariates that were dropped; `None`
/// where the treatment is collinear.
fn least_squares(panel: &Panel, sample: &Sample, weighting: HorizonWeighting) -> Option<Found> {
    let width = panel.covariates.len() + 1;
    let mut rows = Rows::new(width);
    for period in sample.periods() {
        let factor = match weighting {
            HorizonWeighting::Variance => 1.0,
            HorizonWeighting::Equal => {
                let comparison = sample.mass(period.clone().filter(|row| !sample.is_treated[*row]));
                sample.mass(period.clone()) / comparison
            }
        };
        for row in period {
            let mut entries = covariates(panel, sample.base[row]);
            entries.extend(sample.is_treated[row].then_some((panel.covariates.len() as u32, 1.0)));
            rows.push(sample.changes[row], factor * sample.weights[row], &entries);
        }
        rows.end_block();
    }
    let fit = rows.solve();
    let treatment = width - 1;
    if !fit.factor.is_kept(treatment) {
        return None;
    }
    let mut target = vec![0.0; width];
    target[treatment] = 1.0;
    let influence = fit.influence_of_rows(&rows, &target, &sample.clusters, panel.n_clusters);
    let dropped = (0..treatment).filter(|column| !fit.factor.is_kept(*column)).collect();
    Some((fit.solution[treatment], influence, fit.factor.kept().len(), dropped))
}

fn covariates(panel: &Panel, row: usize) -> Vec<(u32, f64)> {
    panel.covariates.iter().zip(0..).map(|(covariate, column)| (column, covariate.values[row])).collect()
}

/// The mean over treated rows of what periods and covariates of the comparison leave, with the same beside it.
fn adjusted(panel: &Panel, sample: &Sample) -> Result<Found, String> {
    let width = panel.covariates.len();
    let mut rows = Rows::new(width);
    let mut origin = Vec::new();
    for period in sample.periods() {
        for row in period.filter(|row| !sample.is_treated[*row]) {
            rows.push(sample.changes[row], sample.weights[row], &covariates(panel, sample.base[row]));
            origin.push(row);
        }
        rows.end_block();
    }
    let fit = rows.solve();
    let treated: Vec<usize> = (0..sample.changes.len()).filter(|row| sample.is_treated[*row]).collect();
    let total = sample.mass(treated.iter().copied());

    // The mean over treated rows of covariates, each less its mean in the comparison of its period.
    let mut means = vec![Twofold::default(); width];
    let mut rest = vec![0.0; sample.changes.len()];
    let mut shares = Vec::with_capacity(rows.n_blocks());
    for (block, period) in sample.periods().enumerate() {
        let of_treated: Vec<usize> = period.filter(|row| sample.is_treated[*row]).collect();
        let share = sample.mass(of_treated.iter().copied()) / total;
        shares.push(share);
        for row in of_treated {
            let entries = covariates(panel, sample.base[row]);
            let products = entries.iter().map(|(column, value)| value * fit.solution[*column as usize]);
            rest[row] = sample.changes[row] - fit.effects[block] - products.sum::<f64>();
            for (column, value) in entries {
                let sum = &mut means[column as usize];
                *sum = *sum + regression::product(sample.weights[row] / total, value);
            }
        }
        let mass = rows.mass(block).value();
        for row in rows.block(block) {
            for (column, value) in rows.row(row) {
                let sum = &mut means[column];
                *sum = *sum - regression::product(share * rows.weight(row) / mass, value);
            }
        }
    }
    let terms = panel.covariates.iter().enumerate();
    let lost = |column: usize| {
        let size = panel.covariates[column].values.iter().fold(0.0_f64, |size, value| size.max(value.abs()));
        !fit.factor.is_kept(column) && means[column].value().abs() > 1e-8 * size
    };
    if let Some((_, covariate)) = terms.clone().find(|(column, _)| lost(*column)) {
        return Err(format!("`{}` does not vary by itself in the comparison", covariate.term));
    }
    let weights: Vec<f64> = treated.iter().map(|row| sample.weights[*row] / total).collect();
    let left: Vec<f64> = treated.iter().map(|row| rest[*row]).collect();
    let estimate = twofold::dot(&weights, &left).value();

    let mut influence = vec![Twofold::default(); panel.n_clusters];
    let mut add = |row: usize, moved: f64| {
        let sum = &mut influence[sample.clusters[row] as usize];
        *sum = sum.plus(moved);
    };
    treated.iter().zip(&weights).for_each(|(row, weight)| add(*row, weight * (rest[*row] - estimate)));
    let loads = fit.factor.solve(&means);
    for (block, share) in shares.iter().enumerate() {
        let mass = rows.mass(block).value();
        let products = twofold::sum(rows.block(block).map(|row| rows.weight(row) * rows.product(row, &loads)));
        let own = share / mass - products.value() / mass;
        for row in rows.block(block) {
            let load = own + rows.product(row, &loads);
            add(origin[row], -rows.weight(row) * load * fit.residuals[row]);
        }
    }
    let influence = influence.into_iter().map(Twofold::value).collect();
    let dropped = terms.filter(|(column, _)| !fit.factor.is_kept(*column)).map(|(column, _)| column).collect();
    Ok((estimate, influence, fit.factor.kept().len() + 1, dropped))
}
