//! Sums, means, variances and what is made of them. Every value is the float nearest to the exact one, or null.

use super::family::State;
use crate::exact::{self, Exact, Products, Sum, Total};
use datafusion::arrow::datatypes::{Float64Type, Int64Type, UInt64Type};
use datafusion::common::{DataFusionError, Result};
use num_bigint::BigInt;

type Value = Result<Option<f64>>;

/// Of one column.
#[derive(Clone, Debug, Default)]
pub struct Terms {
    count: u64,
    sum: Sum,
}

/// Of one column, with its squares.
#[derive(Clone, Debug, Default)]
pub struct Squares {
    count: u64,
    sum: Sum,
    squares: Products,
}

/// Of two columns, `y` and `x` as the functions have them.
#[derive(Clone, Debug, Default)]
pub struct Pairs {
    count: u64,
    x: Sum,
    y: Sum,
    xx: Products,
    yy: Products,
    xy: Products,
}

/// Of a column of whole numbers.
#[derive(Clone, Debug, Default)]
pub struct Wholes {
    count: u64,
    sum: i128,
}

/// Of a column of whole numbers without sign.
#[derive(Clone, Debug, Default)]
pub struct Naturals(Wholes);

pub fn sum(terms: &Terms) -> Value {
    Ok((terms.count > 0).then(|| terms.sum.divided(1)))
}

pub fn mean(terms: &Terms) -> Value {
    Ok((terms.count > 0).then(|| terms.sum.divided(terms.count)))
}

pub fn whole_sum(wholes: &Wholes) -> Result<Option<i64>> {
    wholes.total(i64::MAX)
}

pub fn natural_sum(naturals: &Naturals) -> Result<Option<u64>> {
    naturals.0.total(u64::MAX)
}

pub fn var_samp(squares: &Squares) -> Value {
    squares.spread(1, exact::ratio)
}

pub fn var_pop(squares: &Squares) -> Value {
    squares.spread(0, exact::ratio)
}

pub fn stddev_samp(squares: &Squares) -> Value {
    squares.spread(1, exact::root)
}

pub fn stddev_pop(squares: &Squares) -> Value {
    squares.spread(0, exact::root)
}

pub fn covar_samp(pairs: &Pairs) -> Value {
    pairs.value(1, |moments| exact::ratio(&moments.sxy, &divisor(moments.n, 1)))
}

pub fn covar_pop(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| exact::ratio(&moments.sxy, &divisor(moments.n, 0)))
}

pub fn corr(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| {
        let size = exact::root(&moments.sxy.times(&moments.sxy), &moments.sxx.times(&moments.syy))?;
        Some(if moments.sxy.digits.sign() == num_bigint::Sign::Minus { -size } else { size })
    })
}

pub fn regr_slope(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| exact::ratio(&moments.sxy, &moments.sxx))
}

/// (Σy·n·Sxx − Σx·n·Sxy) / (n·n·Sxx), where n·Sxx is what `moments` holds.
pub fn regr_intercept(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| {
        let above = moments.y.times(&moments.sxx).minus(&moments.x.times(&moments.sxy));
        exact::ratio(&above, &moments.sxx.scaled(moments.n))
    })
}

/// 1 where `y` is constant and `x` is not, as in the standard.
pub fn regr_r2(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| {
        if !moments.sxx.is_zero() && moments.syy.is_zero() {
            return Some(1.0);
        }
        exact::ratio(&moments.sxy.times(&moments.sxy), &moments.sxx.times(&moments.syy))
    })
}

pub fn regr_avgx(pairs: &Pairs) -> Value {
    Ok((pairs.count > 0).then(|| pairs.x.divided(pairs.count)))
}

pub fn regr_avgy(pairs: &Pairs) -> Value {
    Ok((pairs.count > 0).then(|| pairs.y.divided(pairs.count)))
}

pub fn regr_sxx(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| exact::ratio(&moments.sxx, &whole(moments.n)))
}

