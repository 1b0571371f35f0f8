//! Simulated samples whose effects are known. Knows no estimator.
//!
//! 60 units, 10 periods, cohorts first treated in 4, 6 and 8 and never, 15 units each. yᵢₜ = μᵢ + λₜ + τ_gt Dᵢₜ + εᵢₜ; μ is higher
//! by 0.5 for each later cohort, ε is normal with variance 1 and correlation 0.5 from period to period. Effects are the
//! same for all units of a cohort in a period, so that an average of them is known whatever its weights.

use core_math::{cos, exp, log};
use stats::design::{ColumnData, Data};
use stats::random::Random;
use std::collections::BTreeMap;

const UNITS: usize = 60;
const PERIODS: usize = 10;
const FIRSTS: [Option<f64>; 4] = [Some(4.0), Some(6.0), Some(8.0), None];

/// How samples are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Design {
    /// An effect of 1.
    Homogeneous,
    /// 1.5, 1 and 0.5 in the first treated period of the cohorts, and 0.2 more in each period since.
    Heterogeneous,
    /// The same, with each row missing with a chance of 10 %.
    Unbalanced,
    /// An effect of 1. Clusters of 7 or 8 units, 2 in each cohort, share half of the variance of ε.
    FewClusters,
    /// Heterogeneous effects. A trait of the unit, which is higher in earlier cohorts, adds 0.2 of it per period to y.
    Trends,
    /// A regressor correlated with ε, and an instrument.
    Instrument,
    /// A count with a regressor; its mean is disturbed by a factor, correlated over time, with mean 1.
    Count,
    /// 0 or 1, with a regressor.
    Choice,
}

pub const ALL: [Design; 8] = [
    Design::Homogeneous,
    Design::Heterogeneous,
    Design::Unbalanced,
    Design::FewClusters,
    Design::Trends,
    Design::Instrument,
    Design::Count,
    Design::Choice,
];

/// The coefficient in the designs without a treatment.
pub const COEFFICIENT: f64 = 0.5;

/// One simulated table.
pub struct Sample {
    pub design: Design,
    columns: BTreeMap<&'static str, Vec<Option<f64>>>,
    rows: usize,
}

impl Design {
    pub fn title(self) -> &'static str {
        match self {
            Design::Homogeneous => "Homogeneous effect",
            Design::Heterogeneous => "Effects that differ by cohort and grow",
            Design::Unbalanced => "Unbalanced",
            Design::FewClusters => "Few clusters",
            Design::Trends => "Trends that a covariate drives",
            Design::Instrument => "Endogenous regressor",
            Design::Count => "Count",
            Design::Choice => "Choice",
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Design::Homogeneous => "homogeneous",
            Design::Heterogeneous => "heterogeneous",
            Design::Unbalanced => "unbalanced",
            Design::FewClusters => "few_clusters",
            Design::Trends => "trends",
            Design::Instrument => "instrument",
            Design::Count => "count",
            Design::Choice => "choice",
        }
    }

    /// The effect on a cohort in a period.
    pub fn effect(self, first: f64, period: f64) -> f64 {
        match self {
            Design::Homogeneous | Design::FewClusters => 1.0,
            _ => 2.5 - first / 4.0 + 0.2 * (period - first),
        }
    }

    /// The sample of a replication.
    pub fn sample(self, replication: usize) -> Sample {
        let draws = Draws { random: Random::new(20_260_101, self as u64), draw: replication as u64 };
        match self {
            Design::Instrument => instrument(self, &draws),
            Design::Count => count(self, &draws),
            Design::Choice => choice(self, &draws),
            _ => treatment(self, &draws),
        }
    }
}

impl Sample {
    pub fn data(&self) -> Data<'_> {
        let named = self.columns.iter().map(|(name, values)| (name.to_string(), ColumnData::Float(values)));
        Data { rows: self.rows, keep: None, columns: named.collect() }
    }

    /// Cohort and period of each treated row that is not `left_out`.
    pub fn treated(&self, left_out: &[usize]) -> Vec<(f64, f64)> {
        let rows = (0..self.rows).filter(|row| self.columns["treated"][*row] == Some(1.0) && !left_out.contains(row));
        rows.filter_map(|row| Some((self.columns["first"][row]?, self.columns["period"][row]?))).collect()
    }
}

fn treatment(design: Design, draws: &Draws) -> Sample {
    let cohorts = match design {
        Design::Trends => cohorts_by_trait(draws),
        Design::FewClusters => (0..UNITS).map(|unit| unit % 8 / 2).collect(),
        _ => (0..UNITS).map(|unit| unit % 4).collect::<Vec<usize>>(),
    };
    let mut table = Table::default();
    for (unit, cohort) in cohorts.into_iter().enumerate() {
        let cluster = unit % 8;
        let mut errors = draws.series(Part::Errors, unit);
        if design == Design::FewClusters {
            let shared = draws.series(Part::ClusterErrors, cluster);
            let half = 0.5_f64.sqrt();
            errors.iter_mut().zip(shared).for_each(|(error, shared)| *error = half * (*error + shared));
        }
        let level = draws.normal(Part::Units, unit) + 0.5 * cohort as f64;
        let of_unit = draws.normal(Part::Traits, unit);
        for (index, error) in errors.into_iter().enumerate() {
            let period = (index + 1) as f64;
            let is_missing = draws.uniform(Part::Missing, unit * PERIODS + index) < 0.1;
            if design == Design::Unbalanced && is_missing {
                continue;
            }
            let first = FIRSTS[cohort];
            let since = first.filter(|first| period >= *first);
            let effect = since.map_or(0.0, |first| design.effect(first, period));
            let slope = if design == Design::Trends { 0.2 } else { 0.0 };
            let outcome = level + 0.5 * draws.normal(Part::Periods, index) + slope * of_unit * period + effect + error;
            table.push("unit", Some(unit as f64));
            table.push("period", Some(period));
            table.push("cluster", Some(cluster as f64));
            table.push("first", first);
            table.push("treated", Some(f64::from(u8::from(since.is_some()))));
            table.push("x", Some(of_unit));
            table.push("z", Some(of_unit * period));
            table.push("y", Some(outcome));
        }
    }
    table.sample(design)
}

