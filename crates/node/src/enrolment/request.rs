//! What a municipality sends back to the region.

use agreement::peer::{Role, SpiffeId};
use chrono::{DateTime, Utc};
use registry::identifier::IstatCode;
use registry::municipality::current_by_istat;
use registry::signing::{Purpose, Signature, SigningKey, VerifyingKey};
use transport::pki::error::PkiError;
use transport::pki::request::check_names;

use super::seal::{InvitationKey, InvitationSeal, Invited, InvitedError, instant};
use super::{Fingerprint, pem};

/// First line: name and version of the form.
const FIRST_LINE: &str = "ponte enrolment request 2";

/// Label of the signing request (RFC 7468 §7).
const LABEL: &str = "CERTIFICATE REQUEST";

/// Longest text that is read, bytes.
const LONGEST: usize = 64 * 1024;

/// The request for a TLS certificate, the public half of the publication key, and which invitation they answer, signed
/// with that key: whoever sends it has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrolmentRequest {
    /// The municipality, by its ISTAT code of today.
    pub municipality: IstatCode,
    /// Identity of the node.
    pub node: SpiffeId,
    /// Public half of the publication key.
    pub publication_key: VerifyingKey,
    invited: Invited,
    signing_request: Vec<u8>,
    signature: Signature,
}

/// Why a text is no request that can be admitted.
#[derive(Debug, thiserror::Error)]
pub enum RequestError {
    /// It is no request of the version known here.
    #[error("this is no enrolment request, or one of another version")]
    Form,
    /// A value breaks a rule.
    #[error("{field}: {rule}")]
    Value {
        /// Name of the value.
        field: &'static str,
        /// The rule.
        rule: &'static str,
    },
    /// The publication key did not sign what is in the request.
    #[error("the request was changed: its publication key did not sign it")]
    Signature,
    /// There is more in the text than what was signed and is compared: whoever reads the file after us may take that.
    #[error("the request was changed: it holds something that its publication key did not sign")]
    Additions,
    /// The signing request is for somebody else, or cannot be read.
    #[error("the request for a certificate cannot be used")]
    SigningRequest(#[source] PkiError),
}

impl EnrolmentRequest {
    pub(super) fn make(
        municipality: IstatCode,
        node: SpiffeId,
        invited: Invited,
        csr: &str,
        publication: &SigningKey,
    ) -> Self {
        let signing_request = pem::block(csr, LABEL).unwrap_or_default();
        let publication_key = publication.verifying_key();
        let content = content(municipality, &node, &invited, &publication_key, &signing_request);
        Self {
            municipality,
            node,
            publication_key,
            invited,
            signing_request,
            signature: publication.sign(Purpose::Enrolment, &content),
        }
    }

    /// Whether it answers an invitation that the region gave out for this node and municipality, and that is still good.
    ///
    /// # Errors
    /// See [`InvitedError`].
    pub fn check_invitation(&self, key: &InvitationKey, now: DateTime<Utc>) -> Result<(), InvitedError> {
        key.check(&self.invited, self.municipality, &self.node, now)
    }

    /// The request as a file. `ponte pki issue --csr` reads it too.
    pub fn to_text(&self) -> String {
        let Self {
            municipality,
            node,
            publication_key,
            invited:
                Invited {
                    number,
                    expires,
                    seal,
                },
            signing_request,
            signature,
        } = self;
        format!(
            "{FIRST_LINE}\nmunicipality: {municipality}\nnode: {node}\ninvitation: {number}\nexpires: {}\n\
             seal: {seal}\npublication_key: {publication_key}\nsignature: {signature}\n{}",
            instant(*expires),
            pem::encode(LABEL, signing_request)
        )
    }

    /// Reads a request and checks that its parts belong together, and that nothing else stands in the text: line ends
    /// may differ from those that were written, and nothing more.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn parse(text: &str) -> Result<Self, RequestError> {
        if LONGEST < text.len() || text.lines().next().map(str::trim_end) != Some(FIRST_LINE) {
            return Err(RequestError::Form);
        }
        let stated = |name: &'static str| {
            let mut values = text
                .lines()
                .filter_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            match (values.next(), values.next()) {
                (Some(value), None) => Ok(value.trim_end()),
                _ => Err(value_error(name, "must be stated once")),
            }
        };
        let municipality = IstatCode::parse(stated("municipality")?)
            .ok()
            .filter(|code| current_by_istat(*code).is_some())
            .ok_or_else(|| {
                value_error(
                    "municipality",
                    "must be the ISTAT code of a municipality of today, six digits",
                )
            })?;
        let node = SpiffeId::parse(stated("node")?)
            .ok()
            .filter(|id| id.role() == Role::Node)
            .ok_or_else(|| value_error("node", "must be spiffe://<trust-domain>/node/<id>"))?;
        let invited = Invited {
            number: Fingerprint::parse(stated("invitation")?)
                .ok_or_else(|| value_error("invitation", "must be thirty digits in blocks of five"))?,
            expires: DateTime::parse_from_rfc3339(stated("expires")?)
                .map_err(|_| value_error("expires", "must be an instant, RFC 3339"))?
                .to_utc(),
            seal: InvitationSeal::parse(stated("seal")?)
                .ok_or_else(|| value_error("seal", "must be base64 of 32 bytes"))?,
        };
        let publication_key = VerifyingKey::parse(stated("publication_key")?)
            .map_err(|_| value_error("publication_key", "must be base64 of 32 bytes"))?;
        let signature = Signature::parse(stated("signature")?)
            .map_err(|_| value_error("signature", "must be base64 of 64 bytes"))?;
        let signing_request = pem::block(text, LABEL).ok_or(RequestError::Form)?;
        let content = content(municipality, &node, &invited, &publication_key, &signing_request);
        publication_key
            .verify(Purpose::Enrolment, &content, &signature)
            .map_err(|_| RequestError::Signature)?;
        let request = Self {
            municipality,
            node,
            publication_key,
            invited,
            signing_request,
            signature,
        };
        if !request.to_text().lines().eq(text.lines()) {
            return Err(RequestError::Additions);
        }
        check_names(&request.csr(), &request.node).map_err(RequestError::SigningRequest)?;
        Ok(request)
    }

    /// The request for a certificate, PEM.
    pub fn csr(&self) -> String {
        pem::encode(LABEL, &self.signing_request)
    }

    /// The number that both sides compare by voice, of certificate request and publication key together.
    pub fn fingerprint(&self) -> Fingerprint {
        let Self {
            municipality,
            node,
            publication_key,
            invited,
            signing_request,
            signature: _,
        } = self;
        let content = content(*municipality, node, invited, publication_key, signing_request);
        Fingerprint::of(&content)
    }
}

/// What is signed and compared: texts of known alphabets end with a line end, bytes of varying length come last.
fn content(
    municipality: IstatCode,
    node: &SpiffeId,
    invited: &Invited,
    publication_key: &VerifyingKey,
    signing_request: &[u8],
) -> Vec<u8> {
    let Invited {
        number,
        expires,
        seal,
    } = invited;
    let expires = instant(*expires);
    let head = format!("{FIRST_LINE}\n{municipality}\n{node}\n{number}\n{expires}\n{seal}\n");
    [head.as_bytes(), publication_key.as_bytes(), signing_request].concat()
}

fn value_error(field: &'static str, rule: &'static str) -> RequestError {
    RequestError::Value { field, rule }
}
