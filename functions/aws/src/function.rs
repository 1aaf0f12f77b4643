//! How a function starts: logs, clients, settings, and then its loop.

use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_types::checksum_config::{RequestChecksumCalculation, ResponseChecksumValidation};
use lambda_runtime::{LambdaEvent, service_fn};
use serde::{Serialize, de::DeserializeOwned};
use std::future::Future;

/// One of Airlock's functions: what it needs, made before the first event.
pub trait Function: Sized {
    /// The name of its binary, in metrics and in audit records.
    const NAME: &'static str;

    /// Reads its settings, makes its clients and opens their connections.
    ///
    /// # Errors
    /// When a setting is missing or wrong: the function does not start.
    fn start(aws: &SdkConfig) -> impl Future<Output = anyhow::Result<Self>>;

    /// Works on events until the environment ends.
    ///
    /// # Errors
    /// When the Lambda runtime cannot be reached.
    fn serve(self) -> impl Future<Output = anyhow::Result<()>>;
}

/// Is the function `F` until its environment ends.
///
/// # Errors
/// Those of [`Function::start`] and [`Function::serve`].
pub fn run<F: Function>() -> anyhow::Result<()> {
    airlock_telemetry::init();
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let aws = config().await;
        // On the heap, as the type of a whole function is too deep for the compiler to lay out.
        Box::pin(Box::pin(F::start(&aws)).await?.serve()).await
    })
}

/// Calls `handle` with each event until the environment ends. Its error makes the invocation fail.
///
/// # Errors
/// When the Lambda runtime cannot be reached.
pub async fn on_events<E, A, F>(handle: impl Fn(LambdaEvent<E>) -> F) -> anyhow::Result<()>
where
    E: DeserializeOwned,
    A: Serialize,
    F: Future<Output = anyhow::Result<A>>,
{
    let serve = service_fn(|event| {
        let handled = handle(event);
        async { handled.await.map_err(anyhow::Error::into_boxed_dyn_error) }
    });
    lambda_runtime::run(serve).await.map_err(anyhow::Error::from_boxed)
}

/// What all clients of a function share: region, credentials, and one pool of connections, which every client would
/// otherwise have for itself. The SDK adds no checksums of its own: a checksum in a signature is the caller's or none.
async fn config() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(
            aws_smithy_http_client::Builder::new()
                .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
                .build_https(),
        )
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
        .load()
        .await
}
