//! One state of a group, in the four forms in which DataFusion asks for an aggregate: by groups, for one group, for the
//! frame of a window that moves, and over distinct values. States travel between partitions, and to disk, as bytes.

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, LargeBinaryArray, LargeBinaryBuilder, PrimitiveArray,
};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use std::collections::BTreeSet;
use std::fmt;
use std::marker::PhantomData;
use std::mem;
use std::sync::Arc;

/// What is remembered of the rows of a group; `N` columns of one type go in, one value comes out.
pub trait State<const N: usize>: Clone + Default + fmt::Debug + Send + Sync + 'static {
    type Term: Term;

    fn add(&mut self, row: [<Self::Term as ArrowPrimitiveType>::Native; N]);
    /// Takes a row out again; only where `SLIDES`.
    fn subtract(&mut self, row: [<Self::Term as ArrowPrimitiveType>::Native; N]);
    fn merge(&mut self, other: &Self);
    /// Bytes on the heap.
    fn size(&self) -> usize;
    fn write(&self, out: &mut Vec<u8>);
    /// `None` where the bytes are not those of a state.
    fn read(bytes: &mut &[u8]) -> Option<Self>;
}

/// A type that goes in and comes out.
pub trait Term: ArrowPrimitiveType<Native: Send + Sync> {
    /// Equal for equal values.
    fn key(value: Self::Native) -> u64;
    fn value(key: u64) -> Self::Native;
}

impl Term for Float64Type {
    fn key(value: f64) -> u64 {
        match value {
            value if value.is_nan() => f64::NAN.to_bits(),
            0.0 => 0,
            value => value.to_bits(),
        }
    }

    fn value(key: u64) -> f64 {
        f64::from_bits(key)
    }
}

impl Term for Int64Type {
    fn key(value: i64) -> u64 {
        value as u64
    }

    fn value(key: u64) -> i64 {
        key as i64
    }
}

impl Term for UInt64Type {
    fn key(value: u64) -> u64 {
        value
    }

    fn value(key: u64) -> u64 {
        key
    }
}

/// The value of a group; `None` is null.
pub type Finish<S, const N: usize> = fn(&S) -> Result<Option<Native<S, N>>>;
type Native<S, const N: usize> = <<S as State<N>>::Term as ArrowPrimitiveType>::Native;
type Rows<'a, S, const N: usize> = [&'a PrimitiveArray<<S as State<N>>::Term>; N];

/// Makes accumulators for arguments of one type.
pub trait Family: Send + Sync {
    /// The type that all arguments must have.
    fn input(&self) -> DataType;
    fn groups(&self) -> Box<dyn GroupsAccumulator>;
    fn whole(&self) -> Box<dyn Accumulator>;
    fn sliding(&self) -> Box<dyn Accumulator>;
    fn distinct(&self) -> Box<dyn Accumulator>;
}

/// The family of a state from which rows can be taken out again.
pub fn of<S: State<N>, const N: usize>(finish: Finish<S, N>) -> Arc<dyn Family> {
    Arc::new(Of { finish, slide: finish })
}

/// The same, with another state for windows that move.
pub fn with_sliding<S: State<N>, W: State<N, Term = S::Term>, const N: usize>(
    finish: Finish<S, N>,
    slide: Finish<W, N>,
) -> Arc<dyn Family> {
    Arc::new(Of { finish, slide })
}

struct Of<S: State<N>, W: State<N>, const N: usize> {
    finish: Finish<S, N>,
    slide: Finish<W, N>,
}

impl<S: State<N>, W: State<N, Term = S::Term>, const N: usize> Family for Of<S, W, N> {
    fn input(&self) -> DataType {
        S::Term::DATA_TYPE
    }

    fn groups(&self) -> Box<dyn GroupsAccumulator> {
        Box::new(Groups { states: Vec::new(), finish: self.finish, heap: 0, unseen: 0 })
    }

    fn whole(&self) -> Box<dyn Accumulator> {
        Box::new(Whole { state: S::default(), finish: self.finish, slides: false })
    }

    fn sliding(&self) -> Box<dyn Accumulator> {
        Box::new(Whole { state: W::default(), finish: self.slide, slides: true })
    }

    fn distinct(&self) -> Box<dyn Accumulator> {
        Box::new(Distinct { seen: BTreeSet::new(), finish: self.finish, state: PhantomData })
    }
}

/// States by group.
struct Groups<S: State<N>, const N: usize> {
    states: Vec<S>,
    finish: Finish<S, N>,
    /// Bytes that the states hold beside themselves, as of the last count.
    heap: usize,
    /// Rows since then.
    unseen: usize,
}

impl<S: State<N>, const N: usize> Groups<S, N> {
    fn each(&mut self, groups: &[usize], total: usize, mut update: impl FnMut(&mut S, usize)) {
        self.states.resize_with(total, S::default);
        for (row, group) in groups.iter().enumerate() {
            update(&mut self.states[*group], row);
        }
        // Counted about as often as there are groups, so that counting costs no more than adding.
        self.unseen += groups.len();
        if self.unseen > self.states.len() {
            self.unseen = 0;
            self.heap = self.states.iter().map(S::size).sum();
        }
    }

    fn emit(&mut self, emit_to: EmitTo) -> Vec<S> {
        self.unseen = usize::MAX / 2;
        emit_to.take_needed(&mut self.states)
    }
}

