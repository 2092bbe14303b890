//! The auditor's client against a server with a log of two entries.

use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use ledger::checkpoint::LogSigner;
use ledger::hash::{leaf_hash, node_hash};
use ledger::header::{EntryKind, Header, HeaderBody};
use ledger::part::{PartKind, PartsTree, Salt, commitment};
use ledger::receipt::Receipt;
use ledger::report::{ReportScope, ReportStatement, ReportSubject, SubjectReport, Text, digest};
use ledger::tile::Tile;
use registry::identifier::{IstatCode, LocalId};
use tokio_stream::Stream;
use tonic::{Request, Response, Status};
use transport::clock::ManualClock;
use transport::random::danger::SeededRandom;
use wire::proto::audit::v1::audit_service_server::{AuditService, AuditServiceServer};

use crate::backoff::Backoff;
use crate::connection::Timing;
use crate::fixture::serve;
use crate::receipt::ReceiptPolicy;

use super::*;

const CONTENT: &[u8] = b"operator m.bianchi";

fn signer() -> LogSigner {
    LogSigner::from_seed(Origin::new("log.ponte.example/1").unwrap(), &[1; 32]).unwrap()
}

/// The entry of this index with its one part.
fn entry(index: u64) -> proto::AccessEntry {
    let salt = Salt::new([3; 32]);
    let committed = [commitment(&PartKind::Operator, &salt, CONTENT)];
    let random = vec![9; PartsTree::random_len(1).unwrap()];
    let tree = PartsTree::build(&committed, &random).unwrap();
    let proof = tree.proof(0).unwrap();
    let mut body = HeaderBody::new(EntryKind::Access, tree.root());
    body.repeat_of = (index == 1).then_some(0);
    let header = Header {
        origin: signer().origin().clone(),
        time_ms: 1_000 + index,
        body,
    }
    .encode()
    .unwrap();
    proto::AccessEntry {
        origin: signer().origin().as_str().to_owned(),
        index,
        header: header.into_bytes(),
        decoded: None,
        parts: vec![proto::EntryPart {
            kind: proto::PartKind::Operator.into(),
            municipality: String::new(),
            position: proof.index.into(),
            salt: salt.as_bytes().to_vec(),
            path: proof.path.iter().map(|hash| hash.as_bytes().to_vec()).collect(),
            content: CONTENT.to_vec(),
            items: Vec::new(),
        }],
        reserved: false,
    }
}

fn leaf(index: u64) -> Hash {
    leaf_hash(&entry(index).header)
}

fn old_head() -> Checkpoint {
    Checkpoint {
        origin: signer().origin().clone(),
        size: 1,
        root: leaf(0),
    }
}

fn new_head() -> String {
    signer().sign(2, node_hash(&leaf(0), &leaf(1))).to_text()
}

/// A report without lines over the empty log, whose own entry is the first.
fn report(request: &str) -> SubjectReport {
    let empty = (0, Hash::EMPTY_TREE);
    let statement = ReportStatement {
        origin: signer().origin().clone(),
        scope: ReportScope::Region,
        request: Text::new(request).unwrap(),
        subject: ReportSubject::card("037032", "1").unwrap(),
        from_ms: None,
        until_ms: None,
        first: empty,
        last: empty,
        lines: 0,
        digest: digest([]).unwrap(),
    };
    let head = signer().sign(0, Hash::EMPTY_TREE).to_text();
    let header = Header {
        origin: signer().origin().clone(),
        time_ms: 1_000,
        body: HeaderBody::new(EntryKind::SubjectReport, Hash::EMPTY_TREE),
    };
    let header = header.encode().unwrap().into_bytes();
    let receipt = Receipt {
        index: 0,
        path: Vec::new(),
        checkpoint: signer().sign(1, leaf_hash(&header)).to_text(),
        header,
    };
    SubjectReport {
        note: ledger::report::sign(&statement, &signer()),
        first_checkpoint: head.clone(),
        last_checkpoint: head,
        consistency: Vec::new(),
        lines: Vec::new(),
        receipt,
    }
}

#[derive(Clone, Default)]
struct FakeIndex {
    starts: Arc<Mutex<Vec<Option<u64>>>>,
}

async fn client() -> (AuditorClient, FakeIndex) {
    let index = FakeIndex::default();
    let channel = serve!(AuditServiceServer::new(index.clone()));
    let backoff = Backoff {
        first: Duration::from_millis(1),
        longest: Duration::from_millis(1),
    };
    let timing = Timing {
        backoff,
        ..Timing::default()
    };
    let receipts = ReceiptPolicy::Verify(signer().verifier());
    let clock = Arc::new(ManualClock::at_ms(0));
    let connection = Connection::over(channel, receipts, timing, clock, Arc::new(SeededRandom::new(1)));
    (AuditorClient::new(connection), index)
}

