use super::*;
use crate::checkpoint::{Cosigner, LogSigner};
use crate::hash::sha256;
use crate::name::KeyName;

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[7; 32]).unwrap()
}

fn witness(number: u8) -> Cosigner {
    let name = KeyName::new(format!("w{number}.example.org")).unwrap();
    Cosigner::from_seed(name, &[number; 32]).unwrap()
}

fn key(number: u8) -> String {
    witness(number).verifier().to_string()
}

/// A policy over three witnesses, a, b and c; `rest` has groups and quorum.
fn policy(rest: &str) -> Result<Policy, PolicyError> {
    let (log, a, b, c) = (signer().verifier(), key(1), key(2), key(3));
    Policy::parse(&format!(
        "# ponte.policy/1\nlog {log}\n\n\t witness a {a}\nwitness b {b}  https://b.example.org/\nwitness c {c}\n{rest}\n"
    ))
}

/// A checkpoint that these witnesses have cosigned.
fn cosigned(by: &[u8]) -> SignedCheckpoint {
    let mut signed = signer().sign(5, sha256(b"root"));
    for number in by {
        let line = witness(*number).cosign(signed.checkpoint(), WitnessedAt(u64::from(*number)));
        signed.add_signature(line);
    }
    signed
}

fn standing(policy: &Policy, by: &[u8]) -> Standing {
    policy.judge(&cosigned(by)).unwrap().standing()
}

#[test]
fn a_checkpoint_is_witnessed_when_the_quorum_has_cosigned() {
    use Standing::{Signed, Witnessed};
    let nested = policy("group pair 2 a b\ngroup both all pair c\nquorum both").unwrap();
    let any = policy("group some any a b c\nquorum some").unwrap();
    let one = policy("quorum b").unwrap();
    for (by, expected) in [
        (&[][..], [Signed, Signed, Signed]),
        (&[1], [Signed, Witnessed, Signed]),
        (&[2], [Signed, Witnessed, Witnessed]),
        (&[1, 2], [Signed, Witnessed, Witnessed]),
        (&[1, 3], [Signed, Witnessed, Signed]),
        (&[3, 2, 1], [Witnessed; 3]),
        (&[4, 5, 6], [Signed, Signed, Signed]),
    ] {
        let found = [&nested, &any, &one].map(|policy| standing(policy, by));
        assert_eq!(found, expected, "{by:?}");
    }
    let judged = nested.judge(&cosigned(&[3, 1])).unwrap();
    let (a, c) = (("a".to_owned(), WitnessedAt(1)), ("c".to_owned(), WitnessedAt(3)));
    assert_eq!(judged.cosigned(), [a, c]);
    assert_eq!(judged.verified().checkpoint().size, 5);
}

#[test]
fn without_witnesses_a_checkpoint_is_signed_and_no_more() {
    for policy in [
        policy("quorum none").unwrap(),
        Policy::of_log(signer().verifier()),
        Policy::of_index(signer().verifier(), Vec::new(), 1),
        Policy::of_index(signer().verifier(), Vec::new(), 0),
    ] {
        assert_eq!(standing(&policy, &[1, 2, 3]), Standing::Signed);
    }
}

#[test]
fn a_wrong_cosignature_of_a_trusted_witness_is_refused_and_of_a_stranger_ignored() {
    let strict = policy("quorum a").unwrap();
    let mut signed = cosigned(&[1, 2]);
    let mut wrong = witness(2).cosign(signed.checkpoint(), WitnessedAt(9));
    wrong.signature[70] ^= 1;
    signed.add_signature(wrong);
    assert_eq!(strict.judge(&signed), Err(CheckpointError::WrongSignature));
    let alone = format!("log {}\nwitness a {}\nquorum a\n", signer().verifier(), key(1));
    let judged = Policy::parse(&alone).unwrap().judge(&signed).unwrap();
    assert_eq!(judged.standing(), Standing::Witnessed);
}

#[test]
fn a_checkpoint_of_no_log_of_the_policy_is_refused_whoever_cosigned() {
    let elsewhere = LogSigner::from_seed(Origin::new("other.example/1").unwrap(), &[7; 32]).unwrap();
    let mut signed = elsewhere.sign(5, sha256(b"root"));
    let line = witness(1).cosign(signed.checkpoint(), WitnessedAt(1));
    signed.add_signature(line);
    let policy = policy("quorum a").unwrap();
    assert_eq!(policy.judge(&signed), Err(CheckpointError::OtherLog));
    let unsigned = SignedCheckpoint::new(
        cosigned(&[]).checkpoint().clone(),
        cosigned(&[1]).signatures()[1..].to_vec(),
    );
    assert_eq!(policy.judge(&unsigned), Err(CheckpointError::NotSigned));
}

