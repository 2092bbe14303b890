use super::*;
use crate::statement::{Act, LONGEST_STATEMENT};
use crate::testing::{IMOLA, istat};

fn withdrawal() -> Withdrawal {
    Withdrawal {
        municipality: istat(IMOLA),
        epoch: Epoch([0xa1; 16]),
    }
}

fn held() -> Statement {
    Statement {
        act: Act::Release,
        municipality: istat(IMOLA),
        epoch: Epoch([0xa1; 16]),
        changes: 1,
        digest: [0x0f; 32],
    }
}

fn registrar() -> RegistrarId {
    RegistrarId::parse("anagrafe.1").unwrap()
}

/// The bytes that registrars sign: they never change.
#[test]
fn a_withdrawal_says_what_it_does() {
    let text = withdrawal().text();
    assert_eq!(
        text,
        "ponte registrar statement 1\n\
         act: withdraw\n\
         municipality: 037032\n\
         epoch: a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1a1\n\
         effect: every card and every key of the municipality is destroyed for good\n"
    );
    assert!(text.len() < LONGEST_STATEMENT);
    assert_eq!(Withdrawal::parse(&text), Ok(withdrawal()));
    assert_eq!(Stated::parse(&text), Ok(Stated::Withdrawal(withdrawal())));
    assert_eq!(Stated::parse(&held().text()), Ok(Stated::Held(held())));
}

#[test]
fn any_other_text_is_no_withdrawal() {
    let text = withdrawal().text();
    for other in [
        String::new(),
        text.replace("withdraw", "release"),
        text.replace(" 1\n", " 2\n"),
        text.replace("a1", "A1"),
        text.replace("037032", "37032"),
        text.replace("for good", "for now"),
        text.replace('\n', "\r\n"),
        format!("{text}\n"),
        text.trim_end().to_owned(),
        held().text(),
    ] {
        assert_eq!(Withdrawal::parse(&other), Err(StatementError::Text), "{other}");
    }
}

#[test]
fn a_signature_under_one_kind_of_statement_proves_no_other() {
    let key = SigningKey::from_seed(&[3; 32]).unwrap();
    let other = SigningKey::from_seed(&[4; 32]).unwrap();
    let signed = Stated::Withdrawal(withdrawal()).sign(registrar(), &key);
    let verified = signed.clone().verify_withdrawal(&key.verifying_key()).unwrap();
    assert_eq!(verified.stated(), &withdrawal());
    assert_eq!(verified.signed(), &signed);
    assert!(signed.clone().verify_withdrawal(&other.verifying_key()).is_err());
    assert_eq!(
        signed.clone().verify(&key.verifying_key()),
        Err(StatementError::Text)
    );
    let held = Stated::Held(held()).sign(registrar(), &key);
    assert_eq!(
        held.verify_withdrawal(&key.verifying_key()),
        Err(StatementError::Text)
    );
    let altered = SignedStatement {
        text: signed.text.replace("037032", "037025"),
        ..signed
    };
    assert!(matches!(
        altered.verify_withdrawal(&key.verifying_key()),
        Err(StatementError::Signature(_))
    ));
}
