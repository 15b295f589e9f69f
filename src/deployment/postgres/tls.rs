//! Encryption to PostgreSQL with libpq's meaning of `sslmode` and `sslrootcert`.

use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{WebPkiServerVerifier, verify_server_name};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::server::ParsedCertificate;
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::deployment::Unobserved;
use crate::deployment::tls::Blind;

/// How much of the connection's security is insisted on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum SslMode {
    /// Never encrypted.
    Disable,
    /// Encrypted only if the server refuses plaintext.
    Allow,
    /// Encrypted if the server can.
    Prefer,
    /// Encrypted; whoever answers is believed.
    Require,
    /// Encrypted, with a certificate of a trusted authority.
    VerifyCa,
    /// Encrypted, with a certificate of a trusted authority for this very host.
    VerifyFull,
}

impl FromStr for SslMode {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Ok(match text {
            "disable" => Self::Disable,
            "allow" => Self::Allow,
            "prefer" => Self::Prefer,
            "require" => Self::Require,
            "verify-ca" => Self::VerifyCa,
            "verify-full" => Self::VerifyFull,
            _ => {
                return Err(
                    "`sslmode` must be one of disable, allow, prefer, require, verify-ca, verify-full".to_owned(),
                );
            }
        })
    }
}

/// Whose certificates are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Roots {
    /// Those that the system trusts.
    System,
    /// Those in a PEM file.
    File(PathBuf),
}

impl Roots {
    /// `system`, or a path.
    pub(super) fn named(text: &str) -> Self {
        match text {
            "system" => Self::System,
            path => Self::File(path.into()),
        }
    }
}

/// How to encrypt, as the address asks for it. Nothing is read from disk before [`Tls::connector`].
#[derive(Debug, Clone)]
pub(super) struct Tls {
    pub(super) mode: SslMode,
    roots: Roots,
    identity: Option<(PathBuf, PathBuf)>,
}

impl Tls {
    /// `require` with a root certificate verifies the chain, and `system` trusts only a full verification, as in libpq.
    pub(super) fn new(
        mode: Option<SslMode>,
        roots: Option<Roots>,
        identity: Option<(PathBuf, PathBuf)>,
    ) -> Result<Self, String> {
        let mode = match (mode, &roots) {
            (None, Some(Roots::System)) => SslMode::VerifyFull,
            (Some(mode), Some(Roots::System)) if mode != SslMode::VerifyFull && mode != SslMode::Disable => {
                return Err("`sslrootcert=system` needs `sslmode=verify-full`".to_owned());
            }
            (Some(SslMode::Require), Some(Roots::File(_))) => SslMode::VerifyCa,
            (mode, _) => mode.unwrap_or(SslMode::Prefer),
        };
        Ok(Self {
            mode,
            roots: roots.unwrap_or(Roots::System),
            identity,
        })
    }

    /// What the driver encrypts with. Reads the trusted certificates only if something is verified.
    /// With `direct`, it says in the first message that it is going to speak PostgreSQL.
    pub(super) fn connector(&self, direct: bool) -> Result<MakeRustlsConnect, Unobserved> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let verifier: Arc<dyn ServerCertVerifier> = match self.mode {
            SslMode::VerifyCa | SslMode::VerifyFull => {
                Arc::new(Verifier::new(&self.roots, self.mode == SslMode::VerifyFull, &provider)?)
            }
            // `prefer` and `require` keep listeners out, not impostors.
            _ => Arc::new(Blind(provider.clone())),
        };
        let builder = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|why| Unobserved::new(format!("TLS cannot be set up: {why}")))?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut config = match &self.identity {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => builder
                .with_client_auth_cert(read_certificates(certificate, "sslcert")?, read_key(key)?)
                .map_err(|why| Unobserved::new(format!("`sslcert` and `sslkey` do not fit together: {why}")))?,
        };
        if direct {
            config.alpn_protocols = vec![b"postgresql".to_vec()];
        }
        Ok(MakeRustlsConnect::new(config))
    }
}

fn read_certificates(path: &Path, option: &str) -> Result<Vec<CertificateDer<'static>>, Unobserved> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let certificates =
        read.map_err(|why| Unobserved::new(format!("{} of `{option}` cannot be read: {why}", path.display())))?;
    if certificates.is_empty() {
        return Err(Unobserved::new(format!(
            "{} of `{option}` holds no certificate",
            path.display()
        )));
    }
    Ok(certificates)
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Unobserved> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|why| Unobserved::new(format!("{} of `sslkey` cannot be read: {why}", path.display())))
}

/// Verifies the chain, and the name if asked to. A server certificate that is itself listed as trusted is accepted, as
/// libpq does: small installations have one self-signed certificate and no authority.
#[derive(Debug)]
struct Verifier {
    chain: Arc<WebPkiServerVerifier>,
    trusted: Vec<CertificateDer<'static>>,
    name: bool,
}

impl Verifier {
    fn new(roots: &Roots, name: bool, provider: &Arc<CryptoProvider>) -> Result<Self, Unobserved> {
        let trusted = match roots {
            Roots::File(path) => read_certificates(path, "sslrootcert")?,
            Roots::System => rustls_native_certs::load_native_certs().certs,
        };
        let mut store = RootCertStore::empty();
        store.add_parsable_certificates(trusted.iter().cloned());
        let chain = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider.clone())
            .build()
            .map_err(|why| {
                Unobserved::new(format!("no trusted certificate is known: {why}"))
                    .hint("install the system's `ca-certificates`, or name the authority's file: `sslrootcert=ca.pem`")
            })?;
        Ok(Self { chain, trusted, name })
    }

    fn name_is_wrong(error: &Error) -> bool {
        matches!(
            error,
            Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. }
            )
        )
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        host: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self
            .chain
            .verify_server_cert(certificate, intermediates, host, ocsp, now)
        {
            // The chain is verified before the name.
            Err(error) if !self.name && Self::name_is_wrong(&error) => Ok(ServerCertVerified::assertion()),
            Err(error) if !Self::name_is_wrong(&error) && self.trusted.iter().any(|root| root == certificate) => {
                if matches!(
                    error,
                    Error::InvalidCertificate(CertificateError::ExpiredContext { .. })
                ) {
                    return Err(error);
                }
                if self.name {
                    verify_server_name(&ParsedCertificate::try_from(certificate)?, host)?;
                }
                Ok(ServerCertVerified::assertion())
            }
            verdict => verdict,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.chain.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.chain.supported_verify_schemes()
    }
}
