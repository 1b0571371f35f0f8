//! Composite indices of several indicators over pooled rows (METHODS 1.2 and 3.2).
//!
//! zᵢⱼ is the indicator on its range, 0 the worst row and 1 the best: (x - min)/(max - min), turned over where the sign
//! is negative. Minimum, maximum, shares and n are those of the rows that have every indicator; the others have no score.
//!
//! | method | weights | score |
//! |---|---|---|
//! | entropy | wⱼ ∝ 1 - eⱼ, eⱼ = -Σᵢ pᵢⱼ ln pᵢⱼ / ln n, pᵢⱼ ∝ zᵢⱼ + shift | Σ wⱼ zⱼ, from 0 to 1 |
//! | equal | all the same | Σ wⱼ zⱼ, from 0 to 1 |
//! | critic | wⱼ ∝ sdⱼ Σₖ (1 - rⱼₖ), Diakoulaki et al. (1995) | Σ wⱼ zⱼ, from 0 to 1 |
//! | topsis | those of entropy | d⁻/(d⁺ + d⁻), distances of wz to the worst and best, from 0 to 1 |
//! | pca | Σₖ (λₖ/Σλ) vₖⱼ over the components with λ > 1 | Σ wⱼ sⱼ, mean 0, any size |
//!
//! For pca sⱼ is the signed indicator less its mean over its standard deviation (n - 1), λ and v come from the correlation
//! matrix, the first component always counts, and each component's sign makes the loading of the first indicator positive.
//! Its weights can be negative and do not sum to 1.

use super::MISSING_INPUT;
use crate::describe;
use crate::eigen;
use crate::error::StatsError;
use crate::twofold;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Critic,
    Entropy,
    Equal,
    Pca,
    Topsis,
}

/// Whether more is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    Positive,
    Negative,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndexOptions {
    pub method: Method,
    /// Added to z before its logarithm is taken: METHODS 1.2, step 2.
    pub shift: f64,
}

#[derive(Clone, Copy, Debug)]
pub struct Indicator<'a> {
    pub name: &'a str,
    pub sign: Sign,
    /// One per row.
    pub values: &'a [Option<f64>],
}

