//! `manifest.json`: what an export is of, and each of its files.
//!
//! `digest` is the SHA-256 of the manifest without it as canonical JSON: members sorted by name, no spaces, UTF-8 as it
//! is, numbers as whole numbers. In Python `json.dumps(m, sort_keys=True, separators=(",", ":"), ensure_ascii=False)`.

use ledger::hash::{Hash, sha256};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::state::{Settings, State};

const FORMAT: &str = "ponte.export/1";

/// What an export is of.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Format and its version.
    pub format: String,
    /// The program that made it, with its version.
    pub program: String,
    /// When it was completed, RFC 3339.
    pub made: String,
    /// The log.
    pub origin: String,
    /// The auditor's scope: `region`, `municipality <cadastral code>` or `agency <SPIFFE id>`.
    pub scope: String,
    /// Filter, range and forms.
    pub settings: Settings,
    /// Index before which every entry in scope and filter is in the export.
    pub next_index: u64,
    /// How many entries there are.
    pub entries: u64,
    /// Size of the tree of the largest checkpoint.
    pub tree_size: u64,
    /// The largest checkpoint, text of a signed note.
    pub checkpoint: String,
    /// Every file but this one, sorted by path.
    pub files: Vec<ListedFile>,
    /// SHA-256 over everything above, hexadecimal.
    pub digest: String,
}

/// A file of an export.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ListedFile {
    /// Path from the export's directory, with slashes.
    pub path: String,
    /// Its size, bytes.
    pub size: u64,
    /// Its SHA-256, hexadecimal.
    pub sha256: String,
}

/// The newest checkpoint of an export.
#[derive(Clone, Copy, Debug)]
pub struct FinalHead<'a> {
    /// Size of its tree.
    pub size: u64,
    /// Text of the note.
    pub text: &'a str,
}

impl Manifest {
    /// The manifest of an export that has come so far.
    ///
    /// # Errors
    /// None that memory could give.
    pub fn new(
        state: &State,
        head: FinalHead<'_>,
        files: Vec<ListedFile>,
        made: String,
    ) -> Result<Self, serde_json::Error> {
        let mut manifest = Self {
            format: FORMAT.to_owned(),
            program: concat!("ponte ", env!("CARGO_PKG_VERSION")).to_owned(),
            made,
            origin: state.origin.clone(),
            scope: state.scope.clone(),
            settings: state.settings.clone(),
            next_index: state.next,
            entries: state.entries,
            tree_size: head.size,
            checkpoint: head.text.to_owned(),
            files,
            digest: String::new(),
        };
        manifest.digest = manifest.computed_digest()?.to_string();
        Ok(manifest)
    }

    /// Whether it is of the format that this version reads.
    pub fn is_known(&self) -> bool {
        self.format == FORMAT
    }

    /// The digest that its content has.
    ///
    /// # Errors
    /// None that memory could give.
    pub fn computed_digest(&self) -> Result<Hash, serde_json::Error> {
        let mut value = serde_json::to_value(self)?;
        if let Some(members) = value.as_object_mut() {
            members.remove("digest");
        }
        let mut text = String::new();
        canonical(&value, &mut text);
        Ok(sha256(text.as_bytes()))
    }
}

/// Canonical JSON, whatever order the library keeps members in.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut names: Vec<&String> = members.keys().collect();
            names.sort_unstable();
            text.push('{');
            for (at, name) in names.into_iter().enumerate() {
                if at != 0 {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                canonical(&members[name], text);
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for (at, item) in items.iter().enumerate() {
                if at != 0 {
                    text.push(',');
                }
                canonical(item, text);
            }
            text.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            text.push_str(&value.to_string());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_json_is_what_python_writes() {
        let value = serde_json::json!({ "b": [1, null, true], "a": { "z": "è \"\n\u{1}\u{7f}", "y": "" } });
        let mut text = String::new();
        canonical(&value, &mut text);
        assert_eq!(
            text,
            "{\"a\":{\"y\":\"\",\"z\":\"è \\\"\\n\\u0001\u{7f}\"},\"b\":[1,null,true]}"
        );
    }

    #[test]
    fn the_digest_is_over_everything_else() {
        let state = State::new("log".to_owned(), "region".to_owned(), Settings::default(), 3);
        let head = FinalHead {
            size: 3,
            text: "note",
        };
        let manifest = Manifest::new(&state, head, Vec::new(), "2026-01-01T00:00:00Z".to_owned()).unwrap();
        assert_eq!(manifest.digest, manifest.computed_digest().unwrap().to_string());
        let changed = Manifest {
            entries: 1,
            ..manifest.clone()
        };
        assert_ne!(manifest.digest, changed.computed_digest().unwrap().to_string());
    }
}
