//! The order of rows by key, found in memory. The leading part of every key is packed into one number, of as few bits as
//! the values there are need, so that rows are compared by one comparison of numbers and, only where that does not decide, by
//! their keys. Rows themselves are not moved: blocks pick them.

use crate::block::Block;
use crate::digest::BLOCK;
use crate::parallel;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch, StringArray};
use datafusion::arrow::compute;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::arrow::error::ArrowError;
use std::cmp::Ordering;
use std::ops::Range;
use std::sync::Arc;

/// Bytes per row that the order takes beside the rows, at most.
pub(crate) const BYTES_PER_ROW: usize = size_of::<Long>() + size_of::<u64>();

/// Below this a thread would take longer to start than to sort.
const LEAST_RUN: usize = 100_000;

/// A row with the leading part of its key.
trait Entry: Copy + Send + Sync {
    /// Room for the packed key.
    const BITS: u32;
    fn new(packed: u128, batch: usize, row: usize) -> Self;
    /// By the packed keys; rows of equal ones are not equal here where that costs nothing.
    fn first(&self, other: &Self) -> Ordering;
    fn same_packed(&self, other: &Self) -> bool;
    /// The batch, and the row in it.
    fn place(&self) -> (usize, usize);
}

/// A key of 64 bits above the place of the row: one comparison of numbers, in half the memory.
#[derive(Clone, Copy)]
struct Short(u128);

/// A longer key.
#[derive(Clone, Copy)]
struct Long {
    packed: u128,
    batch: u32,
    row: u32,
}

/// The rows of some batches by key.
pub(crate) struct Order {
    blocks: Box<dyn FnMut() -> Option<Block> + Send>,
}

/// Sorted runs on their way into blocks.
struct Merge<E> {
    batches: Arc<Vec<RecordBatch>>,
    keys: Keys,
    runs: Vec<Run<E>>,
    last: Option<E>,
}

/// A part of the rows, sorted. `next` is the first that was not given out.
struct Run<E> {
    batches: Range<usize>,
    entries: Vec<E>,
    is_sorted: bool,
    next: usize,
}

/// The key columns. Those from `decided` on are compared where the packed numbers are equal.
struct Keys {
    columns: Vec<KeyColumn>,
    decided: usize,
}

/// Per batch, in a form that is easy to compare.
enum KeyColumn {
    /// Numbers that have the order of the values.
    Numbers(Vec<Vec<u64>>),
    Texts(Vec<StringArray>),
}

/// How a column's values enter the packed number.
#[derive(Clone, Copy)]
enum Packing {
    /// Less `least`, without the lowest `dropped` of `bits`.
    Number { least: u64, bits: u32, dropped: u32 },
    /// From byte `from` on, as many bytes, and how many of them the text has.
    Text { from: usize, bytes: usize, length_bits: u32 },
}

/// The order of the rows by the columns `key`, none of which is null; `None` if they are in order as they are. Texts and
/// floats have their stored types: see `gather::prepared`.
pub(crate) fn by_key(
    batches: &Arc<Vec<RecordBatch>>,
    key: &[usize],
    threads: usize,
) -> Result<Option<Order>, ArrowError> {
    let mut columns: Vec<(usize, Option<Result<KeyColumn, ArrowError>>)> = key.iter().map(|at| (*at, None)).collect();
    parallel::each(&mut columns, threads, |(at, made)| *made = Some(key_column(batches, *at)), || ());
    let columns = columns.into_iter().filter_map(|(_, made)| made).collect::<Result<Vec<_>, _>>()?;
    let (short, decided) = packings(&columns, Short::BITS);
    if decided == columns.len() {
        let keys = Keys { columns, decided };
        return Ok(merge::<Short>(batches, keys, &short, threads).map(Merge::order));
    }
    let (packings, decided) = packings(&columns, Long::BITS);
    let keys = Keys { columns, decided };
    Ok(merge::<Long>(batches, keys, &packings, threads).map(Merge::order))
}

