//! A table of changes to an export, each found, also by whoever makes the manifest fit: the log's signature does not.

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ledger::checkpoint::{LogSigner, SignedCheckpoint};
use ledger::hash::sha256;
use ledger::name::Origin;
use serde_json::Value;
use support::region::{ORIGIN, log_signer};
use support::search::files_under;

use super::{Live, verified_here, verified_in_python, words};

/// What becomes of the manifest after a change.
#[derive(Clone, Copy, PartialEq)]
enum Manifest {
    /// It stays as it was.
    Stays,
    /// Sizes and digests are made to fit.
    Fits,
}

/// A change: its name, what it does, what becomes of the manifest, and where both verifiers must find it: ENTRY is the entry
/// that [`chosen`] gives, LINE its line, NEXT what comes after either.
struct Change {
    name: &'static str,
    make: fn(&Path),
    manifest: Manifest,
    found: &'static str,
}

fn lines(directory: &Path, name: &str, change: impl FnOnce(&mut Vec<String>)) {
    let path = directory.join(name);
    let text = std::fs::read_to_string(&path).expect("readable");
    let mut lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
    change(&mut lines);
    std::fs::write(&path, lines.concat()).expect("written");
}

/// Index of an access in the middle that shows a person of Imola. There is no gap before it, so its line is the next number.
fn chosen(directory: &Path) -> usize {
    let rows = std::fs::read_to_string(directory.join("entries.jsonl")).expect("readable");
    let of_interest = |row: &str| {
        [
            "\"kind\":\"access\"",
            "\"outcome\":\"OK\"",
            "\"identification\"",
            "subjects_E289",
        ]
        .iter()
        .all(|word| row.contains(word))
    };
    let found = rows
        .lines()
        .enumerate()
        .skip(60)
        .find(|(_, row)| of_interest(row));
    found.expect("there is such an access").0
}

/// Changes the lines of a file from that of the chosen entry on; `head` are the lines before the first row.
fn from_chosen(directory: &Path, name: &str, head: usize, change: impl FnOnce(&mut Vec<String>)) {
    let at = chosen(directory) + head;
    lines(directory, name, |lines| {
        let mut rest = lines.split_off(at);
        change(&mut rest);
        lines.append(&mut rest);
    });
}

/// Changes the evidence of the chosen entry.
fn evidence(directory: &Path, change: impl FnOnce(&mut Value)) {
    from_chosen(directory, "evidence.jsonl", 0, |lines| {
        let mut value: Value = serde_json::from_str(&lines[0]).expect("JSON");
        change(&mut value);
        let member = |value: &Value, name: &str| value[name].to_string();
        let parts: Vec<String> = value["parts"]
            .as_array()
            .expect("parts")
            .iter()
            .map(|part| {
                let members = ["kind", "label", "position", "salt", "path", "content"];
                let members = members.map(|name| format!("\"{name}\":{}", member(part, name)));
                format!("{{{}}}", members.join(","))
            })
            .collect();
        lines[0] = format!(
            "{{\"index\":{},\"header\":{},\"parts\":[{}]}}\n",
            value["index"],
            member(&value, "header"),
            parts.join(",")
        );
    });
}

fn flip(text: &Value, at: impl FnOnce(&[u8]) -> usize) -> Value {
    let mut bytes = STANDARD.decode(text.as_str().expect("a text")).expect("base64");
    let at = at(&bytes);
    bytes[at] ^= 1;
    STANDARD.encode(bytes).into()
}

/// The first byte of the certificate's fingerprint: with another one the header still decodes.
fn fingerprint(header: &[u8]) -> usize {
    let tag = header.windows(4).position(|window| window == [0, 6, 0, 32]);
    tag.expect("a certificate") + 4
}

fn flip_file(directory: &Path, name: &str, at: usize) {
    let path = directory.join(name);
    let mut bytes = std::fs::read(&path).expect("readable");
    bytes[at] ^= 1;
    std::fs::write(&path, bytes).expect("written");
}

