//! The process of a cell that waits to become a step's program.

use std::os::fd::{AsFd, OwnedFd};
use std::time::Duration;

use super::body::{Parts, failed};
use super::cgroup::{CpuTime, Weight};
use super::channel::{self, Channel};
use super::config::WarmHost;
use super::link;
use super::protocol::{Prime, expect, kind};
use super::streams::Pipes;
use super::wire::{Failure, Writer};
use crate::Error;

/// How long a runtime may take until it is ready.
const WARMING: Duration = Duration::from_secs(60);

/// A process that waits to become a step's program.
#[derive(Debug)]
pub(super) struct Primed {
    pub(super) channel: Channel,
    /// What is there already if it is a runtime that was started in the cell.
    pub(super) runtime: Option<Pipes>,
}

impl Parts {
    /// Has init fork the process that becomes the next step's program.
    pub(super) async fn prime(&mut self) -> Result<(), Error> {
        let channel = self.ask(&Prime { runtime: None }, &[]).await?;
        self.primed = Some(Primed {
            channel,
            runtime: None,
        });
        Ok(())
    }

    /// Has init start a runtime for the next step, and waits until it is ready.
    pub(super) async fn start(&mut self, host: &WarmHost) -> Result<(), Error> {
        let (pipes, theirs) = Pipes::new().map_err(failed("making a runtime's pipes"))?;
        let prime = Prime {
            runtime: Some(link::runtime(host)?),
        };
        // Whoever runs a program now goes first.
        self.group.weigh(Weight::Parked);
        let asked = tokio::time::timeout(WARMING, self.ask(&prime, &theirs)).await;
        let channel = asked.map_err(|late| failed("warming a runtime")(late.into()))??;
        self.primed = Some(Primed {
            channel,
            runtime: Some(pipes),
        });
        Ok(())
    }

    /// Ends whatever is primed.
    pub(super) async fn discard(&mut self) -> Result<(), Error> {
        let doing = "ending a runtime that is not used";
        self.primed = None;
        let request = Writer::new(kind::DISCARD).finish();
        let sent = self.control.send(&request, &[]).await;
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
        let answer = tokio::select! {
            biased;
            answer = primed.expect() => answer,
            // Init itself says why there is no process.
            answer = self.control.expect() => answer,
        };
        let answer = answer.map_err(failed(doing))?;
        expect(&answer.bytes, kind::READY).map_err(Failure::into_error)?;
        Ok(primed)
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
