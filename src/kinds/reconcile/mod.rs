//! `reconcile`: a query that must return no row, or two that must agree.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::deployment::postgres::{Mode, SqlError, Transaction};
use crate::deployment::{Protocol, Target, Unobserved};
use crate::outcome::Finding;
use crate::suite::{Problem, Spanned};

use super::Kind;

/// Books that must balance: a query that must return no row, or two queries that must agree.
///
/// A deploy that changes how money, credits or stock are counted breaks nothing visible; the balances drift apart from
/// the ledger. This check finds the rows that do not agree, and says how many there are among how many. It reads all of
/// it at one moment (one repeatable-read transaction), so that a busy deployment does not look inconsistent.
///
/// ```toml
/// [reconcile.credits]
/// query = """
/// select u.id, u.credits, coalesce(sum(l.amount), 0) as ledger
/// from users u left join credit_ledger l on l.user_id = u.id
/// group by u.id having u.credits is distinct from coalesce(sum(l.amount), 0)"""
/// population = "select count(*) from users"
///
/// [reconcile.totals]
/// left = "select sum(amount) from payments where settled"
/// right = "select sum(total) from invoices where paid"
/// tolerance = 0.01
/// ```
///
/// Keys:
///
///   query        returns the rows that do not agree: there must be none. Either query, or left and right.
///   population   a query that counts what is compared. It belongs to query: no discrepancy among no accounts proves
///                nothing.
///   at_least     how large the population must be; default 1. Below it the check is unclear.
///   max_rate     the share of the population that may disagree: 0.01 is one in a hundred. Default 0.
///   left, right  two queries with one value each, which must be equal; numbers are compared exactly.
///   tolerance    how far two numbers may lie apart; default 0
///
/// The first five rows that do not agree are shown. Two empty values (NULL, or 0 and 0) without a population are
/// unclear: nothing was compared.
///
/// A failure:
///
///   FAILED  reconcile.credits   Every balance equals its ledger
///     suites/app.toml:2:9
///       discrepancies   expected: none of 412   seen: 1 of 412 (0.24 %): id=7, credits=999999, ledger=100
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Reconcile {
    /// Returns the rows that do not agree.
    query: Option<Spanned<String>>,
    /// One value …
    left: Option<Spanned<String>>,
    /// … that must equal this one.
    right: Option<Spanned<String>>,
    /// How far two numbers may lie apart.
    #[serde(default)]
    tolerance: f64,
    /// Counts what is compared.
    population: Option<Spanned<String>>,
    /// How large the population must be.
    #[serde(default = "one")]
    at_least: u64,
    /// The share of the population that may disagree.
    #[serde(default)]
    max_rate: f64,
}

fn one() -> u64 {
    1
}

/// What was compared.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Seen {
    /// The size of the population, as PostgreSQL writes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    population: Option<String>,
    /// How many rows disagree.
    discrepancies: u64,
    /// The first of them.
    first: Vec<Map<String, Value>>,
    /// The two values, as PostgreSQL writes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    values: Option<(Option<String>, Option<String>)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<(String, SqlError)>,
}

impl Kind for Reconcile {
    const NAME: &'static str = "reconcile";
    const SPEAKS: Option<Protocol> = Some(Protocol::Postgres);
    type Seen = Seen;

    fn mistakes(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match (&self.query, &self.left, &self.right) {
            (Some(query), None, None) if self.population.is_none() => problems.push(
                Problem::at(
                    query.span(),
                    "`population` is missing: no discrepancy among no rows would pass",
                )
                .hint("count what is compared: population = \"select count(*) from users\""),
            ),
            (Some(_), None, None) | (None, Some(_), Some(_)) => {}
            (None, None, None) => problems.push(Problem::whole("`query` is missing, or `left` and `right`")),
            (Some(query), _, _) => {
                problems.push(Problem::at(query.span(), "`query` excludes `left` and `right`"));
            }
            (None, Some(only), None) | (None, None, Some(only)) => {
                problems.push(Problem::at(only.span(), "`left` and `right` are needed together"));
            }
        }
        if !(0.0..1.0).contains(&self.max_rate) {
            problems.push(Problem::whole(
                "`max_rate` must be at least 0 and below 1: 0.01 is one in a hundred",
            ));
        }
        if self.tolerance < 0.0 {
            problems.push(Problem::whole("`tolerance` cannot be negative"));
        }
        problems
    }

