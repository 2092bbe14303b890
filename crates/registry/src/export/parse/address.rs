//! Where and with whom the person lives: residence, family or convivenza.

use crate::code::{AddressKind, HouseholdKind, HouseholdRole, ToponymSpecies};
use crate::date::PartialDate;
use crate::export::column::Column;
use crate::export::parse::Sheet;
use crate::export::parse::person::is_foreign;
use crate::finding::rules;
use crate::identifier::{HouseholdId, IstatCode};
use crate::municipality::{self, MunicipalityId};
use crate::record::{Address, ForeignAddress, HouseholdLink, Place, Register, Residence, ResidenceStanding};
use crate::timeline::Timeline;

const ITALIAN: [Column; 2] = [Column::AddressMunicipality, Column::Street];
const FOREIGN: [Column; 3] = [Column::ForeignState, Column::ForeignLocality, Column::ForeignLine];
const OF_A_STREET: [Column; 7] = [
    Column::Postcode,
    Column::Hamlet,
    Column::StreetCode,
    Column::HouseNumber,
    Column::Suffix,
    Column::Staircase,
    Column::Unit,
];

impl Sheet<'_> {
    pub(super) fn residences(
        &mut self,
        register: Option<Register>,
        birth_date: Option<PartialDate>,
        active: bool,
    ) -> Timeline<Residence> {
        let no_fixed_abode = self.yes_no(Column::NoFixedAbode);
        let provisional = self.yes_no(Column::Provisional);
        let from = self.date(Column::ResidenceFrom);
        let (italian, foreign) = (self.any_of(&ITALIAN), self.any_of(&FOREIGN));
        if foreign && (italian || no_fixed_abode) {
            self.note(&rules::PN051, Column::ForeignState);
            return Timeline::default();
        }
        if !italian && !foreign && !no_fixed_abode {
            if self.any_of(&OF_A_STREET) {
                self.note(&rules::PN056, Column::Street);
            }
            if from.is_some() {
                self.note(&rules::PN043, Column::ResidenceFrom);
            }
            if active {
                self.note(&rules::PN054, Column::Street);
            }
            return Timeline::default();
        }
        let kind = self.address_kind();
        let place = if foreign {
            self.foreign_address().map(Place::Foreign)
        } else if no_fixed_abode {
            let municipality = self
                .istat(Column::AddressMunicipality)
                .unwrap_or(self.context.municipality);
            Some(Place::Notional { municipality })
        } else {
            self.address().map(Place::Italian)
        };
        if let Some(kind) = kind {
            self.compare_kind(kind, register, foreign);
        }
        match from {
            None => self.note(&rules::PN052, Column::ResidenceFrom),
            Some(from) if birth_date.is_some_and(|birth| from < birth.earliest()) => {
                self.note(&rules::PN055, Column::ResidenceFrom);
            }
            Some(from) if self.context.reference_date < from => {
                self.note(&rules::ES088, Column::ResidenceFrom)
            }
            Some(_) => {}
        }
        if let Some(Place::Italian(Address { municipality, .. }) | Place::Notional { municipality }) = place {
            self.check_residence_municipality(municipality, from, register);
        }
        let standing = if provisional {
            ResidenceStanding::Provisional
        } else {
            ResidenceStanding::Definitive
        };
        let residence = kind.zip(place).map(|(kind, place)| Residence {
            kind,
            place,
            standing,
        });
        residence
            .map(|residence| Timeline::starting(from, residence))
            .unwrap_or_default()
    }

    fn address_kind(&mut self) -> Option<AddressKind> {
        if self.is_empty(Column::AddressKindValue) {
            self.note(&rules::EN081, Column::AddressKindValue);
        }
        self.parsed(Column::AddressKindValue, &rules::PN050, |code| {
            AddressKind::from_code(code).ok()
        })
    }

    fn address(&mut self) -> Option<Address> {
        for column in [Column::AddressMunicipality, Column::Species, Column::Street] {
            if self.is_empty(column) {
                self.note(&rules::EN081, column);
            }
        }
        let municipality = self.istat(Column::AddressMunicipality);
        let species = self.parsed(Column::Species, &rules::EC073, |code| {
            ToponymSpecies::from_code(code).ok()
        });
        let is_number = |text: &str| text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit());
        let number = self.parsed(Column::HouseNumber, &rules::PN015, |value| {
            if is_number(value) {
                value.parse::<u32>().ok()
            } else {
                None
            }
        });
        if number == Some(0) {
            self.note(&rules::PN053, Column::HouseNumber);
        }
        let is_postcode = |text: &str| text.len() == 5 && text.bytes().all(|byte| byte.is_ascii_digit());
        let postcode = self
            .parsed(Column::Postcode, &rules::PN012, |value| {
                is_postcode(value).then(|| value.to_owned())
            })
            .unwrap_or_default();
        let hamlet = self.text(Column::Hamlet);
        let street = self.text(Column::Street);
        let street_code = self.text(Column::StreetCode);
        let suffix = self.text(Column::Suffix);
        let staircase = self.text(Column::Staircase);
        let unit = self.text(Column::Unit);
        Some(Address {
            municipality: municipality?,
            postcode,
            hamlet,
            species: species?,
            street,
            street_code,
            number,
            suffix,
            staircase,
            unit,
        })
    }

    fn foreign_address(&mut self) -> Option<ForeignAddress> {
        if self.is_empty(Column::ForeignState) {
            self.note(&rules::EN081, Column::ForeignState);
        }
        if self.is_empty(Column::ForeignLocality) {
            self.note(&rules::ES027, Column::ForeignLocality);
        }
        let locality = self.text(Column::ForeignLocality);
        let line = self.text(Column::ForeignLine);
        let state = self.state(Column::ForeignState)?;
        if !is_foreign(state) {
            self.note(&rules::EC053, Column::ForeignState);
        }
        Some(ForeignAddress {
            state,
            locality,
            line,
        })
    }

    fn compare_kind(&mut self, kind: AddressKind, register: Option<Register>, foreign: bool) {
        let demands_foreign = match kind {
            AddressKind::ForeignResidence | AddressKind::CareOfForeign => Some(true),
            AddressKind::Residence
            | AddressKind::HabitualDwelling
            | AddressKind::CareOfItalian
            | AddressKind::LastItalianResidence
            | AddressKind::StreetRenaming
            | AddressKind::RectifiedAfterChecks => Some(false),
            AddressKind::ElectedDomicile | AddressKind::Temporary | AddressKind::Other => None,
        };
        match demands_foreign {
            Some(true) if !foreign => return self.note(&rules::ES022, Column::AddressKindValue),
            Some(false) if foreign => return self.note(&rules::ES021, Column::AddressKindValue),
            _ => {}
        }
        let odd = match register {
            Some(Register::Apr) => foreign,
            Some(Register::Aire) => matches!(kind, AddressKind::Residence | AddressKind::HabitualDwelling),
            None => false,
        };
        if odd {
            self.note(&rules::ES030, Column::AddressKindValue);
        }
    }

    fn check_residence_municipality(
        &mut self,
        code: IstatCode,
        from: Option<chrono::NaiveDate>,
        register: Option<Register>,
    ) {
        let day = from.unwrap_or(self.context.reference_date);
        if municipality::by_istat_at(code, day).is_none() {
            self.note(&rules::EC056, Column::AddressMunicipality);
            return;
        }
        let keeper = self.context.municipality;
        // Residences of before a merger were in one of those merged.
        let inherited = || {
            let identities = MunicipalityId::of(code, day).zip(MunicipalityId::of_any(keeper));
            identities.is_some_and(|(old, keeper)| old.keeper() == keeper)
        };
        let same =
            code == keeper || MunicipalityId::of_any(code) == MunicipalityId::of_any(keeper) || inherited();
        if register == Some(Register::Apr) && !same {
            self.note(&rules::EN378, Column::AddressMunicipality);
        }
    }

    pub(super) fn households(
        &mut self,
        birth_date: Option<PartialDate>,
        active: bool,
    ) -> Timeline<HouseholdLink> {
        let from = self.start_of(Column::Household, Column::HouseholdFrom);
        let columns = [Column::Household, Column::HouseholdKind, Column::HouseholdRole];
        if !self.any_of(&columns) {
            if active {
                self.note(&rules::EF006, Column::Household);
            }
            return Timeline::default();
        }
        if let Some(missing) = columns.into_iter().find(|column| self.is_empty(*column)) {
            self.note(&rules::EN304, missing);
            return Timeline::default();
        }
        let household = self.identifier(Column::Household, HouseholdId::parse);
        let kind = match self.one_of(Column::HouseholdKind) {
            Some("F") => Some((HouseholdKind::Family, &rules::EC002)),
            Some("C") => Some((HouseholdKind::Convivenza, &rules::EC003)),
            _ => None,
        };
        let role = kind.and_then(|(kind, rule)| {
            self.parsed(Column::HouseholdRole, rule, |code| {
                HouseholdRole::from_code(kind, code).ok()
            })
        });
        if let (Some(role), Some(from)) = (role, from)
            && !role.valid_on(from)
        {
            self.note(&rules::EN045, Column::HouseholdRole);
        }
        if from.is_some_and(|from| self.out_of_life(from, birth_date)) {
            self.note(&rules::PN060, Column::HouseholdFrom);
        }
        let link = household
            .zip(role)
            .map(|(household, role)| HouseholdLink { household, role });
        link.map(|link| Timeline::starting(from, link))
            .unwrap_or_default()
    }
}
