//! `attest`: what no program can know, and who says so.

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize};

use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Period, Problem, Spanned};

use super::Kind;

/// With fewer days left, the finding says so.
const SOON: i32 = 14;

/// A person has verified what no program can know, and that still counts.
///
/// Whether somebody restored a backup, switched on two-factor login or rotated a key, the deployment does not tell.
/// Left out of the suite it is forgotten; written down once it is believed for ever. Here it has a name and a date, and
/// it expires. The title of the check says what was verified.
///
/// ```toml
/// [attest.restore]
/// title = "A backup was restored, and the application ran on it"
/// by = "Ana Ruiz"
/// verified = 2026-11-01
/// valid_for = "90d"
/// evidence = "https://wiki.example.com/restore-2026-11"
///
/// [attest.two_factor]
/// title = "Everybody has two-factor login at Render, Supabase and GitHub"
/// by = ""                                  # nobody yet: unclear, not passed
/// verified = ""
/// until = 2027-02-01
/// ```
///
/// Keys:
///
///   by         who verified it
///   verified   when: a date, as 2026-11-01 or "2026-11-01"
///   until      the last day on which that counts; or
///   valid_for  for how long it counts: "90d"
///   evidence   where to look it up; shown, never opened
///
/// One of `until` and `valid_for` is needed. Days are those of UTC. Without `by` or `verified` nobody has verified it,
/// and the check is unclear. In its last 14 days it passes and says how many are left.
///
/// A failure:
///
///   FAILED  attest.restore   A backup was restored, and the application ran on it
///     suites/app.toml:5:13
///       verified   expected: by somebody, and still valid   seen: by Ana Ruiz on 2026-11-01, valid until 2027-01-30: expired 2 days ago
///       try: verify it again, then set `by` and `verified`
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Attest {
    /// Who verified it.
    by: Option<Spanned<String>>,
    /// When.
    verified: Option<Spanned<Day>>,
    /// The last day on which that counts.
    until: Option<Spanned<Day>>,
    /// For how long it counts.
    valid_for: Option<Spanned<Period>>,
    /// Where to look it up.
    evidence: Option<String>,
}

/// A day, or none yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Day(Option<Date>);

impl<'de> Deserialize<'de> for Day {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let text = text.trim();
        if text.is_empty() {
            return Ok(Self(None));
        }
        let day = text.parse().map_err(|_| {
            serde::de::Error::custom(format_args!("bad date \"{text}\": write 2026-11-01 or \"2026-11-01\""))
        });
        day.map(|day| Self(Some(day)))
    }
}

impl JsonSchema for Day {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Date".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "examples": ["2026-11-01", ""] })
    }
}

/// All that there is to see.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The day, in UTC.
    today: String,
}

impl Kind for Attest {
    const NAME: &'static str = "attest";
    const SPEAKS: Option<Protocol> = None;
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match (&self.until, &self.valid_for) {
            (None, None) => problems.push(
                Problem::whole("it does not say until when it counts")
                    .hint("valid_for = \"90d\", or until = 2027-02-01"),
            ),
            (Some(until), Some(_)) => {
                let problem = Problem::at(until.span(), "`until` and `valid_for` both say how long it counts");
                problems.push(problem.hint("leave out one of the two"));
            }
            (Some(until), None) => match (until.0, self.day()) {
                (None, _) => problems.push(Problem::at(until.span(), "`until` is no date")),
                (Some(last), Some(first)) if last < first => {
                    problems.push(Problem::at(until.span(), "`until` lies before `verified`"));
                }
                _ => {}
            },
            (None, Some(period)) if period.0.as_secs() < 86_400 => {
                problems.push(Problem::at(period.span(), "`valid_for` is less than a day"));
            }
            (None, Some(_)) => {}
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        vec!["compare the date with today's (nothing is sent)".to_owned()]
    }

    async fn observe(&self, _: &Target<'_>) -> Result<Seen, Unobserved> {
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        Ok(Seen {
            today: today.to_string(),
        })
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        let expected = "by somebody, and still valid";
        let who = self.by.as_ref().map_or("", |by| by.trim());
        let (Some(day), false) = (self.day(), who.is_empty()) else {
            let seen = match (self.day(), who) {
                (None, "") => "nobody has verified this",
                (None, _) => "it does not say when",
                (Some(_), _) => "it does not say who",
            };
            let finding = Finding::unclear("verified", expected, seen);
            return vec![self.place(finding.hint("verify it, then set `by` and `verified`"))];
        };
        let Some(last) = self.last(day) else {
            return vec![self.place(Finding::unclear("verified", expected, "no day until which it counts"))];
        };
        let Ok(today) = seen.today.parse::<Date>() else {
            return vec![self.place(Finding::unclear("verified", expected, "it is not known what day it is"))];
        };
        let evidence = self.evidence.as_deref().filter(|place| !place.trim().is_empty());
        let evidence = evidence.map(|place| format!(" ({place})")).unwrap_or_default();
        let said = format!("by {who} on {day}{evidence}, valid until {last}");
        let finding = if day > today {
            let said = format!("by {who} on {day}, which is yet to come");
            Finding::failed("verified", expected, said).hint("set `verified` to the day on which it was verified")
        } else {
            match days(today, last) {
                left @ ..0 => Finding::failed("verified", expected, format!("{said}: expired {} ago", counted(-left)))
                    .hint("verify it again, then set `by` and `verified`"),
                left @ 0..SOON => {
                    let said = format!("{said}: only {} left, verify it again soon", counted(left));
                    Finding::passed("verified", expected, said)
                }
                left => Finding::passed("verified", expected, format!("{said}: {} left", counted(left))),
            }
        };
        vec![self.place(finding)]
    }
}

