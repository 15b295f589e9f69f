//! TLS in front of the API: another port, with a certificate that an authority of its own has just signed.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::demo::faults::Twist;

/// A certificate, and whom to trust for it.
pub(in crate::demo) struct Edge {
    /// The authority's certificate as PEM.
    pub(in crate::demo) authority: String,
    config: Arc<ServerConfig>,
}

impl Edge {
    /// A certificate for loopback, unless a twist wants it otherwise.
    pub(in crate::demo) fn new(twists: &[Twist]) -> Result<Self, String> {
        let (host, days) = (
            if twists.contains(&Twist::CertificateOtherHost) {
                "old.demo.example"
            } else {
                "127.0.0.1"
            },
            if twists.contains(&Twist::CertificateExpires) {
                3
            } else {
                90
            },
        );
        sign(host, days).map_err(|why| format!("making the demo's certificate: {why}"))
    }

    /// Speaks TLS to whoever connects.
    pub(in crate::demo) fn listen(&self, listener: TcpListener) -> TlsListener {
        TlsListener {
            listener,
            acceptor: TlsAcceptor::from(Arc::clone(&self.config)),
        }
    }
}

fn sign(host: &str, days: i64) -> Result<Edge, Box<dyn std::error::Error>> {
    let mut authority = CertificateParams::new(Vec::new())?;
    authority.distinguished_name.push(DnType::CommonName, "Demo authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate()?)?;
    let mut params = CertificateParams::new(vec![host.to_owned()])?;
    let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
    let date = |days: i64| -> Result<_, jiff::Error> {
        let date = today.checked_add(days.days())?;
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        Ok(date_time_ymd(date.year().into(), month, day))
    };
    (params.not_before, params.not_after) = (date(-1)?, date(days)?);
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &authority)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = ServerConfig::builder_with_provider(rustls::crypto::ring::default_provider().into())
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)?;
    Ok(Edge {
        authority: authority.pem(),
        config: Arc::new(config),
    })
}

/// A listener that gives out connections whose handshake is done.
pub(in crate::demo) struct TlsListener {
    listener: TcpListener,
    acceptor: TlsAcceptor,
}

/// How long a handshake may take.
const PATIENCE: Duration = Duration::from_secs(2);

impl axum::serve::Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, address)) => {
                    if let Ok(Ok(stream)) = timeout(PATIENCE, self.acceptor.accept(stream)).await {
                        return (stream, address);
                    }
                }
                Err(_) => sleep(Duration::from_millis(50)).await,
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.listener.local_addr()
    }
}
