//! Bytes as a file of the format `csv`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readers::layout::Format;

fuzz_target!(|bytes: &[u8]| reader_fuzz::read("input.csv", bytes, Format::Csv));
