//! `cargo run --release -p readers --example text_speed -- DICTIONARY TEXT`: megabytes of text per second through the counting of terms,
//! on one core. DICTIONARY has a term per line, up to the first comma; TEXT is any UTF-8 file, repeated to 64 MB in pieces of its lines.

use readers::terms::{Dictionary, Rules, Scratch, Term};
use std::error::Error;
use std::time::Instant;
use std::{env, fs};

const BYTES: usize = 64 << 20;
const TRIES: usize = 5;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [dictionary, text] = arguments.as_slice() else {
        return Err("usage: text_speed DICTIONARY TEXT".into());
    };
    let terms: Vec<Term> = fs::read_to_string(dictionary)?
        .lines()
        .skip(1)
        .map(|line| Term { text: line.split(',').next().unwrap_or("").to_string(), group: String::new() })
        .collect();
    let dictionary = Dictionary::new(&terms, Rules { fold: true, join: false })?;
    let text = fs::read_to_string(text)?;
    let lines: Vec<&str> = text.lines().filter(|line| !line.is_empty()).collect();
    let mut scratch = Scratch::default();
    let mut rates = Vec::new();
    let mut found = (0, 0, 0);
    for _ in 0..TRIES {
        let start = Instant::now();
        let mut bytes = 0;
        found = (0, 0, 0);
        for line in lines.iter().cycle() {
            let counts = dictionary.count(line, &mut scratch);
            found.0 += counts.n_han;
            for count in &counts.terms {
                found.1 += count.longest;
                found.2 += count.overlapping;
            }
            bytes += line.len();
            if bytes >= BYTES {
                break;
            }
        }
        rates.push(bytes as f64 / 1e6 / start.elapsed().as_secs_f64());
    }
    rates.sort_by(f64::total_cmp);
    let (n_han, longest, overlapping) = found;
    println!(
        "{:.0} MB/s (median of {TRIES}; {longest} longest, {overlapping} overlapping, {n_han} Han)",
        rates[TRIES / 2]
    );
    Ok(())
}
