//! One person's card as an agreement shows it.

use std::fmt;

use chrono::NaiveDate;

use registry::code::CivilStatus;
use registry::date::PartialDate;
use registry::identifier::{IstatCode, NationalId, StateCode};
use registry::record::{
    BirthPlace, Cancellation, Death, HouseholdLink, IdentityDocument, Parent, PersonName, Record, Register,
    Registration, Residence, Sex, TaxCodeEntry,
};
use registry::timeline::{AsOf, Dated, Timeline};

use crate::field::{Field, FieldSet};
use crate::subject::Standing;
use crate::verification::VerificationAnswer;

/// A card on the reference date. A field outside [`Self::fields`] is empty; one inside may be empty too, where the
/// registry holds nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct PersonView {
    /// Fields that are shown.
    pub fields: FieldSet,
    /// Whether fields were granted that are withheld because the person's location is protected.
    pub location_withheld: bool,
    /// Whether the card is of the kind that was ascertained; `None` where the kind asks for a datum whatever it is, and
    /// of every other call. Then a datum of the kind is shown where the answer is yes.
    pub of_kind: Option<VerificationAnswer>,
    /// Surname.
    pub surname: Option<PersonName>,
    /// Given names.
    pub given_name: Option<PersonName>,
    /// Sex.
    pub sex: Option<Sex>,
    /// Birth date.
    pub birth_date: Option<PartialDate>,
    /// Birth place.
    pub birth_place: Option<BirthPlace>,
    /// Codice fiscale in force now, whatever the reference date.
    pub tax_code: Option<TaxCodeEntry>,
    /// Every codice fiscale, the current one last.
    pub tax_code_history: Vec<TaxCodeEntry>,
    /// National id.
    pub national_id: Option<NationalId>,
    /// Civil status.
    pub civil_status: Option<Fact<CivilStatus>>,
    /// Citizenships.
    pub citizenships: Option<Fact<Vec<StateCode>>>,
    /// Parents, without their codici fiscali.
    pub parents: Vec<Parent>,
    /// Residence; none held once the person has left or died.
    pub residence: Option<Fact<Residence>>,
    /// Residences that began by the reference date and reach into the history granted, oldest first.
    pub residence_history: Vec<Dated<Residence>>,
    /// Household; none held once the person has left or died.
    pub household: Option<Fact<HouseholdLink>>,
    /// Identity card.
    pub identity_document: Option<IdentityDocument>,
    /// Entry into the register, once it had taken effect.
    pub registration: Option<RegistrationView>,
    /// Exit from the register, once it had taken effect.
    pub cancellation: Option<Cancellation>,
    /// Death, from the day after it on.
    pub death: Option<Death>,
    /// Whether an administrative procedure is open.
    pub procedure_open: Option<bool>,
}

/// A fact that changes over time, on the reference date.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact<T> {
    /// It held.
    Held {
        /// Since when, where the registry knows.
        from: Option<NaiveDate>,
        /// What.
        value: T,
    },
    /// The reference date lies before the history that the registry holds of it.
    NoHistoryBefore(NaiveDate),
    /// The registry holds no such fact for the day.
    NotHeld,
}

/// Entry into a register, with the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistrationView {
    /// Municipality that keeps the card.
    pub municipality: IstatCode,
    /// Register that keeps the card.
    pub register: Register,
    /// The entry.
    pub registration: Registration,
}

impl PersonView {
    /// The card on `reference_date`, with these fields and no others. Of former residences those are shown that
    /// reach to `history_from` or beyond. A permit does this with its own bounds.
    pub fn of(
        record: &Record,
        fields: FieldSet,
        reference_date: NaiveDate,
        history_from: Option<NaiveDate>,
    ) -> Self {
        let Record {
            municipality,
            local_id: _,
            register,
            generalities,
            tax_codes,
            national_id,
            civil_status,
            citizenships,
            parents,
            residences,
            households,
            identity_document,
            registration,
            cancellation,
            death,
            flags,
            measures: _,
        } = record;
        let shows = |field: Field| fields.contains(field);
        let standing = Standing::of(record, reference_date);
        let present = standing == Standing::Registered;
        let left = |cancellation: &&Cancellation| !present && cancellation.effective <= reference_date;
        let entered =
            |registration: &&Registration| registration.effective.is_none_or(|from| from <= reference_date);
        Self {
            fields,
            location_withheld: false,
            of_kind: None,
            surname: generalities.surname.clone().filter(|_| shows(Field::Surname)),
            given_name: generalities
                .given_name
                .clone()
                .filter(|_| shows(Field::GivenName)),
            sex: shows(Field::Sex).then_some(generalities.sex),
            birth_date: shows(Field::BirthDate).then_some(generalities.birth_date),
            birth_place: shows(Field::BirthPlace).then(|| generalities.birth_place.clone()),
            tax_code: tax_codes.last().filter(|_| shows(Field::TaxCode)).cloned(),
            tax_code_history: if shows(Field::TaxCodeHistory) {
                tax_codes.clone()
            } else {
                Vec::new()
            },
            national_id: national_id.filter(|_| shows(Field::NationalId)),
            civil_status: shows(Field::CivilStatus).then(|| Fact::on(civil_status, reference_date)),
            citizenships: shows(Field::Citizenships).then(|| Fact::on(citizenships, reference_date)),
            parents: if shows(Field::Parents) {
                without_tax_codes(parents)
            } else {
                Vec::new()
            },
            residence: shows(Field::Residence)
                .then(|| Fact::while_present(record, residences, reference_date)),
            residence_history: if shows(Field::ResidenceHistory) {
                reaching(residences, reference_date, history_from)
            } else {
                Vec::new()
            },
            household: shows(Field::Household)
                .then(|| Fact::while_present(record, households, reference_date)),
            identity_document: identity_document
                .clone()
                .filter(|_| shows(Field::IdentityDocument)),
            registration: Some(registration)
                .filter(|_| shows(Field::Registration))
                .filter(entered)
                .map(|registration| RegistrationView {
                    municipality: *municipality,
                    register: *register,
                    registration: registration.clone(),
                }),
            cancellation: cancellation
                .as_ref()
                .filter(|_| shows(Field::Cancellation))
                .filter(left)
                .cloned(),
            death: death
                .as_ref()
                .filter(|_| shows(Field::Death) && standing == Standing::Dead)
                .map(|death| shown_death(death, record.ever_protected() && !shows(Field::Residence))),
            procedure_open: shows(Field::ProcedureOpen).then_some(flags.procedure_open),
        }
    }

