//! The whole run as JSON, for programs.
//!
//! | field | what |
//! |---|---|
//! | `format` | version of this layout, 1; it grows when a field goes or changes its meaning, not when one is added |
//! | `smoke` | version of the tool |
//! | `exit` | `{ "code": 1, "meaning": "failed" }`: `passed` 0, `failed` 1, `usage` 2, `unclear` 3, `nothing` 4, `interrupted` 130 |
//! | `counts` | checks by how they ended: `failed warned unclear skipped passed`; of those passed, `flaky` |
//! | `run.environment` | name of the environment |
//! | `run.suites[]` | `name`, `title` |
//! | `run.started_at` | RFC 3339, UTC |
//! | `run.duration` | seconds |
//! | `run.interrupted` | a signal ended the run early |
//! | `run.slowest_chain[]` | ids of the dependent checks that took longest, first to last |
//! | `run.outcomes[]` | every check, in the order of the suites: |
//! | `….id` | `suite`, `kind`, `name` |
//! | `….title` | what it verifies; absent where the suite says nothing |
//! | `….verdict` | `passed`, `failed`, `unclear`, `skipped` |
//! | `….severity` | `fail`, or `warn`: then it does not count |
//! | `….effect` | `read`, `write`, `load` |
//! | `….place` | the header in the suite: `file`, `line`, `column`, `text` of the line, `width` of what is meant |
//! | `….pack_place` | the header in the pack, for a check that `[use.NAME]` brought; `place` is that of the use then |
//! | `….asked` | where it looked, and what it did there first, in one line; absent where it passed or did not run |
//! | `….unobserved` | why nothing could be observed; absent otherwise |
//! | `….hint` | what to try then; absent where that is not known |
//! | `….skip` | `why` (`declared when not_allowed needs not_ready fail_fast interrupted`) and what belongs to it; absent otherwise |
//! | `….findings[]` | every judged expectation: `what`, `expected`, `seen`, `verdict`, and where known `hint`, `place` |
//! | `….attempts[]` | every try: `verdict`, `reason` (empty where it passed), `duration` in seconds |
//! | `….started` `….duration` | seconds; the start counts from the start of the run |
//! | `….needs[]` `….tags[]` | ids of the checks it waited for; absent where empty |
//! | `….observation` | what was seen in the last attempt, in the words of the kind |

use std::io::{self, Write};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{Form, file};
use crate::outcome::{Counts, Event, Exit, Report, Run};

/// Version of the layout.
pub const FORMAT: u32 = 1;

/// The form `json`.
pub const FORM: Form = Form {
    name: "json",
    about: "the whole run for programs: outcomes, findings, observations, attempts, timings",
    file: "run.json",
    observations: true,
    to: |path| Box::new(Json { path }),
};

struct Json {
    path: PathBuf,
}

impl Report for Json {
    fn on(&mut self, event: Event<'_>) -> io::Result<()> {
        match event {
            Event::RunFinished { run } => file::write(&self.path, |out| render(run, out)),
            _ => Ok(()),
        }
    }
}

#[derive(Serialize)]
struct Document<'a> {
    format: u32,
    smoke: &'static str,
    exit: Ending,
    counts: Counts,
    run: &'a Run,
}

#[derive(Serialize)]
struct Ending {
    code: u8,
    meaning: Exit,
}

/// Writes the document.
pub fn render(run: &Run, out: &mut dyn Write) -> io::Result<()> {
    let exit = run.exit();
    let document = Document {
        format: FORMAT,
        smoke: env!("CARGO_PKG_VERSION"),
        exit: Ending {
            code: exit.code(),
            meaning: exit,
        },
        counts: run.counts(),
        run,
    };
    serde_json::to_writer_pretty(&mut *out, &document)?;
    out.write_all(b"\n")
}

/// The run of a document that was written by this or an older version.
///
/// # Errors
/// When it is none, or a newer version wrote it.
pub fn read(document: &str) -> Result<Run, String> {
    #[derive(Deserialize)]
    struct Version {
        format: u32,
    }
    #[derive(Deserialize)]
    struct Body {
        run: Run,
    }
    let not_ours = |error| format!("this is no JSON report of smoke: {error}");
    let version: Version = serde_json::from_str(document).map_err(not_ours)?;
    if version.format > FORMAT {
        return Err(format!(
            "this report has format {}, and this version of smoke reads up to {FORMAT}; update smoke",
            version.format
        ));
    }
    let body: Body = serde_json::from_str(document).map_err(not_ours)?;
    Ok(body.run)
}
