//! Undoes the escapes of a text, and remembers what stood where.
//!
//! Percent-encoding, backslash escapes (JSON, Rust, C) and character references (HTML, XML): which of them a text is written
//! in, and in which order, is not known. So every order is tried, one kind after the other.

use std::ops::Range;

/// How deep escapes may be nested: JSON in a JSON string in a URL.
pub(super) const ROUNDS: usize = 3;

/// A longer text is not looked at so deeply: three rounds over a megabyte take a second.
pub(super) const LARGE: usize = 64 << 10;

/// A kind of escape.
#[derive(Clone, Copy)]
enum Escape {
    Percent,
    Backslash,
    Reference,
}

impl Escape {
    const ALL: [Self; 3] = [Self::Percent, Self::Backslash, Self::Reference];

    fn start(self) -> u8 {
        match self {
            Self::Percent => b'%',
            Self::Backslash => b'\\',
            Self::Reference => b'&',
        }
    }

    /// The kinds that `text` may have, a bit each. Without a branch for each byte the compiler looks at many at once.
    fn present(text: &[u8]) -> u8 {
        text.iter().fold(0, |found: u8, byte| {
            let percent = u8::from(*byte == b'%');
            let backslash = u8::from(*byte == b'\\') * 2;
            let reference = u8::from(*byte == b'&') * 4;
            found | percent | backslash | reference
        })
    }
}

/// Hands every view of `text` to `look`, up to `rounds` deep.
pub(super) fn each_view(text: &[u8], rounds: usize, look: &mut dyn FnMut(&View)) {
    deeper(text, None, rounds, look);
}

fn deeper(text: &[u8], outer: Option<&View>, rounds: usize, look: &mut dyn FnMut(&View)) {
    let present = if rounds > 0 { Escape::present(text) } else { 0 };
    for (bit, kind) in Escape::ALL.into_iter().enumerate() {
        if present & (1 << bit) == 0 {
            continue;
        }
        if let Some(mut view) = unescape(text, kind) {
            if let Some(outer) = outer {
                view.starts.iter_mut().for_each(|start| *start = outer.starts[*start]);
            }
            look(&view);
            deeper(&view.bytes, Some(&view), rounds - 1, look);
        }
    }
}

/// A text without its escapes.
pub(super) struct View {
    pub(super) bytes: Vec<u8>,
    /// Where the byte, or the escape it comes from, begins in the original text; one more for the end.
    starts: Vec<usize>,
}

impl View {
    /// The range of the original text that `range` of this view comes from.
    pub(super) fn original(&self, range: Range<usize>) -> Range<usize> {
        let start = self.starts[range.start];
        // An escape can stand for several bytes, all of which begin where it begins.
        let last = self.starts[range.end.max(1) - 1];
        let end = self.starts[range.end..].iter().find(|end| **end > last);
        start..end.copied().unwrap_or(last)
    }
}

/// The text without escapes of that kind; nothing, where there is none.
fn unescape(text: &[u8], kind: Escape) -> Option<View> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut starts = Vec::with_capacity(text.len() + 1);
    let mut at = 0;
    let mut changed = false;
    while at < text.len() {
        let before = bytes.len();
        let length = escape(&text[at..], kind, &mut bytes);
        if length == 0 {
            bytes.push(text[at]);
        }
        starts.resize(starts.len() + bytes.len() - before, at);
        changed |= length > 0;
        at += length.max(1);
    }
    starts.push(text.len());
    changed.then_some(View { bytes, starts })
}

/// Appends what the escape at the beginning of `text` stands for; its length, or 0 where there is none. An escape that the
/// end of the text cuts off stands for nothing.
fn escape(text: &[u8], kind: Escape, out: &mut Vec<u8>) -> usize {
    if text[0] != kind.start() {
        return 0;
    }
    match kind {
        Escape::Percent => percent(text, out),
        Escape::Backslash => backslash(text, out),
        Escape::Reference => reference(text, out),
    }
}

fn percent(text: &[u8], out: &mut Vec<u8>) -> usize {
    match (text.get(1).copied().map(hex), text.get(2).copied().map(hex)) {
        (Some(Some(high)), Some(Some(low))) => {
            out.push(high * 16 + low);
            3
        }
        (None | Some(Some(_)), None) => text.len(),
        _ => 0,
    }
}

fn backslash(text: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(kind) = text.get(1) else { return 1 };
    let byte = match kind {
        b'"' | b'\'' | b'\\' | b'/' => *kind,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' => 8,
        b'f' => 12,
        b'0' => 0,
        b'x' => {
            return match (text.get(2).copied().and_then(hex), text.get(3).copied().and_then(hex)) {
                (Some(high), Some(low)) => {
                    out.push(high * 16 + low);
                    4
                }
                _ => 0,
            };
        }
        b'u' => return unicode(text, out),
        _ => return 0,
    };
    out.push(byte);
    2
}

/// `\u0041`, `\ud83d\ude00`, `\u{1f600}`.
fn unicode(text: &[u8], out: &mut Vec<u8>) -> usize {
    if text.get(2) == Some(&b'{') {
        let Some(length) = text.iter().take(12).position(|byte| *byte == b'}') else {
            return 0;
        };
        return push(number(&text[3..length], 16), length + 1, out);
    }
    let unit = |at: usize| text.get(at..at + 4).and_then(|digits| number(digits, 16));
    let Some(first) = unit(2) else {
        let cut = text.len() < 6 && text[2..].iter().all(u8::is_ascii_hexdigit);
        return if cut { text.len() } else { 0 };
    };
    if (0xD800..0xDC00).contains(&first)
        && text.get(6..8) == Some(b"\\u")
        && let Some(second @ 0xDC00..0xE000) = unit(8)
    {
        return push(Some(0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00)), 12, out);
    }
    push(Some(first), 6, out)
}

/// `&amp;`, `&#39;`, `&#x27;`.
fn reference(text: &[u8], out: &mut Vec<u8>) -> usize {
    let Some(end) = text.iter().take(12).position(|byte| *byte == b';') else {
        return 0;
    };
    let code = match &text[1..end] {
        b"amp" => Some(0x26),
        b"lt" => Some(0x3C),
        b"gt" => Some(0x3E),
        b"quot" => Some(0x22),
        b"apos" => Some(0x27),
        [b'#', b'x' | b'X', digits @ ..] => number(digits, 16),
        [b'#', digits @ ..] => number(digits, 10),
        _ => None,
    };
    push(code, end + 1, out)
}

fn push(code: Option<u32>, length: usize, out: &mut Vec<u8>) -> usize {
    let Some(char) = code.and_then(char::from_u32) else {
        return 0;
    };
    out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
    length
}

fn number(digits: &[u8], radix: u32) -> Option<u32> {
    // `from_str_radix` would take a sign.
    digits.first().filter(|first| **first != b'+')?;
    u32::from_str_radix(str::from_utf8(digits).ok()?, radix).ok()
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit)
        .to_digit(16)
        .and_then(|value| u8::try_from(value).ok())
}
