//! What stands around the demo's API: its configuration, its platform's tool, a port for debuggers, and what somebody
//! has verified by hand.

use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use tempfile::TempDir;
use tokio::net::TcpSocket;
use uuid::Uuid;

use super::Var;
use super::accounts::secret;
use super::faults::Twist;

/// Removed on drop.
#[derive(Debug)]
pub(super) struct Surroundings {
    folder: TempDir,
    debug: Debugger,
    twists: Vec<Twist>,
}

/// A port that is ours in either case, so that nobody else can listen there.
#[derive(Debug)]
enum Debugger {
    Off(TcpSocket),
    Listening(TcpListener),
}

/// What the API was started with.
pub(super) struct Configuration<'a> {
    pub(super) jwt_secret: &'a str,
    pub(super) database: Option<&'a str>,
    pub(super) redis: Option<&'a str>,
    pub(super) version: &'a str,
    pub(super) old_version: &'a str,
}

impl Surroundings {
    pub(super) fn new(configuration: &Configuration<'_>, twists: &[Twist]) -> Result<Self, String> {
        Self::create(configuration, twists).map_err(|error| format!("the demo's configuration: {error}"))
    }

    fn create(configuration: &Configuration<'_>, twists: &[Twist]) -> io::Result<Self> {
        let anywhere = SocketAddr::from(([127, 0, 0, 1], 0));
        let debug = if twists.contains(&Twist::DebugPortOpen) {
            Debugger::Listening(TcpListener::bind(anywhere)?)
        } else {
            let socket = TcpSocket::new_v4()?;
            socket.bind(anywhere)?;
            Debugger::Off(socket)
        };
        // Its folder is readable by nobody else.
        let folder = TempDir::with_prefix("smoke-config-")?;
        let around = Self {
            folder,
            debug,
            twists: twists.to_vec(),
        };
        fs::write(
            around.folder.path().join("production.env"),
            around.dotenv(configuration),
        )?;
        fs::write(around.folder.path().join("platform"), around.platform(configuration))?;
        Ok(around)
    }

    fn has(&self, twist: Twist) -> bool {
        self.twists.contains(&twist)
    }

    /// The configuration of the API, as NAME=value lines.
    fn dotenv(&self, configuration: &Configuration<'_>) -> String {
        let key = [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat();
        let webhook = if self.has(Twist::ConfigPlaceholder) {
            "whsec_your_webhook_secret".to_owned()
        } else {
            format!("whsec_{}", secret())
        };
        let lines = [
            ("APP_ENV", Some("production".to_owned())),
            ("LOG_LEVEL", Some("info".to_owned())),
            ("JWT_SECRET", Some(configuration.jwt_secret.to_owned())),
            ("DATABASE_URL", configuration.database.map(str::to_owned)),
            ("REDIS_URL", configuration.redis.map(str::to_owned)),
            ("STRIPE_WEBHOOK_SECRET", Some(webhook)),
            (
                "TOKEN_ENCRYPTION_KEY",
                Some(URL_SAFE.encode(key)).filter(|_| !self.has(Twist::ConfigMissingKey)),
            ),
            (
                "DEV_LOGIN",
                self.has(Twist::ConfigDevLogin)
                    .then(|| "developer:developer".to_owned()),
            ),
        ];
        let set = lines
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}\n", value?)));
        set.collect()
    }

    /// The tool with which one asks the platform what runs: a shell script that knows two commands.
    fn platform(&self, configuration: &Configuration<'_>) -> String {
        let (state, listed) = if self.has(Twist::MachineStopped) {
            ("stopped", "STOPPED")
        } else {
            ("started", "RUNNING")
        };
        let version = configuration.version;
        let second = if self.has(Twist::MachineLeftBehind) {
            configuration.old_version
        } else {
            version
        };
        let machines = serde_json::json!({ "machines": [
            { "name": "api-1", "state": "started", "version": version },
            { "name": "api-2", "state": state, "version": second },
        ] });
        let table = format!("MACHINE  STATE    REGION\\napi-1    RUNNING  fra\\napi-2    {listed}  cdg\\n");
        format!(
            "case \"$1\" in\n  status) printf '%s\\n' '{machines}' ;;\n  ps) printf '{table}' ;;\n  *) exit 64 ;;\nesac\n"
        )
    }

    /// What the suite needs to know.
    pub(super) fn vars(&self) -> Vec<Var> {
        let path = |name: &str| self.folder.path().join(name).display().to_string();
        let address = match &self.debug {
            Debugger::Off(socket) => socket.local_addr(),
            Debugger::Listening(listener) => listener.local_addr(),
        };
        let days: i64 = if self.has(Twist::AttestationExpired) { 400 } else { 30 };
        let today = Timestamp::now().to_zoned(TimeZone::UTC).date();
        let verified = today.saturating_sub(days.days());
        let var = |name: &str, value: String| Var {
            name: name.to_owned(),
            value,
            secret: false,
        };
        vec![
            var("env_file", path("production.env")),
            var("platform", path("platform")),
            var(
                "debug_address",
                address.map_or_else(|_| String::new(), |address| address.to_string()),
            ),
            var("restore_verified", verified.to_string()),
        ]
    }
}
