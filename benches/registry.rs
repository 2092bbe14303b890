//! Codici fiscali and canonical bytes: what every published card passes.
//!
//! ```text
//! cargo bench -p benches --bench registry
//! ```

use std::hint::black_box;

use benches::people::{card, tax_code};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use registry::canonical::{decode, encode};
use registry::codice_fiscale::{CodiceFiscale, TaxCode};
use registry::identifier::CadastralCode;
use registry::record::Sex;

fn codes(criterion: &mut Criterion) {
    let place = CadastralCode::parse("A944").expect("Bologna has a cadastral code");
    let birth = "1980-03-05".parse().expect("a day");
    criterion.bench_function("codice fiscale compute", |bencher| {
        bencher.iter(|| {
            CodiceFiscale::compute(
                black_box("D'Angelo"),
                black_box("Nicolò Maria"),
                Sex::Male,
                birth,
                place,
            )
        });
    });
    let code = tax_code(12_345);
    criterion.bench_function("codice fiscale parse", |bencher| {
        bencher.iter(|| TaxCode::parse(black_box(code.as_str())));
    });
}

fn canonical(criterion: &mut Criterion) {
    let record = card(12_345);
    let bytes = encode(&record);
    let mut group = criterion.benchmark_group("canonical");
    group.throughput(Throughput::Bytes(bytes.len() as u64));
    group.bench_function("encode", |bencher| bencher.iter(|| encode(black_box(&record))));
    group.bench_function("decode", |bencher| bencher.iter(|| decode(black_box(&bytes))));
    group.finish();
}

criterion_group!(benches, codes, canonical);
criterion_main!(benches);
