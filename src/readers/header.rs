//! Finding the header by its words, and a column by its name. Works on texts with places; knows neither spreadsheets nor
//! delimited text, and no row below the header.

use crate::{error::ReadError, error::shortened, normal};

/// A row that may be the header: its cells by column index, in order, blanks left out.
pub(crate) type Texts = Vec<(usize, String)>;

/// Looks for the first row that has all words.
pub(crate) struct Search {
    words: Vec<String>,
    shown: Vec<String>,
    nearest: Option<Nearest>,
}

struct Nearest {
    row: u32,
    missing: Vec<String>,
    text: String,
}

impl Search {
    pub(crate) fn new(contains: &[String]) -> Search {
        Search {
            words: contains.iter().map(|word| normal::normalise(word)).collect(),
            shown: contains.to_vec(),
            nearest: None,
        }
    }

    /// True if this row is the header.
    pub(crate) fn offer(&mut self, row: u32, texts: &Texts) -> bool {
        if texts.is_empty() {
            return false;
        }
        let cells: Vec<String> = texts.iter().map(|(_, text)| normal::normalise(text)).collect();
        let missing: Vec<String> = self
            .words
            .iter()
            .zip(&self.shown)
            .filter(|(word, _)| !cells.iter().any(|cell| cell.contains(word.as_str())))
            .map(|(_, shown)| shown.clone())
            .collect();
        if missing.is_empty() {
            return true;
        }
        // Of rows that lack equally many words the first is shown: headers stand at the top.
        if self.nearest.as_ref().is_none_or(|nearest| missing.len() < nearest.missing.len()) {
            let text = texts.iter().take(6).map(|(_, text)| shortened(text)).collect::<Vec<_>>().join(" | ");
            self.nearest = Some(Nearest { row, missing, text });
        }
        false
    }

    /// No row was the header.
    pub(crate) fn failed(self, file: &str, sheet: &str) -> ReadError {
        let (file, sheet) = (file.to_string(), sheet.to_string());
        match self.nearest {
            Some(Nearest { row, missing, text }) => {
                ReadError::NoHeader { file, sheet, missing, nearest_row: Some(row), nearest: text }
            }
            None => ReadError::NoHeader { file, sheet, missing: self.shown, nearest_row: None, nearest: String::new() },
        }
    }
}

/// The columns a header names, left to right.
#[derive(Debug)]
pub(crate) struct Header {
    columns: Vec<HeaderColumn>,
}

#[derive(Debug)]
struct HeaderColumn {
    index: usize,
    /// Where the upper text stands; differs from `index` where it was carried right.
    owner: usize,
    upper: String,
    lower: String,
}

/// How well a header cell fits a name; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fit {
    /// The same text.
    Same,
    /// The same after taking off numbering, unit and translation.
    SameName,
    /// The name and more.
    Begins,
}

impl Header {
    /// Builds the header from its rows. The first holds the names; each is carried right over cells that are empty there but have
    /// a text below: that is what a merged cell, or one that was split again, looks like.
    pub(crate) fn new(rows: &[Texts]) -> Header {
        let mut indices: Vec<usize> = rows.iter().flatten().map(|(index, _)| *index).collect();
        indices.sort_unstable();
        indices.dedup();
        let text_at =
            |row: &Texts, index: usize| row.iter().find(|(column, _)| *column == index).map(|(_, text)| text.clone());
        let mut columns = Vec::new();
        let mut carried: Option<(usize, String)> = None;
        for index in indices {
            let upper = rows.first().and_then(|row| text_at(row, index));
            let lower: String = rows.iter().skip(1).filter_map(|row| text_at(row, index)).collect();
            if let Some(upper) = upper {
                carried = Some((index, upper));
            }
            let (owner, upper) = carried.clone().unwrap_or((index, String::new()));
            columns.push(HeaderColumn { index, owner, upper, lower });
        }
        Header { columns }
    }

    /// Column index by name. `Ok(None)`: there is none. `Err`: the indices of all that fit equally well.
    pub(crate) fn find(&self, any_of: &[String], sub: Option<&str>, nth: usize) -> Result<Option<usize>, Vec<usize>> {
        let mut fits: Vec<(Fit, &HeaderColumn)> = Vec::new();
        for column in &self.columns {
            // A carried text whose own column has nothing below it would give the next column's values to it: the lower row
            // has been shifted against the upper one.
            let upper = fit(&column.upper, any_of).filter(|_| self.speaks_for(column));
            let found = match sub {
                Some(sub) => upper.zip(fit(&column.lower, &[sub.to_string()])).map(|(one, two)| one.max(two)),
                None => upper,
            };
            fits.extend(found.map(|found| (found, column)));
        }
        if fits.is_empty() && sub.is_none() {
            // A header may have its name in the lower row alone, under a carried text that is not its own.
            fits = self
                .columns
                .iter()
                .filter_map(|column| fit(&column.lower, any_of).map(|found| (found, column)))
                .collect();
        }
        let Some(best) = fits.iter().map(|(found, _)| *found).min() else {
            return Ok(None);
        };
        let best: Vec<usize> =
            fits.iter().filter(|(found, _)| *found == best).map(|(_, column)| column.index).collect();
        match best.as_slice() {
            [only] if nth == 0 => Ok(Some(*only)),
            _ if nth > 0 => Ok(best.get(nth).copied()),
            _ => Err(best),
        }
    }

    /// The column of the upper text and that of the lower one, where both are there but not above each other.
    pub(crate) fn shifted(&self, any_of: &[String], sub: &str) -> Option<(usize, usize)> {
        let fits = |column: &&HeaderColumn| {
            fit(&column.upper, any_of).is_some() && fit(&column.lower, &[sub.to_string()]).is_some()
        };
        let column = self.columns.iter().find(fits).filter(|column| !self.speaks_for(column))?;
        Some((column.owner, column.index))
    }

