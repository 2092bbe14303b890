//! A region in which Serra Lucia is touched by accesses of every kind.

use std::collections::BTreeMap;

use agreement::batch::Approval;
use agreement::context::{AccessContext, CaseReference, OperatorId};
use agreement::field::FieldSet;
use agreement::reason::Reason;
use chrono::{TimeZone, Utc};
use client::agency::{AgencyClient, Batch, ListedPerson, SearchPersons};
use client::error::ClientError;
use client::node::Opening;
use client::receipt::ReceiptForm;
use registry::change::{Change, ChangeBody};
use registry::code::{
    AprCancellationReason, AprRegistrationReason, CancellationReason, Kinship, RegistrationReason,
};
use registry::codice_fiscale::{CodiceFiscale, ProvisionalCode, TaxCode};
use registry::identifier::{CadastralCode, NationalId};
use registry::matching::Extent;
use registry::publication::{Batch as Publication, SignedBatch};
use registry::record::{Cancellation, Locality, Parent, ParentRole, Record, Registration, Sex, TaxCodeEntry};
use support::agreements::{Document, POLICE, PUBLIC_BODY};
use support::calls::{ground, lookup};
use support::municipality::{PUBLICATION_SEED, signing_key};
use support::people::{CASTEL_SAN_PIETRO, DOZZA, IMOLA, Person, day, istat, mario};
use support::region::{LIMITS, Region};
use support::wait::within;
use transport::clock::Clock;

/// Police that may search, four hits at most, and see parents.
pub(super) const SEARCHERS: Document = Document {
    id: "questura-search-2026",
    agency: "questura-bo",
    text: include_str!("../data/agreements/search.toml"),
};

/// The public body, for Castel San Pietro Terme alone.
pub(super) const NARROW: Document = Document {
    id: "asl-castello-2026",
    ..PUBLIC_BODY
};

/// The day on which Lucia moves.
const MOVED: &str = "2026-12-30";

/// The region with what each municipality has published.
pub(super) struct World {
    pub(super) region: Region,
    sent: BTreeMap<&'static str, u64>,
}

fn leak(document: Document, changes: &[(&str, &str)]) -> Document {
    let mut text = document.text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replace(from, to);
    }
    Document {
        text: text.leak(),
        ..document
    }
}

/// Somebody of Imola.
fn person(number: &str, names: (&str, &str), sex: Sex, birth: &'static str) -> Person {
    Person {
        local_id: number.to_owned(),
        surname: names.0.to_owned(),
        given_name: names.1.to_owned(),
        sex,
        birth,
        household: "F-20",
        ..mario()
    }
}

fn entry(code: TaxCode, validated: bool) -> TaxCodeEntry {
    TaxCodeEntry {
        code,
        validated,
        from: None,
    }
}

fn computed(surname: &str, given_name: &str) -> TaxCode {
    let bologna = CadastralCode::parse("A944").expect("Bologna");
    CodiceFiscale::compute(surname, given_name, Sex::Female, day("1980-05-05"), bologna)
        .expect("the generalities make a codice fiscale")
        .into()
}

/// Serra Lucia, who had a provisional code, then one under another surname.
pub(super) fn lucia() -> Record {
    let mut card = person("20", ("Serra", "Lucia"), Sex::Female, "1980-05-05").card();
    let current = card.tax_codes.remove(0);
    card.tax_codes = vec![entry(provisional(), false), entry(old_code(), true), current];
    card
}

/// The code before.
pub(super) fn old_code() -> TaxCode {
    computed("Serri", "Lucia")
}

/// The provisional one.
pub(super) fn provisional() -> TaxCode {
    TaxCode::Provisional(ProvisionalCode::issue(1_234_567, 890).expect("a code"))
}

/// Serra Marco, her son.
pub(super) fn marco() -> Record {
    let child = Person {
        kinship: Kinship::Child,
        ..person("21", ("Serra", "Marco"), Sex::Male, "2015-06-01")
    };
    let mut card = child.card();
    card.parents = vec![Parent {
        role: ParentRole::Mother,
        surname: card.generalities.surname.clone(),
        given_name: lucia().generalities.given_name,
        tax_code: Some(code(&lucia())),
    }];
    card
}

