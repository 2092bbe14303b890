//! Pages for anybody: what is served, to whom, and what is refused.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use transport::fetch::{FetchError, Fetcher};
use transport::listener::{Listener, ListenerLimits};
use transport::public::{Found, Keep, Page, Pages, PublicLimits, serve_pages};
use transport::shutdown::Shutdown;
use transport::tls::anonymous::AnonymousTls;
use transport::tls::live::LiveTls;
use transport::tls::server::ServerTls;

use crate::support::{DAY, Pki, SERVER_NAME, within};

#[derive(Debug)]
struct Book;

impl Pages for Book {
    fn page(&self, path: &str) -> Found {
        let page = |content: &[u8], keep| {
            Found::Page(Page {
                content: content.to_vec(),
                media_type: "text/plain; charset=utf-8",
                keep,
            })
        };
        match path {
            "/first" => page(b"the first page\n", Keep::Forever),
            "/hour" => page(b"x", Keep::Hour),
            "/last" => page(b"the newest\n", Keep::Never),
            "/torn" => Found::Unreadable,
            "/broken" => panic!("a page that cannot be made"),
            _ => Found::Nothing,
        }
    }
}

struct Served {
    address: SocketAddr,
    tls: LiveTls,
    shutdown: Shutdown,
    ended: tokio::task::JoinHandle<()>,
}

async fn serve(pki: &Pki, listening: ListenerLimits, limits: PublicLimits) -> Served {
    let tls = LiveTls::new(pki.server_tls(Vec::new()));
    let listener = Listener::bind("127.0.0.1:0", listening).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = Shutdown::new();
    let ended = tokio::spawn(serve_pages(
        listener,
        limits,
        tls.clone(),
        Arc::new(Book),
        shutdown.clone(),
    ));
    Served {
        address,
        tls,
        shutdown,
        ended,
    }
}

impl Served {
    async fn connect(&self, pki: &Pki) -> std::io::Result<TlsStream<TcpStream>> {
        let tcp = TcpStream::connect(self.address).await?;
        let connector = TlsConnector::from(Arc::new(pki.bare_client(None, &[b"http/1.1"])));
        connector
            .connect(SERVER_NAME.try_into().expect("a name"), tcp)
            .await
    }

    /// What comes back for these bytes until the server closes.
    async fn exchange(&self, pki: &Pki, request: &str) -> String {
        let mut stream = within(self.connect(pki)).await.unwrap();
        stream.write_all(request.as_bytes()).await.unwrap();
        read_all(&mut stream).await
    }
}

async fn read_all(stream: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    // A connection that is cut ends without the farewell of TLS; what was read before counts.
    let _ = within(stream.read_to_end(&mut bytes)).await;
    String::from_utf8(bytes).unwrap().to_lowercase()
}

fn asking(line: &str) -> String {
    format!("{line} HTTP/1.1\r\nhost: {SERVER_NAME}\r\nconnection: close\r\n\r\n")
}

