//! Averages of effects by cohort and period: Callaway & Sant'Anna (2021), §3. Cohorts count by the weight of their units.
//!
//! An average Σ p_g ATT(g, t) / Σ p_g varies with the effects and with the shares p_g, which are estimated too: a unit of
//! cohort g with weight w adds w Σ over cells of g of (ATT - average) / Σ p_g.

use super::{Answer, Options};
use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::{self, Estimates, Place, Point};
use crate::twofold;
use std::collections::BTreeMap;

/// An estimate with how much each cluster moves it.
struct Average {
    place: Place,
    estimate: f64,
    influence: Vec<f64>,
    n_treated: usize,
}

/// Weights of units by cohort.
struct Shares {
    cohorts: Vec<f64>,
    /// By cohort, by cluster.
    clusters: Vec<Vec<f64>>,
}

pub(super) fn simple(
    panel: &Panel,
    options: &Options,
    answers: &[Answer],
    warnings: &[String],
) -> Result<Estimates, StatsError> {
    let shares = shares(panel);
    let cells: Vec<&Answer> = after(panel, options, answers);
    let overall = by_share(Place::Overall, &cells, &shares, panel);
    estimates(panel, none_left(overall)?, Vec::new(), warnings)
}

pub(super) fn dynamic(
    panel: &Panel,
    options: &Options,
    answers: &[Answer],
    warnings: &[String],
) -> Result<Estimates, StatsError> {
    let shares = shares(panel);
    let (_, last) = panel.span();
    let first = answers.iter().map(|answer| panel.periods[answer.task.period]).fold(f64::INFINITY, f64::min);
    let mut by_time: BTreeMap<u64, (f64, Vec<&Answer>)> = BTreeMap::new();
    for answer in answers {
        let time = super::event_time(panel, &answer.task);
        let is_balanced = options.balance.is_none_or(|balance| {
            last - panel.cohorts[answer.task.cohort].first >= balance
                && time <= balance
                && time >= balance - last + first
        });
        let is_wanted = options.min_event_time.is_none_or(|min| time >= min)
            && options.max_event_time.is_none_or(|max| time <= max);
        if is_balanced && is_wanted {
            by_time.entry(staggered::ordered(time)).or_insert((time, Vec::new())).1.push(answer);
        }
    }
    let averages: Vec<Average> =
        by_time.values().filter_map(|(time, cells)| by_share(Place::EventTime(*time), cells, &shares, panel)).collect();
    let is_after = |average: &&Average| !staggered::is_lead(average.place);
    let overall = plain(&averages.iter().filter(is_after).collect::<Vec<_>>());
    estimates(panel, none_left(overall)?, averages, warnings)
}

pub(super) fn group(
    panel: &Panel,
    options: &Options,
    answers: &[Answer],
    warnings: &[String],
) -> Result<Estimates, StatsError> {
    let shares = shares(panel);
    let cells = after(panel, options, answers);
    let mut averages: Vec<(usize, Average)> = Vec::new();
    for cells in cells.chunk_by(|left, right| left.task.cohort == right.task.cohort) {
        let cohort = cells[0].task.cohort;
        let average = by_share(Place::Cohort(panel.cohorts[cohort].first), cells, &shares, panel);
        averages.extend(average.map(|average| (cohort, average)));
    }
    let total: f64 = averages.iter().map(|(cohort, _)| shares.cohorts[*cohort]).sum();
    let estimate = averages.iter().map(|(cohort, average)| shares.cohorts[*cohort] / total * average.estimate).sum();
    let mut influence = vec![0.0; panel.n_clusters];
    for (cohort, average) in &averages {
        let share = shares.cohorts[*cohort] / total;
        for (cluster, influence) in influence.iter_mut().enumerate() {
            *influence += share * average.influence[cluster]
                + shares.clusters[*cohort][cluster] * (average.estimate - estimate) / total;
        }
    }
    let n_treated = averages.iter().map(|(_, average)| average.n_treated).sum();
    let overall = (!averages.is_empty()).then_some(Average { place: Place::Overall, estimate, influence, n_treated });
    estimates(panel, none_left(overall)?, averages.into_iter().map(|(_, average)| average).collect(), warnings)
}

