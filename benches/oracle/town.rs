//! Who is asked for: people of three classes, none of whom the agency may see.

use benches::people;
use registry::change::{Change, ChangeBody};
use registry::identifier::IstatCode;
use registry::record::{Place, Record};
use registry::timeline::Timeline;

use crate::figures::Draw;
use crate::ground::Index;

/// The municipality of the territory, and one outside.
pub(crate) const MUNICIPALITIES: [&str; 2] = [people::MUNICIPALITY, "037020"];

/// People of each class.
const EACH: u64 = 500;

/// People whom the agency sees, and among whom the others are.
const SEEN: u64 = 2_000;

/// The street in which whoever is not shown lives, each in a house of their own.
pub(crate) const STREET: &str = "Riservata";

/// Why somebody is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Absent,
    OutOfTerritory,
    Protected,
}

impl Class {
    pub(crate) const ALL: [Self; 3] = [Self::Absent, Self::OutOfTerritory, Self::Protected];

    /// The number of its first person.
    fn first(self) -> u64 {
        SEEN + EACH
            * match self {
                Self::Absent => 0,
                Self::OutOfTerritory => 1,
                Self::Protected => 2,
            }
    }
}

/// The house of a number.
pub(crate) fn house(number: u64) -> u32 {
    u32::try_from(number).expect("few people")
}

fn housed(mut card: Record, number: u64) -> Record {
    let mut residence = card
        .residences
        .latest()
        .expect("everybody lives somewhere")
        .value
        .clone();
    if let Place::Italian(address) = &mut residence.place {
        STREET.clone_into(&mut address.street);
        address.number = Some(house(number));
    }
    card.residences = Timeline::starting(card.registration.effective, residence);
    card
}

/// The people, published.
pub(crate) struct Town;

impl Town {
    pub(crate) async fn publish(index: &Index) -> Self {
        index.region.activate_document(index.address, AGREEMENT).await;
        let numbers = |class: Class| class.first()..class.first() + EACH;
        let [here, elsewhere] = MUNICIPALITIES.map(|code| IstatCode::parse(code).expect("an ISTAT code"));
        let seen = (0..SEEN).map(|number| people::card_in(here, number));
        let protected = numbers(Class::Protected).map(|number| {
            let mut card = housed(people::card_in(here, number), number);
            card.flags.protected = true;
            card
        });
        let away =
            numbers(Class::OutOfTerritory).map(|number| housed(people::card_in(elsewhere, number), number));
        let changes = |cards: &mut dyn Iterator<Item = Record>| -> Vec<Change> {
            let change = |(sequence, card): (u64, Record)| Change {
                sequence,
                local_id: card.local_id.clone(),
                body: ChangeBody::Upsert(Box::new(card)),
                events: Vec::new(),
            };
            (1..).zip(cards).map(change).collect()
        };
        let here_changes = changes(&mut seen.chain(protected));
        let away_changes = changes(&mut { away });
        index
            .region
            .publish_changes(index.address, here, here_changes)
            .await;
        index
            .region
            .publish_changes(index.address, elsewhere, away_changes)
            .await;
        Self
    }

    /// The number of somebody of a class.
    pub(crate) fn person(&self, class: Class, draw: &mut Draw) -> u64 {
        class.first() + draw.below(EACH)
    }
}

/// The agency's: every door, the territory of one municipality, protected persons hidden.
const AGREEMENT: &str = r#"
format = 1
id = "questura-2026"
title = "Questura di Bologna"
agency = "spiffe://ponte.example/agency/questura-bo"
class = "police"
legal_basis = "DPR 223/1989 art. 37"
valid_from = 2020-01-01
valid_to = 2035-12-31
review_by = 2035-12-31
retention_months = 24
protected = "hidden"
history = "all"
search = ["by-identifier", "by-generalities", "by-partial-data"]

[territory]
municipalities = ["037032"]

[population]
residents = true
aire = true
cancelled = true
deceased = true
minors = true

[operator]
required = true
assurance = "substantial"
workstation = true

[case_reference]
pattern = "year-number"

[quota]
calls_per_minute = 1000000000
calls_per_day = 1000000000
misses_per_day = 1000000000

[[purpose]]
id = "identification"
text = "Identification of persons"
basis = "TULPS art. 4"
kind = "ordinary"
batch = { rows_per_batch = 1000, rows_per_day = 1000000, fields = ["surname", "given_name", "tax_code"] }
services = ["lookup-person", "lookup-household", "lookup-address-residents", "search-persons", "verify-declaration", "batch-lookup-persons", "batch-verify"]
verifications = ["existence-in-life"]
fields = ["surname", "given_name", "sex", "birth_date", "birth_place", "tax_code", "residence", "household"]
"#;