fn context() -> ReadingContext {
    ReadingContext {
        purpose: "controllo".into(),
        reference: "2025/1".into(),
        reader: "a.verdi".into(),
    }
}

type Answers = Pin<Box<dyn Stream<Item = Result<proto::FollowAccessesResponse, Status>> + Send>>;

#[tonic::async_trait]
impl AuditService for FakeIndex {
    type FollowAccessesStream = Answers;

    async fn list_accesses(
        &self,
        _: Request<proto::ListAccessesRequest>,
    ) -> Result<Response<proto::ListAccessesResponse>, Status> {
        let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
        let mut altered = entry(1);
        altered.parts[0].content = b"operator a.rossi".to_vec();
        Ok(Response::new(proto::ListAccessesResponse {
            entries: vec![entry(0), altered],
            next_page_token: String::new(),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
            scope: Some(proto::ReadingScope {
                kind: proto::ScopeKind::Region.into(),
                ..proto::ReadingScope::default()
            }),
        }))
    }

    /// Sends one entry and breaks; the second stream ends in good order after its entry.
    async fn follow_accesses(
        &self,
        request: Request<proto::FollowAccessesRequest>,
    ) -> Result<Response<Answers>, Status> {
        let start = request.into_inner().start_index;
        self.starts.lock().unwrap().push(start);
        let item = match start {
            Some(next @ 2..) => proto::follow_accesses_response::Item::Progress(proto::FollowProgress {
                origin: signer().origin().as_str().to_owned(),
                next_index: next + 5,
            }),
            Some(next) => proto::follow_accesses_response::Item::Entry(entry(next)),
            None => proto::follow_accesses_response::Item::Entry(entry(0)),
        };
        let answer = Ok(proto::FollowAccessesResponse { item: Some(item) });
        let broken = Err(Status::unavailable("gone"));
        Ok(Response::new(Box::pin(tokio_stream::iter([answer, broken]))))
    }

    async fn get_checkpoint(
        &self,
        _: Request<proto::GetCheckpointRequest>,
    ) -> Result<Response<proto::GetCheckpointResponse>, Status> {
        let origin = signer().origin().as_str().to_owned();
        Ok(Response::new(proto::GetCheckpointResponse {
            origin,
            size: 2,
            checkpoint: new_head(),
        }))
    }

    /// The path of entry 0, whatever was asked for.
    async fn get_inclusion_proof(
        &self,
        request: Request<proto::GetInclusionProofRequest>,
    ) -> Result<Response<proto::GetInclusionProofResponse>, Status> {
        Ok(Response::new(proto::GetInclusionProofResponse {
            origin: signer().origin().as_str().to_owned(),
            index: request.into_inner().index,
            tree_size: 2,
            leaf_hash: leaf(0).as_bytes().to_vec(),
            path: vec![leaf(1).as_bytes().to_vec()],
            checkpoint: new_head(),
        }))
    }

    /// A report about this person, whoever was asked about.
    async fn report_subject(
        &self,
        request: Request<proto::ReportSubjectRequest>,
    ) -> Result<Response<proto::ReportSubjectResponse>, Status> {
        let request = request.into_inner();
        Ok(Response::new(wire::convert::report_message(
            signer().origin(),
            report(&request.request_number),
        )))
    }

    async fn get_consistency_proof(
        &self,
        request: Request<proto::GetConsistencyProofRequest>,
    ) -> Result<Response<proto::GetConsistencyProofResponse>, Status> {
        Ok(Response::new(proto::GetConsistencyProofResponse {
            origin: signer().origin().as_str().to_owned(),
            first_size: request.into_inner().first_size,
            second_size: 2,
            path: vec![leaf(1).as_bytes().to_vec()],
            checkpoint: new_head(),
        }))
    }

    /// Answers with one hash, whatever was asked for.
    async fn get_hash_tile(
        &self,
        _: Request<proto::GetHashTileRequest>,
    ) -> Result<Response<proto::GetHashTileResponse>, Status> {
        Ok(Response::new(proto::GetHashTileResponse {
            origin: signer().origin().as_str().to_owned(),
            hashes: leaf(0).as_bytes().to_vec(),
        }))
    }

