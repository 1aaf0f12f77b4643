//! Compiles the rules, so that a broken rule is a broken build and a function that starts only loads
//! them: those in `rules/`, and those in the folder that `AIRLOCK_RULES` names.
//!
//! A deployment's rules are added to the ones that ship: a folder named by mistake must not take protection away. To
//! be without a rule that ships, remove it from `rules/`, where the change is visible and reviewed.

use airlock_engine::{Engine, EngineKind, RuleFile, RulesError};
use std::{
    env, fs,
    path::{Path, PathBuf},
};

fn main() {
    // Cargo shows this line, and fails the build; a script that fails is shown with all its output.
    if let Err(message) = compile() {
        println!("cargo::error={message}");
    }
}

fn compile() -> Result<(), String> {
    println!("cargo::rerun-if-env-changed=AIRLOCK_RULES");
    let mut folders = vec![PathBuf::from("rules")];
    if let Some(own) = env::var_os("AIRLOCK_RULES").filter(|own| !own.is_empty()) {
        // A path that is not absolute starts at this package, whatever folder `cargo` runs in.
        if Path::new(&own).is_relative() {
            return Err(format!("AIRLOCK_RULES is {own:?}: give the folder's absolute path"));
        }
        folders.push(own.into());
    }
    let mut sources = Vec::new();
    for folder in folders {
        println!("cargo::rerun-if-changed={}", folder.display());
        sources.extend(RuleFile::read(&folder).map_err(explained)?);
    }
    let out = PathBuf::from(env::var_os("OUT_DIR").ok_or("Cargo sets OUT_DIR")?);
    for kind in EngineKind::AVAILABLE {
        let engine = Engine::compile(*kind, &sources).map_err(explained)?;
        let artefact = engine.save().map_err(|error| error.to_string())?;
        let path = out.join(format!("rules.{kind}"));
        fs::write(&path, artefact).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(())
}

fn explained(error: RulesError) -> String {
    // One line each: Cargo takes what follows for something else.
    error.to_string().lines().collect::<Vec<_>>().join(" ")
}
