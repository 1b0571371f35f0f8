//! The wild cluster bootstrap: residuals of whole clusters with random signs, for t statistics with few clusters (Cameron,
//! Gelbach & Miller 2008).
//!
//! A draw is y* = fit + v ũ with one random v per cluster, ũ being the residuals with the coefficient at its hypothesis
//! (WCR) or at its estimate (WCU). Nothing of a draw needs rows (Roodman, MacKinnon, Nielsen & Webb 2019, §5; MacKinnon
//! 2023): with x the regressor freed of all else, c_g = x_g'ũ_g, and W the columns that are not nested in clusters (dummies
//! freed of the nested effects, and regressors), the score of a cluster is
//!
//! s_g = v_g c_g - x_g'W_g (W'W)⁻¹ Σ_h v_h W_h'ũ_h,   t* = Σ v_g c_g / √(factor Σ s_g²),
//!
//! so that a draw costs clusters times columns of W. Effects nested in clusters drop out: ũ sums to 0 in their levels.
//! ũ is linear in the hypothesis, ũ(δ) = û + δ x with δ = estimate - hypothesis, so that t* is a quotient of a line and
//! the root of a parabola in δ. Five numbers per draw give the p-value of every hypothesis; the interval is those that
//! are not rejected.
//!
//! With Rademacher signs all 2^G draws are made where that is not more than were asked for.

use crate::design::{Design, Group};
use crate::error::StatsError;
use crate::random::Random;
use crate::resampling::error::ResamplingError;
use crate::resampling::partial::{self, Partial};
use crate::solve::{Factor, Matrix};
use crate::twofold;
use crate::vcov::{self, leverage};
use crate::within;

/// How to draw and what to test.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    /// The coefficient under the hypothesis.
    pub hypothesis: f64,
    pub residuals: Residuals,
    pub signs: Signs,
    pub tail: Tail,
    /// As many as are wanted; 9,999 is usual.
    pub draws: u32,
    pub random: Random,
}

/// Where the residuals come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Residuals {
    /// The regression with the hypothesis imposed: WCR, which is more reliable.
    Restricted,
    /// The regression as it is: WCU.
    Unrestricted,
}

/// The distribution of the multipliers of clusters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signs {
    /// 1 or -1.
    Rademacher,
    /// ±√½, ±1, ±√(3/2) (Webb 2023), for fewer than about ten clusters.
    Webb,
}

/// What counts as more extreme.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tail {
    /// The share of |t*| above |t|.
    TwoSided,
    /// Twice the smaller of the shares of t* above and below t.
    EqualTail,
}

/// What the draws say of one coefficient.
#[derive(Clone, Debug, PartialEq)]
pub struct WildBootstrap {
    pub term: String,
    pub estimate: f64,
    pub hypothesis: f64,
    /// (estimate - hypothesis) / clustered standard error (CR1).
    pub statistic: f64,
    /// Draws that equal the statistic, the sample itself among enumerated ones, do not count as more extreme, as in
    /// Stata's `boottest`.
    pub p_value: f64,
    /// The hypotheses whose p-value is at least 1 - level, around the estimate; infinite where none is rejected.
    pub conf_low: f64,
    pub conf_high: f64,
    /// t* under the hypothesis, in the order of the draws; without those that are not defined.
    pub statistics: Vec<f64>,
    /// Draws whose variance is 0.
    pub n_undefined: usize,
    /// Whether `statistics` are all there can be.
    pub enumerated: bool,
    pub n_clusters: usize,
    pub warnings: Vec<String>,
}

/// Draws that are made side by side.
const LANES: usize = 8;

/// Statistics that differ by this share are equal: rounding of sums over clusters.
const EQUAL: f64 = 1e-9;

