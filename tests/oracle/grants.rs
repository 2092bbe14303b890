//! Whatever agreement, whatever call of whatever method: no datum leaves that was not granted to that call, and nothing of
//! where a protected person is.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};

use agreement::ascertainment::Ascertainment;
use agreement::field::{Field, FieldSet};
use agreement::peer::Role;
use agreement::service::Service;
use client::admin::Effect;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA};
use support::region::{Region, act};
use tokio::runtime::Handle;
use tokio::task::{JoinSet, block_in_place};
use tonic::metadata::{KeyAndValueRef, MetadataMap};
use tonic_prost::prost::Message;
use uuid::Uuid;
use wire::proto::consultation::v1 as pb;
use wire::proto::ledger::v1 as receipts;

use crate::ask::{self, Answer, Ask, Client, Told};
use crate::grant::{Grant, any_grant};
use crate::world::{Day, PAST, World};

/// Agreements that are drawn.
const CASES: u32 = 64;

/// Calls at a time.
const AT_A_TIME: usize = 24;

const AGENCY: &str = "questura-bo";
const SERVICE: &str = "ConsultationService";

/// Whom an answer may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum About {
    /// One person.
    Card(usize),
    /// The household of a person.
    Household(usize),
    /// Whoever is found.
    Anybody,
    /// Nobody: no datum is answered at all.
    Nobody,
}

/// A call and what it may show.
#[derive(Clone)]
struct Asked {
    ask: Ask,
    about: About,
    granted: FieldSet,
    day: Day,
    kind: Option<Ascertainment>,
}

/// What was shown, over all calls.
#[derive(Debug, Default)]
struct Shown {
    columns: BTreeSet<&'static str>,
    fields: FieldSet,
    methods: BTreeMap<&'static str, usize>,
}

/// The region in which agreements are tried.
struct Court {
    region: Region,
    world: World,
    client: Client,
    numbers: AtomicU64,
}

impl Court {
    async fn open() -> Self {
        let mut region = Region::empty().await;
        // What is published is what agreements open.
        activate(&region, &Grant::everything().document("everything")).await;
        let world = World::read();
        world.publish(&mut region).await;
        let client = Client::new(region.channel(Role::Agency, AGENCY).await);
        Self {
            region,
            world,
            client,
            numbers: AtomicU64::new(1),
        }
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }

    fn context(&self, agreement: &str, day: Day) -> pb::AccessContext {
        let id = Uuid::from_u128(self.number().into()).to_string();
        pb::AccessContext {
            reference_date: (day == Day::Past).then(|| ask::date(PAST)),
            ..ask::context(agreement, "drawn", id)
        }
    }

    /// Tries an agreement with every method about everybody.
    async fn try_out(&self, grant: &Grant) -> Result<Shown, String> {
        let id = format!("drawn-{}", self.number());
        activate(&self.region, &grant.document(&id)).await;
        let mut shown = Shown::default();
        let (mut handles, mut entries) = (Vec::new(), Vec::new());
        for some in self.calls(grant, &id).chunks(AT_A_TIME) {
            let mut calls = JoinSet::new();
            for asked in some.iter().cloned() {
                let mut client = self.client.clone();
                calls.spawn(async move {
                    let told = asked.ask.clone().make(&mut client).await;
                    (asked, told)
                });
            }
            while let Some(call) = calls.join_next().await {
                let (asked, told) = call.map_err(|error| error.to_string())?;
                check(&self.world, grant, &asked, &told, &mut shown)?;
                for answer in &told.answers {
                    match answer {
                        Answer::Search(found) => {
                            handles.extend(found.hits.iter().map(|hit| hit.handle.clone()));
                        }
                        Answer::Person(found) => entries.extend(short(found.receipt.as_ref())),
                        _ => {}
                    }
                }
            }
        }
        // What only an answer leads to: who was found, and receipts.
        let found = handles.into_iter().take(12).map(|handle| Asked {
            ask: Ask::Person(pb::LookupPersonRequest {
                context: Some(self.context(&id, Day::Today)),
                key: Some(pb::lookup_person_request::Key::Handle(handle)),
                ..pb::LookupPersonRequest::default()
            }),
            about: About::Anybody,
            granted: grant.fields,
            day: Day::Today,
            kind: None,
        });
        let receipts = entries.into_iter().take(4).map(|receipt| Asked {
            ask: Ask::Receipt(pb::GetReceiptRequest {
                context: Some(self.context(&id, Day::Today)),
                origin: receipt.origin,
                index: receipt.index,
            }),
            about: About::Nobody,
            granted: FieldSet::EMPTY,
            day: Day::Today,
            kind: None,
        });
        for asked in found.chain(receipts) {
            let told = asked.ask.clone().make(&mut self.client.clone()).await;
            check(&self.world, grant, &asked, &told, &mut shown)?;
        }
        Ok(shown)
    }

