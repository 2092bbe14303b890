//! Witnesses of the access log: two nodes and somebody outside, their keys, and who trusts them.

use std::fs;

use agreement::peer::Role;
use client::witness::WitnessClient;
use ledger::checkpoint::{Cosigner, WitnessedAt};
use ledger::name::KeyName;
use node::witness::WitnessStatus;
use transport::clock::Clock;

use crate::municipality::write_signing_key;
use crate::region::{Region, log_verifier};
use crate::wait::within;

/// Limits of an index whose witnesses are tested.
pub const LIMITS: &str = "[limits]\ncache_mib = 8\nsync_interval_seconds = 1\nsegment_mib = 4\n";

/// Name of a witness's key, and its seed.
pub type WitnessKey = (&'static str, u8);

/// The node of Imola.
pub const IMOLAS: WitnessKey = ("witness.comune.imola.example/ponte", 0x61);

/// The node of Dozza.
pub const DOZZAS: WitnessKey = ("witness.comune.dozza.example/ponte", 0x62);

/// Somebody who is no node.
pub const OUTSIDE: WitnessKey = ("witness.university.example/ponte", 0x63);

/// The key of a witness.
///
/// # Panics
/// When it is none.
pub fn cosigner((name, seed): WitnessKey) -> Cosigner {
    Cosigner::from_seed(KeyName::new(name).expect("a name"), &[seed; 32]).expect("a key")
}

/// The configuration of an index with these witnesses.
pub fn witnesses(keys: &[WitnessKey], quorum: usize) -> String {
    let mut text = LIMITS.to_owned();
    for key in keys {
        text.push_str(&format!("[[witness]]\nkey = \"{}\"\n", cosigner(*key).verifier()));
    }
    text + &format!("[witnessing]\nquorum = {quorum}\n")
}

/// Who trusts two nodes and somebody outside, together.
pub fn policy() -> String {
    let key = |of| cosigner(of).verifier();
    format!(
        "# ponte.policy/1\nlog {}\nwitness imola {}\nwitness dozza {}\nwitness university {}\n\
         group nodes all imola dozza\ngroup outside any university\ngroup both all nodes outside\nquorum both\n",
        log_verifier(),
        key(IMOLAS),
        key(DOZZAS),
        key(OUTSIDE),
    )
}

/// Gives a municipality's node the key of a witness.
///
/// # Panics
/// When its files cannot be written.
pub async fn let_witness(region: &mut Region, istat: &str, (name, seed): WitnessKey) {
    let municipality = region.municipality(istat);
    municipality.stop().await;
    write_signing_key(&municipality.directory().join("witness.key"), [seed; 32]);
    let file = municipality.directory().join("node.toml");
    let text = fs::read_to_string(&file).expect("the configuration is readable");
    let log = log_verifier();
    let text = format!("log_key = \"{log}\"\n{text}[witness]\nkey = \"witness.key\"\nname = \"{name}\"\n");
    fs::write(&file, text).expect("the configuration can be written");
    municipality.resume();
}

/// Lets a node look now, and says how it stands afterwards.
///
/// # Panics
/// When it is no witness, or has ended.
pub async fn look(region: &mut Region, istat: &str) -> WitnessStatus {
    let handle = region
        .municipality(istat)
        .node()
        .witness()
        .expect("it is a witness")
        .clone();
    // The first look may have begun before.
    for _ in 0..2 {
        let before = handle.status().looks;
        handle.wake();
        within(handle.wait_for(|status| before < status.looks))
            .await
            .expect("the witness runs");
    }
    handle.status()
}

/// The witness that is no node cosigns what is offered, and says of how many entries.
///
/// # Panics
/// When it cannot.
pub async fn cosign_outside(region: &Region) -> u64 {
    let client = WitnessClient::new(region.connection(Role::Auditor, "university"));
    let offered = client.offered().await.expect("a checkpoint");
    log_verifier().verify(&offered).expect("the log signed it");
    let at = WitnessedAt(region.clock.now_ms() / 1_000);
    let size = offered.checkpoint().size;
    let line = cosigner(OUTSIDE).cosign(offered.checkpoint(), at);
    client
        .submit(size, &line)
        .await
        .expect("the cosignature is taken");
    size
}
