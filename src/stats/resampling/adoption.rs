//! Which units adopt a treatment, and when: what placebos move around. Knows no estimate.

use crate::design::{Data, Design, Group};
use crate::error::StatsError;
use crate::formula::Level;
use crate::resampling::error::ResamplingError;

/// The rows of a sample by unit and period, and the treatment as one date per unit.
pub(super) struct Adoption {
    pub(super) units: Group,
    pub(super) times: Group,
    /// Ascending, one per level of `times`.
    pub(super) periods: Vec<f64>,
    /// Per unit the first treated of `periods`, or their number where the unit is never treated.
    pub(super) first: Vec<usize>,
}

impl Adoption {
    /// The regressor `term` is 1 from a first period of the unit on, and 0 before.
    pub(super) fn new(
        design: &Design,
        data: &Data,
        term: &str,
        unit: &str,
        time: &str,
    ) -> Result<Adoption, StatsError> {
        let Some(regressor) = design.regressors.iter().find(|regressor| regressor.term == term) else {
            let known = design.regressors.iter().map(|regressor| regressor.term.clone()).collect();
            return Err(ResamplingError::UnknownTerm { term: term.to_string(), known }.into());
        };
        let (units, labels) = design.grouped(data, unit)?;
        let (times, periods) = design.grouped(data, time)?;
        let number = |level: Level| match level {
            Level::Number(number) => Ok(number),
            Level::Text(_) => Err(StatsError::NotNumber { column: time.to_string(), role: "a period" }),
        };
        let periods: Vec<f64> = periods.into_iter().map(number).collect::<Result<_, _>>()?;
        let mut first = vec![periods.len(); units.levels];
        let rows = || units.codes.iter().zip(&times.codes).zip(&regressor.values).enumerate();
        for (_, ((unit, time), value)) in rows() {
            if *value != 0.0 {
                let first = &mut first[*unit as usize];
                *first = (*first).min(*time as usize);
            }
        }
        for (row, ((unit, time), value)) in rows() {
            let expected = f64::from(u8::from(*time as usize >= first[*unit as usize]));
            if *value != expected {
                return Err(ResamplingError::NotAdoption {
                    term: term.to_string(),
                    unit: labels[*unit as usize].to_string(),
                    period: periods[*time as usize],
                    value: *value,
                    row: design.row_of(row) + 1,
                }
                .into());
            }
        }
        if first.iter().all(|period| *period == first[0]) {
            return Err(ResamplingError::OneDate { term: term.to_string() }.into());
        }
        Ok(Adoption { units, times, periods, first })
    }

    /// The treatment of every row under other dates.
    pub(super) fn treatment(&self, first: &[usize]) -> Vec<f64> {
        let rows = self.units.codes.iter().zip(&self.times.codes);
        rows.map(|(unit, time)| f64::from(u8::from(*time as usize >= first[*unit as usize]))).collect()
    }

    /// Whether every unit has one row in every period.
    pub(super) fn balanced(&self) -> bool {
        let n_periods = self.periods.len();
        let mut seen = vec![false; self.units.levels * n_periods];
        let rows = self.units.codes.iter().zip(&self.times.codes);
        self.units.codes.len() == seen.len()
            && rows
                .into_iter()
                .all(|(unit, time)| !std::mem::replace(&mut seen[*unit as usize * n_periods + *time as usize], true))
    }
}
