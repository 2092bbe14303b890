//! Searches by partial data, and who is found.

use std::fmt;

use agreement::field::{Field, FieldSet};
use agreement::request::{Asked, Request};
use agreement::view::person::PersonView;
use registry::date::PartialDate;
use registry::matching::{
    BirthDateRange, Extent, NameQuery, PersonQuery, QueryError, QueryField, Reason, TaxCodeQuery,
};

use super::answer::{CardTrust, KeyCurrency, PersonMark, person_message};
use super::consultation::request;
use super::date::{optional_civil_date, partial_date};
use super::invalid::{Invalid, Rule};
use super::receipt::{ReceiptChoice, receipt_choice};
use crate::proto::consultation::v1 as wire;

/// A call for persons of whom a part is known.
#[derive(Clone)]
pub struct PersonSearch {
    /// What is asked for, and on what ground.
    pub request: Request,
    /// What is known of the person.
    pub query: PersonQuery,
    /// The same as it was asked, for the sealed part of the entry: name and value of each criterion.
    pub criteria: Vec<(String, String)>,
    /// Which receipt is wanted.
    pub receipt: ReceiptChoice,
}

/// A person who was found, as a message makes of it.
#[derive(Debug)]
pub struct FoundPerson {
    /// The handle's bytes.
    pub handle: Vec<u8>,
    /// How well the person answers.
    pub score: u16,
    /// Why not more, of granted fields.
    pub reasons: Vec<(Field, Reason)>,
    /// What is shown.
    pub view: PersonView,
    /// Whether the card is the municipality's last word.
    pub trust: CardTrust,
}

impl TryFrom<wire::SearchPersonsRequest> for PersonSearch {
    type Error = Invalid;

    fn try_from(message: wire::SearchPersonsRequest) -> Result<Self, Invalid> {
        let wire::SearchPersonsRequest {
            context,
            surname,
            given_name,
            tax_code,
            birth_date,
            born_from,
            born_to,
            municipality,
            receipt_form,
        } = message;
        let mut asked = Criteria::default();
        let names = names(surname.as_ref(), given_name.as_ref())?;
        for (name, field, text) in [
            ("surname", Field::Surname, surname.map(shown)),
            ("given_name", Field::GivenName, given_name.map(shown)),
        ] {
            if let Some(text) = text {
                asked.add(name, field, text);
            }
        }
        let code = if tax_code.is_empty() {
            None
        } else {
            let code = TaxCodeQuery::parse(&tax_code).map_err(refused)?;
            asked.add("tax_code", Field::TaxCode, tax_code);
            Some(code)
        };
        let born = born(birth_date, born_from, born_to)?;
        if let Some(born) = born {
            asked.add(
                "birth_date",
                Field::BirthDate,
                format!("{} {}", born.first(), born.last()),
            );
        }
        if !municipality.is_empty() {
            asked
                .written
                .push(("municipality".to_owned(), municipality.clone()));
        }
        let Criteria { fields, written } = asked;
        Ok(Self {
            request: request(context, Asked::Search { criteria: fields }, &municipality)?,
            query: PersonQuery::new(names, code, born, None).map_err(refused)?,
            criteria: written,
            receipt: receipt_choice(receipt_form)?,
        })
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for PersonSearch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonSearch(..)")
    }
}

/// A hit as a message. Its person bears no name: the handle is all by which it is followed.
pub fn search_hit(found: FoundPerson) -> wire::SearchHit {
    let FoundPerson {
        handle,
        score,
        reasons,
        view,
        trust,
    } = found;
    let mark = PersonMark {
        name: String::new(),
        currency: KeyCurrency::Current,
        trust,
    };
    let reasons = reasons.into_iter().map(|(field, reason)| wire::MatchReason {
        field: field.name().to_owned(),
        kind: wire::MatchKind::from(reason).into(),
    });
    wire::SearchHit {
        handle,
        score: score.into(),
        reasons: reasons.collect(),
        person: Some(person_message(view, mark, |_| String::new())),
    }
}

