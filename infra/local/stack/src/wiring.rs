//! Connects the template's functions and events with the parts of the stack.

use crate::{
    Endpoints, Options,
    functions::Blueprint,
    gateway::{AuthorizerSpec, Cors, RouteSpec},
    issuer::Claims,
    sources::{queue::Mapping, schedule::Schedule},
};
use airlock_local_access::{ACCOUNT, Access, REGION};
use airlock_local_template::{EventSource, Function, Template};
use std::{collections::BTreeMap, sync::Arc};

/// How many batches of a queue are worked on at a time, unless the template says.
const CONCURRENCY: usize = 10;

/// A function's ARN.
pub(crate) fn arn(function: &Function) -> String {
    format!("arn:aws:lambda:{REGION}:{ACCOUNT}:function:{}", function.name)
}

/// Every function, with nothing in its environment but what Lambda puts there
/// and the template says.
pub(crate) fn blueprints(
    template: &Template,
    options: &Options,
    endpoints: &Endpoints,
    access: &Arc<Access>,
) -> Vec<Blueprint> {
    let blueprint = |function: &Function| Blueprint {
        access: access.clone(),
        logical_id: function.logical_id.clone(),
        name: function.binary.clone(),
        arn: arn(function),
        executable: options.executable.clone(),
        environment: environment(function, options, endpoints),
        timeout: function.timeout,
        memory: function.memory_mb.into(),
        reserved: function.reserved_concurrency.and_then(|reserved| usize::try_from(reserved).ok()),
    };
    template.functions.iter().map(blueprint).collect()
}

/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html>
fn environment(function: &Function, options: &Options, endpoints: &Endpoints) -> BTreeMap<String, String> {
    let mut environment = function.environment.clone();
    for (name, value) in [
        ("_HANDLER", "bootstrap"),
        ("AWS_LAMBDA_FUNCTION_NAME", &function.name),
        ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
        ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", &function.memory_mb.to_string()),
        ("AWS_LAMBDA_LOG_GROUP_NAME", &format!("/aws/lambda/{}", function.name)),
        ("AWS_REGION", REGION),
        ("AWS_DEFAULT_REGION", REGION),
        ("AWS_ENDPOINT_URL_S3", &endpoints.s3),
        ("AWS_ENDPOINT_URL_DYNAMODB", &endpoints.dynamodb),
        ("AWS_ENDPOINT_URL_SQS", &endpoints.sqs),
        ("AIRLOCK_LOG", &options.log_level),
        ("PATH", "/usr/local/bin:/usr/bin:/bin"),
        ("LANG", "en_US.UTF-8"),
        ("TZ", ":UTC"),
    ] {
        environment.insert(name.to_owned(), value.to_owned());
    }
    environment
}

/// The claims that functions read, and the audience that the authorizer wants.
pub(crate) fn claims(template: &Template) -> Claims {
    let claim = |variable: &str, default: &str| {
        let mut found = template.functions.iter().filter_map(|function| function.environment.get(variable));
        found.next().map_or_else(|| default.to_owned(), Clone::clone)
    };
    let authorizer = template.api.as_ref().and_then(|api| api.authorizer.as_ref());
    Claims {
        audience: authorizer.map(|jwt| jwt.audience.clone()).unwrap_or_default(),
        tenant: claim("TENANT_CLAIM", "tenant_id"),
        user: claim("USER_CLAIM", "sub"),
    }
}

/// The events of all functions.
fn events(template: &Template) -> impl Iterator<Item = (&Function, &EventSource)> {
    template.functions.iter().flat_map(|function| function.events.iter().map(move |event| (function, event)))
}

/// The routes of the API.
pub(crate) fn routes(template: &Template) -> Vec<RouteSpec> {
    let authorizer = template.api.as_ref().and_then(|api| api.authorizer.as_ref());
    events(template)
        .filter_map(|(function, event)| match event {
            EventSource::Http { method, path, authorized } => Some(RouteSpec {
                method: method.clone(),
                path: path.clone(),
                function: function.logical_id.clone(),
                authorizer: authorizer.filter(|_| *authorized).map(|jwt| AuthorizerSpec {
                    issuer: jwt.issuer.clone(),
                    audiences: jwt.audience.clone(),
                    scopes: jwt.scopes.clone(),
                }),
            }),
            _ => None,
        })
        .collect()
}

/// What web pages may do with the API.
pub(crate) fn cors(template: &Template) -> Option<Cors> {
    let cors = template.api.as_ref()?.cors.clone()?;
    Some(Cors {
        allow_origins: cors.allow_origins,
        allow_methods: cors.allow_methods,
        allow_headers: cors.allow_headers,
        expose_headers: cors.expose_headers,
        allow_credentials: cors.allow_credentials,
        max_age: cors.max_age.map(u64::from),
    })
}

/// The functions that are fed from queues.
pub(crate) fn mappings(template: &Template) -> Vec<Mapping> {
    events(template)
        .filter_map(|(function, event)| match event {
            EventSource::Sqs {
                queue_name,
                batch_size,
                batching_window,
                report_batch_item_failures,
                maximum_concurrency,
            } => Some(Mapping {
                queue: queue_name.clone(),
                function: function.logical_id.clone(),
                batch_size: *batch_size,
                window: *batching_window,
                concurrency: maximum_concurrency
                    .and_then(|max| usize::try_from(max).ok())
                    .unwrap_or(CONCURRENCY),
                reports_failures: *report_batch_item_failures,
            }),
            _ => None,
        })
        .collect()
}

/// The functions that the clock invokes.
pub(crate) fn schedules(template: &Template) -> Vec<Schedule> {
    events(template)
        .filter_map(|(function, event)| match event {
            EventSource::Schedule { every, input, enabled: true } => Some(Schedule {
                function: function.logical_id.clone(),
                name: "Schedule".to_owned(),
                every: *every,
                input: input.clone(),
            }),
            _ => None,
        })
        .collect()
}
