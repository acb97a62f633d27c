import type { ApiError } from '../api/error';
import { Icon } from './icons';

interface Props {
  readonly error: ApiError;
  /** What was to be done, in words: `send the program`. */
  readonly doing: string;
  readonly onRetry?: () => void;
}

/** A failed request: whose fault it was, what to quote, and what can be done. */
export function ErrorNotice({ error, doing, onRetry }: Props) {
  const { failure, ours, requestId } = error;
  const fields = failure.kind === 'refused' ? (failure.problem.fields ?? []) : [];
  return (
    <div role="alert" className="border-l-3 border-bad bg-bad-soft px-3 py-2">
      <p className="flex items-center gap-2 font-semibold">
        <Icon name="warn" />
        {ours ? `Our fault, not your program's: could not ${doing}` : `Could not ${doing}`}
      </p>
      <p className="mt-1">{error.message}</p>
      {fields.length > 0 && (
        <ul className="mt-1 list-disc pl-5">
          {fields.map((field) => (
            <li key={field.field}>
              <code>{field.field}</code>: given <code>{field.given}</code>, allowed: {field.allowed}
            </li>
          ))}
        </ul>
      )}
      <div className="mt-2 flex flex-wrap items-center gap-3">
        {ours && onRetry && (
          <button type="button" className="btn btn-line" onClick={onRetry}>
            <Icon name="again" /> Try again
          </button>
        )}
        {ours && onRetry && <span className="text-dim">Safe: nothing runs twice.</span>}
        {requestId && (
          <span className="text-dim">
            Request <code className="select-all">{requestId}</code>
          </span>
        )}
      </div>
    </div>
  );
}
