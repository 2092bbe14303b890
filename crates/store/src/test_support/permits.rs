//! Permits, made as everywhere: by a decision over an agreement and a call.

use agreement::agreements::Agreements;
use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, ConsentReference, OperatorId, PurposeId, Urgency,
    Workstation,
};
use agreement::decision::decide;
use agreement::document::AgreementDocument;
use agreement::field::{Field, FieldSet};
use agreement::moment::Moment;
use agreement::peer::{CertificateFingerprint, Peer, SpiffeId};
use agreement::permit::Permit;
use agreement::request::{Asked, DeclaredPerson, Request};
use agreement::service::VerificationKind;
use agreement::usage::Usage;
use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use crate::test_support::people::{day, municipality};

const DOCUMENT: &str = r#"
format = 1
id = "questura-2026"
title = "Questura, consultation"
agency = "spiffe://ponte.example/agency/questura"
class = "police"
legal_basis = "DPR 223/1989 art. 37"
valid_from = 2020-01-01
valid_to = 2035-12-31
review_by = 2035-12-31
retention_months = 24
protected = "hidden"
history = "all"
known_on = true
search = ["by-identifier", "by-partial-data"]

[territory]
region = "08"

[population]
residents = true
aire = true
cancelled = true
deceased = true
minors = true

[operator]
required = true
assurance = "substantial"
workstation = true

[case_reference]
pattern = "year-number"

[quota]
calls_per_minute = 1000000
calls_per_day = 10000000
misses_per_day = 10000000

[[purpose]]
id = "identification"
text = "Identification of persons"
basis = "TULPS art. 4"
kind = "ordinary"
services = [
    "lookup-person", "lookup-household", "lookup-address-residents", "search-persons", "verify-declaration",
]
verifications = [
    "generalities", "death", "marriage", "citizenship", "existence-in-life", "residence", "family-status",
    "unmarried-status", "widowhood", "paternity", "maternity", "civil-union", "national-id", "municipal-residence",
]
fields = ["surname", "given_name", "birth_date", "tax_code", "national_id", "residence", "household", "registration"]
"#;

/// A call to be decided: everybody may be seen, except who is protected.
#[derive(Clone, Copy)]
pub(crate) struct Ask {
    asked: Asked,
    on: Option<&'static str>,
    known_on: Option<u64>,
    instead: [Option<(&'static str, &'static str)>; 3],
    municipality: Option<&'static str>,
    operator: &'static str,
    later: i64,
}

impl Ask {
    pub(crate) fn person() -> Self {
        Self::new(Asked::Person {
            fields: FieldSet::EMPTY,
        })
    }

    pub(crate) fn household() -> Self {
        Self::new(Asked::Household {
            fields: FieldSet::EMPTY,
        })
    }

    /// The residents of an address of this municipality.
    pub(crate) fn residents(municipality: &'static str) -> Self {
        let fields = FieldSet::EMPTY;
        Self::new(Asked::Residents { fields }).within(municipality)
    }

    /// A search by a part of these fields.
    pub(crate) fn search(criteria: &[Field]) -> Self {
        Self::new(Asked::Search {
            criteria: FieldSet::of(criteria),
        })
    }

    /// Limited to a municipality.
    pub(crate) fn within(self, municipality: &'static str) -> Self {
        Self {
            municipality: Some(municipality),
            ..self
        }
    }

    /// By another operator.
    pub(crate) fn by(self, operator: &'static str) -> Self {
        Self { operator, ..self }
    }

    /// So many seconds later.
    pub(crate) fn later(self, seconds: i64) -> Self {
        Self {
            later: seconds,
            ..self
        }
    }

    pub(crate) fn verification(kind: VerificationKind) -> Self {
        Self::new(Asked::Verification(kind))
    }

    fn new(asked: Asked) -> Self {
        Self {
            asked,
            on: None,
            known_on: None,
            instead: [None; 3],
            municipality: None,
            operator: "m.rossi",
            later: 0,
        }
    }

    /// At this reference date.
    pub(crate) fn on(self, reference_date: &'static str) -> Self {
        Self {
            on: Some(reference_date),
            ..self
        }
    }

    /// As it was known at this instant, Unix milliseconds.
    pub(crate) fn known_on(self, instant_ms: u64) -> Self {
        Self {
            known_on: Some(instant_ms),
            ..self
        }
    }

    /// Under an agreement with one text changed; up to three may be.
    pub(crate) fn instead_of(self, text: &'static str, other: &'static str) -> Self {
        let mut instead = self.instead;
        let place = instead.iter_mut().find(|place| place.is_none());
        *place.expect("three texts at most are changed") = Some((text, other));
        Self { instead, ..self }
    }

    /// Decides the call.
    pub(crate) fn permit(self) -> Permit {
        let mut document = DOCUMENT.to_owned();
        for (text, other) in self.instead.into_iter().flatten() {
            assert!(document.contains(text), "the agreement holds {text}");
            document = document.replace(text, other);
        }
        let agreement = AgreementDocument::parse(document.as_bytes()).unwrap();
        let mut agreements = Agreements::default();
        agreements
            .activate(agreement, "2020-01-01T00:00:00Z".parse().unwrap())
            .unwrap();
        let peer = Peer {
            id: SpiffeId::parse("spiffe://ponte.example/agency/questura").unwrap(),
            certificate: CertificateFingerprint([1; 32]),
            address: "192.0.2.9".parse().unwrap(),
        };
        let request = Request {
            context: AccessContext {
                agreement: AgreementId::parse("questura-2026").unwrap(),
                purpose: PurposeId::parse("identification").unwrap(),
                operator: OperatorId::parse(self.operator).ok(),
                assurance: Some(Assurance::Substantial),
                workstation: Workstation::parse("PC-12").ok(),
                case_reference: CaseReference::parse("2026/123").ok(),
                consent_reference: ConsentReference::parse("CONS-1 2026-03-02").ok(),
                reference_date: self.on.map(day),
                known_on: self
                    .known_on
                    .map(|ms| DateTime::from_timestamp_millis(i64::try_from(ms).unwrap()).unwrap()),
                request_id: Uuid::nil(),
                statement_version: None,
                urgency: Urgency::Ordinary,
                min_fresh_since: None,
            },
            asked: self.asked,
            municipality: self.municipality.map(municipality),
            declared: DeclaredPerson::Declarant,
            batch: None,
        };
        // What was known is asked some days later.
        let now = self
            .known_on
            .map_or("2026-03-02T10:00:00Z", |_| "2026-03-12T10:00:00Z");
        let now: DateTime<Utc> = now.parse().unwrap();
        let moment = Moment::new(now + TimeDelta::seconds(self.later));
        decide(&agreements, &peer, &request, &Usage::default(), moment).unwrap()
    }
}
