//! A digest of the commands of a run: two runs with equal digests, steps and counts issued the
//! same commands in the same steps.

use crate::{Command, Commands};

/// Commands so far, in short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommandDigest {
    /// Steps of the executive.
    pub steps: u64,
    /// Commands in all.
    pub commands: u64,
    /// 64 bits of all commands, the buffers they name and the steps they came in.
    pub value: u64,
}

impl Default for CommandDigest {
    fn default() -> Self {
        Self { steps: 0, commands: 0, value: 0x9e37_79b9_7f4a_7c15 }
    }
}

impl CommandDigest {
    /// Adds the commands of one step.
    pub fn step(&mut self, commands: &Commands) {
        self.steps += 1;
        self.commands += commands.as_slice().len() as u64;
        commands.as_slice().iter().for_each(|c| self.command(c));
        commands.buffers().iter().for_each(|b| self.word(u64::from(b.0)));
        self.word(self.steps);
    }

    fn command(&mut self, command: &Command) {
        let pair = |a: u32, b: u32| u64::from(a) << 32 | u64::from(b);
        match *command {
            Command::Allocate { buffer, object, memory, bytes } => {
                self.word(1 << 32 | u64::from(memory.0));
                self.word(pair(buffer.0, object.0));
                self.word(bytes);
            }
            Command::Release { buffer } => self.word(2 << 32 | u64::from(buffer.0)),
            Command::Copy { copy, object, from, to, source, target, bytes } => {
                self.word(3 << 32 | u64::from(copy.0));
                self.word(pair(object.0, from.0));
                self.word(pair(to.0, source.0));
                self.word(pair(target.0, 0));
                self.word(bytes);
            }
            Command::Run { task, device, lane, lanes, first_buffer } => {
                self.word(4 << 32 | u64::from(task.0));
                self.word(pair(device.0, lane.0));
                self.word(pair(lanes, first_buffer));
            }
            Command::Think { thinking_ns } => {
                self.word(5 << 32);
                self.word(thinking_ns);
            }
            Command::Plan => self.word(7 << 32),
            Command::Abandon { task, device, lane } => {
                self.word(8 << 32 | u64::from(task.0));
                self.word(pair(device.0, lane.0));
            }
            Command::AbandonCopy { copy } => self.word(9 << 32 | u64::from(copy.0)),
            Command::Restore { buffer, object } => {
                self.word(10 << 32);
                self.word(pair(buffer.0, object.0));
            }
            Command::Wake { at_ns } => {
                self.word(6 << 32);
                self.word(at_ns);
            }
        }
    }

    /// Mixes a word in: a multiplication and a shift, because this is on the path of every task.
    #[inline]
    fn word(&mut self, word: u64) {
        let mixed = (self.value ^ word).wrapping_mul(0xff51_afd7_ed55_8ccd);
        self.value = mixed ^ (mixed >> 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_step_and_the_order_of_words_count() {
        let mut one = CommandDigest::default();
        one.step(&Commands::default());
        assert_eq!((one.steps, one.commands), (1, 0));
        assert_ne!(one.value, CommandDigest::default().value);
        let digest = |words: [u64; 2]| {
            let mut digest = CommandDigest::default();
            words.iter().for_each(|w| digest.word(*w));
            digest.value
        };
        assert_ne!(digest([1, 2]), digest([2, 1]));
        assert_ne!(digest([0, 0]), digest([0, 1]));
    }
}
