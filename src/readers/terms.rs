//! Occurrences of the terms of a dictionary in a text, and what they are divided by: Han characters, sentences. Plain data in and out;
//! knows no file, no table and no term of its own. Tokens are counted in `segment`.
//!
//! One pass of an Aho–Corasick automaton (Aho and Corasick 1975) finds every occurrence of every term, also inside a longer one:
//! those are the overlapping counts. The greedy counts follow from them: from left to right, at the first place where a term begins, the
//! longest counts, and the search goes on behind it. Punctuation breaks a term, because no term contains any.
//!
//! Han characters are those of the script: ideographs of all blocks, 〇 and 々. A sentence ends at 。！？!? or at a line break and
//! holds at least one letter, digit or Han character.

use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A term to be counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Term {
    /// As it is listed.
    pub text: String,
    /// Whatever it is grouped by.
    pub group: String,
}

/// What counts as the same text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Full-width letters and digits are half-width ones, capital letters small ones: `ＰＭ２．５` is `PM2.5`.
    pub fold: bool,
    /// Blanks and line breaks between two Han characters are not there: they come from the page, not from the text.
    pub join: bool,
}

/// What is wrong with a dictionary.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TermsError {
    /// Nothing to count.
    #[error("the dictionary has no terms")]
    NoTerms,
    /// A term without characters.
    #[error("row {row} of the dictionary has an empty term")]
    Empty {
        /// From 1.
        row: usize,
    },
    /// A term that no text can contain, or that means something else than it looks like.
    #[error("the term `{term}` has a blank at its edge or beside a Han character")]
    Blank {
        /// The term.
        term: String,
    },
    /// A term that would end a sentence within itself.
    #[error("the term `{term}` contains `{mark}`, which ends a sentence")]
    Mark {
        /// The term.
        term: String,
        /// The mark.
        mark: char,
    },
    /// The same term twice.
    #[error("the term `{term}` is twice in the dictionary, in `{first}` and in `{second}`")]
    Twice {
        /// The term.
        term: String,
        /// Group of the first.
        first: String,
        /// Group of the second.
        second: String,
    },
    /// More than a automaton can hold.
    #[error("the dictionary is too large: {cause}")]
    TooLarge {
        /// What the automaton says.
        cause: String,
    },
}

impl TermsError {
    /// The next step.
    pub fn hint(&self) -> &'static str {
        match self {
            TermsError::NoTerms => "check what `use` selects",
            TermsError::Empty { .. } => "take the row out",
            TermsError::Blank { .. } => "take the blank out; blanks in the texts are dealt with by `blanks`",
            TermsError::Mark { .. } => "take the mark out, or make two terms of it",
            TermsError::Twice { .. } => {
                "keep one of them: full-width and half-width, capital and small are the same term"
            }
            TermsError::TooLarge { .. } => "split it",
        }
    }
}

/// Checked terms and their automaton.
pub struct Dictionary {
    automaton: AhoCorasick,
    /// Characters of each term.
    lengths: Vec<u32>,
    rules: Rules,
}

/// What a text holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Han characters.
    pub n_han: u64,
    /// Sentences.
    pub n_sentences: u64,
    /// Sentences with at least one greedy occurrence.
    pub n_sentences_with: u64,
    /// By index of the term, ascending, those that occur.
    pub terms: Vec<TermCount>,
}

/// How often a term occurs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TermCount {
    /// Index into the terms of the dictionary.
    pub term: usize,
    /// Greedy longest matches, which do not overlap.
    pub longest: u64,
    /// All matches.
    pub overlapping: u64,
    /// Characters of the term.
    pub length: u32,
}

/// Room that is used again for the next text.
#[derive(Default)]
pub struct Scratch {
    /// Start, end and term of every match.
    matches: Vec<(usize, usize, usize)>,
    /// Ends of sentences.
    ends: Vec<usize>,
}

