//! What viewers say to a running program.

use runlog_nats::ControlError;
use runlog_schemas::Data;
use runlog_schemas::control::{ControlRefusal, ControlReply, ControlRequest};

use crate::support::{Bed, id};

#[tokio::test]
async fn the_worker_answers_and_nobody_else() {
    let mut bed = Bed::start().await;
    let edge = bed.another().await;
    let request = ControlRequest::Stdin {
        data: Data(b"hi\0\xff".to_vec()),
    };
    let nobody = edge.control_request(id(1), &request).await;
    assert!(
        matches!(nobody, Err(ControlError::NotRunning)),
        "{nobody:?}"
    );
    // No pause in between: listening begins before the call returns.
    for round in 0..50 {
        let id = id(2 + round);
        let mut listener = bed.log.control_listen(id).await.unwrap();
        let answering = async {
            let (asked, replier) = listener.next().await.unwrap();
            let refused = ControlReply::Refused {
                reason: ControlRefusal::InputClosed,
            };
            replier.reply(&refused).await.unwrap();
            (asked, refused)
        };
        let (answer, (asked, refused)) =
            tokio::join!(edge.control_request(id, &request), answering);
        assert_eq!(asked, request);
        assert_eq!(answer.unwrap(), refused);
        drop(listener);
    }
}

#[tokio::test]
async fn a_worker_that_went_away_no_longer_runs_it() {
    let mut bed = Bed::start().await;
    let edge = bed.another().await;
    let listener = bed.log.control_listen(id(1)).await.unwrap();
    drop(listener);
    // The round trip of another listener tells that the server has heard of the end.
    let _other = bed.log.control_listen(id(2)).await.unwrap();
    let gone = edge.control_request(id(1), &ControlRequest::Cancel).await;
    assert!(matches!(gone, Err(ControlError::NotRunning)), "{gone:?}");
}
