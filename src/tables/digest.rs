//! The identity of a table is the digest of its values, not of its file. `docs/digest.md` is the definition, byte by byte.
//! A column is hashed block by block, so it need not be whole in memory. Knows no file.

use crate::columns::ColumnType;
use crate::info::TableInfo;
use datafusion::arrow::array::{Array, ArrowPrimitiveType, AsArray, BooleanArray, PrimitiveArray, StringArray};
use datafusion::arrow::buffer::{BooleanBuffer, NullBuffer};
use datafusion::arrow::datatypes::{Date32Type, Float64Type, Int64Type};

// Values are hashed as they lie in memory.
#[cfg(target_endian = "big")]
compile_error!("digests are defined over little-endian numbers");

/// The version of the definition. It is in the key of every stage: digests of two versions must never be compared.
pub const VERSION: u32 = 2;

/// The rows of every block of a column but the last.
pub(crate) const BLOCK: usize = 65_536;

/// The digest of a column in the making.
pub(crate) struct ColumnDigest {
    hasher: blake3::Hasher,
    kind: ColumnType,
    rows: usize,
    /// Kept from block to block: bitmaps, and values that cannot be hashed as they lie.
    scratch: Vec<u8>,
}

impl ColumnDigest {
    pub fn new(kind: ColumnType) -> ColumnDigest {
        let mut hasher = blake3::Hasher::new();
        text(&mut hasher, "restudy column 2");
        text(&mut hasher, kind.name());
        ColumnDigest { hasher, kind, rows: 0, scratch: Vec::new() }
    }

    /// Adds the next `BLOCK` rows, or what is left of the column. The array is of the type that stores this kind.
    pub fn add(&mut self, block: &dyn Array) {
        assert!(self.rows.is_multiple_of(BLOCK) && block.len() <= BLOCK, "only the last block may be short");
        self.rows += block.len();
        let nulls = block.nulls().filter(|nulls| nulls.null_count() > 0);
        match nulls {
            None => self.hasher.update(&[0]),
            Some(nulls) => {
                self.hasher.update(&[1]);
                bitmap(&mut self.scratch, nulls.inner());
                self.hasher.update(&self.scratch)
            }
        };
        match self.kind {
            ColumnType::Bool => self.bools(block.as_boolean(), nulls),
            ColumnType::Int => self.fixed::<Int64Type, 8>(block.as_primitive(), nulls),
            ColumnType::Float => self.floats(block.as_primitive(), nulls),
            ColumnType::Date => self.fixed::<Date32Type, 4>(block.as_primitive(), nulls),
            ColumnType::Text => self.texts(block.as_string(), nulls),
        }
    }

    pub fn finish(mut self) -> blake3::Hash {
        number(&mut self.hasher, self.rows);
        self.hasher.finalize()
    }

    fn bools(&mut self, block: &BooleanArray, nulls: Option<&NullBuffer>) {
        match nulls {
            None => bitmap(&mut self.scratch, block.values()),
            Some(nulls) => bitmap(&mut self.scratch, &(block.values() & nulls.inner())),
        }
        self.hasher.update(&self.scratch);
    }

    fn fixed<T: ArrowPrimitiveType, const WIDTH: usize>(
        &mut self,
        block: &PrimitiveArray<T>,
        nulls: Option<&NullBuffer>,
    ) {
        let bytes = block.values().inner().as_slice();
        let Some(nulls) = nulls else {
            self.hasher.update(bytes);
            return;
        };
        self.scratch.clear();
        self.scratch.extend_from_slice(bytes);
        clear_missing::<WIDTH>(&mut self.scratch, nulls);
        self.hasher.update(&self.scratch);
    }

