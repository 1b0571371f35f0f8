//! Bytes as a workbook of any kind, an archive or a compressed file: what stands around the values.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readers::layout::Format;

fuzz_target!(init: reader_fuzz::calm(), |bytes: &[u8]| reader_fuzz::read("input.xls", bytes, Format::Spreadsheet));