    /// Column index of a field of exactly this name, blanks and width aside.
    pub(crate) fn field(&self, name: &str) -> Result<Option<usize>, Vec<usize>> {
        let name = normal::normalise(name);
        let found: Vec<usize> = self
            .columns
            .iter()
            .filter(|column| column.owner == column.index && normal::normalise(&column.upper) == name)
            .map(|column| column.index)
            .collect();
        match found.as_slice() {
            [] => Ok(None),
            [only] => Ok(Some(*only)),
            _ => Err(found),
        }
    }

    /// The texts of a column as a message shows them: `年末总人口 / 全市`.
    pub(crate) fn text(&self, index: usize) -> String {
        self.columns.iter().find(|column| column.index == index).map_or_else(String::new, shown)
    }

    /// The texts of all columns.
    pub(crate) fn texts(&self) -> Vec<String> {
        self.columns.iter().map(shown).collect()
    }

    /// A text that was carried right does not name a column when its own column has nothing below it: `城市` over the names
    /// in two scripts means the first.
    fn speaks_for(&self, column: &HeaderColumn) -> bool {
        column.owner == column.index
            || self.columns.iter().any(|owner| owner.index == column.owner && !owner.lower.is_empty())
    }
}

fn shown(column: &HeaderColumn) -> String {
    match (shortened(&column.upper), shortened(&column.lower)) {
        (upper, lower) if lower.is_empty() => upper,
        (upper, lower) if upper.is_empty() => lower,
        (upper, lower) => format!("{upper} / {lower}"),
    }
}

fn fit(cell: &str, names: &[String]) -> Option<Fit> {
    let normal = normal::normalise(cell);
    if normal.is_empty() {
        return None;
    }
    let goes_by = normal::header_names(&normal);
    names
        .iter()
        .map(|name| normal::normalise(name))
        .filter(|name| !name.is_empty())
        .filter_map(|name| {
            if normal == name {
                Some(Fit::Same)
            } else if goes_by.iter().any(|other| *other == name) {
                Some(Fit::SameName)
            } else if goes_by.iter().any(|other| other.starts_with(&name)) {
                Some(Fit::Begins)
            } else {
                None
            }
        })
        .min()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(cells: &[(usize, &str)]) -> Texts {
        cells.iter().map(|(index, text)| (*index, text.to_string())).collect()
    }

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| name.to_string()).collect()
    }

    fn two_rows() -> Header {
        Header::new(&[
            row(&[
                (0, "城市"),
                (2, "年末总人口(万人)"),
                (4, "人口密度"),
                (5, "⑵制造业_x000D_\nManufacturing"),
                (7, "用地"),
            ]),
            row(&[
                (2, "全 市"),
                (3, "市辖区"),
                (4, "全市"),
                (5, "全市_x000D_\nTotal City"),
                (6, "市辖区"),
                (8, "居住用地"),
            ]),
        ])
    }

    #[test]
    fn columns_are_found_by_name_and_lower_row() {
        let header = two_rows();
        for (any_of, sub, nth, expected) in [
            (&["年末总人口"][..], Some("全市"), 0, Ok(Some(2))),
            (&["年末总人口"], Some("市辖区"), 0, Ok(Some(3))),
            (&["总人口", "年末总人口"], Some("全市"), 0, Ok(Some(2))),
            (&["制造业"], Some("全市"), 0, Ok(Some(5))),
            (&["制造"], Some("市辖区"), 0, Ok(Some(6))),
            (&["城市"], None, 0, Ok(Some(0))),
            (&["居住用地"], None, 0, Ok(Some(8))),
            (&["用地"], None, 0, Ok(Some(7))),
            (&["年末总人口"], None, 0, Err(vec![2, 3])),
            (&["年末总人口"], None, 1, Ok(Some(3))),
            (&["年末总人口"], None, 2, Ok(None)),
            (&["金融业"], Some("全市"), 0, Ok(None)),
            (&["人口"], Some("市辖区"), 0, Ok(None)),
        ] {
            assert_eq!(header.find(&names(any_of), sub, nth), expected, "{any_of:?} {sub:?} {nth}");
        }
    }

    #[test]
    fn the_same_name_wins_over_a_longer_one() {
        let header =
            Header::new(&[row(&[(0, "GDP增速"), (1, "GDP（亿元）"), (2, "人均GDP(元)"), (3, "人口"), (4, "人口")])]);
        assert_eq!(header.find(&names(&["GDP"]), None, 0), Ok(Some(1)));
        assert_eq!(header.find(&names(&["人均GDP"]), None, 0), Ok(Some(2)));
        assert_eq!(header.find(&names(&["人口"]), None, 0), Err(vec![3, 4]));
        assert_eq!(header.field("GDP"), Ok(None));
        assert_eq!(header.field("GDP(亿元)"), Ok(Some(1)));
    }

    #[test]
    fn a_search_that_fails_shows_the_nearest_row() {
        let mut search = Search::new(&names(&["城市", "总人口"]));
        assert!(!search.offer(1, &row(&[(0, "2006年")])));
        assert!(!search.offer(2, &row(&[(0, "城 市"), (1, "人口")])));
        assert!(!search.offer(3, &row(&[(0, "城市合计")])));
        let error = search.failed("a.xlsx", "Sheet1");
        assert!(
            matches!(&error, ReadError::NoHeader { missing, nearest_row: Some(2), .. } if missing == &["总人口"]),
            "{error:?}"
        );
    }
}
