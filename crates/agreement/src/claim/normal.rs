//! The normal form of a declaration: two that are compared alike have the same bytes.
//!
//! Each part is a tag, a length and its text, so that no two declarations run together. The bytes are hashed under a key
//! and kept nowhere; their form may change with a version, which only forgets what was counted before.

use registry::date::PartialDate;
use registry::municipality::MunicipalityId;
use registry::normal::{code_key, name_key};
use registry::record::{BirthPlace, PersonName, Sex};

use super::{
    AddressClaim, BondClaim, Claim, DeathClaim, FamilyClaim, GeneralitiesClaim, GeneralitiesParts,
    MemberClaim, NamedPerson, NationalIdClaim, ParentClaim, ResidenceClaim,
};

impl Claim {
    /// The bytes that stand for what is declared, its kind apart.
    pub fn normal_form(&self) -> Vec<u8> {
        let mut form = Form::default();
        match self {
            Self::Generalities(claim) => form.generalities(claim),
            Self::Death(DeathClaim { date }) => form.date(b'd', *date),
            Self::Marriage(claim) | Self::Widowhood(claim) | Self::CivilUnion(claim) => form.bond(claim),
            Self::Citizenship(claim) => form.put(b'c', claim.state().as_str()),
            Self::ExistenceInLife => {}
            Self::Residence(claim) => form.residence(claim),
            Self::FamilyStatus(claim) => form.family(claim),
            Self::UnmarriedStatus(claim) => {
                form.put_some(b's', claim.status().map(|status| status.code().to_owned()));
            }
            Self::Paternity(ParentClaim { parent }) | Self::Maternity(ParentClaim { parent }) => {
                form.person(parent);
            }
            Self::NationalId(NationalIdClaim {
                national_id,
                generalities,
            }) => {
                form.put(b'i', national_id.as_str());
                form.generalities(generalities);
            }
            Self::MunicipalResidence(municipality) => form.municipality(*municipality),
        }
        form.0
    }
}

#[derive(Default)]
struct Form(Vec<u8>);

impl Form {
    fn put(&mut self, tag: u8, text: &str) {
        self.0.push(tag);
        self.0.extend_from_slice(&(text.len() as u64).to_be_bytes());
        self.0.extend_from_slice(text.as_bytes());
    }

    fn put_some(&mut self, tag: u8, text: Option<String>) {
        if let Some(text) = text {
            self.put(tag, &text);
        }
    }

    fn name(&mut self, tag: u8, name: Option<&PersonName>) {
        self.put_some(tag, name.map(|name| name_key(name.as_str())));
    }

    fn date(&mut self, tag: u8, date: Option<PartialDate>) {
        self.put_some(tag, date.map(|date| date.to_string()));
    }

    fn municipality(&mut self, municipality: MunicipalityId) {
        self.put(b'm', municipality.cadastral().as_str());
    }

    fn person(&mut self, person: &NamedPerson) {
        self.name(b'n', person.surname());
        self.name(b'g', person.given_name());
    }

    fn bond(&mut self, claim: &BondClaim) {
        let BondClaim { since, partner } = claim;
        self.date(b'd', *since);
        if let Some(partner) = partner {
            self.person(partner);
        }
    }

    fn generalities(&mut self, claim: &GeneralitiesClaim) {
        let GeneralitiesParts {
            surname,
            given_name,
            sex,
            birth_date,
            birth_place,
        } = claim.parts();
        self.name(b'n', surname.as_ref());
        self.name(b'g', given_name.as_ref());
        self.put_some(
            b'x',
            sex.map(|sex| {
                let letter = match sex {
                    Sex::Male => "M",
                    Sex::Female => "F",
                    Sex::Unknown => "N",
                };
                letter.to_owned()
            }),
        );
        self.date(b'd', *birth_date);
        match birth_place {
            None => {}
            Some(BirthPlace::Municipality {
                istat,
                name,
                province,
            }) => {
                // With a code that the card lacks, the name is what is compared.
                self.put_some(b'b', istat.map(|istat| istat.to_string()));
                self.put(b'p', &name_key(name));
                self.put(b'q', &code_key(province));
            }
            Some(BirthPlace::Abroad { state, locality }) => {
                self.put(b'c', state.as_str());
                self.put(b'l', &name_key(locality));
            }
            Some(BirthPlace::Exceptional(place)) => self.put(b'e', &name_key(place)),
        }
    }

    fn residence(&mut self, claim: &ResidenceClaim) {
        let ResidenceClaim {
            municipality,
            address:
                AddressClaim {
                    species,
                    street,
                    number,
                    suffix,
                    staircase,
                    unit,
                },
        } = claim;
        self.municipality(*municipality);
        self.put_some(b't', species.map(|species| species.code().to_string()));
        self.put(b'v', &name_key(street));
        self.put_some(b'#', number.map(|number| number.to_string()));
        self.put(b'a', &code_key(suffix));
        self.put(b'k', &code_key(staircase));
        self.put(b'u', &code_key(unit));
    }

    /// The order in which members are stated says nothing.
    fn family(&mut self, claim: &FamilyClaim) {
        let mut members: Vec<_> = claim
            .members()
            .iter()
            .map(|MemberClaim { tax_code, kinship }| {
                (tax_code.as_str(), kinship.map(|kinship| kinship.code()))
            })
            .collect();
        members.sort_unstable();
        for (code, kinship) in members {
            self.put(b'f', code);
            self.put_some(b'r', kinship.map(str::to_owned));
        }
    }
}

#[cfg(test)]
mod tests;
