// Written by `npm run types` from the edge's OpenAPI document. Not to be edited.
import * as v from 'valibot';

/** Names one execution, and with it its subjects in the log. New ones are UUIDv7, so they sort by
 * time, but for those of an idempotency key, which are UUIDv8 and sort nowhere; written in lower case with hyphens, 36 characters. */
export const ExecutionId = v.string();
export type ExecutionId = v.InferOutput<typeof ExecutionId>;

/** Paths of an execution. */
export const Links = v.object({
  cancel: v.string(),
  events: v.string(),
  files: v.string(),
  output: v.string(),
  recording: v.string(),
  self: v.string(),
  ws: v.string(),
});
export type Links = v.InferOutput<typeof Links>;

/** The answer to an accepted submission. */
export const Accepted = v.object({
  id: ExecutionId,
  links: Links,
});
export type Accepted = v.InferOutput<typeof Accepted>;

/** One attempt. */
export const AttemptView = v.object({
  failure: v.nullish(v.string()),
  handed_back: v.nullish(v.boolean()),
  number: v.number(),
  started_at_ms: v.number(),
  worker: v.string(),
});
export type AttemptView = v.InferOutput<typeof AttemptView>;

/** What is wrong with one field. */
export const FieldProblem = v.object({
  allowed: v.string(),
  field: v.string(),
  given: v.string(),
});
export type FieldProblem = v.InferOutput<typeof FieldProblem>;

/** A clock that can run out. */
export const Clock = v.picklist(['wall', 'cpu']);
export type Clock = v.InferOutput<typeof Clock>;

/** What is being done with a program. */
export const Phase = v.picklist(['compile', 'run']);
export type Phase = v.InferOutput<typeof Phase>;

/** How an execution ended. */
export const Outcome = v.variant('kind', [
  v.object({
    code: v.number(),
    kind: v.literal('exited'),
  }),
  v.object({
    kind: v.literal('signaled'),
    signal: v.number(),
  }),
  v.object({
    code: v.number(),
    kind: v.literal('compile_error'),
  }),
  v.object({
    clock: Clock,
    kind: v.literal('time_limit'),
    phase: Phase,
  }),
  v.object({
    kind: v.literal('memory_limit'),
    phase: Phase,
  }),
  v.object({
    kind: v.literal('output_limit'),
    phase: Phase,
  }),
  v.object({
    kind: v.literal('cancelled'),
  }),
  v.object({
    kind: v.literal('expired'),
  }),
  v.object({
    kind: v.literal('unsafe'),
    rule: v.string(),
  }),
  v.object({
    kind: v.literal('system_error'),
    reason: v.string(),
  }),
]);
export type Outcome = v.InferOutput<typeof Outcome>;

/** What went wrong, as a problem document (RFC 9457, `application/problem+json`). */
export const Problem = v.object({
  code: v.string(),
  detail: v.string(),
  fields: v.nullish(v.array(FieldProblem)),
  outcome: v.nullish(Outcome),
  request_id: v.string(),
  status: v.number(),
  title: v.string(),
  type: v.string(),
});
export type Problem = v.InferOutput<typeof Problem>;

/** What became of one program of a batch. */
export const BatchItem = v.union([Accepted, Problem]);
export type BatchItem = v.InferOutput<typeof BatchItem>;

/** The answer to a batch: one item for each program, in order. */
export const BatchReply = v.object({
  executions: v.array(BatchItem),
});
export type BatchReply = v.InferOutput<typeof BatchReply>;

/** How [`Data`] stands in JSON. */
export const Data = v.union([
  v.object({
    text: v.string(),
  }),
  v.object({
    base64: v.string(),
  }),
]);
export type Data = v.InferOutput<typeof Data>;

/** One file. */
export const FileRequest = v.object({
  content: v.nullish(v.string()),
  data: v.nullish(Data),
  name: v.string(),
});
export type FileRequest = v.InferOutput<typeof FileRequest>;

