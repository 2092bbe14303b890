//! Who influenced an answer: collected while reading, and written into the sealed parts of its entry.

use std::collections::BTreeMap;

use agreement::field::{Field, FieldSet};
use agreement::permit::{HiddenClause, Permit};
use agreement::reason::Reason;
use chrono::Datelike;
use ledger::header::Outcome;
use ledger::part::{MunicipalityId as PartMunicipality, PartKind};
use registry::identifier::PersonId;
use registry::municipality::MunicipalityId;

use crate::access_log::draft::EntryDraft;
use crate::access_log::part_content::{ContentError, DecisionPart, Subject, SubjectRole, SubjectsPart};
use crate::keys::token::{TokenDomain, Tokenizer};
use crate::rows::CommitSequence;

/// Cards of which an entry says that they were withheld from a question about many persons; those behind them are not
/// named.
const MAX_WITHHELD_OF_MANY: usize = 64;

/// What a reading found out besides its answer.
#[derive(Debug)]
pub(crate) struct Findings {
    visible: CommitSequence,
    by_municipality: BTreeMap<MunicipalityId, Vec<Influence>>,
    hidden: Option<HiddenClause>,
    withheld_of_many: usize,
}

/// What the caller is told, whatever was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Told {
    /// Somebody is shown, or a declaration answered.
    Answer,
    /// Nobody: there is none, or none that the permit shows.
    Absence,
    /// More persons answer a search than it may show.
    TooMany,
    /// More residents have the address than may be shown.
    TooManyResidents,
}

impl Told {
    pub(crate) fn absence_if(nobody: bool) -> Self {
        if nobody { Self::Absence } else { Self::Answer }
    }
}

#[derive(Debug)]
struct Influence {
    person: PersonId,
    role: SubjectRole,
    fields: FieldSet,
}

impl Findings {
    pub(crate) fn new(visible: CommitSequence) -> Self {
        Self {
            visible,
            by_municipality: BTreeMap::new(),
            hidden: None,
            withheld_of_many: 0,
        }
    }

    /// The state of the store that was read.
    pub(crate) fn visible(&self) -> CommitSequence {
        self.visible
    }

    pub(crate) fn shown(&mut self, municipality: MunicipalityId, person: PersonId, fields: FieldSet) {
        self.note(
            municipality,
            Influence {
                person,
                role: SubjectRole::Shown,
                fields,
            },
        );
    }

    pub(crate) fn compared(&mut self, municipality: MunicipalityId, person: PersonId, fields: FieldSet) {
        self.note(
            municipality,
            Influence {
                person,
                role: SubjectRole::Compared,
                fields,
            },
        );
    }

    pub(crate) fn withheld(&mut self, municipality: MunicipalityId, person: PersonId, clause: HiddenClause) {
        self.hidden.get_or_insert(clause);
        self.note(
            municipality,
            Influence {
                person,
                role: SubjectRole::Withheld,
                fields: FieldSet::EMPTY,
            },
        );
    }

    /// As parent, of whom somebody else's card told.
    pub(crate) fn as_parent(&mut self, municipality: MunicipalityId, person: PersonId, role: SubjectRole) {
        self.note(
            municipality,
            Influence {
                person,
                role,
                fields: FieldSet::of(&[Field::Parents]),
            },
        );
    }

    /// Among those who were too many to be shown: that they are, whoever of them was counted told.
    pub(crate) fn counted(&mut self, municipality: MunicipalityId, person: PersonId) {
        self.note(
            municipality,
            Influence {
                person,
                role: SubjectRole::Counted,
                fields: FieldSet::EMPTY,
            },
        );
    }

    /// Withheld from a question about many persons, of whom only the first are named.
    pub(crate) fn withheld_of_many(
        &mut self,
        municipality: MunicipalityId,
        person: PersonId,
        clause: HiddenClause,
    ) {
        if self.withheld_of_many < MAX_WITHHELD_OF_MANY {
            self.withheld_of_many += 1;
            self.withheld(municipality, person, clause);
        }
    }

    /// Those of whom something would have been shown, as counted: of an answer that says how many there are and no more.
    pub(crate) fn counted_alone(self) -> Self {
        let mut counted = Self::new(self.visible);
        for (municipality, noted) in self.by_municipality {
            for influence in noted.iter().filter(|noted| noted.role != SubjectRole::Withheld) {
                counted.counted(municipality, influence.person);
            }
        }
        counted
    }

    fn note(&mut self, municipality: MunicipalityId, influence: Influence) {
        let noted = self.by_municipality.entry(municipality).or_default();
        match noted.iter_mut().find(|noted| noted.person == influence.person) {
            Some(known) => {
                known.role = known.role.stronger(influence.role);
                known.fields = known.fields.union(influence.fields);
            }
            None => noted.push(influence),
        }
    }

    /// Writes decision and subjects into the entry.
    pub(crate) fn enter(
        self,
        permit: &Permit,
        tokens: &Tokenizer,
        told: Told,
        mut draft: EntryDraft,
    ) -> Result<EntryDraft, ContentError> {
        draft.header.outcome = match told {
            Told::Answer => Outcome {
                code: 0,
                reason: String::new(),
            },
            Told::Absence => refused(Reason::NotFound),
            Told::TooMany => refused(Reason::TooManyFound),
            Told::TooManyResidents => refused(Reason::TooManyResidents),
        };
        let shown = self
            .by_municipality
            .values()
            .flatten()
            .any(|noted| matches!(noted.role, SubjectRole::Shown | SubjectRole::Compared));
        let outcome = match (told, shown, self.hidden) {
            (Told::TooMany | Told::TooManyResidents, ..) => "TOO_MANY",
            (Told::Answer | Told::Absence, true, _) => "SHOWN",
            (Told::Answer | Told::Absence, false, Some(_)) => "NOT_VISIBLE",
            (Told::Answer | Told::Absence, false, None) => "ABSENT",
        };
        let mut facts = vec![
            ("reference_date".to_owned(), permit.reference_date().to_string()),
            ("read_at".to_owned(), self.visible.0.to_string()),
        ];
        facts.extend(
            permit
                .known_on()
                .map(|instant| ("known_on".to_owned(), instant.to_rfc3339())),
        );
        let decision = DecisionPart {
            outcome: outcome.to_owned(),
            clause: self.hidden.map(|clause| clause.name().to_owned()),
            facts,
            ..DecisionPart::default()
        }
        .secluded(permit.seclusion());
        draft = draft
            .with(PartKind::Decision, &decision)?
            .having_read(self.visible.0);
        let year = u16::try_from(permit.today().year()).unwrap_or_default();
        for (municipality, noted) in self.by_municipality {
            let domain = TokenDomain::Pseudonym {
                municipality: municipality.as_str(),
                year,
            };
            let count = u32::try_from(noted.len()).unwrap_or(u32::MAX);
            let subjects = noted
                .into_iter()
                .map(|Influence { person, role, fields }| Subject {
                    pseudonym: tokens.token(domain, person.0.as_bytes()),
                    role,
                    fields: fields.names().map(str::to_owned).collect(),
                })
                .collect();
            let kind = PartMunicipality::new(municipality.as_str()).map_err(|_| ContentError::Value)?;
            draft = draft.with(PartKind::Subjects(kind), &SubjectsPart { subjects, count })?;
        }
        Ok(draft)
    }
}

fn refused(reason: Reason) -> Outcome {
    Outcome {
        code: u16::try_from(reason.grpc().number()).unwrap_or(u16::MAX),
        reason: reason.name().to_owned(),
    }
}
