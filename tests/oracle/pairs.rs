//! Two thousand times one after the other, in an order drawn anew: somebody who does not exist, somebody outside the
//! territory, somebody whose location is protected. Every byte that comes back is equal, and so are what the call costs and
//! what supervisors see of it.
//!
//! What is another in each call, whoever is asked about, is blanked and nothing else is: see [`support::seen`].
//!
//! Of supervisors, the agency's own sees of the three the same entry in all that it can open. Who reads the whole region
//! sees the same header, and beside it sealed parts that say who was not shown and why; so does the municipality that keeps
//! the card, whose data they are. Those parts are for them, and are not compared.

use agreement::peer::Role;
use client::admin::Effect;
use registry::export::ExportWriter;
use registry::identifier::NationalId;
use registry::record::Record;
use support::people::{CASTEL_SAN_PIETRO, IMOLA, Person, crowd, everybody};
use support::region::{Region, act};
use support::seen::Seen;
use uuid::Uuid;
use wire::proto::consultation::v1 as pb;
use wire::proto::ledger::v1 as receipts;

use crate::ask::{self, Answer, Ask, Client};
use crate::door::Door;
use crate::outcome::{Bytes, Difference, Outcome, READERS, Views, differences};

/// Rounds by each door, in each of which every class is asked once.
const ROUNDS: usize = 176;

/// Of so many rounds, one looks at the quotas before and after each call.
const COUNTED: usize = 8;

/// People of each class.
const EACH: usize = 12;

const AGENCY: &str = "questura-bo";
const PURPOSE: &str = "identification";

/// Why somebody is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Class {
    Absent,
    OutOfTerritory,
    Protected,
}

/// Numbers drawn from a seed (xorshift64*, Vigna 2016).
pub(crate) struct Draw(u64);

impl Class {
    const ALL: [Self; 3] = [Self::Absent, Self::OutOfTerritory, Self::Protected];
}

impl Draw {
    /// Numbers of a seed, which is not 0.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        let drawn = self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33;
        usize::try_from(drawn).expect("31 bits") % bound
    }

    fn order(&mut self) -> [usize; 3] {
        const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        ORDERS[self.below(6)]
    }
}

/// The agreement of one door, so that each counts its own quotas.
fn agreement(number: usize) -> (String, String) {
    let id = format!("oracle-{number:02}");
    let text = include_str!("../data/oracle/hidden.toml").replace("{id}", &id);
    (id, text)
}

/// People of the three classes, and those among whom they are.
struct Town {
    people: Vec<Record>,
}

impl Town {
    async fn publish(region: &mut Region) -> Self {
        let leaked = |text: String| -> &'static str { text.leak() };
        let people = crowd(IMOLA, u32::try_from(3 * EACH).expect("few people"));
        let card = |(number, person): (usize, Person)| {
            let mut person = Person {
                household: leaked(format!("P{number}")),
                birth: leaked(format!("19{}-03-{:02}", 40 + number, 1 + number % 28)),
                street: format!(
                    "Lunga {}",
                    char::from(b'A' + u8::try_from(number % 26).expect("a letter"))
                ),
                ..person
            };
            person.street.push_str(if number < 26 { "" } else { " Nuova" });
            match Class::ALL[number / EACH] {
                Class::Absent => {}
                Class::OutOfTerritory => person.municipality = CASTEL_SAN_PIETRO,
                Class::Protected => person.flags.protected = true,
            }
            let national_id = NationalId::parse(&format!("QZ{number:05}AA")).expect("an id");
            Record {
                national_id: Some(national_id),
                ..person.card()
            }
        };
        let people: Vec<Record> = people.into_iter().enumerate().map(card).collect();
        let seen: Vec<Record> = everybody().iter().map(Person::card).collect();
        for municipality in [IMOLA, CASTEL_SAN_PIETRO] {
            let mut writer = ExportWriter::new(Vec::new()).expect("a header");
            let held = people[EACH..].iter().chain(&seen);
            for card in held.filter(|card| card.municipality.as_str() == municipality) {
                writer.write(card).expect("a row");
            }
            let export = writer.finish().expect("an export");
            let municipality = region.municipality(municipality);
            let report = municipality.import_export(&export).await;
            assert_eq!(report.quarantined, 0, "{:?}", report.findings);
            municipality.published().await;
        }
        Self { people }
    }
}

/// One door under an agreement of its own.
struct Lane {
    agreement: String,
    client: Client,
    calls: u128,
    draw: Draw,
}

