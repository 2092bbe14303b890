//! The first day of a municipality: from the region's invitation to a node that is ready for its certificate.
//!
//! The region gives out an [`Invitation`], which says where the index is and whom to trust, and holds no secret.
//! [`enrol`] makes every key on the node's own machine and writes what goes back, an [`EnrolmentRequest`]: the request
//! for a TLS certificate, the public half of the publication key, and the number, expiry and seal of the invitation, by
//! which the region knows its own again ([`InvitationKey`]). Both sides read out a [`Fingerprint`] to each
//! other, of the invitation and of the request, so that nobody in between can put in his own.

mod fingerprint;
mod invitation;
mod pem;
mod request;
mod seal;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use agreement::peer::SpiffeId;
use chrono::{DateTime, Utc};
use registry::hex;
use registry::signing::{KeyError, SigningKey, pem_of_seed};
use store::files::system::make_private;
use transport::pki::error::PkiError;
use transport::pki::files::{self, PkiFileError};
use transport::pki::request::{KeyPem, SigningRequest, csr};
use transport::random::Random;
use zeroize::Zeroizing;

use crate::config::{ConfigError, NodeConfig};

pub use self::fingerprint::Fingerprint;
pub use self::invitation::{Invitation, InvitationError, SealedInvitation};
pub use self::request::{EnrolmentRequest, RequestError};
pub use self::seal::{InvitationKey, InvitationSeal, Invited, InvitedError};

/// Name of the file that goes back to the region.
pub const REQUEST_FILE: &str = "enrolment.request";

/// Name of the configuration file.
pub const CONFIG_FILE: &str = "node.toml";

/// A node that has its keys.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// Its directory.
    pub directory: PathBuf,
    /// What goes back to the region.
    pub request: EnrolmentRequest,
}

