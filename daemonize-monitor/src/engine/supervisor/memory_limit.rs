//! Stops bots that use more memory than they may.

use super::Supervisor;
use crate::engine::bot_state::BotEvent;
use crate::engine::memory_watch::{MemoryQuestion, MemorySample};
use crate::engine::reactor::Timer;
use crate::engine::slab::Key;
use crate::process::TreeRoot;
use crate::restart_policy::Exit;
use crate::size;
use std::time::Instant;

impl Supervisor {
    /// Measures a bot from now on if its memory is limited, since its process was started or its limit may have changed.
    pub(in crate::engine) fn watch_memory(&mut self, index: usize) {
        let unit = &self.units[index];
        if unit.bot.memory_max.is_some() && unit.living_process().is_some() {
            self.memory.watch(self.units.key(index), self.now);
            self.arm_memory_timer();
        }
    }

    /// Measures the bots that are due.
    pub(in crate::engine) fn measure_memory(&mut self, at: Instant) {
        let mut questions = Vec::new();
        for key in self.memory.due(at, self.now) {
            match self.memory_question(key) {
                Some(question) => questions.push(question),
                None => self.memory.forget(key),
            }
        }
        if !questions.is_empty() {
            let samples = self.memory.measure(questions, self.now);
            self.judge_memory(samples);
        }
        self.arm_memory_timer();
    }

    /// Takes measurements, and stops the bots that are over their limit.
    pub(super) fn take_memory(&mut self) {
        let samples = self.memory.take(self.now);
        self.judge_memory(samples);
        self.arm_memory_timer();
    }

    /// Returns what has to be known to measure a bot; `None` if it has no limit any more, or no process.
    fn memory_question(&self, key: Key) -> Option<MemoryQuestion> {
        let unit = self.units.get(key.index).filter(|_| self.units.contains(key))?;
        let (limit, process) = (unit.bot.memory_max?, unit.living_process()?);
        let root = TreeRoot {
            pid: process.pid,
            secret: unit.secret.clone(),
            cgroup: unit.cgroup.as_ref().and_then(|cgroup| cgroup.path.clone()),
        };
        Some(MemoryQuestion { key, root, limit })
    }

    fn judge_memory(&mut self, samples: Vec<MemorySample>) {
        for sample in samples {
            let MemorySample { key, pid, used } = sample;
            let Some(MemoryQuestion { root, limit, .. }) = self.memory_question(key) else { continue };
            // Of a process that has ended meanwhile it says nothing about the present one.
            if root.pid == pid && self.memory.note(sample, limit, self.now) {
                let (used, limit) = size::larger(used, limit);
                let reason = format!("uses {used} of at most {limit}");
                self.on(key.index, BotEvent::Unfit { exit: Exit::OverMemory, reason });
            }
        }
    }

    fn arm_memory_timer(&mut self) {
        if let Some(at) = self.memory.arm() {
            self.reactor.set_timer(at, Timer::Memory);
        }
    }
}
