//! Checks that need more than one row.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use aws_lc_rs::digest::{SHA256, digest};

use crate::code::HouseholdKind;
use crate::export::ExportKind;
use crate::finding::{Finding, FindingRule, rules};
use crate::record::{Record, Register};

/// What a whole export shows that no single row shows.
///
/// Keeps 16 bytes of hash for each card, code and household, and nothing of what stands on the cards.
#[derive(Debug, Default)]
pub struct ExportChecks {
    kind: ExportKind,
    cards: BTreeSet<Key>,
    /// By base code: the first card that bears it in any form.
    tax_codes: BTreeMap<Key, Bearer>,
    national_ids: BTreeMap<Key, Key>,
    households: BTreeMap<Key, Household>,
}

/// The first card of a codice fiscale.
#[derive(Debug)]
struct Bearer {
    card: Key,
    /// The code in the form that stands on it.
    code: Key,
    register: Register,
    national_id: Option<Key>,
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
    /// Before the first row of a total export.
    pub fn new() -> Self {
        Self::default()
    }

    /// Before the first row. Rows of an incremental export say nothing about cards that it does not name, and several
    /// of one card are its operations: only codes on two cards are looked for.
    pub fn of(kind: ExportKind) -> Self {
        Self {
            kind,
            ..Self::default()
        }
    }

    /// Takes in the card of a row and tells what is wrong with it beside the rows before. With an error among the
    /// findings the row must not be published; the earlier one stays.
    pub fn observe(&mut self, line: u64, record: &Record) -> Vec<Finding> {
        let card = key(record.local_id.as_str());
        let fresh = self.cards.insert(card);
        match self.kind {
            ExportKind::Total if !fresh => return vec![finding(&rules::PN100, "scheda", line)],
            ExportKind::Total | ExportKind::Incremental => {}
        }
        // Cards of persons who left or died say nothing about today's families.
        if !record.is_open() {
            return Vec::new();
        }
        let mut findings = Vec::new();
        findings.extend(
            self.codes_of(card, record)
                .map(|(rule, column)| finding(rule, column, line)),
        );
        if self.kind == ExportKind::Incremental {
            return findings;
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

    /// What the codes on an open card show beside those on the cards before.
    fn codes_of(
        &mut self,
        card: Key,
        record: &Record,
    ) -> impl Iterator<Item = (&'static FindingRule, &'static str)> + use<> {
        let of_tax_code = record.current_tax_code().and_then(|code| {
            let base = code
                .definitive()
                .map_or_else(|| key(code.as_str()), |code| key(code.base().as_str()));
            let bearer = Bearer {
                card,
                code: key(code.as_str()),
                register: record.register,
                national_id: record.national_id.as_ref().map(|id| key(id.as_str())),
            };
            let first = match self.tax_codes.entry(base) {
                Entry::Vacant(free) => {
                    free.insert(bearer);
                    return None;
                }
                Entry::Occupied(taken) => taken.into_mut(),
            };
            if first.card == card {
                return None;
            }
            // Omocodia is there for two persons with one base code: with two national ids they are two.
            let two_persons = first
                .national_id
                .zip(bearer.national_id)
                .is_some_and(|(one, other)| one != other);
            let rule = if first.code != bearer.code {
                if two_persons {
                    return None;
                }
                &rules::PN105
            } else if first.register != bearer.register {
                &rules::PN104
            } else {
                &rules::PN101
            };
            Some((rule, "codice_fiscale"))
        });
        let of_national_id = record.national_id.as_ref().and_then(|id| {
            let first = *self.national_ids.entry(key(id.as_str())).or_insert(card);
            (first != card).then_some((&rules::PN103, "id_anpr"))
        });
        of_tax_code.into_iter().chain(of_national_id)
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
