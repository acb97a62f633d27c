//! What has to do with the log.

use super::*;

impl Attempt {
    pub(super) fn appended(&mut self, sequence: u64) {
        let Some(event) = self.appending.take() else {
            return;
        };
        self.position = std::mem::take(&mut self.position).then((sequence, event));
        if self.claimed {
            self.leave(Leave::Concluded(Box::new(self.position.execution.clone())));
            return;
        }
        self.claimed = true;
        if std::mem::take(&mut self.read_again) {
            self.look();
        }
    }

    pub(super) fn conflict(&mut self) {
        self.appending = None;
        if self.claimed {
            self.look();
        } else {
            self.leave(Leave::NotClaimed);
        }
    }

    /// Asks for what the log says now.
    pub(super) fn look(&mut self) {
        // An append on its way tells as much, by being refused or not; and before the claim there
        // is nothing of ours that could have been changed.
        if self.reading || self.appending.is_some() {
            self.read_again = true;
        } else {
            self.reading = true;
            self.todo
                .push_back(Next::Read(Box::new(self.position.clone())));
        }
    }

    pub(super) fn read(&mut self, position: Position) {
        self.reading = false;
        if position.sequence >= self.position.sequence {
            self.position = position;
        }
        match self.position.execution.state {
            State::Running {
                attempt,
                cancelling,
            } if attempt == self.number => {
                if cancelling {
                    self.stop(Stop::Cancel);
                }
                if std::mem::take(&mut self.read_again) {
                    self.look();
                }
            }
            // An append of ours that went unanswered may have been what ended the attempt; with
            // the message in hand, both come to the same.
            State::Ended(_) | State::Queued { .. } => {
                let execution = self.position.execution.clone();
                self.leave(Leave::Concluded(Box::new(execution)));
            }
            State::Absent | State::Running { .. } => self.leave(Leave::Superseded),
        }
    }

    /// Appends the end, once there is one and everything before it is in the log.
    pub(super) fn conclude(&mut self, now: Now) {
        let free = self.claimed && self.appending.is_none() && !self.reading && !self.left;
        let Some(verdict) = self.verdict.clone() else {
            return;
        };
        if !free || !self.recorder.is_drained() {
            return;
        }
        match decide(&self.position.execution, self.command(verdict), now.at_ms) {
            Ok(Some(event)) => {
                let next = Next::Append(event.clone(), self.position.sequence);
                self.appending = Some(event);
                self.todo.push_back(next);
            }
            Err(Refusal::CancelPending { .. }) => {
                self.verdict = Some(Verdict::Finish(Outcome::Cancelled));
                self.conclude(now);
            }
            Ok(None) | Err(_) => self.leave(Leave::Superseded),
        }
    }

    fn command(&self, verdict: Verdict) -> Command {
        let attempt = self.number;
        let output = Box::new(self.recorder.summary());
        match verdict {
            Verdict::Finish(outcome) => Command::Finish {
                attempt,
                outcome,
                measurements: Box::new(self.measurements.clone()),
                output,
            },
            Verdict::GiveUp(reason) => Command::GiveUp {
                attempt,
                reason,
                output,
            },
            Verdict::HandBack(reason) => Command::HandBack { attempt, reason },
        }
    }

    pub(super) fn leave(&mut self, leave: Leave) {
        self.left = true;
        self.todo.clear();
        self.input.end();
        self.todo.push_back(Next::Leave(leave));
    }
}
