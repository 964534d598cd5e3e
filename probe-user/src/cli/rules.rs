//! `volprobe rules`: what each rule looks for.

use super::output;
use crate::analysis::rules;
use crate::error::Error;
use crate::render;
use anyhow::anyhow;
use std::io::{BufWriter, Write};
use std::process::ExitCode;

/// List the rules; with a name, what it looks for, its evidence, and what to do
#[derive(clap::Args)]
pub struct Args {
    /// The rule, such as resize/no-op-before-capacity
    #[arg(value_name = "RULE")]
    rule: Option<String>,
}

/// Runs the command.
pub fn run(args: &Args) -> Result<ExitCode, Error> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    let style = output::style();
    let written = match &args.rule {
        None => render::rules_text(style, &mut out),
        Some(name) => {
            let unknown = || anyhow!("there is no rule '{name}'; volprobe rules lists them");
            let rule = rules::find(name)
                .ok_or_else(unknown)
                .map_err(Error::Input)?;
            render::rule_text(rule, style, &mut out)
        }
    };
    written
        .and_then(|()| out.flush())
        .map_err(anyhow::Error::from)?;
    Ok(ExitCode::SUCCESS)
}
