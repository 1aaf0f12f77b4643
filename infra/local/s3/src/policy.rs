//! Bucket policies: the statements that forbid something to everybody.
//!
//! A statement that allows changes nothing here, as every signer is of one account
//! (<https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html>).
//! A statement that denies, and that this module cannot enforce, is an error when the policy is set:
//! a policy must not look as if it protected.

use serde_json::Value;
use std::collections::HashMap;

/// Why a bucket policy is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is not a policy document.
    #[error("{0} is missing or malformed")]
    Malformed(&'static str),
    /// It is one, but this S3 could not enforce it.
    #[error("a statement that denies has {0}, which the local S3 does not enforce")]
    Unsupported(String),
}

/// The statements of a policy that deny.
#[derive(Debug)]
pub(crate) struct Policy {
    denials: Vec<Denial>,
}

#[derive(Debug)]
struct Denial {
    actions: Vec<String>,
    resources: Vec<String>,
    conditions: Vec<Condition>,
}

#[derive(Debug)]
struct Condition {
    operator: Operator,
    /// In lower case, as keys are compared without case.
    key: String,
    values: Vec<String>,
}

#[derive(Clone, Copy, Debug)]
enum Operator {
    Null,
    Bool,
    StringEquals,
    StringNotEquals,
    NumericGreaterThan,
}

/// What a request would do.
pub(crate) struct Action<'a> {
    /// Such as `s3:PutObject`.
    pub(crate) name: &'a str,
    /// Such as `arn:aws:s3:::bucket/key`.
    pub(crate) resource: &'a str,
    /// The condition keys that the request has, in lower case.
    pub(crate) context: &'a HashMap<&'static str, String>,
}

/// The condition keys that requests are given a value for.
pub(crate) const KEYS: [&str; 6] = [
    "aws:securetransport",
    "s3:authtype",
    "s3:if-match",
    "s3:if-none-match",
    "s3:objectcreationoperation",
    "s3:signatureage",
];

impl Policy {
    pub(crate) fn read(document: &Value) -> Result<Self, PolicyError> {
        let statements = list(document.get("Statement").ok_or(PolicyError::Malformed("Statement"))?);
        let mut denials = Vec::new();
        for statement in statements {
            match statement.get("Effect").and_then(Value::as_str) {
                Some("Allow") => {}
                Some("Deny") => denials.push(Denial::read(statement)?),
                _ => return Err(PolicyError::Malformed("Effect")),
            }
        }
        Ok(Self { denials })
    }

    pub(crate) fn denies(&self, action: &Action<'_>) -> bool {
        self.denials.iter().any(|denial| denial.applies(action))
    }
}

impl Denial {
    fn read(statement: &Value) -> Result<Self, PolicyError> {
        let elements = statement.as_object().ok_or(PolicyError::Malformed("Statement"))?;
        for element in elements.keys() {
            if !["Sid", "Effect", "Principal", "Action", "Resource", "Condition"].contains(&element.as_str())
            {
                return Err(PolicyError::Unsupported(element.clone()));
            }
        }
        let principal = elements.get("Principal").ok_or(PolicyError::Malformed("Principal"))?;
        if principal != "*" && principal.get("AWS").is_none_or(|named| named != "*") {
            return Err(PolicyError::Unsupported(format!("Principal {principal}")));
        }
        let mut conditions = Vec::new();
        if let Some(operators) = elements.get("Condition") {
            for (operator, keys) in operators.as_object().ok_or(PolicyError::Malformed("Condition"))? {
                for (key, values) in keys.as_object().ok_or(PolicyError::Malformed("Condition"))? {
                    conditions.push(Condition::read(operator, key, values)?);
                }
            }
        }
        Ok(Self {
            actions: strings(elements.get("Action"), "Action")?,
            resources: strings(elements.get("Resource"), "Resource")?,
            conditions,
        })
    }

    fn applies(&self, action: &Action<'_>) -> bool {
        let name = action.name.to_ascii_lowercase();
        self.actions.iter().any(|pattern| like(&pattern.to_ascii_lowercase(), &name))
            && self.resources.iter().any(|pattern| like(pattern, action.resource))
            && self.conditions.iter().all(|condition| {
                condition.holds(action.context.get(condition.key.as_str()).map(String::as_str))
            })
    }
}

impl Condition {
    fn read(operator: &str, key: &str, values: &Value) -> Result<Self, PolicyError> {
        let unsupported = || PolicyError::Unsupported(format!("Condition {operator} {key}"));
        let operator = match operator {
            "Null" => Operator::Null,
            "Bool" => Operator::Bool,
            "StringEquals" => Operator::StringEquals,
            "StringNotEquals" => Operator::StringNotEquals,
            "NumericGreaterThan" => Operator::NumericGreaterThan,
            _ => return Err(unsupported()),
        };
        let key = key.to_ascii_lowercase();
        let values = strings(Some(values), "Condition")?;
        let numeric = matches!(operator, Operator::NumericGreaterThan);
        if !KEYS.contains(&key.as_str()) || (numeric && values.iter().any(|value| number(value).is_none())) {
            return Err(unsupported());
        }
        Ok(Self { operator, key, values })
    }

    /// `found` is what the request has for the key. A key that is not there fails every operator,
    /// except `Null` and those with `Not` in their name.
    fn holds(&self, found: Option<&str>) -> bool {
        let any = |test: &dyn Fn(&str) -> bool| self.values.iter().any(|value| test(value));
        match self.operator {
            Operator::Null => any(&|value| (value == "true") == found.is_none()),
            Operator::Bool | Operator::StringEquals => {
                found.is_some_and(|found| any(&|value| value == found))
            }
            Operator::StringNotEquals => found.is_none_or(|found| !any(&|value| value == found)),
            Operator::NumericGreaterThan => found
                .and_then(number)
                .is_some_and(|found| any(&|value| number(value).is_some_and(|v| found > v))),
        }
    }
}

