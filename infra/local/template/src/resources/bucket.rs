//! `AWS::S3::Bucket` and `AWS::S3::BucketPolicy`.

use crate::{Bucket, CorsRule, LifecycleRule, TemplateError, fields::Fields};
use serde_json::Value;

const WITHOUT_EFFECT: &[&str] = &[
    "BucketName",
    "BucketEncryption",
    "OwnershipControls",
    "PublicAccessBlockConfiguration",
    "LoggingConfiguration",
    "Tags",
];

pub(crate) fn read(logical_id: String, name: String, mut fields: Fields) -> Result<Bucket, TemplateError> {
    let mut versioning = fields.mapping("VersioningConfiguration")?;
    let versioned = versioning.string("Status")?.as_deref() == Some("Enabled");
    versioning.finish(&[])?;
    let mut cors = fields.mapping("CorsConfiguration")?;
    let cors_rules = cors.mappings("CorsRules")?.into_iter().map(cors_rule).collect::<Result<_, _>>()?;
    cors.finish(&[])?;
    let mut lifecycle = fields.mapping("LifecycleConfiguration")?;
    let rules = lifecycle.mappings("Rules")?.into_iter().map(lifecycle_rule).collect::<Result<_, _>>()?;
    lifecycle.finish(&[])?;
    fields.finish(WITHOUT_EFFECT)?;
    Ok(Bucket { logical_id, name, versioned, cors: cors_rules, lifecycle: rules, policy: None })
}

fn cors_rule(mut fields: Fields) -> Result<CorsRule, TemplateError> {
    let rule = CorsRule {
        allowed_methods: fields.strings("AllowedMethods")?,
        allowed_origins: fields.strings("AllowedOrigins")?,
        allowed_headers: fields.strings("AllowedHeaders")?,
        exposed_headers: fields.strings("ExposedHeaders")?,
        max_age: fields.number("MaxAge")?,
    };
    fields.finish(&["Id"])?;
    Ok(rule)
}

fn lifecycle_rule(mut fields: Fields) -> Result<LifecycleRule, TemplateError> {
    let mut abort = fields.mapping("AbortIncompleteMultipartUpload")?;
    let abort_multipart_days = abort.number("DaysAfterInitiation")?;
    abort.finish(&[])?;
    let mut noncurrent = fields.mapping("NoncurrentVersionExpiration")?;
    let noncurrent_days = noncurrent.number("NoncurrentDays")?;
    noncurrent.finish(&[])?;
    let rule = LifecycleRule {
        id: fields.string("Id")?,
        enabled: fields.required_string("Status")? == "Enabled",
        prefix: fields.string("Prefix")?,
        expiration_days: fields.number("ExpirationInDays")?,
        noncurrent_days,
        expired_object_delete_marker: fields.boolean("ExpiredObjectDeleteMarker")?.unwrap_or(false),
        abort_multipart_days,
    };
    // CloudFormation, AWS::S3::Bucket Rule: it cannot be specified with ExpirationInDays.
    if rule.expired_object_delete_marker && rule.expiration_days.is_some() {
        let why = "cannot stand beside ExpirationInDays, which removes such markers as well";
        return Err(TemplateError::wrong(&fields.path("ExpiredObjectDeleteMarker"), why));
    }
    fields.finish(&[])?;
    Ok(rule)
}

/// A policy, before it is known which bucket is meant.
pub(crate) struct Policy {
    at: String,
    bucket: String,
    document: Value,
}

impl Policy {
    pub(crate) fn read(mut fields: Fields) -> Result<Self, TemplateError> {
        let policy = Self {
            at: fields.at().to_owned(),
            bucket: fields.required_string("Bucket")?,
            document: fields.required("PolicyDocument")?,
        };
        fields.finish(&[])?;
        Ok(policy)
    }

    pub(crate) fn attach(self, buckets: &mut [Bucket]) -> Result<(), TemplateError> {
        let Self { at, bucket, document } = self;
        let found = buckets.iter_mut().find(|other| other.name == bucket);
        let found = found.ok_or(TemplateError::Reference { at, to: format!("the bucket {bucket}") })?;
        found.policy = Some(document);
        Ok(())
    }
}
