//! Who is near whom: the options by which a stage gives weights between units, and the weights. Knows no model.

use super::method::{Problem, SideTable};
use super::staggered;
use crate::convert;
use engine::diagnostic::Place;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::design::{Design, Options, Vcov};
use stats::error::StatsError;
use stats::spatial::observed::Observed;
use stats::spatial::weights::{Proximity, Standardisation, Weights};
use std::collections::BTreeMap;
use tables::columns::Table;

/// Options of every estimator that has weights between units.
pub struct Neighbours {
    unit: String,
    time: String,
    rule: Rule,
    standardisation: Standardisation,
}

#[derive(Debug)]
enum Rule {
    /// Columns of degrees, and how distance counts.
    Places { latitude: String, longitude: String, by: By },
    /// |zᵢ - zⱼ|⁻¹ of a column.
    Economic { column: String },
    /// A table of pairs.
    Pairs(Pairs),
}

#[derive(Clone, Copy, Debug)]
enum By {
    InverseDistance { power: u32, cutoff: Option<f64> },
    Nearest { count: usize },
    Band { cutoff: f64 },
}

/// Pairs with a weight are of the first unit's row; pairs without one count in both directions.
#[derive(Debug)]
struct Pairs {
    table: String,
    place: Place,
    from: String,
    to: String,
    weight: Option<String>,
}

/// The rows of a problem that a model uses.
pub struct Sample {
    pub design: Design,
    pub observed: Observed,
    pub known: Known,
}

/// Units of a sample with what a rule knows of them, from which weights of any part of them are made.
pub struct Known {
    units: Vec<String>,
    places: Vec<(f64, f64)>,
    values: Vec<f64>,
    entries: Vec<(usize, usize, Option<f64>)>,
    /// Pairs of the table that name a unit which is not in the sample.
    n_other_pairs: usize,
}

impl Neighbours {
    /// Reads `panel`, `standardise` and one of the rules.
    pub fn parse(own: &Fields, name: &str) -> Option<Neighbours> {
        let panel = own.texts("panel").unwrap_or_default();
        let pairs = own.fields("pairs", "`pairs`");
        let pairs = match pairs {
            Some(fields) => Some(parse_pairs(fields)?),
            None => None,
        };
        let (latitude, longitude) = (own.text("latitude"), own.text("longitude"));
        let economic = own.text("economic");
        let power = staggered::count(own, "power").unwrap_or(1) as u32;
        let (cutoff, nearest, band) = (own.float("cutoff"), staggered::count(own, "nearest"), own.float("band"));
        let standardisations = [("row", Standardisation::Row), ("spectral", Standardisation::Spectral)];
        let standardisation = own.choice("standardise", &standardisations).unwrap_or(Standardisation::Row);
        let [unit, time] = &panel[..] else {
            let message = format!("`{name}` needs `panel: [unit, period]`");
            own.complain(own.node("panel").unwrap_or(own.self_node()), message);
            return None;
        };
        let by_distance = nearest.is_none() && band.is_none() && economic.is_none() && pairs.is_none();
        if !by_distance && let Some(node) = own.node("power").or(own.node("cutoff")) {
            own.complain(node, "`power` and `cutoff` are options of inverse distances");
        }
        let rule = match (latitude, longitude, economic, pairs) {
            (Some(latitude), Some(longitude), None, None) => {
                let by = match (nearest, band) {
                    (None, None) => By::InverseDistance { power, cutoff },
                    (Some(count), None) => By::Nearest { count },
                    (None, Some(cutoff)) => By::Band { cutoff },
                    (Some(_), Some(_)) => {
                        own.complain(
                            own.node("band")?,
                            "give either `nearest`, a number of units, or `band`, a distance in km",
                        );
                        return None;
                    }
                };
                Rule::Places { latitude: latitude.value, longitude: longitude.value, by }
            }
            (None, None, Some(column), None) => Rule::Economic { column: column.value },
            (None, None, None, Some(pairs)) => Rule::Pairs(pairs),
            _ => {
                let message = format!(
                    "`{name}` needs to know who is near whom, in one way: `latitude` and `longitude`, columns of degrees; `economic`, a \
                     column of which near values make neighbours; or `pairs`, a table of them"
                );
                own.complain(own.self_node(), message);
                return None;
            }
        };
        if matches!(rule, Rule::Economic { .. } | Rule::Pairs(_))
            && let Some(node) = own.node("nearest").or(own.node("band"))
        {
            own.complain(node, "`nearest` and `band` are options of `latitude` and `longitude`");
            return None;
        }
        Some(Neighbours { unit: unit.value.clone(), time: time.value.clone(), rule, standardisation })
    }

