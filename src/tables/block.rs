//! The unit in which a table is written: up to `BLOCK` rows in their final order, not yet in stored types.
//! Blocks are cut by the number of rows alone, so that neither a digest nor a file depends on the batches that rows come in.

use crate::digest::BLOCK;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute;
use datafusion::arrow::error::ArrowError;
use std::sync::Arc;

/// Rows, and which of them have the key of the row before.
pub(crate) struct Block {
    rows: Rows,
    len: usize,
    /// Ascending; 0 if the first row has the key of the last row of the block before.
    pub repeats: Vec<usize>,
}

enum Rows {
    /// One below the other.
    Pieces(Vec<RecordBatch>),
    /// By number of the batch and of the row in it.
    Picked(Arc<Vec<RecordBatch>>, Vec<(usize, usize)>),
}

/// Cuts batches into blocks.
#[derive(Default)]
pub(crate) struct Cutter {
    pieces: Vec<RecordBatch>,
    rows: usize,
}

impl Block {
    pub fn picked(batches: Arc<Vec<RecordBatch>>, rows: Vec<(usize, usize)>, repeats: Vec<usize>) -> Block {
        Block { len: rows.len(), rows: Rows::Picked(batches, rows), repeats }
    }

    pub fn len(&self) -> usize {
        self.len
    }

    /// All values of one column.
    pub fn column(&self, index: usize) -> Result<ArrayRef, ArrowError> {
        match &self.rows {
            Rows::Pieces(pieces) => match pieces.as_slice() {
                [piece] => Ok(piece.column(index).clone()),
                pieces => {
                    let arrays: Vec<_> = pieces.iter().map(|piece| piece.column(index).as_ref()).collect();
                    compute::concat(&arrays)
                }
            },
            Rows::Picked(batches, rows) => {
                let arrays: Vec<_> = batches.iter().map(|batch| batch.column(index).as_ref()).collect();
                compute::interleave(&arrays, rows)
            }
        }
    }

    /// These rows, all columns.
    pub fn take(&self, rows: &[usize]) -> Result<RecordBatch, ArrowError> {
        let (batches, picks): (Vec<&RecordBatch>, Vec<_>) = match &self.rows {
            Rows::Picked(batches, picks) => (batches.iter().collect(), rows.iter().map(|row| picks[*row]).collect()),
            Rows::Pieces(pieces) => {
                let starts: Vec<usize> = pieces
                    .iter()
                    .scan(0, |rows, piece| Some(std::mem::replace(rows, *rows + piece.num_rows())))
                    .collect();
                let pick = |row: &usize| {
                    let piece = starts.partition_point(|start| start <= row) - 1;
                    (piece, row - starts[piece])
                };
                (pieces.iter().collect(), rows.iter().map(pick).collect())
            }
        };
        compute::interleave_record_batch(&batches, &picks)
    }
}

impl Cutter {
    /// Adds rows, of which none may be left from the batch before: see `cut`.
    pub fn add(&mut self, batch: RecordBatch) {
        self.rows += batch.num_rows();
        if batch.num_rows() > 0 {
            self.pieces.push(batch);
        }
    }

    /// The next full block, if there are rows enough.
    pub fn cut(&mut self) -> Option<Block> {
        (self.rows >= BLOCK).then(|| self.take(BLOCK))
    }

    /// What is left after the last full block.
    pub fn rest(&mut self) -> Option<Block> {
        (self.rows > 0).then(|| self.take(self.rows))
    }

    fn take(&mut self, wanted: usize) -> Block {
        let (mut pieces, mut missing) = (Vec::new(), wanted);
        let mut left = Vec::new();
        for piece in self.pieces.drain(..) {
            let rows = piece.num_rows().min(missing);
            if rows > 0 {
                pieces.push(piece.slice(0, rows));
            }
            if rows < piece.num_rows() {
                left.push(piece.slice(rows, piece.num_rows() - rows));
            }
            missing -= rows;
        }
        self.pieces = left;
        self.rows -= wanted;
        Block { rows: Rows::Pieces(pieces), len: wanted, repeats: Vec::new() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{AsArray, Int64Array};
    use datafusion::arrow::datatypes::Int64Type;

    fn batch(values: std::ops::Range<i64>) -> RecordBatch {
        RecordBatch::try_from_iter([("x", Arc::new(Int64Array::from_iter_values(values)) as ArrayRef)])
            .expect("a batch")
    }

    fn values(array: &ArrayRef) -> Vec<i64> {
        array.as_primitive::<Int64Type>().values().to_vec()
    }

    #[test]
    fn blocks_are_full_but_the_last_and_keep_the_order() {
        let total = 2 * BLOCK as i64 + 5;
        for size in [1000, BLOCK as i64, 3 * BLOCK as i64] {
            let mut cutter = Cutter::default();
            let mut blocks = Vec::new();
            for start in (0..total).step_by(size as usize) {
                cutter.add(batch(start..total.min(start + size)));
                blocks.extend(std::iter::from_fn(|| cutter.cut()));
            }
            blocks.extend(cutter.rest());
            assert!(cutter.rest().is_none());
            assert_eq!(blocks.iter().map(Block::len).collect::<Vec<_>>(), [BLOCK, BLOCK, 5]);
            let found: Vec<i64> = blocks.iter().flat_map(|block| values(&block.column(0).expect("a column"))).collect();
            assert_eq!(found, (0..total).collect::<Vec<_>>(), "batches of {size}");
            let some = blocks[1].take(&[0, 999, BLOCK - 1]).expect("rows");
            assert_eq!(values(some.column(0)), [BLOCK as i64, BLOCK as i64 + 999, 2 * BLOCK as i64 - 1]);
        }
    }

    #[test]
    fn picked_rows_come_in_the_order_asked_for() {
        let batches = Arc::new(vec![batch(0..3), batch(10..13)]);
        let block = Block::picked(batches, vec![(1, 2), (0, 0), (1, 0)], vec![]);
        assert_eq!(values(&block.column(0).expect("a column")), [12, 0, 10]);
        assert_eq!(values(block.take(&[2, 0]).expect("rows").column(0)), [10, 12]);
    }
}
