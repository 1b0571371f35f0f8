//! Several effects without slopes: solves for the coefficients of the levels instead of sweeping over rows.
//!
//! With D the dummies of all effects and W the weights, D'WD α = D'Wy is a system as large as there are levels. The
//! coefficients of the largest effect are eliminated exactly: each row of cells (below) knows its mean. What is left, the
//! Schur complement of the other effects, is solved by conjugate gradients with the masses of the levels as
//! preconditioner (Guimarães & Portugal 2010 give the system; Golub & Van Loan 2013, §11.5.2 the method). In a balanced
//! panel one step is exact; where the levels hardly overlap the steps grow as the square root of those of alternating
//! projections (Gaure 2013).
//!
//! Rows that share the levels of all effects are one cell with their total mass. Cells are sorted by their levels, so
//! that plain sums over them do not depend on the order of the rows, and those of one level of the eliminated effect
//! stand together. Several columns share one pass over the cells as lanes side by side.

use super::order;
use super::{LAST_RESORT, STARTS, Stuck, TOLERANCE};
use crate::design::Group;
use crate::twofold::Twofold;

pub(super) struct Levels {
    /// Of each effect, as plain numbers.
    masses: Vec<Vec<f64>>,
    /// Effects in the order of their levels, most first. The first is eliminated.
    order: Vec<usize>,
    /// Where the coefficients of each effect of `order` but the first begin.
    offsets: Vec<u32>,
    /// Number of coefficients that are left.
    size: usize,
    cells: Cells,
}

/// The rows behind the levels.
struct RowsOf<'a> {
    effects: &'a [Group],
    weights: Option<&'a [f64]>,
}

struct Cells {
    /// First cell of each level of the eliminated effect, and the end.
    starts: Vec<u32>,
    /// Per cell the positions of its coefficients, one per effect that is left.
    positions: Vec<u32>,
    /// `None` where every cell is one row of weight 1.
    masses: Option<Vec<f64>>,
}

impl Levels {
    /// There are at least two effects.
    pub(super) fn new(effects: &[Group], weights: Option<&[f64]>, masses: &[Vec<Twofold>]) -> Levels {
        let mut order: Vec<usize> = (0..effects.len()).collect();
        order.sort_by(|left, right| effects[*right].levels.cmp(&effects[*left].levels).then(left.cmp(right)));
        let mut offsets = Vec::new();
        let mut size = 0;
        for effect in &order[1..] {
            offsets.push(size as u32);
            size += effects[*effect].levels;
        }
        let cells = Cells::new(effects, &order, &offsets, weights);
        let masses = masses.iter().map(|masses| masses.iter().map(|mass| mass.value()).collect()).collect();
        Levels { masses, order, offsets, size, cells }
    }

    /// Frees columns of the effects, those it was made of; returns the iterations of each.
    pub(super) fn absorb(
        &self,
        effects: &[Group],
        weights: Option<&[f64]>,
        columns: &mut [(&str, &mut [f64])],
        limit: u32,
    ) -> Result<Vec<u32>, Stuck> {
        let rows = RowsOf { effects, weights };
        let mut iterations = Vec::with_capacity(columns.len());
        let mut rest = columns;
        while !rest.is_empty() {
            let lanes = match rest.len() {
                1 => 1,
                2 => 2,
                3 => 3,
                _ => 4,
            };
            let (now, later) = rest.split_at_mut(lanes);
            match lanes {
                1 => iterations.extend(self.absorb_lanes::<1>(&rows, now, limit)?),
                2 => iterations.extend(self.absorb_lanes::<2>(&rows, now, limit)?),
                3 => iterations.extend(self.absorb_lanes::<3>(&rows, now, limit)?),
                _ => iterations.extend(self.absorb_lanes::<4>(&rows, now, limit)?),
            }
            rest = later;
        }
        Ok(iterations)
    }

