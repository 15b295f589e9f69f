//! Which address each check talks to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;
use url::Url;

use crate::deployment::secrets::Secrets;
use crate::deployment::{Deployment, Protocol};
use crate::outcome::Skip;
use crate::suite::{
    Entry, Environment, Mistake, Node, Problem, Project, Scope, Source, did_you_mean, is_placeholder, render,
};

use super::build::Request;
use super::expand::Draft;

/// Where the addresses of an environment come from.
pub(super) struct Addresses<'a> {
    pub(super) project: &'a Project,
    pub(super) environment: &'a Environment,
    pub(super) scope: &'a Scope,
    pub(super) request: &'a Request,
    pub(super) secrets: &'a Secrets,
}

impl Addresses<'_> {
    fn of(&self, protocol: Protocol) -> &[Entry] {
        self.environment
            .endpoints
            .get(protocol.name())
            .map_or(&[], Vec::as_slice)
    }

    fn find(&self, protocol: Protocol, name: &str) -> Option<&Entry> {
        self.of(protocol).iter().find(|entry| entry.key == name)
    }

    /// The addresses, as written, that checks to run use.
    pub(super) fn used<'a>(&'a self, drafts: &'a [Draft]) -> Vec<(&'a Node, &'a Source)> {
        let running = drafts.iter().filter(|draft| draft.check.skip.is_none());
        let used: BTreeSet<(Protocol, &str)> = running
            .filter_map(|draft| Some((draft.check.entry.speaks?, draft.check.endpoint.as_str())))
            .collect();
        let nodes = used
            .into_iter()
            .filter_map(|(protocol, name)| self.find(protocol, name));
        nodes.map(|entry| (&entry.node, &self.project.source)).collect()
    }

    /// There is no address that the checks called `ids` could talk to.
    fn missing(&self, protocol: Protocol, ids: &[String]) -> Mistake {
        let (environment, name) = (&self.environment.name, protocol.name());
        let who = match ids {
            [only] => format!("`{only}` needs"),
            [first @ .., _] if ids.len() > 4 => format!("{} checks need: {}, …", ids.len(), first[..3].join(", ")),
            all => format!("{} checks need: {}", all.len(), all.join(", ")),
        };
        Mistake {
            place: Some(self.project.source.place(&self.environment.header)),
            ..Mistake::nowhere(format!(
                "environment `{environment}` has no {name} address, which {who}"
            ))
            .hint(format!("add {name} = \"…\" to {}", self.environment.shown_header()))
        }
    }

    /// How to give the endpoint `on`: one address alone may have been written without a name.
    fn how_to_give(&self, protocol: Protocol, on: &str, names: &[&str]) -> String {
        let (header, protocol) = (self.environment.shown_header(), protocol.name());
        if names == ["default"] {
            format!("write {protocol}.default = \"…\" and {protocol}.{on} = \"…\" in {header}")
        } else {
            format!("add {protocol}.{on} = \"…\" to {header}")
        }
    }

    /// The name of the endpoint that `draft` talks to, of those that there are: `on`, the only one, or `default`.
    fn choose(&self, protocol: Protocol, draft: &Draft) -> Result<String, Problem> {
        let names: Vec<&str> = self.of(protocol).iter().map(|entry| entry.key.as_str()).collect();
        let environment = &self.environment.name;
        if let Some(on) = &draft.on {
            if names.contains(&on.as_str()) {
                return Ok(on.as_str().to_owned());
            }
            let problem = Problem::at(
                on.span(),
                format!(
                    "environment `{environment}` has no {} endpoint `{}`",
                    protocol.name(),
                    on.as_str()
                ),
            );
            let hint = did_you_mean(on, names.iter().copied()).map_or_else(
                || self.how_to_give(protocol, on, &names),
                |meant| format!("did you mean `{meant}`?"),
            );
            return Err(problem.hint(hint));
        }
        match names.as_slice() {
            [only] => Ok((*only).to_owned()),
            several if several.contains(&"default") => Ok("default".to_owned()),
            several => Err(Problem::whole(format!(
                "environment `{environment}` has several {} endpoints",
                protocol.name()
            ))
            .hint(format!("say which one: on = \"…\", one of {}", several.join(", ")))),
        }
    }
}