fn merge<E: Entry + 'static>(
    batches: &Arc<Vec<RecordBatch>>,
    mut keys: Keys,
    packings: &[Packing],
    threads: usize,
) -> Option<Merge<E>> {
    let mut runs = runs(batches, threads);
    parallel::each(
        &mut runs,
        threads,
        |run: &mut Run<E>| {
            run.entries = entries(&keys, packings, batches, run.batches.clone());
            run.is_sorted = run.entries.is_sorted_by(|one, other| keys.compare(one, other).is_le());
        },
        || (),
    );
    let mut ends = runs.windows(2).map(|pair| (pair[0].entries.last(), pair[1].entries.first()));
    let in_order = |(end, start): (Option<&E>, Option<&E>)| match (end, start) {
        (Some(end), Some(start)) => keys.compare(end, start).is_le(),
        _ => true,
    };
    if runs.iter().all(|run| run.is_sorted) && ends.all(in_order) {
        return None;
    }
    // They are in the packed numbers.
    let decided = keys.decided;
    keys.columns[..decided].fill_with(|| KeyColumn::Numbers(Vec::new()));
    parallel::each(
        &mut runs,
        threads,
        |run| {
            if !run.is_sorted {
                run.entries.sort_unstable_by(|one, other| keys.compare(one, other));
            }
        },
        || (),
    );
    Some(Merge { batches: batches.clone(), keys, runs, last: None })
}

impl Order {
    /// The next rows, merged from the sorted runs.
    pub fn block(&mut self) -> Option<Block> {
        (self.blocks)()
    }
}

impl<E: Entry + 'static> Merge<E> {
    fn order(mut self) -> Order {
        Order { blocks: Box::new(move || self.block()) }
    }

    fn block(&mut self) -> Option<Block> {
        let (mut rows, mut repeats) = (Vec::with_capacity(BLOCK), Vec::new());
        while rows.len() < BLOCK {
            let heads = self.runs.iter().enumerate().filter_map(|(run, one)| Some((run, one.entries.get(one.next)?)));
            let Some((run, &entry)) = heads.min_by(|(_, one), (_, other)| self.keys.compare(*one, *other)) else {
                break;
            };
            self.runs[run].next += 1;
            if self.last.is_some_and(|last| self.keys.are_equal(&last, &entry)) {
                repeats.push(rows.len());
            }
            self.last = Some(entry);
            rows.push(entry.place());
        }
        (!rows.is_empty()).then(|| Block::picked(self.batches.clone(), rows, repeats))
    }
}

impl Entry for Short {
    const BITS: u32 = u64::BITS;

    fn new(packed: u128, batch: usize, row: usize) -> Short {
        Short(packed << u64::BITS | (batch as u128) << u32::BITS | row as u128)
    }

    fn first(&self, other: &Short) -> Ordering {
        self.0.cmp(&other.0)
    }

    fn same_packed(&self, other: &Short) -> bool {
        self.0 >> u64::BITS == other.0 >> u64::BITS
    }

    fn place(&self) -> (usize, usize) {
        ((self.0 as u64 >> u32::BITS) as usize, self.0 as u32 as usize)
    }
}

impl Entry for Long {
    const BITS: u32 = u128::BITS;

    fn new(packed: u128, batch: usize, row: usize) -> Long {
        Long { packed, batch: batch as u32, row: row as u32 }
    }

    fn first(&self, other: &Long) -> Ordering {
        self.packed.cmp(&other.packed)
    }

    fn same_packed(&self, other: &Long) -> bool {
        self.packed == other.packed
    }

    fn place(&self) -> (usize, usize) {
        (self.batch as usize, self.row as usize)
    }
}

impl Keys {
    fn compare<E: Entry>(&self, one: &E, other: &E) -> Ordering {
        one.first(other).then_with(|| self.undecided(one, other))
    }

    /// Whether the keys are the same.
    fn are_equal<E: Entry>(&self, one: &E, other: &E) -> bool {
        one.same_packed(other) && self.undecided(one, other).is_eq()
    }

    fn undecided<E: Entry>(&self, one: &E, other: &E) -> Ordering {
        let ((batch, row), (other_batch, other_row)) = (one.place(), other.place());
        let compared = self.columns[self.decided..].iter().map(|column| match column {
            KeyColumn::Numbers(batches) => batches[batch][row].cmp(&batches[other_batch][other_row]),
            KeyColumn::Texts(batches) => batches[batch].value(row).cmp(batches[other_batch].value(other_row)),
        });
        compared.fold(Ordering::Equal, Ordering::then)
    }
}