impl From<Reason> for wire::MatchKind {
    fn from(reason: Reason) -> Self {
        match reason {
            Reason::Exact => Self::Exact,
            Reason::AccentOrApostrophe => Self::AccentOrApostrophe,
            Reason::WordOrder => Self::WordOrder,
            Reason::SurnameAndGivenNameSwapped => Self::SurnameAndGivenNameSwapped,
            Reason::Particle => Self::Particle,
            Reason::Transliteration => Self::Transliteration,
            Reason::Phonetic => Self::Phonetic,
            Reason::Transposition => Self::Transposition,
            Reason::OneEdit => Self::OneEdit,
            Reason::PartOfName => Self::PartOfName,
            Reason::Prefix => Self::Prefix,
            Reason::Wildcard => Self::Wildcard,
            Reason::WithinRange => Self::WithinRange,
            Reason::PossiblyWithinRange => Self::PossiblyWithinRange,
            Reason::Omocodia => Self::Omocodia,
        }
    }
}

/// The reason of a kind; `None` for one of a later version, and for the unspecified one.
pub fn match_reason(number: i32) -> Option<Reason> {
    use wire::MatchKind as Kind;
    Some(match Kind::try_from(number).ok()? {
        Kind::Unspecified => return None,
        Kind::Exact => Reason::Exact,
        Kind::AccentOrApostrophe => Reason::AccentOrApostrophe,
        Kind::WordOrder => Reason::WordOrder,
        Kind::SurnameAndGivenNameSwapped => Reason::SurnameAndGivenNameSwapped,
        Kind::Particle => Reason::Particle,
        Kind::Transliteration => Reason::Transliteration,
        Kind::Phonetic => Reason::Phonetic,
        Kind::Transposition => Reason::Transposition,
        Kind::OneEdit => Reason::OneEdit,
        Kind::PartOfName => Reason::PartOfName,
        Kind::Prefix => Reason::Prefix,
        Kind::Wildcard => Reason::Wildcard,
        Kind::WithinRange => Reason::WithinRange,
        Kind::PossiblyWithinRange => Reason::PossiblyWithinRange,
        Kind::Omocodia => Reason::Omocodia,
    })
}

/// What is asked by, as it is decided on and as it is entered.
#[derive(Default)]
struct Criteria {
    fields: FieldSet,
    written: Vec<(String, String)>,
}

impl Criteria {
    fn add(&mut self, name: &str, field: Field, value: String) {
        self.fields = self.fields.union(FieldSet::of(&[field]));
        self.written.push((name.to_owned(), value));
    }
}

fn names(
    surname: Option<&wire::PartialName>,
    given_name: Option<&wire::PartialName>,
) -> Result<Option<NameQuery>, Invalid> {
    if surname.is_none() && given_name.is_none() {
        return Ok(None);
    }
    let query = NameQuery::new(
        surname.map(|name| (name.text.as_str(), extent(name))),
        given_name.map(|name| (name.text.as_str(), extent(name))),
    );
    query.map(Some).map_err(refused)
}

fn extent(name: &wire::PartialName) -> Extent {
    if name.beginning {
        Extent::Beginning
    } else {
        Extent::Whole
    }
}

/// The name as it was asked, for the entry.
fn shown(name: wire::PartialName) -> String {
    let wire::PartialName { mut text, beginning } = name;
    if beginning && !text.ends_with('*') {
        text.push('*');
    }
    text
}

/// The days of birth in question.
fn born(
    birth_date: Option<crate::proto::r#type::v1::PartialDate>,
    from: Option<crate::proto::r#type::v1::PartialDate>,
    to: Option<crate::proto::r#type::v1::PartialDate>,
) -> Result<Option<BirthDateRange>, Invalid> {
    let span = (
        optional_civil_date("born_from", from)?,
        optional_civil_date("born_to", to)?,
    );
    match (birth_date, span) {
        (None, (None, None)) => Ok(None),
        (Some(date), (None, None)) => {
            let date: PartialDate = partial_date("birth_date", Some(date))?;
            Ok(Some(BirthDateRange::of(date)))
        }
        (None, (Some(first), Some(last))) => BirthDateRange::new(first, last)
            .map(Some)
            .map_err(|error| Invalid::new("born_to", error.rule)),
        (None, (Some(_), None)) => Err(Invalid::new("born_to", Rule::Missing)),
        (None, (None, Some(_))) => Err(Invalid::new("born_from", Rule::Missing)),
        (Some(_), _) => Err(Invalid::new(
            "birth_date",
            Rule::Contradicts("born_from and born_to"),
        )),
    }
}

fn refused(error: QueryError) -> Invalid {
    let QueryError { field, rule } = error;
    let field = match field {
        QueryField::Surname => "surname",
        QueryField::GivenName => "given_name",
        QueryField::TaxCode => "tax_code",
        QueryField::BirthDate => "birth_date",
    };
    Invalid::new(field, rule)
}
