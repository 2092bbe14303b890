//! Searches: who is found and how it is told, and that nobody is told anything of whom he may not see.

use agreement::field::Field;
use agreement::repeats::FirstCall;
use proptest::prelude::*;
use registry::matching::{BirthDateRange, Extent, MAX_SCORE, NameQuery, PersonQuery, Reason, TaxCodeQuery};
use registry::measure::NewIdentity;
use registry::record::{PersonName, Record, Register, Sex};

use super::sealing::sealed;
use crate::record_store::answer::{HitReason, Question, SearchAnswer, SearchHit};
use crate::record_store::{JournaledStore, ReadError, RecordStore};
use crate::test_support::people::{
    DOZZA, IMOLA, anna, arrived, card, code, day, giulia, left, link, local_id, luca, mario, tax_code, with,
};
use crate::test_support::permits::Ask;
use crate::test_support::world::{Kind, Told, World, draft, on_every_engine, wait};

const NAMES: &[Field] = &[Field::Surname, Field::GivenName];

/// A search by whole names; an empty one is not asked for.
fn names(surname: &str, given_name: &str) -> PersonQuery {
    let [surname, given_name] =
        [surname, given_name].map(|text| (!text.is_empty()).then_some((text, Extent::Whole)));
    let query = NameQuery::new(surname, given_name).unwrap();
    PersonQuery::new(Some(query), None, None, None).unwrap()
}

fn by_code(beginning: &str) -> PersonQuery {
    let code = TaxCodeQuery::parse(beginning).unwrap();
    PersonQuery::new(None, Some(code), None, None).unwrap()
}

fn hits(told: &Told<SearchAnswer>) -> &[SearchHit] {
    match &told.answer {
        SearchAnswer::Found(hits) => hits,
        SearchAnswer::TooMany { .. } => panic!("too many are found"),
    }
}

/// Given names and scores of the hits, as they stand.
fn found(told: &Told<SearchAnswer>) -> Vec<(String, u16)> {
    let name = |hit: &SearchHit| hit.view.given_name.as_ref().unwrap().as_str().to_owned();
    hits(told).iter().map(|hit| (name(hit), hit.score)).collect()
}

fn search(world: &World, store: &JournaledStore, query: &PersonQuery) -> Told<SearchAnswer> {
    world.search(store, Ask::search(NAMES), query)
}

#[test]
fn persons_are_found_best_first_with_granted_fields_and_reasons() {
    on_every_engine(|world| {
        let store = world.open();
        let maria = with(giulia(), |card| {
            card.generalities.surname = PersonName::parse("Russi").ok();
            card.generalities.given_name = PersonName::parse("Maria").ok();
        });
        world.publish_cards(&store, IMOLA, [mario(), anna(), luca(), maria]);
        let told = search(world, &store, &names("Rossi", "Mario"));
        assert_eq!(
            found(&told),
            [("Mario".to_owned(), MAX_SCORE), ("Maria".to_owned(), 580)]
        );
        assert_eq!((told.outcome(), told.subjects()), ((0, ""), 2));
        let [best, other] = hits(&told) else { panic!("two") };
        let shown = best.view.fields.to_string();
        assert_eq!(
            shown, "surname, given_name, birth_date",
            "nothing else is granted and shown by a search"
        );
        assert_eq!(best.view.birth_date, Some(mario().generalities.birth_date));
        assert!(
            best.view.tax_code.is_none() && best.view.residence.is_none() && best.view.household.is_none()
        );
        let exact = |field| HitReason {
            field,
            reason: Reason::Exact,
        };
        assert_eq!(best.reasons, [exact(Field::Surname), exact(Field::GivenName)]);
        let slip = |field| HitReason {
            field,
            reason: Reason::OneEdit,
        };
        assert_eq!(other.reasons, [slip(Field::Surname), slip(Field::GivenName)]);
        let nobody = search(world, &store, &names("Assente", ""));
        assert_eq!((hits(&nobody).len(), nobody.outcome()), (0, (5, "NOT_FOUND")));
        let born = BirthDateRange::new(day("2015-01-01"), day("2015-12-31")).unwrap();
        let rossi = names("Rossi", "").names().cloned();
        let query = PersonQuery::new(rossi, None, Some(born), None).unwrap();
        let ask = Ask::search(&[Field::Surname, Field::BirthDate]);
        assert_eq!(
            found(&world.search(&store, ask, &query)),
            [("Luca".to_owned(), MAX_SCORE)]
        );
    });
}

