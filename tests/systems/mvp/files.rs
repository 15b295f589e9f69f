//! The files of mvp: the front end's variables, and a few sources.

use std::fs;

use crate::standin::Deployed;

/// Writes them into the deployment's folder.
pub(super) fn write(deployed: &Deployed) {
    let folder = deployed.folder();
    let sources = folder.join("sources");
    fs::create_dir_all(sources.join("backend")).unwrap();
    fs::write(sources.join(".env.production"), front_end(deployed)).unwrap();
    let key = if deployed.broken("secret_in_the_sources") {
        "\"sk_live_9fK2mX7cQ4vB8nR1tY6wZ3hL\""
    } else {
        "os.environ[\"STRIPE_SECRET_KEY\"]"
    };
    fs::write(sources.join("backend/payments.py"), format!("stripe.api_key = {key}\n")).unwrap();
    fs::write(
        sources.join("README.md"),
        "Set STRIPE_SECRET_KEY=sk_live_your_stripe_secret.\n",
    )
    .unwrap();
}

/// `.env.production`
fn front_end(deployed: &Deployed) -> String {
    let key = if deployed.broken("front_end_has_an_example") {
        "your-firebase-api-key"
    } else {
        "AIzaSyD-0123456789abcdefghijklmnopqrstu"
    };
    let api = if deployed.broken("front_end_set_to_localhost") {
        "http://localhost:8000"
    } else {
        "https://your-api-domain.fly.dev"
    };
    format!(
        "VITE_FIREBASE_API_KEY={key}\n\
         VITE_FIREBASE_AUTH_DOMAIN=avatar-studio.firebaseapp.com\n\
         VITE_FIREBASE_PROJECT_ID=avatar-studio\n\
         VITE_FIREBASE_STORAGE_BUCKET=avatar-studio.appspot.com\n\
         VITE_FIREBASE_MESSAGING_SENDER_ID=846120357194\n\
         VITE_FIREBASE_APP_ID=1:846120357194:web:9b3f0c2d7e6a51\n\
         VITE_API_BASE_URL={api}\n\
         VITE_STRIPE_PUBLISHABLE_KEY=pk_live_51H8xKQ2mTz\n\
         VITE_SENTRY_DSN=https://{}@o1.ingest.sentry.io/42\n",
        super::SENTRY_KEY
    )
}
