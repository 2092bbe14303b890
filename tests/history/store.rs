//! The same questions through the index's store: journal, rows, links, permits and the access log.
//!
//! The exports of each day are published in their turn, and then everything is asked as it was known on some day: what
//! the store tells as of that day is what its exports had said.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use agreement::agreements::Agreements;
use agreement::context::{
    AccessContext, AgreementId, Assurance, CaseReference, OperatorId, PurposeId, Urgency, Workstation,
};
use agreement::decision::decide;
use agreement::document::AgreementDocument;
use agreement::field::FieldSet;
use agreement::moment::Moment;
use agreement::peer::{CertificateFingerprint, Peer, SpiffeId};
use agreement::permit::Permit;
use agreement::request::{Asked, Request};
use agreement::usage::Usage;
use chrono::{DateTime, NaiveDate, Utc};
use cli::synthetic::truth::{CardAnswer, Statement, Told};
use ledger::checkpoint::LogSigner;
use ledger::header::EntryKind;
use ledger::name::Origin;
use registry::change::{Change, ChangeBody};
use registry::codice_fiscale::TaxCode;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Allowance, Batch, DailyLimits, Epoch, SignedBatch, VerifiedBatch};
use registry::signing::SigningKey;
use store::access_log::draft::{EntryDraft, Sealed};
use store::access_log::retention::Retention;
use store::access_log::start::{LogFiles, LogParameters};
use store::access_log::{AccessLog, LogSettings};
use store::files::faulty::FaultyFiles;
use store::keys::Entropy;
use store::keys::encryption_key::KeyEncryptionKey;
use store::keys::ring::KeyRing;
use store::record_store::answer::{HouseholdCard, PersonCard};
use store::record_store::{Engine, JournaledStore, RecordStore, StoreSettings, answer};
use tokio::runtime::{Builder, Runtime};
use transport::random::{Random, SystemRandom};
use uuid::Uuid;

use crate::answers::of_view;
use crate::consistency::{Question, Story};
use crate::replay::Registry;

/// Changes of a batch.
const BATCH: usize = 500;
/// Questions.
const QUESTIONS: usize = 10_000;

const AGREEMENT: &str = r#"
format = 1
id = "questura-2026"
title = "Questura, consultation"
agency = "spiffe://ponte.example/agency/questura"
class = "police"
legal_basis = "DPR 223/1989 art. 37"
valid_from = 2020-01-01
valid_to = 2035-12-31
review_by = 2035-12-31
retention_months = 24
protected = "shown"
protected_basis = "L. 121/1981 art. 7"
history = "all"
known_on = true

[territory]
region = "08"

[population]
residents = true
aire = true
cancelled = true
deceased = true
minors = true

[operator]
required = true
assurance = "substantial"
workstation = true

[case_reference]
pattern = "year-number"

[quota]
calls_per_minute = 1000000
calls_per_day = 10000000
misses_per_day = 10000000

[[purpose]]
id = "identification"
text = "Identification of persons"
basis = "TULPS art. 4"
kind = "ordinary"
services = ["lookup-person", "lookup-household"]
fields = ["surname", "given_name", "birth_date", "tax_code", "tax_code_history", "civil_status", "citizenships", "residence", "household", "registration", "cancellation", "death"]
"#;

#[derive(Debug)]
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, buffer: &mut [u8]) {
        SystemRandom.fill(buffer);
    }
}

/// The exports of a day are known from its noon on.
fn noon(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(12, 0, 0).expect("every day has a noon").and_utc()
}

/// A batch as the index takes it after a look at its signature.
fn verified(batch: Batch) -> VerifiedBatch {
    let key = SigningKey::from_seed(&[8; 32]).expect("every seed makes a key");
    VerifiedBatch::verify(SignedBatch::sign(batch, &key), &key.verifying_key()).expect("its own signature")
}

/// Nothing waits for a registrar here: that is another story.
fn no_limits() -> DailyLimits {
    let allowance = Allowance {
        at_least: u32::MAX,
        per_mille: 0,
    };
    DailyLimits {
        departures: allowance,
        identifiers: allowance,
        arrivals: allowance,
    }
}

/// A store in memory with the log through which its answers leave.
struct Index {
    runtime: Runtime,
    store: JournaledStore,
    log: AccessLog,
    agreements: Agreements,
    published: BTreeMap<IstatCode, u64>,
}

