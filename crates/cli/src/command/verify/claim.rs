//! From arguments to the declaration.

use agreement::claim::{
    AddressClaim, BondClaim, CitizenshipClaim, Claim, ClaimError, DeathClaim, FamilyClaim, GeneralitiesClaim,
    GeneralitiesParts, MemberClaim, NamedPerson, NationalIdClaim, ParentClaim, ResidenceClaim,
    UnmarriedClaim,
};
use registry::code::{CivilStatus, Kinship, ToponymSpecies};
use registry::date::PartialDate;
use registry::identifier::{NationalId, StateCode};
use registry::municipality::{self, MunicipalityId};
use registry::record::{BirthPlace, PersonName, Sex};

use super::arguments::{
    BondArguments, CitizenshipArguments, DeathArguments, FamilyArguments, MunicipalityArguments,
    NationalIdArguments, ParentArguments, ResidenceArguments, StatedGeneralities, UnmarriedArguments,
};
use crate::call;
use crate::failure::Failure;

impl ResidenceArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let Self {
            common: _,
            at,
            species,
            street,
            number,
            without_number: _,
            suffix,
        } = self;
        let address = AddressClaim {
            species: species_of(species.as_deref())?,
            street: street.clone(),
            number: *number,
            suffix: suffix.clone(),
            staircase: String::new(),
            unit: String::new(),
        };
        Ok(Claim::Residence(ResidenceClaim {
            municipality: declared_municipality(at)?,
            address,
        }))
    }
}

/// The species of a street by its label, where one is stated.
pub(in crate::command) fn species_of(label: Option<&str>) -> Result<Option<ToponymSpecies>, Failure> {
    let unknown = || {
        Failure::usage(
            "specie del toponimo sconosciuta",
            "the species of the street is unknown",
        )
    };
    label
        .map(|label| ToponymSpecies::from_label(label).ok_or_else(unknown))
        .transpose()
}

impl MunicipalityArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let Self { common: _, at } = self;
        declared_municipality(at).map(Claim::MunicipalResidence)
    }
}

impl StatedGeneralities {
    pub(super) fn claim(&self) -> Result<GeneralitiesClaim, Failure> {
        let Self {
            surname,
            given_name,
            sex,
            birth_date,
            birth_municipality,
        } = self;
        let sex = sex.as_deref().map(stated_sex).transpose()?;
        let birth_date = stated_date(birth_date.as_deref())?;
        let birth_place = birth_municipality.as_deref();
        let birth_place = birth_place.map(|code| born_in(code, birth_date)).transpose()?;
        let parts = GeneralitiesParts {
            surname: stated_name(surname.as_deref())?,
            given_name: stated_name(given_name.as_deref())?,
            sex,
            birth_date,
            birth_place,
        };
        GeneralitiesClaim::new(parts).map_err(not_comparable)
    }
}

impl FamilyArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let members = self.members.iter().map(|member| {
            let (code, kinship) = match member.split_once(':') {
                Some((code, kinship)) => (code, Some(kinship)),
                None => (member.as_str(), None),
            };
            let kinship = kinship.map(Kinship::from_code).transpose().map_err(|error| {
                Failure::usage("legame di parentela sconosciuto", "the kinship is unknown").because(&error)
            })?;
            Ok(MemberClaim {
                tax_code: call::tax_code(code)?,
                kinship,
            })
        });
        let members = members.collect::<Result<_, Failure>>()?;
        FamilyClaim::new(members)
            .map(Claim::FamilyStatus)
            .map_err(not_comparable)
    }
}

impl DeathArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let Self { common: _, date } = self;
        let date = stated_date(date.as_deref())?;
        Ok(Claim::Death(DeathClaim { date }))
    }
}

