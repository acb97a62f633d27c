//! One thread from which every server is started.
//!
//! The kernel sends the parent-death signal when the *thread* that started the
//! child ends, not the process. A tokio worker or blocking thread may end long
//! before we do, so servers are started from a thread that lives as long as
//! the process does.

use std::io;
use std::process::Command;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::thread;

use tokio::process::Child;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

struct Order {
    command: Command,
    runtime: Handle,
    reply: oneshot::Sender<io::Result<Child>>,
}

static ORDERS: OnceLock<Mutex<Sender<Order>>> = OnceLock::new();

/// Starts `command` so that it belongs to the whole process.
pub(crate) async fn spawn(command: Command) -> io::Result<Child> {
    let (reply, answer) = oneshot::channel();
    let order = Order {
        command,
        runtime: Handle::current(),
        reply,
    };
    orders().send(order).map_err(io::Error::other)?;
    answer.await.map_err(io::Error::other)?
}

fn orders() -> Sender<Order> {
    let sender = ORDERS.get_or_init(|| {
        let (sender, receiver) = channel();
        thread::spawn(move || serve(&receiver));
        Mutex::new(sender)
    });
    sender
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}

fn serve(orders: &Receiver<Order>) {
    for order in orders {
        // The child is waited for by the runtime of whoever asked for it.
        let _inside = order.runtime.enter();
        let child = tokio::process::Command::from(order.command)
            .kill_on_drop(true)
            .spawn();
        // Whoever asked may have gone; the child is then killed on drop.
        drop(order.reply.send(child));
    }
}
