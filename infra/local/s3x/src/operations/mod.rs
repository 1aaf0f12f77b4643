//! The operations of S3. The trait of `s3s` wants them in one place; each topic has its file.

mod buckets;
mod copy;
mod multipart;
mod objects;
mod tagging;

use crate::{Backend, ObjectCreated};
use percent_encoding::percent_decode_str;
use s3s::{S3, S3Request, S3Response, S3Result, dto::*};
use std::time::SystemTime;

type Answer<T> = S3Result<S3Response<T>>;

fn ok<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

fn etag(value: &str) -> ETag {
    ETag::Strong(value.to_owned())
}

/// The header `x-amz-tagging`: pairs as in a query.
fn parse_tags(text: Option<&str>) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(key, value)| (decode(key), decode(value)))
        .collect()
}

/// The headers of a request that come back with the object.
macro_rules! headers {
    ($input:expr) => {
        Headers {
            content_type: $input.content_type.clone(),
            content_disposition: $input.content_disposition.clone(),
            content_encoding: $input.content_encoding.clone(),
            cache_control: $input.cache_control.clone(),
            metadata: $input.metadata.clone(),
        }
    };
}
use headers;

/// An object that was created, for its bucket's targets.
struct Created<'a> {
    bucket: &'a str,
    key: &'a str,
    version_id: Option<String>,
    etag: &'a str,
    size: u64,
    sequence: i64,
}

impl Backend {
    fn announce(&self, event: &str, created: Created<'_>) {
        let Ok(settings) = self.store().settings(created.bucket) else { return };
        let targets = settings.notifications.iter().filter(|target| target.wants(event, created.key));
        // Nobody listens any more when the stack stops.
        let _ = self.events.send(ObjectCreated {
            bucket: created.bucket.to_owned(),
            key: created.key.to_owned(),
            version_id: created.version_id,
            etag: created.etag.to_owned(),
            size: created.size,
            event_name: event.to_owned(),
            event_time: SystemTime::now(),
            sequencer: format!("{:016X}", created.sequence),
            target_arns: targets.map(|target| target.target_arn.clone()).collect(),
        });
    }
}

/// Hands each operation of the trait to a function of the same name.
macro_rules! operations {
    ($($module:ident :: $name:ident ($input:ident) -> $output:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Backend {
            $(async fn $name(&self, request: S3Request<$input>) -> Answer<$output> {
                $module::$name(self, request).await
            })*
        }
    };
}

operations! {
    buckets::create_bucket(CreateBucketInput) -> CreateBucketOutput;
    buckets::head_bucket(HeadBucketInput) -> HeadBucketOutput;
    buckets::put_bucket_versioning(PutBucketVersioningInput) -> PutBucketVersioningOutput;
    buckets::get_bucket_versioning(GetBucketVersioningInput) -> GetBucketVersioningOutput;
    buckets::put_bucket_lifecycle_configuration(PutBucketLifecycleConfigurationInput) -> PutBucketLifecycleConfigurationOutput;
    buckets::get_bucket_lifecycle_configuration(GetBucketLifecycleConfigurationInput) -> GetBucketLifecycleConfigurationOutput;
    buckets::put_bucket_cors(PutBucketCorsInput) -> PutBucketCorsOutput;
    buckets::put_bucket_notification_configuration(PutBucketNotificationConfigurationInput) -> PutBucketNotificationConfigurationOutput;
    buckets::put_bucket_policy(PutBucketPolicyInput) -> PutBucketPolicyOutput;
    buckets::get_bucket_policy(GetBucketPolicyInput) -> GetBucketPolicyOutput;
    buckets::delete_bucket_policy(DeleteBucketPolicyInput) -> DeleteBucketPolicyOutput;
    buckets::put_public_access_block(PutPublicAccessBlockInput) -> PutPublicAccessBlockOutput;
    objects::put_object(PutObjectInput) -> PutObjectOutput;
    objects::get_object(GetObjectInput) -> GetObjectOutput;
    objects::head_object(HeadObjectInput) -> HeadObjectOutput;
    objects::delete_object(DeleteObjectInput) -> DeleteObjectOutput;
    objects::list_objects_v2(ListObjectsV2Input) -> ListObjectsV2Output;
    objects::list_object_versions(ListObjectVersionsInput) -> ListObjectVersionsOutput;
    copy::copy_object(CopyObjectInput) -> CopyObjectOutput;
    multipart::create_multipart_upload(CreateMultipartUploadInput) -> CreateMultipartUploadOutput;
    multipart::upload_part(UploadPartInput) -> UploadPartOutput;
    multipart::complete_multipart_upload(CompleteMultipartUploadInput) -> CompleteMultipartUploadOutput;
    multipart::abort_multipart_upload(AbortMultipartUploadInput) -> AbortMultipartUploadOutput;
    tagging::put_object_tagging(PutObjectTaggingInput) -> PutObjectTaggingOutput;
    tagging::get_object_tagging(GetObjectTaggingInput) -> GetObjectTaggingOutput;
}
