//! Verification of an export, offline and with nothing but the log's public key.
//!
//! In this order, and the first difference ends it: the manifest and its digest; the signature of every checkpoint; that
//! nothing is listed that is not verified; the tiles, from the root down; that every checkpoint is a prefix of the tree; line by line that the entry is in the tree,
//! its parts are those of its header, nothing comes twice or is left out, and each row is that of the entry; sizes and
//! digests of the files; that nothing else is there.
//!
//! That nothing was left out is proved of a regional auditor's export without a filter that did not follow the log: its
//! indices have no gap. Of others it rests on the word of whoever made the export.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use ledger::checkpoint::{Checkpoint, LogVerifier, SignedCheckpoint};
use ledger::hash::leaf_hash;
use ledger::tile::Tile;

use super::difference::{Cause, Difference, Verification};
use super::evidence::{Evidence, index_of};
use super::files::{digest, list};
use super::manifest::{ListedFile, Manifest};
use super::parquet_rows::ParquetTable;
use super::row::{Cell, cells};
use super::state::told;
use super::text_rows::TextForm;
use super::tiles::{NeededTiles, ProvedLeaves};
use super::{CHECKPOINTS, EVIDENCE, LOCK, MANIFEST, RowForm, STATE};

/// The longest line of evidence: far above any.
const LONGEST_LINE: u64 = 16 << 20;

/// What was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The log.
    pub origin: String,
    /// The auditor's scope, as the export states it.
    pub scope: String,
    /// Entries, each proved to be in the tree.
    pub entries: u64,
    /// Entries by outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Size of the tree.
    pub tree_size: u64,
    /// Checkpoints, each signed by the log, and each pair of them consistent.
    pub checkpoints: u64,
    /// Whether the indices are without a gap from the first to the last.
    pub complete: bool,
}

/// Verifies the export in a directory.
///
/// # Errors
/// The first difference, or a file that cannot be read.
pub fn verify(directory: &Path, log: &LogVerifier) -> Result<Verified, Verification> {
    let text = fs::read_to_string(directory.join(MANIFEST))
        .map_err(|error| Verification::reading(MANIFEST, error))?;
    let of_manifest = |cause| Difference::of_file(MANIFEST, cause);
    let manifest: Manifest = serde_json::from_str(&text).map_err(|_| of_manifest(Cause::Format))?;
    if !manifest.is_known() {
        return Err(of_manifest(Cause::Format).into());
    }
    match manifest.computed_digest() {
        Ok(digest) if digest.to_string() == manifest.digest => check(directory, &manifest, log),
        Ok(_) | Err(_) => Err(of_manifest(Cause::Digest).into()),
    }
}

/// Verifies a directory against a manifest.
///
/// # Errors
/// The first difference, or a file that cannot be read.
pub fn check(directory: &Path, manifest: &Manifest, log: &LogVerifier) -> Result<Verified, Verification> {
    if manifest.origin != log.origin().as_str() {
        return Err(Difference::of_file(MANIFEST, Cause::OtherLog).into());
    }
    let forms = manifest.settings.forms();
    let forms = forms.ok_or_else(|| Difference::of_file(MANIFEST, Cause::Format))?;
    let checkpoints = checkpoints(directory, manifest, log)?;
    let newest = checkpoints.get(&manifest.tree_size);
    let newest = newest.ok_or_else(|| Difference::of_file(MANIFEST, Cause::Final))?;
    let needed = needed(directory, manifest.tree_size, checkpoints.keys().copied())?;
    known_files(manifest, &forms, &needed)?;
    let mut leaves = ProvedLeaves::open(directory, &needed, newest.size, &newest.root)?;
    for (size, checkpoint) in &checkpoints {
        let of_checkpoint = |cause| Difference::of_file(format!("{CHECKPOINTS}/{size}"), cause);
        let root = leaves
            .root_at(*size)
            .map_err(|error| of_checkpoint(error.into()))?;
        if root != checkpoint.root {
            return Err(of_checkpoint(Cause::Inconsistent).into());
        }
    }
    let outcomes = entries(directory, manifest, &forms, &mut leaves)?;
    let counted = outcomes.values().sum();
    if counted != manifest.entries {
        let stated = manifest.entries;
        return Err(Difference::of_file(EVIDENCE, Cause::Count { stated, counted }).into());
    }
    listed_files(directory, &manifest.files)?;
    Ok(Verified {
        origin: manifest.origin.clone(),
        scope: manifest.scope.clone(),
        entries: counted,
        outcomes,
        tree_size: newest.size,
        checkpoints: checkpoints.len() as u64,
        complete: is_contiguous(manifest),
    })
}

