//! The parser's events into a tree with places. Bounds depth and size, so that hostile input ends in an error.

use crate::diagnostic::{Diagnostic, Place};
use crate::yaml::{self, Entry, Node, Span, Value};
use saphyr_parser::{Event, Parser, ScalarStyle, StrInput};
use std::collections::BTreeMap;

/// Deeper nesting than any study needs; bounds the recursion.
const MAX_DEPTH: usize = 64;
/// More nodes than any study needs; bounds what aliases can unfold to.
const MAX_NODES: usize = 2_000_000;

/// The tree of the one document in `text`, and the complaints about keys given twice.
pub fn tree(file: &str, text: &str) -> Result<(Node, Vec<Diagnostic>), Diagnostic> {
    let mut builder = Builder { file, text, anchors: BTreeMap::new(), nodes: 0, duplicates: Vec::new() };
    let mut parser = Parser::new_from_str(text);
    let root = builder.document(&mut parser)?;
    Ok((root, builder.duplicates))
}

struct Builder<'t> {
    file: &'t str,
    text: &'t str,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    duplicates: Vec<Diagnostic>,
}

type Events<'t> = Parser<'t, StrInput<'t>>;

impl<'t> Builder<'t> {
    fn document(&mut self, parser: &mut Events<'t>) -> Result<Node, Diagnostic> {
        let mut root = None;
        while let Some((event, span)) = self.next(parser)? {
            match event {
                Event::StreamStart | Event::DocumentStart(_) | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => break,
                _ if root.is_some() => {
                    return Err(self.error(span, "only one YAML document is allowed in this file"));
                }
                event => root = Some(self.node(parser, event, span, 0)?),
            }
        }
        root.ok_or_else(|| self.error(Span { line: 1, column: 1, length: 1 }, "the file is empty"))
    }

    fn node(
        &mut self,
        parser: &mut Events<'t>,
        event: Event<'t>,
        span: Span,
        depth: usize,
    ) -> Result<Node, Diagnostic> {
        self.nodes += 1;
        if depth > MAX_DEPTH || self.nodes > MAX_NODES {
            return Err(self.error(span, "nested too deeply"));
        }
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                if let Some(tag) = tag {
                    return Err(self.error(span, format!("YAML tags such as `{tag}` are not supported")));
                }
                let value = match style {
                    ScalarStyle::Plain => yaml::scalar(&text),
                    _ => Value::Text(text.into_owned()),
                };
                (Node { value, span }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    let (event, span) = self.expect(parser, span)?;
                    if matches!(event, Event::SequenceEnd) {
                        break;
                    }
                    items.push(self.node(parser, event, span, depth + 1)?);
                }
                (Node { value: Value::List(items), span }, anchor)
            }
            Event::MappingStart(anchor, _) => (self.map(parser, span, depth)?, anchor),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor).cloned();
                let mut node = node.ok_or_else(|| self.error(span, "this alias has no anchor before it"))?;
                self.nodes += count(&node);
                node.span = span;
                (node, 0)
            }
            _ => return Err(self.error(span, "unexpected YAML structure")),
        };
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        Ok(node)
    }

    fn map(&mut self, parser: &mut Events<'t>, span: Span, depth: usize) -> Result<Node, Diagnostic> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        loop {
            let (event, key_span) = self.expect(parser, span)?;
            let key = match event {
                Event::MappingEnd => break,
                Event::Scalar(text, ..) => text.into_owned(),
                _ => return Err(self.error(key_span, "a key must be a plain word")),
            };
            let (event, span) = self.expect(parser, key_span)?;
            let node = self.node(parser, event, span, depth + 1)?;
            if let Some(line) = seen.get(&key) {
                let twice = self.error(key_span, format!("`{key}` is given twice"));
                self.duplicates.push(twice.note(format!("first given on line {line}")));
                continue;
            }
            seen.insert(key.clone(), key_span.line);
            entries.push(Entry { key, key_span, node });
        }
        Ok(Node { value: Value::Map(entries), span })
    }

    fn expect(&mut self, parser: &mut Events<'t>, near: Span) -> Result<(Event<'t>, Span), Diagnostic> {
        self.next(parser)?.ok_or_else(|| self.error(near, "the file ends in the middle of this"))
    }

    fn next(&mut self, parser: &mut Events<'t>) -> Result<Option<(Event<'t>, Span)>, Diagnostic> {
        match parser.next_event() {
            None => Ok(None),
            Some(Ok((event, span))) => {
                let length = if span.start.line() == span.end.line() {
                    span.end.col().saturating_sub(span.start.col())
                } else {
                    1
                };
                Ok(Some((event, Span { line: span.start.line(), column: span.start.col() + 1, length: length.max(1) })))
            }
            Some(Err(error)) => {
                let span = Span { line: error.marker().line(), column: error.marker().col() + 1, length: 1 };
                Err(self.error(span, format!("not valid YAML: {}", error.info())))
            }
        }
    }

    fn error(&self, span: Span, message: impl Into<String>) -> Diagnostic {
        Diagnostic::error(message).at(Place::in_text(self.file, self.text, span.line, span.column, span.length))
    }
}

fn count(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(count).sum(),
        Value::Map(entries) => entries.iter().map(|entry| count(&entry.node)).sum(),
        _ => 0,
    }
}
