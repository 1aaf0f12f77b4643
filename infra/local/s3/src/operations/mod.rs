//! The operations of S3, each from its request to its answer.

mod buckets;
mod copy;
mod list;
mod multipart;
mod objects;
mod properties;
mod read;
mod rules;
mod tagging;
mod uploads;

use crate::{
    auth::Caller,
    store::{Cause, Store, record::Version},
};
use s3s::{
    S3, S3Request, S3Response, S3Result,
    dto::{self, *},
    s3_error,
};
use std::sync::Arc;

/// What `s3s` calls.
pub(crate) struct Front {
    store: Arc<Store>,
}

impl Front {
    pub(crate) fn new(store: Arc<Store>) -> Self {
        Self { store }
    }
}

type Answer<T> = S3Result<S3Response<T>>;

fn answer<T>(output: T) -> Answer<T> {
    Ok(S3Response::new(output))
}

/// Names the function that does each operation: with the store and the whole request.
macro_rules! front {
    ($($operation:ident: $input:ident -> $output:ident = $module:ident;)*) => {
        #[async_trait::async_trait]
        impl S3 for Front {
            $(async fn $operation(&self, request: S3Request<$input>) -> Answer<$output> {
                $module::$operation(&self.store, request).await
            })*
        }
    };
}

front! {
    list_buckets: ListBucketsInput -> ListBucketsOutput = buckets;
    create_bucket: CreateBucketInput -> CreateBucketOutput = buckets;
    delete_bucket: DeleteBucketInput -> DeleteBucketOutput = buckets;
    get_bucket_versioning: GetBucketVersioningInput -> GetBucketVersioningOutput = buckets;
    put_bucket_versioning: PutBucketVersioningInput -> PutBucketVersioningOutput = buckets;
    get_bucket_policy: GetBucketPolicyInput -> GetBucketPolicyOutput = buckets;
    put_bucket_policy: PutBucketPolicyInput -> PutBucketPolicyOutput = buckets;
    delete_bucket_policy: DeleteBucketPolicyInput -> DeleteBucketPolicyOutput = buckets;
    get_public_access_block: GetPublicAccessBlockInput -> GetPublicAccessBlockOutput = buckets;
    put_public_access_block: PutPublicAccessBlockInput -> PutPublicAccessBlockOutput = buckets;

    get_bucket_cors: GetBucketCorsInput -> GetBucketCorsOutput = rules;
    put_bucket_cors: PutBucketCorsInput -> PutBucketCorsOutput = rules;
    get_bucket_lifecycle_configuration:
        GetBucketLifecycleConfigurationInput -> GetBucketLifecycleConfigurationOutput = rules;
    put_bucket_lifecycle_configuration:
        PutBucketLifecycleConfigurationInput -> PutBucketLifecycleConfigurationOutput = rules;
    put_bucket_notification_configuration:
        PutBucketNotificationConfigurationInput -> PutBucketNotificationConfigurationOutput = rules;

    list_objects_v2: ListObjectsV2Input -> ListObjectsV2Output = list;
    list_object_versions: ListObjectVersionsInput -> ListObjectVersionsOutput = list;

    put_object: PutObjectInput -> PutObjectOutput = objects;
    delete_object: DeleteObjectInput -> DeleteObjectOutput = objects;
    delete_objects: DeleteObjectsInput -> DeleteObjectsOutput = objects;
    get_object: GetObjectInput -> GetObjectOutput = read;
    head_object: HeadObjectInput -> HeadObjectOutput = read;
    copy_object: CopyObjectInput -> CopyObjectOutput = copy;
    get_object_tagging: GetObjectTaggingInput -> GetObjectTaggingOutput = tagging;
    put_object_tagging: PutObjectTaggingInput -> PutObjectTaggingOutput = tagging;

    create_multipart_upload: CreateMultipartUploadInput -> CreateMultipartUploadOutput = multipart;
    upload_part: UploadPartInput -> UploadPartOutput = multipart;
    complete_multipart_upload:
        CompleteMultipartUploadInput -> CompleteMultipartUploadOutput = multipart;
    abort_multipart_upload: AbortMultipartUploadInput -> AbortMultipartUploadOutput = multipart;
    list_multipart_uploads: ListMultipartUploadsInput -> ListMultipartUploadsOutput = uploads;
    list_parts: ListPartsInput -> ListPartsOutput = uploads;
}

/// What an event tells of a request.
fn cause<T>(request: &S3Request<T>, event_name: &'static str) -> S3Result<Cause> {
    let caller = request.extensions.get::<Caller>().ok_or_else(|| s3_error!(AccessDenied))?;
    let credentials = request.credentials.as_ref().ok_or_else(|| s3_error!(AccessDenied))?;
    Ok(Cause {
        event_name,
        request_id: caller.request_id.clone(),
        source_ip: caller.source_ip.clone(),
        access_key_id: credentials.access_key.clone(),
    })
}

fn etag(value: &str) -> Option<ETag> {
    Some(ETag::Strong(value.to_owned()))
}

fn size(bytes: u64) -> Option<i64> {
    i64::try_from(bytes).ok()
}

fn modified(version: &Version) -> Option<Timestamp> {
    Some(version.modified.into())
}

fn owner() -> dto::Owner {
    let id = Some(airlock_local_access::ACCOUNT.to_owned());
    dto::Owner { display_name: None, id }
}
