//! Differences between groups against separate fits, their joint scores, and the golden permutation.

use super::*;
use crate::design::{Options as DesignOptions, Vcov};
use crate::estimator::tests::regions;
use crate::formula;
use crate::reference::Frame;

fn design(frame: &Frame, formula: &str, cluster: &str, small_sample: SmallSample) -> Design {
    let vcov = Vcov::Cluster(vec![cluster.to_string()]);
    let options = DesignOptions { vcov, small_sample, ..DesignOptions::default() };
    Design::new(&formula::parse(formula).expect(formula), &frame.data(), &options).expect(formula)
}

fn fit(design: &Design) -> Fit {
    estimators::find("twfe").expect("twfe").fit(design).expect("a fit")
}

/// 1 for units with an odd number; `by_year` for odd years.
fn halves() -> Frame {
    let frame = regions();
    let odd = |name: &str| -> Vec<Option<f64>> {
        frame.numbers(name).iter().map(|number| number.map(|number| number % 2.0)).collect()
    };
    let (half, by_year) = (odd("unit"), odd("time"));
    frame.with("half", half).with("by_year", by_year)
}

fn half_of(design: &Design, frame: &Frame, column: &str, value: f64) -> Design {
    let rows: Vec<usize> = (0..design.n_obs()).filter(|row| frame.numbers(column)[*row] == Some(value)).collect();
    design.subset(&rows, &DropReason::OtherGroup)
}

/// The estimates are those of two regressions; groups of whole clusters have independent estimates, whose variances add up.
#[test]
fn interacted_and_separate_regressions_agree_with_two_regressions() {
    let frame = halves();
    for formula in ["y ~ x + p | unit + time", "y ~ x + p | time", "y ~ x + p"] {
        // Without factors of size the parts of the sandwich add up to the last digits.
        let design = design(&frame, formula, "unit", SmallSample::None);
        let parts = [0.0, 1.0].map(|value| fit(&half_of(&design, &frame, "half", value)));
        let found = interacted(&design, &frame.data(), "half").expect(formula);
        let separate = separate(&design, &frame.data(), "half").expect(formula);
        assert_eq!(found.groups, ["0", "1"].map(str::to_string));
        assert_eq!(found.n_obs, [parts[0].n_obs, parts[1].n_obs]);
        for (difference, other) in found.differences.iter().zip(&separate.differences) {
            let [first, second] = parts.each_ref().map(|part| {
                part.coefficients.iter().find(|coefficient| coefficient.term == difference.term).expect("a term")
            });
            let expected = (first.std_error.powi(2) + second.std_error.powi(2)).sqrt();
            for (found, expected) in [
                (difference.first.estimate, first.estimate),
                (difference.second.estimate, second.estimate),
                (difference.difference.estimate, second.estimate - first.estimate),
                (difference.first.std_error, first.std_error),
                (difference.second.std_error, second.std_error),
                (difference.difference.std_error, expected),
                (other.difference.estimate, second.estimate - first.estimate),
                // G/(G-1) with sixty clusters.
                (other.difference.std_error, expected * (60.0_f64 / 59.0).sqrt()),
            ] {
                assert!((found - expected).abs() < 1e-11, "{formula} {}: {found} {expected}", difference.term);
            }
            let z = other.difference.estimate / other.difference.std_error;
            assert_eq!(other.difference.p_value, crate::tails::normal_two_sided(z));
        }
        let joint = found.joint.expect("a test");
        assert_eq!((joint.freedom, joint.denominator), (2, Some(59.0)));
    }
}

/// Groups that share clusters: the joint variance from the scores of the two regressions, by definition.
#[test]
fn shared_clusters_make_estimates_correlated() {
    let frame = halves();
    let design = design(&frame, "y ~ 0 + x", "unit", SmallSample::None);
    let found = separate(&design, &frame.data(), "by_year").expect("a comparison");
    let numbers = |name: &str| -> Vec<f64> { frame.numbers(name).iter().map(|value| value.expect("there")).collect() };
    let (x, y, unit, odd) = (numbers("x"), numbers("y"), numbers("unit"), numbers("by_year"));
    let rows = |half: f64| (0..x.len()).filter(|row| odd[*row] == half).collect::<Vec<_>>();
    let square = |half: f64| rows(half).into_iter().map(|row| x[row] * x[row]).sum::<f64>();
    let slope = |half: f64| rows(half).into_iter().map(|row| x[row] * y[row]).sum::<f64>() / square(half);
    let mut variance = 0.0;
    for cluster in 0..60 {
        let score = |half: f64| {
            let own = rows(half).into_iter().filter(|row| unit[*row] == f64::from(cluster));
            own.map(|row| x[row] * (y[row] - slope(half) * x[row])).sum::<f64>() / square(half)
        };
        variance += (score(1.0) - score(0.0)).powi(2);
    }
    let expected = (variance * 60.0 / 59.0).sqrt();
    let difference = &found.differences[0].difference;
    assert!((difference.estimate - (slope(1.0) - slope(0.0))).abs() < 1e-12);
    assert!((difference.std_error - expected).abs() < 1e-12, "{} {expected}", difference.std_error);
}

