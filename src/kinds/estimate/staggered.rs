//! What the estimators of staggered treatment share as methods of a stage: the column that tells who is treated when, the
//! checked rows, and their estimates as those of a model.

use super::honest_did::{self, HonestDid};
use super::method::{Estimate, Estimated, Method, OwnTable, Problem, Request, Statistics, Test};
use engine::diagnostic::Diagnostic;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use engine::yaml::{Node, Value};
use stats::error::StatsError;
use stats::staggered::callaway_santanna::Comparison;
use stats::staggered::panel::{DroppedRows, Panel, PanelOptions, Treatment};
use stats::staggered::{Effect, Estimates, Place};
use std::collections::BTreeSet;

/// One of them with the options that are its own.
pub trait Staggered: Send + Sync + Sized + 'static {
    const NAME: &'static str;
    /// Raised when its results change.
    const VERSION: u32;
    /// Whether something may stand under its name in a stage.
    const HAS_OPTIONS: bool;
    const OWN_TABLES: &'static [OwnTable] = &[];
    /// `own` reads what stands under its name in the stage, if something does.
    fn parse(own: Option<&Fields>) -> Option<Self>;
    fn describe(&self, manifest: &mut dyn Manifest);
    fn draws(&self) -> bool {
        false
    }
    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError>;
}

/// Reads an estimator's options; the second are those under its name.
pub type Parse = fn(&Request, Option<&Fields>) -> Option<Box<dyn Method>>;

/// How a stage finds one of them.
pub struct Entry {
    pub name: &'static str,
    pub has_options: bool,
    pub parse: Parse,
}

pub const fn entry<Own: Staggered>() -> Entry {
    Entry { name: Own::NAME, has_options: Own::HAS_OPTIONS, parse: parse::<Own> }
}

struct OnPanel<Own> {
    design: Design,
    own: Own,
    honest: Option<HonestDid>,
}

fn parse<Own: Staggered>(request: &Request, own: Option<&Fields>) -> Option<Box<dyn Method>> {
    let (design, own) = (Design::parse(request), Own::parse(own));
    let honest = honest_did::parse(&request.spec.fields);
    Some(Box::new(OnPanel { design: design?, own: own?, honest: honest? }))
}

impl<Own: Staggered> Method for OnPanel<Own> {
    fn name(&self) -> &'static str {
        Own::NAME
    }

    fn version(&self) -> u32 {
        Own::VERSION
    }

    fn columns(&self) -> Vec<String> {
        self.design.columns()
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let OnPanel { design, own, honest } = self;
        design.describe(manifest);
        own.describe(manifest);
        if let Some(honest) = honest {
            honest.describe(manifest);
        }
    }

    fn draws(&self) -> bool {
        self.own.draws() || self.honest.is_some()
    }

    fn own_tables(&self) -> Vec<OwnTable> {
        Own::OWN_TABLES.iter().copied().chain(self.honest.iter().map(|_| honest_did::TABLE)).collect()
    }

    fn estimate(&self, problems: &[Problem]) -> Vec<Result<Estimated, StatsError>> {
        let answer = |problem: &Problem| {
            let mut found = self.own.estimate(self.design.panel(problem)?, problem)?;
            if let Some(honest) = &self.honest {
                let rows = honest.add(&mut found, problem)?;
                found.own.push(rows);
            }
            Ok(found)
        };
        problems.iter().map(answer).collect()
    }
}

/// What all of them have.
struct Design {
    /// `None`: the first term of the formula is 1 where a row is treated.
    treatment: Option<Treatment>,
}

impl Design {
    /// Reads `treatment` or `cohort`.
    fn parse(request: &Request) -> Option<Design> {
        let spec = request.spec;
        let (status, first) = (spec.substituted("treatment"), spec.substituted("cohort"));
        if let [_, second, ..] = &request.common.cluster[..] {
            let message = "this estimator clusters by one column";
            spec.fields.problems().push(Diagnostic::error(message).at(second.place.clone()));
            return None;
        }
        let treatment = match (status, first) {
            (Some(_), Some(_)) => {
                spec.fields.complain(
                    spec.fields.node("cohort")?,
                    "give either `treatment`, which is 1 where a row is treated, or `cohort`, the first treated period",
                );
                return None;
            }
            (Some(status), None) => Some(Treatment::Status(status.value)),
            (None, Some(first)) => Some(Treatment::FirstPeriod(first.value)),
            (None, None) => None,
        };
        if treatment.is_none() && request.formulas.iter().any(|formula| formula.first_column().is_none()) {
            spec.fields.complain(
                spec.fields.node("formula")?,
                "the formula does not begin with a treatment: give `treatment`, a column that is 1 where a row is treated, \
                 or `cohort`, the first treated period",
            );
            return None;
        }
        Some(Design { treatment })
    }

    fn columns(&self) -> Vec<String> {
        match &self.treatment {
            Some(Treatment::Status(column) | Treatment::FirstPeriod(column)) => vec![column.clone()],
            None => Vec::new(),
        }
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Design { treatment } = self;
        match treatment {
            Some(Treatment::Status(column)) => manifest.text("treatment", column),
            Some(Treatment::FirstPeriod(column)) => manifest.text("cohort", column),
            None => {}
        }
    }