impl BondArguments {
    pub(super) fn claim(&self) -> Result<BondClaim, Failure> {
        let Self {
            common: _,
            since,
            partner_surname,
            partner_given_name,
        } = self;
        let partner = if partner_surname.is_some() || partner_given_name.is_some() {
            let surname = stated_name(partner_surname.as_deref())?;
            let given_name = stated_name(partner_given_name.as_deref())?;
            Some(NamedPerson::new(surname, given_name).map_err(not_comparable)?)
        } else {
            None
        };
        Ok(BondClaim {
            since: stated_date(since.as_deref())?,
            partner,
        })
    }
}

impl UnmarriedArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let Self { common: _, status } = self;
        let status = status.as_deref().map(CivilStatus::from_code).transpose();
        let status = status.map_err(|error| {
            Failure::usage("stato civile sconosciuto", "the civil status is unknown").because(&error)
        })?;
        UnmarriedClaim::new(status)
            .map(Claim::UnmarriedStatus)
            .map_err(not_comparable)
    }
}

impl CitizenshipArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let Self { common: _, state } = self;
        let state = StateCode::parse(state).map_err(|error| {
            Failure::usage("codice dello stato non valido", "not the code of a state").because(&error)
        })?;
        CitizenshipClaim::new(state)
            .map(Claim::Citizenship)
            .map_err(not_comparable)
    }
}

impl ParentArguments {
    pub(super) fn claim(&self) -> Result<ParentClaim, Failure> {
        let Self {
            common: _,
            surname,
            given_name,
        } = self;
        let surname = stated_name(surname.as_deref())?;
        let given_name = stated_name(given_name.as_deref())?;
        NamedPerson::new(surname, given_name)
            .map(|parent| ParentClaim { parent })
            .map_err(not_comparable)
    }
}

impl NationalIdArguments {
    pub(super) fn claim(&self) -> Result<Claim, Failure> {
        let Self {
            common: _,
            id,
            stated,
        } = self;
        let national_id = NationalId::parse(id).map_err(|error| {
            Failure::usage(
                "l'identificativo unico nazionale è formalmente errato",
                "the national id is formally wrong",
            )
            .because(&error)
        })?;
        Ok(Claim::NationalId(NationalIdClaim {
            national_id,
            generalities: stated.claim()?,
        }))
    }
}

fn declared_municipality(code: &str) -> Result<MunicipalityId, Failure> {
    MunicipalityId::of_any(call::istat(code)?)
        .ok_or_else(|| Failure::usage("comune sconosciuto", "the municipality is unknown"))
}

pub(in crate::command) fn stated_name(text: Option<&str>) -> Result<Option<PersonName>, Failure> {
    text.map(PersonName::parse)
        .transpose()
        .map_err(|error| Failure::usage("nome non ammesso", "the name is not admitted").because(&error))
}

/// A sex as people write it.
pub(in crate::command) fn stated_sex(text: &str) -> Result<Sex, Failure> {
    match text {
        "M" | "m" => Ok(Sex::Male),
        "F" | "f" => Ok(Sex::Female),
        _ => Err(Failure::usage("il sesso è M o F", "the sex is M or F")),
    }
}

/// The municipality that had an ISTAT code when somebody was born, or else had it last.
pub(in crate::command) fn born_in(
    code: &str,
    birth_date: Option<PartialDate>,
) -> Result<BirthPlace, Failure> {
    let istat = call::istat(code)?;
    let place = birth_date
        .and_then(|date| municipality::by_istat_at(istat, date.earliest()))
        .or_else(|| municipality::periods_of_istat(istat).next_back())
        .ok_or_else(|| Failure::usage("comune sconosciuto", "the municipality is unknown"))?;
    Ok(BirthPlace::Municipality {
        istat: Some(istat),
        name: place.name().to_owned(),
        province: place.province().to_owned(),
    })
}

pub(in crate::command) fn stated_date(text: Option<&str>) -> Result<Option<PartialDate>, Failure> {
    text.map(PartialDate::parse)
        .transpose()
        .map_err(|error| Failure::usage("data non valida", "the date is not valid").because(&error))
}

fn not_comparable(error: ClaimError) -> Failure {
    Failure::usage(
        "la dichiarazione non si può confrontare",
        "the declaration cannot be compared",
    )
    .because(&error)
}
