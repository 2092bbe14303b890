//! What agencies are shown: persons, households, ages of data.

use std::collections::BTreeMap;
use std::time::Duration;

use agreement::view::household::{DeceasedView, HouseholdView, MemberView};
use agreement::view::person::{Fact, PersonView, RegistrationView};
use registry::code::HouseholdKind;
use registry::identifier::{HouseholdId, IstatCode};
use registry::record::HouseholdLink;
use registry::timeline::Dated;

use super::claim::verification_answer;
use super::person::optional_name;
use crate::proto::consultation::v1 as wire;
use crate::proto::registry::v1 as card;

/// What a card bears beside its content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonMark {
    /// The person's handle, "persons/{handle}".
    pub name: String,
    /// How current the identifier is that was asked for.
    pub currency: KeyCurrency,
    /// Whether the card is the municipality's last word.
    pub trust: CardTrust,
}

/// Whether a card is the municipality's last word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CardTrust {
    /// It is.
    Latest,
    /// It is an earlier version: what came later is in quarantine.
    Restored,
}

/// Whether the identifier that was asked for is the person's present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyCurrency {
    /// It is.
    Current,
    /// The person has another by now.
    Superseded,
}

/// How old the data of an answer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DataAge {
    /// For each municipality whose data the answer shows.
    Of(BTreeMap<IstatCode, Duration>),
    /// The oldest in the agreement's territory, where the location is withheld.
    OldestInTerritory(Duration),
}

/// A card as a message. `household_name` gives the handle, "households/{handle}", of the household that the card names.
pub fn person_message(
    view: PersonView,
    mark: PersonMark,
    household_name: impl FnOnce(&HouseholdId) -> String,
) -> wire::Person {
    let PersonMark {
        name,
        currency,
        trust,
    } = mark;
    let PersonView {
        fields,
        location_withheld,
        of_kind,
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
        tax_code,
        tax_code_history,
        national_id,
        civil_status,
        citizenships,
        parents,
        residence,
        residence_history,
        household,
        identity_document,
        registration,
        cancellation,
        death,
        procedure_open,
    } = view;
    let household = household.and_then(held).map(
        |Dated {
             from,
             value: HouseholdLink { household, role },
         }| {
            wire::HouseholdMembership {
                household: household_name(&household),
                role: Some(role.into()),
                from: from.map(Into::into),
            }
        },
    );
    let (of_kind, of_kind_reason) = of_kind.map_or(
        (
            wire::VerificationAnswer::Unspecified,
            wire::VerificationReason::Unspecified,
        ),
        verification_answer,
    );
    wire::Person {
        name,
        superseded: currency == KeyCurrency::Superseded,
        fields: fields.names().map(str::to_owned).collect(),
        surname: optional_name(surname.as_ref()),
        given_name: optional_name(given_name.as_ref()),
        sex: sex.map_or(card::Sex::Unspecified, Into::into).into(),
        birth_date: birth_date.map(Into::into),
        birth_place: birth_place.as_ref().map(Into::into),
        tax_code: tax_code.as_ref().map(Into::into),
        tax_code_history: tax_code_history.iter().map(Into::into).collect(),
        national_id: national_id.map(|id| id.to_string()).unwrap_or_default(),
        civil_status: civil_status.and_then(held).as_ref().map(Into::into),
        citizenships: citizenships.and_then(held).as_ref().map(Into::into),
        parents: parents.iter().map(Into::into).collect(),
        residence: residence.and_then(held).as_ref().map(Into::into),
        residence_history: residence_history.iter().map(Into::into).collect(),
        household,
        identity_document: identity_document.as_ref().map(Into::into),
        registration: registration.as_ref().map(Into::into),
        cancellation: cancellation.as_ref().map(Into::into),
        death: death.as_ref().map(Into::into),
        procedure_open,
        location_withheld,
        restored: trust == CardTrust::Restored,
        of_kind: of_kind.into(),
        of_kind_reason: of_kind_reason.into(),
    }
}

