//! Reading under a permit: every candidate passes [`Permit::view`], and what is hidden leaves as absent.
//!
//! One value of `visible` is taken at the start of a reading, so that all its rows are of one moment: the present one,
//! or that of the last change recorded at the instant as of which a caller asks what was known.

use std::sync::{Arc, PoisonError};

use agreement::claim::Claim;
use agreement::field::{Field, FieldSet};
use agreement::permit::{HiddenClause, Permit, View};
use agreement::service::Service;
use agreement::subject::{Consent, Identity, SubjectFacts};
use agreement::verification::{self, VerificationFacts};
use agreement::view::household::VisibleCard;
use registry::identifier::{PersonId, RecordId};
use registry::linking::{GeneralitiesKey, RegionKey};
use registry::municipality::MunicipalityId;
use registry::record::Record;

use crate::access_log::draft::{EntryDraft, Sealed};
use crate::keys::KeyName;
use crate::keys::ring::{KeyRing, RingError};
use crate::keys::token::Tokenizer;
use crate::projection::{Card, Projection, ProjectionError};
use crate::publication_journal::ruling::Restored;
use crate::publisher::States;
use crate::record_store::ReadError;
use crate::record_store::answer::{
    CodeStanding, PersonAnswer, PersonCard, Question, Source, VerificationOutcome, VersionStanding,
};
use crate::record_store::handle::HandleKeys;
use crate::record_store::household::{household_on, shelters};
use crate::record_store::open::named_secret;
use crate::record_store::subjects::{Findings, Told};
use crate::rows::CommitSequence;

/// Reads rows for agencies.
#[derive(Debug)]
pub(crate) struct Reader {
    pub(super) projection: Arc<Projection>,
    states: States,
    pub(super) handles: HandleKeys,
    pub(super) pseudonyms: Tokenizer,
    pub(super) region: RegionKey,
}

/// A candidate with what the permit says of it.
pub(super) struct Seen {
    pub(super) id: RecordId,
    pub(super) person: PersonId,
    pub(super) municipality: MunicipalityId,
    pub(super) facts: SubjectFacts,
    pub(super) record: Record,
    pub(super) version: VersionStanding,
    pub(super) view: View,
}

impl Reader {
    pub(crate) fn new(
        projection: Arc<Projection>,
        states: States,
        keys: &KeyRing,
        handles: HandleKeys,
    ) -> Result<Self, RingError> {
        let name = KeyName::new("log/pseudonyms").expect("the name lies within the alphabet of key names");
        let pseudonyms = Tokenizer::new(&keys.get_or_create(&name)?.key);
        Ok(Self {
            projection,
            states,
            handles,
            pseudonyms,
            region: RegionKey::new(&named_secret(keys, "store/region")?),
        })
    }

    /// The cards of a person.
    pub(crate) fn person(
        &self,
        permit: &Permit,
        question: &Question,
        draft: EntryDraft,
    ) -> Result<Sealed<PersonAnswer>, ReadError> {
        check_service(permit, Service::LookupPerson)?;
        let mut findings = Findings::new(self.snapshot(permit)?);
        let mut cards = Vec::new();
        for seen in self.candidates(permit, question, &findings)? {
            match seen.view {
                View::Hidden(clause) => findings.withheld(seen.municipality, seen.person, clause),
                View::Visible(fields) => {
                    findings.shown(
                        seen.municipality,
                        seen.person,
                        fields.intersection(permit.fields()),
                    );
                    let card = self.person_card(permit, code_standing(question, &seen.record), &seen, fields);
                    self.note_parents(permit, &seen.record, &card.view, &mut findings)?;
                    cards.push(card);
                }
            }
        }
        let draft = findings.enter(
            permit,
            &self.pseudonyms,
            Told::absence_if(cards.is_empty()),
            draft,
        )?;
        Ok(Sealed::new(PersonAnswer { cards }, draft))
    }

