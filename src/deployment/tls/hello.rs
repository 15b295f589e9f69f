//! Offers a server one version of TLS, by hand: a library that refuses to speak the old ones cannot ask for them.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use uuid::Uuid;

use super::connect;
use crate::deployment::Unobserved;

/// A version of TLS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// TLS 1.0.
    #[serde(rename = "1.0")]
    Tls10,
    /// TLS 1.1.
    #[serde(rename = "1.1")]
    Tls11,
    /// TLS 1.2.
    #[serde(rename = "1.2")]
    Tls12,
    /// TLS 1.3.
    #[serde(rename = "1.3")]
    Tls13,
}

impl Version {
    /// The second byte of its number; the first is 3.
    fn minor(self) -> u8 {
        self as u8 + 1
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TLS 1.{}", *self as u8)
    }
}

/// What a server says to an offer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It speaks that version.
    Accepted,
    /// It does not, and how it said so.
    Refused(String),
    /// It cannot be told.
    Unknown(String),
}

/// Offers `version`, and no newer one, to `host`:`port`, asking for `name`.
pub async fn offer((host, port): (&str, u16), name: &str, version: Version, timeout: Duration) -> Answer {
    let stream = match connect(host, port, timeout).await {
        Ok(stream) => stream,
        Err(Unobserved { why, .. }) => return Answer::Unknown(why),
    };
    match tokio::time::timeout(timeout, exchange(stream, &client_hello(name, version))).await {
        Err(_) => Answer::Unknown("no answer in time".to_owned()),
        Ok(Ok(record)) => understand(&record, version),
        Ok(Err(_)) => Answer::Refused("the connection was closed".to_owned()),
    }
}

/// The first record that comes back, as much of it as matters.
async fn exchange(mut stream: TcpStream, hello: &[u8]) -> io::Result<Vec<u8>> {
    stream.write_all(hello).await?;
    let mut record = vec![0; 7];
    stream.read_exact(&mut record).await?;
    if record[0] == HANDSHAKE {
        let mut more = [0; 4];
        stream.read_exact(&mut more).await?;
        record.extend(more);
    }
    Ok(record)
}

const HANDSHAKE: u8 = 0x16;
const ALERT: u8 = 0x15;
const SERVER_HELLO: u8 = 2;

/// A record has five bytes of header: its type, a version, a length.
fn understand(record: &[u8], version: Version) -> Answer {
    match *record {
        // The hello: its type, three bytes of length, the version.
        [HANDSHAKE, _, _, _, _, SERVER_HELLO, _, _, _, 3, minor] => {
            if minor <= version.minor() {
                Answer::Accepted
            } else {
                Answer::Refused("it answers with a newer version".to_owned())
            }
        }
        [ALERT, _, _, _, _, _, alert] => Answer::Refused(match alert {
            70 => "alert: protocol version".to_owned(),
            40 => "alert: handshake failure".to_owned(),
            alert => format!("alert {alert}"),
        }),
        _ => Answer::Unknown("the answer is no TLS".to_owned()),
    }
}

/// Ciphers that servers of that age have: ECDHE and RSA, AES and 3DES.
const OLD_CIPHERS: [u16; 13] = [
    0xc00a, 0xc014, 0xc009, 0xc013, 0x0039, 0x0033, 0x0035, 0x002f, 0xc008, 0xc012, 0x0016, 0x000a,
    // Not a cipher: we know of secure renegotiation.
    0x00ff,
];
const TLS12_CIPHERS: [u16; 8] = [0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c, 0x009d];
const GROUPS: [u16; 4] = [0x001d, 0x0017, 0x0018, 0x0019];
const SIGNATURES: [u16; 9] = [0x0403, 0x0503, 0x0804, 0x0805, 0x0806, 0x0401, 0x0501, 0x0601, 0x0201];

fn client_hello(name: &str, version: Version) -> Vec<u8> {
    let mut ciphers = OLD_CIPHERS.to_vec();
    let mut extensions = Vec::new();
    // An address is not sent as a name.
    if name.parse::<IpAddr>().is_err() {
        let entry = [&[0][..], &sized(name.as_bytes())].concat();
        extensions.extend(extension(0, &sized(&entry)));
    }
    extensions.extend(extension(10, &sized(&words(&GROUPS))));
    extensions.extend(extension(11, &[1, 0]));
    if version >= Version::Tls12 {
        ciphers.extend(TLS12_CIPHERS);
        extensions.extend(extension(13, &sized(&words(&SIGNATURES))));
    }
    let mut body = vec![3, version.minor()];
    for _ in 0..2 {
        body.extend(Uuid::new_v4().into_bytes());
    }
    // No session to resume; then the ciphers, no compression, the extensions.
    body.push(0);
    body.extend(sized(&words(&ciphers)));
    body.extend([1, 0]);
    body.extend(sized(&extensions));
    let hello = [&[1, 0][..], &sized(&body)].concat();
    [&[HANDSHAKE, 3, 1][..], &sized(&hello)].concat()
}

/// `bytes` after two bytes of length.
fn sized(bytes: &[u8]) -> Vec<u8> {
    let length = u16::try_from(bytes.len()).unwrap_or(u16::MAX);
    [&length.to_be_bytes()[..], bytes].concat()
}

fn words(words: &[u16]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_be_bytes()).collect()
}

fn extension(number: u16, data: &[u8]) -> Vec<u8> {
    [&number.to_be_bytes()[..], &sized(data)].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_server_says_is_understood() {
        let hello = |minor| [0x16, 3, 1, 0, 80, 2, 0, 0, 76, 3, minor];
        assert_eq!(understand(&hello(2), Version::Tls11), Answer::Accepted);
        assert_eq!(understand(&hello(1), Version::Tls11), Answer::Accepted);
        assert!(matches!(understand(&hello(3), Version::Tls11), Answer::Refused(_)));
        let alert = understand(&[0x15, 3, 2, 0, 2, 2, 70], Version::Tls11);
        assert_eq!(alert, Answer::Refused("alert: protocol version".to_owned()));
        assert!(matches!(understand(b"HTTP/1.", Version::Tls10), Answer::Unknown(_)));
    }

    #[test]
    fn a_hello_says_how_long_its_parts_are() {
        let hello = client_hello("example.com", Version::Tls11);
        let length = |at: usize| usize::from(hello[at]) << 8 | usize::from(hello[at + 1]);
        assert_eq!(hello[..3], [0x16, 3, 1]);
        assert_eq!(length(3), hello.len() - 5);
        assert_eq!(length(7), hello.len() - 9);
        assert_eq!(hello[9..11], [3, 2]);
        assert!(hello.windows(11).any(|part| part == b"example.com"));
        assert!(
            !client_hello("127.0.0.1", Version::Tls10)
                .windows(9)
                .any(|part| part == b"127.0.0.1")
        );
    }
}
