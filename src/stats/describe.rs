//! Descriptive statistics of one column.

use crate::twofold;

/// The summary of a column's values that are not missing. NaN where there are too few of them.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub n: usize,
    pub missing: usize,
    pub mean: f64,
    /// Over n - 1.
    pub sd: f64,
    pub min: f64,
    pub p25: f64,
    pub median: f64,
    pub p75: f64,
    pub max: f64,
}

pub fn summary(values: &[Option<f64>]) -> Summary {
    let mut sorted: Vec<f64> = values.iter().flatten().copied().collect();
    sorted.sort_by(f64::total_cmp);
    Summary {
        n: sorted.len(),
        missing: values.len() - sorted.len(),
        mean: if sorted.is_empty() { f64::NAN } else { twofold::mean(&sorted) },
        sd: standard_deviation(&sorted),
        min: sorted.first().copied().unwrap_or(f64::NAN),
        p25: quantile(&sorted, 0.25),
        median: quantile(&sorted, 0.5),
        p75: quantile(&sorted, 0.75),
        max: sorted.last().copied().unwrap_or(f64::NAN),
    }
}

/// Over n - 1; NaN of fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = twofold::mean(values);
    let deviations: Vec<f64> = values.iter().map(|value| value - mean).collect();
    let variance = twofold::dot(&deviations, &deviations).value() / (values.len() - 1) as f64;
    variance.sqrt()
}

/// Type 7 of Hyndman & Fan (1996), the default of R and NumPy: linear between order statistics, (n-1)p + 1.
pub(crate) fn quantile(sorted: &[f64], probability: f64) -> f64 {
    let Some(last) = sorted.len().checked_sub(1) else { return f64::NAN };
    let position = probability * last as f64;
    let below = position.floor() as usize;
    let (low, high) = (sorted[below], sorted[(below + 1).min(last)]);
    low + (position - below as f64) * (high - low)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[Option<f64>], expected: [f64; 9]) {
        let Summary { n, missing, mean, sd, min, p25, median, p75, max } = summary(values);
        let found = [n as f64, missing as f64, mean, sd, min, p25, median, p75, max];
        for (found, expected) in found.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-15 || (found.is_nan() && expected.is_nan()), "{values:?}: {found}");
        }
    }

    #[test]
    fn statistics_are_those_of_r() {
        let nan = f64::NAN;
        check(&[], [0.0, 0.0, nan, nan, nan, nan, nan, nan, nan]);
        check(&[None], [0.0, 1.0, nan, nan, nan, nan, nan, nan, nan]);
        check(&[Some(3.0), None], [1.0, 1.0, 3.0, nan, 3.0, 3.0, 3.0, 3.0, 3.0]);
        // R: x <- c(4, 1, 10, 2); mean(x); sd(x); quantile(x)
        let four = [4.0, 1.0, 10.0, 2.0].map(Some);
        check(&four, [4.0, 0.0, 4.25, 16.25_f64.sqrt(), 1.0, 1.75, 3.0, 5.5, 10.0]);
        // The deviations of large numbers survive their mean.
        let large = [1e9 + 1.0, 1e9 + 2.0, 1e9 + 3.0].map(Some);
        check(&large, [3.0, 0.0, 1e9 + 2.0, 1.0, 1e9 + 1.0, 1e9 + 1.5, 1e9 + 2.0, 1e9 + 2.5, 1e9 + 3.0]);
    }
}
