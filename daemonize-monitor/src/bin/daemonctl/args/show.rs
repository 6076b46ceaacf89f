//! The arguments of `show`.

use crate::word_candidates;
use clap::Args;

#[derive(Args, Debug)]
pub(crate) struct ShowArguments {
    /// Names of bots (`web` includes all instances `web:1`, `web:2`), groups, globs such as `web:*`, or `all`.
    #[arg(value_name = "BOT", required = true, add = word_candidates::bots())]
    pub(crate) bots: Vec<String>,
    /// Number of exits; at most 20 are kept.
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20)]
    pub(crate) exits: usize,
}
