//! At the end of its term the sealed part of an entry can be opened by nobody; the entry and every proof of it stay.

use std::time::Duration;

use client::auditor::AccessEntry;
use client::receipt::AccessProof;
use ledger::header::EntryKind;
use ledger::part::PartKind;
use support::agreements::{Document, POLICE, PUBLIC_BODY};
use support::calls::{ground, lookup};
use support::people::mario;
use support::region::{Region, log_verifier};
use support::wait::until_async;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The same body, whose entries are kept for six months.
fn brief() -> Document {
    let text = PUBLIC_BODY
        .text
        .replace(PUBLIC_BODY.id, "asl-breve-2026")
        .replace("retention_months = 24", "retention_months = 6");
    assert_ne!(text, PUBLIC_BODY.text);
    Document {
        id: "asl-breve-2026",
        text: text.leak(),
        ..PUBLIC_BODY
    }
}

async fn look_up(region: &Region, document: Document, purpose: &str) -> AccessProof {
    let agency = region.agency(document);
    let context = ground(document, purpose, agency.new_request_id());
    let answer = agency.lookup_person(lookup(context, mario().tax_code())).await;
    answer.expect("an answer").receipt
}

/// Kinds of the parts that the regional auditor can still open.
fn open(entries: &[AccessEntry], index: u64) -> Vec<PartKind> {
    let entry = entries.iter().find(|entry| entry.index == index);
    let parts = &entry.expect("headers stay").parts;
    parts.iter().map(|part| part.kind.clone()).collect()
}

/// Entries about the destruction of keys, as what they say.
fn destructions(entries: &[AccessEntry]) -> Vec<Vec<(String, String)>> {
    let of_kind = entries
        .iter()
        .filter(|entry| entry.header.body.kind == EntryKind::KeysDestroyed);
    of_kind
        .map(|entry| entry.parts.iter().flat_map(|part| part.items.clone()).collect())
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_agreements_only_the_parts_of_the_shorter_term_are_gone_after_seven_months() {
    let mut region = Region::populated().await;
    let brief = brief();
    region.activate(brief).await;
    let (mut kept, mut gone) = (Vec::new(), Vec::new());
    for _ in 0..3 {
        kept.push(look_up(&region, POLICE, "identification").await);
        gone.push(look_up(&region, brief, "co-payment").await);
    }
    let before = region.entries("garante").await;
    for receipt in kept.iter().chain(&gone) {
        let open = open(&before, receipt.index());
        assert!(open.contains(&PartKind::Operator) && open.contains(&PartKind::Criteria));
    }
    assert!(destructions(&before).is_empty());
    let old = region
        .auditor("garante")
        .checkpoint()
        .await
        .expect("a checkpoint");

    region.stop_index().await;
    region.clock.advance(DAY * 31 * 7);
    region.authority.renew();
    region.authority.server();
    region.start_index().await;
    let entries = until_async("the keys are destroyed", async || {
        let entries = region.entries("garante").await;
        (!destructions(&entries).is_empty()).then_some(entries)
    })
    .await;
    let [said] = &destructions(&entries)[..] else {
        panic!("one entry for one destruction")
    };
    assert!(said.iter().all(|(class, _)| class.contains(" 6m ")), "{said:?}");
    assert!(
        said.iter().any(|(class, _)| class.starts_with("operator ")),
        "{said:?}"
    );
    for receipt in &kept {
        let index = receipt.index();
        assert_eq!(open(&entries, index), open(&before, index));
    }
    for receipt in &gone {
        assert!(open(&entries, receipt.index()).is_empty());
    }
    let auditor = region.auditor("garante");
    auditor
        .verify_continuation(&old.checkpoint)
        .await
        .expect("the same log");
    for receipt in kept.iter().chain(&gone) {
        let AccessProof::Proved(proved) = receipt else {
            panic!("the receipt was verified")
        };
        proved
            .receipt()
            .verify(&log_verifier())
            .expect("a receipt is good for ever");
        auditor
            .inclusion_proof(receipt.index(), None)
            .await
            .expect("the entry stands");
    }

    region.stop_index().await;
    region.start_index().await;
    look_up(&region, brief, "co-payment").await;
    let entries = region.entries("garante").await;
    assert_eq!(
        destructions(&entries).len(),
        1,
        "what is gone is not destroyed again"
    );
}