#[derive(Clone, Debug, PartialEq)]
pub struct Index {
    /// One per row.
    pub scores: Vec<Option<f64>>,
    /// The code of why a row has no score.
    pub reason: Vec<Option<&'static str>>,
    /// One per indicator, in their order.
    pub weights: Vec<Weight>,
    pub warnings: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Weight {
    pub indicator: String,
    pub sign: Sign,
    /// Over the complete rows.
    pub min: f64,
    pub max: f64,
    /// e, where the method needs it.
    pub entropy: Option<f64>,
    /// 1 - e.
    pub divergence: Option<f64>,
    pub weight: f64,
}

/// Correlations are right to their last digits only: of uncorrelated indicators every eigenvalue is 1, give or take
/// these, and of indicators that move as one every conflict is 0.
const ROUNDING: f64 = 1e-12;

/// Scores every row that has all indicators.
pub fn index(indicators: &[Indicator], options: &IndexOptions) -> Result<Index, StatsError> {
    let complete = complete_rows(indicators)?;
    let columns: Vec<Vec<f64>> =
        indicators.iter().map(|indicator| complete.iter().filter_map(|row| indicator.values[*row]).collect()).collect();
    let mut weights: Vec<Weight> = indicators
        .iter()
        .zip(&columns)
        .map(|(indicator, column)| Weight {
            indicator: indicator.name.to_string(),
            sign: indicator.sign,
            min: column.iter().copied().fold(f64::INFINITY, f64::min),
            max: column.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            entropy: None,
            divergence: None,
            weight: 0.0,
        })
        .collect();
    let varying: Vec<usize> = (0..weights.len()).filter(|index| weights[*index].min < weights[*index].max).collect();
    if varying.is_empty() {
        return Err(StatsError::AllConstant {
            indicators: weights.into_iter().map(|weight| weight.indicator).collect(),
        });
    }
    let warnings = weights
        .iter()
        .filter(|weight| weight.min == weight.max)
        .map(|weight| format!("indicator `{}` is {} in every row and has no weight", weight.indicator, weight.min))
        .collect();
    let ranged: Vec<Vec<f64>> = varying.iter().map(|index| on_its_range(&columns[*index], &weights[*index])).collect();
    if matches!(options.method, Method::Entropy | Method::Topsis) {
        for (index, column) in varying.iter().zip(&ranged) {
            let entropy = entropy(column, options.shift);
            weights[*index].entropy = Some(entropy);
            weights[*index].divergence = Some(1.0 - entropy);
        }
    }
    let raw: Vec<f64> = match options.method {
        Method::Entropy | Method::Topsis => varying.iter().filter_map(|index| weights[*index].divergence).collect(),
        Method::Equal => vec![1.0; varying.len()],
        Method::Critic => critic(&ranged),
        Method::Pca => Vec::new(),
    };
    let (shares, scores) = match options.method {
        Method::Pca => principal_components(&ranged),
        Method::Topsis => {
            let shares = shares(raw);
            let scores = closeness(&ranged, &shares);
            (shares, scores)
        }
        Method::Critic | Method::Entropy | Method::Equal => {
            let shares = shares(raw);
            let scores = weighted(&ranged, &shares);
            (shares, scores)
        }
    };
    varying.iter().zip(&shares).for_each(|(index, share)| weights[*index].weight = *share);
    let rows = indicators.iter().map(|indicator| indicator.values.len()).max().unwrap_or(0);
    let mut index = Index { scores: vec![None; rows], reason: vec![Some(MISSING_INPUT); rows], weights, warnings };
    for (row, score) in complete.into_iter().zip(scores) {
        index.scores[row] = Some(score);
        index.reason[row] = None;
    }
    Ok(index)
}

/// The rows that have every indicator.
fn complete_rows(indicators: &[Indicator]) -> Result<Vec<usize>, StatsError> {
    let rows = indicators.first().ok_or(StatsError::NoIndicators)?.values.len();
    for Indicator { name, values, .. } in indicators {
        if values.len() != rows {
            return Err(StatsError::ColumnLength { column: name.to_string(), found: values.len(), rows });
        }
        let mut wrong =
            values.iter().enumerate().filter_map(|(row, value)| Some((row, value.filter(|value| !value.is_finite())?)));
        if let Some((row, value)) = wrong.next() {
            return Err(StatsError::NotFinite {
                column: name.to_string(),
                value,
                row: row + 1,
                count: 1 + wrong.count(),
            });
        }
    }
    let complete: Vec<usize> =
        (0..rows).filter(|row| indicators.iter().all(|indicator| indicator.values[*row].is_some())).collect();
    if complete.is_empty() {
        let missing = |indicator: &Indicator| indicator.values.iter().filter(|value| value.is_none()).count();
        let missing = indicators.iter().map(|indicator| (indicator.name.to_string(), missing(indicator))).collect();
        return Err(StatsError::NoCompleteRow { missing });
    }
    Ok(complete)
}

/// z: 0 the worst, 1 the best.
fn on_its_range(column: &[f64], weight: &Weight) -> Vec<f64> {
    let Weight { min, max, sign, .. } = weight;
    let range = max - min;
    let distance = |value: f64| match sign {
        Sign::Positive => value - min,
        Sign::Negative => max - value,
    };
    column.iter().map(|value| distance(*value) / range).collect()
}

/// e of one indicator, 1 where all rows have the same share.
fn entropy(column: &[f64], shift: f64) -> f64 {
    let total = twofold::sum(column.iter().map(|value| value + shift)).value();
    let term = |value: &f64| {
        let share = (value + shift) / total;
        if share > 0.0 { share * core_math::log(share) } else { 0.0 }
    };
    -twofold::sum(column.iter().map(term)).value() / core_math::log(column.len() as f64)
}

/// sdⱼ Σₖ (1 - rⱼₖ); equal weights where all indicators move as one.
fn critic(columns: &[Vec<f64>]) -> Vec<f64> {
    let standardised: Vec<Vec<f64>> = columns.iter().map(|column| standardised(column)).collect();
    let raw: Vec<f64> = columns
        .iter()
        .zip(&standardised)
        .map(|(column, one)| {
            let conflict = twofold::sum(standardised.iter().map(|other| 1.0 - correlation(one, other))).value();
            describe::standard_deviation(column) * conflict.max(0.0)
        })
        .collect();
    if raw.iter().all(|weight| *weight <= ROUNDING) { vec![1.0; raw.len()] } else { raw }
}

fn shares(raw: Vec<f64>) -> Vec<f64> {
    let total = twofold::sum(raw.iter().copied()).value();
    raw.into_iter().map(|weight| weight / total).collect()
}

fn weighted(columns: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let rows = columns.first().map_or(0, Vec::len);
    let score =
        |row: usize| twofold::sum(columns.iter().zip(weights).map(|(column, weight)| weight * column[row])).value();
    (0..rows).map(score).collect()
}

/// How much nearer a row is to the worst than to the best: after the range, worst is 0 and best is the weight.
fn closeness(columns: &[Vec<f64>], weights: &[f64]) -> Vec<f64> {
    let rows = columns.first().map_or(0, Vec::len);
    let distance = |row: usize, best: f64| {
        let squares = columns.iter().zip(weights).map(|(column, weight)| {
            let part = weight * (best - column[row]);
            part * part
        });
        twofold::sum(squares).value().sqrt()
    };
    (0..rows)
        .map(|row| {
            let (to_best, to_worst) = (distance(row, 1.0), distance(row, 0.0));
            to_worst / (to_best + to_worst)
        })
        .collect()
}

/// Loadings of the score on each standardised column, and the scores. A column on its range standardises like itself.
fn principal_components(columns: &[Vec<f64>]) -> (Vec<f64>, Vec<f64>) {
    let standardised: Vec<Vec<f64>> = columns.iter().map(|column| standardised(column)).collect();
    let correlations =
        standardised.iter().map(|left| standardised.iter().map(|right| correlation(left, right)).collect()).collect();
    let eigen = eigen::symmetric(&correlations);
    let kept = eigen.values.iter().filter(|value| **value > 1.0 + ROUNDING).count().max(1);
    let total = twofold::sum(eigen.values[..kept].iter().copied()).value();
    let mut loadings = vec![0.0; columns.len()];
    for (value, vector) in eigen.values.iter().zip(&eigen.vectors).take(kept) {
        let sign = if vector[0] < 0.0 { -1.0 } else { 1.0 };
        loadings.iter_mut().zip(vector).for_each(|(loading, entry)| *loading += value / total * sign * entry);
    }
    let scores = weighted(&standardised, &loadings);
    (loadings, scores)
}

/// Mean 0, standard deviation 1 over n - 1.
fn standardised(column: &[f64]) -> Vec<f64> {
    let (mean, deviation) = (twofold::mean(column), describe::standard_deviation(column));
    column.iter().map(|value| (value - mean) / deviation).collect()
}

/// Of standardised columns.
fn correlation(left: &[f64], right: &[f64]) -> f64 {
    twofold::dot(left, right).value() / (left.len() - 1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROWS: [[f64; 3]; 4] = [[10.0, 200.0, 5.0], [20.0, 100.0, 4.0], [15.0, 300.0, 1.0], [40.0, 150.0, 3.0]];

    /// Columns with a name and a sign each.
    fn scored(columns: &[(&str, Sign, Vec<Option<f64>>)], method: Method, shift: f64) -> Result<Index, StatsError> {
        let indicators: Vec<Indicator> =
            columns.iter().map(|(name, sign, values)| Indicator { name, sign: *sign, values }).collect();
        index(&indicators, &IndexOptions { method, shift })
    }

    /// The rows of METHODS 1.2 with its signs.
    fn golden() -> Vec<(&'static str, Sign, Vec<Option<f64>>)> {
        let signs = [("a", Sign::Positive), ("b", Sign::Positive), ("c", Sign::Negative)];
        let column = |position: usize| ROWS.iter().map(|row| Some(row[position])).collect();
        signs.iter().enumerate().map(|(position, (name, sign))| (*name, *sign, column(position))).collect()
    }

    fn close(found: impl Iterator<Item = Option<f64>>, expected: &[f64], tolerance: f64) {
        let found: Vec<f64> = found.map(|value| value.expect("a value")).collect();
        assert_eq!(found.len(), expected.len());
        for (one, expected) in found.iter().zip(expected) {
            assert!((one - expected).abs() <= tolerance, "{found:?} is not {expected:?}");
        }
    }

    /// Printed there with six decimals.
    #[test]
    fn entropy_is_that_of_methods_1_2() {
        for (shift, weights, scores) in [
            (0.0, [0.384336, 0.307832, 0.307832], [0.153916, 0.205070, 0.679720, 0.615210]),
            (1e-4, [0.384340, 0.307830, 0.307830], [0.153915, 0.205071, 0.679717, 0.615213]),
            (0.01, [0.383833, 0.308084, 0.308084], [0.154042, 0.204965, 0.680139, 0.614895]),
        ] {
            let index = scored(&golden(), Method::Entropy, shift).expect("an index");
            close(index.weights.iter().map(|weight| Some(weight.weight)), &weights, 5.1e-7);
            close(index.scores.iter().copied(), &scores, 5.1e-7);
            assert_eq!(index.reason, [None; 4]);
        }
        let index = scored(&golden(), Method::Entropy, 0.0).expect("an index");
        close(index.weights.iter().map(|weight| weight.entropy), &[0.612197, 0.689392, 0.689392], 5.1e-7);
        close(index.weights.iter().map(|weight| weight.divergence), &[0.387803, 0.310608, 0.310608], 5.1e-7);
        let ranges: Vec<(f64, f64)> = index.weights.iter().map(|weight| (weight.min, weight.max)).collect();
        assert_eq!(ranges, [(10.0, 40.0), (100.0, 300.0), (1.0, 5.0)]);
    }

    /// Printed there with six decimals.
    #[test]
    fn components_are_those_of_methods_3_2() {
        let points = [
            (2.5, 2.4),
            (0.5, 0.7),
            (2.2, 2.9),
            (1.9, 2.2),
            (3.1, 3.0),
            (2.3, 2.7),
            (2.0, 1.6),
            (1.0, 1.1),
            (1.5, 1.6),
            (1.1, 0.9),
        ];
        let columns = [
            ("internet", Sign::Positive, points.iter().map(|(first, _)| Some(*first)).collect()),
            ("mobile", Sign::Positive, points.iter().map(|(_, second)| Some(*second)).collect()),
        ];
        let index = scored(&columns, Method::Pca, 0.0).expect("an index");
        let expected =
            [1.03068, -2.19045, 1.178188, 0.323295, 2.072199, 1.101174, -0.087853, -1.406051, -0.538118, -1.483065];
        close(index.scores.iter().copied(), &expected, 5.1e-7);
        let half = 0.5_f64.sqrt();
        close(index.weights.iter().map(|weight| Some(weight.weight)), &[half, half], 1e-15);
        // Turned over, the second indicator moves against the first; the score is the same.
        let [first, (name, _, values)] = columns;
        let turned = values.iter().map(|value| value.map(|value| -value)).collect();
        let turned = scored(&[first, (name, Sign::Negative, turned)], Method::Pca, 0.0).expect("an index");
        close(turned.scores.iter().copied(), &expected, 5.1e-7);
        // λ of the correlation matrix: r is METHODS' .9259292727.
        let correlations: Vec<Vec<f64>> = vec![vec![1.0, 0.925929272692], vec![0.925929272692, 1.0]];
        close(
            eigen::symmetric(&correlations).values.iter().map(|value| Some(*value)),
            &[1.9259292727, 0.0740707273],
            5.1e-11,
        );
    }

    #[test]
    fn uncorrelated_indicators_have_one_component() {
        let columns = [
            ("a", Sign::Positive, [1.0, -1.0, 1.0, -1.0].map(Some).to_vec()),
            ("b", Sign::Positive, [1.0, 1.0, -1.0, -1.0].map(Some).to_vec()),
        ];
        let index = scored(&columns, Method::Pca, 0.0).expect("an index");
        assert_eq!(index.weights.iter().map(|weight| weight.weight).collect::<Vec<_>>(), [1.0, 0.0]);
    }

    #[test]
    fn other_weights_are_those_of_their_formulas() {
        let weights = |method: Method| -> Vec<f64> {
            let index = scored(&golden(), method, 0.0).expect("an index");
            index.weights.iter().map(|weight| weight.weight).collect()
        };
        assert_eq!(weights(Method::Equal), [1.0 / 3.0; 3]);
        let index = scored(&golden(), Method::Equal, 0.0).expect("an index");
        close(
            index.scores.iter().copied(),
            &[0.5 / 3.0, (1.0 / 3.0 + 0.25) / 3.0, (1.0 / 6.0 + 2.0) / 3.0, 1.75 / 3.0],
            1e-15,
        );
        // NumPy: z.std(ddof=1) * (1 - np.corrcoef(z)).sum(axis=0), divided by its sum.
        close(
            weights(Method::Critic).into_iter().map(Some),
            &[0.44059906488227196, 0.3360793409303616, 0.2233215941873664],
            1e-14,
        );
        assert_eq!(weights(Method::Topsis), weights(Method::Entropy));
        // NumPy: v = w z; d⁻/(d⁺ + d⁻) with the column extremes of v.
        let index = scored(&golden(), Method::Topsis, 0.0).expect("an index");
        let expected = [0.22978434014224433, 0.24430202004616106, 0.5787490779258861, 0.6027990573690638];
        close(index.scores.iter().copied(), &expected, 1e-14);
        // Indicators that move as one have no conflict to weigh by.
        let twin = [golden()[0].clone(), ("twin", Sign::Positive, golden()[0].2.clone())];
        let index = scored(&twin, Method::Critic, 0.0).expect("an index");
        assert_eq!(index.weights.iter().map(|weight| weight.weight).collect::<Vec<_>>(), [0.5, 0.5]);
    }

    #[test]
    fn an_incomplete_row_has_no_score_and_no_influence() {
        let mut columns = golden();
        for ((_, _, values), value) in columns.iter_mut().zip([Some(1e9), None, Some(2.0)]) {
            values.insert(1, value);
        }
        let index = scored(&columns, Method::Entropy, 1e-4).expect("an index");
        let expected = scored(&golden(), Method::Entropy, 1e-4).expect("an index");
        assert_eq!(index.weights, expected.weights);
        assert_eq!((index.scores[1], index.reason[1]), (None, Some("MISSING_INPUT")));
        assert_eq!([index.scores[0], index.scores[2], index.scores[3], index.scores[4]], expected.scores[..]);
    }

    #[test]
    fn a_constant_indicator_is_left_out_with_a_warning() {
        let mut columns = golden();
        columns.push(("flat", Sign::Positive, vec![Some(3.0); 4]));
        for method in [Method::Critic, Method::Entropy, Method::Equal, Method::Pca, Method::Topsis] {
            let index = scored(&columns, method, 1e-4).expect("an index");
            assert_eq!(index.warnings, ["indicator `flat` is 3 in every row and has no weight"]);
            assert_eq!((index.weights[3].weight, index.weights[3].entropy), (0.0, None));
            assert_eq!(index.scores, scored(&golden(), method, 1e-4).expect("an index").scores, "{method:?}");
        }
    }

    #[test]
    fn what_cannot_be_scored_is_an_error() {
        let column = |values: &[Option<f64>]| ("a", Sign::Positive, values.to_vec());
        let (some, none) = (column(&[Some(1.0), Some(2.0)]), ("b", Sign::Positive, vec![None, None]));
        for (columns, message, hint) in [
            (vec![], "an index needs at least one indicator", ""),
            (vec![some.clone(), none], "no row has all indicators; missing values: a: 0, b: 2", "missing most"),
            (vec![column(&[Some(1.0), None])], "every indicator is constant: [a]", "differs between rows"),
            (
                vec![column(&[Some(1.0), Some(f64::NAN)])],
                "column `a` holds NaN in row 2 (values that are not finite: 1)",
                "missing in the stage",
            ),
            (vec![some, column(&[Some(1.0)])], "column `a` has 1 values where there are 2 rows", ""),
        ] {
            let error = scored(&columns, Method::Entropy, 1e-4).expect_err(message);
            assert_eq!(error.to_string(), message);
            let found = error.hint().unwrap_or_default();
            assert!(found.contains(hint) && found.is_empty() == hint.is_empty(), "{message}: {found}");
        }
    }
}
