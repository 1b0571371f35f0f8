//! `honest_did: {relative_magnitudes: [0.5, 1], smoothness: [0, 0.01]}` beside an estimator of effects by time: what is left of an effect where
//! trends are not quite parallel (Rambachan & Roth 2023); in `.sensitivity`, and the bounds at which 0 enters among the tests.

use super::method::{Estimated, OwnTable, Problem, Test};
use super::rows::Cell;
use super::staggered;
use engine::manifest::Manifest;
use engine::yaml::Value;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::sensitivity::honest::{
    self, Breakdown, EventStudy, HonestOptions, Kind, Method, Restriction, RobustInterval, Target,
};
use stats::staggered::error::StaggeredError;

pub struct HonestDid {
    target: Target,
    /// Each with its bounds.
    restrictions: Vec<(Kind, Vec<f64>)>,
    reference: f64,
    draws: u32,
}

pub const TABLE: OwnTable = OwnTable {
    suffix: "sensitivity",
    key: &["model", "restriction", "bound"],
    columns: &[
        ("model", "int"),
        ("restriction", "text"),
        ("bound", "float"),
        ("estimate", "float"),
        ("conf_low", "float"),
        ("conf_high", "float"),
        ("identified_low", "float"),
        ("identified_high", "float"),
    ],
};

const KINDS: &[(&str, Kind)] = &[
    ("relative_magnitudes", Kind::RelativeMagnitudes),
    ("relative_smoothness", Kind::RelativeSmoothness),
    ("smoothness", Kind::Smoothness),
];

/// What the stage asks for; `Some(None)` if nothing.
pub fn parse(fields: &Fields) -> Option<Option<HonestDid>> {
    let Some(own) = fields.fields("honest_did", "`honest_did`") else { return Some(None) };
    let target = own.choice("target", &[("average", false), ("first", true)]).unwrap_or(true);
    let mut restrictions = Vec::new();
    for (name, kind) in KINDS {
        let Some(nodes) = own.list(name) else { continue };
        let number = |value: &Value| match value {
            Value::Int(value) => Some(*value as f64),
            Value::Float(value, _) => Some(*value),
            _ => None,
        };
        let bounds: Option<Vec<f64>> = nodes.iter().map(|node| number(&node.value)).collect();
        match bounds.filter(|bounds| bounds.iter().all(|bound| *bound >= 0.0)) {
            Some(bounds) => restrictions.push((*kind, bounds)),
            None => own.complain(own.node(name)?, format!("`{name}` is a list of numbers, 0 or more")),
        }
    }
    if restrictions.is_empty() {
        let known: Vec<&str> = KINDS.iter().map(|(name, _)| *name).collect();
        own.complain(own.self_node(), format!("`honest_did` needs bounds under one of {}", known.join(", ")));
        return None;
    }
    let draws = staggered::count(&own, "draws").unwrap_or(10_000);
    let found = HonestDid {
        target: if target { Target::First } else { Target::Average },
        restrictions,
        reference: own.float("reference").unwrap_or(-1.0),
        draws: u32::try_from(draws).unwrap_or(u32::MAX),
    };
    own.finish();
    Some(Some(found))
}

fn name(kind: Kind) -> &'static str {
    KINDS.iter().find(|(_, known)| *known == kind).map_or("", |(name, _)| name)
}

impl HonestDid {
    pub fn describe(&self, manifest: &mut dyn Manifest) {
        let HonestDid { target, restrictions, reference, draws } = self;
        manifest.text("honest_did.target", &format!("{target:?}"));
        manifest.text("honest_did.restrictions", &format!("{restrictions:?}"));
        manifest.number("honest_did.reference", *reference);
        manifest.int("honest_did.draws", i64::from(*draws));
    }

    pub fn add(&self, found: &mut Estimated, problem: &Problem) -> Result<Vec<Vec<Cell>>, StatsError> {
        let Some(dynamic) = &found.dynamic else {
            let reason = "this estimator has no effects by time before and after the treatment";
            return Err(StaggeredError::Option { option: "honest_did", value: "given".to_string(), reason }.into());
        };
        let study = EventStudy::from_estimates(dynamic, self.reference, &self.target)?;
        let level = problem.common.level;
        let mut rows = Vec::new();
        let [low, high] = study.original(level)?;
        let parallel = RobustInterval {
            bound: 0.0,
            low,
            high,
            identified: Some([study.estimate(); 2]),
            fixed_length: None,
            step: None,
            is_cut: false,
        };
        rows.push(row("parallel", study.estimate(), &parallel));
        for (kind, bounds) in &self.restrictions {
            let mut options = HonestOptions::new(problem.draws.random("honest_did"));
            (options.level, options.draws) = (level, self.draws);
            if *kind == Kind::Smoothness {
                options.method = Method::FixedLength;
            }
            let restriction = Restriction { kind: *kind, shape: None };
            for bound in bounds {
                let interval = honest::interval(&study, restriction, *bound, &options)?;
                if interval.is_cut {
                    found.warnings.push(format!("the interval of {} {bound} goes on beyond its ends", name(*kind)));
                }
                rows.push(row(name(*kind), study.estimate(), &interval));
            }
            // A bound that is not reached is missing in the table.
            let bound = match honest::breakdown(&study, restriction, &options)? {
                Breakdown::AtZero => 0.0,
                Breakdown::Between { inside, .. } => inside,
                Breakdown::Beyond { .. } => f64::INFINITY,
            };
            found.tests.push(Test::number(format!("breakdown:{}", name(*kind)), bound));
        }
        Ok(rows)
    }
}

fn row(restriction: &str, estimate: f64, interval: &RobustInterval) -> Vec<Cell> {
    let identified = |end: usize| interval.identified.map(|ends| ends[end]);
    vec![
        restriction.into(),
        interval.bound.into(),
        estimate.into(),
        interval.low.into(),
        interval.high.into(),
        identified(0).into(),
        identified(1).into(),
    ]
}
