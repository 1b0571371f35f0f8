//! Standard errors of synthetic difference-in-differences: placebos, bootstrap, jackknife. Each gives deviations whose
//! products, times a factor, are the variance.

use super::{Group, SyntheticErrors, Weights, averages, effects, solve};
use crate::error::StatsError;
use crate::random::Random;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::{self, BootstrapErrors, Estimates, Place, Point};
use crate::twofold;

/// Everything that was estimated.
pub(super) struct Fitted<'a> {
    pub(super) panel: &'a Panel,
    pub(super) outcome: &'a [Vec<f64>],
    pub(super) never: &'a [usize],
    pub(super) groups: &'a [Group],
    pub(super) solved: &'a [Weights],
    pub(super) places: &'a [(Place, usize)],
}

/// A sample that lacks a cohort is drawn again, this often at most.
const ATTEMPTS: u64 = 1000;

pub(super) fn estimates(fitted: &Fitted, points: &[Point], errors: &SyntheticErrors) -> Result<Estimates, StatsError> {
    let panel = fitted.panel;
    let (drawn, factor, label) = match errors {
        SyntheticErrors::Placebo { draws, random } => {
            enough_draws(*draws)?;
            (placebos(fitted, *draws, random)?, 1.0 / f64::from(*draws), "placebo")
        }
        SyntheticErrors::Bootstrap { draws, random } => {
            enough_draws(*draws)?;
            (bootstrap(fitted, *draws, random)?, 1.0 / f64::from(*draws), "bootstrap")
        }
        SyntheticErrors::Jackknife => {
            let n_clusters = panel.n_clusters as f64;
            (jackknife(fitted)?, (n_clusters - 1.0) / n_clusters, "jackknife")
        }
    };
    let deviations: Vec<Vec<f64>> =
        (0..points.len()).map(|index| super::centred(drawn.iter().map(|values| values[index]).collect())).collect();
    let (effects, vcov) = staggered::effects(points, &deviations, factor, None, panel.level);
    let bootstrap = match errors {
        SyntheticErrors::Jackknife => None,
        SyntheticErrors::Placebo { draws, .. } | SyntheticErrors::Bootstrap { draws, .. } => Some(BootstrapErrors {
            draws: *draws,
            std_errors: effects.iter().map(|effect| effect.coefficient.std_error).collect(),
            critical_value: None,
        }),
    };
    // Draws belong to no cluster; what the jackknife leaves out does.
    let influence = match errors {
        SyntheticErrors::Jackknife => deviations,
        _ => Vec::new(),
    };
    let mut warnings = staggered::warnings(panel);
    warnings.extend(staggered::without_variance(&effects));
    warnings.retain(|warning| {
        !warning.starts_with("cohorts with few units") || !matches!(errors, SyntheticErrors::Placebo { .. })
    });
    Ok(Estimates {
        effects,
        vcov,
        vcov_label: format!("{label}({})", panel.cluster_name),
        df_t: None,
        influence,
        bootstrap,
        tests: Vec::new(),
        n_obs: panel.n_obs(),
        n_units: panel.n_units(),
        n_clusters: panel.n_clusters,
        dropped_rows: panel.dropped_rows.clone(),
        dropped_terms: panel.dropped_terms.clone(),
        warnings,
    })
}

fn enough_draws(draws: u32) -> Result<(), StatsError> {
    match draws {
        0 | 1 => {
            let (value, reason) = (draws.to_string(), "standard errors need at least 2 draws");
            Err(StaggeredError::Option { option: "draws", value, reason }.into())
        }
        _ => Ok(()),
    }
}

fn wrong(value: &str, reason: &'static str) -> StatsError {
    StaggeredError::Option { option: "errors", value: value.to_string(), reason }.into()
}

/// All estimates of other units.
fn again(fitted: &Fitted, never: &[usize], groups: &[Group]) -> Result<Vec<f64>, StatsError> {
    let solved: Vec<Weights> =
        groups.iter().map(|group| solve(fitted.outcome, never, group)).collect::<Result<_, _>>()?;
    Ok(averages(fitted.panel, groups, fitted.places, &effects(fitted.outcome, never, groups, &solved)))
}

