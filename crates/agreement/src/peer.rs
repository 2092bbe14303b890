//! Who calls: the identity a certificate carries, and the connection it arrived on.

use std::fmt;
use std::net::IpAddr;

use registry::hex::{self, Hex};

/// What a caller is, as its certificate says. Each role has its own gRPC services.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A municipality's daemon (*nodo comunale*).
    Node,
    /// A body that consults (*ente fruitore*).
    Agency,
    /// Whoever reads the access log. The scope is never in the certificate.
    Auditor,
    /// Whoever administers the index.
    Admin,
}

/// Identity of a caller: `spiffe://<trust-domain>/<role>/<id>`, the only URI name of its certificate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpiffeId {
    trust_domain: String,
    role: Role,
    id: String,
}

/// SHA-256 of a certificate's DER encoding.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateFingerprint(pub [u8; 32]);

/// A caller as the decision sees it. Transport makes it from a verified connection and from nothing else.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Who.
    pub id: SpiffeId,
    /// The certificate it showed.
    pub certificate: CertificateFingerprint,
    /// Address the connection came from.
    pub address: IpAddr,
}

/// Why a text is no identity of Ponte.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SpiffeIdError {
    /// Another scheme, a query, a port, or the wrong number of segments.
    #[error("an identity has the form spiffe://<trust-domain>/<role>/<id>")]
    Form,
    /// Trust domain out of its alphabet or length.
    #[error("a trust domain has 1 to 100 characters of a-z, 0-9, full stop and hyphen")]
    TrustDomain,
    /// Not one of the four roles.
    #[error("the role is one of node, agency, auditor, admin")]
    Role,
    /// Id out of its alphabet or length.
    #[error("an id has 1 to 64 characters of a-z, 0-9 and hyphen")]
    Id,
}

/// A text is no fingerprint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a certificate fingerprint has 64 hexadecimal digits")]
pub struct FingerprintError;

impl Role {
    /// Every role.
    pub const ALL: [Self; 4] = [Self::Node, Self::Agency, Self::Auditor, Self::Admin];

    /// The role as the identity writes it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Node => "node",
            Self::Agency => "agency",
            Self::Auditor => "auditor",
            Self::Admin => "admin",
        }
    }

    /// Reads the role of an identity.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl SpiffeId {
    /// Builds an identity from its parts.
    pub fn new(trust_domain: &str, role: Role, id: &str) -> Result<Self, SpiffeIdError> {
        let domain_byte =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        if !(1..=100).contains(&trust_domain.len()) || !trust_domain.bytes().all(domain_byte) {
            return Err(SpiffeIdError::TrustDomain);
        }
        let id_byte = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if !(1..=64).contains(&id.len()) || !id.bytes().all(id_byte) {
            return Err(SpiffeIdError::Id);
        }
        Ok(Self {
            trust_domain: trust_domain.to_owned(),
            role,
            id: id.to_owned(),
        })
    }

    /// Reads the URI. Nothing is folded: another case, a trailing slash or an escape is another text and refused.
    pub fn parse(uri: &str) -> Result<Self, SpiffeIdError> {
        let rest = uri.strip_prefix("spiffe://").ok_or(SpiffeIdError::Form)?;
        let mut segments = rest.split('/');
        let (Some(trust_domain), Some(role), Some(id), None) =
            (segments.next(), segments.next(), segments.next(), segments.next())
        else {
            return Err(SpiffeIdError::Form);
        };
        let role = Role::from_name(role).ok_or(SpiffeIdError::Role)?;
        Self::new(trust_domain, role, id)
    }

    /// The trust domain: one for each installation of Ponte.
    pub fn trust_domain(&self) -> &str {
        &self.trust_domain
    }

    /// The role.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The id, unique in role and trust domain.
    pub fn id(&self) -> &str {
        &self.id
    }
}

impl fmt::Display for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "spiffe://{}/{}/{}", self.trust_domain, self.role, self.id)
    }
}

impl fmt::Debug for SpiffeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpiffeId({self})")
    }
}

impl CertificateFingerprint {
    /// Reads 64 hexadecimal digits, in either case.
    pub fn parse(text: &str) -> Result<Self, FingerprintError> {
        hex::decode(text).map(Self).ok_or(FingerprintError)
    }
}

impl fmt::Display for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Hex(&self.0), f)
    }
}

impl fmt::Debug for CertificateFingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CertificateFingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(uri: &str, expect: SpiffeIdError) {
        assert_eq!(SpiffeId::parse(uri), Err(expect));
    }

    #[test]
    fn an_identity_is_read_and_written_the_same() {
        for role in Role::ALL {
            let uri = format!("spiffe://ponte.example/{role}/questura-bo-1");
            let id = SpiffeId::parse(&uri).unwrap();
            assert_eq!(id.to_string(), uri);
            assert_eq!(
                (id.trust_domain(), id.role(), id.id()),
                ("ponte.example", role, "questura-bo-1")
            );
        }
    }

    #[test]
    fn anything_else_is_refused() {
        refused("", SpiffeIdError::Form);
        refused("SPIFFE://ponte.example/agency/a", SpiffeIdError::Form);
        refused("https://ponte.example/agency/a", SpiffeIdError::Form);
        refused("spiffe://ponte.example/agency", SpiffeIdError::Form);
        refused("spiffe://ponte.example/agency/a/", SpiffeIdError::Form);
        refused("spiffe://ponte.example/agency/a/b", SpiffeIdError::Form);
        refused("spiffe://ponte.example/Agency/a", SpiffeIdError::Role);
        refused("spiffe://ponte.example/root/a", SpiffeIdError::Role);
        refused("spiffe:///agency/a", SpiffeIdError::TrustDomain);
        refused("spiffe://ponte.example:443/agency/a", SpiffeIdError::TrustDomain);
        refused("spiffe://Ponte.example/agency/a", SpiffeIdError::TrustDomain);
        refused("spiffe://ponte.example/agency/", SpiffeIdError::Id);
        refused("spiffe://ponte.example/agency/A", SpiffeIdError::Id);
        refused("spiffe://ponte.example/agency/a%20b", SpiffeIdError::Id);
        refused("spiffe://ponte.example/agency/a?x=1", SpiffeIdError::Id);
    }

    #[test]
    fn lengths_end_where_the_form_says() {
        let domain = |length: usize| SpiffeId::new(&"d".repeat(length), Role::Node, "a");
        assert!(domain(100).is_ok());
        assert_eq!(domain(101), Err(SpiffeIdError::TrustDomain));
        let id = |length: usize| SpiffeId::new("d", Role::Node, &"a".repeat(length));
        assert!(id(64).is_ok());
        assert_eq!(id(65), Err(SpiffeIdError::Id));
    }

    #[test]
    fn fingerprints_are_64_hexadecimal_digits() {
        let text = "0123456789abcdef".repeat(4);
        let fingerprint = CertificateFingerprint::parse(&text).unwrap();
        assert_eq!(fingerprint.to_string(), text);
        assert_eq!(
            CertificateFingerprint::parse(&text.to_uppercase()),
            Ok(fingerprint)
        );
        assert_eq!(
            format!("{fingerprint:?}"),
            format!("CertificateFingerprint({text})")
        );
        for wrong in [
            &text[1..],
            &format!("{text}0"),
            &text.replace('f', "g"),
            &text.replace("01", "+1"),
        ] {
            assert_eq!(CertificateFingerprint::parse(wrong), Err(FingerprintError));
        }
    }
}
