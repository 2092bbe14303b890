//! Cards for tests: one with every field, and a strategy over all shapes of cards.

use chrono::NaiveDate;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::code::{
    AddressKind, AireCancellationReason, AireRegistrationReason, AprCancellationReason,
    AprRegistrationReason, CancellationReason, CivilStatus, ConvivenzaRole, HouseholdRole, Kinship,
    RegistrationReason, ToponymSpecies,
};
use crate::codice_fiscale::{CodiceFiscale, ProvisionalCode, TaxCode};
use crate::date::PartialDate;
use crate::identifier::{CadastralCode, HouseholdId, IstatCode, LocalId, NationalId, StateCode};
use crate::measure::{IdentitySeal, Measures, NewIdentity, Protection, ProtectionBasis, SealBasis};
use crate::record::{
    Address, BirthPlace, Cancellation, Death, Flags, ForeignAddress, Generalities, HouseholdLink,
    IdentityDocument, Locality, Parent, ParentRole, PersonName, Place, Record, Register, Registration,
    Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use crate::timeline::{Dated, Timeline};

pub(crate) const IMOLA: &str = "037032";
pub(crate) const BOLOGNA: &str = "037006";

pub(crate) fn istat(code: &str) -> IstatCode {
    IstatCode::parse(code).unwrap()
}

pub(crate) fn state(code: &str) -> StateCode {
    StateCode::parse(code).unwrap()
}

pub(crate) fn day(text: &str) -> NaiveDate {
    PartialDate::parse(text).unwrap().to_naive().unwrap()
}

pub(crate) fn name(text: &str) -> PersonName {
    PersonName::parse(text).unwrap()
}

pub(crate) fn local_id(text: &str) -> LocalId {
    LocalId::parse(text).unwrap()
}

/// The base code of these data, born at a cadastral code.
pub(crate) fn tax_code(surname: &str, given_name: &str, sex: Sex, birth: &str, place: &str) -> TaxCode {
    let place = CadastralCode::parse(place).unwrap();
    CodiceFiscale::compute(surname, given_name, sex, day(birth), place)
        .unwrap()
        .into()
}

/// A resident of Imola, born in Bologna, with every field filled and some history.
pub(crate) fn full_record() -> Record {
    let code = tax_code("D'Angelo", "Nicolò Maria", Sex::Male, "1980-03-05", "A944");
    let home = Address {
        municipality: istat(IMOLA),
        postcode: "40026".to_owned(),
        hamlet: "Sasso Morelli".to_owned(),
        species: ToponymSpecies::VIA,
        street: "Emilia; detta \"vecchia\"".to_owned(),
        street_code: "A12".to_owned(),
        number: Some(12),
        suffix: "bis".to_owned(),
        staircase: "B".to_owned(),
        unit: "4".to_owned(),
    };
    let residence = |place, standing| Residence {
        kind: AddressKind::Residence,
        place,
        standing,
    };
    let link = |household: &str, role| HouseholdLink {
        household: HouseholdId::parse(household).unwrap(),
        role,
    };
    Record {
        municipality: istat(IMOLA),
        local_id: local_id("S-100/7"),
        register: Register::Apr,
        generalities: Generalities {
            surname: Some(name("D’Angelo")),
            given_name: Some(name("Nicolò Maria")),
            sex: Sex::Male,
            birth_date: PartialDate::parse("1980-03-05").unwrap(),
            birth_place: BirthPlace::Municipality {
                istat: Some(istat(BOLOGNA)),
                name: "BOLOGNA".to_owned(),
                province: "BO".to_owned(),
            },
        },
        tax_codes: vec![
            TaxCodeEntry {
                code: TaxCode::Provisional(ProvisionalCode::issue(1_234_567, 40).unwrap()),
                validated: false,
                from: None,
            },
            TaxCodeEntry {
                code,
                validated: true,
                from: Some(day("1981-01-02")),
            },
        ],
        national_id: Some(NationalId::parse("AF41450AS").unwrap()),
        civil_status: Timeline::from_facts([
            Dated {
                from: None,
                value: CivilStatus::Single,
            },
            Dated {
                from: Some(day("2010-06-12")),
                value: CivilStatus::Married,
            },
        ]),
        citizenships: Timeline::starting(Some(day("1980-03-05")), vec![state("100"), state("215")]),
        parents: vec![
            Parent {
                role: ParentRole::Father,
                surname: Some(name("D’Angelo")),
                given_name: None,
                tax_code: Some(tax_code("D'Angelo", "Ugo", Sex::Male, "1950-01-31", "E289")),
            },
            Parent {
                role: ParentRole::Mother,
                surname: None,
                given_name: Some(name("Ada")),
                tax_code: None,
            },
        ],
        residences: Timeline::from_facts([
            Dated {
                from: None,
                value: residence(
                    Place::Notional {
                        municipality: istat(IMOLA),
                    },
                    ResidenceStanding::Definitive,
                ),
            },
            Dated {
                from: Some(day("2015-02-01")),
                value: residence(Place::Italian(home), ResidenceStanding::Provisional),
            },
        ]),
        households: Timeline::from_facts([
            Dated {
                from: Some(day("2005-01-01")),
                value: link("C9", HouseholdRole::Convivenza(ConvivenzaRole::Member)),
            },
            Dated {
                from: Some(day("2015-02-01")),
                value: link("F100", HouseholdRole::Family(Kinship::ReferencePerson)),
            },
        ]),
        identity_document: Some(IdentityDocument {
            number: "CA12345AA".to_owned(),
            issuer: istat(IMOLA),
            issued: day("2020-05-04"),
            expires: day("2030-03-05"),
        }),
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::Immigration),
            effective: Some(day("2005-01-01")),
            origin: Some(Locality::Municipality(istat(BOLOGNA))),
        },
        cancellation: Some(Cancellation {
            reason: CancellationReason::Apr(AprCancellationReason::Death),
            effective: day("2024-11-20"),
            destination: None,
        }),
        death: Some(Death {
            date: day("2024-11-20"),
            place: Some(Locality::State(state("215"))),
        }),
        flags: Flags {
            protected: true,
            procedure_open: false,
            not_certifiable: true,
        },
        measures: Measures::default(),
    }
}

