//! Queues.

use runlog_schemas::Priority;

use crate::suite::{LEASE_MS, UnderTest, id};

const API: Priority = Priority::Api;

pub(crate) async fn a_queue_gives_each_submission_once_and_in_order(log: &mut impl UnderTest) {
    assert!(log.pull(API).await.is_none());
    for number in 1..=3 {
        log.submit(id(number), API).await.unwrap();
    }
    for number in 1..=3 {
        let pulled = log.next(API).await;
        assert_eq!((pulled.id, pulled.deliveries), (id(number), 1));
        assert_eq!(u128::from(pulled.sequence), number);
    }
    assert!(log.pull(API).await.is_none());
}

pub(crate) async fn queues_are_apart(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    log.submit(id(2), Priority::Interactive).await.unwrap();
    assert!(log.pull(Priority::Background).await.is_none());
    assert_eq!(log.next(Priority::Interactive).await.id, id(2));
    assert_eq!(log.next(API).await.id, id(1));
}

pub(crate) async fn what_is_done_does_not_come_again(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    let pulled = log.next(API).await;
    log.ack(&pulled.lease).await;
    log.pass(LEASE_MS + 500).await;
    assert!(log.pull(API).await.is_none());
}

pub(crate) async fn what_is_handed_back_comes_again(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    let pulled = log.next(API).await;
    log.nak(&pulled.lease, 0).await;
    let again = log.next(API).await;
    assert_eq!((again.id, again.deliveries), (id(1), 2));
    assert_eq!(again.sequence, pulled.sequence);
}

pub(crate) async fn what_is_handed_back_for_later_comes_later(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    let pulled = log.next(API).await;
    // Far beyond the lease, which therefore is over.
    log.nak(&pulled.lease, 60_000).await;
    log.pass(LEASE_MS + 500).await;
    assert!(log.pull(API).await.is_none());
}

pub(crate) async fn a_lease_runs_out_unless_it_is_renewed(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    log.submit(id(2), API).await.unwrap();
    let kept = log.next(API).await;
    let lost = log.next(API).await;
    let again = loop {
        log.progress(&kept.lease).await;
        if let Some(again) = log.pull(API).await {
            break again;
        }
        log.pass(20).await;
    };
    assert_eq!((again.id, again.deliveries), (lost.id, 2));
}

pub(crate) async fn an_early_delivery_has_no_word_in_when_it_comes_again(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    let early = log.next(API).await;
    log.nak(&early.lease, 0).await;
    let _late = log.next(API).await;
    log.nak(&early.lease, 0).await;
    assert!(log.pull(API).await.is_none());
}

pub(crate) async fn an_early_delivery_can_still_say_that_it_is_done(log: &mut impl UnderTest) {
    log.submit(id(1), API).await.unwrap();
    let early = log.next(API).await;
    log.nak(&early.lease, 0).await;
    let _late = log.next(API).await;
    log.ack(&early.lease).await;
    log.pass(LEASE_MS + 500).await;
    assert!(log.pull(API).await.is_none());
}