    /// One row of a value, whatever was asked for.
    async fn get_statistics(
        &self,
        _: Request<proto::GetStatisticsRequest>,
    ) -> Result<Response<proto::GetStatisticsResponse>, Status> {
        let count = Some(proto::AccessCount {
            entries: 3,
            share_millionths: 2_500_000,
        });
        let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
        Ok(Response::new(proto::GetStatisticsResponse {
            rows: vec![proto::StatisticsRow {
                values: vec!["08".to_owned()],
                count,
            }],
            total: count,
            blocks: Vec::new(),
            origin: signer().origin().as_str().to_owned(),
            size: 2,
            checkpoint: new_head(),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
        }))
    }

    /// One alert, which names an operator.
    async fn list_alerts(
        &self,
        _: Request<proto::ListAlertsRequest>,
    ) -> Result<Response<proto::ListAlertsResponse>, Status> {
        let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 2).unwrap();
        let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
        Ok(Response::new(proto::ListAlertsResponse {
            alerts: vec![proto::Alert {
                index: 1,
                raise_time: Some(timestamp_from_ms(1_000)),
                kind: "volume".to_owned(),
                rule: "volume factor=4".to_owned(),
                agency: "spiffe://ponte.test/agency/a".to_owned(),
                operator: "m.esposito".to_owned(),
                reserved: false,
                first_date: Some(day.into()),
                last_date: Some(day.into()),
                counts: vec![proto::AlertCount {
                    name: "calls".to_owned(),
                    count: 401,
                }],
                entries: vec![0],
            }],
            next_page_token: String::new(),
            origin: signer().origin().as_str().to_owned(),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
        }))
    }

    /// A sample with one access, whatever was asked for.
    async fn draw_sample(
        &self,
        request: Request<proto::DrawSampleRequest>,
    ) -> Result<Response<proto::DrawSampleResponse>, Status> {
        let proto::DrawSampleRequest { agency, size, .. } = request.into_inner();
        let receipt = ShortReceipt::new(signer().origin(), 1, leaf(1));
        Ok(Response::new(proto::DrawSampleResponse {
            sample: Some(proto::Sample {
                agency,
                size,
                ..sample()
            }),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
        }))
    }

    async fn list_samples(
        &self,
        _: Request<proto::ListSamplesRequest>,
    ) -> Result<Response<proto::ListSamplesResponse>, Status> {
        let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
        Ok(Response::new(proto::ListSamplesResponse {
            samples: vec![sample()],
            next_page_token: String::new(),
            origin: signer().origin().as_str().to_owned(),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
        }))
    }

    /// Answers about another sample than was asked for.
    async fn justify_sample(
        &self,
        _: Request<proto::JustifySampleRequest>,
    ) -> Result<Response<proto::JustifySampleResponse>, Status> {
        let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
        Ok(Response::new(proto::JustifySampleResponse {
            sample: Some(proto::Sample {
                index: 99,
                ..sample()
            }),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
        }))
    }

    async fn record_sample_outcome(
        &self,
        _: Request<proto::RecordSampleOutcomeRequest>,
    ) -> Result<Response<proto::RecordSampleOutcomeResponse>, Status> {
        let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
        Ok(Response::new(proto::RecordSampleOutcomeResponse {
            sample: Some(sample()),
            receipt: Some(wire::convert::short_receipt(signer().origin(), &receipt)),
        }))
    }

    async fn request_opening(
        &self,
        _: Request<proto::RequestOpeningRequest>,
    ) -> Result<Response<proto::RequestOpeningResponse>, Status> {
        Ok(Response::new(proto::RequestOpeningResponse {
            opening: Some(opening(proto::OpeningState::Waiting, None)),
            receipt: Some(short()),
        }))
    }

    async fn confirm_opening(
        &self,
        _: Request<proto::ConfirmOpeningRequest>,
    ) -> Result<Response<proto::ConfirmOpeningResponse>, Status> {
        let confirmation = Some(act(6, "dpo", ""));
        Ok(Response::new(proto::ConfirmOpeningResponse {
            opening: Some(opening(proto::OpeningState::Open, confirmation)),
            receipt: Some(short()),
        }))
    }

    /// One whose state this version does not know.
    async fn list_openings(
        &self,
        _: Request<proto::ListOpeningsRequest>,
    ) -> Result<Response<proto::ListOpeningsResponse>, Status> {
        Ok(Response::new(proto::ListOpeningsResponse {
            openings: vec![opening(proto::OpeningState::Unspecified, None)],
            next_page_token: String::new(),
            receipt: Some(short()),
        }))
    }
}

