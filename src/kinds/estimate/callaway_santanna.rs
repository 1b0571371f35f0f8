//! `estimator: callaway_santanna`.

use super::method::{Estimated, Problem};
use super::staggered::{self, Staggered};
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::staggered::callaway_santanna::{
    Adjustment, Base, Bootstrap, MissingRows, Multiplier, Options, callaway_santanna,
};
use stats::staggered::panel::Panel;

pub struct CallawaySantAnna {
    options: Options,
    bootstrap: Option<(u32, Multiplier)>,
}

impl Staggered for CallawaySantAnna {
    const NAME: &'static str = "callaway_santanna";
    const VERSION: u32 = 2;
    const HAS_OPTIONS: bool = true;

    fn parse(own: Option<&Fields>) -> Option<CallawaySantAnna> {
        let options = own.map_or_else(Options::default, options);
        let bootstrap = own.and_then(|own| own.fields("bootstrap", "`bootstrap`")).map(|fields| {
            let draws = staggered::count(&fields, "draws").unwrap_or(1_000).min(u32::MAX as usize) as u32;
            let multipliers = [("mammen", Multiplier::Mammen), ("rademacher", Multiplier::Rademacher)];
            let multiplier = fields.choice("multiplier", &multipliers).unwrap_or(Multiplier::Rademacher);
            fields.finish();
            (draws, multiplier)
        });
        Some(CallawaySantAnna { options, bootstrap })
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let CallawaySantAnna { options, bootstrap } = self;
        let Options {
            adjustment,
            comparison,
            base,
            anticipation,
            missing_rows,
            balance,
            min_event_time,
            max_event_time,
        } = options;
        manifest.text("adjustment", &format!("{adjustment:?}"));
        manifest.text("comparison", &format!("{comparison:?}"));
        manifest.text("base", &format!("{base:?}"));
        manifest.number("anticipation", *anticipation);
        manifest.text("missing_rows", &format!("{missing_rows:?}"));
        staggered::described(manifest, "balance", *balance);
        staggered::described(manifest, "min_event_time", *min_event_time);
        staggered::described(manifest, "max_event_time", *max_event_time);
        if let Some((draws, multiplier)) = bootstrap {
            manifest.int("bootstrap.draws", i64::from(*draws));
            manifest.text("bootstrap.multiplier", &format!("{multiplier:?}"));
        }
    }

    fn draws(&self) -> bool {
        self.bootstrap.is_some()
    }

    fn estimate(&self, panel: Panel, problem: &Problem) -> Result<Estimated, StatsError> {
        let bootstrap = self.bootstrap.map(|(draws, multiplier)| Bootstrap {
            draws,
            multiplier,
            random: problem.draws.random(Self::NAME),
        });
        let found = callaway_santanna(panel, &self.options, bootstrap.as_ref())?;
        let parts = vec![
            ("simple", found.simple),
            ("dynamic", found.dynamic),
            ("group", found.group),
            ("calendar", found.calendar),
            ("group_time", found.cells),
        ];
        Ok(staggered::estimated(problem, parts))
    }
}

fn options(own: &Fields) -> Options {
    let default = Options::default();
    let adjustments =
        [("dr", Adjustment::DoublyRobust), ("ipw", Adjustment::Weighting), ("reg", Adjustment::Regression)];
    let missing = [("cross_sections", MissingRows::CrossSections), ("leave_out_units", MissingRows::LeaveOutUnits)];
    let times = staggered::range(own, "event_times").unwrap_or_default();
    Options {
        adjustment: own.choice("adjustment", &adjustments).unwrap_or(default.adjustment),
        comparison: staggered::comparison(Some(own)),
        base: own.choice("base", &[("universal", Base::Universal), ("varying", Base::Varying)]).unwrap_or(default.base),
        anticipation: own.float("anticipation").unwrap_or(default.anticipation),
        missing_rows: own.choice("missing_rows", &missing).unwrap_or(default.missing_rows),
        balance: own.float("balance"),
        min_event_time: times[0],
        max_event_time: times[1],
    }
}