    pub(super) fn person_card(
        &self,
        permit: &Permit,
        standing: CodeStanding,
        seen: &Seen,
        fields: FieldSet,
    ) -> PersonCard {
        let agreement = permit.agreement_id();
        let view = permit.person_with(&seen.record, fields);
        let household = view
            .household
            .as_ref()
            .and_then(agreement::view::person::Fact::held)
            .map(|link| {
                let token = self
                    .projection
                    .household_token(seen.municipality, link.household.as_str());
                self.handles.household(agreement, &token)
            });
        PersonCard {
            handle: self.handles.person(agreement, seen.person),
            household,
            standing,
            source: source_of(seen.municipality, view.fields),
            version: seen.version,
            view,
        }
    }

    /// The answer to a declaration.
    pub(crate) fn verify(
        &self,
        permit: &Permit,
        question: &Question,
        claim: &Claim,
        draft: EntryDraft,
    ) -> Result<Sealed<VerificationOutcome>, ReadError> {
        check_service(permit, Service::VerifyDeclaration)?;
        let mut findings = Findings::new(self.snapshot(permit)?);
        let mut answers = Vec::new();
        let mut version = VersionStanding::Latest;
        for seen in self.candidates(permit, question, &findings)? {
            let fields = match seen.view {
                View::Hidden(clause) => {
                    findings.withheld(seen.municipality, seen.person, clause);
                    continue;
                }
                View::Visible(fields) => fields.intersection(permit.fields()),
            };
            let household = match (claim, household_on(&seen, permit)) {
                (Claim::FamilyStatus(_), Some(household)) if fields.contains(Field::Household) => {
                    let mut members = self.members(permit, seen.municipality, &household, &findings)?;
                    members.retain(|member| household_on(member, permit).as_ref() == Some(&household));
                    members
                }
                _ => Vec::new(),
            };
            if household.iter().any(shelters) {
                // As for the household itself: an answer about the others would tell where the protected one lives.
                findings.withheld(seen.municipality, seen.person, HiddenClause::Protected);
                continue;
            }
            findings.compared(seen.municipality, seen.person, fields);
            self.note_compared_parents(permit, claim, &seen, fields, &mut findings)?;
            version = version.max(seen.version);
            let mut cards = Vec::with_capacity(household.len());
            for member in &household {
                match member.view {
                    View::Hidden(clause) => findings.withheld(member.municipality, member.person, clause),
                    View::Visible(visible) => {
                        let visible = visible.intersection(permit.fields());
                        findings.compared(member.municipality, member.person, visible);
                        version = version.max(member.version);
                        cards.push(VisibleCard {
                            record: &member.record,
                            visible,
                        });
                    }
                }
            }
            let subject = VisibleCard {
                record: &seen.record,
                visible: fields,
            };
            let facts = VerificationFacts {
                subject,
                household: &cards,
            };
            answers.push(verification::verify(&facts, claim, permit.reference_date()));
        }
        let answer = verification::combine(answers);
        let draft = findings.enter(
            permit,
            &self.pseudonyms,
            Told::absence_if(answer.is_none()),
            draft,
        )?;
        Ok(Sealed::new(VerificationOutcome { answer, version }, draft))
    }

    /// The state that a permit reads: the present one, what was known at an instant, or what the call saw that it repeats.
    pub(super) fn snapshot(&self, permit: &Permit) -> Result<CommitSequence, ProjectionError> {
        match (permit.repeats(), permit.known_on()) {
            // An index that came back from a backup may hold less than the first call read.
            (Some(first), _) => Ok(CommitSequence(first).min(self.projection.visible())),
            (None, None) => Ok(self.projection.visible()),
            (None, Some(instant)) => {
                let ms = u64::try_from(instant.timestamp_millis()).unwrap_or_default();
                self.projection.visible_at(ms)
            }
        }
    }

