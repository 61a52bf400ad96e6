//! What a backup lacks, as records.

use schemars::JsonSchema;
use serde::Serialize;

use super::path_text::PathText;
use crate::repository::NotRead;

/// A file or folder that a backup lacks.
#[derive(Serialize, JsonSchema)]
pub(super) struct NotReadRecord<'a> {
    /// Where it is; null where the message names it.
    path: Option<PathText<'a>>,
    /// Why: `file-unreadable` or `file-shrank`; `azseed explain` knows it.
    code: &'static str,
    /// Why, for people.
    message: &'a str,
}

impl<'a> From<&'a NotRead> for NotReadRecord<'a> {
    fn from(lost: &'a NotRead) -> Self {
        let NotRead { path, loss, text } = lost;
        NotReadRecord { path: path.as_deref().map(PathText), code: loss.code(), message: text }
    }
}