/// Never treated units in random order: the last stand for the cohorts, the others are the comparison.
fn placebos(fitted: &Fitted, draws: u32, random: &Random) -> Result<Vec<Vec<f64>>, StatsError> {
    let n_treated: usize = fitted.groups.iter().map(|group| group.units.len()).sum();
    if fitted.panel.n_clusters < fitted.panel.n_units() {
        return Err(wrong("placebo", "units are drawn one by one, and the clusters hold several"));
    }
    if fitted.never.len() <= n_treated {
        return Err(wrong("placebo", "there are no more never treated than treated units"));
    }
    let draw = |draw: u64| {
        let order = random.permutation(draw, fitted.never.len());
        let order: Vec<usize> = order.into_iter().map(|position| fitted.never[position]).collect();
        let (never, mut rest) = order.split_at(fitted.never.len() - n_treated);
        let groups: Vec<Group> = fitted
            .groups
            .iter()
            .map(|group| {
                let (units, others) = rest.split_at(group.units.len());
                rest = others;
                Group { index: group.index, units: units.to_vec() }
            })
            .collect();
        again(fitted, never, &groups)
    };
    (0..u64::from(draws)).map(draw).collect()
}

/// Clusters with replacement, each with all its units, until all cohorts and a comparison are among them.
fn bootstrap(fitted: &Fitted, draws: u32, random: &Random) -> Result<Vec<Vec<f64>>, StatsError> {
    check_sizes(fitted, "bootstrap")?;
    let panel = fitted.panel;
    let n_clusters = panel.n_clusters;
    let draw = |draw: u64| {
        for attempt in 0..ATTEMPTS {
            let mut counts = vec![0_usize; n_clusters];
            for position in 0..n_clusters as u64 {
                counts[random.below(draw, attempt * n_clusters as u64 + position, n_clusters)] += 1;
            }
            let taken = |units: &[usize]| -> Vec<usize> {
                let repeated = |unit: &usize| std::iter::repeat_n(*unit, counts[panel.units[*unit].cluster as usize]);
                units.iter().flat_map(repeated).collect()
            };
            let never = taken(fitted.never);
            let of_group = |group: &Group| Group { index: group.index, units: taken(&group.units) };
            let groups: Vec<Group> = fitted.groups.iter().map(of_group).collect();
            if !never.is_empty() && groups.iter().all(|group| !group.units.is_empty()) {
                return again(fitted, &never, &groups);
            }
        }
        Err(wrong("bootstrap", "samples of clusters hardly ever hold all cohorts and a never treated unit"))
    };
    (0..u64::from(draws)).map(draw).collect()
}

/// Each cluster left out, with the weights of the others scaled up.
fn jackknife(fitted: &Fitted) -> Result<Vec<Vec<f64>>, StatsError> {
    check_sizes(fitted, "jackknife")?;
    let panel = fitted.panel;
    let without = |cluster: usize| {
        let stays = |unit: &usize| panel.units[*unit].cluster as usize != cluster;
        let never: Vec<usize> = fitted.never.iter().copied().filter(stays).collect();
        let of_group =
            |group: &Group| Group { index: group.index, units: group.units.iter().copied().filter(stays).collect() };
        let groups: Vec<Group> = fitted.groups.iter().map(of_group).collect();
        if never.is_empty() || groups.iter().any(|group| group.units.is_empty()) {
            return Err(wrong("jackknife", "one cluster holds all units of a cohort, or all never treated ones"));
        }
        let left = |weights: &Weights| {
            let omega = fitted.never.iter().zip(&weights.omega).filter(|(unit, _)| stays(unit));
            let omega: Vec<f64> = omega.map(|(_, weight)| *weight).collect();
            let total = twofold::sum(omega.iter().copied()).value();
            if total == 0.0 {
                return Err(wrong("jackknife", "one cluster has all the weight of a comparison"));
            }
            let omega = omega.into_iter().map(|weight| weight / total).collect();
            Ok(Weights { omega, lambda: weights.lambda.clone(), zeta: weights.zeta })
        };
        let solved: Vec<Weights> = fitted.solved.iter().map(left).collect::<Result<_, _>>()?;
        Ok(averages(panel, &groups, fitted.places, &effects(fitted.outcome, &never, &groups, &solved)))
    };
    (0..panel.n_clusters).map(without).collect()
}

fn check_sizes(fitted: &Fitted, name: &str) -> Result<(), StatsError> {
    match fitted.groups.iter().any(|group| group.units.len() < 2) {
        true => Err(wrong(name, "a cohort of one unit shows no variance of its own: use the placebo")),
        false => Ok(()),
    }
}
