//! A call that is granted in every clause, and a card: tests change one thing at a time.

use chrono::NaiveDate;
use uuid::Uuid;

use registry::code::{
    AddressKind, AprRegistrationReason, CivilStatus, HouseholdRole, Kinship, RegistrationReason,
    ToponymSpecies,
};
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::{HouseholdId, IstatCode, LocalId, StateCode};
use registry::measure::Measures;
use registry::record::{
    Address, BirthPlace, Flags, Generalities, HouseholdLink, PersonName, Place, Record, Register,
    Registration, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::Timeline;

use crate::agreements::Agreements;
use crate::context::{
    AccessContext, Assurance, CaseReference, ConsentReference, OperatorId, Urgency, Workstation,
};
use crate::decision::decide;
use crate::document::AgreementDocument;
use crate::field::FieldSet;
use crate::moment::Moment;
use crate::peer::{CertificateFingerprint, Peer, SpiffeId};
use crate::permit::Permit;
use crate::request::{Asked, DeclaredPerson, Request};
use crate::terms::Agreement;
use crate::usage::{Unit, Usage, UsageKey};

/// An agreement that uses every clause.
pub(crate) const DOCUMENT: &str = r#"
format = 1
id = "questura-2026"
title = "Questura, consultation"
agency = "spiffe://ponte.example/agency/questura"
class = "police"
legal_basis = "DPR 223/1989 art. 37"
valid_from = 2026-01-01
valid_to = 2026-12-31
review_by = 2026-12-31
retention_months = 24
protected = "hidden"
history = "since 2010-01-01"
networks = ["192.0.2.0/24"]
pinned_certificates = ["0101010101010101010101010101010101010101010101010101010101010101"]

[territory]
region = "08"

[population]
residents = true
minors = true

[[hours]]
days = ["mon", "tue"]
from = "08:00"
to = "18:00"

[operator]
required = true
assurance = "substantial"
workstation = true

[case_reference]
pattern = "year-number"

[consent_reference]
pattern = "protocol-number"
words = ["CONS"]

[quota]
calls_per_minute = 60
calls_per_day = 1000
misses_per_day = 100
purpose = { calls_per_minute = 30, calls_per_day = 500, misses_per_day = 50 }
operator = { calls_per_minute = 6, calls_per_day = 80, misses_per_day = 8 }

[[purpose]]
id = "investigation"
text = "Investigation"
basis = "c.p.p. art. 55"
kind = "reserved"
release_after_months = 3
services = ["lookup-person", "lookup-household", "verify-declaration"]
verifications = ["generalities", "residence"]
fields = ["surname", "given_name", "birth_date", "residence", "household", "death"]
consent_required = true

[[purpose]]
id = "declarations"
text = "Control of declarations"
basis = "DPR 445/2000 art. 71"
kind = "ordinary"
services = ["verify-declaration"]
verifications = ["residence"]
"#;

pub(crate) const IMOLA: &str = "037032";
pub(crate) const HOUSEHOLD: &str = "F-1";

/// The agreement, with more text at the end of its document.
pub(crate) fn agreement(more: &str) -> Agreement {
    AgreementDocument::parse(format!("{DOCUMENT}{more}").as_bytes()).expect("the fixture is valid")
}

/// The document with one text changed, which must be in it.
pub(crate) fn changed_document(from: &str, to: &str) -> String {
    assert!(DOCUMENT.contains(from), "the fixture holds {from}");
    DOCUMENT.replace(from, to)
}

/// The agreement with one text changed.
pub(crate) fn changed(from: &str, to: &str) -> Agreement {
    AgreementDocument::parse(changed_document(from, to).as_bytes()).expect("the changed fixture is valid")
}

/// The agreement, active since before its first day.
pub(crate) fn agreements(agreement: Agreement) -> Agreements {
    let mut agreements = Agreements::default();
    let at = "2025-12-01T00:00:00Z".parse().expect("an instant");
    agreements.activate(agreement, at).expect("the first of its id");
    agreements
}

pub(crate) fn peer() -> Peer {
    Peer {
        id: SpiffeId::parse("spiffe://ponte.example/agency/questura").expect("an identity"),
        certificate: CertificateFingerprint([1; 32]),
        address: "192.0.2.9".parse().expect("an address"),
    }
}

pub(crate) fn stranger() -> SpiffeId {
    SpiffeId::parse("spiffe://ponte.example/agency/stranger").expect("an identity")
}

/// A Monday, 11:00 in Italy.
pub(crate) fn moment() -> Moment {
    Moment::new("2026-03-02T10:00:00Z".parse().expect("an instant"))
}

pub(crate) fn request() -> Request {
    Request {
        context: AccessContext {
            agreement: crate::context::AgreementId::parse("questura-2026").expect("an id"),
            purpose: crate::context::PurposeId::parse("investigation").expect("an id"),
            operator: OperatorId::parse("m.rossi").ok(),
            assurance: Some(Assurance::Substantial),
            workstation: Workstation::parse("PC-12").ok(),
            case_reference: CaseReference::parse("2026/123").ok(),
            consent_reference: ConsentReference::parse("CONS-1 2026-03-02").ok(),
            reference_date: None,
            known_on: None,
            request_id: Uuid::nil(),
            statement_version: None,
            urgency: Urgency::Ordinary,
            min_fresh_since: None,
        },
        asked: Asked::Person {
            fields: FieldSet::EMPTY,
        },
        municipality: None,
        declared: DeclaredPerson::Declarant,
        batch: None,
    }
}

pub(crate) fn usage_key() -> UsageKey {
    let context = request().context;
    let AccessContext {
        agreement,
        purpose,
        operator,
        ..
    } = context;
    UsageKey {
        agency: peer().id,
        agreement,
        purpose,
        operator,
        unit: Unit::Call,
    }
}

/// The permit of a request under an agreement.
pub(crate) fn permit(agreement: Agreement, request: &Request) -> Permit {
    decide(
        &agreements(agreement),
        &peer(),
        request,
        &Usage::default(),
        moment(),
    )
    .expect("the call is granted")
}

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}

