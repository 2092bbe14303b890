//! Whoever holds the key of a log and writes another log with it: entries are changed or left out, and everything is
//! hashed and signed anew, so that the log is whole in itself.

use std::fs;
use std::path::{Path, PathBuf};

use ledger::checkpoint::LogSigner;
use ledger::frame::{FrameBuilder, FrameView, Parsed};
use ledger::hash::leaf_hash;
use ledger::header::Header;
use ledger::name::Origin;
use ledger::tree::Frontier;

use crate::region::{LOG_SEED, ORIGIN};

/// What becomes of an entry.
#[derive(Debug)]
pub enum Fate {
    /// It stays.
    Kept,
    /// It says something else from now on.
    Changed(Box<Header>),
    /// It is gone, with all that come after it.
    CutOff,
}

/// The log of an index that does not run, in the hands of whoever holds its key.
#[derive(Debug)]
pub struct Forger {
    data: PathBuf,
    copy: PathBuf,
    signer: LogSigner,
    frontier: Frontier,
    ended: bool,
}

impl Forger {
    /// The log in an index's directory.
    ///
    /// # Panics
    /// When the key is none.
    pub fn of(index: &Path) -> Self {
        Self {
            data: index.join("data"),
            copy: index.join("copy"),
            signer: LogSigner::from_seed(Origin::new(ORIGIN).expect("an origin"), &LOG_SEED).expect("a key"),
            frontier: Frontier::default(),
            ended: false,
        }
    }

    /// Writes the log anew, and removes whatever tells of the one that was. Says how many entries it has.
    ///
    /// # Panics
    /// When the log cannot be read or written.
    pub fn forge(mut self, mut fate: impl FnMut(u64, Header) -> Fate) -> u64 {
        for segment in files(&self.data.join("log")) {
            let bytes = fs::read(&segment).expect("a segment");
            let mut forged = self.segment(&bytes, &mut fate);
            assert!(forged.len() <= bytes.len(), "entries keep their length");
            forged.resize(bytes.len(), 0);
            fs::write(&segment, forged).expect("written");
        }
        for directory in [
            &self.data.join("hashes"),
            &self.data.join("cosignatures"),
            &self.copy,
        ] {
            for file in files(directory) {
                fs::remove_file(file).expect("removed");
            }
        }
        self.frontier.size()
    }

    fn segment(&mut self, bytes: &[u8], fate: &mut impl FnMut(u64, Header) -> Fate) -> Vec<u8> {
        let (mut forged, mut offset) = (Vec::new(), 0);
        while !self.ended {
            let Parsed::Frame(frame) = FrameView::parse(&bytes[offset..], offset as u64).expect("a frame")
            else {
                break;
            };
            offset += frame.len();
            forged.extend(self.frame(&frame, fate));
        }
        forged
    }

    fn frame(&mut self, frame: &FrameView<'_>, fate: &mut impl FnMut(u64, Header) -> Fate) -> Vec<u8> {
        let head = if frame.previous_checkpoint().is_empty() {
            String::new()
        } else {
            self.signer
                .sign(self.frontier.size(), self.frontier.root())
                .to_text()
        };
        let mut builder = FrameBuilder::new(self.frontier.size(), head.as_bytes()).expect("a frame");
        for entry in frame.entries() {
            let header = Header::decode(entry.header).expect("a header");
            let header = match fate(entry.index, header) {
                Fate::Kept => entry.header.to_vec(),
                Fate::Changed(header) => header.encode().expect("a header").into_bytes(),
                Fate::CutOff => {
                    self.ended = true;
                    break;
                }
            };
            self.frontier.push(leaf_hash(&header)).expect("room");
            builder
                .push(&header, entry.parts.iter().copied())
                .expect("it fits as it did");
        }
        builder.finish()
    }
}

/// The files of a directory in the order of their names; none where there is no directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let Ok(listed) = fs::read_dir(directory) else {
        return Vec::new();
    };
    let mut files: Vec<PathBuf> = listed.map(|entry| entry.expect("readable").path()).collect();
    files.sort();
    files
}
