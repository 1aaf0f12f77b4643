//! Whose key signed a request, and whether it is allowed: once for every operation.

use crate::{
    policy::{Action, Policy},
    signature::{Signature, query_of},
    store::Store,
};
use airlock_local_access::{Access, Call};
use http::{HeaderMap, Uri};
use s3s::{
    S3Request, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{Credentials, S3Auth, SecretKey},
    dto::{CopyObjectInput, CopySource, DeleteObjectsInput, PostObjectInput},
    path::S3Path,
    s3_error,
};
use std::{collections::HashMap, sync::Arc};
use time::OffsetDateTime;

/// What the server knows of a request before `s3s` sees it; it travels in the extensions.
#[derive(Clone)]
pub(crate) struct Caller {
    pub(crate) request_id: String,
    pub(crate) source_ip: String,
    /// `None` when the request has no signature, or has it in a form.
    pub(crate) signature: Option<Signature>,
}

/// The keys, as `s3s` asks for them.
pub(crate) struct Keys(pub(crate) Arc<Access>);

#[async_trait::async_trait]
impl S3Auth for Keys {
    async fn get_secret_key(&self, access_key: &str) -> S3Result<SecretKey> {
        match self.0.secret(access_key) {
            Some(secret) => Ok(SecretKey::from(secret.expose().to_owned())),
            None => Err(s3_error!(
                InvalidAccessKeyId,
                "The AWS Access Key Id you provided does not exist in our records."
            )),
        }
    }
}

/// Decides who may do what.
pub(crate) struct Guard {
    pub(crate) access: Arc<Access>,
    pub(crate) store: Arc<Store>,
}

