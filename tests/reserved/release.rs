//! From its release on a reserved access is as an ordinary one.

use agreement::reason::Reason;
use client::auditor::AccessFilter;
use client::page::PageRequest;
use support::agreements::{Document, POLICE};
use support::people::{mario, paolo};
use support::region::{Region, act, reading};

use super::{ALL, HOUR, access, months_later, parts, reserved_access, seen, shown};

/// The same agreement with another rule for its reserved purpose.
fn changed(rule: &str) -> Document {
    let text = POLICE.text.replace("release_after_months = 6", rule);
    assert_ne!(text, POLICE.text);
    Document {
        text: text.leak(),
        ..POLICE
    }
}

/// The agreement in force gives way to another version of it.
async fn replace(region: &Region, document: Document) {
    let administrator = region.administrator();
    let current = administrator
        .get(&document.agreement())
        .await
        .expect("there is one");
    let replaced = administrator
        .activate(
            document.text.as_bytes(),
            Some(current.hash),
            &act(),
            client::admin::Effect::Activate,
        )
        .await;
    replaced.expect("the next version is activated");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_entry_alone_says_when_a_reserved_access_is_released_whatever_the_agreement_says_later() {
    let mut region = Region::populated().await;
    let released = reserved_access(&region, POLICE, mario()).await;
    replace(&region, changed("release = \"never\"")).await;
    let never = reserved_access(&region, POLICE, mario()).await;
    replace(&region, changed("")).await;
    let unstated = reserved_access(&region, POLICE, mario()).await;
    replace(&region, changed("release_after_months = 12")).await;
    let later = reserved_access(&region, POLICE, mario()).await;
    let ordinary = access(&region, POLICE, "identification", mario()).await;
    let reserved = [released, never, unstated, later];

    let to_imola = shown(&["operator", "subjects E289"]);
    let check = async |region: &Region, free: &[u64]| {
        let (imola, garante) = (region.entries("imola").await, region.entries("garante").await);
        let questura = region.entries("questura").await;
        for index in reserved {
            let (to_municipality, to_region) = if free.contains(&index) {
                (to_imola.clone(), shown(&ALL))
            } else {
                (None, shown(&[]))
            };
            assert_eq!(parts(&imola, index), to_municipality, "entry {index} to Imola");
            assert_eq!(parts(&garante, index), to_region, "entry {index} to the region");
            let entry = garante
                .iter()
                .find(|entry| entry.index == index)
                .expect("its header");
            assert_eq!(entry.reserved, !free.contains(&index), "entry {index}");
            assert_eq!(
                parts(&questura, index),
                shown(&["operator"]),
                "entry {index} to its agency"
            );
        }
        assert_eq!(parts(&imola, ordinary), to_imola);
        assert_eq!(parts(&garante, ordinary), shown(&ALL));
    };
    check(&region, &[]).await;

    // Accesses of 2 November 2026 are released when 2 May 2027 is over in Italy.
    let last_hour = "2027-05-02T21:30:00Z".parse().expect("an instant");
    let wait = until(&region, last_hour);
    months_later(&mut region, wait).await;
    check(&region, &[]).await;
    region.clock.advance(HOUR);
    check(&region, &[released]).await;
    months_later(&mut region, HOUR * 24 * 31 * 12).await;
    check(&region, &[released, later]).await;
}

fn until(region: &Region, instant: chrono::DateTime<chrono::Utc>) -> std::time::Duration {
    use transport::clock::Clock;
    (instant - region.clock.now()).to_std().expect("it lies ahead")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_municipality_gets_no_proof_of_a_reserved_access_and_the_region_one_of_its_header() {
    let region = Region::populated().await;
    let index = reserved_access(&region, POLICE, mario()).await;
    let refused = region.auditor("imola").inclusion_proof(index, None).await;
    assert_eq!(
        refused.expect_err("as if it were not there").reason(),
        Some(Reason::ResourceNotFound)
    );
    region
        .auditor("garante")
        .inclusion_proof(index, None)
        .await
        .expect("the header is public to the region");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_call_for_a_reserved_purpose_is_as_reserved_as_a_granted_one() {
    let region = Region::populated().await;
    let police = region.agency(POLICE);
    // Granted, and then the same id for another question: refused.
    let context = support::calls::ground(POLICE, "investigation", police.new_request_id());
    let asked = |person: support::people::Person| support::calls::lookup(context.clone(), person.tax_code());
    police.lookup_person(asked(mario())).await.expect("an answer");
    let reused = police
        .lookup_person(asked(paolo()))
        .await
        .expect_err("the id is in use");
    assert_eq!(reused.reason(), Some(Reason::RequestIdReused));
    // Denied by a clause.
    let mut unfounded = support::calls::ground(POLICE, "investigation", police.new_request_id());
    unfounded.case_reference = None;
    let denied = police
        .lookup_person(support::calls::lookup(unfounded, mario().tax_code()))
        .await;
    assert_eq!(
        denied.expect_err("no case").reason(),
        Some(Reason::CaseReferenceMissing)
    );

    let filter = |reason: Reason| AccessFilter {
        outcome: Some(reason.name().to_owned()),
        ..AccessFilter::default()
    };
    for reason in [Reason::RequestIdReused, Reason::CaseReferenceMissing] {
        let garante = region.auditor("garante");
        let listed = garante
            .list_accesses(&reading(), &filter(reason), &PageRequest::default())
            .await;
        let [entry] = &listed.expect("a page").page.items[..] else {
            panic!("one refusal for {reason}")
        };
        assert!(entry.reserved && entry.parts.is_empty(), "{reason}");
        assert_eq!(
            seen(&region, "questura", entry.index).await,
            shown(&["operator"]),
            "{reason}"
        );
    }
}
