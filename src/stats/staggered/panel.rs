//! The checked input of every staggered estimator: rows by unit and period, each unit with its first treated period.
//! Knows columns, no estimator.
//!
//! A unit is treated from its first treated period on; its cohort is that period. A first period that is missing, or after
//! the last period of the data, is never treated here; so is 0 where all periods are positive, as R packages have it. A
//! cohort whose first period is not after the first period of the data is always treated: nothing is known of it without
//! the treatment. Where the first treated period itself is not among the periods, the next one counts.

use crate::design::{self, CheckedVcov, ColumnData, Data, Design, DropReason, Options, SmallSample, Vcov};
use crate::error::StatsError;
use crate::formula::Formula;
use crate::staggered::error::StaggeredError;
use std::collections::BTreeMap;
use std::ops::Range;

/// How units are told apart and when they are treated.
#[derive(Clone, Debug, PartialEq)]
pub struct PanelOptions {
    pub treatment: Treatment,
    /// Column of weights: a row counts as much as its weight. A weight of 0 leaves the row out.
    pub weights: Option<String>,
    /// Column to cluster by, constant within units; the unit where there is none.
    pub cluster: Option<String>,
    /// Level of the confidence intervals, such as 0.95.
    pub level: f64,
}

/// The column that tells who is treated when.
#[derive(Clone, Debug, PartialEq)]
pub enum Treatment {
    /// The first treated period of the unit; missing where it is never treated.
    FirstPeriod(String),
    /// 1 where a row is treated, 0 where it is not.
    Status(String),
}

/// Rows that an estimator does not use, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct DroppedRows {
    pub reason: String,
    /// Positions in the data.
    pub rows: Vec<usize>,
}

