//! The edge of a deployment: its certificates, TLS in front of the application, and the redirect from plain HTTP.

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use axum::Router;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use smoke::demo::servers::Certificate;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

/// In seconds.
const DAY: u64 = 86_400;

/// The authority that signs everything of one stage.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    pub(super) fn der(&self) -> CertificateDer<'static> {
        self.0.der().clone()
    }

    /// A certificate for this machine's loopback that ends in so many days.
    pub(super) fn certificate(&self, days: i64) -> Certificate {
        let mut params = CertificateParams::new(vec!["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
        let now = std::time::SystemTime::now();
        params.not_before = (now - std::time::Duration::from_secs(100 * DAY)).into();
        params.not_after = if days < 0 {
            (now - std::time::Duration::from_secs(DAY * days.unsigned_abs())).into()
        } else {
            (now + std::time::Duration::from_secs(DAY * days.unsigned_abs())).into()
        };
        let key = KeyPair::generate().unwrap();
        let leaf = params.signed_by(&key, &self.0).unwrap();
        Certificate {
            chain: leaf.pem(),
            key: key.serialize_pem(),
        }
    }
}

/// A free port of loopback, listening.
pub(super) fn listen() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    (listener, address)
}

/// Serves `router` over plain HTTP; handlers can ask for the caller's address.
pub(super) async fn serve(listener: TcpListener, router: Router) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(listener, service).await.unwrap();
}

/// Speaks TLS with `certificate`, and hands what it reads on to `upstream`.
pub(super) async fn terminate_tls(listener: TcpListener, certificate: Certificate, upstream: SocketAddr) {
    let listener = tokio::net::TcpListener::from_std(listener).unwrap();
    let chain = vec![CertificateDer::from_pem_slice(certificate.chain.as_bytes()).unwrap()];
    let key = PrivateKeyDer::from_pem_slice(certificate.key.as_bytes()).unwrap();
    let provider = rustls::crypto::ring::default_provider();
    let config = ServerConfig::builder_with_provider(provider.into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    while let Ok((stream, _)) = listener.accept().await {
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            if let (Ok(mut outside), Ok(mut inside)) =
                (acceptor.accept(stream).await, TcpStream::connect(upstream).await)
            {
                let _ = tokio::io::copy_bidirectional(&mut outside, &mut inside).await;
            }
        });
    }
}
