//! Accesses are drawn so that nobody chooses them, justified by their agency, and judged; each act is an entry.

use std::time::Duration;

use agreement::peer::Role;
use agreement::reason::Reason;
use chrono::{Days, NaiveDate};
use client::auditor::{AccessEntry, Drawing, ReadingContext, Sample, SampleOutcome, SampleState};
use client::error::ClientError;
use client::page::PageRequest;
use ledger::header::EntryKind;
use sha2::{Digest, Sha256};
use support::agreements::POLICE;
use support::authority::Authority;
use support::calls::{ground, lookup};
use support::people::{carla, mario, nobody, paolo};
use support::region::{ORIGIN, Region, reading};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The day on which the region's clock stands.
fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 2).expect("a day")
}

fn drawing(size: u32) -> Drawing {
    Drawing {
        agency: Authority::id(Role::Agency, POLICE.agency).to_string(),
        size,
        days: today()..today() + Days::new(1),
        deadline: today() + Days::new(2),
    }
}

/// Twelve answered lookups for an ordinary purpose, two that find nobody, and four for a reserved purpose.
async fn accesses(region: &Region) {
    let police = region.agency(POLICE);
    for number in 0..18 {
        let (purpose, code) = match number {
            0..12 => (
                "identification",
                [mario(), paolo(), carla()][number % 3].tax_code(),
            ),
            12..14 => ("identification", nobody()),
            _ => ("investigation", mario().tax_code()),
        };
        let context = ground(POLICE, purpose, police.new_request_id());
        // Nobody is found by two of them.
        let _ = police.lookup_person(lookup(context, code)).await;
    }
}

async fn samples(region: &Region, auditor: &str) -> Vec<Sample> {
    let auditor = region.auditor(auditor);
    let mut found = Vec::new();
    let mut request = PageRequest::default();
    loop {
        let page = auditor.samples(&reading(), &request).await.expect("samples").page;
        found.extend(page.items);
        match page.next {
            Some(next) => request.after = Some(next),
            None => return found,
        }
    }
}

/// Indices and states of a sample's accesses.
fn states(sample: &Sample) -> Vec<(u64, SampleState)> {
    sample.items.iter().map(|item| (item.entry, item.state)).collect()
}

#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>, reason: Reason) {
    match answer {
        Err(ClientError::Refused(refusal)) => assert_eq!(refusal.reason, Some(reason)),
        other => panic!("{other:?}"),
    }
}

fn sha256(pieces: &[&[u8]]) -> [u8; 32] {
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update(piece);
    }
    hash.finalize().into()
}

/// The root of a tree by RFC 6962 section 2.1, from the headers of its entries.
fn root(headers: &[&[u8]]) -> [u8; 32] {
    match headers {
        [] => sha256(&[]),
        [header] => sha256(&[&[0], header]),
        headers => {
            let left = headers.len().next_power_of_two() / 2;
            let (left, right) = headers.split_at(left);
            sha256(&[&[1], &root(left), &root(right)])
        }
    }
}

/// Base64 with padding, by RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let mut three = [0; 3];
        three[..chunk.len()].copy_from_slice(chunk);
        let bits = u32::from_be_bytes([0, three[0], three[1], three[2]]);
        for place in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * place) & 63) as usize];
            text.push(if place <= chunk.len() {
                char::from(letter)
            } else {
                '='
            });
        }
    }
    text
}

