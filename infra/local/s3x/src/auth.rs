//! Whose key it is, and whether the call is allowed: asked once for each request.

use crate::{
    Backend,
    policy::{Asked, denies},
};
use airlock_local_access::{Access, Call};
use s3s::{
    S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    path::S3Path,
    s3_error,
};
use std::{collections::HashMap, sync::Arc};
use time::{OffsetDateTime, PrimitiveDateTime, macros::format_description};

/// The keys of the stack.
pub(crate) struct Keys(pub(crate) Arc<Access>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        let secret = self.0.secret(access_key).ok_or_else(|| s3_error!(InvalidAccessKeyId))?;
        Ok(SecretKey::from(secret.expose().to_owned()))
    }
}

/// The door: policies, the record of calls, and the holds on them.
pub(crate) struct Gate {
    pub(crate) access: Arc<Access>,
    pub(crate) backend: Backend,
}

#[async_trait::async_trait]
impl S3Access for Gate {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        let operation = request.s3_op().name();
        let credentials = request.credentials().ok_or_else(|| s3_error!(AccessDenied, "Access Denied"))?;
        let principal = self.access.principal(&credentials.access_key);
        let principal = principal.ok_or_else(|| s3_error!(InvalidAccessKeyId))?;
        let resource = match request.s3_path() {
            S3Path::Root => String::new(),
            S3Path::Bucket { bucket } => bucket.to_string(),
            S3Path::Object { bucket, key } => format!("{bucket}/{key}"),
        };
        self.check_policy(request, operation, &resource)?;
        let presigned = query(request, "X-Amz-Signature").is_some();
        let call = Call { principal, operation: format!("s3:{operation}"), resource, presigned };
        self.access.authorize(call).await.map_err(|_| s3_error!(AccessDenied, "Access Denied"))
    }
}

impl Gate {
    fn check_policy(&self, request: &S3AccessContext<'_>, operation: &str, resource: &str) -> S3Result<()> {
        let Some(bucket) = resource.split('/').next().filter(|bucket| !bucket.is_empty()) else {
            return Ok(());
        };
        // A bucket that is not there is the operation's error.
        let Ok(settings) = self.backend.store().settings(bucket) else { return Ok(()) };
        let Some(policy) = settings.policy else { return Ok(()) };
        let asked = Asked {
            action: action(operation),
            resource: &format!("arn:aws:s3:::{resource}"),
            context: context(request),
        };
        if denies(&policy, &asked) { Err(s3_error!(AccessDenied, "Access Denied")) } else { Ok(()) }
    }
}

/// The IAM action that an API operation needs (Service Authorization Reference, Amazon S3).
fn action(operation: &str) -> &'static str {
    match operation {
        "GetObject" | "HeadObject" => "s3:GetObject",
        "PutObject"
        | "CopyObject"
        | "CreateMultipartUpload"
        | "UploadPart"
        | "CompleteMultipartUpload"
        | "PostObject" => "s3:PutObject",
        "DeleteObject" | "DeleteObjects" => "s3:DeleteObject",
        "ListObjects" | "ListObjectsV2" | "HeadBucket" => "s3:ListBucket",
        "PutObjectTagging" => "s3:PutObjectTagging",
        "GetObjectTagging" => "s3:GetObjectTagging",
        _ => "s3:Other",
    }
}

fn query<'a>(request: &'a S3AccessContext<'_>, name: &str) -> Option<&'a str> {
    let pairs = request.uri().query()?.split('&').filter_map(|pair| pair.split_once('='));
    pairs.into_iter().find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn context(request: &S3AccessContext<'_>) -> HashMap<&'static str, String> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let mut context = HashMap::new();
    context.extend(header("if-none-match").map(|value| ("s3:if-none-match", value.to_owned())));
    let signed_at = query(request, "X-Amz-Date").or_else(|| header("x-amz-date")).and_then(|date| {
        let format = format_description!("[year][month][day]T[hour][minute][second]Z");
        PrimitiveDateTime::parse(date, format).ok()
    });
    context.extend(signed_at.map(|signed_at| {
        let age = OffsetDateTime::now_utc() - signed_at.assume_utc();
        ("s3:signatureage", age.whole_milliseconds().to_string())
    }));
    context
}
