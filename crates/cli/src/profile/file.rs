//! The file of profiles, TOML; unknown keys are refused.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;

use super::settings::{ActSettings, ConnectionSettings, ContextSettings, ReadingSettings};
use crate::failure::Failure;

/// A file of profiles.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// Profile that is taken when none is named.
    default: Option<String>,
    /// The profiles, by name.
    #[serde(default)]
    profile: BTreeMap<String, Profile>,
}

/// A profile. What it leaves out comes from flags and environment.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Profile {
    /// Where the index is and who calls.
    pub connection: ConnectionSettings,
    /// On what ground an agency calls.
    pub context: ContextSettings,
    /// Why an auditor reads.
    pub reading: ReadingSettings,
    /// By which act an administrator acts.
    pub act: ActSettings,
}

impl ProfileFile {
    /// Reads a file; relative paths in it are taken from its directory.
    pub fn load(path: &Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(path).map_err(|error| Failure::file(path, &error))?;
        Self::parse(&text, path.parent().unwrap_or_else(|| Path::new(".")))
            .map_err(|error| Failure::file(path, &error))
    }

    /// Parses a file's text; relative paths are taken from `base`.
    pub fn parse(text: &str, base: &Path) -> Result<Self, toml::de::Error> {
        let mut file: Self = toml::from_str(text)?;
        for profile in file.profile.values_mut() {
            profile.connection = std::mem::take(&mut profile.connection).based_on(base);
        }
        Ok(file)
    }

    /// The names of the profiles.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.profile.keys().map(String::as_str)
    }

    /// The named profile, else the default one, else the only one.
    pub fn choose(mut self, named: Option<&str>) -> Result<Profile, Failure> {
        let name = named.map(str::to_owned).or_else(|| self.default.take());
        let chosen = match name {
            Some(name) => self.profile.remove(&name),
            None if self.profile.len() <= 1 => {
                Some(self.profile.pop_first().map(|(_, only)| only).unwrap_or_default())
            }
            None => None,
        };
        chosen.ok_or_else(|| {
            let names = self.names().collect::<Vec<_>>().join(", ");
            Failure::usage(
                format!("il profilo non è nel file, che ha: {names}"),
                format!("the profile is not in the file, which has: {names}"),
            )
        })
    }
}