/** Limits that differ from the defaults. */
export const LimitsRequest = v.object({
  cpu_ms: v.nullish(v.number()),
  disk_mb: v.nullish(v.number()),
  file_mb: v.nullish(v.number()),
  memory_mb: v.nullish(v.number()),
  output_kb: v.nullish(v.number()),
  processes: v.nullish(v.number()),
  wall_ms: v.nullish(v.number()),
});
export type LimitsRequest = v.InferOutput<typeof LimitsRequest>;

/** Which of a language's three queues a submission waits in. A higher one is always served first. */
export const Priority = v.picklist(['background', 'api', 'interactive']);
export type Priority = v.InferOutput<typeof Priority>;

/** A terminal's size in character cells. */
export const TerminalSize = v.object({
  columns: v.number(),
  rows: v.number(),
});
export type TerminalSize = v.InferOutput<typeof TerminalSize>;

/** A program to run. Only `language` and `files` (or `source`) are needed. */
export const SubmitRequest = v.object({
  args: v.nullish(v.array(v.string())),
  compiler_options: v.nullish(v.array(v.string())),
  entry: v.nullish(v.string()),
  env: v.nullish(v.record(v.string(), v.string())),
  files: v.nullish(v.array(FileRequest)),
  interactive: v.nullish(v.boolean()),
  language: v.string(),
  limits: v.nullish(LimitsRequest),
  output_files: v.nullish(v.array(v.string())),
  priority: v.nullish(Priority),
  queue_limit_ms: v.nullish(v.number()),
  session: v.nullish(v.string()),
  source: v.nullish(v.string()),
  stdin: v.nullish(v.string()),
  stdin_data: v.nullish(Data),
  terminal: v.nullish(TerminalSize),
});
export type SubmitRequest = v.InferOutput<typeof SubmitRequest>;

/** Several programs at once, at most 1,000. */
export const BatchRequest = v.object({
  executions: v.array(SubmitRequest),
});
export type BatchRequest = v.InferOutput<typeof BatchRequest>;

/** One thing that an edge needs. */
export const Check = v.object({
  detail: v.nullish(v.string()),
  name: v.string(),
  ok: v.boolean(),
});
export type Check = v.InferOutput<typeof Check>;

/** Why a file is not given back. */
export const LeftBecause = v.picklist(['missing', 'bad_path', 'not_regular', 'too_large', 'too_many', 'too_deep', 'unreadable']);
export type LeftBecause = v.InferOutput<typeof LeftBecause>;

/** Something that was asked for, or lay in a folder that was, and is not given back. */
export const LeftFile = v.object({
  name: v.string(),
  reason: LeftBecause,
});
export type LeftFile = v.InferOutput<typeof LeftFile>;