impl Index {
    fn new() -> Self {
        let ring = || {
            let files = Arc::new(FaultyFiles::default());
            let key = KeyEncryptionKey::from_bytes(&[5; 32]);
            Arc::new(KeyRing::open(files, key, Arc::new(SystemEntropy)).expect("a key ring"))
        };
        let settings = StoreSettings {
            segments: store::segment::Settings::default(),
            sync_interval: Duration::from_secs(3600),
            daily_limits: no_limits(),
            engine: Engine::Memory,
        };
        let journal = Arc::new(FaultyFiles::default());
        let opened = JournaledStore::open(journal, ring(), &SystemEntropy, &settings);
        let origin = Origin::new("registro.example.it/accessi/1").expect("an origin");
        let parameters = LogParameters {
            files: LogFiles {
                log: Arc::new(FaultyFiles::default()),
                hashes: Arc::new(FaultyFiles::default()),
                copy: Arc::new(FaultyFiles::default()),
            },
            signer: LogSigner::from_seed(origin, &[7; 32]).expect("a signer"),
            ring: ring(),
            entropy: Arc::new(SystemEntropy),
            clock: Arc::new(|| 1_772_445_600_000),
            witnessed: Vec::new(),
            on_fatal: Arc::new(|failure| panic!("the log failed: {failure:?}")),
        };
        let log = AccessLog::open(parameters, LogSettings::default()).expect("a log");
        let document = AgreementDocument::parse(AGREEMENT.as_bytes()).expect("an agreement");
        let mut agreements = Agreements::default();
        agreements
            .activate(document, "2020-01-01T00:00:00Z".parse().expect("an instant"))
            .expect("the agreement is in force");
        Self {
            runtime: Builder::new_current_thread().build().expect("a runtime"),
            store: opened.expect("a store").0,
            log: log.0,
            agreements,
            published: BTreeMap::new(),
        }
    }

    /// Publishes what the export of a day changed in a municipality.
    fn publish(&mut self, municipality: IstatCode, registry: &Registry, day: NaiveDate) {
        let noon = noon(day);
        let now = u64::try_from(noon.timestamp_millis()).expect("a day after 1970");
        let epoch = self.epoch(municipality);
        let last = self.published.entry(municipality).or_default();
        for changes in registry.changes(day).chunks(BATCH) {
            let first = *last + 1;
            let numbered = changes
                .iter()
                .zip(first..)
                .map(|((card, record), sequence)| Change {
                    sequence,
                    local_id: card.clone(),
                    body: match record {
                        Some(record) => ChangeBody::Upsert(Box::new(record.clone())),
                        None => ChangeBody::Remove,
                    },
                    events: Vec::new(),
                });
            let changes: Vec<Change> = numbered.collect();
            *last = changes.last().map_or(*last, |change| change.sequence);
            let batch = Batch::new(municipality, epoch, first, changes, noon.timestamp_millis());
            let publishing = self.store.publish(verified(batch.expect("a batch")), now);
            let acknowledged = self.runtime.block_on(publishing).expect("the batch is taken");
            assert!(acknowledged.rejections.is_empty(), "{municipality} on {day}");
        }
    }

    /// Waits until all that was acknowledged is visible: the writer takes submissions in turn, so one that it must
    /// refuse is answered only after them.
    fn settle(&self) {
        for (municipality, last) in &self.published {
            let number = last + 1_000_000;
            let change = Change {
                sequence: number,
                local_id: registry::identifier::LocalId::parse("0").expect("a number"),
                body: ChangeBody::Remove,
                events: Vec::new(),
            };
            let gap = Batch::new(*municipality, self.epoch(*municipality), number, vec![change], 0)
                .expect("a batch");
            let refused = self
                .runtime
                .block_on(self.store.publish(verified(gap), 1_772_445_600_000));
            assert!(refused.is_err(), "a gap is refused");
        }
    }

    fn epoch(&self, municipality: IstatCode) -> Epoch {
        let municipality = MunicipalityId::of_any(municipality).expect("a municipality");
        self.store.epoch(municipality)
    }

    fn permit(&self, asked: Asked, reference: NaiveDate, known_on: NaiveDate) -> Permit {
        let request = Request {
            context: AccessContext {
                agreement: AgreementId::parse("questura-2026").expect("an id"),
                purpose: PurposeId::parse("identification").expect("an id"),
                operator: OperatorId::parse("m.rossi").ok(),
                assurance: Some(Assurance::Substantial),
                workstation: Workstation::parse("PC-12").ok(),
                case_reference: CaseReference::parse("2026/123").ok(),
                consent_reference: None,
                reference_date: Some(reference),
                known_on: Some(noon(known_on)),
                min_fresh_since: None,
                request_id: Uuid::nil(),
                statement_version: None,
                urgency: Urgency::Ordinary,
            },
            asked,
            municipality: None,
        };
        let peer = Peer {
            id: SpiffeId::parse("spiffe://ponte.example/agency/questura").expect("an id"),
            certificate: CertificateFingerprint([1; 32]),
            address: "192.0.2.9".parse().expect("an address"),
        };
        let moment = Moment::new("2035-03-02T10:00:00Z".parse().expect("an instant"));
        decide(&self.agreements, &peer, &request, &Usage::default(), moment).expect("the call is granted")
    }

    fn commit<T>(&self, sealed: Sealed<T>) -> T {
        let slot = self.log.reserve().expect("a place in the log");
        let committed = self.runtime.block_on(self.log.commit(slot, sealed));
        committed.expect("the entry is durable").0
    }