/// Tests one coefficient of a linear model. The variance of `design` names the clusters; its level is that of the interval.
pub fn wild_bootstrap(design: &Design, term: &str, options: &Options) -> Result<WildBootstrap, StatsError> {
    let what = "the wild cluster bootstrap";
    if let Some(slopes) = design.slopes.first() {
        return Err(StatsError::SlopesUnsupported { effect: slopes.name.clone(), what });
    }
    let cluster = partial::cluster(design, what)?;
    let reason = match options {
        Options { draws: 0, .. } => Some(("draws", "0".to_string(), "at least one draw")),
        Options { hypothesis, .. } if !hypothesis.is_finite() => {
            Some(("hypothesis", hypothesis.to_string(), "a finite number"))
        }
        _ => None,
    };
    if let Some((option, value, reason)) = reason {
        return Err(ResamplingError::Option { option, value, reason }.into());
    }
    let absorber = within::absorber(design);
    let partial = Partial::new(design, &absorber, term)?;
    let sums = Sums::new(design, &partial, cluster)?;
    let enumerated = options.signs == Signs::Rademacher
        && cluster.levels < 32
        && 1_u64 << cluster.levels <= u64::from(options.draws);
    let n_draws = if enumerated { 1 << cluster.levels } else { options.draws as usize };
    let draws = draw(&sums, options, enumerated, n_draws);

    let estimate = partial.slope * partial.unit;
    let std_error = sums.std_error * partial.unit;
    let test = Test { draws: &draws, std_error: sums.std_error, options };
    let distance = (estimate - options.hypothesis) / partial.unit;
    let statistics = test.statistics(distance);
    let n_undefined = n_draws - statistics.len();
    if statistics.is_empty() || std_error <= 0.0 {
        return Err(ResamplingError::Undefined { undefined: n_undefined, draws: n_draws }.into());
    }
    let width = |direction: f64| test.end(direction, 1.0 - design.level) * partial.unit;
    let mut warnings = Vec::new();
    if options.signs == Signs::Rademacher && cluster.levels < 8 {
        let different = 1_u32 << (cluster.levels - 1);
        warnings.push(format!(
            "{} clusters have {different} different draws up to the sign: use Webb's signs",
            cluster.levels
        ));
    }
    if n_undefined > 0 {
        warnings.push(format!("draws whose variance is 0, which do not count: {n_undefined} of {n_draws}"));
    }
    Ok(WildBootstrap {
        term: term.to_string(),
        estimate,
        hypothesis: options.hypothesis,
        statistic: distance / sums.std_error,
        p_value: test.p_value(distance),
        conf_low: estimate - width(1.0),
        conf_high: estimate + width(-1.0),
        statistics,
        n_undefined,
        enumerated,
        n_clusters: cluster.levels,
        warnings,
    })
}

/// What a draw needs of each cluster, for û and for x in the place of ũ.
struct Sums {
    /// x_g'û_g and x_g'x_g.
    products: Vec<[f64; 2]>,
    /// W_g'û_g and W_g'x_g.
    moments: Vec<Vec<[f64; 2]>>,
    /// (W'W)⁻¹ W_g'x_g.
    projected: Vec<Vec<f64>>,
    /// Of Σ s².
    factor: f64,
    /// Of the estimate, in the units of the columns.
    std_error: f64,
}

impl Sums {
    fn new(design: &Design, partial: &Partial, cluster: &Group) -> Result<Sums, StatsError> {
        let eliminated: Vec<Group> =
            design.effects.iter().filter(|effect| vcov::nested(effect, cluster)).cloned().collect();
        let mut columns = leverage::dummies(design, &eliminated)?;
        columns.extend(partial.columns.iter().cloned());
        let residuals = partial.residuals();
        let by_cluster = |left: &[f64], right: &[f64]| -> Vec<f64> {
            let products: Vec<f64> = left.iter().zip(right).map(|(left, right)| left * right).collect();
            vcov::cluster_sums(&[products], cluster).remove(0)
        };
        let pairs = |column: &[f64]| -> Vec<[f64; 2]> {
            let (first, second) = (by_cluster(column, &residuals), by_cluster(column, &partial.regressor));
            first.into_iter().zip(second).map(|(first, second)| [first, second]).collect()
        };
        let products = pairs(&partial.regressor);
        let by_column: Vec<Vec<[f64; 2]>> = columns.iter().map(|column| pairs(column)).collect();
        let moments: Vec<Vec<[f64; 2]>> =
            (0..cluster.levels).map(|level| by_column.iter().map(|sums| sums[level]).collect()).collect();
        let gram: Matrix = columns
            .iter()
            .map(|left| columns.iter().map(|right| twofold::dot(left, right).value()).collect())
            .collect();
        let squares: Vec<f64> = gram.iter().enumerate().map(|(index, row)| row[index]).collect();
        let inverse = Factor::new(&gram, &squares);
        let projected = moments
            .iter()
            .map(|moments| inverse.solve(&moments.iter().map(|pair| pair[1]).collect::<Vec<f64>>()))
            .collect();
        let factor = vcov::cluster_factor(design, partial.columns.len(), std::slice::from_ref(cluster), cluster.levels);
        let scores: Vec<f64> = products.iter().map(|pair| pair[0]).collect();
        let std_error = (factor * twofold::dot(&scores, &scores).value()).sqrt() / partial.square;
        Ok(Sums { products, moments, projected, factor, std_error })
    }
}

/// t*(δ) = (a + b δ) / √(q₀ + q₁ δ + q₂ δ²).
#[derive(Clone, Copy, Debug, Default)]
struct Draw {
    line: [f64; 2],
    parabola: [f64; 3],
}

