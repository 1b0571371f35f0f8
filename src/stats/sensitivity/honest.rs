//! Intervals for the effects of an event study that hold when trends are not quite parallel (Rambachan & Roth 2023).
//!
//! The estimates β have the mean δ + τ, where τ, the effect, is 0 before the treatment and δ, the difference in trends, is
//! 0 at the reference time. What is wanted is l'τ. [`Kind`] restricts δ after the treatment by δ before it:
//!
//! | restriction | interval | module |
//! |---|---|---|
//! | `Smoothness`, Δ^SD(M) | fixed length, or moment inequalities | `shortest`, `moments` |
//! | `RelativeMagnitudes`, Δ^RM(M̄), `RelativeSmoothness`, Δ^SDRM(M̄) | moment inequalities | `moments` |
//!
//! Event times have to be one step apart, and effects relative to one reference time: with the methods that compare each
//! time before the treatment with the one before it (a varying base) the differences mean something else. Statistics are
//! normal. Intervals by moment inequalities are the hull of the accepted values among those of a lattice: 20 standard
//! errors to each side of 0, further where the estimate is, as in the authors' package, in steps of
//! [`RobustInterval::step`].

mod moments;
mod normal;
mod restrictions;
mod shortest;
#[cfg(test)]
mod tests;

use crate::error::StatsError;
use crate::random::Random;
use crate::sensitivity::error::SensitivityError;
use crate::simplex::{self, Optimum};
use crate::solve::{Factor, Matrix};
use crate::staggered::{Estimates, Place};
use crate::{tails, twofold};
use moments::Test;
use restrictions::Polyhedron;

pub use shortest::FixedLength;

/// The effects of an event study in the order of time, without the reference, and what is asked of them.
#[derive(Clone, Debug)]
pub struct EventStudy {
    effects: Vec<f64>,
    vcov: Matrix,
    n_before: usize,
    /// l, one weight per effect after the treatment.
    target: Vec<f64>,
}

/// The combination of effects after the reference that is wanted.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// The first one.
    First,
    /// Their mean.
    Average,
    /// One weight per effect.
    Weights(Vec<f64>),
}

/// What is assumed of the difference in trends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Restriction {
    pub kind: Kind,
    pub shape: Option<Shape>,
}

/// How the difference in trends after the treatment is bounded; the bound is M or M̄.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// The slope changes by at most M, in units of the outcome, from one time to the next.
    Smoothness,
    /// The steps are at most M̄ times the largest step before the treatment.
    RelativeMagnitudes,
    /// The slope changes by at most M̄ times its largest change before the treatment.
    RelativeSmoothness,
}

/// What may be known of the difference in trends besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Not negative after the treatment.
    Positive,
    /// Not positive after the treatment.
    Negative,
    /// Never falling.
    Increasing,
    /// Never rising.
    Decreasing,
}

/// How an interval is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// The shortest interval of fixed length; for smoothness without a shape.
    FixedLength,
    /// The values that the conditional test of Andrews, Roth & Pakes (2023) accepts.
    Conditional,
    /// The same after a least-favourable test with a tenth of the error: C-LF in the paper.
    Hybrid,
}

#[derive(Clone, Debug)]
pub struct HonestOptions {
    /// Of the intervals, such as 0.95.
    pub level: f64,
    pub method: Method,
    /// Of the least-favourable critical value; its own error falls with their root.
    pub draws: u32,
    pub random: Random,
    /// Values from 20 standard errors below 0 to 20 above.
    pub points: u32,
}

impl HonestOptions {
    /// 95 %, hybrid, 1000 values, 10,000 draws.
    pub fn new(random: Random) -> HonestOptions {
        HonestOptions { level: 0.95, method: Method::Hybrid, draws: 10_000, random, points: 1000 }
    }
}

/// The interval of l'τ under a bound.
#[derive(Clone, Debug, PartialEq)]
pub struct RobustInterval {
    pub bound: f64,
    pub low: f64,
    pub high: f64,
    /// The values that the restriction allows if the effects are what they are estimated to be, without sampling error;
    /// `None` where the effects before the treatment contradict it. An end may be infinite.
    pub identified: Option<[f64; 2]>,
    /// Of [`Method::FixedLength`].
    pub fixed_length: Option<FixedLength>,
    /// Between the values that were tested.
    pub step: Option<f64>,
    /// An end is that of the lattice, and the interval goes on beyond it.
    pub is_cut: bool,
}

