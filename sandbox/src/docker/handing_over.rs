//! Output on its way from a container to whoever reads it.

use std::collections::VecDeque;

use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::Output;

/// Hands output over, in order. While a program runs, one who does not read makes it wait. Once it
/// has been killed there is little more to come (what pipes and the daemon hold, some mebibytes),
/// and that is kept, so that the cell is free however slow the reader is.
#[derive(Debug)]
pub(super) struct HandingOver {
    reader: mpsc::Sender<Output>,
    hurry: CancellationToken,
    kept: VecDeque<Output>,
}

impl HandingOver {
    pub(super) fn new(reader: mpsc::Sender<Output>, hurry: CancellationToken) -> Self {
        Self {
            reader,
            hurry,
            kept: VecDeque::new(),
        }
    }

    /// Hands a piece over, or keeps it.
    pub(super) async fn push(&mut self, output: Output) {
        self.kept.push_back(output);
        while !self.kept.is_empty() {
            let place = tokio::select! {
                biased;
                place = self.reader.reserve() => place,
                () = self.hurry.cancelled() => return,
            };
            fill(place.ok(), &mut self.kept);
        }
    }

    /// Hands over what was kept.
    pub(super) async fn finish(mut self) {
        while !self.kept.is_empty() {
            fill(self.reader.reserve().await.ok(), &mut self.kept);
        }
    }
}

/// A reader that has gone away must not stop the program: without a place it is dropped.
fn fill(place: Option<mpsc::Permit<'_, Output>>, kept: &mut VecDeque<Output>) {
    if let (Some(output), Some(place)) = (kept.pop_front(), place) {
        place.send(output);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use bytes::Bytes;

    use super::*;
    use crate::OutputStream;

    fn output(number: u8) -> Output {
        Output {
            stream: OutputStream::Stdout,
            bytes: Bytes::from(vec![number]),
            since_start: Duration::ZERO,
        }
    }

    #[tokio::test]
    async fn nothing_is_lost_or_out_of_order_in_a_hurry() {
        let (sender, mut reader) = mpsc::channel(2);
        let hurry = CancellationToken::new();
        let mut handing_over = HandingOver::new(sender, hurry.clone());
        handing_over.push(output(0)).await;
        handing_over.push(output(1)).await;
        // The third waits, until there is a hurry.
        {
            let third = handing_over.push(output(2));
            tokio::pin!(third);
            assert!(futures_util::poll!(third.as_mut()).is_pending());
            hurry.cancel();
            third.await;
        }
        for number in 3..6 {
            handing_over.push(output(number)).await;
        }
        assert_eq!(reader.recv().await, Some(output(0)));
        handing_over.push(output(6)).await;
        let reading = async {
            for number in 1..7 {
                assert_eq!(reader.recv().await, Some(output(number)));
            }
            assert_eq!(reader.recv().await, None);
        };
        tokio::join!(handing_over.finish(), reading);
    }

    #[tokio::test]
    async fn a_reader_that_is_gone_stops_nobody() {
        let (sender, reader) = mpsc::channel(1);
        drop(reader);
        let mut handing_over = HandingOver::new(sender, CancellationToken::new());
        handing_over.push(output(0)).await;
        handing_over.push(output(1)).await;
        handing_over.finish().await;
    }
}
