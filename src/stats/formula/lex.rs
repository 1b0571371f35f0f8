//! A formula's text as tokens with their places. Knows no grammar.

use super::error::{FormulaError, Problem};

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// 0-based character.
    pub(super) offset: usize,
    pub(super) length: usize,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Name(String),
    Text(String),
    Number(String),
    Sign(char),
    End,
}

const SIGNS: &str = "~+-*/:^|()[],=<>!";

/// What a Chinese input method or a typesetting program writes, and what is meant.
const LOOK_ALIKES: &[(char, char)] = &[
    ('～', '~'),
    ('＋', '+'),
    ('－', '-'),
    ('−', '-'),
    ('–', '-'),
    ('＊', '*'),
    ('×', '*'),
    ('：', ':'),
    ('＾', '^'),
    ('｜', '|'),
    ('（', '('),
    ('）', ')'),
    ('，', ','),
    ('、', ','),
    ('＝', '='),
    ('／', '/'),
    ('÷', '/'),
    ('＜', '<'),
    ('＞', '>'),
    ('［', '['),
    ('］', ']'),
    ('！', '!'),
    ('‘', '\''),
    ('’', '\''),
    ('“', '"'),
    ('”', '"'),
];

/// The tokens of `text`, ending with one `End`.
pub(super) fn tokens(text: &str) -> Result<Vec<Token>, FormulaError> {
    let characters: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut offset = 0;
    while let Some(&first) = characters.get(offset) {
        let start = offset;
        let kind = match first {
            blank if blank.is_whitespace() => {
                offset += 1;
                continue;
            }
            mark @ ('`' | '"' | '\'') => {
                let inside = characters[start + 1..].iter().position(|character| *character == mark);
                let problem = FormulaError { problem: Problem::OpenQuote { mark }, offset: start, length: 1 };
                let inside = inside.ok_or(problem)?;
                let content: String = characters[start + 1..start + 1 + inside].iter().collect();
                offset += inside + 2;
                if mark == '`' { Kind::Name(content) } else { Kind::Text(content) }
            }
            digit if digit.is_ascii_digit() => {
                offset = end_of_number(&characters, start);
                Kind::Number(characters[start..offset].iter().collect())
            }
            letter if letter.is_alphabetic() || matches!(letter, '_' | '.') => {
                offset = end_of(&characters, start, |character| {
                    character.is_alphanumeric() || matches!(character, '_' | '.')
                });
                Kind::Name(characters[start..offset].iter().collect())
            }
            sign if SIGNS.contains(sign) => {
                offset += 1;
                Kind::Sign(sign)
            }
            sign => {
                let problem = match LOOK_ALIKES.iter().find(|(look_alike, _)| *look_alike == sign) {
                    Some((_, ascii)) => Problem::FullWidth { sign, ascii: *ascii },
                    None => Problem::Sign { sign },
                };
                return Err(FormulaError { problem, offset: start, length: 1 });
            }
        };
        tokens.push(Token { kind, offset: start, length: offset - start });
    }
    tokens.push(Token { kind: Kind::End, offset: characters.len(), length: 0 });
    Ok(tokens)
}

/// Digits, a point, and an exponent where digits follow it.
fn end_of_number(characters: &[char], start: usize) -> usize {
    let end = end_of(characters, start, |character| character.is_ascii_digit() || character == '.');
    let is = |place: usize, signs: &[char]| characters.get(place).is_some_and(|character| signs.contains(character));
    if !is(end, &['e', 'E']) {
        return end;
    }
    let digits = end + 1 + usize::from(is(end + 1, &['+', '-']));
    let after = end_of(characters, digits.min(characters.len()), |character| character.is_ascii_digit());
    if after > digits { after } else { end }
}

fn end_of(characters: &[char], start: usize, belongs: impl Fn(char) -> bool) -> usize {
    characters[start..]
        .iter()
        .position(|character| !belongs(*character))
        .map_or(characters.len(), |length| start + length)
}
