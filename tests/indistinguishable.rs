//! A caller cannot tell who does not exist from who is not visible to it.

use agreement::peer::Role;
use client::auditor::AccessEntry;
use ledger::header::HeaderBody;
use ledger::part::PartKind;
use registry::codice_fiscale::TaxCode;
use support::agreements::PUBLIC_BODY;
use support::calls::{ground, household, lookup, residents, verify};
use support::people::{IMOLA, Person, anna, carla, elena, mario, nobody, ugo};
use support::region::Region;
use tonic::metadata::KeyAndValueRef;
use tonic::{Code, Status};
use wire::proto::consultation::v1 as proto;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;
use wire::status::{EntryReceipt, RECEIPT_TRAILER, entry_receipt, failure_of};

/// Everything of an answer that reaches the caller, but for the content of its receipt, which is another each time.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    code: Code,
    message: String,
    details: Vec<u8>,
    trailers: Vec<(String, Vec<u8>)>,
    receipt_bytes: usize,
}

pub(crate) fn seen(status: &Status) -> (Seen, u64) {
    let receipt = failure_of(status)
        .details
        .receipt()
        .cloned()
        .or_else(|| entry_receipt(status.metadata()));
    let EntryReceipt { origin, receipt } = receipt.expect("an answer carries a receipt");
    let origin = origin.as_str().as_bytes().to_vec();
    let secret = receipt.encode();
    let masked = |bytes: &[u8]| mask(bytes, &secret);
    let mut trailers: Vec<(String, Vec<u8>)> = status
        .metadata()
        .iter()
        .map(|entry| match entry {
            // The time of day passes on while the classes are tried: its length alone is compared.
            KeyAndValueRef::Ascii(key, value) if key == "date" => {
                (key.to_string(), vec![0; value.as_bytes().len()])
            }
            KeyAndValueRef::Ascii(key, value) => (key.to_string(), masked(value.as_bytes())),
            // Beside the receipt it holds the entry's index, whose length as a number grows with the log.
            KeyAndValueRef::Binary(key, _) if key == RECEIPT_TRAILER => (key.to_string(), origin.clone()),
            KeyAndValueRef::Binary(key, value) => (
                key.to_string(),
                masked(&value.to_bytes().expect("the trailer is well formed")),
            ),
        })
        .collect();
    trailers.sort();
    let seen = Seen {
        code: status.code(),
        message: status.message().to_owned(),
        details: masked(status.details()),
        trailers,
        receipt_bytes: secret.len(),
    };
    (seen, receipt.index())
}

/// The bytes with the receipt in them blanked, its length kept.
fn mask(bytes: &[u8], secret: &[u8]) -> Vec<u8> {
    let mut masked = bytes.to_vec();
    let mut from = 0;
    while let Some(at) = masked[from..]
        .windows(secret.len())
        .position(|window| window == secret)
    {
        masked[from + at..from + at + secret.len()].fill(0);
        from += at + secret.len();
    }
    masked
}

fn entry_of(entries: &[AccessEntry], index: u64) -> &AccessEntry {
    let found = entries.iter().find(|entry| entry.index == index);
    found.expect("the reader sees the entry")
}

/// Length and content of an entry's header, but for what is another in each call: its id and its own sealed parts.
pub(crate) fn header_of(entries: &[AccessEntry], index: u64) -> (usize, HeaderBody) {
    let entry = entry_of(entries, index);
    let body = entry.header.body.clone();
    (
        entry.header_bytes.len(),
        HeaderBody {
            request_id: None,
            parts_root: ledger::hash::sha256(b""),
            ..body
        },
    )
}

/// The parts of an entry that its reader may see.
pub(crate) fn parts_of(entries: &[AccessEntry], index: u64) -> Vec<(PartKind, Vec<u8>)> {
    let parts = entry_of(entries, index).parts.iter();
    parts
        .map(|part| (part.kind.clone(), part.content.clone()))
        .collect()
}

