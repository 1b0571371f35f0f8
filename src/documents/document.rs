//! What a document is: exhibits in one language, and what they rest on. Also lists the numbers it prints.

use crate::error::DocumentError;
use crate::exhibit::{BodyRow, Cell, Exhibit};
use crate::number;
use std::str::FromStr;

#[derive(Clone, Debug, PartialEq)]
pub struct Document {
    pub language: Language,
    pub title: String,
    pub exhibits: Vec<Exhibit>,
    /// What the numbers rest on: settings and digests by name.
    pub footer: Vec<(String, String)>,
}

/// The language of the words around the numbers; the exhibits come in it already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Language {
    Chinese,
    English,
}

/// A printed number with its origin.
#[derive(Clone, Debug, PartialEq)]
pub struct BoundNumber {
    pub exhibit: String,
    pub address: String,
    pub value: Option<f64>,
    /// As it stands on the page.
    pub text: String,
}

impl FromStr for Language {
    type Err = DocumentError;

    fn from_str(code: &str) -> Result<Language, DocumentError> {
        match code {
            "zh" => Ok(Language::Chinese),
            "en" => Ok(Language::English),
            _ => Err(DocumentError::UnknownLanguage { code: code.to_string() }),
        }
    }
}

/// Every number of a document in reading order: exhibit by exhibit, row by row.
pub fn numbers(document: &Document) -> Vec<BoundNumber> {
    let cells = document.exhibits.iter().flat_map(|exhibit| {
        let rows = exhibit.body.iter().filter_map(|row| match row {
            BodyRow::Cells { cells, .. } => Some(cells),
            BodyRow::Panel(_) | BodyRow::Rule => None,
        });
        rows.flatten().map(move |cell| (exhibit, cell))
    });
    cells
        .filter_map(|(exhibit, cell)| match cell {
            Cell::Number(number) => Some(BoundNumber {
                exhibit: exhibit.id.clone(),
                address: number.address.clone(),
                value: number::finite(number),
                text: number::text(number),
            }),
            Cell::Empty | Cell::Text(_) => None,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples;
    use expect_test::expect;

    #[test]
    fn numbers_are_listed_in_reading_order_with_the_text_on_the_page() {
        let lines = numbers(&samples::document(Language::English)).into_iter().map(|number| {
            let BoundNumber { exhibit, address, value, text } = number;
            format!("{exhibit} {address} {value:?} {text}\n")
        });
        expect![[r#"
            table3 panel:outcome:n Some(3976.0) 3,976
            table3 panel:outcome:mean Some(0.2) 0.200
            table3 panel:outcome:min Some(-0.1) −0.100
            table3 panel:income:n Some(987.0) 987
            table3 panel:income:mean Some(10.6125) 10.613
            table3 panel:income:min Some(8.25) 8.250
            table4 baseline:1:smart:estimate Some(0.12345) 0.1235***
            table4 baseline:2:smart:estimate Some(0.0421) 0.0421**
            table4 baseline:3:smart:estimate Some(-0.77125) −0.7712
            table4 baseline:1:smart:std_error Some(0.0123) (0.0123)
            table4 baseline:2:smart:std_error Some(0.0131) (0.0131)
            table4 baseline:3:smart:std_error Some(0.4122) (0.4122)
            table4 baseline:1:n_obs Some(3976.0) 3,976
            table4 baseline:2:n_obs Some(3976.0) 3,976
            table4 baseline:3:n_obs Some(987.0) 987
            table4 baseline:1:r2 Some(0.8123) 0.812
            table4 baseline:2:r2 None –
        "#]]
        .assert_eq(&lines.collect::<String>());
    }

    #[test]
    fn languages_have_codes() {
        assert_eq!("zh".parse(), Ok(Language::Chinese));
        assert_eq!("en".parse(), Ok(Language::English));
        let unknown = "de".parse::<Language>().map_err(|error| error.to_string());
        assert_eq!(unknown, Err("no language `de`; known: en, zh".to_string()));
    }
}
