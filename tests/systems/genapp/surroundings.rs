//! What surrounds the application of genapp: its logs, its sources, and the programs that are run on those.

use std::fs::{self, FileTimes, OpenOptions};
use std::time::{Duration, SystemTime};

use crate::standin::Deployed;

/// The programs as name and shell script.
pub(super) fn programs(deployed: &Deployed) -> Vec<(&'static str, String)> {
    let built = if deployed.broken("build_fails") {
        "echo 'Failed to compile.'; exit 1"
    } else {
        "echo ' Compiled successfully'"
    };
    let committed = match () {
        () if deployed.broken("env_committed") => "echo .env.local",
        () if deployed.broken("env_of_production_committed") => "echo .env.production.local",
        () => ":",
    };
    vec![
        ("pnpm", built.to_owned()),
        (
            "git",
            format!("echo 3f2a9c1; echo app/page.tsx; echo .env.example; {committed}"),
        ),
    ]
}

/// The logs and the sources.
pub(super) fn write_files(deployed: &Deployed) {
    let logs = deployed.folder().join("logs");
    let source = deployed.folder().join("source/lib");
    fs::create_dir_all(&logs).unwrap();
    fs::create_dir_all(&source).unwrap();

    let mut server: String = (0..60)
        .map(|at| format!("[Security] Request validated: {{ model: 'flux-dev', width: 1024, n: {at} }}\n"))
        .collect();
    let errors = if deployed.broken("log_full_of_errors") { 30 } else { 1 };
    server += &"ERROR [Security] Generation failed, refunding credits: provider timed out\n".repeat(errors);
    if deployed.broken("limiter_fails_in_log") {
        server += "[Security] Rate limit check failed: window_end is ambiguous\n";
    }
    if deployed.broken("secret_in_log") {
        server += &format!("[Security] service key {}\n", super::key("service_role"));
    }
    if deployed.broken("token_in_log") {
        server += &format!("[Wavespeed] polling with {}\n", super::WAVESPEED_TOKEN);
    }
    fs::write(logs.join("Server_20261121.log"), server).unwrap();
    if !deployed.broken("no_browser_log") {
        let crash = if deployed.broken("browser_crash") {
            "Uncaught TypeError: e is undefined\n"
        } else {
            ""
        };
        let lines = format!("[v0] Header mounted\n[v0] Credits loaded\n{crash}");
        fs::write(logs.join("browser_console_20261121.log"), lines).unwrap();
    }
    if deployed.broken("log_stale") {
        let file = OpenOptions::new()
            .write(true)
            .open(logs.join("Server_20261121.log"))
            .unwrap();
        let yesterday = SystemTime::now() - Duration::from_secs(86_400);
        file.set_times(FileTimes::new().set_modified(yesterday)).unwrap();
    }

    let secret = if deployed.broken("secret_in_sources") {
        "export const db = \"postgres://postgres:hG7kLm2Qx9Vt@db.kqzvhxwmtrblncydpsgf.supabase.co:5432/postgres\"\n"
    } else {
        ""
    };
    let text = format!("export const url = process.env.NEXT_PUBLIC_SUPABASE_URL!\n{secret}");
    fs::write(source.join("supabase.ts"), text).unwrap();
}
