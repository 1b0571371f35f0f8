//! `margins: {treatment: d, moderator: z, product: "d:z", at: [p10, p50, p90]}`: the effect at values of a moderator, in `.margins`.

use super::{Fitted, Further};
use crate::estimate::method::{Estimated, OwnTable};
use crate::estimate::rows::Cell;
use engine::manifest::Manifest;
use engine::yaml::fields::Fields;
use stats::error::StatsError;
use stats::sensitivity::moderation;

struct Margins {
    treatment: String,
    moderator: String,
    product: String,
    at: Vec<At>,
}

/// A value of the moderator.
#[derive(Debug)]
enum At {
    /// A share of the sample lies below it.
    Quantile(f64),
    Value(f64),
}

const TABLES: &[OwnTable] = &[OwnTable {
    suffix: "margins",
    key: &["model", "at"],
    columns: &[
        ("model", "int"),
        ("at", "text"),
        ("value", "float"),
        ("estimate", "float"),
        ("std_error", "float"),
        ("statistic", "float"),
        ("p_value", "float"),
        ("conf_low", "float"),
        ("conf_high", "float"),
    ],
}];

pub fn parse(fields: &Fields) -> Option<Box<dyn Further>> {
    let (treatment, moderator) = (fields.required_text("treatment"), fields.required_text("moderator"));
    let product = fields.text("product");
    let mut at = Vec::new();
    for text in fields.texts("at").unwrap_or_default() {
        let quantile = text.value.strip_prefix('p').and_then(|share| share.parse::<f64>().ok());
        match (quantile, text.value.parse::<f64>()) {
            (Some(share), _) if (0.0..=100.0).contains(&share) => at.push(At::Quantile(share / 100.0)),
            (None, Ok(value)) if value.is_finite() => at.push(At::Value(value)),
            _ => fields.complain(fields.node("at")?, "`at` is a list of quantiles, such as p10, or of values"),
        }
    }
    if at.is_empty() {
        at = [0.1, 0.5, 0.9].map(At::Quantile).into();
    }
    let (treatment, moderator) = (treatment?.value, moderator?.value);
    let product = product.map_or_else(|| format!("{treatment}:{moderator}"), |product| product.value);
    Some(Box::new(Margins { treatment, moderator, product, at }))
}

impl Further for Margins {
    fn columns(&self) -> Vec<String> {
        vec![self.moderator.clone()]
    }

    fn describe(&self, manifest: &mut dyn Manifest) {
        let Margins { treatment, moderator, product, at } = self;
        manifest.list("terms", &[treatment.clone(), moderator.clone(), product.clone()]);
        manifest.text("at", &format!("{at:?}"));
    }

    fn own_tables(&self) -> &'static [OwnTable] {
        TABLES
    }

    fn add(&self, model: &Fitted, _found: &mut Estimated) -> Result<Vec<Vec<Vec<Cell>>>, StatsError> {
        let moderator = model.design.in_sample(model.data, &self.moderator)?;
        let values = self.at.iter().map(|at| match at {
            At::Quantile(share) => Ok(moderation::quantiles(&moderator, &[*share])?[0]),
            At::Value(value) => Ok(*value),
        });
        let values = values.collect::<Result<Vec<f64>, StatsError>>()?;
        let effects = moderation::marginal_effects(model.fit, &self.treatment, &self.product, &values, model.level)?;
        let rows = self.at.iter().zip(&effects).map(|(at, effect)| {
            let name = match at {
                At::Quantile(share) => format!("p{}", share * 100.0),
                At::Value(value) => value.to_string(),
            };
            let of = &effect.coefficient;
            let numbers =
                [effect.value, of.estimate, of.std_error, of.statistic, of.p_value, of.conf_low, of.conf_high];
            std::iter::once(name.as_str().into()).chain(numbers.map(Cell::from)).collect()
        });
        Ok(vec![rows.collect()])
    }
}
