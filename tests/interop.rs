//! Clients and verifiers that share no code with the product.

use std::path::{Path, PathBuf};
use std::process::Command;

use agreement::peer::Role;
use client::agency::AgencyClient;
use client::auditor::AuditorClient;
use client::receipt::ReceiptForm;
use ledger::checkpoint::{Checkpoint, Cosigner, SignedCheckpoint, WitnessedAt};
use ledger::hash::Hash;
use ledger::name::KeyName;
use ledger::receipt::Receipt;
use registry::hex;
use serde_json::{Value, json};
use support::agreements::POLICE;
use support::authority::SERVER_NAME;
use support::calls::{ground, lookup};
use support::people::{IMOLA, everybody, mario, nobody};
use support::process::{Process, Processes};
use support::region::{LIMITS, Region, free_address, log_verifier};
use support::tools::{python_with_grpc, skipped, tool};

const BINARY: &str = env!("CARGO_BIN_EXE_ponte-under-test");

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Runs a program that must succeed, and gives what it wrote.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let done = command.output().expect("the program runs");
    let said = format!(
        "{}{}",
        String::from_utf8_lossy(&done.stdout),
        String::from_utf8_lossy(&done.stderr)
    );
    assert!(
        done.status.success(),
        "{command:?} ended with {}:\n{said}",
        done.status
    );
    said
}

