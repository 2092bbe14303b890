//! Witnesses that the index asks by C2SP tlog-witness: one that conforms to the specification, as a server of its own, and
//! what becomes of those that know another log, another key, or do not answer.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use agreement::peer::Role;
use client::receipt::ReceiptForm;
use client::witness::WitnessClient;
use index::witness::outside::OutsideStatus;
use ledger::checkpoint::{CheckpointError, LogSigner, LogVerifier, SignedCheckpoint, WitnessedAt};
use ledger::hash::{Hash, sha256};
use ledger::name::Origin;
use ledger::policy::{Policy, Standing};
use ledger::receipt::Receipt;
use ledger::witness::{WitnessMemory, WitnessRefusal};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use support::agreements::POLICE;
use support::authority::Authority;
use support::calls::ground;
use support::region::{LOG_SEED, ORIGIN, Region, free_address, log_verifier};
use support::wait::within;
use support::witnesses::{LIMITS, OUTSIDE, cosigner};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use transport::clock::Clock;

/// A witness by the book: it keeps the newest checkpoint of one log and cosigns what continues it.
struct Witness {
    log: LogVerifier,
    memory: Mutex<WitnessMemory>,
    clock: Arc<dyn Clock>,
    /// The old size of each request, and the status with which it was answered.
    asked: Mutex<Vec<(u64, u16)>>,
}

/// Status, media type, body.
type Response = (u16, &'static str, String);

fn plain(status: u16) -> Response {
    (status, "text/plain", String::new())
}

impl Witness {
    fn new(log: LogVerifier, clock: Arc<dyn Clock>) -> Arc<Self> {
        Arc::new(Self {
            log,
            memory: Mutex::default(),
            clock,
            asked: Mutex::default(),
        })
    }

    /// It has seen this checkpoint before.
    fn has_seen(self: Arc<Self>, checkpoint: SignedCheckpoint) -> Arc<Self> {
        {
            let mut memory = self.memory.lock().expect("not poisoned");
            let accepted = memory
                .clone()
                .accept(checkpoint, &[], &self.log)
                .expect("the first one");
            let (kept, _) = accepted.keep(|_| Ok::<(), std::io::Error>(())).expect("kept");
            *memory = kept;
        }
        self
    }

    fn asked(&self) -> Vec<(u64, u16)> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// `add-checkpoint`.
    fn add_checkpoint(&self, body: &str) -> Response {
        let (head, checkpoint) = body.split_once("\n\n").expect("an empty line");
        let mut lines = head.split('\n');
        let old: u64 = lines
            .next()
            .and_then(|line| line.strip_prefix("old "))
            .and_then(|size| size.parse().ok())
            .expect("the old size");
        let proof: Vec<Hash> = lines.map(hash).collect();
        let answer = self.answer(old, &proof, checkpoint);
        self.asked.lock().expect("not poisoned").push((old, answer.0));
        answer
    }

    fn answer(&self, old: u64, proof: &[Hash], checkpoint: &str) -> Response {
        let offered = SignedCheckpoint::parse(checkpoint).expect("a checkpoint");
        match self.log.verify(&offered) {
            Ok(_) => {}
            Err(CheckpointError::OtherLog) => return plain(404),
            Err(_) => return plain(403),
        }
        if offered.checkpoint().size < old {
            return plain(400);
        }
        let mut memory = self.memory.lock().expect("not poisoned");
        let size = |memory: &WitnessMemory| (409, "text/x.tlog.size", format!("{}\n", memory.size()));
        if old != memory.size() {
            return size(&memory);
        }
        let accepted = match memory.clone().accept(offered.clone(), proof, &self.log) {
            Ok(accepted) => accepted,
            Err(WitnessRefusal::OtherRoot(_)) => return size(&memory),
            Err(_) => return plain(422),
        };
        let (kept, signing) = accepted.keep(|_| Ok::<(), std::io::Error>(())).expect("kept");
        *memory = kept;
        let at = WitnessedAt(self.clock.now_ms() / 1_000);
        let line = signing.cosign(&cosigner(OUTSIDE), at).to_line();
        // Another key of the same witness, of which the index knows nothing.
        let other = cosigner(("other.university.example/ponte", 0x64)).cosign(offered.checkpoint(), at);
        (200, "text/plain", format!("{}\n{line}\n", other.to_line()))
    }
}

/// A line of a proof: 32 bytes in base64.
fn hash(line: &str) -> Hash {
    let text = format!("x\n1\n{line}\n\n\u{2014} x AAAAAAAA\n");
    SignedCheckpoint::parse(&text)
        .expect("32 bytes in base64")
        .checkpoint()
        .root
}

/// Serves a witness over HTTPS, one request a connection.
async fn serve(witness: Arc<Witness>, authority: &Authority) -> SocketAddr {
    let identity = authority.server();
    let read = |file| std::fs::read(file).expect("readable");
    let chain = vec![CertificateDer::from_pem_slice(&read(&identity.certificate)).expect("a certificate")];
    let key = PrivateKeyDer::from_pem_slice(&read(&identity.key)).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .expect("TLS 1.3")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a server");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            let (acceptor, witness) = (acceptor.clone(), Arc::clone(&witness));
            tokio::spawn(async move {
                // Who breaks off a connection is no concern of a witness.
                let Ok(mut stream) = acceptor.accept(tcp).await else {
                    return;
                };
                let Some((line, body)) = request(&mut stream).await else {
                    return;
                };
                let (status, media_type, body) = if line == "POST /ponte/add-checkpoint HTTP/1.1" {
                    witness.add_checkpoint(&body)
                } else {
                    plain(405)
                };
                let answer = format!(
                    "HTTP/1.1 {status} x\r\ncontent-type: {media_type}\r\ncontent-length: {}\r\n\
                     connection: close\r\n\r\n{body}",
                    body.len()
                );
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    address
}

/// First line and body of a request.
async fn request(stream: &mut (impl AsyncReadExt + Unpin)) -> Option<(String, String)> {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 1024];
        let read = stream.read(&mut part).await.ok()?;
        bytes.extend_from_slice(&part[..read]);
        let text = String::from_utf8_lossy(&bytes);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                let is_length = name.eq_ignore_ascii_case("content-length");
                is_length.then(|| value.trim().parse::<usize>().expect("a number"))
            });
            if length.unwrap_or(0) <= body.len() {
                let line = head.lines().next().unwrap_or_default().to_owned();
                return Some((line, body.to_owned()));
            }
        }
        if read == 0 {
            return None;
        }
    }
}

