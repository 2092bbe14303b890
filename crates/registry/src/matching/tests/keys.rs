//! What an index holds.

use super::*;

fn shown(keys: impl IntoIterator<Item = BlockingKey>) -> Vec<String> {
    let mut shown: Vec<String> = keys
        .into_iter()
        .map(|key| {
            let bytes = key.to_bytes();
            let text = String::from_utf8(bytes[3..].to_vec()).unwrap();
            format!("{}{}{} {text}", bytes[0], bytes[1], bytes[2])
        })
        .collect();
    shown.sort();
    shown
}

#[test]
fn a_card_is_held_under_the_keys_of_its_version() {
    let held = shown(blocking_keys(&person("D'Arco", "Po")));
    let expected = [
        "111 ARCO, 111 DARCO, 112 ARKO, 112 DARKO, 113 ARKU, 113 DARKU",
        "114 AR, 114 ARC, 114 ARCO, 114 DA, 114 DAR, 114 DARC",
        "115 ACO, 115 ARC, 115 ARCO, 115 ARO, 115 DACO, 115 DARC, 115 DARCO, 115 DARO, 115 DRCO, 115 RCO",
        "121 PO, 122 PO, 124 PO",
    ];
    assert_eq!(held.join(", "), expected.join(", "));
}

#[test]
fn a_question_is_one_way_or_two() {
    let ways = query_keys(&asked("", "Ivo"));
    assert_eq!(ways.len(), 1);
    assert_eq!(
        shown(ways[0].groups[0].clone()),
        ["121 IVO", "122 IVO", "123 IVU"]
    );
    let both = NameQuery::new(Some(("Rossi", Extent::Beginning)), Some(("Ivo", Extent::Whole))).unwrap();
    let ways = query_keys(&both);
    assert_eq!(ways.len(), 2);
    assert_eq!(shown(ways[0].groups[0].clone()), ["114 ROSS"]);
    assert_eq!(shown(ways[1].groups[0].clone()), ["124 ROSS"]);
    assert_eq!(
        shown(ways[1].groups[1].clone()),
        ["111 IVO", "112 IVO", "113 IVU"]
    );
}

#[test]
fn particles_lead_nowhere_by_themselves() {
    let keys = shown(blocking_keys(&person("Della Valle", "")));
    assert!(keys.iter().all(|key| key != "111 DELLA"), "{keys:?}");
    assert!(keys.iter().any(|key| key == "111 VALLE"));
    assert!(keys.iter().any(|key| key == "111 DELLAVALLE"));
}

/// The bound that an index is dimensioned by. Print with `--nocapture`.
#[test]
fn the_number_of_keys_of_a_person_is_bounded() {
    let (mut sum, mut most, mut count) = (0, 0, 0);
    for surname in names::SURNAMES {
        for given_name in names::GIVEN_NAMES {
            let keys = blocking_keys(&person(surname, given_name)).len();
            sum += keys;
            most = most.max(keys);
            count += 1;
        }
    }
    println!(
        "{count} persons: {:.1} keys each, at most {most}",
        f64::from(u32::try_from(sum).unwrap()) / f64::from(count)
    );
    assert!(most <= 120, "{most}");
    assert!(sum <= 45 * usize::try_from(count).unwrap(), "{sum} of {count}");
}

/// Every pair of a question and a card, not only those that were made alike.
#[test]
fn no_card_that_is_admitted_is_missed_by_the_keys() {
    let cards: Vec<Generalities> = names::SURNAMES
        .iter()
        .chain(names::GIVEN_NAMES)
        .map(|name| person(name, name))
        .collect();
    let held: Vec<BTreeSet<BlockingKey>> = cards.iter().map(blocking_keys).collect();
    let mut admitted = 0;
    for name in names::SURNAMES.iter().chain(names::GIVEN_NAMES) {
        let query = asked(name, "");
        let [way] = &query_keys(&query)[..] else {
            panic!("one name is one way")
        };
        for (card, held) in cards.iter().zip(&held) {
            if score(&query, card).is_some() {
                admitted += 1;
                assert!(
                    !way.groups[0].is_disjoint(held),
                    "{name} {:?}",
                    card.surname.as_ref().map(PersonName::as_str)
                );
            }
        }
    }
    assert!(cards.len() < admitted, "{admitted}");
}