/// Who was drawn, by what the documentation of the drawing says, from the entries that the regional auditor reads.
fn drawn_again(entries: &[AccessEntry], announcement: u64, size: usize, reserved: bool) -> Vec<u64> {
    let headers: Vec<&[u8]> = entries[..=usize::try_from(announcement).expect("an index")]
        .iter()
        .map(|entry| entry.header_bytes.as_slice())
        .collect();
    let checkpoint = format!("{ORIGIN}\n{}\n{}\n", headers.len(), base64(&root(&headers)));
    let seed = sha256(&[b"ponte sample v1\n", checkpoint.as_bytes()]);
    let agency = Authority::id(Role::Agency, POLICE.agency).to_string();
    let purpose = if reserved {
        "investigation"
    } else {
        "identification"
    };
    let mut weighed: Vec<([u8; 32], u64)> = entries
        .iter()
        .filter(|entry| {
            let body = &entry.header.body;
            entry.index < announcement
                && body.kind == EntryKind::Access
                && body.peer.as_ref() == Some(&agency)
                && body.outcome.code == 0
                && body.purpose.as_deref() == Some(purpose)
        })
        .map(|entry| (sha256(&[&seed, &entry.index.to_be_bytes()]), entry.index))
        .collect();
    weighed.sort_unstable();
    let mut drawn: Vec<u64> = weighed.into_iter().take(size).map(|(_, index)| index).collect();
    drawn.sort_unstable();
    drawn
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_the_log_draws_the_same_accesses_again_also_after_a_restart() {
    let mut region = Region::populated().await;
    accesses(&region).await;
    let first = region
        .auditor("garante")
        .draw_sample(&reading(), &drawing(4))
        .await
        .expect("a sample");
    let second = region
        .auditor("garante")
        .draw_sample(&reading(), &drawing(4))
        .await
        .expect("a sample");
    let all = region
        .auditor("garante")
        .draw_sample(&reading(), &drawing(200))
        .await
        .expect("a sample");
    assert_eq!(all.items.len(), 12, "answered, for an ordinary purpose");
    let entries = region.entries("garante").await;
    for sample in [&first, &second, &all] {
        let size = usize::try_from(sample.drawing.size).expect("a size");
        let drawn: Vec<u64> = sample.items.iter().map(|item| item.entry).collect();
        assert_eq!(drawn, drawn_again(&entries, sample.index, size, false));
        let announced = &entries[usize::try_from(sample.index).expect("an index")];
        assert_eq!(announced.header.body.kind, EntryKind::SampleDrawn);
        let receipt = sample.receipt.as_ref().expect("a receipt");
        assert_eq!(receipt.receipt.index(), sample.index);
    }
    region.stop_index().await;
    region.start_index().await;
    let after = samples(&region, "garante").await;
    let before: Vec<_> = [&first, &second, &all].map(states).into();
    assert_eq!(after.iter().map(states).collect::<Vec<_>>(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_access_is_justified_once_by_its_agency_and_judged_once_by_the_region() {
    let mut region = Region::populated().await;
    accesses(&region).await;
    let sample = region
        .auditor("garante")
        .draw_sample(&reading(), &drawing(3))
        .await
        .expect("a sample");
    let [first, second, third] = [0, 1, 2].map(|number: usize| sample.items[number].entry);
    let index = sample.index;
    let (garante, questura, asl) = (
        region.auditor("garante"),
        region.auditor("questura"),
        region.auditor("asl"),
    );
    assert_eq!(samples(&region, "questura").await.len(), 1);
    assert!(samples(&region, "asl").await.is_empty(), "another agency");
    refused(
        region
            .auditor("imola")
            .samples(&reading(), &PageRequest::default())
            .await,
        Reason::OutsideScope,
    );
    refused(
        asl.justify_sample(&reading(), index, first, "why", "2026/1")
            .await,
        Reason::ResourceNotFound,
    );
    refused(
        garante
            .justify_sample(&reading(), index, first, "why", "2026/1")
            .await,
        Reason::OutsideScope,
    );
    refused(
        questura
            .justify_sample(&reading(), index, index, "why", "2026/1")
            .await,
        Reason::ResourceNotFound,
    );
    let judge = async |entry, outcome| {
        let recorded = garante
            .record_sample_outcome(&reading(), index, entry, outcome, "")
            .await;
        recorded.map(|sample| states(&sample))
    };
    refused(judge(first, SampleOutcome::Accepted).await, Reason::SampleState);
    let text = "checked the owner of a parked car";
    let justified = questura
        .justify_sample(&reading(), index, first, text, "PS/2026/77")
        .await;
    assert_eq!(
        justified.expect("justified").items[0].state,
        SampleState::Justified
    );
    refused(
        questura
            .justify_sample(&reading(), index, first, "again", "2026/1")
            .await,
        Reason::SampleState,
    );
    refused(
        questura
            .record_sample_outcome(&reading(), index, first, SampleOutcome::Accepted, "")
            .await,
        Reason::OutsideScope,
    );
    let accepted = judge(first, SampleOutcome::Accepted).await.expect("recorded");
    assert_eq!(accepted[0], (first, SampleState::Accepted));
    refused(judge(first, SampleOutcome::Rejected).await, Reason::SampleState);

    // Three days later: what waits is overdue, a justification is late, and what was never justified is rejected.
    region.stop_index().await;
    region.clock.advance(DAY * 3);
    region.authority.renew();
    region.authority.server();
    region.start_index().await;
    let (garante, questura) = (region.auditor("garante"), region.auditor("questura"));
    let seen = &samples(&region, "questura").await[0];
    assert_eq!(
        states(seen),
        [
            (first, SampleState::Accepted),
            (second, SampleState::Overdue),
            (third, SampleState::Overdue)
        ]
    );
    let justification = seen.items[0].justification.as_ref().expect("a justification");
    assert_eq!(
        (justification.text.as_str(), justification.case_reference.as_str()),
        (text, "PS/2026/77")
    );
    let late = questura
        .justify_sample(&reading(), index, second, "late", "2026/2")
        .await;
    assert_eq!(
        late.expect("justified").items[1].state,
        SampleState::JustifiedLate
    );
    refused(
        garante
            .record_sample_outcome(&reading(), index, third, SampleOutcome::Accepted, "")
            .await,
        Reason::SampleState,
    );
    let rejected = garante
        .record_sample_outcome(&reading(), index, third, SampleOutcome::Rejected, "no answer")
        .await
        .expect("recorded");
    assert_eq!(rejected.items[2].state, SampleState::Rejected);
    let entries = region.entries("garante").await;
    let kinds = |wanted| {
        entries
            .iter()
            .filter(|entry| entry.header.body.kind == wanted)
            .count()
    };
    assert_eq!(
        [
            EntryKind::SampleDrawn,
            EntryKind::SampleJustified,
            EntryKind::SampleJudged
        ]
        .map(kinds),
        [1, 2, 2]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn reserved_accesses_are_drawn_and_judged_by_their_agency_alone_and_by_two_persons() {
    let region = Region::populated().await;
    accesses(&region).await;
    let questura = region.auditor("questura");
    let sample = questura
        .draw_sample(&reading(), &drawing(10))
        .await
        .expect("a sample");
    assert!(sample.reserved);
    let entries = region.entries("garante").await;
    let drawn: Vec<u64> = sample.items.iter().map(|item| item.entry).collect();
    assert_eq!(drawn.len(), 4);
    assert_eq!(drawn, drawn_again(&entries, sample.index, 10, true));
    assert!(
        samples(&region, "garante").await.is_empty(),
        "the region is shown none"
    );
    let (index, entry) = (sample.index, drawn[0]);
    refused(
        region
            .auditor("garante")
            .record_sample_outcome(&reading(), index, entry, SampleOutcome::Rejected, "")
            .await,
        Reason::ResourceNotFound,
    );
    questura
        .justify_sample(&reading(), index, entry, "why", "2026/1")
        .await
        .expect("justified");
    refused(
        questura
            .record_sample_outcome(&reading(), index, entry, SampleOutcome::Accepted, "")
            .await,
        Reason::SampleState,
    );
    let other = ReadingContext {
        reader: "c.forni".to_owned(),
        ..reading()
    };
    let recorded = questura
        .record_sample_outcome(&other, index, entry, SampleOutcome::Accepted, "")
        .await;
    assert_eq!(recorded.expect("recorded").items[0].state, SampleState::Accepted);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drawing_of_nothing_or_of_others_is_refused() {
    let region = Region::populated().await;
    let garante = region.auditor("garante");
    refused(
        garante.draw_sample(&reading(), &drawing(3)).await,
        Reason::SampleState,
    );
    accesses(&region).await;
    refused(
        region.auditor("asl").draw_sample(&reading(), &drawing(3)).await,
        Reason::OutsideScope,
    );
    refused(
        region.auditor("imola").draw_sample(&reading(), &drawing(3)).await,
        Reason::OutsideScope,
    );
    for (drawing, field) in [
        (
            Drawing {
                size: 0,
                ..drawing(1)
            },
            "size",
        ),
        (
            Drawing {
                size: 201,
                ..drawing(1)
            },
            "size",
        ),
        (
            Drawing {
                days: today()..today() + Days::new(93),
                ..drawing(1)
            },
            "end_date",
        ),
        (
            Drawing {
                deadline: today() - Days::new(1),
                ..drawing(1)
            },
            "deadline",
        ),
        (
            Drawing {
                agency: "questura".to_owned(),
                ..drawing(1)
            },
            "agency",
        ),
    ] {
        match garante.draw_sample(&reading(), &drawing).await {
            Err(ClientError::Refused(refusal)) => assert_eq!(refusal.violations[0].field, field),
            other => panic!("{other:?}"),
        }
    }
}
