//! Lines and fields.

use std::borrow::Cow;
use std::io::{self, BufRead, BufReader, Read};

/// Longest line in bytes, without its end.
pub const MAX_LINE: usize = 65_536;

/// Reads a file line by line, never holding more than one.
#[derive(Debug)]
pub(super) struct Lines<R> {
    input: BufReader<R>,
    buffer: Vec<u8>,
    number: u64,
}

/// A line of the file.
#[derive(Debug)]
pub(super) struct Line<'a> {
    /// Counted from 1.
    pub(super) number: u64,
    /// Its bytes without the end of line; `None` when it was too long and was skipped.
    pub(super) bytes: Option<&'a [u8]>,
}

/// What quotation marks mean.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Quotes {
    /// A field that begins with one ends with one; two inside stand for one.
    #[default]
    Double,
    /// They are characters like any other.
    Plain,
}

/// A quotation mark that is not closed, or is followed by other text.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct BadQuotes;

impl<R: Read> Lines<R> {
    pub(super) fn new(input: R) -> Self {
        Self {
            input: BufReader::with_capacity(MAX_LINE, input),
            buffer: Vec::new(),
            number: 0,
        }
    }

    /// The next line that is not empty.
    pub(super) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        // The line's end may take two more bytes; a line that fills all three is too long.
        let limit = MAX_LINE as u64 + 3;
        let too_long = loop {
            self.buffer.clear();
            let length = self
                .input
                .by_ref()
                .take(limit)
                .read_until(b'\n', &mut self.buffer)?;
            if length == 0 {
                return Ok(None);
            }
            self.number += 1;
            let ended = self.buffer.last() == Some(&b'\n');
            if ended {
                self.buffer.pop();
            }
            if self.buffer.last() == Some(&b'\r') {
                self.buffer.pop();
            }
            if MAX_LINE < self.buffer.len() {
                if !ended {
                    self.skip_line()?;
                }
                break true;
            }
            if !self.buffer.is_empty() {
                break false;
            }
        };
        let bytes = (!too_long).then_some(self.buffer.as_slice());
        Ok(Some(Line {
            number: self.number,
            bytes,
        }))
    }

    fn skip_line(&mut self) -> io::Result<()> {
        loop {
            let available = self.input.fill_buf()?;
            if available.is_empty() {
                return Ok(());
            }
            match available.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    self.input.consume(end + 1);
                    return Ok(());
                }
                None => {
                    let length = available.len();
                    self.input.consume(length);
                }
            }
        }
    }
}

/// Splits a line at `separator`.
pub(super) fn split(line: &str, separator: char, quotes: Quotes) -> Result<Vec<Cow<'_, str>>, BadQuotes> {
    if quotes == Quotes::Plain {
        return Ok(line.split(separator).map(Cow::Borrowed).collect());
    }
    let mut fields = Vec::with_capacity(80);
    let mut rest = line;
    loop {
        let (field, after) = match rest.strip_prefix('"') {
            Some(quoted) => split_quoted(quoted, separator)?,
            None => match rest.split_once(separator) {
                Some((field, after)) => (Cow::Borrowed(field), Some(after)),
                None => (Cow::Borrowed(rest), None),
            },
        };
        fields.push(field);
        match after {
            Some(after) => rest = after,
            None => return Ok(fields),
        }
    }
}

type FieldAndRest<'a> = (Cow<'a, str>, Option<&'a str>);

fn split_quoted(text: &str, separator: char) -> Result<FieldAndRest<'_>, BadQuotes> {
    let mut doubled = false;
    let mut from = 0;
    loop {
        let quote = text
            .get(from..)
            .and_then(|rest| rest.find('"'))
            .ok_or(BadQuotes)?
            + from;
        let (field, after) = (
            text.get(..quote).ok_or(BadQuotes)?,
            text.get(quote + 1..).ok_or(BadQuotes)?,
        );
        if after.starts_with('"') {
            doubled = true;
            from = quote + 2;
            continue;
        }
        let field = if doubled {
            Cow::Owned(field.replace("\"\"", "\""))
        } else {
            Cow::Borrowed(field)
        };
        if after.is_empty() {
            return Ok((field, None));
        }
        return after
            .strip_prefix(separator)
            .map(|after| (field, Some(after)))
            .ok_or(BadQuotes);
    }
}

/// Appends a field so that [`split`] gives it back.
pub(super) fn push_field(row: &mut String, field: &str) {
    if !field.contains(['"', ';']) {
        row.push_str(field);
        return;
    }
    row.push('"');
    row.push_str(&field.replace('"', "\"\""));
    row.push('"');
}