/// [`full_record`] with a measure of each kind.
pub(crate) fn measured_record() -> Record {
    Record {
        measures: Measures {
            protection: Some(Protection {
                basis: ProtectionBasis::Shelter,
                from: day("2024-01-15"),
                until: Some(day("2026-01-14")),
            }),
            seal: Some(IdentitySeal {
                basis: SealBasis::ProtectionProgramme,
                from: day("2024-02-01"),
                identity: NewIdentity::Present,
            }),
        },
        ..full_record()
    }
}

/// An open card: [`full_record`] without history, cancellation and death.
pub(crate) fn open_record() -> Record {
    let record = full_record();
    Record {
        tax_codes: record.tax_codes.into_iter().skip(1).collect(),
        civil_status: Timeline::starting(Some(day("2010-06-12")), CivilStatus::Married),
        residences: Timeline::from_facts(record.residences.latest().cloned()),
        households: Timeline::from_facts(record.households.latest().cloned()),
        cancellation: None,
        death: None,
        ..record
    }
}

fn any_day() -> impl Strategy<Value = NaiveDate> {
    (0i32..36_000).prop_map(|days| NaiveDate::from_num_days_from_ce_opt(701_000 + days).unwrap())
}

fn any_istat() -> impl Strategy<Value = IstatCode> {
    select(vec![IMOLA, BOLOGNA, "099014", "000000"]).prop_map(istat)
}

fn any_state() -> impl Strategy<Value = StateCode> {
    select(vec!["100", "215", "235", "999"]).prop_map(state)
}

fn any_name() -> impl Strategy<Value = PersonName> {
    "[A-ZÀÈa-zòß][A-Za-zàèé'’., -]{0,30}".prop_map(|text| name(&text))
}

fn any_text() -> impl Strategy<Value = String> {
    "\\PC{0,200}"
}

