//! Who reads the log sees its own scope, and can prove that nothing in it was changed.

use agreement::peer::Role;
use agreement::reason::Reason;
use client::auditor::{AccessFilter, Followed, IndexRange, ReadingScope};
use client::page::PageRequest;
use ledger::hash::leaf_hash;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use ledger::tile::Tile;
use store::files::system::SystemFiles;
use store::fsck::fsck;
use support::agreements::{POLICE, PUBLIC_BODY};
use support::authority::Authority;
use support::calls::{ground, lookup};
use support::people::{Person, carla, mario, paolo};
use support::region::{Region, log_verifier, reading};
use support::wait::{until_async, within};
use transport::clock::Clock;
use wire::proto::audit::v1 as proto;
use wire::proto::audit::v1::audit_service_client::AuditServiceClient;
use wire::status::failure_of;

/// The police look up somebody of each municipality, the public body somebody of Imola.
async fn accesses(region: &Region) -> [u64; 4] {
    let police = |person: Person| async move {
        let police = region.agency(POLICE);
        let context = ground(POLICE, "identification", police.new_request_id());
        police
            .lookup_person(lookup(context, person.tax_code()))
            .await
            .expect("an answer")
            .receipt
            .index()
    };
    let body = region.agency(PUBLIC_BODY);
    let context = ground(PUBLIC_BODY, "co-payment", body.new_request_id());
    let by_body = body
        .lookup_person(lookup(context, mario().tax_code()))
        .await
        .expect("an answer");
    [
        police(mario()).await,
        police(paolo()).await,
        police(carla()).await,
        by_body.receipt.index(),
    ]
}

