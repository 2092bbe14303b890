//! A new index: its secrets, made once and never overwritten.

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use ledger::checkpoint::LogSigner;
use ledger::name::Origin;
use registry::hex;
use transport::random::Random;

/// Why a secret is not made or read.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// The file is there already, cannot be written, or cannot be read.
    #[error("the secret's file cannot be read or written")]
    File(#[from] std::io::Error),
    /// Others than the owner may read it.
    #[error("the secret's file must be readable by its owner alone (mode 0600)")]
    Mode,
    /// Not 64 hexadecimal digits.
    #[error("a secret is written as 64 hexadecimal digits")]
    Form,
    /// The name of a log is wrong.
    #[error("the origin is not the name of a log")]
    Origin,
    /// The seed makes no key.
    #[error("the seed makes no signing key")]
    Key,
}

/// Makes 32 random bytes and writes them in hexadecimal to a new file of mode 0600.
///
/// # Errors
/// See [`SecretError`]; an existing file is left as it is.
pub fn make_secret(path: &Path, random: &dyn Random) -> Result<[u8; 32], SecretError> {
    let mut secret = [0; 32];
    random.fill(&mut secret);
    let mut text = hex::encode(&secret);
    text.push('\n');
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    Ok(secret)
}

/// Reads what [`make_secret`] wrote.
///
/// # Errors
/// See [`SecretError`].
pub fn read_secret(path: &Path) -> Result<[u8; 32], SecretError> {
    let mut file = std::fs::File::open(path)?;
    if file.metadata()?.permissions().mode() & 0o077 != 0 {
        return Err(SecretError::Mode);
    }
    let mut text = String::new();
    file.read_to_string(&mut text)?;
    hex::decode(text.trim_end()).ok_or(SecretError::Form)
}

/// The verifier key that belongs to a log's seed: what auditors and agencies are given.
///
/// # Errors
/// See [`SecretError`].
pub fn verifier_key(origin: &str, seed: &[u8; 32]) -> Result<String, SecretError> {
    let origin = Origin::new(origin.to_owned()).map_err(|_| SecretError::Origin)?;
    Ok(LogSigner::from_seed(origin, seed)
        .map_err(|_| SecretError::Key)?
        .verifier()
        .to_string())
}
