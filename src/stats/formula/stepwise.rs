//! Formulas that stand for several models: `sw(a, b)`, `csw(a, b)` and their kin. Knows no tokens.

/// A summand as written.
pub(super) enum Part<Item> {
    Always(Item),
    Stepwise { kind: Stepwise, arguments: Vec<Vec<Item>> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Stepwise {
    /// Each model has the arguments before too.
    cumulative: bool,
    /// The first model has none.
    from_none: bool,
}

/// The function called `name`.
pub(super) fn find(name: &str) -> Option<Stepwise> {
    let (cumulative, from_none) = match name {
        "sw" => (false, false),
        "sw0" => (false, true),
        "csw" => (true, false),
        "csw0" => (true, true),
        _ => return None,
    };
    Some(Stepwise { cumulative, from_none })
}

/// The sums that `parts` stand for, the choices of the first stepwise function outermost. `None` where there are more
/// than `limit`.
pub(super) fn variants<Item: Clone>(
    parts: &[Part<Item>],
    limit: usize,
    push: impl Fn(&mut Vec<Item>, Item),
) -> Option<Vec<Vec<Item>>> {
    let mut variants: Vec<Vec<Item>> = vec![Vec::new()];
    for part in parts {
        match part {
            Part::Always(item) => variants.iter_mut().for_each(|variant| push(variant, item.clone())),
            Part::Stepwise { kind, arguments } => {
                let choices = choices(*kind, arguments);
                if variants.len().saturating_mul(choices.len()) > limit {
                    return None;
                }
                variants = variants
                    .iter()
                    .flat_map(|variant| choices.iter().map(move |choice| (variant, choice)))
                    .map(|(variant, choice)| {
                        let mut variant = variant.clone();
                        choice.iter().for_each(|item| push(&mut variant, item.clone()));
                        variant
                    })
                    .collect();
            }
        }
    }
    Some(variants)
}

fn choices<Item: Clone>(kind: Stepwise, arguments: &[Vec<Item>]) -> Vec<Vec<Item>> {
    let mut choices: Vec<Vec<Item>> = if kind.from_none { vec![Vec::new()] } else { Vec::new() };
    for (index, argument) in arguments.iter().enumerate() {
        choices.push(if kind.cumulative { arguments[..=index].concat() } else { argument.clone() });
    }
    choices
}