/// Seven units, means of 1.2, .8, 1.5, 1.1 and of .4, .9, .6: of the 35 ways to form the groups 3 differ by as much.
#[test]
fn all_ways_to_form_two_groups_are_made() {
    let csv = "unit,y,one,g\n1,1.2,1,0\n2,0.8,1,0\n3,1.5,1,0\n4,1.1,1,0\n5,0.4,1,1\n6,0.9,1,1\n7,0.6,1,1\n";
    let frame = Frame::read(csv);
    let design = design(&frame, "y ~ 0 + one", "unit", SmallSample::Fixest);
    let [term, group, unit] = ["one", "g", "unit"].map(str::to_string);
    let options = Options { term, group, unit, draws: 1000, random: Random::new(1, 1) };
    let found = permuted(&design, &frame.data(), &options).expect("a test");
    assert!((found.difference + 0.516_666_666_666_666_7).abs() < 1e-14, "{}", found.difference);
    assert_eq!((found.draws.len(), found.enumerated, found.n_beyond), (35, true, 3));
    assert!((found.p_value - 3.0 / 35.0).abs() < 1e-15);
    assert_eq!(found.n_units, [4, 3]);
    // Fewer draws than ways are random, and keep the sizes.
    let found = permuted(&design, &frame.data(), &Options { draws: 20, ..options }).expect("a test");
    assert_eq!((found.draws.len(), found.enumerated), (20, false));
    assert_eq!(found.p_value, (1 + found.n_beyond) as f64 / 21.0);
    // A mean of four and one of three: the total is 6.5 whatever the labels.
    for drawn in found.draws.iter().flatten() {
        let second = (6.5 + 4.0 * drawn) / 7.0;
        assert!((second * 30.0 - (second * 30.0).round()).abs() < 1e-9, "{drawn}");
    }
}

#[test]
fn random_groups_are_estimated_with_their_own_effects() {
    let frame = halves();
    let design = design(&frame, "y ~ x + p | unit + time", "unit", SmallSample::Fixest);
    let [term, group, unit] = ["x", "half", "unit"].map(str::to_string);
    let options = Options { term, group, unit, draws: 5, random: Random::new(1, 1) };
    let found = permuted(&design, &frame.data(), &options).expect("a test");
    for (draw, drawn) in found.draws.iter().enumerate() {
        let order = options.random.permutation(draw as u64, 60);
        let second: Vec<f64> = order[..found.n_units[1]].iter().map(|unit| *unit as f64).collect();
        let [first, second] = [false, true].map(|wanted| {
            let units = frame.numbers("unit");
            let is_wanted = |row: &usize| second.contains(&units[*row].expect("a unit")) == wanted;
            let rows: Vec<usize> = (0..design.n_obs()).filter(is_wanted).collect();
            fit(&design.subset(&rows, &DropReason::OtherGroup)).coefficients[0].estimate
        });
        assert!((drawn.expect("defined") - (second - first)).abs() < 1e-12);
    }
    let comparison = interacted(&design, &frame.data(), "half").expect("a comparison");
    assert!((comparison.differences[0].difference.estimate - found.difference).abs() < 1e-12);
}

#[test]
fn groups_that_cannot_be_compared_say_why() {
    let frame = halves();
    let design = design(&frame, "y ~ x | unit + time", "unit", SmallSample::Fixest);
    let message = interacted(&design, &frame.data(), "group").expect_err("six groups").to_string();
    assert_eq!(message, "`group` has 6 values in the sample, and two groups are compared: [0, 1, 2, 3, 4, 5]");
    let [term, group, unit] = ["x", "by_year", "unit"].map(str::to_string);
    let options = Options { term, group, unit, draws: 5, random: Random::new(1, 1) };
    let message = permuted(&design, &frame.data(), &options).expect_err("years").to_string();
    assert_eq!(message, "`0` is in both groups of `by_year`");
    let none = Options { group: "half".to_string(), draws: 0, ..options };
    assert!(permuted(&design, &frame.data(), &none).is_err());
}

#[test]
fn choices_are_counted_and_listed() {
    assert_eq!((ways(7, 3), ways(5, 0), ways(5, 5), ways(300, 150)), (35, 1, 1, u64::MAX));
    let mut combination = vec![0, 1];
    let mut all = Vec::new();
    for _ in 0..ways(4, 2) {
        all.push(combination.clone());
        next_combination(&mut combination, 4);
    }
    assert_eq!(all, [[0, 1], [0, 2], [0, 3], [1, 2], [1, 3], [2, 3]]);
}
