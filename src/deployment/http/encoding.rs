//! Bodies that travel packed: unpacked here and not by the client, which would take the `Content-Encoding` off with it.

use std::io::Read;

use flate2::read::MultiGzDecoder;
use reqwest::header::{CONTENT_ENCODING, HeaderMap};

/// What a request says that it understands, unless the suite says otherwise.
pub(super) const ACCEPTED: &str = "gzip, br";

/// How a body is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    Brotli,
    Gzip,
}

/// Bytes that a decoder is given at a time.
const STEP: usize = 4 << 10;

impl Encoding {
    /// The one that an answer says it has; none for a plain body and for encodings that nobody asked for.
    pub(super) fn of(headers: &HeaderMap) -> Option<Self> {
        let named = headers.get(CONTENT_ENCODING)?.to_str().ok()?;
        match named.trim().to_ascii_lowercase().as_str() {
            "br" => Some(Self::Brotli),
            "gzip" | "x-gzip" => Some(Self::Gzip),
            _ => None,
        }
    }

    /// The body, of which `limit` bytes are kept, and whether there is more of it: `cut` says that of what came.
    pub(super) fn decode(self, packed: &[u8], cut: bool, limit: usize) -> Result<(Vec<u8>, bool), String> {
        if packed.is_empty() {
            return Ok((Vec::new(), cut));
        }
        let mut reader: Box<dyn Read + '_> = match self {
            Self::Brotli => Box::new(brotli_decompressor::Decompressor::new(packed, STEP)),
            Self::Gzip => Box::new(MultiGzDecoder::new(packed)),
        };
        let (mut bytes, mut step) = (Vec::new(), vec![0; STEP]);
        loop {
            match reader.read(&mut step) {
                Ok(0) => return Ok((bytes, cut)),
                Ok(read) if bytes.len() + read > limit => {
                    bytes.extend_from_slice(&step[..limit - bytes.len()]);
                    return Ok((bytes, true));
                }
                Ok(read) => bytes.extend_from_slice(&step[..read]),
                // It breaks off where what came was cut.
                Err(_) if cut => return Ok((bytes, true)),
                Err(error) => return Err(format!("it is not the {self:?} that it is said to be ({error})")),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// "hello hello … hello", a hundred times.
    fn gzip() -> Vec<u8> {
        use std::io::Write as _;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        packed.write_all("hello ".repeat(100).as_bytes()).unwrap();
        packed.finish().unwrap()
    }

    #[test]
    fn a_body_is_unpacked_up_to_its_bound() {
        let packed = gzip();
        let whole = Encoding::Gzip.decode(&packed, false, 600).unwrap();
        assert_eq!((whole.0.len(), whole.1), (600, false));
        let bounded = Encoding::Gzip.decode(&packed, false, 5).unwrap();
        assert_eq!(bounded, (b"hello".to_vec(), true));
    }

    #[test]
    fn what_broke_off_is_an_error_unless_it_was_cut_here() {
        let packed = gzip();
        let half = &packed[..packed.len() / 2];
        assert!(Encoding::Gzip.decode(half, true, 600).is_ok_and(|(_, cut)| cut));
        assert!(Encoding::Gzip.decode(half, false, 600).is_err());
        assert!(Encoding::Brotli.decode(b"hello, this is plain", false, 600).is_err());
        assert_eq!(Encoding::Brotli.decode(b"", false, 600), Ok((Vec::new(), false)));
    }
}
