//! Rows as they are read, some at a time: columns side by side in little memory. Holds data only; `assemble.rs` fills it.

use crate::{
    extract::{Issue, RawColumn, RowOrigin, SkippedRow, Values},
    layout::ValueKind,
    value::Parsed,
};

/// A chunk is given on after so many rows; also the rows of a block of a stored table.
pub(crate) const ROWS: usize = 65_536;

/// It is given on before that once its texts take so many bytes.
pub(crate) const BYTES: usize = 32 << 20;

/// A longer text is no value: places in a chunk are 31 bits.
pub(crate) const LONGEST: usize = (1 << 31) - 2 * BYTES;

/// Rows of one sheet that follow each other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Chunk {
    /// The file as the user knows it; in an archive, the member.
    pub file: String,
    /// The sheet, or empty.
    pub sheet: String,
    /// As in [`Extract`](crate::extract::Extract).
    pub letters: Vec<(String, String)>,
    /// The columns, in the order of the layout; all of the same length.
    pub columns: Vec<Packed>,
    /// Where each row stands in the file.
    pub origins: Vec<RowOrigin>,
    /// Values that were repaired or taken as missing.
    pub issues: Vec<Issue>,
    /// Rows that were left out, with the reason.
    pub skipped: Vec<SkippedRow>,
}

/// The values of a column; `None` is missing.
#[derive(Debug, Clone, PartialEq)]
pub enum Packed {
    /// Text without outer blanks.
    Text(Texts),
    /// Whole numbers.
    Int(Vec<Option<i64>>),
    /// Finite numbers.
    Float(Vec<Option<f64>>),
    /// Truth values.
    Bool(Vec<Option<bool>>),
    /// Days since 1970-01-01.
    Date(Vec<Option<i32>>),
}

/// Texts, one after the other.
#[derive(Debug, Clone, PartialEq)]
pub struct Texts {
    /// All of them.
    pub text: String,
    /// 0, then where each ends.
    pub ends: Vec<i32>,
    /// Which of them are there.
    pub present: Vec<bool>,
}

impl Texts {
    fn new() -> Texts {
        Texts { text: String::new(), ends: vec![0], present: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: Option<&str>) {
        self.text.push_str(text.unwrap_or_default());
        self.ends.push(i32::try_from(self.text.len()).expect("longer texts are refused, and chunks end before"));
        self.present.push(text.is_some());
    }

    fn get(&self, row: usize) -> Option<&str> {
        self.present[row].then(|| &self.text[self.ends[row] as usize..self.ends[row + 1] as usize])
    }
}

impl Packed {
    pub(crate) fn empty(kind: ValueKind) -> Packed {
        match kind {
            ValueKind::Text => Packed::Text(Texts::new()),
            ValueKind::Int => Packed::Int(Vec::new()),
            ValueKind::Float => Packed::Float(Vec::new()),
            ValueKind::Bool => Packed::Bool(Vec::new()),
            ValueKind::Date => Packed::Date(Vec::new()),
        }
    }

    /// Appends a value of the kind that `empty` was called with; anything else is missing. True if it is there.
    pub(crate) fn push(&mut self, parsed: Parsed) -> bool {
        let there = parsed != Parsed::Missing;
        match (self, parsed) {
            (Packed::Text(values), Parsed::Text(value)) => values.push(Some(&value)),
            (Packed::Int(values), Parsed::Int(value)) => values.push(Some(value)),
            (Packed::Float(values), Parsed::Float(value)) => values.push(Some(value)),
            (Packed::Bool(values), Parsed::Bool(value)) => values.push(Some(value)),
            (Packed::Date(values), Parsed::Date(value)) => values.push(Some(value)),
            (Packed::Text(values), _) => values.push(None),
            (Packed::Int(values), _) => values.push(None),
            (Packed::Float(values), _) => values.push(None),
            (Packed::Bool(values), _) => values.push(None),
            (Packed::Date(values), _) => values.push(None),
        }
        there
    }

    pub(crate) fn text_bytes(&self) -> usize {
        match self {
            Packed::Text(texts) => texts.text.len(),
            _ => 0,
        }
    }

