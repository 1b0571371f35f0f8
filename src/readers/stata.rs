//! Stata files of every release. The only file that names the crate `dta`. Value labels are not applied: a labelled number is
//! the number.

use std::{borrow::Cow, fs::File, io::BufReader};

use dta::stata::{
    dta::{
        dta_error::DtaError, dta_reader::DtaReader, long_string_table::LongStringTable, record_reader::RecordReader,
        value::Value, variable_type::VariableType,
    },
    missing_value::MissingValue,
    stata_byte::StataByte,
    stata_double::StataDouble,
    stata_float::StataFloat,
    stata_int::StataInt,
    stata_long::StataLong,
};
use encoding_rs::{Encoding, GB18030, UTF_8};

use crate::{
    assemble::{Assembler, Places},
    bind::{self, Ground},
    cell::Cell,
    encoding,
    error::ReadError,
    extract::Extract,
    guard::guarded,
    layout::Compiled,
    limits, sniff,
    source::Source,
};

/// 1960-01-01, from which Stata counts.
const STATA_EPOCH: i32 = -3_653;

pub(crate) fn read(source: &Source, compiled: &Compiled) -> Result<Extract, ReadError> {
    check_magic(source)?;
    limits::dta(source)?;
    // Releases before 118 do not say their encoding, and some of 118 hold what was never converted.
    let candidates = match compiled.encoding {
        Some(declared) => vec![declared],
        None => vec![UTF_8, GB18030],
    };
    let mut first_failure = None;
    for candidate in candidates {
        let tried = guarded(&source.file, || match attempt(source, compiled, candidate) {
            Err(Failure::Read(error)) => Err(error),
            other => Ok(other),
        });
        match tried.unwrap_or_else(|error| Err(Failure::Read(error))) {
            Ok(extract) => return Ok(extract),
            Err(Failure::Read(error)) => return Err(error),
            Err(Failure::Stata(cause)) => {
                let about_text = cause.contains("encoding");
                first_failure.get_or_insert(cause);
                if !about_text {
                    break;
                }
            }
        }
    }
    let cause = first_failure.unwrap_or_default();
    Err(ReadError::Dta { file: source.file.clone(), cause })
}

/// The names of the variables.
pub(crate) fn variables(source: &Source) -> Result<Vec<String>, ReadError> {
    check_magic(source)?;
    limits::dta(source)?;
    let names = |encoding: &'static Encoding| -> Result<Vec<String>, Failure> {
        let file = File::open(&source.path).map_err(|error| source.open_error(error))?;
        let schema = DtaReader::new().encoding(encoding).from_file(file).read_header()?.read_schema()?;
        Ok(schema.schema().variables().iter().map(|variable| variable.name().to_string()).collect())
    };
    match names(UTF_8).or_else(|_| names(GB18030)) {
        Ok(names) => Ok(names),
        Err(Failure::Read(error)) => Err(error),
        Err(Failure::Stata(cause)) => Err(ReadError::Dta { file: source.file.clone(), cause }),
    }
}

enum Failure {
    Read(ReadError),
    Stata(String),
}

impl From<DtaError> for Failure {
    fn from(error: DtaError) -> Failure {
        Failure::Stata(error.to_string())
    }
}

impl From<ReadError> for Failure {
    fn from(error: ReadError) -> Failure {
        Failure::Read(error)
    }
}

/// How the number of a variable is to be understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Unit {
    Plain,
    /// Days since 1960.
    Days,
    /// Milliseconds since 1960.
    Milliseconds,
}

impl Unit {
    fn of(format: &str) -> Unit {
        let format = format.trim_start_matches('%').trim_start_matches('-');
        if format.starts_with("td") || format.starts_with('d') {
            Unit::Days
        } else if format.starts_with("tc") || format.starts_with("tC") {
            Unit::Milliseconds
        } else {
            Unit::Plain
        }
    }
}

