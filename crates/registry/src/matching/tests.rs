use std::collections::BTreeSet;

use chrono::NaiveDate;

use super::*;
use crate::codice_fiscale::TaxCode;
use crate::date::PartialDate;
use crate::municipality::MunicipalityId;
use crate::record::{BirthPlace, Generalities, PersonName, Sex};

mod cases;
mod figures;
mod keys;
mod names;
mod properties;
mod questions;

fn person(surname: &str, given_name: &str) -> Generalities {
    let name = |text: &str| (!text.is_empty()).then(|| PersonName::parse(text).unwrap());
    Generalities {
        surname: name(surname),
        given_name: name(given_name),
        sex: Sex::Unknown,
        birth_date: PartialDate::parse("1980-01-31").unwrap(),
        birth_place: BirthPlace::Exceptional("NAVE".to_owned()),
    }
}

/// A question about whole names; an empty one is not asked for.
fn asked(surname: &str, given_name: &str) -> NameQuery {
    let part = |text| {
        if str::is_empty(text) {
            None
        } else {
            Some((text, Extent::Whole))
        }
    };
    NameQuery::new(part(surname), part(given_name)).unwrap()
}

fn reasons_of(found: &Match, field: MatchField) -> Vec<Reason> {
    found
        .reasons
        .iter()
        .filter(|reason| reason.field == field)
        .map(|reason| reason.reason)
        .collect()
}

/// Whether an index finds the card by the question's keys.
fn keys_meet(query: &NameQuery, generalities: &Generalities) -> bool {
    let held = blocking_keys(generalities);
    query_keys(query)
        .iter()
        .any(|way| way.groups.iter().all(|group| !group.is_disjoint(&held)))
}
