//! A certificate as plain data.

use std::net::IpAddr;
use std::time::Duration;

use jiff::Timestamp;
use rustls::pki_types::UnixTime;
use serde::{Deserialize, Serialize};
use x509_cert::der::Decode as _;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;

/// What a certificate says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Certificate {
    /// Whose it is.
    pub subject: String,
    /// Who signed it.
    pub issuer: String,
    /// The host names and addresses it is for.
    pub names: Vec<String>,
    /// From when it is valid.
    pub not_before: Timestamp,
    /// Until when it is valid.
    pub not_after: Timestamp,
}

impl Certificate {
    pub(super) fn read(der: &[u8]) -> Result<Self, String> {
        let unreadable = |why: &dyn std::fmt::Display| format!("the server's certificate cannot be read: {why}");
        let read = x509_cert::Certificate::from_der(der).map_err(|why| unreadable(&why))?;
        let body = &read.tbs_certificate;
        let time = |time: &x509_cert::time::Time| {
            let seconds = i64::try_from(time.to_unix_duration().as_secs()).unwrap_or(i64::MAX);
            Timestamp::from_second(seconds).unwrap_or(Timestamp::MAX)
        };
        let names = body.get::<SubjectAltName>().map_err(|why| unreadable(&why))?;
        let names = names.map(|(_, names)| names.0).unwrap_or_default();
        Ok(Self {
            subject: body.subject.to_string(),
            issuer: body.issuer.to_string(),
            names: names.iter().filter_map(name).collect(),
            not_before: time(&body.validity.not_before),
            not_after: time(&body.validity.not_after),
        })
    }

    /// Whether it names itself as its authority.
    #[must_use]
    pub fn is_its_own(&self) -> bool {
        self.subject == self.issuer
    }

    /// Now, or the nearest moment at which it is valid.
    pub(super) fn moment(&self) -> UnixTime {
        let now = Timestamp::now().as_second();
        let last = self.not_after.as_second() - 1;
        let moment = now.min(last).max(self.not_before.as_second());
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(moment).unwrap_or(0)))
    }
}

fn name(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(name.to_string()),
        GeneralName::IpAddress(bytes) => {
            let bytes = bytes.as_bytes();
            let four = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
            four.or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
                .ok()
                .map(|address| address.to_string())
        }
        _ => None,
    }
}
