//! Reads what is served, and keeps only what is wrong with it.

use std::collections::{BTreeSet, VecDeque};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use url::Url;

use crate::deployment::http::Response;
use crate::deployment::secrets::{Place, Sought};
use crate::deployment::{Target, Unobserved};

use super::suspects::{CONTROL, USUAL, is_genuine, is_html};
use super::{Document, Leak, Role, Seen, Suspect, page, revealing};

/// So many scripts and styles are read.
const MOST_ASSETS: usize = 100;
/// So many requests are in flight.
const AT_ONCE: usize = 6;

pub(super) async fn look(leak: &Leak, target: &Target<'_>) -> Result<Seen, Unobserved> {
    let control = target.send(&Leak::request(CONTROL)).await?;
    let sought = Sought::new(
        Place::Public,
        leak.secrets,
        leak.never.iter().map(|value| value.as_str()),
    );
    let looking = Looking { leak, target, sought };
    let mut seen = Seen {
        control: control.status,
        ..Seen::default()
    };
    looking.read_pages(&mut seen).await?;
    for (index, asked) in leak.answers.iter().enumerate() {
        let response = target.send(&asked.0).await?;
        let mut document = looking.document(asked.0.line(), Role::Answer, index, &response, None);
        document.reveals = revealing::in_text(&with_headers(&response), |passage| leak.allows(passage));
        seen.documents.push(document);
    }
    seen.suspects = looking.try_suspects(&control).await?;
    Ok(seen)
}

/// What a version may stand in besides the body.
fn with_headers(response: &Response) -> String {
    let headers = ["server", "x-powered-by", "x-error", "x-debug"].iter();
    let headers = headers.filter_map(|name| response.header(name));
    headers.fold(response.body.clone(), |text, value| format!("{text}\n{value}"))
}

struct Looking<'a, 't> {
    leak: &'a Leak,
    target: &'a Target<'t>,
    sought: Sought,
}

impl Looking<'_, '_> {
    async fn read_pages(&self, seen: &mut Seen) -> Result<(), Unobserved> {
        let site = self.target.http()?;
        let mut known: BTreeSet<String> = BTreeSet::new();
        let mut waiting: VecDeque<(Url, bool)> = VecDeque::new();
        for (index, (_, path)) in self.leak.page_list().into_iter().enumerate() {
            let response = self.target.send(&Leak::request(path)).await?;
            let mut url = site.url(path)?;
            if let Some(hop) = response.hops.last() {
                url = url.join(&hop.location).unwrap_or(url);
            }
            seen.documents
                .push(self.document(path.to_owned(), Role::Page, index, &response, Some(&url)));
            if self.leak.assets && response.is_success() {
                for asset in page::of_page(&response.body, &url) {
                    if !known.insert(asset.to_string()) {
                    } else if asset.origin() == url.origin() {
                        waiting.push_back((asset, true));
                    } else {
                        seen.elsewhere += 1;
                    }
                }
            }
        }
        let mut read = 0;
        while !waiting.is_empty() {
            let room = MOST_ASSETS - read;
            if room == 0 {
                seen.left_out = waiting.len();
                break;
            }
            let batch: Vec<(Url, bool)> = waiting.drain(..waiting.len().min(room)).collect();
            read += batch.len();
            let answers: Vec<_> = stream::iter(batch)
                .map(|(url, certain)| async move {
                    let response = self.target.send(&Leak::request(url.as_str())).await?;
                    let map = self.map_of(&response, &url).await?;
                    Ok::<_, Unobserved>((url, certain, response, map))
                })
                .buffered(AT_ONCE)
                .try_collect()
                .await?;
            for (url, certain, response, map) in answers {
                // What only a script names may be no file at all.
                if !certain && (!response.is_success() || is_html(&response.body)) {
                    continue;
                }
                for other in page::of_script(&response.body, &url) {
                    if other.origin() == url.origin() && known.insert(other.to_string()) {
                        waiting.push_back((other, false));
                    }
                }
                let mut document = self.document(url.path().to_owned(), Role::Asset, 0, &response, Some(&url));
                document.map = map;
                seen.documents.push(document);
            }
        }
        Ok(())
    }

    async fn map_of(&self, response: &Response, url: &Url) -> Result<Option<String>, Unobserved> {
        if self.leak.source_maps || !response.is_success() {
            return Ok(None);
        }
        if page::carries_map(&response.body) {
            return Ok(Some("one is in it".to_owned()));
        }
        for map in page::maps(&response.body, url) {
            let answer = self.target.send(&Leak::request(map.as_str())).await?;
            let start = answer.body.trim_start();
            if answer.is_success() && start.starts_with('{') && answer.body.contains("\"mappings\"") {
                return Ok(Some(format!("{} is served", map.path())));
            }
        }
        Ok(None)
    }

    fn document(&self, name: String, role: Role, index: usize, response: &Response, url: Option<&Url>) -> Document {
        let body = &response.body;
        let line = |at: usize| 1 + body[..at].matches('\n').count();
        let lacks = self.leak.lacks.iter().enumerate();
        let contains = self.leak.contains.iter().enumerate();
        Document {
            name,
            role,
            index,
            status: response.status,
            cut: response.cut_at.is_some(),
            leaked: self.sought.find_in(body, |secret| self.leak.allows(secret)),
            contains: contains
                .filter(|(_, needle)| needle.is_in(body))
                .map(|(index, _)| index)
                .collect(),
            lacks: lacks
                .filter_map(|(index, needle)| Some((index, line(needle.find(body)?))))
                .collect(),
            mixed: url
                .filter(|_| self.leak.mixed)
                .map(|url| page::mixed(body, url))
                .unwrap_or_default()
                .into_iter()
                .filter(|address| !self.leak.allows(address))
                .collect(),
            map: None,
            reveals: Vec::new(),
        }
    }

    async fn try_suspects(&self, control: &Response) -> Result<Vec<Suspect>, Unobserved> {
        let usual = USUAL.iter().enumerate().filter(|_| self.leak.usual);
        let usual = usual.map(|(index, (path, _))| ((*path).to_owned(), Some(index), None));
        let named = self.leak.paths.iter().enumerate();
        let named = named.map(|(index, path)| (path.as_str().to_owned(), None, Some(index)));
        stream::iter(usual.chain(named))
            .map(|(path, usual, named)| async move {
                let response = self.target.send(&Leak::request(&path)).await?;
                let genuine = response.is_success()
                    && match usual {
                        Some(index) => is_genuine(index, &response.body),
                        None => !is_as(control, CONTROL, &response, &path),
                    };
                Ok(Suspect {
                    path,
                    named,
                    status: response.status,
                    genuine,
                })
            })
            .buffered(AT_ONCE)
            .try_collect()
            .await
    }
}

/// Whether a path is answered as one that cannot exist is.
fn is_as(control: &Response, nowhere: &str, response: &Response, path: &str) -> bool {
    let both_pages = is_html(&control.body) && is_html(&response.body);
    let same = control.body.replace(nowhere, "") == response.body.replace(path, "");
    control.is_success() && (same || both_pages)
}