fn draw(sums: &Sums, options: &Options, enumerated: bool, n_draws: usize) -> Vec<Draw> {
    let clusters = sums.products.len();
    let width = sums.moments[0].len();
    let mut draws = vec![Draw::default(); n_draws.next_multiple_of(LANES)];
    let mut signs = vec![[0.0; LANES]; clusters];
    let mut totals = vec![[[0.0; LANES]; 2]; width];
    for (block, draws) in draws.chunks_exact_mut(LANES).enumerate() {
        for lane in 0..LANES {
            let draw = (block * LANES + lane) as u64;
            for (position, signs) in signs.iter_mut().enumerate() {
                signs[lane] = match (enumerated, options.signs) {
                    (true, _) => {
                        if draw >> position & 1 == 0 {
                            1.0
                        } else {
                            -1.0
                        }
                    }
                    (false, Signs::Rademacher) => rademacher(options.random, draw, position),
                    (false, Signs::Webb) => webb(options.random, draw, position),
                };
            }
        }
        totals.fill([[0.0; LANES]; 2]);
        let mut line = [[0.0; LANES]; 2];
        for ((signs, products), moments) in signs.iter().zip(&sums.products).zip(&sums.moments) {
            for side in 0..2 {
                (0..LANES).for_each(|lane| line[side][lane] += signs[lane] * products[side]);
            }
            for (totals, moments) in totals.iter_mut().zip(moments) {
                for side in 0..2 {
                    (0..LANES).for_each(|lane| totals[side][lane] += signs[lane] * moments[side]);
                }
            }
        }
        let mut parabola = [[0.0; LANES]; 3];
        for ((signs, products), projected) in signs.iter().zip(&sums.products).zip(&sums.projected) {
            let mut scores = [[0.0; LANES]; 2];
            for (totals, projected) in totals.iter().zip(projected) {
                for side in 0..2 {
                    (0..LANES).for_each(|lane| scores[side][lane] -= projected * totals[side][lane]);
                }
            }
            for lane in 0..LANES {
                let [first, second] = [0, 1].map(|side| scores[side][lane] + signs[lane] * products[side]);
                parabola[0][lane] += first * first;
                parabola[1][lane] += 2.0 * first * second;
                parabola[2][lane] += second * second;
            }
        }
        for (lane, draw) in draws.iter_mut().enumerate() {
            draw.line = line.map(|part| part[lane]);
            draw.parabola = parabola.map(|part| sums.factor * part[lane]);
        }
    }
    draws.truncate(n_draws);
    draws
}

/// A bit of the draw per cluster.
fn rademacher(random: Random, draw: u64, cluster: usize) -> f64 {
    let bits = random.bits(draw, cluster as u64 / 64);
    if bits >> (cluster % 64) & 1 == 0 { 1.0 } else { -1.0 }
}

fn webb(random: Random, draw: u64, cluster: usize) -> f64 {
    let size = [0.5_f64, 1.0, 1.5];
    match random.below(draw, cluster as u64, 6) {
        below @ 0..3 => -size[below].sqrt(),
        above => size[above - 3].sqrt(),
    }
}

/// The draws and what they are asked.
struct Test<'a> {
    draws: &'a [Draw],
    std_error: f64,
    options: &'a Options,
}

impl Test<'_> {
    /// t* with the hypothesis at this distance below the estimate.
    fn statistics(&self, distance: f64) -> Vec<f64> {
        self.draws.iter().filter_map(|draw| self.statistic(draw, distance)).collect()
    }

    fn statistic(&self, draw: &Draw, distance: f64) -> Option<f64> {
        let distance = match self.options.residuals {
            Residuals::Restricted => distance,
            Residuals::Unrestricted => 0.0,
        };
        let [constant, slope] = draw.line;
        let [square, product, other] = draw.parabola;
        let variance = square + distance * (product + distance * other);
        // Where all scores vanish, rounding is left of sums of squares of this size.
        let size = square + distance * distance * other + (constant + distance * slope).powi(2);
        (variance > 1e-24 * size).then(|| (constant + distance * slope) / variance.sqrt())
    }

    fn p_value(&self, distance: f64) -> f64 {
        let observed = distance / self.std_error;
        let margin = EQUAL * observed.abs();
        let (mut above, mut below, mut beyond, mut defined) = (0_usize, 0_usize, 0_usize, 0_usize);
        for statistic in self.draws.iter().filter_map(|draw| self.statistic(draw, distance)) {
            defined += 1;
            above += usize::from(statistic > observed + margin);
            below += usize::from(statistic < observed - margin);
            beyond += usize::from(statistic.abs() > observed.abs() + margin);
        }
        match self.options.tail {
            Tail::TwoSided => beyond as f64 / defined as f64,
            Tail::EqualTail => (2 * above.min(below)) as f64 / defined as f64,
        }
    }

    /// How far from the estimate hypotheses begin to be rejected at `rejected`: below it for a direction of 1, above for -1.
    fn end(&self, direction: f64, rejected: f64) -> f64 {
        // Each step is a quarter of a standard error, and later one of a quarter of the way.
        const STEPS: u32 = 200;
        let is_in = |distance: f64| self.p_value(direction * distance) >= rejected;
        let (mut inside, mut outside) = (0.0, f64::INFINITY);
        let mut distance = 0.0;
        for _ in 0..STEPS {
            distance += (0.25 * self.std_error).max(0.25 * distance);
            if is_in(distance) {
                inside = distance;
            } else {
                outside = distance;
                break;
            }
        }
        if outside.is_infinite() {
            return f64::INFINITY;
        }
        // To the last digits: the p-value is a step function of the hypothesis.
        while outside - inside > 1e-12 * outside {
            let middle = inside + (outside - inside) / 2.0;
            if is_in(middle) { inside = middle } else { outside = middle }
        }
        outside
    }
}

#[cfg(test)]
mod tests;