fn indexes(entries: &[client::auditor::AccessEntry]) -> Vec<u64> {
    let accesses = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Access);
    accesses.map(|entry| entry.index).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_regional_auditor_sees_everything_in_order_and_its_own_reading_too() {
    let region = Region::populated().await;
    let made = accesses(&region).await;
    let entries = region.entries("garante").await;
    let seen: Vec<u64> = entries.iter().map(|entry| entry.index).collect();
    assert_eq!(
        seen,
        (0..seen.len() as u64).collect::<Vec<_>>(),
        "no gap and no repetition"
    );
    for index in made {
        let entry = &entries[index as usize];
        let kinds: Vec<_> = entry.parts.iter().map(|part| part.kind.clone()).collect();
        for kind in [PartKind::Operator, PartKind::Criteria, PartKind::Decision] {
            assert!(kinds.contains(&kind), "entry {index} shows {kinds:?}");
        }
        assert!(
            kinds.iter().any(|kind| matches!(kind, PartKind::Subjects(_))),
            "entry {index} names its subject"
        );
    }
    let kinds: Vec<EntryKind> = region
        .entries("garante")
        .await
        .iter()
        .map(|entry| entry.header.body.kind)
        .collect();
    assert!(
        kinds.contains(&EntryKind::LogRead),
        "reading the log is an access too"
    );
    assert_eq!(
        kinds
            .iter()
            .filter(|kind| **kind == EntryKind::AgreementActivated)
            .count(),
        3
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipal_auditor_sees_only_the_accesses_to_its_own_residents() {
    let region = Region::populated().await;
    let [mario, _, _, by_body] = accesses(&region).await;
    let entries = region.entries("imola").await;
    let mut expected = vec![mario, by_body];
    expected.sort_unstable();
    assert_eq!(indexes(&entries), expected);
    for entry in &entries {
        for part in &entry.parts {
            let own = match &part.kind {
                PartKind::Operator => true,
                PartKind::Subjects(municipality) => municipality.as_str() == "E289",
                _ => false,
            };
            assert!(own, "entry {} shows {:?}", entry.index, part.kind);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_for_a_reserved_purpose_is_hidden_from_the_municipality_and_not_from_the_region() {
    let region = Region::populated().await;
    let police = region.agency(POLICE);
    let context = ground(POLICE, "investigation", police.new_request_id());
    let answer = police
        .lookup_person(lookup(context, mario().tax_code()))
        .await
        .expect("an answer");
    let index = answer.receipt.index();
    assert!(!indexes(&region.entries("imola").await).contains(&index));
    assert!(indexes(&region.entries("garante").await).contains(&index));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_agencys_supervisor_sees_its_own_agency_only() {
    let region = Region::populated().await;
    let [mario, paolo, carla, by_body] = accesses(&region).await;
    let entries = region.entries("questura").await;
    assert_eq!(indexes(&entries), [mario, paolo, carla]);
    assert!(!entries.iter().any(|entry| entry.index == by_body));
    let own = Authority::id(Role::Agency, POLICE.agency).to_string();
    for entry in &entries {
        assert_eq!(entry.header.body.peer.as_ref(), Some(&own));
        assert!(
            entry.parts.iter().all(|part| part.kind == PartKind::Operator),
            "entry {}",
            entry.index
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_an_entry_is_shown_without_purpose_reference_and_natural_person() {
    let region = Region::populated().await;
    let whole = proto::ReadingContext {
        purpose: "controllo".to_owned(),
        reference: "PROT. 2026/118".to_owned(),
        reader: "l.bianchi".to_owned(),
    };
    let without = |change: fn(&mut proto::ReadingContext)| {
        let mut context = whole.clone();
        change(&mut context);
        Some(context)
    };
    let contexts = [
        None,
        without(|context| context.purpose.clear()),
        without(|context| context.reference.clear()),
        without(|context| context.reader.clear()),
    ];
    let before = region.entries("garante").await.len();
    let mut client = AuditServiceClient::new(region.channel(Role::Auditor, "garante").await);
    for context in contexts {
        let list = proto::ListAccessesRequest {
            context: context.clone(),
            ..proto::ListAccessesRequest::default()
        };
        let follow = proto::FollowAccessesRequest {
            context: context.clone(),
            start_index: Some(0),
            ..proto::FollowAccessesRequest::default()
        };
        let request = proto::RequestOpeningRequest {
            context: context.clone(),
            entries: vec![proto::EntryRange::default()],
            reason: "a complaint".to_owned(),
        };
        let confirm = proto::ConfirmOpeningRequest {
            context: context.clone(),
            id: 0,
        };
        let openings = proto::ListOpeningsRequest {
            context,
            ..proto::ListOpeningsRequest::default()
        };
        let refused = [
            client.list_accesses(list).await.err(),
            client.follow_accesses(follow).await.err(),
            client.request_opening(request).await.err(),
            client.confirm_opening(confirm).await.err(),
            client.list_openings(openings).await.err(),
        ];
        for status in refused {
            let failure = failure_of(&status.expect("it is refused"));
            assert_eq!(failure.reason.known(), Some(Reason::InvalidArgument));
        }
    }
    let after = region.entries("garante").await;
    let readings = after[before..].iter().filter(|entry| {
        matches!(
            entry.header.body.kind,
            EntryKind::OpeningRequested | EntryKind::FollowerOpened
        )
    });
    assert_eq!(readings.count(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_whom_the_configuration_does_not_name_sees_nothing() {
    let region = Region::populated().await;
    let stranger = region.auditor("curioso");
    let refused = stranger
        .list_accesses(&reading(), &AccessFilter::default(), &PageRequest::default())
        .await;
    assert_eq!(
        refused.expect_err("no scope").reason(),
        Some(Reason::OutsideScope)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn proofs_lead_from_an_old_checkpoint_to_the_newest_and_from_every_entry_to_the_root() {
    let region = Region::populated().await;
    let auditor = region.auditor("garante");
    let old = auditor.checkpoint().await.expect("a checkpoint").checkpoint;
    let made = accesses(&region).await;
    let new = auditor
        .verify_continuation(&old)
        .await
        .expect("the log continues the one that was seen");
    assert!(old.size < new.checkpoint.size);
    for index in made {
        auditor
            .inclusion_proof(index, None)
            .await
            .expect("the entry is in the tree");
    }
    let mut rewritten = old;
    rewritten.root = ledger::hash::sha256(b"another history");
    assert!(
        auditor.verify_continuation(&rewritten).await.is_err(),
        "another history is not continued"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_gets_each_entry_as_it_is_made() {
    let region = Region::populated().await;
    let start = region
        .auditor("garante")
        .checkpoint()
        .await
        .expect("a checkpoint")
        .checkpoint
        .size;
    let mut follower =
        region
            .auditor("garante")
            .follow_accesses(reading(), AccessFilter::default(), Some(start));
    let made = accesses(&region).await;
    let mut seen = Vec::new();
    while seen.len() < made.len() {
        if let Followed::Entry(entry) = within(follower.next()).await.expect("the stream goes on")
            && entry.header.body.kind == EntryKind::Access
        {
            seen.push(entry.index);
        }
    }
    let mut expected = made.to_vec();
    expected.sort_unstable();
    assert_eq!(seen, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn fsck_accepts_the_log_and_finds_a_changed_byte() {
    let mut region = Region::populated().await;
    accesses(&region).await;
    let head = region
        .auditor("garante")
        .checkpoint()
        .await
        .expect("a checkpoint")
        .checkpoint;
    region.stop().await;

    let log = region.index_data().join("log");
    let files = SystemFiles::open_for_reading(&log).expect("the log can be read");
    let report = fsck(&files, None, &log_verifier(), vec![head.clone()]).expect("the log is whole");
    assert!(head.size <= report.entries);
    assert!(report.torn.is_none());

    let segment = support::search::files_under(&log)
        .into_iter()
        .filter(|file| file.metadata().is_ok_and(|metadata| 4096 < metadata.len()))
        .min()
        .expect("there is a segment");
    let mut bytes = std::fs::read(&segment).expect("a segment");
    bytes[report.bytes as usize / 2] ^= 1;
    std::fs::write(&segment, bytes).expect("the segment can be changed");
    assert!(
        fsck(&files, None, &log_verifier(), vec![head]).is_err(),
        "a changed byte is found"
    );
    let refused = region.try_start_index().await;
    assert!(refused.is_err(), "an index does not serve over a changed log");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_ends_with_the_certificate_behind_it_and_its_end_is_in_the_log() {
    let region = Region::populated().await;
    let channel = region.channel(Role::Auditor, "garante").await;
    let context = proto::ReadingContext {
        purpose: "controllo".to_owned(),
        reference: "PROT. 2026/118".to_owned(),
        reader: "l.bianchi".to_owned(),
    };
    let request = proto::FollowAccessesRequest {
        context: Some(context),
        start_index: Some(0),
        ..proto::FollowAccessesRequest::default()
    };
    let mut stream = AuditServiceClient::new(channel)
        .follow_accesses(request)
        .await
        .expect("the stream opens")
        .into_inner();
    let before = region.clock.now();
    region
        .clock
        .advance(std::time::Duration::from_secs(91 * 24 * 60 * 60));
    let status = within(async {
        loop {
            match stream.message().await {
                Ok(Some(_)) => {}
                Ok(None) => panic!("the stream ends with a status"),
                Err(status) => return status,
            }
        }
    })
    .await;
    assert_eq!(failure_of(&status).reason.known(), Some(Reason::PeerRevoked));
    // The index's own certificate has expired with the reader's: nobody could look any more.
    region.clock.set(before);
    let closed = until_async("the end of the reading is in the log", || async {
        let entries = region.entries("garante").await;
        entries
            .into_iter()
            .find(|entry| entry.header.body.kind == EntryKind::FollowerClosed)
    })
    .await;
    let reader = closed.header.body.peer.expect("a reader");
    assert!(reader.ends_with("/auditor/garante"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_of_the_log_is_listed_and_the_tiles_are_those_of_its_entries() {
    let region = Region::populated().await;
    accesses(&region).await;
    let auditor = region.auditor("garante");
    let range = IndexRange {
        start: 5,
        end: Some(12),
    };
    let mut page = PageRequest {
        size: Some(3),
        after: None,
    };
    let mut listed = Vec::new();
    let first = loop {
        let answer = auditor
            .list_accesses_in(&reading(), &AccessFilter::default(), range, &page)
            .await
            .expect("a page");
        assert_eq!(answer.scope, ReadingScope::Region);
        listed.extend(answer.page.items);
        match answer.page.next {
            Some(next) => page.after = Some(next),
            None => break page,
        }
    };
    let indices: Vec<u64> = listed.iter().map(|entry| entry.index).collect();
    assert_eq!(indices, (5..12).collect::<Vec<_>>());
    let other = auditor
        .list_accesses_in(
            &reading(),
            &AccessFilter::default(),
            IndexRange::default(),
            &first,
        )
        .await;
    assert_eq!(
        other.expect_err("a token of another range").reason(),
        Some(Reason::PageTokenInvalid)
    );

    let tile = auditor.hash_tile(Tile::new(0, 0, 12).expect("a tile")).await;
    let tile = tile.expect("the log has so many entries");
    for entry in &listed {
        let at = entry.index as usize * 32;
        assert_eq!(tile[at..at + 32], *leaf_hash(&entry.header_bytes).as_bytes());
    }
    let beyond = auditor.hash_tile(Tile::new(1, 0, 1).expect("a tile")).await;
    assert_eq!(
        beyond.expect_err("the log is not so large").reason(),
        Some(Reason::LogRange)
    );
    let mut raw = AuditServiceClient::new(region.channel(Role::Auditor, "garante").await);
    for (level, index, width) in [
        (8, 0, 1),
        (0, u64::MAX, 1),
        (0, 0, 257),
        (256, 0, 1),
        (0, 0, 65_537),
    ] {
        let asked = proto::GetHashTileRequest {
            origin: String::new(),
            level,
            index,
            width,
        };
        let refused = raw.get_hash_tile(asked).await.expect_err("no tile");
        assert_eq!(
            refused.code(),
            tonic::Code::InvalidArgument,
            "{level} {index} {width}"
        );
    }
    let backwards = proto::ListAccessesRequest {
        context: Some(proto::ReadingContext {
            purpose: "controllo".to_owned(),
            reference: "PROT. 2026/118".to_owned(),
            reader: "l.bianchi".to_owned(),
        }),
        start_index: 5,
        end_index: Some(4),
        ..proto::ListAccessesRequest::default()
    };
    let refused = raw.list_accesses(backwards).await.expect_err("no range");
    assert_eq!(refused.code(), tonic::Code::InvalidArgument);
}