/** One thing that happened while a program ran. */
export const Chunk = v.variant('kind', [
  v.object({
    at_us: v.number(),
    kind: v.literal('phase'),
    number: v.number(),
    phase: Phase,
  }),
  v.object({
    at_us: v.number(),
    data: Data,
    kind: v.literal('compiler'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    data: Data,
    kind: v.literal('stdout'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    data: Data,
    kind: v.literal('stderr'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    data: Data,
    kind: v.literal('input'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    kind: v.literal('eof'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    columns: v.number(),
    kind: v.literal('resize'),
    number: v.number(),
    rows: v.number(),
  }),
  v.object({
    at_us: v.number(),
    kind: v.literal('signal'),
    number: v.number(),
    signal: v.number(),
  }),
  v.object({
    at_us: v.number(),
    kind: v.literal('cut'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    bytes: v.number(),
    kind: v.literal('file'),
    name: v.string(),
    number: v.number(),
    sha256: v.string(),
  }),
  v.object({
    at_us: v.number(),
    data: Data,
    kind: v.literal('file_data'),
    number: v.number(),
  }),
  v.object({
    at_us: v.number(),
    count: v.number(),
    kind: v.literal('files_left'),
    left: v.array(LeftFile),
    number: v.number(),
  }),
]);
export type Chunk = v.InferOutput<typeof Chunk>;

/** What a [`Chunk`] records. */
export const ChunkKind = v.variant('kind', [
  v.object({
    kind: v.literal('phase'),
    phase: Phase,
  }),
  v.object({
    data: Data,
    kind: v.literal('compiler'),
  }),
  v.object({
    data: Data,
    kind: v.literal('stdout'),
  }),
  v.object({
    data: Data,
    kind: v.literal('stderr'),
  }),
  v.object({
    data: Data,
    kind: v.literal('input'),
  }),
  v.object({
    kind: v.literal('eof'),
  }),
  v.object({
    columns: v.number(),
    kind: v.literal('resize'),
    rows: v.number(),
  }),
  v.object({
    kind: v.literal('signal'),
    signal: v.number(),
  }),
  v.object({
    kind: v.literal('cut'),
  }),
  v.object({
    bytes: v.number(),
    kind: v.literal('file'),
    name: v.string(),
    sha256: v.string(),
  }),
  v.object({
    data: Data,
    kind: v.literal('file_data'),
  }),
  v.object({
    count: v.number(),
    kind: v.literal('files_left'),
    left: v.array(LeftFile),
  }),
]);
export type ChunkKind = v.InferOutput<typeof ChunkKind>;

/** What one run may use. Compile steps have limits of their own, from the language definition. */
export const Limits = v.object({
  cpu_ms: v.number(),
  disk_mb: v.number(),
  file_mb: v.number(),
  memory_mb: v.number(),
  output_kb: v.number(),
  processes: v.number(),
  wall_ms: v.number(),
});
export type Limits = v.InferOutput<typeof Limits>;

/** What an attempt used. Figures of the program are of the run phase; where it never ran they
 * are of the compile phase. */
export const Measurements = v.object({
  compile_cached: v.nullish(v.boolean()),
  compile_us: v.nullish(v.number()),
  context_switches: v.number(),
  cpu_system_us: v.number(),
  cpu_user_us: v.number(),
  engine: v.string(),
  first_output_us: v.nullish(v.number()),
  memory_peak_bytes: v.number(),
  queued_us: v.number(),
  read_bytes: v.number(),
  wall_us: v.number(),
  warm: v.boolean(),
  written_bytes: v.number(),
});
export type Measurements = v.InferOutput<typeof Measurements>;

/** Length and hash of one stream. */
export const StreamSummary = v.object({
  bytes: v.number(),
  sha256: v.string(),
});
export type StreamSummary = v.InferOutput<typeof StreamSummary>;

/** What the whole output of an attempt must come to; part of the terminal event. */
export const OutputSummary = v.object({
  chunks: v.number(),
  compiler: StreamSummary,
  cut: v.boolean(),
  last_sequence: v.nullish(v.number()),
  stderr: StreamSummary,
  stdout: StreamSummary,
});
export type OutputSummary = v.InferOutput<typeof OutputSummary>;

/** Where an execution stands. */
export const Status = v.picklist(['queued', 'running', 'ended']);
export type Status = v.InferOutput<typeof Status>;

/** An execution. */
export const ExecutionView = v.object({
  attempts: v.array(AttemptView),
  cancelling: v.boolean(),
  code: v.nullish(v.string()),
  ended_at_ms: v.nullish(v.number()),
  entry: v.string(),
  id: ExecutionId,
  interactive: v.boolean(),
  language: v.string(),
  limits: Limits,
  links: Links,
  measurements: v.nullish(Measurements),
  outcome: v.nullish(Outcome),
  output: v.nullish(OutputSummary),
  priority: Priority,
  redrive_of: v.nullish(ExecutionId),
  redriven_as: v.nullish(ExecutionId),
  rerun_of: v.nullish(ExecutionId),
  session: v.nullish(v.string()),
  started_at_ms: v.nullish(v.number()),
  status: Status,
  submitted_at_ms: v.number(),
  terminal: v.nullish(TerminalSize),
  toolchain_version: v.nullish(v.string()),
});
export type ExecutionView = v.InferOutput<typeof ExecutionView>;

/** What a program wrote. */
export const OutputView = v.object({
  attempt: v.number(),
  compiler: Data,
  complete: v.boolean(),
  cut: v.boolean(),
  id: ExecutionId,
  stderr: Data,
  stdout: Data,
});
export type OutputView = v.InferOutput<typeof OutputView>;

/** The answer to a submission that was waited for until its end. */
export const Completed = v.object({
  execution: ExecutionView,
  output: OutputView,
});
export type Completed = v.InferOutput<typeof Completed>;

/** What was done with one dead letter. */
export const DeadLetterAction = v.object({
  id: ExecutionId,
  problem: v.nullish(Problem),
  redriven_as: v.nullish(ExecutionId),
});
export type DeadLetterAction = v.InferOutput<typeof DeadLetterAction>;

/** An execution that was given up through our fault. */
export const DeadLetterView = v.object({
  at_ms: v.number(),
  attempts: v.number(),
  execution: v.nullish(ExecutionView),
  id: ExecutionId,
  language: v.string(),
  reason: v.string(),
  redriven_as: v.nullish(ExecutionId),
  redriven_at_ms: v.nullish(v.number()),
});
export type DeadLetterView = v.InferOutput<typeof DeadLetterView>;

/** A page of dead letters, the oldest first. */
export const DeadLetterPage = v.object({
  letters: v.array(DeadLetterView),
  next: v.nullish(v.string()),
});
export type DeadLetterPage = v.InferOutput<typeof DeadLetterPage>;

/** What was done with dead letters, or would be. */
export const DeadLetterReport = v.object({
  dry_run: v.boolean(),
  letters: v.array(DeadLetterAction),
  more: v.boolean(),
});
export type DeadLetterReport = v.InferOutput<typeof DeadLetterReport>;

/** Which dead letters something is done with: all that everything given here fits. One of the
 * filters is needed, or `all`. */
export const DeadLetterSelection = v.object({
  all: v.nullish(v.boolean()),
  dry_run: v.nullish(v.boolean()),
  language: v.nullish(v.string()),
  limit: v.nullish(v.number()),
  reason: v.nullish(v.string()),
  since_ms: v.nullish(v.number()),
  until_ms: v.nullish(v.number()),
});
export type DeadLetterSelection = v.InferOutput<typeof DeadLetterSelection>;

/** Tells whether the dead letters are still the same. */
export const DeadLettersMark = v.object({
  last_sequence: v.number(),
  letters: v.number(),
});
export type DeadLettersMark = v.InferOutput<typeof DeadLettersMark>;

/** A page of the history, newest first. */
export const ExecutionPage = v.object({
  executions: v.array(ExecutionView),
  next: v.nullish(v.string()),
});
export type ExecutionPage = v.InferOutput<typeof ExecutionPage>;

/** A file that an execution gives back. */
export const FileView = v.object({
  bytes: v.number(),
  link: v.string(),
  media_type: v.string(),
  name: v.string(),
  sha256: v.string(),
});
export type FileView = v.InferOutput<typeof FileView>;

/** The files that an execution gives back. */
export const FilesView = v.object({
  complete: v.boolean(),
  files: v.array(FileView),
  id: ExecutionId,
  left: v.array(LeftFile),
  left_count: v.number(),
});
export type FilesView = v.InferOutput<typeof FilesView>;

/** A language. */
export const LanguageView = v.object({
  aliases: v.array(v.string()),
  available: v.boolean(),
  compiler_options: v.array(v.string()),
  entry: v.string(),
  extensions: v.array(v.string()),
  hello_world: v.string(),
  id: v.string(),
  name: v.string(),
  unavailable_because: v.nullish(v.string()),
  version: v.nullish(v.string()),
});
export type LanguageView = v.InferOutput<typeof LanguageView>;

/** All languages. */
export const Languages = v.object({
  languages: v.array(LanguageView),
});
export type Languages = v.InferOutput<typeof Languages>;

/** What waits in one queue. */
export const QueueView = v.object({
  language: v.string(),
  leased: v.number(),
  oldest_age_ms: v.nullish(v.number()),
  priority: Priority,
  waiting: v.number(),
});
export type QueueView = v.InferOutput<typeof QueueView>;

/** Sandboxes of one kind that wait on a worker. */
export const ParkedCells = v.object({
  cells: v.number(),
  host: v.string(),
  memory_bytes: v.number(),
});
export type ParkedCells = v.InferOutput<typeof ParkedCells>;

/** A language of a worker. */
export const WorkerLanguage = v.object({
  id: v.string(),
  version: v.nullish(v.string()),
});
export type WorkerLanguage = v.InferOutput<typeof WorkerLanguage>;

/** A worker, as it last reported itself. */
export const WorkerReport = v.object({
  at_ms: v.number(),
  available_memory_bytes: v.number(),
  draining: v.boolean(),
  engine: v.string(),
  free_slots: v.number(),
  host: v.string(),
  languages: v.array(WorkerLanguage),
  memory_bytes: v.number(),
  missing_layers: v.nullish(v.array(v.string())),
  name: v.string(),
  parked: v.nullish(v.array(ParkedCells)),
  slots: v.number(),
  started_at_ms: v.number(),
});
export type WorkerReport = v.InferOutput<typeof WorkerReport>;

/** Queues, workers and dead letters at one moment. */
export const OperationsView = v.object({
  at_ms: v.number(),
  dead_letters: DeadLettersMark,
  queues: v.array(QueueView),
  stale_because: v.nullish(v.string()),
  workers: v.array(WorkerReport),
});
export type OperationsView = v.InferOutput<typeof OperationsView>;

/** One message on `output.{id}`: chunks that follow each other. */
export const OutputBatch = v.object({
  attempt: v.number(),
  chunks: v.array(Chunk),
});
export type OutputBatch = v.InferOutput<typeof OutputBatch>;

/** One file of a submission. */
export const SourceFile = v.object({
  content: Data,
  name: v.string(),
});
export type SourceFile = v.InferOutput<typeof SourceFile>;

/** The program of an execution, as it was sent: enough to run it again or to edit it. */
export const ProgramView = v.object({
  args: v.array(v.string()),
  compiler_options: v.array(v.string()),
  entry: v.string(),
  env: v.record(v.string(), v.string()),
  files: v.array(SourceFile),
  interactive: v.boolean(),
  language: v.string(),
  limits: Limits,
  stdin: v.nullish(Data),
  terminal: v.nullish(TerminalSize),
});
export type ProgramView = v.InferOutput<typeof ProgramView>;

/** Whether an edge can do its work. */
export const Readiness = v.object({
  checks: v.array(Check),
  degraded: v.boolean(),
  ready: v.boolean(),
});
export type Readiness = v.InferOutput<typeof Readiness>;

/** A recording: what happened while an execution ran, with its timing. */
export const RecordingView = v.object({
  attempt: v.number(),
  chunks: v.array(Chunk),
  complete: v.boolean(),
  execution: ExecutionView,
});
export type RecordingView = v.InferOutput<typeof RecordingView>;

/** How to run an execution again. Everything may be left out. */
export const RerunRequest = v.object({
  against: v.nullish(v.string()),
  priority: v.nullish(Priority),
  session: v.nullish(v.string()),
});
export type RerunRequest = v.InferOutput<typeof RerunRequest>;

/** Names one snippet. 128 random bits, so that nobody finds it who was not given it; written as 32
 * hexadecimal digits in lower case. */
export const SnippetId = v.string();
export type SnippetId = v.InferOutput<typeof SnippetId>;

/** Paths of a snippet. */
export const SnippetLinks = v.object({
  page: v.string(),
  recording: v.nullish(v.string()),
  self: v.string(),
});
export type SnippetLinks = v.InferOutput<typeof SnippetLinks>;

/** The answer to a program that was shared. */
export const SnippetCreated = v.object({
  id: SnippetId,
  links: SnippetLinks,
});
export type SnippetCreated = v.InferOutput<typeof SnippetCreated>;

/** A program to share. Everything in it can be read by whoever has the link. With `execution_id`
 * and nothing of a program, the program is the one of that execution. */
export const SnippetRequest = v.object({
  args: v.nullish(v.array(v.string())),
  compiler_options: v.nullish(v.array(v.string())),
  entry: v.nullish(v.string()),
  env: v.nullish(v.record(v.string(), v.string())),
  execution_id: v.nullish(ExecutionId),
  files: v.nullish(v.array(FileRequest)),
  interactive: v.nullish(v.boolean()),
  language: v.nullish(v.string()),
  limits: v.nullish(LimitsRequest),
  output_files: v.nullish(v.array(v.string())),
  source: v.nullish(v.string()),
  stdin: v.nullish(v.string()),
  stdin_data: v.nullish(Data),
  terminal: v.nullish(TerminalSize),
  title: v.nullish(v.string()),
});
export type SnippetRequest = v.InferOutput<typeof SnippetRequest>;

/** A program that was shared. Never changes. */
export const SnippetView = v.object({
  args: v.array(v.string()),
  compiler_options: v.array(v.string()),
  created_at_ms: v.number(),
  entry: v.string(),
  env: v.record(v.string(), v.string()),
  execution_id: v.nullish(ExecutionId),
  files: v.array(SourceFile),
  id: SnippetId,
  interactive: v.boolean(),
  language: v.string(),
  limits: Limits,
  links: SnippetLinks,
  output_files: v.array(v.string()),
  same_program: v.nullish(v.boolean()),
  stdin: v.nullish(Data),
  terminal: v.nullish(TerminalSize),
  title: v.nullish(v.string()),
});
export type SnippetView = v.InferOutput<typeof SnippetView>;

/** What runs here. */
export const Version = v.object({
  name: v.string(),
  version: v.string(),
});
export type Version = v.InferOutput<typeof Version>;

/** What an edge says to a viewer: over the WebSocket as text messages, over SSE with `type` as
 * the event's name, `cursor` as its id and the whole as its data. */
export const ViewerMessage = v.variant('type', [
  v.object({
    at_ms: v.number(),
    cursor: v.string(),
    execution: ExecutionView,
    name: v.string(),
    type: v.literal('event'),
  }),
  v.object({
    attempt: v.number(),
    chunks: v.array(Chunk),
    cursor: v.string(),
    type: v.literal('output'),
  }),
  v.object({
    code: v.string(),
    message: v.string(),
    type: v.literal('error'),
  }),
  v.object({
    cursor: v.string(),
    type: v.literal('resume'),
  }),
]);
export type ViewerMessage = v.InferOutput<typeof ViewerMessage>;

/** What a viewer says on the WebSocket. */
export const ViewerRequest = v.variant('type', [
  v.object({
    data: Data,
    type: v.literal('stdin'),
  }),
  v.object({
    type: v.literal('eof'),
  }),
  v.object({
    columns: v.number(),
    rows: v.number(),
    type: v.literal('resize'),
  }),
  v.object({
    signal: v.string(),
    type: v.literal('signal'),
  }),
  v.object({
    type: v.literal('cancel'),
  }),
]);
export type ViewerRequest = v.InferOutput<typeof ViewerRequest>;

/** The workers that have reported themselves in the last thirty seconds. */
export const Workers = v.object({
  workers: v.array(WorkerReport),
});
export type Workers = v.InferOutput<typeof Workers>;