impl Attest {
    fn day(&self) -> Option<Date> {
        self.verified.as_ref().and_then(|day| day.0)
    }

    /// The last day on which it counts.
    fn last(&self, verified: Date) -> Option<Date> {
        match &self.valid_for {
            Some(period) => {
                let days = i64::try_from(period.0.as_secs() / 86_400).ok()?;
                verified.checked_add(Span::new().try_days(days).ok()?).ok()
            }
            None => self.until.as_ref().and_then(|day| day.0),
        }
    }

    fn place(&self, finding: Finding) -> Finding {
        let span = self.verified.as_ref().map(Spanned::span);
        match span.or_else(|| self.by.as_ref().map(Spanned::span)) {
            Some(span) => finding.at(span),
            None => finding,
        }
    }
}

/// From `first` to `last`; negative where that is before.
fn days(first: Date, last: Date) -> i32 {
    first.until(last).map_or(0, |span| span.get_days())
}

fn counted(days: i32) -> String {
    if days == 1 {
        "1 day".to_owned()
    } else {
        format!("{days} days")
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{kind, lines, mistakes};
    use super::*;

    fn on(today: &str, table: &str) -> String {
        let attest: Attest = kind(table);
        lines(&attest.judge(&Seen {
            today: today.to_owned(),
        }))
    }

    const ANA: &str = "by = 'Ana Ruiz'\nverified = 2026-11-01\nvalid_for = '90d'";

    #[test]
    fn it_counts_until_its_last_day() {
        assert_eq!(
            on("2026-11-21", ANA),
            "passed verified: expected by somebody, and still valid, \
             seen by Ana Ruiz on 2026-11-01, valid until 2027-01-30: 70 days left\n"
        );
        assert!(on("2026-11-01", ANA).contains("90 days left"));
        assert!(on("2027-01-16", ANA).ends_with("2027-01-30: 14 days left\n"));
        assert!(on("2027-01-17", ANA).ends_with("only 13 days left, verify it again soon\n"));
        assert!(on("2027-01-30", ANA).starts_with("passed") && on("2027-01-30", ANA).contains("only 0 days left"));
        assert_eq!(
            on("2027-01-31", ANA),
            "failed verified: expected by somebody, and still valid, \
             seen by Ana Ruiz on 2026-11-01, valid until 2027-01-30: expired 1 day ago \
             (try: verify it again, then set `by` and `verified`)\n"
        );
        let until = "by = 'B'\nverified = '2026-11-01'\nuntil = 2026-12-24\nevidence = 'https://w.example/1'";
        assert!(on("2026-12-24", until).contains("on 2026-11-01 (https://w.example/1), valid until 2026-12-24"));
        assert!(on("2026-12-25", until).starts_with("failed"));
    }

    #[test]
    fn what_nobody_verified_is_unclear_and_the_future_is_wrong() {
        let today = "2026-11-21";
        assert!(on(today, "valid_for = '90d'").starts_with("unclear verified"));
        assert!(on(today, "by = ' '\nverified = ''\nvalid_for = '1d'").contains("seen nobody has verified this"));
        assert!(on(today, "by = 'Ana'\nvalid_for = '1d'").contains("seen it does not say when"));
        assert!(on(today, "verified = 2026-11-01\nvalid_for = '90d'").contains("seen it does not say who"));
        let early = on("2026-10-31", ANA);
        assert!(
            early.starts_with("failed") && early.contains("which is yet to come"),
            "{early}"
        );
    }

    #[test]
    fn it_must_say_until_when() {
        assert_eq!(mistakes::<Attest>("by = 'A'"), ["it does not say until when it counts"]);
        assert_eq!(
            mistakes::<Attest>("valid_for = '1d'\nuntil = 2027-01-01"),
            ["`until` and `valid_for` both say how long it counts"]
        );
        assert_eq!(
            mistakes::<Attest>("verified = 2026-11-01\nuntil = 2026-10-01"),
            ["`until` lies before `verified`"]
        );
        assert_eq!(mistakes::<Attest>("until = ''"), ["`until` is no date"]);
        assert_eq!(
            mistakes::<Attest>("valid_for = '1h'"),
            ["`valid_for` is less than a day"]
        );
        assert!(mistakes::<Attest>(ANA).is_empty());
    }
}
