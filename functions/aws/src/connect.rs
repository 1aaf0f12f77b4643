//! Opens a client's connection before the first request needs it.

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeTransmitInterceptorContextMut},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::ConfigBag};

/// Makes of a call a HEAD without signature and body, which a service answers with a refusal. It opens the connection
/// that the client's calls will take, and is no call: nothing is read, counted or allowed. Its answer says nothing.
#[derive(Debug)]
pub struct OnlyConnect;

impl Intercept for OnlyConnect {
    fn name(&self) -> &'static str {
        "OnlyConnect"
    }

    fn modify_before_transmit(
        &self,
        context: &mut BeforeTransmitInterceptorContextMut<'_>,
        _components: &RuntimeComponents,
        _config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let request = context.request_mut();
        request.set_method("HEAD")?;
        let sent: Vec<String> = request.headers().iter().map(|(name, _)| name.to_owned()).collect();
        for name in sent {
            request.headers_mut().remove(name);
        }
        *request.body_mut() = SdkBody::empty();
        Ok(())
    }
}