/// The tiles of an export with these checkpoints, in a tree of `size` entries.
///
/// # Errors
/// The evidence cannot be read.
pub fn needed(
    directory: &Path,
    size: u64,
    checkpoints: impl IntoIterator<Item = u64>,
) -> Result<NeededTiles, Verification> {
    let mut needed =
        NeededTiles::of_roots(size, checkpoints).map_err(|_| Difference::of_file(MANIFEST, Cause::Final))?;
    let mut lines = Lines::open(directory)?;
    while let Some(line) = lines.next()? {
        let of_line = |cause| Difference::of_file(EVIDENCE, cause).at_line(lines.number);
        let index = index_of(&line).map_err(|error| of_line(Cause::Evidence(error.into())))?;
        if size <= index {
            return Err(of_line(Cause::Outside).about(Some(index)).into());
        }
        needed.add_entry(index, size);
    }
    Ok(needed)
}

/// Every checkpoint that the manifest lists, signed by the log, by its size.
fn checkpoints(
    directory: &Path,
    manifest: &Manifest,
    log: &LogVerifier,
) -> Result<BTreeMap<u64, Checkpoint>, Verification> {
    let mut found = BTreeMap::new();
    let prefix = format!("{CHECKPOINTS}/");
    let names = manifest
        .files
        .iter()
        .filter_map(|file| file.path.strip_prefix(&prefix));
    for name in names {
        let path = format!("{prefix}{name}");
        let text =
            fs::read_to_string(directory.join(&path)).map_err(|error| Verification::reading(&path, error))?;
        let of_file = |cause| Difference::of_file(&path, cause);
        let verified = SignedCheckpoint::parse(&text).and_then(|signed| log.verify(&signed));
        let checkpoint = verified.map_err(|error| of_file(error.into()))?.into_checkpoint();
        if checkpoint.size.to_string() != name {
            return Err(of_file(Cause::Name).into());
        }
        if checkpoint.size == manifest.tree_size && text != manifest.checkpoint {
            return Err(Difference::of_file(MANIFEST, Cause::Final).into());
        }
        found.insert(checkpoint.size, checkpoint);
    }
    match found.last_key_value() {
        Some((largest, _)) if *largest == manifest.tree_size => Ok(found),
        Some(_) | None => Err(Difference::of_file(MANIFEST, Cause::Final).into()),
    }
}

/// Whether no index may be missing.
fn is_contiguous(manifest: &Manifest) -> bool {
    manifest.scope == "region" && manifest.settings.is_unfiltered() && !manifest.settings.follow
}

/// Every line and every row; gives how many entries there are of each outcome.
fn entries(
    directory: &Path,
    manifest: &Manifest,
    forms: &[RowForm],
    leaves: &mut ProvedLeaves<'_>,
) -> Result<BTreeMap<String, u64>, Verification> {
    let tables = forms
        .iter()
        .filter(|form| form.text().is_none())
        .map(|form| table(directory, *form))
        .collect::<Result<Vec<_>, _>>()?;
    let mut tables = tables
        .iter()
        .map(|table| table.rows().map_err(|error| of_table(error).into()))
        .collect::<Result<Vec<_>, Verification>>()?;
    let mut texts = forms
        .iter()
        .filter_map(|form| Some((form.text()?, form.file())))
        .map(|(text, file)| TextRows::open(directory, text, file))
        .collect::<Result<Vec<_>, _>>()?;
    let mut outcomes = BTreeMap::new();
    let mut next = manifest.settings.from_index;
    let mut lines = Lines::open(directory)?;
    while let Some(line) = lines.next()? {
        let evidence = Evidence::parse(&line).map_err(|error| {
            Difference::of_file(EVIDENCE, error.into())
                .at_line(lines.number)
                .about(index_of(&line).ok())
        })?;
        let index = evidence.index();
        let of_line = |cause| Difference::of_entry(index, cause).at_line(lines.number);
        if index < next {
            return Err(of_line(Cause::Order).into());
        }
        if next < index && is_contiguous(manifest) {
            return Err(of_line(Cause::LeftOut(next)).into());
        }
        if manifest.next_index <= index {
            return Err(of_line(Cause::Outside).into());
        }
        if leaves.leaf(index)? != leaf_hash(evidence.header_bytes()) {
            return Err(of_line(Cause::Leaf).into());
        }
        if evidence.header().origin.as_str() != manifest.origin || !manifest.settings.admit(evidence.header())
        {
            return Err(of_line(Cause::Filter).into());
        }
        let cells = cells(&evidence);
        for rows in &mut texts {
            rows.expect(&cells, index)?;
        }
        for rows in &mut tables {
            match rows.next().transpose().map_err(of_table)? {
                Some(row) if row == cells => {}
                Some(_) | None => {
                    let file = RowForm::Parquet.file();
                    let row = Difference::of_file(file, Cause::Row).at_line(lines.number);
                    return Err(row.about(Some(index)).into());
                }
            }
        }
        *outcomes.entry(told(evidence.header()).to_owned()).or_default() += 1;
        next = index + 1;
    }
    if next < manifest.next_index && is_contiguous(manifest) {
        return Err(Difference::of_file(EVIDENCE, Cause::LeftOut(next)).into());
    }
    for rows in &mut texts {
        rows.expect_end()?;
    }
    if tables.iter_mut().any(|rows| rows.next().is_some()) {
        return Err(Difference::of_file(RowForm::Parquet.file(), Cause::Behind).into());
    }
    Ok(outcomes)
}