fn key_column(batches: &[RecordBatch], column: usize) -> Result<KeyColumn, ArrowError> {
    let arrays = batches.iter().map(|batch| batch.column(column));
    match batches.first().map(|batch| batch.column(column).data_type()) {
        Some(DataType::Utf8) => Ok(KeyColumn::Texts(arrays.map(|array| array.as_string().clone()).collect())),
        _ => Ok(KeyColumn::Numbers(arrays.map(numbers).collect::<Result<_, _>>()?)),
    }
}

/// Numbers that have the order of the values.
fn numbers(array: &ArrayRef) -> Result<Vec<u64>, ArrowError> {
    const SIGN: u64 = 1 << 63;
    match array.data_type() {
        DataType::UInt64 => Ok(array.as_primitive::<UInt64Type>().values().to_vec()),
        DataType::Float64 => {
            // Of negative floats the larger bits are the smaller value.
            let ordered = |bits: u64| if bits & SIGN == 0 { bits | SIGN } else { !bits };
            Ok(array.as_primitive::<Float64Type>().values().iter().map(|value| ordered(value.to_bits())).collect())
        }
        _ => {
            let days = |array: &ArrayRef| compute::cast(array, &DataType::Int32);
            let array = if *array.data_type() == DataType::Date32 { &days(array)? } else { array };
            let whole = compute::cast(array, &DataType::Int64)?;
            Ok(whole.as_primitive::<Int64Type>().values().iter().map(|value| *value as u64 ^ SIGN).collect())
        }
    }
}

/// How the columns are packed into so many bits, as many as there is room for, and how many of them without a loss.
fn packings(columns: &[KeyColumn], bits: u32) -> (Vec<Packing>, usize) {
    let (mut packings, mut room) = (Vec::new(), bits);
    for (index, column) in columns.iter().enumerate() {
        if room == 0 {
            return (packings, index);
        }
        let (packing, needed) = match column {
            KeyColumn::Numbers(batches) => {
                let all = || batches.iter().flatten();
                let (least, most) = (*all().min().unwrap_or(&0), *all().max().unwrap_or(&0));
                let bits = u64::BITS - (most - least).leading_zeros();
                (Packing::Number { least, bits, dropped: bits.saturating_sub(room) }, bits)
            }
            KeyColumn::Texts(batches) => {
                let (from, longest) = text_range(batches);
                let length_bits = usize::BITS - (longest - from).leading_zeros();
                let needed =
                    u32::try_from(longest - from).ok().and_then(|bytes| bytes.checked_mul(8)?.checked_add(length_bits));
                match needed.filter(|needed| *needed <= room) {
                    Some(needed) => (Packing::Text { from, bytes: longest - from, length_bits }, needed),
                    None => (Packing::Text { from, bytes: room as usize / 8, length_bits: 0 }, u32::MAX),
                }
            }
        };
        packings.push(packing);
        if needed > room {
            return (packings, index);
        }
        room -= needed;
    }
    (packings, columns.len())
}

/// The number of bytes in which all texts begin alike, and the length of the longest.
fn text_range(batches: &[StringArray]) -> (usize, usize) {
    let Some(first) = batches.iter().find(|batch| !batch.is_empty()).map(|batch| batch.value(0).as_bytes()) else {
        return (0, 0);
    };
    let (mut alike, mut longest) = (first.len(), 0);
    for text in batches.iter().flatten().flatten().map(str::as_bytes) {
        longest = longest.max(text.len());
        if text.get(..alike) != Some(&first[..alike]) {
            alike = text.iter().zip(first).take_while(|(one, other)| one == other).count();
        }
    }
    (alike, longest)
}