fn any_tax_code() -> impl Strategy<Value = TaxCode> {
    prop_oneof![
        ("[A-Za-z]{3,12}", select(vec![Sex::Male, Sex::Female]), any_day()).prop_map(|(text, sex, born)| {
            let place = CadastralCode::parse("A944").unwrap();
            CodiceFiscale::compute(&text, &text, sex, born, place)
                .unwrap()
                .into()
        }),
        (0u32..9_999_999, 0u16..999).prop_map(|(serial, office)| TaxCode::Provisional(
            ProvisionalCode::issue(serial, office).unwrap()
        )),
    ]
}

fn any_locality() -> impl Strategy<Value = Locality> {
    prop_oneof![
        any_istat().prop_map(Locality::Municipality),
        any_state().prop_map(Locality::State)
    ]
}

pub(crate) fn timeline<T: std::fmt::Debug>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Timeline<T>> {
    let fact = (option::weighted(0.8, any_day()), value).prop_map(|(from, value)| Dated { from, value });
    vec(fact, 0..4).prop_map(Timeline::from_facts)
}

fn any_generalities() -> impl Strategy<Value = Generalities> {
    let date = (1850i32..2030, option::of((1u8..=12, option::of(1u8..=28)))).prop_map(|(year, rest)| {
        PartialDate::new(year, rest.map(|(month, _)| month), rest.and_then(|(_, day)| day)).unwrap()
    });
    let place = prop_oneof![
        (option::of(any_istat()), any_text(), "[A-Z]{2}").prop_map(|(istat, name, province)| {
            BirthPlace::Municipality {
                istat,
                name,
                province,
            }
        }),
        (any_state(), any_text()).prop_map(|(state, locality)| BirthPlace::Abroad { state, locality }),
        any_text().prop_map(BirthPlace::Exceptional),
    ];
    let sex = select(vec![Sex::Male, Sex::Female, Sex::Unknown]);
    (option::of(any_name()), option::of(any_name()), sex, date, place).prop_map(
        |(surname, given_name, sex, birth_date, birth_place)| Generalities {
            surname,
            given_name,
            sex,
            birth_date,
            birth_place,
        },
    )
}

fn any_place() -> impl Strategy<Value = Place> {
    let address = (
        (
            any_istat(),
            "[0-9]{0,5}",
            any_text(),
            select(ToponymSpecies::all().collect::<Vec<_>>()),
            any_text(),
        ),
        (
            any_text(),
            option::of(any::<u32>()),
            any_text(),
            any_text(),
            any_text(),
        ),
    )
        .prop_map(|(first, second)| {
            let (municipality, postcode, hamlet, species, street) = first;
            let (street_code, number, suffix, staircase, unit) = second;
            Address {
                municipality,
                postcode,
                hamlet,
                species,
                street,
                street_code,
                number,
                suffix,
                staircase,
                unit,
            }
        });
    prop_oneof![
        address.prop_map(Place::Italian),
        (any_state(), any_text(), any_text()).prop_map(|(state, locality, line)| Place::Foreign(
            ForeignAddress {
                state,
                locality,
                line
            }
        )),
        any_istat().prop_map(|municipality| Place::Notional { municipality }),
    ]
}

fn any_residence() -> impl Strategy<Value = Residence> {
    let standing = select(vec![
        ResidenceStanding::Definitive,
        ResidenceStanding::Provisional,
    ]);
    (select(AddressKind::ALL), any_place(), standing).prop_map(|(kind, place, standing)| Residence {
        kind,
        place,
        standing,
    })
}

fn any_household() -> impl Strategy<Value = HouseholdLink> {
    let role = prop_oneof![
        select(Kinship::ALL).prop_map(HouseholdRole::Family),
        select(ConvivenzaRole::ALL).prop_map(HouseholdRole::Convivenza),
    ];
    ("[A-Z0-9._/-]{1,20}", role).prop_map(|(household, role)| HouseholdLink {
        household: HouseholdId::parse(&household).unwrap(),
        role,
    })
}

