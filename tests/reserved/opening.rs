//! Reserved accesses are opened by two regional auditors together, or by their agency's supervisor.

use agreement::openings::EntrySet;
use agreement::peer::Role;
use agreement::reason::Reason;
use client::auditor::{
    AccessEntry, AccessFilter, AuditorClient, Followed, Opening, OpeningKind, OpeningState, ReadingContext,
};
use client::error::ClientError;
use client::page::PageRequest;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use support::agreements::{POLICE, PUBLIC_BODY};
use support::authority::Authority;
use support::people::{mario, paolo};
use support::region::{LIMITS, MUNICIPALITIES, Region};
use support::wait::{until_async, within};

use super::{ALL, HOUR, access, parts, reserved_access, shown};

/// Who reads for an auditor: a natural person of its own, unless another is named.
fn context(person: &str) -> ReadingContext {
    ReadingContext {
        purpose: "inquiry".to_owned(),
        reference: "Provv. 2026/7".to_owned(),
        reader: person.to_owned(),
    }
}

/// A region with a second regional auditor, and a second person who reads for the first.
async fn region() -> Region {
    let second = Authority::id(Role::Auditor, "rpd");
    let more = format!("{LIMITS}[[reader]]\nid = \"{second}\"\nscope = \"region\"\n");
    let mut region = Region::configured(&more).await;
    for document in support::agreements::ALL {
        region.activate(document).await;
    }
    for istat in MUNICIPALITIES {
        region.publish(istat, &support::people::everybody()).await;
    }
    region
}

fn entries(indices: &[u64]) -> EntrySet {
    EntrySet::new(indices.iter().map(|index| *index..=*index)).expect("entries")
}

async fn ask(region: &Region, auditor: &str, person: &str, indices: &[u64]) -> Result<Opening, ClientError> {
    let client = region.auditor(auditor);
    let (context, entries) = (context(person), entries(indices));
    let asked = client.request_opening(&context, &entries, "a complaint").await;
    asked.map(|(opening, _)| opening)
}

async fn confirm(region: &Region, auditor: &str, person: &str, id: u64) -> Result<Opening, ClientError> {
    let confirmed = region
        .auditor(auditor)
        .confirm_opening(&context(person), id)
        .await;
    confirmed.map(|(opening, _)| opening)
}

/// Every entry that a person sees for an auditor.
async fn read(region: &Region, auditor: &str, person: &str) -> Vec<AccessEntry> {
    let client = region.auditor(auditor);
    let page = PageRequest {
        size: Some(1_000),
        after: None,
    };
    let listed = client
        .list_accesses(&context(person), &AccessFilter::default(), &page)
        .await;
    listed.expect("a page").page.items
}

async fn sees(region: &Region, auditor: &str, person: &str, index: u64) -> Option<Vec<String>> {
    parts(&read(region, auditor, person).await, index)
}

async fn listed(region: &Region, auditor: &str) -> Vec<Opening> {
    let client = region.auditor(auditor);
    let page = client.openings(&context("x.y"), &PageRequest::default()).await;
    page.expect("openings").page.items
}

/// The refusal has this reason, and so has the newest entry of its kind.
#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>, reason: Reason, log: &[AccessEntry]) {
    let told = answer.expect_err("it is refused").reason();
    assert_eq!(told, Some(reason));
    let kinds = [EntryKind::OpeningRequested, EntryKind::OpeningConfirmed];
    let entry = log
        .iter()
        .rev()
        .find(|entry| kinds.contains(&entry.header.body.kind));
    let entry = entry.expect("an act about openings is entered");
    assert_eq!(entry.header.body.outcome.reason, reason.name());
    let kinds: Vec<_> = entry.parts.iter().map(|part| &part.kind).collect();
    assert!(kinds.contains(&&PartKind::Operator) && kinds.contains(&&PartKind::AdministrativeDetail));
}

