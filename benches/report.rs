//! What came out, against the budgets.

/// Which side of a bound is the good one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bound {
    /// The figure must not be greater.
    AtMost,
    /// The figure must not be less.
    AtLeast,
}

/// A budget: less than the gate is a defect, the target is where the figure is meant to be.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    /// What is compared.
    pub what: &'static str,
    /// The good side.
    pub bound: Bound,
    /// The gate.
    pub gate: f64,
    /// The target.
    pub target: f64,
}

impl Budget {
    /// The words for a figure: target met, gate met, or gate missed.
    pub fn verdict(&self, figure: f64) -> &'static str {
        if self.meets(figure, self.target) {
            "target met"
        } else if self.meets(figure, self.gate) {
            "gate met"
        } else {
            "GATE MISSED"
        }
    }

    /// One line with figure, bounds and verdict.
    pub fn line(&self, figure: f64) -> String {
        let sign = match self.bound {
            Bound::AtMost => "<=",
            Bound::AtLeast => ">=",
        };
        format!(
            "{:<66} {figure:>6.2} x   gate {sign} {:.2}, target {sign} {:.2}: {}",
            self.what,
            self.gate,
            self.target,
            self.verdict(figure)
        )
    }

    fn meets(&self, figure: f64, limit: f64) -> bool {
        match self.bound {
            Bound::AtMost => figure <= limit,
            Bound::AtLeast => limit <= figure,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bound: Bound, figure: f64, expect: &str) {
        let (gate, target) = match bound {
            Bound::AtMost => (2.5, 1.8),
            Bound::AtLeast => (0.45, 0.65),
        };
        assert_eq!(
            Budget {
                what: "",
                bound,
                gate,
                target
            }
            .verdict(figure),
            expect,
            "{figure}"
        );
    }

    #[test]
    fn a_figure_meets_the_target_the_gate_or_neither() {
        check(Bound::AtMost, 1.8, "target met");
        check(Bound::AtMost, 2.5, "gate met");
        check(Bound::AtMost, 2.6, "GATE MISSED");
        check(Bound::AtLeast, 0.65, "target met");
        check(Bound::AtLeast, 0.45, "gate met");
        check(Bound::AtLeast, 0.44, "GATE MISSED");
        check(Bound::AtMost, f64::NAN, "GATE MISSED");
    }
}
