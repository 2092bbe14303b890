//! The report as a page for people.

use std::fmt::Write as _;

use crate::datum::Datum;
use crate::language::Language;
use crate::output::visible;

/// Titles of the sections, by their names in the data.
const TITLES: &[(&str, &str, &str)] = &[
    ("month", "Mese", "Month"),
    ("reader", "Redatta da", "Made by"),
    ("purpose", "Finalità", "Purpose"),
    ("reference", "Pratica", "Case"),
    ("accesses", "Accessi", "Accesses"),
    ("refused", "di cui rifiutati", "of them refused"),
    ("by_outcome", "Per esito", "By outcome"),
    ("by_agency", "Per ente", "By agency"),
    ("by_purpose", "Per finalità", "By purpose"),
    ("by_service", "Per servizio", "By service"),
    ("by_hour", "Per ora (Europe/Rome)", "By hour (Europe/Rome)"),
    ("by_operator", "Per operatore", "By operator"),
    (
        "with_reserved_purposes",
        "Totali di 30 giorni terminati nel mese, finalità riservate comprese",
        "Totals of 30 days that ended in the month, reserved purposes included",
    ),
    ("alerts", "Segnalazioni", "Alerts"),
    ("samples", "Campioni da giustificare", "Samples to be justified"),
    ("origin", "Registro degli accessi", "Access log"),
    ("entries_of_the_log", "Voci del registro", "Entries of the log"),
    ("checkpoint", "Checkpoint firmato", "Signed checkpoint"),
];

/// The page.
pub(super) fn report(body: &Datum, digest: &str, language: Language) -> String {
    let mut page = String::new();
    line(
        &mut page,
        language.pick("RELAZIONE MENSILE SUGLI ACCESSI", "MONTHLY REPORT ON ACCESSES"),
    );
    if let Datum::Record(fields) = body {
        for (name, value) in fields {
            section(&mut page, title(name, language), value);
        }
    }
    line(&mut page, "");
    let words = language.pick(
        "SHA-256 dei dati della relazione (--output json)",
        "SHA-256 of the data of the report (--output json)",
    );
    line(&mut page, &format!("{words}: {digest}"));
    page
}

fn title(name: &str, language: Language) -> &str {
    let known = TITLES.iter().find(|(known, ..)| *known == name);
    known.map_or(name, |(_, italian, english)| language.pick(*italian, *english))
}

fn section(page: &mut String, title: &str, value: &Datum) {
    match value {
        Datum::List(rows) => {
            line(page, "");
            line(page, &format!("{title}:"));
            for row in rows {
                let values: Vec<String> = row.leaves().into_iter().map(|(_, value)| value).collect();
                line(page, &format!("  {}", values.join("  ")));
            }
        }
        Datum::Text(text) if text.contains('\n') => {
            line(page, "");
            line(page, &format!("{title}:"));
            text.lines().for_each(|text| line(page, &format!("  {text}")));
        }
        other => {
            for (_, value) in other.leaves() {
                line(page, &format!("{title}: {value}"));
            }
        }
    }
}

fn line(page: &mut String, text: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(page, "{}", visible(text));
}
