use std::collections::{BTreeMap, BTreeSet};

use agreement::subject::{Consent, Identity, Location, SubjectFacts};
use proptest::prelude::*;
use registry::codice_fiscale::TaxCode;
use registry::date::PartialDate;
use registry::identifier::PersonId;
use registry::matching::{BirthDateRange, Extent, TaxCodeQuery};
use registry::municipality::MunicipalityId;
use registry::record::{PersonName, Record, Register, TaxCodeEntry};
use uuid::Uuid;

use super::codes::CodeKey;
use super::digest_set::Digest;
use super::*;
use crate::test_support::people::{
    DOZZA, IMOLA, anna, card, day, giulia, istat, left, link, luca, mario, tax_code, with,
};

/// A name, what leads to it and who bears it.
type NameContents = (String, BTreeSet<Digest>, BTreeSet<RecordId>);

/// Everything that an index holds, in an order that does not depend on how it came there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Contents {
    cards: BTreeMap<RecordId, IndexedCard>,
    names: [Vec<NameContents>; 2],
    codes: BTreeSet<(CodeKey, RecordId)>,
}

impl NameIndex {
    pub(crate) fn contents(&self) -> Contents {
        let read = self.read();
        let held = &*read.0;
        let slots = held.cards.slots();
        let records: BTreeMap<Slot, RecordId> = slots.iter().map(|(record, slot)| (*slot, *record)).collect();
        assert_eq!(records.len(), slots.len(), "two cards have one number");
        let names = [&held.surnames, &held.given_names].map(|table| {
            let named = table.contents().into_iter();
            let of = |cards: Vec<Slot>| {
                let bearers: BTreeSet<RecordId> = cards.iter().map(|slot| records[slot]).collect();
                assert_eq!(bearers.len(), cards.len(), "a card bears a name twice");
                bearers
            };
            named
                .map(|(text, leads, cards)| (text, leads, of(cards)))
                .collect()
        });
        Contents {
            cards: slots
                .iter()
                .map(|(record, slot)| (*record, held.card(*slot).unwrap()))
                .collect(),
            names,
            codes: held
                .codes
                .every()
                .map(|(code, slot)| (code, records[&slot]))
                .collect(),
        }
    }
}

fn id(number: u8) -> RecordId {
    RecordId(Uuid::from_bytes([number; 16]))
}

fn filled(cards: impl IntoIterator<Item = (RecordId, IndexedCard)>) -> NameIndex {
    let index = NameIndex::default();
    for (record, card) in cards {
        index.add(record, &card);
    }
    index
}

fn indexed(card: &Record) -> IndexedCard {
    IndexedCard::of(PersonId(id(200).0), card).unwrap()
}

/// The cards of this small region, numbered from 1.
fn region() -> Vec<Record> {
    vec![
        mario(),
        anna(),
        luca(),
        giulia(),
        with(mario(), |card| {
            card.municipality = istat(DOZZA);
            card.generalities.given_name = PersonName::parse("Maria Grazia").ok();
        }),
        with(giulia(), |card| {
            card.generalities.surname = PersonName::parse("D'Angelo").ok();
            card.generalities.given_name = None;
        }),
        with(anna(), |card| {
            card.generalities.birth_date = PartialDate::parse("1987").unwrap();
        }),
    ]
}

fn index_of_region() -> NameIndex {
    filled(
        (1..)
            .zip(region())
            .map(|(number, card)| (id(number), indexed(&card))),
    )
}

#[derive(Default)]
struct Asked<'a> {
    surname: Option<(&'a str, Extent)>,
    given_name: Option<(&'a str, Extent)>,
    code: Option<&'a str>,
    born: Option<(&'a str, &'a str)>,
}

impl Asked<'_> {
    fn query(&self) -> PersonQuery {
        let names = (self.surname.is_some() || self.given_name.is_some())
            .then(|| NameQuery::new(self.surname, self.given_name).unwrap());
        let code = self.code.map(|code| TaxCodeQuery::parse(code).unwrap());
        let born = self
            .born
            .map(|(first, last)| BirthDateRange::new(day(first), day(last)).unwrap());
        PersonQuery::new(names, code, born, None).unwrap()
    }
}