pub(super) fn calendar(panel: &Panel, answers: &[Answer], warnings: &[String]) -> Result<Estimates, StatsError> {
    let shares = shares(panel);
    let mut by_period: BTreeMap<usize, Vec<&Answer>> = BTreeMap::new();
    for answer in answers.iter().filter(|answer| super::is_after(panel, &answer.task)) {
        by_period.entry(answer.task.period).or_default().push(answer);
    }
    let averages: Vec<Average> = by_period
        .iter()
        .filter_map(|(period, cells)| by_share(Place::Period(panel.periods[*period]), cells, &shares, panel))
        .collect();
    let overall = plain(&averages.iter().collect::<Vec<_>>());
    estimates(panel, none_left(overall)?, averages, warnings)
}

/// Cells after the treatment, up to the longest time that is wanted.
fn after<'a>(panel: &Panel, options: &Options, answers: &'a [Answer]) -> Vec<&'a Answer> {
    let is_wanted = |answer: &&Answer| {
        super::is_after(panel, &answer.task)
            && options.max_event_time.is_none_or(|max| super::event_time(panel, &answer.task) <= max)
    };
    answers.iter().filter(is_wanted).collect()
}

fn shares(panel: &Panel) -> Shares {
    let n_cohorts = panel.cohorts.len();
    let mut shares = Shares { cohorts: vec![0.0; n_cohorts], clusters: vec![vec![0.0; panel.n_clusters]; n_cohorts] };
    let balanced = panel.balanced();
    for unit in &panel.units {
        let Some(cohort) = unit.cohort else { continue };
        let weight = if balanced {
            panel.weight(unit.rows.start)
        } else {
            let sum = twofold::sum(unit.rows.clone().map(|row| panel.weight(row))).value();
            sum / unit.rows.len() as f64
        };
        shares.cohorts[cohort as usize] += weight;
        shares.clusters[cohort as usize][unit.cluster as usize] += weight;
    }
    shares
}

/// The average of cells by the share of their cohorts.
fn by_share(place: Place, cells: &[&Answer], shares: &Shares, panel: &Panel) -> Option<Average> {
    let total: f64 = cells.iter().map(|cell| shares.cohorts[cell.task.cohort]).sum();
    if cells.is_empty() {
        return None;
    }
    let estimate = cells.iter().map(|cell| shares.cohorts[cell.task.cohort] / total * cell.estimate).sum();
    let mut influence = vec![0.0; panel.n_clusters];
    for cell in cells {
        let share = shares.cohorts[cell.task.cohort] / total;
        let by_cluster = &shares.clusters[cell.task.cohort];
        for (cluster, influence) in influence.iter_mut().enumerate() {
            *influence += share * cell.influence[cluster] + by_cluster[cluster] * (cell.estimate - estimate) / total;
        }
    }
    Some(Average { place, estimate, influence, n_treated: cells.iter().map(|cell| cell.n_treated).sum() })
}

/// The plain average.
fn plain(averages: &[&Average]) -> Option<Average> {
    let count = averages.len() as f64;
    let first = averages.first()?;
    let mut influence = vec![0.0; first.influence.len()];
    for average in averages {
        influence.iter_mut().zip(&average.influence).for_each(|(sum, influence)| *sum += influence / count);
    }
    Some(Average {
        place: Place::Overall,
        estimate: averages.iter().map(|average| average.estimate / count).sum(),
        influence,
        n_treated: averages.iter().map(|average| average.n_treated).sum(),
    })
}

fn none_left(overall: Option<Average>) -> Result<Average, StatsError> {
    let reasons = || vec!["no effect after the treatment is left to average".to_string()];
    overall.ok_or_else(|| StaggeredError::NoComparison { reasons: reasons() }.into())
}

fn estimates(
    panel: &Panel,
    overall: Average,
    averages: Vec<Average>,
    warnings: &[String],
) -> Result<Estimates, StatsError> {
    let mut points = Vec::with_capacity(averages.len() + 1);
    let mut influence = Vec::with_capacity(averages.len() + 1);
    for Average { place, estimate, influence: of_clusters, n_treated } in std::iter::once(overall).chain(averages) {
        points.push(Point { place, estimate, n_treated });
        influence.push(of_clusters);
    }
    let mut estimates = super::estimates(panel, &points, influence, warnings);
    staggered::test_leads(&mut estimates);
    Ok(estimates)
}
