//! Words of a Chinese text, by a word list with frequencies: the most probable way to cut it (jieba's algorithm), counted.
//! Only owner of jieba-rs. The list comes from the study, so that what is counted is in its data; knows no word of its own.

use jieba_rs::Jieba;

/// A word and how often it occurs in the corpus that the list was made from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The word.
    pub text: String,
    /// Its frequency.
    pub frequency: u64,
}

/// What becomes of characters that form no listed word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unknown {
    /// Put together to words where a hidden Markov model finds that likely; jieba's default.
    Guess,
    /// One token each.
    Characters,
}

/// What is wrong with a word list.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SegmentError {
    /// Nothing to cut by.
    #[error("the word list is empty")]
    NoWords,
    /// A word that is none.
    #[error("row {row} of the word list, `{word}`, is empty or has a blank")]
    Word {
        /// From 1.
        row: usize,
        /// The word.
        word: String,
    },
    /// A word that cannot be weighed.
    #[error("the word `{word}` has the frequency 0")]
    Frequency {
        /// The word.
        word: String,
    },
    /// What the list says cannot be used.
    #[error("the word list cannot be used: {cause}")]
    List {
        /// Why.
        cause: String,
    },
}

/// A word list, ready to cut by.
pub struct Segmenter {
    jieba: Jieba,
    unknown: Unknown,
}

impl Segmenter {
    /// Checks the words.
    pub fn new(words: &[Word], unknown: Unknown) -> Result<Segmenter, SegmentError> {
        if words.is_empty() {
            return Err(SegmentError::NoWords);
        }
        let mut list = String::new();
        for (index, Word { text, frequency }) in words.iter().enumerate() {
            if text.is_empty() || text.contains(char::is_whitespace) {
                return Err(SegmentError::Word { row: index + 1, word: text.clone() });
            }
            if *frequency == 0 {
                return Err(SegmentError::Frequency { word: text.clone() });
            }
            list.push_str(&format!("{text} {frequency} n\n"));
        }
        let jieba =
            Jieba::with_dict(&mut list.as_bytes()).map_err(|error| SegmentError::List { cause: error.to_string() })?;
        Ok(Segmenter { jieba, unknown })
    }

    /// Tokens with at least one letter, digit or Han character: punctuation and blanks are none.
    pub fn count(&self, text: &str) -> u64 {
        let tokens = self.jieba.cut(text, self.unknown == Unknown::Guess);
        tokens.iter().filter(|token| token.word.contains(char::is_alphanumeric)).count() as u64
    }

    /// The same tokens themselves.
    pub fn tokens<'a>(&self, text: &'a str) -> Vec<&'a str> {
        let tokens = self.jieba.cut(text, self.unknown == Unknown::Guess);
        tokens.iter().map(|token| token.word).filter(|word| word.contains(char::is_alphanumeric)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[(&str, u64)]) -> Vec<Word> {
        words.iter().map(|(text, frequency)| Word { text: text.to_string(), frequency: *frequency }).collect()
    }

    #[test]
    fn the_most_probable_way_is_taken() {
        let list = words(&[("科技", 100), ("创新", 100), ("科技创新", 20), ("推进", 50), ("和", 900), ("成果", 20)]);
        let segmenter = Segmenter::new(&list, Unknown::Characters).expect("a list");
        // 20/1190 is more than (100/1190)², so the long word is taken.
        let text = "推进科技创新,和 成果3.5%转化。GDP";
        assert_eq!(segmenter.tokens(text), ["推进", "科技创新", "和", "成果", "3", "5", "转", "化", "GDP"]);
        assert_eq!(segmenter.count(text), 9);
        assert_eq!(segmenter.count(" ，。"), 0);
        let rare = words(&[("科技", 1000), ("创新", 1000), ("科技创新", 1), ("和", 900)]);
        let segmenter = Segmenter::new(&rare, Unknown::Characters).expect("a list");
        assert_eq!(segmenter.tokens("科技创新"), ["科技", "创新"]);
    }

    #[test]
    fn characters_of_no_word_can_be_put_together() {
        let list = words(&[("他", 500), ("来到", 200), ("了", 800), ("网易", 10), ("大厦", 10)]);
        let text = "他来到了网易杭研大厦";
        let tokens = |unknown| Segmenter::new(&list, unknown).expect("a list").tokens(text).join("/");
        assert_eq!(tokens(Unknown::Guess), "他/来到/了/网易/杭研/大厦");
        assert_eq!(tokens(Unknown::Characters), "他/来到/了/网易/杭/研/大厦");
    }

    #[test]
    fn a_wrong_list_is_refused() {
        for (list, expected) in [
            (words(&[]), "the word list is empty"),
            (words(&[("科技", 1), ("", 1)]), "row 2 of the word list, ``, is empty or has a blank"),
            (words(&[("科 技", 1)]), "row 1 of the word list, `科 技`, is empty or has a blank"),
            (words(&[("科技", 0)]), "the word `科技` has the frequency 0"),
        ] {
            assert_eq!(Segmenter::new(&list, Unknown::Guess).err().expect("refused").to_string(), expected);
        }
    }
}
