//! Where everything is, once it is up: the content of the ready file.

use crate::local_only::secret::LocalSecret;
use airlock_local_access::{Credentials, REGION};
use serde::Serialize;
use std::collections::BTreeMap;

/// Addresses, names and keys of a running stack.
#[derive(Clone, Debug, Serialize)]
pub struct Ready {
    /// Address of the API, without a slash at its end.
    pub api: String,
    /// Address of the issuer of tokens, as in their claim `iss`.
    pub issuer: String,
    /// Addresses of the services.
    pub endpoints: Endpoints,
    /// What opens `/_local` beside the API, in the header `x-airlock-local-secret`.
    pub local_secret: LocalSecret,
    /// The administrator's key.
    pub credentials: AccessKey,
    /// The region for signatures.
    pub region: String,
    /// Names of the buckets.
    pub buckets: Buckets,
    /// Name of the registry table.
    pub table: String,
    /// Addresses of the queues.
    pub queues: Queues,
}

/// Addresses of the services.
#[derive(Clone, Debug, Serialize)]
pub struct Endpoints {
    /// Amazon S3, in path style.
    pub s3: String,
    /// Amazon DynamoDB.
    pub dynamodb: String,
    /// Amazon SQS.
    pub sqs: String,
}

/// A key pair, in clear: it opens nothing but this stack.
#[derive(Clone, Serialize)]
pub struct AccessKey {
    /// The public half.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: String,
}

impl std::fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AccessKey").field("access_key_id", &self.access_key_id).finish_non_exhaustive()
    }
}

/// Names of the buckets.
#[derive(Clone, Debug, Serialize)]
pub struct Buckets {
    /// Where uploads wait.
    pub quarantine: String,
    /// Where downloads come from.
    pub published: String,
}

/// Addresses of the queues.
#[derive(Clone, Debug, Serialize)]
pub struct Queues {
    /// Objects that wait for their scan.
    pub scan: String,
    /// Scans that failed again and again.
    pub dead_letter: String,
}

/// An output that the template lacks.
#[derive(Debug, thiserror::Error)]
#[error("the template has no output {0}")]
pub struct MissingOutput(&'static str);

impl Ready {
    /// Names come from the outputs of the template.
    pub(crate) fn new(
        api: String,
        issuer: String,
        endpoints: Endpoints,
        local_secret: LocalSecret,
        credentials: &Credentials,
        outputs: &BTreeMap<String, String>,
    ) -> Result<Self, MissingOutput> {
        let output = |name: &'static str| outputs.get(name).cloned().ok_or(MissingOutput(name));
        Ok(Self {
            api,
            issuer,
            endpoints,
            local_secret,
            credentials: AccessKey {
                access_key_id: credentials.access_key_id.clone(),
                secret_access_key: credentials.secret_access_key.expose().to_owned(),
            },
            region: REGION.to_owned(),
            buckets: Buckets {
                quarantine: output("QuarantineBucket")?,
                published: output("PublishedBucket")?,
            },
            table: output("RegistryTable")?,
            queues: Queues { scan: output("ScanQueueUrl")?, dead_letter: output("ScanDeadLetterQueueUrl")? },
        })
    }
}
