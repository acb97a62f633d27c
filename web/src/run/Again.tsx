import { useState } from 'react';
import { program, rerun } from '../api/client';
import { ApiError } from '../api/error';
import { go } from '../app/route';
import { watch } from '../app/runs';
import { session } from '../app/settings';
import { bench, workspace } from '../app/state';
import { Icon } from '../ui/icons';
import { randomId } from '../lib/random';
import { projectOf } from '../workspace/project';

const NO_ROOM = 'This browser has no room to put your own program aside.';

/** Runs the program of a past run once more, or opens it in the editor. */
export function Again({ id }: { id: string }) {
  const [problem, setProblem] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);
  // One key until it worked: trying again runs nothing twice.
  const [key, setKey] = useState(randomId);
  const tried = async (act: () => Promise<string | null>) => {
    setBusy(true);
    try {
      setProblem(await act());
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      setProblem(error.message);
    } finally {
      setBusy(false);
    }
  };
  const run = async () => {
    const accepted = await rerun(id, session, key);
    setKey(randomId());
    bench.set({ pane: 'console' });
    watch(accepted.id);
    return null;
  };
  const edit = async () => {
    if (!workspace.take(projectOf(await program(id)))) return NO_ROOM;
    go(`/runs/${id}`);
    bench.set({ pane: 'code' });
    return null;
  };
  return (
    <>
      <button type="button" className="btn justify-start" disabled={busy} onClick={() => void tried(run)}>
        <Icon name="again" size={14} /> Run again
      </button>
      <button type="button" className="btn justify-start" disabled={busy} onClick={() => void tried(edit)}>
        <Icon name="file" size={14} /> Open its code
      </button>
      {problem && (
        <span role="alert" className="px-2 text-bad">
          {problem}
        </span>
      )}
    </>
  );
}