    fn absorb_lanes<const LANES: usize>(
        &self,
        rows: &RowsOf,
        columns: &mut [(&str, &mut [f64])],
        limit: u32,
    ) -> Result<[u32; LANES], Stuck> {
        let mut targets = [0.0; LANES];
        for (target, (_, values)) in targets.iter_mut().zip(columns.iter()) {
            *target = TOLERANCE * super::length(values, rows.weights);
        }
        let mut iterations = [0_u32; LANES];
        let mut last = [f64::INFINITY; LANES];
        let mut open = [true; LANES];
        for _ in 0..STARTS {
            // The sums of every level, of the columns as they are now: what is left to take out.
            let sums = self.level_sums(rows, columns, &open);
            for lane in 0..LANES {
                if !open[lane] {
                    continue;
                }
                let left = self.left(&sums, lane);
                let stuck = left > 0.5 * last[lane];
                let rounding = stuck && left <= targets[lane] * (LAST_RESORT / TOLERANCE);
                open[lane] = !(left <= targets[lane] || rounding);
                last[lane] = left;
            }
            if open.iter().all(|open| !open) {
                return Ok(iterations.map(|iterations| iterations.max(1)));
            }
            let coefficients = self.solve(&sums, &targets, &open, &mut iterations, limit);
            for (lane, (_, values)) in columns.iter_mut().enumerate() {
                if open[lane] {
                    self.take_out(rows, &coefficients, lane, values);
                }
            }
        }
        let lane = open.iter().position(|open| *open).expect("one lane is open");
        Err(Stuck { column: columns[lane].0.to_string(), iterations: iterations[lane] })
    }

    /// Σ w y of each level of each effect of `order`; zeros for a lane that is done.
    fn level_sums<const LANES: usize>(
        &self,
        rows: &RowsOf,
        columns: &[(&str, &mut [f64])],
        open: &[bool; LANES],
    ) -> Vec<Vec<[f64; LANES]>> {
        let mut all: Vec<Vec<[f64; LANES]>> =
            self.order.iter().map(|effect| vec![[0.0; LANES]; rows.effects[*effect].levels]).collect();
        for (lane, (_, values)) in columns.iter().enumerate().filter(|(lane, _)| open[*lane]) {
            for (effect, sums) in self.order.iter().zip(&mut all) {
                let group = &rows.effects[*effect];
                let found = super::sums(&group.codes, group.levels, values, rows.weights);
                sums.iter_mut().zip(found).for_each(|(sums, found)| sums[lane] = found.value());
            }
        }
        all
    }

    /// The length of what the dummies explain, each effect by itself: √Σ s²/m.
    fn left<const LANES: usize>(&self, sums: &[Vec<[f64; LANES]>], lane: usize) -> f64 {
        let of_effect = |(effect, sums): (&usize, &Vec<[f64; LANES]>)| {
            sums.iter().zip(&self.masses[*effect]).map(|(sums, mass)| sums[lane] * sums[lane] / mass).sum::<f64>()
        };
        self.order.iter().zip(sums).map(of_effect).sum::<f64>().sqrt()
    }

