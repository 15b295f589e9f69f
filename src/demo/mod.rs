//! A small deployment to try smoke on: real servers on loopback, which the binary itself starts.

pub mod servers;
