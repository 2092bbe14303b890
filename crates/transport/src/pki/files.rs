//! Certificates and keys on disk: keys readable by their owner alone, nothing overwritten.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::pki::request::KeyPem;

const KEY_MODE: u32 = 0o600;
const CERTIFICATE_MODE: u32 = 0o644;
const OTHERS: u32 = 0o077;
/// Far above any PEM file of this program, so that a wrong path does not fill the memory.
const LARGEST_FILE: u64 = 1 << 20;

/// Why a file was not written or not read.
#[derive(Debug, thiserror::Error)]
pub enum PkiFileError {
    /// There is a file already, and keys and certificates are never overwritten.
    #[error("{} exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// The key can be read by others than its owner.
    #[error("{} is a private key that others than its owner can read: its mode must be 0600", .0.display())]
    KeyExposed(PathBuf),
    /// The file is larger than any key or certificate.
    #[error("{} is larger than a certificate or a key", .0.display())]
    TooLarge(PathBuf),
    /// The operating system refused.
    #[error("cannot use {}", path.display())]
    System {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// Writes a new key file with mode 0600 and syncs it.
pub fn write_key(path: &Path, key: &KeyPem) -> Result<(), PkiFileError> {
    write_new(path, key.expose(), KEY_MODE)
}

/// Writes a new certificate, request or revocation list file with mode 0644 and syncs it.
pub fn write_certificate(path: &Path, pem: &str) -> Result<(), PkiFileError> {
    write_new(path, pem, CERTIFICATE_MODE)
}

/// Reads a key file; refuses one that its group or others can read.
pub fn read_key(path: &Path) -> Result<KeyPem, PkiFileError> {
    let file = File::open(path).map_err(|source| system(path, source))?;
    let metadata = file.metadata().map_err(|source| system(path, source))?;
    if metadata.mode() & OTHERS != 0 {
        return Err(PkiFileError::KeyExposed(path.to_owned()));
    }
    read(path, &file).map(KeyPem::new)
}

/// Reads a certificate, request or revocation list file.
pub fn read_certificate(path: &Path) -> Result<String, PkiFileError> {
    let file = File::open(path).map_err(|source| system(path, source))?;
    read(path, &file)
}

fn read(path: &Path, file: &File) -> Result<String, PkiFileError> {
    let mut text = String::new();
    let read = file
        .take(LARGEST_FILE + 1)
        .read_to_string(&mut text)
        .map_err(|source| system(path, source))?;
    if usize::try_from(LARGEST_FILE).is_ok_and(|largest| largest < read) {
        return Err(PkiFileError::TooLarge(path.to_owned()));
    }
    Ok(text)
}

fn write_new(path: &Path, text: &str, mode: u32) -> Result<(), PkiFileError> {
    let opened = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(mode)
        .open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            return Err(PkiFileError::Exists(path.to_owned()));
        }
        Err(source) => return Err(system(path, source)),
    };
    file.write_all(text.as_bytes())
        .map_err(|source| system(path, source))?;
    file.sync_all().map_err(|source| system(path, source))
}

fn system(path: &Path, source: io::Error) -> PkiFileError {
    PkiFileError::System {
        path: path.to_owned(),
        source,
    }
}
