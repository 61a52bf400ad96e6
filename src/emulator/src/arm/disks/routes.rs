//! Which call about disks goes where.

use hyper::Method;
use serde_json::{Value, json};

use super::super::call::{Context, Path};
use super::super::fault::Fault;
use super::kind::{Kind, absent};
use super::{access, change, operations, wire};
use crate::http::Answer;
use crate::recovery::World;

/// Whether a call is about disks.
pub(in super::super) fn is_meant(target: &Path) -> bool {
    let first = target.rest.first().map(String::as_str).unwrap_or_default();
    Kind::of(first).is_some() || operations::id(target).is_some()
}

/// Answers a call about disks.
pub(in super::super) fn answer(context: Context<'_>, target: &Path) -> Result<Answer, Fault> {
    if let Some(id) = operations::id(target) {
        return operations::look(context, id);
    }
    let words: Vec<&str> = target.rest.iter().map(String::as_str).collect();
    let kind = words.first().and_then(|word| Kind::of(word));
    let no_resource = || Fault::no_resource("The resource");
    let kind = kind.ok_or_else(no_resource)?;
    match (words.as_slice(), &target.group, &context.call.method) {
        ([_], group, &Method::GET) => Ok(list(context, kind, group.as_deref())),
        ([_, name], Some(group), &Method::GET) => {
            let body = wire::found(context, &context.world.read(), kind, (group, name));
            body.map(|own| Answer::json(200, &own)).ok_or_else(|| absent(kind, group, name))
        }
        ([_, name], Some(group), &Method::PUT) => change::put(context, kind, (group, name)),
        ([_, name], Some(group), &Method::PATCH) => change::patch(context, kind, (group, name)),
        ([_, name], Some(group), &Method::DELETE) => change::delete(context, kind, (group, name)),
        ([_, name, deed], Some(group), &Method::POST) => {
            access::answer(context, kind, (group, name), deed)
        }
        ([_] | [_, _] | [_, _, _], ..) => {
            Err(Fault::new(405, "MethodNotAllowed", "The resource does not take this method."))
        }
        _ => Err(no_resource()),
    }
}

fn list(context: Context<'_>, kind: Kind, group: Option<&str>) -> Answer {
    let world = context.world.read();
    let is_meant = |own: &str| group.is_none_or(|group| own.eq_ignore_ascii_case(group));
    let World { disks, snapshots, .. } = &world;
    let value: Vec<Value> = match kind {
        Kind::Disk => {
            let own = disks.iter().filter(|own| is_meant(&own.group));
            own.map(|own| wire::disk(context, &world, own)).collect()
        }
        Kind::Snapshot => {
            let own = snapshots.iter().filter(|own| is_meant(&own.group));
            own.map(|own| wire::snapshot(context, own)).collect()
        }
    };
    Answer::json(200, &json!({ "value": value }))
}