/// Quarters of the units in the order of their trait, which is a fifth of the variance they are sorted by.
fn cohorts_by_trait(draws: &Draws) -> Vec<usize> {
    let place = |unit: usize| draws.normal(Part::Traits, unit) + 2.0 * draws.normal(Part::Cohorts, unit);
    let mut order: Vec<usize> = (0..UNITS).collect();
    order.sort_by(|left, right| place(*right).total_cmp(&place(*left)));
    let mut cohorts = vec![0; UNITS];
    order.into_iter().enumerate().for_each(|(position, unit)| cohorts[unit] = position * FIRSTS.len() / UNITS);
    cohorts
}

fn instrument(design: Design, draws: &Draws) -> Sample {
    let mut table = Table::default();
    for unit in 0..UNITS {
        let level = draws.normal(Part::Units, unit);
        let instruments = draws.series(Part::Traits, unit);
        for (index, error) in draws.series(Part::Errors, unit).into_iter().enumerate() {
            let own = draws.normal(Part::Regressors, unit * PERIODS + index);
            let regressor = 0.5 * level + 0.5 * instruments[index] + 0.5 * error + own;
            table.push("unit", Some(unit as f64));
            table.push("period", Some(index as f64));
            table.push("x", Some(regressor));
            table.push("z", Some(instruments[index]));
            let common = 0.5 * draws.normal(Part::Periods, index);
            table.push("y", Some(level + common + COEFFICIENT * regressor + error));
        }
    }
    table.sample(design)
}

fn count(design: Design, draws: &Draws) -> Sample {
    let mut table = Table::default();
    for unit in 0..UNITS {
        let level = 0.5 * draws.normal(Part::Units, unit);
        let regressors = draws.series(Part::Regressors, unit);
        for (index, error) in draws.series(Part::Errors, unit).into_iter().enumerate() {
            let regressor = regressors[index] + level;
            // A log-normal factor exp(sε - s²/2) has the mean 1.
            let index_of_mean = 0.5 + level + 0.3 * draws.normal(Part::Periods, index) + COEFFICIENT * regressor;
            let mean = exp(index_of_mean + 0.5 * error - 0.125);
            table.push("unit", Some(unit as f64));
            table.push("period", Some(index as f64));
            table.push("x", Some(regressor));
            table.push("y", Some(draws.poisson(unit * PERIODS + index, mean)));
        }
    }
    table.sample(design)
}

fn choice(design: Design, draws: &Draws) -> Sample {
    let mut table = Table::default();
    for row in 0..UNITS * PERIODS {
        let regressor = draws.normal(Part::Regressors, row);
        let chance = 1.0 / (1.0 + exp(0.5 - COEFFICIENT * regressor));
        let outcome = draws.uniform(Part::Outcomes, row) < chance;
        table.push("x", Some(regressor));
        table.push("y", Some(f64::from(u8::from(outcome))));
    }
    table.sample(design)
}

/// What a random number is for.
#[derive(Clone, Copy)]
enum Part {
    Units,
    Periods,
    Errors,
    ClusterErrors,
    Traits,
    Cohorts,
    Missing,
    Regressors,
    Outcomes,
}

/// The random numbers of one sample.
struct Draws {
    random: Random,
    draw: u64,
}

impl Draws {
    /// Each part has a range of positions of its own, and each place in it two numbers.
    fn uniform(&self, part: Part, place: usize) -> f64 {
        self.random.uniform(self.draw, (part as u64) << 32 | (place as u64) << 1)
    }

    /// Standard normal (Box & Muller 1958).
    fn normal(&self, part: Part, place: usize) -> f64 {
        let second = self.random.uniform(self.draw, (part as u64) << 32 | (place as u64) << 1 | 1);
        (-2.0 * log(1.0 - self.uniform(part, place))).sqrt() * cos(std::f64::consts::TAU * second)
    }

    /// One number per period: standard normal with a correlation of 0.5 from period to period.
    fn series(&self, part: Part, place: usize) -> Vec<f64> {
        let mut series: Vec<f64> = (0..PERIODS).map(|index| self.normal(part, place * PERIODS + index)).collect();
        for index in 1..PERIODS {
            series[index] = 0.5 * series[index - 1] + 0.75_f64.sqrt() * series[index];
        }
        series
    }

    /// A Poisson number, by adding up its probabilities until they exceed a uniform one.
    fn poisson(&self, place: usize, mean: f64) -> f64 {
        let target = self.uniform(Part::Outcomes, place);
        let (mut number, mut probability) = (0.0, exp(-mean));
        let mut sum = probability;
        // What is left of the sum is below the steps of a double when the probability is.
        while sum < target && (number < mean || probability > 1e-18 * sum) {
            number += 1.0;
            probability *= mean / number;
            sum += probability;
        }
        number
    }
}

#[derive(Default)]
struct Table {
    columns: BTreeMap<&'static str, Vec<Option<f64>>>,
}

impl Table {
    fn push(&mut self, column: &'static str, value: Option<f64>) {
        self.columns.entry(column).or_default().push(value);
    }

    fn sample(self, design: Design) -> Sample {
        let rows = self.columns["y"].len();
        Sample { design, columns: self.columns, rows }
    }
}
