//! Ascertainments (*accertamenti*): consultations of one kind of datum, granted and called by name.
//!
//! A purpose that lists a kind opens the fields of that kind to calls that name it, and nothing else. What the kind
//! does not ask for is left out, also of a field that it opens: whoever ascertains a marriage learns of no other civil
//! status.

use std::fmt;

use registry::record::{Parent, ParentRole, Record};

use chrono::NaiveDate;

use crate::claim::{BondClaim, Claim, DeathClaim, UnmarriedClaim};
use crate::field::{Field, FieldSet};
use crate::service::Service;
use crate::verification::{self, Verdict, VerificationFacts};
use crate::view::household::VisibleCard;
use crate::view::person::{Fact, PersonView};

/// What is ascertained, in the order of the ANPR use cases of the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Ascertainment {
    /// Surname, given names, sex, birth and the codice fiscale in force (*generalità*, C015).
    Generalities,
    /// Death with its date and place (*decesso*, C016).
    Death,
    /// Civil status, of whoever is married (*matrimonio*, C017).
    Marriage,
    /// Citizenships (*cittadinanza*, C018).
    Citizenship,
    /// Whether the person is alive, and else the date of death (*esistenza in vita*, C019).
    ExistenceInLife,
    /// Residence, and the date of death of whoever has died (*residenza*, C020).
    Residence,
    /// The members of the household with kinship, start date and generalities (*stato di famiglia*, C021).
    FamilyStatus,
    /// Civil status, of whoever is free to marry (*stato libero*, C022).
    UnmarriedStatus,
    /// Civil status, of whoever is widowed (*vedovanza*, C023).
    Widowhood,
    /// The father as named on the card (*paternità*, C024).
    Paternity,
    /// The mother as named on the card (*maternità*, C025).
    Maternity,
    /// Civil status, of whoever is in a civil union (*unione civile*, L. 76/2016, C026).
    CivilUnion,
    /// The fields that the purpose grants (*dati anagrafici*, C029).
    RegistryData,
    /// National id (*idANPR*) of whoever has a codice fiscale or complete generalities (C030).
    NationalId,
}

/// How a call names the person that it is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NamedBy {
    /// By an identifier, or by the handle of a search.
    Identifier,
    /// By complete generalities.
    Generalities,
}

impl Ascertainment {
    /// Every kind.
    pub const ALL: [Self; 14] = [
        Self::Generalities,
        Self::Death,
        Self::Marriage,
        Self::Citizenship,
        Self::ExistenceInLife,
        Self::Residence,
        Self::FamilyStatus,
        Self::UnmarriedStatus,
        Self::Widowhood,
        Self::Paternity,
        Self::Maternity,
        Self::CivilUnion,
        Self::RegistryData,
        Self::NationalId,
    ];