    fn calls(&self, grant: &Grant, id: &str) -> Vec<Asked> {
        let mut calls = Vec::new();
        for number in 0..self.world.cards.len() {
            self.consultations(grant, id, number, &mut calls);
            self.ascertainments(grant, id, number, &mut calls);
            self.residents(grant, id, number, &mut calls);
            self.declarations(id, number, &mut calls);
            self.searches(grant, id, number, &mut calls);
        }
        let codes: Vec<&str> = self.world.cards.iter().map(|card| card.code.as_str()).collect();
        let listed = if grant.services.contains(&Service::BatchLookupPersons) {
            grant.listed
        } else {
            FieldSet::EMPTY
        };
        for day in [Day::Today, Day::Past] {
            calls.push(Asked {
                ask: ask::lookup_rows(&codes, self.context(id, day), None),
                about: About::Anybody,
                granted: listed,
                day,
                kind: None,
            });
        }
        calls.push(nothing(ask::verify_rows(&codes, self.context(id, Day::Today))));
        calls.push(nothing(Ask::Describe(pb::DescribeAccessRequest {
            context: Some(self.context(id, Day::Today)),
            key: Some(pb::describe_access_request::Key::TaxCode(
                self.world.cards[0].code.clone(),
            )),
            ..pb::DescribeAccessRequest::default()
        })));
        calls
    }

    /// Lookups of a person and of the household, by every key, of both days, with and without a mask.
    fn consultations(&self, grant: &Grant, id: &str, number: usize, calls: &mut Vec<Asked>) {
        use pb::lookup_household_request::Key as HouseholdKey;
        use pb::lookup_person_request::Key;
        let card = &self.world.cards[number];
        let may = |service: Service, fields: FieldSet| {
            if grant.services.contains(&service) {
                fields
            } else {
                FieldSet::EMPTY
            }
        };
        let keys = [
            Key::TaxCode(card.code.clone()),
            Key::NationalId(card.national_id.clone()),
            Key::Generalities(card.generalities.clone()),
        ];
        let masks = [
            FieldSet::EMPTY,
            grant.wanted.intersection(grant.fields),
            // A field outside the grant is refused, with whatever else is wanted.
            grant.wanted,
        ];
        for (place, day) in [Day::Today, Day::Past, Day::Today].into_iter().enumerate() {
            for (key, mask) in keys.iter().cycle().skip(place).zip(masks) {
                let fields = if mask.is_empty() {
                    grant.fields
                } else {
                    mask.intersection(grant.fields)
                };
                let names: Vec<_> = mask.names().collect();
                calls.push(Asked {
                    ask: Ask::Person(pb::LookupPersonRequest {
                        context: Some(self.context(id, day)),
                        key: Some(key.clone()),
                        read_mask: ask::mask(&names),
                        receipt_form: receipts::ReceiptForm::Short.into(),
                        ..pb::LookupPersonRequest::default()
                    }),
                    about: About::Card(number),
                    granted: may(Service::LookupPerson, fields),
                    day,
                    kind: None,
                });
            }
        }
        for (day, mask) in [
            (Day::Today, FieldSet::EMPTY),
            (Day::Past, FieldSet::EMPTY),
            (Day::Today, masks[1]),
        ] {
            let fields = if mask.is_empty() {
                grant.fields
            } else {
                mask.union(FieldSet::of(&[Field::Household]))
            };
            let names: Vec<_> = mask.names().collect();
            calls.push(Asked {
                ask: Ask::Household(pb::LookupHouseholdRequest {
                    context: Some(self.context(id, day)),
                    key: Some(HouseholdKey::TaxCode(card.code.clone())),
                    read_mask: ask::mask(&names),
                    ..pb::LookupHouseholdRequest::default()
                }),
                about: About::Household(number),
                granted: may(Service::LookupHousehold, fields),
                day,
                kind: None,
            });
        }
    }

