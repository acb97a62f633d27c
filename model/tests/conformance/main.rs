//! One suite for the log in memory and the real one: what the model is told of the log is true.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod appends;
mod memory;
mod queues;
mod reads;
mod real;
mod suite;

/// Each case against both.
macro_rules! both {
    ($module:ident: $($case:ident),* $(,)?) => {
        mod $module {
            $(
                mod $case {
                    #[tokio::test]
                    async fn in_memory() {
                        crate::$module::$case(&mut crate::memory::Memory::default()).await;
                    }

                    #[tokio::test]
                    async fn in_jetstream() {
                        crate::$module::$case(&mut crate::real::JetStream::start().await).await;
                    }
                }
            )*
        }
    };
}

mod cases {
    both!(appends:
        sequences_are_those_of_the_stream,
        an_id_is_submitted_once_whatever_its_queue,
        a_change_needs_the_last_one_before_it,
        output_needs_nothing_and_may_repeat,
        an_append_whose_answer_is_lost_is_stored_once,
        of_two_appends_whose_answers_are_lost_one_is_stored,
    );
    both!(queues:
        a_queue_gives_each_submission_once_and_in_order,
        queues_are_apart,
        what_is_done_does_not_come_again,
        what_is_handed_back_comes_again,
        what_is_handed_back_for_later_comes_later,
        a_lease_runs_out_unless_it_is_renewed,
        an_early_delivery_has_no_word_in_when_it_comes_again,
        an_early_delivery_can_still_say_that_it_is_done,
    );
    both!(reads:
        the_tail_is_everything_in_order,
        a_viewer_sees_the_one_recording,
        a_viewer_who_comes_back_sees_the_rest,
    );
}
