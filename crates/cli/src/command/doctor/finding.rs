//! One thing that was examined, and what to do about it.

use crate::datum::{Datum, RecordBuilder};
use crate::language::Language;

/// How things stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Light {
    /// In order.
    Green,
    /// Works, and deserves attention.
    Yellow,
    /// Does not work, or will not soon.
    Red,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) subject: &'static str,
    pub(super) light: Light,
    italian: String,
    english: String,
    remedy: Option<(String, String)>,
}

impl Light {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Green => "green",
            Self::Yellow => "yellow",
            Self::Red => "red",
        }
    }
}

impl Finding {
    pub(super) fn new(
        subject: &'static str,
        light: Light,
        italian: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        Self {
            subject,
            light,
            italian: italian.into(),
            english: english.into(),
            remedy: None,
        }
    }

    pub(super) fn green(
        subject: &'static str,
        italian: impl Into<String>,
        english: impl Into<String>,
    ) -> Self {
        Self::new(subject, Light::Green, italian, english)
    }

    #[must_use]
    pub(super) fn remedy(mut self, italian: impl Into<String>, english: impl Into<String>) -> Self {
        self.remedy = Some((italian.into(), english.into()));
        self
    }

    pub(super) fn row(&self, language: Language) -> Datum {
        let Self {
            subject,
            light,
            italian,
            english,
            remedy,
        } = self;
        let remedy = remedy
            .as_ref()
            .map(|(italian, english)| language.pick(italian, english).as_str());
        RecordBuilder::new()
            .with("subject", *subject)
            .with("light", light.name())
            .with("finding", language.pick(italian, english).as_str())
            .with("remedy", remedy.unwrap_or_default())
            .build()
    }
}
