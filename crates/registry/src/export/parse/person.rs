//! Who the person is: generalities, codice fiscale, civil status, citizenships, parents.

use chrono::NaiveDate;

use crate::code::CivilStatus;
use crate::codice_fiscale::{CodiceFiscaleError, Mismatch, TaxCode, birth_place_code};
use crate::date::PartialDate;
use crate::export::column::Column;
use crate::export::parse::Sheet;
use crate::finding::rules;
use crate::identifier::{IstatCode, StateCode};
use crate::municipality::{self, Municipality, NameLookupError};
use crate::normal;
use crate::record::{BirthPlace, Generalities, Parent, ParentRole, PersonName, Sex, TaxCodeEntry};
use crate::state;
use crate::timeline::Timeline;

const BIRTH_IN_ITALY: [Column; 3] = [
    Column::BirthMunicipality,
    Column::BirthIstat,
    Column::BirthProvince,
];
const BIRTH_ABROAD: [Column; 2] = [Column::BirthState, Column::BirthLocality];

/// Law 76/2016 came into force: before it, a civil union can only have been formed abroad.
const FIRST_CIVIL_UNIONS: NaiveDate = NaiveDate::from_ymd_opt(2016, 6, 5).expect("a day of the calendar");

impl Sheet<'_> {
    pub(super) fn generalities(&mut self) -> Option<Generalities> {
        let (surname, given_name) = (self.name(Column::Surname), self.name(Column::GivenName));
        match (self.is_empty(Column::Surname), self.is_empty(Column::GivenName)) {
            (true, true) => self.note(&rules::ES057, Column::Surname),
            (true, false) => self.note(&rules::PN020, Column::Surname),
            (false, true) => self.note(&rules::PN020, Column::GivenName),
            (false, false) => {}
        }
        let sex = match self.one_of(Column::Sex) {
            Some("M") => Some(Sex::Male),
            Some("F") => Some(Sex::Female),
            Some("N") => Some(Sex::Unknown),
            _ => None,
        };
        let birth_date = self.parsed(Column::BirthDate, &rules::PN010, |value| {
            PartialDate::parse(value).ok()
        });
        let birth_date = birth_date?;
        if self.context.reference_date < birth_date.earliest() {
            self.note(&rules::ES008, Column::BirthDate);
        }
        let birth_place = self.birth_place(birth_date)?;
        // A name that cannot be read is not a missing name: nothing may be compared with it.
        let unread = |name: &Option<PersonName>, column| name.is_none() && !self.is_empty(column);
        if unread(&surname, Column::Surname) || unread(&given_name, Column::GivenName) {
            return None;
        }
        Some(Generalities {
            surname,
            given_name,
            sex: sex?,
            birth_date,
            birth_place,
        })
    }

    fn birth_place(&mut self, birth_date: PartialDate) -> Option<BirthPlace> {
        let given = (
            self.any_of(&BIRTH_IN_ITALY),
            self.any_of(&BIRTH_ABROAD),
            !self.is_empty(Column::BirthExceptional),
        );
        match given {
            (true, false, false) => self.birth_in_italy(birth_date),
            (false, true, false) => self.birth_abroad(),
            (false, false, true) => Some(BirthPlace::Exceptional(self.text(Column::BirthExceptional))),
            _ => {
                self.note(&rules::ES050, Column::BirthMunicipality);
                None
            }
        }
    }

    fn birth_in_italy(&mut self, birth_date: PartialDate) -> Option<BirthPlace> {
        let name = self.text(Column::BirthMunicipality);
        let is_province = |text: &str| text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase());
        let province = self
            .parsed(Column::BirthProvince, &rules::PN012, |value| {
                is_province(value).then(|| value.to_owned())
            })
            .unwrap_or_default();
        if self.is_empty(Column::BirthIstat) {
            return self.birth_by_name(name, province, birth_date);
        }
        let istat = self.istat(Column::BirthIstat)?;
        self.birth_by_code(istat, name, province, birth_date)
    }

    /// The code decides; name and province are kept as registered and compared.
    fn birth_by_code(
        &mut self,
        istat: IstatCode,
        name: String,
        province: String,
        birth_date: PartialDate,
    ) -> Option<BirthPlace> {
        let mut periods = municipality::periods_of_istat(istat).peekable();
        if periods.peek().is_none() {
            self.note(&rules::EN332, Column::BirthIstat);
            return None;
        }
        let known_name = name.is_empty() || periods.any(|period| normal::same_name(period.name(), &name));
        if !known_name {
            self.note(&rules::EN334, Column::BirthMunicipality);
        }
        let at_birth = municipality_at(istat, birth_date);
        if at_birth.is_none() {
            self.note(&rules::EN338, Column::BirthIstat);
        }
        let official = |given: String, official: fn(&Municipality) -> &'static str| {
            if given.is_empty() {
                at_birth.map(official).unwrap_or_default().to_owned()
            } else {
                given
            }
        };
        Some(BirthPlace::Municipality {
            istat: Some(istat),
            name: official(name, Municipality::name),
            province: official(province, Municipality::province),
        })
    }

    /// Without code, name and province must lead to one municipality of the birth date; then its code is known too.
    fn birth_by_name(
        &mut self,
        name: String,
        province: String,
        birth_date: PartialDate,
    ) -> Option<BirthPlace> {
        if name.is_empty() || province.is_empty() {
            self.note(&rules::EN332, Column::BirthMunicipality);
            return None;
        }
        let by_name = |day| municipality::by_name_at(&name, &province, day);
        let found = by_name(birth_date.earliest()).or_else(|_| by_name(birth_date.latest()));
        let istat = match found {
            Ok(municipality) => municipality.istat(),
            Err(NameLookupError::Unknown) => {
                self.note(&rules::EN332, Column::BirthMunicipality);
                return None;
            }
            Err(NameLookupError::OtherPeriod) => {
                self.note(&rules::EN338, Column::BirthMunicipality);
                None
            }
            Err(NameLookupError::Ambiguous) => {
                self.note(&rules::EN333, Column::BirthMunicipality);
                None
            }
        };
        Some(BirthPlace::Municipality {
            istat,
            name,
            province,
        })
    }

    fn birth_abroad(&mut self) -> Option<BirthPlace> {
        let locality = self.text(Column::BirthLocality);
        if self.is_empty(Column::BirthState) {
            self.note(&rules::ES050, Column::BirthState);
            return None;
        }
        let state = self.state(Column::BirthState)?;
        if !is_foreign(state) {
            self.note(&rules::EC030, Column::BirthState);
        }
        Some(BirthPlace::Abroad { state, locality })
    }

    pub(super) fn tax_codes(&mut self, person: Option<&Generalities>, demanded: bool) -> Vec<TaxCodeEntry> {
        let validated = self.one_of(Column::TaxCodeValidated) == Some("1");
        let from = self.date(Column::TaxCodeFrom);
        let Some(text) = self.value(Column::TaxCodeValue) else {
            if self.any_of(&[Column::TaxCodeValidated, Column::TaxCodeFrom]) {
                self.note(&rules::PN032, Column::TaxCodeValue);
            }
            if demanded {
                self.note(&rules::PN031, Column::TaxCodeValue);
            }
            return Vec::new();
        };
        let code = match TaxCode::parse(text) {
            Ok(code) => code,
            Err(CodiceFiscaleError::Length) => {
                self.note(&rules::EA001, Column::TaxCodeValue);
                return Vec::new();
            }
            Err(_) => {
                self.note(&rules::PN030, Column::TaxCodeValue);
                return Vec::new();
            }
        };
        if let (Some(person), Some(definitive)) = (person, code.definitive()) {
            let place = birth_place_code(&person.birth_place, person.birth_date);
            let mut names_noted = false;
            for mismatch in definitive.mismatches(person, place) {
                match mismatch {
                    Mismatch::Surname | Mismatch::GivenName if names_noted => {}
                    Mismatch::Surname | Mismatch::GivenName => {
                        names_noted = true;
                        self.note(&rules::ENT02, Column::TaxCodeValue);
                    }
                    Mismatch::BirthDate => self.note(&rules::EA038, Column::BirthDate),
                    Mismatch::Sex => self.note(&rules::EA042, Column::Sex),
                    Mismatch::BirthPlace => match person.birth_place {
                        BirthPlace::Abroad { .. } => self.note(&rules::EN340, Column::BirthState),
                        BirthPlace::Municipality { .. } | BirthPlace::Exceptional(_) => {
                            self.note(&rules::EN339, Column::BirthMunicipality);
                        }
                    },
                }
            }
        }
        vec![TaxCodeEntry {
            code,
            validated,
            from,
        }]
    }

    pub(super) fn civil_status(&mut self, birth_date: Option<PartialDate>) -> Timeline<CivilStatus> {
        let status = self.parsed(Column::CivilStatusValue, &rules::EC001, |code| {
            CivilStatus::from_code(code).ok()
        });
        let from = self.date(Column::CivilStatusFrom);
        if from.is_some_and(|from| self.out_of_life(from, birth_date)) {
            self.note(&rules::PN042, Column::CivilStatusFrom);
        }
        if status == Some(CivilStatus::CivillyUnited) && from.is_some_and(|from| from < FIRST_CIVIL_UNIONS) {
            self.note(&rules::EN386, Column::CivilStatusFrom);
        }
        status
            .map(|status| Timeline::starting(from, status))
            .unwrap_or_default()
    }

    pub(super) fn citizenships(&mut self, birth_date: Option<PartialDate>) -> Timeline<Vec<StateCode>> {
        let from = self.start_of(Column::Citizenships, Column::CitizenshipsFrom);
        let Some(list) = self.value(Column::Citizenships) else {
            self.note(&rules::PN040, Column::Citizenships);
            return Timeline::default();
        };
        let parsed: Option<Vec<StateCode>> = list
            .split(',')
            .map(|code| StateCode::parse(code.trim()).ok())
            .collect();
        let Some(mut states) = parsed else {
            self.note(&rules::PN012, Column::Citizenships);
            return Timeline::default();
        };
        if states.iter().any(|code| state::by_code(*code).is_none()) {
            self.note(&rules::EC036, Column::Citizenships);
        }
        // The order in a file says nothing; a fixed one keeps the same set from looking like a change.
        states.sort_unstable();
        if states.windows(2).any(|pair| pair.first() == pair.last()) {
            self.note(&rules::PN041, Column::Citizenships);
        }
        if from.is_some_and(|from| self.out_of_life(from, birth_date)) {
            self.note(&rules::ES009, Column::CitizenshipsFrom);
        }
        Timeline::starting(from, states)
    }

    pub(super) fn parents(&mut self) -> Vec<Parent> {
        let father = [
            Column::FatherSurname,
            Column::FatherGivenName,
            Column::FatherTaxCode,
        ];
        let mother = [
            Column::MotherSurname,
            Column::MotherGivenName,
            Column::MotherTaxCode,
        ];
        [(ParentRole::Father, father), (ParentRole::Mother, mother)]
            .into_iter()
            .filter_map(|(role, columns)| self.parent(role, columns))
            .collect()
    }

    fn parent(&mut self, role: ParentRole, columns: [Column; 3]) -> Option<Parent> {
        if !self.any_of(&columns) {
            return None;
        }
        let [surname_column, given_name_column, tax_code_column] = columns;
        let surname = self.name(surname_column);
        let given_name = self.name(given_name_column);
        let tax_code = self.parsed(tax_code_column, &rules::PN033, |value| TaxCode::parse(value).ok());
        if self.is_empty(surname_column) && self.is_empty(given_name_column) {
            self.note(&rules::ES044, surname_column);
            return None;
        }
        Some(Parent {
            role,
            surname,
            given_name,
            tax_code,
        })
    }
}

/// Whether a state is in the table and is not Italy.
pub(super) fn is_foreign(code: StateCode) -> bool {
    code.as_str() != state::ITALY && state::by_code(code).is_some()
}

/// The municipality of a code at a date of which parts may be unknown.
fn municipality_at(istat: IstatCode, date: PartialDate) -> Option<&'static Municipality> {
    municipality::by_istat_at(istat, date.earliest())
        .or_else(|| municipality::by_istat_at(istat, date.latest()))
}
