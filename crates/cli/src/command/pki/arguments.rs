//! Arguments of `ponte pki`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use transport::pki::names::TrustDomainName;

/// What to do with keys and certificates.
#[derive(Debug, Subcommand)]
pub enum PkiCommand {
    /// Make the authority of a new trust domain
    Init(InitArguments),
    /// Make a key and a signing request; the key never leaves this machine
    Csr(CsrArguments),
    /// Make an Ed25519 key with which a node or a registrar signs, apart from TLS
    SigningKey {
        /// Path of the two files, without extension: PREFIX.key stays where it is, PREFIX.pub goes to the index
        #[arg(long, value_name = "PREFIX")]
        out: PathBuf,
    },
    /// Make an Ed25519 key with which a witness cosigns the access log (C2SP tlog-cosignature)
    WitnessKey {
        /// Name of the key in cosignatures: a name without scheme of whoever holds it
        #[arg(long)]
        name: String,
        /// Path of the two files, without extension: PREFIX.key stays where it is, PREFIX.vkey goes to the index and
        /// into policies
        #[arg(long, value_name = "PREFIX")]
        out: PathBuf,
    },
    /// Issue a certificate for a signing request
    Issue(IssueArguments),
    /// Issue a certificate with the names of an earlier one, for a new key
    Renew(RenewArguments),
    /// Show what a certificate says
    Inspect {
        /// Certificate, PEM
        file: PathBuf,
    },
    /// Exit 0 when two thirds of a certificate's life are over, 1 when not, 2 when there is none
    NeedsRenewal {
        /// Certificate, PEM
        file: PathBuf,
    },
}

/// Arguments of `ponte pki init`.
#[derive(Debug, Args)]
pub struct InitArguments {
    /// Directory for authority.pem and authority.key
    pub directory: PathBuf,
    /// Name of the trust domain, such as ponte.regione.example
    #[arg(long, value_name = "NAME")]
    pub trust_domain: TrustDomainName,
    /// Days of validity
    #[arg(long, default_value_t = 3650)]
    pub days: u32,
}

/// Arguments of `ponte pki csr`.
#[derive(Debug, Args)]
pub struct CsrArguments {
    /// Identity: spiffe://<trust-domain>/<role>/<id>, role node, agency, auditor, admin or index
    #[arg(long, value_name = "URI")]
    pub id: String,
    /// DNS name under which an index is reached; several are admitted
    #[arg(long, value_name = "NAME")]
    pub dns: Vec<String>,
    /// Path of the two files, without extension
    #[arg(long, value_name = "PREFIX")]
    pub out: PathBuf,
}

/// Arguments of `ponte pki issue`.
#[derive(Debug, Args)]
pub struct IssueArguments {
    /// Directory of the authority
    #[arg(long, value_name = "DIRECTORY")]
    pub authority: PathBuf,
    /// Identity that the certificate is to carry; the request must ask for exactly this
    #[arg(long, value_name = "URI")]
    pub id: String,
    /// DNS name under which an index is reached; several are admitted
    #[arg(long, value_name = "NAME")]
    pub dns: Vec<String>,
    /// Days of validity
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// Signing request
    #[arg(long, value_name = "FILE", required_unless_present = "with_key")]
    pub csr: Option<PathBuf>,
    /// Make the key here, where the authority knows it: for demonstrations and tests
    #[arg(long, conflicts_with = "csr")]
    pub with_key: bool,
    /// Path of the files to write, without extension
    #[arg(long, value_name = "PREFIX")]
    pub out: PathBuf,
}

/// Arguments of `ponte pki renew`.
#[derive(Debug, Args)]
pub struct RenewArguments {
    /// Directory of the authority
    #[arg(long, value_name = "DIRECTORY")]
    pub authority: PathBuf,
    /// Certificate to renew
    #[arg(long, value_name = "FILE")]
    pub certificate: PathBuf,
    /// Signing request made with the new key
    #[arg(long, value_name = "FILE")]
    pub csr: PathBuf,
    /// Days of validity
    #[arg(long, default_value_t = 90)]
    pub days: u32,
    /// Path of the file to write, without extension
    #[arg(long, value_name = "PREFIX")]
    pub out: PathBuf,
}
