use super::*;

const NOT_A_NUMBER: &str = "must have 3 to 40 characters of A-Z, 0-9, full stop, slash and hyphen";

#[track_caller]
fn refused<T: fmt::Debug>(result: Result<T, ContextError>, field: &str, rule: &str) {
    let error = result.expect_err("the value has not the form");
    assert_eq!((error.field, error.rule), (field, rule));
    assert_eq!(error.to_string(), format!("{field} {rule}"));
}

#[test]
fn ids_have_their_alphabet_and_length() {
    assert_eq!(
        AgreementId::parse("questura-bo-1").unwrap().as_str(),
        "questura-bo-1"
    );
    assert_eq!(PurposeId::parse(&"a".repeat(64)).unwrap().to_string().len(), 64);
    let rule = "must have 1 to 64 characters of a-z, 0-9 and hyphen";
    refused(AgreementId::parse(""), "agreement", rule);
    refused(AgreementId::parse("Questura"), "agreement", rule);
    refused(PurposeId::parse("a_b"), "purpose", rule);
    refused(PurposeId::parse(&"a".repeat(65)), "purpose", rule);
}

#[test]
fn operators_workstations_and_versions_have_their_alphabet_and_length() {
    let operator = "must have 1 to 64 letters, digits or any of . _ @ -";
    assert_eq!(
        OperatorId::parse("M.Rossi_1@questura-bo").unwrap().as_str(),
        "M.Rossi_1@questura-bo"
    );
    assert!(OperatorId::parse(&"a".repeat(64)).is_ok());
    for wrong in ["", "a b", "a:b", "à", "a\n", &"a".repeat(65)] {
        refused(OperatorId::parse(wrong), "operator", operator);
    }
    let workstation = "must have 1 to 64 letters, digits or any of . _ : @ -";
    assert_eq!(Workstation::parse("PC-12:eth0").unwrap().as_str(), "PC-12:eth0");
    for wrong in ["", "a b", "a/b", &"a".repeat(65)] {
        refused(Workstation::parse(wrong), "workstation", workstation);
    }
    let version = "must have 1 to 32 letters, digits or any of . -";
    assert_eq!(
        StatementVersion::parse("2026-01.a").unwrap().as_str(),
        "2026-01.a"
    );
    assert!(StatementVersion::parse(&"1".repeat(32)).is_ok());
    for wrong in ["", "v 1", "v_1", &"1".repeat(33)] {
        refused(StatementVersion::parse(wrong), "statement_version", version);
    }
}

#[test]
fn collective_accounts_are_known_by_their_names() {
    for name in [
        "admin",
        "Admin",
        "operatore",
        "operatore12",
        "ufficio_3",
        "utente-1",
        "test@ente.it",
        "12345",
        "_",
    ] {
        assert!(OperatorId::parse(name).unwrap().is_collective(), "{name}");
    }
    for name in ["m.rossi", "admin.rossi", "testa", "rossi@admin", "mrossi85"] {
        assert!(!OperatorId::parse(name).unwrap().is_collective(), "{name}");
    }
}

#[test]
fn a_case_number_is_a_number_and_no_story() {
    for right in ["PG/2026/123", "2026/1", "123", "A.1-2", &"1".repeat(40)] {
        assert_eq!(CaseReference::parse(right).unwrap().as_str(), right);
    }
    for wrong in [
        "",
        "12",
        "pg/1",
        "PG 123",
        "PG_123",
        "MARIO ROSSI 1",
        &"1".repeat(41),
    ] {
        refused(CaseReference::parse(wrong), "case_reference", NOT_A_NUMBER);
    }
    refused(
        CaseReference::parse("ROSSI-MARIO"),
        "case_reference",
        "must hold at least one digit",
    );
}

#[test]
fn no_codice_fiscale_hides_in_a_case_number() {
    let rule = "must not hold a codice fiscale";
    for wrong in [
        "RSSMRA85T10A562S",
        "RSSMRA85T10A562X",
        "PG-RSSMRA85T10A562S/2026",
        "RSSMRA-85T10-A562-S",
        "12RSSMRA85T10A562S12",
        "RSSMRA85T10A56NS",
        "RSSMRAURTMLARSNS/1",
    ] {
        refused(CaseReference::parse(wrong), "case_reference", rule);
        let day = NaiveDate::from_ymd_opt(2026, 3, 1).unwrap();
        refused(ConsentReference::new(wrong, day), "consent_reference", rule);
    }
    for right in [
        "RSSMRA85F10A562S",
        "RSSMR185T10A562S",
        "RSSMRA8AT10A562S",
        "RSSMRA85T10A5621",
        "RSSMRA85T1A562S",
    ] {
        assert!(CaseReference::parse(right).is_ok(), "{right}");
    }
}

