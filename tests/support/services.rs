//! The services behind the stack, seen as an administrator sees them.

use super::{World, eventually};
use airlock_local_access::{Call, Principal};
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_s3::config::Credentials;

impl World {
    fn config(&self, endpoint: &str) -> SdkConfig {
        let credentials = &self.stack.ready().credentials;
        let credentials =
            Credentials::new(&credentials.access_key_id, &credentials.secret_access_key, None, None, "test");
        SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.stack.ready().region.clone()))
            .endpoint_url(endpoint)
            .credentials_provider(aws_sdk_s3::config::SharedCredentialsProvider::new(credentials))
            .build()
    }

    /// S3, with every right.
    pub fn s3(&self) -> aws_sdk_s3::Client {
        let config = self.config(&self.stack.ready().endpoints.s3);
        let config = aws_sdk_s3::config::Builder::from(&config).force_path_style(true).build();
        aws_sdk_s3::Client::from_conf(config)
    }

    /// DynamoDB, with every right.
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        aws_sdk_dynamodb::Client::new(&self.config(&self.stack.ready().endpoints.dynamodb))
    }

    /// SQS, with every right.
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        aws_sdk_sqs::Client::new(&self.config(&self.stack.ready().endpoints.sqs))
    }

    /// The calls that a function has made so far, presigned ones not counted: those are the client's.
    pub fn calls_of(&self, function: &str) -> Vec<String> {
        let of = |call: &Call| call.principal == Principal::Function(function.to_owned()) && !call.presigned;
        self.stack.access().calls().into_iter().filter(of).map(|call| call.operation).collect()
    }

    /// The queue of scan requests.
    pub fn scan_queue(&self) -> &str {
        last(&self.stack.ready().queues.scan)
    }

    /// Waits until every scan that was asked for is done.
    pub async fn queue_is_empty(&self) {
        eventually("the queue is empty", || async move {
            let depth = self.stack.sqs().depth(self.scan_queue()).unwrap();
            (depth.visible + depth.in_flight + depth.delayed == 0).then_some(())
        })
        .await;
    }

    /// Where scan requests go that failed again and again.
    pub fn dead_letter_queue(&self) -> &str {
        last(&self.stack.ready().queues.dead_letter)
    }

    /// The keys in a bucket that have bytes: not those that are closed with an empty object.
    pub async fn keys(&self, bucket: &str) -> Vec<String> {
        let listed = self.s3().list_objects_v2().bucket(bucket).send().await.unwrap();
        let full = listed.contents().iter().filter(|object| object.size() != Some(0));
        full.filter_map(|object| object.key().map(str::to_owned)).collect()
    }
}

/// A queue's name in its URL.
fn last(url: &str) -> &str {
    url.rsplit('/').next().unwrap_or_default()
}
