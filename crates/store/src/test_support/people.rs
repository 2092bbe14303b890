//! Cards of a small region, as plain records that each test changes.

use chrono::NaiveDate;
use registry::code::{
    AddressKind, AprCancellationReason, AprRegistrationReason, CancellationReason, CivilStatus,
    HouseholdRole, Kinship, RegistrationReason, ToponymSpecies,
};
use registry::codice_fiscale::{CodiceFiscale, TaxCode};
use registry::date::PartialDate;
use registry::identifier::{CadastralCode, HouseholdId, IstatCode, LocalId, NationalId, StateCode};
use registry::measure::Measures;
use registry::municipality::MunicipalityId;
use registry::record::{
    Address, BirthPlace, Cancellation, Flags, Generalities, HouseholdLink, Locality, PersonName, Place,
    Record, Register, Registration, Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::{Dated, Timeline};

pub(crate) const IMOLA: &str = "037032";
pub(crate) const DOZZA: &str = "037025";

/// Day from which everybody here is registered, unless a test says otherwise.
pub(crate) const BEGIN: &str = "2015-06-01";

pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub(crate) fn istat(text: &str) -> IstatCode {
    IstatCode::parse(text).unwrap()
}

pub(crate) fn municipality(code: &str) -> MunicipalityId {
    MunicipalityId::of_any(istat(code)).unwrap()
}

pub(crate) fn local_id(text: &str) -> LocalId {
    LocalId::parse(text).unwrap()
}

pub(crate) fn national_id(text: &str) -> NationalId {
    NationalId::parse(text).unwrap()
}

/// Rossi Mario, reference person of family F-1 of Imola.
pub(crate) fn mario() -> Record {
    card(
        IMOLA,
        "1",
        ("Rossi", "Mario"),
        Sex::Male,
        "1985-12-10",
        link("F-1", Kinship::ReferencePerson),
    )
}

/// Bianchi Anna, his wife.
pub(crate) fn anna() -> Record {
    card(
        IMOLA,
        "2",
        ("Bianchi", "Anna"),
        Sex::Female,
        "1987-03-22",
        link("F-1", Kinship::Spouse),
    )
}

/// Rossi Luca, their son.
pub(crate) fn luca() -> Record {
    card(
        IMOLA,
        "3",
        ("Rossi", "Luca"),
        Sex::Male,
        "2015-06-01",
        link("F-1", Kinship::Child),
    )
}

/// Verdi Giulia, alone in family F-2 of Imola.
pub(crate) fn giulia() -> Record {
    card(
        IMOLA,
        "4",
        ("Verdi", "Giulia"),
        Sex::Female,
        "1990-07-01",
        link("F-2", Kinship::ReferencePerson),
    )
}

/// Somebody who is in no registry.
pub(crate) fn nobody() -> Record {
    card(
        IMOLA,
        "0",
        ("Assente", "Nessuno"),
        Sex::Male,
        "1951-08-08",
        link("F-9", Kinship::ReferencePerson),
    )
}

/// A card with one thing changed.
pub(crate) fn with(mut card: Record, change: impl FnOnce(&mut Record)) -> Record {
    change(&mut card);
    card
}

/// The same person's card in Dozza, registered from that day on, under another number and in another family.
pub(crate) fn arrived(card: &Record, on: &str) -> Record {
    Record {
        municipality: istat(DOZZA),
        local_id: local_id("D-7"),
        residences: Timeline::starting(Some(day(on)), residence(DOZZA, "Gramsci")),
        households: Timeline::starting(Some(day(on)), link("D-1", Kinship::ReferencePerson)),
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::Immigration),
            effective: Some(day(on)),
            origin: Some(Locality::Municipality(istat(IMOLA))),
        },
        ..card.clone()
    }
}

/// The card of somebody who left for Dozza on that day.
pub(crate) fn left(card: &Record, on: &str) -> Record {
    with(card.clone(), |card| {
        card.cancellation = Some(Cancellation {
            reason: CancellationReason::Apr(AprCancellationReason::MoveToOtherMunicipality),
            effective: day(on),
            destination: Some(Locality::Municipality(istat(DOZZA))),
        });
    })
}

/// The card of somebody who lives in that street from that day on.
pub(crate) fn lives_in(card: Record, street: &str, from: &str) -> Record {
    let at = card.municipality.as_str().to_owned();
    with(card, |card| {
        card.residences.record(Dated {
            from: Some(day(from)),
            value: residence(&at, street),
        });
    })
}

/// The card of somebody who belongs to that household from that day on.
pub(crate) fn joined(card: Record, household: &str, kinship: Kinship, from: &str) -> Record {
    with(card, |card| {
        card.households.record(Dated {
            from: Some(day(from)),
            value: link(household, kinship),
        });
    })
}

/// The codice fiscale in force.
pub(crate) fn code(card: &Record) -> TaxCode {
    *card.current_tax_code().unwrap()
}

/// A codice fiscale of these generalities, born in Bologna.
pub(crate) fn tax_code(names: (&str, &str), sex: Sex, birth: &str) -> TaxCodeEntry {
    let place = CadastralCode::parse("A944").unwrap();
    let code = CodiceFiscale::compute(names.0, names.1, sex, day(birth), place).unwrap();
    TaxCodeEntry {
        code: code.into(),
        validated: true,
        from: None,
    }
}

pub(crate) fn link(household: &str, kinship: Kinship) -> HouseholdLink {
    HouseholdLink {
        household: HouseholdId::parse(household).unwrap(),
        role: HouseholdRole::Family(kinship),
    }
}

pub(crate) fn card(
    municipality: &str,
    number: &str,
    names: (&str, &str),
    sex: Sex,
    birth: &str,
    household: HouseholdLink,
) -> Record {
    Record {
        municipality: istat(municipality),
        local_id: local_id(number),
        register: Register::Apr,
        generalities: Generalities {
            surname: Some(PersonName::parse(names.0).unwrap()),
            given_name: Some(PersonName::parse(names.1).unwrap()),
            sex,
            birth_date: PartialDate::parse(birth).unwrap(),
            birth_place: BirthPlace::Municipality {
                istat: Some(istat("037006")),
                name: "BOLOGNA".to_owned(),
                province: "BO".to_owned(),
            },
        },
        tax_codes: vec![tax_code(names, sex, birth)],
        national_id: None,
        civil_status: Timeline::starting(None, CivilStatus::Single),
        citizenships: Timeline::starting(None, vec![StateCode::parse("100").unwrap()]),
        parents: Vec::new(),
        residences: Timeline::starting(Some(day(BEGIN)), residence(municipality, "Appia")),
        households: Timeline::starting(Some(day(BEGIN)), household),
        identity_document: None,
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::Birth),
            effective: Some(day(BEGIN)),
            origin: None,
        },
        cancellation: None,
        death: None,
        flags: Flags::default(),
        measures: Measures::default(),
    }
}

fn residence(municipality: &str, street: &str) -> Residence {
    Residence {
        kind: AddressKind::Residence,
        place: Place::Italian(Address {
            municipality: istat(municipality),
            postcode: "40026".to_owned(),
            hamlet: String::new(),
            species: ToponymSpecies::VIA,
            street: street.to_owned(),
            street_code: String::new(),
            number: Some(7),
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        }),
        standing: ResidenceStanding::Definitive,
    }
}
