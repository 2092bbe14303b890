//! A region in which agreements are tried: every method, about everybody.

use std::sync::atomic::{AtomicU64, Ordering};

use agreement::ascertainment::Ascertainment;
use agreement::field::{Field, FieldSet};
use agreement::peer::Role;
use agreement::service::Service;
use client::admin::Effect;
use support::region::{Region, act};
use tokio::task::JoinSet;
use uuid::Uuid;
use wire::proto::consultation::v1 as pb;
use wire::proto::ledger::v1 as receipts;

use crate::ask::{self, Answer, Ask, Client};
use crate::grant::Grant;
use crate::leak::{About, Asked, Shown, check};
use crate::world::{Day, PAST, World};

/// Calls at a time.
const AT_A_TIME: usize = 24;

const AGENCY: &str = "questura-bo";

/// The region in which agreements are tried.
pub(crate) struct Court {
    pub(crate) region: Region,
    pub(crate) world: World,
    pub(crate) client: Client,
    numbers: AtomicU64,
}

impl Court {
    pub(crate) async fn open() -> Self {
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

    pub(crate) fn context(&self, agreement: &str, day: Day) -> pb::AccessContext {
        let id = Uuid::from_u128(self.number().into()).to_string();
        pb::AccessContext {
            reference_date: (day == Day::Past).then(|| ask::date(PAST)),
            ..ask::context(agreement, "drawn", id)
        }
    }

    /// Tries an agreement with every method about everybody.
    pub(crate) async fn try_out(&self, grant: &Grant) -> Result<Shown, String> {
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