/// What Castel San Pietro Terme has of her, under a code that is another person's for all that anybody knows.
pub(super) fn gianna() -> Record {
    let mut card = Person {
        municipality: CASTEL_SAN_PIETRO,
        ..person("77", ("Serra", "Lucia"), Sex::Female, "1980-05-05")
    }
    .card();
    card.tax_codes = vec![entry(computed("Serra", "Gianna"), true)];
    card
}

/// Two more whose surname begins alike.
pub(super) fn sereni() -> [Record; 2] {
    [("30", "Carlo", "1950-01-01"), ("31", "Dario", "1952-02-02")].map(|(number, name, birth)| {
        let own = Person {
            household: "F-30",
            ..person(number, ("Sereni", name), Sex::Male, birth)
        };
        own.card()
    })
}

/// Ferri Nico, of Dozza.
pub(super) fn nico() -> Record {
    Person {
        municipality: DOZZA,
        household: "F-5",
        ..person("D-5", ("Ferri", "Nico"), Sex::Male, "1970-09-09")
    }
    .card()
}

/// The card of somebody who left Imola for Dozza.
pub(super) fn left(card: &Record) -> Record {
    Record {
        cancellation: Some(Cancellation {
            reason: CancellationReason::Apr(AprCancellationReason::MoveToOtherMunicipality),
            effective: day(MOVED),
            destination: Some(Locality::Municipality(istat(DOZZA))),
        }),
        ..card.clone()
    }
}

/// The same person's card in Dozza.
pub(super) fn arrived(card: &Record) -> Record {
    let there = Person {
        municipality: DOZZA,
        household: "F-21",
        household_from: MOVED,
        residence_from: MOVED,
        ..person("D-20", ("Serra", "Lucia"), Sex::Female, "1980-05-05")
    };
    Record {
        registration: Registration {
            reason: RegistrationReason::Apr(AprRegistrationReason::Immigration),
            effective: Some(day(MOVED)),
            origin: Some(Locality::Municipality(istat(IMOLA))),
        },
        tax_codes: card.tax_codes.clone(),
        ..there.card()
    }
}

/// Her national id.
pub(super) fn national_id() -> NationalId {
    NationalId::parse("AA00000AA").expect("an id")
}

/// The card with her national id.
pub(super) fn identified(card: Record) -> Record {
    Record {
        national_id: Some(national_id()),
        ..card
    }
}

/// The card with a further code that the tax registry has not confirmed.
pub(super) fn bearing(mut card: Record, code: TaxCode) -> Record {
    card.tax_codes.insert(0, entry(code, false));
    card
}

/// The code in force of a card.
pub(super) fn code(card: &Record) -> TaxCode {
    *card.current_tax_code().expect("a code")
}

/// The entry of a call that was refused for a reason.
pub(super) fn entry_of(error: ClientError, reason: Reason) -> u64 {
    let ClientError::Refused(refusal) = error else {
        panic!("no refusal: {error:?}")
    };
    assert_eq!(refusal.reason, Some(reason));
    refusal.receipt.expect("an entry").receipt.index()
}

impl World {
    /// Noon of the last day of 2026, with everybody published.
    pub(super) async fn new() -> Self {
        let noon = Utc.with_ymd_and_hms(2026, 12, 31, 11, 0, 0).single();
        let region = Region::at(noon.expect("an instant"), LIMITS).await;
        let searchers = leak(SEARCHERS, &[("\"death\"]", "\"death\", \"parents\"]")]);
        let listing = leak(
            PUBLIC_BODY,
            &[(
                "services = [\"lookup-person\", ",
                "batch = { rows_per_batch = 10, rows_per_day = 20, fields = [\"surname\", \"tax_code\"] }\n\
                 services = [\"batch-lookup-persons\", \"lookup-person\", ",
            )],
        );
        let narrow = leak(
            NARROW,
            &[
                (PUBLIC_BODY.id, NARROW.id),
                ("[\"037032\", \"037025\"]", "[\"037020\"]"),
            ],
        );
        for document in [searchers, listing, narrow, POLICE] {
            region.activate(document).await;
        }
        let mut world = Self {
            region,
            sent: BTreeMap::new(),
        };
        world.publish(CASTEL_SAN_PIETRO, vec![gianna()]).await;
        world.publish(DOZZA, vec![nico()]).await;
        let [one, other] = sereni();
        world
            .publish(IMOLA, vec![mario().card(), lucia(), marco(), one, other])
            .await;
        world
    }

