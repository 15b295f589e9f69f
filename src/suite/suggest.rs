//! "Did you mean …?"

/// The candidate closest to `word`, if one is close enough to be meant.
#[must_use]
pub fn did_you_mean<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    candidates
        .into_iter()
        .map(|candidate| (strsim::damerau_levenshtein(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            let length = candidate.chars().count();
            *distance < length && *distance <= 1.max(length / 3) || candidate.starts_with(word) && word.len() > 2
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// "did you mean `x`?" or "expected one of a, b, c", whichever helps more.
#[must_use]
pub fn one_of<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str> + Clone) -> Option<String> {
    if let Some(meant) = did_you_mean(word, candidates.clone()) {
        return Some(format!("did you mean `{meant}`?"));
    }
    let all: Vec<&str> = candidates.into_iter().collect();
    match all.len() {
        0 => None,
        1 => Some(format!("expected `{}`", all[0])),
        _ => Some(format!("expected one of {}", all.join(", "))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn suggests_only_what_is_close() {
        assert_eq!(did_you_mean("htp", ["http", "sql"]), Some("http"));
        assert_eq!(did_you_mean("staus", ["status", "json"]), Some("status"));
        assert_eq!(did_you_mean("kubernetes", ["status", "json"]), None);
        assert_eq!(one_of("x", ["aaaa", "bbbb"]).unwrap(), "expected one of aaaa, bbbb");
    }
}
