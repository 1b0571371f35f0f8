//! What a key must hold: no null, no two rows of one key. Counts all rows that break it and keeps a few to show, the same
//! ones in whatever order rows with equal keys come.

use crate::arrow;
use crate::block::Block;
use crate::error::TableError;
use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{self, SortColumn, SortOptions};
use datafusion::arrow::error::ArrowError;

/// Rows shown with an error.
pub(crate) const SHOWN: usize = 5;

/// What was found of the key so far.
pub(crate) struct KeyCheck {
    names: Vec<String>,
    columns: Vec<usize>,
    /// Of each key column, the rows in which it is null.
    nulls: Vec<(u64, Lowest)>,
    repeated: Repeated,
}

/// The values that several rows have.
struct Repeated {
    count: u64,
    /// Of the first of them, one row and the number of rows.
    firsts: Vec<(RecordBatch, u64)>,
    lowest: Lowest,
    /// The last row of the block before, and whether it has the key of the row before it.
    last: Option<(RecordBatch, bool)>,
}

/// The first few rows by the key and then by all other columns.
struct Lowest {
    order: Vec<usize>,
    rows: Option<RecordBatch>,
}

impl KeyCheck {
    /// `columns` are the places of the key's columns.
    pub fn new(names: &[String], columns: &[usize]) -> KeyCheck {
        let lowest = || Lowest { order: columns.to_vec(), rows: None };
        KeyCheck {
            names: names.to_vec(),
            columns: columns.to_vec(),
            nulls: columns.iter().map(|_| (0, lowest())).collect(),
            repeated: Repeated { count: 0, firsts: Vec::new(), lowest: lowest(), last: None },
        }
    }

    /// Looks for nulls.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<(), TableError> {
        for (&column, (count, lowest)) in self.columns.iter().zip(&mut self.nulls) {
            let Some(nulls) = batch.column(column).logical_nulls().filter(|nulls| nulls.null_count() > 0) else {
                continue;
            };
            *count += nulls.null_count() as u64;
            let missing = BooleanArray::from(!nulls.inner());
            let rows = compute::filter_record_batch(batch, &missing).and_then(|rows| lowest.offer(&rows));
            rows.map_err(|error| failed(&self.names, error))?;
        }
        Ok(())
    }

    pub fn has_nulls(&self) -> bool {
        self.nulls.iter().any(|(count, _)| *count > 0)
    }

    /// Takes note of repeated keys.
    pub fn block(&mut self, block: &Block) -> Result<(), TableError> {
        self.repeated.block(block).map_err(|error| failed(&self.names, error))
    }

    /// The rows of the block that have the key of the row before, for blocks that do not know it.
    pub fn repeats(&self, block: &Block) -> Result<Vec<usize>, TableError> {
        self.find_repeats(block).map_err(|error| failed(&self.names, error))
    }

    fn find_repeats(&self, block: &Block) -> Result<Vec<usize>, ArrowError> {
        let mut same: Option<BooleanArray> = None;
        let before = self.repeated.last.as_ref().map(|(row, _)| row);
        for &column in &self.columns {
            let mut values: ArrayRef = block.column(column)?;
            if let Some(row) = before {
                values = compute::concat(&[row.column(column).as_ref(), values.as_ref()])?;
            }
            let pairs = values.len().saturating_sub(1);
            let equal = compute::kernels::cmp::not_distinct(
                &values.slice(0, pairs),
                &values.slice(values.len() - pairs, pairs),
            )?;
            same = Some(match same {
                None => equal,
                Some(same) => compute::and(&same, &equal)?,
            });
        }
        let first = usize::from(before.is_none());
        Ok(same.map_or(Vec::new(), |same| same.values().set_indices().map(|pair| pair + first).collect()))
    }

    /// The key holds, or why not.
    pub fn verdict(&self) -> Result<(), TableError> {
        for (name, (count, lowest)) in self.names.iter().zip(&self.nulls) {
            if *count > 0 {
                return Err(TableError::NullKey {
                    column: name.clone(),
                    count: *count,
                    rows: lowest.table(&self.names)?,
                });
            }
        }
        let Repeated { count, firsts, lowest, last: _ } = &self.repeated;
        if *count == 0 {
            return Ok(());
        }
        let mut keys = Vec::new();
        for (row, rows) in firsts {
            keys.push((arrow::sample(row, &self.names, &[0])?.row_text(&self.names, 0), *rows));
        }
        let rows = lowest.table(&self.names)?;
        Err(TableError::DuplicateKey { key: self.names.clone(), count: *count, keys, rows })
    }
}

impl Repeated {
    fn block(&mut self, block: &Block) -> Result<(), ArrowError> {
        let (mut shown, mut previous) = (Vec::new(), None);
        for &row in &block.repeats {
            let goes_on = match row {
                0 => self.last.as_ref().is_some_and(|(_, repeats)| *repeats),
                row => previous == Some(row - 1),
            };
            previous = Some(row);
            if !goes_on {
                self.count += 1;
            }
            // A value that comes after five others has none of the five lowest rows.
            if self.count > SHOWN as u64 {
                continue;
            }
            if !goes_on {
                self.firsts.push((block.take(&[row])?, 1));
                match (row, &self.last) {
                    (0, Some((before, _))) => self.lowest.offer(before)?,
                    (0, None) => {}
                    (row, _) => shown.push(row - 1),
                }
            }
            shown.push(row);
            if let Some((_, rows)) = self.firsts.last_mut() {
                *rows += 1;
            }
        }
        if !shown.is_empty() {
            self.lowest.offer(&block.take(&shown)?)?;
        }
        let end = block.len() - 1;
        self.last = Some((block.take(&[end])?, block.repeats.last() == Some(&end)));
        Ok(())
    }
}

impl Lowest {
    fn offer(&mut self, rows: &RecordBatch) -> Result<(), ArrowError> {
        let all = match &self.rows {
            None => rows.clone(),
            Some(kept) => compute::concat_batches(&rows.schema(), [kept, rows])?,
        };
        let others = (0..all.num_columns()).filter(|column| !self.order.contains(column));
        let options = Some(SortOptions { descending: false, nulls_first: true });
        let columns: Vec<SortColumn> = self
            .order
            .iter()
            .copied()
            .chain(others)
            .map(|column| SortColumn { values: all.column(column).clone(), options })
            .collect();
        let lowest = compute::lexsort_to_indices(&columns, Some(SHOWN))?;
        self.rows = Some(compute::take_record_batch(&all, &lowest)?);
        Ok(())
    }

    fn table(&self, key: &[String]) -> Result<crate::columns::Table, TableError> {
        match &self.rows {
            None => Ok(crate::columns::Table::default()),
            Some(rows) => arrow::sample(rows, key, &(0..rows.num_rows()).collect::<Vec<_>>()),
        }
    }
}

fn failed(key: &[String], error: ArrowError) -> TableError {
    TableError::Value { column: key.join(", "), cause: error.to_string() }
}