fn found(index: &NameIndex, query: &PersonQuery, codes: CodesAsked) -> Vec<u8> {
    let mut found = Vec::new();
    index.read().candidates(query, codes, &mut |candidate| {
        found.push(candidate.record.0.as_bytes()[0]);
        ControlFlow::Continue(())
    });
    found.sort_unstable();
    found
}

#[test]
fn a_question_leads_to_the_cards_that_answer_it_each_once() {
    use Extent::{Beginning, Whole};
    let index = index_of_region();
    let none = Asked::default;
    for (asked, expected) in [
        (
            Asked {
                surname: Some(("Rossi", Whole)),
                ..none()
            },
            &[1, 3, 5][..],
        ),
        (
            Asked {
                surname: Some(("Rosi", Whole)),
                ..none()
            },
            &[1, 3, 5],
        ),
        (
            Asked {
                surname: Some(("ro", Beginning)),
                ..none()
            },
            &[1, 3, 5],
        ),
        (
            Asked {
                surname: Some(("Dangelo", Whole)),
                ..none()
            },
            &[6],
        ),
        (
            Asked {
                surname: Some(("Neri", Whole)),
                ..none()
            },
            &[],
        ),
        (
            Asked {
                given_name: Some(("Maria", Whole)),
                ..none()
            },
            &[1, 5],
        ),
        (
            Asked {
                surname: Some(("Rossi", Whole)),
                given_name: Some(("Mario", Whole)),
                ..none()
            },
            &[1, 5],
        ),
        (
            Asked {
                surname: Some(("Luca", Whole)),
                given_name: Some(("Rossi", Whole)),
                ..none()
            },
            &[3],
        ),
        (
            Asked {
                surname: Some(("Bianchi", Whole)),
                born: Some(("1987-03-22", "1987-03-22")),
                ..none()
            },
            &[2, 7],
        ),
        (
            Asked {
                surname: Some(("Bianchi", Whole)),
                born: Some(("1987-03-23", "1987-04-30")),
                ..none()
            },
            &[7],
        ),
        (
            Asked {
                surname: Some(("Bianchi", Whole)),
                born: Some(("1980-01-01", "1986-12-31")),
                ..none()
            },
            &[],
        ),
        (
            Asked {
                code: Some("RSS"),
                ..none()
            },
            &[1, 3, 5],
        ),
        (
            Asked {
                code: Some("RSSL"),
                ..none()
            },
            &[3],
        ),
        (
            Asked {
                code: Some("RSS???85"),
                ..none()
            },
            &[1, 5],
        ),
        (
            Asked {
                code: Some("RSS"),
                given_name: Some(("Luca", Whole)),
                ..none()
            },
            &[3],
        ),
        (
            Asked {
                code: Some("BNC"),
                surname: Some(("Rossi", Whole)),
                ..none()
            },
            &[],
        ),
        (
            Asked {
                code: Some("XYZ"),
                ..none()
            },
            &[],
        ),
    ] {
        let query = asked.query();
        assert_eq!(
            found(&index, &query, CodesAsked::All),
            expected,
            "{:?}",
            (asked.surname, asked.code)
        );
    }
}

#[test]
fn a_search_ends_where_the_visitor_says_so() {
    let index = index_of_region();
    let query = Asked {
        surname: Some(("Rossi", Extent::Whole)),
        ..Asked::default()
    }
    .query();
    let mut seen = 0;
    index.read().candidates(&query, CodesAsked::All, &mut |_| {
        seen += 1;
        ControlFlow::Break(())
    });
    assert_eq!(seen, 1);
}

#[test]
fn earlier_codes_are_looked_at_only_where_they_may_be() {
    let renamed = with(giulia(), |card| {
        let before = tax_code(("Neri", "Giulio"), registry::record::Sex::Male, "1990-07-01");
        card.tax_codes.insert(0, before);
    });
    let index = filled([(id(1), indexed(&renamed))]);
    let query = |code| {
        Asked {
            code: Some(code),
            ..Asked::default()
        }
        .query()
    };
    assert_eq!(found(&index, &query("NREGLI"), CodesAsked::All), [1]);
    assert!(found(&index, &query("NREGLI"), CodesAsked::Current).is_empty());
    assert_eq!(found(&index, &query("VRDGLI"), CodesAsked::Current), [1]);
}