/// Batches side by side, of about as many rows per run.
fn runs<E>(batches: &[RecordBatch], threads: usize) -> Vec<Run<E>> {
    let total: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let wanted = total.div_ceil(threads.max(1)).max(LEAST_RUN);
    let (mut runs, mut start, mut rows) = (Vec::new(), 0, 0);
    let run = |batches| Run { batches, entries: Vec::new(), is_sorted: false, next: 0 };
    for (index, batch) in batches.iter().enumerate() {
        rows += batch.num_rows();
        if rows >= wanted {
            runs.push(run(start..index + 1));
            (start, rows) = (index + 1, 0);
        }
    }
    if rows > 0 {
        runs.push(run(start..batches.len()));
    }
    runs
}

fn entries<E: Entry>(keys: &Keys, packings: &[Packing], batches: &[RecordBatch], range: Range<usize>) -> Vec<E> {
    let mut entries = Vec::with_capacity(batches[range.clone()].iter().map(RecordBatch::num_rows).sum());
    let mut packed: Vec<u128> = Vec::new();
    for batch in range {
        packed.clear();
        packed.resize(batches[batch].num_rows(), 0);
        for (packing, column) in packings.iter().zip(&keys.columns) {
            pack(&mut packed, *packing, column, batch);
        }
        entries.extend(packed.iter().enumerate().map(|(row, packed)| E::new(*packed, batch, row)));
    }
    entries
}