fn attempt(source: &Source, compiled: &Compiled, encoding: &'static Encoding) -> Result<Extract, Failure> {
    let file = File::open(&source.path).map_err(|error| source.open_error(error))?;
    let mut before = DtaReader::new().encoding(encoding).from_file(file).read_header()?.read_schema()?;
    before.skip_to_end()?;
    let mut records = before.into_record_reader()?;
    let schema = records.schema().clone();
    let names: Vec<String> = schema.variables().iter().map(|variable| variable.name().to_string()).collect();
    let units: Vec<Unit> = schema.variables().iter().map(|variable| Unit::of(variable.format())).collect();
    let label = |index: usize| names.get(index).cloned().unwrap_or_default();
    let ground =
        Ground { source, sheet: "", header: None, fields: Some(&names), width: Some(names.len()), label: &label };
    let bindings = bind::bind(compiled, &ground)?;
    let mut assembler = Assembler::new(compiled, source, Places::Observations)?;
    assembler.start_sheet("", bindings, false);
    let wanted = assembler.wanted();
    let long = wanted
        .iter()
        .flatten()
        .any(|index| matches!(schema.variables()[*index].variable_type(), VariableType::LongString));
    let mut strings = LongStringTable::for_reading();
    if long {
        records = load_long_strings(records, &mut strings)?;
    }
    let mut observation = 0;
    while let Some(record) = records.read_lazy_record()? {
        observation += 1;
        let cells = wanted
            .iter()
            .map(|index| match index {
                Some(index) => cell(record.value(*index)?, units[*index], &strings, encoding),
                None => Ok(Cell::Empty),
            })
            .collect::<Result<Vec<Cell>, Failure>>()?;
        assembler.row(observation, &cells, String::new);
    }
    Ok(assembler.finish(Some(encoding::label(encoding)))?)
}

/// Long strings stand behind the records that point at them.
fn load_long_strings(
    records: RecordReader<BufReader<File>>,
    table: &mut LongStringTable,
) -> Result<RecordReader<BufReader<File>>, Failure> {
    let mut strings = records.seek_long_strings()?;
    strings.read_remaining_into(table)?;
    Ok(strings.seek_records()?)
}

fn cell<'r>(
    value: Value<'r>,
    unit: Unit,
    strings: &LongStringTable,
    encoding: &'static Encoding,
) -> Result<Cell<'r>, Failure> {
    Ok(match value {
        Value::Byte(StataByte::Present(value)) => number(f64::from(value), unit),
        Value::Int(StataInt::Present(value)) => number(f64::from(value), unit),
        Value::Long(StataLong::Present(value)) => number(f64::from(value), unit),
        Value::Float(StataFloat::Present(value)) => number(f64::from(value), unit),
        Value::Double(StataDouble::Present(value)) => number(value, unit),
        Value::Byte(StataByte::Missing(value)) => missing(value),
        Value::Int(StataInt::Missing(value)) => missing(value),
        Value::Long(StataLong::Missing(value)) => missing(value),
        Value::Float(StataFloat::Missing(value)) => missing(value),
        Value::Double(StataDouble::Missing(value)) => missing(value),
        Value::String(text) => Cell::Text(text),
        Value::LongStringRef(reference) => match strings.get(&reference) {
            None => Cell::Empty,
            Some(long) => match long.data_str(encoding) {
                Some(text) => Cell::Text(Cow::Owned(text.into_owned())),
                None => return Err(Failure::Stata("invalid encoding in a long string".into())),
            },
        },
    })
}

fn number(value: f64, unit: Unit) -> Cell<'static> {
    const DAY: f64 = 86_400_000.0;
    let (days, with_time) = match unit {
        Unit::Plain => return Cell::Number(value),
        Unit::Days => (value, value.fract() != 0.0),
        Unit::Milliseconds => (value / DAY, value.rem_euclid(DAY) != 0.0),
    };
    let days = days.floor();
    if days.abs() > 10_000_000.0 {
        return Cell::Number(value);
    }
    Cell::Date { days: days as i32 + STATA_EPOCH, with_time }
}

fn missing(value: MissingValue) -> Cell<'static> {
    match value.code() {
        0 => Cell::Empty,
        tag => Cell::TaggedMissing(char::from(b'a' + (tag - 1).min(25))),
    }
}

fn check_magic(source: &Source) -> Result<(), ReadError> {
    let head = sniff::head(&source.path).map_err(|error| source.open_error(error))?;
    // Old releases begin with their number, 102 to 116, and a byte order of 1 or 2.
    let old = matches!(head.as_slice(), [102..=116, 0..=2, ..]);
    if old || head.starts_with(b"<stata_dta>") {
        return Ok(());
    }
    let found = sniff::describe(&head);
    if found == sniff::SPSS {
        return Err(ReadError::Unsupported { file: source.file.clone(), found: sniff::SPSS });
    }
    let cause = format!("its content is {found}");
    Err(ReadError::Dta { file: source.file.clone(), cause })
}