/// The bound at which 0 enters the interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Breakdown {
    /// 0 is in the interval when trends are as parallel as the restriction can say, at a bound of 0.
    AtZero,
    /// 0 is outside at `outside` and inside at `inside`, which is the larger by a millionth.
    Between { outside: f64, inside: f64 },
    /// 0 is outside even at this bound.
    Beyond { bound: f64 },
}

impl EventStudy {
    /// `before` and `after` are the effects before and after the reference, in the order of time; `vcov` has those before
    /// first.
    pub fn new(before: &[f64], after: &[f64], vcov: Matrix, target: &Target) -> Result<EventStudy, StatsError> {
        for (side, effects) in [("before", before), ("after", after)] {
            if effects.is_empty() {
                return Err(SensitivityError::OneSided { side }.into());
            }
        }
        let effects = [before, after].concat();
        if vcov.len() != effects.len() || vcov.iter().any(|row| row.len() != effects.len()) {
            let columns = vcov.iter().map(Vec::len).find(|length| *length != effects.len()).unwrap_or(effects.len());
            let (rows, effects) = (vcov.len(), effects.len());
            return Err(SensitivityError::VarianceShape { rows, columns, effects }.into());
        }
        finite("effect", &effects)?;
        vcov.iter().try_for_each(|row| finite("an entry of the variance of an effect,", row))?;
        let diagonal: Vec<f64> = vcov.iter().enumerate().map(|(index, row)| row[index]).collect();
        let factor = Factor::new(&vcov, &diagonal);
        if let Some(position) = (0..effects.len()).find(|index| !factor.keeps(*index)) {
            return Err(SensitivityError::SingularVariance { position: position + 1 }.into());
        }
        let target = match target {
            Target::First => (0..after.len()).map(|index| f64::from(u8::from(index == 0))).collect(),
            Target::Average => vec![1.0 / after.len() as f64; after.len()],
            Target::Weights(weights) => weights.clone(),
        };
        finite("weight", &target)?;
        if target.len() != after.len() {
            return Err(SensitivityError::TargetLength { found: target.len(), expected: after.len() }.into());
        }
        if target.iter().all(|weight| *weight == 0.0) {
            return Err(SensitivityError::NoTarget.into());
        }
        Ok(EventStudy { effects, vcov, n_before: before.len(), target })
    }

    /// The effects by event time among `estimates`, which are relative to the time `reference`.
    pub fn from_estimates(estimates: &Estimates, reference: f64, target: &Target) -> Result<EventStudy, StatsError> {
        let mut times: Vec<(f64, usize)> = Vec::new();
        for (index, effect) in estimates.effects.iter().enumerate() {
            match effect.place {
                Place::EventTime(time) if time != reference => times.push((time, index)),
                Place::EventTimeUpTo(_) | Place::EventTimeFrom(_) => {
                    return Err(SensitivityError::BinnedTimes { place: effect.place.to_string() }.into());
                }
                _ => {}
            }
        }
        times.sort_by(|left, right| left.0.total_cmp(&right.0));
        let n_before = times.iter().take_while(|(time, _)| *time < reference).count();
        let mut all: Vec<f64> = times.iter().map(|(time, _)| *time).collect();
        all.insert(n_before, reference);
        let is_even = |window: &[f64]| window[1] - window[0] == all[1] - all[0];
        if !all.windows(2).all(is_even) {
            all.remove(n_before);
            return Err(SensitivityError::UnevenTimes { times: all, reference }.into());
        }
        let effects: Vec<f64> = times.iter().map(|(_, index)| estimates.effects[*index].coefficient.estimate).collect();
        let row = |row: usize| times.iter().map(|(_, column)| estimates.vcov[row][*column]).collect();
        let vcov = times.iter().map(|(_, index)| row(*index)).collect();
        EventStudy::new(&effects[..n_before], &effects[n_before..], vcov, target)
    }

