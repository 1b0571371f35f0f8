//! The estimators by name. A new one is a file here and a line of the list.

mod twfe;

use crate::estimator::Estimator;

/// Alphabetical.
pub static ALL: &[&dyn Estimator] = &[&twfe::Twfe];

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
