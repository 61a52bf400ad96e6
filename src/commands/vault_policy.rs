//! `vault policy`: which snapshots are kept, and how long.

use super::call::Call;
use super::flags::{retention, vault};
use crate::cli::{PolicyArgs, PolicyCommand, SimulateArgs, VaultTarget};
use crate::journey::vault_policy::{
    PolicySource, SimulateOptions, Templates, set, show, template, try_out,
};
use crate::outcome::Ended;
use crate::policy::Policy;

/// Runs `vault policy`.
pub fn run(command: &PolicyCommand, target: &VaultTarget, call: &Call<'_>) -> Ended {
    let (options, desk) = (&vault(target, None, call)?, &call.desk());
    match command {
        PolicyCommand::Set(args) => Ok(Box::new(set(&source(args), options, desk)?)),
        PolicyCommand::Show { snapshots } => Ok(Box::new(show(*snapshots, options, desk)?)),
        PolicyCommand::Simulate(args) => Ok(Box::new(try_out(&asked(args), options, desk)?)),
        PolicyCommand::Template { name } => Ok(Box::new(Templates::One(template(name)?))),
        PolicyCommand::Templates => Ok(Box::new(Templates::All)),
    }
}

fn source(args: &PolicyArgs) -> PolicySource {
    let counts = retention(&args.counts);
    match (&args.template, &args.file) {
        (Some(name), _) => PolicySource::Template(name.clone()),
        (None, Some(file)) => PolicySource::File(file.clone()),
        (None, None) => PolicySource::Said(Policy { counts, rules: args.keep.clone() }),
    }
}

fn asked(args: &SimulateArgs) -> SimulateOptions {
    SimulateOptions {
        policy: source(&args.policy),
        schedule: args.schedule.clone(),
        zone: args.time_zone.clone(),
        from: args.from,
        years: args.years,
    }
}
