//! What a stage may take while it runs: time, tries, and amounts of what the machine has (`cpu`, `memory`) or the user
//! counts (`stata: 1`, for one licence). None of it can change a result, so none of it is in a key.

use crate::yaml::fields::Fields;
use std::collections::BTreeMap;

/// The options `limits:` and `retries:` of a stage.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Limits {
    /// Seconds after which a try is stopped and counts as failed.
    pub seconds: Option<f64>,
    /// Further tries after a failure.
    pub retries: u32,
    /// Amounts held while running; bytes for `memory`. Absent: one `cpu`, nothing else.
    pub amounts: BTreeMap<String, u64>,
}

/// How much of each there is; a name that nobody limits has one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capacity(pub BTreeMap<String, u64>);

pub const CPU: &str = "cpu";
pub const MEMORY: &str = "memory";

impl Limits {
    /// Reads the options every stage may have.
    pub fn parse(fields: &Fields) -> Limits {
        let mut limits = Limits { seconds: None, retries: 0, amounts: BTreeMap::from([(CPU.to_string(), 1)]) };
        for entry in fields.map("limits").unwrap_or_default() {
            let text = entry.node.value.scalar_text().unwrap_or_default();
            if entry.key == "time" {
                limits.seconds = duration(&text);
                if limits.seconds.is_none() {
                    fields.complain(&entry.node, format!("`{text}` is no duration; write `90s`, `10m` or `2h`"));
                }
            } else if let Some(amount) = amount_node(fields, entry) {
                limits.amounts.insert(entry.key.clone(), amount);
            }
        }
        if let Some(retries) = fields.int("retries") {
            match u32::try_from(retries) {
                Ok(retries) if retries <= 100 => limits.retries = retries,
                _ => fields.complain(fields.self_node(), "`retries` must lie between 0 and 100"),
            }
        }
        limits
    }
}

impl Capacity {
    /// Reads the option `limits:` of the whole study.
    pub fn parse(fields: &Fields) -> Capacity {
        let entries = fields.map("limits").unwrap_or_default();
        Capacity(entries.iter().filter_map(|entry| Some((entry.key.clone(), amount_node(fields, entry)?))).collect())
    }

    /// What is there of `name`. A stage that wants more than there is takes all of it and runs alone.
    pub fn of(&self, name: &str) -> u64 {
        self.0.get(name).copied().unwrap_or(if name == MEMORY { u64::MAX } else { 1 })
    }
}

fn amount_node(fields: &Fields, entry: &crate::yaml::Entry) -> Option<u64> {
    let text = entry.node.value.scalar_text().unwrap_or_default();
    let amount = amount(&text);
    if amount.is_none() {
        fields.complain(&entry.node, format!("`{text}` is no amount; write `2`, `512M` or `4G`"));
    }
    amount
}

/// A whole number, with `K`, `M`, `G` or `T` behind it in powers of 1,024.
pub fn amount(text: &str) -> Option<u64> {
    let (number, shift) = match text.trim().trim_end_matches(['b', 'B', 'i']) {
        "" => return None,
        text => match text.as_bytes()[text.len() - 1].to_ascii_uppercase() {
            b'K' => (&text[..text.len() - 1], 10),
            b'M' => (&text[..text.len() - 1], 20),
            b'G' => (&text[..text.len() - 1], 30),
            b'T' => (&text[..text.len() - 1], 40),
            _ => (text, 0),
        },
    };
    number.trim().parse::<u64>().ok()?.checked_mul(1 << shift).filter(|amount| *amount > 0)
}

/// Seconds from `90`, `90s`, `1.5m`, `2h` or `1d`.
pub fn duration(text: &str) -> Option<f64> {
    let text = text.trim();
    let (number, unit) = match text.chars().last()? {
        's' => (&text[..text.len() - 1], 1.0),
        'm' => (&text[..text.len() - 1], 60.0),
        'h' => (&text[..text.len() - 1], 3600.0),
        'd' => (&text[..text.len() - 1], 86_400.0),
        _ => (text, 1.0),
    };
    let seconds = number.trim().parse::<f64>().ok()? * unit;
    (seconds.is_finite() && seconds > 0.0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_and_durations_are_read_with_their_units() {
        for (text, expected) in [
            ("2", Some(2)),
            ("512M", Some(512 << 20)),
            ("4 GiB", Some(4 << 30)),
            ("4gb", Some(4 << 30)),
            ("0", None),
            ("-1", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(amount(text), expected, "{text}");
        }
        for (text, expected) in [
            ("90", Some(90.0)),
            ("90s", Some(90.0)),
            ("1.5m", Some(90.0)),
            ("2h", Some(7200.0)),
            ("0s", None),
            ("soon", None),
            ("", None),
        ] {
            assert_eq!(duration(text), expected, "{text}");
        }
    }
}