    fn panel(&self, problem: &Problem) -> Result<Panel, StatsError> {
        let first = || problem.formula.first_column().unwrap_or_default().to_string();
        let options = PanelOptions {
            treatment: self.treatment.clone().unwrap_or_else(|| Treatment::Status(first())),
            weights: problem.common.weights.clone(),
            cluster: problem.common.cluster.first().map(|column| column.value.clone()),
            level: problem.common.level,
        };
        Panel::new(problem.formula, problem.data, &options)
    }
}

/// Lists of estimates as those of one model; the first list speaks for the sample. An average that has the name of one
/// of an earlier list is told apart by the name of its own.
pub fn estimated(problem: &Problem, parts: Vec<(&'static str, Estimates)>) -> Estimated {
    let mut found = Estimated::default();
    let mut terms: BTreeSet<String> = BTreeSet::new();
    for (index, (part, estimates)) in parts.into_iter().enumerate() {
        if index == 0 {
            found.reasons = reasons(problem, &estimates.dropped_rows);
            found.statistics = Statistics {
                vcov: Some(estimates.vcov_label.clone()),
                n_obs: estimates.n_obs,
                n_units: Some(estimates.n_units),
                n_clusters: Some(estimates.n_clusters),
                df_t: estimates.df_t,
                ..Statistics::default()
            };
            found.dropped_terms = estimates.dropped_terms.clone();
        }
        if part == "dynamic" {
            found.dynamic = Some(estimates.clone());
        }
        for warning in estimates.warnings {
            if !found.warnings.contains(&warning) {
                found.warnings.push(warning);
            }
        }
        found.tests.extend(estimates.tests.iter().map(|test| Test {
            name: format!("{part}: {}", test.what),
            statistic: test.statistic,
            df: Some(test.freedom),
            df_denominator: test.denominator,
            p_value: Some(test.p_value),
        }));
        for effect in estimates.effects {
            let mut estimate = placed(effect, part);
            let term = &mut estimate.coefficient.term;
            if terms.contains(term) {
                *term = format!("{term}:{part}");
            }
            terms.insert(term.clone());
            found.estimates.push(estimate);
        }
    }
    found
}

/// Why each row of the data is not in the sample.
pub fn reasons(problem: &Problem, dropped_rows: &[DroppedRows]) -> Vec<Option<String>> {
    let mut reasons = vec![None; problem.data.rows];
    for dropped in dropped_rows {
        dropped.rows.iter().for_each(|row| reasons[*row] = Some(dropped.reason.clone()));
    }
    reasons
}

/// A number as a text of a key: the same for the same number, and nothing without one.
pub fn described(manifest: &mut dyn Manifest, name: &str, value: Option<f64>) {
    manifest.maybe(name, value.map(|value| value.to_string()).as_deref());
}

fn placed(effect: Effect, part: &'static str) -> Estimate {
    let (event_time, cohort, period) = match effect.place {
        Place::Overall => (None, None, None),
        Place::EventTime(time) | Place::EventTimeUpTo(time) | Place::EventTimeFrom(time) => (Some(time), None, None),
        Place::Cohort(cohort) => (None, Some(cohort), None),
        Place::Period(period) => (None, None, Some(period)),
        Place::CohortPeriod { cohort, period } => (Some(period - cohort), Some(cohort), Some(period)),
    };
    Estimate {
        coefficient: effect.coefficient,
        part: Some(part),
        event_time,
        cohort,
        period,
        n_treated: Some(effect.n_treated),
        band: effect.band,
    }
}

/// A whole number of an option that may not be negative.
pub fn count(fields: &Fields, key: &str) -> Option<usize> {
    let value = fields.int(key)?;
    let found = usize::try_from(value).ok();
    if found.is_none() {
        fields.complain(fields.node(key)?, format!("`{key}` is 0 or more"));
    }
    found
}

/// With whom treated units are compared; the never treated where nothing is said.
pub fn comparison(own: Option<&Fields>) -> Comparison {
    let known = [("never", Comparison::NeverTreated), ("not_yet", Comparison::NotYetTreated)];
    own.and_then(|own| own.choice("comparison", &known)).unwrap_or(Comparison::NeverTreated)
}

/// Two numbers of an option, the first below the second; either may be `null`, an open end.
pub fn range(fields: &Fields, key: &str) -> Option<[Option<f64>; 2]> {
    let node = fields.node(key)?;
    let number = |node: &Node| match node.value {
        Value::Null => Some(None),
        Value::Int(value) => Some(Some(value as f64)),
        Value::Float(value, _) => Some(Some(value)),
        _ => None,
    };
    let found = match &node.value {
        Value::List(items) => items.iter().map(number).collect::<Option<Vec<_>>>(),
        _ => None,
    };
    match found.as_deref() {
        Some([low, high]) if low.zip(*high).is_none_or(|(low, high)| low < high) => Some([*low, *high]),
        _ => {
            fields.complain(
                node,
                format!("`{key}` is a list of two numbers, the first below the second, such as [-5, 5]"),
            );
            None
        }
    }
}
