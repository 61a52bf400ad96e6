//! Paths in records. JSON is text, and a path is any bytes: what is not UTF-8 stands there as
//! U+FFFD, as on the screen.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};

/// A path.
#[derive(Debug, Clone, Copy)]
pub struct PathText<'a>(pub &'a Path);

/// Several.
#[derive(Debug, Clone, Copy)]
pub struct PathTexts<'a>(pub &'a [PathBuf]);

impl Serialize for PathText<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0.to_string_lossy())
    }
}

impl Serialize for PathTexts<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|path| path.to_string_lossy()))
    }
}

/// The schema is that of `$like`.
macro_rules! schema_of {
    ($own:ident, $like:ty) => {
        impl JsonSchema for $own<'_> {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                <$like>::schema_name()
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$like>::json_schema(generator)
            }
        }
    };
}

schema_of!(PathText, PathBuf);
schema_of!(PathTexts, Vec<PathBuf>);

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;

    #[test]
    fn a_path_of_any_bytes_can_be_told() {
        let path = PathBuf::from(OsStr::from_bytes(b"/srv/bad\xffname"));
        let told = serde_json::to_string(&PathText(&path)).unwrap();
        assert_eq!(told, "\"/srv/bad\u{fffd}name\"");
        let told = serde_json::to_string(&PathTexts(&[path, PathBuf::from("/srv")])).unwrap();
        assert_eq!(told, "[\"/srv/bad\u{fffd}name\",\"/srv\"]");
    }
}
