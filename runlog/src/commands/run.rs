//! `runlog run FILE...`.

use clap::Args;
use runlog_schemas::api::SubmitRequest;
use runlog_schemas::{Data, Priority};

use super::program::Program;
use super::watch::ended;
use crate::config::{self, EdgeConfig};
use crate::failure::Failure;
use crate::given_back;
use crate::live::{self, Source, Ties};
use crate::writer::Writer;

/// Run a program: its output as it comes, our input passed on, its exit code as ours
///
/// On a terminal the program gets a terminal of its own: keys, Ctrl+C and the window's size go to
/// it; Ctrl+] ends it. In a pipe its output streams stay apart and its standard input is ours to the
/// end. Ctrl+C there interrupts the program, and ends it the second time.
///
/// With --output-file: what the program leaves there is written here, in the folder in which we are.
///
/// With --json: one line for each message of its event stream; the last one has the outcome.
#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    program: Program,
    /// Give the program pipes even on a terminal
    #[arg(long)]
    no_terminal: bool,
    /// Give the program an empty standard input
    #[arg(long, short = 'n')]
    no_stdin: bool,
    #[command(flatten)]
    pub(crate) edge: EdgeConfig,
}

impl RunArgs {
    pub(crate) async fn execute(self, writer: &mut Writer) -> Result<u8, Failure> {
        let client = self.edge.client();
        let mut request = self.program.request(&client).await?;
        request.priority = Priority::Interactive;
        let ties = self.tie(&mut request);
        let accepted = client.submit(&request, None).await?;
        let ended_as = live::take_part(&client, accepted.id, ties, writer).await;
        if let Err(Failure::Edge(_)) = &ended_as {
            let id = accepted.id;
            writer.say(&format!(
                "it goes on without us; `runlog watch {id}` shows it"
            ));
        }
        let execution = ended_as?;
        if !request.output_files.is_empty() {
            given_back::write(&client, accepted.id, &request.output_files, writer).await?;
        }
        Ok(ended(&execution, writer))
    }

    /// Decides what of ours becomes the program's.
    fn tie(&self, request: &mut SubmitRequest) -> Ties {
        let mut ties = Ties {
            stdin: !self.no_stdin && !self.program.is_on_stdin(),
            terminal: false,
        };
        if !ties.stdin {
            return ties;
        }
        if live::stdin_is_terminal() {
            ties.terminal =
                !self.no_terminal && !self.edge.speech.json && live::stdout_is_terminal();
            request.terminal = ties.terminal.then(live::size);
            if ties.terminal {
                let kind = request.env.entry("TERM".to_owned());
                kind.or_insert_with(config::terminal_kind);
            }
        } else if let Source::Whole(bytes) = live::source() {
            request.stdin_data = (!bytes.is_empty()).then_some(Data(bytes));
            ties.stdin = false;
        }
        request.interactive = ties.stdin;
        ties
    }
}
