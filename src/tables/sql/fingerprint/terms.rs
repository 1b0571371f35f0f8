//! Texts with holes that hold other texts. Equal ones are kept once, so that a sum of sums of sums stays as small as the plan
//! that has it, and each has a digest and an order that depend on what it says, not on when it was met. Knows no plan.

use super::Unknown;
use std::collections::{BTreeMap, HashMap, HashSet};

/// Deeper expressions are not encoded: printing them would need more stack than a thread may have.
pub const DEEPEST: usize = 250;
/// A text used more than once is written where it is used if it is not longer than this.
const SHORT: usize = 60;
/// So much of its text decides where a term stands among others; the digest decides the rest.
const SKETCH: usize = 80;

/// Position in `Terms`; what a term is made of has a smaller one.
pub type TermId = usize;

/// All expressions of a plan.
#[derive(Default)]
pub struct Terms {
    terms: Vec<Term>,
    known: HashMap<[u8; 32], TermId>,
    /// Queries inside of expressions, with their digests.
    queries: Vec<(Vec<Line>, [u8; 32])>,
}

struct Term {
    pieces: Vec<Piece>,
    form: Form,
    digest: [u8; 32],
    sketch: String,
    depth: usize,
}

/// What a term is beyond its text.
pub enum Form {
    /// A column of a step; stays what it is called where it is null because its row is missing.
    Column,
    /// A column of a step of this name, in the order of what the columns are. It is called by the order in which the text
    /// comes to them, so that a change in one does not rename the others.
    Result(String),
    /// A call, for example: needs no parentheses.
    Plain,
    /// Stands after columns and calls where the order is free.
    Literal,
    /// Stands in parentheses inside of another.
    Compound,
    /// Operands joined by `and` or `or`, to be joined with others.
    Junction(Junction, Vec<TermId>),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Junction {
    And,
    Or,
}

pub enum Piece {
    Text(String),
    Term(TermId),
    /// In parentheses if it is compound.
    Operand(TermId),
    /// A query of `Terms::add_query`.
    Query(usize),
}

/// A text that is being written.
#[derive(Default)]
pub struct Pieces(pub Vec<Piece>);

/// A line of the encoding.
pub struct Line {
    pub indent: usize,
    pub pieces: Vec<Piece>,
}

impl Pieces {
    pub fn new(text: &str) -> Pieces {
        Pieces::default().text(text)
    }

    pub fn text(mut self, text: &str) -> Pieces {
        self.0.push(Piece::Text(text.to_string()));
        self
    }

    pub fn term(mut self, term: TermId) -> Pieces {
        self.0.push(Piece::Term(term));
        self
    }

    pub fn operand(mut self, term: TermId) -> Pieces {
        self.0.push(Piece::Operand(term));
        self
    }

    pub fn list(mut self, terms: &[TermId], separator: &str) -> Pieces {
        for (index, term) in terms.iter().enumerate() {
            if index > 0 {
                self = self.text(separator);
            }
            self.0.push(Piece::Term(*term));
        }
        self
    }

    pub fn then(mut self, other: Pieces) -> Pieces {
        self.0.extend(other.0);
        self
    }
}

impl Terms {
    pub fn add(&mut self, form: Form, pieces: Pieces) -> Result<TermId, Unknown> {
        let pieces = pieces.0;
        let digest = self.digest(&pieces);
        if let Some(id) = self.known.get(&digest) {
            return Ok(*id);
        }
        let inside = pieces.iter().filter_map(|piece| match piece {
            Piece::Term(id) | Piece::Operand(id) => Some(self.terms[*id].depth),
            Piece::Text(_) | Piece::Query(_) => None,
        });
        let depth = 1 + inside.max().unwrap_or(0);
        if depth > DEEPEST {
            return Err(Unknown::deep());
        }
        let sketch = self.sketch(&pieces);
        self.terms.push(Term { pieces, form, digest, sketch, depth });
        self.known.insert(digest, self.terms.len() - 1);
        Ok(self.terms.len() - 1)
    }

    /// A query that an expression may hold; equal ones are one.
    pub fn add_query(&mut self, lines: Vec<Line>) -> Piece {
        let mut hasher = blake3::Hasher::new();
        for line in &lines {
            hasher.update(&(line.indent as u64).to_le_bytes());
            hasher.update(&self.digest(&line.pieces));
        }
        let digest = *hasher.finalize().as_bytes();
        let known = self.queries.iter().position(|(_, known)| *known == digest);
        Piece::Query(known.unwrap_or_else(|| {
            self.queries.push((lines, digest));
            self.queries.len() - 1
        }))
    }

