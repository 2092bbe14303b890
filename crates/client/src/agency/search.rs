//! Searching for persons of whom a part is known, and looking up one who was found.

use std::fmt;

use agreement::context::AccessContext;
use agreement::field::{Field, FieldSet};
use chrono::NaiveDate;
use registry::date::PartialDate;
use registry::identifier::IstatCode;
use registry::matching::{Extent, Reason};
use wire::convert::{Invalid, Rule, civil_date, match_reason};
use wire::proto::consultation::v1 as proto;

use super::answer::{Freshness, fresh_enough};
use super::person::PersonCard;
use super::request::{istat_text, read_mask};
use crate::convert::{each, required};
use crate::receipt::{AccessProof, ReceiptForm, wire_form};

/// Asks for persons of whom a part is known.
#[derive(Clone)]
pub struct SearchPersons {
    /// Ground of the call.
    pub context: AccessContext,
    /// Surname, whole or the beginning of one; it may have wildcards.
    pub surname: Option<(String, Extent)>,
    /// Given names, whole or the beginning of them; they may have wildcards.
    pub given_name: Option<(String, Extent)>,
    /// Beginning of a codice fiscale.
    pub tax_code: Option<String>,
    /// When the person may be born.
    pub born: Option<Born>,
    /// The municipality to which the question is limited; the whole territory when absent.
    pub municipality: Option<IstatCode>,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

/// When a person may be born.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Born {
    /// On that date; where day or month is unknown, on any that it may be.
    On(PartialDate),
    /// From the first to the last day, ten years at most.
    Between(NaiveDate, NaiveDate),
}

/// Names a person whom a search found, to the operator who searched and for ten minutes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHandle(pub Vec<u8>);

/// Asks for a person whom a search found.
#[derive(Clone, Debug)]
pub struct LookupFound {
    /// Ground of the call: agreement and operator are those of the search.
    pub context: AccessContext,
    /// Whom.
    pub handle: SearchHandle,
    /// Fields that are wanted; empty for all that is granted.
    pub fields: FieldSet,
    /// Which receipt.
    pub receipt: ReceiptForm,
}

/// Who was found.
#[derive(Clone, Debug)]
pub struct SearchAnswer {
    /// At least one, the best first.
    pub hits: Vec<SearchHit>,
    /// How old the data are.
    pub freshness: Freshness,
    /// Whether the data were as fresh as the call demanded; nothing where it demanded nothing.
    pub fresh_enough: Option<bool>,
    /// Day at which the answer is true.
    pub reference_date: NaiveDate,
    /// Today in Europe/Rome at the index.
    pub today: NaiveDate,
    /// Proof of the access.
    pub receipt: AccessProof,
}

/// A person who was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchHit {
    /// By which the person can be looked up.
    pub handle: SearchHandle,
    /// 1 to 1000.
    pub score: u16,
    /// Why not more. Those of a later version are left out.
    pub reasons: Vec<(Field, Reason)>,
    /// Surname, given names, sex, birth date and place, as far as they are granted; without handle.
    pub person: PersonCard,
}

impl From<SearchPersons> for proto::SearchPersonsRequest {
    fn from(request: SearchPersons) -> Self {
        let SearchPersons {
            context,
            surname,
            given_name,
            tax_code,
            born,
            municipality,
            receipt,
        } = request;
        let name = |(text, extent): (String, Extent)| proto::PartialName {
            text,
            beginning: extent == Extent::Beginning,
        };
        let (birth_date, span) = match born {
            None => (None, None),
            Some(Born::On(date)) => (Some(date.into()), None),
            Some(Born::Between(first, last)) => (None, Some((first, last))),
        };
        Self {
            context: Some((&context).into()),
            surname: surname.map(name),
            given_name: given_name.map(name),
            tax_code: tax_code.unwrap_or_default(),
            birth_date,
            born_from: span.map(|(first, _)| first.into()),
            born_to: span.map(|(_, last)| last.into()),
            municipality: istat_text(municipality),
            receipt_form: wire_form(receipt),
        }
    }
}

impl From<LookupFound> for proto::LookupPersonRequest {
    fn from(request: LookupFound) -> Self {
        let LookupFound {
            context,
            handle,
            fields,
            receipt,
        } = request;
        Self {
            context: Some((&context).into()),
            key: Some(proto::lookup_person_request::Key::Handle(handle.0)),
            municipality: String::new(),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::Unspecified.into(),
        }
    }
}

impl From<LookupFound> for proto::LookupHouseholdRequest {
    fn from(request: LookupFound) -> Self {
        let LookupFound {
            context,
            handle,
            fields,
            receipt,
        } = request;
        Self {
            context: Some((&context).into()),
            key: Some(proto::lookup_household_request::Key::Handle(handle.0)),
            municipality: String::new(),
            read_mask: read_mask(fields),
            receipt_form: wire_form(receipt),
            ascertainment: proto::Ascertainment::Unspecified.into(),
        }
    }
}

impl SearchAnswer {
    pub(super) fn read(message: proto::SearchPersonsResponse, proof: AccessProof) -> Result<Self, Invalid> {
        let proto::SearchPersonsResponse {
            hits,
            freshness,
            reference_date,
            today,
            receipt: _,
        } = message;
        Ok(Self {
            hits: each("hits", hits, hit)?,
            fresh_enough: fresh_enough(freshness.as_ref())?,
            freshness: required("freshness", freshness)?.try_into()?,
            reference_date: civil_date("reference_date", reference_date)?,
            today: civil_date("today", today)?,
            receipt: proof,
        })
    }
}

fn hit(message: proto::SearchHit) -> Result<SearchHit, Invalid> {
    let proto::SearchHit {
        handle,
        score,
        reasons,
        person,
    } = message;
    let reasons = reasons.into_iter().filter_map(|reason| {
        let proto::MatchReason { field, kind } = reason;
        Some((Field::from_name(&field).ok()?, match_reason(kind)?))
    });
    Ok(SearchHit {
        handle: SearchHandle(handle),
        score: u16::try_from(score).map_err(|_| Invalid::new("score", Rule::Range))?,
        reasons: reasons.collect(),
        person: required("person", person)?
            .try_into()
            .map_err(|invalid: Invalid| invalid.within("person"))?,
    })
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for SearchPersons {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SearchPersons(..)")
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for Born {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Born(..)")
    }
}
