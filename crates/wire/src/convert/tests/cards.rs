//! Cards for the tests: any that the domain admits, and one to spoil.

use chrono::NaiveDate;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use registry::change::{ActReference, ActText, Change, ChangeBody, EventKind, RegistryEvent};
use registry::code::{
    AddressKind, AireCancellationReason, AireRegistrationReason, AprCancellationReason,
    AprRegistrationReason, CancellationReason, CivilStatus, ConvivenzaRole, HouseholdRole, Kinship,
    RegistrationReason, ToponymSpecies,
};
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::{HouseholdId, IstatCode, LocalId, NationalId, StateCode};
use registry::measure::{IdentitySeal, Measures, NewIdentity, Protection, ProtectionBasis, SealBasis};
use registry::publication::{Batch, Epoch};
use registry::record::{
    Address, BirthPlace, Cancellation, Death, Flags, ForeignAddress, Generalities, HouseholdLink,
    IdentityDocument, Locality, Parent, ParentRole, PersonName, Place, Record, Register, Registration,
    Residence, ResidenceStanding, Sex, TaxCodeEntry,
};
use registry::timeline::{Dated, Timeline};

const TAX_CODES: &[&str] = &["RSSMRA80A01H501U", "RSSMRA80A01A944I", "12345678903"];

fn istat() -> impl Strategy<Value = IstatCode> {
    "[0-9]{6}".prop_map(|code| IstatCode::parse(&code).unwrap())
}

fn state() -> impl Strategy<Value = StateCode> {
    "[0-9]{3}".prop_map(|code| StateCode::parse(&code).unwrap())
}

fn day() -> impl Strategy<Value = NaiveDate> {
    (1800_i32..2100, 1_u32..=366).prop_filter_map("a day of its year", |(year, day)| {
        NaiveDate::from_yo_opt(year, day)
    })
}

fn birth_date() -> impl Strategy<Value = PartialDate> {
    prop_oneof![
        day().prop_map(|date| PartialDate::known(date).unwrap()),
        (1800_i32..2100, option::of(1_u8..=12))
            .prop_map(|(year, month)| PartialDate::new(year, month, None).unwrap()),
    ]
}

fn name() -> impl Strategy<Value = Option<PersonName>> {
    option::of("[A-Za-zàèìòù][A-Za-z' -]{0,30}".prop_map(|name| PersonName::parse(&name).unwrap()))
}

fn tax_code() -> impl Strategy<Value = TaxCode> {
    select(TAX_CODES).prop_filter_map("a valid code", |code| TaxCode::parse(code).ok())
}

fn locality() -> impl Strategy<Value = Locality> {
    prop_oneof![
        istat().prop_map(Locality::Municipality),
        state().prop_map(Locality::State)
    ]
}

fn timeline<T: std::fmt::Debug + Clone>(
    value: impl Strategy<Value = T>,
) -> impl Strategy<Value = Timeline<T>> {
    vec((option::of(day()), value), 0..4)
        .prop_map(|facts| Timeline::from_facts(facts.into_iter().map(|(from, value)| Dated { from, value })))
}

fn birth_place() -> impl Strategy<Value = BirthPlace> {
    prop_oneof![
        (option::of(istat()), "[A-Za-zÀ-ù' ]{1,80}", "[A-Z]{2}").prop_map(|(istat, name, province)| {
            BirthPlace::Municipality {
                istat,
                name,
                province,
            }
        }),
        (state(), "[A-Za-z ]{0,120}").prop_map(|(state, locality)| BirthPlace::Abroad { state, locality }),
        "[A-Za-z ]{1,120}".prop_map(BirthPlace::Exceptional),
    ]
}

fn generalities() -> impl Strategy<Value = Generalities> {
    (
        name(),
        name(),
        select(&[Sex::Male, Sex::Female, Sex::Unknown][..]),
        birth_date(),
        birth_place(),
    )
        .prop_map(
            |(surname, given_name, sex, birth_date, birth_place)| Generalities {
                surname,
                given_name,
                sex,
                birth_date,
                birth_place,
            },
        )
}

fn address() -> impl Strategy<Value = Address> {
    let species = select(ToponymSpecies::all().collect::<Vec<_>>());
    let first = (
        istat(),
        "|[0-9]{5}",
        "[A-Za-z ]{0,80}",
        species,
        "[A-Za-z ]{1,100}",
        "[0-9A-Z]{0,6}",
    );
    let second = (
        option::of(any::<u32>()),
        "[A-Z/]{0,10}",
        "[A-Z]{0,10}",
        "[0-9]{0,10}",
    );
    (first, second).prop_map(
        |(
            (municipality, postcode, hamlet, species, street, street_code),
            (number, suffix, staircase, unit),
        )| Address {
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
        },
    )
}

