//! Spoils files and reads them: `fuzz SECONDS FOLDER [SEED]` takes the files of FOLDER as seeds. Every input is written to
//! `FOLDER/../fuzz-last` first, so that one that ends the program can be read again; what breaks a bound is kept beside it. The
//! bounds: no panic of ours, 30 seconds, and 1 GiB of memory for inputs of a few KB. Prints counts at the end.

use peak_alloc::PeakAlloc;
use readers::columnar::Decoder;
use readers::error::ReadError;
use readers::extract::RawColumn;
use readers::layout::{ColumnRule, ColumnSource, Encoding, Format, HeaderRule, Layout, SheetChoice, ValueKind};
use std::collections::BTreeMap;
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{env, fs, process, thread};

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MOST_MEMORY: usize = 1 << 30;
const MOST_TIME: Duration = Duration::from_secs(30);

struct NoParquet;

impl Decoder for NoParquet {
    fn names(&self, _: &Path) -> Result<Vec<String>, String> {
        Err("no decoder".into())
    }

    fn columns(&self, _: &Path, _: &[String]) -> Result<Vec<RawColumn>, String> {
        Err("no decoder".into())
    }
}

/// Numbers by chance (xorshift), the same for the same seed.
struct Chance(u64);

impl Chance {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end.max(1) as u64) as usize
    }
}

fn layout(format: Format) -> Layout {
    let position = !matches!(format, Format::Jsonl | Format::Text);
    let column = |index: usize, kind: ValueKind| ColumnRule {
        name: format!("c{index}"),
        source: match (position, format) {
            (true, _) => ColumnSource::Position(index),
            (_, Format::Text) => ColumnSource::TextBody,
            _ => ColumnSource::Field(["city", "year", "gdp"][index - 1].into()),
        },
        kind,
        optional: true,
        scale: Vec::new(),
        add: None,
    };
    let header = match format {
        Format::Csv | Format::Spreadsheet => HeaderRule::Found { contains: Vec::new(), rows: 1 },
        _ => HeaderRule::None,
    };
    Layout {
        format,
        sheets: if format == Format::Spreadsheet { SheetChoice::Names(vec!["*".into()]) } else { SheetChoice::First },
        header,
        columns: vec![column(1, ValueKind::Text), column(2, ValueKind::Text), column(3, ValueKind::Float)],
        skip: Vec::new(),
        missing: Vec::new(),
        encoding: Encoding::Detect,
        delimiter: b',',
        file_pattern: None,
        members: Vec::new(),
    }
}

/// One to eight changes: bits, bytes, extreme numbers, cuts, repetitions, and pieces of another seed.
fn spoilt(seed: &[u8], other: &[u8], chance: &mut Chance) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for _ in 0..=chance.below(8) {
        if bytes.is_empty() {
            break;
        }
        let place = chance.below(bytes.len());
        match chance.below(8) {
            0 => bytes[place] ^= 1 << chance.below(8),
            1 => bytes[place] = chance.below(256) as u8,
            2 | 3 => {
                let width = [1, 2, 4, 8][chance.below(4)];
                let value: u64 = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, u64::MAX][chance.below(9)];
                let end = (place + width).min(bytes.len());
                bytes[place..end].copy_from_slice(&value.to_le_bytes()[..end - place]);
            }
            4 => bytes.truncate(place),
            5 => {
                let piece = bytes[place..(place + chance.below(512)).min(bytes.len())].to_vec();
                bytes.splice(place..place, piece);
            }
            6 => {
                let end = (place + chance.below(64)).min(bytes.len());
                bytes.drain(place..end);
            }
            _ if !other.is_empty() => {
                let start = chance.below(other.len());
                let piece = other[start..(start + chance.below(256)).min(other.len())].to_vec();
                let end = (place + piece.len()).min(bytes.len());
                bytes.splice(place..end, piece);
            }
            _ => {}
        }
    }
    bytes
}

/// Changes parts of a zip archive rather than its compressed bytes; `None` if it is none.
fn spoilt_archive(seed: &[u8], chance: &mut Chance) -> Option<Vec<u8>> {
    use std::io::{Cursor, Read, Write};
    let mut archive = zip::ZipArchive::new(Cursor::new(seed)).ok()?;
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let target = chance.below(archive.len());
    for index in 0..archive.len() {
        let mut member = archive.by_index(index).ok()?;
        let mut content = Vec::new();
        member.read_to_end(&mut content).ok()?;
        if index == target {
            content = spoilt(&content, seed, chance);
        }
        writer.start_file(member.name().ok()?, zip::write::SimpleFileOptions::default()).ok()?;
        writer.write_all(&content).ok()?;
    }
    Some(writer.finish().ok()?.into_inner())
}