/// The oldest checkpoint.
fn oldest(directory: &Path) -> (std::path::PathBuf, SignedCheckpoint) {
    let files = files_under(&directory.join("checkpoints"));
    let heads = files.into_iter().map(|file| {
        let text = std::fs::read_to_string(&file).expect("readable");
        (file, SignedCheckpoint::parse(&text).expect("a checkpoint"))
    });
    heads
        .min_by_key(|(_, head)| head.checkpoint().size)
        .expect("there are checkpoints")
}

/// Puts another root into the oldest checkpoint.
fn fork(directory: &Path, key: &LogSigner) {
    let (file, head) = oldest(directory);
    let forged = key.sign(head.checkpoint().size, sha256(b"another history"));
    std::fs::write(file, forged.to_text()).expect("written");
}

fn manifest(directory: &Path, change: impl FnOnce(&mut Value)) {
    let path = directory.join("manifest.json");
    let mut value: Value = serde_json::from_slice(&std::fs::read(&path).expect("readable")).expect("JSON");
    change(&mut value);
    std::fs::write(&path, value.to_string()).expect("written");
}

/// Makes the manifest fit the files, as whoever changed them would.
fn fit(directory: &Path) {
    manifest(directory, |manifest| {
        for file in manifest["files"].as_array_mut().expect("files") {
            let bytes =
                std::fs::read(directory.join(file["path"].as_str().expect("a path"))).expect("readable");
            file["size"] = bytes.len().into();
            file["sha256"] = sha256(&bytes).to_string().into();
        }
        let members = manifest.as_object_mut().expect("an object");
        members.remove("digest");
        // Members of a value are sorted.
        let digest = sha256(manifest.to_string().as_bytes());
        manifest["digest"] = digest.to_string().into();
    });
}

const CHANGES: &[Change] = &[
    Change {
        name: "a bit of a header",
        make: |at| evidence(at, |entry| entry["header"] = flip(&entry["header"], fingerprint)),
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line LINE, entry ENTRY: the log has another entry there",
    },
    Change {
        name: "a line removed",
        make: |at| from_chosen(at, "evidence.jsonl", 0, |lines| drop(lines.remove(0))),
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line LINE, entry NEXT: entry ENTRY is left out",
    },
    Change {
        name: "the last lines removed",
        make: |at| from_chosen(at, "evidence.jsonl", 0, |lines| lines.clear()),
        manifest: Manifest::Fits,
        found: "evidence.jsonl: entry ENTRY is left out",
    },
    Change {
        name: "a line twice",
        make: |at| from_chosen(at, "evidence.jsonl", 0, |lines| lines.insert(0, lines[0].clone())),
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line NEXT, entry ENTRY: it",
    },
    Change {
        name: "two lines swapped",
        make: |at| from_chosen(at, "evidence.jsonl", 0, |lines| lines.swap(0, 1)),
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line LINE, entry NEXT: entry ENTRY is left out",
    },
    Change {
        name: "a bit of a part",
        make: |at| {
            evidence(at, |entry| {
                entry["parts"][0]["content"] = flip(&entry["parts"][0]["content"], |bytes| bytes.len() - 1);
            });
        },
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line LINE, entry ENTRY: ",
    },
    Change {
        name: "a part of another municipality",
        make: |at| {
            evidence(at, |entry| {
                let parts = entry["parts"].as_array_mut().expect("parts");
                let subjects = parts.iter_mut().find(|part| part["kind"] == 4).expect("subjects");
                subjects["label"] = "D360".into();
            });
        },
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line LINE, entry ENTRY: ",
    },
    Change {
        name: "a bit of a tile",
        make: |at| flip_file(at, "tile/0/000", 40),
        manifest: Manifest::Fits,
        found: "tile/0/000: the hashes",
    },
    Change {
        name: "a checkpoint that the log has not signed",
        make: |at| {
            fork(
                at,
                &LogSigner::from_seed(Origin::new(ORIGIN).expect("an origin"), &[9; 32]).expect("a key"),
            )
        },
        manifest: Manifest::Fits,
        found: "checkpoints/",
    },
    Change {
        name: "a checkpoint of another history, signed by the log",
        make: |at| fork(at, &log_signer()),
        manifest: Manifest::Fits,
        found: "continue",
    },
    Change {
        name: "a row of CSV",
        make: |at| {
            from_chosen(at, "entries.csv", 1, |lines| {
                lines[0] = lines[0].replace("identification", "control")
            })
        },
        manifest: Manifest::Fits,
        found: "entries.csv",
    },
    Change {
        name: "a row of JSON Lines",
        make: |at| {
            from_chosen(at, "entries.jsonl", 0, |lines| {
                lines[0] = lines[0].replace("OK", "NO")
            })
        },
        manifest: Manifest::Fits,
        found: "entries.jsonl",
    },
    Change {
        name: "a row of CSV, in a manifest that does not name the form",
        make: |at| {
            from_chosen(at, "entries.csv", 1, |lines| lines.clear());
            manifest(at, |manifest| {
                manifest["settings"]["formats"] = vec!["jsonl", "parquet"].into()
            });
        },
        manifest: Manifest::Fits,
        found: "entries.csv: it is none of the files of this export",
    },
    Change {
        name: "a row more",
        make: |at| from_chosen(at, "entries.jsonl", 0, |lines| lines.push(lines[0].clone())),
        manifest: Manifest::Fits,
        found: "entries.jsonl: there is something behind the last row",
    },
    Change {
        name: "a bit of the table",
        make: |at| flip_file(at, "entries.parquet", 3_000),
        manifest: Manifest::Stays,
        found: "entries.parquet",
    },
    Change {
        name: "a file more",
        make: |at| std::fs::write(at.join("checkpoints/note.txt"), "x").expect("written"),
        manifest: Manifest::Stays,
        found: "checkpoints/note.txt: it is not in the manifest",
    },
    Change {
        name: "a file gone",
        make: |at| std::fs::remove_file(oldest(at).0).expect("removed"),
        manifest: Manifest::Stays,
        found: "it is missing",
    },
    Change {
        name: "the manifest's count",
        make: |at| manifest(at, |manifest| manifest["entries"] = 1.into()),
        manifest: Manifest::Stays,
        found: "manifest.json: its content is not that of its digest",
    },
    Change {
        name: "the manifest's count, and its digest with it",
        make: |at| manifest(at, |manifest| manifest["entries"] = 1.into()),
        manifest: Manifest::Fits,
        found: "evidence.jsonl: ",
    },
    Change {
        name: "the manifest's range",
        make: |at| manifest(at, |manifest| manifest["next_index"] = 50.into()),
        manifest: Manifest::Fits,
        found: "evidence.jsonl, line 51, entry 50: it",
    },
];

