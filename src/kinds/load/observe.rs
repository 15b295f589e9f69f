//! Sends requests until there are enough, or the time is over.

use std::time::{Duration, Instant};

use futures_util::stream::{self, StreamExt as _};

use crate::deployment::{Target, Unobserved};

use super::{Answer, Load, Seen, count};

pub(super) async fn observe(check: &Load, target: &Target<'_>) -> Result<Seen, Unobserved> {
    target.http()?;
    let begun = Instant::now();
    let rate = check.rate.as_ref().map(|rate| **rate);
    let due = |at: usize| rate.map(|rate| begun + Duration::from_secs_f64(count(at) / rate));
    let asking = stream::iter(0..check.most())
        .take_while(|at| {
            let over = due(*at).unwrap_or_else(Instant::now).max(Instant::now()) - begun >= check.window();
            std::future::ready(!over)
        })
        .map(|at| ask(check, target, due(at)));
    let answers: Vec<Answer> = asking.buffer_unordered(check.abreast()).collect().await;
    let wanted = check.requests.as_ref().map_or(0, |requests| **requests);
    Ok(Seen {
        unsent: wanted.saturating_sub(answers.len()),
        answers,
        took_micros: micros(begun.elapsed()),
    })
}

async fn ask(check: &Load, target: &Target<'_>, due: Option<Instant>) -> Answer {
    if let Some(due) = due {
        tokio::time::sleep_until(due.into()).await;
    }
    let begun = due.unwrap_or_else(Instant::now);
    let answer = tokio::time::timeout(target.timeout(), target.send(&check.request)).await;
    let (status, error) = match answer {
        Ok(Ok(response)) => (Some(response.status), None),
        Ok(Err(unobserved)) => (None, Some(unobserved.why)),
        Err(_) => (None, Some("no answer in time".to_owned())),
    };
    let micros = micros(begun.elapsed());
    Answer { status, error, micros }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
