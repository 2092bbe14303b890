//! One export in all forms: they agree row by row, and four verifiers accept it.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, SecondsFormat};
use ledger::hash::sha256;
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use serde_json::Value;
use support::region::log_signer;
use support::search::files_under;

use super::{Live, verified_here, verified_in_go, verified_in_python, words};

/// A row: what is stated, by column.
type Row = BTreeMap<String, String>;

fn json_rows(directory: &Path) -> Vec<Row> {
    let text = std::fs::read_to_string(directory.join("entries.jsonl")).expect("the rows");
    let row = |line: &str| {
        let value: Value = serde_json::from_str(line).expect("JSON");
        let members = value.as_object().expect("an object").iter();
        members
            .map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (name.clone(), text)
            })
            .collect()
    };
    text.lines().map(row).collect()
}

fn csv_rows(directory: &Path) -> Vec<Row> {
    let mut reader = csv::Reader::from_path(directory.join("entries.csv")).expect("a table");
    let names: Vec<String> = reader
        .headers()
        .expect("a header")
        .iter()
        .map(str::to_owned)
        .collect();
    let row = |record: csv::StringRecord| {
        let stated = names
            .iter()
            .zip(record.iter())
            .filter(|(_, value)| !value.is_empty());
        stated
            .map(|(name, value)| {
                assert!(
                    !value.starts_with(['=', '+', '-', '@']),
                    "{name} is a formula: {value}"
                );
                (name.clone(), value.strip_prefix('\'').unwrap_or(value).to_owned())
            })
            .collect()
    };
    reader
        .records()
        .map(|record| row(record.expect("a record")))
        .collect()
}

fn parquet_rows(directory: &Path) -> Vec<Row> {
    let file = File::open(directory.join("entries.parquet")).expect("a table");
    let reader = SerializedFileReader::new(file).expect("Parquet");
    let text = |field: &Field| match field {
        Field::Null => None,
        Field::Long(number) => Some(number.to_string()),
        Field::Str(text) => Some(text.clone()),
        Field::Bytes(bytes) => Some(STANDARD.encode(bytes.data())),
        Field::TimestampMillis(ms) => {
            let time = DateTime::from_timestamp_millis(*ms).expect("an instant");
            Some(time.to_rfc3339_opts(SecondsFormat::Millis, true))
        }
        other => panic!("{other:?}"),
    };
    reader
        .get_row_iter(None)
        .expect("rows")
        .map(|row| {
            let row = row.expect("a row");
            row.get_column_iter()
                .filter_map(|(name, field)| Some((name.clone(), text(field)?)))
                .collect()
        })
        .collect()
}

/// JSON in one order of members, whoever wrote it.
fn parts_in_order(mut row: Row) -> Row {
    if let Some(parts) = row.get_mut("parts") {
        let value: Value = serde_json::from_str(parts).expect("JSON");
        *parts = value.to_string();
    }
    row
}

