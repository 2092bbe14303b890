//! Reports in words, for those who mend what is wrong.

use std::fmt::Write as _;

use super::{Report, ReportCounts, RuleCount, Verdict};

/// Lines named for each rule in the text; the CSV has all.
const NAMED_LINES: usize = 20;

pub(super) fn report(report: &Report) -> String {
    let Report {
        version: _,
        id,
        municipality,
        received,
        day,
        file,
        sha256,
        verdict,
        rules,
        findings: _,
        unlisted,
    } = report;
    let mut page = format!("RAPPORTO DI IMPORTAZIONE {id}\n\n");
    let mut line = |name: &str, value: &str| {
        let _ = writeln!(page, "{name:<22}{value}");
    };
    line("Comune (ISTAT)", municipality);
    line("Ricevuto", received);
    line("Estrazione del", day);
    if let Some(file) = file {
        line("File", file);
    }
    line("Impronta SHA-256", sha256);
    page.push('\n');
    page.push_str(&outcome(verdict));
    if rules.is_empty() {
        return page;
    }
    page.push_str("\nSEGNALAZIONI\n");
    for severity in ['E', 'W'] {
        let of_severity: Vec<&RuleCount> = rules.iter().filter(|rule| rule.severity == severity).collect();
        if of_severity.is_empty() {
            continue;
        }
        page.push_str(match severity {
            'E' => "\nErrori: la riga non è stata acquisita, la scheda resta com'era.\n",
            _ => "\nAvvisi: la riga è stata acquisita.\n",
        });
        for rule in of_severity {
            page.push_str(&found(report, rule));
        }
    }
    if 0 < *unlisted {
        let _ = writeln!(
            page,
            "\nAltre {unlisted} segnalazioni non sono elencate una per una: correggere queste e ripetere l'estrazione."
        );
    }
    page
}

/// One row for each finding.
pub(super) fn rows(report: &Report) -> String {
    let mut page = "riga;colonna;codice;gravita;descrizione;rimedio\r\n".to_owned();
    for finding in &report.findings {
        let Some(rule) = report.rule_of(finding) else {
            continue;
        };
        let column = finding.column.as_deref().unwrap_or_default();
        let _ = write!(
            page,
            "{};{column};{};{};{};{}\r\n",
            finding.line,
            rule.code,
            rule.severity,
            quoted(&rule.italian),
            quoted(&rule.remedy)
        );
    }
    page
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

fn outcome(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Imported(counts) => imported(counts),
        Verdict::Waiting { cancellations } => format!(
            "ESITO: IN ATTESA DI CONFERMA. Nulla è stato acquisito.\n\
             L'estrazione cancellerebbe {} schede su {}: {} risultano cancellate o decedute, {} non sono nel file.\n\
             Il limite è {}. Verificare che l'estrazione sia completa, poi usare\n\
             ponte node confirm per acquisirla o ponte node discard per scartarla.\n",
            cancellations.total(),
            cancellations.cards,
            cancellations.cancelled,
            cancellations.missing,
            cancellations.admitted
        ),
        Verdict::Discarded { cancellations } => format!(
            "ESITO: SCARTATA da un operatore. Nulla è stato acquisito.\n\
             L'estrazione avrebbe cancellato {} schede su {}.\n",
            cancellations.total(),
            cancellations.cards
        ),
        Verdict::Rejected { reasons } => {
            let mut text =
                "ESITO: RIFIUTATA. Il file non è un'estrazione leggibile, nulla è stato acquisito.\n"
                    .to_owned();
            for reason in reasons {
                let _ = writeln!(text, "- {}", reason.italian);
            }
            text.push_str("Il tracciato è in config/export-layout.md.\n");
            text
        }
    }
}

fn imported(counts: &ReportCounts) -> String {
    let ReportCounts {
        rows,
        quarantined,
        unchanged,
        created,
        updated,
        removed,
        annulled,
        removals_withheld,
        beyond_term,
        outside_profile,
    } = counts;
    let mut text = "ESITO: ACQUISITA\n".to_owned();
    for (name, count) in [
        ("Righe", rows),
        ("Righe non acquisite", quarantined),
        ("Schede invariate", unchanged),
        ("Schede nuove", created),
        ("Schede modificate", updated),
        ("Schede ritirate", removed),
        ("Operazioni annullate", annulled),
        ("Schede oltre termine", beyond_term),
    ] {
        let _ = writeln!(text, "{name:<22}{count}");
    }
    if 0 < *outside_profile {
        let _ = writeln!(text, "{:<22}{outside_profile}", "Schede fuori profilo");
    }
    if 0 < *removals_withheld {
        let _ = writeln!(
            text,
            "{removals_withheld} schede non sono nel file e NON sono state ritirate, perché una riga non si può attribuire a \
             nessuna scheda."
        );
    }
    text
}

fn found(report: &Report, rule: &RuleCount) -> String {
    let RuleCount {
        code,
        severity,
        column,
        count,
        italian,
        remedy,
        english: _,
    } = rule;
    let mut lines = report
        .findings
        .iter()
        .filter(|finding| finding.code == *code && finding.column == *column)
        .map(|finding| finding.line.to_string());
    let named: Vec<String> = lines.by_ref().take(NAMED_LINES).collect();
    let more = if (named.len() as u64) < *count {
        ", …"
    } else {
        ""
    };
    let column = column
        .as_ref()
        .map_or_else(String::new, |column| format!(", colonna {column}"));
    format!(
        "\n{code}/{severity}{column}: {italian}\n  Rimedio: {remedy}\n  {count} volte, righe {}{more}\n",
        named.join(", ")
    )
}