    /// Every kind of ascertainment, granted or not.
    fn ascertainments(&self, grant: &Grant, id: &str, number: usize, calls: &mut Vec<Asked>) {
        let code = &self.world.cards[number].code;
        for (place, kind) in Ascertainment::ALL.into_iter().enumerate() {
            let granted = if grant.ascertainments.contains(&kind) {
                kind.opens(grant.fields)
            } else {
                FieldSet::EMPTY
            };
            let name = kind.name().to_uppercase().replace('-', "_");
            let wire = pb::Ascertainment::from_str_name(&format!("ASCERTAINMENT_{name}")).expect("a kind");
            let day = [Day::Today, Day::Today, Day::Past][(place + number) % 3];
            let context = Some(self.context(id, day));
            let (ask, about) = if kind == Ascertainment::FamilyStatus {
                let request = pb::LookupHouseholdRequest {
                    context,
                    key: Some(pb::lookup_household_request::Key::TaxCode(code.clone())),
                    ascertainment: wire.into(),
                    ..pb::LookupHouseholdRequest::default()
                };
                (Ask::Household(request), About::Household(number))
            } else {
                let request = pb::LookupPersonRequest {
                    context,
                    key: Some(pb::lookup_person_request::Key::TaxCode(code.clone())),
                    ascertainment: wire.into(),
                    ..pb::LookupPersonRequest::default()
                };
                (Ask::Person(request), About::Card(number))
            };
            calls.push(Asked {
                ask,
                about,
                granted,
                day,
                kind: Some(kind),
            });
        }
    }

    /// Who lives where the person lives, on both days: whoever shares the dwelling.
    fn residents(&self, grant: &Grant, id: &str, number: usize, calls: &mut Vec<Asked>) {
        let card = &self.world.cards[number];
        let granted = if grant.services.contains(&Service::LookupAddressResidents) {
            grant.fields
        } else {
            FieldSet::EMPTY
        };
        for (street, day) in [
            (&card.street, Day::Today),
            (&card.street, Day::Past),
            (&card.former_street, Day::Past),
            (&card.former_street, Day::Today),
        ] {
            calls.push(Asked {
                ask: Ask::Residents(ask::residents(street, card.municipality, self.context(id, day))),
                about: About::Household(number),
                granted,
                day,
                kind: None,
            });
        }
    }

    /// Declarations that are true: the answer says so and repeats nothing of them.
    fn declarations(&self, id: &str, number: usize, calls: &mut Vec<Asked>) {
        use pb::verify_declaration_request::Claim;
        let card = &self.world.cards[number];
        let claims = [
            Claim::ExistenceInLife(pb::ExistenceInLifeClaim {}),
            Claim::Generalities(pb::GeneralitiesClaim {
                surname: Some(card.surname.clone()),
                given_name: Some(card.given_name.clone()),
                ..pb::GeneralitiesClaim::default()
            }),
            Claim::MunicipalResidence(pb::MunicipalResidenceClaim {
                municipality: card.municipality.to_owned(),
            }),
            Claim::Residence(pb::ResidenceClaim {
                municipality: card.municipality.to_owned(),
                address: Some(pb::AddressClaim {
                    street: card.street.clone(),
                    number: Some(7),
                    ..pb::AddressClaim::default()
                }),
            }),
        ];
        for claim in claims {
            let mut request = ask::alive(&card.code, Some(self.context(id, Day::Today)));
            request.claim = Some(claim);
            calls.push(nothing(Ask::Verify(request)));
        }
    }

