//! Looking for marked words where personal data must not be: in files, byte by byte, and in what was traced.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use tracing_subscriber::fmt::MakeWriter;

/// Words that nothing but personal data contains, in the forms in which they could leak.
#[derive(Clone)]
pub struct Canary {
    needles: Vec<(String, Vec<u8>)>,
    beginnings: Vec<bool>,
}

/// A place where a marked word was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// File, or name of the text.
    pub place: String,
    /// Which word, by its label: the word itself is not repeated.
    pub label: String,
    /// Byte at which it begins.
    pub offset: usize,
}

impl Canary {
    /// A canary of labelled words; each is also looked for in lower and upper case, in hexadecimal and in UTF-16.
    ///
    /// # Panics
    /// When a word is shorter than two bytes.
    pub fn new<'a>(words: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut needles = Vec::new();
        for (label, word) in words {
            let forms = [word.to_owned(), word.to_lowercase(), word.to_uppercase()];
            for form in forms {
                let hex: String = form.bytes().map(|byte| format!("{byte:02x}")).collect();
                let wide: Vec<u8> = form.encode_utf16().flat_map(u16::to_le_bytes).collect();
                needles.extend(
                    [form.into_bytes(), hex.into_bytes(), wide].map(|needle| (label.to_owned(), needle)),
                );
            }
        }
        needles.sort();
        needles.dedup();
        Self::of_needles(needles)
    }

    /// The same canary, with labelled bytes that are looked for as they are: a message in another message.
    ///
    /// # Panics
    /// When they are shorter than two.
    #[must_use]
    pub fn and_bytes(self, bytes: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut needles = self.needles;
        needles.extend(bytes);
        Self::of_needles(needles)
    }

    fn of_needles(needles: Vec<(String, Vec<u8>)>) -> Self {
        let mut beginnings = vec![false; 1 << 16];
        for (_, needle) in &needles {
            let [first, second, ..] = needle.as_slice() else {
                panic!("a word of a canary is long")
            };
            beginnings[usize::from(u16::from_le_bytes([*first, *second]))] = true;
        }
        Self { needles, beginnings }
    }

    /// Hits in bytes.
    pub fn in_bytes(&self, place: &str, bytes: &[u8]) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for (offset, pair) in bytes.windows(2).enumerate() {
            // One look for each place: only the beginnings of words are compared further.
            if !self.beginnings[usize::from(u16::from_le_bytes([pair[0], pair[1]]))] {
                continue;
            }
            for (label, needle) in &self.needles {
                if bytes[offset..].starts_with(needle) && !hits.iter().any(|hit| hit.label == *label) {
                    hits.push(Hit {
                        place: place.to_owned(),
                        label: label.clone(),
                        offset,
                    });
                }
            }
        }
        hits
    }

    /// Hits in names and contents of all files under a directory; tells how many files were read.
    ///
    /// # Panics
    /// When a file cannot be read.
    pub fn in_directory(&self, directory: &Path) -> (Vec<Hit>, usize) {
        let files = files_under(directory);
        let mut hits = Vec::new();
        for file in &files {
            let name = file.display().to_string();
            hits.extend(self.in_bytes(&format!("name of {name}"), name.as_bytes()));
            hits.extend(self.in_bytes(&name, &std::fs::read(file).expect("the file is readable")));
        }
        (hits, files.len())
    }
}

impl fmt::Debug for Canary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Canary({} forms)", self.needles.len())
    }
}

/// Every file under a directory.
///
/// # Panics
/// When a directory cannot be read.
pub fn files_under(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(directory).expect("the directory is readable") {
        let path = entry.expect("the entry is readable").path();
        if path.is_dir() {
            found.extend(files_under(&path));
        } else if path.is_file() {
            found.push(path);
        }
    }
    found
}

/// What was traced, kept in memory.
#[derive(Clone, Debug, Default)]
pub struct Trace(Arc<Mutex<Vec<u8>>>);

impl Trace {
    /// The text so far.
    pub fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl io::Write for Trace {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for Trace {
    type Writer = Self;

    fn make_writer(&'a self) -> Self {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_is_found_in_every_form() {
        let canary = Canary::new([("surname", "Zyxwvut")]);
        for leak in ["..Zyxwvut..", "zyxwvut", "ZYXWVUT", "5a797877767574"] {
            assert!(!canary.in_bytes("text", leak.as_bytes()).is_empty(), "{leak}");
        }
        let wide: Vec<u8> = "Zyxwvut".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(!canary.in_bytes("text", &wide).is_empty());
        assert!(canary.in_bytes("text", b"Zyxwvu t").is_empty());
    }

    #[test]
    fn bytes_are_found_as_they_are() {
        let canary = Canary::new([]).and_bytes([("date".to_owned(), vec![8, 0, 16])]);
        assert_eq!(canary.in_bytes("message", &[1, 8, 0, 16]).len(), 1);
        assert!(canary.in_bytes("message", &[8, 0, 17, 8, 0]).is_empty());
    }

    #[test]
    fn a_hit_names_the_label_and_not_the_word() {
        let canary = Canary::new([("surname", "Zyxwvut")]);
        let hits = canary.in_bytes("text", b"a Zyxwvut");
        assert_eq!(
            hits,
            [Hit {
                place: "text".to_owned(),
                label: "surname".to_owned(),
                offset: 2
            }]
        );
    }
}
