//! The services that the functions use, and what the template puts into them.

use crate::{Endpoints, StackError};
use airlock_local_access::Access;
use airlock_local_dynamodb::DynamoDb;
use airlock_local_s3::{BucketSettings, CorsRule, LifecycleRule, Notification, ObjectCreated, S3};
use airlock_local_sqs::Sqs;
use airlock_local_template::{Bucket, EventSource, Template};
use std::{
    net::Ipv4Addr,
    path::Path,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{net::TcpListener, sync::mpsc::UnboundedReceiver};

/// How often the buckets' lifecycle rules are applied.
const LIFECYCLE_PERIOD: Duration = Duration::from_secs(60);

pub(crate) struct Services {
    pub(crate) s3: S3,
    pub(crate) sqs: Sqs,
    pub(crate) dynamodb: DynamoDb,
}

async fn listener() -> Result<TcpListener, StackError> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.map_err(StackError::io("a free port"))
}

impl Services {
    /// Starts them all at once, each on a free port and with a folder of its own.
    pub(crate) async fn start(
        data: &Path,
        access: &Arc<Access>,
        engine: Option<&str>,
    ) -> Result<(Self, UnboundedReceiver<ObjectCreated>), StackError> {
        let s3 = async {
            Ok::<_, StackError>(S3::start(listener().await?, data.join("s3"), access.clone()).await?)
        };
        let sqs = async {
            Ok::<_, StackError>(Sqs::start(listener().await?, &data.join("sqs"), access.clone()).await?)
        };
        let dynamodb = async {
            let (listener, access) = (listener().await?, access.clone());
            Ok::<_, StackError>(match engine {
                Some(engine) => DynamoDb::in_front_of(engine.to_owned(), listener, access)?,
                None => DynamoDb::start(listener, &data.join("dynamodb"), access).await?,
            })
        };
        let ((s3, created), sqs, dynamodb) = tokio::try_join!(s3, sqs, dynamodb)?;
        Ok((Self { s3, sqs, dynamodb }, created))
    }

    /// Makes the buckets, queues and tables of the template.
    pub(crate) async fn furnish(&self, template: &Template) -> Result<(), StackError> {
        for bucket in &template.buckets {
            self.s3.put_bucket(&bucket.name, settings(bucket, template))?;
        }
        for queue in &template.queues {
            self.sqs.create_queue(&queue.name, &queue.attributes)?;
        }
        for table in &template.tables {
            self.dynamodb.create_table(table.create_request.clone(), table.ttl_attribute.as_deref()).await?;
        }
        Ok(())
    }

    pub(crate) fn endpoints(&self) -> Endpoints {
        Endpoints { s3: self.s3.endpoint(), dynamodb: self.dynamodb.endpoint(), sqs: self.sqs.endpoint() }
    }
}

/// What the template says of a bucket, with the functions that want to know of its objects.
fn settings(bucket: &Bucket, template: &Template) -> BucketSettings {
    let notifications = template.functions.iter().flat_map(|function| {
        function.events.iter().filter_map(|event| match event {
            EventSource::S3 { bucket_name, events, prefix, suffix } if *bucket_name == bucket.name => {
                Some(Notification {
                    target_arn: crate::wiring::arn(function),
                    events: events.clone(),
                    prefix: prefix.clone(),
                    suffix: suffix.clone(),
                })
            }
            _ => None,
        })
    });
    BucketSettings {
        versioned: bucket.versioned,
        cors: bucket
            .cors
            .iter()
            .map(|rule| CorsRule {
                allowed_methods: rule.allowed_methods.clone(),
                allowed_origins: rule.allowed_origins.clone(),
                allowed_headers: rule.allowed_headers.clone(),
                exposed_headers: rule.exposed_headers.clone(),
                max_age: rule.max_age,
            })
            .collect(),
        lifecycle: bucket
            .lifecycle
            .iter()
            .map(|rule| LifecycleRule {
                id: rule.id.clone(),
                enabled: rule.enabled,
                prefix: rule.prefix.clone(),
                expiration_days: rule.expiration_days,
                noncurrent_days: rule.noncurrent_days,
                expired_object_delete_marker: rule.expired_object_delete_marker,
                abort_multipart_days: rule.abort_multipart_days,
            })
            .collect(),
        notifications: notifications.collect(),
        policy: bucket.policy.clone(),
    }
}

/// Applies the lifecycle rules from time to time, until dropped.
pub(crate) async fn expire(s3: S3) {
    let mut ticks = tokio::time::interval(LIFECYCLE_PERIOD);
    loop {
        ticks.tick().await;
        s3.expire(SystemTime::now());
    }
}
