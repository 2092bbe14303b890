//! The report of the accesses to one person, for that person (GDPR article 15, *riscontro all'interessato*).
//!
//! Nothing in it depends on accesses for reserved purposes: they are passed over before a line is counted, made or
//! signed, and the range ends at a size of the log, which exists whether they are in it or not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use agreement::document::AgreementDocument;
use agreement::reason::Reason;
use ledger::hash::Hash;
use ledger::header::EntryKind;
use ledger::part::{MunicipalityId as LogMunicipality, PartKind};
use ledger::report::{
    ProvedLine, ReportLine, ReportScope, ReportStatement, ReportSubject, SubjectReport, SubjectUse, UseKind,
    digest,
};
use registry::municipality::MunicipalityId;
use store::access_log::Slot;
use store::access_log::draft::Sealed;
use store::access_log::part_content::{CriteriaPart, SubjectRole};
use store::access_log::reading::{OpenedPart, ReadError, ReaderScope};
use store::access_log::subject::{SubjectAccess, SubjectError};
use store::record_store::RecordStore;
use store::record_store::trail::{Identified, SubjectKey, TrailScope};
use tonic::Status;
use wire::convert::{Invalid, ReportedPerson, Rule, SubjectInquiry, report_message};
use wire::proto::audit::v1 as pb;
use wire::status::{Details, invalid_argument, status_for};

use crate::audit::{Reader, proof_error, read_error, unreadable};
use crate::entry::told;
use crate::shared::{Shared, log_failure};

/// Lines of one report at most: with their proofs they fit into one answer.
pub(super) const MOST_LINES: usize = 2_000;

/// A reader with whose cards its report may tell of: made only by [`Reporter::of`].
#[derive(Debug)]
pub(super) struct Reporter {
    reader: Reader,
    cards: TrailScope,
    scope: ReportScope,
}

/// A question that was checked against its reader's scope.
#[derive(Debug)]
pub(super) struct Question {
    key: SubjectKey,
    subject: ReportSubject,
    inquiry: SubjectInquiry,
}

/// A report before its own entry, whose receipt it lacks.
struct Compiled {
    statement: ReportStatement,
    note: String,
    first_checkpoint: String,
    last_checkpoint: String,
    consistency: Vec<Hash>,
    lines: Vec<ProvedLine>,
}

/// Why there is no report: a reason that is entered, or a failure.
enum Refusal {
    Told(Reason),
    Failed(Box<Status>),
}

impl Reporter {
    /// Regional auditors report on everybody, municipal ones on what the cards of their own municipality let be seen;
    /// the supervisor of an agency on nobody.
    pub(super) fn of(reader: Reader, own: Option<MunicipalityId>) -> Result<Self, Status> {
        let outside = || status_for(Reason::OutsideScope, Details::none());
        let (cards, scope) = match (&reader.scope, own) {
            (ReaderScope::Region, _) => (TrailScope::Region, ReportScope::Region),
            (ReaderScope::Municipality(_), Some(own)) => {
                let id = LogMunicipality::new(own.as_str()).map_err(|_| outside())?;
                let cards = own.lineage().into_iter().collect();
                (TrailScope::Municipalities(cards), ReportScope::Municipality(id))
            }
            (ReaderScope::Municipality(_), None) | (ReaderScope::Agency(_) | ReaderScope::Index, _) => {
                return Err(outside());
            }
        };
        Ok(Self { reader, cards, scope })
    }

    /// Checks that the question lies within the scope.
    pub(super) fn question(&self, inquiry: SubjectInquiry) -> Result<Question, Status> {
        let key = match &inquiry.person {
            ReportedPerson::TaxCode(code) => SubjectKey::TaxCode(*code),
            ReportedPerson::NationalId(id) => SubjectKey::NationalId(*id),
            ReportedPerson::Card(istat, local_id) => {
                let municipality = MunicipalityId::of_any(*istat).ok_or_else(|| {
                    invalid_argument(&Invalid::new("card.municipality", Rule::UnknownMunicipality))
                })?;
                let within = match &self.cards {
                    TrailScope::Region => true,
                    TrailScope::Municipalities(own) => own.contains(&municipality),
                };
                if !within {
                    return Err(status_for(Reason::OutsideScope, Details::none()));
                }
                SubjectKey::Card(municipality, local_id.clone())
            }
        };
        let subject = inquiry
            .person
            .subject()
            .map_err(|_| invalid_argument(&Invalid::new("subject", Rule::Character)))?;
        Ok(Question {
            key,
            subject,
            inquiry,
        })
    }
}

