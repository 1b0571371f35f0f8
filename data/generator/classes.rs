//! Classes of patents: subclasses that are common everywhere, and a long list of rare ones for new entries.
//! Codes have the form of the international classification; the rare ones are formed by rule and need not all exist.

use crate::rng::{self, Stream};

/// Common subclasses of the international patent classification.
const COMMON: [&str; 40] = [
    "G06F", "H04L", "A61K", "A61B", "H01L", "G01N", "B65D", "B65G", "E04B", "E04G", "F16K", "F16L", "H02G", "H02J",
    "B23K", "B01D", "C02F", "C08L", "C09D", "A01G", "A01K", "A23L", "A47J", "B60R", "B62D", "D06B", "D04B", "E02D",
    "E05B", "F24F", "F21V", "G05B", "G01R", "G02B", "H01R", "H05K", "B29C", "B24B", "B21D", "C22C",
];

/// Section and two-digit classes of the classification.
const SECTIONS: [(char, &[u8]); 8] = [
    ('A', &[1, 21, 22, 23, 24, 41, 42, 43, 44, 45, 46, 47, 61, 62, 63]),
    (
        'B',
        &[
            1, 2, 3, 4, 5, 6, 7, 8, 9, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30, 31, 32, 41, 42, 43, 44, 60, 61, 62, 63,
            64, 65, 66, 67, 68,
        ],
    ),
    ('C', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 21, 22, 23, 25, 30]),
    ('D', &[1, 2, 3, 4, 5, 6, 7, 21]),
    ('E', &[1, 2, 3, 4, 5, 6, 21]),
    ('F', &[1, 2, 3, 4, 15, 16, 17, 21, 22, 23, 24, 25, 26, 27, 28, 41, 42]),
    ('G', &[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 21]),
    ('H', &[1, 2, 3, 4, 5]),
];
const LETTERS: [char; 5] = ['B', 'C', 'D', 'F', 'H'];

/// A city works in this many of the common subclasses.
const CORE_SIZE: f64 = 14.0;

/// One of the city's own common subclasses; the first ones are the most frequent.
pub fn core(city: u64, draw: f64) -> String {
    let start = rng::below(Stream::PatentDetail, &[city], COMMON.len());
    // 7 and 40 have no common divisor, so the walk visits every subclass before it repeats.
    let step = (CORE_SIZE * draw * draw.sqrt()) as usize;
    COMMON[(start + 7 * step) % COMMON.len()].to_owned()
}

/// One of the rare subclasses, all with equal chance.
pub fn rare(draw: f64) -> String {
    let classes: usize = SECTIONS.iter().map(|(_, classes)| classes.len()).sum();
    let mut position = (draw * (classes * LETTERS.len()) as f64) as usize;
    for (section, classes) in SECTIONS {
        if position < classes.len() * LETTERS.len() {
            return format!("{section}{:02}{}", classes[position / LETTERS.len()], LETTERS[position % LETTERS.len()]);
        }
        position -= classes.len() * LETTERS.len();
    }
    COMMON[0].to_owned()
}

/// A class of the Locarno classification of designs.
pub fn locarno(draw: f64) -> String {
    format!("{:02}-{:02}", 1 + (draw * 31.0) as usize, 1 + (draw * 997.0) as usize % 9)
}

#[cfg(test)]
mod tests {
    use super::{core, locarno, rare};

    #[test]
    fn classes_have_their_form_and_no_blank_at_the_ends_of_the_draw() {
        for draw in [0.0, 0.5, 0.999_999] {
            assert_eq!(rare(draw).len(), 4);
            assert_eq!(core(420_600, draw).len(), 4);
            assert_eq!(locarno(draw).len(), 5);
        }
        assert_eq!(rare(0.0), "A01B");
        assert_eq!(rare(0.999_999), "H05H");
    }
}
