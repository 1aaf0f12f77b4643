//! What a deployment allows: sizes, types, lifetimes and quotas, from parameters of the template.

use airlock_aws::setting::{SettingError, required};
use airlock_content::policy::Policy;
use airlock_objects::registry::Quotas;
use std::time::Duration;

/// The largest object that one PUT can carry (S3 quotas): 5 GiB.
const MAX_SINGLE_PUT: u64 = 5 << 30;
/// The longest that an upload URL may live: the bucket's policy has the same bound.
const MAX_URL_TTL_SECONDS: u64 = 900;

/// The limits of this deployment.
#[derive(Debug)]
pub(super) struct Limits {
    pub(super) types: Policy,
    pub(super) url_ttl: Duration,
    pub(super) session_ttl: Duration,
    pub(super) quotas: Quotas,
}

impl Limits {
    pub(super) fn from_env() -> Result<Self, SettingError> {
        Ok(Self {
            types: policy(bounded("MAX_UPLOAD_BYTES", MAX_SINGLE_PUT)?)?,
            url_ttl: Duration::from_secs(bounded("UPLOAD_URL_TTL_SECONDS", MAX_URL_TTL_SECONDS)?),
            session_ttl: Duration::from_secs(required("UPLOAD_SESSION_TTL_SECONDS")?),
            quotas: Quotas {
                pending_uploads: required("MAX_PENDING_UPLOADS")?,
                pending_bytes: required("MAX_PENDING_BYTES")?,
                stored_bytes: required("MAX_STORED_BYTES")?,
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

/// The policy of types. Only the template has its largest size as a parameter of its own.
fn policy(max_bytes: u64) -> Result<Policy, SettingError> {
    let name = "ALLOWED_TYPES";
    let text: String = required(name)?;
    Policy::parse(&text, max_bytes).map_err(|why| SettingError::Wrong { name, why: why.to_string() })
}
