//! One person's card in one municipality (*scheda individuale*, DPR 223/1989 art. 20), with its history.
//!
//! Facts that change carry the day from which they held ([`Timeline`]); what was true on a reference date is read
//! from the card, what was *known* on a day is a matter of the versions the index keeps.

use std::fmt;

use chrono::NaiveDate;

use crate::code::{
    AddressKind, CancellationReason, CivilStatus, HouseholdRole, RegistrationReason, ToponymSpecies,
};
use crate::codice_fiscale::TaxCode;
use crate::date::PartialDate;
use crate::identifier::{HouseholdId, IstatCode, LocalId, NationalId, StateCode};
use crate::measure::Measures;
use crate::normal::composed;
use crate::timeline::{AsOf, Timeline};

/// A card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Municipality that keeps the card, by the ISTAT code in force when it was published.
    pub municipality: IstatCode,
    /// The municipality's number for the card.
    pub local_id: LocalId,
    /// Residents (APR) or citizens abroad (AIRE).
    pub register: Register,
    /// Who the person is.
    pub generalities: Generalities,
    /// Every codice fiscale the person had, the current one last.
    pub tax_codes: Vec<TaxCodeEntry>,
    /// National id (idANPR), where assigned.
    pub national_id: Option<NationalId>,
    /// Civil status over time (table 1).
    pub civil_status: Timeline<CivilStatus>,
    /// Citizenships over time; several can hold at once.
    pub citizenships: Timeline<Vec<StateCode>>,
    /// Father and mother as the registry names them.
    pub parents: Vec<Parent>,
    /// Address of residence over time.
    pub residences: Timeline<Residence>,
    /// Family or convivenza over time.
    pub households: Timeline<HouseholdLink>,
    /// Identity card, where the profile publishes it.
    pub identity_document: Option<IdentityDocument>,
    /// How and when the person entered this register.
    pub registration: Registration,
    /// How and when the person left it.
    pub cancellation: Option<Cancellation>,
    /// Death, as soon as the registry knows of it.
    pub death: Option<Death>,
    /// Markers that govern how the card is served.
    pub flags: Flags,
    /// Measures that a registrar has set on the card at the node.
    pub measures: Measures,
}

/// Which register keeps the card.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Register {
    /// *Anagrafe della popolazione residente*.
    Apr,
    /// *Anagrafe degli italiani residenti all'estero*.
    Aire,
}

/// Who the person is (*generalità*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Generalities {
    /// Surname; `None` when the person has none (`senzaCognome`).
    pub surname: Option<PersonName>,
    /// Given names; `None` when the person has none (`senzaNome`).
    pub given_name: Option<PersonName>,
    /// Sex as registered.
    pub sex: Sex,
    /// Birth date, day or month possibly unknown.
    pub birth_date: PartialDate,
    /// Birth place.
    pub birth_place: BirthPlace,
}

/// Surname or given names: 1 to 80 characters, letters with diacritics, blank, hyphen, apostrophe, full stop, comma.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PersonName(String);

/// Why a text is not a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    /// Empty or longer than 80 characters.
    #[error("a name has 1 to 80 characters")]
    Length,
    /// Other characters than letters, blank, - ' . ,
    #[error("a name holds only letters, blanks and - ' . ,")]
    Character,
}

impl PersonName {
    /// Checks length and characters; blanks at the ends are dropped and runs of blanks folded to one. Accents that come
    /// apart from their letters are put together with them.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let folded = composed(text).split_whitespace().collect::<Vec<_>>().join(" ");
        let length = folded.chars().count();
        if length == 0 || 80 < length {
            return Err(NameError::Length);
        }
        let admitted = |letter: char| letter.is_alphabetic() || " -'’.,".contains(letter);
        if !folded.chars().all(admitted) || !folded.chars().any(char::is_alphabetic) {
            return Err(NameError::Character);
        }
        Ok(Self(folded))
    }

    /// The name as registered.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PersonName(..)")
    }
}

