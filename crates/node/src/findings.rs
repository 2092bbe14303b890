//! Findings of a whole file, by rule.

use std::collections::BTreeMap;

use registry::finding::{Finding, FindingRule, Severity};
use serde::Serialize;

/// Lines that are named for each rule; the number tells how many there are.
pub const NAMED_LINES: usize = 20;

/// Findings that are kept one by one, for the registrar's report: somebody mends these first.
pub const LISTED: usize = 50_000;

/// Findings by rule and column, errors first. Lines and columns only, nothing of what stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct Findings {
    by_rule: Vec<RuleFindings>,
    #[serde(skip)]
    each: Vec<Finding>,
}

/// What was found under one rule in one column.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct RuleFindings {
    /// Code of the rule.
    pub code: &'static str,
    /// `E` keeps the row aside, `W` does not.
    pub severity: char,
    /// The column, when it is one.
    pub column: Option<&'static str>,
    /// How often.
    pub count: u64,
    /// The first lines, the header being line 1; at most [`NAMED_LINES`], all of them in a qualification.
    pub lines: Vec<u64>,
    /// What is wrong, Italian.
    pub italian: &'static str,
    /// What the municipality does about it, Italian.
    pub remedy: &'static str,
    /// What is wrong, English.
    pub english: &'static str,
}

/// Findings while a file is read.
#[derive(Debug)]
pub(crate) struct Tally {
    by_rule: BTreeMap<(&'static str, Option<&'static str>), Found>,
    each: Vec<Finding>,
    named_lines: usize,
}

#[derive(Debug)]
struct Found {
    rule: &'static FindingRule,
    count: u64,
    lines: Vec<u64>,
}

impl Findings {
    /// The findings, errors first, then by code and column.
    pub fn iter(&self) -> impl Iterator<Item = &RuleFindings> {
        self.by_rule.iter()
    }

    /// The first findings, at most [`LISTED`], in the order in which they were made.
    pub fn each(&self) -> &[Finding] {
        &self.each
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.by_rule.is_empty()
    }

    /// How often anything was found under the rule.
    pub fn count_of(&self, code: &str) -> u64 {
        self.by_rule
            .iter()
            .filter(|found| found.code == code)
            .map(|found| found.count)
            .sum()
    }
}

impl Tally {
    /// Nothing found yet; so many lines are named for each rule and column.
    pub(crate) fn naming(named_lines: usize) -> Self {
        Self {
            by_rule: BTreeMap::new(),
            each: Vec::new(),
            named_lines,
        }
    }

    pub(crate) fn add(&mut self, findings: impl IntoIterator<Item = Finding>) {
        for finding in findings {
            let Finding { rule, column, line } = finding;
            if self.each.len() < LISTED {
                self.each.push(finding);
            }
            let found = self.by_rule.entry((rule.code, column)).or_insert(Found {
                rule,
                count: 0,
                lines: Vec::new(),
            });
            found.count += 1;
            if found.lines.len() < self.named_lines {
                found.lines.push(line);
            }
        }
    }

    pub(crate) fn finish(self) -> Findings {
        let Self {
            by_rule,
            each,
            named_lines: _,
        } = self;
        let (errors, warnings): (Vec<_>, Vec<_>) = by_rule
            .into_iter()
            .partition(|(_, found)| found.rule.severity == Severity::Error);
        let all = errors.into_iter().chain(warnings);
        let findings = all.map(|((code, column), Found { rule, count, lines })| RuleFindings {
            code,
            severity: rule.severity.letter(),
            column,
            count,
            lines,
            italian: rule.italian,
            remedy: rule.remedy,
            english: rule.english,
        });
        Findings {
            by_rule: findings.collect(),
            each,
        }
    }
}