    fn steps(&self) -> Vec<String> {
        let named = ["population", "discrepancies", "left", "right"].map(|name| (name, self.called(name)));
        named
            .into_iter()
            .filter_map(|(name, query)| Some((name, query?)))
            .map(|(name, query)| format!("read {name}, in one read-only transaction: {}", query.trim()))
            .collect()
    }

    async fn observe(&self, target: &Target<'_>) -> Result<Seen, Unobserved> {
        let transaction = target.postgres()?.transaction(Mode::ReadOnly, target.timeout()).await?;
        let mut seen = Seen::default();
        let read = self.read(&transaction, &mut seen).await;
        transaction.rollback().await;
        if let Err((name, error)) = read {
            seen.error = Some((name.to_owned(), error.or_unobserved()?));
        }
        Ok(seen)
    }

    fn judge(&self, seen: &Seen) -> Vec<Finding> {
        if let Some((name, error)) = &seen.error {
            let finding = error.failed(name, "runs without an error");
            return vec![match self.called(name) {
                Some(query) => finding.at(query.span()),
                None => finding,
            }];
        }
        let mut findings = Vec::new();
        let population = self
            .population
            .as_ref()
            .map(|query| (query, self.judge_population(seen)));
        if let Some(query) = &self.query {
            findings.push(self.judge_rows(seen).at(query.span()));
        }
        if let (Some(left), Some(values)) = (&self.left, &seen.values) {
            findings.push(self.judge_values(values, population.is_some()).at(left.span()));
        }
        if let Some((query, finding)) = population {
            findings.push(finding.at(query.span()));
        }
        findings
    }
}

impl Reconcile {
    async fn read(&self, transaction: &Transaction, seen: &mut Seen) -> Result<(), (&'static str, SqlError)> {
        if let Some(query) = &self.population {
            let size = transaction.scalar(query, &[]).await;
            seen.population = size.map_err(|error| ("population", error))?;
        }
        if let Some(query) = &self.query {
            let query = query
                .trim()
                .trim_end_matches(|char: char| char == ';' || char.is_whitespace());
            // Counted and sampled in one go: what disagrees may be expensive to find.
            // As text, because a number in JSON loses digits here.
            let sampled = format!(
                "with q as materialized (\n{query}\n) select (select count(*) from q) as count, \
                 (select coalesce(json_agg((select json_object_agg(key, value) from json_each_text(row_to_json(s)))), '[]') \
                 from (select * from q limit 5) s) as first"
            );
            let rows = transaction.rows(&sampled, &[]).await;
            let mut rows = rows.map_err(|error| ("discrepancies", error))?;
            if let Some(row) = rows.first_mut() {
                seen.discrepancies = row["count"].as_u64().unwrap_or_default();
                seen.first = serde_json::from_value(row["first"].take()).unwrap_or_default();
            }
        }
        if let (Some(left), Some(right)) = (&self.left, &self.right) {
            let left = transaction.scalar(left, &[]).await.map_err(|error| ("left", error))?;
            let right = transaction.scalar(right, &[]).await.map_err(|error| ("right", error))?;
            seen.values = Some((left, right));
        }
        Ok(())
    }

    fn called(&self, name: &str) -> Option<&Spanned<String>> {
        match name {
            "population" => self.population.as_ref(),
            "left" => self.left.as_ref(),
            "right" => self.right.as_ref(),
            _ => self.query.as_ref(),
        }
    }