impl<S: State<N>, const N: usize> GroupsAccumulator for Groups<S, N> {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total: usize,
    ) -> Result<()> {
        let rows = rows::<S, N>(values)?;
        if filter.is_none() && rows.iter().all(|column| column.null_count() == 0) {
            let columns = rows.map(|column| column.values());
            self.each(groups, total, |state, row| state.add(columns.map(|column| column[row])));
        } else {
            self.each(groups, total, |state, row| {
                if passes(filter, row) && rows.iter().all(|column| column.is_valid(row)) {
                    state.add(rows.map(|column| column.value(row)));
                }
            });
        }
        Ok(())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], total: usize) -> Result<()> {
        let states = decode::<S, N>(&values[0])?;
        self.each(groups, total, |state, row| state.merge(&states[row]));
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let finish = self.finish;
        let values = self.emit(emit_to).iter().map(finish).collect::<Result<PrimitiveArray<S::Term>>>()?;
        Ok(Arc::new(values))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let states = self.emit(emit_to);
        Ok(vec![encode::<S, N>(states.iter())])
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = rows::<S, N>(values)?;
        let states = (0..rows[0].len()).map(|row| {
            let mut state = S::default();
            if passes(filter, row) && rows.iter().all(|column| column.is_valid(row)) {
                state.add(rows.map(|column| column.value(row)));
            }
            state
        });
        Ok(vec![encode::<S, N>(states)])
    }

    fn size(&self) -> usize {
        self.states.capacity() * size_of::<S>() + self.heap
    }
}

/// One state for all rows; in a window whose frame moves, rows leave it again.
struct Whole<S: State<N>, const N: usize> {
    state: S,
    finish: Finish<S, N>,
    slides: bool,
}

impl<S: State<N>, const N: usize> fmt::Debug for Whole<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.state.fmt(f)
    }
}

impl<S: State<N>, const N: usize> Accumulator for Whole<S, N> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each::<S, N>(values, |row| self.state.add(row))
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        if !self.slides {
            return Err(DataFusionError::Internal("rows left an aggregate that keeps all".to_string()));
        }
        for_each::<S, N>(values, |row| self.state.subtract(row))
    }

    fn supports_retract_batch(&self) -> bool {
        self.slides
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        decode::<S, N>(&states[0])?.iter().for_each(|state| self.state.merge(state));
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let mut bytes = Vec::new();
        self.state.write(&mut bytes);
        Ok(vec![ScalarValue::LargeBinary(Some(bytes))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        scalar::<S, N>((self.finish)(&self.state)?)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.state.size()
    }
}

/// The different rows seen. They are added up in any order: the sum is the same.
struct Distinct<S: State<N>, const N: usize> {
    seen: BTreeSet<[u64; N]>,
    finish: Finish<S, N>,
    state: PhantomData<S>,
}

impl<S: State<N>, const N: usize> fmt::Debug for Distinct<S, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.seen.fmt(f)
    }
}

impl<S: State<N>, const N: usize> Accumulator for Distinct<S, N> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        for_each::<S, N>(values, |row| {
            self.seen.insert(row.map(S::Term::key));
        })
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for bytes in states[0].as_binary::<i64>().iter().flatten() {
            let (numbers, _) = bytes.as_chunks::<8>();
            let (rows, _) = numbers.as_chunks::<N>();
            self.seen.extend(rows.iter().map(|row| row.map(u64::from_le_bytes)));
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let bytes = mem::take(&mut self.seen).into_iter().flatten().flat_map(u64::to_le_bytes).collect();
        Ok(vec![ScalarValue::LargeBinary(Some(bytes))])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut state = S::default();
        for row in &self.seen {
            state.add(row.map(S::Term::value));
        }
        scalar::<S, N>((self.finish)(&state)?)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + 2 * self.seen.len() * size_of::<[u64; N]>()
    }
}

fn rows<S: State<N>, const N: usize>(values: &[ArrayRef]) -> Result<Rows<'_, S, N>> {
    let columns: Vec<_> = values.iter().filter_map(|column| column.as_primitive_opt::<S::Term>()).collect();
    columns.try_into().map_err(|_| DataFusionError::Internal(format!("an aggregate of {N} columns got other ones")))
}

fn passes(filter: Option<&BooleanArray>, row: usize) -> bool {
    filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))
}

/// Rows without a null.
fn for_each<S: State<N>, const N: usize>(values: &[ArrayRef], mut take: impl FnMut([Native<S, N>; N])) -> Result<()> {
    let rows = rows::<S, N>(values)?;
    for row in 0..rows[0].len() {
        if rows.iter().all(|column| column.is_valid(row)) {
            take(rows.map(|column| column.value(row)));
        }
    }
    Ok(())
}

fn scalar<S: State<N>, const N: usize>(value: Option<Native<S, N>>) -> Result<ScalarValue> {
    ScalarValue::new_primitive::<S::Term>(value, &S::Term::DATA_TYPE)
}

fn encode<S: State<N>, const N: usize>(states: impl Iterator<Item = impl std::borrow::Borrow<S>>) -> ArrayRef {
    let mut builder = LargeBinaryBuilder::new();
    let mut bytes = Vec::new();
    for state in states {
        bytes.clear();
        state.borrow().write(&mut bytes);
        builder.append_value(&bytes);
    }
    Arc::new(builder.finish())
}

fn decode<S: State<N>, const N: usize>(states: &ArrayRef) -> Result<Vec<S>> {
    let states: &LargeBinaryArray = states.as_binary();
    let broken = || DataFusionError::Internal("the state of an aggregate is damaged".to_string());
    states.iter().map(|bytes| bytes.and_then(|mut bytes| S::read(&mut bytes)).ok_or_else(broken)).collect()
}
