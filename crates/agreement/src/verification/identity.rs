//! Who the person is: generalities, national id, parents.

use std::cmp::Ordering;
use std::iter;

use chrono::NaiveDate;

use registry::date::PartialDate;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::normal::same_name;
use registry::record::{BirthPlace, Generalities, Parent, ParentRole, PersonName, Record, Sex};

use super::{Part, Verdict, VerificationAnswer, VerificationReason, agreement, whole};
use crate::claim::{GeneralitiesParts, NamedPerson, NationalIdClaim, ParentClaim};

/// Generalities are those of the card, at whatever date: it keeps no earlier ones.
pub(super) fn generalities(held: &Generalities, stated: &GeneralitiesParts) -> VerificationAnswer {
    whole(parts_of(held, stated))
}

/// The id and the person it is said to belong to: both must agree.
pub(super) fn national_id(record: &Record, claim: &NationalIdClaim) -> VerificationAnswer {
    let NationalIdClaim {
        national_id,
        generalities,
    } = claim;
    let id = match &record.national_id {
        Some(held) => agreement(held == national_id),
        None => Part::NotHeld,
    };
    whole(iter::once(id).chain(parts_of(&record.generalities, generalities.parts())))
}

/// Parents are those of the card, at whatever date: whoever is one is so from the birth on. A card without such a
/// parent, or without a name of theirs, contradicts nobody.
pub(super) fn parent(record: &Record, role: ParentRole, claim: &ParentClaim) -> VerificationAnswer {
    let ParentClaim { parent: stated } = claim;
    let compared = record
        .parents
        .iter()
        .filter(|held| held.role == role)
        .map(|held| whole(parent_parts(held, stated)));
    compared
        .reduce(|one, other| match (one.verdict, other.verdict) {
            (Verdict::Yes, _) => one,
            (_, Verdict::Yes) => other,
            (Verdict::Undetermined, _) => one,
            (Verdict::No, _) => other,
        })
        .unwrap_or_else(|| VerificationAnswer::undetermined(VerificationReason::NotHeld))
}

fn parent_parts(held: &Parent, stated: &NamedPerson) -> impl Iterator<Item = Part> {
    let name = |held: Option<&PersonName>, stated: Option<&PersonName>| {
        stated.map(|stated| match held {
            Some(held) => agreement(same_name(held.as_str(), stated.as_str())),
            None => Part::NotHeld,
        })
    };
    let parts = [
        name(held.surname.as_ref(), stated.surname()),
        name(held.given_name.as_ref(), stated.given_name()),
    ];
    parts.into_iter().flatten()
}

fn parts_of(held: &Generalities, stated: &GeneralitiesParts) -> impl Iterator<Item = Part> {
    let GeneralitiesParts {
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
    } = stated;
    let parts = [
        surname
            .as_ref()
            .map(|stated| same_person_name(held.surname.as_ref(), stated)),
        given_name
            .as_ref()
            .map(|stated| same_person_name(held.given_name.as_ref(), stated)),
        sex.map(|stated| same_sex(held.sex, stated)),
        birth_date.map(|stated| same_date(held.birth_date, stated)),
        birth_place
            .as_ref()
            .map(|stated| same_birth_place(&held.birth_place, stated, held.birth_date)),
    ];
    parts.into_iter().flatten()
}

/// Somebody registered without a surname is contradicted by any surname.
fn same_person_name(held: Option<&PersonName>, stated: &PersonName) -> Part {
    agreement(held.is_some_and(|held| same_name(held.as_str(), stated.as_str())))
}

fn same_sex(held: Sex, stated: Sex) -> Part {
    if held == Sex::Unknown {
        Part::NotHeld
    } else {
        agreement(held == stated)
    }
}

/// A date stated in part is true of every date it covers; a date held in part may or may not be the one stated.
pub(super) fn same_date(held: PartialDate, stated: PartialDate) -> Part {
    if stated.earliest() <= held.earliest() && held.latest() <= stated.latest() {
        return Part::Agrees;
    }
    match held.certain_cmp(stated) {
        Some(Ordering::Less | Ordering::Greater) => Part::Differs,
        Some(Ordering::Equal) => Part::Agrees,
        None => Part::NotHeld,
    }
}

fn same_birth_place(held: &BirthPlace, stated: &BirthPlace, born: PartialDate) -> Part {
    match (held, stated) {
        (
            BirthPlace::Municipality {
                istat: held_code,
                name: held_name,
                province: held_province,
            },
            BirthPlace::Municipality {
                istat,
                name,
                province,
            },
        ) => {
            let identity =
                |code: &Option<IstatCode>| code.and_then(|code| identity_on(code, born.earliest()));
            match (identity(held_code), identity(istat)) {
                (Some(held), Some(stated)) => agreement(held == stated),
                _ if same_name(held_name, name) && held_province.eq_ignore_ascii_case(province) => {
                    Part::Agrees
                }
                _ => Part::NotHeld,
            }
        }
        (
            BirthPlace::Abroad {
                state: held,
                locality: held_place,
            },
            BirthPlace::Abroad { state, locality },
        ) => {
            if held != state {
                Part::Differs
            } else if locality.is_empty() || same_name(held_place, locality) {
                Part::Agrees
            } else {
                // Foreign places are spelt in many ways: another spelling contradicts nothing.
                Part::NotHeld
            }
        }
        (BirthPlace::Exceptional(held), BirthPlace::Exceptional(stated)) if same_name(held, stated) => {
            Part::Agrees
        }
        (BirthPlace::Exceptional(_), _) | (_, BirthPlace::Exceptional(_)) => Part::NotHeld,
        (BirthPlace::Municipality { .. }, BirthPlace::Abroad { .. })
        | (BirthPlace::Abroad { .. }, BirthPlace::Municipality { .. }) => Part::Differs,
    }
}

/// The municipality behind a code: the one that had it on the day, else the last that had it.
pub(super) fn identity_on(code: IstatCode, day: NaiveDate) -> Option<MunicipalityId> {
    MunicipalityId::of(code, day).or_else(|| MunicipalityId::of_any(code))
}
