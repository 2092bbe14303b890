use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use agreement::reason::ExitCode;

use super::run::{Outcome, ponte};

const ID: &str = "spiffe://ponte.example/agency/questura";

struct Domain(tempfile::TempDir);

impl Domain {
    fn new() -> Self {
        let domain = Self(tempfile::tempdir().expect("a temporary directory"));
        ponte([
            "pki",
            "init",
            &domain.path("ca"),
            "--trust-domain",
            "ponte.example",
        ])
        .exits(ExitCode::Ok);
        domain
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn request(&self, id: &str, name: &str) {
        ponte(["pki", "csr", "--id", id, "--out", &self.path(name)]).exits(ExitCode::Ok);
    }

    fn issue(&self, id: &str, csr: &str, out: &str, expected: ExitCode) -> Outcome {
        let (authority, csr, out) = (self.path("ca"), self.path(csr), self.path(out));
        ponte([
            "pki",
            "issue",
            "--authority",
            &authority,
            "--id",
            id,
            "--csr",
            &csr,
            "--out",
            &out,
            "--days",
            "90",
        ])
        .exits(expected)
    }
}

fn mode(path: &str) -> u32 {
    std::fs::metadata(path)
        .expect("the file is there")
        .permissions()
        .mode()
        & 0o777
}

#[test]
fn a_certificate_is_issued_for_a_request_and_shows_its_identity() {
    let domain = Domain::new();
    domain.request(ID, "questura");
    domain.issue(ID, "questura.csr", "questura", ExitCode::Ok);
    let json = ponte(["pki", "inspect", &domain.path("questura.pem"), "-o", "json"])
        .exits(ExitCode::Ok)
        .json();
    assert_eq!(json[0]["identities"][0], ID);
    assert_eq!(json[0]["client"], true);
    assert_eq!(json[0]["server"], false);
    assert_eq!(json[0]["authority"], false);
}

#[test]
fn keys_are_for_their_owner_alone_and_nothing_is_overwritten() {
    let domain = Domain::new();
    domain.request(ID, "questura");
    assert_eq!(mode(&domain.path("ca/authority.key")), 0o600);
    assert_eq!(mode(&domain.path("questura.key")), 0o600);
    let key = std::fs::read(domain.path("questura.key")).unwrap();
    ponte(["pki", "csr", "--id", ID, "--out", &domain.path("questura")]).exits(ExitCode::Conflict);
    ponte([
        "pki",
        "init",
        &domain.path("ca"),
        "--trust-domain",
        "ponte.example",
    ])
    .exits(ExitCode::Conflict);
    assert_eq!(std::fs::read(domain.path("questura.key")).unwrap(), key);
}

#[test]
fn a_request_for_another_identity_is_refused_and_leaves_no_file() {
    let domain = Domain::new();
    domain.request("spiffe://ponte.example/agency/other", "other");
    domain.issue(ID, "other.csr", "questura", ExitCode::Usage);
    assert!(!Path::new(&domain.path("questura.pem")).exists());
}

#[test]
fn a_key_made_by_the_authority_comes_with_a_warning() {
    let domain = Domain::new();
    let (authority, out) = (domain.path("ca"), domain.path("index"));
    ponte([
        "pki",
        "issue",
        "--authority",
        &authority,
        "--with-key",
        "--id",
        "spiffe://ponte.example/index/main",
        "--dns",
        "localhost",
        "--out",
        &out,
        "--lang",
        "en",
    ])
    .exits(ExitCode::Ok)
    .says("Warning");
    assert_eq!(mode(&domain.path("index.key")), 0o600);
}

#[test]
fn renewal_is_due_after_two_thirds_of_a_life() {
    let domain = Domain::new();
    domain.request(ID, "questura");
    domain.issue(ID, "questura.csr", "questura", ExitCode::Ok);
    let cases = [
        ("2026-07-02T00:00:00Z", ExitCode::NegativeAnswer),
        ("2026-08-31T00:00:00Z", ExitCode::Ok),
    ];
    for (instant, expected) in cases {
        ponte(["pki", "needs-renewal", &domain.path("questura.pem")])
            .at(instant)
            .exits(expected);
    }
    ponte(["pki", "needs-renewal", &domain.path("nothing.pem")]).exits(ExitCode::Usage);
}

#[test]
fn a_renewed_certificate_has_the_names_of_the_old_one() {
    let domain = Domain::new();
    domain.request(ID, "questura");
    domain.issue(ID, "questura.csr", "questura", ExitCode::Ok);
    domain.request(ID, "renewed");
    let paths = [
        domain.path("ca"),
        domain.path("questura.pem"),
        domain.path("renewed.csr"),
        domain.path("renewed"),
    ];
    let [authority, certificate, csr, out] = &paths;
    ponte([
        "pki",
        "renew",
        "--authority",
        authority,
        "--certificate",
        certificate,
        "--csr",
        csr,
        "--out",
        out,
    ])
    .exits(ExitCode::Ok);
    ponte(["pki", "inspect", &domain.path("renewed.pem"), "-o", "csv"])
        .exits(ExitCode::Ok)
        .shows(ID);
}
