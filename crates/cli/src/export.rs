//! Exports of the access log (*esportazioni del registro degli accessi*): directories that prove themselves, without
//! the index and without this program.
//!
//! | Path | What it is |
//! |---|---|
//! | `manifest.json` | what the export is of, and each file with its size and SHA-256 ([`manifest`]); written last: without it the export is not complete |
//! | `evidence.jsonl` | for each entry what proves it ([`evidence`]) |
//! | `entries.jsonl`, `entries.csv`, `entries.parquet` | the entries as rows, in the forms that were asked for ([`row`]) |
//! | `checkpoints/<size>` | every checkpoint that was seen, C2SP tlog-checkpoint; the largest covers every entry |
//! | `tile/<L>/<N>[.p/<W>]` | hash tiles of the tree of the largest checkpoint, C2SP tlog-tiles: those that prove the entries, the root, and the root of every other checkpoint |
//! | `state.json` | how far the export has come ([`state`]); proves nothing and is in no manifest |
//! | `lock` | held by the one program that writes |
//!
//! Rows are made from the evidence and from nothing else; [`verify`] makes them again.
//! That every checkpoint is the root of a prefix of one and the same tree proves each pair of them consistent.
//!
//! Files are the owner's alone (0600 in 0700). Lines are appended whole and synced before the state moves over them;
//! what stands behind the state is cut off when the export goes on.

pub mod difference;
pub mod directory;
pub mod evidence;
pub mod files;
pub mod manifest;
pub mod parquet_rows;
pub mod row;
pub mod state;
pub mod text_rows;
pub mod tiles;
pub mod verify;

/// What proves the entries.
pub const EVIDENCE: &str = "evidence.jsonl";

/// What the export is.
pub const MANIFEST: &str = "manifest.json";

/// How far it has come.
pub const STATE: &str = "state.json";

/// Directory of the checkpoints.
pub const CHECKPOINTS: &str = "checkpoints";

/// Directory of the hash tiles.
pub const TILES: &str = "tile";

/// Held by whoever writes.
pub const LOCK: &str = "lock";

/// A form of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum RowForm {
    /// JSON Lines
    Jsonl,
    /// CSV, RFC 4180
    Csv,
    /// Parquet
    Parquet,
}

impl RowForm {
    /// Every form.
    pub const ALL: [Self; 3] = [Self::Jsonl, Self::Csv, Self::Parquet];

    /// Its name, which is the ending of its file too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Jsonl => "jsonl",
            Self::Csv => "csv",
            Self::Parquet => "parquet",
        }
    }

    /// The form of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|form| form.name() == name)
    }

    /// Name of the file of its rows.
    pub fn file(self) -> String {
        format!("entries.{}", self.name())
    }

    /// The form as text, which grows row by row; Parquet is written at the end.
    pub fn text(self) -> Option<text_rows::TextForm> {
        match self {
            Self::Jsonl => Some(text_rows::TextForm::JsonLines),
            Self::Csv => Some(text_rows::TextForm::Csv),
            Self::Parquet => None,
        }
    }
}