/// Gives every check its endpoint, and makes the deployment of those that are used.
pub(super) fn resolve(drafts: &mut [Draft], addresses: &Addresses<'_>, mistakes: &mut Vec<Mistake>) -> Deployment {
    let mut used = BTreeSet::new();
    let mut missing: BTreeMap<Protocol, BTreeSet<usize>> = BTreeMap::new();
    for (at, draft) in drafts.iter_mut().enumerate() {
        let Some(protocol) = draft.check.entry.speaks else {
            if let Some(on) = &draft.on {
                let message = format!("`{}` talks to no endpoint: it takes no `on`", draft.check.entry.name);
                mistakes.push(draft.mistake(Problem::at(on.span(), message)));
            }
            continue;
        };
        if let Some((_, reason)) = addresses.request.absent.iter().find(|(absent, _)| *absent == protocol) {
            draft
                .check
                .skip
                .get_or_insert_with(|| Skip::Declared { reason: reason.clone() });
            continue;
        }
        if addresses.of(protocol).is_empty() {
            missing
                .entry(protocol)
                .or_default()
                .insert(draft.check.cleans.unwrap_or(at));
            continue;
        }
        match addresses.choose(protocol, draft) {
            Ok(name) => {
                if draft.check.skip.is_none() {
                    used.insert((protocol, name.clone()));
                }
                draft.check.endpoint = name;
            }
            Err(problem) => {
                mistakes.push(draft.mistake(problem));
            }
        }
    }
    for (protocol, checks) in missing {
        let ids: Vec<String> = checks.iter().map(|at| drafts[*at].check.id.to_string()).collect();
        mistakes.push(addresses.missing(protocol, &ids));
    }
    let mut deployment = Deployment::of(&addresses.project.root);
    for (protocol, name) in used {
        if let Some(entry) = addresses.find(protocol, &name)
            && let Err(problem) = add(&mut deployment, protocol, entry, addresses)
        {
            mistakes.push(addresses.project.source.mistake(problem));
        }
    }
    deployment
}

fn add(
    deployment: &mut Deployment,
    protocol: Protocol,
    entry: &Entry,
    addresses: &Addresses<'_>,
) -> Result<(), Problem> {
    let span = entry.node.span.clone();
    let rendered = render(&entry.node, addresses.scope).map_err(|mut problems| {
        problems
            .pop()
            .unwrap_or_else(|| Problem::at(span.clone(), "cannot be filled in"))
    })?;
    let Json::String(address) = rendered.to_json() else {
        return Err(Problem::at(span, "an address is text"));
    };
    if is_placeholder(&address) {
        return Ok(());
    }
    if protocol == Protocol::Http
        && let Some((reason, hint)) = no_site(address.trim())
    {
        return Err(Problem::at(span, format!("http endpoint `{}`: {reason}", entry.key)).hint(hint));
    }
    let password = deployment
        .add(protocol, &entry.key, address.trim())
        .map_err(|reason| Problem::at(span, format!("{} endpoint `{}`: {reason}", protocol.name(), entry.key)))?;
    if let Some(password) = password {
        addresses.secrets.add(&password);
    }
    Ok(())
}

/// Why paths cannot be put behind `address`, and what to try.
fn no_site(address: &str) -> Option<(&'static str, String)> {
    if !address.contains("://") {
        return Some(("not a URL", format!("http://{address}")));
    }
    let mut url = Url::parse(address).ok()?;
    if url.query().is_none() && url.fragment().is_none() {
        return None;
    }
    url.set_query(None);
    url.set_fragment(None);
    Some((
        "paths are put behind an address, and cannot stand behind a query or a fragment",
        url.as_str().trim_end_matches('/').to_owned(),
    ))
}
