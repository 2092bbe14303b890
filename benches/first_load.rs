//! The first load of a municipality's registry through the real protocol: a node's stream of batches over mutual TLS
//! into an index in a process of its own, each batch validated, journalled, synced and acknowledged.
//!
//! ```text
//! cargo bench -p benches --bench first_load
//! ```
//!
//! `PONTE_BENCH_RECORDS` (100,000) cards with four keys each; `PONTE_BENCH_DIRECTORY` names a directory on the disk to
//! be measured. The bound is against what PostgreSQL's `COPY` with the same indexes took on the reference machine.

use benches::child::{Server, runtime, serve_if_asked};
use benches::measure::{Extent, count, cpu_of, setting};
use benches::region::{Load, Region};
use benches::report::{Bound, Budget};

/// Rows a second of `COPY` with four indexes, committed each 10,000 rows.
const POSTGRES_COPY: f64 = 55_000.0;

const ACKNOWLEDGED: Budget = Budget {
    what: "records acknowledged a second / PostgreSQL COPY as recorded",
    bound: Bound::AtLeast,
    gate: 0.20,
    target: 0.30,
};

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    if serve_if_asked() {
        return;
    }
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let records = setting("PONTE_BENCH_RECORDS", extent.choose(100_000, 500));
    let report = runtime().block_on(load(records));
    println!("{}", extent.printed(&report));
}

async fn load(records: u64) -> String {
    let region = Region::create();
    let index = Server::index(&region.config());
    let cpu = cpu_of(index.pid());
    let Load {
        records,
        acknowledged,
        visible,
    } = region.publish(index.address, records).await;
    let cpu = cpu_of(index.pid()) - cpu;
    let rate = count(records) / acknowledged.as_secs_f64();
    [
        format!(
            "{records} records: acknowledged in {:.2} s, {rate:.0}/s; visible after {:.2} s, {:.0}/s; index CPU {:.1} us \
             a record",
            acknowledged.as_secs_f64(),
            visible.as_secs_f64(),
            count(records) / visible.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / count(records),
        ),
        ACKNOWLEDGED.line(rate / POSTGRES_COPY),
    ]
    .join("\n")
}
