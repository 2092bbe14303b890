//! Reports of imports, for the registrar: what was taken, what was set aside, and what to do about it.
//!
//! A report is `<id>.json`, which commands read, and the same for people beside it, `<id>.txt` and `<id>.csv`. It holds
//! lines, columns and rules and nothing that stands in the export, except the name of the file.

mod text;

use std::io;
use std::sync::Arc;

use registry::export::HeaderFault;
use serde::{Deserialize, Serialize};
use store::files::{Files, read_whole, replace};

use crate::exports::{Cancellations, ExportId};
use crate::findings::Findings;
use crate::import::ImportReport;

/// Version of the JSON form.
const VERSION: u32 = 1;

const JSON: &str = ".json";

/// Names of the other two forms.
const FOR_PEOPLE: [&str; 2] = [".txt", ".csv"];

/// What became of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// Version of this form.
    pub version: u32,
    /// Name of export and report.
    pub id: ExportId,
    /// ISTAT code of the municipality.
    pub municipality: String,
    /// When it was received, day and time in Italy.
    pub received: String,
    /// Day on which it was made.
    pub day: String,
    /// Name of the file, where it has one of plain letters.
    pub file: Option<String>,
    /// SHA-256 of the content, hexadecimal.
    pub sha256: String,
    /// What became of it.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// What was found, by rule, errors first.
    pub rules: Vec<RuleCount>,
    /// Each finding, in the order of the file, as far as they are listed.
    pub findings: Vec<ListedFinding>,
    /// Findings beyond those that are listed.
    pub unlisted: u64,
}

/// What became of an export.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "kebab-case")]
pub enum Verdict {
    /// It was imported.
    Imported(ReportCounts),
    /// It waits for a person.
    Waiting {
        /// Why.
        cancellations: Cancellations,
    },
    /// A person discarded it.
    Discarded {
        /// Why it waited.
        cancellations: Cancellations,
    },
    /// It cannot be read as an export at all.
    Rejected {
        /// Why.
        reasons: Vec<Reason>,
    },
}

/// A text in both languages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// Italian.
    pub italian: String,
    /// English.
    pub english: String,
}

/// What an import did.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReportCounts {
    /// Rows after the header.
    pub rows: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// Cards as they were.
    pub unchanged: u64,
    /// New cards.
    pub created: u64,
    /// Cards with a new version.
    pub updated: u64,
    /// Cards withdrawn.
    pub removed: u64,
    /// Operations annulled.
    pub annulled: u64,
    /// Cards not named and not withdrawn.
    pub removals_withheld: u64,
    /// Cards whose term of publication is over.
    pub beyond_term: u64,
    /// Cards outside the publication profile.
    #[serde(default)]
    pub outside_profile: u64,
}

/// A rule with what was found under it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleCount {
    /// Code of the rule.
    pub code: String,
    /// `E` sets the row aside, `W` does not.
    pub severity: char,
    /// The column, when it is one.
    pub column: Option<String>,
    /// How often.
    pub count: u64,
    /// What is wrong, Italian.
    pub italian: String,
    /// What to do about it, Italian.
    pub remedy: String,
    /// What is wrong, English.
    pub english: String,
}

/// One finding.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListedFinding {
    /// Line of the file, the header being line 1.
    pub line: u64,
    /// The column, when it is one.
    pub column: Option<String>,
    /// Code of the rule.
    pub code: String,
}

/// A report in the list of reports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReportLine {
    /// Name of the report.
    pub id: ExportId,
    /// When the export was received, day and time in Italy.
    pub received: String,
    /// What became of it.
    pub verdict: &'static str,
    /// Rows after the header, of an import.
    pub rows: Option<u64>,
    /// Rows set aside, of an import.
    pub quarantined: Option<u64>,
}

/// The directory of reports.
#[derive(Clone, Debug)]
pub struct Reports {
    files: Arc<dyn Files>,
}

/// Why a report cannot be written or read.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The directory of reports.
    #[error("the report cannot be written or read")]
    Io(#[from] io::Error),
    /// It is not one of this version.
    #[error("the report is damaged, or of a later version")]
    Form(#[source] serde_json::Error),
    /// There is none of that id.
    #[error("there is no report of that id")]
    Unknown,
}

impl Report {
    /// A report without findings.
    pub(crate) fn new(id: ExportId, municipality: String, received: String, verdict: Verdict) -> Self {
        Self {
            version: VERSION,
            id,
            municipality,
            received,
            day: String::new(),
            file: None,
            sha256: String::new(),
            verdict,
            rules: Vec::new(),
            findings: Vec::new(),
            unlisted: 0,
        }
    }

    /// The report with what was found.
    #[must_use]
    pub(crate) fn with_findings(mut self, findings: &Findings) -> Self {
        self.rules = findings
            .iter()
            .map(|found| RuleCount {
                code: found.code.to_owned(),
                severity: found.severity,
                column: found.column.map(str::to_owned),
                count: found.count,
                italian: found.italian.to_owned(),
                remedy: found.remedy.to_owned(),
                english: found.english.to_owned(),
            })
            .collect();
        self.findings = findings
            .each()
            .iter()
            .map(|found| ListedFinding {
                line: found.line,
                column: found.column.map(str::to_owned),
                code: found.rule.code.to_owned(),
            })
            .collect();
        let all: u64 = self.rules.iter().map(|rule| rule.count).sum();
        self.unlisted = all.saturating_sub(self.findings.len() as u64);
        self
    }

    /// The report for people to read, Italian.
    pub fn text(&self) -> String {
        text::report(self)
    }

    /// Each finding as a row of CSV with `;`, Italian.
    pub fn csv(&self) -> String {
        text::rows(self)
    }

    /// The rule of a finding, as this report states it.
    pub fn rule_of(&self, finding: &ListedFinding) -> Option<&RuleCount> {
        self.rules
            .iter()
            .find(|rule| rule.code == finding.code && rule.column == finding.column)
    }

    fn line(&self) -> ReportLine {
        let counts = match &self.verdict {
            Verdict::Imported(counts) => Some(counts),
            Verdict::Waiting { .. } | Verdict::Discarded { .. } | Verdict::Rejected { .. } => None,
        };
        ReportLine {
            id: self.id.clone(),
            received: self.received.clone(),
            verdict: self.verdict.name(),
            rows: counts.map(|counts| counts.rows),
            quarantined: counts.map(|counts| counts.quarantined),
        }
    }
}

impl Verdict {
    /// The name in JSON.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Imported(_) => "imported",
            Self::Waiting { .. } => "waiting",
            Self::Discarded { .. } => "discarded",
            Self::Rejected { .. } => "rejected",
        }
    }
}

