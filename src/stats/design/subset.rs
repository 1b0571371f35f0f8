//! A design with fewer rows: levels that no longer occur are gone, as if the rows had never been there.

use super::{CheckedVcov, Design, DropReason, Group, Places, Regressor, Series, Slopes};

impl Design {
    /// Keeps `rows`, positions in the sample in rising order; the others are dropped for `reason`.
    pub(crate) fn subset(&self, rows: &[usize], reason: &DropReason) -> Design {
        let column = |values: &Vec<f64>| -> Vec<f64> { rows.iter().map(|row| values[*row]).collect() };
        let regressors = |list: &[Regressor]| -> Vec<Regressor> {
            list.iter().map(|one| Regressor { term: one.term.clone(), values: column(&one.values) }).collect()
        };
        let mut sample = self.sample.clone();
        let used = sample.used();
        let mut kept = rows.iter().peekable();
        for (position, row) in used.iter().enumerate() {
            if kept.next_if(|row| **row == position).is_none() {
                sample.drop_row(*row, reason);
            }
        }
        Design {
            outcome: column(&self.outcome),
            outcome_name: self.outcome_name.clone(),
            regressors: regressors(&self.regressors),
            endogenous: regressors(&self.endogenous),
            instruments: regressors(&self.instruments),
            dropped_terms: self.dropped_terms.clone(),
            intercept: self.intercept,
            effects: self.effects.iter().map(|group| group.subset(rows)).collect(),
            slopes: self
                .slopes
                .iter()
                .map(|slopes| Slopes {
                    group: slopes.group.subset(rows),
                    name: slopes.name.clone(),
                    means: slopes.means,
                    variables: slopes.variables.iter().map(column).collect(),
                })
                .collect(),
            weights: self.weights.as_ref().map(column),
            vcov: self.vcov.subset(rows),
            small_sample: self.small_sample,
            level: self.level,
            n_singletons: self.n_singletons,
            references: self.references.clone(),
            sample,
        }
    }
}

impl Group {
    pub(crate) fn subset(&self, rows: &[usize]) -> Group {
        self.subset_with_levels(rows).0
    }

    /// The group, and the level in the whole of each of its levels.
    fn subset_with_levels(&self, rows: &[usize]) -> (Group, Vec<usize>) {
        let mut occurs = vec![false; self.levels];
        rows.iter().for_each(|row| occurs[self.codes[*row] as usize] = true);
        let old: Vec<usize> = (0..self.levels).filter(|level| occurs[*level]).collect();
        let mut new = vec![0_u32; self.levels];
        old.iter().enumerate().for_each(|(position, level)| new[*level] = position as u32);
        let codes = rows.iter().map(|row| new[self.codes[*row] as usize]).collect();
        (Group { name: self.name.clone(), codes, levels: old.len() }, old)
    }
}

impl CheckedVcov {
    fn subset(&self, rows: &[usize]) -> CheckedVcov {
        match self {
            CheckedVcov::OneWay(group) => CheckedVcov::OneWay(group.subset(rows)),
            CheckedVcov::TwoWay(groups) => {
                CheckedVcov::TwoWay(Box::new(groups.each_ref().map(|group| group.subset(rows))))
            }
            CheckedVcov::Cr2(group) => CheckedVcov::Cr2(group.subset(rows)),
            CheckedVcov::Cr3(group) => CheckedVcov::Cr3(group.subset(rows)),
            CheckedVcov::Hetero => CheckedVcov::Hetero,
            CheckedVcov::Hc2 => CheckedVcov::Hc2,
            CheckedVcov::Hc3 => CheckedVcov::Hc3,
            CheckedVcov::Iid => CheckedVcov::Iid,
            CheckedVcov::NeweyWest(series) => CheckedVcov::NeweyWest(series.subset(rows)),
            CheckedVcov::DriscollKraay(series) => CheckedVcov::DriscollKraay(series.subset(rows)),
            CheckedVcov::Conley(places) => {
                let (group, old) = places.group.subset_with_levels(rows);
                CheckedVcov::Conley(Box::new(Places {
                    group,
                    degrees: old.into_iter().map(|level| places.degrees[level]).collect(),
                    cutoff: places.cutoff,
                    kernel: places.kernel,
                    series: places.series.as_ref().map(|series| series.subset(rows)),
                    label: places.label.clone(),
                }))
            }
        }
    }
}

impl Series {
    fn subset(&self, rows: &[usize]) -> Series {
        let (periods, old) = self.periods.subset_with_levels(rows);
        let values = old.into_iter().map(|level| self.values[level]).collect();
        Series { units: self.units.subset(rows), periods, values, lags: self.lags }
    }
}
