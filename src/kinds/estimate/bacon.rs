//! `estimator: bacon`: the two-way estimate, and in `.comparisons` what it is the average of.

use super::method::{Estimate, Estimated, OwnTable, Problem, Statistics};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::bacon::{Kind, bacon};
use stats::staggered::panel::Panel;

pub struct Bacon {
    leaves_out_units: bool,
}

const COMPARISONS: OwnTable = OwnTable {
    suffix: "comparisons",
    key: &["model", "treated", "comparison"],
    columns: &[
        ("model", "int"),
        ("treated", "text"),
        ("comparison", "text"),
        ("type", "text"),
        ("weight", "float"),
        ("estimate", "float"),
    ],
};

impl Staggered for Bacon {
    const NAME: &'static str = "bacon";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;
    const OWN_TABLES: &'static [OwnTable] = &[COMPARISONS];

    fn parse(own: Option<&Fields>) -> Option<Bacon> {
        let missing = own.and_then(|own| own.choice("missing_rows", &[("fail", false), ("leave_out_units", true)]));
        Some(Bacon { leaves_out_units: missing.unwrap_or(false) })
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Bacon { leaves_out_units } = self;
        manifest.flag("leaves_out_units", *leaves_out_units);
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let panel = if self.leaves_out_units { panel.balanced_part()? } else { panel };
        let found = bacon(&panel)?;
        let mut estimates = vec![Estimate::without_inference("att", found.two_way)];
        for (kind, weight, estimate) in &found.kinds {
            estimates.push(Estimate::without_inference(&format!("average:{}", name(*kind)), *estimate));
            estimates.push(Estimate::without_inference(&format!("weight:{}", name(*kind)), *weight));
        }
        let own = found.comparisons.iter().map(|comparison| {
            let against = match comparison.comparison {
                Some(first) => first.to_string(),
                None => "never".to_string(),
            };
            vec![
                comparison.treated.to_string().as_str().into(),
                against.as_str().into(),
                name(comparison.kind).into(),
                comparison.weight.into(),
                comparison.estimate.into(),
            ]
        });
        let own = vec![own.collect()];
        let reasons = staggered::reasons(problem, panel.dropped_rows());
        let statistics = Statistics { n_obs: panel.n_obs(), n_units: Some(panel.n_units()), ..Statistics::default() };
        Ok(Estimated { estimates, statistics, reasons, own, ..Estimated::default() })
    }
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::TreatedWithNever => "treated_with_never",
        Kind::EarlierWithLater => "earlier_with_later",
        Kind::LaterWithEarlier => "later_with_earlier",
        Kind::LaterWithAlways => "later_with_always",
    }
}
