//! Who calls the local services, and what they may do.
//!
//! Every function of the stack signs with a key of its own. The services ask this crate whose key
//! it is, whether the signature is right ([`signature`]), and whether the call is allowed
//! ([`Access::authorize`]). It records each call, so that a test can count what a request costs. It can
//! hold calls, so that a test stops a function at an exact step, or runs several of its
//! processes call by call.

mod gate;
mod hold;
mod listener;
pub mod signature;

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

pub use gate::{Gate, Standing};
pub use hold::Hold;
pub use listener::without_delay;

/// The region of the local stack.
pub const REGION: &str = "us-east-1";
/// The account of the local stack.
pub const ACCOUNT: &str = "000000000000";

/// Who owns an access key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The operator of the local stack: its own wiring, tests, a developer's shell.
    Administrator,
    /// A function, by its logical id in template.yaml.
    Function(String),
}

/// A secret access key. It has no `Display`, and `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// The secret itself, for signing.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(redacted)")
    }
}

/// A key pair that signs requests.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The public half, as signatures name it.
    pub access_key_id: String,
    /// The secret half.
    pub secret_access_key: Secret,
}

/// One call to a service, as it was authorised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// Whose key signed it.
    pub principal: Principal,
    /// Which key: each process of a function has one of its own, so this tells them apart.
    pub access_key_id: String,
    /// Service and API operation, such as `s3:HeadObject` or `dynamodb:TransactWriteItems`.
    pub operation: String,
    /// What it touches: `bucket/key`, a table name, a queue name.
    pub resource: String,
    /// True when the URL held the signature: the caller is then the holder of that URL.
    pub presigned: bool,
}

/// The call is not allowed by the caller's or the resource's policy. The services answer it as AWS does, so that
/// policies can be enforced in one place, [`Access::authorize`].
#[derive(Debug, thiserror::Error)]
#[error("{principal:?} is not authorized to perform {operation} on {resource}")]
pub struct Denied {
    /// Who asked.
    pub principal: Principal,
    /// For what.
    pub operation: String,
    /// On what.
    pub resource: String,
}

/// The keys of the stack, the record of calls, and the holds and gates on them.
#[derive(Default)]
pub struct Access {
    keys: Mutex<HashMap<String, (Secret, Principal)>>,
    calls: Mutex<Vec<Call>>,
    holds: Mutex<Vec<Arc<hold::Waiting>>>,
    gates: Mutex<Vec<Arc<gate::Door>>>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Access {
    /// An empty register of keys.
    pub fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Makes a fresh key pair for `principal`.
    pub fn issue(&self, principal: Principal) -> Credentials {
        let random = || uuid::Uuid::new_v4().simple().to_string();
        let credentials = Credentials {
            access_key_id: format!("AKIA{}", &random()[..16].to_uppercase()),
            secret_access_key: Secret(format!("{}{}", random(), &random()[..8])),
        };
        lock(&self.keys)
            .insert(credentials.access_key_id.clone(), (credentials.secret_access_key.clone(), principal));
        credentials
    }

    /// The secret of a key, or `None` if no such key was issued.
    pub fn secret(&self, access_key_id: &str) -> Option<Secret> {
        lock(&self.keys).get(access_key_id).map(|(secret, _)| secret.clone())
    }

    /// Who owns a key.
    pub fn principal(&self, access_key_id: &str) -> Option<Principal> {
        lock(&self.keys).get(access_key_id).map(|(_, principal)| principal.clone())
    }

    /// Records `call`, waits while a test holds it, and says whether it is allowed.
    ///
    /// # Errors
    /// [`Denied`] when a policy forbids it. Nothing evaluates the policies of roles yet: this allows every signed
    /// call, and is the place where they will be evaluated. Bucket policies are enforced by the local S3.
    pub async fn authorize(&self, call: Call) -> Result<(), Denied> {
        lock(&self.calls).push(call.clone());
        // It joins the line under the lock, or a gate that is removed in between would never let it go.
        let waiting = {
            let gates = lock(&self.gates);
            gates.iter().find(|gate| gate.catches(&call)).map(|gate| gate.arrive(&call))
        };
        if let Some(waiting) = waiting {
            waiting.wait().await;
        }
        let holding = lock(&self.holds).iter().find(|hold| hold.catches(&call)).cloned();
        if let Some(hold) = holding {
            hold.wait().await;
        }
        Ok(())
    }

    /// Every call so far, oldest first.
    pub fn calls(&self) -> Vec<Call> {
        lock(&self.calls).clone()
    }

    /// Holds every later call of `principal` to `operation` until the returned guard is released
    /// or dropped.
    pub fn hold(self: &Arc<Self>, principal: Principal, operation: &str) -> Hold {
        let waiting = Arc::new(hold::Waiting::new(principal, operation.to_owned()));
        lock(&self.holds).push(waiting.clone());
        Hold::new(self.clone(), waiting)
    }

    /// Stops every later call of `principal`, until the test lets that call go or drops the gate.
    /// Presigned calls pass, as others make them.
    /// A call that is let go can then be held by a [`Hold`].
    pub fn gate(self: &Arc<Self>, principal: Principal) -> Gate {
        let door = Arc::new(gate::Door::new(principal));
        lock(&self.gates).push(door.clone());
        Gate::new(self.clone(), door)
    }

    fn open_gate(&self, door: &Arc<gate::Door>) {
        lock(&self.gates).retain(|other| !Arc::ptr_eq(other, door));
    }

    fn release(&self, waiting: &Arc<hold::Waiting>) {
        lock(&self.holds).retain(|other| !Arc::ptr_eq(other, waiting));
        waiting.open();
    }
}
