//! The crate `yara` without this crate around it, and without fast mode: what that mode brings.

use airlock_engine::RuleFile;
use std::error::Error;
use yara::{Compiler, Rules, ScanFlags, Scanner};

const TEXTS: [(&str, &str); 3] = [("filename", "x"), ("extension", ""), ("declared_type", "application/zip")];

/// Compiled rules, as bytes.
pub(crate) fn compile(sources: &[RuleFile]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut compiler = Compiler::new()?;
    for (name, value) in TEXTS {
        compiler.define_variable(name, value)?;
    }
    compiler.define_variable("size", 0_i64)?;
    for source in sources {
        compiler = compiler.add_rules_str(&source.text)?;
    }
    let mut bytes = Vec::new();
    compiler.compile_rules()?.save_to_stream(&mut bytes)?;
    Ok(bytes)
}

/// Keeps every match.
pub(crate) fn scanner(rules: &Rules) -> Result<Scanner<'_>, yara::YaraError> {
    let mut scanner = rules.scanner()?;
    scanner.set_flags(ScanFlags::REPORT_RULES_MATCHING);
    scanner.set_timeout(600);
    Ok(scanner)
}
