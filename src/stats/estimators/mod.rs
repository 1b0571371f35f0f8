//! The estimators by name. A new one is a file here and a line of the list.

mod iv;
mod logit;
mod ppml;
mod twfe;

use crate::estimator::Estimator;
use crate::formula::Formula;

/// Alphabetical.
pub static ALL: &[&dyn Estimator] = &[&iv::Iv, &logit::Logit, &ppml::Ppml, &twfe::Twfe];

/// The estimator of a formula that names none.
pub fn default_for(formula: &Formula) -> &'static dyn Estimator {
    if formula.has_instruments() { &iv::Iv } else { &twfe::Twfe }
}

/// The estimator called `name`.
pub fn find(name: &str) -> Option<&'static dyn Estimator> {
    ALL.iter().copied().find(|estimator| estimator.name() == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn estimators_are_found_by_their_names() {
        let names: Vec<&str> = ALL.iter().map(|estimator| estimator.name()).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(names.iter().all(|name| find(name).is_some_and(|estimator| estimator.name() == *name)));
        assert!(find("TWFE").is_none());
    }
}
