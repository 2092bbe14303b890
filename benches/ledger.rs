//! The mathematics of one log entry: header, hashes, trees, receipt.
//!
//! ```text
//! cargo bench -p benches --bench ledger
//! ```

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ledger::checkpoint::LogSigner;
use ledger::hash::{Hash, leaf_hash, sha256};
use ledger::header::{EntryKind, Header, HeaderBody, Outcome, RequestId};
use ledger::name::Origin;
use ledger::part::{PartKind, PartsTree, Salt, commitment};
use ledger::receipt::Receipt;
use ledger::tree::{BatchTree, Frontier};

/// Size of the log before the batch, as after a few weeks of use.
const BEFORE: u64 = 1_234_567;

fn header() -> Header {
    let mut body = HeaderBody::new(EntryKind::Access, sha256(b"parts"));
    body.peer = Some("spiffe://ponte.example/agency/questura-bo".to_owned());
    body.certificate = Some(sha256(b"certificate"));
    body.address = Some("192.0.2.7".to_owned());
    body.agreement = Some("questura-2026".to_owned());
    body.agreement_version = Some(sha256(b"agreement"));
    body.purpose = Some("investigation".to_owned());
    body.service = Some("ponte.consultation.v1.ConsultationService/LookupPerson".to_owned());
    body.request_id = Some(RequestId([7; 16]));
    body.outcome = Outcome {
        code: 0,
        reason: String::new(),
    };
    body.granted_fields = [
        "birth_date",
        "given_name",
        "household",
        "residence",
        "surname",
        "tax_code",
    ]
    .map(str::to_owned)
    .to_vec();
    Header {
        origin: origin(),
        time_ms: 1_790_000_000_000,
        body,
    }
}

fn origin() -> Origin {
    Origin::new("log.ponte.example/1").expect("the name of a log")
}

fn signer() -> LogSigner {
    LogSigner::from_seed(origin(), &[1; 32]).expect("any seed makes a key")
}

fn frontier() -> Frontier {
    let hashes = (0..BEFORE.count_ones())
        .map(|number| sha256(&number.to_be_bytes()))
        .collect();
    Frontier::new(BEFORE, hashes).expect("one hash for each one-bit of the size")
}

fn leaves(count: u64) -> Vec<Hash> {
    (0..count)
        .map(|number| leaf_hash(&number.to_be_bytes()))
        .collect()
}

fn receipt() -> Receipt {
    let header = header().encode().expect("the header fits");
    let mut leaves = leaves(64);
    leaves[17] = header.leaf_hash();
    let tree = BatchTree::new(&frontier(), &leaves).expect("the tree has room");
    let index = BEFORE + 17;
    Receipt {
        header: header.into_bytes(),
        index,
        path: tree.path(index).expect("a leaf of the batch").collect(),
        checkpoint: signer().sign(tree.size(), tree.root()).to_text(),
    }
}

fn entry(criterion: &mut Criterion) {
    let header = header();
    criterion.bench_function("header encode", |bencher| {
        bencher.iter(|| black_box(&header).encode())
    });
    let encoded = header.encode().expect("the header fits").into_bytes();
    criterion.bench_function("leaf hash", |bencher| {
        bencher.iter(|| leaf_hash(black_box(&encoded)))
    });
    let salt = Salt::new([3; 32]);
    let content = [5; 120];
    criterion.bench_function("part commitment", |bencher| {
        bencher.iter(|| commitment(&PartKind::Criteria, black_box(&salt), black_box(&content)));
    });
    let parts = leaves(4);
    let random = vec![9; PartsTree::random_len(parts.len()).expect("four parts fit")];
    criterion.bench_function("parts tree of four", |bencher| {
        bencher.iter(|| PartsTree::build(black_box(&parts), black_box(&random)));
    });
}

fn batch(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("batch tree with every path");
    let frontier = frontier();
    for count in [1, 64, 1024] {
        let leaves = leaves(count);
        group.throughput(Throughput::Elements(count));
        group.bench_function(count.to_string(), |bencher| {
            bencher.iter_batched(
                || frontier.clone(),
                |before| {
                    let tree = BatchTree::new(&before, black_box(&leaves)).expect("the tree has room");
                    (BEFORE..tree.size())
                        .filter_map(|index| tree.path(index))
                        .map(Iterator::count)
                        .sum::<usize>()
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
    let signer = signer();
    criterion.bench_function("checkpoint sign", |bencher| {
        bencher.iter(|| signer.sign(black_box(BEFORE), sha256(b"root")).to_text());
    });
}

fn verification(criterion: &mut Criterion) {
    let receipt = receipt();
    let verifier = signer().verifier();
    receipt.verify(&verifier).expect("the receipt is good");
    criterion.bench_function("receipt verify", |bencher| {
        bencher.iter(|| black_box(&receipt).verify(&verifier))
    });
    let bytes = receipt.encode().expect("the receipt fits");
    criterion.bench_function("receipt decode", |bencher| {
        bencher.iter(|| Receipt::decode(black_box(&bytes)))
    });
}

criterion_group!(benches, entry, batch, verification);
criterion_main!(benches);
