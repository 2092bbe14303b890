//! Cards: only what the agreement shows is there at all.

use agreement::field::Field;
use agreement::verification::VerificationAnswer;
use client::agency::{HouseholdMembership, PersonCard, PersonRegistration};
use registry::code::{CivilStatus, HouseholdRole};
use registry::identifier::StateCode;
use registry::record::{
    Address, BirthPlace, Cancellation, Death, ForeignAddress, IdentityDocument, Parent, ParentRole,
    PersonName, Place, Register, Registration, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::Dated;

use crate::datum::{Datum, RecordBuilder};
use crate::show::answer::{verdict_name, verification_reason};
use crate::show::{coded, day, locality, municipality_of, state_of};

/// A card. A field that the card does not show is left out; one that is shown and empty stands there empty.
pub fn person_card(card: &PersonCard) -> Datum {
    let PersonCard {
        handle,
        superseded,
        fields,
        surname,
        given_name,
        sex,
        birth_date,
        birth_place: place,
        tax_code: code,
        tax_code_history,
        national_id,
        civil_status: status,
        citizenships: states,
        parents,
        residence: home,
        residence_history,
        household,
        identity_document: document,
        registration,
        cancellation: exit,
        death: end,
        procedure_open,
        location_withheld,
        restored,
        of_kind,
    } = card;
    let value = |field: Field| -> Datum {
        match field {
            Field::Surname => name(surname.as_ref()),
            Field::GivenName => name(given_name.as_ref()),
            Field::Sex => Datum::of(sex.map(sex_letter)),
            Field::BirthDate => Datum::of(birth_date.map(|date| date.to_string())),
            Field::BirthPlace => Datum::of(place.as_ref().map(birth_place)),
            Field::TaxCode => Datum::of(code.as_ref().map(tax_code)),
            Field::TaxCodeHistory => tax_code_history.iter().map(tax_code).collect(),
            Field::NationalId => Datum::of(national_id.map(|id| id.as_str().to_owned())),
            Field::CivilStatus => Datum::of(status.as_ref().map(civil_status)),
            Field::Citizenships => Datum::of(states.as_ref().map(citizenships)),
            Field::Parents => parents.iter().map(parent).collect(),
            Field::Residence => Datum::of(home.as_ref().map(residence)),
            Field::ResidenceHistory => residence_history.iter().map(residence).collect(),
            Field::Household => Datum::of(household.as_ref().map(membership)),
            Field::IdentityDocument => Datum::of(document.as_ref().map(identity_document)),
            Field::Registration => Datum::of(registration.as_ref().map(person_registration)),
            Field::Cancellation => Datum::of(exit.as_ref().map(cancellation)),
            Field::Death => Datum::of(end.as_ref().map(death)),
            Field::ProcedureOpen => Datum::of(*procedure_open),
        }
    };
    let mut record = vec![("name".to_owned(), Datum::text(handle.as_str()))];
    if *superseded {
        record.push(("superseded".to_owned(), Datum::Truth(true)));
    }
    if *restored {
        record.push(("restored".to_owned(), Datum::Truth(true)));
    }
    if *location_withheld {
        record.push(("location_withheld".to_owned(), Datum::Truth(true)));
    }
    if let Some(VerificationAnswer { verdict, reason }) = of_kind {
        record.push(("of_kind".to_owned(), Datum::text(verdict_name(*verdict))));
        record.push((
            "of_kind_reason".to_owned(),
            Datum::text(verification_reason(*reason)),
        ));
    }
    record.extend(fields.iter().map(|field| (field.name().to_owned(), value(field))));
    Datum::Record(record)
}

pub(super) fn role(role: HouseholdRole) -> Datum {
    coded(role.code(), role.label()).build()
}

fn name(name: Option<&PersonName>) -> Datum {
    Datum::of(name.map(PersonName::as_str))
}

fn sex_letter(sex: Sex) -> &'static str {
    match sex {
        Sex::Male => "M",
        Sex::Female => "F",
        Sex::Unknown => "N",
    }
}

fn birth_place(place: &BirthPlace) -> Datum {
    let record = RecordBuilder::new();
    match place {
        BirthPlace::Municipality {
            istat,
            name,
            province,
        } => record
            .with_some("istat", istat.as_ref().map(|code| code.as_str()))
            .with("name", name.as_str())
            .with("province", province.as_str()),
        BirthPlace::Abroad { state, locality } => record
            .with("state", state_of(*state))
            .with("locality", locality.as_str()),
        BirthPlace::Exceptional(place) => record.with("exceptional", place.as_str()),
    }
    .build()
}