    /// The name in agreements and log entries.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generalities => "generalities",
            Self::Death => "death",
            Self::Marriage => "marriage",
            Self::Citizenship => "citizenship",
            Self::ExistenceInLife => "existence-in-life",
            Self::Residence => "residence",
            Self::FamilyStatus => "family-status",
            Self::UnmarriedStatus => "unmarried-status",
            Self::Widowhood => "widowhood",
            Self::Paternity => "paternity",
            Self::Maternity => "maternity",
            Self::CivilUnion => "civil-union",
            Self::RegistryData => "registry-data",
            Self::NationalId => "national-id",
        }
    }

    /// The Italian name, for people.
    pub const fn italian(self) -> &'static str {
        match self {
            Self::Generalities => "generalità",
            Self::Death => "decesso",
            Self::Marriage => "matrimonio",
            Self::Citizenship => "cittadinanza",
            Self::ExistenceInLife => "esistenza in vita",
            Self::Residence => "residenza",
            Self::FamilyStatus => "stato di famiglia",
            Self::UnmarriedStatus => "stato libero",
            Self::Widowhood => "vedovanza",
            Self::Paternity => "paternità",
            Self::Maternity => "maternità",
            Self::CivilUnion => "unione civile",
            Self::RegistryData => "dati anagrafici",
            Self::NationalId => "identificativo unico nazionale",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The ANPR use case (*caso d'uso*).
    pub const fn anpr_code(self) -> &'static str {
        match self {
            Self::Generalities => "C015",
            Self::Death => "C016",
            Self::Marriage => "C017",
            Self::Citizenship => "C018",
            Self::ExistenceInLife => "C019",
            Self::Residence => "C020",
            Self::FamilyStatus => "C021",
            Self::UnmarriedStatus => "C022",
            Self::Widowhood => "C023",
            Self::Paternity => "C024",
            Self::Maternity => "C025",
            Self::CivilUnion => "C026",
            Self::RegistryData => "C029",
            Self::NationalId => "C030",
        }
    }

    /// The service whose question it is. A purpose that lists the kind need not grant that service.
    pub const fn service(self) -> Service {
        match self {
            Self::FamilyStatus => Service::LookupHousehold,
            Self::Generalities
            | Self::Death
            | Self::Marriage
            | Self::Citizenship
            | Self::ExistenceInLife
            | Self::Residence
            | Self::UnmarriedStatus
            | Self::Widowhood
            | Self::Paternity
            | Self::Maternity
            | Self::CivilUnion
            | Self::RegistryData
            | Self::NationalId => Service::LookupPerson,
        }
    }

    /// The fields that it opens, where the purpose grants `granted` to consultations.
    pub const fn opens(self, granted: FieldSet) -> FieldSet {
        match self {
            Self::Generalities => FieldSet::SEARCHED.union(FieldSet::of(&[Field::TaxCode])),
            Self::Death | Self::ExistenceInLife => FieldSet::of(&[Field::Death]),
            Self::Marriage | Self::UnmarriedStatus | Self::Widowhood | Self::CivilUnion => {
                FieldSet::of(&[Field::CivilStatus])
            }
            Self::Citizenship => FieldSet::of(&[Field::Citizenships]),
            Self::Residence => FieldSet::of(&[Field::Residence, Field::Death]),
            Self::FamilyStatus => FieldSet::SEARCHED.union(FieldSet::of(&[Field::Household])),
            Self::Paternity | Self::Maternity => FieldSet::of(&[Field::Parents]),
            Self::RegistryData => granted,
            Self::NationalId => FieldSet::of(&[Field::NationalId]),
        }
    }

    /// Fields by which the person may be named though the kind does not show them: C030 is asked with complete
    /// generalities of whoever has no codice fiscale at hand.
    pub const fn confirms(self) -> FieldSet {
        match self {
            Self::NationalId => FieldSet::SEARCHED,
            Self::Generalities
            | Self::Death
            | Self::Marriage
            | Self::Citizenship
            | Self::ExistenceInLife
            | Self::Residence
            | Self::FamilyStatus
            | Self::UnmarriedStatus
            | Self::Widowhood
            | Self::Paternity
            | Self::Maternity
            | Self::CivilUnion
            | Self::RegistryData => FieldSet::EMPTY,
        }
    }

    /// The declaration whose verification says whether a card is of the kind; `None` where the kind asks for a datum
    /// whatever it is.
    pub fn claim(self) -> Option<Claim> {
        let bond = BondClaim {
            since: None,
            partner: None,
        };
        match self {
            Self::Death => Some(Claim::Death(DeathClaim { date: None })),
            Self::ExistenceInLife => Some(Claim::ExistenceInLife),
            Self::Marriage => Some(Claim::Marriage(bond)),
            Self::UnmarriedStatus => UnmarriedClaim::new(None).ok().map(Claim::UnmarriedStatus),
            Self::Widowhood => Some(Claim::Widowhood(bond)),
            Self::CivilUnion => Some(Claim::CivilUnion(bond)),
            Self::Generalities
            | Self::Citizenship
            | Self::Residence
            | Self::FamilyStatus
            | Self::Paternity
            | Self::Maternity
            | Self::RegistryData
            | Self::NationalId => None,
        }
    }

    /// Leaves of a card what the kind asks for, and says whether the card is of the kind. `view` shows of `record` the
    /// fields `visible`.
    pub(crate) fn narrow(self, view: &mut PersonView, record: &Record, visible: FieldSet, day: NaiveDate) {
        let facts = VerificationFacts {
            subject: VisibleCard { record, visible },
            household: &[],
        };
        view.of_kind = self
            .claim()
            .map(|claim| verification::verify(&facts, &claim, day));
        match self {
            Self::Marriage | Self::UnmarriedStatus | Self::Widowhood | Self::CivilUnion => {
                // Another status is none of the caller's business, and where the verification of the same kind would
                // not say yes, neither does this.
                let holds = view.of_kind.is_some_and(|answer| answer.verdict == Verdict::Yes);
                if !holds && let Some(fact @ Fact::Held { .. }) = &mut view.civil_status {
                    *fact = Fact::NotHeld;
                }
            }
            Self::ExistenceInLife | Self::Residence => {
                if let Some(death) = &mut view.death {
                    death.place = None;
                }
            }
            Self::Paternity => retain(&mut view.parents, ParentRole::Father),
            Self::Maternity => retain(&mut view.parents, ParentRole::Mother),
            Self::Generalities
            | Self::Death
            | Self::Citizenship
            | Self::FamilyStatus
            | Self::RegistryData
            | Self::NationalId => {}
        }
    }
}

impl fmt::Display for Ascertainment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

fn retain(parents: &mut Vec<Parent>, role: ParentRole) {
    parents.retain(|parent| parent.role == role);
}

#[cfg(test)]
mod tests;
