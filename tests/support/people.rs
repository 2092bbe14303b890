//! The people of the stories, as the cards of their municipalities' exports.
//!
//! Rossi Mario, his wife Bianchi Anna and their son Luca live in Imola; Verdi Giulia has an open procedure; the
//! whereabouts of Neri Elena are protected; Galli Ugo is dead. Ferri Paolo lives in Dozza, Monti Carla in Castel San
//! Pietro Terme, outside the territory of every agreement but that of the police.

use chrono::NaiveDate;
use registry::code::{
    AddressKind, AprCancellationReason, AprRegistrationReason, CancellationReason, CivilStatus,
    HouseholdRole, Kinship, RegistrationReason, ToponymSpecies,
};
use registry::codice_fiscale::{CodiceFiscale, TaxCode};
use registry::date::PartialDate;
use registry::export::ExportWriter;
use registry::identifier::{CadastralCode, HouseholdId, IstatCode, LocalId, StateCode};
use registry::measure::Measures;
use registry::record::{
    Address, BirthPlace, Cancellation, Death, Flags, Generalities, HouseholdLink, PersonName, Place, Record,
    Register, Registration, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::Timeline;

/// Imola.
pub const IMOLA: &str = "037032";
/// Dozza.
pub const DOZZA: &str = "037025";
/// Castel San Pietro Terme.
pub const CASTEL_SAN_PIETRO: &str = "037020";

/// A person of the stories. Fields are public so that a story changes one thing at a time.
#[derive(Clone, Debug)]
pub struct Person {
    /// ISTAT code of the municipality that keeps the card.
    pub municipality: &'static str,
    /// The municipality's number for the card.
    pub local_id: String,
    /// Surname.
    pub surname: String,
    /// Given name.
    pub given_name: String,
    /// Sex.
    pub sex: Sex,
    /// Birth date; everybody is born in Bologna.
    pub birth: &'static str,
    /// Family.
    pub household: &'static str,
    /// Place in it.
    pub kinship: Kinship,
    /// Day from which it holds.
    pub household_from: &'static str,
    /// Street of residence.
    pub street: String,
    /// Day from which it holds.
    pub residence_from: &'static str,
    /// Day of death.
    pub death: Option<&'static str>,
    /// Markers.
    pub flags: Flags,
}

fn person(
    municipality: &'static str,
    local_id: &str,
    names: (&str, &str),
    sex: Sex,
    birth: &'static str,
) -> Person {
    Person {
        municipality,
        local_id: local_id.to_owned(),
        surname: names.0.to_owned(),
        given_name: names.1.to_owned(),
        sex,
        birth,
        household: "F-1",
        kinship: Kinship::ReferencePerson,
        household_from: "2015-06-01",
        street: "Appia".to_owned(),
        residence_from: "2015-06-01",
        death: None,
        flags: Flags::default(),
    }
}

/// Rossi Mario, reference person of family F-1.
pub fn mario() -> Person {
    person(IMOLA, "1", ("Rossi", "Mario"), Sex::Male, "1985-12-10")
}

/// Bianchi Anna, his wife.
pub fn anna() -> Person {
    Person {
        kinship: Kinship::Spouse,
        ..person(IMOLA, "2", ("Bianchi", "Anna"), Sex::Female, "1987-03-22")
    }
}

/// Rossi Luca, their son, a minor.
pub fn luca() -> Person {
    Person {
        kinship: Kinship::Child,
        ..person(IMOLA, "3", ("Rossi", "Luca"), Sex::Male, "2015-06-01")
    }
}

/// Verdi Giulia, on whose card a procedure is open.
pub fn giulia() -> Person {
    let flags = Flags {
        procedure_open: true,
        ..Flags::default()
    };
    Person {
        household: "F-2",
        flags,
        ..person(IMOLA, "4", ("Verdi", "Giulia"), Sex::Female, "1990-07-01")
    }
}

/// Neri Elena, whose whereabouts are protected.
pub fn elena() -> Person {
    let flags = Flags {
        protected: true,
        ..Flags::default()
    };
    Person {
        household: "F-3",
        flags,
        ..person(IMOLA, "5", ("Neri", "Elena"), Sex::Female, "1979-01-30")
    }
}

/// Galli Ugo, who died.
pub fn ugo() -> Person {
    let death = Some("2024-11-20");
    Person {
        household: "F-4",
        death,
        ..person(IMOLA, "6", ("Galli", "Ugo"), Sex::Male, "1940-02-11")
    }
}

/// Ferri Paolo, of Dozza.
pub fn paolo() -> Person {
    person(DOZZA, "1", ("Ferri", "Paolo"), Sex::Male, "1970-09-09")
}

/// Monti Carla, of Castel San Pietro Terme.
pub fn carla() -> Person {
    person(
        CASTEL_SAN_PIETRO,
        "1",
        ("Monti", "Carla"),
        Sex::Female,
        "1966-04-18",
    )
}

/// Everybody.
pub fn everybody() -> Vec<Person> {
    vec![
        mario(),
        anna(),
        luca(),
        giulia(),
        elena(),
        ugo(),
        paolo(),
        carla(),
    ]
}

/// The codice fiscale of somebody who is in no registry.
pub fn nobody() -> TaxCode {
    person(IMOLA, "0", ("Assente", "Nessuno"), Sex::Male, "1951-08-08").tax_code()
}

/// As many people as are wanted in one municipality, each different, alone in a family.
pub fn crowd(municipality: &'static str, count: u32) -> Vec<Person> {
    let letters = |number: u32| -> String {
        [number / 676 % 26, number / 26 % 26, number % 26]
            .map(|letter| char::from_u32('A' as u32 + letter).unwrap_or('A'))
            .into_iter()
            .collect()
    };
    let one = |number: u32| {
        let mut one = person(
            municipality,
            &format!("C{number}"),
            ("", ""),
            Sex::Male,
            "1980-01-01",
        );
        one.surname = format!("Folla{}", letters(number));
        one.given_name = format!("Caso{}", letters(number));
        one.birth = [
            "1951-01-03",
            "1962-02-14",
            "1973-03-25",
            "1984-04-06",
            "1995-05-17",
        ][(number % 5) as usize];
        one
    };
    (0..count).map(one).collect()
}

impl Person {
    /// The codice fiscale.
    ///
    /// # Panics
    /// When the generalities make none.
    pub fn tax_code(&self) -> TaxCode {
        let place = CadastralCode::parse("A944").expect("Bologna");
        CodiceFiscale::compute(&self.surname, &self.given_name, self.sex, day(self.birth), place)
            .expect("the generalities make a codice fiscale")
            .into()
    }

    /// The address of residence.
    ///
    /// # Panics
    /// When the person's values are no address.
    pub fn address(&self) -> Address {
        Address {
            municipality: istat(self.municipality),
            postcode: "40026".to_owned(),
            hamlet: String::new(),
            species: ToponymSpecies::VIA,
            street: self.street.clone(),
            street_code: String::new(),
            number: Some(7),
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        }
    }

    /// The card.
    ///
    /// # Panics
    /// When the person's values are no card.
    pub fn card(&self) -> Record {
        let name = |text: &str| Some(PersonName::parse(text).expect("a name"));
        let residence = Residence {
            kind: AddressKind::Residence,
            place: Place::Italian(self.address()),
            standing: ResidenceStanding::Definitive,
        };
        let household = HouseholdLink {
            household: HouseholdId::parse(self.household).expect("a household's number"),
            role: HouseholdRole::Family(self.kinship),
        };
        Record {
            municipality: istat(self.municipality),
            local_id: LocalId::parse(&self.local_id).expect("a card's number"),
            register: Register::Apr,
            generalities: Generalities {
                surname: name(&self.surname),
                given_name: name(&self.given_name),
                sex: self.sex,
                birth_date: PartialDate::parse(self.birth).expect("a date"),
                birth_place: BirthPlace::Municipality {
                    istat: Some(istat("037006")),
                    name: "BOLOGNA".to_owned(),
                    province: "BO".to_owned(),
                },
            },
            tax_codes: vec![TaxCodeEntry {
                code: self.tax_code(),
                validated: true,
                from: None,
            }],
            national_id: None,
            civil_status: Timeline::starting(None, CivilStatus::Single),
            citizenships: Timeline::starting(None, vec![StateCode::parse("100").expect("Italy")]),
            parents: Vec::new(),
            residences: Timeline::starting(Some(day(self.residence_from)), residence),
            households: Timeline::starting(Some(day(self.household_from)), household),
            identity_document: None,
            registration: Registration {
                reason: RegistrationReason::Apr(AprRegistrationReason::Birth),
                effective: Some(day("2015-06-01")),
                origin: None,
            },
            cancellation: self.death.map(|death| Cancellation {
                reason: CancellationReason::Apr(AprCancellationReason::Death),
                effective: day(death),
                destination: None,
            }),
            death: self.death.map(|death| Death {
                date: day(death),
                place: None,
            }),
            flags: self.flags.clone(),
            measures: Measures::default(),
        }
    }
}

/// A total export of the cards of one municipality.
///
/// # Panics
/// When it cannot be written.
pub fn export<'a>(municipality: &str, people: impl IntoIterator<Item = &'a Person>) -> Vec<u8> {
    let mut writer = ExportWriter::new(Vec::new()).expect("a header");
    for person in people {
        if person.municipality == municipality {
            writer.write(&person.card()).expect("a row");
        }
    }
    writer.finish().expect("an export")
}

/// An ISTAT code.
///
/// # Panics
/// When it is none.
pub fn istat(code: &str) -> IstatCode {
    IstatCode::parse(code).expect("an ISTAT code")
}

/// A day.
///
/// # Panics
/// When it is none.
pub fn day(text: &str) -> NaiveDate {
    text.parse().expect("a day")
}
