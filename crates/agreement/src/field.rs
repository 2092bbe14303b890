//! What of a card an agreement can grant: the fields of the answer, and sets of them.

use std::fmt;

use registry::bit_set;

use registry::profile::FieldGroup;

/// A field of the answer about a person, by the name it has in agreements, read masks and log headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Field {
    /// Surname.
    Surname,
    /// Given names.
    GivenName,
    /// Sex as registered.
    Sex,
    /// Birth date.
    BirthDate,
    /// Birth place.
    BirthPlace,
    /// Codice fiscale in force.
    TaxCode,
    /// Every codice fiscale the person had.
    TaxCodeHistory,
    /// National id (idANPR).
    NationalId,
    /// Civil status at the reference date.
    CivilStatus,
    /// Citizenships at the reference date.
    Citizenships,
    /// Father and mother as named on the card.
    Parents,
    /// Residence at the reference date.
    Residence,
    /// Residences up to the reference date.
    ResidenceHistory,
    /// Family or convivenza at the reference date.
    Household,
    /// Identity card.
    IdentityDocument,
    /// Entry into the register.
    Registration,
    /// Exit from the register.
    Cancellation,
    /// Death.
    Death,
    /// Whether an administrative procedure is open.
    ProcedureOpen,
}

/// A set of fields.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct FieldSet(u32);

/// A text is not the name of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the name of a field")]
pub struct FieldNameError;

impl Field {
    /// Every field, in the order of the answer.
    pub const ALL: [Self; 19] = [
        Self::Surname,
        Self::GivenName,
        Self::Sex,
        Self::BirthDate,
        Self::BirthPlace,
        Self::TaxCode,
        Self::TaxCodeHistory,
        Self::NationalId,
        Self::CivilStatus,
        Self::Citizenships,
        Self::Parents,
        Self::Residence,
        Self::ResidenceHistory,
        Self::Household,
        Self::IdentityDocument,
        Self::Registration,
        Self::Cancellation,
        Self::Death,
        Self::ProcedureOpen,
    ];

    /// The name in agreements, read masks and log headers.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Surname => "surname",
            Self::GivenName => "given_name",
            Self::Sex => "sex",
            Self::BirthDate => "birth_date",
            Self::BirthPlace => "birth_place",
            Self::TaxCode => "tax_code",
            Self::TaxCodeHistory => "tax_code_history",
            Self::NationalId => "national_id",
            Self::CivilStatus => "civil_status",
            Self::Citizenships => "citizenships",
            Self::Parents => "parents",
            Self::Residence => "residence",
            Self::ResidenceHistory => "residence_history",
            Self::Household => "household",
            Self::IdentityDocument => "identity_document",
            Self::Registration => "registration",
            Self::Cancellation => "cancellation",
            Self::Death => "death",
            Self::ProcedureOpen => "procedure_open",
        }
    }

    /// Reads a name.
    pub fn from_name(name: &str) -> Result<Self, FieldNameError> {
        Self::ALL
            .into_iter()
            .find(|field| field.name() == name)
            .ok_or(FieldNameError)
    }

    /// The group of the publication profile that a municipality must publish for the field to be answered; `None` where
    /// it always does.
    pub const fn group(self) -> Option<FieldGroup> {
        match self {
            Self::CivilStatus => Some(FieldGroup::CivilStatus),
            Self::Citizenships => Some(FieldGroup::Citizenships),
            Self::Parents => Some(FieldGroup::Parents),
            Self::IdentityDocument => Some(FieldGroup::IdentityDocument),
            Self::Surname
            | Self::GivenName
            | Self::Sex
            | Self::BirthDate
            | Self::BirthPlace
            | Self::TaxCode
            | Self::TaxCodeHistory
            | Self::NationalId
            | Self::Residence
            | Self::ResidenceHistory
            | Self::Household
            | Self::Registration
            | Self::Cancellation
            | Self::Death
            | Self::ProcedureOpen => None,
        }
    }

    const fn bit(self) -> u32 {
        1 << self as u8
    }
}

impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

bit_set!(FieldSet(u32) of Field);

