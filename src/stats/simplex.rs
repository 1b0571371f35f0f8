//! Linear programs of a few dozen variables: the dense simplex method with Bland's rule, which cannot cycle.
//! Knows no model. Bland (1977); Chvátal (1983), chapters 2, 3 and 8.
//!
//! A program is max c'x subject to Ax = b, x ≥ 0. The first phase, which finds a corner, does not depend on c: it is done once
//! for all objectives, and each of them starts from that corner, so that no answer depends on the questions before it.

use crate::solve::Matrix;

/// The corners of {x ≥ 0, Ax = b}, seen from one of them.
#[derive(Clone, Debug)]
pub(crate) struct Simplex {
    /// Rows of B⁻¹A, with B⁻¹b at the end.
    rows: Matrix,
    /// The variable that each row gives.
    basis: Vec<usize>,
    n_variables: usize,
}

/// What a linear program comes to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Optimum {
    /// A corner where the objective is largest.
    At(Vec<f64>),
    Unbounded,
    /// Rounding keeps the method from ending.
    Stalled,
}

/// Smaller entries of a tableau, whose rows begin with a largest entry of 1, are rounding.
const ROUNDING: f64 = 1e-11;

/// Bland's rule ends by itself; this only bounds what rounding may do to it.
const PIVOTS: usize = 20_000;

impl Simplex {
    /// `None` where no x ≥ 0 has Ax = b.
    pub(crate) fn new(equations: &Matrix, right: &[f64]) -> Option<Simplex> {
        let n_variables = equations.first().map_or(0, Vec::len);
        let n_rows = equations.len();
        let mut rows = Matrix::with_capacity(n_rows);
        for (index, (equation, right)) in equations.iter().zip(right).enumerate() {
            let largest = equation.iter().fold(right.abs(), |largest, entry| largest.max(entry.abs()));
            let scale = if largest == 0.0 { 1.0 } else { right.signum() / largest };
            let mut row: Vec<f64> = equation.iter().map(|entry| entry * scale).collect();
            // One artificial variable per row, all of them in the first basis.
            row.extend((0..n_rows).map(|other| f64::from(u8::from(other == index))));
            row.push(right * scale);
            rows.push(row);
        }
        let basis = (n_variables..n_variables + n_rows).collect();
        let mut simplex = Simplex { rows, basis, n_variables: n_variables + n_rows };
        let artificial: Vec<f64> =
            (0..simplex.n_variables).map(|variable| -f64::from(u8::from(variable >= n_variables))).collect();
        simplex.climb(&artificial);
        let left: f64 =
            simplex.entries().filter(|(variable, _)| *variable >= n_variables).map(|(_, value)| value).sum();
        if left > 1e-9 {
            return None;
        }
        simplex.drop_artificial(n_variables);
        Some(simplex)
    }

    /// The corner where c'x is largest.
    pub(crate) fn maximum(&self, objective: &[f64]) -> Optimum {
        let mut simplex = self.clone();
        match simplex.climb(objective) {
            Climb::Top => {
                let mut point = vec![0.0; self.n_variables];
                simplex.entries().for_each(|(variable, value)| point[variable] = value.max(0.0));
                Optimum::At(point)
            }
            Climb::Unbounded => Optimum::Unbounded,
            Climb::Stalled => Optimum::Stalled,
        }
    }

    /// The basic variables and their values.
    fn entries(&self) -> impl Iterator<Item = (usize, f64)> {
        self.basis.iter().zip(&self.rows).map(|(variable, row)| (*variable, row[row.len() - 1]))
    }

    /// Pivots until no variable improves the objective.
    fn climb(&mut self, objective: &[f64]) -> Climb {
        let largest = objective.iter().fold(0.0_f64, |largest, entry| largest.max(entry.abs()));
        for _ in 0..PIVOTS {
            // Bland: the first variable that improves enters.
            let improves = |variable: &usize| {
                let priced = self
                    .basis
                    .iter()
                    .zip(&self.rows)
                    .map(|(basic, row)| objective[*basic] * row[*variable])
                    .sum::<f64>();
                objective[*variable] - priced > ROUNDING * largest
            };
            let Some(entering) =
                (0..self.n_variables).find(|variable| !self.basis.contains(variable) && improves(variable))
            else {
                return Climb::Top;
            };
            let mut leaving: Option<(usize, f64)> = None;
            for (index, row) in self.rows.iter().enumerate().filter(|(_, row)| row[entering] > ROUNDING) {
                let ratio = row[self.n_variables] / row[entering];
                let is_first = leaving.is_none_or(|(other, least)| {
                    let tie = (ratio - least).abs() <= ROUNDING * (1.0 + least.abs());
                    if tie { self.basis[index] < self.basis[other] } else { ratio < least }
                });
                if is_first {
                    leaving = Some((index, ratio));
                }
            }
            let Some((leaving, _)) = leaving else { return Climb::Unbounded };
            self.pivot(leaving, entering);
        }
        Climb::Stalled
    }

