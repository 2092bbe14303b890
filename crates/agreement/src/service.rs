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
    /// Consultation of the residents of an address.
    LookupAddressResidents,
    /// Search for persons of whom the caller knows only a part (*ricerca*).
    SearchPersons,
    /// Yes, no or cannot be determined about a declaration (*verifica*).
    VerifyDeclaration,
    /// Consultation of the persons of an approved list (*accertamento massivo*).
    BatchLookupPersons,
    /// Verification of the declarations of an approved list (*verifica massiva*).
    BatchVerify,
    /// What the caller's agreements allow. Needs no grant, only an agreement of the caller in force.
    DescribeAccess,
    /// The receipt of an earlier call of the caller. Needs no grant, only an agreement of the caller in force.
    GetReceipt,
}

/// What a declaration is about, in the order of the ANPR use cases of the same meaning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum VerificationKind {
    /// Surname, given names, sex, birth (*generalità*, C003).
    Generalities,
    /// Death (*decesso*, C004).
    Death,
    /// Marriage (*matrimonio*, C005).
    Marriage,
    /// Citizenship (*cittadinanza*, C006).
    Citizenship,
    /// Existence in life (*esistenza in vita*, C007).
    ExistenceInLife,
    /// Residence at an address (*residenza*, C008).
    Residence,
    /// Family status (*stato di famiglia*, C009).
    FamilyStatus,
    /// Unmarried status (*stato libero*, C010).
    UnmarriedStatus,
    /// Widowhood (*vedovanza*, C011).
    Widowhood,
    /// Paternity (*paternità*, C012).
    Paternity,
    /// Maternity (*maternità*, C013).
    Maternity,
    /// Civil union (*unione civile*, L. 76/2016, C014).
    CivilUnion,
    /// National id against generalities (*idANPR*, C031).
    NationalId,
    /// Residence in a municipality, wherever in it (*residenza nel comune*). ANPR has no such use case.
    MunicipalResidence,
}

impl Service {
    /// Every service.
    pub const ALL: [Self; 9] = [
        Self::LookupPerson,
        Self::LookupHousehold,
        Self::LookupAddressResidents,
        Self::SearchPersons,
        Self::VerifyDeclaration,
        Self::BatchLookupPersons,
        Self::BatchVerify,
        Self::DescribeAccess,
        Self::GetReceipt,
    ];

