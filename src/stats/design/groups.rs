//! Rows by their labels. Codes follow the order of the labels, numbers by value and texts by character, so that the
//! order of the rows does not show in them.

use super::{ColumnData, Data, Group};
use crate::formula::Level;
use std::collections::HashMap;
use std::hash::Hash;

pub(super) struct Grouping {
    /// One per row, an index into `labels`.
    pub(super) codes: Vec<u32>,
    /// In order.
    pub(super) labels: Vec<Level>,
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
                let values = rows.iter().map(|row| ordered_bits(values[*row].unwrap_or_default()));
                let (codes, labels) = coded(values);
                Grouping {
                    codes,
                    labels: labels.into_iter().map(|bits| Level::Number(from_ordered_bits(bits))).collect(),
                }
            }
        }
    }

    /// The combinations of the levels of `columns` that occur, ordered by the first column, then the second.
    pub(super) fn combined(data: &Data, columns: &[String], rows: &[usize]) -> Grouping {
        let (first, rest) = columns.split_first().expect("the grammar asks for a column");
        let mut grouping = Grouping::of(&data.columns[first], rows);
        for column in rest {
            let next = Grouping::of(&data.columns[column], rows);
            let (codes, pairs) = coded(grouping.codes.iter().copied().zip(next.codes.iter().copied()));
            let label = |(left, right): (u32, u32)| {
                Level::Text(format!("{}^{}", grouping.labels[left as usize], next.labels[right as usize]))
            };
            grouping = Grouping { codes, labels: pairs.into_iter().map(label).collect() };
        }
        grouping
    }

    pub(super) fn into_group(self, name: String) -> Group {
        Group { name, codes: self.codes, levels: self.labels.len() }
    }
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
    use std::collections::BTreeMap;

    #[test]
    fn codes_follow_the_order_of_the_labels() {
        let numbers = [Some(3.0), Some(-0.0), Some(-2.5), None, Some(0.0), Some(1e300), Some(-1e300)];
        let grouping = Grouping::of(&ColumnData::Float(&numbers), &[0, 1, 2, 4, 5, 6]);
        assert_eq!(grouping.codes, [3, 2, 1, 2, 4, 0]);
        assert_eq!(grouping.labels, [-1e300, -2.5, 0.0, 3.0, 1e300].map(Level::Number));
        let texts = ["上海", "b", "", "上海"].map(|text| Some(text.to_string()));
        let grouping = Grouping::of(&ColumnData::Text(&texts), &[0, 1, 2, 3]);
        assert_eq!(grouping.codes, [2, 1, 0, 2]);
        assert_eq!(grouping.labels, ["", "b", "上海"].map(|text| Level::Text(text.to_string())));
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