    /// Searches by names and by the beginning of a code, everywhere and in each municipality.
    fn searches(&self, grant: &Grant, id: &str, number: usize, calls: &mut Vec<Asked>) {
        let card = &self.world.cards[number];
        let beginning = |text: &str| {
            Some(pb::PartialName {
                text: text.chars().take(3).collect(),
                beginning: true,
            })
        };
        let by_names = pb::SearchPersonsRequest {
            surname: beginning(&card.surname),
            given_name: beginning(&card.given_name),
            ..pb::SearchPersonsRequest::default()
        };
        let by_code = pb::SearchPersonsRequest {
            tax_code: card.code.chars().take(6).collect(),
            ..pb::SearchPersonsRequest::default()
        };
        let limited = pb::SearchPersonsRequest {
            municipality: card.municipality.to_owned(),
            ..by_names.clone()
        };
        let granted = if grant.services.contains(&Service::SearchPersons) {
            grant.fields.intersection(FieldSet::SEARCHED)
        } else {
            FieldSet::EMPTY
        };
        for search in [by_names, by_code, limited] {
            calls.push(Asked {
                ask: Ask::Search(pb::SearchPersonsRequest {
                    context: Some(self.context(id, Day::Today)),
                    ..search
                }),
                about: About::Anybody,
                granted,
                day: Day::Today,
                kind: None,
            });
        }
    }
}

async fn activate(region: &Region, document: &str) {
    let administrator = region.administrator();
    let activated = administrator
        .activate(document.as_bytes(), None, &act(), Effect::Activate)
        .await;
    activated.unwrap_or_else(|error| panic!("{error}: {document}"));
}

/// A call to which no datum of anybody is answered.
fn nothing(ask: Ask) -> Asked {
    Asked {
        ask,
        about: About::Nobody,
        granted: FieldSet::EMPTY,
        day: Day::Today,
        kind: None,
    }
}

fn short(receipt: Option<&receipts::AccessReceipt>) -> Option<receipts::ShortReceipt> {
    match receipt?.form.clone()? {
        receipts::access_receipt::Form::Short(short) => Some(short),
        receipts::access_receipt::Form::Full(_) => None,
    }
}

/// Everything that came back, as bytes; what is not an answer's message is granted nothing.
fn everything(told: &Told) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
    let answers = told.answers.iter().map(Answer::bytes).collect();
    let mut beside = Vec::new();
    let mut metadata = |map: &MetadataMap| {
        beside.extend(map.iter().map(|entry| match entry {
            KeyAndValueRef::Ascii(_, value) => value.as_bytes().to_vec(),
            KeyAndValueRef::Binary(_, value) => value.to_bytes().expect("it is well formed").to_vec(),
        }));
    };
    metadata(&told.headers);
    metadata(&told.trailers);
    if let Some(status) = &told.refusal {
        metadata(status.metadata());
        beside.push(status.message().as_bytes().to_vec());
        beside.push(status.details().to_vec());
    }
    (answers, beside)
}

/// Whether an answer shows nothing but what it may.
fn check(world: &World, grant: &Grant, asked: &Asked, told: &Told, shown: &mut Shown) -> Result<(), String> {
    let method = asked.ask.method();
    let leak = |what: String| Err(format!("{method}, {:?}, {:?}: {what}", asked.about, asked.kind));
    let (answers, beside) = everything(told);
    for bytes in &beside {
        if let Some(hit) = world.canary.in_bytes("beside", bytes).first() {
            let datum = &world.data[hit.label.parse::<usize>().expect("a number")];
            return leak(format!("{} beside an answer", datum.column));
        }
    }
    for (answer, bytes) in told.answers.iter().zip(&answers) {
        for hit in world.canary.in_bytes("answer", bytes) {
            let datum = &world.data[hit.label.parse::<usize>().expect("a number")];
            let card = &world.cards[datum.card];
            let of_them = match asked.about {
                About::Card(number) => {
                    let shared = ["via", "frazione", "interno"].contains(&datum.column);
                    number == datum.card || shared && card.household == world.cards[number].household
                }
                About::Household(number) => card.household == world.cards[number].household,
                About::Anybody => true,
                About::Nobody => false,
            };
            let fields = asked.granted.difference(grant.withheld_of(card));
            let may =
                of_them && grant.shows(card, asked.day) && datum.may_be_shown(fields, asked.day, asked.kind);
            if !may {
                return leak(format!("{} of {}", datum.column, card.name));
            }
            shown.columns.insert(datum.column);
        }
        if let Some(place) = place_told(world, grant, asked, answer, bytes) {
            return leak(format!("the municipality {place}"));
        }
        for person in answer.persons() {
            let set = fields_set(person);
            let told: Result<FieldSet, _> = FieldSet::from_names(person.fields.iter().map(String::as_str));
            let told = told.map_err(|error| error.to_string())?;
            let withheld = match asked.about {
                About::Card(number) | About::Household(number) => grant.withheld_of(&world.cards[number]),
                About::Anybody | About::Nobody => FieldSet::EMPTY,
            };
            let may = asked.granted.difference(withheld);
            for fields in [set, told] {
                if !fields.is_subset(may) {
                    return leak(format!("fields {}", fields.difference(may)));
                }
            }
            shown.fields = shown.fields.union(set);
        }
    }
    if !told.answers.is_empty() {
        *shown.methods.entry(method).or_default() += 1;
    }
    Ok(())
}

