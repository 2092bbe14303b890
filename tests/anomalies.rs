//! What contradicts a municipality's cards, as its node is told over the wire: its own side, with the name of the other
//! only where that one has confirmed contact, and each one shown in the log.

use agreement::reason::Reason;
use client::node::Anomaly;
use client::page::PageRequest;
use ledger::header::EntryKind;
use node::measure::{CardNumber, Order};
use registry::identifier::LocalId;
use registry::linking::AnomalyKind;
use support::people::{DOZZA, IMOLA, Person, giulia, istat, mario};
use support::region::Region;
use support::wait::until_async;

async fn told(region: &Region, municipality: &str) -> Vec<Anomaly> {
    let node = region.node_client(municipality);
    let page = node
        .list_anomalies(istat(municipality), &PageRequest::default())
        .await;
    page.expect("a page").items
}

async fn entries(region: &Region) -> usize {
    let all = region.entries("garante").await;
    all.iter()
        .filter(|entry| entry.header.body.kind == EntryKind::Publication)
        .count()
}

#[tokio::test(flavor = "multi_thread")]
async fn each_municipality_is_told_of_its_own_side_of_a_double_residence_with_an_entry_for_each() {
    // Of the two only Imola has stated that others may see its name.
    let mut region = Region::empty().await;
    let in_dozza = |person: Person| Person {
        municipality: DOZZA,
        local_id: format!("D{}", person.local_id),
        ..person
    };
    region.publish(IMOLA, &[mario(), giulia()]).await;
    region
        .publish(DOZZA, &[in_dozza(mario()), in_dozza(giulia())])
        .await;

    let before = entries(&region).await;
    let mut at_dozza = told(&region, DOZZA).await;
    at_dozza.sort_by(|one, other| one.local_id.cmp(&other.local_id));
    let mut expected = [mario(), giulia()].map(|person| Anomaly {
        kind: AnomalyKind::DoubleResidence,
        local_id: LocalId::parse(&in_dozza(person).local_id).expect("a number"),
        other: Some(istat(IMOLA)),
    });
    expected.sort_by(|one, other| one.local_id.cmp(&other.local_id));
    assert_eq!(at_dozza, expected);
    assert_eq!(entries(&region).await, before + 2, "each one shown is an entry");
    let at_imola = told(&region, IMOLA).await;
    assert_eq!(at_imola.len(), 2);
    assert!(at_imola.iter().all(|anomaly| anomaly.other.is_none()));

    // From the protection of one of them on, nobody is told who has the other card.
    let order = Order::Protect {
        basis: "shelter".to_owned(),
        from: None,
        until: None,
    };
    let card = CardNumber(giulia().local_id);
    region
        .municipality(IMOLA)
        .node()
        .order(card, order)
        .await
        .expect("it is carried out");
    until_async("the protection is at the index", || async {
        let named = told(&region, DOZZA)
            .await
            .into_iter()
            .filter(|anomaly| anomaly.other.is_some());
        (named.count() == 1).then_some(())
    })
    .await;

    let foreign = region.node_client(IMOLA);
    let refused = foreign
        .list_anomalies(istat(DOZZA), &PageRequest::default())
        .await;
    let refused = refused.expect_err("the anomalies of another municipality");
    assert_eq!(refused.reason(), Some(Reason::ForeignMunicipality));
    region.stop().await;
}