/// The configuration of an index that asks the witness at an address.
fn configuration(address: SocketAddr, region: &Region) -> String {
    format!(
        "{LIMITS}[[witness]]\nkey = \"{}\"\nurl = \"https://localhost:{}/ponte\"\n\
         [witnessing]\nquorum = 1\nauthorities = {:?}\n",
        cosigner(OUTSIDE).verifier(),
        address.port(),
        region.authority.authorities()
    )
}

/// An index that asks this witness, once it has one.
async fn region(
    witness: Option<impl FnOnce(Arc<dyn Clock>) -> Arc<Witness>>,
) -> (Region, Option<Arc<Witness>>) {
    let mut region = Region::empty().await;
    region.activate(POLICE).await;
    region.stop_index().await;
    let (witness, address) = match witness {
        Some(make) => {
            let witness = make(region.clock.clone());
            let address = serve(Arc::clone(&witness), &region.authority).await;
            (Some(witness), address)
        }
        None => (None, free_address()),
    };
    region.reconfigure(&configuration(address, &region));
    region.start_index().await;
    (region, witness)
}

/// Lets the index ask now, and says how it stands afterwards.
async fn asked(region: &Region) -> OutsideStatus {
    let witnesses = &region.running().witnesses;
    let name = OUTSIDE.0;
    // The first look may have begun before.
    for _ in 0..2 {
        let before = witnesses.status(name).expect("it is asked").looks;
        witnesses.wake();
        let next = within(witnesses.wait_for(name, |status| before < status.looks)).await;
        next.expect("the index runs");
    }
    witnesses.status(name).expect("it is asked")
}

async fn call(region: &Region) -> Receipt {
    let police = region.agency(POLICE);
    let context = ground(POLICE, "investigation", police.new_request_id());
    let answer = police
        .describe_access(&context, None, ReceiptForm::Full)
        .await
        .expect("an answer");
    answer.receipt.receipt().expect("the full receipt").clone()
}

