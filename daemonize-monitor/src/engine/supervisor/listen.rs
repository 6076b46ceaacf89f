//! The listening sockets of bots: opened before the first start, passed to each process, closed when no bot is to run that shares them.

use super::Supervisor;
use super::pending_starts::Stage;
use crate::engine::output::Pipes;
use crate::program::{RunAs, StartError};
use crate::spawner::Start;
use std::sync::Arc;
use std::task::Poll;

impl Supervisor {
    /// Makes room for this number of sockets of one bot, before the first start.
    pub(in crate::engine) fn reserve_sockets(&mut self, count: usize) {
        self.spawner.reserve_sockets(count);
    }

    /// Opens the listening sockets of a start, and forks its process if that needs no wait.
    pub(super) fn open_sockets(
        &mut self,
        index: usize,
        start: Start,
        pipes: Pipes,
        run_as: Result<Arc<RunAs>, StartError>,
    ) {
        let found = match run_as {
            Err(why) => Err(why),
            Ok(run_as) => match self.spawner.listen_sockets(&start.bot, &run_as) {
                Poll::Ready(sockets) => sockets.map(|sockets| (run_as, sockets)),
                Poll::Pending => {
                    return self.await_start(index, Arc::clone(&start.bot), pipes, Stage::LookUp(start));
                }
            },
        };
        self.spawn(index, &start, pipes, found);
    }

    /// Takes the sockets that were opened, and goes on with the starts that have waited for them.
    pub(super) fn take_sockets(&mut self) {
        for (address, failure) in self.spawner.take_sockets() {
            for index in self.starts.opening(&address) {
                let Some((start, pipes)) = self.starts.take_look_up(index) else { continue };
                match &failure {
                    None => self.look_up(index, start, pipes),
                    Some(why) => self.spawn(index, &start, pipes, Err(why.clone())),
                }
            }
        }
    }

    /// Closes the sockets of bots that do not run and will not: a client gets an error from the kernel instead of waiting for an
    /// answer that does not come.
    pub(in crate::engine) fn release_sockets(&mut self) {
        let bots = self.units.values().filter(|unit| !unit.state().is_down()).map(|unit| &*unit.bot);
        self.spawner.release_sockets(bots);
    }
}
