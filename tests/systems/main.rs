//! The suites of five real systems, each against a stand-in of its system: green on the whole one, and red, with the right
//! check named, for each promise of the checklist that is broken.

#![allow(dead_code, reason = "each stand-in uses its own part")]

#[path = "../support/mod.rs"]
mod support;

mod metricx;
mod genapp;
mod masstock;
mod mvp;
mod standin;
mod whatsdex;