fn format_of(name: &str) -> Format {
    let name = name.trim_end_matches(".gz").trim_end_matches(".xz").trim_end_matches(".zst");
    match name.rsplit('.').next().unwrap_or_default() {
        "csv" | "zip" => Format::Csv,
        "dta" => Format::Dta,
        "jsonl" => Format::Jsonl,
        "txt" => Format::Text,
        _ => Format::Spreadsheet,
    }
}

fn main() {
    let arguments: Vec<String> = env::args().collect();
    let [_, seconds, folder, rest @ ..] = arguments.as_slice() else {
        eprintln!("fuzz SECONDS FOLDER [SEED]");
        process::exit(2);
    };
    let limit = Duration::from_secs(seconds.parse().expect("seconds"));
    let mut chance = Chance(rest.first().and_then(|seed| seed.parse().ok()).unwrap_or(1_u64).max(1));
    let work = PathBuf::from(folder).join("..").join("fuzz-last");
    fs::create_dir_all(&work).expect("a folder");
    let mut seeds: Vec<(String, Vec<u8>)> = fs::read_dir(folder)
        .expect("seeds")
        .filter_map(|entry| entry.ok())
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).unwrap_or_default()))
        .filter(|(name, _)| !name.ends_with(".py") && !name.ends_with(".js"))
        .collect();
    seeds.sort();
    let start = Instant::now();
    // By ending: inputs, files that were read, panics of decoders, largest memory in MB, longest time in ms.
    let mut counts: BTreeMap<String, [u128; 5]> = BTreeMap::new();
    let mut broken = 0;
    while start.elapsed() < limit {
        let (name, seed) = &seeds[chance.below(seeds.len())];
        let other = &seeds[chance.below(seeds.len())].1;
        let bytes = match chance.below(2) {
            0 => spoilt_archive(seed, &mut chance).unwrap_or_else(|| spoilt(seed, other, &mut chance)),
            _ => spoilt(seed, other, &mut chance),
        };
        let path = work.join(name);
        fs::write(&path, &bytes).expect("written");
        let before = MEMORY.current_usage();
        MEMORY.reset_peak_usage();
        let began = Instant::now();
        let watch = {
            let path = path.clone();
            let done = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
            let flag = done.clone();
            let watcher = thread::spawn(move || {
                let until = Instant::now() + MOST_TIME;
                while Instant::now() < until {
                    if flag.load(std::sync::atomic::Ordering::Relaxed) {
                        return;
                    }
                    thread::park_timeout(Duration::from_millis(500));
                }
                eprintln!("hang: {}", path.display());
                process::exit(3);
            });
            (done, watcher)
        };
        let result = panic::catch_unwind(AssertUnwindSafe(|| {
            readers::read(&path, name, &layout(format_of(name)), &work, &NoParquet)
        }));
        let (time, memory) = (began.elapsed(), MEMORY.peak_usage().saturating_sub(before));
        watch.0.store(true, std::sync::atomic::Ordering::Relaxed);
        watch.1.thread().unpark();
        watch.1.join().expect("the watcher");
        let entry = counts.entry(name.rsplit('.').next().unwrap_or_default().to_string()).or_default();
        entry[0] += 1;
        entry[1] += u128::from(matches!(result, Ok(Ok(_))));
        entry[3] = entry[3].max((memory >> 20) as u128);
        entry[4] = entry[4].max(time.as_millis());
        let fault = match &result {
            Err(_) => Some("panic".to_string()),
            _ if memory > MOST_MEMORY => Some(format!("memory-{}", memory >> 20)),
            Ok(Err(ReadError::Decoder { cause, .. })) => {
                entry[2] += 1;
                eprintln!("caught: {name}: {cause}");
                None
            }
            _ => None,
        };
        if let Some(fault) = fault {
            broken += 1;
            eprintln!("{fault}: {name}");
            fs::write(work.join(format!("found-{broken}-{fault}-{name}")), &bytes).expect("written");
        }
    }
    println!("format: inputs, read, panics caught, MB, ms");
    for (ending, [inputs, read, caught, memory, time]) in counts {
        println!("{ending}: {inputs}, {read}, {caught}, {memory}, {time}");
    }
    process::exit(i32::from(broken > 0));
}
