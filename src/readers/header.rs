//! Finding the header by its words, and a column by its name. Works on texts with places; knows neither spreadsheets nor
//! delimited text, and no row below the header.

use crate::{
    error::{ReadError, shortened},
    name::{Fit, fit},
    normal,
};

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
        let holders: Vec<Vec<usize>> = self
            .words
            .iter()
            .map(|word| (0..cells.len()).filter(|cell| cells[*cell].contains(word.as_str())).collect())
            .collect();
        let missing: Vec<String> = holders
            .iter()
            .zip(&self.shown)
            .filter(|(holders, _)| holders.is_empty())
            .map(|(_, shown)| shown.clone())
            .collect();
        if missing.is_empty() && each_has_its_own(&holders, &mut Vec::new()) {
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

/// True if the words stand in cells of their own: a title may hold all of them in one.
fn each_has_its_own(holders: &[Vec<usize>], taken: &mut Vec<usize>) -> bool {
    let Some((first, others)) = holders.split_first() else { return true };
    first.iter().any(|cell| {
        let free = !taken.contains(cell);
        taken.push(*cell);
        let fits = free && each_has_its_own(others, taken);
        taken.pop();
        fits
    })
}

/// The columns a header names, left to right.
#[derive(Debug, Default)]
pub(crate) struct Header {
    columns: Vec<HeaderColumn>,
    /// 1-based, where the format has rows with addresses.
    row: Option<u32>,
    above: Vec<(String, String)>,
}

#[derive(Debug)]
struct HeaderColumn {
    index: usize,
    /// Where the upper text stands; differs from `index` where it was carried right.
    owner: usize,
    /// What the column may be called: the text of the first row; of three and more rows all but the last joined, then each.
    upper: Vec<String>,
    lower: String,
}

impl Header {
    /// Builds the header from its rows. The last of several holds what is told apart below one name. The texts above are carried
    /// right over cells that are empty there but have a text below: that is what a merged cell, or one that was split again,
    /// looks like.
    pub(crate) fn new(rows: &[Texts]) -> Header {
        let mut indices: Vec<usize> = rows.iter().flatten().map(|(index, _)| *index).collect();
        indices.sort_unstable();
        indices.dedup();
        let (above, last) = match rows {
            [] | [_] => (rows, None),
            [above @ .., last] => (above, Some(last)),
        };
        let text_at =
            |row: &Texts, index: usize| row.iter().find(|(column, _)| *column == index).map(|(_, text)| text.clone());
        let mut columns = Vec::new();
        let mut carried: Vec<Option<(usize, String)>> = vec![None; above.len()];
        for index in indices {
            for (level, row) in above.iter().enumerate() {
                if let Some(text) = text_at(row, index) {
                    carried[level] = Some((index, text));
                    // What stood below the name before belongs to that name.
                    carried[level + 1..].iter_mut().for_each(|below| *below = None);
                }
            }
            let texts: Vec<&(usize, String)> = carried.iter().flatten().collect();
            let owner = texts.iter().map(|(owner, _)| *owner).max().unwrap_or(index);
            let mut upper: Vec<String> = texts.iter().map(|(_, text)| text.clone()).collect();
            if upper.len() > 1 {
                upper.insert(0, upper.concat());
            }
            let lower = last.and_then(|row| text_at(row, index)).unwrap_or_default();
            columns.push(HeaderColumn { index, owner, upper, lower });
        }
        Header { columns, row: None, above: Vec::new() }
    }

    /// Says in which row of its sheet the header begins, and which texts stand above it, each with its cell.
    pub(crate) fn placed(self, row: u32, above: Vec<(String, String)>) -> Header {
        Header { row: Some(row), above, ..self }
    }

    /// The row it begins in.
    pub(crate) fn row(&self) -> Option<u32> {
        self.row
    }

    /// Cell and text of what stands above.
    pub(crate) fn above(&self) -> &[(String, String)] {
        &self.above
    }

    /// The full texts of a column: those above, joined, and the last.
    pub(crate) fn parts(&self, index: usize) -> (&str, &str) {
        let column = self.columns.iter().find(|column| column.index == index);
        column.map_or(("", ""), |column| (column.upper.first().map_or("", String::as_str), column.lower.as_str()))
    }

    /// Where the text stands that names a column: left of it where a merged cell does.
    pub(crate) fn owner(&self, index: usize) -> usize {
        self.columns.iter().find(|column| column.index == index).map_or(index, |column| column.owner)
    }

    /// Column index by name. `Ok(None)`: there is none. `Err`: the indices of all that fit: two columns of a name, with a unit or
    /// without, leave it open which is meant.
    pub(crate) fn find(&self, any_of: &[String], sub: Option<&str>, nth: usize) -> Result<Option<usize>, Vec<usize>> {
        let mut found: Vec<(Fit, usize)> = any_of.iter().flat_map(|name| self.best(name, sub)).collect();
        // What is called exactly so wins over what only begins so.
        if found.iter().any(|(fit, _)| *fit < Fit::Begins) {
            found.retain(|(fit, _)| *fit < Fit::Begins);
        }
        let mut columns: Vec<usize> = found.into_iter().map(|(_, column)| column).collect();
        columns.sort_unstable();
        columns.dedup();
        match columns.as_slice() {
            [] => Ok(None),
            [only] if nth == 0 => Ok(Some(*only)),
            _ if nth > 0 => Ok(columns.get(nth).copied()),
            _ => Err(columns),
        }
    }

    /// The columns that fit one name best.
    fn best(&self, name: &String, sub: Option<&str>) -> Vec<(Fit, usize)> {
        let name = std::slice::from_ref(name);
        let mut fits: Vec<(Fit, usize)> = Vec::new();
        for column in &self.columns {
            // A carried text whose own column has nothing below it would give the next column's values to it: the lower row
            // has been shifted against the upper one.
            let upper = fits_upper(column, name).filter(|_| self.speaks_for(column));
            let found = match sub {
                Some(sub) => upper.zip(fit(&column.lower, &[sub.to_string()])).map(|(one, two)| one.max(two)),
                // A name may be split over both rows.
                None => upper.into_iter().chain(split_name(column).and_then(|split| fit(&split, name))).min(),
            };
            fits.extend(found.map(|found| (found, column.index)));
        }
        if fits.is_empty() && sub.is_none() {
            // A header may have its name in the lower row alone, under a carried text that is not its own.
            let lower = |column: &HeaderColumn| fit(&column.lower, name).map(|found| (found, column.index));
            fits = self.columns.iter().filter_map(lower).collect();
        }
        let best = fits.iter().map(|(found, _)| *found).min();
        fits.retain(|(found, _)| Some(*found) == best);
        fits
    }

    /// The column of the upper text and that of the lower one, where both are there but not above each other.
    pub(crate) fn shifted(&self, any_of: &[String], sub: &str) -> Option<(usize, usize)> {
        let fits = |column: &&HeaderColumn| {
            fits_upper(column, any_of).is_some() && fit(&column.lower, &[sub.to_string()]).is_some()
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
            .filter(|column| column.owner == column.index)
            .filter(|column| column.upper.first().is_some_and(|upper| normal::normalise(upper) == name))
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

    /// The column that `text` gives this text for.
    pub(crate) fn index_of(&self, text: &str) -> Option<usize> {
        self.columns.iter().find(|column| shown(column) == text).map(|column| column.index)
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

fn fits_upper(column: &HeaderColumn, any_of: &[String]) -> Option<Fit> {
    column.upper.iter().filter_map(|upper| fit(upper, any_of)).min()
}

fn split_name(column: &HeaderColumn) -> Option<String> {
    let upper = column.upper.first().filter(|_| column.owner == column.index)?;
    (!column.lower.is_empty()).then(|| format!("{upper}{}", column.lower))
}

fn shown(column: &HeaderColumn) -> String {
    match (column.upper.first().map(|upper| shortened(upper)).unwrap_or_default(), shortened(&column.lower)) {
        (upper, lower) if lower.is_empty() => upper,
        (upper, lower) if upper.is_empty() => lower,
        (upper, lower) => format!("{upper} / {lower}"),
    }
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
            (&["人口*"], Some("全市"), 0, Ok(Some(4))),
            (&["制造业"], Some("全市"), 0, Ok(Some(5))),
            (&["制造"], Some("市辖区"), 0, Ok(None)),
            (&["制造*"], Some("市辖区"), 0, Ok(Some(6))),
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
        let twice = Header::new(&[row(&[(0, "金融业"), (1, "(5)金融业_x000D_\nFinance")])]);
        assert_eq!(twice.find(&names(&["金融业"]), None, 0), Err(vec![0, 1]));
        // Two names that fit two columns are two candidates.
        assert_eq!(header.find(&names(&["GDP", "GDP增速"]), None, 0), Err(vec![0, 1]));
        assert_eq!(header.find(&names(&["GDP*"]), None, 0), Err(vec![0, 1]));
        assert_eq!(header.find(&names(&["GDP*", "人均GDP"]), None, 0), Ok(Some(2)));
        assert_eq!(header.field("GDP"), Ok(None));
        assert_eq!(header.field("GDP(亿元)"), Ok(Some(1)));
    }

    #[test]
    fn names_may_be_split_over_rows_or_stand_under_a_group() {
        let split = Header::new(&[
            row(&[(0, "城市"), (1, "信息传输、计算机服务"), (2, "人口密度")]),
            row(&[(1, "和软件业"), (2, "(人/平方公里)")]),
        ]);
        assert_eq!(split.find(&names(&["信息传输、计算机服务和软件业"]), None, 0), Ok(Some(1)));
        assert_eq!(split.find(&names(&["人口密度"]), None, 0), Ok(Some(2)));
        let three = Header::new(&[
            row(&[(0, "城市"), (1, "一、人口"), (5, "二、就业")]),
            row(&[(1, "年末总人口"), (3, "非农业人口"), (5, "信息传输、计算机"), (7, "制造业")]),
            row(&[(1, "全市"), (2, "市辖区"), (3, "全市"), (4, "市辖区"), (5, "全市"), (6, "市辖区"), (7, "全市")]),
        ]);
        assert_eq!(three.find(&names(&["年末总人口"]), Some("市辖区"), 0), Ok(Some(2)));
        assert_eq!(three.find(&names(&["非农业人口"]), Some("市辖区"), 0), Ok(Some(4)));
        assert_eq!(three.find(&names(&["制造业"]), Some("全市"), 0), Ok(Some(7)));
        assert_eq!(three.find(&names(&["制造业"]), Some("市辖区"), 0), Ok(None));
        assert_eq!(three.find(&names(&["一、人口年末总人口"]), Some("全市"), 0), Ok(Some(1)));
        assert_eq!(three.find(&names(&["一、人口"]), Some("全市"), 0), Err(vec![1, 3]));
        assert_eq!(three.find(&names(&["城市"]), None, 0), Ok(Some(0)));
    }

    #[test]
    fn a_title_with_all_words_is_no_header() {
        let mut search = Search::new(&names(&["城市", "制造业"]));
        assert!(!search.offer(1, &row(&[(0, "城市制造业从业人员")])));
        assert!(!search.offer(2, &row(&[(0, "城市制造业从业人员"), (1, "续")])));
        assert!(search.offer(3, &row(&[(0, "城市"), (1, "制造业(人)")])));
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
