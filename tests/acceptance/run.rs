//! A region with the cards of a file, and its cases asked one after the other over the real wire.

use std::collections::BTreeMap;

use agreement::context::AgreementId;
use agreement::peer::Role;
use chrono::{DateTime, Duration, Utc};
use client::admin::Effect;
use support::agreements::{ASSOCIATION, Document, PUBLIC_BODY};
use support::cards::{Cards, PLACES};
use support::region::{Region, act};
use tonic::Status;
use tonic::transport::Channel;
use transport::clock::Clock;
use transport::pki::summary::inspect;
use uuid::Uuid;
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

use crate::case::{Ask, Case};
use crate::told::Told;
use crate::{message, told};

/// Police that may do everything that there is, in purposes of different width.
pub(crate) const POLICE: Document = Document {
    id: "acceptance-2026",
    agency: "questura-bo",
    text: include_str!("../data/acceptance/agreement.toml"),
};

/// When the second exports are imported, an hour after the first ones.
const LATER: &str = "2026-11-02T09:00:00Z";

/// When a case is asked that says nothing of it: at noon in Italy, on a Monday.
const USUAL: &str = "2026-11-02T11:00:00Z";

/// A region in which cases are asked.
pub(crate) struct Court {
    region: Region,
    cards: Cards,
    clients: BTreeMap<&'static str, ConsultationServiceClient<Channel>>,
    agreements: BTreeMap<String, String>,
    calls: u128,
    /// The id of the last call, and the first handle that it found.
    last_id: String,
    handle: Vec<u8>,
}

fn instant(text: &str) -> DateTime<Utc> {
    DateTime::parse_from_rfc3339(text).expect("an instant").to_utc()
}

fn base(name: &str) -> Document {
    match name {
        "police" => POLICE,
        "body" => PUBLIC_BODY,
        "association" => ASSOCIATION,
        other => panic!("no agreement {other}"),
    }
}

impl Court {
    /// A region in which all of the cards are published, in two exports of each municipality.
    pub(crate) async fn open(cards: Cards) -> Self {
        let mut region = Region::empty().await;
        region.activate(POLICE).await;
        let mut later = Vec::new();
        for (place, code) in PLACES {
            let [first, then] = cards.exports(place);
            publish(&mut region, code, &first).await;
            later.push((code, then));
        }
        region.clock.set(instant(LATER));
        for (code, export) in later {
            publish(&mut region, code, &export).await;
        }
        region.clock.set(instant(USUAL));
        let mut clients = BTreeMap::new();
        for name in ["police", "body", "association"] {
            let channel = region.channel(Role::Agency, base(name).agency).await;
            clients.insert(name, ConsultationServiceClient::new(channel));
        }
        Self {
            region,
            cards,
            clients,
            agreements: BTreeMap::new(),
            calls: 0,
            last_id: String::new(),
            handle: Vec::new(),
        }
    }

    /// What a case tells. The clock never goes back: cases are asked in the order of their moments.
    ///
    /// # Panics
    /// When a call before the last one is refused.
    pub(crate) async fn ask(&mut self, case: &Case) -> Told {
        let at = case.at.as_deref().map_or_else(|| instant(USUAL), instant);
        assert!(
            self.region.clock.now() <= at,
            "{}: its moment has passed",
            case.name
        );
        self.region.clock.set(at);
        let agreement = self.agreement(case).await;
        let calls = case.first.iter().chain(std::iter::repeat_n(
            &case.ask,
            usize::try_from(case.ask.times.unwrap_or(1) - 1).expect("a number"),
        ));
        for earlier in calls {
            let told = self.call(case, earlier, &agreement).await;
            assert_eq!(
                told.get("refused"),
                earlier.refused.as_ref(),
                "before: {}",
                case.name
            );
        }
        let then = at + Duration::minutes(case.minutes.into());
        self.region.clock.set(then);
        if case.revoked {
            let id = AgreementId::parse(&agreement).expect("an id");
            let administrator = self.region.administrator();
            let revoked = administrator.revoke(&id, "the convention ended", &act()).await;
            revoked.expect("the administrator revokes");
        }
        self.call(case, &case.ask, &agreement).await
    }