pub fn regr_syy(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| exact::ratio(&moments.syy, &whole(moments.n)))
}

pub fn regr_sxy(pairs: &Pairs) -> Value {
    pairs.value(0, |moments| exact::ratio(&moments.sxy, &whole(moments.n)))
}

/// Exact sums of two columns; `sxx` is n·Σx² − (Σx)², and so on: n times the sum of squares around the mean.
struct Moments {
    n: u64,
    x: Exact,
    y: Exact,
    sxx: Exact,
    syy: Exact,
    sxy: Exact,
}

impl Squares {
    /// One more value.
    pub fn include(&mut self, value: f64) {
        self.add([value]);
    }

    /// The variance over n − `less`, or its root.
    fn spread(&self, less: u64, nearest: fn(&Exact, &Exact) -> Option<f64>) -> Value {
        if self.count <= less {
            return Ok(None);
        }
        let (Total::Finite(sum), Total::Finite(squares)) = (self.sum.total(), self.squares.total()) else {
            return Ok(Some(f64::NAN));
        };
        let around = squares.scaled(self.count).minus(&sum.times(&sum));
        Ok(nearest(&around, &divisor(self.count, less)))
    }
}

impl Pairs {
    /// Null with `least` rows or fewer; NaN where a term is infinite or NaN.
    fn value(&self, least: u64, value: impl FnOnce(&Moments) -> Option<f64>) -> Value {
        if self.count <= least {
            return Ok(None);
        }
        let n = self.count;
        let totals = [self.x.total(), self.y.total(), self.xx.total(), self.yy.total(), self.xy.total()];
        let exact: Vec<Exact> = totals
            .into_iter()
            .filter_map(|total| match total {
                Total::Finite(exact) => Some(exact),
                Total::Special(_) => None,
            })
            .collect();
        let Ok([x, y, xx, yy, xy]) = <[Exact; 5]>::try_from(exact) else { return Ok(Some(f64::NAN)) };
        let sxx = xx.scaled(n).minus(&x.times(&x));
        let syy = yy.scaled(n).minus(&y.times(&y));
        let sxy = xy.scaled(n).minus(&x.times(&y));
        Ok(value(&Moments { n, x, y, sxx, syy, sxy }))
    }
}

impl Wholes {
    fn total<T: TryFrom<i128> + std::fmt::Display>(&self, largest: T) -> Result<Option<T>> {
        if self.count == 0 {
            return Ok(None);
        }
        let total = T::try_from(self.sum).map_err(|_| {
            DataFusionError::Execution(format!(
                "a sum of whole numbers is {}, but the largest that fits is {largest}; add them as floats: \
                 `sum(cast(… as double))`",
                self.sum
            ))
        })?;
        Ok(Some(total))
    }
}

fn whole(number: u64) -> Exact {
    Exact { digits: BigInt::from(number), exponent: 0 }
}

/// n·(n − less).
fn divisor(n: u64, less: u64) -> Exact {
    whole(n).scaled(n - less)
}

impl State<1> for Terms {
    type Term = Float64Type;

    #[inline]
    fn add(&mut self, [value]: [f64; 1]) {
        self.count += 1;
        self.sum.add(value);
    }

    fn subtract(&mut self, [value]: [f64; 1]) {
        self.count -= 1;
        self.sum.subtract(value);
    }

    fn merge(&mut self, other: &Terms) {
        self.count += other.count;
        self.sum.merge(&other.sum);
    }

    fn size(&self) -> usize {
        self.sum.size()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.count.to_le_bytes());
        self.sum.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Terms> {
        Some(Terms { count: count(bytes)?, sum: Sum::read(bytes)? })
    }
}

impl State<1> for Squares {
    type Term = Float64Type;

    #[inline]
    fn add(&mut self, [value]: [f64; 1]) {
        self.count += 1;
        self.sum.add(value);
        self.squares.add(value, value);
    }