/// The condition keys a request has, kept for the operations that touch more than one object.
#[derive(Clone)]
struct Conditions(HashMap<&'static str, String>);

impl Guard {
    async fn authorize(
        &self,
        credentials: Option<&Credentials>,
        operation: &str,
        resource: String,
        presigned: bool,
    ) -> S3Result<()> {
        let credentials = credentials.ok_or_else(denied)?;
        let principal = self.access.principal(&credentials.access_key).ok_or_else(denied)?;
        let access_key_id = credentials.access_key.clone();
        let call =
            Call { principal, access_key_id, operation: format!("s3:{operation}"), resource, presigned };
        self.access.authorize(call).await.map_err(|_| denied())
    }

    /// Asks the policy of the bucket, if there is one.
    fn ask_policy(
        &self,
        name: &str,
        bucket: &str,
        key: Option<&str>,
        conditions: &Conditions,
    ) -> S3Result<()> {
        let document = self.store.read(bucket, |bucket| bucket.record.settings.policy.clone());
        // A bucket that does not exist is found out by the operation.
        let Ok(Some(document)) = document else { return Ok(()) };
        let resource = match key {
            Some(key) => format!("arn:aws:s3:::{bucket}/{key}"),
            None => format!("arn:aws:s3:::{bucket}"),
        };
        let action = Action { name, resource: &resource, context: &conditions.0 };
        // It was read when it was set, so it can be read now; if not, nothing is allowed.
        match Policy::read(&document) {
            Ok(policy) if !policy.denies(&action) => Ok(()),
            _ => Err(denied()),
        }
    }
}

#[async_trait::async_trait]
impl S3Access for Guard {
    async fn check(&self, context: &mut S3AccessContext<'_>) -> S3Result<()> {
        let signature = context.extensions_mut().get::<Caller>().and_then(|caller| caller.signature.clone());
        let operation = context.s3_op().name().to_owned();
        // The signature of a form is in the form, and so is the key.
        let is_form = operation == "PostObject";
        let signature = signature.filter(|_| !is_form);
        let conditions = conditions(&operation, context.headers(), signature.as_ref());
        context.extensions_mut().insert(conditions.clone());
        if is_form {
            return Ok(());
        }
        let (bucket, key) = match context.s3_path() {
            S3Path::Root => (None, None),
            S3Path::Bucket { bucket } => (Some(bucket.to_string()), None),
            S3Path::Object { bucket, key } => (Some(bucket.to_string()), Some(key.to_string())),
        };
        let resource = match (&bucket, &key) {
            (Some(bucket), Some(key)) => format!("{bucket}/{key}"),
            (bucket, _) => bucket.clone().unwrap_or_default(),
        };
        let presigned = signature.is_some_and(|signature| signature.presigned);
        self.authorize(context.credentials(), &operation, resource, presigned).await?;
        match bucket {
            None => Ok(()),
            Some(bucket) => {
                self.ask_policy(&action(&operation, context.uri()), &bucket, key.as_deref(), &conditions)
            }
        }
    }

    async fn post_object(&self, request: &mut S3Request<PostObjectInput>) -> S3Result<()> {
        // Only the second version of signatures has no region, and S3 no longer takes it.
        if request.region.is_none() {
            return Err(denied());
        }
        let (bucket, key) = (&request.input.bucket, &request.input.key);
        // Like a signed URL, a signed form can be used by anybody who has it.
        let resource = format!("{bucket}/{key}");
        self.authorize(request.credentials.as_ref(), "PostObject", resource, true).await?;
        self.ask_policy("s3:PutObject", bucket, Some(key), conditions_of(request)?)
    }

    async fn copy_object(&self, request: &mut S3Request<CopyObjectInput>) -> S3Result<()> {
        let CopySource::Bucket { bucket, key, version_id } = &request.input.copy_source else {
            return Ok(());
        };
        let name = if version_id.is_some() { "s3:GetObjectVersion" } else { "s3:GetObject" };
        self.ask_policy(name, bucket, Some(key), conditions_of(request)?)
    }

    async fn delete_objects(&self, request: &mut S3Request<DeleteObjectsInput>) -> S3Result<()> {
        let conditions = conditions_of(request)?;
        for object in &request.input.delete.objects {
            let name = if object.version_id.is_some() { "s3:DeleteObjectVersion" } else { "s3:DeleteObject" };
            self.ask_policy(name, &request.input.bucket, Some(&object.key), conditions)?;
        }
        Ok(())
    }
}

fn denied() -> s3s::S3Error {
    s3_error!(AccessDenied, "Access Denied")
}

fn conditions_of<T>(request: &S3Request<T>) -> S3Result<&Conditions> {
    request.extensions.get().ok_or_else(denied)
}

/// The condition keys of a request
/// (<https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html>).
fn conditions(operation: &str, headers: &HeaderMap, signature: Option<&Signature>) -> Conditions {
    let mut found = HashMap::new();
    // The local stack speaks plain HTTP over loopback, and simulates a service that uses TLS.
    found.insert("aws:securetransport", "true".to_owned());
    let kind = match signature {
        None => "POST",
        Some(Signature { presigned: true, .. }) => "REST-QUERY-STRING",
        Some(_) => "REST-HEADER",
    };
    found.insert("s3:authtype", kind.to_owned());
    for (key, header) in [("s3:if-match", "if-match"), ("s3:if-none-match", "if-none-match")] {
        if let Some(value) = headers.get(header).and_then(|value| value.to_str().ok()) {
            found.insert(key, value.to_owned());
        }
    }
    let creates = ["PutObject", "CopyObject", "PostObject", "CompleteMultipartUpload"].contains(&operation);
    found.insert("s3:objectcreationoperation", creates.to_string());
    if let Some(signature) = signature {
        let age = (OffsetDateTime::now_utc() - signature.time).whole_milliseconds();
        found.insert("s3:signatureage", age.to_string());
    }
    Conditions(found)
}

/// The action that a policy names for an operation, where it is not the operation's own name
/// (<https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-with-s3-policy-actions.html>).
fn action(operation: &str, uri: &Uri) -> String {
    let name = match operation {
        "HeadObject" => "GetObject",
        "ListObjects" | "ListObjectsV2" => "ListBucket",
        "ListObjectVersions" => "ListBucketVersions",
        "ListMultipartUploads" => "ListBucketMultipartUploads",
        "ListParts" => "ListMultipartUploadParts",
        "CopyObject" | "CreateMultipartUpload" | "UploadPart" | "CompleteMultipartUpload" => "PutObject",
        "GetBucketCors" => "GetBucketCORS",
        "PutBucketCors" => "PutBucketCORS",
        "GetBucketLifecycleConfiguration" => "GetLifecycleConfiguration",
        "PutBucketLifecycleConfiguration" => "PutLifecycleConfiguration",
        "PutBucketNotificationConfiguration" => "PutBucketNotification",
        "GetPublicAccessBlock" => "GetBucketPublicAccessBlock",
        "PutPublicAccessBlock" => "PutBucketPublicAccessBlock",
        other => other,
    };
    let versioned = ["GetObject", "DeleteObject", "GetObjectTagging", "PutObjectTagging"];
    if !versioned.contains(&name) || query_of(uri, "versionId").is_none() {
        return format!("s3:{name}");
    }
    match name.strip_suffix("Tagging") {
        Some(start) => format!("s3:{start}VersionTagging"),
        None => format!("s3:{name}Version"),
    }
}
