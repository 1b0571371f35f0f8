//! Exhibits into documents: tables of words and numbers, as a web page, as LaTeX, as Markdown.
//!
//! An [`exhibit::Exhibit`] is data: a header, rows of cells, notes. [`render`] checks it once (`sheet.rs`), prints
//! its numbers (`number.rs`) and hands it to one file per format, which only arranges text. Every number keeps its
//! address, the name under which the study can say where it comes from; [`document::numbers`] lists them all.
//!
//! A new format is one file that implements `renderer::Renderer`, and its line in `format.rs`.
//! To read: `exhibit.rs`, `document.rs`, `number.rs`, `sheet.rs`, `escape.rs`, then any format.
//! Same exhibits, same bytes: no clock, no host, no path. Knows no stage, no statistics and no file.

pub mod document;
pub mod error;
mod escape;
pub mod exhibit;
pub mod format;
mod html;
mod latex;
mod markdown;
mod number;
mod renderer;
mod sheet;
mod words;
mod wrap;

#[cfg(test)]
mod samples;

use document::{Document, Language};
use error::DocumentError;
use exhibit::Exhibit;
use format::Format;
use sheet::{Page, Sheet};

/// Raised when the same exhibits are rendered to other bytes; it enters the keys of the stages that render.
pub const VERSION: u32 = 1;

/// A whole document: it stands alone, in a browser or under `xelatex`.
pub fn render(document: &Document, format: Format) -> Result<String, DocumentError> {
    Ok(format.renderer().document(&Page::new(document)?))
}

/// One exhibit for use elsewhere: a page of its own in HTML, a piece to `\input` in LaTeX or to paste in Markdown.
pub fn render_exhibit(exhibit: &Exhibit, language: Language, format: Format) -> Result<String, DocumentError> {
    Ok(format.renderer().exhibit(&Sheet::new(exhibit)?, language))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::{self, LANGUAGES};

    const FORMATS: [Format; 3] = [Format::Html, Format::Latex, Format::Markdown];

    #[test]
    fn same_document_same_bytes() {
        for (language, format) in LANGUAGES.into_iter().flat_map(|language| FORMATS.map(|format| (language, format))) {
            let render = || render(&samples::document(language), format).unwrap();
            assert_eq!(render(), render());
        }
    }

    #[test]
    fn every_text_of_the_author_is_on_the_page() {
        for (language, format) in LANGUAGES.into_iter().flat_map(|language| FORMATS.map(|format| (language, format))) {
            let document = samples::document(language);
            let page = render(&document, format).unwrap();
            for exhibit in &document.exhibits {
                for text in [&exhibit.label, &exhibit.title].into_iter().chain(&exhibit.warnings) {
                    assert!(page.contains(text.as_str()), "{format:?} lacks `{text}`");
                }
            }
        }
    }

    #[test]
    fn a_piece_is_part_of_the_document() {
        let exhibit = samples::descriptive(Language::English);
        let piece = render_exhibit(&exhibit, Language::English, Format::Markdown).unwrap();
        let page = render(&samples::document(Language::English), Format::Markdown).unwrap();
        let table = piece.split_once("\n\n").expect("a title, then the table").1;
        assert!(page.contains(table));
    }

    #[test]
    fn files_end_as_programs_expect() {
        assert_eq!(FORMATS.map(Format::extension), ["html", "tex", "md"]);
    }
}
