//! The points.

/// Defines the points, each with its name and what it is.
macro_rules! points {
    ($($(#[doc = $doc:expr])* $point:ident = $name:literal,)*) => {
        /// A place between two steps.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Point {
            $($(#[doc = $doc])* $point,)*
        }

        impl Point {
            /// All of them.
            pub const ALL: [Self; [$(Self::$point),*].len()] = [$(Self::$point),*];

            /// By which it is armed: process, step, and on which side of it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$point => $name,)*
                }
            }
        }
    };
}

points! {
    /// A submission was checked and let in, and is not in the log.
    SubmissionBefore = "edge.submission.before",
    /// A submission is in the log, and its sender has no answer.
    SubmissionAppended = "edge.submission.appended",
    /// A cancellation was decided.
    CancelBefore = "edge.cancel.before",
    /// A cancellation is in the log, and nobody was told.
    CancelAppended = "edge.cancel.appended",
    /// A delivery was taken, and its attempt is not in the log.
    StartedBefore = "worker.started.before",
    /// `started` is in the log.
    StartedAppended = "worker.started.appended",
    /// The program has written something, of which the log has nothing.
    OutputBefore = "worker.output.before",
    /// The first output is in the log.
    OutputAppended = "worker.output.appended",
    /// The program has ended, and all of its output is in the log.
    FinishedBefore = "worker.finished.before",
    /// `finished` is in the log, and the queue does not know.
    FinishedAppended = "worker.finished.appended",
    /// The end of an execution is about to be acknowledged.
    AckBefore = "worker.ack.before",
    /// The queue has forgotten the submission.
    AckAfter = "worker.ack.after",
    /// The end of a lost worker's attempt was decided.
    CloseBefore = "worker.close.before",
    /// The end of a lost worker's attempt is in the log.
    CloseAppended = "worker.close.appended",
    /// An execution was given up, and has no dead letter.
    LetterBefore = "worker.letter.before",
    /// The dead letter is there, and the queue still has the submission.
    LetterAppended = "worker.letter.appended",
    /// A transaction has moved the checkpoint and written nothing.
    BatchBefore = "projector.batch.before",
    /// A transaction is committed.
    BatchCommitted = "projector.batch.committed",
    /// A recording was read, and is not stored.
    RecordingBefore = "projector.recording.before",
    /// A recording is stored.
    RecordingStored = "projector.recording.stored",
}