    /// The latest of the days before which a shown fact has no history; `None` where none lacks it.
    pub fn no_history_before(&self) -> Option<NaiveDate> {
        let starts = [
            self.civil_status.as_ref().and_then(Fact::no_history_before),
            self.citizenships.as_ref().and_then(Fact::no_history_before),
            self.residence.as_ref().and_then(Fact::no_history_before),
            self.household.as_ref().and_then(Fact::no_history_before),
        ];
        starts.into_iter().flatten().max()
    }
}

impl<T> Fact<T> {
    /// The value, where it held.
    pub fn held(&self) -> Option<&T> {
        match self {
            Self::Held { value, .. } => Some(value),
            Self::NoHistoryBefore(_) | Self::NotHeld => None,
        }
    }

    /// The day from which there is history, where the reference date lies before it.
    pub fn no_history_before(&self) -> Option<NaiveDate> {
        match self {
            Self::NoHistoryBefore(day) => Some(*day),
            Self::Held { .. } | Self::NotHeld => None,
        }
    }
}

impl<T: Clone> Fact<T> {
    fn on(timeline: &Timeline<T>, day: NaiveDate) -> Self {
        if let Some(Dated { from, value }) = timeline.dated_at(day) {
            return Self::Held {
                from: *from,
                value: value.clone(),
            };
        }
        let begins = timeline.facts().first().and_then(|first| first.from);
        match (timeline.at(day), begins) {
            (AsOf::BeforeHistory, Some(begins)) => Self::NoHistoryBefore(begins),
            (AsOf::BeforeHistory | AsOf::Never | AsOf::Held(_), _) => Self::NotHeld,
        }
    }

    /// Facts that begin with the person's registration and end with the leaving.
    fn while_present(record: &Record, timeline: &Timeline<T>, day: NaiveDate) -> Self {
        if Standing::of(record, day) != Standing::Registered {
            return Self::NotHeld;
        }
        match (
            record.while_registered(timeline, day),
            record.registration.effective,
        ) {
            (AsOf::BeforeHistory, Some(entered)) => {
                let begins = timeline.facts().first().and_then(|first| first.from);
                Self::NoHistoryBefore(begins.unwrap_or(entered))
            }
            (AsOf::BeforeHistory | AsOf::Held(_) | AsOf::Never, _) => Self::on(timeline, day),
        }
    }
}

/// Debugging output names the fields and holds none of them.
impl fmt::Debug for PersonView {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PersonView({})", self.fields)
    }
}

/// Facts that began by `until` and had not ended before `from`.
fn reaching<T: Clone>(timeline: &Timeline<T>, until: NaiveDate, from: Option<NaiveDate>) -> Vec<Dated<T>> {
    let facts = timeline.facts();
    let ends = facts.iter().skip(1).map(|next| next.from).chain([None]);
    facts
        .iter()
        .zip(ends)
        .filter(|(fact, _)| fact.from.is_none_or(|begun| begun <= until))
        .filter(|(_, end)| from.is_none_or(|from| end.is_none_or(|end| from < end)))
        .map(|(fact, _)| fact.clone())
        .collect()
}

/// Services on parents never return their codici fiscali (ANPR C024, C025).
fn without_tax_codes(parents: &[Parent]) -> Vec<Parent> {
    parents
        .iter()
        .map(|parent| Parent {
            tax_code: None,
            ..parent.clone()
        })
        .collect()
}

/// The place of death of a person whose location is withheld leads to where the person lived.
fn shown_death(death: &Death, hide_place: bool) -> Death {
    Death {
        date: death.date,
        place: if hide_place { None } else { death.place },
    }
}

#[cfg(test)]
mod tests;
