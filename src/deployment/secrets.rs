//! Keeps secrets out of everything that leaves the process.
