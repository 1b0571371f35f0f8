//! Rows by their labels. Codes follow the order of the labels, numbers by value and texts by character, so that the
//! order of the rows does not show in them.

use super::{ColumnData, Data, Group};
use crate::formula::Level;
use std::collections::{BTreeMap, HashMap};
use std::hash::Hash;
use std::sync::Arc;

pub(super) struct Grouping {
    /// One per row, an index into `labels`.
    pub(super) codes: Vec<u32>,
    /// In order.
    pub(super) labels: Vec<Level>,
}

/// Groups by the rows of a sample and the columns of one table.
#[derive(Default)]
pub(crate) struct Known {
    /// Whether groups are wanted again after the design that asked for them.
    is_lasting: bool,
    samples: Vec<Sample>,
}

struct Sample {
    n_rows: usize,
    /// Empty within one design, whose samples only shrink: their number tells them apart.
    rows: Vec<usize>,
    groups: BTreeMap<Vec<String>, Arc<Grouping>>,
}

/// Samples whose groups are kept.
const SAMPLES: usize = 32;

impl Known {
    /// For many designs over the same data.
    pub(crate) fn lasting() -> Known {
        Known { is_lasting: true, samples: Vec::new() }
    }

    /// [`Grouping::combined`].
    pub(super) fn of(&mut self, data: &Data, columns: &[String], rows: &[usize]) -> Arc<Grouping> {
        let groups = self.sample(rows);
        if let Some(found) = groups.get(columns) {
            return found.clone();
        }
        let found = Arc::new(Grouping::combined(data, columns, rows));
        groups.insert(columns.to_vec(), found.clone());
        found
    }

    /// The same as a group, which takes the memory of what is not wanted again.
    pub(super) fn group(&mut self, data: &Data, columns: &[String], rows: &[usize]) -> Group {
        let found = self.of(data, columns, rows);
        if !self.is_lasting {
            self.sample(rows).remove(columns);
        }
        let name = columns.join("^");
        match Arc::try_unwrap(found) {
            Ok(grouping) => grouping.into_group(name),
            Err(shared) => shared.to_group(name),
        }
    }

    fn sample(&mut self, rows: &[usize]) -> &mut BTreeMap<Vec<String>, Arc<Grouping>> {
        let n_rows = rows.len();
        let rows = if self.is_lasting { rows } else { &[] };
        let is_it = |sample: &Sample| sample.n_rows == n_rows && sample.rows == rows;
        let position = self.samples.iter().position(is_it).unwrap_or_else(|| {
            if self.samples.len() == SAMPLES {
                self.samples.remove(0);
            }
            self.samples.push(Sample { n_rows, rows: rows.to_vec(), groups: BTreeMap::new() });
            self.samples.len() - 1
        });
        &mut self.samples[position].groups
    }
}

impl Grouping {
    /// The levels of one column in `rows`, where it is not missing.
    pub(super) fn of(column: &ColumnData, rows: &[usize]) -> Grouping {
        match column {
            ColumnData::Text(values) => {
                let values = rows.iter().map(|row| values[*row].as_deref().unwrap_or_default());
                let (codes, labels) = coded(values);
                Grouping { codes, labels: labels.into_iter().map(|label| Level::Text(label.to_string())).collect() }
            }
            ColumnData::Float(values) => {
                let values = rows.iter().map(|row| values[*row].unwrap_or_default());
                let (codes, labels) = whole(values.clone()).unwrap_or_else(|| {
                    let (codes, labels) = coded(values.map(ordered_bits));
                    (codes, labels.into_iter().map(from_ordered_bits).collect())
                });
                Grouping { codes, labels: labels.into_iter().map(Level::Number).collect() }
            }
        }
    }

    /// The combinations of the levels of `columns` that occur, ordered by the first column, then the second.
    pub(super) fn combined(data: &Data, columns: &[String], rows: &[usize]) -> Grouping {
        let (first, rest) = columns.split_first().expect("the grammar asks for a column");
        let mut grouping = Grouping::of(&data.columns[first], rows);
        for column in rest {
            let next = Grouping::of(&data.columns[column], rows);
            let n_next = next.labels.len();
            let pairs =
                grouping.codes.iter().zip(&next.codes).map(|(left, right)| *left as usize * n_next + *right as usize);
            let (codes, pairs) = match grouping.labels.len().saturating_mul(n_next) {
                size if size <= table_size(rows.len()) => placed(pairs, size),
                _ => coded(pairs),
            };
            let label =
                |pair: usize| Level::Text(format!("{}^{}", grouping.labels[pair / n_next], next.labels[pair % n_next]));
            grouping = Grouping { codes, labels: pairs.into_iter().map(label).collect() };
        }
        grouping
    }

    pub(super) fn to_group(&self, name: String) -> Group {
        Group { name, codes: self.codes.clone(), levels: self.labels.len() }
    }

    pub(super) fn into_group(self, name: String) -> Group {
        Group { name, codes: self.codes, levels: self.labels.len() }
    }
}