    fn pivot(&mut self, leaving: usize, entering: usize) {
        let pivot = self.rows[leaving][entering];
        self.rows[leaving].iter_mut().for_each(|entry| *entry /= pivot);
        let pivot_row = self.rows[leaving].clone();
        for (index, row) in self.rows.iter_mut().enumerate() {
            let factor = row[entering];
            if index != leaving && factor != 0.0 {
                row.iter_mut().zip(&pivot_row).for_each(|(entry, pivot)| *entry -= factor * pivot);
                row[entering] = 0.0;
            }
        }
        self.basis[leaving] = entering;
    }

    /// Takes the artificial variables, which are all 0, out of the basis and the tableau. A row that only they are in
    /// says what other rows say.
    fn drop_artificial(&mut self, n_variables: usize) {
        let mut index = 0;
        while index < self.rows.len() {
            if self.basis[index] >= n_variables {
                let entering = (0..n_variables)
                    .filter(|variable| self.rows[index][*variable].abs() > 1e-9)
                    .max_by(|left, right| self.rows[index][*left].abs().total_cmp(&self.rows[index][*right].abs()));
                match entering {
                    Some(entering) => self.pivot(index, entering),
                    None => {
                        self.rows.remove(index);
                        self.basis.remove(index);
                        continue;
                    }
                }
            }
            index += 1;
        }
        for row in &mut self.rows {
            let right = row[self.n_variables];
            row.truncate(n_variables);
            row.push(right);
        }
        self.n_variables = n_variables;
    }
}

enum Climb {
    Top,
    Unbounded,
    Stalled,
}