/// Sex as registered (ANPR M, F, N).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Sex {
    /// Male.
    Male,
    /// Female.
    Female,
    /// Not known.
    Unknown,
}

/// Where the person was born.
#[derive(Clone, PartialEq, Eq)]
pub enum BirthPlace {
    /// An Italian municipality, by the code in force at the birth date.
    Municipality {
        /// ISTAT code; absent for territories that never had one.
        istat: Option<IstatCode>,
        /// Name as registered, at most 80 characters.
        name: String,
        /// Province (*sigla*), two letters, `EE` never.
        province: String,
    },
    /// A place abroad.
    Abroad {
        /// State.
        state: StateCode,
        /// Locality, at most 120 characters; may be empty.
        locality: String,
    },
    /// A ship, a plane (*luogo eccezionale*), at most 120 characters.
    Exceptional(String),
}

impl fmt::Debug for BirthPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BirthPlace(..)")
    }
}

/// A codice fiscale of the card with its standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TaxCodeEntry {
    /// The code.
    pub code: TaxCode,
    /// Whether the tax registry confirmed it (ANPR `validitaCF` 1) or not (9).
    pub validated: bool,
    /// Day from which it is the person's code.
    pub from: Option<NaiveDate>,
}

/// A parent, as named on the card.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parent {
    /// Father or mother.
    pub role: ParentRole,
    /// Surname.
    pub surname: Option<PersonName>,
    /// Given names.
    pub given_name: Option<PersonName>,
    /// Codice fiscale, where known. Never served by paternity and maternity services (ANPR C024, C025).
    pub tax_code: Option<TaxCode>,
}

/// Father or mother.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ParentRole {
    /// *Padre*.
    Father,
    /// *Madre*.
    Mother,
}

/// An address of residence and its standing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residence {
    /// Kind (table 25).
    pub kind: AddressKind,
    /// Where.
    pub place: Place,
    /// Whether the 45-day check of DPR 223/1989 art. 18-bis is over.
    pub standing: ResidenceStanding,
}

/// Where somebody lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// An address in Italy.
    Italian(Address),
    /// An address abroad (AIRE).
    Foreign(ForeignAddress),
    /// No fixed abode: a notional street of the municipality, which is no dwelling.
    Notional {
        /// Municipality at which the person is registered.
        municipality: IstatCode,
    },
}

/// Whether a residence is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResidenceStanding {
    /// Checked, or the time for the check has passed.
    Definitive,
    /// Accepted with reservation (*con riserva*): the check is open.
    Provisional,
}

/// An Italian address.
#[derive(Clone, PartialEq, Eq)]
pub struct Address {
    /// Municipality of the address.
    pub municipality: IstatCode,
    /// Postcode, five digits, or empty.
    pub postcode: String,
    /// Hamlet (*frazione*), at most 80 characters, or empty.
    pub hamlet: String,
    /// Species of the street (table 4).
    pub species: ToponymSpecies,
    /// Name of the street, 1 to 100 characters.
    pub street: String,
    /// Municipality's code of the street, at most 6 characters, or empty.
    pub street_code: String,
    /// Civic number without suffix; `None` for "no number" (SNC).
    pub number: Option<u32>,
    /// Suffix of the number (*esponente*), at most 10 characters, or empty.
    pub suffix: String,
    /// Staircase, at most 10 characters, or empty.
    pub staircase: String,
    /// Internal number, at most 10 characters, or empty.
    pub unit: String,
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Address(..)")
    }
}

/// An address abroad.
#[derive(Clone, PartialEq, Eq)]
pub struct ForeignAddress {
    /// State.
    pub state: StateCode,
    /// Locality, 1 to 120 characters.
    pub locality: String,
    /// Street and number in the state's own form, at most 200 characters, or empty.
    pub line: String,
}

impl fmt::Debug for ForeignAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ForeignAddress(..)")
    }
}