    pub fn form(&self, id: TermId) -> &Form {
        &self.terms[id].form
    }

    /// Literals last, the others by what they say.
    pub fn order(&self, a: TermId, b: TermId) -> std::cmp::Ordering {
        let key = |id: TermId| {
            let Term { form, sketch, digest, .. } = &self.terms[id];
            (matches!(form, Form::Literal), sketch, digest)
        };
        key(a).cmp(&key(b))
    }

    /// As a set: in order, each once.
    pub fn sorted(&self, mut ids: Vec<TermId>) -> Vec<TermId> {
        ids.sort_by(|a, b| self.order(*a, *b));
        ids.dedup();
        ids
    }

    /// The result that a line names at its end, and its step.
    fn named_by(&self, line: &Line) -> Option<(TermId, &str)> {
        match &line.pieces[..] {
            [.., Piece::Text(text), Piece::Term(id)] if text.ends_with(" as ") => match &self.terms[*id].form {
                Form::Result(step) => Some((*id, step)),
                _ => None,
            },
            _ => None,
        }
    }

    /// The lines as text. Long terms that stand in more than one place follow as `$1 = …`, queries as `query 1`.
    pub fn print(&self, lines: &[Line]) -> String {
        let named = self.named(lines);
        let mut printer = Printer {
            terms: self,
            named,
            numbers: BTreeMap::new(),
            terms_met: 0,
            queries_met: 0,
            results: BTreeMap::new(),
            results_met: BTreeMap::new(),
            queue: Vec::new(),
            text: String::new(),
        };
        printer.lines(lines, 0);
        let mut next = 0;
        while let Some((reference, number)) = printer.queue.get(next).copied() {
            next += 1;
            match reference {
                Reference::Term(id) => {
                    printer.text.push_str(&format!("${number} = "));
                    printer.pieces(&self.terms[id].pieces);
                    printer.text.push('\n');
                }
                Reference::Query(index) => {
                    printer.text.push_str(&format!("query {number}\n"));
                    printer.lines(&self.queries[index].0, 1);
                }
            }
        }
        printer.text
    }

    fn digest(&self, pieces: &[Piece]) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        for piece in pieces {
            match piece {
                Piece::Text(text) => {
                    hasher.update(&[0]).update(&(text.len() as u64).to_le_bytes()).update(text.as_bytes());
                }
                Piece::Term(id) => {
                    hasher.update(&[1]).update(&self.terms[*id].digest);
                }
                Piece::Operand(id) => {
                    hasher.update(&[2]).update(&self.terms[*id].digest);
                }
                Piece::Query(index) => {
                    hasher.update(&[3]).update(&self.queries[*index].1);
                }
            }
        }
        *hasher.finalize().as_bytes()
    }

    fn sketch(&self, pieces: &[Piece]) -> String {
        let mut sketch = String::new();
        for piece in pieces {
            let text = match piece {
                Piece::Text(text) => text,
                Piece::Term(id) | Piece::Operand(id) => &self.terms[*id].sketch,
                Piece::Query(_) => "query",
            };
            sketch.push_str(text);
            if sketch.len() >= SKETCH {
                break;
            }
        }
        let end = (0..=SKETCH.min(sketch.len())).rev().find(|end| sketch.is_char_boundary(*end));
        sketch.truncate(end.unwrap_or(0));
        sketch
    }

