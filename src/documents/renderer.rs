//! What a format must be able to do. Implemented once per file; `format.rs` lists them.

use crate::document::Language;
use crate::sheet::{Page, Sheet};

pub(crate) trait Renderer: Sync {
    /// Ends the names of its files.
    fn extension(&self) -> &'static str;

    /// A document that stands alone.
    fn document(&self, page: &Page) -> String;

    /// One exhibit without the document around it.
    fn exhibit(&self, sheet: &Sheet, language: Language) -> String;
}
