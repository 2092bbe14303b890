use registry::export::{ExportContext, ExportForm};
use store::files::faulty::FaultyFiles;

use crate::check::check;
use crate::fixture::{day, export, imola, no_files};

use super::*;

fn reports() -> (Reports, Arc<FaultyFiles>) {
    let files = no_files();
    (Reports::new(Arc::<FaultyFiles>::clone(&files)), files)
}

fn id(last: &str) -> ExportId {
    ExportId::parse(&format!("20250110-120000000-{last}")).unwrap()
}

fn report(id: ExportId, verdict: Verdict) -> Report {
    Report {
        day: "2025-01-10".to_owned(),
        file: Some("anagrafe.csv".to_owned()),
        sha256: "ab".repeat(32),
        ..Report::new(id, "037032".to_owned(), "2025-01-10 12:00:00".to_owned(), verdict)
    }
}

const COUNTS: ReportCounts = ReportCounts {
    rows: 3,
    quarantined: 2,
    unchanged: 0,
    created: 1,
    updated: 0,
    removed: 0,
    annulled: 0,
    removals_withheld: 0,
    beyond_term: 0,
    outside_profile: 0,
};

fn with_findings() -> Report {
    let text = export(&[
        ("1", &[]),
        ("2", &[("sesso", "X")]),
        ("3", &[("sesso", "Y"), ("cittadinanze", "")]),
    ]);
    let context = ExportContext {
        municipality: imola(),
        reference_date: day("2025-01-10"),
    };
    let checked = check(text.as_bytes(), context, &ExportForm::default()).unwrap();
    report(id("00000a"), Verdict::Imported(COUNTS)).with_findings(&checked.findings)
}

#[test]
fn a_registrar_reads_what_became_of_the_export_and_what_to_do() {
    let page = with_findings().text();
    let expect = "\
RAPPORTO DI IMPORTAZIONE 20250110-120000000-00000a

Comune (ISTAT)        037032
Ricevuto              2025-01-10 12:00:00
Estrazione del        2025-01-10
File                  anagrafe.csv
Impronta SHA-256      abababababababababababababababababababababababababababababababab

ESITO: ACQUISITA
Righe                 3
Righe non acquisite   2
Schede invariate      0
Schede nuove          1
Schede modificate     0
Schede ritirate       0
Operazioni annullate  0
Schede oltre termine  0

SEGNALAZIONI

Errori: la riga non è stata acquisita, la scheda resta com'era.

PN011/E, colonna sesso: Il valore non è tra quelli ammessi
  Rimedio: Usare uno dei valori ammessi indicati nel tracciato
  2 volte, righe 3, 4
";
    let shared: String = page.chars().take(expect.chars().count()).collect();
    assert_eq!(shared, expect);
}

#[test]
fn the_rows_for_a_spreadsheet_name_line_column_rule_and_remedy() {
    let csv = with_findings().csv();
    let lines: Vec<&str> = csv.lines().collect();
    assert_eq!(lines[0], "riga;colonna;codice;gravita;descrizione;rimedio");
    let expect = "3;sesso;PN011;E;\"Il valore non è tra quelli ammessi\";\
                  \"Usare uno dei valori ammessi indicati nel tracciato\"";
    assert!(lines.contains(&expect), "{csv}");
}

#[test]
fn no_value_of_the_export_stands_in_any_form() {
    let (reports, files) = reports();
    reports.save(&with_findings()).unwrap();
    for name in files.list().unwrap() {
        let text = String::from_utf8(files.content(&name).unwrap()).unwrap();
        for word in ["Rossi", "Anna", "Emilia"] {
            assert!(!text.contains(word), "{word} in {name}");
        }
    }
}

#[test]
fn reports_are_listed_newest_first_and_read_by_their_id() {
    let (reports, _) = reports();
    let cancellations = Cancellations {
        cards: 1000,
        cancelled: 1,
        missing: 60,
        admitted: 50,
        journal_end: 1000,
    };
    reports.save(&with_findings()).unwrap();
    reports
        .save(&report(id("00000b"), Verdict::Waiting { cancellations }))
        .unwrap();
    let listed = reports.list().unwrap();
    let shown: Vec<_> = listed
        .iter()
        .map(|line| (line.id.as_str(), line.verdict, line.quarantined))
        .collect();
    assert_eq!(
        shown,
        [
            ("20250110-120000000-00000b", "waiting", None),
            ("20250110-120000000-00000a", "imported", Some(2))
        ]
    );
    assert_eq!(reports.get(&id("00000a")).unwrap(), with_findings());
    assert!(matches!(reports.get(&id("00000c")), Err(ReportError::Unknown)));
    let text = reports.get(&id("00000b")).unwrap().text();
    assert!(
        text.contains("IN ATTESA DI CONFERMA") && text.contains("61 schede su 1000"),
        "{text}"
    );
}

#[test]
fn the_newest_reports_are_kept() {
    let (reports, files) = reports();
    for last in ["00000a", "00000b", "00000c"] {
        reports
            .save(&report(id(last), Verdict::Imported(COUNTS)))
            .unwrap();
    }
    assert_eq!(reports.keep_newest(2).unwrap(), 1);
    assert_eq!(reports.keep_newest(2).unwrap(), 0);
    let left: Vec<_> = reports.list().unwrap().into_iter().map(|line| line.id).collect();
    assert_eq!(left, [id("00000c"), id("00000b")]);
    assert_eq!(files.list().unwrap().len(), 6);
}

/// Version 1 as it was written: it must be read for ever.
#[test]
fn the_first_version_is_still_read() {
    let (reports, files) = reports();
    let written = r#"{
      "version": 1, "id": "20250110-120000000-00000a", "municipality": "037032",
      "received": "2025-01-10 12:00:00", "day": "2025-01-10", "file": null, "sha256": "00",
      "verdict": "rejected", "reasons": [{"italian": "il file è vuoto", "english": "the file is empty"}],
      "rules": [{"code": "EN081", "severity": "E", "column": "nome", "count": 2, "italian": "Campo", "remedy": "R",
                 "english": "field"}],
      "findings": [{"line": 2, "column": "nome", "code": "EN081"}], "unlisted": 1
    }"#;
    files.set_content("20250110-120000000-00000a.json", written.as_bytes().to_vec());
    let read = reports.get(&id("00000a")).unwrap();
    assert_eq!(read.rules[0].count, 2);
    assert!(read.text().contains("- il file è vuoto"));
    assert!(read.text().contains("Altre 1 segnalazioni"));
}
