//! The providers' own libraries accept what `webhook` signs, and refuse the rest.
//!
//! They come from npm (`make prepare-test`). Where they are not installed these tests are shown as ignored, not as passed.

mod support;

use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};

use libtest_mimic::{Arguments, Failed, Trial};
use support::Project;

const SECRET: &str = "whsec_c21va2UtdGVzdHMtc2VjcmV0LTEyMw==";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/receiver")
}

/// The receiver; it ends when this is dropped, or when this process is gone.
struct Receiver(Child, String);

impl Receiver {
    fn start() -> Self {
        let mut child = Command::new("node")
            .arg("receiver.mjs")
            .current_dir(folder())
            .env("HOOK_SECRET", SECRET)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut port)
            .unwrap();
        Self(child, format!("http://127.0.0.1:{}", port.trim()))
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn accepts_and_refuses(scheme: &str) {
    let suite = format!(
        "[webhook.tried]\npost = \"/{scheme}\"\nscheme = \"{scheme}\"\nsecret = \"{{{{ env.HOOK_SECRET }}}}\"\n\
         expect.json.\"$.received\" = true\n[webhook.tried.json]\ntype = \"customer.subscription.updated\"\n\
         amount = 1.0\nrate = 0.25\ndata.object = {{ name = \"Zoë \\\"Z\\\" 🙂\", items = {{ b = 1, a = 2 }} }}\n"
    );
    let receiver = Receiver::start();
    let run = |secret: &str| Project::http(&receiver.1, &suite).env("HOOK_SECRET", secret).run();
    run(SECRET).exits(0).says(&["1 passed"]);
    run("whsec_YW5vdGhlciBzZWNyZXQ=")
        .exits(1)
        .says(&["it refuses everything"]);
}

#[expect(clippy::print_stderr, reason = "a skipped test is told")]
fn main() -> ExitCode {
    let installed = folder().join("node_modules/.package-lock.json").exists()
        && Command::new("node")
            .arg("--version")
            .output()
            .is_ok_and(|said| said.status.success());
    if !installed {
        eprintln!("webhook_libraries: skipped, the providers' libraries are not installed: see tools/prepare-receiver");
    }
    let trial = |scheme: &'static str| {
        let test = move || -> Result<(), Failed> {
            accepts_and_refuses(scheme);
            Ok(())
        };
        Trial::test(format!("{scheme}_accepts_what_is_signed_and_nothing_else"), test).with_ignored_flag(!installed)
    };
    let schemes = ["stripe", "github", "standard", "svix", "shopify", "nowpayments"];
    libtest_mimic::run(&Arguments::from_args(), schemes.map(trial).into()).exit_code()
}