    /// The name in agreements and log headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::LookupPerson => "lookup-person",
            Self::LookupHousehold => "lookup-household",
            Self::LookupAddressResidents => "lookup-address-residents",
            Self::SearchPersons => "search-persons",
            Self::VerifyDeclaration => "verify-declaration",
            Self::BatchLookupPersons => "batch-lookup-persons",
            Self::BatchVerify => "batch-verify",
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
            Self::LookupPerson
            | Self::LookupHousehold
            | Self::LookupAddressResidents
            | Self::SearchPersons
            | Self::VerifyDeclaration
            | Self::BatchLookupPersons
            | Self::BatchVerify => true,
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
        Self::NationalId,
        Self::MunicipalResidence,
    ];

    /// The name in agreements and log headers.
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
            Self::NationalId => "national-id",
            Self::MunicipalResidence => "municipal-residence",
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
            Self::NationalId => "identificativo unico nazionale",
            Self::MunicipalResidence => "residenza nel comune",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// The ANPR use case (*caso d'uso*), where there is one.
    pub const fn anpr_code(self) -> Option<&'static str> {
        Some(match self {
            Self::Generalities => "C003",
            Self::Death => "C004",
            Self::Marriage => "C005",
            Self::Citizenship => "C006",
            Self::ExistenceInLife => "C007",
            Self::Residence => "C008",
            Self::FamilyStatus => "C009",
            Self::UnmarriedStatus => "C010",
            Self::Widowhood => "C011",
            Self::Paternity => "C012",
            Self::Maternity => "C013",
            Self::CivilUnion => "C014",
            Self::NationalId => "C031",
            Self::MunicipalResidence => return None,
        })
    }

    /// Fields that are compared with the declaration. What protection withholds of them cannot be determined.
    pub const fn examines(self) -> FieldSet {
        const GENERALITIES: FieldSet = FieldSet::of(&[
            Field::Surname,
            Field::GivenName,
            Field::Sex,
            Field::BirthDate,
            Field::BirthPlace,
        ]);
        match self {
            Self::Generalities => GENERALITIES,
            Self::Death | Self::ExistenceInLife => FieldSet::of(&[Field::Death]),
            Self::Marriage | Self::UnmarriedStatus | Self::Widowhood | Self::CivilUnion => {
                FieldSet::of(&[Field::CivilStatus])
            }
            Self::Citizenship => FieldSet::of(&[Field::Citizenships]),
            Self::Residence | Self::MunicipalResidence => FieldSet::of(&[Field::Residence]),
            Self::FamilyStatus => FieldSet::of(&[Field::Household]),
            Self::Paternity | Self::Maternity => FieldSet::of(&[Field::Parents]),
            Self::NationalId => GENERALITIES.union(FieldSet::of(&[Field::NationalId])),
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
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn services_and_kinds_are_read_by_their_names() {
        for service in Service::ALL {
            assert_eq!(Service::from_name(service.name()), Some(service));
        }
        for kind in VerificationKind::ALL {
            assert_eq!(VerificationKind::from_name(kind.name()), Some(kind));
        }
        assert_eq!(Service::from_name("search"), None);
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
                &Service::LookupAddressResidents,
                &Service::SearchPersons,
                &Service::VerifyDeclaration,
                &Service::BatchLookupPersons,
                &Service::BatchVerify
            ]
        );
    }

    #[test]
    fn kinds_bear_the_anpr_code_of_the_same_meaning() {
        let codes = VerificationKind::ALL.map(|kind| (kind.name(), kind.anpr_code().unwrap_or("-")));
        let expect = [
            ("generalities", "C003"),
            ("death", "C004"),
            ("marriage", "C005"),
            ("citizenship", "C006"),
            ("existence-in-life", "C007"),
            ("residence", "C008"),
            ("family-status", "C009"),
            ("unmarried-status", "C010"),
            ("widowhood", "C011"),
            ("paternity", "C012"),
            ("maternity", "C013"),
            ("civil-union", "C014"),
            ("national-id", "C031"),
            ("municipal-residence", "-"),
        ];
        assert_eq!(codes, expect);
        assert!(VerificationKind::ALL.is_sorted());
        let italian: BTreeSet<_> = VerificationKind::ALL.map(VerificationKind::italian).into();
        assert_eq!(italian.len(), VerificationKind::ALL.len());
    }

    #[test]
    fn kinds_examine_what_they_name_and_those_that_lead_to_a_place_are_matters_of_location() {
        let location = FieldSet::LOCATION;
        for (kind, fields, located) in [
            (VerificationKind::Generalities, 5, false),
            (VerificationKind::Death, 1, false),
            (VerificationKind::Marriage, 1, false),
            (VerificationKind::Citizenship, 1, false),
            (VerificationKind::ExistenceInLife, 1, false),
            (VerificationKind::Residence, 1, true),
            (VerificationKind::FamilyStatus, 1, true),
            (VerificationKind::UnmarriedStatus, 1, false),
            (VerificationKind::Widowhood, 1, false),
            (VerificationKind::Paternity, 1, true),
            (VerificationKind::Maternity, 1, true),
            (VerificationKind::CivilUnion, 1, false),
            (VerificationKind::NationalId, 6, false),
            (VerificationKind::MunicipalResidence, 1, true),
        ] {
            let examined = kind.examines();
            assert_eq!(
                (examined.len(), !examined.intersection(location).is_empty()),
                (fields, located),
                "{kind}"
            );
        }
    }
}
