//! What the region gives a municipality.

use agreement::peer::{Role, SpiffeId};
use aws_lc_rs::digest;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use ledger::checkpoint::LogVerifier;
use registry::hex;
use registry::identifier::IstatCode;
use registry::municipality::current_by_istat;
use serde::{Deserialize, Serialize};
use transport::pki::names::{IndexId, TrustDomainName};
use transport::pki::summary;

use super::Fingerprint;
use super::seal::{InvitationKey, InvitationSeal, Invited, instant};

/// What an invitation begins with: name and version of the form.
const PREFIX: &str = "ponte-invitation-2.";

/// Longest text that is read, bytes.
const LONGEST: usize = 64 * 1024;

/// Where the index is, whom to trust, and for whom the invitation is. It holds no secret; whoever reads it learns
/// nothing that a certificate would not tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invitation {
    /// Host of the index.
    pub host: String,
    /// Port of the index.
    pub port: u16,
    /// DNS name in the index's certificate, where it is not the host.
    pub server_name: Option<String>,
    /// The one index that is accepted; any of the trust domain when absent.
    pub index: Option<IndexId>,
    /// The trust domain.
    pub trust_domain: TrustDomainName,
    /// Certificates of its authorities, PEM.
    pub authorities: String,
    /// Verifier key of the access log.
    pub log_key: Option<String>,
    /// The municipality, by its ISTAT code of today.
    pub municipality: IstatCode,
    /// Identity of its node.
    pub node: SpiffeId,
    /// Not to be used after this, whole seconds.
    pub expires: DateTime<Utc>,
}

/// An invitation with the region's word that it gave it out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedInvitation {
    invitation: Invitation,
    invited: Invited,
}

/// Why a text is no invitation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvitationError {
    /// It does not begin as one of the version known here.
    #[error("this is no invitation, or one of another version")]
    Form,
    /// A part is missing, or a character was changed.
    #[error("the invitation is incomplete or mistyped: its checksum is another")]
    Checksum,
    /// A value breaks a rule.
    #[error("{field}: {rule}")]
    Value {
        /// Name of the value.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
}

/// The form in which an invitation travels.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    host: String,
    port: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    server_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    index: Option<String>,
    trust_domain: String,
    authorities: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    log_key: Option<String>,
    municipality: String,
    node: String,
    expires: String,
}

impl Invitation {
    /// The invitation as it is given out.
    ///
    /// # Errors
    /// [`InvitationError::Value`] when a value breaks a rule.
    pub fn seal(self, key: &InvitationKey) -> Result<SealedInvitation, InvitationError> {
        // What was written must be readable: both sides keep the same rules, and the same precision.
        let invitation = Written::of(&self).check()?;
        let number = invitation.number()?;
        let expires = invitation.expires;
        let seal = key.seal(number, invitation.municipality, &invitation.node, expires);
        Ok(SealedInvitation {
            invitation,
            invited: Invited {
                number,
                expires,
                seal,
            },
        })
    }

    fn to_json(&self) -> Result<Vec<u8>, InvitationError> {
        serde_json::to_vec(&Written::of(self)).map_err(|_| InvitationError::Form)
    }

    fn number(&self) -> Result<Fingerprint, InvitationError> {
        Ok(Fingerprint::of(&[PREFIX.as_bytes(), &self.to_json()?].concat()))
    }
}

impl SealedInvitation {
    /// What it says.
    pub fn invitation(&self) -> &Invitation {
        &self.invitation
    }

    /// What the answer to it repeats.
    pub fn invited(&self) -> &Invited {
        &self.invited
    }

    /// The number that both sides compare by voice, so that nobody can put in another index.
    pub fn number(&self) -> Fingerprint {
        self.invited.number
    }

    /// The invitation as one line.
    ///
    /// # Errors
    /// [`InvitationError::Form`] when it cannot be written.
    pub fn to_text(&self) -> Result<String, InvitationError> {
        let Self {
            invitation,
            invited: Invited { seal, .. },
        } = self;
        let body = format!("{}.{seal}", URL_SAFE_NO_PAD.encode(invitation.to_json()?));
        let checksum = checksum(&body);
        Ok(format!("{PREFIX}{body}.{checksum}"))
    }

