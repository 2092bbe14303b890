//! A call as the decision sees it.

use registry::municipality::MunicipalityId;

use crate::ascertainment::{Ascertainment, NamedBy};
use crate::batch::BatchRow;
use crate::context::AccessContext;
use crate::field::FieldSet;
use crate::service::{Service, VerificationKind};

/// What is asked for, on what ground. The identifier of the person is no part of it: no decision depends on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// On what ground.
    pub context: AccessContext,
    /// What is asked for.
    pub asked: Asked,
    /// Municipality to which the question is limited; the whole territory where absent.
    pub municipality: Option<MunicipalityId>,
    /// Whom a declaration is about.
    pub declared: DeclaredPerson,
    /// The row of a list that it is; `None` of a call by itself.
    pub batch: Option<BatchRow>,
}

impl Request {
    /// The service that the purpose must grant.
    pub fn service(&self) -> Service {
        match (self.asked.service(), &self.batch) {
            (Service::LookupPerson, Some(_)) => Service::BatchLookupPersons,
            (Service::VerifyDeclaration, Some(_)) => Service::BatchVerify,
            (service, _) => service,
        }
    }
}

/// Whom a declaration is about, as its declarant and the caller state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DeclaredPerson {
    /// The declarant.
    #[default]
    Declarant,
    /// Somebody else whom the declaration lawfully names.
    Named,
}

/// The service asked for, with what belongs to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// One person's data.
    Person {
        /// Fields wanted; all that is granted where empty.
        fields: FieldSet,
    },
    /// The data of whoever has complete generalities.
    PersonNamed {
        /// Fields wanted; all that is granted where empty.
        fields: FieldSet,
    },
    /// A household's composition.
    Household {
        /// Fields wanted of the members; all that is granted where empty.
        fields: FieldSet,
    },
    /// The composition of the household of whoever has complete generalities.
    HouseholdNamed {
        /// Fields wanted of the members; all that is granted where empty.
        fields: FieldSet,
    },
    /// The residents of an address in the municipality to which the question is limited.
    Residents {
        /// Fields wanted; all that is granted where empty.
        fields: FieldSet,
    },
    /// What a kind of ascertainment opens, called by its name.
    Ascertainment {
        /// The kind.
        kind: Ascertainment,
        /// How the person is named.
        named_by: NamedBy,
        /// Fields wanted; all that the kind opens where empty.
        fields: FieldSet,
    },
    /// Persons of whom a part is known.
    Search {
        /// Fields of which a part is given: whoever searches by one learns of it, so it must be granted.
        criteria: FieldSet,
    },
    /// Whether a declaration is true.
    Verification(VerificationKind),
    /// What the caller's agreements allow.
    AccessDescription,
    /// The receipt of an earlier call.
    Receipt,
}

impl Asked {
    /// The service.
    pub const fn service(self) -> Service {
        match self {
            Self::Person { .. } | Self::PersonNamed { .. } => Service::LookupPerson,
            Self::Household { .. } | Self::HouseholdNamed { .. } => Service::LookupHousehold,
            Self::Residents { .. } => Service::LookupAddressResidents,
            Self::Ascertainment { kind, .. } => kind.service(),
            Self::Search { .. } => Service::SearchPersons,
            Self::Verification(_) => Service::VerifyDeclaration,
            Self::AccessDescription => Service::DescribeAccess,
            Self::Receipt => Service::GetReceipt,
        }
    }

    /// The kind of verification, of a verification.
    pub const fn verification(self) -> Option<VerificationKind> {
        match self {
            Self::Verification(kind) => Some(kind),
            Self::Person { .. }
            | Self::PersonNamed { .. }
            | Self::Household { .. }
            | Self::HouseholdNamed { .. }
            | Self::Residents { .. }
            | Self::Ascertainment { .. }
            | Self::Search { .. }
            | Self::AccessDescription
            | Self::Receipt => None,
        }
    }

    /// The kind of ascertainment, of one that is called by its name.
    pub const fn ascertainment(self) -> Option<Ascertainment> {
        match self {
            Self::Ascertainment { kind, .. } => Some(kind),
            Self::Person { .. }
            | Self::PersonNamed { .. }
            | Self::Household { .. }
            | Self::HouseholdNamed { .. }
            | Self::Residents { .. }
            | Self::Search { .. }
            | Self::Verification(_)
            | Self::AccessDescription
            | Self::Receipt => None,
        }
    }

    /// Whether the person is named by complete generalities, and not by an identifier or the handle of a hit.
    pub const fn names_by_generalities(self) -> bool {
        match self {
            Self::PersonNamed { .. }
            | Self::HouseholdNamed { .. }
            | Self::Ascertainment {
                named_by: NamedBy::Generalities,
                ..
            } => true,
            Self::Person { .. }
            | Self::Household { .. }
            | Self::Residents { .. }
            | Self::Ascertainment {
                named_by: NamedBy::Identifier,
                ..
            }
            | Self::Search { .. }
            | Self::Verification(_)
            | Self::AccessDescription
            | Self::Receipt => false,
        }
    }

    /// The fields wanted by name, or searched by; empty where none are named.
    pub const fn fields(self) -> FieldSet {
        match self {
            Self::Person { fields }
            | Self::PersonNamed { fields }
            | Self::Household { fields }
            | Self::HouseholdNamed { fields }
            | Self::Residents { fields }
            | Self::Ascertainment { fields, .. } => fields,
            Self::Search { criteria } => criteria,
            Self::Verification(_) | Self::AccessDescription | Self::Receipt => FieldSet::EMPTY,
        }
    }
}