impl Question {
    fn criterion(&self) -> (String, String) {
        let (name, value) = match &self.key {
            SubjectKey::TaxCode(code) => ("tax_code", code.as_str().to_owned()),
            SubjectKey::NationalId(id) => ("national_id", id.as_str().to_owned()),
            SubjectKey::Card(municipality, local_id) => {
                ("card", format!("{} {}", municipality.as_str(), local_id.as_str()))
            }
        };
        (name.to_owned(), value)
    }
}

impl<S: RecordStore> Shared<S> {
    /// Makes the report, enters that it was made, and gives it out with the receipt of that entry. A report that cannot
    /// be made for a reason is entered with it.
    pub(super) async fn report(
        self: Arc<Self>,
        slot: Slot,
        reporter: Reporter,
        question: Question,
    ) -> Result<pb::ReportSubjectResponse, Status> {
        let size = self.log.checkpoint().checkpoint.size;
        let end = question.inquiry.tree_size.unwrap_or(size);
        if size < end {
            return Err(status_for(Reason::LogRange, Details::none()));
        }
        let shared = Arc::clone(&self);
        let compiling = tokio::task::spawn_blocking(move || {
            let compiled = shared.compile(&reporter, &question, end);
            (reporter, question, compiled)
        });
        let (reporter, question, compiled) = compiling
            .await
            .map_err(|_| status_for(Reason::Internal, Details::none()))?;
        let mut details = vec![("request".to_owned(), question.inquiry.request.as_str().to_owned())];
        let criteria = CriteriaPart {
            criteria: vec![question.criterion()],
        };
        let compiled = match compiled {
            Ok(compiled) => {
                let statement = &compiled.statement;
                details.extend([
                    ("from".to_owned(), statement.first.0.to_string()),
                    ("to".to_owned(), statement.last.0.to_string()),
                    ("lines".to_owned(), statement.lines.to_string()),
                    ("digest".to_owned(), statement.digest.to_string()),
                ]);
                Ok(compiled)
            }
            Err(Refusal::Failed(status)) => return Err(*status),
            Err(Refusal::Told(reason)) => Err(reason),
        };
        let mut draft = self
            .reading_draft(&reporter.reader, EntryKind::SubjectReport, details)?
            .with(PartKind::Criteria, &criteria)
            .map_err(|error| unreadable(&error))?;
        if let Err(reason) = &compiled {
            draft.header.outcome = told(*reason);
        }
        let (compiled, committed) = self
            .log
            .commit(slot, Sealed::new(compiled, draft))
            .await
            .map_err(|error| log_failure(&error))?;
        match compiled {
            Ok(compiled) => Ok(report_message(
                self.log.origin(),
                compiled.with_receipt(committed.receipt()),
            )),
            Err(reason) => {
                let receipt = committed.short_receipt();
                let details = Details::none().with_receipt(self.log.origin().clone(), receipt);
                Err(status_for(reason, details))
            }
        }
    }

    /// Reads log and rows; blocks.
    fn compile(&self, reporter: &Reporter, question: &Question, end: u64) -> Result<Compiled, Refusal> {
        let Question {
            key,
            subject,
            inquiry,
        } = question;
        let identified = self.store.trail(key, &reporter.cards);
        let trail = match identified.map_err(|error| failed(unreadable(&error)))? {
            Identified::One(trail) => trail,
            Identified::Nobody => return Err(Refusal::Told(Reason::SubjectUnknown)),
            Identified::Several => return Err(Refusal::Told(Reason::SubjectAmbiguous)),
        };
        let log = &self.log;
        let bound = |time: Option<u64>, otherwise: u64| match time {
            None => Ok(otherwise),
            Some(time) => log
                .first_at(time)
                .map(|index| index.min(end))
                .map_err(|error| failed(read_error(&error))),
        };
        let last = bound(inquiry.until_ms, end)?;
        let first = bound(inquiry.from_ms, 0)?.min(last);
        let accesses = log
            .accesses_to(&trail, first..last, MOST_LINES)
            .map_err(|error| match error {
                SubjectError::TooMany => Refusal::Told(Reason::ReportTooLong),
                SubjectError::Read(error) => failed(read_error(&error)),
            })?;
        let words = self
            .words_of(&accesses)
            .map_err(|error| failed(read_error(&error)))?;
        let mut lines = Vec::with_capacity(accesses.len());
        for access in accesses {
            let path = log
                .inclusion_proof(access.index, last)
                .map_err(|error| failed(proof_error(&error)))?;
            let line = line(access, &words);
            lines.push(ProvedLine { line, path });
        }
        let head = |size| log.head_at(size).map_err(|error| failed(proof_error(&error)));
        let (first, last) = (head(first)?, head(last)?);
        let consistency = log
            .consistency_proof(first.checkpoint.size, last.checkpoint.size)
            .map_err(|error| failed(proof_error(&error)))?;
        let digest = digest(lines.iter().map(|proved| &proved.line));
        let statement = ReportStatement {
            origin: log.origin().clone(),
            scope: reporter.scope.clone(),
            request: inquiry.request.clone(),
            subject: subject.clone(),
            from_ms: inquiry.from_ms,
            until_ms: inquiry.until_ms,
            first: (first.checkpoint.size, first.checkpoint.root),
            last: (last.checkpoint.size, last.checkpoint.root),
            lines: lines.len() as u64,
            digest: digest.map_err(|error| failed(unreadable(&error)))?,
        };
        Ok(Compiled {
            note: log.sign_report(&statement),
            statement,
            first_checkpoint: first.text,
            last_checkpoint: last.text,
            consistency,
            lines,
        })
    }

