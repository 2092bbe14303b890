//! A call as the message that an agency sends.

use chrono::DateTime;
use prost_types::{FieldMask, Timestamp};
use registry::municipality;
use support::cards::Cards;
use support::people::istat;
use wire::proto::consultation::v1 as proto;
use wire::proto::registry::v1 as card;
use wire::proto::r#type::v1::PartialDate;

use crate::case::Ask;

/// A date as a case writes it: year, month and day, of which the last may be missing; anything is sent as it stands.
pub(crate) fn date(text: &str) -> PartialDate {
    let mut parts = text.split('-').map(|part| part.parse().expect("a number"));
    PartialDate {
        year: parts.next().expect("a year"),
        month: parts.next().unwrap_or_default(),
        day: parts.next().unwrap_or_default(),
    }
}

/// Ground of the call.
pub(crate) fn context(ask: &Ask, agreement: &str, purpose: &str, request_id: String) -> proto::AccessContext {
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    let assurance = match ask.assurance.as_deref() {
        None => proto::Assurance::Substantial,
        Some("low") => proto::Assurance::Low,
        Some("high") => proto::Assurance::High,
        Some("") => proto::Assurance::Unspecified,
        Some(other) => panic!("{other}"),
    };
    let urgency = match ask.urgency.as_deref() {
        None => proto::Urgency::Unspecified,
        Some("emergency") => proto::Urgency::Emergency,
        Some(other) => panic!("{other}"),
    };
    proto::AccessContext {
        agreement: or(&ask.agreement, agreement),
        purpose: or(&ask.purpose, purpose),
        operator: or(&ask.operator, "m.esposito"),
        assurance: assurance.into(),
        workstation: or(&ask.workstation, "PC-12"),
        case_reference: or(&ask.case_reference, "2026/123"),
        consent_reference: ask.consent.clone().unwrap_or_default(),
        reference_date: ask.on.as_deref().map(date),
        request_id,
        statement_version: ask.statement_version.clone().unwrap_or_default(),
        urgency: urgency.into(),
        known_on: ask.known_on.as_deref().map(|text| {
            let instant = DateTime::parse_from_rfc3339(text).expect("an instant");
            Timestamp {
                seconds: instant.timestamp(),
                nanos: 0,
            }
        }),
        min_fresh_since: None,
    }
}

/// The codice fiscale of a card, or as it stands.
pub(crate) fn code(cards: &Cards, about: &str) -> String {
    if about.contains('.') {
        cards.value(about, "codice_fiscale")
    } else {
        about.to_owned()
    }
}

fn national_id(cards: &Cards, about: &str) -> String {
    if about.contains('.') {
        cards.value(about, "id_anpr")
    } else {
        about.to_owned()
    }
}

fn ascertainment(ask: &Ask) -> i32 {
    let kind = |name: &String| {
        let name = name.to_uppercase().replace('-', "_");
        proto::Ascertainment::from_str_name(&format!("ASCERTAINMENT_{name}")).expect("a kind")
    };
    ask.ascertain
        .as_ref()
        .map_or(proto::Ascertainment::Unspecified, kind)
        .into()
}

fn mask(ask: &Ask) -> Option<FieldMask> {
    (!ask.mask.is_empty()).then(|| FieldMask {
        paths: ask.mask.clone(),
    })
}

pub(crate) fn person(ask: &Ask, cards: &Cards, context: proto::AccessContext) -> proto::LookupPersonRequest {
    use proto::lookup_person_request::Key;
    let about = ask.about.as_ref().map(|about| Key::TaxCode(code(cards, about)));
    let id = ask
        .national_id
        .as_ref()
        .map(|about| Key::NationalId(national_id(cards, about)));
    let named = ask
        .named
        .as_ref()
        .map(|card| Key::Generalities(generalities(ask, cards, card)));
    proto::LookupPersonRequest {
        context: Some(context),
        key: about.or(id).or(named),
        municipality: ask.municipality.clone().unwrap_or_default(),
        read_mask: mask(ask),
        ascertainment: ascertainment(ask),
        ..proto::LookupPersonRequest::default()
    }
}

