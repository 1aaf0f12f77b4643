//! Buckets and who may use them.

use super::{Answer, answer, owner};
use crate::{
    policy::{Policy, PolicyError},
    refusal::refusal,
    store::{Store, record::PublicAccessBlock},
};
use airlock_local_access::REGION;
use s3s::{S3Request, S3Response, dto::*, s3_error};

pub(super) async fn list_buckets(
    store: &Store,
    request: S3Request<ListBucketsInput>,
) -> Answer<ListBucketsOutput> {
    let prefix = request.input.prefix.unwrap_or_default();
    let buckets = store.buckets().into_iter().filter(|(name, _)| name.starts_with(&prefix));
    let buckets = buckets.map(|(name, created)| Bucket {
        name: Some(name),
        creation_date: Some(created.into()),
        bucket_region: Some(REGION.to_owned()),
    });
    answer(ListBucketsOutput { buckets: Some(buckets.collect()), owner: Some(owner()), ..Default::default() })
}

pub(super) async fn create_bucket(
    store: &Store,
    request: S3Request<CreateBucketInput>,
) -> Answer<CreateBucketOutput> {
    store.create_bucket(&request.input.bucket)?;
    let location = Some(format!("/{}", request.input.bucket));
    answer(CreateBucketOutput { location })
}

pub(super) async fn delete_bucket(
    store: &Store,
    request: S3Request<DeleteBucketInput>,
) -> Answer<DeleteBucketOutput> {
    store.delete_bucket(&request.input.bucket)?;
    Ok(S3Response::with_status(DeleteBucketOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(super) async fn get_bucket_versioning(
    store: &Store,
    request: S3Request<GetBucketVersioningInput>,
) -> Answer<GetBucketVersioningOutput> {
    let status = store.read(&request.input.bucket, |bucket| {
        match (bucket.record.settings.versioned, bucket.record.was_versioned) {
            (true, _) => Some(BucketVersioningStatus::ENABLED),
            (false, true) => Some(BucketVersioningStatus::SUSPENDED),
            (false, false) => None,
        }
    })?;
    let status = status.map(BucketVersioningStatus::from_static);
    answer(GetBucketVersioningOutput { status, ..Default::default() })
}

pub(super) async fn put_bucket_versioning(
    store: &Store,
    request: S3Request<PutBucketVersioningInput>,
) -> Answer<PutBucketVersioningOutput> {
    let status = request.input.versioning_configuration.status;
    let versioned = match status.as_ref().map(BucketVersioningStatus::as_str) {
        Some(BucketVersioningStatus::ENABLED) => true,
        Some(BucketVersioningStatus::SUSPENDED) => false,
        _ => return Err(s3_error!(IllegalVersioningConfigurationException)),
    };
    store.change_bucket(&request.input.bucket, |record| record.settings.versioned = versioned)?;
    answer(PutBucketVersioningOutput::default())
}

pub(super) async fn get_bucket_policy(
    store: &Store,
    request: S3Request<GetBucketPolicyInput>,
) -> Answer<GetBucketPolicyOutput> {
    let policy = store.read(&request.input.bucket, |bucket| bucket.record.settings.policy.clone())?;
    let policy = policy.ok_or_else(|| s3_error!(NoSuchBucketPolicy, "The bucket policy does not exist"))?;
    answer(GetBucketPolicyOutput { policy: Some(policy.to_string()) })
}

pub(super) async fn put_bucket_policy(
    store: &Store,
    request: S3Request<PutBucketPolicyInput>,
) -> Answer<PutBucketPolicyOutput> {
    let document = serde_json::from_str(&request.input.policy)
        .map_err(|_| s3_error!(MalformedPolicy, "Policies must be valid JSON"))?;
    Policy::read(&document).map_err(|error| match error {
        PolicyError::Malformed(_) => s3_error!(MalformedPolicy, "{error}"),
        PolicyError::Unsupported(_) => s3_error!(NotImplemented, "{error}"),
    })?;
    store.change_bucket(&request.input.bucket, |record| record.settings.policy = Some(document))?;
    Ok(S3Response::with_status(PutBucketPolicyOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(super) async fn delete_bucket_policy(
    store: &Store,
    request: S3Request<DeleteBucketPolicyInput>,
) -> Answer<DeleteBucketPolicyOutput> {
    store.change_bucket(&request.input.bucket, |record| record.settings.policy = None)?;
    Ok(S3Response::with_status(DeleteBucketPolicyOutput::default(), http::StatusCode::NO_CONTENT))
}

pub(super) async fn get_public_access_block(
    store: &Store,
    request: S3Request<GetPublicAccessBlockInput>,
) -> Answer<GetPublicAccessBlockOutput> {
    let block = store.read(&request.input.bucket, |bucket| bucket.record.public_access_block)?;
    let block = block.ok_or_else(|| {
        let message = "The public access block configuration was not found";
        refusal(http::StatusCode::NOT_FOUND, "NoSuchPublicAccessBlockConfiguration", message)
    })?;
    let configuration = PublicAccessBlockConfiguration {
        block_public_acls: Some(block.block_public_acls),
        ignore_public_acls: Some(block.ignore_public_acls),
        block_public_policy: Some(block.block_public_policy),
        restrict_public_buckets: Some(block.restrict_public_buckets),
    };
    answer(GetPublicAccessBlockOutput { public_access_block_configuration: Some(configuration) })
}

pub(super) async fn put_public_access_block(
    store: &Store,
    request: S3Request<PutPublicAccessBlockInput>,
) -> Answer<PutPublicAccessBlockOutput> {
    let configuration = request.input.public_access_block_configuration;
    let block = PublicAccessBlock {
        block_public_acls: configuration.block_public_acls.unwrap_or_default(),
        ignore_public_acls: configuration.ignore_public_acls.unwrap_or_default(),
        block_public_policy: configuration.block_public_policy.unwrap_or_default(),
        restrict_public_buckets: configuration.restrict_public_buckets.unwrap_or_default(),
    };
    store.change_bucket(&request.input.bucket, |record| record.public_access_block = Some(block))?;
    answer(PutPublicAccessBlockOutput::default())
}