impl ReportCounts {
    /// The counts of an import.
    pub(crate) fn of(report: &ImportReport) -> Self {
        let ImportReport {
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
            journal_end: _,
            findings: _,
        } = report;
        Self {
            rows: *rows,
            quarantined: *quarantined,
            unchanged: *unchanged,
            created: *created,
            updated: *updated,
            removed: *removed,
            annulled: *annulled,
            removals_withheld: *removals_withheld,
            beyond_term: *beyond_term,
            outside_profile: *outside_profile,
        }
    }
}

impl Reason {
    /// The content is not the one whose hash its sender stated.
    pub(crate) fn other_content() -> Self {
        Self {
            italian: "il contenuto non ha l'impronta SHA-256 dichiarata".to_owned(),
            english: "the content has not the SHA-256 hash that its sender stated".to_owned(),
        }
    }

    /// A reason of the header.
    pub(crate) fn of_header(fault: &HeaderFault) -> Self {
        let italian = match fault {
            HeaderFault::Empty => "il file è vuoto".to_owned(),
            HeaderFault::Encoding(encoding) => format!("l'intestazione non è un testo in {encoding}"),
            HeaderFault::Utf8Mark(encoding) => {
                format!("il file è in UTF-8 e non in {encoding}: comincia con il segno di UTF-8")
            }
            HeaderFault::Unreadable => "la prima riga non è un'intestazione".to_owned(),
            HeaderFault::Separator { found, expected } => {
                format!("i campi sono separati da {found:?} e non da {expected:?}")
            }
            HeaderFault::Missing(column) => format!("manca la colonna {column}"),
            HeaderFault::Double(column) => format!("la colonna {column} è presente due volte"),
            HeaderFault::Unknown { position } => {
                format!("la colonna numero {position} non è nel tracciato")
            }
        };
        Self {
            italian,
            english: fault.to_string(),
        }
    }
}

impl Reports {
    /// The reports of a directory.
    pub fn new(files: Arc<dyn Files>) -> Self {
        Self { files }
    }

    /// Writes a report, in place of an earlier one of the same export.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub fn save(&self, report: &Report) -> Result<(), ReportError> {
        let json = serde_json::to_vec_pretty(report).map_err(ReportError::Form)?;
        let id = &report.id;
        let [text, csv] = FOR_PEOPLE.map(|form| format!("{id}{form}"));
        replace(self.files.as_ref(), &text, report.text().as_bytes())?;
        replace(self.files.as_ref(), &csv, report.csv().as_bytes())?;
        Ok(replace(self.files.as_ref(), &format!("{id}{JSON}"), &json)?)
    }

    /// Every report, newest first.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub fn list(&self) -> Result<Vec<ReportLine>, ReportError> {
        let mut lines = Vec::new();
        for id in self.ids()?.iter().rev() {
            lines.push(self.get(id)?.line());
        }
        Ok(lines)
    }

    /// The report of an export.
    ///
    /// # Errors
    /// See [`ReportError`].
    pub fn get(&self, id: &ExportId) -> Result<Report, ReportError> {
        let json = read_whole(self.files.as_ref(), &format!("{id}{JSON}"))?.ok_or(ReportError::Unknown)?;
        serde_json::from_slice(&json).map_err(ReportError::Form)
    }

    /// Keeps the newest `count` reports and removes the others. Returns how many.
    ///
    /// # Errors
    /// [`ReportError::Io`].
    pub fn keep_newest(&self, count: usize) -> Result<usize, ReportError> {
        let ids = self.ids()?;
        let old = ids.len().saturating_sub(count);
        for id in ids.iter().take(old) {
            for form in [JSON].iter().chain(&FOR_PEOPLE) {
                match self.files.remove(&format!("{id}{form}")) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error.into()),
                    Ok(()) | Err(_) => {}
                }
            }
        }
        Ok(old)
    }

    /// Ids of all reports, oldest first.
    fn ids(&self) -> Result<Vec<ExportId>, ReportError> {
        let names = self.files.list()?;
        let ids = names.iter().filter_map(|name| name.strip_suffix(JSON));
        Ok(ids.filter_map(|id| ExportId::parse(id).ok()).collect())
    }
}

#[cfg(test)]
mod tests;
