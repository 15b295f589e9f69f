//! What was served against what may be.

use crate::outcome::Finding;
use crate::suite::Spanned;

use super::{Document, Leak, Role, Seen};

const REVOKE: &str =
    "revoke it, since it was public; then keep it out of the variables that the front end's build reads";

pub(super) fn all(leak: &Leak, seen: &Seen) -> Vec<Finding> {
    let mut findings = Vec::new();
    pages(leak, seen, &mut findings);
    texts(leak, seen, &mut findings);
    answers(leak, seen, &mut findings);
    suspects(leak, seen, &mut findings);
    findings
}

/// The pages are there, and were read to their end.
fn pages(leak: &Leak, seen: &Seen, findings: &mut Vec<Finding>) {
    for ((span, path), page) in leak
        .page_list()
        .into_iter()
        .zip(seen.documents.iter().filter(|document| document.role == Role::Page))
    {
        // `/` is only a guess where no page was named: an API has none.
        if let Some(span) = span.filter(|_| !page.is_there()) {
            let finding = Finding::unclear(path, "a page to look at", format!("status {}", page.status));
            findings.push(finding.at(span).hint("name pages that everyone can see"));
        }
    }
    for document in seen.documents.iter().filter(|document| document.cut) {
        findings.push(Finding::unclear(
            &document.name,
            "all of it",
            "it is longer than may be read (`max_body`), and was cut there",
        ));
    }
    for document in &seen.documents {
        if document.role == Role::Asset && !document.is_there() {
            let finding = Finding::unclear(
                &document.name,
                "a script or style",
                format!("status {}", document.status),
            );
            findings.push(finding.hint("the page refers to it: is the deploy complete?"));
        }
    }
    if seen.left_out > 0 {
        let what = format!("{} scripts and styles were not read", seen.left_out);
        findings.push(Finding::unclear("scripts and styles", "all of them", what));
    }
}

fn texts(leak: &Leak, seen: &Seen, findings: &mut Vec<Finding>) {
    let before = findings.len();
    for document in &seen.documents {
        for leaked in &document.leaked {
            let finding = Finding::failed(
                format!("{}, line {}", document.name, leaked.line),
                "no secret",
                format!("{} ({})", leaked.what, leaked.shown),
            );
            let span = leaked.given.and_then(|given| leak.never.get(given)).map(Spanned::span);
            let finding = finding.hint(REVOKE);
            findings.push(match span {
                Some(span) => finding.at(span),
                None => finding,
            });
        }
        for address in &document.mixed {
            let finding = Finding::failed(&document.name, "no resource over http:// of another host", address);
            findings.push(finding.hint("load it over https://; a browser blocks it on a page over https"));
        }
        if let Some(map) = &document.map {
            let finding = Finding::failed(&document.name, "no source map", map);
            findings.push(finding.hint("do not deploy source maps, or give them to the error tracker alone"));
        }
    }
    for (index, needle) in leak.lacks.iter().enumerate() {
        let hits: Vec<String> = seen
            .documents
            .iter()
            .flat_map(|document| document.lacks.iter().map(move |hit| (document, hit)))
            .filter(|(_, (which, _))| *which == index)
            .map(|(document, (_, line))| format!("{}, line {line}", document.name))
            .collect();
        let what = format!("lacks {}", **needle);
        findings.push(if !hits.is_empty() {
            Finding::failed(what, "nowhere", format!("in {}", hits.join("; "))).at(needle.span())
        } else if read(seen) == 0 && leak.answers.is_empty() {
            Finding::unclear(what, "nowhere", "there was nothing to look through").at(needle.span())
        } else {
            Finding::passed(what, "nowhere", nowhere(seen)).at(needle.span())
        });
    }
    for (index, needle) in leak.contains.iter().enumerate() {
        let in_which: Vec<&str> = served(seen)
            .filter(|document| document.contains.contains(&index))
            .map(|document| document.name.as_str())
            .collect();
        let what = format!("contains {}", **needle);
        findings.push(if !in_which.is_empty() {
            Finding::passed(what, "somewhere", format!("in {}", in_which.join(", "))).at(needle.span())
        } else if read(seen) == 0 {
            Finding::unclear(what, "somewhere", "there was nothing to look through").at(needle.span())
        } else {
            Finding::failed(what, "somewhere", nowhere(seen))
                .at(needle.span())
                .hint("was the front end built with the variables of this environment?")
        });
    }
    if findings.len() == before && read(seen) > 0 {
        findings.push(Finding::passed(
            "pages, scripts and styles",
            "nothing that is not for everyone",
            looked(seen),
        ));
    }
}

fn answers(leak: &Leak, seen: &Seen, findings: &mut Vec<Finding>) {
    for document in seen.documents.iter().filter(|document| document.role == Role::Answer) {
        let span = leak.answers.get(document.index).map(Spanned::span);
        let before = findings.len();
        for (what, passage) in &document.reveals {
            findings.push(
                Finding::failed(&document.name, "nothing of the inside", format!("{what}: {passage}"))
                    .hint("log it, and answer strangers with a sentence of your own"),
            );
        }
        if findings.len() == before {
            let seen = format!("status {}", document.status);
            findings.push(if matches!(document.status, 429 | 502 | 504) {
                let finding = Finding::unclear(&document.name, "nothing of the inside", seen);
                finding.hint("that is not the service's own answer")
            } else {
                Finding::passed(&document.name, "nothing of the inside", seen)
            });
        }
        if let Some(span) = span {
            for finding in &mut findings[before..] {
                finding.span = Some(span.clone());
            }
        }
    }
}

fn suspects(leak: &Leak, seen: &Seen, findings: &mut Vec<Finding>) {
    let before = findings.len();
    for suspect in &seen.suspects {
        let span = suspect.named.and_then(|index| leak.paths.get(index)).map(Spanned::span);
        let finding = if suspect.genuine {
            Finding::failed(
                &suspect.path,
                "not served",
                format!("served, status {}", suspect.status),
            )
            .hint("keep it out of the folder that is served; what was in it is known now, so revoke what it opens")
        } else if suspect.status >= 500 || suspect.status == 429 {
            Finding::unclear(&suspect.path, "not served", format!("status {}", suspect.status))
        } else {
            continue;
        };
        findings.push(match span {
            Some(span) => finding.at(span),
            None => finding,
        });
    }
    if findings.len() == before && !seen.suspects.is_empty() {
        let nowhere = format!(
            "none of {} paths (a path that cannot exist: status {})",
            seen.suspects.len(),
            seen.control
        );
        findings.push(Finding::passed("what must not be served", "not served", nowhere));
    }
    if findings.is_empty() {
        findings.push(Finding::unclear("pages", "something to look at", "there was nothing"));
    }
}

fn served(seen: &Seen) -> impl Iterator<Item = &Document> {
    let of_page = |document: &&Document| document.role != Role::Answer && document.is_there();
    seen.documents.iter().filter(of_page)
}

fn read(seen: &Seen) -> usize {
    served(seen).count()
}

fn nowhere(seen: &Seen) -> String {
    format!("not in {}", looked(seen))
}

fn looked(seen: &Seen) -> String {
    let count = |role| seen.documents.iter().filter(|document| document.role == role).count();
    let elsewhere = match seen.elsewhere {
        0 => String::new(),
        others => format!(" ({others} of other hosts not read)"),
    };
    let answers = match count(Role::Answer) {
        0 => String::new(),
        answers => format!(", {answers} answers"),
    };
    format!(
        "{} pages, {} scripts and styles{answers}{elsewhere}",
        count(Role::Page),
        count(Role::Asset)
    )
}
