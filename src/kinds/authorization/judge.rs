//! Every cell of the table against its answer.

use crate::deployment::http::Response;
use crate::outcome::Finding;

use super::table::is_in;
use super::{Asked, Authorization, Seen};

pub(super) fn judge(check: &Authorization, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (name, route) in check.routes.iter() {
        let cells = check.cells(name, route);
        let reached = cells.iter().any(|cell| {
            cell.expect.lets_in() && answer(seen, cell).is_ok_and(|response| cell.expect.accepts(response.status))
        });
        for cell in &cells {
            findings.extend(match answer(seen, cell) {
                Ok(response) => judge_cell(cell, response, reached),
                Err(why) => vec![Finding::unclear(what(cell), expected(cell), why).at(cell.expect.span())],
            });
        }
    }
    if findings.is_empty() {
        findings.push(Finding::unclear("routes", "at least one", "none"));
    }
    findings
}

fn answer<'a>(seen: &'a Seen, cell: &Asked<'_>) -> Result<&'a Response, &'a str> {
    let mut answers = seen.answers.iter();
    let found = answers.find(|answer| answer.route == cell.route && answer.identity == cell.identity);
    let found = found.ok_or("it was not asked")?;
    let why = found.error.as_deref().unwrap_or("no answer");
    found.response.as_ref().ok_or(why)
}

fn judge_cell(cell: &Asked<'_>, response: &Response, reached: bool) -> Vec<Finding> {
    let status = response.status;
    let span = cell.expect.span();
    let shown = match response.body.trim() {
        body if status >= 400 && !body.is_empty() => format!("{status}: {body}"),
        _ => status.to_string(),
    };
    if status == 429 && !cell.expect.accepts(status) {
        let finding = Finding::unclear(what(cell), expected(cell), shown).at(span);
        return vec![finding.hint("a rate limit answered: `needs` or fewer routes a check keep within it")];
    }
    if !cell.expect.accepts(status) {
        let finding = Finding::failed(what(cell), expected(cell), shown).at(span);
        return vec![match why(cell, status) {
            Some(hint) => finding.hint(hint),
            None => finding,
        }];
    }
    if status == 404 && !reached {
        let shown = format!("{shown}; but nobody got in, so the route may not exist at all");
        return vec![Finding::unclear(what(cell), expected(cell), shown).at(span)];
    }
    let mut findings = vec![Finding::passed(what(cell), expected(cell), status.to_string()).at(span)];
    // The status, which comes first, is told above.
    findings.extend(cell.expect.0.judge(response).into_iter().skip(1).map(|mut finding| {
        finding.what = format!("{}: {}", what(cell), finding.what);
        finding
    }));
    findings
}

fn what(cell: &Asked<'_>) -> String {
    format!("{} as {}", cell.route, cell.identity)
}

fn expected(cell: &Asked<'_>) -> String {
    cell.expect.statuses().to_string()
}

fn why(cell: &Asked<'_>, status: u16) -> Option<&'static str> {
    let wanted_in = cell.expect.lets_in();
    Some(match status {
        500.. => "the route breaks instead of deciding: see the server's log",
        200..=299 if !wanted_in => {
            "the route lets in whom it should refuse: is its guard registered, and does it look at role and owner?"
        }
        _ if is_in(status) && !wanted_in => {
            "the body was looked at before the caller: the guard comes too late, or not at all"
        }
        401 if wanted_in => "are these credentials still valid, and sent as the server wants them?",
        403 if wanted_in => "the server knows this identity, and does not let it in: does it have the role?",
        404 | 405 if wanted_in => "is the route registered under this method and path?",
        300..=399 if wanted_in => "a redirect: to the login, perhaps? It is not followed here",
        401 => "refused, but as somebody unknown: are these credentials still valid?",
        403 | 404 => "refused, but with another status than agreed",
        _ => return None,
    })
}
