//! The end of the process: which thread ends it, the receipts of the messages in flight, and calls that must not delay it.

mod run_with_timeout;
mod settle_receipts;

pub(crate) use run_with_timeout::run_with_timeout;
pub(crate) use settle_receipts::{
    InFlightMessages, Settlement, SettlementReport, complete, drain, park_until_exit, register, set_timeout,
};
