//! What a report says to the person, in Italian or English: one document, of which text and PDF are forms.

use agreement::field::Field;
use agreement::moment::Moment;
use chrono::DateTime;
use ledger::report::{
    ReportLine, ReportScope, ReportStatement, ReportSubject, SubjectReport, SubjectUse, UseKind,
};
use registry::municipality::MunicipalityId;

use crate::language::Language;

/// A piece of the document.
#[derive(Clone, PartialEq, Eq)]
pub enum Block {
    /// The title.
    Title(String),
    /// A heading.
    Heading(String),
    /// A paragraph.
    Paragraph(String),
    /// What something is called, and what it is.
    Fact(String, String),
    /// Text to be kept line by line.
    Verbatim(String),
}

/// The report as a document.
pub fn document(report: &SubjectReport, statement: &ReportStatement, language: Language) -> Vec<Block> {
    let pick = |italian: &str, english: &str| language.pick(italian, english).to_owned();
    let mut blocks = vec![Block::Title(pick(
        "Accessi ai dati anagrafici della persona (art. 15 del regolamento UE 2016/679)",
        "Accesses to the person's registry data (article 15 of Regulation EU 2016/679)",
    ))];
    blocks.extend(heads(statement, language));
    // The same words, of the same length, in every report.
    blocks.push(Block::Paragraph(pick(
        "Gli accessi la cui comunicazione è limitata dalla legge non sono elencati, che ve ne siano o no.",
        "Accesses of which the law restricts the disclosure are not listed, whether there are any or not.",
    )));
    if let ReportScope::Municipality(_) = statement.scope {
        blocks.push(Block::Paragraph(pick(
            "Sono elencati solo gli accessi alle schede di questo comune; di quelli alle schede della persona in altri \
             comuni risponde la regione.",
            "Only accesses to cards of this municipality are listed; the region answers for those to the person's cards \
             in other municipalities.",
        )));
    }
    blocks.push(Block::Paragraph(pick(
        "Trascorso il termine di conservazione di una convenzione le parti riservate delle sue voci sono distrutte, e chi \
         vi è nominato non può più essere indicato.",
        "At the end of the retention term of an agreement the sealed parts of its entries are destroyed, and whom they \
         name can no longer be told.",
    )));
    for (number, proved) in (1..).zip(&report.lines) {
        access(&mut blocks, number, &proved.line, language);
    }
    blocks.extend(legend(language));
    blocks.extend(evidence(report, language));
    blocks
}

fn heads(statement: &ReportStatement, language: Language) -> Vec<Block> {
    let fact = |italian: &str, english: &str, value: String| {
        Block::Fact(language.pick(italian, english).to_owned(), value)
    };
    let subject = match &statement.subject {
        ReportSubject::TaxCode(code) => format!("codice fiscale {}", code.as_str()),
        ReportSubject::NationalId(id) => format!("idANPR {}", id.as_str()),
        ReportSubject::Card {
            municipality,
            local_id,
        } => language.pick(
            format!(
                "scheda {} del comune {}",
                local_id.as_str(),
                municipality.as_str()
            ),
            format!(
                "card {} of municipality {}",
                local_id.as_str(),
                municipality.as_str()
            ),
        ),
    };
    let scope = match &statement.scope {
        ReportScope::Region => language.pick("tutta la regione", "the whole region").to_owned(),
        ReportScope::Municipality(id) => name_of(id.as_str()),
    };
    let from = statement.from_ms.map(in_rome);
    let from = from.map(|at| language.pick(format!("dal {at}"), format!("from {at}")));
    let until = statement.until_ms.map(in_rome);
    let until = until.map(|at| language.pick(format!("fino al {at} escluso"), format!("before {at}")));
    let period = match (from, until) {
        (None, None) => language.pick("tutto", "everything").to_owned(),
        (from, until) => [from, until].into_iter().flatten().collect::<Vec<_>>().join(", "),
    };
    vec![
        fact("Richiesta", "Request", statement.request.as_str().to_owned()),
        fact("Persona", "Person", subject),
        fact("Ambito", "Scope", scope),
        fact("Periodo", "Period", period),
        fact(
            "Registro degli accessi",
            "Access log",
            statement.origin.to_string(),
        ),
        fact(
            "Voci considerate",
            "Entries considered",
            format!("{} <= n < {}", statement.first.0, statement.last.0),
        ),
        fact("Accessi elencati", "Accesses listed", statement.lines.to_string()),
    ]
}