#[tokio::test]
async fn pages_are_served_without_a_certificate_with_their_headers_and_nothing_else_is() {
    let pki = Pki::new();
    let served = serve(&pki, ListenerLimits::default(), PublicLimits::default()).await;
    let check = async |request: String, status: &str, present: &[&str], absent: &[&str]| {
        let answer = served.exchange(&pki, &request).await;
        assert!(
            answer.starts_with(&format!("http/1.1 {status}")),
            "{request}\n{answer}"
        );
        for text in present {
            assert!(answer.contains(text), "{text} is not in\n{answer}");
        }
        for text in absent {
            assert!(!answer.contains(text), "{text} is in\n{answer}");
        }
    };
    let immutable = "cache-control: public, max-age=31536000, immutable\r\n";
    check(
        asking("GET /first"),
        "200",
        &[
            immutable,
            "content-length: 15\r\n",
            "content-type: text/plain; charset=utf-8\r\n",
            "nosniff",
            "\r\n\r\nthe first page\n",
        ],
        &["server:", "set-cookie"],
    )
    .await;
    check(
        asking("HEAD /first"),
        "200",
        &[immutable, "content-length: 15\r\n"],
        &["the first page"],
    )
    .await;
    check(asking("GET /hour"), "200", &["max-age=3600\r\n"], &["immutable"]).await;
    let fresh = "cache-control: no-store\r\n";
    check(asking("GET /last"), "200", &[fresh, "the newest"], &["max-age"]).await;
    for missing in ["/", "/other", "/first/", "/first?x=1", "//first", "/%66irst"] {
        check(asking(&format!("GET {missing}")), "404", &[fresh], &["page"]).await;
    }
    check(
        asking(&format!("GET /{}", "a".repeat(5_000))),
        "404",
        &[fresh],
        &[],
    )
    .await;
    check(asking("GET /torn"), "503", &[fresh], &[]).await;
    check(asking("GET /broken"), "500", &[fresh], &["cannot be made"]).await;
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "BREW"] {
        check(
            asking(&format!("{method} /first")),
            "405",
            &["allow: get, head\r\n", fresh],
            &["the first page"],
        )
        .await;
    }
    let body = format!("GET /first HTTP/1.1\r\nhost: {SERVER_NAME}\r\ncontent-length: 5\r\n\r\nhello");
    check(body, "413", &["connection: close\r\n"], &["the first page"]).await;
    let long = format!(
        "GET /first HTTP/1.1\r\nhost: {SERVER_NAME}\r\nx: {}\r\n\r\n",
        "a".repeat(20_000)
    );
    check(long, "431", &[], &["the first page"]).await;
    let many = "x: y\r\n".repeat(100);
    let many = format!("GET /first HTTP/1.1\r\nhost: {SERVER_NAME}\r\n{many}\r\n");
    check(many, "431", &[], &["the first page"]).await;
}

#[tokio::test]
async fn a_certificate_put_in_force_meets_the_next_monitor_and_peers_meet_no_pages() {
    let pki = Pki::new();
    let served = serve(&pki, ListenerLimits::default(), PublicLimits::default()).await;
    let shown = async || {
        let stream = within(served.connect(&pki)).await.unwrap();
        let (_, session) = stream.get_ref();
        session.peer_certificates().unwrap()[0].to_vec()
    };
    let before = shown().await;
    assert_eq!(shown().await, before);
    let other = pki.material(&pki.server(), Vec::new());
    served
        .tls
        .replace(ServerTls::new(&other, pki.clock.clone()).unwrap());
    assert_ne!(shown().await, before, "the new certificate is in force");

    let http2 = TlsConnector::from(Arc::new(pki.bare_client(None, &[b"h2"])));
    let tcp = TcpStream::connect(served.address).await.unwrap();
    let refused = within(http2.connect(SERVER_NAME.try_into().expect("a name"), tcp)).await;
    assert!(refused.is_err(), "gRPC finds nobody here");
}

#[tokio::test]
async fn connections_and_requests_are_bounded() {
    let pki = Pki::new();
    let listening = ListenerLimits {
        connections_per_address: 2,
        ..ListenerLimits::default()
    };
    let limits = PublicLimits {
        requests_per_address: 3,
        ..PublicLimits::default()
    };
    let served = serve(&pki, listening, limits).await;
    let first = within(served.connect(&pki)).await.unwrap();
    let second = within(served.connect(&pki)).await.unwrap();
    assert!(within(served.connect(&pki)).await.is_err(), "no place is left");
    drop((first, second));
    let mut statuses = Vec::new();
    while statuses.len() < 4 {
        // The places come free a moment after the connections are gone.
        let Ok(mut stream) = within(served.connect(&pki)).await else {
            tokio::task::yield_now().await;
            continue;
        };
        stream.write_all(asking("GET /last").as_bytes()).await.unwrap();
        statuses.push(read_all(&mut stream).await);
    }
    for answer in &statuses[..3] {
        assert!(answer.starts_with("http/1.1 200"), "{answer}");
    }
    assert!(statuses[3].starts_with("http/1.1 429"), "{}", statuses[3]);
    assert!(statuses[3].contains("retry-after: "), "{}", statuses[3]);
}