fn tax_code(entry: &TaxCodeEntry) -> Datum {
    let TaxCodeEntry {
        code,
        validated,
        from,
    } = entry;
    RecordBuilder::new()
        .with("code", code.as_str())
        .with("validated", *validated)
        .with_some("from", from.map(|day| day.to_string()))
        .build()
}

fn civil_status(fact: &Dated<CivilStatus>) -> Datum {
    let Dated { from, value } = fact;
    coded(value.code(), value.label())
        .with_some("from", from.map(|day| day.to_string()))
        .build()
}

fn citizenships(fact: &Dated<Vec<StateCode>>) -> Datum {
    let Dated { from, value } = fact;
    RecordBuilder::new()
        .with(
            "states",
            value.iter().map(|code| state_of(*code)).collect::<Datum>(),
        )
        .with_some("from", from.map(|day| day.to_string()))
        .build()
}

fn parent(parent: &Parent) -> Datum {
    let Parent {
        role,
        surname,
        given_name,
        tax_code,
    } = parent;
    let role = match role {
        ParentRole::Father => "father",
        ParentRole::Mother => "mother",
    };
    RecordBuilder::new()
        .with("role", role)
        .with("surname", name(surname.as_ref()))
        .with("given_name", name(given_name.as_ref()))
        .with_some("tax_code", tax_code.as_ref().map(|code| code.as_str()))
        .build()
}

fn residence(fact: &Dated<Residence>) -> Datum {
    let Dated {
        from,
        value: Residence {
            kind,
            place: home,
            standing,
        },
    } = fact;
    let standing = match standing {
        ResidenceStanding::Definitive => "definitive",
        ResidenceStanding::Provisional => "provisional",
    };
    RecordBuilder::new()
        .with("from", day(*from))
        .with("kind", coded(kind.code(), kind.label()).build())
        .with("place", place(home))
        .with("standing", standing)
        .build()
}

fn place(place: &Place) -> Datum {
    match place {
        Place::Italian(home) => address(home),
        Place::Foreign(ForeignAddress {
            state,
            locality,
            line,
        }) => RecordBuilder::new()
            .with("state", state_of(*state))
            .with("locality", locality.as_str())
            .with("line", line.as_str())
            .build(),
        Place::Notional { municipality } => RecordBuilder::new()
            .with("notional", true)
            .with("municipality", municipality_of(*municipality))
            .build(),
    }
}

fn address(address: &Address) -> Datum {
    let Address {
        municipality,
        postcode,
        hamlet,
        species,
        street,
        street_code: _,
        number,
        suffix,
        staircase,
        unit,
    } = address;
    let stated = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    RecordBuilder::new()
        .with("municipality", municipality_of(*municipality))
        .with("street", format!("{} {street}", species.label()))
        .with(
            "number",
            number.map_or_else(|| "SNC".to_owned(), |number| format!("{number}{suffix}")),
        )
        .with_some("staircase", stated(staircase))
        .with_some("unit", stated(unit))
        .with_some("hamlet", stated(hamlet))
        .with_some("postcode", stated(postcode))
        .build()
}

fn membership(membership: &HouseholdMembership) -> Datum {
    let HouseholdMembership {
        household,
        role: place,
        from,
    } = membership;
    RecordBuilder::new()
        .with("household", household.as_str())
        .with("role", role(*place))
        .with("from", day(*from))
        .build()
}

fn identity_document(document: &IdentityDocument) -> Datum {
    let IdentityDocument {
        number,
        issuer,
        issued,
        expires,
    } = document;
    RecordBuilder::new()
        .with("number", number.as_str())
        .with("issuer", municipality_of(*issuer))
        .with("issued", issued.to_string())
        .with("expires", expires.to_string())
        .build()
}

fn person_registration(registration: &PersonRegistration) -> Datum {
    let PersonRegistration {
        municipality,
        register,
        registration: Registration {
            reason,
            effective,
            origin,
        },
    } = registration;
    let register = match register {
        Register::Apr => "APR",
        Register::Aire => "AIRE",
    };
    RecordBuilder::new()
        .with("municipality", municipality_of(*municipality))
        .with("register", register)
        .with("reason", coded(reason.code(), reason.label()).build())
        .with("effective", day(*effective))
        .with_some("origin", origin.as_ref().map(locality))
        .build()
}

fn cancellation(cancellation: &Cancellation) -> Datum {
    let Cancellation {
        reason,
        effective,
        destination,
    } = cancellation;
    RecordBuilder::new()
        .with("reason", coded(reason.code(), reason.label()).build())
        .with("effective", effective.to_string())
        .with_some("destination", destination.as_ref().map(locality))
        .build()
}

fn death(death: &Death) -> Datum {
    let Death { date, place } = death;
    RecordBuilder::new()
        .with("date", date.to_string())
        .with_some("place", place.as_ref().map(locality))
        .build()
}
