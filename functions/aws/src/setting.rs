//! Settings of the functions: environment variables, read once at cold start, named when wrong.

use std::{env, fmt, str::FromStr};

/// A setting is missing or wrong; the function does not start.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingError {
    /// The variable is not set, or empty.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// The variable cannot be read.
    #[error("the environment variable {name} is wrong: {why}")]
    Wrong {
        /// Which variable.
        name: &'static str,
        /// What is wrong with it.
        why: String,
    },
}

/// Reads the variable `name`.
///
/// # Errors
/// [`SettingError`] naming the variable when it is not set or cannot be parsed.
pub fn required<T: FromStr<Err: fmt::Display>>(name: &'static str) -> Result<T, SettingError> {
    let text = env::var(name).ok().filter(|text| !text.is_empty()).ok_or(SettingError::Missing(name))?;
    text.parse().map_err(|why: T::Err| SettingError::Wrong { name, why: why.to_string() })
}
