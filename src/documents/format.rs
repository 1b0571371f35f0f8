//! The formats there are.

use crate::html::Html;
use crate::latex::Latex;
use crate::markdown::Markdown;
use crate::renderer::Renderer;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Html,
    Latex,
    Markdown,
}

impl Format {
    /// Ends the names of its files, without the point.
    pub fn extension(self) -> &'static str {
        self.renderer().extension()
    }

    pub(crate) fn renderer(self) -> &'static dyn Renderer {
        match self {
            Format::Html => &Html,
            Format::Latex => &Latex,
            Format::Markdown => &Markdown,
        }
    }
}
