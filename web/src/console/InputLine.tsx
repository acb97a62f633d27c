import { type SyntheticEvent, useState } from 'react';
import type { Run } from '../run/run';

/** A line to type into a program whose output is shown as text. */
export function InputLine({ run }: { run: Run }) {
  const [line, setLine] = useState('');
  const send = (event: SyntheticEvent) => {
    event.preventDefault();
    if (run.say({ type: 'stdin', data: { text: `${line}\n` } })) setLine('');
  };
  return (
    <form onSubmit={send} className="flex items-center gap-1 border-t border-line px-2 py-1">
      <input
        className="field flex-1 font-mono"
        aria-label="Input for the program; Enter sends it"
        placeholder="Type here; Enter sends"
        autoComplete="off"
        autoCapitalize="off"
        spellCheck={false}
        enterKeyHint="send"
        value={line}
        onChange={(event) => setLine(event.target.value)}
      />
      <button type="submit" className="btn btn-line">
        Send
      </button>
      <button type="button" className="btn btn-line" title="End of input (Ctrl+D)" onClick={() => run.say({ type: 'eof' })}>
        End
      </button>
      <button type="button" className="btn btn-line" title="Interrupt (Ctrl+C)" onClick={() => run.say({ type: 'signal', signal: 'INT' })}>
        ^C
      </button>
    </form>
  );
}
