//! What looks like a credential although nobody registered it.

use std::ops::Range;

use base64::Engine as _;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Given the text and where a start was found in it: what to mask.
pub(super) type Scan = fn(&[u8], Range<usize>) -> Option<Range<usize>>;

/// How credentials begin; at least four bytes each. A JWT is `{"` in base64 and the initial of a header's name: `alg`, `b64`,
/// `crit` or `cty`, `enc` or `epk`, `iv`, `jwk`, `kid`, `nonce`, `p2s`, `typ` or `tag`, `url`, `ver`, `x5t`, `zip`.
pub(super) const STARTS: &[(&str, Scan)] = &[
    ("eyJh", jwt),
    ("eyJi", jwt),
    ("eyJj", jwt),
    ("eyJl", jwt),
    ("eyJp", jwt),
    ("eyJq", jwt),
    ("eyJr", jwt),
    ("eyJu", jwt),
    ("eyJw", jwt),
    ("eyJ0", jwt),
    ("eyJ1", jwt),
    ("eyJ2", jwt),
    ("eyJ4", jwt),
    ("eyJ6", jwt),
    ("Bearer ", bearer),
    ("bearer ", bearer),
    ("BEARER ", bearer),
    ("Basic ", basic),
    ("basic ", basic),
    ("BASIC ", basic),
    ("sk_live_", key),
    ("rk_live_", key),
    ("sk_test_", key),
    ("whsec_", key),
    ("sbp_", key),
    ("sb_secret_", key),
    ("ghp_", key),
    ("gho_", key),
    ("ghs_", key),
    ("github_pat_", key),
    ("glpat-", key),
    ("xoxb-", key),
    ("xoxp-", key),
    ("shpat_", key),
    ("shpss_", key),
    ("npg_", key),
    ("rnd_", key),
    ("sk-ant-", key),
    ("sk-proj-", key),
    ("sk-svcacct-", key),
    ("rk_test_", key),
    ("ghu_", key),
    ("ghr_", key),
    ("GOCSPX-", key),
    ("AIza", key),
    ("AKIA", key),
    ("ASIA", aws_id),
    ("-----BEGIN ", private_key),
];

/// A key prefix followed by fewer characters is a word.
const SHORTEST_KEY: usize = 12;
/// A bearer token outside an `Authorization` header is a word if it is shorter.
const SHORTEST_TOKEN: usize = 16;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

fn run(text: &[u8], from: usize, belongs: impl Fn(u8) -> bool) -> usize {
    text[from..].iter().take_while(|byte| belongs(**byte)).count()
}

fn url_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-'
}

/// Three segments; the last one is empty for `alg: none`.
fn jwt(text: &[u8], start: Range<usize>) -> Option<Range<usize>> {
    let mut end = start.start + run(text, start.start, url_safe);
    for shortest in [2, 0] {
        if text.get(end) != Some(&b'.') {
            return None;
        }
        let length = run(text, end + 1, url_safe);
        if length < shortest {
            return None;
        }
        end += 1 + length;
    }
    Some(start.start..end)
}

/// The passwords in `scheme://user:password@host`. Not among [`STARTS`]: texts are full of URLs, but not of `@`.
pub(super) fn url_passwords(text: &[u8], mut found: impl FnMut(Range<usize>)) {
    if text.iter().fold(0, |found, byte| found | u8::from(*byte == b'@')) == 0 {
        return;
    }
    for (at, _) in text.windows(3).enumerate().filter(|(_, window)| window == b"://") {
        url_password(text, at + 3).into_iter().for_each(&mut found);
    }
}

fn url_password(text: &[u8], start: usize) -> Option<Range<usize>> {
    let ends = |byte: u8| byte.is_ascii_whitespace() || b"/?#\"'<>`\\".contains(&byte);
    let authority = &text[start..start + run(text, start, |byte| !ends(byte))];
    let at = authority.iter().rposition(|byte| *byte == b'@')?;
    let colon = authority[..at].iter().position(|byte| *byte == b':')?;
    (colon + 1 < at).then(|| start + colon + 1..start + at)
}

fn token(text: &[u8], start: &Range<usize>) -> Range<usize> {
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"._~+/=-".contains(&byte);
    start.end..start.end + run(text, start.end, belongs)
}

fn in_header(text: &[u8], start: &Range<usize>) -> bool {
    let before = &text[start.start.saturating_sub(24)..start.start];
    let name = b"uthorization";
    before
        .windows(name.len())
        .any(|window| window.eq_ignore_ascii_case(name))
}

fn bearer(text: &[u8], start: Range<usize>) -> Option<Range<usize>> {
    let found = token(text, &start);
    let shortest = if in_header(text, &start) { 1 } else { SHORTEST_TOKEN };
    (found.len() >= shortest).then_some(found)
}

/// A region may have such a name, an id is never a word.
fn aws_id(text: &[u8], start: Range<usize>) -> Option<Range<usize>> {
    key(text, start).filter(|found| {
        let id = &text[found.clone()];
        id.len() == 16 && id.iter().any(u8::is_ascii_digit) && !id.contains(&b'_')
    })
}

/// A private key in PEM, as far as it is there: what stands between its first line and its last, or its escapes.
fn private_key(text: &[u8], start: Range<usize>) -> Option<Range<usize>> {
    const HEAD: &[u8] = b"PRIVATE KEY-----";
    let label = run(text, start.end, |byte| {
        byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b' '
    });
    let head = &text[start.end..(start.end + label + 5).min(text.len())];
    if !head.ends_with(HEAD) {
        return None;
    }
    let from = start.end + head.len();
    // A line break may be written as the two characters `\n`.
    let belongs = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=\\ \r\n".contains(&byte);
    let found = from..from + run(text, from, belongs);
    (found.len() >= SHORTEST_KEY).then_some(found)
}

/// `Basic authentication` is prose; what decodes to `user:password` is not.
fn basic(text: &[u8], start: Range<usize>) -> Option<Range<usize>> {
    let found = token(text, &start);
    let pair = || {
        LENIENT
            .decode(&text[found.clone()])
            .is_ok_and(|pair| pair.contains(&b':'))
    };
    (!found.is_empty() && (in_header(text, &start) || pair())).then_some(found)
}

/// What follows the prefix; the prefix stays, for it says which key leaked.
fn key(text: &[u8], start: Range<usize>) -> Option<Range<usize>> {
    if start.start > 0 && text[start.start - 1].is_ascii_alphanumeric() {
        return None;
    }
    let found = start.end..start.end + run(text, start.end, |byte| url_safe(byte) || b"+/=".contains(&byte));
    (found.len() >= SHORTEST_KEY).then_some(found)
}
