//! Cuts HTML and XML into tags and texts, whatever is wrong with them: nothing has to be closed or to nest. For files that call
//! themselves spreadsheets. Knows no table.

/// What the text is cut into.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// `<td colspan="2">`, `<br/>`; name and names of attributes in lower case, prefixes kept.
    Open { name: String, attributes: Vec<(String, String)>, closed: bool },
    /// `</td>`.
    Close { name: String },
    /// What stands between, entities replaced.
    Text(String),
}

/// Hands out the pieces of a text in order.
pub(crate) struct Markup<'t> {
    rest: &'t str,
    /// The element whose content is no markup: `script`, `style`.
    raw: Option<String>,
}

impl<'t> Markup<'t> {
    pub(crate) fn new(text: &'t str) -> Markup<'t> {
        Markup { rest: text, raw: None }
    }

    /// The text up to `end`, and jumps behind it; to the end of the file if it never comes.
    fn up_to(&mut self, end: &str) -> &'t str {
        let (before, after) = self.rest.split_once(end).unwrap_or((self.rest, ""));
        self.rest = after;
        before
    }

    fn tag(&mut self) -> Option<Piece> {
        let end = end_of_tag(self.rest);
        let inside = &self.rest[..end];
        self.rest = self.rest.get(end + 1..).unwrap_or_default();
        if let Some(name) = inside.strip_prefix('/') {
            return Some(Piece::Close { name: name.trim().to_lowercase() });
        }
        let closed = inside.ends_with('/');
        let inside = inside.strip_suffix('/').unwrap_or(inside);
        let name_end = inside.find(char::is_whitespace).unwrap_or(inside.len());
        let name = inside[..name_end].to_lowercase();
        if !closed && matches!(name.as_str(), "script" | "style") {
            self.raw = Some(name.clone());
        }
        Some(Piece::Open { name, attributes: attributes(&inside[name_end..]), closed })
    }
}

impl Iterator for Markup<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            if self.rest.is_empty() {
                return None;
            }
            if let Some(name) = self.raw.take() {
                let end = format!("</{name}");
                let place = self.rest.to_ascii_lowercase().find(&end).unwrap_or(self.rest.len());
                self.rest = &self.rest[place..];
                continue;
            }
            let Some(after) = self.rest.strip_prefix('<') else {
                let end = self.rest.find('<').unwrap_or(self.rest.len());
                let text = &self.rest[..end];
                self.rest = &self.rest[end..];
                return Some(Piece::Text(entities(text)));
            };
            self.rest = after;
            if let Some(after) = after.strip_prefix("!--") {
                self.rest = after;
                self.up_to("-->");
            } else if let Some(after) = after.strip_prefix("![CDATA[") {
                self.rest = after;
                return Some(Piece::Text(self.up_to("]]>").to_string()));
            } else if after.starts_with(['!', '?']) {
                self.up_to(">");
            } else if after.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '/') {
                return self.tag();
            } else {
                // A sign that somebody forgot to escape.
                return Some(Piece::Text("<".into()));
            }
        }
    }
}

/// The place of the `>` that no quote holds.
fn end_of_tag(text: &str) -> usize {
    let mut quote = None;
    for (place, byte) in text.bytes().enumerate() {
        match (quote, byte) {
            (None, b'>') => return place,
            (None, b'"' | b'\'') => quote = Some(byte),
            (Some(open), byte) if open == byte => quote = None,
            _ => {}
        }
    }
    // A quote that is never closed: the first end there is.
    text.find('>').unwrap_or(text.len())
}

fn attributes(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(rest.len());
        let name = rest[..end].to_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            rest = after.trim_start();
            let quote = rest.chars().next().filter(|letter| matches!(letter, '"' | '\''));
            (value, rest) = match quote {
                Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
                None => rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len())),
            };
        }
        rest = rest.trim_start();
        found.push((name, entities(value)));
    }
    found
}

/// `&amp;`, `&#65;`, `&#x41;`; what is no entity stays as it stands.
fn entities(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        // The longest name of those known here has six letters.
        let end = after.bytes().take(10).position(|byte| byte == b';');
        match end.and_then(|end| Some((character(&after[..end])?, &after[end + 1..]))) {
            Some((character, after)) => {
                plain.push(character);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    plain.push_str(rest);
    plain
}

fn character(name: &str) -> Option<char> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        return char::from_u32(code);
    }
    Some(match name {
        "amp" => '&',
        "apos" => '\'',
        "gt" => '>',
        "hellip" => '…',
        "lt" => '<',
        "mdash" => '—',
        "middot" => '·',
        "minus" => '\u{2212}',
        "nbsp" => '\u{a0}',
        "ndash" => '–',
        "quot" => '"',
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut(text: &str) -> String {
        let shown = |piece: Piece| match piece {
            Piece::Open { name, attributes, closed } => {
                let attributes: Vec<String> =
                    attributes.iter().map(|(name, value)| format!(" {name}={value}")).collect();
                format!("<{name}{}{}>", attributes.concat(), if closed { "/" } else { "" })
            }
            Piece::Close { name } => format!("</{name}>"),
            Piece::Text(text) => format!("[{text}]"),
        };
        Markup::new(text).map(shown).collect()
    }

    #[test]
    fn tags_and_texts_come_in_order() {
        for (text, expected) in [
            ("<TD Class='a>b' nowrap x=1>5 &lt; 6</td>", "<td class=a>b nowrap= x=1>[5 < 6]</td>"),
            ("<br/><p/ ><!-- <td> -->a<![CDATA[<b>]]>", "<br/><p/>[a][<b>]"),
            ("<style>td < tr</STYLE>x", "<style></style>[x]"),
            ("1 < 2 & 3&#x41;&#66;&nix;", "[1 ][<][ 2 & 3AB&nix;]"),
            ("<td a=\"x>y", "<td a=x>[y]"),
            ("<!doctype html><?xml?><ss:Data ss:Type=\"Number\">", "<ss:data ss:type=Number>"),
            ("<td", "<td>"),
            ("全市&", "[全市&]"),
            ("&全市全市全市;", "[&全市全市全市;]"),
        ] {
            assert_eq!(cut(text), expected, "{text}");
        }
    }
}
