//! Applications on machines that this one is not: emulated clusters, and memories that are too
//! small for the data.

#[path = "../cli_support/mod.rs"]
mod cli_support;
mod command;
mod emulation;
mod gpus;
mod out_of_core;
mod support;
