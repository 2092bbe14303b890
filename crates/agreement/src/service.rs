//! What an agency can ask for.

use std::fmt;

use crate::field::{Field, FieldSet};

/// A service of the index towards agencies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Service {
    /// Consultation of one person's data (*accertamento*).
    LookupPerson,
    /// Consultation of a household's composition.
    LookupHousehold,
    /// Yes, no or cannot be determined about a declaration (*verifica*).
    VerifyDeclaration,
    /// What the caller's agreements allow. Needs no grant, only an agreement of the caller in force.
    DescribeAccess,
    /// The receipt of an earlier call of the caller. Needs no grant, only an agreement of the caller in force.
    GetReceipt,
}

/// What a declaration is about, with the ANPR use case of the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerificationKind {
    /// Surname, given names, sex, birth (C003).
    Generalities,
    /// Residence (C008).
    Residence,
    /// Existence in life (*esistenza in vita*, C007).
    ExistenceInLife,
    /// Family status (*stato di famiglia*, C009).
    FamilyStatus,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 5] = [
        Self::LookupPerson,
        Self::LookupHousehold,
        Self::VerifyDeclaration,
        Self::DescribeAccess,
        Self::GetReceipt,
    ];

    /// The name in agreements and log headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LookupPerson => "lookup-person",
            Self::LookupHousehold => "lookup-household",
            Self::VerifyDeclaration => "verify-declaration",
            Self::DescribeAccess => "describe-access",
            Self::GetReceipt => "get-receipt",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.name() == name)
    }

    /// Whether the service is about a person of the registry, so that a purpose must grant it.
    pub const fn needs_grant(self) -> bool {
        match self {
            Self::LookupPerson | Self::LookupHousehold | Self::VerifyDeclaration => true,
            Self::DescribeAccess | Self::GetReceipt => false,
        }
    }
}

impl fmt::Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl VerificationKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [
        Self::Generalities,
        Self::Residence,
        Self::ExistenceInLife,
        Self::FamilyStatus,
    ];

    /// The name in agreements and log headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Generalities => "generalities",
            Self::Residence => "residence",
            Self::ExistenceInLife => "existence-in-life",
            Self::FamilyStatus => "family-status",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The ANPR use case (*caso d'uso*).
    pub const fn anpr_code(self) -> &'static str {
        match self {
            Self::Generalities => "C003",
            Self::Residence => "C008",
            Self::ExistenceInLife => "C007",
            Self::FamilyStatus => "C009",
        }
    }

    /// Fields that are compared with the declaration. What protection withholds of them cannot be determined.
    pub const fn examines(self) -> FieldSet {
        match self {
            Self::Generalities => FieldSet::of(&[
                Field::Surname,
                Field::GivenName,
                Field::Sex,
                Field::BirthDate,
                Field::BirthPlace,
            ]),
            Self::Residence => FieldSet::of(&[Field::Residence]),
            Self::ExistenceInLife => FieldSet::of(&[Field::Death]),
            Self::FamilyStatus => FieldSet::of(&[Field::Household]),
        }
    }
}

impl fmt::Display for VerificationKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_and_kinds_are_read_by_their_names() {
        for service in Service::ALL {
            assert_eq!(Service::from_name(service.name()), Some(service));
        }
        for kind in VerificationKind::ALL {
            assert_eq!(VerificationKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Service::from_name("search-persons"), None);
        assert_eq!(VerificationKind::from_name("C003"), None);
    }

    #[test]
    fn only_services_about_persons_need_a_grant() {
        let granted: Vec<_> = Service::ALL
            .iter()
            .filter(|service| service.needs_grant())
            .collect();
        assert_eq!(
            granted,
            [
                &Service::LookupPerson,
                &Service::LookupHousehold,
                &Service::VerifyDeclaration
            ]
        );
    }

    #[test]
    fn kinds_bear_the_anpr_code_of_the_same_meaning() {
        let codes: Vec<_> = VerificationKind::ALL
            .iter()
            .map(|kind| (kind.name(), kind.anpr_code()))
            .collect();
        let expect = [
            ("generalities", "C003"),
            ("residence", "C008"),
            ("existence-in-life", "C007"),
            ("family-status", "C009"),
        ];
        assert_eq!(codes, expect);
    }

    #[test]
    fn residence_and_family_are_matters_of_location_and_generalities_are_not() {
        let located = |kind: VerificationKind| !kind.examines().intersection(FieldSet::LOCATION).is_empty();
        assert!(located(VerificationKind::Residence) && located(VerificationKind::FamilyStatus));
        assert!(!located(VerificationKind::Generalities) && !located(VerificationKind::ExistenceInLife));
        assert_eq!(VerificationKind::Generalities.examines().len(), 5);
    }
}
