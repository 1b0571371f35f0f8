//! Numbers that other programs computed, for tests: the CSV files of `tests/reference`, and tables as `Data`.

use crate::design::{ColumnData, Data};
use std::collections::BTreeMap;

/// A table whose columns are numbers where every value is one.
pub(crate) struct Frame {
    rows: usize,
    numbers: BTreeMap<String, Vec<Option<f64>>>,
    texts: BTreeMap<String, Vec<Option<String>>>,
}

impl Frame {
    /// Reads CSV with a header; an empty field is missing.
    pub(crate) fn read(csv: &str) -> Frame {
        let rows = rows(csv);
        let mut frame = Frame { rows: rows.len(), numbers: BTreeMap::new(), texts: BTreeMap::new() };
        for name in rows.first().expect("a table has a row").keys() {
            let texts: Vec<Option<String>> =
                rows.iter().map(|row| Some(row[name].clone()).filter(|text| !text.is_empty())).collect();
            let numbers: Vec<Option<Option<f64>>> = texts
                .iter()
                .map(|text| match text {
                    None => Some(None),
                    Some(text) => text.parse().ok().map(Some),
                })
                .collect();
            match numbers.into_iter().collect::<Option<Vec<Option<f64>>>>() {
                Some(numbers) => frame.numbers.insert(name.clone(), numbers).map(drop),
                None => frame.texts.insert(name.clone(), texts).map(drop),
            };
        }
        frame
    }

    pub(crate) fn with(mut self, name: &str, values: Vec<Option<f64>>) -> Frame {
        assert_eq!(values.len(), self.rows);
        self.numbers.insert(name.to_string(), values);
        self
    }

    pub(crate) fn numbers(&self, name: &str) -> &[Option<f64>] {
        &self.numbers[name]
    }

    /// The same rows in another order: the row of each position.
    pub(crate) fn reordered(&self, order: &[usize]) -> Frame {
        fn taken<Value: Clone>(
            columns: &BTreeMap<String, Vec<Value>>,
            order: &[usize],
        ) -> BTreeMap<String, Vec<Value>> {
            let take = |values: &Vec<Value>| order.iter().map(|row| values[*row].clone()).collect();
            columns.iter().map(|(name, values)| (name.clone(), take(values))).collect()
        }
        Frame { rows: order.len(), numbers: taken(&self.numbers, order), texts: taken(&self.texts, order) }
    }

    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    pub(crate) fn data(&self) -> Data<'_> {
        let numbers = self.numbers.iter().map(|(name, values)| (name.clone(), ColumnData::Float(values)));
        let texts = self.texts.iter().map(|(name, values)| (name.clone(), ColumnData::Text(values)));
        Data { rows: self.rows, keep: None, columns: numbers.chain(texts).collect() }
    }
}

/// The rows of a CSV file by the names of its header.
pub(crate) fn rows(csv: &str) -> Vec<BTreeMap<String, String>> {
    let mut lines = csv.lines().map(fields);
    let header = lines.next().expect("a table has a header");
    lines
        .map(|fields| {
            assert_eq!(fields.len(), header.len(), "{fields:?}");
            header.iter().cloned().zip(fields).collect()
        })
        .collect()
}

/// Fields may be quoted; none of the files has a line break or a doubled quote in one.
fn fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    for character in line.chars() {
        match character {
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(String::new()),
            other => fields.last_mut().expect("it begins with a field").push(other),
        }
    }
    fields
}