#[tokio::test(flavor = "multi_thread")]
async fn the_forms_of_an_export_agree_and_strangers_verify_it() {
    let live = Live::start().await;
    live.accesses(40).await;
    let before = live.head().await;
    let out = live.directory("export");
    let said = live.export(
        "garante",
        &out,
        &["--format", "jsonl,csv,parquet", "--page", "50"],
    );

    // It ended at the checkpoint of its beginning although its reading made entries.
    assert_eq!(said["entries"], before.size, "{said}");
    assert_eq!(said["without_gap"], true);
    assert!(said["tree_size"].as_u64() > Some(before.size), "{said}");
    let checkpoints = said["checkpoints"].as_u64().expect("a number");
    assert!(5 < checkpoints, "{said}");
    assert_eq!(said["consistent_pairs"], checkpoints * (checkpoints - 1) / 2);
    for outcome in ["PURPOSE_UNKNOWN", "OK"] {
        assert!(said["outcomes"][outcome].as_u64() >= Some(40), "{said}");
    }

    let json: Vec<Row> = json_rows(&out).into_iter().map(parts_in_order).collect();
    assert_eq!(json.len() as u64, before.size);
    let formulas = json.iter().filter(|row| {
        row.get("case_reference")
            .is_some_and(|reference| reference == "-2026/1")
    });
    assert_eq!(formulas.count(), 40);
    for (form, rows) in [("CSV", csv_rows(&out)), ("Parquet", parquet_rows(&out))] {
        assert_eq!(rows.len(), json.len(), "{form}");
        for (row, expect) in rows.into_iter().map(parts_in_order).zip(&json) {
            assert_eq!(row, *expect, "{form}");
        }
    }

    for file in files_under(&out) {
        let mode = file.metadata().expect("it is there").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{}", file.display());
    }
    let mode = out.metadata().expect("it is there").permissions().mode() & 0o777;
    assert_eq!(mode, 0o700);

    let here = verified_here(&out, &["export-verify"]);
    assert_eq!(here.status.code(), Some(0), "{}", words(&here));
    assert_eq!(
        serde_json::from_slice::<Value>(&here.stdout).expect("JSON")[0],
        said
    );
    let fsck = verified_here(&out, &["fsck"]);
    assert_eq!((fsck.status.code(), fsck.stdout), (Some(0), here.stdout));
    let pairs = checkpoints * (checkpoints - 1) / 2;
    if let Some(python) = verified_in_python(&out) {
        let expect = format!(
            "verified: {} entries, {checkpoints} checkpoints, {pairs} pairs; ",
            before.size
        );
        assert!(words(&python).starts_with(&expect), "{}", words(&python));
        assert!(python.status.success());
    }
    if let Some(go) = verified_in_go(&out, &live.directory("go-cache")) {
        let expect = format!(
            "accepted: {} entries, {checkpoints} checkpoints, {pairs} pairs",
            before.size
        );
        assert_eq!(words(&go).trim(), expect);
    }
}

/// A checkpoint of the log's own key in a file.
fn signed(directory: &Path, size: u64, root: &[u8]) -> String {
    let file = directory.join(format!("known-{size}"));
    std::fs::write(&file, log_signer().sign(size, sha256(root)).to_text()).expect("written");
    file.display().to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_export_continues_what_was_kept_of_the_log_before_or_tells() {
    let live = Live::start().await;
    let before = live.head().await;
    let month = live.directory("month");
    live.export("garante", &month, &[]);
    let kept = month.join("checkpoints").join(before.size.to_string());
    let kept = kept.display().to_string();
    live.accesses(2).await;

    let out = live.directory("next");
    let from = before.size.to_string();
    let said = live.export("garante", &out, &["--from-index", &from, "--known", &kept]);
    assert!(
        out.join("checkpoints").join(&from).is_file(),
        "it is part of the export"
    );
    assert!(Some(3) <= said["checkpoints"].as_u64(), "{said}");
    for done in [
        Some(verified_here(&out, &["export-verify"])),
        verified_in_python(&out),
        verified_in_go(&out, &live.directory("go-cache")),
    ]
    .into_iter()
    .flatten()
    {
        assert!(done.status.success(), "{}", words(&done));
    }

    // Of one that is complete too.
    let again = live.export("garante", &month, &["--known", &kept]);
    assert_eq!(again["entries"], before.size, "{again}");

    let another = signed(live.region.directory(), before.size - 1, b"another history");
    let later = signed(live.region.directory(), 1_000_000, b"a part is gone");
    for (name, known, says) in [
        ("month", another.clone(), "does not continue this one"),
        ("forked", another, "does not continue this one"),
        ("truncated", later, "the log is smaller than it was"),
    ] {
        let out = live.directory(name);
        let refused = live.try_export("garante", &out, &["--known", &known]);
        assert_eq!(refused.status.code(), Some(1), "{}", words(&refused));
        assert!(words(&refused).contains(says), "{}", words(&refused));
        assert!(!out.join("manifest.json").exists(), "{name}");
    }
}
