//! The ways in which a secret can be written.

use std::ops::Range;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::SHORTEST;

/// A line or a segment of a secret that is shorter than this is not a secret of its own.
const SHORTEST_PART: usize = 8;

/// One way to write a secret.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) bytes: Box<[u8]>,
    /// Base64 only: the character before also carries bits of the secret.
    before: bool,
    /// Base64 only: the character behind also carries bits of the secret, and padding may follow.
    after: bool,
}

impl Form {
    fn plain(bytes: impl AsRef<[u8]>) -> Self {
        Self {
            bytes: bytes.as_ref().into(),
            before: false,
            after: false,
        }
    }

    /// `found` and the neighbours that carry bits of the secret too.
    pub(super) fn widened(&self, text: &[u8], found: Range<usize>) -> Range<usize> {
        let Range { mut start, mut end } = found;
        let digit = |at: usize| {
            text.get(at)
                .is_some_and(|byte| byte.is_ascii_alphanumeric() || b"+/-_".contains(byte))
        };
        if self.before && start > 0 && digit(start - 1) {
            start -= 1;
        }
        if self.after {
            end += usize::from(digit(end));
            end += text[end..].iter().take(2).take_while(|byte| **byte == b'=').count();
        }
        start..end
    }
}

/// The value and what of it is a secret of its own.
pub(super) fn derived(value: &str) -> Vec<String> {
    let mut secrets = vec![value.to_owned()];
    let trimmed = value.trim();
    secrets.push(trimmed.to_owned());
    let long = |part: &&str| part.chars().count() >= SHORTEST_PART;
    if trimmed.contains('\n') {
        secrets.extend(trimmed.lines().map(str::trim).filter(long).map(str::to_owned));
    }
    let segments: Vec<&str> = trimmed.split('.').collect();
    if segments.len() == 3 && trimmed.starts_with("eyJ") {
        secrets.extend(segments.into_iter().filter(long).map(str::to_owned));
    }
    secrets.extend(url_credentials(trimmed));
    secrets.extend(dsn_password(trimmed));
    secrets.retain(|secret| secret.chars().count() >= SHORTEST);
    secrets.sort_unstable();
    secrets.dedup();
    secrets
}

/// The password of a URL, as written and decoded.
fn url_credentials(url: &str) -> Vec<String> {
    let Some((_, rest)) = url.split_once("://") else {
        return Vec::new();
    };
    // A password that somebody forgot to encode may contain any of `/?#@`, so the last `@` counts, wherever it stands; but
    // an `@` in the path of a URL without userinfo must not make its port a password.
    let authority = rest.split(['/', '?', '#']).next().unwrap_or(rest);
    let userinfo = authority.rsplit_once('@').or_else(|| rest.rsplit_once('@'));
    let Some((_, password)) = userinfo.and_then(|(userinfo, _)| userinfo.split_once(':')) else {
        return Vec::new();
    };
    let port = |text: &str| text.split('/').next().is_some_and(|text| text.parse::<u16>().is_ok());
    if !authority.contains('@') && port(password) {
        return Vec::new();
    }
    let decoded = |text: &str| {
        percent_encoding::percent_decode_str(text)
            .decode_utf8_lossy()
            .into_owned()
    };
    vec![password.to_owned(), decoded(password)]
}

/// The password of a `key=value` DSN, as libpq reads it.
fn dsn_password(dsn: &str) -> Option<String> {
    let lower = dsn.to_ascii_lowercase();
    let at = lower.match_indices("password").map(|(at, _)| at).find(|at| {
        dsn[..*at]
            .chars()
            .next_back()
            .is_none_or(|before| before.is_whitespace() || "?&;".contains(before))
    })?;
    let value = dsn[at + "password".len()..]
        .trim_start()
        .strip_prefix('=')?
        .trim_start();
    let quoted = value.strip_prefix('\'');
    let mut password = String::new();
    let mut chars = quoted.unwrap_or(value).chars();
    while let Some(char) = chars.next() {
        match char {
            '\\' => password.extend(chars.next()),
            '\'' if quoted.is_some() => break,
            _ if quoted.is_none() && (char.is_whitespace() || "&;".contains(char)) => break,
            _ => password.push(char),
        }
    }
    Some(password)
}

/// Every form of one secret that is not undone by unescaping.
pub(super) fn of(secret: &str) -> Vec<Form> {
    let mut forms = vec![Form::plain(secret)];
    if secret.contains(' ') {
        forms.push(Form::plain(secret.replace(' ', "+")));
    }
    let hex = secret
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect::<Vec<_>>()
        .concat();
    forms.push(Form::plain(hex.to_ascii_uppercase()));
    forms.push(Form::plain(hex));
    for alignment in 0..3 {
        forms.extend(inside_base64(secret.as_bytes(), alignment));
    }
    forms.retain(|form| form.bytes.len() >= SHORTEST);
    forms
}

/// What of base64 is the same whatever stands around the secret, if it begins at byte `alignment` of a group of three;
/// in the standard and in the URL-safe alphabet.
fn inside_base64(secret: &[u8], alignment: usize) -> [Form; 2] {
    let mut bytes = vec![0; alignment];
    bytes.extend_from_slice(secret);
    let from = (alignment * 8).div_ceil(6);
    let to = bytes.len() * 8 / 6;
    let standard = STANDARD.encode(&bytes)[from..to].to_owned();
    let url_safe = standard.replace('+', "-").replace('/', "_");
    [standard, url_safe].map(|text| Form {
        bytes: text.into_bytes().into(),
        before: alignment > 0,
        after: !(bytes.len() * 8).is_multiple_of(6),
    })
}
