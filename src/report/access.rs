//! Sign-ins, subscriptions and providers in words and as records. No record has a token.

use disk_prep::noun::{SubscriptionId, visible_line};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use super::record::{Record, line};
use crate::journey::access::{Access, Provider, Providers, Subscription, Subscriptions};
use crate::outcome::Outcome;

/// Who signed in, as far as the token says it.
#[derive(Serialize, JsonSchema)]
pub(super) struct SignInRecord<'a> {
    /// What answered: `environment`, `workload-identity`, `managed-identity`, `azure-cli` or `token`.
    auth: &'a str,
    /// The tenant.
    tenant: Option<&'a str>,
    /// A person's name for signing in.
    name: Option<&'a str>,
    /// Id of the application.
    application: Option<&'a str>,
    /// Id of the principal, to which roles are given.
    principal: Option<&'a str>,
    /// Until when the token is good.
    #[schemars(with = "Option<Timestamp>")]
    until: Option<Timestamp>,
}

impl Record for SignInRecord<'_> {
    const TYPE: &'static str = "sign-in";
}

/// A subscription that the sign-in reaches.
#[derive(Serialize, JsonSchema)]
pub(super) struct SubscriptionRecord<'a> {
    /// Its id.
    id: &'a str,
    /// Its name.
    name: &'a str,
    /// Its state, in Azure's word.
    state: &'a str,
    /// Whether anything can be made in it.
    usable: bool,
}

impl Record for SubscriptionRecord<'_> {
    const TYPE: &'static str = "subscription";
}

/// A provider of resources, and whether the subscription may use it.
#[derive(Serialize, JsonSchema)]
pub(super) struct ProviderRecord<'a> {
    /// Its name.
    name: &'a str,
    /// The subscription.
    #[schemars(with = "String")]
    subscription: &'a SubscriptionId,
    /// The state of its registration, in Azure's word.
    state: &'a str,
    /// Whether it can be used.
    registered: bool,
}

impl Record for ProviderRecord<'_> {
    const TYPE: &'static str = "provider";
}

impl Outcome for Access {
    fn lines(&self) -> Vec<String> {
        let own = &self.0;
        let until = own.until.map(|until| until.to_string());
        let fields = [
            ("Signed in by", Some(own.kind.word())),
            ("Tenant", own.tenant.as_deref()),
            ("Name", own.name.as_deref()),
            ("Application", own.application.as_deref()),
            ("Principal", own.principal.as_deref()),
            ("Until", until.as_deref()),
        ];
        let said = fields.into_iter().filter_map(|(name, value)| Some((name, value?)));
        said.map(|(name, value)| format!("{name:<13} {}", visible_line(value))).collect()
    }

    fn json(&self) -> Vec<Value> {
        let own = &self.0;
        vec![line(&SignInRecord {
            auth: own.kind.word(),
            tenant: own.tenant.as_deref(),
            name: own.name.as_deref(),
            application: own.application.as_deref(),
            principal: own.principal.as_deref(),
            until: own.until,
        })]
    }
}

impl Outcome for Subscriptions {
    fn lines(&self) -> Vec<String> {
        if self.0.is_empty() {
            return vec!["The sign-in reaches no subscription".to_owned()];
        }
        let row = |own: &Subscription| {
            let mark = if own.is_usable() { "usable" } else { "not usable" };
            let (id, state) = (visible_line(&own.id), visible_line(&own.state));
            format!("{id:<36}  {state:<8}  {mark:<10}  {}", visible_line(&own.name))
        };
        self.0.iter().map(row).collect()
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Subscription| {
            let (id, name, state, usable) = (&*own.id, &*own.name, &*own.state, own.is_usable());
            line(&SubscriptionRecord { id, name, state, usable })
        };
        self.0.iter().map(record).collect()
    }
}

impl Outcome for Providers {
    fn lines(&self) -> Vec<String> {
        let row = |own: &Provider| {
            format!("{:<28}  {}", visible_line(&own.namespace), visible_line(&own.state))
        };
        let mut lines: Vec<String> = self.all.iter().map(row).collect();
        let lacking = self.all.iter().find(|own| !own.is_registered());
        if let Some(own) = lacking {
            let (name, subscription) = (visible_line(&own.namespace), &self.subscription);
            lines.push(match self.is_asked_for {
                true => format!("It takes minutes; `azseed provider list --subscription {subscription}` says when it is done"),
                false => format!("Next, if it is needed: `azseed provider register {name} --subscription {subscription}`"),
            });
        }
        lines
    }

    fn json(&self) -> Vec<Value> {
        let record = |own: &Provider| {
            let (name, state) = (own.namespace.as_str(), own.state.as_str());
            let (subscription, registered) = (&self.subscription, own.is_registered());
            line(&ProviderRecord { name, subscription, state, registered })
        };
        self.all.iter().map(record).collect()
    }
}
