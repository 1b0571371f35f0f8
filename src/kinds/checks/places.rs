//! Where values stand in raw files, from the table `.cells` of an ingest stage. Reads that table, no file.

use std::collections::BTreeMap;
use std::path::Path;
use tables::columns::Table;

/// The places of all rows of a table.
pub struct Places {
    cells: Table,
    /// Key as text, to the row of `cells`.
    rows: BTreeMap<String, usize>,
    key: Vec<String>,
}

/// Where one value stands.
#[derive(Clone, Debug, PartialEq)]
pub struct PlaceOf {
    pub file: String,
    /// Empty in files without sheets.
    pub sheet: String,
    pub row: i64,
    /// Letter or field; none if the value is not in the file, such as a constant.
    pub letter: Option<String>,
}

impl Places {
    pub fn read(path: &Path, key: &[String]) -> Result<Places, String> {
        let cells = tables::read::read(path, None).map_err(|error| error.to_string())?;
        let rows = (0..cells.rows()).map(|row| (cells.row_text(key, row), row)).collect();
        Ok(Places { cells, rows, key: key.to_vec() })
    }

    /// The place of a column's value in a row of `table`, whose key is ours.
    pub fn of(&self, table: &Table, row: usize, column: &str) -> Option<PlaceOf> {
        let line = *self.rows.get(&table.row_text(&self.key, row))?;
        let text = |name: &str| self.cells.column(name).and_then(|column| column.values.text(line)).unwrap_or_default();
        let sheet = text("_sheet");
        let letter = letter(&text("_columns"), column, &sheet);
        Some(PlaceOf { file: text("_file"), row: text("_row").parse().ok()?, letter, sheet })
    }
}

impl PlaceOf {
    /// `C17` of a spreadsheet, else `line 17, x`.
    pub fn cell(&self) -> Option<String> {
        let letter = self.letter.as_ref()?;
        let spreadsheet = !self.sheet.is_empty() && letter.chars().all(|c| c.is_ascii_uppercase());
        Some(if spreadsheet { format!("{letter}{}", self.row) } else { format!("row {}, {letter}", self.row) })
    }

    /// `data/book.xlsx, sheet 2012, C17`.
    pub fn text(&self) -> String {
        let sheet = if self.sheet.is_empty() { String::new() } else { format!(", sheet `{}`", self.sheet) };
        format!("{}{sheet}, {}", self.file, self.cell().unwrap_or_else(|| format!("row {}", self.row)))
    }
}

/// The letter of a column in `city=A x=2022!C, 2023!D y=E`; of several sheets that of ours.
fn letter(columns: &str, column: &str, sheet: &str) -> Option<String> {
    let begin = format!("{column}=");
    let at = if columns.starts_with(&begin) { 0 } else { columns.find(&format!(" {begin}"))? + 1 };
    let rest = &columns[at + begin.len()..];
    // The next column begins with its name and a sign of equality.
    let rest = match rest.find('=') {
        Some(next) => rest[..next].rsplit_once(' ').map_or("", |(value, _)| value),
        None => rest,
    };
    if !rest.contains('!') {
        return Some(rest.to_string());
    }
    let begin = format!("{sheet}!");
    rest.split(", ").find_map(|one| one.strip_prefix(&begin)).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::letter;

    #[test]
    fn letters_are_found_by_column_and_sheet() {
        let columns = "city=A year=B x=2022!C, 2023 年!D xx=num_x";
        for (column, sheet, expected) in [
            ("city", "2022", Some("A")),
            ("year", "2022", Some("B")),
            ("x", "2022", Some("C")),
            ("x", "2023 年", Some("D")),
            ("x", "2024", None),
            ("xx", "", Some("num_x")),
            ("y", "", None),
        ] {
            assert_eq!(letter(columns, column, sheet).as_deref(), expected, "{column} {sheet}");
        }
    }
}
