//! The language of texts for people. Codes and JSON are English in both.

use crate::io::Environment;

/// A language.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Language {
    /// Italian
    #[value(name = "it")]
    Italian,
    /// English
    #[value(name = "en")]
    English,
}

impl Language {
    /// The language of the locale: Italian where it says so, else English.
    pub fn of_locale(environment: &Environment) -> Self {
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].into_iter().find_map(|name| environment.get(name));
        match locale {
            Some(locale) if locale == "it" || locale.starts_with("it_") || locale.starts_with("it.") => Self::Italian,
            _ => Self::English,
        }
    }

    /// The text in this language.
    pub fn pick<T>(self, italian: T, english: T) -> T {
        match self {
            Self::Italian => italian,
            Self::English => english,
        }
    }
}
