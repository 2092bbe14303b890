//! Whether something can be told from what was seen: classifiers that are trained on one half and judged on the other.

use crate::pairs::Draw;

/// What was seen of one case, and of which of two classes it is.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) seen: Vec<f64>,
    pub(crate) positive: bool,
}

/// How well a classifier tells the classes apart in cases that it was not trained on: the area under its ROC curve in two
/// samples apart, each with the standard error that a guess has (Hanley and McNeil 1982).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Verdict {
    pub(crate) classifier: &'static str,
    areas: [f64; 2],
    errors: [f64; 2],
}

impl Verdict {
    /// Whether it does better than a guess by more than three standard errors, in one sample and in the other: by chance
    /// that happens less than twice in a million verdicts.
    pub(crate) fn tells(&self) -> bool {
        let mut samples = self.areas.iter().zip(self.errors);
        samples.all(|(area, error)| 0.5 + 3.0 * error < *area)
    }
}

/// Judges every classifier on the cases: the best single feature with a threshold, and logistic regression on all.
pub(crate) fn verdicts(cases: &[Case], draw: &mut Draw) -> [Verdict; 2] {
    let mut cases: Vec<&Case> = cases.iter().collect();
    for place in (1..cases.len()).rev() {
        cases.swap(place, draw.below(place + 1));
    }
    let (train, test) = cases.split_at(cases.len() / 2);
    let samples = test.split_at(test.len() / 2);
    let best = best_feature(train);
    let model = Regression::train(train);
    let by = |classifier, score: &dyn Fn(&Case) -> f64| {
        let [one, other] = [samples.0, samples.1].map(|sample| {
            let scores: Vec<(f64, bool)> = sample.iter().map(|case| (score(case), case.positive)).collect();
            area(&scores)
        });
        Verdict {
            classifier,
            areas: [one.0, other.0],
            errors: [one.1, other.1],
        }
    };
    [
        by("best single feature", &|case| best.1 * case.seen[best.0]),
        by("logistic regression", &|case| model.score(&case.seen)),
    ]
}

/// The feature whose values tell most in the training sample, and which way.
fn best_feature(train: &[&Case]) -> (usize, f64) {
    let mut best = (0, 1.0, 0.0);
    for feature in 0..train[0].seen.len() {
        let scores: Vec<(f64, bool)> = train
            .iter()
            .map(|case| (case.seen[feature], case.positive))
            .collect();
        let told = area(&scores).0 - 0.5;
        if best.2 < told.abs() {
            best = (feature, told.signum(), told.abs());
        }
    }
    (best.0, best.1)
}

/// Area under the curve of scores, ties counted half, and its standard error where the scores tell nothing.
fn area(scores: &[(f64, bool)]) -> (f64, f64) {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0));
    let (mut positives, mut negatives, mut sum) = (0.0, 0.0, 0.0);
    for tied in sorted.chunk_by(|one, other| one.0 == other.0) {
        let of_positive = tied.iter().filter(|(_, positive)| *positive).count() as f64;
        let of_negative = tied.len() as f64 - of_positive;
        sum += of_positive * (negatives + of_negative / 2.0);
        positives += of_positive;
        negatives += of_negative;
    }
    assert!(
        0.0 < positives && 0.0 < negatives,
        "both classes are in every sample"
    );
    let error = ((positives + negatives + 1.0) / (12.0 * positives * negatives)).sqrt();
    (sum / (positives * negatives), error)
}

/// Logistic regression by stochastic gradient descent over standardised features.
struct Regression {
    means: Vec<f64>,
    scales: Vec<f64>,
    weights: Vec<f64>,
    bias: f64,
}

impl Regression {
    const EPOCHS: usize = 12;
    const RATE: f64 = 0.02;
    const DECAY: f64 = 1e-3;

    fn train(train: &[&Case]) -> Self {
        let count = train.len() as f64;
        let width = train[0].seen.len();
        let mut means = vec![0.0; width];
        let mut scales = vec![0.0; width];
        for case in train {
            for (mean, value) in means.iter_mut().zip(&case.seen) {
                *mean += value / count;
            }
        }
        for case in train {
            for ((scale, mean), value) in scales.iter_mut().zip(&means).zip(&case.seen) {
                *scale += (value - mean) * (value - mean) / count;
            }
        }
        // A feature that does not vary tells nothing.
        let scales = scales.into_iter().map(|variance: f64| {
            if 1e-9 < variance {
                1.0 / (variance * width as f64).sqrt()
            } else {
                0.0
            }
        });
        let mut model = Self {
            means,
            scales: scales.collect(),
            weights: vec![0.0; width],
            bias: 0.0,
        };
        let rate = Self::RATE * width as f64;
        for epoch in 1..=Self::EPOCHS {
            for case in train {
                let told = 1.0 / (1.0 + (-model.score(&case.seen)).exp());
                let step = rate / epoch as f64 * (f64::from(case.positive) - told);
                let features = case.seen.iter().zip(&model.means).zip(&model.scales);
                for (weight, ((value, mean), scale)) in model.weights.iter_mut().zip(features) {
                    *weight += step * (value - mean) * scale - Self::DECAY * *weight;
                }
                model.bias += step / width as f64;
            }
        }
        model
    }

    fn score(&self, seen: &[f64]) -> f64 {
        let features = seen.iter().zip(&self.means).zip(&self.scales);
        let products = self.weights.iter().zip(features);
        let sum: f64 = products
            .map(|(weight, ((value, mean), scale))| weight * (value - mean) * scale)
            .sum();
        sum + self.bias
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_is_that_of_all_pairs_with_ties_counted_half() {
        let scores = [(1.0, false), (2.0, true), (2.0, false), (3.0, true), (0.0, true)];
        let (told, error) = area(&scores);
        // Of six pairs three are in order, and one is tied.
        assert!((told - 3.5 / 6.0).abs() < 1e-12, "{told}");
        assert!((error - (6.0_f64 / 72.0).sqrt()).abs() < 1e-12, "{error}");
    }
}