    /// Publishes cards as the node of a municipality does.
    pub(super) async fn publish(&mut self, municipality: &'static str, cards: Vec<Record>) {
        let node = self.region.node_client(municipality);
        let before = *self.sent.get(municipality).unwrap_or(&0);
        let end = before + cards.len() as u64;
        let opening = Opening {
            municipality: istat(municipality),
            epoch: None,
            claim: None,
            journal_end: end,
            confirmed_seals: Vec::new(),
        };
        let (mut stream, opened) = node.open_publication(opening).await.expect("it opens");
        let changes = cards
            .into_iter()
            .zip(before + 1..)
            .map(|(card, sequence)| Change {
                sequence,
                local_id: card.local_id.clone(),
                body: ChangeBody::Upsert(Box::new(card)),
                events: Vec::new(),
            });
        let now_ms = self.region.clock.now().timestamp_millis();
        let batch = Publication::new(
            istat(municipality),
            opened.epoch,
            before + 1,
            changes.collect(),
            now_ms,
        );
        let signed = SignedBatch::sign(batch.expect("a batch"), &signing_key(PUBLICATION_SEED));
        stream.send(&signed).await.expect("it is sent");
        let acknowledged = within(stream.receive()).await.expect("an answer");
        let acknowledged = acknowledged.expect("an acknowledgement");
        assert_eq!(acknowledged.watermark.0, end);
        assert!(
            acknowledged.rejections.is_empty(),
            "{:?}",
            acknowledged.rejections
        );
        let visible = async || {
            let state = node.get_state(istat(municipality)).await.expect("a state");
            state.visible.0 == end
        };
        while !within(visible()).await {
            tokio::task::yield_now().await;
        }
        self.sent.insert(municipality, end);
    }

    /// The ground of a call under the agreement of the police.
    pub(super) fn ground(&self, document: Document, agency: &AgencyClient) -> AccessContext {
        ground(document, "identification", agency.new_request_id())
    }

    /// Looks somebody up; the index of the entry.
    pub(super) async fn look_up(&self, document: Document, code: TaxCode) -> u64 {
        let agency = self.region.agency(document);
        let answer = agency
            .lookup_person(lookup(self.ground(document, &agency), code))
            .await;
        answer.expect("an answer").receipt.index()
    }

    /// Looks somebody up who is not shown; the index of the entry.
    pub(super) async fn refused(&self, document: Document, code: TaxCode, reason: Reason) -> u64 {
        let agency = self.region.agency(document);
        let context = ground(document, "co-payment", agency.new_request_id());
        let refused = agency.lookup_person(lookup(context, code)).await;
        entry_of(refused.expect_err("nobody is shown"), reason)
    }

    /// A list of one row; the index of its entry.
    pub(super) async fn batch_row(&self, code: TaxCode) -> u64 {
        let agency = self.region.agency(PUBLIC_BODY);
        let batch = Batch {
            context: ground(PUBLIC_BODY, "co-payment", agency.new_request_id()),
            rows: 1,
            approval: Approval {
                reference: CaseReference::parse("2026/77").expect("a reference"),
                approver: OperatorId::parse("g.neri").expect("a person"),
                approved_on: day("2026-12-30"),
            },
            fields: FieldSet::EMPTY,
        };
        let rows = std::iter::once((1, ListedPerson::TaxCode(code)));
        let mut outcomes = agency
            .batch_lookup_persons(&batch, rows)
            .await
            .expect("the stream opens");
        let row = outcomes.next().await.expect("an outcome").expect("a row");
        assert!(row.answer.is_ok());
        while outcomes.next().await.expect("the end").is_some() {}
        row.receipt.expect("an entry").receipt.index()
    }

    /// A search of the police.
    pub(super) fn search(
        &self,
        agency: &AgencyClient,
        surname: &str,
        given_name: Option<&str>,
        extent: Extent,
    ) -> SearchPersons {
        SearchPersons {
            context: self.ground(SEARCHERS, agency),
            surname: Some((surname.to_owned(), extent)),
            given_name: given_name.map(|name| (name.to_owned(), Extent::Whole)),
            tax_code: None,
            born: None,
            municipality: None,
            receipt: ReceiptForm::Full,
        }
    }
}