#[test]
fn a_handle_leads_the_operator_to_the_person_for_ten_minutes() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [mario(), anna()]);
        let told = search(world, &store, &names("Rossi", ""));
        let handle = hits(&told)[0].handle;
        let question = store.found(&Ask::person().permit(), &handle).unwrap();
        let looked_up = world.person(&store, Ask::person(), &question);
        let [shown] = &looked_up.answer.cards[..] else {
            panic!("one card")
        };
        assert_eq!(
            shown.view.tax_code.as_ref().map(|entry| entry.code),
            Some(code(&mario()))
        );
        assert!(store.found(&Ask::person().later(600).permit(), &handle).is_some());
        assert_eq!(store.found(&Ask::person().later(601).permit(), &handle), None);
        assert_eq!(store.found(&Ask::person().by("a.verdi").permit(), &handle), None);
        let later = search(world, &store, &names("Rossi", ""));
        assert_eq!(hits(&later)[0].handle, handle, "one instant, one handle");
        let later = world.search(&store, Ask::search(NAMES).later(1), &names("Rossi", ""));
        assert_ne!(hits(&later)[0].handle, handle);
    });
}

/// Whoever asks again with the same request id learns nothing of what came since.
#[test]
fn a_repeat_shows_of_what_the_first_call_saw_that_which_is_still_found() {
    on_every_engine(|world| {
        let store = world.open();
        let paola = namesakes(IMOLA, 0, 1);
        world.publish_cards(&store, IMOLA, paola.clone());
        let read_at = store.visible();
        world.publish_cards(&store, IMOLA, namesakes(IMOLA, 1, 1));
        let first = FirstCall {
            entry: 0,
            read_at: Some(read_at.0),
            reference_date: day("2026-03-02"),
        };
        let repeat = Ask::search(NAMES).permit().repeating(&first);
        let query = names("Ferrari", "Paola");
        let told = |permit| world.tell(wait(store.search_persons(permit, &query, draft())).unwrap());
        let again = told(&repeat);
        let [hit] = hits(&again) else { panic!("one hit") };
        assert_eq!(hit.view.birth_date, Some(paola[0].generalities.birth_date));
        let now = Ask::search(NAMES).permit();
        assert_eq!(hits(&told(&now)).len(), 2);
        let number = paola[0].local_id.as_str();
        world.publish(&store, IMOLA, vec![(number, None)]).unwrap();
        assert!(hits(&told(&repeat)).is_empty());
    });
}

#[test]
fn a_permit_for_another_service_opens_no_search() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    let refused = wait(store.search_persons(&Ask::person().permit(), &names("Rossi", ""), draft()));
    assert!(matches!(refused, Err(ReadError::Service)));
}

/// So many namesakes, each with a birth date of its own.
fn namesakes(municipality: &str, first: usize, count: usize) -> Vec<Record> {
    (first..first + count)
        .map(|number| {
            let birth = format!(
                "19{:02}-0{}-1{}",
                40 + number / 81,
                1 + number / 9 % 9,
                number % 9
            );
            let number = format!("{municipality}-{number}");
            card(
                municipality,
                &number,
                ("Ferrari", "Paola"),
                Sex::Female,
                &birth,
                link(&number, registry::code::Kinship::ReferencePerson),
            )
        })
        .collect()
}

fn protected(card: Record) -> Record {
    with(card, |card| card.flags.protected = true)
}

#[test]
fn more_than_may_be_shown_are_told_to_nobody_and_entered_as_counted() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, namesakes(IMOLA, 0, 50));
        let query = names("Ferrari", "Paola");
        assert_eq!(hits(&search(world, &store, &query)).len(), 50);
        let fewer = Ask::search(NAMES).instead_of("known_on = true", "max_hits = 49");
        let told = world.search(&store, fewer, &query);
        assert!(matches!(told.answer, SearchAnswer::TooMany { most: 49 }));
        assert_eq!((told.outcome(), told.subjects()), ((9, "TOO_MANY_FOUND"), 50));
        assert_eq!(told.decision().outcome, "TOO_MANY");
        world.publish_cards(&store, IMOLA, namesakes(IMOLA, 50, 1));
        let told = search(world, &store, &query);
        assert!(matches!(told.answer, SearchAnswer::TooMany { most: 50 }));
        let narrowed = {
            let born = BirthDateRange::new(day("1940-01-01"), day("1940-01-31")).unwrap();
            PersonQuery::new(query.names().cloned(), None, Some(born), None).unwrap()
        };
        let ask = Ask::search(&[Field::Surname, Field::GivenName, Field::BirthDate]);
        assert_eq!(hits(&world.search(&store, ask, &narrowed)).len(), 9);
    });
}

#[test]
fn who_may_not_be_seen_does_not_make_them_too_many() {
    on_every_engine(|world| {
        let store = world.open();
        let mut cards = namesakes(IMOLA, 0, 50);
        cards.extend(namesakes(IMOLA, 50, 5).into_iter().map(protected));
        world.publish_cards(&store, IMOLA, cards);
        world.publish_cards(&store, DOZZA, namesakes(DOZZA, 60, 9));
        let ask = Ask::search(NAMES).instead_of("region = \"08\"", "municipalities = [\"037032\"]");
        let told = world.search(&store, ask, &names("Ferrari", "Paola"));
        assert_eq!(hits(&told).len(), 50);
        // The entry names those who were withheld by their record, and the answer does not.
        assert_eq!(told.subjects(), 55);
    });
}

