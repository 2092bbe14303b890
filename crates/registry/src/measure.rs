//! Measures that govern who may be shown at all: protection of a person's whereabouts, and sealing of an identity.
//!
//! They are set by a registrar on a card, by a command of the node, and never by an export: what a back office does not
//! say of a measure does not end it.

use std::fmt;

use chrono::NaiveDate;

use crate::identifier::HouseholdId;
use crate::municipality::MunicipalityId;
use crate::normal;
use crate::publication::HoldReason;
use crate::record::{Address, Generalities, HouseholdLink, Place, Record, Residence, Sex};
use crate::sealing;

/// Measures on a card.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Measures {
    /// The person's whereabouts are protected.
    pub protection: Option<Protection>,
    /// The card is that of a new identity, which nothing may join to the old one.
    pub seal: Option<IdentitySeal>,
}

/// Protection of a person's whereabouts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protection {
    /// What it rests on.
    pub basis: ProtectionBasis,
    /// First day.
    pub from: NaiveDate,
    /// Last day, inclusive and not before `from`; `None` until somebody ends it.
    pub until: Option<NaiveDate>,
}

/// A new identity that nothing may join to the old one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdentitySeal {
    /// What it rests on.
    pub basis: SealBasis,
    /// First day of the new identity.
    pub from: NaiveDate,
    /// Whether the card bears the new identity already.
    pub identity: NewIdentity,
}

/// Whether a sealed card bears the new identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NewIdentity {
    /// Not yet: the back office still names the person as before, and the card is shown to nobody.
    Awaited,
    /// It does.
    Present,
}

/// Declares the bases of a measure: number in canonical bytes, code, Italian label.
macro_rules! bases {
    ($(#[$doc:meta])* $name:ident: $($(#[$each:meta])* $basis:ident = $number:literal, $code:literal, $label:literal;)+) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$each])* $basis,)+
        }

        impl $name {
            /// Every basis, by number.
            pub const ALL: &'static [Self] = &[$(Self::$basis,)+];

            /// Number in canonical bytes; never reused.
            pub const fn number(self) -> u8 {
                match self {
                    $(Self::$basis => $number,)+
                }
            }

            /// The basis of a number.
            pub const fn from_number(number: u8) -> Option<Self> {
                match number {
                    $($number => Some(Self::$basis),)+
                    _ => None,
                }
            }

            /// Code for machines and command lines.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$basis => $code,)+
                }
            }

            /// The basis of a code.
            pub fn from_code(code: &str) -> Option<Self> {
                match code {
                    $($code => Some(Self::$basis),)+
                    _ => None,
                }
            }

            /// Italian label.
            pub const fn label(self) -> &'static str {
                match self {
                    $(Self::$basis => $label,)+
                }
            }
        }
    };
}

bases! {
    /// What the protection of a person's whereabouts rests on.
    ProtectionBasis:
    /// An order of a court.
    CourtOrder = 1, "court-order", "Provvedimento del giudice";
    /// A stay in a shelter (*casa rifugio*, *centro antiviolenza*).
    Shelter = 2, "shelter", "Accoglienza in casa rifugio";
    /// A programme for witnesses (d.l. 8/1991).
    WitnessProgramme = 3, "witness-programme", "Programma di protezione";
    /// A measure of a police authority.
    PoliceMeasure = 4, "police-measure", "Misura dell'autorità di pubblica sicurezza";
    /// Anything else; the municipality knows what.
    Other = 5, "other", "Altro";
}

bases! {
    /// What the sealing of an identity rests on.
    SealBasis:
    /// Full adoption (L. 184/1983 art. 28).
    Adoption = 1, "adoption", "Adozione";
    /// Rectification of the attribution of sex (L. 164/1982 art. 5).
    SexRectification = 2, "sex-rectification", "Rettificazione di attribuzione di sesso";
    /// Change of generalities under a protection programme (d.lgs. 119/1993).
    ProtectionProgramme = 3, "protection-programme", "Cambiamento delle generalità per protezione";
    /// An order of a court.
    CourtOrder = 4, "court-order", "Provvedimento del giudice";
}

/// Normal form of a dwelling: an address in Italy with civic number and internal number. Who has the same one lives
/// behind the same door. Without an internal number an address is a house, and many live in it; a notional address is
/// no dwelling at all.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DwellingKey(String);

impl DwellingKey {
    /// The dwelling of a place, where it is one.
    pub fn of(place: &Place) -> Option<Self> {
        let Place::Italian(Address {
            municipality,
            postcode: _,
            hamlet: _,
            species,
            street,
            street_code: _,
            number,
            suffix,
            staircase,
            unit,
        }) = place
        else {
            return None;
        };
        let number = (*number)?;
        if unit.is_empty() {
            return None;
        }
        let municipality = MunicipalityId::of_any(*municipality)?;
        let species = species.code();
        let [street, suffix, staircase, unit] =
            [street, suffix, staircase, unit].map(|part| normal::name_key(part));
        let municipality = municipality.as_str();
        Some(Self(format!(
            "{municipality}|{species}|{street}|{number}|{suffix}|{staircase}|{unit}"
        )))
    }

    /// The key as bytes, to be hashed.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Personal: debugging output does not carry it.
impl fmt::Debug for DwellingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DwellingKey(..)")
    }
}

/// What somebody shares with whoever lives there too.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SharedPlace {
    /// A household of the card's municipality.
    Household(HouseholdId),
    /// A dwelling.
    Dwelling(DwellingKey),
}

