//! The suites of five real systems, each against a stand-in of its system: green on the whole one, and red, with the right
//! check named, for each promise of the checklist that is broken.

#![allow(dead_code, reason = "each stand-in uses its own part")]
#![allow(clippy::result_large_err, reason = "a refusal is an answer, as axum has it")]

#[path = "../support/mod.rs"]
mod support;

mod genapp;
mod masstock;
mod metricx;
mod mvp;
mod standin;
mod whatsdex;
