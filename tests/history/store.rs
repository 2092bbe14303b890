//! The same questions through nodes and the index's store: journals, rows, links, permits and the access log.
//!
//! The exports of each day are imported by nodes and published in their turn. Each question is asked twice: on the day up to which exports
//! count, when what the store shows is what is known, and after the last day, as of that instant (*known on*).

use std::collections::BTreeMap;
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
use agreement::request::{Asked, DeclaredPerson, Request};
use agreement::usage::Usage;
use chrono::{DateTime, NaiveDate, Utc};
use cli::synthetic::truth::{CardAnswer, Statement, Told};
use ledger::checkpoint::LogSigner;
use ledger::header::EntryKind;
use ledger::name::Origin;
use registry::change::{Change, ChangeBody};
use registry::codice_fiscale::TaxCode;
use registry::export::ExportKind;
use registry::identifier::IstatCode;
use registry::municipality::MunicipalityId;
use registry::publication::{Allowance, Batch, DailyLimits, SignedBatch, VerifiedBatch};
use registry::signing::SigningKey;
use store::access_log::draft::{EntryDraft, Sealed};
use store::access_log::retention::Retention;
use store::access_log::start::{LogFiles, LogParameters};
use store::access_log::{AccessLog, LogSettings};
use store::files::faulty::FaultyFiles;
use store::record_store::answer::{HouseholdCard, PersonCard};
use store::record_store::{Engine, JournaledStore, RecordStore, StoreSettings, answer};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::answers::of_view;
use crate::consistency::{Question, Story};
use crate::node::{Node, SystemEntropy, key_ring};

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

/// Thirty days at many times the pace of life would wait for a registrar every day.
fn unlimited() -> DailyLimits {
    let any = Allowance {
        at_least: u32::MAX,
        per_mille: 0,
    };
    DailyLimits {
        departures: any,
        identifiers: any,
        arrivals: any,
    }
}

/// A store in memory with the log through which its answers leave.
struct Index {
    runtime: Runtime,
    store: JournaledStore,
    log: AccessLog,
    agreements: Agreements,
    key: SigningKey,
    published: BTreeMap<IstatCode, u64>,
}

impl Index {
    fn new() -> Self {
        let settings = StoreSettings {
            segments: store::segment::Settings::default(),
            sync_interval: Duration::from_secs(3600),
            daily_limits: unlimited(),
            engine: Engine::Memory,
        };
        let journal = Arc::new(FaultyFiles::default());
        let opened = JournaledStore::open(journal, key_ring(), &SystemEntropy, &settings);
        let origin = Origin::new("registro.example.it/accessi/1").expect("an origin");
        let parameters = LogParameters {
            files: LogFiles {
                log: Arc::new(FaultyFiles::default()),
                hashes: Arc::new(FaultyFiles::default()),
                copy: Arc::new(FaultyFiles::default()),
            },
            signer: LogSigner::from_seed(origin, &[7; 32]).expect("a signer"),
            ring: key_ring(),
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
            key: SigningKey::from_seed(&[9; 32]).expect("a key"),
            published: BTreeMap::new(),
        }
    }

    /// Publishes what the export of a day changed in a municipality.
    fn publish(&mut self, municipality: IstatCode, changes: &[Change], day: NaiveDate) {
        let noon = noon(day);
        let now = u64::try_from(noon.timestamp_millis()).expect("a day after 1970");
        for changes in changes.chunks(BATCH) {
            let (Some(first), Some(last)) = (changes.first(), changes.last()) else {
                return;
            };
            self.published.insert(municipality, last.sequence);
            let batch = self.batch(
                municipality,
                first.sequence,
                changes.to_vec(),
                noon.timestamp_millis(),
            );
            let publishing = self.store.publish(batch, now);
            let acknowledged = self.runtime.block_on(publishing).expect("the batch is taken");
            assert!(acknowledged.rejections.is_empty(), "{municipality} on {day}");
        }
    }

