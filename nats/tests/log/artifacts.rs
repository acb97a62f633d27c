//! The bucket of what compilers made.

use bytes::Bytes;
use runlog_nats::ArtifactError;

use crate::support::Bed;

#[tokio::test]
async fn what_was_put_comes_out_elsewhere_until_it_is_removed() {
    let mut bed = Bed::start().await;
    let here = bed.log.artifacts();
    let there = bed.another().await.artifacts();
    assert_eq!(there.get("aa").await.unwrap(), None);
    // Of several parts.
    let large: Bytes = (0..400_000_u32).flat_map(u32::to_be_bytes).collect();
    let small = Bytes::from_static(b"small");
    here.put("aa", &large).await.unwrap();
    here.put("bb", &small).await.unwrap();
    here.put("cc", &Bytes::new()).await.unwrap();
    assert_eq!(there.get("aa").await.unwrap(), Some(large));
    assert_eq!(there.get("bb").await.unwrap(), Some(small.clone()));
    assert_eq!(there.get("cc").await.unwrap(), Some(Bytes::new()));
    there.put("aa", &small).await.unwrap();
    assert_eq!(here.get("aa").await.unwrap(), Some(small));
    here.delete("aa").await.unwrap();
    assert_eq!(there.get("aa").await.unwrap(), None);
}

/// The bucket forgets its oldest messages, which may be the first parts of an object; and whoever
/// can write to it could write anything.
#[tokio::test]
async fn an_object_that_is_not_whole_is_told() {
    let mut bed = Bed::start().await;
    let artifacts = bed.log.artifacts();
    let bytes: Bytes = (0..400_000_u32).flat_map(u32::to_be_bytes).collect();
    let client = async_nats::connect(bed.servers.nats().url()).await.unwrap();
    let context = async_nats::jetstream::new(client);
    let stream = context.get_stream("OBJ_ARTIFACTS").await.unwrap();
    artifacts.put("cut", &bytes).await.unwrap();
    stream.purge().sequence(3).await.unwrap();
    let cut = artifacts.get("cut").await.unwrap_err();
    assert!(matches!(cut, ArtifactError::Damaged(_)), "{cut}");
    let last = stream.get_info().await.unwrap().state.last_sequence;
    stream.purge().sequence(last).await.unwrap();
    let gone = artifacts.get("cut").await.unwrap_err();
    assert!(matches!(gone, ArtifactError::Damaged(_)), "{gone}");

    artifacts.put("poisoned", &bytes).await.unwrap();
    let store = context.get_object_store("ARTIFACTS").await.unwrap();
    let nuid = store.info("poisoned").await.unwrap().nuid;
    let subject = format!("$O.ARTIFACTS.C.{nuid}");
    let sent = context.publish(subject, "more".into()).await.unwrap();
    sent.await.unwrap();
    let poisoned = artifacts.get("poisoned").await.unwrap_err();
    assert!(matches!(poisoned, ArtifactError::Damaged(_)), "{poisoned}");
    artifacts.put("poisoned", &bytes).await.unwrap();
    assert_eq!(artifacts.get("poisoned").await.unwrap(), Some(bytes));
}