    /// Columns of the stage's table.
    pub fn columns(&self) -> Vec<String> {
        let mut columns = vec![self.unit.clone(), self.time.clone()];
        match &self.rule {
            Rule::Places { latitude, longitude, by: _ } => columns.extend([latitude.clone(), longitude.clone()]),
            Rule::Economic { column } => columns.push(column.clone()),
            Rule::Pairs(_) => {}
        }
        columns
    }

    /// The table of pairs, where there is one.
    pub fn side_tables(&self) -> Vec<SideTable> {
        match &self.rule {
            Rule::Pairs(Pairs { table, place, from, to, weight }) => {
                let columns = [from, to].into_iter().chain(weight).cloned().collect();
                vec![SideTable { name: table.clone(), place: place.clone(), columns }]
            }
            Rule::Places { .. } | Rule::Economic { .. } => Vec::new(),
        }
    }

    pub fn describe(&self, manifest: &mut dyn Manifest) {
        let Neighbours { unit, time, rule, standardisation } = self;
        manifest.list("panel", &[unit.clone(), time.clone()]);
        match rule {
            Rule::Places { .. } | Rule::Economic { .. } => manifest.text("neighbours", &format!("{rule:?}")),
            Rule::Pairs(Pairs { table, place: _, from, to, weight }) => {
                manifest.text("pairs", table);
                manifest.list("pairs_columns", &[from.clone(), to.clone()]);
                manifest.maybe("pairs_weight", weight.as_deref());
            }
        }
        manifest.text("standardise", &format!("{standardisation:?}"));
    }

    /// The rows of a problem, by unit and period, and what the rule knows of the units.
    pub fn sample(&self, problem: &Problem) -> Result<Sample, StatsError> {
        let options = Options { vcov: Vcov::Iid, level: problem.common.level, ..Options::default() };
        let design = Design::new(problem.formula, problem.data, &options)?;
        let observed = Observed::new(&design, problem.data, &self.unit, &self.time)?;
        let known = self.known(&design, problem, &observed)?;
        Ok(Sample { design, observed, known })
    }

    fn known(&self, design: &Design, problem: &Problem, observed: &Observed) -> Result<Known, StatsError> {
        let of_units = |column: &str| -> Result<Vec<f64>, StatsError> {
            Ok(observed.of_units(column, &design.in_sample(problem.data, column)?)?)
        };
        let units = observed.unit_names();
        let mut known = Known { units, places: Vec::new(), values: Vec::new(), entries: Vec::new(), n_other_pairs: 0 };
        match &self.rule {
            Rule::Places { latitude, longitude, by: _ } => {
                known.places = of_units(latitude)?.into_iter().zip(of_units(longitude)?).collect();
            }
            Rule::Economic { column } => known.values = of_units(column)?,
            Rule::Pairs(pairs) => {
                let table = &problem.side_tables[&pairs.table];
                pairs.read(table, &mut known)?;
            }
        }
        Ok(known)
    }