fn access(blocks: &mut Vec<Block>, number: usize, line: &ReportLine, language: Language) {
    let ReportLine {
        index,
        leaf: _,
        time_ms,
        agency,
        agreement,
        title,
        purpose,
        purpose_text,
        service,
        uses,
    } = line;
    blocks.push(Block::Heading(format!("{number}. {}", in_rome(*time_ms))));
    let mut fact = |italian: &str, english: &str, value: String| {
        blocks.push(Block::Fact(language.pick(italian, english).to_owned(), value));
    };
    let with_words = |id: &str, words: &str| match words {
        "" => id.to_owned(),
        words => format!("{words} ({id})"),
    };
    fact("Ente", "Body", agency.clone());
    fact("Convenzione", "Agreement", with_words(agreement, title));
    fact("Finalità", "Purpose", with_words(purpose, purpose_text));
    fact("Servizio", "Service", service_words(service, language));
    for SubjectUse {
        municipality,
        kind,
        fields,
    } in uses
    {
        let fields: Vec<&str> = fields.iter().map(|field| field_words(field, language)).collect();
        let what = match fields.as_slice() {
            [] => kind_words(*kind, language).to_owned(),
            fields => format!("{}: {}", kind_words(*kind, language), fields.join(", ")),
        };
        fact("Dati", "Data", format!("{}, {what}", name_of(municipality)));
    }
    fact("Voce del registro", "Entry of the log", index.to_string());
}

/// What each kind of use means, also of those of which there is none.
fn legend(language: Language) -> Vec<Block> {
    let mut blocks = vec![Block::Heading(
        language.pick("Che cosa vuol dire", "What it means").to_owned(),
    )];
    blocks.extend(UseKind::ALL.map(|kind| {
        let meaning = match kind {
            UseKind::Shown => language.pick(
                "l'ente ha ricevuto i dati indicati.",
                "the body received the data named.",
            ),
            UseKind::Compared => language.pick(
                "i dati indicati sono stati confrontati o consultati per dare un esito; l'ente ha ricevuto solo l'esito.",
                "the data named were compared or looked at for an outcome; the body received the outcome alone.",
            ),
            UseKind::Withheld => language.pick(
                "la persona rispondeva alla richiesta, ma all'ente non è stato mostrato nulla, come se non esistesse.",
                "the person answered the question, but nothing was shown to the body, as if there were no such person.",
            ),
            UseKind::Counted => language.pick(
                "la persona era tra quelle, troppe per essere mostrate, che rispondevano alla richiesta; l'ente ha saputo \
                 solo che erano troppe.",
                "the person was among those, too many to be shown, who answered the question; the body was told that they \
                 were too many and no more.",
            ),
        };
        Block::Fact(kind_words(kind, language).to_owned(), meaning.to_owned())
    }));
    blocks
}

fn evidence(report: &SubjectReport, language: Language) -> Vec<Block> {
    vec![
        Block::Heading(language.pick("Prove", "Evidence").to_owned()),
        Block::Paragraph(
            language
                .pick(
                    "Con la chiave pubblica del registro \"ponte audit subject-verify\" prova, sul file JSON di questo \
                     riscontro e senza rete, che nulla è stato tolto, aggiunto o alterato, e che ogni accesso elencato è \
                     una voce del registro. Che nulla sia stato omesso alla formazione lo prova solo il revisore \
                     regionale, formando di nuovo il riscontro sulle stesse voci: l'impronta deve essere la stessa.",
                    "With the public key of the log \"ponte audit subject-verify\" proves, from the JSON file of this \
                     report and without a network, that nothing was removed, added or altered, and that each access \
                     listed is an entry of the log. That nothing was left out when it was made only the regional auditor \
                     can prove, by making the report again over the same entries: the digest must be the same.",
                )
                .to_owned(),
        ),
        Block::Verbatim(report.note.clone()),
        Block::Verbatim(report.first_checkpoint.clone()),
        Block::Verbatim(report.last_checkpoint.clone()),
    ]
}

