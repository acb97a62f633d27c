//! The processes of a cell that wait to become a step's program.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::body::{Parts, failed};
use super::cgroup::{CpuTime, Weight};
use super::channel::{self, Channel};
use super::config::WarmHost;
use super::link;
use super::protocol::{Over, Prime, Runtime, expect, kind, write_discard};
use super::streams::Pipes;
use super::wire::{Failure, Writer};
use crate::Error;

/// How long a runtime may take until it is ready.
const WARMING: Duration = Duration::from_secs(60);

/// How a process ended, in words.
fn ended(status: i32) -> String {
    match libc::WIFSIGNALED(status) {
        true => format!("was killed by signal {}", libc::WTERMSIG(status)),
        false => format!("ended with code {}", libc::WEXITSTATUS(status)),
    }
}

/// How long init may take to say why there is no process, where it may say nothing.
const SILENCE: Duration = Duration::from_secs(1);

/// A process that waits to become a step's program.
#[derive(Debug)]
pub(super) struct Primed {
    pub(super) channel: Channel,
    /// What is there already if it is a runtime that was started in the cell.
    pub(super) runtime: Option<Pipes>,
    /// Which of its host's runtimes it is then.
    number: usize,
}

impl Primed {
    pub(super) fn is_runtime(&self) -> bool {
        self.runtime.is_some()
    }

    /// Whether it is that runtime, alive.
    fn is(&self, number: Option<usize>) -> bool {
        self.is_runtime() && number == Some(self.number) && self.channel.is_quiet()
    }
}

impl Parts {
    /// Has init fork the process that becomes the next step's program.
    pub(super) async fn prime(&mut self) -> Result<(), Error> {
        let prime = Prime {
            runtime: None,
            is_later: false,
        };
        let channel = self.ask(&prime, &[]).await?;
        self.primed = Some(Primed {
            channel,
            runtime: None,
            number: 0,
        });
        Ok(())
    }

    /// Has init start the runtimes for the next steps, and waits until they are ready.
    pub(super) async fn start(&mut self, host: &WarmHost) -> Result<(), Error> {
        // Whoever runs a program now goes first.
        self.group.weigh(Weight::Parked);
        let lifted = self.group.lift_limits();
        lifted.map_err(failed("taking limits away"))?;
        for (number, runtime) in link::runtimes(host)?.into_iter().enumerate() {
            let started = self.start_one(number, runtime);
            let in_time = tokio::time::timeout(WARMING, started).await;
            let primed = in_time.map_err(|late| failed("warming a runtime")(late.into()))??;
            let place = if number == 0 {
                &mut self.primed
            } else {
                &mut self.later
            };
            *place = Some(primed);
        }
        Ok(())
    }

    async fn start_one(&mut self, number: usize, runtime: Runtime) -> Result<Primed, Error> {
        let (pipes, theirs) = Pipes::new().map_err(failed("making a runtime's pipes"))?;
        let prime = Prime {
            runtime: Some(runtime),
            is_later: number > 0,
        };
        let channel = self.ask(&prime, &theirs).await?;
        Ok(Primed {
            channel,
            runtime: Some(pipes),
            number,
        })
    }

    /// Makes sure that what is primed can do a step which is for that runtime, if for any. A
    /// runtime that is not for the step is gone before it starts, unless it is for a later one.
    pub(super) async fn choose(&mut self, runtime: Option<usize>) -> Result<(), Error> {
        match &self.primed {
            Some(primed) if !primed.is_runtime() => return Ok(()),
            Some(primed) if primed.is(runtime) => return self.wake(),
            Some(_) => {
                let keeps = self.later.as_ref().is_some_and(|later| later.is(runtime));
                self.discard(!keeps).await?;
                self.wake()?;
            }
            None => {}
        }
        if self.later.as_ref().is_some_and(|later| later.is(runtime)) {
            self.promote().await
        } else {
            if self.later.is_some() {
                self.discard(true).await?;
            }
            self.prime().await
        }
    }

    /// Makes the runtime for the step after the next the one for the next.
    async fn promote(&mut self) -> Result<(), Error> {
        let doing = "turning to the next runtime";
        let request = Writer::new(kind::PROMOTE).finish();
        let sent = self.control.send(&request, &[]).await;
        sent.map_err(failed(doing))?;
        let answer = self.control.expect().await.map_err(failed(doing))?;
        match expect(&answer.bytes, kind::READY) {
            Ok(_) => {
                self.primed = self.later.take();
                Ok(())
            }
            // It has ended just now.
            Err(_) => {
                self.later = None;
                self.prime().await
            }
        }
    }

    /// Ends whatever is primed; the runtime for a later step too, if so.
    pub(super) async fn discard(&mut self, all: bool) -> Result<(), Error> {
        let doing = "ending a runtime that is not used";
        self.primed = None;
        if all {
            self.later = None;
        }
        let sent = self.control.send(&write_discard(all), &[]).await;
        sent.map_err(failed(doing))?;
        loop {
            let answer = self.control.expect().await.map_err(failed(doing))?;
            // It may have ended by itself just before.
            if expect(&answer.bytes, kind::OVER).is_err() {
                let ready = expect(&answer.bytes, kind::READY);
                return ready.map(drop).map_err(Failure::into_error);
            }
        }
    }

    /// Asks init for a primed process; gives the way to it.
    async fn ask(&mut self, prime: &Prime, streams: &[OwnedFd]) -> Result<Channel, Error> {
        let doing = "priming a step";
        let (ours, theirs) = channel::pair().map_err(failed(doing))?;
        let primed = Channel::new(ours).map_err(failed(doing))?;
        let steps = self
            .group
            .renew_steps(self.uids.first())
            .map_err(failed(doing))?;
        if steps.is_some() {
            self.cpu_before = CpuTime::default();
        }
        let fds = [&theirs].into_iter().chain(streams).chain(&steps);
        let fds: Vec<_> = fds.map(AsFd::as_fd).collect();
        let sent = self.control.send(&prime.write(), &fds).await;
        sent.map_err(failed(doing))?;
        drop(theirs);
        let answer = primed.receive().await.map_err(failed(doing))?;
        let Some(answer) = answer else {
            return Err(self.why_nothing_is_primed(doing, prime.is_later).await);
        };
        expect(&answer.bytes, kind::READY).map_err(Failure::into_error)?;
        Ok(primed)
    }

    /// What init says of a process that was to be primed and is gone: that it could not be made, or
    /// how it ended. The end of its channel comes first.
    async fn why_nothing_is_primed(&self, doing: &str, is_later: bool) -> Error {
        // Of the end of one for a later step init says nothing.
        let patience = if is_later { SILENCE } else { WARMING };
        let said = tokio::time::timeout(patience, self.control.receive()).await;
        match said.unwrap_or_else(|late| Err(late.into())) {
            Err(source) => failed(doing)(source),
            Ok(None) => Error::CellGone(format!("{doing}: the cell's init is gone")),
            Ok(Some(answer)) => match expect(&answer.bytes, kind::OVER) {
                Err(failure) => failure.into_error(),
                Ok(mut reader) => match Over::read(&mut reader) {
                    Ok(over) => Error::CellGone(format!("{doing}: it {}", ended(over.status))),
                    Err(source) => failed(doing)(source),
                },
            },
        }
    }

    /// A runtime that has waited is to go: what it has used until now is not the step's, and it
    /// waits no longer for others.
    pub(super) fn wake(&mut self) -> Result<(), Error> {
        self.group.weigh(Weight::Running);
        let spent = self.group.cpu().map_err(failed("reading CPU time"))?;
        self.cpu_before = spent;
        Ok(())
    }
}