#[test]
fn a_person_is_one_hit_for_each_way_in_which_the_cards_name_it() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [left(&giulia(), "2020-05-01")]);
        world.publish_cards(&store, DOZZA, [arrived(&giulia(), "2020-05-01")]);
        let query = names("Verdi", "Giulia");
        assert_eq!(
            found(&search(world, &store, &query)),
            [("Giulia".to_owned(), MAX_SCORE)]
        );
        let renamed = with(arrived(&giulia(), "2020-05-01"), |card| {
            card.generalities.given_name = PersonName::parse("Giulia Maria").ok();
        });
        world.publish_cards(&store, DOZZA, [renamed]);
        let told = search(world, &store, &query);
        let expected = [("Giulia".to_owned(), MAX_SCORE), ("Giulia Maria".to_owned(), 880)];
        assert_eq!(found(&told), expected);
        let question = |hit: &SearchHit| store.found(&Ask::person().permit(), &hit.handle);
        assert_eq!(question(&hits(&told)[0]), question(&hits(&told)[1]));
    });
}

#[test]
fn what_a_card_said_before_finds_nobody() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [giulia()]);
        let renamed = with(giulia(), |card| {
            card.generalities.surname = PersonName::parse("Bruni").ok();
            let now = tax_code(("Bruni", "Giulia"), Sex::Female, "1990-07-01");
            card.tax_codes.push(now);
        });
        world.publish_confirmed(&store, IMOLA, [renamed]);
        let code_criterion = Ask::search(&[Field::TaxCode]);
        assert!(hits(&search(world, &store, &names("Verdi", ""))).is_empty());
        assert_eq!(hits(&search(world, &store, &names("Bruni", ""))).len(), 1);
        assert!(hits(&world.search(&store, code_criterion, &by_code("VRDGLI"))).is_empty());
        let told = world.search(&store, code_criterion, &by_code("BRNGLI"));
        let reason = HitReason {
            field: Field::TaxCode,
            reason: Reason::Prefix,
        };
        assert_eq!(hits(&told)[0].reasons, [reason]);
        // Where earlier codes may be seen, they may be searched.
        let earlier = code_criterion.instead_of("\"tax_code\"", "\"tax_code\", \"tax_code_history\"");
        assert_eq!(hits(&world.search(&store, earlier, &by_code("VRDGLI"))).len(), 1);
        world.publish(&store, IMOLA, vec![("4", None)]).unwrap();
        assert!(hits(&search(world, &store, &names("Bruni", ""))).is_empty());
    });
}

#[test]
fn a_sealed_identity_is_found_by_no_search() {
    on_every_engine(|world| {
        let store = world.open();
        world.publish_cards(&store, IMOLA, [luca(), anna()]);
        world.publish_confirmed(&store, IMOLA, [sealed(luca(), NewIdentity::Awaited)]);
        let told = search(world, &store, &names("Rossi", "Luca"));
        assert_eq!(
            (
                hits(&told).len(),
                told.subjects(),
                told.decision().outcome.as_str()
            ),
            (0, 0, "ABSENT")
        );
        let told = world.search(&store, Ask::search(&[Field::TaxCode]), &by_code("RSSLCU"));
        assert!(hits(&told).is_empty());
    });
}

/// Giulia is protected and Anna lives with her: nobody finds out where by asking municipality after municipality.
#[test]
fn where_somebody_lives_is_not_found_out_by_asking_where() {
    on_every_engine(|world| {
        let store = world.open();
        let withheld = (
            "protected = \"hidden\"",
            "protected = \"location-withheld\"\nprotected_basis = \"c.p.p. art. 55\"",
        );
        let shelter = with(protected(giulia()), |card| card.households = anna().households);
        world.publish_cards(&store, IMOLA, [shelter, anna(), mario()]);
        for surname in ["Verdi", "Bianchi", "Rossi"] {
            let ask = Ask::search(NAMES).instead_of(withheld.0, withheld.1);
            let query = names(surname, "");
            assert_eq!(hits(&world.search(&store, ask, &query)).len(), 1, "{surname}");
            for municipality in [IMOLA, DOZZA] {
                let limited = world.search(&store, ask.within(municipality), &query);
                assert!(hits(&limited).is_empty(), "{surname} {municipality}");
            }
        }
        let elsewhere = with(luca(), |card| {
            card.local_id = local_id("9");
            card.households = giulia().households;
            card.residences = registry::timeline::Timeline::starting(None, {
                let mut residence = card.residences.facts()[0].value.clone();
                if let registry::record::Place::Italian(address) = &mut residence.place {
                    address.street = "Emilia".to_owned();
                }
                residence
            });
        });
        world.publish_cards(&store, IMOLA, [elsewhere]);
        let ask = Ask::search(NAMES).instead_of(withheld.0, withheld.1);
        let query = names("Rossi", "Luca");
        assert_eq!(hits(&world.search(&store, ask.within(IMOLA), &query)).len(), 1);
        assert!(hits(&world.search(&store, ask.within(DOZZA), &query)).is_empty());
    });
}