/// The lookup of a person whom a search found.
pub(crate) fn found(ask: &Ask, handle: Vec<u8>, context: proto::AccessContext) -> proto::LookupPersonRequest {
    proto::LookupPersonRequest {
        context: Some(context),
        key: Some(proto::lookup_person_request::Key::Handle(handle)),
        municipality: ask.municipality.clone().unwrap_or_default(),
        read_mask: mask(ask),
        ascertainment: ascertainment(ask),
        ..proto::LookupPersonRequest::default()
    }
}

pub(crate) fn household(
    ask: &Ask,
    cards: &Cards,
    context: proto::AccessContext,
) -> proto::LookupHouseholdRequest {
    use proto::lookup_household_request::Key;
    let about = ask.about.as_ref().map(|about| Key::TaxCode(code(cards, about)));
    let id = ask
        .national_id
        .as_ref()
        .map(|about| Key::NationalId(national_id(cards, about)));
    let named = ask
        .named
        .as_ref()
        .map(|card| Key::Generalities(generalities(ask, cards, card)));
    proto::LookupHouseholdRequest {
        context: Some(context),
        key: about.or(id).or(named),
        municipality: ask.municipality.clone().unwrap_or_default(),
        read_mask: mask(ask),
        ascertainment: ascertainment(ask),
        ..proto::LookupHouseholdRequest::default()
    }
}

/// The lookup of the household of a person whom a search found.
pub(crate) fn household_of_found(
    ask: &Ask,
    handle: Vec<u8>,
    context: proto::AccessContext,
) -> proto::LookupHouseholdRequest {
    proto::LookupHouseholdRequest {
        context: Some(context),
        key: Some(proto::lookup_household_request::Key::Handle(handle)),
        municipality: ask.municipality.clone().unwrap_or_default(),
        read_mask: mask(ask),
        ascertainment: ascertainment(ask),
        ..proto::LookupHouseholdRequest::default()
    }
}

pub(crate) fn residents(ask: &Ask, context: proto::AccessContext) -> proto::LookupAddressResidentsRequest {
    proto::LookupAddressResidentsRequest {
        context: Some(context),
        address: ask.street.clone().map(|street| proto::AddressClaim {
            street,
            number: ask.number,
            suffix: ask.suffix.clone().unwrap_or_default(),
            unit: ask.unit.clone().unwrap_or_default(),
            without_number: ask.without_number,
            ..proto::AddressClaim::default()
        }),
        municipality: ask.municipality.clone().unwrap_or_default(),
        read_mask: mask(ask),
        ..proto::LookupAddressResidentsRequest::default()
    }
}

pub(crate) fn search(ask: &Ask, context: proto::AccessContext) -> proto::SearchPersonsRequest {
    let name = |text: &Option<String>, field: &str| {
        text.clone().map(|text| proto::PartialName {
            text,
            beginning: ask.beginning.iter().any(|name| name == field),
        })
    };
    proto::SearchPersonsRequest {
        context: Some(context),
        surname: name(&ask.surname, "surname"),
        given_name: name(&ask.given_name, "given_name"),
        tax_code: ask.tax_code.clone().unwrap_or_default(),
        birth_date: ask.born.as_deref().map(date),
        born_from: ask.born_from.as_deref().map(date),
        born_to: ask.born_to.as_deref().map(date),
        municipality: ask.municipality.clone().unwrap_or_default(),
        ..proto::SearchPersonsRequest::default()
    }
}