    /// The coefficients of the levels: those of the eliminated effect, then the others.
    fn solve<const LANES: usize>(
        &self,
        sums: &[Vec<[f64; LANES]>],
        targets: &[f64; LANES],
        open: &[bool; LANES],
        iterations: &mut [u32; LANES],
        limit: u32,
    ) -> [Vec<[f64; LANES]>; 2] {
        let masses: Vec<f64> = self.order[1..].iter().flat_map(|effect| self.masses[*effect].iter().copied()).collect();
        let first_masses = &self.masses[self.order[0]];
        let first_means: Vec<[f64; LANES]> =
            sums[0].iter().zip(first_masses).map(|(sums, mass)| sums.map(|sum| sum / mass)).collect();
        // b = s - D'W (means of the first effect).
        let mut rest: Vec<[f64; LANES]> = sums[1..].concat();
        self.cells.subtract_scattered(&first_means, &mut rest, self.order.len() - 1);
        let mut solution = vec![[0.0; LANES]; self.size];
        let mut direction: Vec<[f64; LANES]> =
            rest.iter().zip(&masses).map(|(rest, mass)| rest.map(|rest| rest / mass)).collect();
        let mut image = vec![[0.0; LANES]; self.size];
        let mut squares = weighted_squares(&rest, &masses);
        let mut active = *open;
        let done = |square: f64, lane: usize| square.sqrt() <= 0.1 * targets[lane];
        for lane in 0..LANES {
            active[lane] &= !done(squares[lane], lane) && iterations[lane] < limit;
        }
        while active.iter().any(|active| *active) {
            self.cells.times(&direction, &masses, first_masses, &mut image, self.order.len() - 1);
            let curvature = products(&direction, &image);
            let mut step = [0.0; LANES];
            for lane in 0..LANES {
                if active[lane] {
                    iterations[lane] += 1;
                    active[lane] = curvature[lane] > 0.0;
                    step[lane] = if active[lane] { squares[lane] / curvature[lane] } else { 0.0 };
                }
            }
            for (index, rest) in rest.iter_mut().enumerate() {
                for lane in 0..LANES {
                    solution[index][lane] += step[lane] * direction[index][lane];
                    rest[lane] -= step[lane] * image[index][lane];
                }
            }
            let next = weighted_squares(&rest, &masses);
            let mut turn = [0.0; LANES];
            for lane in 0..LANES {
                if active[lane] {
                    turn[lane] = next[lane] / squares[lane];
                    squares[lane] = next[lane];
                    active[lane] = !done(next[lane], lane) && iterations[lane] < limit;
                }
            }
            for (index, direction) in direction.iter_mut().enumerate() {
                for lane in 0..LANES {
                    // A lane that is done stands still: its direction no longer matters, its step is 0.
                    direction[lane] = rest[index][lane] / masses[index] + turn[lane] * direction[lane];
                }
            }
        }
        let mut first = first_means;
        self.cells.subtract_means_of(&solution, first_masses, &mut first, self.order.len() - 1);
        [first, solution]
    }

    fn take_out<const LANES: usize>(
        &self,
        rows: &RowsOf,
        coefficients: &[Vec<[f64; LANES]>; 2],
        lane: usize,
        values: &mut [f64],
    ) {
        let flat = |coefficients: &[[f64; LANES]]| -> Vec<f64> { coefficients.iter().map(|all| all[lane]).collect() };
        let (first, others) = (flat(&coefficients[0]), flat(&coefficients[1]));
        let codes = |position: usize| rows.effects[self.order[position]].codes.as_slice();
        let part = |position: usize| &others[self.offsets[position - 1] as usize..];
        // Two and three effects at once, because every pass over the rows costs.
        let mut position = match self.order.len() {
            2 => {
                let second = part(1);
                for ((value, one), two) in values.iter_mut().zip(codes(0)).zip(codes(1)) {
                    *value -= first[*one as usize] + second[*two as usize];
                }
                2
            }
            _ => {
                let (second, third) = (part(1), part(2));
                for (((value, one), two), three) in values.iter_mut().zip(codes(0)).zip(codes(1)).zip(codes(2)) {
                    *value -= first[*one as usize] + second[*two as usize] + third[*three as usize];
                }
                3
            }
        };
        while position < self.order.len() {
            let coefficients = part(position);
            for (value, code) in values.iter_mut().zip(codes(position)) {
                *value -= coefficients[*code as usize];
            }
            position += 1;
        }
    }
}

impl Cells {
    fn new(effects: &[Group], order: &[usize], offsets: &[u32], weights: Option<&[f64]>) -> Cells {
        // Weights must follow their rows; without them the codes are enough.
        let packed = if weights.is_none() { order::packed(effects, order) } else { None };
        if let Some(packed) = packed {
            let code = |position: usize, index: usize| packed.code(position, index);
            return Cells::gathered(effects, order, offsets, code, None::<fn(usize) -> f64>);
        }
        let rows = order::sorted(effects, order);
        let code = |position: usize, index: usize| effects[order[position]].codes[rows[index] as usize];
        let weight = weights.map(|weights| |index: usize| weights[rows[index] as usize]);
        Cells::gathered(effects, order, offsets, code, weight)
    }

