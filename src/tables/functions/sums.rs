//! Sums in twice the precision of a float. Given numbers in sorted order they do not depend on the order of rows.
//! Knuth for the sum, Ogita, Rump & Oishi (2005) for adding up what was rounded off.

/// `high + low`, where `low` is what rounding `high` left over.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Sum {
    pub high: f64,
    pub low: f64,
}

/// The sum of these numbers.
pub fn sum(values: impl IntoIterator<Item = f64>) -> Sum {
    let mut sum = Sum::default();
    for value in values {
        let (high, rest) = two_sum(sum.high, value);
        sum = Sum { high, low: sum.low + rest };
    }
    let (high, low) = two_sum(sum.high, sum.low);
    Sum { high, low }
}

impl Sum {
    /// This sum over a whole number.
    pub fn over(self, count: usize) -> Sum {
        let count = count as f64;
        let high = self.high / count;
        // Fused, so the remainder of the division is exact.
        let remainder = (-high).mul_add(count, self.high) + self.low;
        Sum { high, low: remainder / count }
    }

    /// How far a number is from this one.
    pub fn distance_to(self, value: f64) -> f64 {
        let (high, rest) = two_sum(value, -self.high);
        high + (rest - self.low)
    }
}

/// The rounded sum and what rounding left over.
fn two_sum(a: f64, b: f64) -> (f64, f64) {
    let sum = a + b;
    let b_there = sum - a;
    (sum, (a - (sum - b_there)) + (b - b_there))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_lost_to_larger_numbers() {
        let terms = [1e16, 1.0, 1.0, -1e16];
        assert_eq!(sum(terms).high, 2.0);
        let mean = sum([1e16, 1e16 + 2.0]).over(2);
        assert_eq!((mean.distance_to(1e16), mean.distance_to(1e16 + 2.0)), (-1.0, 1.0));
        assert_eq!(sum([]), Sum::default());
    }
}