pub(crate) fn verify(
    ask: &Ask,
    cards: &Cards,
    context: proto::AccessContext,
) -> proto::VerifyDeclarationRequest {
    use proto::verify_declaration_request::{Claim, Key};
    let value = || ask.claimed.clone().unwrap_or_default();
    let claim = ask.claim.as_deref().map(|kind| match kind {
        "existence-in-life" => Claim::ExistenceInLife(proto::ExistenceInLifeClaim {}),
        "death" => Claim::Death(proto::DeathClaim {
            date: ask.claimed.as_deref().map(date),
        }),
        "citizenship" => Claim::Citizenship(proto::CitizenshipClaim { state: value() }),
        "municipal-residence" => Claim::MunicipalResidence(proto::MunicipalResidenceClaim {
            municipality: value(),
        }),
        "generalities" => Claim::Generalities(proto::GeneralitiesClaim {
            surname: ask.claimed.clone(),
            ..proto::GeneralitiesClaim::default()
        }),
        "residence" => Claim::Residence(proto::ResidenceClaim {
            municipality: ask.municipality.clone().unwrap_or_default(),
            address: Some(proto::AddressClaim {
                street: value(),
                number: Some(1),
                ..proto::AddressClaim::default()
            }),
        }),
        other => panic!("{other}"),
    });
    let about = ask.about.as_ref().map(|about| Key::TaxCode(code(cards, about)));
    let id = ask
        .national_id
        .as_ref()
        .map(|about| Key::NationalId(national_id(cards, about)));
    proto::VerifyDeclarationRequest {
        context: Some(context),
        key: about.or(id),
        claim,
        ..proto::VerifyDeclarationRequest::default()
    }
}

pub(crate) fn batch(
    ask: &Ask,
    cards: &Cards,
    context: proto::AccessContext,
) -> Vec<proto::BatchLookupPersonsRequest> {
    use proto::batch_lookup_persons_request::Part;
    let or = |given: &Option<String>, usual: &str| given.clone().unwrap_or_else(|| usual.to_owned());
    let rows = u32::try_from(ask.rows.len()).expect("few rows");
    let opening = Part::Opening(proto::BatchOpening {
        context: Some(context),
        rows: ask.announced.unwrap_or(rows),
        approval: Some(proto::BatchApproval {
            reference: or(&ask.approval, "2026/77"),
            approver: or(&ask.approver, "g.neri"),
            approval_date: Some(date(&or(&ask.approved_on, "2026-11-02"))),
        }),
        read_mask: mask(ask),
    });
    let row = |(number, about): (u32, &String)| {
        Part::Row(proto::LookupRow {
            row: number,
            key: Some(proto::lookup_row::Key::TaxCode(code(cards, about))),
        })
    };
    std::iter::once(opening)
        .chain((1..).zip(&ask.rows).map(row))
        .map(|part| proto::BatchLookupPersonsRequest { part: Some(part) })
        .collect()
}

fn generalities(ask: &Ask, cards: &Cards, about: &str) -> card::Generalities {
    let or = |given: &Option<String>, column: &str| match given {
        Some(given) => given.clone(),
        None => cards.value(about, column),
    };
    let sex = match or(&ask.sex, "sesso").as_str() {
        "M" => card::Sex::Male,
        "F" => card::Sex::Female,
        "N" => card::Sex::Unknown,
        _ => card::Sex::Unspecified,
    };
    let born_in = or(&ask.birth_municipality, "istat_nascita");
    let place = (!born_in.is_empty()).then(|| {
        let known = registry::identifier::IstatCode::parse(&born_in)
            .ok()
            .and_then(|_| municipality::periods_of_istat(istat(&born_in)).next_back());
        card::birth_place::Place::Municipality(card::BirthMunicipality {
            name: known.map_or_else(|| "NESSUNO".to_owned(), |period| period.name().to_owned()),
            province: known.map_or_else(|| "BO".to_owned(), |period| period.province().to_owned()),
            istat: born_in,
        })
    });
    card::Generalities {
        surname: or(&ask.surname, "cognome"),
        given_name: or(&ask.given_name, "nome"),
        sex: sex.into(),
        birth_date: Some(date(&or(&ask.born, "data_nascita"))),
        birth_place: place.map(|place| card::BirthPlace { place: Some(place) }),
    }
}