    /// Reads an invitation. Blanks and line ends that came in on the way are admitted. Only the region can tell whether
    /// it is one of its own.
    ///
    /// # Errors
    /// See [`InvitationError`].
    pub fn parse(text: &str) -> Result<Self, InvitationError> {
        if LONGEST < text.len() {
            return Err(InvitationError::Form);
        }
        let compact: String = text.split_whitespace().collect();
        let rest = compact.strip_prefix(PREFIX).ok_or(InvitationError::Form)?;
        let (body, stated) = rest.rsplit_once('.').ok_or(InvitationError::Checksum)?;
        if !stated.eq_ignore_ascii_case(&checksum(body)) {
            return Err(InvitationError::Checksum);
        }
        let (json, seal) = body.rsplit_once('.').ok_or(InvitationError::Form)?;
        let seal = InvitationSeal::parse(seal).ok_or(InvitationError::Form)?;
        let json = URL_SAFE_NO_PAD.decode(json).map_err(|_| InvitationError::Form)?;
        let written: Written = serde_json::from_slice(&json).map_err(|_| InvitationError::Form)?;
        let invitation = written.check()?;
        Ok(Self {
            invited: Invited {
                number: invitation.number()?,
                expires: invitation.expires,
                seal,
            },
            invitation,
        })
    }
}

impl Written {
    fn of(invitation: &Invitation) -> Self {
        let Invitation {
            host,
            port,
            server_name,
            index,
            trust_domain,
            authorities,
            log_key,
            municipality,
            node,
            expires,
        } = invitation;
        Self {
            host: host.clone(),
            port: *port,
            server_name: server_name.clone(),
            index: index.as_ref().map(ToString::to_string),
            trust_domain: trust_domain.to_string(),
            authorities: authorities.clone(),
            log_key: log_key.clone(),
            municipality: municipality.to_string(),
            node: node.to_string(),
            expires: instant(*expires),
        }
    }

    fn check(self) -> Result<Invitation, InvitationError> {
        let Self {
            host,
            port,
            server_name,
            index,
            trust_domain,
            authorities,
            log_key,
            municipality,
            node,
            expires,
        } = self;
        if !is_host(&host) {
            return Err(value("host", "must be a DNS name or an IP address"));
        }
        if server_name.as_deref().is_some_and(|name| !is_host(name)) {
            return Err(value("server_name", "must be a DNS name or an IP address"));
        }
        let trust_domain = TrustDomainName::parse(&trust_domain).map_err(|_| {
            value(
                "trust_domain",
                "must have 1 to 100 lower-case letters, digits, dots and hyphens",
            )
        })?;
        let index = index
            .map(|id| IndexId::parse(&id))
            .transpose()
            .ok()
            .filter(|id| id.as_ref().is_none_or(|id| *id.trust_domain() == trust_domain))
            .ok_or_else(|| value("index", "must be an index of the trust domain"))?;
        let authority = summary::inspect(&authorities)
            .ok()
            .filter(|summary| summary.authority && summary.uris == [trust_domain.uri()]);
        if authority.is_none() {
            return Err(value(
                "authorities",
                "must be the certificate of the trust domain's authority",
            ));
        }
        if log_key
            .as_deref()
            .is_some_and(|key| LogVerifier::parse(key).is_err())
        {
            return Err(value("log_key", "must be the verifier key of a log"));
        }
        let municipality = IstatCode::parse(&municipality)
            .ok()
            .filter(|code| current_by_istat(*code).is_some())
            .ok_or_else(|| {
                value(
                    "municipality",
                    "must be the ISTAT code of a municipality of today, six digits",
                )
            })?;
        let node = SpiffeId::parse(&node)
            .ok()
            .filter(|id| id.role() == Role::Node && id.trust_domain() == trust_domain.as_str())
            .ok_or_else(|| value("node", "must be a node of the trust domain"))?;
        let expires = DateTime::parse_from_rfc3339(&expires)
            .map_err(|_| value("expires", "must be an instant, RFC 3339"))?
            .to_utc();
        Ok(Invitation {
            host,
            port,
            server_name,
            index,
            trust_domain,
            authorities,
            log_key,
            municipality,
            node,
            expires,
        })
    }
}

/// Letters, digits, dots, hyphens and colons: nothing that could break out of a configuration file.
fn is_host(text: &str) -> bool {
    let admitted = |byte: u8| byte.is_ascii_alphanumeric() || b".-:".contains(&byte);
    (1..=253).contains(&text.len()) && text.bytes().all(admitted)
}

fn value(field: &'static str, rule: &'static str) -> InvitationError {
    InvitationError::Value { field, rule }
}

/// The first 4 bytes of SHA-256, hexadecimal.
fn checksum(body: &str) -> String {
    let hash = digest::digest(&digest::SHA256, format!("{PREFIX}{body}").as_bytes());
    hex::encode(hash.as_ref().get(..4).unwrap_or_default())
}