/// Details of the newest entry of a kind by a reader.
fn details(log: &[AccessEntry], kind: EntryKind, auditor: &str) -> Vec<(String, String)> {
    let by = Authority::id(Role::Auditor, auditor).to_string();
    let of = |entry: &&AccessEntry| {
        entry.header.body.kind == kind && entry.header.body.peer.as_deref() == Some(&by)
    };
    let entry = log.iter().rev().find(of).expect("there is one");
    let detail = entry
        .parts
        .iter()
        .find(|part| part.kind == PartKind::AdministrativeDetail);
    detail.expect("its detail").items.clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_regional_auditors_open_what_one_alone_sees_the_header_of() {
    let mut region = region().await;
    let index = reserved_access(&region, POLICE, mario()).await;
    let other = reserved_access(&region, POLICE, paolo()).await;
    let opening = ask(&region, "garante", "a.neri", &[index]).await.expect("asked");
    assert_eq!(
        (opening.kind, opening.confirmation.is_some()),
        (OpeningKind::Regional, false)
    );
    assert!(matches!(opening.state, OpeningState::Waiting(_)));
    assert_eq!(
        sees(&region, "garante", "a.neri", index).await,
        shown(&[]),
        "alone nothing is open"
    );

    // A restart in the middle changes nothing.
    region.stop_index().await;
    region.start_index().await;
    region.clock.advance(HOUR * 71);
    let confirmed = confirm(&region, "rpd", "b.gialli", opening.id)
        .await
        .expect("confirmed");
    assert!(matches!(confirmed.state, OpeningState::Open(_)));
    let check = async |region: &Region, open: bool| {
        let to_openers = shown(if open { &ALL } else { &[] });
        for (auditor, person, expected) in [
            ("garante", "a.neri", to_openers.clone()),
            ("rpd", "b.gialli", to_openers),
            ("garante", "c.blu", shown(&[])),
            ("rpd", "a.neri", shown(&[])),
            ("questura", "d.viola", shown(&["operator"])),
            ("asl", "d.viola", None),
            ("imola", "d.viola", None),
        ] {
            let seen = read(region, auditor, person).await;
            assert_eq!(parts(&seen, index), expected, "{auditor} {person}, open: {open}");
            if auditor == "garante" || auditor == "rpd" {
                assert_eq!(parts(&seen, other), shown(&[]), "what was not named stays closed");
            }
        }
    };
    check(&region, true).await;
    region.stop_index().await;
    region.start_index().await;
    check(&region, true).await;

    // Each reading by the opening names it; others do not.
    let log = read(&region, "garante", "a.neri").await;
    let named = ("opening".to_owned(), opening.id.to_string());
    read(&region, "rpd", "b.gialli").await;
    let log_after = read(&region, "garante", "c.blu").await;
    assert!(details(&log_after, EntryKind::LogRead, "rpd").contains(&named));
    assert!(
        !details(&log, EntryKind::LogRead, "imola")
            .iter()
            .any(|(name, _)| name == "opening")
    );

    region.clock.advance(HOUR * 24);
    check(&region, false).await;
    let openings = listed(&region, "garante").await;
    assert_eq!((openings.len(), openings[0].state), (1, OpeningState::Ended));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_not_another_one_in_time_opens_nothing_and_each_attempt_is_entered() {
    let region = region().await;
    let index = reserved_access(&region, POLICE, mario()).await;
    let ordinary = access(&region, POLICE, "identification", mario()).await;
    let log = async || read(&region, "garante", "z.z").await;
    let opening = ask(&region, "garante", "a.neri", &[index])
        .await
        .expect("asked")
        .id;

    // One auditor alone, be it under another name.
    for person in ["a.neri", "b.gialli"] {
        let answer = confirm(&region, "garante", person, opening).await;
        refused(answer, Reason::OpeningSameCertificate, &log().await);
    }
    // The same auditor with a new certificate.
    region.authority.renew();
    region.authority.server();
    let answer = confirm(&region, "garante", "b.gialli", opening).await;
    refused(answer, Reason::OpeningSameAuditor, &log().await);
    // The same person with the certificate of another auditor.
    for person in ["a.neri", "A.NERI"] {
        let answer = confirm(&region, "rpd", person, opening).await;
        refused(answer, Reason::OpeningSamePerson, &log().await);
    }
    // Nobody but regional auditors.
    for auditor in ["imola", "questura", "asl"] {
        let answer = confirm(&region, auditor, "b.gialli", opening).await;
        refused(answer, Reason::OutsideScope, &log().await);
    }
    refused(
        confirm(&region, "rpd", "b.gialli", index).await,
        Reason::ResourceNotFound,
        &log().await,
    );
    assert_eq!(sees(&region, "garante", "a.neri", index).await, shown(&[]));
    assert_eq!(sees(&region, "rpd", "a.neri", index).await, shown(&[]));
    // Too late.
    region.clock.advance(HOUR * 72);
    refused(
        confirm(&region, "rpd", "b.gialli", opening).await,
        Reason::OpeningLapsed,
        &log().await,
    );
    assert_eq!(listed(&region, "rpd").await[0].state, OpeningState::Lapsed);
    // Twice.
    let again = ask(&region, "garante", "a.neri", &[index])
        .await
        .expect("asked")
        .id;
    confirm(&region, "rpd", "b.gialli", again)
        .await
        .expect("confirmed");
    refused(
        confirm(&region, "rpd", "b.gialli", again).await,
        Reason::OpeningSettled,
        &log().await,
    );

    // What is asked for must be reserved accesses of one's own scope.
    for (auditor, indices, reason) in [
        ("imola", &[index][..], Reason::OutsideScope),
        ("asl", &[index], Reason::ResourceNotFound),
        ("asl", &[1_000_000], Reason::ResourceNotFound),
        ("garante", &[1_000_000], Reason::ResourceNotFound),
        ("garante", &[index, ordinary], Reason::OpeningNotReserved),
        ("questura", &[ordinary], Reason::OpeningNotReserved),
        ("garante", &[0], Reason::OpeningNotReserved),
    ] {
        refused(
            ask(&region, auditor, "e.rosa", indices).await,
            reason,
            &log().await,
        );
    }
    // A shared account is nobody, and what names no reason no request.
    let client = region.auditor("garante");
    for (person, reason) in [
        ("admin", "a complaint"),
        ("a.neri", ""),
        ("a.neri", "a\ncomplaint"),
    ] {
        let asked = client
            .request_opening(&context(person), &entries(&[index]), reason)
            .await;
        assert_eq!(
            asked.expect_err("refused").reason(),
            Some(Reason::InvalidArgument)
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_supervisor_opens_what_its_own_agency_asked_and_never_what_was_decided() {
    let mut region = region().await;
    let index = reserved_access(&region, POLICE, mario()).await;
    let second = reserved_access(&region, POLICE, paolo()).await;
    let opening = ask(&region, "questura", "d.viola", &[index])
        .await
        .expect("open at once");
    assert_eq!(opening.kind, OpeningKind::Agency);
    assert!(matches!(opening.state, OpeningState::Open(_)));
    for _ in 0..2 {
        assert_eq!(
            sees(&region, "questura", "d.viola", index).await,
            shown(&["criteria", "operator"])
        );
        assert_eq!(
            sees(&region, "questura", "d.viola", second).await,
            shown(&["operator"])
        );
        assert_eq!(
            sees(&region, "questura", "altri", index).await,
            shown(&["operator"])
        );
        assert_eq!(sees(&region, "garante", "d.viola", index).await, shown(&[]));
        region.stop_index().await;
        region.start_index().await;
    }
    region.clock.advance(HOUR * 24);
    assert_eq!(
        sees(&region, "questura", "d.viola", index).await,
        shown(&["operator"])
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_agency_concerned_is_told_of_openings_of_its_own_entries_and_of_nothing_else() {
    let mut region = region().await;
    let index = reserved_access(&region, POLICE, mario()).await;
    let reserved = PUBLIC_BODY
        .text
        .replacen("kind = \"ordinary\"", "kind = \"reserved\"", 1);
    assert_ne!(reserved, PUBLIC_BODY.text);
    let reserved = support::agreements::Document {
        id: "asl-riservata-2026",
        text: reserved.replace(PUBLIC_BODY.id, "asl-riservata-2026").leak(),
        ..PUBLIC_BODY
    };
    region.activate(reserved).await;
    let of_asl = access(&region, reserved, "co-payment", mario()).await;
    let both = ask(&region, "garante", "a.neri", &[index, of_asl])
        .await
        .expect("asked");
    confirm(&region, "rpd", "b.gialli", both.id)
        .await
        .expect("confirmed");
    let own = ask(&region, "questura", "d.viola", &[index]).await.expect("open");

    let police = Authority::id(Role::Agency, POLICE.agency);
    let body = Authority::id(Role::Agency, PUBLIC_BODY.agency);
    for restarted in [false, true] {
        let seen = |openings: &[Opening]| -> Vec<_> {
            openings
                .iter()
                .map(|opening| (opening.id, opening.entries.clone()))
                .collect()
        };
        let to_region = listed(&region, "rpd").await;
        let whole = vec![
            (body.clone(), entries(&[of_asl])),
            (police.clone(), entries(&[index])),
        ];
        let of_police = vec![(police.clone(), entries(&[index]))];
        assert_eq!(
            seen(&to_region),
            [(both.id, whole), (own.id, of_police.clone())],
            "{restarted}"
        );
        let to_police = listed(&region, "questura").await;
        assert_eq!(
            seen(&to_police),
            [(both.id, of_police.clone()), (own.id, of_police)]
        );
        let to_body = listed(&region, "asl").await;
        assert_eq!(
            seen(&to_body),
            [(both.id, vec![(body.clone(), entries(&[of_asl]))])]
        );
        // Who of the regional auditors' people it was, the agencies are not told; of their own they are.
        assert_eq!(to_region[0].request.person.as_deref(), Some("a.neri"));
        for opening in [&to_police[0], &to_body[0]] {
            assert_eq!(
                (opening.request.person.clone(), opening.reason.as_str()),
                (None, "a complaint")
            );
            assert_eq!(opening.request.reference, "Provv. 2026/7");
            let confirmation = opening.confirmation.as_ref().expect("confirmed");
            assert_eq!(
                (confirmation.person.clone(), confirmation.auditor.id()),
                (None, "rpd")
            );
        }
        assert_eq!(to_police[1].request.person.as_deref(), Some("d.viola"));
        let to_municipality = region
            .auditor("imola")
            .openings(&context("x.y"), &PageRequest::default())
            .await;
        assert_eq!(
            to_municipality.expect_err("no scope").reason(),
            Some(Reason::OutsideScope)
        );
        region.stop_index().await;
        region.start_index().await;
    }
    // Page by page it is the same.
    let client = region.auditor("garante");
    let mut page = PageRequest {
        size: Some(1),
        after: None,
    };
    let first = client
        .openings(&context("x.y"), &page)
        .await
        .expect("a page")
        .page;
    page.after = first.next;
    assert!(page.after.is_some());
    let second = client
        .openings(&context("x.y"), &page)
        .await
        .expect("a page")
        .page;
    assert_eq!(
        (first.items[0].id, second.items[0].id, second.next),
        (both.id, own.id, None)
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_is_shown_what_was_opened_while_it_is_open_and_its_entries_say_so() {
    let region = region().await;
    let index = reserved_access(&region, POLICE, mario()).await;
    let opening = ask(&region, "garante", "a.neri", &[index])
        .await
        .expect("asked")
        .id;
    let first = async |auditor: AuditorClient, person: &str| {
        let mut follower = auditor.follow_accesses(context(person), AccessFilter::default(), Some(index));
        loop {
            if let Followed::Entry(entry) = within(follower.next()).await.expect("the stream goes on")
                && entry.index == index
            {
                return parts(&[*entry], index);
            }
        }
    };
    assert_eq!(first(region.auditor("garante"), "a.neri").await, shown(&[]));
    confirm(&region, "rpd", "b.gialli", opening)
        .await
        .expect("confirmed");
    assert_eq!(first(region.auditor("rpd"), "b.gialli").await, shown(&ALL));
    let named = ("opening".to_owned(), opening.to_string());
    until_async("the end of the reading names the opening", async || {
        let log = read(&region, "garante", "z.z").await;
        let by = Authority::id(Role::Auditor, "rpd").to_string();
        let closed = log.iter().filter(|entry| {
            entry.header.body.kind == EntryKind::FollowerClosed
                && entry.header.body.peer.as_deref() == Some(&by)
        });
        let mut items = closed.flat_map(|entry| &entry.parts).flat_map(|part| &part.items);
        items.any(|item| *item == named).then_some(())
    })
    .await;
}