#[test]
fn a_consent_has_a_number_and_a_day() {
    let consent = ConsentReference::parse("CONS/2026-118 2026-03-01").unwrap();
    assert_eq!(consent.number(), "CONS/2026-118");
    assert_eq!(consent.given_on(), NaiveDate::from_ymd_opt(2026, 3, 1).unwrap());
    assert_eq!(consent.to_string(), "CONS/2026-118 2026-03-01");
    let rule = "must be a number, a blank and YYYY-MM-DD";
    for wrong in [
        "CONS-118",
        "CONS-118 ",
        "CONS-118 2026-3-1",
        "CONS-118 01-03-2026",
        "CONS-118 2026-02-30",
    ] {
        refused(ConsentReference::parse(wrong), "consent_reference", rule);
    }
    refused(
        ConsentReference::parse("C 2026-03-01"),
        "consent_reference",
        NOT_A_NUMBER,
    );
}

#[test]
fn patterns_are_read_by_name_and_admit_their_form() {
    let admits = |pattern: ReferencePattern, text: &str| {
        pattern.admits_number(CaseReference::parse(text).unwrap().as_str())
    };
    for pattern in ReferencePattern::ALL {
        assert_eq!(ReferencePattern::from_name(pattern.name()), Some(pattern));
        assert!(admits(pattern, "2026/1") && admits(pattern, "2026/1234567890"));
    }
    assert_eq!(ReferencePattern::from_name("regex"), None);
    assert!(admits(ReferencePattern::ProtocolNumber, "PG-1"));
    for wrong in [
        "PG-1",
        "2026/",
        "2026/12345678901",
        "202/123",
        "2026-1",
        "2026/1/2",
        "2026/A1",
        "A026/1",
    ] {
        assert!(!admits(ReferencePattern::YearNumber, wrong), "{wrong}");
    }
}

#[test]
fn levels_of_assurance_are_ordered_and_read_by_name() {
    assert!(Assurance::Low < Assurance::Substantial && Assurance::Substantial < Assurance::High);
    for level in Assurance::ALL {
        assert_eq!(Assurance::from_name(level.name()), Some(level));
    }
    assert_eq!(Assurance::from_name("medium"), None);
}

#[test]
fn debugging_output_holds_no_operator_and_no_case() {
    let context = AccessContext {
        agreement: AgreementId::parse("a").unwrap(),
        purpose: PurposeId::parse("p").unwrap(),
        operator: OperatorId::parse("canary-operator").ok(),
        assurance: None,
        workstation: Workstation::parse("canary-station").ok(),
        case_reference: CaseReference::parse("CANARY-1").ok(),
        consent_reference: ConsentReference::parse("CANARY-2 2026-03-01").ok(),
        reference_date: None,
        known_on: None,
        request_id: Uuid::nil(),
        statement_version: None,
        urgency: Urgency::Ordinary,
        min_fresh_since: None,
    };
    let parts = (
        &context.operator,
        &context.workstation,
        &context.case_reference,
        &context.consent_reference,
    );
    let text = format!("{context:?} {parts:?}");
    assert!(
        context.operator.is_some() && context.workstation.is_some() && context.consent_reference.is_some()
    );
    assert!(!text.to_lowercase().contains("canary"), "{text}");
}

#[test]
fn where_an_agreement_names_no_words_the_abbreviations_of_offices_are_in_a_reference_and_no_names() {
    for (number, expect) in [
        ("PROT-2026/118", true),
        ("RGNR.7/26", true),
        ("CONS/2026-118", true),
        ("2026/118", true),
        ("ROSSI-MARIO-1", false),
        ("PROT-ROSSI-1", false),
        ("PROTROSSI1", false),
        ("RSSMRA-1985", false),
        ("R.O.S.S.I-1", false),
        ("A-1", false),
    ] {
        let case = CaseReference::parse(number).unwrap();
        assert_eq!(USUAL_REFERENCE.admits_case(&case), expect, "{number}");
        let consent = ConsentReference::new(number, "2026-03-01".parse().unwrap()).unwrap();
        assert_eq!(USUAL_REFERENCE.admits_consent(&consent), expect, "{number}");
    }
    assert!(USUAL_WORDS.is_sorted());
    for word in USUAL_WORDS {
        assert!(ReferenceWord::parse(word).is_ok() && 1 < word.len(), "{word}");
    }
}

#[test]
fn with_words_neither_name_nor_codice_fiscale_fits_into_a_reference() {
    let word = |text: &str| ReferenceWord::parse(text).unwrap();
    let form = ReferenceTerms {
        pattern: ReferencePattern::ProtocolNumber,
        words: Some([word("PROT"), word("RG")].into()),
    };
    for (number, expect) in [
        ("PROT-2026/118", true),
        ("RG.7/26", true),
        ("2026/118", true),
        ("PROT-RG-1", true),
        ("ROSSI-MARIO-1", false),
        ("PROT-ROSSI-1", false),
        ("PROTROSSI1", false),
        ("RSSMRA1", false),
        ("A1", false),
    ] {
        let case = CaseReference::parse(number).ok();
        let consent = ConsentReference::new(number, "2026-03-01".parse().unwrap()).ok();
        assert_eq!(
            case.is_some_and(|case| form.admits_case(&case)),
            expect,
            "{number}"
        );
        assert_eq!(
            consent.is_some_and(|consent| form.admits_consent(&consent)),
            expect,
            "{number}"
        );
    }
    for wrong in ["", "prot", "PROT1", "ABCDEFGHIJKLM"] {
        assert!(ReferenceWord::parse(wrong).is_err(), "{wrong}");
    }
}