impl Dictionary {
    /// Checks the terms.
    pub fn new(terms: &[Term], rules: Rules) -> Result<Dictionary, TermsError> {
        if terms.is_empty() {
            return Err(TermsError::NoTerms);
        }
        let mut seen: BTreeMap<String, &Term> = BTreeMap::new();
        let mut folded = Vec::with_capacity(terms.len());
        for (index, term) in terms.iter().enumerate() {
            if term.text.chars().all(char::is_whitespace) {
                return Err(TermsError::Empty { row: index + 1 });
            }
            if blank_at_edge(&term.text) {
                return Err(TermsError::Blank { term: term.text.clone() });
            }
            if let Some(mark) = term.text.chars().find(|mark| is_end(*mark)) {
                return Err(TermsError::Mark { term: term.text.clone(), mark });
            }
            let text = if rules.fold { fold(&term.text).to_lowercase() } else { term.text.clone() };
            if let Some(first) = seen.insert(text.clone(), term) {
                let (first, second) = (first.group.clone(), term.group.clone());
                return Err(TermsError::Twice { term: term.text.clone(), first, second });
            }
            folded.push(text);
        }
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::DFA))
            .ascii_case_insensitive(rules.fold)
            .build(&folded)
            .map_err(|error| TermsError::TooLarge { cause: error.to_string() })?;
        let lengths = folded.iter().map(|term| term.chars().count() as u32).collect();
        Ok(Dictionary { automaton, lengths, rules })
    }

    /// Counts the terms of one text.
    pub fn count(&self, text: &str, scratch: &mut Scratch) -> Counts {
        let Scratch { matches, ends } = scratch;
        ends.clear();
        matches.clear();
        let mut text = Cow::Borrowed(text);
        let mut shape = shape(&text, ends);
        // Both are rare, so a text is only copied where there is something to change.
        if self.rules.join && shape.blank_inside {
            text = Cow::Owned(joined(&text));
            ends.clear();
            shape = self::shape(&text, ends);
        }
        if self.rules.fold && shape.wide {
            text = Cow::Owned(fold(&text));
            ends.clear();
            shape = self::shape(&text, ends);
        }
        for found in self.automaton.find_overlapping_iter(text.as_bytes()) {
            matches.push((found.start(), found.end(), found.pattern().as_usize()));
        }
        let mut counts = Counts { n_han: shape.n_han, n_sentences: ends.len() as u64, ..Counts::default() };
        counts.terms = self.tally(matches, ends, &mut counts.n_sentences_with);
        counts
    }

    /// Both counts by term, and the sentences that the greedy matches stand in.
    fn tally(&self, matches: &mut [(usize, usize, usize)], ends: &[usize], with: &mut u64) -> Vec<TermCount> {
        // The automaton gives them by their ends; the longest of those that begin first comes first.
        matches.sort_unstable_by_key(|&(start, end, _)| (start, usize::MAX - end));
        let mut by_term: BTreeMap<usize, (u64, u64)> = BTreeMap::new();
        let (mut free, mut sentence, mut last_with) = (0, 0, None);
        for &(start, end, term) in matches.iter() {
            let (longest, overlapping) = by_term.entry(term).or_default();
            *overlapping += 1;
            if start < free {
                continue;
            }
            *longest += 1;
            free = end;
            while ends.get(sentence).is_some_and(|&end| end <= start) {
                sentence += 1;
            }
            if last_with != Some(sentence) {
                last_with = Some(sentence);
                *with += 1;
            }
        }
        let count =
            |(term, (longest, overlapping))| TermCount { term, longest, overlapping, length: self.lengths[term] };
        by_term.into_iter().map(count).collect()
    }
}

/// What one walk over a text finds.
#[derive(Default)]
struct Shape {
    n_han: u64,
    /// A full-width letter or digit.
    wide: bool,
    /// A blank between two Han characters.
    blank_inside: bool,
}

/// Counts Han characters and puts the ends of sentences into `ends`. By bytes, because decoding every character takes longer than the
/// automaton does.
fn shape(text: &str, ends: &mut Vec<usize>) -> Shape {
    let bytes = text.as_bytes();
    let mut shape = Shape::default();
    let (mut position, mut content) = (0, false);
    // Whether the last sign that is no blank was Han, and whether a blank came after it.
    let (mut after_han, mut blank) = (false, false);
    while position < bytes.len() {
        let lead = bytes[position];
        // Three bytes from U+4E00 to U+9FFF: nearly everything.
        if (0xe5..=0xe9).contains(&lead) || (lead == 0xe4 && bytes[position + 1] >= 0xb8) {
            shape.n_han += 1;
            shape.blank_inside |= blank && after_han;
            (content, after_han, blank) = (true, true, false);
            position += 3;
            continue;
        }
        if lead < 0x80 {
            position += 1;
            match lead {
                b'!' | b'?' | b'\n' | b'\r' => {
                    if content {
                        ends.push(position);
                        content = false;
                    }
                    blank |= lead == b'\n' || lead == b'\r';
                    after_han &= lead == b'\n' || lead == b'\r';
                }
                b' ' | b'\t' | 0x0b | 0x0c => blank = true,
                _ => {
                    content |= lead.is_ascii_alphanumeric();
                    (after_han, blank) = (false, false);
                }
            }
            continue;
        }
        let character = text[position..].chars().next().unwrap_or('\0');
        position += character.len_utf8();
        if is_han(character) {
            shape.n_han += 1;
            shape.blank_inside |= blank && after_han;
            (content, after_han, blank) = (true, true, false);
        } else if is_end(character) {
            if content {
                ends.push(position);
                content = false;
            }
            (after_han, blank) = (false, false);
        } else if character.is_whitespace() {
            blank = true;
        } else {
            content = content || character.is_alphanumeric();
            shape.wide |= is_wide(character);
            (after_han, blank) = (false, false);
        }
    }
    if content {
        ends.push(bytes.len());
    }
    shape
}

