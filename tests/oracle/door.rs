//! The ways to name a person in a call.

use registry::record::{PersonName, Place, Record};
use support::people::IMOLA;
use wire::proto::consultation::v1 as pb;

use crate::ask::{self, Ask};

/// A way to name a person in a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    TaxCode,
    NationalId,
    Generalities,
    Ascertainment,
    Household,
    FamilyAscertainment,
    Residents,
    Verification,
    SearchByCode,
    SearchByNames,
    LookupRow,
    VerifyRow,
}

impl Door {
    pub(crate) const ALL: [Self; 12] = [
        Self::TaxCode,
        Self::NationalId,
        Self::Generalities,
        Self::Ascertainment,
        Self::Household,
        Self::FamilyAscertainment,
        Self::Residents,
        Self::Verification,
        Self::SearchByCode,
        Self::SearchByNames,
        Self::LookupRow,
        Self::VerifyRow,
    ];

    pub(crate) fn ask(self, card: &Record, context: pb::AccessContext) -> Ask {
        use pb::lookup_household_request::Key as HouseholdKey;
        use pb::lookup_person_request::Key;
        let code = card.current_tax_code().expect("a code").as_str().to_owned();
        let national_id = card.national_id.expect("an id").as_str().to_owned();
        let person = |key, ascertainment: pb::Ascertainment, context| {
            Ask::Person(pb::LookupPersonRequest {
                context: Some(context),
                key: Some(key),
                ascertainment: ascertainment.into(),
                ..pb::LookupPersonRequest::default()
            })
        };
        let household = |ascertainment: pb::Ascertainment, code, context| {
            Ask::Household(pb::LookupHouseholdRequest {
                context: Some(context),
                key: Some(HouseholdKey::TaxCode(code)),
                ascertainment: ascertainment.into(),
                ..pb::LookupHouseholdRequest::default()
            })
        };
        let none = pb::Ascertainment::Unspecified;
        match self {
            Self::TaxCode => person(Key::TaxCode(code), none, context),
            Self::NationalId => person(Key::NationalId(national_id), none, context),
            Self::Generalities => person(Key::Generalities((&card.generalities).into()), none, context),
            Self::Ascertainment => person(Key::TaxCode(code), pb::Ascertainment::ExistenceInLife, context),
            Self::Household => household(none, code, context),
            Self::FamilyAscertainment => household(pb::Ascertainment::FamilyStatus, code, context),
            // Who is resident elsewhere is resident at no such address of the territory.
            Self::Residents => Ask::Residents(ask::residents(street_of(card), IMOLA, context)),
            Self::Verification => Ask::Verify(ask::alive(&code, Some(context))),
            Self::SearchByCode => Ask::Search(pb::SearchPersonsRequest {
                context: Some(context),
                tax_code: code,
                ..pb::SearchPersonsRequest::default()
            }),
            Self::SearchByNames => {
                let name = |name: &Option<PersonName>| {
                    name.as_ref().map(|name| pb::PartialName {
                        text: name.as_str().to_owned(),
                        beginning: false,
                    })
                };
                Ask::Search(pb::SearchPersonsRequest {
                    context: Some(context),
                    surname: name(&card.generalities.surname),
                    given_name: name(&card.generalities.given_name),
                    ..pb::SearchPersonsRequest::default()
                })
            }
            Self::LookupRow => ask::lookup_rows(&[&code], context, None),
            Self::VerifyRow => ask::verify_rows(&[&code], context),
        }
    }
}

fn street_of(card: &Record) -> &str {
    match card.residences.latest().map(|fact| &fact.value.place) {
        Some(Place::Italian(address)) => &address.street,
        Some(Place::Foreign(_) | Place::Notional { .. }) | None => panic!("everybody lives in a street"),
    }
}