fn residence() -> impl Strategy<Value = Residence> {
    let place = prop_oneof![
        address().prop_map(Place::Italian),
        (state(), "[A-Za-z ]{1,120}", "[A-Za-z0-9 ]{0,200}").prop_map(|(state, locality, line)| {
            Place::Foreign(ForeignAddress {
                state,
                locality,
                line,
            })
        }),
        istat().prop_map(|municipality| Place::Notional { municipality }),
    ];
    let standing = select(&[ResidenceStanding::Definitive, ResidenceStanding::Provisional][..]);
    (select(AddressKind::ALL), place, standing).prop_map(|(kind, place, standing)| Residence {
        kind,
        place,
        standing,
    })
}

fn household() -> impl Strategy<Value = HouseholdLink> {
    let role = prop_oneof![
        select(Kinship::ALL).prop_map(HouseholdRole::Family),
        select(ConvivenzaRole::ALL).prop_map(HouseholdRole::Convivenza),
    ];
    ("[0-9A-Z._/-]{1,20}", role).prop_map(|(id, role)| HouseholdLink {
        household: HouseholdId::parse(&id).unwrap(),
        role,
    })
}

fn tax_code_entry() -> impl Strategy<Value = TaxCodeEntry> {
    (tax_code(), any::<bool>(), option::of(day())).prop_map(|(code, validated, from)| TaxCodeEntry {
        code,
        validated,
        from,
    })
}

fn parent() -> impl Strategy<Value = Parent> {
    (
        select(&[ParentRole::Father, ParentRole::Mother][..]),
        name(),
        name(),
        option::of(tax_code()),
    )
        .prop_map(|(role, surname, given_name, tax_code)| Parent {
            role,
            surname,
            given_name,
            tax_code,
        })
}

fn identity_document() -> impl Strategy<Value = IdentityDocument> {
    ("[A-Z0-9]{1,20}", istat(), day(), day()).prop_map(|(number, issuer, issued, expires)| IdentityDocument {
        number,
        issuer,
        issued,
        expires,
    })
}

fn registration() -> impl Strategy<Value = Registration> {
    let reason = prop_oneof![
        select(AprRegistrationReason::ALL).prop_map(RegistrationReason::Apr),
        select(AireRegistrationReason::ALL).prop_map(RegistrationReason::Aire),
    ];
    (reason, option::of(day()), option::of(locality())).prop_map(|(reason, effective, origin)| Registration {
        reason,
        effective,
        origin,
    })
}

fn cancellation() -> impl Strategy<Value = Cancellation> {
    let reason = prop_oneof![
        select(AprCancellationReason::ALL).prop_map(CancellationReason::Apr),
        select(AireCancellationReason::ALL).prop_map(CancellationReason::Aire),
    ];
    (reason, day(), option::of(locality())).prop_map(|(reason, effective, destination)| Cancellation {
        reason,
        effective,
        destination,
    })
}

fn measures() -> impl Strategy<Value = Measures> {
    let protection =
        (select(ProtectionBasis::ALL), day(), option::of(0_u64..9_000)).prop_map(|(basis, from, days)| {
            Protection {
                basis,
                from,
                until: days.map(|days| from + chrono::Days::new(days)),
            }
        });
    let identity = select(vec![NewIdentity::Awaited, NewIdentity::Present]);
    let seal = (select(SealBasis::ALL), day(), identity).prop_map(|(basis, from, identity)| IdentitySeal {
        basis,
        from,
        identity,
    });
    (option::of(protection), option::of(seal)).prop_map(|(protection, seal)| Measures { protection, seal })
}