fn number(text: &str) -> Option<f64> {
    text.parse().ok()
}

fn list(value: &Value) -> &[Value] {
    match value {
        Value::Array(values) => values,
        one => std::slice::from_ref(one),
    }
}

/// A string, boolean or number, or several, as strings.
fn strings(value: Option<&Value>, element: &'static str) -> Result<Vec<String>, PolicyError> {
    let values = list(value.ok_or(PolicyError::Malformed(element))?).iter().map(|value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Bool(_) | Value::Number(_) => Ok(value.to_string()),
        _ => Err(PolicyError::Malformed(element)),
    });
    values.collect()
}

/// Whether `text` fits a pattern in which `*` is any run of characters and `?` is one.
fn like(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much it matches so far: on a mismatch it takes one more.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&byte) if byte == b'?' || byte == text[t] => (p, t) = (p + 1, t + 1),
            _ => {
                let Some((at, taken)) = star else { return false };
                star = Some((at, taken + 1));
                (p, t) = (at + 1, taken + 1);
            }
        }
    }
    pattern[p..].iter().all(|&byte| byte == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn denies(statement: Value, name: &str, resource: &str, context: &[(&'static str, &str)]) -> bool {
        let mut statement = statement;
        for (element, value) in [("Effect", "Deny"), ("Principal", "*")] {
            statement[element] = json!(value);
        }
        let policy = Policy::read(&json!({ "Statement": statement })).unwrap();
        let context = context.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        policy.denies(&Action { name, resource, context: &context })
    }

    #[test]
    fn actions_and_resources_match_with_wildcards() {
        let statement =
            json!({ "Action": "s3:Put*", "Resource": ["arn:aws:s3:::b/denied/*", "arn:aws:s3:::c/?"] });
        for (name, resource, denied) in [
            ("s3:PutObject", "arn:aws:s3:::b/denied/x/y", true),
            ("s3:putobject", "arn:aws:s3:::b/denied/", true),
            ("s3:PutObject", "arn:aws:s3:::b/Denied/x", false),
            ("s3:GetObject", "arn:aws:s3:::b/denied/x", false),
            ("s3:PutObject", "arn:aws:s3:::c/x", true),
            ("s3:PutObject", "arn:aws:s3:::c/xy", false),
            ("s3:PutObject", "arn:aws:s3:::c/", false),
        ] {
            assert_eq!(denies(statement.clone(), name, resource, &[]), denied, "{name} {resource}");
        }
        assert!(like("a*b*c", "abbbxbc") && !like("a*b*c", "abbbxb") && like("**", "") && !like("", "x"));
    }

    #[test]
    fn conditions_say_when() {
        let with = |condition: Value, context: &[(&'static str, &str)]| {
            let statement = json!({ "Action": "s3:*", "Resource": "*", "Condition": condition });
            denies(statement, "s3:PutObject", "arn:aws:s3:::b/k", context)
        };
        let absent = json!({ "Null": { "s3:if-none-match": "true" } });
        assert!(with(absent.clone(), &[]));
        assert!(!with(absent, &[("s3:if-none-match", "*")]));
        let other = json!({ "StringNotEquals": { "s3:if-none-match": ["*"] } });
        assert!(with(other.clone(), &[]) && with(other.clone(), &[("s3:if-none-match", "x")]));
        assert!(!with(other, &[("s3:if-none-match", "*")]));
        let old = json!({ "NumericGreaterThan": { "s3:signatureAge": 1000 } });
        assert!(with(old.clone(), &[("s3:signatureage", "1001")]));
        assert!(!with(old.clone(), &[("s3:signatureage", "1000")]) && !with(old, &[]));
        let plain = json!({ "Bool": { "aws:SecureTransport": false } });
        assert!(!with(plain, &[("aws:securetransport", "true")]));
        let both =
            json!({ "Null": { "s3:if-none-match": "true" }, "StringEquals": { "s3:authType": "POST" } });
        assert!(!with(both, &[]), "all conditions must hold");
    }

    #[test]
    fn what_cannot_be_enforced_is_refused() {
        let deny = |more: Value| {
            let mut statement =
                json!({ "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*" });
            statement.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            Policy::read(&json!({ "Statement": [statement] })).map(|_| ())
        };
        assert_eq!(deny(json!({})), Ok(()));
        for more in [
            json!({ "Principal": { "AWS": "arn:aws:iam::000000000000:role/x" } }),
            json!({ "NotAction": "s3:GetObject" }),
            json!({ "Condition": { "IpAddress": { "aws:SourceIp": "10.0.0.0/8" } } }),
            json!({ "Condition": { "StringEquals": { "aws:PrincipalTag/x": "y" } } }),
        ] {
            assert!(matches!(deny(more.clone()), Err(PolicyError::Unsupported(_))), "{more}");
        }
        assert_eq!(Policy::read(&json!({})).map(|_| ()), Err(PolicyError::Malformed("Statement")));
        assert_eq!(deny(json!({ "Effect": "Maybe" })), Err(PolicyError::Malformed("Effect")));
        let allow =
            json!({ "Statement": { "Effect": "Allow", "Principal": { "Service": "x" }, "NotAction": "y" } });
        assert!(Policy::read(&allow).is_ok(), "what allows is not looked at");
    }
}
