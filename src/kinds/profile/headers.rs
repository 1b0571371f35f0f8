//! Where the header of a sheet is and which columns it names, guessed from the texts of its rows. Knows no layout.

use readers::survey::{self, SheetRows};

/// The header of one sheet.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Number of its first row, and how many rows it has; none for fields that have names of their own.
    pub first: Option<u32>,
    pub height: usize,
    pub columns: Vec<Named>,
}

/// One column of a header.
#[derive(Clone, Debug, PartialEq)]
pub struct Named {
    pub index: usize,
    /// As it stands in the upper row, or carried from the left.
    pub upper: String,
    pub lower: String,
}

/// Rows in which a header is looked for.
const DEPTH: usize = 20;
/// Rows below a header by which it is told from data.
const BELOW: usize = 6;

pub fn find(sheet: &SheetRows) -> Found {
    if !sheet.fields.is_empty() {
        let named = |(index, name): (usize, &String)| Named { index, upper: name.clone(), lower: String::new() };
        return Found { first: None, height: 0, columns: sheet.fields.iter().enumerate().map(named).collect() };
    }
    let rows = &sheet.rows;
    let width = rows.iter().take(200).map(|(_, cells)| cells.len()).max().unwrap_or(0);
    let wide = |cells: &[(usize, String)]| cells.len() * 2 >= width && cells.len() >= width.min(2);
    let mut candidates = rows.iter().take(DEPTH).enumerate().filter(|(_, (_, cells))| wide(cells));
    let first_wide = candidates.clone().next();
    let Some((at, (first, upper))) = candidates.find(|(_, (_, cells))| numbers(cells) <= 0.3).or(first_wide) else {
        return Found::default();
    };
    let lower =
        rows.get(at + 1).filter(|(number, cells)| *number == first + 1 && is_second(upper, cells, &rows[at + 1..]));
    let height = 1 + usize::from(lower.is_some());
    let lower: &[(usize, String)] = lower.map_or(&[], |(_, cells)| cells);
    let mut indices: Vec<usize> = upper.iter().chain(lower).map(|(index, _)| *index).collect();
    indices.sort_unstable();
    indices.dedup();
    let text = |cells: &[(usize, String)], index: usize| {
        cells.iter().find(|(column, _)| *column == index).map(|(_, text)| text.clone())
    };
    let mut carried = String::new();
    let columns = indices.into_iter().map(|index| {
        if let Some(upper) = text(upper, index) {
            carried = upper;
        }
        Named { index, upper: carried.clone(), lower: text(lower, index).unwrap_or_default() }
    });
    Found { first: Some(*first), height, columns: columns.collect() }
}

/// Whether a row is the second of a header: words only, above rows of numbers, where it fills gaps of the first row or says the same words again
/// and again.
fn is_second(upper: &[(usize, String)], cells: &[(usize, String)], from_here: &[(u32, Vec<(usize, String)>)]) -> bool {
    if cells.len() < 2 || numbers(cells) > 0.0 {
        return false;
    }
    let below: Vec<f64> = from_here.iter().skip(1).take(BELOW).map(|(_, cells)| numbers(cells)).collect();
    if below.is_empty() || below.iter().sum::<f64>() / (below.len() as f64) < 0.3 {
        return false;
    }
    let fills = cells.iter().any(|(index, _)| !upper.iter().any(|(other, _)| other == index));
    let mut words: Vec<String> = cells.iter().map(|(_, text)| survey::compared(text)).collect();
    words.sort();
    words.dedup();
    fills || words.len() * 2 <= cells.len()
}

/// The share of the cells that are numbers.
fn numbers(cells: &[(usize, String)]) -> f64 {
    let numbers = cells.iter().filter(|(_, text)| survey::as_number(text).is_some()).count();
    numbers as f64 / cells.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(rows: &[&[&str]]) -> String {
        let cells = |row: &[&str]| -> Vec<(usize, String)> {
            let filled = row.iter().enumerate().filter(|(_, text)| !text.is_empty());
            filled.map(|(index, text)| (index, text.to_string())).collect()
        };
        let rows = rows.iter().enumerate().map(|(number, row)| (number as u32 + 1, cells(row))).collect();
        let sheet = SheetRows { name: String::new(), visible: true, fields: Vec::new(), rows };
        let Found { first, height, columns } = find(&sheet);
        let columns: Vec<String> = columns.iter().map(|one| format!("{}/{}", one.upper, one.lower)).collect();
        format!("{first:?} {height} {}", columns.join(" "))
    }

    #[test]
    fn headers_are_found_below_titles_and_with_two_rows() {
        assert_eq!(found(&[&["城市", "人口"], &["甲", "1"], &["乙", "2"]]), "Some(1) 1 城市/ 人口/");
        assert_eq!(
            found(&[&["2-1 人口"], &["城市", "人口", "", "面积"], &["", "全市", "市辖区", ""], &["甲", "1", "2", "3"]]),
            "Some(2) 2 城市/ 人口/全市 人口/市辖区 面积/"
        );
        // A table of words alone has one header row.
        assert_eq!(found(&[&["name", "province"], &["甲", "湖北"], &["乙", "湖北"]]), "Some(1) 1 name/ province/");
    }
}