pub(super) fn any_record() -> impl Strategy<Value = Record> {
    let national_id = "[A-Z]{2}[0-9]{5}[A-Z0-9]{2}".prop_map(|id| NationalId::parse(&id).unwrap());
    let keys = (
        istat(),
        "[0-9A-Za-z._/-]{1,20}".prop_map(|id| LocalId::parse(&id).unwrap()),
        select(&[Register::Apr, Register::Aire][..]),
        generalities(),
        vec(tax_code_entry(), 0..3),
        option::of(national_id),
    );
    let history = (
        timeline(select(CivilStatus::ALL)),
        timeline(vec(state(), 0..3)),
        vec(parent(), 0..3),
        timeline(residence()),
        timeline(household()),
    );
    let ends = (
        option::of(identity_document()),
        registration(),
        option::of(cancellation()),
        option::of((day(), option::of(locality())).prop_map(|(date, place)| Death { date, place })),
        (any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
            |(protected, procedure_open, not_certifiable)| Flags {
                protected,
                procedure_open,
                not_certifiable,
            },
        ),
        measures(),
    );
    (keys, history, ends).prop_map(|(keys, history, ends)| {
        let (municipality, local_id, register, generalities, tax_codes, national_id) = keys;
        let (civil_status, citizenships, parents, residences, households) = history;
        let (identity_document, registration, cancellation, death, flags, measures) = ends;
        Record {
            municipality,
            local_id,
            register,
            generalities,
            tax_codes,
            national_id,
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

fn event() -> impl Strategy<Value = RegistryEvent> {
    (
        select(EventKind::ALL),
        option::of(day()),
        option::of(day()),
        day(),
        option::of(act()),
    )
        .prop_map(
            |(kind, event_date, effective_date, registration_date, act)| RegistryEvent {
                kind,
                event_date,
                effective_date,
                registration_date,
                act,
            },
        )
}

fn act() -> impl Strategy<Value = ActReference> {
    let word = || "[A-Za-z0-9./-]{1,10}".prop_map(|text| ActText::parse(&text).unwrap());
    (
        istat(),
        option::of(word()),
        1800_u16..9999,
        option::of(word()),
        option::of(word()),
        word(),
    )
        .prop_map(
            |(municipality, office, year, part, series, number)| ActReference {
                municipality,
                office,
                year,
                part,
                series,
                number,
            },
        )
}

pub(super) fn any_batch() -> impl Strategy<Value = Batch> {
    let cards = vec((any_record(), any::<bool>(), vec(event(), 0..3)), 1..4);
    (
        istat(),
        any::<[u8; 16]>(),
        1_u64..1_000_000,
        cards,
        0_i64..4_000_000_000_000,
    )
        .prop_map(|(municipality, epoch, first, cards, sent_at_ms)| {
            let changes = (first..)
                .zip(cards)
                .map(|(sequence, (record, removed, events))| Change {
                    sequence,
                    local_id: record.local_id.clone(),
                    body: if removed {
                        ChangeBody::Remove
                    } else {
                        ChangeBody::Upsert(Box::new(Record {
                            municipality,
                            ..record
                        }))
                    },
                    events,
                });
            Batch::new(municipality, Epoch(epoch), first, changes.collect(), sent_at_ms).unwrap()
        })
}

fn on(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

pub(super) fn example() -> Record {
    let municipality = IstatCode::parse("037032").unwrap();
    let home = |street: &str| Residence {
        kind: AddressKind::ALL[0],
        place: Place::Italian(Address {
            municipality,
            postcode: "40026".into(),
            hamlet: String::new(),
            species: ToponymSpecies::VIA,
            street: street.into(),
            street_code: String::new(),
            number: Some(12),
            suffix: String::new(),
            staircase: String::new(),
            unit: String::new(),
        }),
        standing: ResidenceStanding::Definitive,
    };
    let residences = [(on(1990, 1, 1), home("Emilia")), (on(2005, 6, 1), home("Appia"))];
    Record {
        municipality,
        local_id: LocalId::parse("1001").unwrap(),
        register: Register::Apr,
        generalities: Generalities {
            surname: Some(PersonName::parse("Rossi").unwrap()),
            given_name: Some(PersonName::parse("Mario").unwrap()),
            sex: Sex::Male,
            birth_date: PartialDate::known(on(1980, 1, 1)).unwrap(),
            birth_place: BirthPlace::Municipality {
                istat: Some(IstatCode::parse("058091").unwrap()),
                name: "Roma".into(),
                province: "RM".into(),
            },
        },
        tax_codes: vec![TaxCodeEntry {
            code: TaxCode::parse("RSSMRA80A01H501U").unwrap(),
            validated: true,
            from: None,
        }],
        national_id: None,
        civil_status: Timeline::starting(None, CivilStatus::Single),
        citizenships: Timeline::starting(None, vec![StateCode::parse("100").unwrap()]),
        parents: Vec::new(),
        residences: Timeline::from_facts(residences.map(|(from, value)| Dated {
            from: Some(from),
            value,
        })),
        households: Timeline::default(),
        identity_document: None,
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::ALL[0]),
            effective: Some(on(1990, 1, 1)),
            origin: None,
        },
        cancellation: None,
        death: None,
        flags: Flags::default(),
        measures: Measures::default(),
    }
}

pub(super) fn example_batch() -> Batch {
    let record = example();
    let change = Change {
        sequence: 1,
        local_id: record.local_id.clone(),
        body: ChangeBody::Upsert(Box::new(record)),
        events: Vec::new(),
    };
    Batch::new(
        IstatCode::parse("037032").unwrap(),
        Epoch([7; 16]),
        1,
        vec![change],
        1_800_000_000_000,
    )
    .unwrap()
}