/// Puts one more column behind what is packed already.
fn pack(packed: &mut [u128], packing: Packing, column: &KeyColumn, batch: usize) {
    match (packing, column) {
        (Packing::Number { least, bits, dropped }, KeyColumn::Numbers(batches)) => {
            for (packed, number) in packed.iter_mut().zip(&batches[batch]) {
                *packed = *packed << (bits - dropped) | u128::from((number - least) >> dropped);
            }
        }
        (Packing::Text { from, bytes, length_bits }, KeyColumn::Texts(batches)) => {
            for (packed, text) in packed.iter_mut().zip(batches[batch].iter().flatten()) {
                let rest = &text.as_bytes()[from..];
                let kept = rest.len().min(bytes);
                let mut buffer = [0; 16];
                buffer[..kept].copy_from_slice(&rest[..kept]);
                // From the left, so that shorter texts come first; a shift by all bits leaves nothing.
                let head = u128::from_be_bytes(buffer).checked_shr(u128::BITS - 8 * bytes as u32).unwrap_or(0);
                let longer = packed.checked_shl(8 * bytes as u32).unwrap_or(0) | head;
                let length = if length_bits == 0 { 0 } else { kept as u128 };
                *packed = longer << length_bits | length;
            }
        }
        _ => unreachable!("a packing is made for its column"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrow;
    use crate::columns::{Column, Table, Values};

    fn texts(values: &[&str]) -> Values {
        Values::Text(values.iter().map(|value| Some(value.to_string())).collect())
    }

    fn ints(values: &[i64]) -> Values {
        Values::Int(values.iter().copied().map(Some).collect())
    }

    /// Rows of `columns` by all columns, and which repeat the one before, however the rows are cut into batches and runs.
    fn check(columns: Vec<Values>, expected: &str) {
        let names = (0..columns.len()).map(|index| index.to_string());
        let columns = names.zip(columns).map(|(name, values)| Column { name, values });
        let table = Table { columns: columns.collect() };
        let whole = arrow::from_table(&table).expect("a batch");
        let key: Vec<usize> = (0..whole.num_columns()).collect();
        for size in 1..=whole.num_rows() {
            let starts = (0..whole.num_rows()).step_by(size);
            let batches: Vec<RecordBatch> =
                starts.map(|start| whole.slice(start, size.min(whole.num_rows() - start))).collect();
            let order = by_key(&Arc::new(batches), &key, 2).expect("sorted");
            let found = match order {
                None => "in order".to_string(),
                Some(mut order) => {
                    let block = order.block().expect("a block");
                    assert!(order.block().is_none());
                    let all: Vec<usize> = (0..block.len()).collect();
                    let rows = arrow::to_table(&block.take(&all).expect("rows")).expect("a table");
                    let names: Vec<String> = rows.columns.iter().map(|column| column.name.clone()).collect();
                    let row = |row: usize| {
                        let repeated = if block.repeats.contains(&row) { "=" } else { "" };
                        format!("{repeated}{}", rows.row_text(&names, row))
                    };
                    all.iter().map(|&index| row(index)).collect::<Vec<_>>().join(" ")
                }
            };
            assert_eq!(found, expected, "batches of {size}");
        }
    }

    #[test]
    fn rows_come_by_the_values_of_every_type() {
        check(vec![ints(&[3, i64::MIN, -1, i64::MAX, 0])], "(-9223372036854775808) (-1) (0) (3) (9223372036854775807)");
        check(
            vec![Values::Float(vec![Some(1.5), Some(-2.0), Some(0.0), Some(-1e300), Some(1e-300)])],
            "(-1e300) (-2) (0) (1e-300) (1.5)",
        );
        check(vec![Values::Bool(vec![Some(true), Some(false)])], "(false) (true)");
        check(vec![Values::Date(vec![Some(1), Some(-1), Some(0)])], "(1969-12-31) (1970-01-01) (1970-01-02)");
        check(vec![texts(&["市", "b", "", "a", "ab", "a\0"])], "() (a) (a\0) (ab) (b) (市)");
        check(vec![ints(&[1, 2, 2, 5])], "in order");
    }

    #[test]
    fn later_columns_decide_between_equal_ones_and_equal_keys_are_found() {
        check(vec![texts(&["b", "a", "b", "a"]), ints(&[1, 2, 1, 1])], "(a, 1) (a, 2) (b, 1) =(b, 1)");
        check(vec![ints(&[2, 1, 1]), texts(&["x", "xy", "x"])], "(1, x) (1, xy) (2, x)");
    }

    /// Keys of which only the beginning fits into the packed number: the rest decides.
    #[test]
    fn long_keys_are_compared_in_full() {
        let long = |end: &str| format!("{}{end}", "0123456789abcdef".repeat(3));
        let (one, two, three) = (long("b"), long("a"), format!("1{}", long("a")));
        check(
            vec![texts(&["z", &one, &two, &three, &one]), ints(&[1, 5, 9, 0, 4])],
            &format!("({two}, 9) ({one}, 4) ({one}, 5) ({three}, 0) (z, 1)"),
        );
        let wide = [i64::MIN, i64::MAX, 0];
        check(
            vec![ints(&wide), ints(&wide), ints(&wide)].into_iter().chain([texts(&["b", "a", "c"])]).collect(),
            "(-9223372036854775808, -9223372036854775808, -9223372036854775808, b) (0, 0, 0, c) \
             (9223372036854775807, 9223372036854775807, 9223372036854775807, a)",
        );
        check(
            vec![
                ints(&[0, 0, 0, 0]),
                texts(&["", "", "", "x"]),
                ints(&[i64::MIN, i64::MAX, 0, 7]),
                ints(&[2, 1, 0, 1]),
            ],
            "(0, , -9223372036854775808, 2) (0, , 0, 0) (0, , 9223372036854775807, 1) (0, x, 7, 1)",
        );
    }

    #[test]
    fn many_rows_are_sorted_in_several_runs() {
        let rows = 3 * LEAST_RUN as i64 + 17;
        let scattered = |row: i64| row * 7919 % rows;
        let table = Table {
            columns: vec![Column { name: "id".into(), values: ints(&(0..rows).map(scattered).collect::<Vec<_>>()) }],
        };
        let whole = arrow::from_table(&table).expect("a batch");
        let batches =
            (0..whole.num_rows()).step_by(8192).map(|start| whole.slice(start, 8192.min(whole.num_rows() - start)));
        for threads in [1, 2, 8] {
            let batches = Arc::new(batches.clone().collect::<Vec<_>>());
            let mut order = by_key(&batches, &[0], threads).expect("sorted").expect("not in order");
            assert_eq!(runs::<Short>(&batches, threads).len(), threads.min(3), "runs");
            let mut expected = 0..rows;
            while let Some(block) = order.block() {
                let column = block.column(0).expect("a column");
                assert!(block.repeats.is_empty());
                assert!(
                    column.as_primitive::<Int64Type>().values().iter().copied().eq(expected.by_ref().take(block.len()))
                );
            }
            assert_eq!(expected.next(), None);
        }
    }
}