    fn floats(&mut self, block: &PrimitiveArray<Float64Type>, nulls: Option<&NullBuffer>) {
        // Without a branch per value, so that it is done for several values at once.
        let negative_zero = (-0.0_f64).to_bits();
        let other = |value: &f64| value.is_nan() | (value.to_bits() == negative_zero);
        if !block.values().iter().fold(false, |found, value| found | other(value)) {
            self.fixed::<Float64Type, 8>(block, nulls);
            return;
        }
        self.scratch.clear();
        self.scratch.extend(block.values().iter().flat_map(|value| canonical_bits(*value).to_le_bytes()));
        if let Some(nulls) = nulls {
            clear_missing::<8>(&mut self.scratch, nulls);
        }
        self.hasher.update(&self.scratch);
    }

    fn texts(&mut self, block: &StringArray, nulls: Option<&NullBuffer>) {
        let (offsets, bytes) = (block.value_offsets(), block.value_data());
        let (first, last) = (offsets[0] as usize, offsets[block.len()] as usize);
        self.scratch.clear();
        self.scratch.extend(offsets.windows(2).flat_map(|ends| (ends[1] - ends[0]).to_le_bytes()));
        let Some(nulls) = nulls else {
            self.hasher.update(&self.scratch);
            self.hasher.update(&bytes[first..last]);
            return;
        };
        clear_missing::<4>(&mut self.scratch, nulls);
        self.hasher.update(&self.scratch);
        // A missing text may have bytes of its own, left over from a computation.
        let present = || nulls.valid_slices().map(|(start, end)| offsets[start] as usize..offsets[end] as usize);
        if present().map(|range| range.len()).sum::<usize>() == last - first {
            self.hasher.update(&bytes[first..last]);
            return;
        }
        self.scratch.clear();
        present().for_each(|range| self.scratch.extend_from_slice(&bytes[range]));
        self.hasher.update(&self.scratch);
    }
}

/// Digest of the number of rows and the key columns.
pub(crate) fn rows(count: usize, key: &[(String, blake3::Hash)]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    text(&mut hasher, "restudy rows 2");
    number(&mut hasher, key.len());
    for (name, digest) in key {
        text(&mut hasher, name);
        hasher.update(digest.as_bytes());
    }
    number(&mut hasher, count);
    hasher.finalize()
}

/// Digest of a whole table, from what is known of it.
pub(crate) fn table(info: &TableInfo) -> blake3::Hash {
    // Destructured, so that a new field cannot be forgotten. The rest follows from what is in.
    let TableInfo { key, rows: _, rows_digest, columns } = info;
    let mut hasher = blake3::Hasher::new();
    text(&mut hasher, "restudy table 2");
    number(&mut hasher, key.len());
    for name in key {
        text(&mut hasher, name);
    }
    text(&mut hasher, rows_digest);
    number(&mut hasher, columns.len());
    for column in columns {
        text(&mut hasher, &column.name);
        text(&mut hasher, column.kind.name());
        text(&mut hasher, &column.digest);
    }
    hasher.finalize()
}

fn canonical_bits(value: f64) -> u64 {
    if value.is_nan() {
        0x7ff8_0000_0000_0000
    } else if value == 0.0 {
        0
    } else {
        value.to_bits()
    }
}

/// The bits from the first bit of a byte on, with zeros behind the last.
fn bitmap(bytes: &mut Vec<u8>, bits: &BooleanBuffer) {
    let aligned = bits.sliced();
    bytes.clear();
    bytes.extend_from_slice(&aligned.as_slice()[..bits.len().div_ceil(8)]);
    if let (Some(last), used @ 1..) = (bytes.last_mut(), bits.len() % 8) {
        *last &= (1 << used) - 1;
    }
}

/// Sets the bytes of missing values to 0: what a computation left there is not a value.
fn clear_missing<const WIDTH: usize>(bytes: &mut [u8], nulls: &NullBuffer) {
    let (mut values, rest) = bytes.as_chunks_mut::<WIDTH>();
    debug_assert!(rest.is_empty());
    let chunks = nulls.inner().bit_chunks();
    for present in chunks.iter_padded() {
        let (word, after) = values.split_at_mut(values.len().min(64));
        if present != u64::MAX {
            for (bit, value) in word.iter_mut().enumerate() {
                let mask = 0_u8.wrapping_sub(((present >> bit) & 1) as u8);
                value.iter_mut().for_each(|byte| *byte &= mask);
            }
        }
        values = after;
    }
}