impl SharedPlace {
    /// Every household and dwelling that a card names, now or in its history: whoever knows one knows where those live
    /// who stand there.
    pub fn named_by(card: &Record) -> impl Iterator<Item = Self> + '_ {
        let households = card.households.facts().iter().map(|fact| &fact.value);
        let residences = card.residences.facts().iter().map(|fact| &fact.value);
        Self::of(households, residences)
    }

    /// The household and the dwelling in which the person of a card stands on a day.
    pub fn held_on(card: &Record, day: NaiveDate) -> impl Iterator<Item = Self> + '_ {
        let household = card.while_registered(&card.households, day).held();
        let residence = card.while_registered(&card.residences, day).held();
        Self::of(household.into_iter(), residence.into_iter())
    }

    fn of<'a>(
        households: impl Iterator<Item = &'a HouseholdLink> + 'a,
        residences: impl Iterator<Item = &'a Residence> + 'a,
    ) -> impl Iterator<Item = Self> + 'a {
        let dwellings = residences.filter_map(|residence| DwellingKey::of(&residence.place));
        households
            .map(|link| Self::Household(link.household.clone()))
            .chain(dwellings.map(Self::Dwelling))
    }
}

impl Measures {
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        let Self { protection, seal } = self;
        protection.is_none() && seal.is_none()
    }
}

impl Protection {
    /// Whether it is in force on a day.
    pub fn covers(&self, day: NaiveDate) -> bool {
        self.from <= day && self.until.is_none_or(|until| day <= until)
    }

    /// One that is in force on every day on which either is, and on those between them, on the basis of this one.
    fn spanning(&self, other: &Self) -> Self {
        Self {
            basis: self.basis,
            from: self.from.min(other.from),
            until: self.until.zip(other.until).map(|(mine, theirs)| mine.max(theirs)),
        }
    }

    /// Whether it is in force on every day on which `other` is.
    fn includes(&self, other: &Self) -> bool {
        let lasts = match (self.until, other.until) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(mine), Some(theirs)) => theirs <= mine,
        };
        self.from <= other.from && lasts
    }
}

impl Record {
    /// Whether the whereabouts of the person are protected on a day, by the marker of the export or by a measure.
    pub fn protected_on(&self, day: NaiveDate) -> bool {
        let by_measure = self
            .measures
            .protection
            .is_some_and(|protection| protection.covers(day));
        self.flags.protected || by_measure
    }

    /// Whether there are days on which the whereabouts of the person are protected.
    pub fn ever_protected(&self) -> bool {
        self.flags.protected || self.measures.protection.is_some()
    }

    /// Whether the card is that of a sealed identity.
    pub fn is_sealed(&self) -> bool {
        self.measures.seal.is_some()
    }
}

/// An earlier version of a card with the measures of the present one: going back to it takes no measure back, and a
/// sealed card gains nothing from before its seal.
pub fn with_measures_of(current: &Record, mut earlier: Record) -> Record {
    earlier.measures = current.measures.clone();
    earlier.flags.protected |= current.flags.protected;
    sealing::stripped(earlier)
}

/// The card as it is served with the protection of a later version that waits; `None` where it protects as long
/// already. What waits for a registrar must not keep a protection from taking effect.
pub fn with_protection_of(served: &Record, waiting: &Record) -> Option<Record> {
    if protects_as_long(served, waiting) {
        return None;
    }
    let mut next = served.clone();
    next.flags.protected |= waiting.flags.protected;
    next.measures.protection = match (served.measures.protection, waiting.measures.protection) {
        (Some(served), Some(waiting)) => Some(waiting.spanning(&served)),
        (served, waiting) => waiting.or(served),
    };
    Some(next)
}

/// What of a card says where somebody is protected and nothing of who it is: no name, no identifier, no parents, no
/// document. It shelters who shares the dwelling and leads to nobody.
pub fn sheltering(card: Record) -> Record {
    Record {
        generalities: Generalities {
            surname: None,
            given_name: None,
            sex: Sex::Unknown,
            ..card.generalities
        },
        tax_codes: Vec::new(),
        national_id: None,
        parents: Vec::new(),
        identity_document: None,
        ..card
    }
}

/// Why the next version of a card must wait for a registrar, if it must. `previous` is the last version that
/// was accepted, also where the card was withdrawn from publication since.
pub fn needs_confirmation(previous: Option<&Record>, next: &Record) -> Option<HoldReason> {
    let seal_begins = match (previous.and_then(|card| card.measures.seal), next.measures.seal) {
        (_, None) => false,
        (None, Some(_)) => true,
        (Some(before), Some(after)) => before.from != after.from,
    };
    if seal_begins {
        return Some(HoldReason::IdentitySealed);
    }
    ends_protection(previous, next)
}

/// The same of its protection alone: of a seal that a registrar has confirmed before.
pub fn ends_protection(previous: Option<&Record>, next: &Record) -> Option<HoldReason> {
    let reduced = previous.is_some_and(|previous| !protects_as_long(next, previous));
    reduced.then_some(HoldReason::ProtectionEnded)
}

/// Why a card may not be withdrawn from publication before a registrar has confirmed it: with it would go the
/// protection of everybody who shares the dwelling.
pub fn removal_needs_confirmation(previous: &Record) -> Option<HoldReason> {
    previous.ever_protected().then_some(HoldReason::ProtectionEnded)
}

/// Whether `next` protects on every day on which `previous` does. The marker of an export has neither start nor end.
fn protects_as_long(next: &Record, previous: &Record) -> bool {
    if next.flags.protected {
        return true;
    }
    if previous.flags.protected {
        return false;
    }
    match (&previous.measures.protection, &next.measures.protection) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(before), Some(after)) => after.includes(before),
    }
}

#[cfg(test)]
mod tests;
