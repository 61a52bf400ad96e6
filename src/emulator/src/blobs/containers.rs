//! Calls about containers and the account.

use hyper::Method;

use super::call::Context;
use super::conditions::{check, check_lease};
use super::fault::Fault;
use super::headers::{dated, lease, metadata};
use super::{lease as leases, list};
use crate::http::Answer;

/// A call about the account.
pub(super) fn account(context: Context<'_>) -> Result<Answer, Fault> {
    let call = context.call;
    match (&call.method, call.operation()) {
        (&Method::GET, (None, Some("list"))) => list::containers(context),
        (&Method::GET, (Some("service"), Some("properties"))) => Ok(properties()),
        (&Method::GET | &Method::HEAD, (Some("account"), Some("properties"))) => {
            let sku = if context.nature.is_premium { "Premium_LRS" } else { "Standard_LRS" };
            let answer = Answer::empty(200).with("x-ms-sku-name", sku);
            let has_folders = context.nature.has_folders.to_string();
            Ok(answer
                .with("x-ms-account-kind", "StorageV2")
                .with("x-ms-is-hns-enabled", has_folders))
        }
        _ => Err(Fault::not_there()),
    }
}

/// What is set for the whole service: nothing ("Get Blob Service Properties").
fn properties() -> Answer {
    let none = "<Enabled>false</Enabled>";
    let metrics = format!("<Version>1.0</Version>{none}<RetentionPolicy>{none}</RetentionPolicy>");
    let text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?><StorageServiceProperties>\
         <Logging><Version>1.0</Version><Delete>false</Delete><Read>false</Read><Write>false</Write>\
         <RetentionPolicy>{none}</RetentionPolicy></Logging><HourMetrics>{metrics}</HourMetrics>\
         <MinuteMetrics>{metrics}</MinuteMetrics><Cors/>\
         <DeleteRetentionPolicy>{none}</DeleteRetentionPolicy>\
         <StaticWebsite>{none}</StaticWebsite></StorageServiceProperties>"
    );
    Answer::xml(200, text)
}

/// A call about a container.
pub(super) fn answer(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let call = context.call;
    match (&call.method, call.operation()) {
        (&Method::PUT, (Some("container"), None)) => create(context, container),
        (&Method::GET | &Method::HEAD, (Some("container"), None)) => get(context, container),
        (&Method::DELETE, (Some("container"), None)) => delete(context, container),
        (&Method::PUT, (Some("container"), Some("metadata"))) => set(context, container),
        (&Method::GET, (Some("container"), Some("list"))) => list::blobs(context, container),
        (&Method::PUT, (Some("container"), Some("lease"))) => {
            leases::of_container(context, container)
        }
        _ => Err(Fault::not_there()),
    }
}

fn create(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    if held.container(key, context.now)?.is_some() {
        let message = "The container exists already.";
        return Err(Fault::new(409, "ContainerAlreadyExists", message));
    }
    let record = held.make_container(key, metadata(context.call), context.now)?;
    Ok(dated(Answer::empty(201), &record))
}

fn get(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let record = context.store.hold().container(key, context.now)?;
    let record = record.ok_or_else(Fault::no_container)?;
    let mut answer = lease(dated(Answer::empty(200), &record), &record, context.now)
        .with("x-ms-has-immutability-policy", "false")
        .with("x-ms-has-legal-hold", "false");
    for (name, value) in &record.properties.metadata {
        answer = answer.with(&format!("x-ms-meta-{name}"), value.as_str());
    }
    Ok(answer)
}

fn set(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let mut record = held.container(key, context.now)?.ok_or_else(Fault::no_container)?;
    record.properties.metadata = metadata(context.call);
    record.touch(context.now);
    held.save_container(key, &record)?;
    Ok(dated(Answer::empty(200), &record))
}

fn delete(context: Context<'_>, container: &str) -> Result<Answer, Fault> {
    let key = (context.own.name.as_str(), container);
    let held = context.store.hold();
    let record = held.container(key, context.now)?.ok_or_else(Fault::no_container)?;
    check(context, Some(&record))?;
    check_lease(context, Some(&record))?;
    held.remove_container(key)?;
    Ok(Answer::empty(202))
}