fn is_han(character: char) -> bool {
    matches!(character as u32,
        0x3005 | 0x3007 | 0x3400..=0x4dbf | 0x4e00..=0x9fff | 0xf900..=0xfaff | 0x2_0000..=0x3_23af)
}

fn is_end(character: char) -> bool {
    matches!(character, '。' | '！' | '？' | '!' | '?' | '\n' | '\r')
}

fn is_wide(character: char) -> bool {
    matches!(character, '０'..='９' | 'Ａ'..='Ｚ' | 'ａ'..='ｚ' | '．')
}

fn fold(text: &str) -> String {
    let half = |character: char| char::from_u32(character as u32 - 0xfee0).unwrap_or(character);
    text.chars().map(|character| if is_wide(character) { half(character) } else { character }).collect()
}

/// Without blanks between two Han characters.
fn joined(text: &str) -> String {
    let mut joined = String::with_capacity(text.len());
    let (mut after_han, mut blanks) = (false, String::new());
    for character in text.chars() {
        if character.is_whitespace() {
            blanks.push(character);
            continue;
        }
        let han = is_han(character);
        if !(after_han && han) {
            joined.push_str(&blanks);
        }
        blanks.clear();
        joined.push(character);
        after_han = han;
    }
    joined.push_str(&blanks);
    joined
}

