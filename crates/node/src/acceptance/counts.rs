//! Counting the mirror.

use std::collections::{BTreeMap, BTreeSet};

use agreement::subject::Standing;
use chrono::NaiveDate;
use registry::code::HouseholdKind;
use registry::identifier::HouseholdId;
use registry::record::{Record, Register, Sex};

use super::CountLine;
use super::expected::ExpectedCounts;

/// Counts cards as they stand on a day.
#[derive(Debug)]
pub(super) struct Counter {
    day: NaiveDate,
    cards: u64,
    registers: BTreeMap<Register, InRegister>,
    families: BTreeSet<HouseholdId>,
    convivenze: BTreeSet<HouseholdId>,
}

#[derive(Debug, Default)]
struct InRegister {
    registered: u64,
    male: u64,
    female: u64,
    unknown_sex: u64,
    cancelled: u64,
    dead: u64,
    /// By code, with the table's label.
    reasons: BTreeMap<&'static str, (&'static str, u64)>,
}

impl Counter {
    pub(super) fn new(day: NaiveDate) -> Self {
        Self {
            day,
            cards: 0,
            registers: [Register::Apr, Register::Aire]
                .map(|register| (register, InRegister::default()))
                .into(),
            families: BTreeSet::new(),
            convivenze: BTreeSet::new(),
        }
    }

    pub(super) fn count(&mut self, card: &Record) {
        self.cards += 1;
        let counted = self.registers.entry(card.register).or_default();
        match Standing::of(card, self.day) {
            Standing::Registered => {
                counted.registered += 1;
                match card.generalities.sex {
                    Sex::Male => counted.male += 1,
                    Sex::Female => counted.female += 1,
                    Sex::Unknown => counted.unknown_sex += 1,
                }
                if let Some(link) = card.households.at(self.day).held() {
                    match link.role.kind() {
                        HouseholdKind::Family => self.families.insert(link.household.clone()),
                        HouseholdKind::Convivenza => self.convivenze.insert(link.household.clone()),
                    };
                }
            }
            Standing::Cancelled => {
                counted.cancelled += 1;
                if let Some(cancellation) = &card.cancellation {
                    let (code, label) = (cancellation.reason.code(), cancellation.reason.label());
                    counted.reasons.entry(code).or_insert((label, 0)).1 += 1;
                }
            }
            Standing::Dead => counted.dead += 1,
        }
    }

    /// The counts, beside those that the back office states.
    pub(super) fn lines(self, expected: &ExpectedCounts) -> Vec<CountLine> {
        let Self {
            day: _,
            cards,
            registers,
            families,
            convivenze,
        } = self;
        let mut lines = vec![line("cards", "Schede", cards, expected.cards)];
        for (register, counted) in &registers {
            let (name, shown, stated) = match register {
                Register::Apr => ("apr", "APR", &expected.apr),
                Register::Aire => ("aire", "AIRE", &expected.aire),
            };
            let InRegister {
                registered,
                male,
                female,
                unknown_sex,
                cancelled,
                dead,
                reasons,
            } = counted;
            for (key, label, count, stated) in [
                ("registered", "iscritti", registered, stated.registered),
                ("male", "iscritti maschi", male, stated.male),
                ("female", "iscritti femmine", female, stated.female),
                (
                    "unknown_sex",
                    "iscritti di sesso non noto",
                    unknown_sex,
                    stated.unknown_sex,
                ),
                ("cancelled", "cancellati", cancelled, stated.cancelled),
                ("dead", "deceduti", dead, stated.dead),
            ] {
                lines.push(line(
                    &format!("{name}.{key}"),
                    &format!("{shown} {label}"),
                    *count,
                    stated,
                ));
            }
            let codes: BTreeSet<&str> = reasons
                .keys()
                .copied()
                .chain(stated.cancelled_by_reason.keys().map(String::as_str))
                .collect();
            for code in codes {
                let (label, count) = reasons.get(code).copied().unwrap_or(("", 0));
                lines.push(line(
                    &format!("{name}.cancelled_by_reason.{code}"),
                    format!("{shown} cancellati, motivo {code} {label}").trim_end(),
                    count,
                    stated.cancelled_by_reason.get(code).copied(),
                ));
            }
        }
        let count = |households: &BTreeSet<HouseholdId>| households.len() as u64;
        lines.push(line("families", "Famiglie", count(&families), expected.families));
        lines.push(line(
            "convivenze",
            "Convivenze",
            count(&convivenze),
            expected.convivenze,
        ));
        lines
    }
}

fn line(key: &str, label: &str, node: u64, expected: Option<u64>) -> CountLine {
    CountLine {
        key: key.to_owned(),
        label: label.to_owned(),
        node,
        expected,
    }
}
