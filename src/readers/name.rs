//! The names a header cell goes by: without numbering, unit and translation. Works on normalised texts; knows no column.

use crate::{normal, unit};

/// The names a normalised header cell may go by: as it stands, and after each step of taking off `其中:`, numbering, unit
/// and translation. `(2)制造业Manufacturing` goes by itself, `制造业Manufacturing` and `制造业`; the steps are kept
/// because what looks like a translation may be part of the name.
pub(crate) fn names(normal: &str) -> Vec<&str> {
    let mut names = vec![normal];
    let mut name = normal;
    loop {
        let shorter = [
            name.strip_prefix("其中:").unwrap_or(name),
            without_numbering(name),
            without_unit(name),
            without_trailing_latin(name),
        ]
        .into_iter()
        .find(|shorter| shorter.len() < name.len() && !shorter.is_empty());
        match shorter {
            Some(shorter) => name = shorter,
            None => return names,
        }
        names.push(name);
    }
}

fn without_numbering(name: &str) -> &str {
    let Some(rest) = name.strip_prefix('(') else {
        return name;
    };
    match rest.split_once(')') {
        Some((number, rest))
            if !rest.is_empty() && !number.is_empty() && number.chars().all(|digit| digit.is_ascii_digit()) =>
        {
            rest
        }
        _ => name,
    }
}

/// Takes a unit, a number or a translation in parentheses off the end. Anything else in them is part of the name:
/// `(不含农户)` counts something else, and `(可比价)` is another series than `(当年价)`.
fn without_unit(name: &str) -> &str {
    if !name.ends_with(')') {
        return name;
    }
    let mut depth = 0;
    for (position, character) in name.char_indices().rev() {
        match character {
            ')' => depth += 1,
            '(' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            let inner = &name[position + 1..name.len() - 1];
            let is_unit = inner.is_ascii() || unit::is_known(inner);
            // A header that is nothing but a parenthesis keeps it.
            return if position == 0 || !is_unit { name } else { &name[..position] };
        }
    }
    name
}

/// Cuts a translation that follows a text in another script. A word in small letters must be there, so that `产业2` keeps its
/// digit and `金融业GDP` its second half; a header in Latin script alone stays whole.
fn without_trailing_latin(name: &str) -> &str {
    let Some((last, character)) =
        name.char_indices().rev().find(|(_, character)| !character.is_ascii() || matches!(character, '(' | ')'))
    else {
        return name;
    };
    let start = last + character.len_utf8();
    let tail = &name[start..];
    let translated = tail.chars().filter(char::is_ascii_alphabetic).count() >= 3
        && tail.chars().any(|character| character.is_ascii_lowercase());
    if translated { &name[..start] } else { name }
}

/// How well a header cell fits a name; less is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fit {
    /// The same, as it stands or after taking off numbering, unit and translation.
    Same,
    /// The beginning, where the name asks for that with a `*` at its end.
    Begins,
}

/// How well the text of a header cell fits the best of `any_of`. A name that only begins a cell fits if it ends in `*`: without
/// that `地区生产总值` would take `地区生产总值增长率`.
pub(crate) fn fit(cell: &str, any_of: &[String]) -> Option<Fit> {
    let normal = normal::normalise(cell);
    if normal.is_empty() {
        return None;
    }
    let goes_by = names(&normal);
    let one = |name: &String| {
        let name = normal::normalise(name);
        match name.strip_suffix('*') {
            Some(start) if !start.is_empty() && goes_by.iter().any(|other| other.starts_with(start)) => {
                Some(Fit::Begins)
            }
            _ if name.is_empty() => None,
            _ => goes_by.iter().any(|other| *other == name).then_some(Fit::Same),
        }
    };
    any_of.iter().filter_map(one).min()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_known_by_its_name_alone() {
        for (text, expected) in [
            ("年末总人口(万人)", "年末总人口"),
            ("其中：建成区面积_x000D_\n(平方公里)_x000D_\n#Area of Built District_x000D_\n(sq.km)", "建成区面积"),
            ("⑵制造业_x000D_\nManufacturing", "制造业"),
            (" (5)金融业_x000D_\nFinancial Intermediation", "金融业"),
            ("年末总人口_x000D_\n(万人)_x000D_\nTotal Population at Year-end_x000D_\n(10 000 persons)", "年末总人口"),
            ("第二产业(1)采矿业_x000D_\nSecondary Industry： Mining", "第二产业(1)采矿业"),
            ("全市_x000D_\nTotal City_x000D_\n\t", "全市"),
            ("gdp（亿元人民币）", "gdp"),
            ("城市建设用地占市区面积比重(％)", "城市建设用地占市区面积比重"),
            ("固定资产投资(不含农户)(万元)", "固定资产投资(不含农户)"),
            ("地区生产总值指数(上年=100)", "地区生产总值指数"),
            ("GDP2010", "GDP2010"),
            ("产业2", "产业2"),
            ("人均GDP(元)", "人均GDP"),
            ("金融业GDP", "金融业GDP"),
            ("(1)", "(1)"),
            ("互联网宽带接入用户_千户", "互联网宽带接入用户_千户"),
        ] {
            let normal = normal::normalise(text);
            assert_eq!(names(&normal).last(), Some(&expected), "{text}");
        }
        assert_eq!(names("(2)制造业Manufacturing"), ["(2)制造业Manufacturing", "制造业Manufacturing", "制造业"]);
    }

    #[test]
    fn a_name_that_only_begins_a_cell_must_say_so() {
        let fits = |cell: &str, name: &str| fit(cell, &[name.to_string()]);
        assert_eq!(fits("地区生产总值(万元)", "地区生产总值"), Some(Fit::Same));
        assert_eq!(fits("地区生产总值增长率(%)", "地区生产总值"), None);
        assert_eq!(fits("地区生产总值增长率(%)", "地区生产总值*"), Some(Fit::Begins));
        assert_eq!(fits("地区生产总值(可比价)", "地区生产总值"), None);
        assert_eq!(fits("", "*"), None);
    }
}