fn blank_at_edge(term: &str) -> bool {
    let characters: Vec<char> = term.chars().collect();
    let beside_han = |index: usize| {
        let near = [index.checked_sub(1), Some(index + 1)];
        near.into_iter().flatten().filter_map(|index| characters.get(index)).any(|character| is_han(*character))
    };
    characters.iter().enumerate().any(|(index, character)| {
        character.is_whitespace() && (index == 0 || index + 1 == characters.len() || beside_han(index))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "坚持创新驱动,推进科技创新和自主创新,科技成果转化加快,专利授权增长。";
    const TERMS: [&str; 8] = ["创新", "科技", "科技创新", "自主创新", "创新驱动", "科技成果", "成果转化", "专利"];
    const AS_IT_STANDS: Rules = Rules { fold: false, join: false };
    const ALIKE: Rules = Rules { fold: true, join: true };

    fn dictionary(terms: &[&str], rules: Rules) -> Result<Dictionary, TermsError> {
        let terms: Vec<Term> =
            terms.iter().map(|term| Term { text: term.to_string(), group: "core".to_string() }).collect();
        Dictionary::new(&terms, rules)
    }

    fn count(terms: &[&str], rules: Rules, text: &str) -> Counts {
        dictionary(terms, rules).expect("terms").count(text, &mut Scratch::default())
    }

    /// `创新 2/3`: greedy and overlapping, of those that occur.
    fn told(terms: &[&str], counts: &Counts) -> String {
        let told =
            counts.terms.iter().map(|count| format!("{} {}/{}", terms[count.term], count.longest, count.overlapping));
        told.collect::<Vec<_>>().join(", ")
    }

    /// METHODS 4.1, golden.
    #[test]
    fn the_golden_text_has_five_longest_and_eleven_overlapping_terms() {
        let counts = count(&TERMS, AS_IT_STANDS, TEXT);
        assert_eq!(
            told(&TERMS, &counts),
            "创新 0/3, 科技 0/2, 科技创新 1/1, 自主创新 1/1, 创新驱动 1/1, 科技成果 1/1, 成果转化 0/1, 专利 1/1"
        );
        let sum = |value: fn(&TermCount) -> u64| counts.terms.iter().map(value).sum::<u64>();
        assert_eq!((sum(|count| count.longest), sum(|count| count.overlapping)), (5, 11));
        assert_eq!((sum(|count| count.longest * u64::from(count.length)), counts.n_han), (18, 31));
        assert_eq!((counts.n_sentences, counts.n_sentences_with), (1, 1));
    }

    #[test]
    fn the_longest_term_counts_from_left_to_right() {
        for (terms, text, expected) in [
            // Terms that hold others, that begin inside others, that touch.
            (&["创新", "创新型", "创新型城市"][..], "创新型城市创新型创新", "创新 1/3, 创新型 1/2, 创新型城市 1/1"),
            (&["科技成果", "成果转化"], "科技成果转化", "科技成果 1/1, 成果转化 0/1"),
            (&["科技成果转", "果转化", "化"], "科技成果转化", "科技成果转 1/1, 果转化 0/1, 化 1/1"),
            // The first that begins, though one that begins later is longer.
            (&["高新", "新技术产业"], "高新技术产业", "高新 1/1, 新技术产业 0/1"),
            (&["哈哈"], "哈哈哈", "哈哈 1/2"),
            (&["科技"], "科,技 科。技", ""),
            (&["科技"], "", ""),
        ] {
            assert_eq!(told(terms, &count(terms, AS_IT_STANDS, text)), expected, "{text}");
        }
    }

    #[test]
    fn width_capitals_and_blanks_of_the_page_can_be_ignored() {
        let text = "治理ＰＭ２．５和pm2.5，科\n技创 新，R&D fund";
        let terms = ["PM2.5", "科技创新", "r&d Fund"];
        assert_eq!(told(&terms, &count(&terms, AS_IT_STANDS, text)), "");
        assert_eq!(told(&terms, &count(&terms, ALIKE, text)), "PM2.5 2/2, 科技创新 1/1, r&d Fund 1/1");
        // A break between two Han characters ends no sentence then.
        assert_eq!(count(&terms, AS_IT_STANDS, text).n_sentences, 2);
        assert_eq!(count(&terms, ALIKE, text).n_sentences, 1);
    }

    #[test]
    fn han_characters_and_sentences_are_counted() {
        for (text, n_han, n_sentences, with) in [
            ("二〇一〇年，科技人员。", 9, 1, 1),
            ("科技！经济？\n\n农业。。。科技", 8, 4, 2),
            ("增长3.5%。——", 2, 1, 0),
            ("㐂𠀀々 abc ，。！", 3, 1, 0),
            ("。！\n", 0, 0, 0),
            ("", 0, 0, 0),
        ] {
            let counts = count(&["科技"], AS_IT_STANDS, text);
            assert_eq!(
                (counts.n_han, counts.n_sentences, counts.n_sentences_with),
                (n_han, n_sentences, with),
                "{text}"
            );
        }
    }

    #[test]
    fn a_dictionary_with_traps_is_refused() {
        for (terms, expected) in [
            (&[][..], "the dictionary has no terms"),
            (&["科技", ""], "row 2 of the dictionary has an empty term"),
            (&["科技", " 　"], "row 2 of the dictionary has an empty term"),
            (&["科技 "], "the term `科技 ` has a blank at its edge or beside a Han character"),
            (&["科 技"], "the term `科 技` has a blank at its edge or beside a Han character"),
            (&["科技。创新"], "the term `科技。创新` contains `。`, which ends a sentence"),
            (&["科技", "创新", "科技"], "the term `科技` is twice in the dictionary, in `core` and in `core`"),
            (&["PM2.5", "ｐｍ２．５"], "the term `ｐｍ２．５` is twice in the dictionary, in `core` and in `core`"),
        ] {
            let error = dictionary(terms, ALIKE).err().expect("refused");
            assert_eq!(error.to_string(), expected);
            assert!(!error.hint().is_empty());
        }
        assert!(dictionary(&["PM2.5", "ｐｍ２．５", "R&D fund"], AS_IT_STANDS).is_ok());
    }

    /// Every text of up to seven signs of an alphabet, against a search that follows the definition.
    #[test]
    fn counts_are_those_of_the_definition() {
        let terms = ["甲", "甲乙", "乙甲", "甲乙甲乙", "乙乙丙"];
        let alphabet = ['甲', '乙', '丙', '。'];
        let dictionary = dictionary(&terms, AS_IT_STANDS).expect("terms");
        let mut scratch = Scratch::default();
        for number in 0..4_usize.pow(7) {
            let text: String = (0..7).map(|place| alphabet[number / 4_usize.pow(place) % 4]).collect();
            let counts = dictionary.count(&text, &mut scratch);
            let overlapping: usize = terms
                .iter()
                .map(|term| text.char_indices().filter(|(at, _)| text[*at..].starts_with(term)).count())
                .sum();
            let (mut longest, mut rest) = (0, text.as_str());
            while !rest.is_empty() {
                let fit = terms.iter().filter(|term| rest.starts_with(**term)).map(|term| term.len()).max();
                longest += u64::from(fit.is_some());
                rest = &rest[fit.unwrap_or(3)..];
            }
            let sum = |value: fn(&TermCount) -> u64| counts.terms.iter().map(value).sum::<u64>();
            assert_eq!(sum(|count| count.overlapping), overlapping as u64, "{text}");
            assert_eq!(sum(|count| count.longest), longest, "{text}");
            assert_eq!(counts.n_han, text.chars().filter(|character| *character != '。').count() as u64);
        }
    }
}
