//! A case as its file states it: rules, what happens before, the call, and what is looked at of what it tells.

use std::collections::BTreeMap;

use serde::Deserialize;

/// A file of cases.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Cases {
    /// The cases, in the order of the file.
    pub(crate) case: Vec<Case>,
}

/// One case.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    /// What it says, as a sentence; no two cases of a file say the same.
    pub(crate) name: String,
    /// The rules for which it stands, of `rules.toml`; at least one.
    pub(crate) rules: Vec<String>,
    /// When it is asked, RFC 3339; the usual moment where absent.
    pub(crate) at: Option<String>,
    /// Whose agreement: `police`, `body` or `association`.
    #[serde(default = "police")]
    pub(crate) base: String,
    /// What is changed in the agreement: from, to.
    #[serde(default)]
    pub(crate) agreement: Vec<[String; 2]>,
    /// Whether the agreement was revoked before the call.
    #[serde(default)]
    pub(crate) revoked: bool,
    /// Calls made before, which are answered unless they say how they are refused.
    #[serde(default)]
    pub(crate) first: Vec<Ask>,
    /// Minutes that pass between them and the call.
    #[serde(default)]
    pub(crate) minutes: u32,
    /// The call.
    pub(crate) ask: Ask,
    /// What is looked at of what it tells, by name.
    pub(crate) expect: BTreeMap<String, String>,
}

/// A call. What is absent is as an agency sends it that breaks no clause.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Ask {
    /// `person`, `household`, `search`, `found`, `household of found`, `residents`, `verify`, `batch` or `describe`.
    pub(crate) call: String,
    /// How often it is made in all: every call but the last is answered.
    pub(crate) times: Option<u32>,
    /// Of a call before: the reason for which it is refused.
    pub(crate) refused: Option<String>,

    /// A card, as municipality and name, or a codice fiscale.
    pub(crate) about: Option<String>,
    /// A card of which the national id names the person, or a national id.
    pub(crate) national_id: Option<String>,
    /// A card whose complete generalities name the person; the other keys change them.
    pub(crate) named: Option<String>,
    pub(crate) surname: Option<String>,
    pub(crate) given_name: Option<String>,
    /// Names of which the last word is a beginning.
    pub(crate) beginning: Vec<String>,
    pub(crate) sex: Option<String>,
    pub(crate) tax_code: Option<String>,
    pub(crate) born: Option<String>,
    pub(crate) born_from: Option<String>,
    pub(crate) born_to: Option<String>,
    pub(crate) birth_municipality: Option<String>,
    pub(crate) municipality: Option<String>,
    pub(crate) mask: Vec<String>,

    /// The address of which the residents are asked.
    pub(crate) street: Option<String>,
    pub(crate) number: Option<u32>,
    pub(crate) suffix: Option<String>,
    pub(crate) unit: Option<String>,
    pub(crate) without_number: bool,

    /// Kind of an ascertainment.
    pub(crate) ascertain: Option<String>,
    /// Kind of a declaration; `claimed` is its one value.
    pub(crate) claim: Option<String>,
    pub(crate) claimed: Option<String>,

    /// Rows of a list, each a card or a codice fiscale; `announced` is how many the opening says there are.
    pub(crate) rows: Vec<String>,
    pub(crate) announced: Option<u32>,
    pub(crate) approval: Option<String>,
    pub(crate) approver: Option<String>,
    pub(crate) approved_on: Option<String>,

    /// Whose certificate makes the call, where it is not that of the agreement's agency.
    pub(crate) caller: Option<String>,
    pub(crate) agreement: Option<String>,
    pub(crate) purpose: Option<String>,
    pub(crate) operator: Option<String>,
    pub(crate) assurance: Option<String>,
    pub(crate) workstation: Option<String>,
    pub(crate) case_reference: Option<String>,
    pub(crate) consent: Option<String>,
    pub(crate) on: Option<String>,
    pub(crate) known_on: Option<String>,
    pub(crate) urgency: Option<String>,
    pub(crate) statement_version: Option<String>,
    /// Request id: as it stands, or `first` for that of the call before.
    pub(crate) request_id: Option<String>,
}

impl Cases {
    /// Reads a file.
    ///
    /// # Panics
    /// When it has not the form.
    pub(crate) fn read(text: &str) -> Self {
        toml::from_str(text).expect("the cases are well formed")
    }
}

fn police() -> String {
    "police".to_owned()
}
