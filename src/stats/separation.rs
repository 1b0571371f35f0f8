//! Observations that separate: a likelihood has no maximum while they are in the sample. Knows columns, no model.
//!
//! Correia, Guimarães & Zylkin (2021): a row with an outcome of 0 is separated if some combination z of regressors and
//! effects is 0 wherever the outcome is positive, never negative, and positive in the row. Their iterative rectifier finds
//! z: regress u on the columns, with so large a weight on the other rows that their fitted values are 0, take the fitted
//! values without their negative part as the next u, until nothing is negative. For a binary outcome the same z must not
//! be negative where it is 1 and not positive where it is 0, which is the same after a change of signs.

use crate::demean::{self, Absorber};
use crate::design::{Design, Group};
use crate::error::StatsError;
use crate::solve;

/// Fitted values nearer to 0 than this are 0.
const TOLERANCE: f64 = 1e-4;

/// Rounds of the rectifier; it takes a few.
const ROUNDS: u32 = 1000;

/// Positions of the rows whose level of some effect has no positive outcome, repeated until there are none.
pub(crate) fn levels_without_events(effects: &[Group], outcome: &[f64]) -> Vec<usize> {
    let mut is_in = vec![true; outcome.len()];
    loop {
        let before = is_in.iter().filter(|is_in| **is_in).count();
        for effect in effects {
            let mut has_event = vec![false; effect.levels];
            for (row, code) in effect.codes.iter().enumerate() {
                has_event[*code as usize] |= is_in[row] && outcome[row] > 0.0;
            }
            is_in.iter_mut().zip(&effect.codes).for_each(|(is_in, code)| *is_in &= has_event[*code as usize]);
        }
        if is_in.iter().filter(|is_in| **is_in).count() == before {
            return (0..outcome.len()).filter(|row| !is_in[*row]).collect();
        }
    }
}

/// Positions of the rows with an outcome of 0 that the regressors separate.
pub(crate) fn of_counts(design: &Design) -> Result<Vec<usize>, StatsError> {
    let is_zero: Vec<bool> = design.outcome.iter().map(|outcome| *outcome == 0.0).collect();
    if is_zero.iter().all(|is_zero| !is_zero) {
        return Ok(Vec::new());
    }
    let heavy = (design.n_obs() as f64 / (TOLERANCE * TOLERANCE)).ceil();
    let weights: Vec<f64> = is_zero.iter().map(|is_zero| if *is_zero { 1.0 } else { heavy }).collect();
    let mut columns: Vec<Vec<f64>> = design.regressors.iter().map(|regressor| regressor.values.clone()).collect();
    columns.iter_mut().for_each(|column| unit(column));
    if design.intercept {
        columns.push(vec![1.0; design.n_obs()]);
    }
    let absorber = Absorber::new(&design.effects, &design.slopes, Some(&weights), demean::LIMIT);
    rectify(&absorber, columns, &weights, &is_zero)
}

/// Positions of the rows that the regressors tell the outcomes 0 and 1 of, without an error.
pub(crate) fn of_choices(design: &Design) -> Result<Vec<usize>, StatsError> {
    let signs: Vec<f64> = design.outcome.iter().map(|outcome| if *outcome > 0.0 { 1.0 } else { -1.0 }).collect();
    let mut columns: Vec<Vec<f64>> = design.regressors.iter().map(|regressor| regressor.values.clone()).collect();
    columns.iter_mut().for_each(|column| unit(column));
    if design.intercept {
        columns.push(vec![1.0; design.n_obs()]);
    }
    for column in &mut columns {
        column.iter_mut().zip(&signs).for_each(|(value, sign)| *value *= sign);
    }
    let absorber = Absorber::new(&[], &[], None, demean::LIMIT);
    rectify(&absorber, columns, &vec![1.0; design.n_obs()], &vec![true; design.n_obs()])
}

/// The rectifier over the rows that `may` be separated.
fn rectify(
    absorber: &Absorber,
    mut columns: Vec<Vec<f64>>,
    weights: &[f64],
    may: &[bool],
) -> Result<Vec<usize>, StatsError> {
    let mut together: Vec<(&str, &mut [f64])> =
        columns.iter_mut().map(|column| ("a regressor", column.as_mut_slice())).collect();
    absorber.absorb_all(&mut together)?;
    let roots: Vec<f64> = weights.iter().map(|weight| weight.sqrt()).collect();
    for column in &mut columns {
        column.iter_mut().zip(&roots).for_each(|(value, root)| *value *= root);
    }
    let mut u: Vec<f64> = may.iter().map(|may| f64::from(u8::from(*may))).collect();
    for _ in 0..ROUNDS {
        let mut rest = u.clone();
        absorber.absorb("the rectifier", &mut rest)?;
        rest.iter_mut().zip(&roots).for_each(|(value, root)| *value *= root);
        let solved = solve::least_squares(&columns, &rest);
        let dropped: Vec<usize> = solved.dropped.iter().map(|(position, _)| *position).collect();
        let kept = (0..columns.len()).filter(|position| !dropped.contains(position));
        for (position, coefficient) in kept.zip(&solved.solution) {
            rest.iter_mut().zip(&columns[position]).for_each(|(rest, value)| *rest -= coefficient * value);
        }
        let mut is_done = true;
        let mut fitted = vec![0.0; u.len()];
        for row in (0..u.len()).filter(|row| may[*row]) {
            let value = u[row] - rest[row] / roots[row];
            // Stricter below 0, so that nothing is called separated by rounding.
            if value <= -0.1 * TOLERANCE || value >= TOLERANCE {
                fitted[row] = value;
                is_done &= value > 0.0;
            }
        }
        if is_done {
            return Ok((0..u.len()).filter(|row| fitted[*row] > 0.0).collect());
        }
        u = fitted.into_iter().map(|value| value.max(0.0)).collect();
    }
    // It converges to a z as long as there is one, which is only slow to be found.
    Ok(Vec::new())
}

/// Scales a column to a largest value of 1, so that the tolerance means the same for all.
fn unit(column: &mut [f64]) {
    let largest = column.iter().fold(0.0_f64, |largest, value| largest.max(value.abs()));
    if largest > 0.0 {
        column.iter_mut().for_each(|value| *value /= largest);
    }
}
