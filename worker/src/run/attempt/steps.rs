//! What has to do with the cell and its steps.

use super::*;

impl Attempt {
    pub(super) fn start(&mut self, phase: Phase) {
        if self.stage == Stage::Over {
            return;
        }
        self.stage = Stage::Starting(phase);
        self.todo.push_back(Next::Start(phase));
    }

    /// What the compiler said is said again; otherwise nothing is done but to go on.
    pub(super) fn reused(&mut self, now: Now, warm: bool, said: &[u8]) {
        if self.stage == Stage::Over {
            return;
        }
        self.measurements.warm = warm;
        self.measurements.compile_cached = true;
        let phase = Phase::Compile;
        self.recorder
            .push(now.since_start, ChunkKind::Phase { phase });
        if self
            .recorder
            .output(now.since_start, OutputStream::Compiler, said)
            == Kept::CutNow
        {
            self.stop(Stop::OutputCap);
        }
        self.start(Phase::Run);
    }

    pub(super) fn started(&mut self, now: Now) {
        let Stage::Starting(phase) = self.stage else {
            return;
        };
        self.stage = Stage::Running(phase);
        self.recorder
            .push(now.since_start, ChunkKind::Phase { phase });
        if self.stop.is_some() {
            self.todo.push_back(Next::Kill);
        } else if phase == Phase::Run {
            self.input.start();
            if let Some(size) = self.late_size.take() {
                self.todo.push_back(Next::Send(Sent::Resize(size)));
            }
        }
    }

    pub(super) fn output(&mut self, now: Now, stream: runlog_sandbox::OutputStream, bytes: &[u8]) {
        let Stage::Running(phase) = self.stage else {
            return;
        };
        let stream = match (phase, stream) {
            (Phase::Compile, _) => OutputStream::Compiler,
            (Phase::Run, runlog_sandbox::OutputStream::Stdout) => OutputStream::Stdout,
            (Phase::Run, runlog_sandbox::OutputStream::Stderr) => OutputStream::Stderr,
        };
        if self.recorder.output(now.since_start, stream, bytes) == Kept::CutNow {
            self.stop(Stop::OutputCap);
        }
    }

    pub(super) fn ended(&mut self, end: StepEnd) {
        let Stage::Running(phase) = self.stage else {
            return;
        };
        self.recorder.hurry();
        self.measure(phase, &end.usage);
        match judge(phase, self.stop, end.cause) {
            None => self.start(Phase::Run),
            Some(verdict) if self.collects_before(phase, &verdict) => self.collect(verdict),
            Some(verdict) => self.over(verdict),
        }
    }

    pub(super) fn broken(&mut self, now: Now, breakage: Breakage) {
        let starting = self.stage;
        let verdict = match breakage {
            // The compiler was content and yet left nothing that can be executed, as it does for a
            // library. That is the program's doing, so it must not look like ours.
            Breakage::NoSuchProgram(_)
                if self.compiles && starting == Stage::Starting(Phase::Run) =>
            {
                let note = b"the compiler made no program that can be executed\n";
                self.recorder
                    .output(now.since_start, OutputStream::Compiler, note);
                Verdict::Finish(Outcome::CompileError { code: 0 })
            }
            Breakage::NoSuchProgram(reason) | Breakage::Other(reason) => Verdict::GiveUp(reason),
        };
        self.over(verdict);
    }

    /// Ends what runs. The first reason counts.
    pub(super) fn stop(&mut self, stop: Stop) {
        if self.stop.is_some() {
            return;
        }
        self.stop = Some(stop);
        match self.stage {
            Stage::Preparing => self.over(match stop {
                Stop::Shutdown => Verdict::HandBack(SHUT_DOWN.to_owned()),
                Stop::Cancel | Stop::OutputCap => Verdict::Finish(Outcome::Cancelled),
            }),
            Stage::Running(_) => self.todo.push_back(Next::Kill),
            // It is killed as soon as it has started; what is over needs no end.
            Stage::Starting(_) | Stage::Collecting | Stage::Over => {}
        }
    }

    pub(super) fn resize(&mut self, now: Now, size: TerminalSize) -> Result<(), ControlRefusal> {
        let Some(terminal) = &mut self.terminal else {
            return Err(ControlRefusal::NoTerminal);
        };
        *terminal = size;
        self.recorder
            .push(now.since_start, Sent::Resize(size).chunk());
        match self.stage {
            Stage::Running(Phase::Run) => self.todo.push_back(Next::Send(Sent::Resize(size))),
            Stage::Starting(Phase::Run) => self.late_size = Some(size),
            // It starts with this size.
            _ => {}
        }
        Ok(())
    }

    pub(super) fn signal(&mut self, now: Now, signal: i32) -> Result<(), ControlRefusal> {
        if self.stage != Stage::Running(Phase::Run) {
            return Err(ControlRefusal::NotRunningYet);
        }
        self.recorder
            .push(now.since_start, Sent::Signal(signal).chunk());
        self.todo.push_back(Next::Send(Sent::Signal(signal)));
        Ok(())
    }

    pub(super) fn over(&mut self, verdict: Verdict) {
        self.stage = Stage::Over;
        self.verdict = Some(verdict);
        self.recorder.hurry();
        self.input.end();
    }

    fn measure(&mut self, phase: Phase, usage: &Usage) {
        let wall_us = micros(usage.wall);
        self.measurements = Measurements {
            queued_us: self.measurements.queued_us,
            compile_us: match phase {
                Phase::Compile => Some(wall_us),
                Phase::Run => self.measurements.compile_us,
            },
            compile_cached: self.measurements.compile_cached,
            wall_us,
            cpu_user_us: micros(usage.cpu_user),
            cpu_system_us: micros(usage.cpu_system),
            memory_peak_bytes: usage.memory_peak_bytes,
            read_bytes: usage.read_bytes,
            written_bytes: usage.written_bytes,
            context_switches: usage.context_switches,
            first_output_us: self.recorder.first_output().map(micros),
            warm: self.measurements.warm,
            engine: std::mem::take(&mut self.measurements.engine),
        };
    }
}
