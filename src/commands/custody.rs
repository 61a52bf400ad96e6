//! `custody`: the log of who had which drive when.

use super::call::Call;
use crate::cli::{CustodyArgs, CustodyCommand};
use crate::journey::custody_look::look;
use crate::journey::paper;
use crate::outcome::Ended;
use crate::report::custody::{CustodyShown, CustodyVerified};

/// Runs `custody`.
pub fn run(args: &CustodyArgs, call: &Call<'_>) -> Ended {
    let (CustodyCommand::Verify { which } | CustodyCommand::Show { which, .. }) = &args.command;
    let looked = look(which.staging.as_deref(), which.job.as_ref(), &call.desk())?;
    let CustodyCommand::Show { html, .. } = &args.command else {
        return Ok(Box::new(CustodyVerified(looked)));
    };
    let shown = CustodyShown { looked, page: html.clone() };
    if let Some(path) = html {
        paper::write(path, &shown.html())?;
    }
    Ok(Box::new(shown))
}