/// A region of processes with its people published.
async fn live() -> (Processes, [Process; 2]) {
    let region = Processes::new(BINARY);
    let index = region.start_index();
    let people = everybody();
    region.import(&people);
    let node = region.start_node();
    region.activate(POLICE).await;
    region
        .holds(
            people
                .iter()
                .filter(|person| person.municipality == IMOLA)
                .count() as u64,
        )
        .await;
    (region, [index, node])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_python_client_generated_from_proto_tells_the_story_and_verifies_a_receipt() {
    let Some(python) = python_with_grpc("Python client") else {
        return;
    };
    let (region, _processes) = live().await;
    let generated = region.directory().join("python");
    std::fs::create_dir(&generated).expect("the directory can be made");
    let proto = root().join("proto");
    let files = support::search::files_under(&proto);
    let files = files
        .iter()
        .filter(|file| file.extension().is_some_and(|extension| extension == "proto"));
    succeed(
        Command::new(&python)
            .args(["-m", "grpc_tools.protoc"])
            .arg(format!("-I{}", proto.display()))
            .arg(format!("--python_out={}", generated.display()))
            .arg(format!("--grpc_python_out={}", generated.display()))
            .args(files),
    );
    let identity = |role, id| {
        let files = region.authority.peer(role, id);
        json!({ "certificate": files.certificate, "key": files.key, "authorities": files.authorities })
    };
    let config = json!({
        "address": region.address().to_string(),
        "server_name": SERVER_NAME,
        "verifier_key": log_verifier().to_string(),
        "agreement": POLICE.id,
        "purpose": "investigation",
        "police": identity(Role::Agency, POLICE.agency),
        "auditor": identity(Role::Auditor, "garante"),
        "present": { "tax_code": mario().tax_code().as_str(), "surname": "Rossi", "given_name": "Mario" },
        "absent": nobody().as_str(),
    });
    let file = region.directory().join("story.json");
    std::fs::write(&file, config.to_string()).expect("the configuration can be written");
    let said = succeed(
        Command::new(&python)
            .arg(root().join("tests/interop/python/story.py"))
            .arg(&file)
            .env("PYTHONPATH", &generated)
            .env("PYTHONDONTWRITEBYTECODE", "1"),
    );
    println!("{said}");
    assert_eq!(said.lines().count(), 4, "every chapter was told");
}

fn path(hashes: &[Hash]) -> Vec<String> {
    hashes.iter().map(|hash| hex::encode(hash.as_bytes())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_go_reference_accepts_our_checkpoints_and_proofs() {
    let suite = "Go reference";
    let Some(go) = tool(suite, "PONTE_GO", "go", "") else {
        return;
    };
    let library = Path::new("/usr/share/gocode");
    if !library.join("src/golang.org/x/mod/sumdb/tlog").is_dir() {
        skipped(suite, "golang-golang-x-mod-dev");
        return;
    }
    let tiles = free_address();
    let monitor = format!("[monitor]\nlisten = \"{tiles}\"\nrenew_seconds = 1\n");
    let mut region = Region::configured(&format!("{LIMITS}{monitor}")).await;
    region.activate(POLICE).await;
    region.publish(IMOLA, &everybody()).await;
    let police = AgencyClient::new(region.connection(Role::Agency, POLICE.agency));
    let auditor = AuditorClient::new(region.connection(Role::Auditor, "garante"));
    let mut heads: Vec<Checkpoint> = Vec::new();
    for _ in 0..9 {
        heads.push(auditor.checkpoint().await.expect("a checkpoint").checkpoint);
        let asked = lookup(
            ground(POLICE, "investigation", police.new_request_id()),
            mario().tax_code(),
        );
        police.lookup_person(asked).await.expect("an answer");
    }
    let entries = region.entries("garante").await;
    // Nothing is asked of the log after this but proofs, which make no entry.
    let head = auditor.checkpoint().await.expect("a checkpoint");
    let size = head.checkpoint.size;
    let mut inclusion: Vec<Value> = Vec::new();
    for entry in &entries {
        let proof = auditor
            .inclusion_proof(entry.index, Some(size))
            .await
            .expect("a proof");
        inclusion.push(
            json!({ "index": entry.index, "header": hex::encode(&entry.header_bytes), "path": path(&proof.path) }),
        );
    }
    let mut consistency: Vec<Value> = Vec::new();
    for old in &heads {
        let proof = auditor
            .consistency_proof(old.size, Some(size))
            .await
            .expect("a proof");
        let root = hex::encode(old.root.as_bytes());
        consistency.push(json!({ "size": old.size, "root": root, "path": path(&proof.path) }));
    }
    let evidence = region.directory().join("evidence");
    std::fs::create_dir(&evidence).expect("the directory can be made");
    let write = |name: &str, text: &str| std::fs::write(evidence.join(name), text).expect("written");
    write("vkey", &log_verifier().to_string());
    write("checkpoint", &head.text);
    write(
        "evidence.json",
        &json!({ "inclusion": inclusion, "consistency": consistency }).to_string(),
    );
    let context = ground(POLICE, "investigation", police.new_request_id());
    let described = police.describe_access(&context, None, ReceiptForm::Full).await;
    let receipt = described.expect("an answer").receipt;
    let receipt = receipt.receipt().expect("the full receipt").clone();
    let witness = Cosigner::from_seed(KeyName::new("witness.example.org").expect("a name"), &[9; 32]);
    let witness = witness.expect("a key");
    let mut cosigned = SignedCheckpoint::parse(&receipt.checkpoint).expect("a checkpoint");
    let line = witness.cosign(cosigned.checkpoint(), WitnessedAt(1_790_000_000));
    cosigned.add_signature(line);
    let (index, checkpoint) = (receipt.index, cosigned.to_text());
    write("witness", &witness.verifier().to_string());
    write(
        "receipt.tlog-proof",
        &Receipt {
            checkpoint,
            ..receipt
        }
        .to_proof_text(),
    );
    write("url", &format!("https://localhost:{}", tiles.port()));
    let authorities = std::fs::read_to_string(region.authority.authorities()).expect("readable");
    write("authorities.pem", &authorities);
    // The endpoint shows a new head at once after a start.
    region.stop_index().await;
    region.start_index().await;
    let served = region
        .auditor("garante")
        .checkpoint()
        .await
        .expect("a checkpoint");
    let said = succeed(
        Command::new(go)
            .arg("run")
            .arg(root().join("tests/interop/go/verify.go"))
            .arg(&evidence)
            .env("GO111MODULE", "off")
            .env("GOPATH", library)
            .env("GOFLAGS", "")
            .env("GOCACHE", region.directory().join("go-cache")),
    );
    println!("{said}");
    let expected = format!(
        "accepted: size {size}, {} inclusion and 9 consistency proofs, a witnessed receipt of entry {index}, \
         tiles of ",
        entries.len()
    );
    let tiles = said.trim().strip_prefix(&expected);
    let tiles = tiles.and_then(|tiles| tiles.strip_suffix(" entries"));
    let tiles = tiles.and_then(|tiles| tiles.parse::<u64>().ok());
    assert!(
        tiles.is_some_and(|tiles| served.checkpoint.size <= tiles),
        "{said}"
    );
}

#[test]
fn the_interface_is_clean_and_breaks_nothing() {
    let Some(buf) = tool("buf", "PONTE_BUF", "buf", "node_modules/.bin/buf") else {
        return;
    };
    let proto = root().join("proto");
    let run = |arguments: &[&str]| {
        Command::new(&buf)
            .args(arguments)
            .current_dir(&proto)
            .output()
            .expect("buf runs")
    };
    for arguments in [&["lint"][..], &["breaking", "--against", "baseline.binpb"]] {
        let done = run(arguments);
        let said =
            String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
        assert!(done.status.success(), "buf {arguments:?}:\n{said}");
    }
}

#[test]
fn a_broken_interface_is_found() {
    let Some(buf) = tool("buf, control", "PONTE_BUF", "buf", "node_modules/.bin/buf") else {
        return;
    };
    let copy = tempfile::tempdir().expect("a temporary directory");
    let proto = root().join("proto");
    for file in support::search::files_under(&proto) {
        let to = copy
            .path()
            .join(file.strip_prefix(&proto).expect("it is under proto"));
        std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
        std::fs::copy(&file, to).expect("copied");
    }
    let service = copy.path().join("ponte/audit/v1/audit_service.proto");
    let text = std::fs::read_to_string(&service).expect("readable");
    let method = text
        .lines()
        .find(|line| line.contains("rpc GetCheckpoint("))
        .expect("the method is there");
    std::fs::write(&service, text.replace(method, "")).expect("written");
    let done = Command::new(&buf)
        .args(["breaking", "--against", "baseline.binpb"])
        .current_dir(copy.path())
        .output()
        .expect("buf runs");
    assert!(!done.status.success(), "a method that is taken away is found");
}
