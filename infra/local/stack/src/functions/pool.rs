//! The execution environments of one function: started when needed, kept warm, never more than
//! its concurrency.

use super::{
    Blueprint, PAYLOAD_LIMIT, WhenBusy,
    environment::{Environment, Invoked},
    error::InvokeError,
    processes::{Processes, SharedReaper},
};
use axum::body::Bytes;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Semaphore, SemaphorePermit, TryAcquireError};

/// How many processes a function may have that reserves no concurrency. An account on AWS has
/// 1,000 for all; a laptop has not, so invocations beyond these wait instead of being refused.
const UNRESERVED: usize = 10;

pub(crate) struct Pool {
    blueprint: Blueprint,
    permits: Semaphore,
    idle: Mutex<Vec<Environment>>,
    processes: Arc<Processes>,
}

impl Pool {
    pub(super) fn new(blueprint: Blueprint, reaper: SharedReaper) -> Arc<Self> {
        let permits = Semaphore::new(blueprint.reserved.unwrap_or(UNRESERVED));
        Arc::new(Self { blueprint, permits, idle: Mutex::default(), processes: Processes::new(reaper) })
    }

    pub(crate) fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    pub(super) async fn invoke(&self, event: Bytes, when_busy: WhenBusy) -> Result<Bytes, InvokeError> {
        if event.len() > PAYLOAD_LIMIT {
            return Err(InvokeError::TooLarge(event.len()));
        }
        let _permit = self.permit(when_busy).await?;
        match self.work(event).await {
            Err(_) if self.permits.is_closed() => Err(InvokeError::Stopping),
            outcome => outcome,
        }
    }

    /// Has an environment work on the event, and keeps it if it can take another one.
    async fn work(&self, event: Bytes) -> Result<Bytes, InvokeError> {
        loop {
            let warm = self.warm().await;
            let was_warm = warm.is_some();
            let mut environment = match warm {
                Some(environment) => environment,
                None => Environment::start(&self.blueprint, &self.processes).await?,
            };
            match environment.invoke(&self.blueprint, event.clone()).await {
                Invoked::Answered(outcome) => {
                    self.rest(environment);
                    return Ok(outcome?);
                }
                // As if it had ended a moment earlier, when it would not have been chosen.
                Invoked::Untouched(_) if was_warm => {}
                Invoked::Untouched(error) | Invoked::Ended(error) => return Err(error.into()),
            }
        }
    }

    async fn permit(&self, when_busy: WhenBusy) -> Result<SemaphorePermit<'_>, InvokeError> {
        if when_busy == WhenBusy::Wait || self.blueprint.reserved.is_none() {
            return self.permits.acquire().await.map_err(|_| InvokeError::Stopping);
        }
        self.permits.try_acquire().map_err(|error| match error {
            TryAcquireError::NoPermits => InvokeError::Throttled(self.blueprint.logical_id.clone()),
            TryAcquireError::Closed => InvokeError::Stopping,
        })
    }

    /// A warm environment whose process asks for an event. One that ended after its last answer, as a
    /// process may, is given up here and costs no event.
    async fn warm(&self) -> Option<Environment> {
        loop {
            let mut environment = self.idle().pop()?;
            if environment.asks_again(&self.blueprint).await {
                return Some(environment);
            }
        }
    }

    /// Keeps an environment for the next event, unless the stack is stopping.
    fn rest(&self, environment: Environment) {
        let mut idle = self.idle();
        // Checked under the lock, under which a stop takes the idle ones.
        if !self.permits.is_closed() {
            idle.push(environment);
        }
    }

    pub(super) fn processes(&self) -> Vec<u32> {
        self.processes.ids()
    }

    /// Kills all processes and refuses further invocations.
    pub(super) fn kill(&self) {
        self.permits.close();
        self.processes.kill();
    }

    /// Kills all processes and waits until none is left.
    pub(super) async fn stop(&self) {
        self.kill();
        let idle = std::mem::take(&mut *self.idle());
        for mut environment in idle {
            environment.end().await;
        }
        // Those at work see their process end, and give it up.
        self.processes.ended().await;
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Environment>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
