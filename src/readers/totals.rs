//! Finds rows that are the sum of all others, whatever they are called: a total among its parts makes every later sum twice
//! too large, and its wording changes with the edition. Works on numbers; knows no layout and no file.

/// A row that is the sum of the others.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Total {
    pub(crate) row: usize,
    /// The first column in which it is, its value, and the sum of the others there.
    pub(crate) column: usize,
    pub(crate) value: f64,
    pub(crate) sum: f64,
    /// In how many columns it is.
    pub(crate) hits: usize,
}

/// Fewer other rows than this may add up to one of them by chance.
const MIN_OTHERS: usize = 8;
/// One column may agree by chance.
const MIN_HITS: usize = 2;
/// Totals are rounded, and count what is suppressed or missing in the parts.
const TOLERANCE: f64 = 0.03;

/// The first row that is the sum of all others in at least two columns, none of which has a negative value.
pub(crate) fn find(columns: &[(usize, &[Option<f64>])]) -> Option<Total> {
    let mut totals: Vec<Total> = Vec::new();
    for (column, values) in columns {
        let there: Vec<(usize, f64)> =
            values.iter().enumerate().filter_map(|(row, value)| value.map(|value| (row, value))).collect();
        if there.len() <= MIN_OTHERS || there.iter().any(|(_, value)| *value < 0.0) {
            continue;
        }
        let all: f64 = there.iter().map(|(_, value)| value).sum();
        // Only the largest can be the sum of the others.
        let largest = there.iter().max_by(|left, right| left.1.total_cmp(&right.1).then(right.0.cmp(&left.0)));
        let Some(&(row, value)) = largest.filter(|(_, value)| *value > 0.0) else { continue };
        let sum = all - value;
        if (sum - value).abs() > TOLERANCE * value {
            continue;
        }
        match totals.iter_mut().find(|total| total.row == row) {
            Some(total) => total.hits += 1,
            None => totals.push(Total { row, column: *column, value, sum, hits: 1 }),
        }
    }
    totals.into_iter().filter(|total| total.hits >= MIN_HITS).min_by_key(|total| total.row)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_total_is_found_by_its_numbers() {
        let parts: Vec<f64> = (1..=12).map(|part| f64::from(part * part)).collect();
        let total: f64 = parts.iter().sum();
        let with = |total: Option<f64>| -> Vec<Option<f64>> {
            std::iter::once(total).chain(parts.iter().map(|part| Some(*part))).collect()
        };
        let (first, second) = (with(Some(total)), with(Some(total * 1.01)));
        let found = find(&[(3, &first), (5, &second)]).unwrap();
        assert_eq!((found.row, found.column, found.value, found.sum, found.hits), (0, 3, total, total, 2));
        // In one column it may be chance, without a value there is nothing to see, and a capital is only large.
        assert_eq!(find(&[(3, &first), (5, &with(None))]), None);
        assert_eq!(find(&[(3, &with(Some(total / 2.0))), (5, &with(Some(total / 3.0)))]), None);
        // A difference between years may sum up to anything.
        let mut negative = first.clone();
        negative[4] = Some(-1.0);
        assert_eq!(find(&[(3, &negative), (5, &first)]), None);
        assert_eq!(find(&[(0, &first[..5]), (1, &first[..5])]), None);
    }
}