#[test]
fn the_facts_of_a_candidate_are_those_of_its_card() {
    let dead = |on: &str| {
        let on = day(on);
        with(mario(), |card| {
            card.death = Some(registry::record::Death {
                date: on,
                place: None,
            })
        })
    };
    let cards = [
        mario(),
        luca(),
        left(&anna(), "2020-05-01"),
        dead("2020-05-01"),
        with(giulia(), |card| {
            card.register = Register::Aire;
        }),
    ];
    for record in &cards {
        let index = filled([(id(1), indexed(record))]);
        let asked = record.generalities.surname.as_ref().unwrap();
        let query = Asked {
            surname: Some((asked.as_str(), Extent::Whole)),
            ..Asked::default()
        }
        .query();
        index
            .read()
            .candidates(&query, CodesAsked::All, &mut |candidate| {
                for on in [
                    "2019-01-01",
                    "2020-05-01",
                    "2020-05-02",
                    "2033-05-31",
                    "2033-06-01",
                ] {
                    let municipality = MunicipalityId::of_any(record.municipality).unwrap();
                    let expected =
                        SubjectFacts::of(record, municipality, day(on), Identity::Open, Consent::Given);
                    assert_eq!(candidate.facts(day(on), Location::Open), Some(expected), "{on}");
                }
                ControlFlow::Continue(())
            });
    }
}

#[test]
fn a_card_that_may_protect_says_so_and_nothing_personal_is_in_debug_output() {
    let protected = with(mario(), |card| card.flags.protected = true);
    let index = filled([(id(1), indexed(&protected)), (id(2), indexed(&mario()))]);
    let query = Asked {
        surname: Some(("Rossi", Extent::Whole)),
        ..Asked::default()
    }
    .query();
    let mut told = BTreeMap::new();
    index
        .read()
        .candidates(&query, CodesAsked::All, &mut |candidate| {
            let text = format!("{candidate:?}");
            assert!(!text.contains("1985"), "{text}");
            told.insert(candidate.record, candidate.location());
            ControlFlow::Continue(())
        });
    let expected = [(id(1), LocationKnown::No), (id(2), LocationKnown::NotByThisCard)];
    assert_eq!(told, BTreeMap::from(expected));
    let text = format!("{index:?} {:?} {:?}", index.read(), indexed(&mario()));
    assert!(
        !text.to_uppercase().contains("ROSSI") && !text.contains("RSS"),
        "{text}"
    );
}

/// What a random change makes of a card.
fn any_state() -> impl Strategy<Value = Option<IndexedCard>> {
    let names = (0..4_usize, 0..4_usize);
    let rest = (0..2_usize, 0..3_usize, 0..3_u8);
    proptest::option::weighted(0.8, (names, rest)).prop_map(|state| {
        let ((surname, given_name), (place, codes, person)) = state?;
        let surname = ["Rossi", "Russo", "Verdi", "D'Angelo"][surname];
        let given_name = ["Anna", "Anna Maria", "Luca", "Maria"][given_name];
        let place = [IMOLA, DOZZA][place];
        let mut state = card(
            place,
            "1",
            (surname, given_name),
            registry::record::Sex::Female,
            "1990-07-01",
            link("F-1", registry::code::Kinship::ReferencePerson),
        );
        state.tax_codes.truncate(codes);
        if codes == 2 {
            let code = TaxCode::parse("STTSGT90A01H501J").unwrap();
            state.tax_codes.push(TaxCodeEntry {
                code,
                validated: true,
                from: None,
            });
        }
        IndexedCard::of(PersonId(id(person + 1).0), &state)
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn after_any_changes_the_index_is_one_filled_with_what_is_left(
        steps in proptest::collection::vec(proptest::collection::btree_map(1..6_u8, any_state(), 0..4), 0..12),
    ) {
        let index = NameIndex::default();
        let mut served = BTreeMap::new();
        for (sequence, step) in (1..).zip(steps) {
            let changes: BTreeMap<_, _> = step.into_iter().map(|(number, state)| (id(number), state)).collect();
            for (record, state) in &changes {
                match state {
                    Some(state) => drop(served.insert(*record, state.clone())),
                    None => drop(served.remove(record)),
                }
            }
            index.step(CommitSequence(sequence), changes);
            prop_assert_eq!(index.read().through(), CommitSequence(sequence));
        }
        let size = index.read().size();
        prop_assert_eq!(size.cards, served.len());
        prop_assert_eq!(index.contents(), filled(served).contents());
    }
}