/// The largest c'z subject to Gz ≤ h, the z having any sign; `None` where no z has Gz ≤ h.
pub(crate) fn largest(inequalities: &Matrix, right: &[f64], objective: &[f64]) -> Option<Optimum> {
    let (n_rows, size) = (inequalities.len(), objective.len());
    // z = positive - negative part, and one slack per row.
    let row = |(index, row): (usize, &Vec<f64>)| -> Vec<f64> {
        let slack = (0..n_rows).map(|other| f64::from(u8::from(other == index)));
        row.iter().copied().chain(row.iter().map(|entry| -entry)).chain(slack).collect()
    };
    let simplex = Simplex::new(&inequalities.iter().enumerate().map(row).collect(), right)?;
    let parts: Vec<f64> = objective
        .iter()
        .copied()
        .chain(objective.iter().map(|entry| -entry))
        .chain(std::iter::repeat_n(0.0, n_rows))
        .collect();
    Some(match simplex.maximum(&parts) {
        Optimum::At(point) => Optimum::At((0..size).map(|index| point[index] - point[size + index]).collect()),
        other => other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Random;
    use crate::{solve, twofold};

    fn value(objective: &[f64], point: &[f64]) -> f64 {
        twofold::dot(objective, point).value()
    }

    /// The largest value over all corners, by solving every choice of basic columns; `None` where there is no corner.
    fn by_enumeration(equations: &Matrix, right: &[f64], objective: &[f64]) -> Option<f64> {
        let (n_rows, n_variables) = (equations.len(), objective.len());
        let mut best: Option<f64> = None;
        for choice in 0_u32..1 << n_variables {
            let columns: Vec<usize> = (0..n_variables).filter(|variable| choice >> variable & 1 == 1).collect();
            if columns.len() != n_rows {
                continue;
            }
            let square: Matrix =
                equations.iter().map(|row| columns.iter().map(|column| row[*column]).collect()).collect();
            let Some(inverse) = solve::inverse(&square) else { continue };
            let solution: Vec<f64> = inverse.iter().map(|row| twofold::dot(row, right).value()).collect();
            if solution.iter().all(|value| *value >= -1e-9) {
                let value = columns.iter().zip(&solution).map(|(column, value)| objective[*column] * value).sum();
                best = Some(best.map_or(value, |best: f64| best.max(value)));
            }
        }
        best
    }

    #[test]
    fn random_programs_have_the_value_of_their_best_corner() {
        let random = Random::new(20_260_101, 1);
        let (mut solved, mut empty) = (0, 0);
        for draw in 0..400 {
            let (n_rows, n_variables) = (1 + random.below(draw, 0, 4), 6 + random.below(draw, 1, 4));
            let number = |position: usize| (random.uniform(draw, 100 + position as u64) - 0.5) * 4.0;
            let mut equations: Matrix = (0..n_rows)
                .map(|row| (0..n_variables).map(|column| number(row * n_variables + column)).collect())
                .collect();
            // Whole numbers in half of the programs make ties; a sum of all variables bounds them.
            if draw % 2 == 0 {
                equations.iter_mut().flatten().for_each(|entry| *entry = entry.round());
            }
            equations.push(vec![1.0; n_variables]);
            let mut right: Vec<f64> =
                (0..n_rows).map(|row| if draw % 3 == 0 { 0.0 } else { number(500 + row) }).collect();
            right.push(3.0);
            let objective: Vec<f64> = (0..n_variables).map(|column| number(700 + column)).collect();
            let expected = by_enumeration(&equations, &right, &objective);
            let found = Simplex::new(&equations, &right).map(|simplex| match simplex.maximum(&objective) {
                Optimum::At(point) => {
                    for (row, right) in equations.iter().zip(&right) {
                        assert!((value(row, &point) - right).abs() < 1e-9, "draw {draw}");
                    }
                    value(&objective, &point)
                }
                other => panic!("draw {draw}: {other:?}"),
            });
            match (found, expected) {
                // Values of size 10, some ten pivots with entries of that size.
                (Some(found), Some(expected)) => {
                    assert!((found - expected).abs() < 1e-9, "draw {draw}: {found}, {expected}");
                    solved += 1;
                }
                (None, None) => empty += 1,
                // Rows of whole numbers may repeat one another, and then no square choice of columns can be solved.
                (Some(_), None) if draw % 2 == 0 => {}
                other => panic!("draw {draw}: {other:?}"),
            }
        }
        assert!(solved > 150 && empty > 20, "{solved} solved, {empty} without a point");
    }

    #[test]
    fn a_program_without_a_bound_or_a_point_says_so() {
        let simplex = Simplex::new(&vec![vec![1.0, -1.0]], &[0.0]).expect("0 is a point");
        assert_eq!(simplex.maximum(&[1.0, 0.0]), Optimum::Unbounded);
        assert_eq!(simplex.maximum(&[-1.0, 0.0]), Optimum::At(vec![0.0, 0.0]));
        assert!(Simplex::new(&vec![vec![1.0, 1.0]], &[-1.0]).is_none());
        // Twice the same equation, and one that contradicts it.
        assert!(Simplex::new(&vec![vec![1.0, 1.0], vec![2.0, 2.0]], &[1.0, 2.0]).is_some());
        assert!(Simplex::new(&vec![vec![1.0, 1.0], vec![2.0, 2.0]], &[1.0, 3.0]).is_none());
    }

    #[test]
    fn variables_may_have_any_sign() {
        // |x| ≤ 2, x + y ≤ -1, y ≥ -5.
        let rows = vec![vec![1.0, 0.0], vec![-1.0, 0.0], vec![1.0, 1.0], vec![0.0, -1.0]];
        let right = [2.0, 2.0, -1.0, 5.0];
        assert_eq!(largest(&rows, &right, &[0.0, 1.0]), Some(Optimum::At(vec![-2.0, 1.0])));
        assert_eq!(largest(&rows, &right, &[0.0, -1.0]).map(|_| ()), Some(()));
        assert_eq!(largest(&vec![vec![1.0], vec![-1.0]], &[-1.0, -1.0], &[1.0]), None);
    }

    /// Beale's program (1955), on which the largest-coefficient rule cycles.
    #[test]
    fn a_program_that_cycles_ends() {
        let equations = vec![
            vec![0.25, -60.0, -0.04, 9.0, 1.0, 0.0, 0.0],
            vec![0.5, -90.0, -0.02, 3.0, 0.0, 1.0, 0.0],
            vec![0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        ];
        let objective = [0.75, -150.0, 0.02, -6.0, 0.0, 0.0, 0.0];
        let simplex = Simplex::new(&equations, &[0.0, 0.0, 1.0]).expect("0 is a point");
        let Optimum::At(point) = simplex.maximum(&objective) else { panic!("it is bounded") };
        assert!((value(&objective, &point) - 0.05).abs() < 1e-12);
    }
}