#[tokio::test]
async fn whoever_says_nothing_and_whoever_stays_is_cut_off() {
    let pki = Pki::new();
    let limits = PublicLimits {
        head: Duration::from_millis(200),
        connection_age: Duration::from_millis(600),
        ..PublicLimits::default()
    };
    let served = serve(&pki, ListenerLimits::default(), limits).await;
    let mut silent = within(served.connect(&pki)).await.unwrap();
    silent.write_all(b"GET /first HTTP/1.1\r\n").await.unwrap();
    assert!(!read_all(&mut silent).await.contains("200"));

    let mut busy = within(served.connect(&pki)).await.unwrap();
    let mut answered = 0;
    let again = format!("GET /hour HTTP/1.1\r\nhost: {SERVER_NAME}\r\n\r\n");
    let mut buffer = [0; 1024];
    while busy.write_all(again.as_bytes()).await.is_ok() {
        match within(busy.read(&mut buffer)).await {
            Ok(read) if read != 0 => answered += 1,
            _ => break,
        }
    }
    assert!(0 < answered, "it was served until its time was over");
}

#[tokio::test]
async fn a_stop_ends_every_connection() {
    let pki = Pki::new();
    let served = serve(&pki, ListenerLimits::default(), PublicLimits::default()).await;
    let mut open = within(served.connect(&pki)).await.unwrap();
    served.shutdown.trigger();
    within(served.ended).await.unwrap();
    assert_eq!(read_all(&mut open).await, "");
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn a_fetcher_gets_pages_of_whom_its_authorities_name_and_of_nobody_else() {
    let pki = Pki::new();
    let served = serve(&pki, ListenerLimits::default(), PublicLimits::default()).await;
    let port = served.address.port();
    let fetcher = |pki: &Pki, host: &str| {
        let tls = AnonymousTls::new(&pki.authority.certificate, pki.clock.clone()).unwrap();
        Fetcher::new(&format!("https://{host}:{port}"), tls, Duration::from_secs(20)).unwrap()
    };
    // The certificate is for another name than the address: a client of the real name goes through a resolver.
    let by_address = fetcher(&pki, "127.0.0.1").get("first", 100).await;
    assert!(
        matches!(by_address, Err(FetchError::Connect(_))),
        "{by_address:?}"
    );

    let local = local_server(&pki).await;
    let tls = |pki: &Pki| AnonymousTls::new(&pki.authority.certificate, pki.clock.clone()).unwrap();
    let at = |tls| Fetcher::new(&local, tls, Duration::from_secs(20)).unwrap();
    let good = at(tls(&pki));
    assert_eq!(
        good.get("first", 100).await.unwrap().as_deref(),
        Some(&b"the first page\n"[..])
    );
    assert_eq!(good.get("none", 100).await.unwrap(), None);
    assert!(matches!(
        good.get("first", 14).await,
        Err(FetchError::TooLong(14))
    ));
    assert!(good.get("first", 15).await.unwrap().is_some());
    assert!(matches!(
        good.get("torn", 100).await,
        Err(FetchError::Status(503))
    ));
    let stranger = at(tls(&Pki::named("other.example")));
    assert!(matches!(
        stranger.get("first", 100).await,
        Err(FetchError::Connect(_))
    ));
    pki.clock.advance(DAY * 400);
    assert!(
        matches!(good.get("first", 100).await, Err(FetchError::Connect(_))),
        "a certificate that ended"
    );
}

/// Pages under a certificate for `localhost`.
async fn local_server(pki: &Pki) -> String {
    let own = pki.server_named(&["localhost"]);
    let tls = ServerTls::new(&pki.material(&own, Vec::new()), pki.clock.clone()).unwrap();
    let listener = Listener::bind("127.0.0.1:0", ListenerLimits::default())
        .await
        .unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve_pages(
        listener,
        PublicLimits::default(),
        LiveTls::new(tls),
        Arc::new(Book),
        Shutdown::new(),
    ));
    format!("https://localhost:{port}")
}
