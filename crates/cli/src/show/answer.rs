//! Answers: rows for standard output.

use agreement::verification::{Verdict, VerificationReason};
use client::agency::{
    DeceasedPerson, Freshness, Household, HouseholdAnswer, HouseholdMember, PersonAnswer, ResidentGroup,
    ResidentsAnswer, SearchAnswer, SearchHit, VerificationAnswer,
};
use registry::code::HouseholdKind;
use registry::hex::Hex;
use registry::matching::Reason;

use crate::datum::{Datum, RecordBuilder};
use crate::language::Language;
use crate::show::card::role;
use crate::show::{day, person_card};

/// One row for each card.
pub fn person_rows(answer: &PersonAnswer) -> Vec<Datum> {
    answer.persons.iter().map(person_card).collect()
}

/// One row for each member of each household, and one for whoever is dead.
pub fn household_rows(answer: &HouseholdAnswer) -> Vec<Datum> {
    let rows = answer.households.iter().flat_map(|household| {
        let Household {
            handle,
            kind,
            members,
        } = household;
        let kind = match kind {
            Some(HouseholdKind::Family) => "family",
            Some(HouseholdKind::Convivenza) => "convivenza",
            None => "",
        };
        members.iter().map(move |member| {
            let HouseholdMember {
                person,
                role: place,
                from,
            } = member;
            RecordBuilder::new()
                .with("household", handle.as_str())
                .with("kind", kind)
                .with("role", role(*place))
                .with("from", day(*from))
                .with("person", person_card(person))
                .build()
        })
    });
    let deceased = answer
        .deceased
        .iter()
        .map(|DeceasedPerson { person, family_until }| {
            RecordBuilder::new()
                .with("kind", "deceased")
                .with("family_until", day(*family_until))
                .with("person", person_card(person))
                .build()
        });
    rows.chain(deceased).collect()
}

/// One row for each resident, household by household.
pub fn resident_rows(answer: &ResidentsAnswer) -> Vec<Datum> {
    let rows = answer.groups.iter().flat_map(|group| {
        let ResidentGroup { household, persons } = group;
        persons.iter().map(move |person| {
            RecordBuilder::new()
                .with("household", household.as_str())
                .with("person", person_card(person))
                .build()
        })
    });
    rows.collect()
}

/// One row for each hit, the best first.
pub fn search_rows(answer: &SearchAnswer) -> Vec<Datum> {
    let rows = answer.hits.iter().map(|hit| {
        let SearchHit {
            handle,
            score,
            reasons,
            person,
        } = hit;
        let reasons = reasons
            .iter()
            .map(|(field, reason)| Datum::text(format!("{field}: {}", match_name(*reason))));
        RecordBuilder::new()
            .with("score", u64::from(*score))
            .with("reasons", reasons.collect::<Datum>())
            .with("person", person_card(person))
            .with("handle", Hex(&handle.0).to_string())
            .build()
    });
    rows.collect()
}

/// The name of a reason on the wire.
fn match_name(reason: Reason) -> &'static str {
    match reason {
        Reason::Exact => "EXACT",
        Reason::AccentOrApostrophe => "ACCENT_OR_APOSTROPHE",
        Reason::WordOrder => "WORD_ORDER",
        Reason::SurnameAndGivenNameSwapped => "SURNAME_AND_GIVEN_NAME_SWAPPED",
        Reason::Particle => "PARTICLE",
        Reason::Transliteration => "TRANSLITERATION",
        Reason::Phonetic => "PHONETIC",
        Reason::Transposition => "TRANSPOSITION",
        Reason::OneEdit => "ONE_EDIT",
        Reason::PartOfName => "PART_OF_NAME",
        Reason::Prefix => "PREFIX",
        Reason::Wildcard => "WILDCARD",
        Reason::WithinRange => "WITHIN_RANGE",
        Reason::PossiblyWithinRange => "POSSIBLY_WITHIN_RANGE",
        Reason::Omocodia => "OMOCODIA",
    }
}

/// The answer of a verification.
pub fn verification_row(answer: &VerificationAnswer) -> Datum {
    RecordBuilder::new()
        .with("answer", verdict_name(answer.verdict))
        .with("anpr", answer.verdict.anpr())
        .with("reason", verification_reason(answer.reason))
        .with("reference_date", answer.reference_date.to_string())
        .build()
}

pub(super) fn verdict_name(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Yes => "YES",
        Verdict::No => "NO",
        Verdict::Undetermined => "UNDETERMINED",
    }
}

pub(super) fn verification_reason(reason: VerificationReason) -> &'static str {
    match reason {
        VerificationReason::Matches => "MATCHES",
        VerificationReason::Differs => "DIFFERS",
        VerificationReason::NotHeld => "NOT_HELD",
        VerificationReason::BeforeHistory => "BEFORE_HISTORY",
        VerificationReason::ProcedureOpen => "PROCEDURE_OPEN",
        VerificationReason::NotRegistered => "NOT_REGISTERED",
        VerificationReason::Contradiction => "CONTRADICTION",
    }
}

/// How old the data are, in words, and whether they are as fresh as was demanded.
pub fn freshness(freshness: &Freshness, fresh_enough: Option<bool>, language: Language) -> String {
    let minutes = |age: &std::time::Duration| age.as_secs().div_ceil(60);
    let age = match freshness {
        Freshness::Municipalities(ages) => {
            let ages: Vec<_> = ages
                .iter()
                .map(|(istat, age)| format!("{istat} {} min", minutes(age)))
                .collect();
            format!(
                "{} {}",
                language.pick("età dei dati:", "age of the data:"),
                ages.join(", ")
            )
        }
        Freshness::Oldest(age) => {
            format!(
                "{} {} min",
                language.pick("dati più vecchi del territorio:", "oldest data of the territory:"),
                minutes(age)
            )
        }
    };
    match fresh_enough {
        None => age,
        Some(true) => format!(
            "{age}, {}",
            language.pick("recenti come chiesto", "as fresh as demanded")
        ),
        Some(false) => format!(
            "{age}, {}",
            language.pick("meno recenti di quanto chiesto", "less fresh than demanded")
        ),
    }
}