    fn append_to(self, values: &mut Values) {
        match (self, values) {
            (Packed::Text(texts), Values::Text(values)) => {
                values.extend((0..texts.present.len()).map(|row| texts.get(row).map(str::to_string)));
            }
            (Packed::Int(more), Values::Int(values)) => values.extend(more),
            (Packed::Float(more), Values::Float(values)) => values.extend(more),
            (Packed::Bool(more), Values::Bool(values)) => values.extend(more),
            (Packed::Date(more), Values::Date(values)) => values.extend(more),
            (more, values) => unreachable!("{more:?} is not of the kind of {values:?}"),
        }
    }
}

/// Columns of the names and kinds given, with the rows of all chunks.
pub(crate) fn joined<'n>(columns: impl Iterator<Item = (&'n str, ValueKind)>, chunks: Vec<Chunk>) -> Vec<RawColumn> {
    let mut joined: Vec<RawColumn> =
        columns.map(|(name, kind)| RawColumn { name: name.to_string(), values: Values::empty(kind) }).collect();
    for chunk in chunks {
        for (column, more) in joined.iter_mut().zip(chunk.columns) {
            more.append_to(&mut column.values);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Member;
    use crate::columnar::NoDecoder;
    use crate::layout::{Format, sample};
    use std::{sync::mpsc::sync_channel, thread};

    /// Rows in chunks are the rows at once, with missing values, repaired ones and rows left out.
    #[test]
    fn chunks_are_the_rows_of_the_file_in_their_order() {
        let columns = || vec![sample::field("id", ValueKind::Text), sample::field("n", ValueKind::Float)];
        let layout = sample::layout(Format::Csv, columns());
        let line = |row: usize| match row % 10 {
            3 => format!("市{row},\n"),
            5 => format!(",\"1,{:03}\"\n", row % 1000),
            7 => ",\n".to_string(),
            _ => format!("{row},{row}.5\n"),
        };
        let text: String = std::iter::once("id,n\n".to_string()).chain((0..150_000).map(line)).collect();
        let whole = sample::read("a.csv", text.as_bytes(), &layout).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, &text).unwrap();

        let (sender, receiver) = sync_channel(1);
        let (chunks, rest) = thread::scope(|scope| {
            let reading =
                scope.spawn(|| crate::read_in_chunks(&path, "a.csv", &layout, folder.path(), &NoDecoder, sender));
            let chunks: Vec<Chunk> = receiver.iter().collect();
            (chunks, reading.join().unwrap().unwrap())
        });
        assert_eq!(chunks.iter().map(|chunk| chunk.origins.len()).max(), Some(ROWS));
        assert!(
            chunks
                .iter()
                .all(|chunk| chunk.file == "a.csv" && chunk.letters == whole.letters && chunk.columns.len() == 2)
        );
        let [Member { extract: rest, .. }] = rest.as_slice() else { panic!("{rest:?}") };
        assert!(rest.origins.is_empty() && rest.issues.is_empty() && rest.skipped.is_empty());
        let issues: Vec<Issue> = chunks.iter().flat_map(|chunk| chunk.issues.clone()).collect();
        assert_eq!(issues, whole.issues);
        assert!(issues.len() > 10_000);
        let origins: Vec<RowOrigin> = chunks.iter().flat_map(|chunk| chunk.origins.clone()).collect();
        assert_eq!(origins, whole.origins);
        let names = layout.columns.iter().map(|rule| (rule.name.as_str(), rule.kind));
        assert_eq!(joined(names, chunks), whole.columns);

        // Without a taker the reading ends before the file does: what is wrong in its last line is not seen.
        std::fs::write(&path, text + "a,x\n").unwrap();
        let (sender, receiver) = sync_channel(1);
        drop(receiver);
        assert!(crate::read_in_chunks(&path, "a.csv", &layout, folder.path(), &NoDecoder, sender).is_ok());
        assert!(crate::read(&path, "a.csv", &layout, folder.path(), &NoDecoder).is_err());
    }
}
