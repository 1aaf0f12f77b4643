//! `AWS::Serverless::HttpApi`.

use crate::{ApiCors, HttpApi, Jwt, TemplateError, fields::Fields};

const WITHOUT_EFFECT: &[&str] = &[
    "Description",
    "FailOnWarnings",
    "Name",
    "Tags",
    "AccessLogSettings",
    "DefaultRouteSettings",
    "StageName",
];

pub(crate) fn read(logical_id: String, mut fields: Fields, issuer: &str) -> Result<HttpApi, TemplateError> {
    let authorizer = match fields.optional_mapping("Auth")? {
        Some(auth) => authorizer(auth, issuer)?,
        None => None,
    };
    let cors = fields.optional_mapping("CorsConfiguration")?.map(cors).transpose()?;
    fields.finish(WITHOUT_EFFECT)?;
    Ok(HttpApi { logical_id, authorizer, cors })
}

/// The default authorizer; routes without one are not known here.
fn authorizer(mut auth: Fields, issuer: &str) -> Result<Option<Jwt>, TemplateError> {
    let default = auth.string("DefaultAuthorizer")?;
    let mut authorizers = auth.mapping("Authorizers")?;
    let jwt = match default {
        Some(name) => {
            let path = authorizers.path(&name);
            let authorizer = authorizers.optional_mapping(&name)?;
            let authorizer =
                authorizer.ok_or(TemplateError::Reference { at: auth.at().to_owned(), to: path })?;
            Some(jwt(authorizer, issuer)?)
        }
        None => None,
    };
    authorizers.finish(&[])?;
    auth.finish(&[])?;
    Ok(jwt)
}

fn jwt(mut fields: Fields, issuer: &str) -> Result<Jwt, TemplateError> {
    let identity_source = fields.string("IdentitySource")?;
    let scopes = fields.strings("AuthorizationScopes")?;
    let mut configuration = fields.mapping("JwtConfiguration")?;
    let audience = configuration.strings("audience")?;
    // Whatever issuer the deployment has, here it is the local one.
    configuration.finish(&["issuer"])?;
    fields.finish(&[])?;
    Ok(Jwt {
        issuer: issuer.to_owned(),
        audience,
        identity_source: identity_source.unwrap_or_else(|| "$request.header.Authorization".to_owned()),
        scopes,
    })
}

fn cors(mut fields: Fields) -> Result<ApiCors, TemplateError> {
    let cors = ApiCors {
        allow_origins: fields.strings("AllowOrigins")?,
        allow_methods: fields.strings("AllowMethods")?,
        allow_headers: fields.strings("AllowHeaders")?,
        expose_headers: fields.strings("ExposeHeaders")?,
        max_age: fields.number("MaxAge")?,
        allow_credentials: fields.boolean("AllowCredentials")?.unwrap_or(false),
    };
    fields.finish(&[])?;
    Ok(cors)
}