fn other_log(size: u64) -> SignedCheckpoint {
    let signer = LogSigner::from_seed(Origin::new(ORIGIN).expect("an origin"), &LOG_SEED).expect("a key");
    signer.sign(size, sha256(b"another history"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_waits_to_be_asked_makes_receipts_witnessed_also_after_a_restart() {
    let (mut region, witness) = region(Some(|clock| Witness::new(log_verifier(), clock))).await;
    let witness = witness.expect("it is there");
    let first = asked(&region).await;
    assert_eq!((&first.error, first.conflict), (&None, false));
    assert_eq!(
        witness.asked(),
        [(0, 200)],
        "what it has cosigned it is not asked again"
    );

    let receipt = call(&region).await;
    let second = asked(&region).await;
    assert!(receipt.index < second.cosigned, "{second:?}");
    assert_eq!(witness.asked(), [(0, 200), (first.cosigned, 200)]);
    let key = cosigner(OUTSIDE).verifier();
    let policy = format!("log {}\nwitness outside {key}\nquorum outside\n", log_verifier());
    let policy = Policy::parse(&policy).expect("a policy");
    assert_eq!(policy.lint(), []);
    let client = WitnessClient::new(region.connection(Role::Agency, POLICE.agency));
    let upgraded = client.upgraded(&receipt, &policy).await.expect("it is witnessed");
    let (_, judged) = upgraded.verify_under(&policy).expect("it is valid");
    assert_eq!(judged.standing(), Standing::Witnessed);

    // After a restart the index does not know what the witness has seen, and is told.
    region.stop_index().await;
    region.start_index().await;
    let third = asked(&region).await;
    assert_eq!((&third.error, third.conflict), (&None, false));
    let since = &witness.asked()[2..];
    assert_eq!(since, [(0, 409), (second.cosigned, 200)]);
    region.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_refuses_or_does_not_answer_is_told_of_and_stops_nothing_at_once() {
    type Make = fn(Arc<dyn Clock>) -> Arc<Witness>;
    let cases: [(Option<Make>, &str, bool, &[u16]); 6] = [
        (
            Some(|clock| {
                let other = LogSigner::from_seed(Origin::new(ORIGIN).expect("an origin"), &[3; 32]);
                Witness::new(other.expect("a key").verifier(), clock)
            }),
            "by another key",
            false,
            &[403, 403],
        ),
        (
            Some(|clock| {
                let origin = Origin::new("log.ponte.test/2").expect("an origin");
                let other = LogSigner::from_seed(origin, &LOG_SEED).expect("a key");
                Witness::new(other.verifier(), clock)
            }),
            "does not know this log",
            false,
            &[404, 404],
        ),
        (
            Some(|clock| Witness::new(log_verifier(), clock).has_seen(other_log(1))),
            "does not continue the one of 1 entries",
            true,
            &[409, 422, 409, 422],
        ),
        (
            Some(|clock| Witness::new(log_verifier(), clock).has_seen(other_log(1_000_000))),
            "has cosigned 1000000 entries of this log, which has fewer",
            true,
            &[409, 409],
        ),
        (None, "cannot connect", false, &[]),
        (
            // What was seen is not known before it has begun: the round's own size, set below.
            Some(|clock| Witness::new(log_verifier(), clock)),
            "another log of",
            true,
            &[409],
        ),
    ];
    for (number, (make, words, conflict, statuses)) in cases.into_iter().enumerate() {
        let (region, witness) = region(make).await;
        if words == "another log of" {
            let witness = witness.as_ref().expect("it is there");
            asked(&region).await;
            call(&region).await;
            let receipt = call(&region).await;
            let head = SignedCheckpoint::parse(&receipt.checkpoint).expect("signed");
            *witness.memory.lock().expect("not poisoned") = WitnessMemory::default();
            let size = head.checkpoint().size;
            Arc::clone(witness).has_seen(other_log(size));
            witness.asked.lock().expect("not poisoned").clear();
        }
        let status = asked(&region).await;
        let error = status.error.clone().unwrap_or_default();
        assert!(error.contains(words), "{number}: {status:?}");
        assert_eq!(status.conflict, conflict, "{number}: {status:?}");
        if let Some(witness) = &witness {
            let given: Vec<u16> = witness.asked().into_iter().map(|(_, status)| status).collect();
            assert_eq!(given.get(..statuses.len()), Some(statuses), "{number}: {given:?}");
        }
        call(&region).await;
        if conflict {
            // Somebody puts it right; that there was a conflict stays to be seen.
            let witness = witness.as_ref().expect("it is there");
            *witness.memory.lock().expect("not poisoned") = WitnessMemory::default();
            let status = asked(&region).await;
            assert_eq!((&status.error, status.conflict), (&None, true), "{number}");
            assert!(0 < status.cosigned, "{number}");
        }
    }
}
