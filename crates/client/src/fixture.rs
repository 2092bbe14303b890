//! Servers for the tests of this crate.

/// Serves a gRPC service on a free local port, and gives the channel to it.
macro_rules! serve {
    ($service:expr) => {{
        use hyper_util::rt::{TokioExecutor, TokioIo};
        use hyper_util::server::conn::auto;
        use hyper_util::service::TowerToHyperService;

        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let service = $service;
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let service = TowerToHyperService::new(service.clone());
                tokio::spawn(async move {
                    let http = auto::Builder::new(TokioExecutor::new()).http2_only();
                    // A connection that the client gave up ends with an error: that is what tests do on purpose.
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        tonic::transport::Endpoint::from_shared(address).unwrap().connect_lazy()
    }};
}

pub(crate) use serve;
