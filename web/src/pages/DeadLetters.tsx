import { useEffect, useState } from 'react';
import * as client from '../api/client';
import { ApiError } from '../api/error';
import type { DeadLettersMark, DeadLetterView } from '../api/generated';
import { Go } from '../app/TopBar';
import { moment } from '../lib/format';
import { randomId } from '../lib/random';
import { useLoaded } from '../lib/useLoaded';
import { ErrorNotice } from '../ui/ErrorNotice';
import { CELL, Table } from './Table';

/** What was given up through our fault, and what can be done with it. */
export function DeadLetters({ mark }: { mark: DeadLettersMark | null }) {
  const { value, error, again: look } = useLoaded(client.deadLetters);
  const changed = mark && `${mark.letters} ${mark.last_sequence}`;
  useEffect(look, [changed, look]);
  const [failed, setFailed] = useState<ApiError | null>(null);
  const act = async (doing: () => Promise<void>) => {
    try {
      setFailed(null);
      await doing();
    } catch (thrown) {
      if (!(thrown instanceof ApiError)) throw thrown;
      setFailed(thrown);
    }
    look();
  };
  return (
    <>
      {(failed ?? error) && <ErrorNotice error={(failed ?? error) as ApiError} doing={failed ? 'do that' : 'ask for the dead letters'} onRetry={look} />}
      {value && (
        <Table title="Dead letters" heads={['When', 'Language', 'Attempts', 'Reason', 'Run', 'Do']} empty="None: nothing was given up.">
          {value.letters.map((letter) => (
            <Letter key={letter.id} letter={letter} act={(doing) => void act(doing)} />
          ))}
        </Table>
      )}
    </>
  );
}

function Letter({ letter, act }: { letter: DeadLetterView; act: (doing: () => Promise<void>) => void }) {
  // One key for as long as it is shown: a second click has nothing run twice.
  const [key] = useState(randomId);
  const { id, redriven_as: again } = letter;
  return (
    <tr>
      <td className={CELL}>{moment(letter.at_ms, Date.now())}</td>
      <td className={CELL}>{letter.language}</td>
      <td className={CELL}>{letter.attempts}</td>
      <td className="border-b border-line py-1 pr-4">{letter.reason}</td>
      <td className={CELL}>
        <Go to={`/runs/${id}`} current={false} className="link hit">
          Open
        </Go>
      </td>
      <td className={CELL}>
        {again ? (
          <Go to={`/runs/${again}`} current={false} className="link hit">
            Tried again
          </Go>
        ) : (
          <button type="button" className="btn btn-line" onClick={() => act(() => client.redrive(id, key))}>
            Try again
          </button>
        )}{' '}
        <button type="button" className="btn btn-line" onClick={() => act(() => client.dropLetter(id))}>
          Drop
        </button>
      </td>
    </tr>
  );
}