fn number(hasher: &mut blake3::Hasher, number: usize) {
    hasher.update(&(number as u64).to_le_bytes());
}

fn text(hasher: &mut blake3::Hasher, text: &str) {
    number(hasher, text.len());
    hasher.update(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::arrow;
    use crate::columns::{Column, Table, Values};
    use crate::info::ColumnInfo;
    use datafusion::arrow::array::{ArrayRef, DictionaryArray, Float64Array, Int64Array, RecordBatch, StringViewArray};
    use datafusion::arrow::compute;
    use datafusion::arrow::datatypes::Int8Type;
    use std::sync::Arc;

    /// Digest of one column, whose array is of the type that stores this kind.
    fn digest_of(kind: ColumnType, array: &dyn Array) -> blake3::Hash {
        let mut digest = ColumnDigest::new(kind);
        for start in (0..array.len()).step_by(BLOCK) {
            digest.add(&array.slice(start, BLOCK.min(array.len() - start)));
        }
        digest.finish()
    }

    /// The tables of `tests/digest/vectors.json`, whose digests another program computed from `docs/digest.md`.
    #[test]
    fn the_vectors_have_the_digests_that_stand_beside_them() {
        let text = include_str!("../../tests/digest/vectors.json");
        let tables: Vec<serde_json::Value> = serde_json::from_str(text).expect("vectors");
        assert!(tables.len() >= 12);
        for table in &tables {
            let name = &table["name"];
            let rows = table["rows"].as_u64().expect("rows") as usize;
            let mut columns = Vec::new();
            let mut key: Vec<(String, blake3::Hash)> = Vec::new();
            let names: Vec<&str> =
                table["key"].as_array().expect("a key").iter().filter_map(|name| name.as_str()).collect();
            for one in table["columns"].as_array().expect("columns") {
                let column = Column { name: one["name"].as_str().expect("a name").into(), values: values(one, rows) };
                let kind = column.values.kind();
                let batch = arrow::from_table(&Table { columns: vec![column.clone()] }).expect("a batch");
                let digest = digest_of(kind, batch.column(0));
                assert_eq!(digest.to_hex().as_str(), one["digest"], "{name}: column {}", column.name);
                if names.contains(&column.name.as_str()) {
                    key.push((column.name.clone(), digest));
                }
                columns.push(ColumnInfo { name: column.name, kind, digest: digest.to_hex().to_string(), nulls: 0 });
            }
            key.sort_by_key(|(column, _)| names.iter().position(|name| name == column));
            let rows_digest = super::rows(rows, &key).to_hex().to_string();
            assert_eq!(rows_digest, table["rows_digest"], "{name}");
            let key = names.iter().map(|name| name.to_string()).collect();
            let info = TableInfo { key, rows: rows as u64, rows_digest, columns };
            assert_eq!(info.digest(), table["digest"], "{name}");
        }
    }

    fn values(column: &serde_json::Value, rows: usize) -> Values {
        if let Some(start) = column["count_from"].as_i64() {
            let numbers = start..start + rows as i64;
            return match column["type"].as_str() {
                Some("date") => Values::Date(numbers.map(|day| i32::try_from(day).ok()).collect()),
                _ => Values::Int(numbers.map(Some).collect()),
            };
        }
        let list = if column["repeat"].is_null() { &column["values"] } else { &column["repeat"] };
        let list = list.as_array().expect("values");
        let all = (0..rows).map(|row| &list[row % list.len()]);
        match column["type"].as_str().expect("a type") {
            "bool" => Values::Bool(all.map(|value| value.as_bool()).collect()),
            "int" => Values::Int(all.map(|value| value.as_i64()).collect()),
            "text" => Values::Text(all.map(|value| value.as_str().map(str::to_string)).collect()),
            "date" => Values::Date(all.map(|value| value.as_i64().map(|day| day as i32)).collect()),
            _ => {
                let bits = |text: &str| f64::from_bits(u64::from_str_radix(text, 16).expect("16 digits"));
                Values::Float(all.map(|value| value.as_f64().or_else(|| value.as_str().map(bits))).collect())
            }
        }
    }

    #[test]
    fn equal_values_have_equal_digests_and_shifted_texts_do_not() {
        let floats = |values: Vec<f64>| digest_of(ColumnType::Float, &Float64Array::from(values));
        assert_eq!(floats(vec![0.0, f64::NAN]), floats(vec![-0.0, -f64::NAN]));
        assert_ne!(floats(vec![0.0]), floats(vec![f64::MIN_POSITIVE]));
        let texts = |values: Vec<Option<&str>>| digest_of(ColumnType::Text, &StringArray::from(values));
        assert_ne!(texts(vec![Some("ab"), Some("c")]), texts(vec![Some("a"), Some("bc")]));
        assert_ne!(texts(vec![None]), texts(vec![Some("")]));
        assert_ne!(texts(vec![None]), digest_of(ColumnType::Float, &Float64Array::from(vec![None])));
        assert_ne!(floats(vec![0.0]), digest_of(ColumnType::Int, &Int64Array::from(vec![0])));
    }

    #[test]
    fn how_values_are_stored_does_not_enter() {
        let stored = |array: ArrayRef| {
            let batch = RecordBatch::try_from_iter([("x", array)]).expect("a batch");
            digest_of(ColumnType::Text, arrow::canonical(&batch).expect("a stored type").column(0))
        };
        let expected =
            digest_of(ColumnType::Text, &StringArray::from(vec![Some("北京"), None, Some("北京"), Some("a")]));
        let dictionary: DictionaryArray<Int8Type> =
            vec![Some("北京"), None, Some("北京"), Some("a")].into_iter().collect();
        let views = StringViewArray::from(vec![Some("北京"), None, Some("北京"), Some("a")]);
        let longer = StringArray::from(vec![Some("x"), Some("北京"), None, Some("北京"), Some("a"), None]);
        let (head, tail) = (longer.slice(1, 1), longer.slice(2, 3));
        let joined = compute::concat(&[&head, &tail]).expect("joined");
        for array in [Arc::new(dictionary) as ArrayRef, Arc::new(views), Arc::new(longer.slice(1, 4)), joined] {
            assert_eq!(stored(array), expected);
        }
    }

    /// Arrays of all types whose missing values hold something, cut at every offset of a byte.
    #[test]
    fn neither_offsets_nor_what_missing_values_hold_enter() {
        let rows = 150;
        let present: Vec<bool> = (0..rows).map(|row| row % 3 != 1 && !(64..128).contains(&row)).collect();
        let nulls = Some(NullBuffer::from(present.clone()));
        let texts: Vec<String> = (0..rows).map(|row| "ab".repeat(row % 4)).collect();
        let dirty: [(ColumnType, ArrayRef); 5] = [
            (
                ColumnType::Bool,
                Arc::new(BooleanArray::new(
                    (0..rows).map(|row| row % 2 == 0).collect::<Vec<_>>().into(),
                    nulls.clone(),
                )),
            ),
            (ColumnType::Int, Arc::new(Int64Array::new((0..rows as i64).collect(), nulls.clone()))),
            (
                ColumnType::Float,
                Arc::new(Float64Array::new((0..rows).map(|row| -0.0 * row as f64).collect(), nulls.clone())),
            ),
            (ColumnType::Date, Arc::new(PrimitiveArray::<Date32Type>::new((0..rows as i32).collect(), nulls.clone()))),
            (ColumnType::Text, {
                let all = StringArray::from(texts);
                Arc::new(StringArray::new(all.offsets().clone(), all.values().clone(), nulls.clone()))
            }),
        ];
        for (kind, array) in dirty {
            for start in 0..20 {
                let cut = array.slice(start, rows - 2 * start);
                let batch = RecordBatch::try_from_iter([("x", cut.clone())]).expect("a batch");
                let clean = arrow::from_table(&arrow::to_table(&batch).expect("plain values")).expect("a batch");
                assert_eq!(digest_of(kind, &cut), digest_of(kind, clean.column(0)), "{kind} from {start}");
            }
        }
    }

    #[test]
    fn a_table_is_known_by_key_rows_names_types_and_values() {
        let one =
            |name: &str, kind, digest: &str| ColumnInfo { name: name.into(), kind, digest: digest.into(), nulls: 0 };
        let info = |key: &str, rows_digest: &str, columns: Vec<ColumnInfo>| {
            TableInfo { key: vec![key.into()], rows: 1, rows_digest: rows_digest.into(), columns }.digest()
        };
        let all = [
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "2")]),
            info("b", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "2")]),
            info("a", "s", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "2")]),
            info("a", "r", vec![one("b", ColumnType::Int, "2"), one("a", ColumnType::Int, "1")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("c", ColumnType::Int, "2")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Float, "2")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1"), one("b", ColumnType::Int, "3")]),
            info("a", "r", vec![one("a", ColumnType::Int, "1")]),
        ];
        let different: std::collections::BTreeSet<&String> = all.iter().collect();
        assert_eq!(different.len(), all.len());
        assert_eq!(all[0].len(), 64);
    }

    /// A measurement, not a check: `cargo test --workspace -- --ignored --nocapture speed_of_digests`.
    #[test]
    #[ignore = "prints rates: cargo test --workspace -- --ignored --nocapture speed_of_digests"]
    fn speed_of_digests() {
        let rows = 100 * BLOCK;
        let mixed = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let some = NullBuffer::from_iter((0..rows).map(|row| row % 10 != 3));
        let ints = Int64Array::from_iter_values((0..rows).map(|row| mixed(row) as i64));
        let floats = Float64Array::from_iter_values((0..rows).map(|row| mixed(row) as f64));
        let dates = PrimitiveArray::<Date32Type>::from_iter_values((0..rows).map(|row| mixed(row) as i32));
        let bools = BooleanArray::from_iter((0..rows).map(|row| Some(mixed(row) % 2 == 0)));
        let texts = StringArray::from_iter_values((0..rows).map(|row| format!("CN{:09}", mixed(row) % 1_000_000_000)));
        let with_nulls = |array: &dyn Array| {
            datafusion::arrow::array::make_array(
                array.to_data().into_builder().nulls(Some(some.clone())).build().expect("an array"),
            )
        };
        let rate = |bytes: usize, work: &dyn Fn() -> blake3::Hash| {
            let seconds = (0..5).map(|_| {
                let start = std::time::Instant::now();
                std::hint::black_box(work());
                start.elapsed().as_secs_f64()
            });
            bytes as f64 / 1e9 / seconds.fold(f64::INFINITY, f64::min)
        };
        let plain = vec![7_u8; 8 * rows];
        println!("blake3: {:.2} GB/s", rate(plain.len(), &|| blake3::hash(&plain)));
        let columns: [(&str, ColumnType, ArrayRef, usize); 8] = [
            ("int", ColumnType::Int, Arc::new(ints.clone()), 8 * rows),
            ("int, a tenth missing", ColumnType::Int, with_nulls(&ints), 8 * rows),
            ("float", ColumnType::Float, Arc::new(floats.clone()), 8 * rows),
            ("float, a tenth missing", ColumnType::Float, with_nulls(&floats), 8 * rows),
            ("date", ColumnType::Date, Arc::new(dates), 4 * rows),
            ("bool", ColumnType::Bool, Arc::new(bools), rows / 8),
            ("text", ColumnType::Text, Arc::new(texts.clone()), 15 * rows),
            ("text, a tenth missing", ColumnType::Text, with_nulls(&texts), 15 * rows),
        ];
        for (what, kind, array, bytes) in columns {
            println!("{what}: {:.2} GB/s", rate(bytes, &|| digest_of(kind, &array)));
        }
    }
}