fn any_parent() -> impl Strategy<Value = Parent> {
    let role = select(vec![ParentRole::Father, ParentRole::Mother]);
    (
        role,
        option::of(any_name()),
        option::of(any_name()),
        option::of(any_tax_code()),
    )
        .prop_map(|(role, surname, given_name, tax_code)| Parent {
            role,
            surname,
            given_name,
            tax_code,
        })
}

/// Cards of every shape, also ones that no export could give.
pub(crate) fn any_record() -> impl Strategy<Value = Record> {
    let registration_reason = prop_oneof![
        select(AprRegistrationReason::ALL).prop_map(RegistrationReason::Apr),
        select(AireRegistrationReason::ALL).prop_map(RegistrationReason::Aire),
    ];
    let cancellation_reason = prop_oneof![
        select(AprCancellationReason::ALL).prop_map(CancellationReason::Apr),
        select(AireCancellationReason::ALL).prop_map(CancellationReason::Aire),
    ];
    let tax_code =
        (any_tax_code(), any::<bool>(), option::of(any_day())).prop_map(|(code, validated, from)| {
            TaxCodeEntry {
                code,
                validated,
                from,
            }
        });
    let document =
        (any_text(), any_istat(), any_day(), any_day()).prop_map(|(number, issuer, issued, expires)| {
            IdentityDocument {
                number,
                issuer,
                issued,
                expires,
            }
        });
    let registration = (
        registration_reason,
        option::of(any_day()),
        option::of(any_locality()),
    )
        .prop_map(|(reason, effective, origin)| Registration {
            reason,
            effective,
            origin,
        });
    let cancellation = (cancellation_reason, any_day(), option::of(any_locality())).prop_map(
        |(reason, effective, destination)| Cancellation {
            reason,
            effective,
            destination,
        },
    );
    let death = (any_day(), option::of(any_locality())).prop_map(|(date, place)| Death { date, place });
    let flags = any::<[bool; 3]>().prop_map(|[protected, procedure_open, not_certifiable]| Flags {
        protected,
        procedure_open,
        not_certifiable,
    });
    let protection =
        (select(ProtectionBasis::ALL), any_day(), option::of(0u64..9_000)).prop_map(|(basis, from, days)| {
            Protection {
                basis,
                from,
                until: days.map(|days| from + chrono::Days::new(days)),
            }
        });
    let seal = (
        select(SealBasis::ALL),
        any_day(),
        select(vec![NewIdentity::Awaited, NewIdentity::Present]),
    )
        .prop_map(|(basis, from, identity)| IdentitySeal {
            basis,
            from,
            identity,
        });
    let measures = (option::of(protection), option::of(seal))
        .prop_map(|(protection, seal)| Measures { protection, seal });
    let who = (
        any_istat(),
        "[A-Za-z0-9._/-]{1,20}",
        select(vec![Register::Apr, Register::Aire]),
        any_generalities(),
        vec(tax_code, 0..3),
        option::of("[A-Z]{2}[0-9]{5}[A-Z0-9]{2}"),
    );
    let facts = (
        timeline(select(CivilStatus::ALL)),
        timeline(vec(any_state(), 0..3)),
        vec(any_parent(), 0..3),
        timeline(any_residence()),
        timeline(any_household()),
    );
    let standing = (
        option::of(document),
        registration,
        option::of(cancellation),
        option::of(death),
        flags,
        measures,
    );
    (who, facts, standing).prop_map(|(who, facts, standing)| {
        let (municipality, id, register, generalities, tax_codes, national_id) = who;
        let (civil_status, citizenships, parents, residences, households) = facts;
        let (identity_document, registration, cancellation, death, flags, measures) = standing;
        Record {
            municipality,
            local_id: local_id(&id),
            register,
            generalities,
            tax_codes,
            national_id: national_id.map(|id| NationalId::parse(&id).unwrap()),
            civil_status,
            citizenships,
            parents,
            residences,
            households,
            identity_document,
            registration,
            cancellation,
            death,
            flags,
            measures,
        }
    })
}
