//! What a denial says to people.

use super::*;

#[test]
fn texts_say_what_would_succeed_and_repeat_nothing_personal() {
    let text = |clause: Clause, language: Language| {
        let (_, case, _) = denials().into_iter().find(|(of, _, _)| *of == clause).unwrap();
        case.decide().unwrap_err().text(language)
    };
    #[track_caller]
    fn ends(text: &str, end: &str) {
        assert!(text.ends_with(end), "{text}");
    }
    ends(
        &text(Clause::Assurance, Language::English),
        "(at least substantial)",
    );
    ends(
        &text(Clause::Assurance, Language::Italian),
        "(almeno substantial)",
    );
    ends(
        &text(Clause::Purpose, Language::English),
        "(purposes: investigation, declarations)",
    );
    ends(
        &text(Clause::Service, Language::Italian),
        "(concessi: verify-declaration)",
    );
    ends(
        &text(Clause::Verification, Language::Italian),
        "(concesse: generalities, residence)",
    );
    ends(
        &text(Clause::Hours, Language::English),
        "(hours: mon, tue 08:00-18:00)",
    );
    ends(
        &text(Clause::NotExpired, Language::Italian),
        "(fino al 2026-03-01)",
    );
    ends(&text(Clause::Begun, Language::English), "(from 2026-03-02)");
    ends(&text(Clause::History, Language::English), "(from 2010-01-01)");
    ends(
        &text(Clause::ReferenceDate, Language::Italian),
        "(fino al 2026-03-02)",
    );
    ends(&text(Clause::CaseForm, Language::English), "(form year-number)");
    ends(
        &text(Clause::Network, Language::Italian),
        "(la chiamata proviene da 198.51.100.1; ammesse: 192.0.2.0/24)",
    );
    ends(
        &text(Clause::Certificate, Language::English),
        &format!("(used {})", "02".repeat(32)),
    );
    ends(
        &text(Clause::Fields, Language::English),
        "(not granted: parents; granted: surname, given_name, birth_date, residence, household, death)",
    );
    ends(
        &text(Clause::DayQuota, Language::Italian),
        "(1000 per convenzione, fino a 2026-03-02T23:00:00Z)",
    );
    ends(
        &text(Clause::MinuteQuota, Language::English),
        "(60 per agreement, until 2026-03-02T10:01:00Z)",
    );
    for (clause, case, _) in denials() {
        for language in [Language::English, Language::Italian] {
            let text = case.decide().unwrap_err().text(language);
            let starts = match language {
                Language::English => clause.reason().english(),
                Language::Italian => clause.reason().italian(),
            };
            assert!(text.starts_with(starts), "{text}");
            for secret in ["m.rossi", "ufficio1", "PC-12", "2026/123", "PG-123", "CONS-1"] {
                assert!(!text.contains(secret), "{clause}: {text}");
            }
        }
    }
    let operator = case_text(|case| case.usage.operator = used(6, 0, 0));
    ends(&operator, "(6 per operatore, fino a 2026-03-02T10:01:00Z)");
    let purpose = case_text(|case| case.usage.purpose = used(30, 0, 0));
    ends(&purpose, "(30 per finalità, fino a 2026-03-02T10:01:00Z)");
}

fn case_text(change: fn(&mut Case)) -> String {
    Case::with(change).decide().unwrap_err().text(Language::Italian)
}