    /// Titles and purposes of the versions of agreements under which accesses were made, in the words of the documents
    /// that the log keeps.
    fn words_of(&self, accesses: &[SubjectAccess]) -> Result<BTreeMap<Hash, Words>, ReadError> {
        let wanted: BTreeSet<Hash> = accesses
            .iter()
            .filter_map(|access| access.header.body.agreement_version)
            .collect();
        let mut words = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(words);
        }
        for index in self.log.governing_acts() {
            let Some(entry) = self.log.entry(&ReaderScope::Index, index)? else {
                continue;
            };
            let documents = entry.parts.iter().filter_map(|part| match part {
                OpenedPart::Shown(opening) if opening.kind == PartKind::AgreementBytes => {
                    AgreementDocument::parse(&opening.content).ok()
                }
                OpenedPart::Shown(_) | OpenedPart::Erased { .. } => None,
            });
            for agreement in documents {
                let version = Hash::new(agreement.hash().0);
                if wanted.contains(&version) {
                    let terms = agreement.terms();
                    let purposes = terms.purposes.iter();
                    words.insert(
                        version,
                        Words {
                            title: terms.title.clone(),
                            purposes: purposes
                                .map(|purpose| (purpose.id.as_str().to_owned(), purpose.text.clone()))
                                .collect(),
                        },
                    );
                }
            }
        }
        Ok(words)
    }
}

/// What a version of an agreement calls itself and its purposes.
#[derive(Default)]
struct Words {
    title: String,
    purposes: BTreeMap<String, String>,
}

impl Compiled {
    fn with_receipt(self, receipt: ledger::receipt::Receipt) -> SubjectReport {
        let Self {
            statement: _,
            note,
            first_checkpoint,
            last_checkpoint,
            consistency,
            lines,
        } = self;
        SubjectReport {
            note,
            first_checkpoint,
            last_checkpoint,
            consistency,
            lines,
            receipt,
        }
    }
}

/// What the person is told of an access: neither operator, workstation or case, nor certificate, address or request.
fn line(access: SubjectAccess, words: &BTreeMap<Hash, Words>) -> ReportLine {
    let SubjectAccess {
        index,
        leaf,
        header,
        uses,
    } = access;
    let body = header.body;
    let words = body.agreement_version.and_then(|version| words.get(&version));
    let purpose = body.purpose.unwrap_or_default();
    ReportLine {
        index,
        leaf,
        time_ms: header.time_ms,
        agency: body.peer.unwrap_or_default(),
        agreement: body.agreement.unwrap_or_default(),
        title: words.map(|words| words.title.clone()).unwrap_or_default(),
        purpose_text: words
            .and_then(|words| words.purposes.get(&purpose).cloned())
            .unwrap_or_default(),
        purpose,
        service: body.service.unwrap_or_default(),
        uses: uses
            .into_iter()
            .map(|(municipality, (role, fields))| SubjectUse {
                municipality,
                kind: kind_of(role),
                fields,
            })
            .collect(),
    }
}

fn kind_of(role: SubjectRole) -> UseKind {
    match role {
        SubjectRole::Shown => UseKind::Shown,
        SubjectRole::Compared => UseKind::Compared,
        SubjectRole::Withheld => UseKind::Withheld,
        SubjectRole::Counted => UseKind::Counted,
    }
}

fn failed(status: Status) -> Refusal {
    Refusal::Failed(Box::new(status))
}
