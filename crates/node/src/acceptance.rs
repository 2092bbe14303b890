//! The acceptance report (*verbale di collaudo*): whether the node holds what the back office holds, and what agencies
//! would see of it.
//!
//! Counts stand beside those of the back office, rejects by rule beside them, and of some cards, chosen by a seed, what
//! each agreement would show. The rule is the index's own: [`decide`](agreement::decision::decide) and
//! [`Permit::person`](agreement::permit::Permit::person). The report holds personal data.

mod counts;
mod expected;
mod sample;
mod shown;
mod text;

use agreement::document::{AgreementDocument, DocumentError};
use agreement::moment::Moment;
use registry::identifier::IstatCode;
use registry::municipality::{MunicipalityId, current_by_istat};
use registry::record::Record;
use serde::{Deserialize, Serialize};
use store::municipal::{MunicipalError, MunicipalStore};

use crate::reports::{Report, ReportError, Reports, RuleCount, Verdict};

use self::counts::Counter;
use self::sample::{Sampler, Shelters};

pub use self::expected::{ExpectedCounts, ExpectedError};

/// Cards that a report can show at most.
pub const MOST_SAMPLES: usize = 100;

/// What the report is to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AcceptanceRequest {
    /// The back office's own counts, TOML as in `config/acceptance-counts.toml`.
    pub expected: Option<String>,
    /// Agreements, as their documents.
    pub agreements: Vec<String>,
    /// How many cards are shown, at most [`MOST_SAMPLES`].
    pub samples: usize,
    /// Which ones: the same seed shows the same cards.
    pub seed: u64,
}

/// The report.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acceptance {
    /// Version of this form.
    pub version: u32,
    /// ISTAT code of the municipality.
    pub municipality: String,
    /// Its name today.
    pub name: String,
    /// When the report was made, day and time in Italy.
    pub made: String,
    /// Last change of the journal, which the counts include.
    pub journal_end: u64,
    /// Counts, beside those of the back office.
    pub counts: Vec<CountLine>,
    /// The last import.
    pub import: Option<LastImport>,
    /// Seed of the sample.
    pub seed: u64,
    /// Cards that could not be chosen, whatever the reason: sealed, protected, or living with somebody who is.
    #[serde(default)]
    pub left_out: u64,
    /// Cards as agreements would show them.
    pub samples: Vec<SampledCard>,
}

/// One count.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CountLine {
    /// What is counted, by name.
    pub key: String,
    /// What is counted, Italian.
    pub label: String,
    /// What the node holds.
    pub node: u64,
    /// What the back office states.
    pub expected: Option<u64>,
}

/// The last import, with its rejects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastImport {
    /// Its report.
    pub report: String,
    /// Day on which the export was made.
    pub day: String,
    /// Rows of the export.
    pub rows: u64,
    /// Rows set aside.
    pub quarantined: u64,
    /// What was found, by rule, errors first.
    pub rules: Vec<RuleCount>,
}

/// A card, as each agreement would show it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledCard {
    /// The municipality's number of the card.
    pub local_id: String,
    /// What each agreement would show.
    pub views: Vec<SampledView>,
}

/// A card under one purpose and service of an agreement.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SampledView {
    /// The agreement.
    pub agreement: String,
    /// The purpose.
    pub purpose: String,
    /// The service, with its kind where it is a verification.
    pub service: String,
    /// What it would give.
    #[serde(flatten)]
    pub answer: SampledAnswer,
}

/// What an agency would be given.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case")]
pub enum SampledAnswer {
    /// The call is not granted at all.
    Denied {
        /// The clause.
        clause: String,
    },
    /// The person is not shown.
    Hidden {
        /// The clause.
        clause: String,
    },
    /// The answer holds nothing of the person: not registered on the day, in no household, or in one that the agreement
    /// does not show.
    Absent,
    /// These fields.
    Shown {
        /// Whether fields that lead to the place are withheld.
        location_withheld: bool,
        /// The fields, with what stands in them.
        fields: Vec<ShownField>,
    },
    /// No datum, but whether a declaration of these is true.
    Compared {
        /// Names of the fields.
        fields: Vec<String>,
    },
}

/// A field that is shown.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShownField {
    /// Its name.
    pub field: String,
    /// What stands in it, in words.
    pub value: String,
}