impl Lane {
    async fn open(region: &Region, number: usize) -> Self {
        let (agreement, text) = agreement(number);
        let administrator = region.administrator();
        let activated = administrator
            .activate(text.as_bytes(), None, &act(), Effect::Activate)
            .await;
        activated.expect("the agreement is activated");
        Self {
            agreement,
            client: Client::new(region.channel(Role::Agency, AGENCY).await),
            calls: u128::try_from(number).expect("a number") << 64,
            draw: Draw(0x9e37_79b9_7f4a_7c15 ^ u64::try_from(number).expect("a number")),
        }
    }

    fn context(&mut self) -> pb::AccessContext {
        self.calls += 1;
        ask::context(&self.agreement, PURPOSE, Uuid::from_u128(self.calls).to_string())
    }

    async fn tell(&mut self, ask: Ask) -> (Bytes, u64) {
        Bytes::of(ask.make(&mut self.client).await)
    }

    /// What is left of every quota, and of the declarations about a person.
    async fn left(&mut self, card: &Record) -> Vec<(String, i64)> {
        let code = card.current_tax_code().expect("a code").as_str().to_owned();
        let request = pb::DescribeAccessRequest {
            context: Some(self.context()),
            key: Some(pb::describe_access_request::Key::TaxCode(code)),
            receipt_form: receipts::ReceiptForm::Short.into(),
        };
        let told = Ask::Describe(request).make(&mut self.client).await;
        let [Answer::Description(described)] = &told.answers[..] else {
            panic!("a description")
        };
        let own = described
            .agreements
            .iter()
            .find(|one| one.agreement == self.agreement);
        let own = own.expect("the agreement is described");
        let quotas = own.quotas.iter().filter_map(|quota| {
            let left = i64::try_from(quota.remaining?).expect("a number of calls");
            Some((format!("{:?} of {:?}", quota.kind, quota.scope), left))
        });
        let declarations = own.declarations.iter().filter_map(|allowance| {
            let left = i64::from(allowance.remaining?);
            Some((allowance.verification.clone(), left))
        });
        quotas.chain(declarations).collect()
    }

    /// Makes a call and looks at what it took.
    async fn counted(&mut self, card: &Record, asks: Vec<Ask>) -> Outcome {
        let before = self.left(card).await;
        let mut last = None;
        for ask in asks {
            last = Some(self.tell(ask).await);
        }
        let (bytes, index) = last.expect("there is a call");
        let after = self.left(card).await;
        let cost = before
            .into_iter()
            .zip(after)
            .map(|((name, before), (same, after))| {
                assert_eq!(name, same);
                (name, before - after)
            });
        Outcome {
            bytes,
            index,
            cost: Some(cost.collect()),
        }
    }

