//! The indicators of the resilience index and the entropy index itself, from drawn quantities.
//! The formulas are those of `stages/measures/`; here they serve both worlds, there the files.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    economy::Economy,
    model::{FIRST_PATENT_YEAR, STUDY_YEARS},
    patents::{Kind, Patent},
};

/// Names and signs, in the order of `row`.
pub const INDICATORS: [(&str, bool); 13] = [
    ("invention_stock", true),
    ("technology_diversity", true),
    ("fiscal_buffer", true),
    ("top_applicant_share", false),
    ("science_effort", true),
    ("students_per_10000", true),
    ("financial_depth", true),
    ("science_personnel", true),
    ("joint_patent_share", true),
    ("growth_volatility", false),
    ("new_class_share", true),
    ("invention_share", true),
    ("upgrading", true),
];
/// Number of indicators.
pub const COUNT: usize = INDICATORS.len();

/// Yearly loss of the stock of inventions.
const STOCK_LOSS: f64 = 0.15;
/// Keeps the logarithm of the entropy index away from zero.
const SHIFT: f64 = 0.0001;

/// Minimum, maximum and weight of every indicator, from the pooled observed rows.
pub struct Scale {
    low: [f64; COUNT],
    high: [f64; COUNT],
    /// Entropy weights, summing to one.
    pub weights: [f64; COUNT],
}

/// One row per study year for one city; `economy` starts in the first study year, `patents` in `FIRST_PATENT_YEAR`.
pub fn rows(patents: &[Vec<Patent>], economy: &[Economy]) -> Vec<[f64; COUNT]> {
    let first = (STUDY_YEARS.0 - FIRST_PATENT_YEAR) as usize;
    economy.iter().enumerate().map(|(offset, year)| row(&patents[..=first + offset], year)).collect()
}

/// Learns the scale of the index from all rows.
pub fn scale(rows: &[[f64; COUNT]]) -> Scale {
    let mut scale = Scale { low: [f64::INFINITY; COUNT], high: [f64::NEG_INFINITY; COUNT], weights: [0.0; COUNT] };
    for row in rows {
        for (indicator, value) in row.iter().enumerate() {
            scale.low[indicator] = scale.low[indicator].min(*value);
            scale.high[indicator] = scale.high[indicator].max(*value);
        }
    }
    let divergence: Vec<f64> = (0..COUNT).map(|indicator| 1.0 - scale.entropy(rows, indicator)).collect();
    let total: f64 = divergence.iter().sum();
    for (weight, value) in scale.weights.iter_mut().zip(divergence) {
        *weight = value / total;
    }
    scale
}

impl Scale {
    /// The index of one row.
    pub fn score(&self, row: &[f64; COUNT]) -> f64 {
        (0..COUNT).map(|indicator| self.weights[indicator] * self.unit(row, indicator)).sum()
    }

    fn unit(&self, row: &[f64; COUNT], indicator: usize) -> f64 {
        let position = (row[indicator] - self.low[indicator]) / (self.high[indicator] - self.low[indicator]);
        if INDICATORS[indicator].1 { position } else { 1.0 - position }
    }

    fn entropy(&self, rows: &[[f64; COUNT]], indicator: usize) -> f64 {
        let shifted: Vec<f64> = rows.iter().map(|row| self.unit(row, indicator) + SHIFT).collect();
        let total: f64 = shifted.iter().sum();
        let sum: f64 = shifted.iter().map(|value| value / total * core_math::log(value / total)).sum();
        -sum / core_math::log(rows.len() as f64)
    }
}

/// `history` ends with the year of `economy`.
fn row(history: &[Vec<Patent>], economy: &Economy) -> [f64; COUNT] {
    let current = history.last().map_or(&[][..], Vec::as_slice);
    let total = current.len() as f64;
    let inventions = |year: &[Patent]| year.iter().filter(|patent| patent.kind == Kind::Invention).count() as f64;
    let stock = history.iter().fold(0.0, |stock, year| (1.0 - STOCK_LOSS) * stock + inventions(year));
    [
        core_math::log1p(stock),
        diversity(current),
        economy.revenue / economy.expenditure,
        top_share(current),
        economy.science_spending / economy.expenditure,
        economy.students / economy.population,
        (economy.deposits + economy.loans) / economy.gdp,
        economy.science / economy.employees,
        current.iter().filter(|patent| patent.partner.is_some()).count() as f64 / total,
        volatility(history),
        new_class_share(history),
        inventions(current) / total,
        economy.tertiary / economy.secondary,
    ]
}

/// Shannon entropy in bits of the subclasses; designs have none.
fn diversity(patents: &[Patent]) -> f64 {
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for patent in patents.iter().filter(|patent| patent.kind != Kind::Design) {
        *counts.entry(&patent.class).or_default() += 1.0;
    }
    let total: f64 = counts.values().sum();
    -counts.values().map(|count| count / total * core_math::log2(count / total)).sum::<f64>()
}

fn top_share(patents: &[Patent]) -> f64 {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for patent in patents {
        *counts.entry(patent.applicant).or_default() += 1;
    }
    counts.values().max().copied().unwrap_or(0) as f64 / patents.len() as f64
}

/// Sample standard deviation of the last three growth rates.
fn volatility(history: &[Vec<Patent>]) -> f64 {
    let growth: Vec<f64> =
        history[history.len() - 4..].windows(2).map(|pair| pair[1].len() as f64 / pair[0].len() as f64 - 1.0).collect();
    let mean = growth.iter().sum::<f64>() / 3.0;
    (growth.iter().map(|value| (value - mean) * (value - mean)).sum::<f64>() / 2.0).sqrt()
}

/// Share of this year's subclasses in which the city never had a patent before.
fn new_class_share(history: &[Vec<Patent>]) -> f64 {
    let classes = |years: &[Vec<Patent>]| -> BTreeSet<String> {
        let patents = years.iter().flatten().filter(|patent| patent.kind != Kind::Design);
        patents.map(|patent| patent.class.clone()).collect()
    };
    let (past, current) = history.split_at(history.len() - 1);
    let (past, current) = (classes(past), classes(current));
    current.difference(&past).count() as f64 / current.len() as f64
}