/// Checked rows, sorted by unit and period.
#[derive(Clone, Debug)]
pub struct Panel {
    pub(crate) outcome_name: String,
    pub(crate) cluster_name: String,
    pub(crate) weights_name: Option<String>,
    pub(crate) units: Vec<Unit>,
    /// Ascending.
    pub(crate) periods: Vec<f64>,
    /// By first period.
    pub(crate) cohorts: Vec<Cohort>,
    /// One per row, an index into `units`.
    pub(crate) unit: Vec<u32>,
    /// One per row, an index into `periods`.
    pub(crate) period: Vec<u32>,
    pub(crate) outcome: Vec<f64>,
    pub(crate) covariates: Vec<Covariate>,
    pub(crate) weights: Option<Vec<f64>>,
    /// Position in the data of each row.
    pub(crate) origin: Vec<usize>,
    pub(crate) n_clusters: usize,
    pub(crate) level: f64,
    pub(crate) dropped_rows: Vec<DroppedRows>,
    pub(crate) dropped_terms: Vec<(String, String)>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Unit {
    pub(crate) label: String,
    pub(crate) rows: Range<usize>,
    /// An index into the cohorts; `None` if never treated.
    pub(crate) cohort: Option<u32>,
    pub(crate) cluster: u32,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Cohort {
    /// The first treated period.
    pub(crate) first: f64,
    /// The first of the periods that is treated.
    pub(crate) index: usize,
    pub(crate) n_units: usize,
}

#[derive(Clone, Debug)]
pub(crate) struct Covariate {
    pub(crate) term: String,
    pub(crate) values: Vec<f64>,
}

impl Panel {
    /// `formula` is `y ~ treatment + x | unit + period`, where the treatment, which is no covariate, may be left out; the
    /// error names the column, the unit or the period.
    pub fn new(formula: &Formula, data: &Data, options: &PanelOptions) -> Result<Panel, StatsError> {
        let formula = &without_treatment(formula, &options.treatment)?;
        let names: Vec<String> = formula.effects.iter().map(|effect| effect.columns.join("^")).collect();
        let (unit_name, period_name) = match formula.effects.as_slice() {
            [unit, period] if unit.columns.len() == 1 && period.columns.len() == 1 => (&names[0], &names[1]),
            _ => return Err(StaggeredError::Effects { effects: names }.into()),
        };
        let cluster_name = options.cluster.clone().unwrap_or_else(|| unit_name.clone());
        let design = Design::new(
            formula,
            data,
            &Options {
                vcov: Vcov::Cluster(vec![cluster_name.clone()]),
                weights: options.weights.clone(),
                small_sample: SmallSample::Fixest,
                level: options.level,
                drop_singletons: false,
                panel: Some(design::Panel { unit: unit_name.clone(), time: period_name.clone() }),
            },
        )?;
        let ColumnData::Float(period_values) = data.columns[period_name] else {
            return Err(StaggeredError::TextPeriod { column: period_name.clone() }.into());
        };
        let mut dropped: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (row, reason) in design.dropped_rows() {
            dropped.entry(reason.to_string()).or_default().push(row);
        }
        let treatment = treatment_column(data, &options.treatment)?;
        let CheckedVcov::OneWay(clusters) = &design.vcov else { unreachable!("one column to cluster by") };

        // Position in the sample of the design, position in the data.
        let mut rows: Vec<(usize, usize)> = design.rows().into_iter().enumerate().collect();
        if let Treatment::Status(column) = &options.treatment {
            let reason = DropReason::Missing { column: column.clone() }.to_string();
            let missing = rows.extract_if(.., |(_, row)| treatment[*row].is_none()).map(|(_, row)| row);
            let missing: Vec<usize> = missing.collect();
            if !missing.is_empty() {
                dropped.entry(reason).or_default().extend(missing);
            }
        }
        if rows.is_empty() {
            let reasons = dropped.into_iter().map(|(reason, rows)| (reason, rows.len())).collect();
            return Err(StatsError::NoRows { rows: data.rows, reasons });
        }
        let [unit_group, period_group] = &design.effects[..] else { unreachable!("two effects") };
        rows.sort_by_key(|(position, _)| (unit_group.codes[*position], period_group.codes[*position]));

        let mut panel = Panel {
            outcome_name: design.outcome_name.clone(),
            cluster_name,
            weights_name: options.weights.clone(),
            units: Vec::new(),
            periods: Vec::new(),
            cohorts: Vec::new(),
            unit: rows.iter().map(|(position, _)| unit_group.codes[*position]).collect(),
            period: rows.iter().map(|(position, _)| period_group.codes[*position]).collect(),
            outcome: rows.iter().map(|(position, _)| design.outcome[*position]).collect(),
            covariates: design
                .regressors
                .iter()
                .map(|regressor| Covariate {
                    term: regressor.term.clone(),
                    values: rows.iter().map(|(position, _)| regressor.values[*position]).collect(),
                })
                .collect(),
            weights: design
                .weights
                .as_ref()
                .map(|weights| rows.iter().map(|(position, _)| weights[*position]).collect()),
            origin: rows.iter().map(|(_, row)| *row).collect(),
            n_clusters: clusters.levels,
            level: options.level,
            dropped_rows: dropped.into_iter().map(|(reason, rows)| DroppedRows { reason, rows }).collect(),
            dropped_terms: design.dropped_terms.clone(),
        };
        panel.periods = {
            let mut periods = vec![0.0; period_group.levels];
            for (position, row) in &rows {
                periods[period_group.codes[*position] as usize] = period_values[*row].unwrap_or_default();
            }
            periods
        };
        panel.close_periods();
        panel.read_units(&data.columns[unit_name], &rows, &clusters.codes)?;
        panel.check_pairs()?;
        if let [period] = panel.periods[..] {
            return Err(StaggeredError::OnePeriod { period }.into());
        }
        let first_periods = panel.first_periods(treatment, &options.treatment)?;
        panel.set_cohorts(&first_periods);
        if panel.cohorts.is_empty() {
            let (first, last) = panel.span();
            return Err(StaggeredError::NoTreated { first, last }.into());
        }
        if panel.outcome.iter().all(|value| *value == panel.outcome[0]) {
            return Err(StatsError::ConstantOutcome { column: panel.outcome_name, value: panel.outcome[0] });
        }
        Ok(panel)
    }

    pub fn n_obs(&self) -> usize {
        self.outcome.len()
    }

    /// Rows of the data that are not in the panel, by reason.
    pub fn dropped_rows(&self) -> &[DroppedRows] {
        &self.dropped_rows
    }

    pub fn n_units(&self) -> usize {
        self.units.len()
    }

    /// Whether every unit has a row in every period.
    pub fn balanced(&self) -> bool {
        self.outcome.len() == self.units.len() * self.periods.len()
    }

    /// Units with a period without a row between two periods with one.
    pub fn units_with_gaps(&self) -> Vec<&str> {
        let has_gap = |unit: &&Unit| {
            let periods = &self.period[unit.rows.clone()];
            (periods[periods.len() - 1] - periods[0]) as usize + 1 != periods.len()
        };
        self.units.iter().filter(has_gap).map(|unit| unit.label.as_str()).collect()
    }

    /// The first and the last period.
    pub(crate) fn span(&self) -> (f64, f64) {
        (self.periods[0], self.periods[self.periods.len() - 1])
    }

    pub(crate) fn weight(&self, row: usize) -> f64 {
        self.weights.as_ref().map_or(1.0, |weights| weights[row])
    }

    pub(crate) fn cohort_of(&self, row: usize) -> Option<&Cohort> {
        self.units[self.unit[row] as usize].cohort.map(|cohort| &self.cohorts[cohort as usize])
    }

    pub(crate) fn treated(&self, row: usize) -> bool {
        self.cohort_of(row).is_some_and(|cohort| self.period[row] as usize >= cohort.index)
    }

    /// The time since the first treated period; `None` for a unit that is never treated.
    pub(crate) fn event_time(&self, row: usize) -> Option<f64> {
        self.cohort_of(row).map(|cohort| self.periods[self.period[row] as usize] - cohort.first)
    }

    pub(crate) fn is_always_treated(&self, unit: &Unit) -> bool {
        unit.cohort.is_some_and(|cohort| self.cohorts[cohort as usize].index == 0)
    }

    pub(crate) fn n_never_treated(&self) -> usize {
        self.units.iter().filter(|unit| unit.cohort.is_none()).count()
    }

    /// The row of a unit in a period.
    pub(crate) fn row(&self, unit: &Unit, period: usize) -> Option<usize> {
        let found = self.period[unit.rows.clone()].binary_search(&(period as u32)).ok()?;
        Some(unit.rows.start + found)
    }

    /// The panel without the rows that are not wanted, which are listed under `reason`.
    pub(crate) fn keeping(self, reason: &str, wanted: impl Fn(&Panel, usize) -> bool) -> Result<Panel, StatsError> {
        let keep: Vec<bool> = (0..self.n_obs()).map(|row| wanted(&self, row)).collect();
        if keep.iter().all(|keep| *keep) {
            return Ok(self);
        }
        let mut left_out = Vec::new();
        let mut kept = Vec::new();
        keep.iter().enumerate().for_each(|(row, keep)| if *keep { kept.push(row) } else { left_out.push(row) });
        let mut dropped_rows = self.dropped_rows.clone();
        let mut rows: Vec<usize> = left_out.iter().map(|row| self.origin[*row]).collect();
        rows.sort_unstable();
        dropped_rows.push(DroppedRows { reason: reason.to_string(), rows });
        if kept.is_empty() {
            let reasons = dropped_rows.iter().map(|dropped| (dropped.reason.clone(), dropped.rows.len())).collect();
            return Err(StatsError::NoRows { rows: keep.len(), reasons });
        }
        let take = |values: &[f64]| kept.iter().map(|row| values[*row]).collect::<Vec<f64>>();
        let mut panel = Panel {
            unit: kept.iter().map(|row| self.unit[*row]).collect(),
            period: kept.iter().map(|row| self.period[*row]).collect(),
            outcome: take(&self.outcome),
            covariates: self
                .covariates
                .iter()
                .map(|covariate| Covariate { term: covariate.term.clone(), values: take(&covariate.values) })
                .collect(),
            weights: self.weights.as_deref().map(take),
            origin: kept.iter().map(|row| self.origin[*row]).collect(),
            dropped_rows,
            ..self
        };
        let first_periods: Vec<Option<f64>> =
            panel.units.iter().map(|unit| unit.cohort.map(|cohort| panel.cohorts[cohort as usize].first)).collect();
        panel.close_periods();
        let first_periods = panel.close_units(first_periods);
        panel.set_cohorts(&first_periods);
        panel.close_clusters()?;
        Ok(panel)
    }

    /// The panel without units that are treated in the first period.
    pub(crate) fn without_always_treated(self) -> Result<Panel, StatsError> {
        let (first, last) = self.span();
        let reason = format!("treated in the first period {first} or before");
        let panel =
            self.keeping(&reason, |panel, row| !panel.is_always_treated(&panel.units[panel.unit[row] as usize]));
        match panel {
            Ok(panel) if panel.cohorts.is_empty() => Err(StaggeredError::OnlyAlwaysTreated { first }.into()),
            Err(StatsError::NoRows { .. }) => Err(StaggeredError::OnlyAlwaysTreated { first }.into()),
            Ok(panel) if panel.periods.len() < 2 => Err(StaggeredError::NoTreated { first, last }.into()),
            other => other,
        }
    }

    /// The panel with a comparison to the end: without never treated units, the cohort treated last takes their place in
    /// the periods before its treatment, and is told.
    pub(crate) fn with_comparison(self, anticipation: f64) -> Result<(Panel, Option<f64>), StatsError> {
        if self.n_never_treated() > 0 {
            return Ok((self, None));
        }
        let last = self.cohorts[self.cohorts.len() - 1].clone();
        let (first_period, _) = self.span();
        let reason = format!("no comparison from {} on, when the last unit is treated", last.first);
        let panel =
            self.keeping(&reason, |panel, row| panel.periods[panel.period[row] as usize] + anticipation < last.first)?;
        if panel.cohorts.is_empty() {
            let reasons = vec![format!("all units are treated from {} on, none is later or never", last.first)];
            return Err(StaggeredError::NoComparison { reasons }.into());
        }
        match panel.periods[..] {
            [_] => Err(StaggeredError::OnePeriod { period: first_period }.into()),
            _ => Ok((panel, Some(last.first))),
        }
    }

    /// An error that names a row that is missing.
    pub(crate) fn require_balance(&self) -> Result<(), StatsError> {
        let n_periods = self.periods.len();
        let lacks = |unit: &&Unit| unit.rows.len() < n_periods;
        let Some(unit) = self.units.iter().find(lacks) else { return Ok(()) };
        let missing = (0..n_periods).find(|period| self.row(unit, *period).is_none());
        Err(StaggeredError::Unbalanced {
            unit: unit.label.clone(),
            period: missing.map_or(f64::NAN, |period| self.periods[period]),
            count: self.units.iter().filter(lacks).count(),
        }
        .into())
    }

    /// An error that names a covariate which is constant but in treated rows: a regression that has it before its effects
    /// would give one of them to the covariate, and the others less that.
    pub(crate) fn require_identified_covariates(&self) -> Result<(), StatsError> {
        let Some(untreated) = (0..self.n_obs()).find(|row| !self.treated(*row)) else { return Ok(()) };
        let differs = |covariate: &Covariate, row: usize| covariate.values[row] != covariate.values[untreated];
        let is_confounded = |covariate: &&Covariate| {
            let mut differing = (0..self.n_obs()).filter(|row| differs(covariate, *row)).peekable();
            differing.peek().is_some() && differing.all(|row| self.treated(row))
        };
        match self.covariates.iter().find(is_confounded) {
            Some(covariate) => Err(StaggeredError::UnidentifiedCovariate { covariate: covariate.term.clone() }.into()),
            None => Ok(()),
        }
    }

    /// The units with a row in every period.
    pub fn balanced_part(self) -> Result<Panel, StatsError> {
        let periods = self.periods.len();
        let (first, last) = self.span();
        let reason = "no row of the unit in some period";
        let panel = self.keeping(reason, |panel, row| panel.units[panel.unit[row] as usize].rows.len() == periods);
        match panel {
            Err(StatsError::NoRows { .. }) => Err(StaggeredError::NoBalancedUnit { periods }.into()),
            Ok(panel) if panel.cohorts.is_empty() => Err(StaggeredError::NoTreated { first, last }.into()),
            other => other,
        }
    }

    /// The panel without cohorts that have no row before their treatment.
    pub(crate) fn without_cohorts_seen_too_late(self) -> Result<Panel, StatsError> {
        let mut seen = vec![false; self.cohorts.len()];
        for (unit, cohort) in self.units.iter().filter_map(|unit| Some((unit, unit.cohort?))) {
            seen[cohort as usize] |= unit.rows.clone().any(|row| !self.treated(row));
        }
        let (first, _) = self.span();
        let panel = self.keeping("no row of the cohort before its treatment", |panel, row| {
            panel.units[panel.unit[row] as usize].cohort.is_none_or(|cohort| seen[cohort as usize])
        })?;
        if panel.cohorts.is_empty() {
            return Err(StaggeredError::OnlyAlwaysTreated { first }.into());
        }
        Ok(panel)
    }

    /// Cohorts with so few units that their variance is hardly known: fewer than 5 and one more for each covariate, the
    /// rule of R's `did`.
    pub(crate) fn small_cohorts(&self) -> Vec<String> {
        let enough = 5 + self.covariates.len();
        let small = self.cohorts.iter().filter(|cohort| cohort.n_units < enough);
        let listed: Vec<String> = small.map(|cohort| format!("{}: {}", cohort.first, cohort.n_units)).collect();
        if listed.is_empty() {
            return Vec::new();
        }
        vec![format!("cohorts with few units, whose standard errors are hardly reliable: {}", listed.join(", "))]
    }

    fn read_units(&mut self, labels: &ColumnData, rows: &[(usize, usize)], clusters: &[u32]) -> Result<(), StatsError> {
        let label = |row: usize| match labels {
            ColumnData::Text(values) => values[row].clone().unwrap_or_default(),
            ColumnData::Float(values) => values[row].map(|value| value.to_string()).unwrap_or_default(),
        };
        for unit in self.unit.chunk_by_mut(|left, right| left == right) {
            let start = self.units.last().map_or(0, |unit| unit.rows.end);
            let range = start..start + unit.len();
            unit.fill(self.units.len() as u32);
            let cluster = clusters[rows[start].0];
            let label = label(rows[start].1);
            if rows[range.clone()].iter().any(|(position, _)| clusters[*position] != cluster) {
                return Err(StaggeredError::ClusterChanges { unit: label, cluster: self.cluster_name.clone() }.into());
            }
            self.units.push(Unit { label, rows: range, cohort: None, cluster });
        }
        self.close_clusters()
    }

    fn check_pairs(&self) -> Result<(), StatsError> {
        let mut first = None;
        let mut count = 0;
        for unit in &self.units {
            for pair in self.period[unit.rows.clone()].chunk_by(|left, right| left == right) {
                if pair.len() > 1 {
                    count += 1;
                    first.get_or_insert((unit.label.clone(), self.periods[pair[0] as usize], pair.len()));
                }
            }
        }
        match first {
            Some((unit, period, rows)) => Err(StaggeredError::Duplicate { unit, period, rows, count }.into()),
            None => Ok(()),
        }
    }

    /// One per unit; `None` if never treated.
    fn first_periods(&self, treatment: &[Option<f64>], options: &Treatment) -> Result<Vec<Option<f64>>, StatsError> {
        match options {
            Treatment::FirstPeriod(column) => {
                let zero_is_never = self.periods[0] > 0.0;
                let read = |row: usize| treatment[self.origin[row]].filter(|first| !(zero_is_never && *first == 0.0));
                let first_period = |unit: &Unit| {
                    let first = read(unit.rows.start);
                    match unit.rows.clone().find(|row| read(*row) != first) {
                        None => Ok(first),
                        Some(other) => Err(StaggeredError::CohortChanges {
                            column: column.clone(),
                            unit: unit.label.clone(),
                            before: self.periods[self.period[unit.rows.start] as usize],
                            after: self.periods[self.period[other] as usize],
                            first,
                            second: read(other),
                        }),
                    }
                };
                Ok(self.units.iter().map(first_period).collect::<Result<_, _>>()?)
            }
            Treatment::Status(column) => self.switches(column, treatment),
        }
    }

    fn switches(&self, column: &str, treatment: &[Option<f64>]) -> Result<Vec<Option<f64>>, StatsError> {
        let mut first_periods = Vec::with_capacity(self.units.len());
        let mut switching_off: Option<(String, f64, f64)> = None;
        let mut count = 0;
        for unit in &self.units {
            let mut on = None;
            let mut goes_off = false;
            for row in unit.rows.clone() {
                let period = self.periods[self.period[row] as usize];
                let value = treatment[self.origin[row]].unwrap_or_default();
                match (value, on) {
                    (1.0, None) => on = Some(period),
                    (0.0, Some(on)) => {
                        switching_off.get_or_insert((unit.label.clone(), on, period));
                        goes_off = true;
                    }
                    (0.0, None) | (1.0, Some(_)) => {}
                    _ => {
                        let (column, unit) = (column.to_string(), unit.label.clone());
                        return Err(StaggeredError::NotBinary { column, unit, period, value }.into());
                    }
                }
            }
            count += usize::from(goes_off);
            first_periods.push(on);
        }
        match switching_off {
            Some((unit, on, off)) => {
                Err(StaggeredError::SwitchesOff { column: column.to_string(), unit, on, off, count }.into())
            }
            None => Ok(first_periods),
        }
    }

    /// Cohorts of units whose first treated period is not after the last period.
    fn set_cohorts(&mut self, first_periods: &[Option<f64>]) {
        let (_, last) = self.span();
        let mut firsts: Vec<f64> = first_periods.iter().flatten().copied().filter(|first| *first <= last).collect();
        firsts.sort_by(f64::total_cmp);
        let mut counts: Vec<(f64, usize)> = Vec::new();
        for first in firsts {
            match counts.last_mut() {
                Some((known, count)) if *known == first => *count += 1,
                _ => counts.push((first, 1)),
            }
        }
        for (unit, first) in self.units.iter_mut().zip(first_periods) {
            let found = first.and_then(|first| {
                let position = counts.partition_point(|(known, _)| *known < first);
                counts.get(position).filter(|(known, _)| *known == first).map(|_| position as u32)
            });
            unit.cohort = found;
        }
        let index = |first: f64| self.periods.partition_point(|period| *period < first);
        self.cohorts =
            counts.into_iter().map(|(first, n_units)| Cohort { first, index: index(first), n_units }).collect();
    }

    /// Leaves out periods without a row.
    fn close_periods(&mut self) {
        let mut occurs = vec![false; self.periods.len()];
        self.period.iter().for_each(|period| occurs[*period as usize] = true);
        let codes = new_codes(&occurs);
        self.period.iter_mut().for_each(|period| *period = codes[*period as usize]);
        let mut occurs = occurs.into_iter();
        self.periods.retain(|_| occurs.next() == Some(true));
    }

    /// Leaves out units without a row; returns what is left of `first_periods`.
    fn close_units(&mut self, first_periods: Vec<Option<f64>>) -> Vec<Option<f64>> {
        let mut occurs = vec![false; self.units.len()];
        self.unit.iter().for_each(|unit| occurs[*unit as usize] = true);
        let codes = new_codes(&occurs);
        self.unit.iter_mut().for_each(|unit| *unit = codes[*unit as usize]);
        let mut left = occurs.iter();
        self.units.retain(|_| left.next() == Some(&true));
        let mut start = 0;
        for (unit, rows) in self.units.iter_mut().zip(self.unit.chunk_by(|left, right| left == right)) {
            unit.rows = start..start + rows.len();
            start += rows.len();
        }
        first_periods.into_iter().zip(occurs).filter(|(_, occurs)| *occurs).map(|(first, _)| first).collect()
    }

    /// Leaves out clusters without a unit. One cluster says nothing about their variance.
    fn close_clusters(&mut self) -> Result<(), StatsError> {
        let mut occurs = vec![false; self.n_clusters];
        self.units.iter().for_each(|unit| occurs[unit.cluster as usize] = true);
        let codes = new_codes(&occurs);
        self.units.iter_mut().for_each(|unit| unit.cluster = codes[unit.cluster as usize]);
        self.n_clusters = occurs.iter().filter(|occurs| **occurs).count();
        if self.n_clusters < 2 {
            return Err(StatsError::OneCluster { column: self.cluster_name.clone() });
        }
        Ok(())
    }
}

/// Missing first periods leave no row out, hence the treatment must not be among the regressors of the design.
fn without_treatment(formula: &Formula, treatment: &Treatment) -> Result<Formula, StatsError> {
    let (Treatment::FirstPeriod(column) | Treatment::Status(column)) = treatment;
    let mut formula = formula.clone();
    formula.terms.retain(|term| term.variables.len() != 1 || term.variables[0].columns() != [column]);
    match formula
        .terms
        .iter()
        .find(|term| term.variables.iter().any(|variable| variable.columns().contains(&column.as_str())))
    {
        Some(term) => Err(StaggeredError::TreatmentInteracted { term: term.to_string() }.into()),
        None => Ok(formula),
    }
}

fn treatment_column<'a>(data: &Data<'a>, treatment: &Treatment) -> Result<&'a [Option<f64>], StatsError> {
    let (Treatment::FirstPeriod(column) | Treatment::Status(column)) = treatment;
    let Some(found) = data.columns.get(column) else {
        let known = data.columns.keys().cloned().collect();
        return Err(StatsError::UnknownColumn { column: column.clone(), known });
    };
    let ColumnData::Float(values) = *found else {
        return Err(StaggeredError::TextTreatment { column: column.clone() }.into());
    };
    if values.len() != data.rows {
        return Err(StatsError::ColumnLength { column: column.clone(), found: values.len(), rows: data.rows });
    }
    let mut wrong =
        values.iter().enumerate().filter_map(|(row, value)| Some((row, value.filter(|value| !value.is_finite())?)));
    match wrong.next() {
        None => Ok(values),
        Some((row, value)) => {
            let count = 1 + wrong.count();
            Err(StatsError::NotFinite { column: column.clone(), value, row: row + 1, count })
        }
    }
}

/// Consecutive codes for what occurs.
fn new_codes(occurs: &[bool]) -> Vec<u32> {
    let mut next = 0;
    let mut code = |occurs: &bool| {
        let code = next;
        next += u32::from(*occurs);
        code
    };
    occurs.iter().map(&mut code).collect()
}

#[cfg(test)]
mod tests;