/// Why no report is made.
#[derive(Debug, thiserror::Error)]
pub enum AcceptanceError {
    /// More cards than a report can show.
    #[error("samples: must be at most {MOST_SAMPLES}")]
    Samples,
    /// The back office's counts.
    #[error("the expected counts cannot be used")]
    Expected(#[from] ExpectedError),
    /// An agreement.
    #[error("agreement number {number} cannot be used")]
    Agreement {
        /// Its place among those given, from 1.
        number: usize,
        /// Why.
        source: DocumentError,
    },
    /// The mirror.
    #[error(transparent)]
    Store(#[from] MunicipalError),
    /// The reports of imports.
    #[error(transparent)]
    Report(#[from] ReportError),
}

impl Acceptance {
    /// Makes the report of a municipality's mirror.
    ///
    /// # Errors
    /// See [`AcceptanceError`].
    pub fn make(
        store: &MunicipalStore,
        reports: &Reports,
        municipality: IstatCode,
        request: &AcceptanceRequest,
        now: Moment,
    ) -> Result<Self, AcceptanceError> {
        let AcceptanceRequest {
            expected,
            agreements,
            samples,
            seed,
        } = request;
        if MOST_SAMPLES < *samples {
            return Err(AcceptanceError::Samples);
        }
        let expected = expected.as_deref().map(ExpectedCounts::parse).transpose()?;
        let agreements = (1..)
            .zip(agreements)
            .map(|(number, document)| {
                AgreementDocument::parse(document.as_bytes())
                    .map_err(|source| AcceptanceError::Agreement { number, source })
            })
            .collect::<Result<Vec<_>, _>>()?;
        let mut counter = Counter::new(now.date());
        let mut shelters = Shelters::default();
        let mut sampler = Sampler::new(*seed, *samples);
        store.every_card(&mut |card: Record| {
            counter.count(&card);
            shelters.note(&card, now.date());
        })?;
        // Only now is it known where protected persons live.
        let mut left_out = 0;
        store.every_card(&mut |card: Record| {
            if shelters.keep_out(&card, now.date()) {
                left_out += 1;
            } else {
                sampler.offer(card);
            }
        })?;
        let identity = MunicipalityId::of_any(municipality);
        let samples = sampler
            .into_cards()
            .iter()
            .map(|card| SampledCard {
                local_id: card.local_id.to_string(),
                views: agreements
                    .iter()
                    .flat_map(|agreement| sample::views(agreement, card, &shelters, identity, now))
                    .collect(),
            })
            .collect();
        Ok(Self {
            version: 1,
            municipality: municipality.to_string(),
            name: current_by_istat(municipality).map_or_else(String::new, |found| found.name().to_owned()),
            made: format!("{} {}", now.date(), now.time().format("%H:%M")),
            journal_end: store.last_sequence(),
            counts: counter.lines(&expected.unwrap_or_default()),
            import: last_import(reports)?,
            seed: *seed,
            left_out,
            samples,
        })
    }

    /// Whether every count that the back office states is the node's.
    pub fn is_as_expected(&self) -> bool {
        self.counts.iter().all(|line| !line.differs())
    }

    /// The report to print and sign, Italian.
    pub fn text(&self) -> String {
        text::page(self)
    }
}

impl CountLine {
    /// Whether the back office states another count.
    pub fn differs(&self) -> bool {
        self.expected.is_some_and(|expected| expected != self.node)
    }
}

/// Personal: debugging output does not carry them.
macro_rules! hidden_debug {
    ($($name:ident),+) => {
        $(
            impl std::fmt::Debug for $name {
                fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    f.write_str(concat!(stringify!($name), "(..)"))
                }
            }
        )+
    };
}

hidden_debug!(SampledCard, SampledView, SampledAnswer, ShownField);

fn last_import(reports: &Reports) -> Result<Option<LastImport>, ReportError> {
    for line in reports.list()? {
        let Report {
            id,
            day,
            verdict,
            rules,
            ..
        } = reports.get(&line.id)?;
        if let Verdict::Imported(counts) = verdict {
            return Ok(Some(LastImport {
                report: id.to_string(),
                day,
                rows: counts.rows,
                quarantined: counts.quarantined,
                rules,
            }));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests;