    fn subtract(&mut self, [value]: [f64; 1]) {
        self.count -= 1;
        self.sum.subtract(value);
        self.squares.subtract(value, value);
    }

    fn merge(&mut self, other: &Squares) {
        self.count += other.count;
        self.sum.merge(&other.sum);
        self.squares.merge(&other.squares);
    }

    fn size(&self) -> usize {
        self.sum.size() + self.squares.size()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.count.to_le_bytes());
        self.sum.write(out);
        self.squares.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Squares> {
        Some(Squares { count: count(bytes)?, sum: Sum::read(bytes)?, squares: Products::read(bytes)? })
    }
}

impl State<2> for Pairs {
    type Term = Float64Type;

    fn add(&mut self, [y, x]: [f64; 2]) {
        self.count += 1;
        self.x.add(x);
        self.y.add(y);
        self.xx.add(x, x);
        self.yy.add(y, y);
        self.xy.add(x, y);
    }

    fn subtract(&mut self, [y, x]: [f64; 2]) {
        self.count -= 1;
        self.x.subtract(x);
        self.y.subtract(y);
        self.xx.subtract(x, x);
        self.yy.subtract(y, y);
        self.xy.subtract(x, y);
    }

    fn merge(&mut self, other: &Pairs) {
        self.count += other.count;
        self.x.merge(&other.x);
        self.y.merge(&other.y);
        self.xx.merge(&other.xx);
        self.yy.merge(&other.yy);
        self.xy.merge(&other.xy);
    }

    fn size(&self) -> usize {
        self.x.size() + self.y.size() + self.xx.size() + self.yy.size() + self.xy.size()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.count.to_le_bytes());
        [&self.x, &self.y].into_iter().for_each(|sum| sum.write(out));
        [&self.xx, &self.yy, &self.xy].into_iter().for_each(|sum| sum.write(out));
    }

    fn read(bytes: &mut &[u8]) -> Option<Pairs> {
        Some(Pairs {
            count: count(bytes)?,
            x: Sum::read(bytes)?,
            y: Sum::read(bytes)?,
            xx: Products::read(bytes)?,
            yy: Products::read(bytes)?,
            xy: Products::read(bytes)?,
        })
    }
}

impl State<1> for Wholes {
    type Term = Int64Type;

    #[inline]
    fn add(&mut self, [value]: [i64; 1]) {
        self.count += 1;
        self.sum += i128::from(value);
    }

    fn subtract(&mut self, [value]: [i64; 1]) {
        self.count -= 1;
        self.sum -= i128::from(value);
    }

    fn merge(&mut self, other: &Wholes) {
        self.count += other.count;
        self.sum += other.sum;
    }

    fn size(&self) -> usize {
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend(self.count.to_le_bytes());
        out.extend(self.sum.to_le_bytes());
    }

    fn read(bytes: &mut &[u8]) -> Option<Wholes> {
        let count = count(bytes)?;
        let (sum, rest) = bytes.split_first_chunk()?;
        *bytes = rest;
        Some(Wholes { count, sum: i128::from_le_bytes(*sum) })
    }
}

impl State<1> for Naturals {
    type Term = UInt64Type;

    #[inline]
    fn add(&mut self, [value]: [u64; 1]) {
        self.0.count += 1;
        self.0.sum += i128::from(value);
    }

    fn subtract(&mut self, [value]: [u64; 1]) {
        self.0.count -= 1;
        self.0.sum -= i128::from(value);
    }

    fn merge(&mut self, other: &Naturals) {
        self.0.merge(&other.0);
    }

    fn size(&self) -> usize {
        0
    }

    fn write(&self, out: &mut Vec<u8>) {
        self.0.write(out);
    }

    fn read(bytes: &mut &[u8]) -> Option<Naturals> {
        Wholes::read(bytes).map(Naturals)
    }
}

fn count(bytes: &mut &[u8]) -> Option<u64> {
    let (count, rest) = bytes.split_first_chunk()?;
    *bytes = rest;
    Some(u64::from_le_bytes(*count))
}