    /// The terms that get a name: long ones in more than one place.
    fn named(&self, lines: &[Line]) -> Vec<bool> {
        let mut uses = vec![0usize; self.terms.len()];
        let mut seen: HashSet<usize> = HashSet::new();
        let mut open: Vec<&[Line]> = vec![lines];
        let mut id = self.terms.len();
        // Whatever a term holds has a smaller number: downwards, every use of a term is counted before it is looked at.
        loop {
            for line in open.drain(..).flatten() {
                count(&line.pieces, &mut uses);
            }
            let Some(below) = id.checked_sub(1) else { break };
            id = below;
            if uses[id] == 0 {
                continue;
            }
            let pieces = &self.terms[id].pieces;
            count(pieces, &mut uses);
            for piece in pieces {
                if let Piece::Query(index) = piece
                    && seen.insert(*index)
                {
                    open.push(&self.queries[*index].0);
                }
            }
        }
        let mut named = vec![false; self.terms.len()];
        let mut lengths = vec![0usize; self.terms.len()];
        for (id, term) in self.terms.iter().enumerate() {
            lengths[id] = term.pieces.iter().fold(0, |length, piece| {
                length
                    + match piece {
                        Piece::Text(text) => text.len(),
                        Piece::Term(inner) | Piece::Operand(inner) if !named[*inner] => lengths[*inner] + 2,
                        Piece::Term(_) | Piece::Operand(_) | Piece::Query(_) => 3,
                    }
            });
            named[id] = uses[id] > 1 && lengths[id] > SHORT;
        }
        named
    }
}

fn count(pieces: &[Piece], uses: &mut [usize]) {
    for piece in pieces {
        if let Piece::Term(id) | Piece::Operand(id) = piece {
            uses[*id] += 1;
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Reference {
    Term(TermId),
    Query(usize),
}

struct Printer<'t> {
    terms: &'t Terms,
    named: Vec<bool>,
    /// Numbers of named terms and queries, in the order in which they are met.
    numbers: BTreeMap<Reference, usize>,
    terms_met: usize,
    queries_met: usize,
    /// Numbers of results, and how many each step has so far.
    results: BTreeMap<TermId, usize>,
    results_met: BTreeMap<String, usize>,
    queue: Vec<(Reference, usize)>,
    text: String,
}

impl Printer<'_> {
    fn lines(&mut self, lines: &[Line], indent: usize) {
        let mut rest = lines;
        while let Some(first) = rest.first() {
            // Lines that say what the results of a step are stand in the order of their numbers.
            let step = self.terms.named_by(first).map(|(_, step)| step);
            let is_same = |line: &&Line| step.is_some() && self.terms.named_by(line).map(|(_, step)| step) == step;
            let (run, after) = rest.split_at(rest.iter().take_while(is_same).count().max(1));
            rest = after;
            let mut run: Vec<&Line> = run.iter().collect();
            let number = |line: &Line| self.terms.named_by(line).and_then(|(id, _)| self.results.get(&id).copied());
            run.sort_by_key(|line| number(line).unwrap_or(usize::MAX));
            for line in run {
                self.text.push_str(&"  ".repeat(line.indent + indent));
                self.pieces(&line.pieces);
                self.text.push('\n');
            }
        }
    }

    fn pieces(&mut self, pieces: &[Piece]) {
        for piece in pieces {
            match piece {
                Piece::Text(text) => self.text.push_str(text),
                Piece::Query(index) => {
                    let number = self.number(Reference::Query(*index));
                    self.text.push_str(&format!("query {number}"));
                }
                Piece::Term(id) | Piece::Operand(id) if self.named[*id] => {
                    let number = self.number(Reference::Term(*id));
                    self.text.push_str(&format!("${number}"));
                }
                Piece::Term(id) | Piece::Operand(id) if let Form::Result(step) = &self.terms.terms[*id].form => {
                    let number = self.result(*id, step);
                    self.text.push_str(&format!("{step}.{number}"));
                }
                Piece::Term(id) => self.pieces(&self.terms.terms[*id].pieces),
                Piece::Operand(id) => {
                    let term = &self.terms.terms[*id];
                    let is_open = matches!(term.form, Form::Compound | Form::Junction(..));
                    self.text.push_str(if is_open { "(" } else { "" });
                    self.pieces(&term.pieces);
                    self.text.push_str(if is_open { ")" } else { "" });
                }
            }
        }
    }

    fn result(&mut self, id: TermId, step: &str) -> usize {
        if let Some(number) = self.results.get(&id) {
            return *number;
        }
        let met = self.results_met.entry(step.to_string()).or_default();
        *met += 1;
        self.results.insert(id, *met);
        *met
    }

    fn number(&mut self, reference: Reference) -> usize {
        if let Some(number) = self.numbers.get(&reference) {
            return *number;
        }
        let count = match reference {
            Reference::Term(_) => &mut self.terms_met,
            Reference::Query(_) => &mut self.queries_met,
        };
        *count += 1;
        self.numbers.insert(reference, *count);
        self.queue.push((reference, *count));
        *count
    }
}
