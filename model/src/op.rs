//! What may happen next.

/// What goes wrong on the way to the log and back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    #[default]
    None,
    /// The request does not arrive.
    RequestLost,
    /// The request arrives, and its answer does not.
    ReplyLost,
}

/// One step of one part. Numbers are taken modulo whatever there is to choose from; a step that is
/// not possible does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// Somebody submits under that key, perhaps again.
    Submit {
        /// Whose execution.
        key: u8,
        /// On the way to the log.
        fault: Fault,
    },
    /// Somebody submits something else under a key.
    SubmitOther {
        /// Whose execution.
        key: u8,
    },
    /// Somebody cancels.
    Cancel {
        /// Whose execution.
        key: u8,
        /// On the way to the log. With the answer lost the edge dies, and tells no worker.
        fault: Fault,
    },
    /// A worker with a free slot asks the queue.
    Pull {
        /// Which worker.
        worker: u8,
    },
    /// A worker goes one step on.
    Step {
        /// Which worker.
        worker: u8,
        /// Which of the steps that it could take.
        choice: u8,
        /// On the way to the log.
        fault: Fault,
    },
    /// The sandbox of a run fails.
    Break {
        /// Which worker.
        worker: u8,
        /// Which of its runs.
        choice: u8,
    },
    /// A worker gives up on an append or a read of its own that got no answer.
    GiveUp {
        /// Which worker.
        worker: u8,
        /// Which of its runs.
        choice: u8,
    },
    /// It is time for a sign of life.
    Beat {
        /// Which worker.
        worker: u8,
        /// Which of its runs.
        choice: u8,
    },
    /// A worker stands still.
    Pause {
        /// Which worker.
        worker: u8,
    },
    /// A worker that stood still goes on.
    Resume {
        /// Which worker.
        worker: u8,
    },
    /// A worker dies with everything that it runs; another takes its place.
    Kill {
        /// Which worker.
        worker: u8,
    },
    /// A worker is told to stop, and its time to finish is over.
    Shutdown {
        /// Which worker.
        worker: u8,
    },
    /// A projector begins a transaction over some events.
    Plan {
        /// Which projector.
        projector: u8,
        /// How many events at most.
        events: u8,
    },
    /// A projector commits.
    Commit {
        /// Which projector.
        projector: u8,
    },
    /// A projector dies; another takes its place.
    KillProjector {
        /// Which projector.
        projector: u8,
    },
    /// PostgreSQL dies and loses its latest transactions.
    LoseTables {
        /// How many.
        transactions: u8,
    },
    /// A projector ends what waited too long.
    Sweep,
    /// A viewer hears the next message of one of the two streams; with a number beyond the
    /// viewers, all that there are.
    View {
        /// Which viewer.
        viewer: u8,
        /// Of the lifecycle, or of the recording.
        lifecycle: bool,
    },
    /// A viewer loses its connection and comes back to where it was.
    Reconnect {
        /// Which viewer.
        viewer: u8,
    },
    /// Time passes, in milliseconds.
    Pass {
        /// How much.
        ms: u16,
    },
}

/// A part that is broken on purpose: the model must notice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sabotage {
    /// The log takes every append, whatever it expects.
    NoFence,
    /// A worker acknowledges before the end is in the log.
    EarlyAck,
    /// A projector moves the checkpoint in a transaction of its own.
    CheckpointApart,
    /// A viewer that comes back goes on behind the message, not behind the chunk.
    ForgetfulViewer,
    /// A program is started before `started` is in the log, and its output is sent at once.
    EagerOutput,
}

impl Sabotage {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::NoFence,
        Self::EarlyAck,
        Self::CheckpointApart,
        Self::ForgetfulViewer,
        Self::EagerOutput,
    ];
}