fn sample() -> proto::Sample {
    let day = chrono::NaiveDate::from_ymd_opt(2026, 11, 2).unwrap();
    proto::Sample {
        index: 1,
        draw_time: Some(timestamp_from_ms(1_001)),
        agency: "spiffe://ponte.test/agency/a".to_owned(),
        reserved: false,
        size: 1,
        start_date: Some(day.into()),
        end_date: Some(day.succ_opt().unwrap().into()),
        deadline: Some(day.into()),
        items: vec![proto::SampleItem {
            entry: 0,
            access_time: Some(timestamp_from_ms(1_000)),
            state: proto::SampleState::Overdue.into(),
            justification: None,
            note: String::new(),
        }],
    }
}

fn short() -> wire::proto::ledger::v1::ShortReceipt {
    let receipt = ShortReceipt::new(signer().origin(), 2, leaf(0));
    wire::convert::short_receipt(signer().origin(), &receipt)
}

fn act(index: u64, auditor: &str, person: &str) -> proto::OpeningAct {
    proto::OpeningAct {
        index,
        act_time: Some(timestamp_from_ms(1_000)),
        auditor: format!("spiffe://ponte.example/auditor/{auditor}"),
        person: person.to_owned(),
        purpose: "inquiry".to_owned(),
        reference: "2025/1".to_owned(),
    }
}

/// The opening of entry 5, open or waiting.
fn opening(state: proto::OpeningState, confirmation: Option<proto::OpeningAct>) -> proto::Opening {
    proto::Opening {
        origin: signer().origin().as_str().to_owned(),
        id: 5,
        kind: proto::OpeningKind::Regional.into(),
        state: state.into(),
        entries: vec![proto::OpenedEntries {
            agency: "spiffe://ponte.example/agency/questura".to_owned(),
            ranges: vec![proto::EntryRange {
                first_index: 1,
                last_index: 3,
            }],
        }],
        reason: "a complaint".to_owned(),
        request: Some(act(5, "garante", "a.verdi")),
        confirmation,
        until_time: Some(timestamp_from_ms(2_000)),
    }
}

#[tokio::test]
async fn openings_are_read_whole_and_what_an_unknown_state_means_is_not_guessed() {
    let (client, _) = client().await;
    let entries = "1-3".parse().unwrap();
    let (asked, receipt) = client
        .request_opening(&context(), &entries, "a complaint")
        .await
        .unwrap();
    assert_eq!((asked.id, receipt.receipt.index()), (5, 2));
    assert_eq!(
        asked.state,
        OpeningState::Waiting(DateTime::from_timestamp_millis(2_000).unwrap())
    );
    assert_eq!(asked.entries[0].1, entries);
    let (confirmed, _) = client.confirm_opening(&context(), 5).await.unwrap();
    let confirmation = confirmed.confirmation.unwrap();
    assert_eq!((confirmation.index, confirmation.person), (6, None));
    assert!(!format!("{:?}", confirmed.request).contains("a.verdi"));
    let listed = client.openings(&context(), &PageRequest::default()).await;
    assert!(
        matches!(&listed, Err(ClientError::Answer(invalid)) if invalid.field() == "openings[0].state"),
        "{listed:?}"
    );
}

#[tokio::test]
async fn a_log_that_continues_the_known_one_is_told_from_one_that_does_not() {
    let (client, _) = client().await;
    let head = client.verify_continuation(&old_head()).await.unwrap();
    assert_eq!(head.checkpoint.size, 2);
    assert_eq!(client.checkpoint().await.unwrap(), head);

    let rewritten = Checkpoint {
        root: leaf(1),
        ..old_head()
    };
    let error = client.verify_continuation(&rewritten).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Evidence(EvidenceFault::Proof(_))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_proof_that_does_not_lead_to_the_signed_root_proves_nothing() {
    let (client, _) = client().await;
    assert_eq!(client.inclusion_proof(0, None).await.unwrap().leaf, leaf(0));
    let error = client.inclusion_proof(1, None).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Evidence(EvidenceFault::Proof(_))),
        "{error:?}"
    );
    let error = client.inclusion_proof(0, Some(1)).await.unwrap_err();
    assert!(
        matches!(error, ClientError::Evidence(EvidenceFault::OtherSubject("size"))),
        "{error:?}"
    );
}

#[tokio::test]
async fn a_part_that_the_header_does_not_commit_to_is_refused() {
    let (client, _) = client().await;
    let listed = client
        .list_accesses(&context(), &AccessFilter::default(), &PageRequest::default())
        .await;
    assert!(
        matches!(listed, Err(ClientError::Evidence(EvidenceFault::Part))),
        "{listed:?}"
    );
}