    fn judge_population(&self, seen: &Seen) -> Finding {
        let expected = format!("at least {}", self.at_least);
        match size(seen) {
            Some(size) if size >= self.at_least => Finding::passed("population", expected, size.to_string()),
            Some(size) => Finding::unclear(
                "population",
                expected,
                format!("{size}: there is too little to reconcile, so this proves nothing"),
            )
            .hint("is this the right database, and was it ever filled?"),
            None => Finding::unclear(
                "population",
                expected,
                format!("{}, which is no count", seen.population.as_deref().unwrap_or("NULL")),
            )
            .hint("`population` is a query with one row and one whole number: select count(*) from …"),
        }
    }

    fn judge_rows(&self, seen: &Seen) -> Finding {
        let found = seen.discrepancies;
        let population = size(seen).unwrap_or_default();
        #[expect(clippy::cast_precision_loss, reason = "a rate needs no more digits")]
        let rate = if population == 0 {
            1.0
        } else {
            found as f64 / population as f64
        };
        let expected = if self.max_rate > 0.0 {
            format!("at most {} of {population}", percent(self.max_rate))
        } else {
            format!("none of {population}")
        };
        if found == 0 {
            let verdict = if population == 0 {
                Finding::unclear
            } else {
                Finding::passed
            };
            return verdict("discrepancies".to_owned(), expected, "none".to_owned());
        }
        let rows: Vec<String> = seen.first.iter().map(shown).collect();
        let more = if found > rows.len() as u64 { "; …" } else { "" };
        let described = format!("{found} of {population} ({}): {}{more}", percent(rate), rows.join("; "));
        Finding::expect(rate <= self.max_rate, "discrepancies", expected, described)
    }

    fn judge_values(&self, (left, right): &(Option<String>, Option<String>), counted: bool) -> Finding {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "NULL".to_owned());
        let tolerance = if self.tolerance > 0.0 {
            format!(" within {}", self.tolerance)
        } else {
            String::new()
        };
        let expected = format!("{}{tolerance}, as on the right", shown(right));
        let nothing = |value: &Option<String>| value.as_deref().is_none_or(|text| plain(text) == "0");
        if nothing(left) && nothing(right) && !counted {
            return Finding::unclear("left", expected, format!("{}: nothing was compared", shown(left)))
                .hint("add a `population` that counts what is compared, or ask for something that exists");
        }
        let agree = match (left, right) {
            (Some(left), Some(right)) => agree(left, right, self.tolerance),
            (None, None) => true,
            _ => false,
        };
        Finding::expect(agree, "left", expected, shown(left))
    }
}

fn size(seen: &Seen) -> Option<u64> {
    seen.population.as_ref()?.parse().ok()
}

fn percent(rate: f64) -> String {
    let text = format!("{:.2}", rate * 100.0);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

fn shown(row: &Map<String, Value>) -> String {
    let cell = |(name, value): (&String, &Value)| match value {
        Value::String(text) => format!("{name}={text}"),
        other => format!("{name}={other}"),
    };
    row.iter().map(cell).collect::<Vec<_>>().join(", ")
}

/// Whether two values are the same number, or the same text. Without a tolerance no digit is lost.
fn agree(left: &str, right: &str, tolerance: f64) -> bool {
    if plain(left) == plain(right) {
        return true;
    }
    match (left.parse::<f64>(), right.parse::<f64>()) {
        (Ok(a), Ok(b)) if tolerance > 0.0 => (a - b).abs() <= tolerance * (1.0 + 1e-9),
        // 1e+20 and 100000000000000000000 are written differently.
        (Ok(a), Ok(b)) if left.contains('e') || right.contains('e') => (a - b).abs() <= f64::EPSILON * a.abs(),
        _ => false,
    }
}

/// A number without the zeros that say nothing: `1.50` is `1.5`.
fn plain(number: &str) -> &str {
    if number.parse::<f64>().is_ok() && number.contains('.') && !number.contains('e') {
        let short = number.trim_end_matches('0').trim_end_matches('.');
        return if short == "-0" || short.is_empty() { "0" } else { short };
    }
    number
}

#[cfg(test)]
mod tests;
