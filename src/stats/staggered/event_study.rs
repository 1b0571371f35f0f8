//! The event study with two-way fixed effects: one effect per time since the first treated period, the same for all
//! cohorts. Where effects differ between cohorts, the estimates mix effects of other times (Sun & Abraham 2021): it stands
//! here for comparison.
//!
//! yᵢₜ = Σₖ βₖ 1[t - gᵢ = k] + xᵢₜ'c + μᵢ + λₜ + εᵢₜ, without the reference time; never treated units have no dummy. Ends may
//! be binned: all times up to the first, or from the last on, share an effect. Without a never treated unit, a trend in k
//! cannot be told from units and periods (Borusyak, Jaravel & Spiess 2024, §3.2): the last effect is dropped, and it is said.

use crate::error::StatsError;
use crate::staggered::error::StaggeredError;
use crate::staggered::panel::Panel;
use crate::staggered::two_way::{self, Target};
use crate::staggered::{self, Estimates, Place};
use std::collections::BTreeMap;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct EventStudyOptions {
    /// The time that has no effect by definition; the last one before the treatment where there is none.
    pub reference: Option<f64>,
    /// Times up to this one share an effect.
    pub bin_up_to: Option<f64>,
    /// Times from this one on share an effect.
    pub bin_from: Option<f64>,
}

/// One effect per event time, in order, and the test that those before the reference are 0.
pub fn event_study(panel: &Panel, options: &EventStudyOptions) -> Result<Estimates, StatsError> {
    if let (Some(low), Some(high)) = (options.bin_up_to, options.bin_from)
        && low >= high
    {
        let (value, reason) = (format!("{low}"), "it should be below `bin_from`");
        return Err(StaggeredError::Option { option: "bin_up_to", value, reason }.into());
    }
    panel.require_identified_covariates()?;
    let place = |row: usize| panel.event_time(row).map(|time| binned(time, options));
    let mut counts: BTreeMap<u64, (Place, usize)> = BTreeMap::new();
    for place in (0..panel.n_obs()).filter_map(place) {
        counts.entry(order(place)).or_insert((place, 0)).1 += 1;
    }
    let mut before = counts.values().map(|(place, _)| *place).filter(|place| staggered::is_lead(*place));
    let reference = match options.reference {
        Some(reference) => binned(reference, options),
        None => before.next_back().ok_or_else(|| StaggeredError::OnlyAlwaysTreated { first: panel.periods[0] })?,
    };
    if !counts.contains_key(&order(reference)) {
        let (value, reason) = (options.reference.unwrap_or_default().to_string(), "no row has that event time");
        return Err(StaggeredError::Option { option: "reference", value, reason }.into());
    }
    let places: Vec<(Place, usize)> = counts.into_values().filter(|(place, _)| *place != reference).collect();
    let columns: BTreeMap<u64, u32> =
        places.iter().zip(0..).map(|((place, _), column)| (order(*place), column)).collect();

    let fit = two_way::fit(panel, places.len(), |row, entries| {
        entries.extend(place(row).and_then(|place| columns.get(&order(place))).map(|column| (*column, 1.0)));
    });
    let targets: Vec<Target> = places
        .iter()
        .enumerate()
        .filter(|(column, _)| fit.is_kept(*column))
        .map(|(column, (place, rows))| Target { place: *place, columns: vec![(column, 1.0)], n_treated: *rows })
        .collect();
    if !targets.iter().any(|target| !staggered::is_lead(target.place)) {
        return Err(StaggeredError::nothing_left().into());
    }
    let mut estimates = fit.estimates(&targets)?;
    for (column, (place, _)) in places.iter().enumerate().filter(|(column, _)| !fit.is_kept(*column)) {
        let reason = "collinear with units, periods and the other event times".to_string();
        estimates.dropped_terms.push((place.to_string(), reason));
        if panel.n_never_treated() == 0 && column + 1 == places.len() {
            let warning = format!(
                "no unit is never treated, so that a trend in event time is not identified: `{place}` is set to 0 beside `{reference}`"
            );
            estimates.warnings.push(warning);
        }
    }
    staggered::test_leads(&mut estimates);
    Ok(estimates)
}

fn binned(time: f64, options: &EventStudyOptions) -> Place {
    match (options.bin_up_to, options.bin_from) {
        (Some(low), _) if time <= low => Place::EventTimeUpTo(low),
        (_, Some(high)) if time >= high => Place::EventTimeFrom(high),
        _ => Place::EventTime(time),
    }
}

/// Orders places by their time.
fn order(place: Place) -> u64 {
    match place {
        Place::EventTime(time) | Place::EventTimeUpTo(time) | Place::EventTimeFrom(time) => staggered::ordered(time),
        _ => 0,
    }
}
