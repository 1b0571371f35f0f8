//! One walk over a stage gives its key and the explanation of the key.
//! Knows no stage: a stage describes itself to a `Manifest`; the hasher and the record are two of them.

use crate::digest::{Digest, Hasher};
use serde::{Deserialize, Serialize};

/// Takes the facts that may change a result, as named leaves in a fixed order.
pub trait Manifest {
    /// One fact. `name` is a path such as `options.cluster` or `columns.population.header[0]`.
    fn leaf(&mut self, name: &str, value: &str);
}

/// Writing of facts other than text; numbers by their shortest exact form.
impl dyn Manifest + '_ {
    pub fn text(&mut self, name: &str, value: &str) {
        self.leaf(name, value);
    }

    pub fn number(&mut self, name: &str, value: f64) {
        self.leaf(name, &format!("{value:?}"));
    }

    pub fn int(&mut self, name: &str, value: i64) {
        self.leaf(name, &value.to_string());
    }

    pub fn flag(&mut self, name: &str, value: bool) {
        self.leaf(name, if value { "true" } else { "false" });
    }

    /// An absent option and an empty one differ.
    pub fn maybe(&mut self, name: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.leaf(name, value);
        }
    }

    /// The length is a leaf too, so that a list and its beginning differ.
    pub fn list(&mut self, name: &str, values: &[String]) {
        self.leaf(&format!("{name}.len"), &values.len().to_string());
        for (index, value) in values.iter().enumerate() {
            self.leaf(&format!("{name}[{index}]"), value);
        }
    }
}

/// The manifest kept in a record and compared by `why`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leaves(pub Vec<(String, String)>);

impl Manifest for Leaves {
    fn leaf(&mut self, name: &str, value: &str) {
        self.0.push((name.to_string(), value.to_string()));
    }
}

impl Manifest for Hasher {
    fn leaf(&mut self, name: &str, value: &str) {
        self.text(name).text(value);
    }
}

impl Leaves {
    /// The digest that a `Hasher` of the same domain gives for the same walk.
    pub fn digest(&self, domain: &str) -> Digest {
        let mut hasher = Hasher::new(domain);
        for (name, value) in &self.0 {
            hasher.leaf(name, value);
        }
        hasher.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hasher_and_the_leaves_agree_and_boundaries_count() {
        let walk = |manifest: &mut dyn Manifest| {
            manifest.text("a", "bc");
            manifest.list("l", &["x".to_string()]);
        };
        let mut leaves = Leaves::default();
        walk(&mut leaves);
        let mut hasher = Hasher::new("d");
        walk(&mut hasher);
        assert_eq!(leaves.digest("d"), hasher.finish());
        let shifted = Leaves(vec![("ab".to_string(), "c".to_string())]);
        let straight = Leaves(vec![("a".to_string(), "bc".to_string())]);
        assert_ne!(shifted.digest("d"), straight.digest("d"));
    }
}