/// Why a node was not made. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The invitation is too old.
    #[error("the invitation expired on {0}")]
    Expired(DateTime<Utc>),
    /// There is something already.
    #[error("{} exists already and is not overwritten", .0.display())]
    Exists(PathBuf),
    /// Keys.
    #[error("a key cannot be made")]
    Key(#[from] KeyError),
    /// The signing request.
    #[error("the request for a certificate cannot be made")]
    Pki(#[from] PkiError),
    /// A file.
    #[error(transparent)]
    File(#[from] PkiFileError),
    /// The directory.
    #[error("{} cannot be made", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The configuration that was made is not one: an invitation that this program does not understand.
    #[error("the invitation makes no valid configuration")]
    Config(#[from] ConfigError),
}

/// Makes the node of an invitation in a directory that is not there yet, or empty: keys, configuration, request. Either
/// everything is there afterwards, or nothing.
///
/// # Errors
/// See [`EnrolError`].
pub fn enrol(
    directory: &Path,
    sealed: &SealedInvitation,
    now: DateTime<Utc>,
    random: &dyn Random,
) -> Result<Enrolled, EnrolError> {
    let expires = sealed.invited().expires;
    if expires < now {
        return Err(EnrolError::Expired(expires));
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| EnrolError::Directory { path, source }
    };
    let is_free = match fs::read_dir(directory) {
        Ok(mut entries) => entries.next().is_none(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => true,
        Err(error) => return Err(failed(directory)(error)),
    };
    if !is_free {
        return Err(EnrolError::Exists(directory.to_owned()));
    }
    let unfinished = beside(directory);
    if unfinished.exists() {
        return Err(EnrolError::Exists(unfinished));
    }
    make_private(&unfinished).map_err(failed(&unfinished))?;
    let made = fill(&unfinished, sealed, random).and_then(|request| {
        sync(&unfinished).map_err(failed(&unfinished))?;
        fs::rename(&unfinished, directory).map_err(failed(directory))?;
        let parent = directory.parent().filter(|parent| *parent != Path::new(""));
        sync(parent.unwrap_or_else(|| Path::new("."))).map_err(failed(directory))?;
        Ok(Enrolled {
            directory: directory.to_owned(),
            request,
        })
    });
    if made.is_err() && unfinished.exists() {
        // Made here a moment ago, and known to nobody.
        fs::remove_dir_all(&unfinished).map_err(failed(&unfinished))?;
    }
    made
}

fn fill(
    directory: &Path,
    sealed: &SealedInvitation,
    random: &dyn Random,
) -> Result<EnrolmentRequest, EnrolError> {
    let invitation = sealed.invitation();
    let text = configuration(invitation);
    NodeConfig::parse(&text, directory)?;
    let SigningRequest { csr, key } = csr(&invitation.node)?;
    let mut seed = Zeroizing::new([0; 32]);
    random.fill(seed.as_mut_slice());
    let publication = SigningKey::from_seed(&seed)?;
    let mut encryption_key = Zeroizing::new([0; 32]);
    random.fill(encryption_key.as_mut_slice());
    let request = EnrolmentRequest::make(
        invitation.municipality,
        invitation.node.clone(),
        sealed.invited().clone(),
        &csr,
        &publication,
    );
    let to = |name: &str| directory.join(name);
    let data = to("data");
    make_private(&data).map_err(|source| EnrolError::Directory { path: data, source })?;
    files::write_key(&to("node.key"), &key)?;
    files::write_key(&to("publication.key"), &KeyPem::new(pem_of_seed(&seed)))?;
    files::write_key(
        &to("node.kek"),
        &KeyPem::new(format!("{}\n", hex::encode(encryption_key.as_slice()))),
    )?;
    files::write_certificate(&to("node.csr"), &csr)?;
    files::write_certificate(&to("authority.pem"), &invitation.authorities)?;
    files::write_certificate(
        &to("publication.pub"),
        &format!("{}\n", publication.verifying_key()),
    )?;
    files::write_certificate(&to(CONFIG_FILE), &text)?;
    files::write_certificate(&to(REQUEST_FILE), &request.to_text())?;
    Ok(request)
}

/// The `[[node]]` section of the index's configuration for a node.
pub fn index_section(request: &EnrolmentRequest) -> String {
    let EnrolmentRequest {
        municipality,
        node,
        publication_key,
        ..
    } = request;
    format!(
        "\n[[node]]\nid = \"{node}\"\nmunicipalities = [\"{municipality}\"]\npublication_key = \"{publication_key}\"\n"
    )
}

fn configuration(invitation: &Invitation) -> String {
    let Invitation {
        host,
        port,
        server_name,
        index,
        trust_domain,
        authorities: _,
        log_key,
        municipality,
        node: _,
        expires: _,
    } = invitation;
    let stated = |name: &str, value: Option<&str>| {
        value.map_or_else(String::new, |value| format!("{name} = \"{value}\"\n"))
    };
    let server_name = stated("server_name", server_name.as_deref());
    let index = stated("id", index.as_ref().map(ToString::to_string).as_deref());
    let log_key = stated("log_key", log_key.as_deref());
    format!(
        r#"# Configuration of a Ponte node, made by `ponte node enrol`. Relative paths are taken from this file's directory.
municipality = "{municipality}"
data_directory = "data"
trust_domain = "{trust_domain}"

# Without the first the data cannot be read: keep a copy apart from them.
key_encryption_key = "node.kek"
publication_key = "publication.key"
{log_key}
[index]
host = "{host}"
port = {port}
{server_name}{index}
# The certificate comes from the region.
[tls]
certificate = "node.pem"
key = "node.key"
authorities = "authority.pem"
"#
    )
}

/// Where a directory is made before it gets its name.
fn beside(directory: &Path) -> PathBuf {
    let mut name = directory.file_name().unwrap_or_default().to_owned();
    name.push(".enrolling");
    directory.with_file_name(name)
}

fn sync(directory: &Path) -> io::Result<()> {
    fs::File::open(directory)?.sync_all()
}

/// The identity of a node in a trust domain.
///
/// # Errors
/// The id has other characters than a-z, 0-9 and hyphen, or not 1 to 64 of them.
pub fn node_identity(trust_domain: &str, id: &str) -> Result<SpiffeId, agreement::peer::SpiffeIdError> {
    SpiffeId::new(trust_domain, agreement::peer::Role::Node, id)
}

#[cfg(test)]
mod tests;
