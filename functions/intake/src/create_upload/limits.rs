//! What a deployment allows: sizes, types, lifetimes and quotas, from parameters of the template.

use airlock_objects::setting::{SettingError, required};
use std::{str::FromStr, time::Duration};

/// The largest object that one PUT can carry (S3 quotas): 5 GiB.
const MAX_SINGLE_PUT: u64 = 5 << 30;
/// The longest that an upload URL may live: the same bound stands in the bucket's policy.
const MAX_URL_TTL_SECONDS: u64 = 900;

/// The limits of this deployment.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) max_bytes: u64,
    pub(super) types: AllowedTypes,
    pub(super) url_ttl: Duration,
    pub(super) session_ttl: Duration,
    pub(super) quotas: Quotas,
}

/// What one tenant may have.
#[derive(Debug)]
pub(super) struct Quotas {
    pub(super) pending_uploads: u64,
    pub(super) pending_bytes: u64,
    pub(super) held_bytes: u64,
    pub(super) uploads_per_minute: u64,
}

impl Limits {
    pub(super) fn from_env() -> Result<Self, SettingError> {
        Ok(Self {
            max_bytes: bounded("MAX_UPLOAD_BYTES", MAX_SINGLE_PUT)?,
            types: required("ALLOWED_TYPES")?,
            url_ttl: Duration::from_secs(bounded("UPLOAD_URL_TTL_SECONDS", MAX_URL_TTL_SECONDS)?),
            session_ttl: Duration::from_secs(required("UPLOAD_SESSION_TTL_SECONDS")?),
            quotas: Quotas {
                pending_uploads: required("MAX_PENDING_UPLOADS")?,
                pending_bytes: required("MAX_PENDING_BYTES")?,
                held_bytes: required("MAX_STORED_BYTES")?,
                uploads_per_minute: required("MAX_UPLOADS_PER_MINUTE")?,
            },
        })
    }
}

fn bounded(name: &'static str, max: u64) -> Result<u64, SettingError> {
    match required(name)? {
        value if (1..=max).contains(&value) => Ok(value),
        value => Err(SettingError::Wrong { name, why: format!("{value} is not within 1 to {max}") }),
    }
}

/// The media types that a deployment takes: `default`, or a list.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum AllowedTypes {
    /// All that Airlock knows how to check.
    Default,
    /// Only these.
    Only(Vec<String>),
}

impl AllowedTypes {
    pub(super) fn allow(&self, essence: &str) -> bool {
        match self {
            Self::Default => true,
            Self::Only(names) => names.iter().any(|name| name == essence),
        }
    }
}

impl FromStr for AllowedTypes {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "default" {
            return Ok(Self::Default);
        }
        let names: Vec<String> = text.split(',').map(|name| name.trim().to_owned()).collect();
        match names.iter().find(|name| airlock_content::media_types::lookup(name).is_none()) {
            Some(unknown) => Err(format!("{unknown:?} is not a media type that can be checked")),
            None => Ok(Self::Only(names)),
        }
    }
}
