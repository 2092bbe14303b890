//! The end of an export: what proves it, its table, its manifest, and the proof that all of it holds.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use agreement::reason::ExitCode;
use chrono::{DateTime, SecondsFormat};
use client::auditor::SignedHead;
use transport::causes::chain;

use super::reading::keep;
use super::{Exporter, fault_of};
use crate::call;
use crate::export::difference::Verification;
use crate::export::directory::Growing;
use crate::export::evidence::{Evidence, EvidenceError};
use crate::export::files::{FileFault, digest, list, make_directory, replace, replace_by, sync_directory};
use crate::export::manifest::{FinalHead, ListedFile, Manifest};
use crate::export::parquet_rows::ParquetWriter;
use crate::export::row::cells;
use crate::export::verify::{Verified, check, needed};
use crate::export::{CHECKPOINTS, EVIDENCE, LOCK, MANIFEST, RowForm, STATE, TILES};
use crate::failure::Failure;
use crate::session::Session;

impl Exporter {
    /// Completes an export: with the newest checkpoint, the tiles that it takes, the table and the manifest, which is written
    /// only when everything is verified.
    pub(super) async fn settle(
        &self,
        growing: &Growing,
        session: &mut Session<'_, '_>,
    ) -> Result<Verified, Failure> {
        let path = growing.path();
        let head = self.auditor.checkpoint().await;
        let head = head.map_err(|error| call::unanswered(&error))?;
        keep(growing, &head)?;
        clear(path).map_err(|fault| fault_of(&fault))?;
        self.tiles(path, &head, session).await?;
        if growing
            .state()
            .settings
            .forms()
            .is_some_and(|forms| forms.contains(&RowForm::Parquet))
        {
            table(path).map_err(|fault| fault_of(&fault))?;
        }
        let files = listed(path).map_err(|fault| fault_of(&fault))?;
        let now = i64::try_from(session.surroundings.clock.now_ms()).ok();
        let made = now.and_then(DateTime::from_timestamp_millis);
        let made = made.map(|made| made.to_rfc3339_opts(SecondsFormat::Secs, true));
        let final_head = FinalHead {
            size: head.checkpoint.size,
            text: &head.text,
        };
        let manifest = Manifest::new(growing.state(), final_head, files, made.unwrap_or_default())
            .map_err(|error| Failure::internal(&error))?;
        let verified = match check(path, &manifest, &self.log) {
            Ok(verified) => verified,
            Err(Verification::File(fault)) => return Err(fault_of(&fault)),
            Err(Verification::Difference(difference)) => {
                let chain = chain(&difference);
                return Err(Failure::new(
                    ExitCode::NegativeAnswer,
                    format!("ciò che l'indice ha dato non prova sé stesso: {chain}"),
                    format!("what the index gave does not prove itself: {chain}"),
                )
                .remedy(
                    "conservare la cartella e segnalarlo: il registro o il suo indice è alterato",
                    "keep the directory and report it: the log or its index was changed",
                ));
            }
        };
        let text = serde_json::to_string_pretty(&manifest).map_err(|error| Failure::internal(&error))?;
        replace(&path.join(MANIFEST), (text + "\n").as_bytes()).map_err(|fault| fault_of(&fault))?;
        Ok(verified)
    }

    /// Fetches the tiles that are not there yet; those of an earlier end that are needed no more go.
    async fn tiles(
        &self,
        path: &Path,
        head: &SignedHead,
        session: &mut Session<'_, '_>,
    ) -> Result<(), Failure> {
        let size = head.checkpoint.size;
        let sizes = checkpoint_sizes(path).map_err(|fault| fault_of(&fault))?;
        let wanted = match needed(path, size, sizes) {
            Ok(needed) => needed.all(),
            Err(Verification::File(fault)) => return Err(fault_of(&fault)),
            Err(Verification::Difference(difference)) => return Err(Failure::internal(&difference)),
        };
        let names: BTreeSet<String> = wanted.iter().map(|tile| tile.path()).collect();
        for name in list(path).map_err(|fault| fault_of(&fault))? {
            if name.starts_with(&format!("{TILES}/")) && !names.contains(&name) {
                let old = path.join(name);
                fs::remove_file(&old).map_err(|error| fault_of(&FileFault::of(&old)(error)))?;
            }
        }
        let bar = session.progress(wanted.len() as u64);
        let mut directories = BTreeSet::new();
        for tile in wanted {
            bar.inc(1);
            let file = path.join(tile.path());
            if fs::metadata(&file).is_ok_and(|there| there.len() == tile.bytes() as u64) {
                continue;
            }
            let hashes = self.auditor.hash_tile(tile).await;
            let hashes = hashes.map_err(|error| call::unanswered(&error))?;
            let directory = file.parent().unwrap_or(path);
            let written =
                make_directory(directory).and_then(|()| replace_by(&file, |file| file.write_all(&hashes)));
            written.map_err(|fault| fault_of(&fault))?;
            directories.insert(directory.to_owned());
        }
        bar.finish_and_clear();
        let synced = directories
            .iter()
            .try_for_each(|directory| sync_directory(directory));
        synced.map_err(|fault| fault_of(&fault))
    }
}

/// Sizes of the checkpoints that were kept.
fn checkpoint_sizes(path: &Path) -> Result<Vec<u64>, FileFault> {
    let names = list(&path.join(CHECKPOINTS))?;
    Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
}

/// Takes away what was being written when the program was ended.
fn clear(path: &Path) -> Result<(), FileFault> {
    for name in list(path)? {
        if name.ends_with(".new") {
            let half = path.join(name);
            fs::remove_file(&half).map_err(FileFault::of(&half))?;
        }
    }
    Ok(())
}

/// Writes the table from the evidence.
fn table(path: &Path) -> Result<(), FileFault> {
    let evidence = path.join(EVIDENCE);
    let read = |error: EvidenceError| std::io::Error::other(chain(&error));
    let file = path.join(RowForm::Parquet.file());
    replace_by(&file, |out| {
        let mut table = ParquetWriter::new(BufWriter::new(out)).map_err(written)?;
        for line in BufReader::new(File::open(&evidence)?).lines() {
            let parsed = Evidence::parse(&(line? + "\n")).map_err(read)?;
            table.push(cells(&parsed)).map_err(written)?;
        }
        table.finish().map_err(written)
    })?;
    sync_directory(path)
}

/// The fault of the file where there is one, so that a full disk is told from a fault of ours.
fn written(error: parquet::errors::ParquetError) -> std::io::Error {
    match error {
        parquet::errors::ParquetError::External(cause) => match cause.downcast::<std::io::Error>() {
            Ok(fault) => *fault,
            Err(other) => std::io::Error::other(other),
        },
        other => std::io::Error::other(other),
    }
}

/// Every file with its size and digest.
fn listed(path: &Path) -> Result<Vec<ListedFile>, FileFault> {
    let mut files = Vec::new();
    for name in list(path)? {
        if [MANIFEST, STATE, LOCK].contains(&name.as_str()) {
            continue;
        }
        let (size, sha256) = digest(&path.join(&name))?;
        files.push(ListedFile {
            path: name,
            size,
            sha256: sha256.to_string(),
        });
    }
    Ok(files)
}
