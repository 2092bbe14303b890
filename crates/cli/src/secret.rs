//! Secrets in files: 32 random bytes in hexadecimal, readable by their owner alone, never overwritten.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use agreement::reason::ExitCode;
use transport::random::Random;

use crate::failure::Failure;

/// Makes a secret, writes it with mode 0600 and gives it back.
pub(crate) fn create(path: &Path, random: &dyn Random) -> Result<[u8; 32], Failure> {
    let mut secret = [0; 32];
    random.fill(&mut secret);
    let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = match opened {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            let path = path.display();
            return Err(Failure::new(
                ExitCode::Conflict,
                format!("{path} esiste già e non viene sovrascritto"),
                format!("{path} exists already and is not overwritten"),
            ));
        }
        Err(error) => return Err(Failure::file(path, &error)),
    };
    let text: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    file.write_all(text.as_bytes()).and_then(|()| file.write_all(b"\n")).map_err(|error| Failure::file(path, &error))?;
    file.sync_all().map_err(|error| Failure::file(path, &error))?;
    Ok(secret)
}
