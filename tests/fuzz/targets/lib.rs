//! What the targets share: a layout that asks for everything, and bytes read as a file of a name. An error of the reader is what should
//! come of most inputs; a panic, a gigabyte or half a minute is a finding.

use readers::columnar::NoDecoder;
use readers::layout::{ColumnRule, ColumnSource, Encoding, Format, HeaderRule, Layout, SheetChoice, SkipRule, ValueKind};
use std::fs;
use std::path::PathBuf;
use std::sync::OnceLock;

/// A panic of a decoder that is caught becomes an error of the file: no finding. One that reaches the target still is.
pub fn calm() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Reads `bytes` as a file that goes by `name`, with a header and without.
pub fn read(name: &str, bytes: &[u8], format: Format) {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    // In memory where there is such a folder; one process, one folder.
    let folder = FOLDER.get_or_init(|| {
        let shared = PathBuf::from("/dev/shm");
        let parent = if shared.is_dir() { shared } else { std::env::temp_dir() };
        tempfile::tempdir_in(parent).expect("a folder").keep()
    });
    let path = folder.join(name);
    fs::write(&path, bytes).expect("written");
    for layout in layouts(format) {
        let _ = readers::read(&path, name, &layout, folder, &NoDecoder);
    }
    let _ = readers::survey::survey(&path, name, folder, &NoDecoder);
}

fn layouts(format: Format) -> Vec<Layout> {
    let kinds = [ValueKind::Text, ValueKind::Int, ValueKind::Float, ValueKind::Date, ValueKind::Bool];
    let names = ["city", "year", "gdp", "date", "flag"];
    let column = |source: ColumnSource, kind: ValueKind, name: &str| ColumnRule {
        name: name.to_string(),
        source,
        kind,
        optional: true,
        unit: None,
        printed: Vec::new(),
        scale: Vec::new(),
        add: None,
        fills_down: name == "city",
        title_says: None,
    };
    let layout = |header: HeaderRule, columns: Vec<ColumnRule>| Layout {
        format,
        sheets: match format {
            Format::Spreadsheet => SheetChoice::Names(vec!["*".into()]),
            _ => SheetChoice::First,
        },
        sheet_pattern: None,
        header,
        header_below: None,
        columns,
        skip: vec![SkipRule::Null { column: "city".into() }],
        missing: vec!["—".into(), "…".into()],
        encoding: Encoding::Detect,
        delimiter: b',',
        file_pattern: None,
        keeps_totals: false,
        members: Vec::new(),
    };
    let texts = || names.iter().map(|name| column(ColumnSource::Field(name.to_string()), ValueKind::Text, name)).collect();
    let typed = || {
        let fields = names.iter().zip(kinds);
        fields.map(|(name, kind)| column(ColumnSource::Field(name.to_string()), kind, name)).collect()
    };
    let placed = || {
        let places = names.iter().zip(kinds).enumerate();
        places.map(|(index, (name, kind))| column(ColumnSource::Position(index + 1), kind, name)).collect()
    };
    match format {
        Format::Text => vec![layout(HeaderRule::None, vec![column(ColumnSource::TextBody, ValueKind::Text, "city")])],
        Format::Dta | Format::Jsonl => vec![layout(HeaderRule::None, typed()), layout(HeaderRule::None, texts())],
        _ => {
            let found = HeaderRule::Found { contains: vec!["city".into()], rows: 1 };
            let two = HeaderRule::Found { contains: vec!["city".into()], rows: 2 };
            vec![layout(found, typed()), layout(two, texts()), layout(HeaderRule::None, placed())]
        }
    }
}