    /// What the store shows of the person of a code, and of the households.
    fn ask(
        &self,
        code: TaxCode,
        reference: NaiveDate,
        known_on: NaiveDate,
    ) -> (Vec<PersonCard>, Vec<HouseholdCard>) {
        let question = answer::Question::TaxCode(code);
        let draft = || EntryDraft::new(EntryKind::Access, Retention::months(24).expect("a term"));
        let fields = FieldSet::EMPTY;
        let permit = self.permit(Asked::Person { fields }, reference, known_on);
        let reading = self.store.lookup_person(&permit, &question, draft());
        let person = self.commit(self.runtime.block_on(reading).expect("the rows are read"));
        let permit = self.permit(Asked::Household { fields }, reference, known_on);
        let reading = self.store.lookup_household(&permit, &question, draft());
        let household = self.commit(self.runtime.block_on(reading).expect("the rows are read"));
        (person.cards, household.households)
    }
}

/// An answer and a household's members as texts that can be compared whatever their order.
#[derive(Debug, PartialEq, Eq)]
struct Comparable {
    cards: Vec<String>,
    households: Vec<Vec<String>>,
}

impl Comparable {
    fn new(mut cards: Vec<String>, mut households: Vec<Vec<String>>) -> Self {
        cards.sort_unstable();
        households.iter_mut().for_each(|members| members.sort_unstable());
        households.sort_unstable();
        Self { cards, households }
    }

    fn shown((cards, households): &(Vec<PersonCard>, Vec<HouseholdCard>)) -> Self {
        let cards = cards
            .iter()
            .map(|card| format!("{:?}", of_view(&card.view, BTreeMap::new())));
        let households = households.iter().map(|household| {
            let members = household.view.members.iter();
            let named = members.map(|member| {
                let of = of_view(&member.person, BTreeMap::new());
                format!("{:?} {}", of.names, member.role.code())
            });
            named.collect()
        });
        Self::new(cards.collect(), households.collect())
    }

    /// The truth, without the cards that were withdrawn since: of what was known, only that is shown which still may be.
    fn right(story: &Story, question: Question<'_>) -> Self {
        let mut answers = story.right(question);
        answers.retain(|(municipality, card), _| story.is_published(municipality, card));
        let households = answers
            .iter()
            .filter(|(_, answer)| matches!(answer.household, Told::Held { .. }));
        let households = households.map(|((municipality, _), answer)| {
            let members = answer.members.iter();
            let named = members.filter_map(|(card, role)| {
                let card = story
                    .card(municipality, card)
                    .filter(|_| story.is_published(municipality, card))?;
                let known = story.truth.answer(card, question.reference, question.known_on)?;
                Some(format!(
                    "{:?} {}",
                    known.names,
                    role.trim_start_matches(['F', 'C'])
                ))
            });
            named.collect()
        });
        let cards = answers.values().map(|answer| {
            let alone = CardAnswer {
                members: BTreeMap::new(),
                ..answer.clone()
            };
            format!("{alone:?}")
        });
        Self::new(cards.collect(), households.collect())
    }
}

/// A code under which the person can be asked for: one that was known then, else one that was never known by then.
fn code_of(story: &Story, question: Question<'_>) -> Option<TaxCode> {
    let known = story
        .right(question)
        .into_values()
        .flat_map(|answer| answer.tax_codes)
        .next();
    let ever = || {
        let cards = story.truth.cards_of(question.person);
        cards
            .flat_map(|card| &card.facts)
            .find_map(|fact| match &fact.statement {
                Statement::TaxCodes { codes } => codes.first().cloned(),
                _ => None,
            })
    };
    let nobody_yet = story.right(question).is_empty();
    let code = known.or_else(|| nobody_yet.then(ever).flatten())?;
    Some(TaxCode::parse(&code).expect("a codice fiscale"))
}

#[test]
fn the_store_gives_ten_thousand_answers_of_the_truth() {
    let story = Story::of(1);
    let questions = story.questions(3, QUESTIONS);
    let days: BTreeSet<NaiveDate> = questions.iter().map(|question| question.known_on).collect();
    let mut index = Index::new();
    for day in days {
        for (municipality, registry) in &story.registries {
            let code = IstatCode::parse(municipality).expect("an ISTAT code");
            index.publish(code, registry, day);
        }
    }
    index.settle();
    let (mut asked, mut found, mut wrong) = (0, 0, Vec::new());
    for question in questions {
        let Some(code) = code_of(&story, question) else {
            continue;
        };
        asked += 1;
        let shown = Comparable::shown(&index.ask(code, question.reference, question.known_on));
        let right = Comparable::right(&story, question);
        found += usize::from(!shown.cards.is_empty());
        if shown != right {
            wrong.push(format!("{question:?}\nright: {right:#?}\nshown: {shown:#?}"));
        }
    }
    let some = wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(
        wrong.is_empty(),
        "{} of {asked} answers are wrong\n{some}",
        wrong.len()
    );
    // Some people had no codice fiscale then.
    assert!(
        QUESTIONS * 95 / 100 < asked,
        "only {asked} questions could be asked"
    );
    assert!(QUESTIONS * 3 / 4 < found, "only {found} questions found somebody");
}
