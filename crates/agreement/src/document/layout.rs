//! The keys of the file, as serde reads them.

use serde::Deserialize;
use toml::value::Datetime;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    pub(super) format: u32,
    pub(super) id: String,
    pub(super) title: String,
    pub(super) agency: String,
    pub(super) class: String,
    pub(super) legal_basis: String,
    pub(super) transferred_public_power: Option<String>,
    pub(super) valid_from: Datetime,
    pub(super) valid_to: Datetime,
    pub(super) review_by: Datetime,
    pub(super) retention_months: u16,
    #[serde(default = "hidden")]
    pub(super) protected: String,
    pub(super) protected_basis: Option<String>,
    #[serde(default = "today")]
    pub(super) history: String,
    #[serde(default)]
    pub(super) known_on: bool,
    #[serde(default = "by_identifier")]
    pub(super) search: Vec<String>,
    pub(super) max_hits: Option<u16>,
    pub(super) max_residents: Option<u16>,
    #[serde(default)]
    pub(super) networks: Vec<String>,
    #[serde(default)]
    pub(super) pinned_certificates: Vec<String>,
    pub(super) territory: Territory,
    #[serde(default)]
    pub(super) population: Population,
    #[serde(default)]
    pub(super) hours: Vec<Hours>,
    #[serde(default)]
    pub(super) operator: Operator,
    pub(super) case_reference: Option<Reference>,
    pub(super) consent_reference: Option<Reference>,
    #[serde(default)]
    pub(super) quota: Quota,
    #[serde(default)]
    pub(super) purpose: Vec<Purpose>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Territory {
    pub(super) region: Option<String>,
    pub(super) municipalities: Option<Vec<String>>,
}

/// Residents are shown unless the file says otherwise; everybody else only if it says so.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Population {
    pub(super) residents: bool,
    pub(super) aire: bool,
    pub(super) cancelled: bool,
    pub(super) deceased: bool,
    pub(super) minors: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hours {
    pub(super) days: Vec<String>,
    pub(super) from: String,
    pub(super) to: String,
}

/// An operator must be named unless the file says otherwise.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Operator {
    pub(super) required: bool,
    pub(super) assurance: String,
    pub(super) workstation: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Reference {
    pub(super) pattern: String,
    pub(super) words: Option<Vec<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Quota {
    pub(super) calls_per_minute: Option<u32>,
    pub(super) calls_per_day: Option<u32>,
    pub(super) misses_per_day: Option<u32>,
    pub(super) purpose: Limits,
    pub(super) operator: Limits,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Limits {
    pub(super) calls_per_minute: Option<u32>,
    pub(super) calls_per_day: Option<u32>,
    pub(super) misses_per_day: Option<u32>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Purpose {
    pub(super) id: String,
    pub(super) text: String,
    pub(super) basis: String,
    pub(super) kind: String,
    pub(super) release: Option<String>,
    pub(super) release_after_months: Option<u16>,
    #[serde(default)]
    pub(super) services: Vec<String>,
    #[serde(default)]
    pub(super) verifications: Vec<String>,
    #[serde(default)]
    pub(super) ascertainments: Vec<String>,
    #[serde(default)]
    pub(super) fields: Vec<String>,
    #[serde(default)]
    pub(super) consent_required: bool,
    pub(super) named_persons_basis: Option<String>,
    pub(super) batch: Option<Batch>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Batch {
    pub(super) rows_per_batch: u32,
    pub(super) rows_per_day: u32,
    #[serde(default)]
    pub(super) fields: Vec<String>,
}

impl Default for Population {
    fn default() -> Self {
        Self {
            residents: true,
            aire: false,
            cancelled: false,
            deceased: false,
            minors: false,
        }
    }
}

impl Default for Operator {
    fn default() -> Self {
        Self {
            required: true,
            assurance: "low".to_owned(),
            workstation: false,
        }
    }
}

fn hidden() -> String {
    "hidden".to_owned()
}

fn today() -> String {
    "today".to_owned()
}

fn by_identifier() -> Vec<String> {
    vec!["by-identifier".to_owned()]
}
