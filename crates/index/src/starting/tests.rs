use super::*;

/// A configuration of `count` lines; `odd` is the value of every third.
fn configuration(count: usize, odd: &str) -> StatedConfiguration {
    let mut stated = StatedConfiguration::default();
    for number in 0..count {
        let value = if number % 3 == 0 { odd } else { "as ever" };
        stated.set(&format!("node spiffe://ponte.example/node/{number}"), Some(value));
    }
    stated
}

/// What pieces of changes make of a configuration.
fn applied(
    mut before: StatedConfiguration,
    told: &str,
    pieces: &[Vec<(String, String)>],
) -> StatedConfiguration {
    let count = pieces.len();
    for (number, changes) in (1..).zip(pieces) {
        let mut details = vec![
            (TOLD.to_owned(), told.to_owned()),
            (PIECE.to_owned(), format!("{number} of {count}")),
        ];
        details.extend(changes.iter().cloned());
        apply(&mut before, &details);
    }
    before
}

#[test]
fn changes_lead_from_one_configuration_to_the_other_in_however_many_pieces() {
    let empty = StatedConfiguration::default();
    let long = "x".repeat(300);
    let cases = [
        (empty.clone(), empty.clone()),
        (empty.clone(), configuration(5, "a")),
        (configuration(5, "a"), empty.clone()),
        (configuration(9, "a"), configuration(7, "b")),
        (empty, configuration(1_000, &long)),
        (configuration(1_000, "a"), configuration(400, &long)),
    ];
    for (position, (before, after)) in cases.into_iter().enumerate() {
        let pieces = pieces(changes(&before, &after));
        let several = 400 < before.lines().count().max(after.lines().count());
        assert_eq!(1 < pieces.len(), several, "case {position}");
        for piece in &pieces {
            let bytes: usize = piece.iter().map(|(name, value)| name.len() + value.len()).sum();
            assert!(bytes <= PIECE_BYTES + 2 * 400, "case {position}: {bytes} bytes");
        }
        assert_eq!(applied(before, "changed", &pieces), after, "case {position}");
    }
}

#[test]
fn what_is_told_again_does_not_stand_on_what_was_before() {
    let after = configuration(800, "a");
    let pieces = pieces(changes(&StatedConfiguration::default(), &after));
    assert!(1 < pieces.len(), "the case is one of several pieces");
    let before = configuration(900, "b");
    assert_eq!(applied(before.clone(), "told again", &pieces), after);
    assert_ne!(applied(before, "changed", &pieces), after, "the control");
}

#[test]
fn a_start_is_the_last_of_its_entries_and_one_without_changes_the_only_one() {
    let kinds = |configuration: StatedConfiguration, last: &LastStart| -> Vec<EntryKind> {
        let program = Program {
            version: "1".to_owned(),
            hash: sha256(b"program"),
        };
        let started = Started {
            program,
            configuration,
        };
        let drafts = started.entries(last).unwrap();
        drafts.iter().map(|draft| draft.header.kind).collect()
    };
    let great = configuration(1_000, "a");
    let same = LastStart::With(great.clone());
    assert_eq!(kinds(great.clone(), &same), [EntryKind::ServiceStarted]);
    let whole = kinds(great.clone(), &LastStart::None);
    assert_eq!(whole.last(), Some(&EntryKind::ServiceStarted));
    assert!(
        1 < whole.len()
            && whole[..whole.len() - 1]
                .iter()
                .all(|kind| *kind == EntryKind::ConfigurationChanged)
    );
    assert_eq!(kinds(great, &LastStart::Forgotten), whole);
}

#[test]
fn the_program_of_a_process_is_its_own_file() {
    let running = Program::running().unwrap();
    let file = std::fs::read(std::env::current_exe().unwrap()).unwrap();
    assert_eq!(running.hash, sha256(&file));
    assert_eq!(running, Program::running().unwrap());
}