    /// The id of the agreement of a case: cases that change it alike share one.
    async fn agreement(&mut self, case: &Case) -> String {
        let document = base(&case.base);
        let mut text = document.text.to_owned();
        for [from, to] in &case.agreement {
            assert!(text.contains(from.as_str()), "{}: {from}", case.name);
            text = text.replacen(from.as_str(), to, 1);
        }
        let counted = |[from, _]: &[String; 2]| from.contains("_per_");
        let apart = case.revoked || case.agreement.iter().any(counted);
        let key = if apart {
            format!("{text}{}", case.name)
        } else {
            text.clone()
        };
        if let Some(known) = self.agreements.get(&key) {
            return known.clone();
        }
        let id = format!("case-{}", self.agreements.len());
        let own = self.region.authority.peer(Role::Agency, document.agency);
        let certificate = std::fs::read_to_string(own.certificate).expect("a certificate");
        let fingerprint = inspect(&certificate).expect("a certificate").fingerprint;
        let text = text
            .replace(document.id, &id)
            .replace("{certificate}", &fingerprint.to_string());
        let activated = self
            .region
            .administrator()
            .activate(text.as_bytes(), None, &act(), Effect::Activate)
            .await;
        activated.unwrap_or_else(|error| panic!("{}: {error}", case.name));
        self.agreements.insert(key, id.clone());
        id
    }

    async fn call(&mut self, case: &Case, ask: &Ask, agreement: &str) -> Told {
        let caller = ask.caller.as_deref().unwrap_or(&case.base);
        let mut client = self.clients[caller].clone();
        let purpose = match case.base.as_str() {
            "police" => "everything",
            "body" => "co-payment",
            _ => "declared-residence",
        };
        let request_id = match ask.request_id.as_deref() {
            None => {
                self.calls += 1;
                Uuid::from_u128(self.calls).to_string()
            }
            Some("first") => self.last_id.clone(),
            Some(id) => id.to_owned(),
        };
        self.last_id.clone_from(&request_id);
        let context = message::context(ask, agreement, purpose, request_id);
        let cards = &self.cards;
        let told = match ask.call.as_str() {
            "person" => {
                let answer = client.lookup_person(message::person(ask, cards, context)).await;
                answer.map(|answer| told::person(&answer.into_inner()))
            }
            "found" => {
                let request = message::found(ask, self.handle.clone(), context);
                let answer = client.lookup_person(request).await;
                answer.map(|answer| told::person(&answer.into_inner()))
            }
            "household" => {
                let answer = client
                    .lookup_household(message::household(ask, cards, context))
                    .await;
                answer.map(|answer| told::household(&answer.into_inner()))
            }
            "household of found" => {
                let request = message::household_of_found(ask, self.handle.clone(), context);
                let answer = client.lookup_household(request).await;
                answer.map(|answer| told::household(&answer.into_inner()))
            }
            "residents" => {
                let answer = client
                    .lookup_address_residents(message::residents(ask, context))
                    .await;
                answer.map(|answer| told::residents(&answer.into_inner()))
            }
            "search" => {
                let answer = client.search_persons(message::search(ask, context)).await;
                answer.map(|answer| {
                    let answer = answer.into_inner();
                    self.handle = answer
                        .hits
                        .first()
                        .map(|hit| hit.handle.clone())
                        .unwrap_or_default();
                    told::search(&answer)
                })
            }
            "verify" => {
                let answer = client
                    .verify_declaration(message::verify(ask, cards, context))
                    .await;
                answer.map(|answer| told::verification(&answer.into_inner()))
            }
            "batch" => list(client, message::batch(ask, cards, context)).await,
            "describe" => {
                let request = proto::DescribeAccessRequest {
                    context: Some(context),
                    ..proto::DescribeAccessRequest::default()
                };
                let answer = client.describe_access(request).await;
                answer.map(|answer| told::description(&answer.into_inner(), agreement))
            }
            other => panic!("{}: no call {other}", case.name),
        };
        told.unwrap_or_else(|status| told::refusal(&status))
    }
}

async fn publish(region: &mut Region, municipality: &str, export: &[u8]) {
    let municipality = region.municipality(municipality);
    let report = municipality.import_export(export).await;
    assert_eq!(
        report.quarantined, 0,
        "every card is published: {:?}",
        report.findings
    );
    municipality.published().await;
}

/// Every outcome of a list, and how it ended.
async fn list(
    mut client: ConsultationServiceClient<Channel>,
    messages: Vec<proto::BatchLookupPersonsRequest>,
) -> Result<Told, Status> {
    let mut outcomes = client
        .batch_lookup_persons(tokio_stream::iter(messages))
        .await?
        .into_inner();
    let mut rows = Vec::new();
    loop {
        match outcomes.message().await {
            Ok(Some(outcome)) => rows.push(outcome),
            Ok(None) => return Ok(told::batch(&rows, None)),
            Err(status) => return Ok(told::batch(&rows, Some(&status))),
        }
    }
}
