//! What an error says, with what caused it.

use std::error::Error;
use std::fmt::Write as _;

/// The messages of an error and of everything that caused it, each said once.
pub fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut last = text.clone();
    let mut source = error.source();
    while let Some(error) = source {
        let message = error.to_string();
        if message != last {
            let _ = write!(text, ": {message}");
        }
        last = message;
        source = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("the volume is full")]
    struct Full;

    #[derive(Debug, thiserror::Error)]
    #[error(transparent)]
    struct Passed(#[from] Full);

    #[derive(Debug, thiserror::Error)]
    #[error("the file cannot be written")]
    struct Written(#[source] Passed);

    #[test]
    fn every_cause_is_told_and_none_twice() {
        assert_eq!(
            chain(&Written(Passed(Full))),
            "the file cannot be written: the volume is full"
        );
        assert_eq!(chain(&Full), "the volume is full");
    }
}
