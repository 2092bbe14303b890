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
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .into_iter()
            .find_map(|name| environment.get(name));
        match locale {
            Some(locale) if locale == "it" || locale.starts_with("it_") || locale.starts_with("it.") => {
                Self::Italian
            }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(variables: &[(&str, &str)], expect: Language) {
        let environment = variables
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()))
            .collect();
        assert_eq!(Language::of_locale(&environment), expect, "{variables:?}");
    }

    #[test]
    fn the_language_is_that_of_the_first_locale_that_is_set() {
        check(&[], Language::English);
        check(&[("LANG", "it_IT.UTF-8")], Language::Italian);
        check(&[("LANG", "it")], Language::Italian);
        check(&[("LANG", "italiano_AQ")], Language::English);
        check(&[("LC_ALL", "C"), ("LANG", "it_IT.UTF-8")], Language::English);
        check(&[("LC_ALL", ""), ("LANG", "it_CH")], Language::Italian);
    }
}
