//! Who was answered with what is no longer trusted.

use std::collections::BTreeSet;

use registry::identifier::PersonId;
use registry::municipality::MunicipalityId;

use crate::access_log::part_content::{DecisionPart, SubjectsPart};
use crate::keys::token::{TokenDomain, Tokenizer};
use crate::publisher::held::Quarantine;
use crate::record_store::ReadError;
use crate::record_store::read::Reader;
use crate::rows::CommitSequence;

/// The persons behind a quarantine, as entries of the access log name them.
#[derive(Debug)]
pub struct Suspects {
    municipality: MunicipalityId,
    persons: BTreeSet<PersonId>,
    pseudonyms: Tokenizer,
    /// The first change that is not trusted.
    first: CommitSequence,
    /// The quarantine's own first change: from then on the versions were not served.
    until: CommitSequence,
}

impl Suspects {
    /// How many subjects of an entry were read while a version in quarantine was served; `year` is that of the
    /// entry in Rome. Zero when it has nothing to do with the quarantine.
    pub fn among(&self, decision: &DecisionPart, subjects: &SubjectsPart, year: u16) -> u32 {
        let read_at = decision.facts.iter().find(|(name, _)| name == "read_at");
        let read_at = read_at.and_then(|(_, value)| value.parse().ok().map(CommitSequence));
        // An entry that does not say what it read is counted: better one too many than one too few.
        if read_at.is_some_and(|at| at < self.first || self.until <= at) {
            return 0;
        }
        let domain = TokenDomain::Pseudonym {
            municipality: self.municipality.as_str(),
            year,
        };
        let named: BTreeSet<_> = self
            .persons
            .iter()
            .map(|person| *self.pseudonyms.token(domain, person.0.as_bytes()).as_bytes())
            .collect();
        let concerned = subjects
            .subjects
            .iter()
            .filter(|subject| named.contains(subject.pseudonym.as_bytes()));
        u32::try_from(concerned.count()).unwrap_or(u32::MAX)
    }
}

impl Reader {
    /// The persons behind a quarantine: those of the versions in it, and those of the versions before it.
    pub(super) fn suspects(
        &self,
        municipality: MunicipalityId,
        quarantine: &Quarantine,
    ) -> Result<Suspects, ReadError> {
        let before = self.projection.visible_at(quarantine.from_ms.saturating_sub(1))?;
        let last = CommitSequence(quarantine.id.0.saturating_sub(1));
        let mut persons = BTreeSet::new();
        for &record in &quarantine.concerned {
            for at in [before, last] {
                let version = self.projection.version_at(record, at)?;
                persons.extend(version.map(|version| version.person));
            }
        }
        Ok(Suspects {
            municipality,
            persons,
            pseudonyms: self.pseudonyms.clone(),
            first: CommitSequence(before.0 + 1),
            until: quarantine.id,
        })
    }
}
