//! `ponte audit fsck` over a log that witnesses have cosigned: on the machine of the index, and on a copy somewhere else.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::checkpoint::{LogSigner, SignedCheckpoint, WitnessedAt};
use ledger::hash::Hash;
use ledger::name::Origin;
use serde_json::Value;
use support::agreements::{POLICE, PUBLIC_BODY};
use support::commands::{Ended, ponte};
use support::people::{DOZZA, IMOLA};
use support::region::{LOG_SEED, ORIGIN, Region, copy, log_verifier};
use support::witnesses::{
    DOZZAS, IMOLAS, OUTSIDE, cosign_outside, cosigner, let_witness, look, policy, witnesses,
};
use transport::clock::Clock;

async fn fsck(region: &Region, log: &Path, more: &[&str]) -> Ended {
    let (log, key) = (log.display().to_string(), log_verifier().to_string());
    let mut command = vec!["audit", "fsck", &log, "--log-key", &key];
    command.extend(more);
    ponte(region, &command).await
}

fn number(ended: &Ended, name: &str) -> Option<u64> {
    let data: Value = serde_json::from_str(&ended.out).expect("JSON");
    let record = data.as_array().map_or(&data, |rows| &rows[0]);
    record[name].as_u64()
}

/// The files of cosigned checkpoints, the newest last.
fn cosigned(directory: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(directory).expect("readable");
    let mut files: Vec<PathBuf> = files.map(|entry| entry.expect("readable").path()).collect();
    files.retain(|file| file.extension().is_some_and(|ending| ending == "cosigned"));
    files.sort();
    files
}

#[tokio::test(flavor = "multi_thread")]
async fn fsck_checks_every_cosigned_checkpoint_and_the_witnesses_whose_keys_it_is_given() {
    let mut region = Region::configured(&witnesses(&[IMOLAS, DOZZAS, OUTSIDE], 3)).await;
    let_witness(&mut region, IMOLA, IMOLAS).await;
    let_witness(&mut region, DOZZA, DOZZAS).await;
    for document in [POLICE, PUBLIC_BODY] {
        region.activate(document).await;
        for istat in [IMOLA, DOZZA] {
            assert_eq!(look(&mut region, istat).await.error, None);
        }
        cosign_outside(&region).await;
    }
    region.stop().await;
    let data = region.index_data();
    let trust = region.directory().join("policy.txt");
    fs::write(&trust, policy()).expect("written");
    let trust = trust.display().to_string();
    let with = ["--policy", &trust];

    // Without keys of witnesses it is said that they were not checked; with them they are.
    let plain = fsck(&region, &data.join("log"), &[]).await;
    assert_eq!(plain.exit, 0, "{}", plain.err);
    assert!(
        plain
            .err
            .contains("the signatures of witnesses were not checked: their keys were not given"),
        "{}",
        plain.err
    );
    assert_eq!(number(&plain, "cosignatures_verified"), Some(0));
    let checked = fsck(&region, &data.join("log"), &with).await;
    assert_eq!(checked.exit, 0, "{}", checked.err);
    let heads = number(&checked, "cosigned_checkpoints").expect("a number");
    assert_eq!(heads, cosigned(&data.join("cosignatures")).len() as u64);
    assert!(0 < heads);
    assert_eq!(
        number(&checked, "cosignatures_verified"),
        Some(3 * heads),
        "{}",
        checked.out
    );
    assert_eq!(number(&checked, "cosignatures_unchecked"), Some(0));
    let witnessed = number(&checked, "witnessed_entries").expect("a number");

    // Of a witness whom the policy does not know it is said that nobody checked her.
    let fewer = region.directory().join("fewer.txt");
    let imola = cosigner(IMOLAS).verifier();
    fs::write(
        &fewer,
        format!("log {}\nwitness imola {imola}\nquorum imola\n", log_verifier()),
    )
    .expect("written");
    let partly = fsck(
        &region,
        &data.join("log"),
        &["--policy", &fewer.display().to_string()],
    )
    .await;
    assert_eq!(partly.exit, 0, "{}", partly.err);
    assert_eq!(number(&partly, "cosignatures_unchecked"), Some(2 * heads));
    assert!(
        partly.err.contains(OUTSIDE.0) && !partly.err.contains(IMOLAS.0),
        "{}",
        partly.err
    );

    // A copy in one directory, as on another machine: nothing else is needed.
    let elsewhere = tempfile::tempdir().expect("a directory");
    let moved = elsewhere.path().join("export");
    copy(&data.join("log"), &moved);
    copy(&data.join("cosignatures"), &moved);
    let again = fsck(&region, &moved, &with).await;
    assert_eq!((again.exit, &again.out), (0, &checked.out), "{}", again.err);
    fs::rename(&moved, elsewhere.path().join("log")).expect("renamed");
    let moved = elsewhere.path().join("log");
    let apart = elsewhere.path().join("apart");
    fs::create_dir(&apart).expect("made");
    for file in cosigned(&moved) {
        fs::rename(&file, apart.join(file.file_name().expect("a name"))).expect("renamed");
    }
    let none = fsck(&region, &moved, &with).await;
    assert!(
        none.exit == 0 && none.err.contains("there are no cosigned checkpoints"),
        "{}",
        none.err
    );
    let apart_text = apart.display().to_string();
    let named = ["--policy", &trust, "--cosignatures", &apart_text];
    assert_eq!(fsck(&region, &moved, &named).await.out, checked.out);

    // A byte of a witness's signature.
    let newest = cosigned(&apart).pop().expect("there is one");
    let sound = fs::read(&newest).expect("readable");
    let mut bytes = sound.clone();
    let at = bytes.len() - 20;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    fs::write(&newest, &bytes).expect("written");
    let changed = fsck(&region, &moved, &named).await;
    assert_eq!(changed.exit, 1, "{}", changed.err);
    let name = newest.file_name().expect("a name").to_string_lossy().into_owned();
    assert!(
        changed.err.contains(&name) && changed.err.contains("did not cosign it"),
        "{}",
        changed.err
    );
    fs::write(&newest, &sound).expect("written");

    // The log's own key and a witness's sign another history: the entries that lie there do not lead to it.
    let signer = LogSigner::from_seed(Origin::new(ORIGIN).expect("an origin"), &LOG_SEED).expect("a key");
    let mut other: SignedCheckpoint = signer.sign(witnessed - 1, Hash::EMPTY_TREE);
    let at = WitnessedAt(region.clock.now_ms() / 1_000);
    let line = cosigner(IMOLAS).cosign(other.checkpoint(), at);
    other.add_signature(line);
    let file = apart.join(format!("{:020}.cosigned", witnessed - 1));
    fs::write(&file, format!("ponte.cosigned/1\n{}", other.to_text())).expect("written");
    let forged = fsck(&region, &moved, &named).await;
    assert_eq!(forged.exit, 1, "{}", forged.err);
    let expected = format!(
        "the entries do not lead to the checkpoint of size {} that witnesses cosigned",
        witnessed - 1
    );
    assert!(
        forged.err.contains("segment 0 offset") && forged.err.contains(&expected),
        "{}",
        forged.err
    );
}
