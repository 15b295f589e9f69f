//! How hard a value is to guess: a cautious estimate.

use std::collections::BTreeMap;

/// Words that guessers try first; each counts as little as one random letter.
const WORDS: &[&str] = &[
    "production",
    "password",
    "internal",
    "default",
    "changeme",
    "encryption",
    "webhook",
    "access",
    "secret",
    "random",
    "example",
    "service",
    "chars",
    "admin",
    "token",
    "super",
    "change",
    "letmein",
    "qwerty",
    "supabase",
    "stripe",
    "test",
    "your",
    "this",
    "key",
    "jwt",
    "min",
    "api",
    "app",
    "dev",
    "pass",
    "user",
    "the",
];

/// Bits of entropy, by the variety of its characters. Runs (abcd, 1111), repetitions and common words count little.
pub(super) fn bits(value: &str) -> f64 {
    let lower = value.to_lowercase();
    let short = WORDS
        .iter()
        .fold(lower.clone(), |text, word| text.replace(word, "\u{1}"));
    // Mixed case is variety, as long as no word was hidden in it.
    let text = if short == lower { value.to_owned() } else { short };
    let letters: Vec<char> = text.chars().collect();
    let once = &letters[..period(&letters)];
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    for letter in once {
        *counts.entry(*letter).or_default() += 1.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "a length that fits in memory")]
    let total = once.len() as f64;
    let each: f64 = counts
        .values()
        .map(|count| -(count / total) * (count / total).log2())
        .sum();
    let fresh = (0..once.len())
        .filter(|at| *at == 0 || !follows(once[at - 1], once[*at]))
        .count();
    #[expect(clippy::cast_precision_loss, reason = "a length that fits in memory")]
    let fresh = fresh as f64;
    fresh * each
}

/// After how many characters it repeats itself.
fn period(letters: &[char]) -> usize {
    let repeats = |size: &usize| {
        letters
            .iter()
            .skip(*size)
            .zip(letters)
            .all(|(later, earlier)| later == earlier)
    };
    (1..=letters.len() / 2).find(repeats).unwrap_or(letters.len())
}

/// Whether `next` is what a finger or an alphabet would put after `last`.
fn follows(last: char, next: char) -> bool {
    (u32::from(next)).abs_diff(u32::from(last)) <= 1
}

#[cfg(test)]
mod tests {
    use super::bits;

    #[test]
    fn random_values_have_many_bits_and_words_few() {
        for random in [
            "kP9vX2mQ7rT4wZ8nB3cF6hJ1sD5gL0yA",
            "pZ5Qm0cV8n3xR1tY7uW2eK9sA4dF6gHbLjXvC1iO0yE=",
            "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
            "3b1c9a52-77de-4f0e-9c6d-5a2f8e41b7d0",
        ] {
            assert!(bits(random) > 100.0, "{random}: {}", bits(random));
        }
        for weak in [
            "",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "abcdefghijklmnopqrstuvwxyz0123456789",
            "12345678901234567890123456789012",
            "secretsecretsecretsecretsecretsecret",
            "abcabcabcabcabcabcabcabcabcabcabcabc",
            "super-secret-password-production",
            "admin123",
        ] {
            assert!(bits(weak) < 60.0, "{weak}: {}", bits(weak));
        }
    }
}
