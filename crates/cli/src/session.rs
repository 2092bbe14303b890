//! One run of one command: streams, language, form of the data, surroundings.

use std::io::Write;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::datum::Datum;
use crate::failure::Failure;
use crate::io::{Io, Surface, Surroundings};
use crate::language::Language;
use crate::output::{self, Format};

/// What a command works with.
#[derive(Debug)]
pub struct Session<'a, 'io> {
    /// The streams.
    pub io: &'a mut Io<'io>,
    /// Environment, clock, randomness.
    pub surroundings: &'a Surroundings,
    /// Language of words.
    pub language: Language,
    /// Form of data.
    pub format: Format,
}

impl Session<'_, '_> {
    /// Writes data to standard output.
    pub fn data(&mut self, rows: &[Datum]) -> Result<(), Failure> {
        output::write(&mut *self.io.stdout, self.format, rows)?;
        Ok(())
    }

    /// Writes text that is itself the data.
    pub fn raw(&mut self, text: &str) -> Result<(), Failure> {
        self.io.stdout.write_all(text.as_bytes())?;
        self.io.stdout.flush()?;
        Ok(())
    }

    /// Says something to the person, in the person's language.
    pub fn say(&mut self, italian: impl AsRef<str>, english: impl AsRef<str>) -> Result<(), Failure> {
        let words = self.language.pick(italian.as_ref(), english.as_ref());
        writeln!(self.io.stderr, "{}", output::visible(words))?;
        Ok(())
    }

    /// Says several lines, each in both languages.
    pub fn say_all<L: AsRef<str>>(&mut self, lines: impl IntoIterator<Item = (L, L)>) -> Result<(), Failure> {
        lines
            .into_iter()
            .try_for_each(|(italian, english)| self.say(italian, english))
    }

    /// A bar for `total` steps, shown only where a person watches.
    pub fn progress(&self, total: u64) -> ProgressBar {
        let target = match self.io.surface {
            Surface::Terminal => ProgressDrawTarget::stderr(),
            Surface::Plain => ProgressDrawTarget::hidden(),
        };
        let style = ProgressStyle::with_template("{wide_bar} {pos}/{len} {msg}");
        let bar = ProgressBar::with_draw_target(Some(total), target);
        match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        }
    }

    /// Runs asynchronous work to its end.
    pub fn block_on<T>(
        &mut self,
        work: impl AsyncFnOnce(&mut Self) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let runtime = runtime()?;
        let outcome = runtime.block_on(work(self));
        runtime.shutdown_timeout(std::time::Duration::from_secs(5));
        outcome
    }
}

/// A runtime for one command.
fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::internal(&error))
}