    /// Weights between some of the known units, given by their positions in ascending order.
    pub fn weights(&self, known: &Known, of: &[usize]) -> Result<Weights, StatsError> {
        let units: Vec<String> = of.iter().map(|unit| known.units[*unit].clone()).collect();
        let new = |proximity: &Proximity| Ok(Weights::new(&units, proximity, self.standardisation)?);
        match &self.rule {
            Rule::Places { by, .. } => {
                let places: Vec<(f64, f64)> = of.iter().map(|unit| known.places[*unit]).collect();
                let places = places.as_slice();
                new(&match *by {
                    By::InverseDistance { power, cutoff } => Proximity::InverseDistance { places, power, cutoff },
                    By::Nearest { count } => Proximity::Nearest { places, count },
                    By::Band { cutoff } => Proximity::Band { places, cutoff },
                })
            }
            Rule::Economic { .. } => {
                let values: Vec<f64> = of.iter().map(|unit| known.values[*unit]).collect();
                new(&Proximity::Economic { values: &values })
            }
            Rule::Pairs(pairs) => {
                let position = |unit: usize| of.binary_search(&unit).ok();
                let entries = known.entries.iter();
                let here = entries.filter_map(|(from, to, weight)| Some((position(*from)?, position(*to)?, *weight)));
                if pairs.weight.is_some() {
                    let entries: Vec<_> = here.filter_map(|(from, to, weight)| Some((from, to, weight?))).collect();
                    new(&Proximity::Given { entries: &entries })
                } else {
                    let pairs: Vec<_> = here.map(|(from, to, _)| (from, to)).collect();
                    new(&Proximity::Contiguity { pairs: &pairs })
                }
            }
        }
    }
}

impl Known {
    pub fn units(&self) -> &[String] {
        &self.units
    }

    /// Positions of all units.
    pub fn all(&self) -> Vec<usize> {
        (0..self.units.len()).collect()
    }

    /// What is to be said of pairs that were not used.
    pub fn warnings(&self) -> Vec<String> {
        match self.n_other_pairs {
            0 => Vec::new(),
            count => vec![format!("{count} pairs of the table of neighbours name a unit that is not in the sample")],
        }
    }
}

fn parse_pairs(fields: Fields) -> Option<Pairs> {
    let (table, from, to) = (fields.required_text("table"), fields.required_text("from"), fields.required_text("to"));
    let weight = fields.text("weight").map(|weight| weight.value);
    fields.finish();
    let table = table?;
    Some(Pairs { table: table.value, place: table.place, from: from?.value, to: to?.value, weight })
}

impl Pairs {
    fn read(&self, table: &Table, known: &mut Known) -> Result<(), StatsError> {
        let values = |name: &String| {
            let column = table.columns.iter().find(|column| column.name == *name);
            &column.expect("the stage reads the columns of the pairs").values
        };
        let weights = match &self.weight {
            None => None,
            Some(weight) => {
                let numbers = convert::numbers(values(weight));
                Some(numbers.ok_or_else(|| StatsError::NotNumber { column: weight.clone(), role: "a weight" })?)
            }
        };
        let positions: BTreeMap<&str, usize> =
            known.units.iter().enumerate().map(|(position, unit)| (unit.as_str(), position)).collect();
        let ends = [&self.from, &self.to].map(|name| {
            let groups = convert::groups(values(name));
            let labels: Vec<Option<usize>> =
                groups.labels.iter().map(|label| positions.get(label.as_str()).copied()).collect();
            groups.codes.into_iter().map(|code| labels[code?]).collect::<Vec<Option<usize>>>()
        });
        for row in 0..table.rows() {
            let weight = weights.as_ref().map(|weights| weights[row]);
            match (ends[0][row], ends[1][row], weight) {
                (Some(from), Some(to), None) => known.entries.push((from, to, None)),
                (Some(from), Some(to), Some(Some(weight))) => known.entries.push((from, to, Some(weight))),
                // A pair without its weight is not a pair of weight 0.
                (Some(from), Some(to), Some(None)) => {
                    let (first, second) = (known.units[from].clone(), known.units[to].clone());
                    return Err(stats::spatial::error::SpatialError::Weight { first, second, value: f64::NAN }.into());
                }
                _ => known.n_other_pairs += 1,
            }
        }
        Ok(())
    }
}
