//! Links HiGHS, which scripts/ensure-tools has built and .highs points to. It is not built here:
//! that takes minutes, for every target folder and profile anew.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "the language of build scripts")]

use std::path::Path;

fn main() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../.highs/lib");
    let library = folder.join("libhighs.a");
    println!("cargo:rerun-if-changed={}", library.display());
    println!("cargo:rerun-if-changed=build.rs");
    if !library.is_file() {
        eprintln!(
            "\nThe HiGHS solver is not there yet. Run scripts/ensure-tools (it takes a few minutes \
             the first time on a machine) and build again; every make target does so by itself.\n"
        );
        std::process::exit(1);
    }
    let is_apple = std::env::var("CARGO_CFG_TARGET_VENDOR").is_ok_and(|vendor| vendor == "apple");
    println!("cargo:rustc-link-search=native={}", folder.display());
    println!("cargo:rustc-link-lib=static:-bundle=highs");
    println!("cargo:rustc-link-lib=dylib={}", if is_apple { "c++" } else { "stdc++" });
}