/// [`coded`] for whole numbers that lie close together; `None` for others.
fn whole(values: impl ExactSizeIterator<Item = f64> + Clone) -> Option<(Vec<u32>, Vec<f64>)> {
    let (mut smallest, mut largest) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in values.clone() {
        if value.fract() != 0.0 || value.abs() > 1e15 {
            return None;
        }
        (smallest, largest) = (smallest.min(value), largest.max(value));
    }
    let size = largest - smallest + 1.0;
    if !(1.0..=table_size(values.len()) as f64).contains(&size) {
        return None;
    }
    let (codes, places) = placed(values.map(|value| (value - smallest) as usize), size as usize);
    Some((codes, places.into_iter().map(|place| smallest + place as f64).collect()))
}

/// Up to here a table with an entry for every possible value is no larger than a map of those that occur.
fn table_size(n_rows: usize) -> usize {
    4 * n_rows + 1024
}

/// [`coded`] for numbers below `size`.
fn placed(values: impl Iterator<Item = usize> + Clone, size: usize) -> (Vec<u32>, Vec<usize>) {
    let mut codes = vec![u32::MAX; size];
    values.clone().for_each(|value| codes[value] = 0);
    let occur: Vec<usize> = (0..size).filter(|value| codes[*value] == 0).collect();
    occur.iter().enumerate().for_each(|(code, value)| codes[*value] = code as u32);
    (values.map(|value| codes[value]).collect(), occur)
}

/// Distinct values in order, and the position of each value among them.
fn coded<Value: Copy + Eq + Hash + Ord>(values: impl Iterator<Item = Value>) -> (Vec<u32>, Vec<Value>) {
    // The map only finds; it is never iterated, so that its order cannot show.
    let mut seen: HashMap<Value, u32> = HashMap::new();
    let mut distinct: Vec<Value> = Vec::new();
    let mut codes: Vec<u32> = values
        .map(|value| {
            *seen.entry(value).or_insert_with(|| {
                distinct.push(value);
                (distinct.len() - 1) as u32
            })
        })
        .collect();
    let mut order: Vec<u32> = (0..distinct.len() as u32).collect();
    order.sort_unstable_by_key(|code| distinct[*code as usize]);
    let mut ranks = vec![0; distinct.len()];
    for (rank, code) in order.iter().enumerate() {
        ranks[*code as usize] = rank as u32;
    }
    codes.iter_mut().for_each(|code| *code = ranks[*code as usize]);
    (codes, order.into_iter().map(|code| distinct[code as usize]).collect())
}

/// Bits that are ordered as the numbers are; −0 is 0.
fn ordered_bits(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    if bits >> 63 == 0 { bits | 1 << 63 } else { !bits }
}

fn from_ordered_bits(bits: u64) -> f64 {
    f64::from_bits(if bits >> 63 == 1 { bits ^ 1 << 63 } else { !bits })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_follow_the_order_of_the_labels() {
        let numbers = [Some(3.0), Some(-0.0), Some(-2.5), None, Some(0.0), Some(1e300), Some(-1e300)];
        let grouping = Grouping::of(&ColumnData::Float(&numbers), &[0, 1, 2, 4, 5, 6]);
        assert_eq!(grouping.codes, [3, 2, 1, 2, 4, 0]);
        assert_eq!(grouping.labels, [-1e300, -2.5, 0.0, 3.0, 1e300].map(Level::Number));
        let halves = [2.5, -1.0, 2.5, 7.0].map(Some);
        let grouping = Grouping::of(&ColumnData::Float(&halves), &[0, 1, 2, 3]);
        assert_eq!((grouping.codes, grouping.labels.len()), (vec![1, 0, 1, 2], 3));
        let texts = ["上海", "b", "", "上海"].map(|text| Some(text.to_string()));
        let grouping = Grouping::of(&ColumnData::Text(&texts), &[0, 1, 2, 3]);
        assert_eq!(grouping.codes, [2, 1, 0, 2]);
        assert_eq!(grouping.labels, ["", "b", "上海"].map(|text| Level::Text(text.to_string())));
    }

    #[test]
    fn a_table_gives_what_the_map_gives() {
        let years = [23.0, 21.0, -0.0, 23.0, 5.0, -4.0];
        let (codes, labels) = coded(years.into_iter().map(ordered_bits));
        let labels: Vec<f64> = labels.into_iter().map(from_ordered_bits).collect();
        assert_eq!(whole(years.iter().copied()), Some((codes, labels)));
        for values in [vec![], vec![1.5, 2.0], vec![0.0, 1e9], vec![1e16, 1e16 + 2.0], vec![f64::NAN, 1.0]] {
            assert_eq!(whole(values.iter().copied()), None, "{values:?}");
        }
        let pairs = [7, 3, 3, 0, 9];
        assert_eq!(placed(pairs.into_iter(), 10), coded(pairs.into_iter()));
    }

    #[test]
    fn a_combination_has_the_levels_that_occur() {
        let first = [1.0, 1.0, 2.0, 2.0, 2.0].map(Some);
        let second = ["y", "x", "x", "x", "y"].map(|text| Some(text.to_string()));
        let columns = [("a", ColumnData::Float(&first)), ("b", ColumnData::Text(&second))];
        let columns: BTreeMap<String, ColumnData> = columns.map(|(name, data)| (name.to_string(), data)).into();
        let names = ["a", "b"].map(str::to_string);
        let grouping = Grouping::combined(&Data { rows: 5, keep: None, columns }, &names, &[0, 1, 2, 3, 4]);
        assert_eq!(grouping.codes, [1, 0, 2, 2, 3]);
        assert_eq!(grouping.labels[2], Level::Text("2^x".to_string()));
    }
}
