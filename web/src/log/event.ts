// The events of the log and its recordings, as they stand on the wire (schemas/src/wire.rs).
import * as v from 'valibot';
import {
  Chunk,
  Data,
  Limits,
  Measurements,
  Outcome,
  OutputSummary,
  Priority,
  TerminalSize,
} from '../api/generated';

/** The version of the wire format that this code reads. */
export const VERSION = 1;

const Submission = v.object({
  language: v.string(),
  priority: Priority,
  files: v.array(v.object({ name: v.string(), content: Data })),
  entry: v.string(),
  args: v.optional(v.array(v.string()), []),
  env: v.optional(v.record(v.string(), v.string()), {}),
  compiler_options: v.optional(v.array(v.string()), []),
  stdin: v.nullish(Data),
  interactive: v.optional(v.boolean(), false),
  terminal: v.nullish(TerminalSize),
  limits: Limits,
  queue_limit_ms: v.number(),
  session: v.nullish(v.string()),
  request_digest: v.nullish(v.string()),
  toolchain_version: v.nullish(v.string()),
  repeats: v.nullish(
    v.variant('kind', [
      v.object({ kind: v.literal('rerun'), of: v.string() }),
      v.object({ kind: v.literal('redrive'), of: v.string() }),
    ]),
  ),
});
export type Submission = v.InferOutput<typeof Submission>;

const envelope = { v: v.literal(VERSION), at_ms: v.number() };

const ExecutionEvent = v.variant('type', [
  v.object({ ...envelope, type: v.literal('submitted'), submission: Submission }),
  v.object({ ...envelope, type: v.literal('started'), attempt: v.number(), worker: v.string() }),
  v.object({
    ...envelope,
    type: v.literal('retried'),
    attempt: v.number(),
    reason: v.string(),
    not_before_ms: v.number(),
    handed_back: v.optional(v.boolean()),
  }),
  v.object({ ...envelope, type: v.literal('cancel_requested') }),
  v.object({ ...envelope, type: v.literal('cancelled') }),
  v.object({
    ...envelope,
    type: v.literal('finished'),
    attempt: v.number(),
    outcome: Outcome,
    measurements: Measurements,
    output: OutputSummary,
  }),
  v.object({ ...envelope, type: v.literal('expired') }),
  v.object({
    ...envelope,
    type: v.literal('dead'),
    attempt: v.number(),
    reason: v.string(),
    output: OutputSummary,
  }),
]);
export type ExecutionEvent = v.InferOutput<typeof ExecutionEvent>;

const OutputMessage = v.object({
  v: v.literal(VERSION),
  attempt: v.number(),
  chunks: v.pipe(v.array(Chunk), v.minLength(1)),
});
export type OutputMessage = v.InferOutput<typeof OutputMessage>;

/** Reads an event; throws at a version or a type that it does not know, and never skips. */
export function decodeEvent(json: string): ExecutionEvent {
  return v.parse(ExecutionEvent, JSON.parse(json));
}

/** Reads a message of the recording; throws as `decodeEvent` does. */
export function decodeOutput(json: string): OutputMessage {
  return v.parse(OutputMessage, JSON.parse(json));
}
