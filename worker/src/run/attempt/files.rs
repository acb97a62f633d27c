//! Files that are given back: taken out of the cell once everything in it is dead, and written to
//! the recording behind the program's output.

use runlog_sandbox::{Collected, LeftReason};
use runlog_schemas::{LeftBecause, LeftFile, file_chunks};

use super::*;

impl Attempt {
    /// Gives files back when the program has ended.
    #[must_use]
    pub fn giving_files_back(mut self) -> Self {
        self.collects = true;
        self
    }

    /// Whether files are taken out before that end.
    pub(super) fn collects_before(&self, phase: Phase, verdict: &Verdict) -> bool {
        let wanted = match verdict {
            Verdict::Finish(outcome) => *outcome != Outcome::Cancelled,
            Verdict::GiveUp(_) | Verdict::HandBack(_) => false,
        };
        self.collects && phase == Phase::Run && wanted
    }

    pub(super) fn collect(&mut self, verdict: Verdict) {
        self.stage = Stage::Collecting;
        self.after_collecting = Some(verdict);
        self.input.end();
        self.todo.push_back(Next::Collect);
    }

    pub(super) fn collected(&mut self, now: Now, collected: Collected) {
        if self.stage != Stage::Collecting {
            return;
        }
        let Some(verdict) = self.after_collecting.take() else {
            return;
        };
        for file in collected.files {
            for chunk in file_chunks(file.name, &file.content) {
                self.recorder.push(now.since_start, chunk);
            }
        }
        if collected.left_count > 0 {
            let left = collected.left.into_iter().map(|left| LeftFile {
                name: left.path,
                reason: because(left.reason),
            });
            let chunk = ChunkKind::FilesLeft {
                left: left.collect(),
                count: collected.left_count as u64,
            };
            self.recorder.push(now.since_start, chunk);
        }
        self.over(verdict);
    }
}

const fn because(reason: LeftReason) -> LeftBecause {
    match reason {
        LeftReason::Missing => LeftBecause::Missing,
        LeftReason::BadPath => LeftBecause::BadPath,
        LeftReason::NotRegular => LeftBecause::NotRegular,
        LeftReason::TooLarge => LeftBecause::TooLarge,
        LeftReason::TooMany => LeftBecause::TooMany,
        LeftReason::TooDeep => LeftBecause::TooDeep,
        LeftReason::Unreadable => LeftBecause::Unreadable,
    }
}
