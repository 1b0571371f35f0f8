//! Bytes as a file of the format `dta`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use readers::layout::Format;

fuzz_target!(init: reader_fuzz::calm(), |bytes: &[u8]| reader_fuzz::read("input.dta", bytes, Format::Dta));
