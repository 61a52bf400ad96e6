//! The man pages: one for each command, made from its flags, and one for the configuration file.

mod command;
mod config;

use std::io;

use clap::Command;

/// A page and the name of its file.
pub type Page = (String, Vec<u8>);

/// All pages. What is told of a flag is what its help tells.
pub fn pages(command: Command) -> io::Result<Vec<Page>> {
    let mut command = command.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![("azseed-config.5".to_owned(), config::page(&command)?)];
    below(&command, None, &mut pages)?;
    Ok(pages)
}

fn below(command: &Command, parent: Option<&str>, pages: &mut Vec<Page>) -> io::Result<()> {
    let name = command.get_display_name().unwrap_or(command.get_name());
    pages.push((format!("{name}.1"), command::page(command, parent)?));
    let inner = command.get_subcommands().filter(|inner| !inner.is_hide_set());
    inner.into_iter().try_for_each(|inner| below(inner, Some(name), pages))
}
