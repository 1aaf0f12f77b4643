//! The end of an execution environment in which an inspection ended badly: anything that its child
//! did to the function's process ends with it. Lambda starts a fresh one for the next event.

use lambda_runtime::{
    LambdaEvent, LambdaInvocation, Runtime,
    layers::TracingLayer,
    service_fn,
    tower::{BoxError, Layer, Service},
};
use serde::{Serialize, de::DeserializeOwned};
use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll},
};

/// Whether this environment is to end.
#[derive(Clone, Debug, Default)]
pub(crate) struct Spent(Arc<AtomicBool>);

impl Spent {
    /// Ends the environment behind its current answer.
    pub(crate) fn set(&self) {
        self.0.store(true, Ordering::SeqCst);
    }

    /// Whether it is.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }

    /// Calls `handle` with each event until the environment ends, or is to end.
    ///
    /// # Errors
    /// When the Lambda runtime cannot be reached, and [`Ended`].
    pub(crate) async fn serve<E, A, F>(self, handle: impl Fn(LambdaEvent<E>) -> F) -> anyhow::Result<()>
    where
        E: DeserializeOwned,
        A: Serialize + 'static,
        F: Future<Output = anyhow::Result<A>> + 'static,
    {
        let serve = service_fn(|event| {
            let handled = handle(event);
            async { handled.await.map_err(anyhow::Error::into_boxed_dyn_error) }
        });
        let runtime = Runtime::new(serve).layer(TracingLayer::new()).layer(self);
        runtime.run().await.map_err(anyhow::Error::from_boxed)
    }
}

/// This environment was ended on purpose.
#[derive(Debug, thiserror::Error)]
#[error("an inspection ended badly, so this environment ends, too")]
pub(crate) struct EndedOnPurpose;

/// Ends the runtime's loop behind the answer of an invocation that spent the environment: before it asks for the
/// next one, so no event is lost.
impl<S> Layer<S> for Spent {
    type Service = EndWhenSpent<S>;

    fn layer(&self, inner: S) -> Self::Service {
        EndWhenSpent { inner, spent: self.clone() }
    }
}

pub(crate) struct EndWhenSpent<S> {
    inner: S,
    spent: Spent,
}

impl<S> Service<LambdaInvocation> for EndWhenSpent<S>
where
    S: Service<LambdaInvocation, Response = (), Error = BoxError>,
    S::Future: 'static,
{
    type Response = ();
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<(), BoxError>>>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, invocation: LambdaInvocation) -> Self::Future {
        let (answered, spent) = (self.inner.call(invocation), self.spent.clone());
        Box::pin(async move {
            answered.await?;
            if spent.is_set() { Err(EndedOnPurpose.into()) } else { Ok(()) }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use lambda_runtime::tower::service_fn;

    fn invocation() -> LambdaInvocation {
        LambdaInvocation {
            parts: http::Response::new(()).into_parts().0,
            body: Default::default(),
            context: Default::default(),
        }
    }

    #[tokio::test]
    async fn the_loop_ends_behind_the_answer_that_spent_the_environment() {
        let spent = Spent::default();
        let answers = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let (mark, count) = (spent.clone(), answers.clone());
        let mut service = spent.layer(service_fn(move |_: LambdaInvocation| {
            let (mark, count) = (mark.clone(), count.clone());
            async move {
                if count.fetch_add(1, Ordering::SeqCst) == 1 {
                    mark.set();
                }
                Ok::<(), BoxError>(())
            }
        }));
        assert!(service.call(invocation()).await.is_ok());
        let ended = service.call(invocation()).await.unwrap_err();
        assert!(ended.is::<EndedOnPurpose>(), "{ended}");
        assert_eq!(answers.load(Ordering::SeqCst), 2, "it was answered first");
    }
}
