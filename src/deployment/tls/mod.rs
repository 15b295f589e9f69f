//! What a server shows who connects by TLS: also one whose certificate nobody should trust.

mod certificate;
mod hello;

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use serde::{Deserialize, Serialize};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::Unobserved;

pub use certificate::Certificate;
pub use hello::{Answer, Version, offer};

/// How the attempt to speak TLS ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Handshake {
    /// In this version.
    Done(Version),
    /// The server would not: none of our versions, or none of our ciphers.
    Refused(String),
    /// What came was no TLS.
    NotTls,
}

/// What a server shows.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Shown {
    /// How the attempt ended.
    pub handshake: Handshake,
    /// What it presents, its own certificate first.
    pub chain: Vec<Certificate>,
    /// Why its chain is not trusted, if it is not; its dates apart.
    pub distrust: Option<Distrust>,
    /// Whether its certificate is for the name.
    pub names_host: bool,
    /// For each of the further names whether it is for that one, too.
    pub names: Vec<bool>,
}

/// Why a chain is not trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distrust {
    /// It is its own authority.
    SelfSigned,
    /// It leads to no authority that is known here.
    UnknownIssuer,
    /// Something else, in words.
    Other(String),
}

/// Connects to `host`:`port` and asks for `name`. The chain is verified against what the system trusts (`SSL_CERT_FILE`
/// names other certificates) and the PEM file `ca`.
///
/// # Errors
/// When there is no connection, or no certificate to verify against.
pub async fn look(
    (host, port): (&str, u16),
    name: &str,
    names: &[&str],
    ca: Option<&Path>,
    timeout: Duration,
) -> Result<Shown, Unobserved> {
    let name = ServerName::try_from(name.to_owned())
        .map_err(|_| Unobserved::new(format!("`{name}` is neither a host name nor an address")))?;
    let trusted = trusted(ca)?;
    let stream = connect(host, port, timeout).await?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider.clone())
        .with_safe_default_protocol_versions()
        .map_err(|why| Unobserved::new(format!("TLS cannot be set up: {why}")))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Blind(provider.clone())))
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let connected = TlsConnector::from(Arc::new(config)).connect(name.clone(), stream);
    let connected = tokio::time::timeout(timeout, connected)
        .await
        .map_err(|_| Unobserved::new(format!("{host}:{port} did not answer the TLS handshake in time")))?;
    let mut shown = Shown {
        handshake: Handshake::NotTls,
        chain: Vec::new(),
        distrust: None,
        names_host: false,
        names: Vec::new(),
    };
    let stream = match connected {
        Ok(stream) => stream,
        Err(error) => {
            shown.handshake = refused(&error);
            return Ok(shown);
        }
    };
    let (_, session) = stream.get_ref();
    shown.handshake = match session.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_2) => Handshake::Done(Version::Tls12),
        _ => Handshake::Done(Version::Tls13),
    };
    let Some([leaf, rest @ ..]) = session.peer_certificates() else {
        return Ok(shown);
    };
    for der in std::iter::once(leaf).chain(rest) {
        shown.chain.push(Certificate::read(der).map_err(Unobserved::new)?);
    }
    let parsed = ParsedCertificate::try_from(leaf);
    let is_for = |name: &ServerName<'_>| parsed.as_ref().is_ok_and(|leaf| verify_server_name(leaf, name).is_ok());
    shown.names_host = is_for(&name);
    let named = names
        .iter()
        .map(|name| ServerName::try_from(*name).is_ok_and(|name| is_for(&name)));
    shown.names = named.collect();
    let moment = shown.chain[0].moment();
    shown.distrust = distrust(&trusted, (leaf, rest), &name, moment, &provider)?;
    if shown.distrust == Some(Distrust::UnknownIssuer) && shown.chain[0].is_its_own() {
        shown.distrust = Some(Distrust::SelfSigned);
    }
    Ok(shown)
}

/// A connection to `host`:`port`.
pub(super) async fn connect(host: &str, port: u16, timeout: Duration) -> Result<TcpStream, Unobserved> {
    let connecting = TcpStream::connect((host.trim_matches(['[', ']']), port));
    let connected = tokio::time::timeout(timeout, connecting)
        .await
        .map_err(|_| Unobserved::new(format!("{host}:{port} did not answer in time")))?;
    connected.map_err(|error| match error.kind() {
        io::ErrorKind::ConnectionRefused => Unobserved::new(format!("connection refused by {host}:{port}"))
            .hint("is the service running, and does it listen on this port?"),
        _ => Unobserved::new(format!("no connection to {host}:{port}: {error}")),
    })
}

fn refused(error: &io::Error) -> Handshake {
    match error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        Some(Error::InvalidMessage(_)) => Handshake::NotTls,
        Some(Error::AlertReceived(alert)) => Handshake::Refused(format!("alert {alert:?}")),
        Some(error) => Handshake::Refused(error.to_string()),
        None => Handshake::Refused("it closed the connection".to_owned()),
    }
}

fn trusted(ca: Option<&Path>) -> Result<Vec<CertificateDer<'static>>, Unobserved> {
    let mut all = rustls_native_certs::load_native_certs().certs;
    if let Some(path) = ca {
        let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let read = read.map_err(|why| Unobserved::new(format!("{} of `ca` cannot be read: {why}", path.display())))?;
        if read.is_empty() {
            return Err(Unobserved::new(format!(
                "{} of `ca` holds no certificate",
                path.display()
            )));
        }
        all.extend(read);
    }
    Ok(all)
}

/// Dates and name are judged apart: `moment` is one at which the server's own certificate was valid.
fn distrust(
    trusted: &[CertificateDer<'static>],
    (leaf, rest): (&CertificateDer<'_>, &[CertificateDer<'_>]),
    name: &ServerName<'_>,
    moment: UnixTime,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Distrust>, Unobserved> {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(trusted.iter().cloned());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
        .build()
        .map_err(|why| {
            Unobserved::new(format!("no trusted certificate is known here: {why}"))
                .hint("install `ca-certificates`, or name the authority's file: ca = \"ca.pem\"")
        })?;
    Ok(match verifier.verify_server_cert(leaf, rest, name, &[], moment) {
        Ok(_) => None,
        // The chain is verified before the name.
        Err(Error::InvalidCertificate(
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
        )) => None,
        Err(_) if trusted.iter().any(|root| root == leaf) => None,
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer)) => Some(Distrust::UnknownIssuer),
        Err(error) => Some(Distrust::Other(error.to_string())),
    })
}

/// Believes whoever answers.
#[derive(Debug)]
pub(super) struct Blind(pub(super) Arc<CryptoProvider>);

impl ServerCertVerifier for Blind {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            certificate,
            signature,
            &self.0.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
