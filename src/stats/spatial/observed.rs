//! A checked model as the observations of a spatial panel. Knows no weights.

use crate::design::{Data, Design};
use crate::error::StatsError;
use crate::spatial::error::SpatialError;
use crate::spatial::panel::{Effects, Observations};
use std::collections::BTreeMap;

/// The rows of a design, whose fixed effects are none, those of units, of periods, or both.
#[derive(Clone, Debug)]
pub struct Observed {
    pub effects: Effects,
    outcome_name: String,
    outcome: Vec<f64>,
    regressors: Vec<(String, Vec<f64>)>,
    units: Vec<String>,
    periods: Vec<f64>,
}

impl Observed {
    /// `unit` and `time` are the columns of the data that say which unit a row is about, and when.
    pub fn new(design: &Design, data: &Data, unit: &str, time: &str) -> Result<Observed, StatsError> {
        let names = design.absorbed_names();
        let effects = match names.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            [] => Effects::None,
            [one] if one == unit => Effects::Unit,
            [one] if one == time => Effects::Period,
            [one, other] if (one == unit && other == time) || (one == time && other == unit) => Effects::TwoWay,
            _ => return Err(SpatialError::OtherEffects { effects: names, unit: unit.into(), time: time.into() }.into()),
        };
        let (group, labels) = design.grouped(data, unit)?;
        let periods = design.in_sample(data, time)?.into_iter().enumerate();
        let periods = periods.map(|(row, period)| period.ok_or(row)).collect::<Result<Vec<f64>, usize>>();
        let periods = periods.map_err(|row| SpatialError::NoValue { column: time.to_string(), row: row + 1 })?;
        let regressors = design.regressors().into_iter().map(|(term, values)| (term.to_string(), values.to_vec()));
        Ok(Observed {
            effects,
            outcome_name: design.outcome_name.clone(),
            outcome: design.outcome().to_vec(),
            regressors: regressors.collect(),
            units: group.codes.iter().map(|code| labels[*code as usize].to_string()).collect(),
            periods,
        })
    }

    pub fn observations(&self) -> Observations<'_> {
        Observations {
            outcome_name: &self.outcome_name,
            outcome: &self.outcome,
            regressors: &self.regressors,
            units: &self.units,
            periods: &self.periods,
        }
    }

    /// Every unit once, in the order of their names.
    pub fn unit_names(&self) -> Vec<String> {
        self.by_unit().into_keys().cloned().collect()
    }

    /// The value of each unit, in the order of their names; it has to be the same in all rows of a unit.
    pub fn of_units(&self, column: &str, values: &[Option<f64>]) -> Result<Vec<f64>, SpatialError> {
        let value = |(unit, rows): (&String, Vec<usize>)| {
            let first =
                values[rows[0]].ok_or(SpatialError::NoValue { column: column.to_string(), row: rows[0] + 1 })?;
            match rows.iter().find(|row| values[**row] != Some(first)) {
                Some(_) => Err(SpatialError::NotOfUnit { column: column.to_string(), unit: unit.clone() }),
                None => Ok(first),
            }
        };
        self.by_unit().into_iter().map(value).collect()
    }

    fn by_unit(&self) -> BTreeMap<&String, Vec<usize>> {
        let mut rows: BTreeMap<&String, Vec<usize>> = BTreeMap::new();
        for (row, unit) in self.units.iter().enumerate() {
            rows.entry(unit).or_default().push(row);
        }
        rows
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::design::{Options, Vcov};
    use crate::formula;
    use crate::reference::Frame;

    const TABLE: &str = "y,x,unit,time,z\n1,2,b,1,5\n2,3,b,2,5\n3,5,a,1,7\n4,4,a,2,7\n";

    fn observed(formula: &str) -> Result<Observed, StatsError> {
        let frame = Frame::read(TABLE);
        let options = Options { vcov: Vcov::Iid, ..Options::default() };
        let design = Design::new(&formula::parse(formula).expect(formula), &frame.data(), &options)?;
        Observed::new(&design, &frame.data(), "unit", "time")
    }

    #[test]
    fn rows_keep_their_order_and_units_come_by_name() {
        let found = observed("y ~ x | unit + time").expect("observed");
        assert_eq!(found.effects, Effects::TwoWay);
        assert_eq!(found.unit_names(), ["a", "b"]);
        assert_eq!(found.observations().outcome, [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(found.of_units("z", &[5.0, 5.0, 7.0, 7.0].map(Some)), Ok(vec![7.0, 5.0]));
        assert!(found.of_units("x", &[2.0, 3.0, 5.0, 4.0].map(Some)).is_err());
        assert_eq!(observed("y ~ x").expect("observed").effects, Effects::None);
        let error = observed("y ~ x | z").expect_err("another effect");
        assert!(error.hint().is_some(), "{error}");
    }
}