/// Somebody whom the agreement does not show, by a rule each.
#[derive(Clone, Copy, Debug)]
enum Hidden {
    Protected,
    Elsewhere,
    Dead,
    Left,
    Abroad,
    Minor,
}

const HIDDEN: [Hidden; 6] = [
    Hidden::Protected,
    Hidden::Elsewhere,
    Hidden::Dead,
    Hidden::Left,
    Hidden::Abroad,
    Hidden::Minor,
];

fn hidden(card: Record, by: Hidden) -> Record {
    match by {
        Hidden::Protected => protected(card),
        Hidden::Elsewhere => card,
        Hidden::Dead => with(card, |card| {
            card.death = Some(registry::record::Death {
                date: day("2020-05-01"),
                place: None,
            });
        }),
        Hidden::Left => left(&card, "2020-05-01"),
        Hidden::Abroad => with(card, |card| {
            card.register = Register::Aire;
            card.registration.reason =
                registry::code::RegistrationReason::Aire(registry::code::AireRegistrationReason::Birth);
        }),
        Hidden::Minor => with(card, |card| {
            card.generalities.birth_date = registry::date::PartialDate::parse("2012-03-03").unwrap();
            card.tax_codes.clear();
        }),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_answer_is_the_same_whoever_else_there_is_that_may_not_be_seen(
        shown in 0..8_usize, others in proptest::collection::vec(proptest::sample::select(&HIDDEN[..]), 0..8),
    ) {
        let strict = Ask::search(NAMES)
            .instead_of("region = \"08\"", "municipalities = [\"037032\"]")
            .instead_of("aire = true\ncancelled = true\ndeceased = true\nminors = true", "aire = false")
            .instead_of("known_on = true", "max_hits = 5");
        let query = names("Ferrari", "Paola");
        let told = |others: &[Hidden]| {
            let world = World::new(Kind::Memory);
            let store = world.open();
            let mut cards = namesakes(IMOLA, 0, shown);
            let mut elsewhere = Vec::new();
            for (number, by) in (20..).zip(others) {
                match by {
                    Hidden::Elsewhere => elsewhere.extend(namesakes(DOZZA, number, 1)),
                    _ => cards.extend(namesakes(IMOLA, number, 1).into_iter().map(|card| hidden(card, *by))),
                }
            }
            for (at, cards) in [(IMOLA, cards), (DOZZA, elsewhere)] {
                if !cards.is_empty() {
                    world.publish_cards(&store, at, cards);
                }
            }
            let told = world.search(&store, strict, &query);
            let outcome = told.outcome();
            let outcome = (outcome.0, outcome.1.to_owned());
            let answer = match told.answer {
                SearchAnswer::TooMany { most } => Err(most),
                SearchAnswer::Found(hits) => {
                    let told = hits.into_iter().map(|hit| (hit.score, hit.reasons, hit.view, hit.version));
                    Ok(told.collect::<Vec<_>>())
                }
            };
            (outcome, answer)
        };
        let alone = told(&[]);
        prop_assert_eq!(alone.1.as_ref().map_or(6, Vec::len), shown.min(6));
        prop_assert_eq!(told(&others), alone);
    }
}

/// The index alone says that they are too many, where it can, so that no record is read.
#[test]
fn what_is_surely_too_much_is_refused_before_a_record_is_read() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, namesakes(IMOLA, 0, 60));
    let permit = Ask::search(NAMES).permit();
    assert!(
        store
            .reader
            .refuses_unread(&permit, &names("Ferrari", ""))
            .unwrap()
    );
    let few = Ask::search(NAMES).within(DOZZA).permit();
    assert!(!store.reader.refuses_unread(&few, &names("Ferrari", "")).unwrap());
}

#[test]
fn a_question_in_debug_output_names_nobody() {
    let world = World::new(Kind::Memory);
    let store = world.open();
    world.publish_cards(&store, IMOLA, [mario()]);
    let told = search(&world, &store, &names("Rossi", ""));
    let question = store
        .found(&Ask::person().permit(), &hits(&told)[0].handle)
        .unwrap();
    assert!(matches!(question, Question::Found(_)));
    assert_eq!(question.criterion(), ("handle", "of a search".to_owned()));
}
