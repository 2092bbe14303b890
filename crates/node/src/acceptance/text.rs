//! The report as a page to print and sign.

use std::fmt::Write as _;

use super::{Acceptance, CountLine, LastImport, SampledAnswer, SampledCard, SampledView};

pub(super) fn page(acceptance: &Acceptance) -> String {
    let Acceptance {
        version: _,
        municipality,
        name,
        made,
        journal_end,
        counts,
        import,
        seed,
        left_out,
        samples,
    } = acceptance;
    let mut page = format!(
        "VERBALE DI COLLAUDO\nPubblicazione dell'anagrafe del comune di {name} ({municipality})\n\n\
         CONTIENE DATI PERSONALI: conservare e trasmettere come tale.\n\n\
         Redatto il {made}, sulle schede fino alla variazione n. {journal_end}.\n\n1. CONSISTENZE\n\n"
    );
    let _ = writeln!(page, "{:<64}{:>10}{:>12}  Esito", "", "Nodo", "Gestionale");
    for line in counts {
        page.push_str(&count(line));
    }
    let outcome = if acceptance.is_as_expected() {
        if counts.iter().any(|line| line.expected.is_some()) {
            "Tutte le consistenze dichiarate coincidono."
        } else {
            "Il gestionale non ha dichiarato consistenze: nessun confronto."
        }
    } else {
        "Alcune consistenze NON coincidono: vedere le righe segnate con DIVERSO."
    };
    let _ = writeln!(page, "\n{outcome}\n\n2. RIGHE NON ACQUISITE\n");
    page.push_str(&rejects(import.as_ref()));
    let _ = writeln!(
        page,
        "\n3. SCHEDE A CAMPIONE ({} schede, seme {seed})\n\n\
         Come le vedrebbe ciascuna convenzione, con la stessa regola del nodo centrale.\n\
         Schede escluse dal campione: {left_out}.",
        samples.len()
    );
    for card in samples {
        page.push_str(&sample(card));
    }
    page.push_str(
        "\n4. ESITO\n\n\
         [ ] Collaudo positivo    [ ] Collaudo con riserva    [ ] Collaudo negativo\n\n\
         Osservazioni:\n\n\n\
         Per il comune (nome, qualifica, firma): ______________________________________\n\n\
         Per la regione (nome, qualifica, firma): _____________________________________\n\n\
         Per il fornitore (nome, firma): ______________________________________________\n\n\
         Data: ____________________\n",
    );
    page
}

fn count(line: &CountLine) -> String {
    let expected = line
        .expected
        .map_or_else(|| "-".to_owned(), |expected| expected.to_string());
    let outcome = match line.expected {
        None => "",
        Some(expected) if expected == line.node => "uguale",
        Some(_) => "DIVERSO",
    };
    let CountLine {
        key: _,
        label,
        node,
        expected: _,
    } = line;
    format!("{label:<64}{node:>10}{expected:>12}  {outcome}")
        .trim_end()
        .to_owned()
        + "\n"
}

fn rejects(import: Option<&LastImport>) -> String {
    let Some(LastImport {
        report,
        day,
        rows,
        quarantined,
        rules,
    }) = import
    else {
        return "Nessuna estrazione è stata ancora acquisita.\n".to_owned();
    };
    let mut text = format!(
        "Ultima estrazione del {day} (rapporto {report}): {rows} righe, {quarantined} non acquisite.\n"
    );
    for rule in rules {
        let column = rule.column.as_deref().unwrap_or_default();
        let _ = writeln!(
            text,
            "{:>8}  {}/{} {column}: {}",
            rule.count, rule.code, rule.severity, rule.italian
        );
    }
    text
}

fn sample(card: &SampledCard) -> String {
    let SampledCard { local_id, views } = card;
    let mut text = format!("\nScheda {local_id}\n");
    for view in views {
        let SampledView {
            agreement,
            purpose,
            service,
            answer,
        } = view;
        let _ = writeln!(text, "  {agreement} / {purpose} / {service}");
        match answer {
            SampledAnswer::Denied { clause } => {
                let _ = writeln!(text, "    chiamata non ammessa ({clause})");
            }
            SampledAnswer::Hidden { clause } => {
                let _ = writeln!(text, "    come se non esistesse ({clause})");
            }
            SampledAnswer::Absent => {
                text.push_str("    nulla: come se non esistesse\n");
            }
            SampledAnswer::Compared { fields } => {
                let _ = writeln!(
                    text,
                    "    nessun dato: solo sì, no, non determinabile, su {}",
                    fields.join(", ")
                );
            }
            SampledAnswer::Shown {
                location_withheld,
                fields,
            } => {
                for field in fields {
                    let line = format!("    {:<20}{}", field.field, field.value);
                    let _ = writeln!(text, "{}", line.trim_end());
                }
                if *location_withheld {
                    text.push_str("    recapiti non mostrati\n");
                }
            }
        }
    }
    text
}
