//! Getting public pages over HTTPS, and handing something in: HTTP/1.1, one request a connection, no redirection, bounded
//! in size and time.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Bytes;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::anonymous::AnonymousTls;

/// Memory for the head of an answer: the least that the library admits.
const ANSWER_BUFFER: usize = 8 * 1024;
const HTTPS: u16 = 443;

/// Gets pages of one server.
#[derive(Debug, Clone)]
pub struct Fetcher {
    host: String,
    port: u16,
    /// As it stands in the header: with the port where it is not the usual one.
    authority: HeaderValue,
    /// Path before that of a page, with the slash at its end.
    prefix: String,
    name: ServerName<'static>,
    tls: AnonymousTls,
    timeout: Duration,
}

/// What a server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Media type of the body, when it is stated and can be read.
    pub media_type: Option<String>,
    /// The body.
    pub body: Vec<u8>,
}

/// Where a server is.
struct Place {
    host: String,
    port: u16,
    authority: HeaderValue,
    prefix: String,
    name: ServerName<'static>,
}

/// Why an address is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UrlError {
    /// Not `https://host[:port][/path]`.
    #[error("the address must be https://host[:port][/path], without user, query or fragment")]
    Shape,
    /// The host cannot stand in a certificate.
    #[error("the host must be a DNS name or an IP address")]
    Host,
}