    /// The version of a card that a permit reads. Of what was known earlier, the one before a quarantine stands for
    /// those in it; at present that is already so in the rows.
    pub(super) fn version(
        &self,
        permit: &Permit,
        record: RecordId,
        visible: CommitSequence,
    ) -> Result<Option<Card>, ProjectionError> {
        let card = self.projection.card_at(record, visible)?;
        if !permit.reads_the_past() {
            return Ok(card);
        }
        let Some(card) = card else { return Ok(None) };
        let bearer = card.record.as_ref().map(|record| record.municipality);
        let Some(municipality) = bearer.and_then(MunicipalityId::of_any) else {
            return Ok(Some(card));
        };
        let quarantines = {
            let states = self.states.read().unwrap_or_else(PoisonError::into_inner);
            let state = states.get(&municipality);
            state.map_or_else(Vec::new, |state| state.holdings.quarantines().to_vec())
        };
        let mut card = Some(card);
        for quarantine in quarantines.iter().rev() {
            let Some(version) = card.take() else { break };
            let before = self.projection.visible_at(quarantine.from_ms.saturating_sub(1))?;
            let last = self.projection.visible_at(quarantine.to_ms)?;
            let sent = self.projection.sent_at(version.id, version.sequence)?;
            let suspect = before < sent && sent <= last;
            card = if suspect {
                let earlier = self.projection.card_at(version.id, before)?;
                earlier.map(|earlier| Card {
                    restored: Restored::Yes,
                    ..earlier
                })
            } else {
                Some(version)
            };
        }
        // Nor is an identity shown that was sealed since.
        if let Some(shown) = &card
            && let Some(version) = self.projection.version_at(record, shown.sequence)?
            && self.projection.shows_buried(record, &version)?
        {
            return Ok(None);
        }
        Ok(card)
    }

    /// Every card of the person asked for, whichever of them the identifier leads to, in the order in which the person
    /// was registered.
    pub(super) fn candidates(
        &self,
        permit: &Permit,
        question: &Question,
        findings: &Findings,
    ) -> Result<Vec<Seen>, ProjectionError> {
        let visible = findings.visible();
        let mut records = match question {
            Question::TaxCode(code) => {
                let code = self.projection.tax_code(code.as_str());
                self.projection.cards_of(code, visible)?
            }
            Question::NationalId(id) => {
                let id = self.projection.national_id(id.as_str());
                self.projection.cards_of(id, visible)?
            }
            Question::Found(person) => self.projection.cards_of_person(*person, visible)?,
            Question::Generalities(key) => {
                let generalities = self.projection.generalities(key);
                self.projection.cards_of(generalities, visible)?
            }
        };
        let led = records.len();
        let mut persons: Vec<PersonId> = Vec::new();
        let mut cards: Vec<Card> = Vec::new();
        let mut next = 0;
        while let Some(&record) = records.get(next) {
            next += 1;
            let Some(card) = self.version(permit, record, visible)? else {
                continue;
            };
            if next <= led && !answers_to(question, &card) {
                continue;
            }
            if !persons.contains(&card.person) {
                persons.push(card.person);
                for other in self.projection.cards_of_person(card.person, visible)? {
                    if !records.contains(&other) {
                        records.push(other);
                    }
                }
            }
            cards.push(card);
        }
        // By entry, and where that is the same or not known, by id: no order of arrival can be read from an answer.
        cards.sort_by_key(|card| {
            (
                card.record.as_ref().and_then(|card| card.registration.effective),
                card.id,
            )
        });
        self.look(permit, cards, visible)
    }