fn table(directory: &Path, form: RowForm) -> Result<ParquetTable, Verification> {
    let name = form.file();
    let file = File::open(directory.join(&name)).map_err(|error| Verification::reading(&name, error))?;
    ParquetTable::open(file).map_err(|error| of_table(error).into())
}

fn of_table(error: parquet::errors::ParquetError) -> Difference {
    Difference::of_file(RowForm::Parquet.file(), Cause::Table(error))
}

/// The manifest lists nothing but what is verified: whatever stands in an export was proved.
fn known_files(manifest: &Manifest, forms: &[RowForm], needed: &NeededTiles) -> Result<(), Verification> {
    let tiles: BTreeSet<String> = needed.all().iter().map(Tile::path).collect();
    let is_known = |path: &str| {
        path == EVIDENCE
            || forms.iter().any(|form| form.file() == path)
            || path.starts_with(&format!("{CHECKPOINTS}/"))
            || tiles.contains(path)
    };
    match manifest.files.iter().find(|file| !is_known(&file.path)) {
        Some(file) => Err(Difference::of_file(&file.path, Cause::Foreign).into()),
        None => Ok(()),
    }
}

/// Every file is as it is listed, and there is no other.
fn listed_files(directory: &Path, files: &[ListedFile]) -> Result<(), Verification> {
    let mut listed = BTreeMap::new();
    for ListedFile { path, size, sha256 } in files {
        listed.insert(path.as_str(), (*size, sha256.as_str()));
    }
    for path in list(directory)? {
        if [MANIFEST, STATE, LOCK].contains(&path.as_str()) {
            continue;
        }
        let stated = listed.remove(path.as_str());
        let stated = stated.ok_or_else(|| Difference::of_file(&path, Cause::Unlisted))?;
        let (size, sha256) = digest(&directory.join(&path))?;
        if stated != (size, sha256.to_string().as_str()) {
            return Err(Difference::of_file(path, Cause::File).into());
        }
    }
    match listed.into_keys().next() {
        Some(path) => Err(Difference::of_file(path, Cause::Missing).into()),
        None => Ok(()),
    }
}

/// The lines of the evidence, each with its line feed.
struct Lines {
    reader: BufReader<File>,
    number: u64,
}

impl Lines {
    fn open(directory: &Path) -> Result<Self, Verification> {
        let file = File::open(directory.join(EVIDENCE));
        let file = file.map_err(|error| Verification::reading(EVIDENCE, error))?;
        Ok(Self {
            reader: BufReader::new(file),
            number: 0,
        })
    }

    fn next(&mut self) -> Result<Option<String>, Verification> {
        let mut line = Vec::new();
        self.number += 1;
        (&mut self.reader)
            .take(LONGEST_LINE)
            .read_until(b'\n', &mut line)
            .map_err(|error| Verification::reading(EVIDENCE, error))?;
        if line.is_empty() {
            return Ok(None);
        }
        match String::from_utf8(line) {
            Ok(line) if line.ends_with('\n') => Ok(Some(line)),
            Ok(_) | Err(_) => Err(Difference::of_file(EVIDENCE, Cause::Line)
                .at_line(self.number)
                .into()),
        }
    }
}

/// A file of rows, which must be what writing them again gives.
struct TextRows {
    form: TextForm,
    file: String,
    reader: BufReader<File>,
    number: u64,
}

impl TextRows {
    fn open(directory: &Path, form: TextForm, file: String) -> Result<Self, Verification> {
        let opened = File::open(directory.join(&file));
        let reader = BufReader::new(opened.map_err(|error| Verification::reading(&file, error))?);
        let mut rows = Self {
            form,
            file,
            reader,
            number: 0,
        };
        let head = form
            .head()
            .map_err(|error| Verification::reading(&rows.file, error))?;
        if !head.is_empty() && !rows.comes(&head)? {
            return Err(Difference::of_file(&rows.file, Cause::Row).at_line(1).into());
        }
        rows.number = u64::from(!head.is_empty());
        Ok(rows)
    }

    fn expect(&mut self, cells: &[Cell], index: u64) -> Result<(), Verification> {
        self.number += 1;
        let row = self.form.row(cells);
        let row = row.map_err(|error| Verification::reading(&self.file, error))?;
        if self.comes(&row)? {
            return Ok(());
        }
        let row = Difference::of_file(&self.file, Cause::Row).at_line(self.number);
        Err(row.about(Some(index)).into())
    }

    fn expect_end(&mut self) -> Result<(), Verification> {
        let rest = self.reader.fill_buf();
        match rest.map_err(|error| Verification::reading(&self.file, error))? {
            [] => Ok(()),
            _ => Err(Difference::of_file(&self.file, Cause::Behind).into()),
        }
    }

    /// Whether these bytes come next.
    fn comes(&mut self, expected: &[u8]) -> Result<bool, Verification> {
        let mut actual = Vec::with_capacity(expected.len());
        (&mut self.reader)
            .take(expected.len() as u64)
            .read_to_end(&mut actual)
            .map_err(|error| Verification::reading(&self.file, error))?;
        Ok(actual == expected)
    }
}