pub(crate) fn name(text: &str) -> PersonName {
    PersonName::parse(text).expect("a name")
}

pub(crate) fn istat(text: &str) -> IstatCode {
    IstatCode::parse(text).expect("a code")
}

pub(crate) fn residence(street: &str, number: Option<u32>) -> Residence {
    let address = Address {
        municipality: istat(IMOLA),
        postcode: "40026".to_owned(),
        hamlet: String::new(),
        species: ToponymSpecies::from_number(213).expect("213 is VIA"),
        street: street.to_owned(),
        street_code: String::new(),
        number,
        suffix: String::new(),
        staircase: String::new(),
        unit: String::new(),
    };
    Residence {
        kind: AddressKind::Residence,
        place: Place::Italian(address),
        standing: ResidenceStanding::Definitive,
    }
}

pub(crate) fn link(household: &str, kinship: Kinship) -> HouseholdLink {
    HouseholdLink {
        household: HouseholdId::parse(household).expect("a household id"),
        role: HouseholdRole::Family(kinship),
    }
}

pub(crate) fn tax_code(text: &str) -> TaxCodeEntry {
    TaxCodeEntry {
        code: TaxCode::parse(text).expect("a codice fiscale"),
        validated: true,
        from: None,
    }
}

/// Mario Rossi, born in Bologna on 10 December 1985, registered at Imola since 2015, at his present address since 2020.
pub(crate) fn record() -> Record {
    let mut residences = Timeline::starting(Some(day("2015-06-01")), residence("EMILIA", Some(10)));
    residences.record(registry::timeline::Dated {
        from: Some(day("2020-01-15")),
        value: residence("Appia", Some(7)),
    });
    Record {
        municipality: istat(IMOLA),
        local_id: LocalId::parse("1").expect("a local id"),
        register: Register::Apr,
        generalities: Generalities {
            surname: Some(name("Rossi")),
            given_name: Some(name("Mario")),
            sex: Sex::Male,
            birth_date: PartialDate::parse("1985-12-10").expect("a date"),
            birth_place: BirthPlace::Municipality {
                istat: Some(istat("037006")),
                name: "BOLOGNA".to_owned(),
                province: "BO".to_owned(),
            },
        },
        tax_codes: vec![tax_code("RSSMRA85T10A944C")],
        national_id: None,
        civil_status: Timeline::starting(Some(day("2012-05-05")), CivilStatus::Married),
        citizenships: Timeline::starting(None, vec![StateCode::parse("100").expect("Italy")]),
        parents: Vec::new(),
        residences,
        households: Timeline::starting(Some(day("2015-06-01")), link(HOUSEHOLD, Kinship::ReferencePerson)),
        identity_document: None,
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::Birth),
            effective: Some(day("2015-06-01")),
            origin: None,
        },
        cancellation: None,
        death: None,
        flags: Flags::default(),
        measures: Measures::default(),
    }
}