#[tokio::test(flavor = "multi_thread")]
async fn every_change_of_an_export_is_found_where_it_is() {
    let live = Live::start().await;
    // The first tile of 256 entries is full.
    live.accesses(40).await;
    let out = live.directory("export");
    live.export("garante", &out, &["--format", "jsonl,csv,parquet"]);
    let entry = chosen(&out);
    let (line, next) = (entry + 1, entry + 2);
    for change in CHANGES {
        let copy = tempfile::tempdir().expect("a directory");
        for file in files_under(&out) {
            let to = copy.path().join(file.strip_prefix(&out).expect("it is under it"));
            std::fs::create_dir_all(to.parent().expect("a directory")).expect("made");
            std::fs::copy(&file, to).expect("copied");
        }
        (change.make)(copy.path());
        if change.manifest == Manifest::Fits {
            fit(copy.path());
        }
        // Of an entry the one that follows has the number of this one's line.
        let found = change.found.replace("entry NEXT", &format!("entry {line}"));
        let found = found
            .replace("ENTRY", &entry.to_string())
            .replace("LINE", &line.to_string())
            .replace("NEXT", &next.to_string());
        let here = verified_here(copy.path(), &["export-verify"]);
        assert_eq!(here.status.code(), Some(1), "{}: {}", change.name, words(&here));
        assert!(words(&here).contains(&found), "{}: {}", change.name, words(&here));
        if let Some(python) = verified_in_python(copy.path()) {
            assert_eq!(
                python.status.code(),
                Some(1),
                "{}: {}",
                change.name,
                words(&python)
            );
            assert!(
                words(&python).contains(&found),
                "{}: {}",
                change.name,
                words(&python)
            );
        }
    }
}
