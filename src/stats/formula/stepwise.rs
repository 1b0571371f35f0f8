//! Formulas that stand for several models: `sw(a, b)`, `csw(a, b)`, `mvsw(a, b)` and their kin. Knows no tokens.

/// A summand as written.
pub(super) enum Part<Item> {
    Always(Item),
    Stepwise { kind: Stepwise, arguments: Vec<Vec<Item>> },
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Stepwise {
    /// Each argument for itself; before them, if `from_none`, none.
    Each { from_none: bool },
    /// Each argument with those before it.
    Cumulative { from_none: bool },
    /// Every set of arguments: the smaller ones first, sets of one size in the order of the arguments.
    Sets,
}

/// The function called `name`.
pub(super) fn find(name: &str) -> Option<Stepwise> {
    Some(match name {
        "sw" => Stepwise::Each { from_none: false },
        "sw0" => Stepwise::Each { from_none: true },
        "csw" => Stepwise::Cumulative { from_none: false },
        "csw0" => Stepwise::Cumulative { from_none: true },
        "mvsw" => Stepwise::Sets,
        _ => return None,
    })
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
                let choices = choices(*kind, arguments, limit)?;
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

fn choices<Item: Clone>(kind: Stepwise, arguments: &[Vec<Item>], limit: usize) -> Option<Vec<Vec<Item>>> {
    let none = |from_none: bool| if from_none { vec![Vec::new()] } else { Vec::new() };
    match kind {
        Stepwise::Each { from_none } => Some(none(from_none).into_iter().chain(arguments.iter().cloned()).collect()),
        Stepwise::Cumulative { from_none } => {
            let sums = (1..=arguments.len()).map(|length| arguments[..length].concat());
            Some(none(from_none).into_iter().chain(sums).collect())
        }
        Stepwise::Sets => {
            let count = 1_usize.checked_shl(arguments.len() as u32).filter(|count| *count <= limit)?;
            let mut sets: Vec<Vec<usize>> =
                (0..count).map(|set| (0..arguments.len()).filter(|index| set >> index & 1 == 1).collect()).collect();
            sets.sort_by(|one, other| one.len().cmp(&other.len()).then_with(|| one.cmp(other)));
            let sum = |set: &Vec<usize>| set.iter().flat_map(|index| arguments[*index].clone()).collect();
            Some(sets.iter().map(sum).collect())
        }
    }
}
