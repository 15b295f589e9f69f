//! Where packs are found: the project's own `checks/` first, then those that are built into the binary.

use std::fs;
use std::path::Path;

use super::{Mistake, Source, shown_path};

/// The packs of this repository, each with its text. A new one is a file in `checks/` and a line here.
const BUILT_IN: &[(&str, &str)] = &[
    ("admin_only", include_str!("../../checks/admin_only.toml")),
    ("alembic", include_str!("../../checks/alembic.toml")),
    ("bullmq", include_str!("../../checks/bullmq.toml")),
    ("cors_allowlist", include_str!("../../checks/cors_allowlist.toml")),
    ("credit_ledger", include_str!("../../checks/credit_ledger.toml")),
    ("fastapi", include_str!("../../checks/fastapi.toml")),
    ("flyio", include_str!("../../checks/flyio.toml")),
    ("https_edge", include_str!("../../checks/https_edge.toml")),
    ("least_privilege", include_str!("../../checks/least_privilege.toml")),
    ("nextjs", include_str!("../../checks/nextjs.toml")),
    ("prisma", include_str!("../../checks/prisma.toml")),
    ("public_leaks", include_str!("../../checks/public_leaks.toml")),
    (
        "rate_limited_route",
        include_str!("../../checks/rate_limited_route.toml"),
    ),
    ("redis_queue", include_str!("../../checks/redis_queue.toml")),
    ("rq_workers", include_str!("../../checks/rq_workers.toml")),
    ("security_headers", include_str!("../../checks/security_headers.toml")),
    ("stripe_webhook", include_str!("../../checks/stripe_webhook.toml")),
    ("supabase_auth", include_str!("../../checks/supabase_auth.toml")),
    ("supabase_rls", include_str!("../../checks/supabase_rls.toml")),
];

/// The file of a pack, without folder and `.toml`.
pub(super) fn name_of(file: &str) -> String {
    let file = file.trim_end_matches(" (built in)");
    Path::new(file)
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned()
}

/// The packs that a project can use.
#[derive(Debug, Clone, Copy)]
pub struct Packs<'a> {
    /// The project's folder, where there is a project.
    pub root: Option<&'a Path>,
}

impl Packs<'_> {
    /// The text of the pack called `name`, or at the path `name` (which ends in `.toml`); none where there is no such pack.
    ///
    /// # Errors
    /// When its file cannot be read.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<Result<Source, Mistake>> {
        let is_path = Path::new(name).extension().is_some_and(|extension| extension == "toml");
        let own = self.root.map(|root| {
            if is_path {
                root.join(name)
            } else {
                root.join("checks").join(format!("{name}.toml"))
            }
        });
        if let Some(path) = own.filter(|path| path.is_file()) {
            return Some(Source::read(&path, &shown_path(&path)));
        }
        let (name, text) = BUILT_IN.iter().find(|(built_in, _)| *built_in == name)?;
        Some(Ok(Source::new(format!("checks/{name}.toml (built in)"), *text)))
    }

    /// The names of all packs, in order.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = BUILT_IN.iter().map(|(name, _)| (*name).to_owned()).collect();
        if let Some(files) = self.root.and_then(|root| fs::read_dir(root.join("checks")).ok()) {
            let paths = files.filter_map(|file| Some(file.ok()?.path()));
            let own = paths.filter(|path| path.extension().is_some_and(|extension| extension == "toml"));
            names.extend(own.filter_map(|path| Some(path.file_stem()?.to_string_lossy().into_owned())));
        }
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_in_checks_is_built_in() {
        let checks = Path::new(env!("CARGO_MANIFEST_DIR")).join("checks");
        let mut files: Vec<String> = fs::read_dir(checks)
            .unwrap()
            .map(|file| file.unwrap().file_name().into_string().unwrap())
            .collect();
        files.sort_unstable();
        let listed: Vec<String> = BUILT_IN.iter().map(|(name, _)| format!("{name}.toml")).collect();
        assert_eq!(files, listed, "each file needs its line, in order");
    }
}