    fn batch(
        &self,
        municipality: IstatCode,
        first: u64,
        changes: Vec<Change>,
        sent_at_ms: i64,
    ) -> VerifiedBatch {
        let id = MunicipalityId::of_any(municipality).expect("an existing municipality");
        let batch = Batch::new(municipality, self.store.epoch(id), first, changes, sent_at_ms);
        let signed = SignedBatch::sign(batch.expect("a batch"), &self.key);
        VerifiedBatch::verify(signed, &self.key.verifying_key()).expect("the batch is signed")
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
            let gap = self.batch(*municipality, number, vec![change], 0);
            let publishing = self.store.publish(gap, 1_772_445_600_000);
            let refused = self.runtime.block_on(publishing);
            assert!(refused.is_err(), "a gap is refused");
        }
    }

    fn permit(&self, asked: Asked, reference: NaiveDate, known_on: Option<DateTime<Utc>>) -> Permit {
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
                known_on,
                min_fresh_since: None,
                request_id: Uuid::nil(),
                statement_version: None,
                urgency: Urgency::Ordinary,
            },
            asked,
            municipality: None,
            declared: DeclaredPerson::Declarant,
            batch: None,
        };
        let peer = Peer {
            id: SpiffeId::parse("spiffe://ponte.example/agency/questura").expect("an id"),
            certificate: CertificateFingerprint([1; 32]),
            address: "192.0.2.9".parse().expect("an address"),
        };
        let moment = Moment::new("2026-03-02T10:00:00Z".parse().expect("an instant"));
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
        known_on: Option<DateTime<Utc>>,
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

fn noon(day: NaiveDate) -> DateTime<Utc> {
    day.and_hms_opt(12, 0, 0).expect("every day has a noon").and_utc()
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

    /// What the truth answers, of the cards that `shown` admits.
    fn right(story: &Story, question: Question<'_>, shown: impl Fn(&str, &str) -> bool) -> Self {
        let mut answers = story.right(question);
        answers.retain(|(municipality, card), _| shown(municipality, card));
        let households = answers
            .iter()
            .filter(|(_, answer)| matches!(answer.household, Told::Held { .. }));
        let households = households.map(|((municipality, _), answer)| {
            let members = answer
                .members
                .iter()
                .filter(|(card, _)| shown(municipality, card));
            let named = members.filter_map(|(card, role)| {
                let card = story.card(municipality, card)?;
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
fn the_store_gives_ten_thousand_answers_of_the_truth_twice() {
    let story = Story::of(1);
    let mut by_day: BTreeMap<NaiveDate, Vec<(Question<'_>, TaxCode)>> = BTreeMap::new();
    // Some people had no codice fiscale then, and cannot be asked for.
    let questions = story.questions(3, QUESTIONS * 11 / 10).into_iter();
    let askable = questions.filter_map(|question| Some((question, code_of(&story, question)?)));
    for (question, code) in askable.take(QUESTIONS) {
        by_day
            .entry(question.known_on)
            .or_default()
            .push((question, code));
    }
    let asked: usize = by_day.values().map(Vec::len).sum();
    assert_eq!(asked, QUESTIONS);
    let mut nodes: BTreeMap<IstatCode, Node> = BTreeMap::new();
    let mut index = Index::new();
    let (mut found, mut wrong) = (0, Vec::new());
    let mut compare = |question: Question<'_>, shown: &Comparable, right: &Comparable| {
        found += usize::from(!shown.cards.is_empty());
        if shown != right {
            wrong.push(format!("{question:?}\nright: {right:#?}\nshown: {shown:#?}"));
        }
    };
    for (day, questions) in &by_day {
        for (municipality, exports) in &story.exports {
            let Some(export) = exports.get(day) else { continue };
            let kind = if *day == story.truth.header().first_export {
                ExportKind::Total
            } else {
                ExportKind::Incremental
            };
            let node = nodes
                .entry(*municipality)
                .or_insert_with(|| Node::new(*municipality));
            index.publish(*municipality, &node.import(export, *day, kind), *day);
        }
        index.settle();
        for (question, code) in questions {
            let shown = Comparable::shown(&index.ask(*code, question.reference, None));
            compare(
                *question,
                &shown,
                &Comparable::right(&story, *question, |_, _| true),
            );
        }
    }
    // Of what was known that is shown which has not been withdrawn since.
    let last = story.truth.header().last_export;
    let still_published = |municipality: &str, card: &str| {
        let card = story.card(municipality, card);
        card.is_some_and(|card| story.truth.answer(card, last, last).is_some())
    };
    for (question, code) in by_day.values().flatten() {
        let known_on = noon(question.known_on) + Duration::from_secs(3600);
        let shown = Comparable::shown(&index.ask(*code, question.reference, Some(known_on)));
        compare(
            *question,
            &shown,
            &Comparable::right(&story, *question, still_published),
        );
    }
    let some = wrong.iter().take(3).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(
        wrong.is_empty(),
        "{} of {} answers are wrong\n{some}",
        wrong.len(),
        2 * asked
    );
    assert!(
        2 * QUESTIONS * 3 / 4 < found,
        "only {found} answers showed somebody"
    );
}
