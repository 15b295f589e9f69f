//! Asks every route as every identity.

use futures_util::stream::{self, StreamExt as _};

use crate::deployment::http::{Jar, Request};
use crate::deployment::{Target, Unobserved};
use crate::suite::{ByteSize, Period};

use super::{Answer, Asked, Authorization, Seen};

/// How many are asked at a time.
const ABREAST: usize = 8;

/// How much of a body is kept where nothing is expected of it.
const GLANCE: ByteSize = ByteSize(2048);

pub(super) async fn observe(check: &Authorization, target: &Target<'_>) -> Result<Seen, Unobserved> {
    target.http()?;
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (name, route) in check.routes.iter() {
        let Some(request) = route.request(name) else { continue };
        let mut cells = check.cells(name, route);
        if request.is_safe() {
            reads.extend(cells.into_iter().map(|cell| (request.clone(), cell)));
        } else {
            // Who is let in may change what the others would see.
            cells.sort_by_key(|cell| cell.expect.lets_in());
            writes.extend(cells.into_iter().map(|cell| (request.clone(), cell)));
        }
    }
    let asking = stream::iter(reads.iter().map(|(request, cell)| ask(check, target, request, cell)));
    let mut answers: Vec<Answer> = asking.buffered(ABREAST).collect().await;
    for (request, cell) in &writes {
        answers.push(ask(check, target, request, cell).await);
    }
    Ok(Seen { answers })
}

async fn ask(check: &Authorization, target: &Target<'_>, request: &Request, cell: &Asked<'_>) -> Answer {
    let mut request = check
        .identity(cell.identity)
        .map_or_else(|| request.clone(), |who| who.sends(request));
    if !cell.expect.looks_inside() {
        request.max_body = Some(GLANCE);
    }
    let alone = target.beside(Jar::default());
    let asking = tokio::time::timeout(target.timeout(), alone.send(&request));
    let (response, error) = match asking.await {
        Ok(Ok(response)) => (Some(response), None),
        Ok(Err(unobserved)) => (None, Some(unobserved.why)),
        Err(_) => (None, Some(format!("no answer within {}", Period(target.timeout())))),
    };
    Answer {
        route: cell.route.to_owned(),
        identity: cell.identity.to_owned(),
        response,
        error,
    }
}