#[tokio::test]
async fn a_broken_stream_is_resumed_after_the_last_entry() {
    let (client, index) = client().await;
    let mut follower = client.follow_accesses(context(), AccessFilter::default(), None);
    for expect in 0..2 {
        let Followed::Entry(entry) = follower.next().await.unwrap() else {
            panic!("no entry")
        };
        assert_eq!(
            (entry.index, entry.parts[0].content.as_slice()),
            (expect, CONTENT)
        );
    }
    assert_eq!(follower.next().await.unwrap(), Followed::Progress(7));
    assert_eq!(follower.next_index(), Some(7));
    assert_eq!(*index.starts.lock().unwrap(), [None, Some(1), Some(2)]);
}

#[tokio::test]
async fn a_tile_of_another_width_than_was_asked_for_is_refused() {
    let (client, _) = client().await;
    let narrow = Tile::new(0, 0, 1).unwrap();
    assert_eq!(client.hash_tile(narrow).await.unwrap(), leaf(0).as_bytes());
    let refused = client.hash_tile(Tile::new(0, 0, 2).unwrap()).await;
    assert!(matches!(refused, Err(ClientError::Answer(_))), "{refused:?}");
}

#[tokio::test]
async fn counts_that_do_not_fit_what_was_asked_are_refused() {
    let (client, _) = client().await;
    let day = |number| chrono::NaiveDate::from_ymd_opt(2026, 10, number).unwrap();
    let counted = client
        .statistics(&context(), day(1)..day(2), &[Dimension::Hour])
        .await
        .unwrap();
    assert_eq!((counted.rows[0].count.entries, counted.size), (3, 2));
    assert_eq!(counted.rows[0].values, ["08"]);
    assert!(
        !format!("{counted:?}").contains("\"08\""),
        "no value is in debugging output"
    );
    let refused = client
        .statistics(&context(), day(1)..day(2), &[Dimension::Hour, Dimension::Day])
        .await;
    assert!(matches!(refused, Err(ClientError::Answer(_))), "{refused:?}");
}

#[tokio::test]
async fn an_alert_is_read_and_its_operator_is_in_no_debugging_output() {
    let (client, _) = client().await;
    let page = client
        .alerts(&context(), &PageRequest::default())
        .await
        .unwrap()
        .page;
    let [alert] = &page.items[..] else {
        panic!("one alert")
    };
    assert_eq!(alert.operator.as_deref(), Some("m.esposito"));
    assert_eq!(alert.counts, [("calls".to_owned(), 401)]);
    assert!(!format!("{alert:?}").contains("esposito"));
}

#[tokio::test]
async fn a_sample_is_read_and_an_answer_about_another_one_is_refused() {
    let (client, _) = client().await;
    let page = client
        .samples(&context(), &PageRequest::default())
        .await
        .unwrap()
        .page;
    let [sample] = &page.items[..] else {
        panic!("one sample")
    };
    assert_eq!(sample.items[0].state, SampleState::Overdue);
    let recorded = client
        .record_sample_outcome(&context(), 1, 0, SampleOutcome::Rejected, "")
        .await;
    assert_eq!(recorded.unwrap().index, 1);
    let other = client.justify_sample(&context(), 1, 0, "why", "2026/1").await;
    assert!(
        matches!(
            other,
            Err(ClientError::Evidence(EvidenceFault::OtherSubject("sample")))
        ),
        "{other:?}"
    );
}

#[tokio::test]
async fn a_report_is_handed_out_only_if_it_is_the_one_that_was_asked_for() {
    let (client, _) = client().await;
    let card = |number: &str| ReportedPerson::Card {
        municipality: IstatCode::parse("037032").unwrap(),
        local_id: LocalId::parse(number).unwrap(),
    };
    let ask = ReportRequest {
        request: "Prot. 7/2026".to_owned(),
        person: card("1"),
        from: None,
        until: None,
        tree_size: None,
    };
    let told = client.report_subject(&context(), &ask).await.unwrap();
    assert_eq!(told, report("Prot. 7/2026"));
    let instant = DateTime::from_timestamp_millis(1_000);
    let others = [
        ReportRequest {
            person: card("2"),
            ..ask.clone()
        },
        ReportRequest {
            from: instant,
            ..ask.clone()
        },
        ReportRequest {
            until: instant,
            ..ask.clone()
        },
        ReportRequest {
            tree_size: Some(1),
            ..ask.clone()
        },
    ];
    for other in others {
        let error = client.report_subject(&context(), &other).await.unwrap_err();
        assert!(
            matches!(error, ClientError::Evidence(EvidenceFault::OtherSubject(_))),
            "{error:?}"
        );
    }
}