    /// Cells of rows in order: `code` tells the level of the effect at a position of `order` in a row, `weight` its weight.
    fn gathered(
        effects: &[Group],
        order: &[usize],
        offsets: &[u32],
        code: impl Fn(usize, usize) -> u32,
        weight: Option<impl Fn(usize) -> f64>,
    ) -> Cells {
        let n_rows = effects[0].codes.len();
        let first = &effects[order[0]];
        let width = offsets.len();
        let mut starts = vec![0_u32; first.levels + 1];
        let mut positions: Vec<u32> = Vec::with_capacity(n_rows * width);
        let mut masses: Vec<f64> = Vec::new();
        let mut mass = Twofold::default();
        let mut is_plain = weight.is_none();
        for index in 0..n_rows {
            let starts_a_cell =
                index == 0 || (0..order.len()).any(|position| code(position, index) != code(position, index - 1));
            if starts_a_cell {
                if index > 0 {
                    masses.push(mass.value());
                    is_plain &= mass.value() == 1.0;
                }
                mass = Twofold::default();
                for (position, offset) in (1..).zip(offsets) {
                    positions.push(offset + code(position, index));
                }
                starts[code(0, index) as usize + 1] += 1;
            }
            mass = mass.plus(weight.as_ref().map_or(1.0, |weight| weight(index)));
        }
        masses.push(mass.value());
        is_plain &= mass.value() == 1.0;
        for level in 0..first.levels {
            starts[level + 1] += starts[level];
        }
        positions.shrink_to_fit();
        Cells { starts, positions, masses: (!is_plain).then_some(masses) }
    }

    /// image = (D'WD - D'W D₁ M₁⁻¹ D₁'WD) direction.
    fn times<const LANES: usize>(
        &self,
        direction: &[[f64; LANES]],
        masses: &[f64],
        first_masses: &[f64],
        image: &mut [[f64; LANES]],
        width: usize,
    ) {
        match width {
            // D'WD is the masses alone where one effect is left.
            1 => {
                for ((image, direction), mass) in image.iter_mut().zip(direction).zip(masses) {
                    *image = direction.map(|value| mass * value);
                }
                self.each_level(first_masses, |cells, first_mass| {
                    let mut mean = [0.0; LANES];
                    for cell in cells.clone() {
                        let mass = self.mass(cell);
                        let value = &direction[self.positions[cell] as usize];
                        for lane in 0..LANES {
                            mean[lane] += mass * value[lane];
                        }
                    }
                    mean.iter_mut().for_each(|mean| *mean /= first_mass);
                    for cell in cells {
                        let mass = self.mass(cell);
                        let image = &mut image[self.positions[cell] as usize];
                        for lane in 0..LANES {
                            image[lane] -= mass * mean[lane];
                        }
                    }
                });
            }
            2 => self.times_wide::<LANES, 2>(direction, first_masses, image),
            3 => self.times_wide::<LANES, 3>(direction, first_masses, image),
            _ => {
                image.fill([0.0; LANES]);
                self.each_level(first_masses, |cells, first_mass| {
                    let value = |cell: usize| {
                        let mut value = [0.0; LANES];
                        for position in &self.positions[cell * width..(cell + 1) * width] {
                            let part = &direction[*position as usize];
                            (0..LANES).for_each(|lane| value[lane] += part[lane]);
                        }
                        value
                    };
                    let mut mean = [0.0; LANES];
                    for cell in cells.clone() {
                        let (mass, value) = (self.mass(cell), value(cell));
                        (0..LANES).for_each(|lane| mean[lane] += mass * value[lane]);
                    }
                    mean.iter_mut().for_each(|mean| *mean /= first_mass);
                    for cell in cells {
                        let (mass, value) = (self.mass(cell), value(cell));
                        for position in &self.positions[cell * width..(cell + 1) * width] {
                            let image = &mut image[*position as usize];
                            (0..LANES).for_each(|lane| image[lane] += mass * (value[lane] - mean[lane]));
                        }
                    }
                });
            }
        }
    }

