//! The volume of the data: room left, and whether it is encrypted, as far as Linux lets us see.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::finding::{Finding, Light};

/// Below this share of free room the log may soon have none for its next segment.
const NEARLY_FULL_PERCENT: u64 = 10;
/// Device-mapper layers are looked through this deep.
const DEEPEST: usize = 4;

/// Examines the volume that holds the directory.
pub(super) fn examine(directory: &Path, findings: &mut Vec<Finding>) {
    let Ok(metadata) = directory.metadata() else {
        findings.push(
            Finding::new(
                "volume",
                Light::Red,
                "la cartella dei dati non esiste",
                "the data directory does not exist",
            )
            .remedy("crearla con modo 0700", "make it with mode 0700"),
        );
        return;
    };
    if metadata.mode() & 0o077 != 0 {
        findings.push(
            Finding::new(
                "directory",
                Light::Yellow,
                "altri possono entrare",
                "others can enter",
            )
            .remedy("chmod 700", "chmod 700"),
        );
    }
    if let Ok(room) = rustix::fs::statvfs(directory) {
        let free = (room.f_bavail * 100).checked_div(room.f_blocks).unwrap_or(0);
        findings.push(if free < NEARLY_FULL_PERCENT {
            Finding::new(
                "volume",
                Light::Red,
                format!("libero solo il {free} %"),
                format!("only {free} % free"),
            )
            .remedy(
                "fare spazio: senza, nulla viene comunicato",
                "make room: without it nothing is disclosed",
            )
        } else {
            Finding::green("volume", format!("libero il {free} %"), format!("{free} % free"))
        });
    }
    let device = metadata.dev();
    findings.push(
        match encrypted(rustix::fs::major(device), rustix::fs::minor(device)) {
            Some(true) => Finding::green("encryption", "volume cifrato", "the volume is encrypted"),
            Some(false) => unencrypted("volume non cifrato", "the volume is not encrypted"),
            None => unencrypted(
                "non si vede se il volume è cifrato",
                "whether the volume is encrypted cannot be seen",
            ),
        },
    );
}

fn unencrypted(italian: &str, english: &str) -> Finding {
    Finding::new("encryption", Light::Yellow, italian, english).remedy(
        "LUKS sotto la cartella dei dati; i dati sono comunque sigillati da Ponte",
        "LUKS below the data directory; the data are sealed by Ponte in any case",
    )
}

/// Whether a block device, or one below it, is a dm-crypt mapping. `None` where there is no such device to see.
fn encrypted(major: u32, minor: u32) -> Option<bool> {
    let device = fs::canonicalize(format!("/sys/dev/block/{major}:{minor}")).ok()?;
    Some(is_crypt(&device, DEEPEST))
}

fn is_crypt(device: &Path, depth: usize) -> bool {
    let uuid = fs::read_to_string(device.join("dm/uuid")).unwrap_or_default();
    if uuid.starts_with("CRYPT-") {
        return true;
    }
    let Some(depth) = depth.checked_sub(1) else {
        return false;
    };
    let below = fs::read_dir(device.join("slaves"))
        .into_iter()
        .flatten()
        .flatten();
    below
        .filter_map(|slave| fs::canonicalize(slave.path()).ok())
        .any(|slave: PathBuf| is_crypt(&slave, depth))
}