    /// l'β, the estimate if trends are parallel.
    pub fn estimate(&self) -> f64 {
        twofold::dot(&self.target, &self.effects[self.n_before..]).value()
    }

    /// The interval if trends are parallel.
    pub fn original(&self, level: f64) -> Result<[f64; 2], StatsError> {
        check_level(level)?;
        let half_length = tails::normal_quantile(1.0 - level) * self.target_error();
        Ok([self.estimate() - half_length, self.estimate() + half_length])
    }

    fn target_error(&self) -> f64 {
        self.std_error(&[vec![0.0; self.n_before].as_slice(), &self.target].concat())
    }

    /// Of a combination of all effects.
    fn std_error(&self, weights: &[f64]) -> f64 {
        let product: Vec<f64> = self.vcov.iter().map(|row| twofold::dot(row, weights).value()).collect();
        twofold::dot(weights, &product).value().max(0.0).sqrt()
    }
}

/// The interval of l'τ if δ is restricted by `bound`.
pub fn interval(
    study: &EventStudy,
    restriction: Restriction,
    bound: f64,
    options: &HonestOptions,
) -> Result<RobustInterval, StatsError> {
    check(study, restriction, options)?;
    let identified = identified(study, restriction, bound)?;
    if options.method == Method::FixedLength {
        let best = shortest::shortest(study, bound, options.level)?;
        let (low, high) = (best.estimate - best.half_length, best.estimate + best.half_length);
        return Ok(RobustInterval {
            bound,
            low,
            high,
            identified,
            fixed_length: Some(best),
            step: None,
            is_cut: false,
        });
    }
    let test = Test::new(study, &polyhedra(study, restriction, bound)?, options)?;
    let (width, estimate) = (20.0 * study.target_error(), study.estimate());
    let step = 2.0 * width / f64::from(options.points - 1);
    let value = |index: i64| -width + index as f64 * step;
    let first = (estimate.min(0.0) / step).floor() as i64;
    let last = i64::from(options.points) - 1 + (estimate.max(0.0) / step).ceil() as i64;
    let accepted = |indices: &mut dyn Iterator<Item = i64>| -> Result<Option<i64>, SensitivityError> {
        for index in indices {
            if test.accepts(value(index))? {
                return Ok(Some(index));
            }
        }
        Ok(None)
    };
    let Some(lowest) = accepted(&mut (first..=last))? else {
        return Err(SensitivityError::EmptyInterval { low: value(first), high: value(last) }.into());
    };
    let highest = accepted(&mut (lowest..=last).rev())?.unwrap_or(lowest);
    let is_cut = lowest == first || highest == last;
    let (low, high) = (value(lowest), value(highest));
    Ok(RobustInterval { bound, low, high, identified, fixed_length: None, step: Some(step), is_cut })
}

/// The smallest bound whose interval has 0 in it. Intervals are taken to grow with the bound.
pub fn breakdown(
    study: &EventStudy,
    restriction: Restriction,
    options: &HonestOptions,
) -> Result<Breakdown, StatsError> {
    check(study, restriction, options)?;
    let holds_zero = |bound: f64| -> Result<bool, StatsError> {
        if options.method == Method::FixedLength {
            let best = shortest::shortest(study, bound, options.level)?;
            return Ok(best.estimate.abs() <= best.half_length);
        }
        Ok(Test::new(study, &polyhedra(study, restriction, bound)?, options)?.accepts(0.0)?)
    };
    if holds_zero(0.0)? {
        return Ok(Breakdown::AtZero);
    }
    // M is in units of the outcome, M̄ has none.
    let unit = match restriction.kind {
        Kind::Smoothness => study.target_error(),
        Kind::RelativeMagnitudes | Kind::RelativeSmoothness => 1.0,
    };
    let (mut outside, mut inside) = (0.0, unit);
    for _ in 0..20 {
        if holds_zero(inside)? {
            while inside - outside > 1e-6 * inside {
                let middle = 0.5 * (outside + inside);
                if holds_zero(middle)? { inside = middle } else { outside = middle }
            }
            return Ok(Breakdown::Between { outside, inside });
        }
        (outside, inside) = (inside, 2.0 * inside);
    }
    Ok(Breakdown::Beyond { bound: outside })
}

