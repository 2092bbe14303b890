//! A soak: many accesses, their export in all forms, and its verification by this program, Python and Go, with times.
//!
//! `PONTE_SOAK_ENTRIES=200000 cargo test --release -p tests --test end_to_end export::soak -- --ignored --nocapture`

use std::process::Output;
use std::time::Instant;

use agreement::peer::Role;
use client::agency::AgencyClient;
use support::agreements::POLICE;
use support::calls::{ground, lookup};
use support::people::{mario, nobody};

use super::{Live, verified_here, verified_in_go, verified_in_python, words};

/// Connections, and calls in flight over each.
const CONNECTIONS: usize = 4;
const IN_FLIGHT: usize = 16;

fn entries() -> usize {
    let stated = std::env::var("PONTE_SOAK_ENTRIES").ok();
    stated.and_then(|text| text.parse().ok()).unwrap_or(200_000)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; the command is in the module's documentation"]
async fn an_export_of_many_entries_is_verified_by_everybody() {
    let live = Live::start().await;
    let each = entries() / (CONNECTIONS * IN_FLIGHT);
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..CONNECTIONS {
        let connection = live.region.connection(Role::Agency, POLICE.agency);
        for _ in 0..IN_FLIGHT {
            let police = AgencyClient::new(connection.clone());
            callers.spawn(async move {
                for call in 0..each {
                    let (purpose, code) = match call % 3 {
                        0 => ("identification", mario().tax_code()),
                        1 => ("investigation", nobody()),
                        _ => ("curiosity", mario().tax_code()),
                    };
                    let context = ground(POLICE, purpose, police.new_request_id());
                    // Nobody is found and a purpose that does not exist is refused: each is an entry.
                    let _ = police.lookup_person(lookup(context, code)).await;
                }
            });
        }
    }
    while let Some(done) = callers.join_next().await {
        done.expect("the caller ends");
    }
    let size = live.head().await.size;
    println!("{size} entries made in {:.1} s", started.elapsed().as_secs_f64());
    assert!((each * CONNECTIONS * IN_FLIGHT) as u64 <= size);

    let out = live.directory("export");
    let started = Instant::now();
    let said = live.export("garante", &out, &["--format", "jsonl,csv,parquet"]);
    println!("exported in {:.1} s: {said}", started.elapsed().as_secs_f64());
    assert_eq!(said["entries"], size);
    for name in [
        "evidence.jsonl",
        "entries.jsonl",
        "entries.csv",
        "entries.parquet",
    ] {
        let bytes = out.join(name).metadata().expect("it is there").len();
        println!("{name}: {} bytes an entry", bytes / size);
    }
    let cache = live.directory("go-cache");
    let verifiers: [(&str, &dyn Fn() -> Option<Output>); 3] = [
        ("ponte", &|| Some(verified_here(&out, &["export-verify"]))),
        ("Python", &|| verified_in_python(&out)),
        ("Go", &|| verified_in_go(&out, &cache)),
    ];
    for (name, verify) in verifiers {
        let started = Instant::now();
        let Some(done) = verify() else { continue };
        assert!(done.status.success(), "{name}: {}", words(&done));
        println!(
            "{name} verified in {:.1} s: {}",
            started.elapsed().as_secs_f64(),
            words(&done).trim()
        );
    }
}