/// Why a page was not got.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The path cannot stand in an address.
    #[error("the path of a page cannot be asked for")]
    Path(#[source] http::uri::InvalidUri),
    /// No connection: refused, or one side did not accept the other.
    #[error("cannot connect to the server")]
    Connect(#[source] io::Error),
    /// It took too long.
    #[error("the server did not answer in time")]
    Time,
    /// The answer broke off, or is no HTTP.
    #[error("the answer broke off or is none")]
    Broken(#[source] hyper::Error),
    /// Neither the page nor that there is none.
    #[error("the server answered with status {0}")]
    Status(u16),
    /// The page is larger than it may be.
    #[error("the answer is longer than {0} bytes")]
    TooLong(usize),
}

impl Fetcher {
    /// Pages under `url`, each request with its answer inside `timeout`.
    ///
    /// # Errors
    /// See [`UrlError`].
    pub fn new(url: &str, tls: AnonymousTls, timeout: Duration) -> Result<Self, UrlError> {
        let Place {
            host,
            port,
            authority,
            prefix,
            name,
        } = Place::parse(url)?;
        Ok(Self {
            host,
            port,
            authority,
            prefix,
            name,
            tls,
            timeout,
        })
    }

    /// The page at `path` under the address, of at most `most` bytes; `None` when the server says that there is none.
    ///
    /// # Errors
    /// See [`FetchError`].
    pub async fn get(&self, path: &str, most: usize) -> Result<Option<Vec<u8>>, FetchError> {
        let is_page = |status| status == StatusCode::OK;
        let answer = self
            .exchange(Method::GET, path, Vec::new(), most, is_page)
            .await?;
        match answer.status {
            200 => Ok(Some(answer.body)),
            404 => Ok(None),
            status => Err(FetchError::Status(status)),
        }
    }

    /// Hands `body` in at `path` under the address. The answer has at most `most` bytes.
    ///
    /// # Errors
    /// See [`FetchError`]; whatever the status is, an answer is none.
    pub async fn post(&self, path: &str, body: Vec<u8>, most: usize) -> Result<Answer, FetchError> {
        self.exchange(Method::POST, path, body, most, |_| true).await
    }

    /// Makes a request. The body of the answer is read where its status is one of those whose body is of use.
    async fn exchange(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        most: usize,
        is_of_use: fn(StatusCode) -> bool,
    ) -> Result<Answer, FetchError> {
        let request = self.request(method, path, body).map_err(FetchError::Path)?;
        match tokio::time::timeout(self.timeout, self.send(request, most, is_of_use)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(FetchError::Time),
        }
    }

    async fn send(
        &self,
        request: Request<Full<Bytes>>,
        most: usize,
        is_of_use: fn(StatusCode) -> bool,
    ) -> Result<Answer, FetchError> {
        let stream = self.dial().await.map_err(FetchError::Connect)?;
        let mut builder = http1::Builder::new();
        builder.max_buf_size(ANSWER_BUFFER);
        let handshake = builder.handshake::<_, Full<Bytes>>(TokioIo::new(stream));
        let (mut sender, connection) = handshake.await.map_err(FetchError::Broken)?;
        let exchanged = async {
            let response = sender.send_request(request).await.map_err(FetchError::Broken)?;
            let status = response.status();
            let media_type = response.headers().get(CONTENT_TYPE);
            let media_type = media_type
                .and_then(|value| value.to_str().ok())
                .map(str::to_owned);
            let mut answer = Answer {
                status: status.as_u16(),
                media_type,
                body: Vec::new(),
            };
            if !is_of_use(status) {
                return Ok(answer);
            }
            let body = Limited::new(response.into_body(), most);
            match body.collect().await {
                Ok(collected) => {
                    answer.body = collected.to_bytes().into();
                    Ok(answer)
                }
                Err(error) if error.is::<LengthLimitError>() => Err(FetchError::TooLong(most)),
                Err(error) => match error.downcast::<hyper::Error>() {
                    Ok(error) => Err(FetchError::Broken(*error)),
                    Err(_) => Err(FetchError::TooLong(most)),
                },
            }
        };
        // The connection only moves while it is polled; what ends it shows in the exchange.
        tokio::pin!(exchanged);
        let mut connection = std::pin::pin!(connection);
        tokio::select! {
            biased;
            outcome = &mut exchanged => return outcome,
            _ = connection.as_mut() => {}
        }
        exchanged.await
    }

    async fn dial(&self) -> io::Result<tokio_rustls::client::TlsStream<TcpStream>> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let connector = TlsConnector::from(Arc::clone(&self.tls.config));
        connector.connect(self.name.clone(), tcp).await
    }

    fn request(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
    ) -> Result<Request<Full<Bytes>>, http::uri::InvalidUri> {
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = method;
        *request.uri_mut() = format!("{}{path}", self.prefix).parse()?;
        request.headers_mut().insert(HOST, self.authority.clone());
        request
            .headers_mut()
            .insert(USER_AGENT, HeaderValue::from_static("ponte"));
        Ok(request)
    }
}

/// Whether a text is the address of a server.
///
/// # Errors
/// See [`UrlError`].
pub fn check_url(url: &str) -> Result<(), UrlError> {
    Place::parse(url).map(drop)
}

impl Place {
    fn parse(url: &str) -> Result<Self, UrlError> {
        let uri: Uri = url.parse().map_err(|_| UrlError::Shape)?;
        let authority = uri.authority().ok_or(UrlError::Shape)?;
        let plain = !url.contains(['@', '#', '?', ' ']);
        if uri.scheme_str() != Some("https") || !plain {
            return Err(UrlError::Shape);
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(host.to_owned()).map_err(|_| UrlError::Host)?;
        let mut prefix = uri.path().to_owned();
        if !prefix.ends_with('/') {
            prefix.push('/');
        }
        Ok(Self {
            host: host.to_owned(),
            port: authority.port_u16().unwrap_or(HTTPS),
            authority: HeaderValue::from_str(authority.as_str()).map_err(|_| UrlError::Shape)?,
            prefix,
            name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, SystemClock};
    use crate::pki::authority::TrustDomain;
    use crate::pki::names::{TrustDomainName, Validity};
    use crate::random::danger::SeededRandom;

    fn tls() -> AnonymousTls {
        let clock = SystemClock;
        let name = TrustDomainName::parse("ponte.example").unwrap();
        let validity = Validity::starting(clock.now(), Duration::from_secs(86_400)).unwrap();
        let authority = TrustDomain::create(&name, validity, &SeededRandom::new(1)).unwrap();
        AnonymousTls::new(&authority.certificate, Arc::new(clock)).unwrap()
    }

    #[test]
    fn addresses_are_read_whole_or_refused() {
        let tls = tls();
        let read = |url: &str| Fetcher::new(url, tls.clone(), Duration::from_secs(1));
        for (url, host, port, path) in [
            ("https://log.example.it", "log.example.it", 443, "/"),
            ("https://log.example.it:8444/", "log.example.it", 8444, "/"),
            (
                "https://mirror.example/ponte/1",
                "mirror.example",
                443,
                "/ponte/1/",
            ),
            ("https://[::1]:8444", "::1", 8444, "/"),
        ] {
            let fetcher = read(url).unwrap();
            let found = (fetcher.host.as_str(), fetcher.port, fetcher.prefix.as_str());
            assert_eq!(found, (host, port, path), "{url}");
            assert_eq!(
                fetcher
                    .request(Method::GET, "checkpoint", Vec::new())
                    .unwrap()
                    .uri()
                    .path(),
                format!("{path}checkpoint")
            );
        }
        for url in [
            "",
            "log.example.it",
            "http://log.example.it",
            "https://",
            "https:///checkpoint",
            "https://a@log.example.it",
            "https://log.example.it/?a=1",
            "https://log.example.it/#a",
        ] {
            assert_eq!(read(url).unwrap_err(), UrlError::Shape, "{url}");
        }
        assert_eq!(read("https://-/").unwrap_err(), UrlError::Host);
    }
}
