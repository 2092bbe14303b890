//! An audited lookup by codice fiscale with its full receipt, beside a bare echo of as many bytes.
//!
//! ```text
//! cargo bench -p benches --bench audited_lookup
//! ```
//!
//! Index and echo are processes of their own with the same mutual TLS, runtime and HTTP/2 settings; this process is
//! the load: 64 calls in flight over four connections, receipts not verified. Rounds of the two alternate, and the
//! medians are compared: `PONTE_BENCH_PAIRS` (7) pairs of rounds of `PONTE_BENCH_MILLISECONDS` (4,000) each over
//! `PONTE_BENCH_RECORDS` (10,000) persons; `PONTE_BENCH_DIRECTORY` names a directory on the disk to be measured.

use std::time::Duration;

use benches::child::{Server, runtime, serve_if_asked};
use benches::echo::{self, Load};
use benches::measure::{Extent, Round, drive, median, setting};
use benches::region::{Region, lookup};
use benches::report::{Bound, Budget};
use prost::Message;
use tonic::transport::Channel;
use wire::proto::consultation::v1::consultation_service_client::ConsultationServiceClient;

const CONNECTIONS: usize = 4;
const IN_FLIGHT: usize = 64;

const CPU: Budget = Budget {
    what: "server CPU per call / bare echo, 64 in flight over 4 connections",
    bound: Bound::AtMost,
    gate: 2.5,
    target: 1.8,
};
const THROUGHPUT: Budget = Budget {
    what: "throughput / bare echo, 64 in flight over 4 connections",
    bound: Bound::AtLeast,
    gate: 0.45,
    target: 0.65,
};

/// What PostgreSQL 15 took for the same check and an audit insert on the reference machine.
const POSTGRES_THROUGHPUT: f64 = 11_300.0;
const POSTGRES_CPU: f64 = 148.0;
const POSTGRES_P50: f64 = 310.0;

/// Against those recorded figures: they mean something on the reference machine only.
const RECORDED: [Budget; 3] = [
    Budget {
        what: "throughput / PostgreSQL as recorded",
        bound: Bound::AtLeast,
        gate: 3.0,
        target: 4.0,
    },
    Budget {
        what: "server CPU per call / PostgreSQL as recorded",
        bound: Bound::AtMost,
        gate: 0.25,
        target: 0.18,
    },
    Budget {
        what: "p50 at one in flight / PostgreSQL as recorded",
        bound: Bound::AtMost,
        gate: 1.25,
        target: 1.0,
    },
];

/// The rounds of one of the two.
#[derive(Default)]
struct Rounds {
    loaded: Vec<Round>,
    alone: Vec<Round>,
}

impl Rounds {
    fn median(rounds: &[Round], figure: impl Fn(&Round) -> f64) -> f64 {
        median(rounds.iter().map(figure))
    }

    fn cpu(&self) -> f64 {
        Self::median(&self.loaded, Round::cpu_per_call)
    }

    fn throughput(&self) -> f64 {
        Self::median(&self.loaded, Round::throughput)
    }

    fn row(&self, name: &str) -> String {
        let loaded = |percent| Self::median(&self.loaded, |round| round.percentile(percent));
        let alone = |percent| Self::median(&self.alone, |round| round.percentile(percent));
        format!(
            "{name:<16} {:>9.0} {:>9.2} {:>8.0} {:>8.0} {:>10.0} {:>10.0}",
            self.throughput(),
            self.cpu(),
            loaded(50),
            loaded(99),
            alone(50),
            alone(99),
        )
    }
}

#[expect(clippy::print_stdout, reason = "a comparison prints its table")]
fn main() {
    if serve_if_asked() {
        return;
    }
    let Some(extent) = Extent::from_arguments() else {
        return;
    };
    let pairs = setting("PONTE_BENCH_PAIRS", extent.choose(7, 1));
    let time = Duration::from_millis(setting("PONTE_BENCH_MILLISECONDS", extent.choose(4000, 100)));
    let records = setting("PONTE_BENCH_RECORDS", extent.choose(10_000, 50));
    let report = runtime().block_on(compare(pairs, time, records));
    println!("{}", extent.printed(&report));
}

async fn compare(pairs: u64, time: Duration, records: u64) -> String {
    let region = Region::create();
    let index = Server::index(&region.config());
    region.activate(index.address).await;
    region.publish(index.address, records).await;

    let lookups = callers(&region, &index).await;
    let asked = lookup(0).encoded_len();
    let answered = answer_bytes(lookups[0].clone()).await;
    let echo = Server::echo(&region.pki(), answered);
    let echoes = callers(&region, &echo).await;

    let ask = move |channel, number: u64| ask(channel, number * 7919 % records);
    let repeat = move |channel, _| repeat(channel, asked);
    let warm_up = time / 2;
    drive(&lookups, warm_up, index.pid(), ask).await;
    drive(&echoes, warm_up, echo.pid(), repeat).await;

    let (mut audited, mut bare) = (Rounds::default(), Rounds::default());
    for _ in 0..pairs {
        audited.loaded.push(drive(&lookups, time, index.pid(), ask).await);
        bare.loaded.push(drive(&echoes, time, echo.pid(), repeat).await);
        audited
            .alone
            .push(drive(&lookups[..1], time / 4, index.pid(), ask).await);
        bare.alone
            .push(drive(&echoes[..1], time / 4, echo.pid(), repeat).await);
    }
    let later = answer_bytes(lookups[0].clone()).await;

    let alone = median(audited.alone.iter().map(|round| round.percentile(50)));
    let [throughput, cpu, p50] = RECORDED;
    [
        format!(
            "{pairs} pairs of {time:?}, {records} persons; question {asked} bytes, answer {answered} bytes at first and \
             {later} at the end, echo {answered}"
        ),
        "                   calls/s  CPU us/call  p50 us   p99 us  p50 us, 1   p99 us, 1".to_owned(),
        audited.row("audited lookup"),
        bare.row("bare echo"),
        CPU.line(audited.cpu() / bare.cpu()),
        THROUGHPUT.line(audited.throughput() / bare.throughput()),
        throughput.line(audited.throughput() / POSTGRES_THROUGHPUT),
        cpu.line(audited.cpu() / POSTGRES_CPU),
        p50.line(alone / POSTGRES_P50),
    ]
    .join("\n")
}

/// One channel for each call in flight, four connections in all.
async fn callers(region: &Region, server: &Server) -> Vec<Channel> {
    let mut connections = Vec::with_capacity(CONNECTIONS);
    for _ in 0..CONNECTIONS {
        connections.push(region.agency(server.address).await);
    }
    connections.into_iter().cycle().take(IN_FLIGHT).collect()
}

async fn ask(channel: Channel, number: u64) {
    let mut client = ConsultationServiceClient::new(channel);
    let answer = client
        .lookup_person(lookup(number))
        .await
        .expect("the person is found")
        .into_inner();
    assert!(
        answer.persons.len() == 1 && answer.receipt.is_some(),
        "every answer carries a person and a receipt"
    );
}

async fn repeat(channel: Channel, bytes: usize) {
    echo::call(channel, Load::of(bytes))
        .await
        .expect("the echo answers");
}

async fn answer_bytes(channel: Channel) -> usize {
    let mut client = ConsultationServiceClient::new(channel);
    client
        .lookup_person(lookup(1))
        .await
        .expect("the person is found")
        .into_inner()
        .encoded_len()
}