    /// Asks rounds of all three classes by one door.
    async fn rounds(&mut self, town: &Town, door: Door, rounds: usize) -> Vec<[Outcome; 3]> {
        let mut all = Vec::new();
        for round in 0..rounds {
            let mut outcomes: [Option<Outcome>; 3] = [None, None, None];
            for class in self.draw.order() {
                // What a declaration takes depends on whether it was made before: whose cost is looked at is asked about
                // in those rounds alone, of each class in turn.
                let counted = round % COUNTED == 0;
                let number = if counted {
                    round / COUNTED % (EACH / 2)
                } else {
                    EACH / 2 + self.draw.below(EACH / 2)
                };
                let card = &town.people[class * EACH + number];
                let asked = door.ask(card, self.context());
                outcomes[class] = Some(if counted {
                    self.counted(card, vec![asked]).await
                } else {
                    let (bytes, index) = self.tell(asked).await;
                    Outcome {
                        bytes,
                        index,
                        cost: None,
                    }
                });
            }
            all.push(outcomes.map(|outcome| outcome.expect("each class was asked")));
        }
        all
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_pairs_of_absent_out_of_territory_and_protected_are_equal_in_all_bytes() {
    let mut region = Region::empty().await;
    let mut lanes = Vec::new();
    for number in 0..Door::ALL.len() {
        lanes.push(Lane::open(&region, number).await);
    }
    let town = std::sync::Arc::new(Town::publish(&mut region).await);
    let mut tasks = Vec::new();
    for (mut lane, door) in lanes.into_iter().zip(Door::ALL) {
        let town = std::sync::Arc::clone(&town);
        tasks.push((
            door,
            tokio::spawn(async move { lane.rounds(&town, door, ROUNDS).await }),
        ));
    }
    let mut asked = Vec::new();
    for (door, task) in tasks {
        asked.push((door, task.await.expect("the calls are made")));
    }
    let views = Views::read(&region).await;
    let mut pairs = 0;
    let mut costs = 0;
    for (door, rounds) in &asked {
        for (round, outcomes) in rounds.iter().enumerate() {
            for (one, other) in [(0, 1), (0, 2), (1, 2)] {
                let told = differences(&views, &outcomes[one], &outcomes[other]);
                assert_eq!(
                    told,
                    [],
                    "{door:?}, round {round}: {:?} can be told from {:?}: {:#?} {:#?}",
                    Class::ALL[other],
                    Class::ALL[one],
                    outcomes[one],
                    outcomes[other],
                );
            }
            let seen = READERS.map(|reader| views.of(reader, outcomes[0].index).is_some());
            assert_eq!(seen, [true; 2], "whoever may read of the call does");
            pairs += 1;
            let cost = outcomes[0].cost.iter().flatten();
            costs += i64::from(cost.map(|(_, cost)| cost).any(|cost| 0 < *cost));
        }
    }
    assert!(2_000 <= pairs, "{pairs} pairs of each two classes");
    assert!(200 <= costs, "a call that finds nobody costs something: {costs}");
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_difference_in_bytes_cost_or_entry_is_found() {
    let mut region = Region::empty().await;
    let mut lane = Lane::open(&region, 0).await;
    let town = Town::publish(&mut region).await;
    let [absent, .., protected] = &town.people[..] else {
        panic!("there are people")
    };
    let plain = |lane: &mut Lane, card: &Record| {
        let context = lane.context();
        Door::TaxCode.ask(card, context)
    };
    let with = |lane: &mut Lane, change: &dyn Fn(&mut pb::LookupPersonRequest)| {
        let Ask::Person(mut request) = plain(lane, protected) else {
            panic!("a lookup")
        };
        change(&mut request);
        Ask::Person(request)
    };
    let asked = vec![plain(&mut lane, absent)];
    let one = lane.counted(absent, asked).await;
    let asked = vec![plain(&mut lane, protected)];
    let equal = lane.counted(protected, asked).await;
    // Two calls where there was one: the answer is the same, the quota is not.
    let asked = vec![plain(&mut lane, protected), plain(&mut lane, protected)];
    let dear = lane.counted(protected, asked).await;
    // Fewer fields are wanted: the answer is the same, the entry is not.
    let asked = vec![with(&mut lane, &|request| {
        request.read_mask = ask::mask(&["surname"])
    })];
    let narrow = lane.counted(protected, asked).await;
    // A purpose that there is not: another refusal, which costs no miss.
    let asked = vec![with(&mut lane, &|request| {
        if let Some(context) = &mut request.context {
            context.purpose = "no-such-purpose".to_owned();
        }
    })];
    let other = lane.counted(protected, asked).await;
    let views = Views::read(&region).await;
    assert_eq!(differences(&views, &one, &equal), []);
    assert_eq!(differences(&views, &one, &dear), [Difference::Cost]);
    let entries = READERS.map(Difference::Entry);
    assert_eq!(differences(&views, &one, &narrow), entries);
    let told = differences(&views, &one, &other);
    assert!(
        told.starts_with(&[Difference::Bytes, Difference::Cost]),
        "{told:?}"
    );

    // One bit anywhere in what the caller sees.
    let Bytes::Refusal(seen) = &one.bytes else {
        panic!("a refusal")
    };
    let flipped = |change: &dyn Fn(&mut Seen)| {
        let mut seen = seen.clone();
        change(&mut seen);
        let outcome = Outcome {
            bytes: Bytes::Refusal(seen),
            ..one.clone()
        };
        differences(&views, &one, &outcome)
    };
    for at in 0..seen.details.len() {
        assert_eq!(flipped(&|seen| seen.details[at] ^= 1), [Difference::Bytes]);
    }
    for at in 0..seen.trailers.len() {
        assert_eq!(flipped(&|seen| seen.trailers[at].1.push(0)), [Difference::Bytes]);
    }
    assert_eq!(flipped(&|seen| seen.message.push(' ')), [Difference::Bytes]);
    assert_eq!(flipped(&|seen| seen.receipt_bytes += 1), [Difference::Bytes]);
    region.stop().await;
}
