//! Checks that need more than one row.

use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};

use crate::code::HouseholdKind;
use crate::finding::{Finding, FindingRule, rules};
use crate::record::Record;

/// What a whole export shows that no single row shows.
///
/// Keeps 16 bytes of hash for each card, code and household, and nothing of what stands on the cards.
#[derive(Debug, Default)]
pub struct ExportChecks {
    cards: BTreeSet<Key>,
    tax_codes: BTreeSet<Key>,
    households: BTreeMap<Key, Household>,
}

type Key = [u8; 16];

#[derive(Debug)]
struct Household {
    kind: HouseholdKind,
    first_line: u64,
    references: u32,
    mixed: bool,
}

impl ExportChecks {
    /// Before the first row.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the card of a row and tells what is wrong with it beside the rows before. With an error among the
    /// findings the row must not be published; the earlier one stays.
    pub fn observe(&mut self, line: u64, record: &Record) -> Vec<Finding> {
        if !self.cards.insert(key(record.local_id.as_str())) {
            return vec![finding(&rules::PN100, "scheda", line)];
        }
        // Cards of persons who left or died say nothing about today's families.
        if record.cancellation.is_some() || record.death.is_some() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        if let Some(code) = record.current_tax_code()
            && !self.tax_codes.insert(key(code.as_str()))
        {
            findings.push(finding(&rules::PN101, "codice_fiscale", line));
        }
        if let Some(link) = record.households.latest() {
            let role = link.value.role;
            let fresh = Household {
                kind: role.kind(),
                first_line: line,
                references: 0,
                mixed: false,
            };
            let household = self
                .households
                .entry(key(link.value.household.as_str()))
                .or_insert(fresh);
            if household.kind != role.kind() && !household.mixed {
                household.mixed = true;
                findings.push(finding(&rules::EN244, "famiglia", line));
            }
            if role.is_reference() {
                household.references += 1;
                if role.kind() == HouseholdKind::Family && household.references == 2 {
                    findings.push(finding(&rules::EN166, "legame", line));
                }
            }
        }
        findings
    }

    /// What shows only after the last row, by line.
    pub fn finish(self) -> Vec<Finding> {
        let headless = self
            .households
            .into_values()
            .filter(|household| household.references == 0 && !household.mixed);
        let mut findings: Vec<_> = headless
            .map(|household| match household.kind {
                HouseholdKind::Family => finding(&rules::EN062, "famiglia", household.first_line),
                HouseholdKind::Convivenza => finding(&rules::PN102, "famiglia", household.first_line),
            })
            .collect();
        findings.sort_by_key(|finding| finding.line);
        findings
    }
}

fn finding(rule: &'static FindingRule, column: &'static str, line: u64) -> Finding {
    Finding {
        rule,
        column: Some(column),
        line,
    }
}

fn key(text: &str) -> Key {
    let hash = digest(&SHA256, text.as_bytes());
    hash.as_ref()
        .first_chunk()
        .copied()
        .expect("SHA-256 has 32 bytes")
}
