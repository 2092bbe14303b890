//! Whoever oversees is told how many accesses there were, in its own scope.

use agreement::reason::Reason;
use chrono::{Days, NaiveDate};
use client::auditor::{AccessCount, Dimension, Statistics};
use client::error::ClientError;
use ledger::header::EntryKind;
use support::agreements::{POLICE, PUBLIC_BODY};
use support::calls::{ground, lookup};
use support::people::{carla, mario, nobody, paolo};
use support::region::{Region, reading};

/// The day on which the region's clock stands.
fn today() -> NaiveDate {
    NaiveDate::from_ymd_opt(2026, 11, 2).expect("a day")
}

fn tomorrow() -> NaiveDate {
    today() + Days::new(1)
}

async fn count(region: &Region, auditor: &str, by: &[Dimension]) -> Result<Statistics, ClientError> {
    let auditor = region.auditor(auditor);
    auditor.statistics(&reading(), today()..tomorrow(), by).await
}

/// Rows as their values and how many.
async fn rows(region: &Region, auditor: &str, by: &[Dimension]) -> Vec<(String, u64)> {
    let counted = count(region, auditor, by).await.expect("counts");
    let rows = counted.rows.iter();
    rows.map(|row| (row.values.join(" "), row.count.entries))
        .collect()
}

/// The police look up three people of three municipalities, nobody, and Mario for a reserved purpose; the public body Mario.
async fn accesses(region: &Region) {
    let police = region.agency(POLICE);
    for (purpose, code) in [
        ("identification", mario().tax_code()),
        ("identification", paolo().tax_code()),
        ("identification", carla().tax_code()),
        ("identification", nobody()),
        ("investigation", mario().tax_code()),
    ] {
        let context = ground(POLICE, purpose, police.new_request_id());
        // Nobody is found by one of them.
        let _ = police.lookup_person(lookup(context, code)).await;
    }
    let body = region.agency(PUBLIC_BODY);
    let context = ground(PUBLIC_BODY, "co-payment", body.new_request_id());
    body.lookup_person(lookup(context, mario().tax_code()))
        .await
        .expect("an answer");
}

fn pair(value: &str, count: u64) -> (String, u64) {
    (value.to_owned(), count)
}

#[tokio::test(flavor = "multi_thread")]
async fn each_scope_counts_its_own_and_reserved_purposes_stay_with_the_agency() {
    let mut region = Region::populated().await;
    accesses(&region).await;
    let police = "spiffe://ponte.test/agency/questura-bo";
    let body = "spiffe://ponte.test/agency/asl-imola";
    for restarted in [false, true] {
        assert_eq!(
            rows(&region, "garante", &[Dimension::Agency]).await,
            [pair(body, 1), pair(police, 4)]
        );
        assert_eq!(
            rows(&region, "garante", &[Dimension::Municipality]).await,
            [
                pair("C265", 1),
                pair("D360", 1),
                pair("E289", 2),
                pair("region", 1)
            ]
        );
        assert_eq!(
            rows(&region, "garante", &[Dimension::Outcome, Dimension::Hour]).await,
            [pair("NOT_FOUND 09", 1), pair("OK 09", 4)]
        );
        assert_eq!(
            rows(&region, "imola", &[Dimension::Agency, Dimension::Purpose]).await,
            [
                pair(&format!("{body} co-payment"), 1),
                pair(&format!("{police} identification"), 1)
            ]
        );
        assert_eq!(
            rows(&region, "questura", &[Dimension::Purpose, Dimension::Operator]).await,
            [
                pair("identification m.esposito", 4),
                pair("investigation m.esposito", 1)
            ]
        );
        let total = count(&region, "questura", &[]).await.expect("counts").total;
        assert_eq!(
            total,
            AccessCount {
                entries: 5,
                share_millionths: 5_000_000
            }
        );
        if !restarted {
            region.stop_index().await;
            region.start_index().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_not_to_see_operators_or_municipalities_is_refused_and_who_reads_is_entered() {
    let region = Region::populated().await;
    accesses(&region).await;
    for (auditor, by) in [
        ("imola", Dimension::Operator),
        ("questura", Dimension::Municipality),
        ("curioso", Dimension::Agency),
    ] {
        match count(&region, auditor, &[by]).await {
            Err(ClientError::Refused(refusal)) => {
                assert_eq!(refusal.reason, Some(Reason::OutsideScope), "{auditor}");
            }
            other => panic!("{auditor} is told {other:?}"),
        }
    }
    let read = |entries: &[client::auditor::AccessEntry]| {
        let kinds = entries.iter().map(|entry| entry.header.body.kind);
        kinds.filter(|kind| *kind == EntryKind::LogRead).count()
    };
    let before = read(&region.entries("garante").await);
    let counted = count(&region, "garante", &[]).await.expect("counts");
    let entries = region.entries("garante").await;
    let made = entries
        .iter()
        .find(|entry| entry.index == counted.receipt.receipt.index());
    assert_eq!(made.map(|entry| entry.header.body.kind), Some(EntryKind::LogRead));
    assert!(before < read(&entries));
    assert!(counted.size <= counted.head.checkpoint.size);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_range_that_is_none_and_a_dimension_twice_are_refused() {
    let region = Region::populated().await;
    let auditor = region.auditor("garante");
    for (days, by, field) in [
        (tomorrow()..today(), vec![], "end_date"),
        (today()..today(), vec![], "end_date"),
        (today()..today() + Days::new(367), vec![], "end_date"),
        (
            today()..tomorrow(),
            vec![Dimension::Hour, Dimension::Hour],
            "dimensions",
        ),
    ] {
        match auditor.statistics(&reading(), days, &by).await {
            Err(ClientError::Refused(refusal)) => assert_eq!(refusal.violations[0].field, field),
            other => panic!("{other:?}"),
        }
    }
}