/// A household as a message: `name` is its handle, `mark_of` gives the mark of a member by the place of the member's
/// card among those that the view was made of.
pub fn household_message(
    view: HouseholdView,
    name: &str,
    mut mark_of: impl FnMut(usize) -> PersonMark,
) -> wire::Household {
    let HouseholdView {
        household: _,
        kind,
        members,
    } = view;
    let members = members.into_iter().map(
        |MemberView {
             card,
             person,
             role,
             from,
         }| wire::HouseholdMember {
            person: Some(person_message(person, mark_of(card), |_| name.to_owned())),
            role: Some(role.into()),
            from: from.map(Into::into),
        },
    );
    wire::Household {
        name: name.to_owned(),
        kind: wire::HouseholdKind::from(kind).into(),
        members: members.collect(),
    }
}

/// The rule for the deceased as a message.
pub fn deceased_message(view: DeceasedView, mark: PersonMark) -> wire::DeceasedPerson {
    let DeceasedView { person, family_until } = view;
    wire::DeceasedPerson {
        person: Some(person_message(person, mark, |_| String::new())),
        family_until: family_until.map(Into::into),
    }
}

fn held<T>(fact: Fact<T>) -> Option<Dated<T>> {
    match fact {
        Fact::Held { from, value } => Some(Dated { from, value }),
        Fact::NoHistoryBefore(_) | Fact::NotHeld => None,
    }
}

impl From<HouseholdKind> for wire::HouseholdKind {
    fn from(kind: HouseholdKind) -> Self {
        match kind {
            HouseholdKind::Family => Self::Family,
            HouseholdKind::Convivenza => Self::Convivenza,
        }
    }
}

impl From<&RegistrationView> for wire::PersonRegistration {
    fn from(view: &RegistrationView) -> Self {
        let RegistrationView {
            municipality,
            register,
            registration,
        } = view;
        Self {
            municipality: municipality.to_string(),
            register: card::Register::from(*register).into(),
            registration: Some(registration.into()),
        }
    }
}

/// What became of a demand for fresh data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FreshnessOutcome {
    /// There was none.
    NotAsked,
    /// The data are as fresh as was demanded.
    Met,
    /// They are not.
    NotMet,
}

impl DataAge {
    /// The message, with what became of a demand for fresh data.
    pub fn message(self, outcome: FreshnessOutcome) -> wire::Freshness {
        let demand = match outcome {
            FreshnessOutcome::NotAsked => wire::FreshnessDemand::Unspecified,
            FreshnessOutcome::Met => wire::FreshnessDemand::Met,
            FreshnessOutcome::NotMet => wire::FreshnessDemand::NotMet,
        };
        wire::Freshness {
            demand: demand.into(),
            ..self.into()
        }
    }
}

impl From<DataAge> for wire::Freshness {
    fn from(age: DataAge) -> Self {
        let freshness = match age {
            DataAge::Of(ages) => wire::freshness::Freshness::Municipalities(wire::MunicipalityAges {
                ages: ages
                    .into_iter()
                    .map(|(istat, age)| wire::MunicipalityAge {
                        municipality: istat.to_string(),
                        age: Some(whole_minutes(age)),
                    })
                    .collect(),
            }),
            DataAge::OldestInTerritory(age) => wire::freshness::Freshness::Oldest(whole_minutes(age)),
        };
        Self {
            freshness: Some(freshness),
            demand: wire::FreshnessDemand::Unspecified.into(),
        }
    }
}

/// An age in whole minutes, rounded up; at least one.
pub fn age_in_minutes(age: Duration) -> u64 {
    let minutes = age.as_secs().div_ceil(60);
    let begun = u64::from(age.as_secs().is_multiple_of(60) && 0 < age.subsec_nanos());
    minutes.saturating_add(begun).max(1)
}

/// An age as agencies are told it.
pub fn whole_minutes(age: Duration) -> prost_types::Duration {
    let seconds = age_in_minutes(age).saturating_mul(60);
    prost_types::Duration {
        seconds: i64::try_from(seconds).unwrap_or(i64::MAX),
        nanos: 0,
    }
}