impl FieldSet {
    /// No field.
    pub const EMPTY: Self = Self(0);

    /// Fields that tell where a person is or was: withheld for a protected person.
    ///
    /// A household, a registration office, the office that issued an identity card and the parents' names all lead
    /// to the place as surely as the address.
    pub const LOCATION: Self = Self::of(&[
        Field::Residence,
        Field::ResidenceHistory,
        Field::Household,
        Field::Registration,
        Field::Cancellation,
        Field::Parents,
        Field::IdentityDocument,
    ]);

    /// Fields that name the municipality of a card by themselves.
    pub const NAMING: Self = Self::of(&[Field::Residence, Field::Registration]);

    /// Fields of a person that a search shows: enough to tell homonyms apart, and none by which the person can be
    /// followed elsewhere.
    pub const SEARCHED: Self = Self::of(&[
        Field::Surname,
        Field::GivenName,
        Field::Sex,
        Field::BirthDate,
        Field::BirthPlace,
    ]);

    /// Reads names, as of a read mask.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Self, FieldNameError> {
        names.into_iter().map(Field::from_name).collect()
    }

    /// How many fields there are.
    pub const fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// The names, in the order of the answer.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        self.iter().map(Field::name)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_field_has_its_own_name_and_its_own_bit() {
        let names: BTreeSet<_> = Field::ALL.iter().map(|field| field.name()).collect();
        assert_eq!(names.len(), Field::ALL.len());
        for (position, field) in Field::ALL.into_iter().enumerate() {
            assert_eq!(Field::from_name(field.name()), Ok(field));
            assert_eq!(FieldSet::of(&[field]).bits(), 1 << position, "{field}");
            assert_eq!(FieldSet::of(&[field]).iter().collect::<Vec<_>>(), [field]);
        }
        assert_eq!(Field::from_name("Surname"), Err(FieldNameError));
    }

    #[test]
    fn the_bits_are_the_documented_ones() {
        assert_eq!(FieldSet::ALL.bits(), 0x7_ffff);
        assert_eq!(FieldSet::from_bits(0x7_ffff), Some(FieldSet::ALL));
        assert_eq!(FieldSet::from_bits(0), Some(FieldSet::EMPTY));
        assert_eq!(FieldSet::from_bits(0x8_0000), None);
    }

    #[test]
    fn sets_behave_as_sets() {
        let names = FieldSet::of(&[Field::Surname, Field::GivenName]);
        let mixed = FieldSet::of(&[Field::GivenName, Field::Residence]);
        assert_eq!(names.intersection(mixed), FieldSet::of(&[Field::GivenName]));
        assert_eq!(
            names.union(mixed),
            FieldSet::of(&[Field::Residence, Field::Surname, Field::GivenName])
        );
        assert_eq!(names.difference(mixed), FieldSet::of(&[Field::Surname]));
        assert_eq!((names.len(), FieldSet::EMPTY.len()), (2, 0));
        assert!(names.contains(Field::Surname) && !names.contains(Field::Residence));
        assert!(
            names.is_subset(FieldSet::ALL) && FieldSet::EMPTY.is_subset(names) && !mixed.is_subset(names)
        );
        assert!(FieldSet::EMPTY.is_empty() && !names.is_empty());
        assert_eq!(names.to_string(), "surname, given_name");
        assert_eq!(format!("{mixed:?}"), "FieldSet(given_name, residence)");
        assert_eq!(
            FieldSet::from_names(["residence", "given_name", "residence"]),
            Ok(mixed)
        );
        assert_eq!(
            FieldSet::from_names(["residence", "everything"]),
            Err(FieldNameError)
        );
    }

    #[test]
    fn a_search_shows_nothing_that_leads_to_a_place() {
        assert!(FieldSet::SEARCHED.intersection(FieldSet::LOCATION).is_empty());
    }

    #[test]
    fn what_leads_to_a_place_counts_as_location() {
        let located: Vec<_> = FieldSet::LOCATION.names().collect();
        let expect = [
            "parents",
            "residence",
            "residence_history",
            "household",
            "identity_document",
            "registration",
            "cancellation",
        ];
        assert_eq!(located, expect);
    }
}