    /// What the permit says of cards. Those of one look are of one question: where one of them tells that the person's
    /// whereabouts are protected, all of them lead there. Of what was known earlier only that is shown which may still
    /// be: what was withdrawn since is gone, and today's protection holds for the past.
    pub(super) fn look(
        &self,
        permit: &Permit,
        cards: impl IntoIterator<Item = Card>,
        visible: CommitSequence,
    ) -> Result<Vec<Seen>, ProjectionError> {
        let mut seen = Vec::new();
        for card in cards {
            let present = if permit.reads_the_past() {
                let Some(present) = self.present(permit, card.id)? else {
                    continue;
                };
                Some(present)
            } else {
                None
            };
            let Some(record) = card.record else { continue };
            let Some(mut facts) = self.facts_of(permit, card.person, &record, visible)? else {
                continue;
            };
            if let Some(present) = present {
                facts.location = facts.location.max(present.location);
            }
            let version = match card.restored {
                Restored::No => VersionStanding::Latest,
                Restored::Yes => VersionStanding::Restored,
            };
            seen.push((card.id, card.person, facts, present, record, version));
        }
        let strictest = seen.iter().map(|(_, _, facts, ..)| facts.location).max();
        let look = |(id, person, facts, present, record, version): (
            _,
            _,
            SubjectFacts,
            Option<SubjectFacts>,
            _,
            _,
        )| {
            let location = strictest.unwrap_or(facts.location);
            let facts = SubjectFacts { location, ..facts };
            let present = present.map(|present| SubjectFacts { location, ..present });
            let view = match (permit.view(&facts), present.map(|present| permit.view(&present))) {
                (View::Hidden(clause), _) | (_, Some(View::Hidden(clause))) => View::Hidden(clause),
                (View::Visible(then), Some(View::Visible(now))) => View::Visible(then.intersection(now)),
                (View::Visible(fields), None) => View::Visible(fields),
            };
            Seen {
                id,
                person,
                municipality: facts.municipality,
                facts,
                record,
                version,
                view,
            }
        };
        Ok(seen.into_iter().map(look).collect())
    }

    /// What is true of a card today, for a permit that asks what was known earlier; `None` where it is gone.
    fn present(&self, permit: &Permit, id: RecordId) -> Result<Option<SubjectFacts>, ProjectionError> {
        let visible = self.projection.visible();
        match self.projection.card_at(id, visible)? {
            Some(Card {
                person,
                record: Some(record),
                ..
            }) => self.facts_of(permit, person, &record, visible),
            Some(_) | None => Ok(None),
        }
    }

    fn facts_of(
        &self,
        permit: &Permit,
        person: PersonId,
        record: &Record,
        visible: CommitSequence,
    ) -> Result<Option<SubjectFacts>, ProjectionError> {
        let Some(municipality) = MunicipalityId::of_any(record.municipality) else {
            return Ok(None);
        };
        let date = permit.reference_date();
        let facts = SubjectFacts::of(record, municipality, date, Identity::Open, Consent::Given);
        let location = self.location_of(permit, person, record, visible)?;
        Ok(Some(SubjectFacts { location, ..facts }))
    }
}

/// A permit opens the service for which it was granted and no other.
pub(super) fn check_service(permit: &Permit, service: Service) -> Result<(), ReadError> {
    if permit.service() == service {
        Ok(())
    } else {
        Err(ReadError::Service)
    }
}

/// Whether the card bears the identifier that led to it: of a version that is not trusted, the earlier one that is
/// shown in its place may not.
fn answers_to(question: &Question, card: &Card) -> bool {
    card.record.as_ref().is_some_and(|record| match question {
        Question::TaxCode(code) => record.tax_codes.iter().any(|entry| entry.code == *code),
        Question::NationalId(id) => record.national_id.as_ref() == Some(id),
        Question::Found(person) => card.person == *person,
        Question::Generalities(key) => GeneralitiesKey::of(&record.generalities).as_ref() == Some(key),
    })
}

pub(super) fn code_standing(question: &Question, record: &Record) -> CodeStanding {
    match question {
        Question::TaxCode(code) if record.current_tax_code() != Some(code) => CodeStanding::Superseded,
        Question::TaxCode(_) | Question::NationalId(_) | Question::Found(_) | Question::Generalities(_) => {
            CodeStanding::Current
        }
    }
}

pub(super) fn source_of(municipality: MunicipalityId, fields: FieldSet) -> Source {
    if fields.intersection(FieldSet::NAMING).is_empty() {
        Source::Withheld
    } else {
        Source::Named(municipality)
    }
}
