//! Columns that several models have in common, freed of the fixed effects once. Knows columns, no model.
//!
//! A column is known again by its values, bit by bit, and a set of effects by its codes: two models share what the
//! arithmetic of either alone would give, whatever their terms are called. What is kept is bounded; beyond it the oldest
//! goes and is computed again.

use crate::demean::{self, Absorber};
use crate::design::{Design, Group};
use crate::error::StatsError;
use crate::prepare::{self, Prepared};
use crate::solve::{self, Solved};
use crate::twofold::{self, Twofold};
use crate::within::{Freed, Outcome, Regression, Source};
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, HashMap};

/// Numbers that are kept, 128 MB of them.
const KEPT: usize = 1 << 24;

/// What is kept between models that are fitted one after the other.
#[derive(Default)]
pub struct Shared {
    /// The one used last comes last.
    spaces: Vec<Space>,
}

/// Models with the same rows, effects and weights.
pub(crate) struct Space {
    absorber: Absorber<'static>,
    n_obs: usize,
    /// Whether the columns are centred.
    centred: bool,
    roots: Option<Vec<f64>>,
    columns: RefCell<Vec<Column>>,
    /// Columns by term, only to find them.
    by_term: RefCell<HashMap<String, Vec<usize>>>,
    /// Of an earlier and a later column of a model, in this order.
    products: RefCell<BTreeMap<(usize, usize), Twofold>>,
    /// Position of the constant among the columns.
    ones: Cell<Option<usize>>,
}

struct Column {
    original: Vec<f64>,
    freed: Freed,
}

impl Shared {
    /// What is known of the rows, effects and weights of a design; `None` where nothing is kept: with slopes.
    pub(crate) fn space(&mut self, design: &Design) -> Option<&Space> {
        if !design.slopes.is_empty() {
            return None;
        }
        let space = match self.spaces.iter().position(|space| space.fits(design)) {
            Some(found) => self.spaces.remove(found),
            None => Space::new(design),
        };
        let mut left = KEPT.saturating_sub(space.size());
        let mut kept: Vec<Space> = Vec::new();
        for other in self.spaces.drain(..).rev() {
            let Some(rest) = left.checked_sub(other.size()) else { break };
            left = rest;
            kept.push(other);
        }
        kept.reverse();
        kept.push(space);
        self.spaces = kept;
        self.spaces.last()
    }
}

impl Space {
    fn new(design: &Design) -> Space {
        Space {
            absorber: Absorber::lasting(design.effects.clone(), design.weights.clone(), demean::LIMIT),
            n_obs: design.n_obs(),
            centred: prepare::centred(design),
            roots: prepare::roots(design),
            columns: RefCell::default(),
            by_term: RefCell::default(),
            products: RefCell::default(),
            ones: Cell::default(),
        }
    }

    fn fits(&self, design: &Design) -> bool {
        let same = |(left, right): (&Group, &Group)| left.name == right.name && left.codes == right.codes;
        self.n_obs == design.n_obs()
            && self.centred == prepare::centred(design)
            && self.absorber.effects().len() == design.effects.len()
            && self.absorber.effects().iter().zip(&design.effects).all(same)
            && match (self.absorber.weights(), &design.weights) {
                (None, None) => true,
                (Some(left), Some(right)) => same_bits(left, right),
                _ => false,
            }
    }

    fn size(&self) -> usize {
        self.n_obs * (self.absorber.effects().len() + 2 * self.columns.borrow().len())
    }

    /// Least squares of the outcome on a regression of this space.
    pub(crate) fn least_squares(&self, regression: &Regression, outcome: &Outcome) -> Solved {
        let place = |column: usize| regression.places[column].expect("every column is of the space");
        let outcome = outcome.place.expect("the outcome is of the space");
        solve::normal_equations(
            regression.columns.len(),
            |left, right| self.product(place(left), place(right)),
            |column| self.product(place(column), outcome),
        )
    }

    fn product(&self, left: usize, right: usize) -> Twofold {
        *self.products.borrow_mut().entry((left, right)).or_insert_with(|| {
            let columns = self.columns.borrow();
            twofold::dot(&columns[left].freed.prepared.values, &columns[right].freed.prepared.values)
        })
    }

    /// Where a column is kept.
    fn place(&self, term: &str, values: &[f64]) -> Option<usize> {
        let columns = self.columns.borrow();
        let by_term = self.by_term.borrow();
        let places = by_term.get(term)?;
        places.iter().copied().find(|place| same_bits(&columns[*place].original, values))
    }

    fn push(&self, term: &str, original: Vec<f64>, mut freed: Freed) -> usize {
        let mut columns = self.columns.borrow_mut();
        let place = columns.len();
        freed.place = Some(place);
        columns.push(Column { original, freed });
        self.by_term.borrow_mut().entry(term.to_string()).or_default().push(place);
        place
    }

    /// Frees the columns that are not kept yet.
    fn learn(&self, design: &Design, columns: &[(&str, &[f64])]) -> Result<(), StatsError> {
        let mut new: Vec<(&str, &[f64])> = Vec::new();
        for (term, values) in columns {
            let is_among = new.iter().any(|(other, known)| other == term && same_bits(known, values));
            if !is_among && self.place(term, values).is_none() {
                new.push((term, values));
            }
        }
        for ((term, values), freed) in new.iter().zip(self.absorber.freed_apart(design, &new)?) {
            self.push(term, values.to_vec(), freed);
        }
        Ok(())
    }

    fn forget(&self) {
        self.columns.borrow_mut().clear();
        self.by_term.borrow_mut().clear();
        self.products.borrow_mut().clear();
        self.ones.set(None);
    }
}

impl Source for Space {
    fn absorber(&self) -> &Absorber<'_> {
        &self.absorber
    }

    fn freed(&self, design: &Design, columns: &[(&str, &[f64])]) -> Result<Vec<Freed>, StatsError> {
        if self.size() + 2 * self.n_obs * columns.len() > KEPT {
            self.forget();
        }
        self.learn(design, columns)?;
        let kept = self.columns.borrow();
        let freed = columns.iter().map(|(term, values)| {
            let place = self.place(term, values).expect("it was learned");
            kept[place].freed.clone()
        });
        Ok(freed.collect())
    }

    fn ones(&self, design: &Design) -> Freed {
        let place = self.ones.get().unwrap_or_else(|| {
            let mut ones = Prepared::ones(design);
            ones.weight(self.roots.as_deref());
            // No column of the user is empty, so that none is taken for it.
            self.push("", Vec::new(), Freed::as_it_is(ones))
        });
        self.ones.set(Some(place));
        self.columns.borrow()[place].freed.clone()
    }
}

fn same_bits(left: &[f64], right: &[f64]) -> bool {
    left.len() == right.len() && left.iter().zip(right).all(|(left, right)| left.to_bits() == right.to_bits())
}