/// The values of l'τ for which some δ of the restriction has δ before the treatment equal to β: two linear programs for
/// each polyhedron. An end may be infinite; `None` where there is no such δ.
pub fn identified(study: &EventStudy, restriction: Restriction, bound: f64) -> Result<Option<[f64; 2]>, StatsError> {
    let estimate = study.estimate();
    let mut hull: Option<[f64; 2]> = None;
    for polyhedron in polyhedra(study, restriction, bound)? {
        let mut ends = [0.0; 2];
        let mut is_empty = false;
        for (end, sign) in ends.iter_mut().zip([1.0, -1.0]) {
            match largest_bias(study, &polyhedron, sign)? {
                Some(bias) => *end = estimate - sign * bias,
                None => is_empty = true,
            }
        }
        if !is_empty {
            let [low, high] = hull.unwrap_or(ends);
            hull = Some([low.min(ends[0]), high.max(ends[1])]);
        }
    }
    Ok(hull)
}

/// The largest `sign` l'δ where δ before the treatment is β.
fn largest_bias(study: &EventStudy, polyhedron: &Polyhedron, sign: f64) -> Result<Option<f64>, SensitivityError> {
    let before = study.n_before;
    let rows: Matrix = polyhedron.rows.iter().map(|row| row[before..].to_vec()).collect();
    let rest = |(row, bound): (&Vec<f64>, &f64)| bound - twofold::dot(&row[..before], &study.effects[..before]).value();
    let right: Vec<f64> = polyhedron.rows.iter().zip(&polyhedron.bounds).map(rest).collect();
    let objective: Vec<f64> = study.target.iter().map(|weight| sign * weight).collect();
    match simplex::largest(&rows, &right, &objective) {
        None => Ok(None),
        Some(Optimum::At(point)) => Ok(Some(twofold::dot(&objective, &point).value())),
        Some(Optimum::Unbounded) => Ok(Some(f64::INFINITY)),
        Some(Optimum::Stalled) => Err(SensitivityError::Stalled { what: "the identified set" }),
    }
}

fn polyhedra(study: &EventStudy, restriction: Restriction, bound: f64) -> Result<Vec<Polyhedron>, SensitivityError> {
    if !bound.is_finite() || bound < 0.0 {
        return Err(SensitivityError::Bound { bound });
    }
    let (restriction_name, needed) = match restriction.kind {
        Kind::Smoothness => ("`smoothness`", 1),
        Kind::RelativeMagnitudes => ("`relative_magnitudes`", 1),
        Kind::RelativeSmoothness => ("`relative_smoothness`", 2),
    };
    if study.n_before < needed {
        let found = study.n_before;
        return Err(SensitivityError::FewEffectsBefore { restriction: restriction_name, needed, found });
    }
    Ok(restrictions::polyhedra(restriction, bound, study.n_before, study.target.len()))
}

fn check(study: &EventStudy, restriction: Restriction, options: &HonestOptions) -> Result<(), StatsError> {
    check_level(options.level)?;
    polyhedra(study, restriction, 0.0)?;
    let is_smoothness = restriction == Restriction { kind: Kind::Smoothness, shape: None };
    if options.method == Method::FixedLength && !is_smoothness {
        return Err(SensitivityError::FixedLength.into());
    }
    for (option, value, least) in [("points", options.points, 2), ("draws", options.draws, 100)] {
        if value < least {
            let reason = if least == 2 { "it should be 2 at least" } else { "it should be 100 at least" };
            return Err(SensitivityError::Option { option, value: value.to_string(), reason }.into());
        }
    }
    Ok(())
}

fn check_level(level: f64) -> Result<(), StatsError> {
    if level > 0.0 && level < 1.0 { Ok(()) } else { Err(StatsError::ConfidenceLevel { level }) }
}

fn finite(what: &'static str, values: &[f64]) -> Result<(), SensitivityError> {
    match values.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(position) => Err(SensitivityError::NotFinite { what, position: position + 1, value: values[position] }),
    }
}