/// Day and time in Italy.
fn in_rome(ms: u64) -> String {
    let at = i64::try_from(ms).ok().and_then(DateTime::from_timestamp_millis);
    let Some(at) = at else {
        return ms.to_string();
    };
    let moment = Moment::new(at);
    format!("{} {}", moment.date(), moment.time().format("%H:%M:%S"))
}

fn name_of(municipality: &str) -> String {
    let known = MunicipalityId::parse(municipality).and_then(MunicipalityId::latest);
    known.map_or_else(|| municipality.to_owned(), |known| known.name().to_owned())
}

fn kind_words(kind: UseKind, language: Language) -> &'static str {
    match kind {
        UseKind::Shown => language.pick("mostrati", "shown"),
        UseKind::Compared => language.pick("confrontati", "compared"),
        UseKind::Withheld => language.pick("non mostrati", "withheld"),
        UseKind::Counted => language.pick("contati", "counted"),
    }
}

fn service_words(service: &str, language: Language) -> String {
    let words = match service.rsplit_once('/').map_or(service, |(_, method)| method) {
        "LookupPerson" => language.pick("consultazione di una persona", "lookup of a person"),
        "LookupHousehold" => language.pick("consultazione di una famiglia", "lookup of a household"),
        "LookupAddressResidents" => language.pick("residenti a un indirizzo", "residents of an address"),
        "SearchPersons" => language.pick("ricerca di persone", "search for persons"),
        "VerifyDeclaration" => {
            language.pick("verifica di una dichiarazione", "verification of a declaration")
        }
        "BatchLookupPersons" => language.pick("riga di un elenco di persone", "row of a list of persons"),
        "BatchVerify" => language.pick(
            "riga di un elenco di dichiarazioni",
            "row of a list of declarations",
        ),
        other => other,
    };
    words.to_owned()
}

fn field_words(name: &str, language: Language) -> &str {
    let Ok(field) = Field::from_name(name) else {
        return name;
    };
    match field {
        Field::Surname => language.pick("cognome", "surname"),
        Field::GivenName => language.pick("nome", "given name"),
        Field::Sex => language.pick("sesso", "sex"),
        Field::BirthDate => language.pick("data di nascita", "birth date"),
        Field::BirthPlace => language.pick("luogo di nascita", "birth place"),
        Field::TaxCode => "codice fiscale",
        Field::TaxCodeHistory => language.pick("codici fiscali precedenti", "earlier codici fiscali"),
        Field::NationalId => "idANPR",
        Field::CivilStatus => language.pick("stato civile", "civil status"),
        Field::Citizenships => language.pick("cittadinanza", "citizenship"),
        Field::Parents => language.pick("genitori", "parents"),
        Field::Residence => language.pick("residenza", "residence"),
        Field::ResidenceHistory => language.pick("residenze precedenti", "earlier residences"),
        Field::Household => language.pick("famiglia", "household"),
        Field::IdentityDocument => language.pick("carta d'identità", "identity card"),
        Field::Registration => language.pick("iscrizione", "registration"),
        Field::Cancellation => language.pick("cancellazione", "cancellation"),
        Field::Death => language.pick("morte", "death"),
        Field::ProcedureOpen => language.pick("procedimento in corso", "open procedure"),
    }
}

/// What is said is about a person: debugging output does not carry it.
impl std::fmt::Debug for Block {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Title(_) => "Title(..)",
            Self::Heading(_) => "Heading(..)",
            Self::Paragraph(_) => "Paragraph(..)",
            Self::Fact(..) => "Fact(..)",
            Self::Verbatim(_) => "Verbatim(..)",
        })
    }
}
