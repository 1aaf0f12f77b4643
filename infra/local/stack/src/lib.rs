//! Brings template.yaml up on this machine: its services, its functions as processes of their own,
//! and what invokes them. For development and tests; production is AWS.

mod functions;
mod gateway;
mod invocations;
mod issuer;
mod local_only;
mod lock;
mod private;
mod ready;
mod services;
mod sources;
mod wiring;

pub use functions::error::{FunctionError, InvokeError};
pub use issuer::{KeyError, TokenRequest};
pub use local_only::{
    SECRET_HEADER,
    secret::{LocalSecret, NoRandomness},
};
pub use lock::NotLocked;
pub use private::{NotPrivate, private_folder};
pub use ready::{AccessKey, Buckets, Endpoints, MissingOutput, Queues, Ready};

use airlock_local_access::{ACCOUNT, Access, Principal, REGION, without_delay};
use airlock_local_s3::S3;
use airlock_local_sqs::Sqs;
use airlock_local_template::{Surroundings, Template, TemplateError};
use functions::{Functions, WhenBusy};
use gateway::Gateway;
use issuer::Issuer;
use lock::Lock;
use serde_json::Value;
use services::Services;
use std::{
    collections::BTreeMap,
    io,
    net::{Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinSet};

/// What the stack is called; it is part of the names of what it holds.
const STACK_NAME: &str = "airlock-local";

/// The names in the folder of data.
const DATA: [&str; 5] = ["dynamodb", "issuer.pem", lock::NAME, "s3", "sqs"];

/// An engine that others use as well has their tables in it, so a stack needs a name of its own.
fn stack_name(options: &Options) -> String {
    match options.dynamodb_engine {
        Some(_) => format!("{STACK_NAME}-{}", &uuid::Uuid::new_v4().simple().to_string()[..8]),
        None => STACK_NAME.to_owned(),
    }
}

/// How a stack is brought up.
#[derive(Clone, Debug)]
pub struct Options {
    /// The template.
    pub template: PathBuf,
    /// The port of the API on the loopback interface; 0 is any free one.
    pub api_port: u16,
    /// Where everything is kept; in a temporary folder, gone at the end, if not given.
    pub data: Option<PathBuf>,
    /// The executable that is each of the functions, when it is called by the function's name.
    pub executable: PathBuf,
    /// Values for parameters of the template, in the place of their defaults.
    pub parameters: BTreeMap<String, String>,
    /// How much the functions log.
    pub log_level: String,
    /// URL of another DynamoDB engine behind the stack's own door: Amazon's DynamoDB Local, in tests.
    pub dynamodb_engine: Option<String>,
}

/// Why a stack does not come up.
#[derive(Debug, thiserror::Error)]
pub enum StackError {
    /// A file, a folder or a port cannot be used.
    #[error("{what}")]
    Io {
        /// What was tried.
        what: String,
        /// Why it failed.
        source: io::Error,
    },
    /// The template cannot be brought up.
    #[error(transparent)]
    Template(#[from] TemplateError),
    /// The template lacks an output that says where things are.
    #[error(transparent)]
    MissingOutput(#[from] MissingOutput),
    /// The local S3 does not start.
    #[error("the local S3 does not start")]
    S3(#[from] airlock_local_s3::S3Error),
    /// The local SQS does not start.
    #[error("the local SQS does not start")]
    Sqs(#[from] airlock_local_sqs::SqsError),
    /// The local DynamoDB does not start.
    #[error("the local DynamoDB does not start")]
    DynamoDb(#[from] airlock_local_dynamodb::DynamoDbError),
    /// The local issuer has no key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Others may look into the data.
    #[error(transparent)]
    NotPrivate(#[from] NotPrivate),
    /// Another stack has the data.
    #[error(transparent)]
    NotLocked(#[from] NotLocked),
    /// No secret can be made.
    #[error(transparent)]
    NoRandomness(#[from] NoRandomness),
}

impl StackError {
    fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }
}

/// A running stack. Dropping it ends its functions.
pub struct Stack {
    ready: Ready,
    access: Arc<Access>,
    template: Template,
    not_simulated: Vec<String>,
    issuer: Arc<Issuer>,
    functions: Arc<Functions>,
    services: Services,
    /// The tasks that feed the functions; they end with the stack.
    running: JoinSet<()>,
    _lock: Lock,
    _temporary: Option<TempDir>,
}

impl Stack {
    /// Brings the template up. When this returns, everything answers.
    ///
    /// # Errors
    /// [`StackError`] when the template is not understood, or a port or folder cannot be used.
    pub async fn start(options: Options) -> Result<Self, StackError> {
        let path = options.template.display().to_string();
        let source = std::fs::read_to_string(&options.template).map_err(StackError::io(path))?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.api_port));
        let listener =
            TcpListener::bind(address).await.map_err(StackError::io(format!("port {}", options.api_port)))?;
        let address = listener.local_addr().map_err(StackError::io("the port of the API"))?;
        let api = format!("http://{address}");
        let temporary = match &options.data {
            Some(_) => None,
            None => Some(private::temporary("airlock-").map_err(StackError::io("a temporary folder"))?),
        };
        let data = options.data.as_deref().or(temporary.as_ref().map(TempDir::path)).unwrap_or("".as_ref());
        private_folder(data, |name| DATA.iter().any(|ours| name == *ours))?;
        let lock = Lock::take(data)?;
        let secret = LocalSecret::fresh()?;

        let access = Access::new();
        let administrator = access.issue(Principal::Administrator);
        let (services, created) = Services::start(data, &access, options.dynamodb_engine.as_deref()).await?;
        let template = airlock_local_template::read(
            &source,
            &Surroundings {
                region: REGION.to_owned(),
                account_id: ACCOUNT.to_owned(),
                stack_name: stack_name(&options),
                sqs_endpoint: services.sqs.endpoint(),
                issuer: issuer::address(&api),
                parameters: options.parameters.clone(),
            },
        )?;
        services.furnish(&template).await?;
        let endpoints = services.endpoints();
        let claims = wiring::claims(&template);
        let issuer = Arc::new(Issuer::new(api.clone(), options.data.as_deref(), claims)?);
        let functions =
            Arc::new(Functions::new(wiring::blueprints(&template, &options, &endpoints, &access)));
        let ready = Ready::new(
            api,
            issuer::address(&format!("http://{address}")),
            endpoints,
            secret.clone(),
            &administrator,
            &template.outputs,
        )?;

        let mut running = JoinSet::new();
        let gateway = Gateway::new(wiring::routes(&template), wiring::cors(&template), functions.clone());
        let local = issuer.clone().tokens().merge(invocations::router(functions.clone()));
        let local = local_only::behind_the_door(local, address, secret);
        let router = issuer.clone().keys().merge(local).merge(gateway.into_router());
        let listener = without_delay(listener);
        running.spawn(async move {
            let service = router.into_make_service_with_connect_info::<SocketAddr>();
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "the API has stopped");
            }
        });
        for mapping in wiring::mappings(&template) {
            running.spawn(sources::queue::run(mapping, services.sqs.clone(), functions.clone()));
        }
        for schedule in wiring::schedules(&template) {
            running.spawn(sources::schedule::run(schedule, functions.clone()));
        }
        running.spawn(sources::bucket::run(created, services.sqs.clone(), functions.clone()));
        running.spawn(services::expire(services.s3.clone()));
        let not_simulated =
            template.not_simulated.iter().map(|(id, kind)| format!("{id} ({kind})")).collect();
        Ok(Self {
            ready,
            access,
            template,
            not_simulated,
            issuer,
            functions,
            services,
            running,
            _lock: lock,
            _temporary: temporary,
        })
    }

    /// Where everything is.
    pub fn ready(&self) -> &Ready {
        &self.ready
    }

    /// The keys of the stack, the record of calls, and the holds on them.
    pub fn access(&self) -> &Arc<Access> {
        &self.access
    }

    /// The template as it was read.
    pub fn template(&self) -> &Template {
        &self.template
    }

    /// The resources of the template that are not simulated.
    pub fn not_simulated(&self) -> &[String] {
        &self.not_simulated
    }

    /// The queues.
    pub fn sqs(&self) -> &Sqs {
        &self.services.sqs
    }

    /// The buckets.
    pub fn s3(&self) -> &S3 {
        &self.services.s3
    }

    /// A token of the local issuer.
    ///
    /// # Errors
    /// When the issuer's key cannot be used.
    pub fn token(&self, request: &TokenRequest) -> Result<String, KeyError> {
        self.issuer.token(request)
    }

    /// Invokes a function, by logical id, binary name or ARN, and waits for its answer.
    ///
    /// # Errors
    /// [`InvokeError`] when there is no such function, or it failed.
    pub async fn invoke(&self, function: &str, event: Value) -> Result<Value, InvokeError> {
        let answer = self.functions.invoke(function, event.to_string().into(), WhenBusy::Wait).await?;
        Ok(serde_json::from_slice(&answer).unwrap_or_else(|_| String::from_utf8_lossy(&answer).into()))
    }

    /// The ids of a function's processes.
    pub fn processes(&self, function: &str) -> Vec<u32> {
        self.functions.processes(function)
    }

    /// Stops everything: no function is left when this returns.
    pub async fn stop(mut self) {
        self.running.shutdown().await;
        self.functions.stop().await;
    }
}

impl Drop for Stack {
    fn drop(&mut self) {
        self.functions.kill();
    }
}