/// Whether somebody is found by where he or she lives, or with whom: then whoever is found is told of with the place.
fn asks_where(ask: &Ask) -> bool {
    match ask {
        Ask::Residents(_) | Ask::Household(_) => true,
        Ask::Search(search) => !search.municipality.is_empty(),
        Ask::Person(_)
        | Ask::Verify(_)
        | Ask::LookupRows(_)
        | Ask::VerifyRows(_)
        | Ask::Describe(_)
        | Ask::Receipt(_) => false,
    }
}

/// A municipality that an answer names though nothing that it may show does: above all that of whoever is sheltered.
fn place_told(
    world: &World,
    grant: &Grant,
    asked: &Asked,
    answer: &Answer,
    bytes: &[u8],
) -> Option<&'static str> {
    // The territory is the agreement's own.
    if matches!(answer, Answer::Description(_)) {
        return None;
    }
    let named = |code: &&str| bytes.windows(code.len()).any(|window| window == code.as_bytes());
    [IMOLA, DOZZA, CASTEL_SAN_PIETRO]
        .into_iter()
        .filter(named)
        .find(|code| {
            let places = FieldSet::of(&[Field::Residence, Field::ResidenceHistory, Field::Registration]);
            let tells = |number: usize| {
                let card = &world.cards[number];
                let fields = asked.granted.difference(grant.withheld_of(card));
                let may = grant.shows(card, asked.day) && !fields.intersection(places).is_empty();
                card.municipality == *code && may
            };
            !match asked.about {
                About::Card(number) | About::Household(number) => tells(number),
                About::Anybody => (0..world.cards.len()).any(tells),
                About::Nobody => false,
            }
        })
}

/// The fields that are set in a person; a new one does not build until it is looked at.
fn fields_set(person: &pb::Person) -> FieldSet {
    let pb::Person {
        name: _,
        superseded: _,
        fields: _,
        surname,
        given_name,
        sex,
        birth_date,
        birth_place,
        tax_code,
        tax_code_history,
        national_id,
        civil_status,
        citizenships,
        parents,
        residence,
        residence_history,
        household,
        identity_document,
        registration,
        cancellation,
        death,
        procedure_open,
        location_withheld: _,
        restored: _,
        of_kind: _,
        of_kind_reason: _,
    } = person;
    let set = [
        (Field::Surname, !surname.is_empty()),
        (Field::GivenName, !given_name.is_empty()),
        (Field::Sex, *sex != 0),
        (Field::BirthDate, birth_date.is_some()),
        (Field::BirthPlace, birth_place.is_some()),
        (Field::TaxCode, tax_code.is_some()),
        (Field::TaxCodeHistory, !tax_code_history.is_empty()),
        (Field::NationalId, !national_id.is_empty()),
        (Field::CivilStatus, civil_status.is_some()),
        (Field::Citizenships, citizenships.is_some()),
        (Field::Parents, !parents.is_empty()),
        (Field::Residence, residence.is_some()),
        (Field::ResidenceHistory, !residence_history.is_empty()),
        (Field::Household, household.is_some()),
        (Field::IdentityDocument, identity_document.is_some()),
        (Field::Registration, registration.is_some()),
        (Field::Cancellation, cancellation.is_some()),
        (Field::Death, death.is_some()),
        (Field::ProcedureOpen, procedure_open.is_some()),
    ];
    set.into_iter()
        .filter(|(_, set)| *set)
        .map(|(field, _)| field)
        .collect()
}

