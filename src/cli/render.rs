//! Diagnostics as text: message, place with the offending line, notes, next step. The one renderer of the program.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use engine::diagnostic::{Diagnostic, Severity};
use engine::record::Warning;
use std::io::{self, IsTerminal};

/// Lines of a warning's evidence on a terminal: a header and five rows. The rest is in the record.
const EVIDENCE: usize = 7;

/// Prints one diagnostic to stderr.
pub fn show(diagnostic: &Diagnostic) {
    anstream::eprint!("{}", text(diagnostic));
}

/// Prints all of them, and how many there were.
pub fn show_all(diagnostics: &[Diagnostic]) {
    for diagnostic in diagnostics {
        show(diagnostic);
    }
    if diagnostics.len() > 1 {
        eprintln!("{} errors", diagnostics.len());
    }
}

/// Prints warnings, those that several instances of a stage share once, and at most `most`. Gives how many were left out.
pub fn show_warnings(warnings: &[Warning], most: usize) -> usize {
    let mut groups: Vec<(&Warning, usize)> = Vec::new();
    for warning in warnings {
        let is_same = |(first, _): &&mut (&Warning, usize)| {
            stage_of(first) == stage_of(warning) && first.message == warning.message && first.stage.contains('@')
        };
        match groups.iter_mut().find(is_same) {
            Some((_, count)) => *count += 1,
            None => groups.push((warning, 1)),
        }
    }
    for (warning, count) in groups.iter().take(most) {
        let who = match count {
            1 => warning.stage.clone(),
            count => format!("{}, {count} instances", stage_of(warning)),
        };
        show_warning(&who, warning);
    }
    groups.iter().skip(most).map(|(_, count)| count).sum()
}

fn stage_of(warning: &Warning) -> &str {
    warning.stage.split('@').next().unwrap_or(&warning.stage)
}

/// Prints one warning, with a few lines of its evidence.
fn show_warning(who: &str, warning: &Warning) {
    let mut diagnostic = Diagnostic::error(format!("{who}: {}", warning.message));
    diagnostic.severity = Severity::Warning;
    if !warning.details.is_empty() {
        let mut lines: Vec<&str> = warning.details.iter().take(EVIDENCE).map(String::as_str).collect();
        if warning.details.len() > EVIDENCE {
            lines.push("…");
        }
        diagnostic = diagnostic.note(lines.join("\n"));
    }
    show(&diagnostic);
}

/// The diagnostic with colours; `anstream` takes them off where they are not wanted.
pub fn text(diagnostic: &Diagnostic) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = level.primary_title(diagnostic.message.as_str());
    let rendered = match &diagnostic.place {
        Some(place) => {
            let span = byte_span(&place.quote, place.column, place.length);
            let snippet = Snippet::source(place.quote.as_str())
                .line_start(place.line)
                .path(place.file.as_str())
                .annotation(AnnotationKind::Primary.span(span));
            Renderer::styled().render(&[title.element(snippet)])
        }
        None => Renderer::styled().render(&[annotate_snippets::Group::with_title(title)]),
    };
    let mut text = format!("{rendered}\n");
    if let Some(location) = &diagnostic.location {
        text.push_str(&format!("  --> {location}\n"));
    }
    for note in &diagnostic.notes {
        let mut lines = note.lines();
        text.push_str(&format!("note: {}\n", lines.next().unwrap_or("")));
        for line in lines {
            text.push_str(&format!("      {line}\n"));
        }
    }
    if let Some(hint) = &diagnostic.hint {
        text.push_str(&format!("hint: {hint}\n"));
    }
    text
}

/// Columns of the terminal behind stdout; `None` where output goes to a file or a pipe.
pub fn terminal_width() -> Option<usize> {
    let size = io::stdout().is_terminal().then(terminal_size::terminal_size)?;
    // A terminal that does not know its width is taken for the usual one.
    Some(size.map_or(80, |(width, _)| usize::from(width.0)))
}

/// The byte range of `length` characters from the 1-based column on; never past the end of the line.
fn byte_span(line: &str, column: usize, length: usize) -> std::ops::Range<usize> {
    let at = |character: usize| line.char_indices().nth(character).map_or(line.len(), |(index, _)| index);
    let start = at(column.saturating_sub(1));
    start..at(column.saturating_sub(1) + length).max(start)
}

#[cfg(test)]
mod tests {
    use super::*;
    use engine::diagnostic::Place;

    #[test]
    fn a_place_behind_wide_characters_is_underlined_where_it_is() {
        let diagnostic = Diagnostic::error("no column `popluation` in `面板`")
            .at(Place::in_text("stages/面板.sql", "select 城市, popluation from 面板", 1, 12, 10))
            .hint("did you mean `population`?".to_string());
        let plain = anstream::adapter::strip_str(&text(&diagnostic)).to_string();
        let expected = "\
error: no column `popluation` in `面板`
 --> stages/面板.sql:1:12
  |
1 | select 城市, popluation from 面板
  |              ^^^^^^^^^^
hint: did you mean `population`?
";
        assert_eq!(plain, expected, "{plain}");
    }
}