#[test]
fn what_breaks_a_rule_is_refused_with_its_line() {
    for (rest, rule) in [
        ("quorum x", PolicyRule::UnknownName),
        ("quorum a\nquorum a", PolicyRule::SecondQuorum),
        ("quorum", PolicyRule::Items),
        ("quorums a", PolicyRule::Keyword),
        ("group a any b", PolicyRule::RepeatedName),
        ("group none any b", PolicyRule::RepeatedName),
        ("group g any none", PolicyRule::UnknownName),
        ("group g any", PolicyRule::Items),
        ("group g any g", PolicyRule::UnknownName),
        ("group g any a a", PolicyRule::RepeatedMember),
        ("group g any a b\ngroup h any b c", PolicyRule::RepeatedMember),
        ("group g 0 a", PolicyRule::Threshold),
        ("group g 2 a", PolicyRule::Threshold),
        ("group g 01 a", PolicyRule::Threshold),
        ("group g most a", PolicyRule::Threshold),
        ("quorum a\r", PolicyRule::Control),
        ("witness d nothing", PolicyRule::Key(KeyError::Shape)),
    ] {
        let line = 7 + rest.matches('\n').count();
        assert_eq!(policy(rest), Err(PolicyError::Line { line, rule }), "{rest}");
    }
    let again = key(1).replace("w1.example.org", "other.example.org");
    assert!(matches!(
        policy(&format!("witness d {again}")),
        Err(PolicyError::Line {
            line: 7,
            rule: PolicyRule::Key(KeyError::Id)
        })
    ));
    let other_name = Cosigner::from_seed(KeyName::new("other.example.org").unwrap(), &[1; 32]).unwrap();
    assert_eq!(
        policy(&format!("witness d {}", other_name.verifier())),
        Err(PolicyError::Line {
            line: 7,
            rule: PolicyRule::RepeatedKey
        })
    );
    assert_eq!(policy(""), Err(PolicyError::NoQuorum));
    assert_eq!(Policy::parse("quorum none\n"), Err(PolicyError::NoLog));
    assert_eq!(
        Policy::parse("# ponte.policy/2\n"),
        Err(PolicyError::Version("2".to_owned()))
    );
    assert_eq!(
        Policy::parse(&" ".repeat(POLICY_MAX_LEN + 1)),
        Err(PolicyError::TooLong)
    );
}

#[test]
fn a_policy_takes_as_many_items_as_it_says() {
    let mut text = format!("log {}\n", signer().verifier());
    for number in 0..MAX_POLICY_ITEMS as u8 {
        text.push_str(&format!("witness w{number} {}\n", key(100 + number)));
    }
    assert!(Policy::parse(&format!("{text}quorum w0\n")).is_ok());
    text.push_str(&format!("witness more {}\n", key(1)));
    let rule = PolicyRule::TooMany;
    assert_eq!(
        Policy::parse(&text),
        Err(PolicyError::Line {
            line: MAX_POLICY_ITEMS + 2,
            rule
        })
    );
}

#[test]
fn a_quorum_that_needs_nobody_outside_of_the_administration_is_warned_of() {
    use PolicyWarning::{NoQuorum, NobodyOutside, OutsideNotDemanded};
    let lint = |rest: &str| policy(rest).unwrap().lint();
    assert_eq!(lint("quorum none"), [NoQuorum]);
    assert_eq!(
        lint("group all-of-us all a b c\nquorum all-of-us"),
        [NobodyOutside]
    );
    assert_eq!(
        lint("group outside any c\ngroup two 2 a b outside\nquorum two"),
        [OutsideNotDemanded]
    );
    assert_eq!(
        lint("group outside any c\ngroup all-of-us all a b outside\nquorum all-of-us"),
        []
    );
    assert_eq!(lint("group outside any b c\nquorum outside"), []);
    assert_eq!(
        lint("group inner any b c\ngroup outside all inner\nquorum outside"),
        []
    );
}

#[test]
fn a_witness_that_is_the_log_itself_or_its_neighbour_is_warned_of() {
    let own = |name: &str, seed| {
        Cosigner::from_seed(KeyName::new(name).unwrap(), &[seed; 32])
            .unwrap()
            .verifier()
    };
    let text = format!(
        "log {}\nwitness self {}\nwitness near {}\ngroup outside all self near\nquorum outside\n",
        signer().verifier(),
        own("w.example.org", 7),
        own("witness.ponte.example", 8),
    );
    let warnings = [
        PolicyWarning::LogAsWitness("self".to_owned()),
        PolicyWarning::OutsideBearsLogDomain("near".to_owned()),
    ];
    assert_eq!(Policy::parse(&text).unwrap().lint(), warnings);
}

#[test]
fn the_sample_is_a_policy_without_warnings() {
    let policy = Policy::parse(include_str!("../../../../config/policy.txt")).unwrap();
    assert_eq!(policy.lint(), []);
    assert_eq!((policy.logs().len(), policy.witnesses().len()), (1, 4));
}

proptest::proptest! {
    #[test]
    fn hostile_policies_do_not_panic(text in "(log|witness|group|quorum|#|[ab+ 0-9]|\\n|\\t){0,60}") {
        proptest::prop_assert!(Policy::parse(&text).is_err());
    }
}