#[test]
fn every_method_of_the_contract_is_tried() {
    let set = prost_types::FileDescriptorSet::decode(wire::proto::FILE_DESCRIPTOR_SET).expect("the contract");
    let services = set.file.iter().flat_map(|file| &file.service);
    let methods: BTreeSet<String> = services
        .filter(|service| service.name() == SERVICE)
        .flat_map(|service| service.method.iter().map(|method| method.name().to_owned()))
        .collect();
    let tried: BTreeSet<String> = Ask::METHODS.into_iter().map(str::to_owned).collect();
    assert_eq!(tried, methods);
}

#[tokio::test(flavor = "multi_thread")]
async fn no_call_under_any_agreement_shows_a_field_outside_the_grant_or_a_protected_location() {
    let mut court = Court::open().await;
    // Under an agreement that grants everything, everything is shown and every method answers: what is looked for can be
    // found.
    let shown = court
        .try_out(&Grant::everything())
        .await
        .unwrap_or_else(|leak| panic!("{leak}"));
    let columns: BTreeSet<&str> = court
        .world
        .data
        .iter()
        .filter(|datum| datum.is_ever_shown())
        .map(|datum| datum.column)
        .collect();
    assert_eq!(shown.columns, columns);
    assert_eq!(shown.fields, Field::ALL.into_iter().collect());
    let answered: BTreeSet<&str> = shown.methods.into_keys().collect();
    assert_eq!(answered, Ask::METHODS.into_iter().collect());

    let config = Config {
        cases: CASES,
        failure_persistence: None,
        max_shrink_iters: 64,
        ..Config::default()
    };
    let handle = Handle::current();
    block_in_place(|| {
        let tried = TestRunner::new(config).run(&any_grant(), |grant| {
            let tried = handle.block_on(court.try_out(&grant));
            tried.map(drop).map_err(TestCaseError::fail)
        });
        if let Err(leak) = tried {
            panic!("{leak}");
        }
    });
    court.region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_shows_more_than_was_granted_is_caught() {
    let mut court = Court::open().await;
    let grant = Grant::everything();
    let everybody = ["imola.capo", "imola.morto", "imola.partita"];
    for field in Field::ALL {
        let mut caught = 0;
        for number in everybody.map(|name| court.world.place(name)) {
            let ask = Ask::Person(pb::LookupPersonRequest {
                context: Some(court.context("everything", Day::Today)),
                key: Some(pb::lookup_person_request::Key::TaxCode(
                    court.world.cards[number].code.clone(),
                )),
                ..pb::LookupPersonRequest::default()
            });
            let told = ask.clone().make(&mut court.client).await;
            let asked = Asked {
                ask,
                about: About::Card(number),
                granted: grant.fields.difference(FieldSet::of(&[field])),
                day: Day::Today,
                kind: None,
            };
            let checked = check(&court.world, &grant, &asked, &told, &mut Shown::default());
            caught += usize::from(checked.is_err());
        }
        assert!(0 < caught, "{field} is shown and not granted");
    }
    // Where a protected person is, under an agreement that is shown it, is a leak to one that is not.
    let withheld = grant.withholding();
    let number = court.world.place("dozza.protetta");
    for code in [
        &court.world.cards[number].code,
        &court.world.cards[court.world.place("dozza.coinquilino")].code,
    ] {
        let ask = Ask::Person(pb::LookupPersonRequest {
            context: Some(court.context("everything", Day::Today)),
            key: Some(pb::lookup_person_request::Key::TaxCode(code.clone())),
            ..pb::LookupPersonRequest::default()
        });
        let told = ask.clone().make(&mut court.client.clone()).await;
        let asked = Asked {
            ask,
            about: About::Anybody,
            granted: grant.fields,
            day: Day::Today,
            kind: None,
        };
        let shown = &mut Shown::default();
        assert_eq!(check(&court.world, &grant, &asked, &told, shown), Ok(()));
        assert!(check(&court.world, &withheld, &asked, &told, shown).is_err());
    }
    court.region.stop().await;
}
