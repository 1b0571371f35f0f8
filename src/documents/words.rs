//! The few words that the documents add themselves, in each language, and how words are broken that no dictionary has.
//! Everything else comes from the author.

use crate::document::Language;
use crate::exhibit::Exhibit;

pub(crate) struct Words {
    /// The code of the language in HTML.
    pub(crate) code: &'static str,
    pub(crate) note: &'static str,
    pub(crate) warning: &'static str,
    /// Between a name and what is said of it.
    pub(crate) colon: &'static str,
    /// Between the label of an exhibit and its title.
    pub(crate) after_label: &'static str,
    pub(crate) contents: &'static str,
    pub(crate) provenance: &'static str,
    pub(crate) no_value: &'static str,
    /// Over the second page of a table.
    pub(crate) continued: &'static str,
}

const CHINESE: Words = Words {
    code: "zh-CN",
    note: "注：",
    warning: "警告：",
    colon: "：",
    after_label: "\u{3000}",
    contents: "目录",
    provenance: "数据与设定",
    no_value: "无数值",
    continued: "续表",
};

const ENGLISH: Words = Words {
    code: "en",
    note: "Note: ",
    warning: "Warning: ",
    colon: ": ",
    after_label: ". ",
    contents: "Contents",
    provenance: "Data and settings",
    no_value: "no value",
    continued: "(continued)",
};

pub(crate) fn of(language: Language) -> &'static Words {
    match language {
        Language::Chinese => &CHINESE,
        Language::English => &ENGLISH,
    }
}

/// The blocks of a digest, after which a line may end; none if the text is no digest.
pub(crate) fn digest(text: &str) -> Option<Vec<&str>> {
    let hexadecimal = text.bytes().all(|byte| byte.is_ascii_hexdigit());
    (hexadecimal && text.len() >= 4 * BLOCK)
        .then(|| (0..text.len()).step_by(BLOCK).map(|start| &text[start..text.len().min(start + BLOCK)]).collect())
}

const BLOCK: usize = 8;

impl Words {
    /// What parts the label of an exhibit from its title; nothing if either is missing.
    pub(crate) fn separator(&self, exhibit: &Exhibit) -> &'static str {
        if exhibit.label.is_empty() || exhibit.title.is_empty() { "" } else { self.after_label }
    }

    /// The lines below a table: the first says that they are notes, each warning that it is one.
    pub(crate) fn lines_below<'a>(&self, exhibit: &'a Exhibit) -> Vec<(&'static str, &'a str)> {
        let notes = exhibit.notes.iter().enumerate();
        let notes = notes.map(|(place, note)| (if place == 0 { self.note } else { "" }, note.as_str()));
        notes.chain(exhibit.warnings.iter().map(|warning| (self.warning, warning.as_str()))).collect()
    }
}
