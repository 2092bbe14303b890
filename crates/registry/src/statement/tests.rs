use proptest::prelude::*;

use super::{Act, HeldLine, LONGEST_STATEMENT, RegistrarId, Statement, StatementError, held_digest};
use crate::publication::{Epoch, HoldReason};
use crate::signing::SigningKey;
use crate::testing::{IMOLA, istat, local_id};

fn statement() -> Statement {
    Statement {
        act: Act::Release,
        municipality: istat(IMOLA),
        epoch: Epoch([0xa1; 16]),
        changes: 1012,
        digest: [0x0f; 32],
    }
}

fn registrar() -> RegistrarId {
    RegistrarId::parse("anagrafe.1").unwrap()
}

#[test]
fn a_statement_is_a_text_that_a_person_can_read() {
    let text = statement().text();
    assert_eq!(
        text,
        format!(
            "ponte registrar statement 1\nact: release\nmunicipality: 037032\nepoch: {}\nchanges: 1012\ndigest: {}\n",
            "a1".repeat(16),
            "0f".repeat(32)
        )
    );
    assert_eq!(Statement::parse(&text), Ok(statement()));
    assert!(text.len() < LONGEST_STATEMENT);
}

#[test]
fn any_other_text_is_refused() {
    let text = statement().text();
    for other in [
        String::new(),
        text.replace("release", "delete"),
        text.replace(" 1\n", " 2\n"),
        text.replace("1012", "+1012"),
        text.replace("1012", "01012"),
        text.replace("a1", "A1"),
        text.replace("037032", "37032"),
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        text.trim_end().to_owned(),
    ] {
        assert_eq!(Statement::parse(&other), Err(StatementError::Text), "{other}");
    }
}

#[test]
fn only_the_registrars_own_key_proves_a_statement() {
    let key = SigningKey::from_seed(&[3; 32]).unwrap();
    let signed = statement().sign(registrar(), &key);
    let verified = signed.clone().verify(&key.verifying_key()).unwrap();
    assert_eq!(verified.stated(), &statement());
    assert_eq!(verified.signed(), &signed);
    let other = SigningKey::from_seed(&[4; 32]).unwrap();
    assert!(signed.clone().verify(&other.verifying_key()).is_err());
    let mut altered = signed;
    altered.text = altered.text.replace("1012", "1013");
    assert!(altered.verify(&key.verifying_key()).is_err());
}

#[test]
fn the_name_of_a_registrar_has_few_characters() {
    for good in ["a", "m.rossi", "anagrafe-1@imola", &"x".repeat(64)] {
        assert!(RegistrarId::parse(good).is_some(), "{good}");
    }
    for bad in ["", "m rossi", "è", "a\n", &"x".repeat(65)] {
        assert!(RegistrarId::parse(bad).is_none(), "{bad}");
    }
}

proptest! {
    #[test]
    fn the_digest_tells_every_list_from_every_other(
        first in (1_u64..4, 1_u8..4, 1_u8..6, any::<bool>()),
        second in (1_u64..4, 1_u8..4, 1_u8..6, any::<bool>()),
    ) {
        let digest = |(sequence, card, reason, content): (u64, u8, u8, bool)| {
            let local_id = local_id(&card.to_string());
            held_digest([HeldLine {
                commit_sequence: sequence,
                local_id: &local_id,
                reason: HoldReason::from_number(reason).unwrap(),
                content: [u8::from(content); 32],
            }])
        };
        prop_assert_eq!(first == second, digest(first) == digest(second));
    }
}