/// Asks in all three ways.
async fn ask(
    region: &Region,
    client: &mut ConsultationServiceClient<tonic::transport::Channel>,
    code: &TaxCode,
) -> [Status; 3] {
    let context = || {
        ground(
            PUBLIC_BODY,
            "co-payment",
            region.agency(PUBLIC_BODY).new_request_id(),
        )
    };
    let person = proto::LookupPersonRequest::from(lookup(context(), *code));
    let family = proto::LookupHouseholdRequest::from(household(context(), *code));
    let claim = agreement::claim::Claim::ExistenceInLife;
    let declaration = proto::VerifyDeclarationRequest::from(verify(context(), *code, claim));
    [
        client.lookup_person(person).await.expect_err("nobody is shown"),
        client
            .lookup_household(family)
            .await
            .expect_err("nobody is shown"),
        client
            .verify_declaration(declaration)
            .await
            .expect_err("nobody is shown"),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn absent_out_of_territory_protected_and_excluded_give_equal_answers() {
    let region = Region::populated().await;
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let mut answers = Vec::new();
    for (class, code) in [
        ("absent", nobody()),
        ("out of territory", carla().tax_code()),
        ("protected", elena().tax_code()),
        ("dead", ugo().tax_code()),
    ] {
        let statuses = ask(&region, &mut client, &code).await;
        answers.push((class, statuses.map(|status| seen(&status))));
    }
    let entries = region.entries("garante").await;
    // Its own supervisor sees no more of it than the agency was told.
    let supervised = region.entries("asl").await;
    let Some(((_, absent), others)) = answers.split_first() else {
        panic!("there are answers")
    };
    assert!(
        absent
            .iter()
            .all(|(seen, _)| seen.code == Code::NotFound && seen.receipt_bytes == 72)
    );
    for (class, statuses) in others {
        for ((first, first_index), (other, other_index)) in absent.iter().zip(statuses) {
            assert_eq!(first, other, "{class} can be told from absent");
            assert_eq!(
                header_of(&entries, *first_index),
                header_of(&entries, *other_index),
                "the entry of {class} can be told from absent"
            );
            assert_eq!(
                parts_of(&supervised, *first_index),
                parts_of(&supervised, *other_index),
                "the parts of {class} can be told from absent"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_of_nobody_and_one_of_whoever_is_hidden_give_equal_answers() {
    let mut region = Region::populated().await;
    let moved = |person: Person, street: &str| Person {
        street: street.to_owned(),
        ..person
    };
    // In the protected person's household, Anna is hidden with her; Ugo is dead, and nobody ever lived in the last street.
    let sheltered = Person {
        household: elena().household,
        ..moved(anna(), "Riparo")
    };
    let people = [
        mario(),
        moved(elena(), "Nascosta"),
        sheltered.clone(),
        moved(ugo(), "Passata"),
    ];
    region.publish(IMOLA, &people).await;
    let channel = region.channel(Role::Agency, PUBLIC_BODY.agency).await;
    let mut client = ConsultationServiceClient::new(channel);
    let body = region.agency(PUBLIC_BODY);
    let context = || ground(PUBLIC_BODY, "co-payment", body.new_request_id());
    let mut answers = Vec::new();
    for street in ["Deserta", "Nascosta", "Riparo", "Passata"] {
        let question = residents(context(), &moved(mario(), street));
        let status = client
            .lookup_address_residents(proto::LookupAddressResidentsRequest::from(question))
            .await
            .expect_err("nobody is shown");
        answers.push((street, seen(&status)));
    }
    let entries = region.entries("garante").await;
    let supervised = region.entries("asl").await;
    let Some(((_, (absent, first)), others)) = answers.split_first() else {
        panic!("there are answers")
    };
    assert_eq!((absent.code, absent.receipt_bytes), (Code::NotFound, 72));
    for (street, (hidden, index)) in others {
        assert_eq!(hidden, absent, "{street} can be told from nobody's street");
        assert_eq!(
            header_of(&entries, *index),
            header_of(&entries, *first),
            "{street}"
        );
        assert_eq!(
            parts_of(&supervised, *index),
            parts_of(&supervised, *first),
            "{street}"
        );
    }
    // And it is the answer to a code of nobody.
    let person = proto::LookupPersonRequest::from(lookup(context(), nobody()));
    let by_code = client.lookup_person(person).await.expect_err("nobody is shown");
    assert_eq!(&seen(&by_code).0, absent);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_hidden_costs_as_much_quota_as_whoever_is_absent() {
    let region = Region::populated().await;
    let body = region.agency(PUBLIC_BODY);
    let mut remaining = Vec::new();
    for code in [nobody(), carla().tax_code(), elena().tax_code(), ugo().tax_code()] {
        let context = || ground(PUBLIC_BODY, "co-payment", body.new_request_id());
        body.lookup_person(lookup(context(), code))
            .await
            .expect_err("nobody is shown");
        let form = client::receipt::ReceiptForm::Short;
        let described = body
            .describe_access(&context(), None, form)
            .await
            .expect("a description");
        let quotas = described
            .agreements
            .iter()
            .flat_map(|agreement| &agreement.quotas);
        remaining.push(quotas.map(|quota| quota.remaining).collect::<Vec<_>>());
    }
    let costs: Vec<Vec<i64>> = remaining
        .windows(2)
        .map(|pair| {
            let left = |quota: &Option<u64>| i64::try_from(quota.unwrap_or_default()).unwrap_or(i64::MAX);
            pair[0]
                .iter()
                .zip(&pair[1])
                .map(|(before, after)| left(before) - left(after))
                .collect()
        })
        .collect();
    assert!(
        costs.iter().flatten().any(|cost| 0 < *cost),
        "a miss costs something: {costs:?}"
    );
    assert!(
        costs.windows(2).all(|pair| pair[0] == pair[1]),
        "a class costs another quota: {costs:?}"
    );
}