/// Membership of a family or convivenza.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HouseholdLink {
    /// The municipality's number for the family or convivenza card.
    pub household: HouseholdId,
    /// Kinship to the reference person (table 5) or role in the convivenza (table 6).
    pub role: HouseholdRole,
}

/// Identity card (*carta d'identità*).
#[derive(Clone, PartialEq, Eq)]
pub struct IdentityDocument {
    /// Number, at most 20 characters.
    pub number: String,
    /// Issuing municipality.
    pub issuer: IstatCode,
    /// Day of issue.
    pub issued: NaiveDate,
    /// Last day of validity.
    pub expires: NaiveDate,
}

impl fmt::Debug for IdentityDocument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("IdentityDocument(..)")
    }
}

/// Entry into the register (*iscrizione*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Reason (table 7, or the AIRE table).
    pub reason: RegistrationReason,
    /// Legal effective date.
    pub effective: Option<NaiveDate>,
    /// Municipality or state from which the person came, where there is one.
    pub origin: Option<Locality>,
}

/// Exit from the register (*cancellazione*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cancellation {
    /// Reason (table 15, or the AIRE table).
    pub reason: CancellationReason,
    /// Legal effective date: from this day on the person is no longer registered here.
    pub effective: NaiveDate,
    /// Municipality or state to which the person went, where there is one.
    pub destination: Option<Locality>,
}

/// A municipality or a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locality {
    /// In Italy.
    Municipality(IstatCode),
    /// Abroad.
    State(StateCode),
}

/// Death (*decesso*).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Death {
    /// Day of death; the person was alive on every day before it.
    pub date: NaiveDate,
    /// Where, when known.
    pub place: Option<Locality>,
}

/// Markers that govern how the card is served.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flags {
    /// The person's location is protected by a measure (shelter, court order).
    pub protected: bool,
    /// An administrative procedure is open on the card (ANPR EN176).
    pub procedure_open: bool,
    /// Not registrable for certificates (table 42 codes 0, 3, 4 collapse here; absent = fully certifiable).
    pub not_certifiable: bool,
}

impl Record {
    /// Whether the card is neither cancelled nor that of somebody who died.
    pub fn is_open(&self) -> bool {
        self.cancellation.is_none() && self.death.is_none()
    }

    /// Whether the registry knows that the person died.
    pub fn is_of_deceased(&self) -> bool {
        let cancellation = self.cancellation.as_ref();
        self.death.is_some() || cancellation.is_some_and(|cancellation| cancellation.reason.is_death())
    }

    /// The codice fiscale in force: the last of the list.
    pub fn current_tax_code(&self) -> Option<&TaxCode> {
        self.tax_codes.last().map(|entry| &entry.code)
    }

    /// Whether the person stood in this register on `day`: from the effective date of registration until the day
    /// before cancellation takes effect.
    pub fn registered_on(&self, day: NaiveDate) -> bool {
        let begun = self.registration.effective.is_none_or(|from| from <= day);
        let ended = self.cancellation.as_ref().is_some_and(|end| end.effective <= day);
        begun && !ended
    }

    /// What held on `day` of the card's residences or households.
    ///
    /// A fact without start may have begun at any time, but not before the registration took effect: of the days
    /// before it this card knows nothing.
    pub fn while_registered<'a, T>(&self, facts: &'a Timeline<T>, day: NaiveDate) -> AsOf<'a, T> {
        let undated = facts.dated_at(day).is_some_and(|fact| fact.from.is_none());
        let entered = self.registration.effective;
        if undated && entered.is_some_and(|entered| day < entered) {
            AsOf::BeforeHistory
        } else {
            facts.at(day)
        }
    }

    /// Whether the person was dead on `day`. The day of death itself still counts as life, as in ANPR.
    pub fn dead_on(&self, day: NaiveDate) -> bool {
        self.death.as_ref().is_some_and(|death| death.date < day)
    }
}
