//! The file as TOML has it, before anything of it is checked.

use std::collections::BTreeMap;

use serde::Deserialize;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawMapping {
    pub(super) version: u32,
    pub(super) back_office: String,
    pub(super) file: RawFile,
    #[serde(default)]
    pub(super) dates: RawDates,
    /// Our column to a foreign name, or to a [`RawColumn`].
    pub(super) columns: BTreeMap<String, toml::Value>,
    #[serde(default)]
    pub(super) split: Vec<RawSplit>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawFile {
    pub(super) encoding: String,
    pub(super) separator: Option<String>,
    pub(super) quotes: Option<String>,
    pub(super) header: Option<Vec<String>>,
    #[serde(default)]
    pub(super) ignored: Vec<String>,
    #[serde(default)]
    pub(super) absent: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawDates {
    pub(super) forms: Option<Vec<String>>,
    #[serde(default)]
    pub(super) empty: Vec<String>,
    pub(super) unknown: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawColumn {
    pub(super) from: Option<OneOrMany>,
    pub(super) fixed: Option<String>,
    pub(super) join: Option<String>,
    #[serde(default)]
    pub(super) steps: Vec<String>,
    pub(super) values: Option<BTreeMap<String, String>>,
    pub(super) otherwise: Option<String>,
    pub(super) when: Option<RawWhen>,
    pub(super) dates: Option<RawDates>,
    pub(super) without_day: Option<String>,
    pub(super) without_month: Option<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawWhen {
    pub(super) column: String,
    pub(super) is: Option<Vec<String>>,
    pub(super) is_not: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawSplit {
    pub(super) from: String,
    #[serde(rename = "as")]
    pub(super) kind: String,
    pub(super) at: Option<String>,
    pub(super) into: Option<Vec<String>>,
    pub(super) number_after: Option<String>,
    #[serde(default)]
    pub(super) species: BTreeMap<String, String>,
    pub(super) when: Option<RawWhen>,
}