    /// The general case of [`Cells::times`] with the number of effects known to the compiler.
    fn times_wide<const LANES: usize, const WIDTH: usize>(
        &self,
        direction: &[[f64; LANES]],
        first_masses: &[f64],
        image: &mut [[f64; LANES]],
    ) {
        image.fill([0.0; LANES]);
        let (positions, _) = self.positions.as_chunks::<WIDTH>();
        self.each_level(first_masses, |cells, first_mass| {
            let value = |positions: &[u32; WIDTH]| {
                let mut value = [0.0; LANES];
                for position in positions {
                    let part = &direction[*position as usize];
                    (0..LANES).for_each(|lane| value[lane] += part[lane]);
                }
                value
            };
            let mut mean = [0.0; LANES];
            for cell in cells.clone() {
                let (mass, value) = (self.mass(cell), value(&positions[cell]));
                (0..LANES).for_each(|lane| mean[lane] += mass * value[lane]);
            }
            mean.iter_mut().for_each(|mean| *mean /= first_mass);
            for cell in cells {
                let (mass, value) = (self.mass(cell), value(&positions[cell]));
                for position in &positions[cell] {
                    let image = &mut image[*position as usize];
                    (0..LANES).for_each(|lane| image[lane] += mass * (value[lane] - mean[lane]));
                }
            }
        });
    }

    /// rest -= D'W D₁ means.
    fn subtract_scattered<const LANES: usize>(
        &self,
        first_means: &[[f64; LANES]],
        rest: &mut [[f64; LANES]],
        width: usize,
    ) {
        for (level, mean) in first_means.iter().enumerate() {
            for cell in self.starts[level] as usize..self.starts[level + 1] as usize {
                let mass = self.mass(cell);
                for position in &self.positions[cell * width..(cell + 1) * width] {
                    let rest = &mut rest[*position as usize];
                    (0..LANES).for_each(|lane| rest[lane] -= mass * mean[lane]);
                }
            }
        }
    }

    /// first -= M₁⁻¹ D₁'W D coefficients.
    fn subtract_means_of<const LANES: usize>(
        &self,
        coefficients: &[[f64; LANES]],
        first_masses: &[f64],
        first: &mut [[f64; LANES]],
        width: usize,
    ) {
        for ((level, first), first_mass) in first.iter_mut().enumerate().zip(first_masses) {
            let mut sum = [0.0; LANES];
            for cell in self.starts[level] as usize..self.starts[level + 1] as usize {
                let mass = self.mass(cell);
                for position in &self.positions[cell * width..(cell + 1) * width] {
                    let part = &coefficients[*position as usize];
                    (0..LANES).for_each(|lane| sum[lane] += mass * part[lane]);
                }
            }
            (0..LANES).for_each(|lane| first[lane] -= sum[lane] / first_mass);
        }
    }

    /// Calls `work` with the cells and the mass of each level of the eliminated effect.
    fn each_level(&self, first_masses: &[f64], mut work: impl FnMut(std::ops::Range<usize>, f64)) {
        for (bounds, mass) in self.starts.windows(2).zip(first_masses) {
            work(bounds[0] as usize..bounds[1] as usize, *mass);
        }
    }

    fn mass(&self, cell: usize) -> f64 {
        self.masses.as_ref().map_or(1.0, |masses| masses[cell])
    }
}

/// Σ v²/m, lane by lane.
fn weighted_squares<const LANES: usize>(values: &[[f64; LANES]], masses: &[f64]) -> [f64; LANES] {
    let mut squares = [0.0; LANES];
    for (value, mass) in values.iter().zip(masses) {
        (0..LANES).for_each(|lane| squares[lane] += value[lane] * value[lane] / mass);
    }
    squares
}

/// Σ u v, lane by lane.
fn products<const LANES: usize>(left: &[[f64; LANES]], right: &[[f64; LANES]]) -> [f64; LANES] {
    let mut products = [0.0; LANES];
    for (left, right) in left.iter().zip(right) {
        (0..LANES).for_each(|lane| products[lane] += left[lane] * right[lane]);
    }
    products
}
